"""Ctrl-C: the first finishes what runs, the second ends at once, and the next call goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.cli_help import ROOT
from tests.support.notebook_files import notebook, write

pytestmark = pytest.mark.real

STUDENTS = 3
SHORT, LONG = 4, 30  # seconds of a notebook; the long one is never waited for where a test passes


def handed_in(folder: Path, seconds: int) -> Path:
    for number in range(STUDENTS):
        path = folder / f"student{number}" / "sequence-prediction.ipynb"
        # Each its own: the same code would be run once for all.
        write(path, notebook(f"import time\ntime.sleep({seconds})\nnumber = {number}"))
    return folder


class Call:
    """One call of ``grader grade``, as from a terminal of its own."""

    def __init__(self, batch: Path, jobs: int = 1) -> None:
        self.out = batch.parent / "out"
        self.said = batch.parent / "said.txt"
        with self.said.open("wb") as said:
            self.process = self._started(batch, jobs, said)

    def _started(self, batch: Path, jobs: int, said: IO[bytes]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "grader", "grade", str(batch), "--out", str(self.out)),
                *("--format", "json", "--lang", "en", "--jobs", str(jobs), "--timeout", "600"),
            ],
            env={
                **os.environ,
                "GRADER_COURSE": str(ROOT),
                "GRADER_SECRET_FILE": str(batch.parent / "secret"),
            },
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        )

    def running(self) -> bool:
        """Whether a notebook is at work in its room."""
        return any(self.out.glob("journal/*")) and bool(rooms(self.process.pid))

    def press_ctrl_c(self) -> None:
        """A terminal sends the signal to everything in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, list[dict[str, Any]], str]:
        out, _ = self.process.communicate(timeout=600)
        results = json.loads(out)["results"] if out else []
        return self.process.returncode, results, self.said.read_text(encoding="utf-8")


@pytest.fixture(params=[SHORT])
def batch(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return handed_in(tmp_path / "class", request.param)


@pytest.fixture
def call(batch: Path) -> Iterator[Call]:
    call = Call(batch)
    yield call
    if call.process.poll() is None:
        call.process.kill()
    call.process.communicate()


def wait_until(true: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)


def rooms(grader: int | None = None) -> list[int]:
    """Processes of notebooks' rooms below a grader, or left without one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parents = _ancestors(int(folder.name))
        except (OSError, ValueError):
            continue
        if b"kernel/start.py" in command and (grader in parents if grader else 1 in parents[:1]):
            found.append(int(folder.name))
    return found


def _ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        found.append(pid)
    return found


def test_the_first_interrupt_finishes_what_runs_and_the_next_call_goes_on(
    batch: Path, call: Call
) -> None:
    wait_until(call.running)
    call.press_ctrl_c()
    code, results, said = call.end()
    assert code == 130, said
    assert [one["verdict"] for one in results] == ["no_model"]
    *_, last = said.splitlines()
    assert str(STUDENTS - 1) in last
    assert "same command again" in last
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said

    code, results, said = Call(batch).end()
    assert code == 1, said
    assert len(results) == STUDENTS
    assert {one["verdict"] for one in results} == {"no_model"}
    assert said.count("not run again") == 1


@pytest.mark.parametrize("batch", [LONG], indirect=True)
def test_the_second_interrupt_ends_at_once_and_leaves_no_room_behind(
    batch: Path, call: Call
) -> None:
    wait_until(call.running)
    mine = rooms(call.process.pid)
    call.press_ctrl_c()
    wait_until(lambda: "Ctrl-C again" in call.said.read_text(encoding="utf-8"))
    call.press_ctrl_c()
    code, results, said = call.end()
    assert (code, results) == (130, []), "what ran was not waited for: it would be graded"
    assert "Traceback" not in said
    wait_until(lambda: not [pid for pid in mine if Path(f"/proc/{pid}").exists()])

    code, results, said = Call(batch, jobs=STUDENTS).end()
    assert code == 1, said
    assert {one["verdict"] for one in results} == {"no_model"}
    assert len(results) == STUDENTS
