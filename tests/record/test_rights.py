"""What is kept is for its owner alone, whatever the umask says."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import seeds
from grader.record import files
from grader.record.store import Store
from tests.support import builders as b

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")

KEY = b.key_of("a run")


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """From lets-all to lets-none."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def kept(out: Path) -> None:
    """Keep one of each: record, execution, journal, pages, index."""
    with Store(out) as store:
        record = b.record("a")
        store.save(record)
        store.save_execution(KEY, b.execution())
        store.journal.begin("a job")
        files.write_whole(out / "feedback" / "a.html", b"page")
        assert store.latest() == [record]
        store_files = rights(out)  # with what the database has beside it while it is open
    assert {Path(name).name for name in store_files} >= {"grades.db", "grades.db-wal", ".lock"}
    assert {mode for name, mode in store_files.items() if name.startswith("grades.db")} == {
        files.OWNERS_FILE
    }


def rights(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
    }


@pytest.mark.usefixtures("umask")
def test_everything_that_is_kept_is_its_owners(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    kept(out)
    found = rights(tmp_path)
    assert {"deep/out/results", "deep/out/evidence", "deep/out/journal"} <= found.keys()
    for name, mode in found.items():
        usual = files.OWNERS_FOLDER if (tmp_path / name).is_dir() else files.OWNERS_FILE
        assert mode == usual, name


@pytest.mark.usefixtures("umask")
def test_in_a_folder_that_others_may_enter_what_is_made_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    kept(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755  # theirs to change
    assert {mode & 0o077 for mode in rights(tmp_path).values()} == {0}


@pytest.mark.usefixtures("umask")
def test_a_secret_and_its_folder_are_their_owners(tmp_path: Path) -> None:
    seeds.course_secret(tmp_path / "rnn-grader" / "course-secret")
    assert rights(tmp_path) == {"rnn-grader": 0o700, "rnn-grader/course-secret": 0o600}


def test_what_somebody_asked_to_have_elsewhere_has_the_usual_rights(
    tmp_path: Path, umask: int
) -> None:
    files.write_whole(tmp_path / "for-the-lms" / "grades.csv", b"", shared=True)
    assert rights(tmp_path) == {
        "for-the-lms": 0o777 & ~umask,
        "for-the-lms/grades.csv": 0o666 & ~umask,
    }


def test_what_others_can_look_into_is_known(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(0o700)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o750)
    assert not files.open_to_others(tmp_path / "closed")
    assert files.open_to_others(tmp_path / "open")
    assert not files.open_to_others(tmp_path / "not there")


def test_evidence_that_was_erased_leaves_the_grades(tmp_path: Path) -> None:
    """As docs/security.md says: ``rm -r OUT/evidence``."""
    import shutil

    with Store(tmp_path) as store:
        record = b.record("a")
        store.save(record)
        store.save_execution(KEY, b.execution())
    shutil.rmtree(tmp_path / "evidence")
    with Store(tmp_path) as store:
        assert store.latest() == [record]
        assert store.load_execution(KEY) is None
        assert store.warnings == []
