"""Nothing that was graded is lost, halved or mixed up."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.record import files, flushing
from grader.record.store import Store, UnkeepableError, canonical, execution_key, score_key
from grader.types import (
    ByRules,
    Engine,
    Execution,
    GraderError,
    Jump,
    Message,
    Record,
    Training,
    Verdict,
)
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
KEY = b.key_of("a run")
PATIENCE = 300.0  # seconds for what comes at once: reached only where it never comes


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "out") as opened:
        yield opened


def record_file(store: Store, record: Record) -> Path:
    return store.out / "results" / record.key / "record.json"


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class TestRecords:
    def test_a_record_comes_back_as_it_was(self, store: Store) -> None:
        kept = b.record("김민준", grade=b.grade(Verdict.SUSPICIOUS, 87.5, flags=("pretrained",)))
        store.save(kept)
        assert store.load(kept.key) == kept

    def test_an_ungraded_record_keeps_no_score(self, store: Store) -> None:
        store.save(b.ungraded())
        (back,) = store.latest()
        assert back.grade.score is None
        assert not back.grade.graded

    def test_nan_in_a_history_survives_and_the_file_is_strict_json(self, store: Store) -> None:
        kept = b.record(evidence=b.evidence(train=b.training((0.3, math.nan, math.inf))))
        store.save(kept)

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        json.loads(record_file(store, kept).read_bytes(), parse_constant=refuse)
        back = store.load(kept.key)
        assert back is not None
        assert back.evidence is not None
        assert back.evidence.training is not None
        losses = back.evidence.training.history["loss"]
        assert losses[0] == 0.3
        assert math.isnan(losses[1])
        assert math.isinf(losses[2])

    def test_text_that_is_not_unicode_does_not_stop_a_record(self, store: Store) -> None:
        told = Message("runs.failed", {"error": "bad \ud800 text"})
        kept = b.record(grade=b.grade(checks=(b.check(message=told),)))
        store.save(kept)
        back = store.load(kept.key)
        assert back is not None
        assert back.grade.checks[0].message.args["error"] == "bad ? text"

    def test_an_unknown_key_is_no_record(self, store: Store) -> None:
        assert store.load(b.key_of("nothing")) is None

    def test_what_the_course_s_rules_make_of_it_is_never_kept(self, store: Store) -> None:
        with pytest.raises(UnkeepableError):
            store.save(b.record(by_rules=ByRules(counts=True)))

    def test_a_key_that_is_a_path_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="not a key"):
            store.load("../../etc/passwd")

    def test_the_record_saved_last_counts(self, store: Store) -> None:
        first, second = b.record(salt=1), b.record(salt=2)
        store.save(first)
        store.save(second)
        assert store.latest() == [second]

    def test_a_record_saved_again_counts_again(self, store: Store) -> None:
        first, second = b.record(salt=1), b.record(salt=2)
        for kept in (first, second, first):
            store.save(kept)
        assert store.latest() == [first]

    @pytest.mark.filterwarnings("error")  # on a terminal, one sentence is enough
    @pytest.mark.parametrize(
        "told",
        [7, {"a": 1}, object(), "x" * 2**24],
        ids=["a number", "a table", "an object", "beyond the bound"],
    )
    def test_what_could_not_be_read_back_is_refused_and_hides_no_older_record(
        self, store: Store, told: Any
    ) -> None:
        first = b.record(salt=1)
        store.save(first)
        check = replace(b.check(), got=told)
        with pytest.raises(UnkeepableError) as refusal:
            store.save(b.record(salt=2, grade=b.grade(checks=(check,))))
        message = refusal.value.message
        assert (message.id, message.args["submission"]) == (
            "record.unreadable_grade",
            first.submission,
        )
        assert store.latest() == [first]
        assert not store.warnings

    def test_where_the_newest_cannot_be_read_the_one_before_counts(self, store: Store) -> None:
        kept = [b.record(salt=salt) for salt in range(4)]
        for one in (*kept, b.record("lee")):
            store.save(one)
        for one in kept[2:]:
            damaged = json.loads(record_file(store, one).read_bytes())
            damaged["record"]["seconds"] = "long"
            record_file(store, one).write_text(json.dumps(damaged))
        assert store.latest() == [kept[1], b.record("lee")]
        assert len(store.warnings) == 2

    def test_equal_submissions_of_one_student_both_count(self, store: Store) -> None:
        one, other = (b.record(submission=f"kim/{name}.ipynb") for name in ("a", "b"))
        store.save(one)
        store.save(other)
        assert store.latest() == [one, other]

    def test_latest_is_ordered_by_student_and_exercise(self, store: Store) -> None:
        for who, what in (("lee", "b"), ("kim", "b"), ("kim", "a")):
            store.save(b.record(who, what))
        told = [(kept.student, kept.exercise) for kept in store.latest()]
        assert told == [("kim", "a"), ("kim", "b"), ("lee", "b")]

    def test_workers_may_save_without_the_lock(self, store: Store) -> None:
        kept = b.record()
        Store(store.out).save(kept)
        assert store.latest() == [kept]

    def test_a_reader_needs_no_lock_and_writes_nothing(self, store: Store) -> None:
        store.save(b.record())
        store.close()
        before = everything_in(store.out)
        assert len(Store(store.out).latest()) == 1
        assert everything_in(store.out) == before

    def test_a_folder_that_is_not_there_holds_no_records(self, tmp_path: Path) -> None:
        assert Store(tmp_path / "nowhere").latest() == []
        assert not (tmp_path / "nowhere").exists()


class TestDamage:
    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b'{"record": 3}', b"\xff\xfe", b"[" * 9999]
    )
    def test_a_corrupt_record_is_left_out_with_a_warning(
        self, store: Store, content: bytes
    ) -> None:
        good, bad = b.record("kim"), b.record("lee")
        store.save(good)
        store.save(bad)
        record_file(store, bad).write_bytes(content)
        assert store.load(bad.key) is None
        assert store.latest() == [good]
        assert {warning.id for warning in store.warnings} == {"record.unreadable"}
        assert str(record_file(store, bad)) in {note.args["path"] for note in store.warnings}

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("saved_at", 10**30),
            ("saved_at", 2**63 - 1),
            ("saved_at", -(10**30)),
            ("score", 10**400),
            ("student", "half a \ud800 pair"),
            ("grade", []),
        ],
        ids=["a year that is none", "the last moment", "long ago", "no float", "no text", "a list"],
    )
    def test_what_the_database_cannot_hold_takes_nobody_along(
        self, store: Store, name: str, value: Any
    ) -> None:
        good, bad = b.record("kim"), b.record("lee")
        store.save(good)
        store.save(bad)
        whole = json.loads(record_file(store, bad).read_bytes())
        for table in (whole, whole["record"], whole["record"]["grade"]):
            if name in table:
                table[name] = value
        record_file(store, bad).write_text(json.dumps(whole))
        assert store.latest() == [good]
        assert Store(store.out).latest() == [good]
        assert str(record_file(store, bad)) in {note.args["path"] for note in store.warnings}
        store.save(bad)
        assert store.latest() == [good, bad]

    def test_a_record_under_another_key_is_not_believed(self, store: Store) -> None:
        mine, other = b.record("kim"), b.record("lee")
        store.save(mine)
        store.save(other)
        shutil.copy(record_file(store, mine), record_file(store, other))
        assert store.load(other.key) is None

    def test_the_database_is_rebuilt_from_the_files(self, store: Store) -> None:
        kept = [b.record(who) for who in ("kim", "lee")]
        for one in kept:
            store.save(one)
        store.close()
        for path in store.out.glob("grades.db*"):
            path.unlink()
        with Store(store.out) as again:
            assert again.latest() == kept
        assert grades_in(store.out) == [("kim", 100.0), ("lee", 100.0)]

    def test_a_damaged_database_is_replaced(self, store: Store) -> None:
        store.save(b.record())
        store.close()
        (store.out / "grades.db").write_bytes(b"not a database at all" * 500)
        with Store(store.out) as again:
            assert len(again.latest()) == 1
        assert grades_in(store.out) == [("kim", 100.0)]

    def test_a_record_removed_by_hand_leaves_the_index(self, store: Store) -> None:
        kept = b.record()
        store.save(kept)
        shutil.rmtree(record_file(store, kept).parent)
        assert store.latest() == []

    def test_half_written_files_of_a_killed_grader_are_swept(self, store: Store) -> None:
        kept = b.record()
        store.save(kept)
        half = record_file(store, kept).with_name(".record.json.abcd1234")
        half.write_bytes(b"half")
        folder = store.evidence_folder(KEY) / ".new-abcd1234"
        folder.mkdir()
        store.close()
        with Store(store.out) as again:
            assert again.latest() == [kept]
        assert not half.exists()
        assert not folder.exists()


def grades_in(out: Path) -> list[tuple[str, float]]:
    base = sqlite3.connect(out / "grades.db")
    try:
        return base.execute("SELECT student, score FROM grades ORDER BY student").fetchall()
    finally:
        base.close()


class TestTheDisk:
    def test_two_graders_do_not_write_one_folder(self, store: Store) -> None:
        with pytest.raises(GraderError) as caught, Store(store.out):
            pass
        assert caught.value.message.id == "record.locked"
        assert caught.value.message.args["who"] == str(os.getpid())

    def test_the_lock_ends_with_its_process(self, tmp_path: Path) -> None:
        script = f"""
            import os, signal
            from pathlib import Path
            from grader.record.store import Store
            Store(Path({str(tmp_path)!r})).__enter__()
            os.kill(os.getpid(), signal.SIGKILL)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, check=False
        )
        assert done.returncode == -9
        with Store(tmp_path):
            pass

    def test_an_out_that_is_a_file_is_told_in_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("a file")
        with pytest.raises(GraderError) as caught, Store(tmp_path / "out"):
            pass
        assert caught.value.message.id == "record.unwritable"

    def test_a_folder_without_permission_is_told_in_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises(GraderError) as caught:
            Store(tmp_path / "out").save(b.record())
        assert caught.value.message.id == "record.unwritable"

    def test_a_full_disk_leaves_nothing_half_written(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = everything_in(store.out)

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("grader.record.files.write_new", full)
        for save in (
            lambda: store.save(b.record()),
            lambda: store.save_execution(KEY, b.execution()),
        ):
            with pytest.raises(GraderError) as caught:
                save()
            assert caught.value.message.id == "record.disk_full"
        assert [
            name for name in everything_in(store.out) if "record" in name or "new-" in name
        ] == []
        assert {*everything_in(store.out)} - {*before} <= {"results", "evidence", f"evidence/{KEY}"}

    def test_a_full_disk_keeps_the_record_that_was_there(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = b.record()
        store.save(kept)

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files, "write_new", full)
        with pytest.raises(GraderError):
            store.save(replace(kept, seconds=1.0))
        assert store.load(kept.key) == kept

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"),
        reason="a small disk takes root to mount",
    )
    def test_a_really_full_disk_is_told_and_recovers(self, tmp_path: Path) -> None:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], check=False
        )
        if mounted.returncode != 0:
            pytest.skip("this machine lets nobody mount")
        try:
            out = tmp_path / "out"
            saved = fill(out)
            assert 0 < len(saved) < 500
            left = sorted(path.name for path in (out / "results").rglob("*") if path.is_file())
            assert left == ["record.json"] * len(saved)
            shutil.rmtree(out / "results" / saved.pop().key)
            shutil.rmtree(out / "results" / saved.pop().key)
            assert {kept.key for kept in Store(out).latest()} == {kept.key for kept in saved}
        finally:
            subprocess.run(["umount", str(tmp_path)], check=True)


