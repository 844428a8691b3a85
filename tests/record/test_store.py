"""Nothing that was graded is lost, halved or mixed up."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.record import exported, files, flushing
from grader.record.store import Store, UnkeepableError
from grader.types import (
    ByRules,
    GraderError,
    Message,
    Record,
    Verdict,
)
from tests.support import builders as b
from tests.support.course_help import everything_in

ROOT = Path(__file__).resolve().parents[2]
KEY = b.key_of("a run")
PATIENCE = 300.0  # seconds for what comes at once: reached only where it never comes


def record_file(store: Store, record: Record) -> Path:
    return store.out / "results" / record.key / "record.json"


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

    def test_one_that_an_earlier_version_kept_opens_without_what_nobody_reads_any_more(
        self, store: Store
    ) -> None:
        kept = b.record(evidence=b.evidence(train=b.training((0.5, 0.25))))
        store.save(kept)
        path = record_file(store, kept)
        told = json.loads(path.read_bytes())
        told["record"]["evidence"]["training"] |= {"first_loss": 0.5, "last_loss": 0.25}
        path.write_text(json.dumps(told), "utf-8")
        assert store.load(kept.key) == kept

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

    @pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
    def test_where_there_are_no_locks_another_folder_is_named_and_no_other_grader(
        self, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", refused)
        with pytest.raises(GraderError) as caught, Store(tmp_path):
            pass
        args = {"path": str(tmp_path), "error": os.strerror(number)}
        assert caught.value.message == Message("record.no_locks", args)
        with pytest.raises(GraderError) as caught, exported.locked(tmp_path):
            pass
        assert caught.value.message == Message("record.no_locks", args)

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
