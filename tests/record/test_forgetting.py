"""What is forgotten is nowhere on the disk; what others need is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from grader.record import exported, history, lines
from grader.record.forgetting import erase
from grader.record.store import Store
from grader.types import Attempt, Engine, Record
from tests.support import builders as b

GRU, LSTM = "multiplication-gru", "multiplication-lstm"
SECRET = "what-kim-printed"


def kept(store: Store, *records: Record, stdout: str = SECRET) -> None:
    for one in records:
        store.save_execution(one.execution_key, b.execution(stdout=stdout))
        store.save(one)


def files_naming(out: Path, *words: str) -> list[str]:
    """Every file whose name or content has one of the words."""
    found = []
    for path in out.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        if any(word in path.name or word.encode() in data for word in words):
            found.append(str(path.relative_to(out)))
    return found


def test_nothing_of_a_student_is_left_and_everything_of_the_others(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        kept(store, b.record("kim", LSTM), b.record("kim", LSTM, salt=1), b.record("kim", GRU))
        kept(store, b.record("lee", LSTM), stdout="lee's")
        store.journal.begin(f"kim/{LSTM}.ipynb/{b.record('kim', LSTM).execution_key}")
        lines.append(store.out / history.NAME, [{"student": "kim"}, {"student": "lee"}])
        exported.append(store.out, "canvas", "t", {"kim": "1", "lee": "2"}, exported.Exported())
        assert erase(store, "kim") == 3
        assert [one.student for one in store.latest()] == ["lee"]
        assert store.load_execution(b.record("lee", LSTM).execution_key) is not None
    assert files_naming(tmp_path, "kim", SECRET) == []
    assert list((tmp_path / "journal").iterdir()) == []
    assert exported.read(tmp_path, "canvas").digests == {"lee": "2"}


def test_the_index_keeps_no_trace_of_a_name(tmp_path: Path) -> None:
    """A row that is deleted stays in a database's free pages."""
    with Store(tmp_path) as store:
        kept(store, b.record("kim"), b.record("lee"))
        store.latest()
    with Store(tmp_path) as store:
        erase(store, "kim")
    assert b"kim" not in (tmp_path / "grades.db").read_bytes()
    assert b"lee" in (tmp_path / "grades.db").read_bytes()


def test_of_one_exercise_the_others_and_their_run_stay(tmp_path: Path) -> None:
    """A notebook with both has one run."""
    one = b.record("kim", LSTM, "kim/chapter.ipynb")
    both = (one, b.record("kim", GRU, "kim/chapter.ipynb", execution_key=one.execution_key))
    with Store(tmp_path) as store:
        kept(store, *both)
        erase(store, "kim", GRU)
        assert [it.exercise for it in store.latest()] == [LSTM]
        assert store.load_execution(one.execution_key) is not None
        erase(store, "kim", LSTM)
        assert store.load_execution(one.execution_key) is None


def test_runs_of_other_attempts_go_too(tmp_path: Path) -> None:
    seeds = (7, 8)
    tries = tuple(Attempt(n, seed, Engine.JAX, "run", {}, 1.0) for n, seed in enumerate(seeds, 1))
    with Store(tmp_path) as store:
        kept(store, b.record("kim", attempts=tries))
        store.save_execution("e" * 64, replace(b.execution(stdout=SECRET), seed=8))
        store.save_execution("f" * 64, replace(b.execution(stdout="others"), seed=9))
        erase(store, "kim")
        assert store.load_execution("f" * 64) is not None
    assert files_naming(tmp_path, SECRET) == []


def test_a_run_that_somebody_elses_record_tells_of_stays(tmp_path: Path) -> None:
    kim = b.record("kim")
    lee = b.record("lee", execution_key=kim.execution_key, same_as=kim.submission)
    with Store(tmp_path) as store:
        kept(store, kim, lee, stdout="of both")
        erase(store, "kim")
        assert store.load_execution(kim.execution_key) is not None
        assert store.latest() == [replace(lee, same_as="")]
    assert files_naming(tmp_path, "kim") == []


def test_tracebacks_that_name_the_student_go_and_others_stay(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        kept(store, b.record("kim"), b.record("kimberly"))
        (tmp_path / "faults").mkdir()
        (tmp_path / "faults" / "1.txt").write_text("ValueError in kim/multiplication-lstm.ipynb")
        (tmp_path / "faults" / "2.txt").write_text("ValueError in kimberly/x.ipynb")
        erase(store, "kim")
    assert [one.name for one in (tmp_path / "faults").iterdir()] == ["2.txt"]


def test_a_damaged_record_that_names_the_student_goes(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        kept(store, b.record("김민준"), b.record("lee"))
        path = tmp_path / "results" / b.record("김민준").key / "record.json"
        damaged = path.parent.with_name("0" * 64)
        shutil.copytree(path.parent, damaged)
        (damaged / "record.json").write_bytes(path.read_bytes()[:-1])
        erase(store, "김민준")
    assert files_naming(tmp_path, "김민준") == []


def test_erasing_again_changes_nothing(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        kept(store, b.record("kim"), b.record("lee"))
        erase(store, "kim")
        assert erase(store, "kim") == 0
        assert [one.student for one in store.latest()] == ["lee"]