def fill(out: Path) -> list[Record]:
    """Save until the disk is full; what was saved."""
    saved: list[Record] = []
    store = Store(out)
    try:
        for number in range(500):
            kept = b.record(f"s{number:03}")
            store.save(kept)
            saved.append(kept)
    except GraderError as error:
        assert error.message.id == "record.disk_full"  # noqa: PT017 - the loop fills the disk
    return saved


class TestExecutions:
    def test_an_execution_comes_back_with_its_arrays_and_images(self, store: Store) -> None:
        weights = (
            np.arange(6, dtype=np.float32).reshape(2, 3),
            np.asfortranarray(np.arange(4.0).reshape(2, 2)),
            np.zeros((0, 5), np.int64),
            np.array(True),
        )
        run = b.execution(weights, images=(b"\x89PNG\r\n", b""), stdout="안녕\n")
        store.save_execution(KEY, run)
        back = store.load_execution(KEY)
        assert back is not None
        for mine, theirs in zip(weights, back.candidates[0].final, strict=True):
            assert mine.dtype == theirs.dtype
            assert mine.shape == theirs.shape
            assert (mine == theirs).all()
        assert back.cells == run.cells
        assert math.isnan(back.candidates[0].fits[0].history["loss"][1])
        assert without_arrays(back) == without_arrays(run)

    def test_every_trainings_curves_are_kept_epoch_by_epoch(self, store: Store) -> None:
        """Ours and the notebook's own, of every run: a run with another seed has its own key."""
        curves = {"loss": (0.4, 0.3, None), "val_mae": (0.5, 0.4, 0.3)}
        ours = tuple(
            Training(cell, key=KEY, epochs=3, updates=9, history=curves) for cell in (3, 5)
        )
        for attempt, key in ((1, KEY), (2, KEY[::-1])):
            run = replace(b.execution(), attempt=attempt, trainings=ours)
            store.save_execution(key, run)
        for attempt, key in ((1, KEY), (2, KEY[::-1])):
            back = store.load_execution(key)
            assert back is not None
            assert (back.attempt, back.trainings) == (attempt, ours)
            assert len(back.candidates[0].fits[0].history["loss"]) == 2

    def test_the_text_of_an_execution_is_strict_json(self, store: Store) -> None:
        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is no JSON")

        store.save_execution(KEY, b.execution())
        text = (store.evidence_folder(KEY) / "execution/execution.json").read_bytes()
        json.loads(text, parse_constant=refuse)

    def test_no_picture_lies_in_the_folder(self, store: Store) -> None:
        store.save_execution(KEY, b.execution(images=(b"\x89PNG",)))
        names = {path.name for path in (store.evidence_folder(KEY) / "execution").iterdir()}
        assert names == {"about.json", "execution.json", "arrays.npz"}

    def test_a_configuration_cannot_pass_for_an_array(self, store: Store) -> None:
        store.save_execution(KEY, b.execution())
        about = json.loads((store.evidence_folder(KEY) / "execution/about.json").read_bytes())
        sly = {"class_name": "X", "config": {about["tag"]: 0}}
        store.save_execution(KEY, b.execution(config=sly))
        back = store.load_execution(KEY)
        assert back is not None
        assert back.candidates[0].config == sly

    def test_an_execution_may_be_replaced(self, store: Store) -> None:
        store.save_execution(KEY, b.execution(stdout="first"))
        store.save_execution(KEY, b.execution(stdout="second"))
        back = store.load_execution(KEY)
        assert back is not None
        assert back.cells[0].stdout == "second"
        assert everything_in(store.evidence_folder(KEY)) == [
            "execution",
            "execution/about.json",
            "execution/arrays.npz",
            "execution/execution.json",
        ]

    def test_objects_are_never_pickled(self, store: Store) -> None:
        with pytest.raises(GraderError) as caught:
            store.save_execution(KEY, b.execution((np.array([object()]),)))
        assert caught.value.message.id == "record.unkeepable"
        assert store.load_execution(KEY) is None

    def test_equal_arrays_are_kept_once(self, store: Store) -> None:
        weights = np.random.default_rng(1).random((100, 100))
        usual = b.execution((weights,))
        (one,) = usual.candidates
        same = replace(one, initial=(weights.copy(),), jumps=(Jump((), (weights.copy(),)),))
        run = replace(usual, candidates=(same,) * 20)
        store.save_execution(KEY, run)
        arrays = store.evidence_folder(KEY) / "execution/arrays.npz"
        assert arrays.stat().st_size < 1.5 * weights.nbytes
        back = store.load_execution(KEY)
        assert back is not None
        assert len(back.candidates) == 20
        np.testing.assert_array_equal(back.candidates[19].jumps[0].found[0], weights)
        assert back.candidates[0].initial[0] is back.candidates[19].final[0]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (np.zeros(4, np.float32), np.zeros(4, np.float64)),
            (np.zeros((2, 3)), np.zeros((3, 2))),
            (np.zeros(0, np.float32), np.zeros((0, 3), np.float32)),
            (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3, order="F")),
            (np.ones(2, ">f4"), np.ones(2, "<f4")),
        ],
    )
    def test_arrays_that_only_look_alike_are_kept_apart(
        self, store: Store, one: np.ndarray, other: np.ndarray
    ) -> None:
        store.save_execution(KEY, b.execution((one, other)))
        back = store.load_execution(KEY)
        assert back is not None
        for found, kept in zip(back.candidates[0].final, (one, other), strict=True):
            assert (found.shape, found.dtype) == (kept.shape, kept.dtype)
            np.testing.assert_array_equal(found, kept)

    def test_a_notebook_of_many_models_can_be_read_back(self, store: Store) -> None:
        (one,) = b.execution().candidates
        each = [replace(one, model=n, final=(np.full(3, n),)) for n in range(3000)]
        store.save_execution(KEY, replace(b.execution(), candidates=tuple(each)))
        back = store.load_execution(KEY)
        assert back is not None
        assert back.candidates[2999].final[0][0] == 2999

    @pytest.mark.parametrize("name", ["_MOST_TEXT_BYTES", "_MOST_ARRAY_BYTES", "_MOST_ARRAYS"])
    def test_what_could_not_be_read_back_is_not_written(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(f"grader.record.execution_files.{name}", 1)
        with pytest.raises(GraderError) as caught:
            store.save_execution(KEY, b.execution())
        assert caught.value.message.id == "record.unkeepable"
        assert everything_in(store.evidence_folder(KEY)) == []

    def test_a_pickle_in_place_of_the_arrays_is_not_loaded(self, store: Store) -> None:
        store.save_execution(KEY, b.execution())
        path = store.evidence_folder(KEY) / "execution/arrays.npz"
        with path.open("wb") as file:
            np.savez(file, a0=np.array([print], dtype=object))
        assert store.load_execution(KEY) is None
        assert store.warnings[-1].id == "record.unreadable"

    @pytest.mark.parametrize("name", ["about.json", "execution.json", "arrays.npz"])
    def test_a_damaged_execution_is_none_with_a_warning(self, store: Store, name: str) -> None:
        store.save_execution(KEY, b.execution())
        path = store.evidence_folder(KEY) / "execution" / name
        path.write_bytes(path.read_bytes()[:-20])
        assert store.load_execution(KEY) is None
        assert store.warnings[-1].id == "record.unreadable"

    def test_an_execution_that_was_never_kept_is_none(self, store: Store) -> None:
        assert store.load_execution(KEY) is None
        assert store.warnings == []

    def test_the_index_lists_executions(self, store: Store) -> None:
        store.save_execution(KEY, b.execution())
        Store(store.out).save_execution(b.key_of("by a worker"), b.execution())
        store.close()
        with Store(store.out):
            base = sqlite3.connect(store.out / "grades.db")
            assert base.execute("SELECT count(*), min(outcome) FROM executions").fetchall() == [
                (2, "finished")
            ]
            base.close()


def without_arrays(run: Execution) -> Execution:
    """The run less what numpy and NaN cannot compare."""
    bare = [replace(one, fits=(), initial=(), final=()) for one in run.candidates]
    return replace(run, candidates=tuple(bare))


class TestJournal:
    def test_unfinished_beginnings_are_counted(self, store: Store) -> None:
        assert [
            store.journal.begin("job"),
            store.journal.begin("job"),
            store.journal.begin("job"),
        ] == [0, 1, 2]

    def test_a_finished_job_starts_anew(self, store: Store) -> None:
        store.journal.begin("job")
        store.journal.finish("job")
        assert store.journal.begin("job") == 0

    def test_jobs_are_counted_apart(self, store: Store) -> None:
        store.journal.begin("one")
        assert store.journal.begin("../other \ud800") == 0

    def test_a_crash_does_not_lose_the_count(self, tmp_path: Path) -> None:
        script = f"""
            import os, signal
            from pathlib import Path
            from grader.record.store import Store
            Store(Path({str(tmp_path)!r})).journal.begin("job")
            os.kill(os.getpid(), signal.SIGKILL)
        """
        for _ in range(2):
            subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, check=False)
        assert Store(tmp_path).journal.begin("job") == 2


