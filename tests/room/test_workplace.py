"""Folders of a run: private, gone at the end, swept where their grader was killed."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.room import workplace as module
from grader.room.workplace import SCRATCH, sweep, workplace
from tests.room.test_removing import nest

HOLD = """
import sys, time
from grader.room.workplace import workplace
with workplace("in") as place:
    print(place, flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of the test's own."""
    monkeypatch.setattr(module, "parent", lambda: tmp_path)
    return tmp_path


def _held_elsewhere(folder: Path) -> tuple[subprocess.Popen[str], Path]:
    source = HOLD.replace(
        "with workplace",
        f"import grader.room.workplace as w\nfrom pathlib import Path\nw.parent = lambda: Path({str(folder)!r})\nwith workplace",
    )
    running = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    return running, Path(running.stdout.readline().strip())


def test_a_folder_is_private_and_gone_at_the_end(temporary: Path) -> None:
    with workplace("in", "out") as place:
        assert sorted(path.name for path in place.iterdir()) == ["in", "out"]
        assert place.stat().st_mode & 0o777 == 0o700
        assert place.name.startswith("grader-run-")
    assert list(temporary.iterdir()) == []


def test_it_is_gone_after_an_exception_too(temporary: Path) -> None:
    with pytest.raises(ZeroDivisionError), workplace("in"):
        raise ZeroDivisionError
    assert list(temporary.iterdir()) == []


def test_what_a_killed_grader_left_is_swept_however_deep(temporary: Path) -> None:
    """Else no other grader could begin here."""
    left = temporary / "grader-scratch-abc"
    left.mkdir()
    nest(left, 3000)
    sweep(temporary)
    assert list(temporary.iterdir()) == []


def test_a_folder_in_use_is_not_swept_and_that_of_a_killed_grader_is(temporary: Path) -> None:
    running, place = _held_elsewhere(temporary)
    try:
        sweep(temporary)
        assert (place / "in").is_dir()
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert place.is_dir()
    sweep(temporary)
    assert list(temporary.iterdir()) == []


def test_our_own_folder_is_not_swept_by_ourselves(temporary: Path) -> None:
    with workplace(kind=SCRATCH) as place:
        sweep(temporary)
        assert place.is_dir()


def test_a_folder_not_yet_locked_is_left_for_an_hour(temporary: Path) -> None:
    new, old = temporary / ".grader-run-new", temporary / ".grader-run-old"
    new.mkdir(0o700)
    old.mkdir(0o700)
    os.utime(old, (time.time() - 7200,) * 2)
    sweep(temporary)
    assert [path.name for path in temporary.iterdir()] == [".grader-run-new"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_disk_that_knows_no_locks_is_worked_on_without(
    temporary: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    lock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", refused)
    with workplace("in") as place:
        sweep(temporary)
        assert (place / "in").is_dir()
        monkeypatch.setattr(fcntl, "flock", lock)  # another grader may be luckier
        sweep(temporary)
        assert (place / "in").is_dir()
    assert not list(temporary.iterdir())


def test_what_was_not_made_here_stays(temporary: Path) -> None:
    outside = temporary / "kept"
    outside.mkdir()
    (temporary / "grader-run-link").symlink_to(outside)
    (temporary / "grader-run-file").write_text("a file")
    (temporary / "grader-runs").mkdir()
    sweep(temporary)
    assert sorted(path.name for path in temporary.iterdir()) == [
        *("grader-run-file", "grader-run-link", "grader-runs", "kept"),
    ]


HELD = """
import os
for number in os.listdir("/proc/self/fd"):
    try:
        print(os.readlink(f"/proc/self/fd/{number}"))
    except FileNotFoundError:  # that of the listing
        pass
"""


def test_a_child_that_we_start_does_not_keep_the_lock(temporary: Path) -> None:
    with workplace() as place:
        targets = subprocess.run(
            [sys.executable, "-c", HELD],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            close_fds=False,
        ).stdout.splitlines()
        assert targets  # its own output at least
        assert str(place) not in targets