class TestKeys:
    def test_the_order_of_a_mapping_does_not_matter(self) -> None:
        assert canonical({"b": 1, "a": (1, 2)}) == canonical({"a": [1, 2], "b": 1})
        assert canonical({"b": 1, "a": (1, 2)}) == b'{"a":[1,2],"b":1}'

    def test_an_enum_is_its_value_and_a_dataclass_its_fields(self) -> None:
        assert canonical(Engine.JAX) == b'"jax"'
        assert canonical(Message("a.b", {"n": 1})) == b'{"args":{"n":1},"id":"a.b"}'

    def test_nan_equals_nothing_and_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"Out of range|not JSON compliant"):
            canonical(math.nan)

    def test_what_has_no_plain_form_is_refused(self) -> None:
        with pytest.raises(TypeError):
            canonical(Path("x"))

    def test_every_part_of_a_run_changes_its_key(self) -> None:
        parts = {
            "notebook": "n",
            "data": "d",
            "environment": {"keras": "3.15"},
            "engine": "jax",
            "device": "cpu",
            "cores": 2,
            "seed": 7,
            "limits": {"seconds": 120},
            "isolation": "full",
            "probe": "1",
        }
        keys = {execution_key(**parts)}
        for name in parts:
            keys.add(execution_key(**(parts | {name: 99})))
        assert len(keys) == len(parts) + 1

    def test_every_part_of_a_score_changes_its_key(self) -> None:
        parts = {
            "execution": "e",
            "submission": "s",
            "student": "k",
            "exercise": "x",
            "exercise_files": "f",
            "expectation": "p",
            "hidden_seed": 1,
            "judge": "1",
        }
        keys = {score_key(**parts)}
        for name in parts:
            keys.add(score_key(**(parts | {name: 99})))
        assert len(keys) == len(parts) + 1


def calls(work: Callable[[], object]) -> int:
    """How many functions are called for it: the same on any machine, however busy."""
    count = 0

    def note(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


class TestSize:
    def test_the_last_of_many_records_costs_no_more_than_the_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Counted in calls; none of them flushes one record by itself, which took the longest."""
        monkeypatch.setattr(files.os, "fsync", lambda _: pytest.fail("flushed by itself"))
        monkeypatch.setattr(flushing, "PAUSE", 3600)  # nor does the thread of all add calls
        kept = [b.record(f"s{i:04}") for i in range(400)]
        with Store(tmp_path) as store:
            store.save(b.record("first of all"))  # what is made once is made by now
            store.latest()
            save_some = calls(lambda: [store.save(one) for one in kept[:200]])
            load_some = calls(store.latest)
            save_more = calls(lambda: [store.save(one) for one in kept[200:]])
            load_all = calls(store.latest)
        assert save_more < 1.2 * save_some
        assert load_all < 2.4 * load_some

    def test_a_thousand_records_fit_into_little_memory(self, tmp_path: Path) -> None:
        losses = tuple(1 / (1 + epoch) for epoch in range(100))
        train = b.training(losses, losses)
        store = Store(tmp_path)
        for number in range(1000):
            store.save(b.record(f"s{number:04}", evidence=b.evidence(train=train)))
        script = f"""
            from pathlib import Path
            from grader.record.store import Store
            found = Store(Path({str(tmp_path)!r})).latest()
            # Not ru_maxrss: that counts the memory of whoever started this process, too.
            status = Path("/proc/self/status").read_text()
            print(len(found), status.split("VmHWM:")[1].split()[0])
        """
        told = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        assert int(told[0]) == 1000
        assert int(told[1]) * 1024 < 200 * 2**20


FlushAs = Callable[[Callable[[Path], None]], None]


class TestFlushing:
    """What was saved is flushed within a second, many records at once."""

    @pytest.fixture
    def flush_as(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlushAs:
        """Replaces the flush of this test's folder; another test's store may still have one due."""

        def replace(flush: Callable[[Path], None]) -> None:
            def only_here(folder: Path) -> None:
                if folder == tmp_path:
                    flush(folder)

            monkeypatch.setattr(flushing, "flush_all", only_here)

        return replace

    @pytest.fixture
    def flushed(self, flush_as: FlushAs) -> list[Path]:
        seen: list[Path] = []
        flush_as(seen.append)
        return seen

    def test_the_flush_of_another_store_is_not_seen(
        self, tmp_path_factory: pytest.TempPathFactory, flushed: list[Path]
    ) -> None:
        with Store(tmp_path_factory.mktemp("other")) as store:
            store.save(b.record())
        assert flushed == []

    def test_records_are_flushed_together_at_the_end(
        self, tmp_path: Path, flushed: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flushing, "PAUSE", 3600)
        made = [b.record(name) for name in ("one", "two", "three")]
        with Store(tmp_path) as store:
            for one in made:
                store.save(one)
            assert flushed == []
        assert flushed == [tmp_path]
        assert [Store(tmp_path).load(one.key) for one in made] == made

    def test_records_are_flushed_soon_while_work_goes_on(
        self, tmp_path: Path, flushed: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flushing, "PAUSE", 0.01)
        store = Store(tmp_path)
        for expected in (1, 2):  # and again for what comes later
            store.save(b.record())
            deadline = time.monotonic() + PATIENCE
            while len(flushed) < expected and time.monotonic() < deadline:
                time.sleep(0.01)
            assert len(flushed) == expected

    def test_a_store_that_kept_nothing_flushes_nothing(
        self, tmp_path: Path, flushed: list[Path]
    ) -> None:
        Store(tmp_path).close()
        assert flushed == []

    @pytest.mark.parametrize("when", ["at the end", "next time"])
    def test_a_disk_that_refuses_is_told(
        self,
        tmp_path: Path,
        flush_as: FlushAs,
        monkeypatch: pytest.MonkeyPatch,
        when: str,
    ) -> None:
        def full(_: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        flush_as(full)
        monkeypatch.setattr(flushing, "PAUSE", 0.01 if when == "next time" else 3600)
        store = Store(tmp_path)
        store.save(b.record())
        deadline = time.monotonic() + PATIENCE
        with pytest.raises(GraderError) as caught:  # noqa: PT012 - whenever the thread is done
            if when == "at the end":
                store.close()
            while time.monotonic() < deadline:
                store.save(b.record())
                time.sleep(0.01)
        assert caught.value.message.id == "record.disk_full"

    def test_an_error_of_a_flush_under_way_is_told_at_the_end(
        self,
        tmp_path: Path,
        flush_as: FlushAs,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def full_after_a_while(_: Path) -> None:
            begun.set()
            go_on.wait(PATIENCE)
            raise OSError(errno.ENOSPC, "No space left on device")

        flush_as(full_after_a_while)
        monkeypatch.setattr(flushing, "PAUSE", 0.01)
        store = Store(tmp_path)
        store.save(b.record())
        assert begun.wait(PATIENCE)
        threading.Timer(0.1, go_on.set).start()
        with pytest.raises(GraderError) as caught:
            store.close()
        assert caught.value.message.id == "record.disk_full"

    @pytest.mark.parametrize("kept", ["begin", "execution"])
    def test_the_journal_and_executions_are_flushed_too(
        self, tmp_path: Path, flushed: list[Path], kept: str
    ) -> None:
        with Store(tmp_path) as store:
            if kept == "begin":
                store.journal.begin("job")
            else:
                store.save_execution(KEY, b.execution())
        assert flushed == [tmp_path]

    def test_it_flushes_a_real_disk(self, tmp_path: Path) -> None:
        flushing.flush_all(tmp_path)

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all disks are flushed")
    def test_a_folder_that_is_gone_cannot_be_flushed(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            flushing.flush_all(tmp_path / "gone")
