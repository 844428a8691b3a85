"""What goes to other machines and what comes back: the same records, kept once, by one writer."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import pickle
import platform
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from grader import environment
from grader.course.load import load_course
from grader.pipeline.elsewhere import DIGEST_BYTES, HERE, GroupsElsewhere
from grader.pipeline.graded import Graded
from grader.pipeline.grader import GradeGroups, Grader, Workplace
from grader.pipeline.job import Settings
from grader.pipeline.remote_grading import our_versions
from grader.pipeline.remote_worker import unpacked
from grader.pipeline.runner import Portable, Slot
from grader.record.faults import keep_fault
from grader.record.store import Store
from grader.room import Guarded
from grader.submission import Cell, HandedIn, Notebook, Submission
from grader.types import Engine, GraderError, Isolation, Level, Message, Verdict
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
GRU = "multiplication-gru"


class ClosedRoom:
    """A room that is said to be closed; nothing is started in it."""

    isolation = Isolation(Level.FULL)
    complaints = ()


@dataclass(frozen=True)
class PlayedPlace:
    """A Workplace that grades by writing ordinary records; what it was given is noted."""

    course: Path
    profile: str
    out: Path
    isolation: Level
    settings: Settings
    saved_after: int
    hidden: tuple[Guarded, ...]

    @contextmanager
    def open(self) -> Iterator[Callable[[Any, Slot], list[Graded]]]:
        assert load_course(self.course, self.profile).exercises
        assert not list(self.course.glob("reference/*/submissions"))
        assert [one.path for one in self.hidden] == [Path("/token")]
        store = Store(self.out)

        def grade(group: tuple[Submission, ...], slot: Slot) -> list[Graded]:
            if group[0].student == "broken":
                keep_fault(self.out, ValueError("ours"))
            seen = [one.path.read_bytes().decode() for one in group[0].files]
            done = []
            for one in group:
                record = b.record(one.student, GRU, one.name, versions={"files": ",".join(seen)})
                store.save_execution(record.execution_key, b.execution())
                store.save(record)
                done.append(Graded(one, (record,)))
            return done

        yield grade


def submission(name: str, source: str = "x = 1", *files: HandedIn) -> Submission:
    notebook = Notebook((Cell(1, source),), None, "unused")
    digest = hashlib.sha256(source.encode()).hexdigest()
    one = Submission(name, name, Path("/nowhere"), (GRU,), notebook, None, digest)
    return replace(one, files=files)


@pytest.fixture
def grader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grader]:
    monkeypatch.setenv("GRADER_DATA", str(tmp_path / "no-data"))
    with Store(tmp_path / "head") as store:
        course = load_course(ROOT)
        made = Grader(course, ClosedRoom(), store, Settings(secret=b"s" * 32, warm=False))  # type: ignore[arg-type]
        yield made
        made.judges.close()


@pytest.fixture
def head(grader: Grader) -> GroupsElsewhere:
    return GroupsElsewhere.of(grader, PlayedPlace)


def there(head: GroupsElsewhere, tmp_path: Path, *groups: tuple[Submission, ...]) -> list[bytes]:
    """What another machine gives back for these groups; all that goes there is pickled."""
    shop = pickle.loads(pickle.dumps(head.there))
    common_files = unpacked(head.common_files, tmp_path / "common")
    payloads = pickle.loads(pickle.dumps([head.payload(group) for group in groups]))
    with shop.open(common_files, [Path("/token")]) as do:
        return [do(payload, Slot((1,))) for payload in payloads]


def test_the_work_of_a_batch_can_leave_this_machine(grader: Grader) -> None:
    work = GradeGroups(grader)
    assert isinstance(work, Portable)
    there = work.elsewhere().there
    assert there.places is Workplace  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(there)) == there


def test_what_comes_back_is_kept_with_its_run_and_is_the_same(
    head: GroupsElsewhere, tmp_path: Path
) -> None:
    group = (submission("kim"), submission("lee"))
    (data,) = there(head, tmp_path, group)
    head.begins(group)
    done = head.received(group, data)
    kept = {one.student: one for one in head.grader.store.latest()}
    assert [one.submission.student for one in done] == ["kim", "lee"]
    for one in done:
        (record,) = one.records
        assert (
            kept[one.submission.student]
            == record
            == b.record(record.student, GRU, record.submission, versions={"files": ""})
        )
        assert head.grader.store.load_execution(record.execution_key) is not None


def test_each_job_sends_its_own_and_nothing_of_the_one_before(
    head: GroupsElsewhere, tmp_path: Path
) -> None:
    groups = [(submission(name, name),) for name in ("kim", "lee")]
    sent = there(head, tmp_path, *groups)
    for data in sent:
        with tarfile.open(fileobj=io.BytesIO(data[DIGEST_BYTES:])) as tar:
            assert sum(one.name.endswith("record.json") for one in tar) == 1


def test_the_same_that_comes_twice_is_kept_once(head: GroupsElsewhere, tmp_path: Path) -> None:
    group = (submission("kim"),)
    (data,) = there(head, tmp_path, group)
    assert head.received(group, data) == head.received(group, data)
    assert len(head.grader.store.latest()) == 1


def test_an_authors_own_files_go_along(head: GroupsElsewhere, tmp_path: Path) -> None:
    own = tmp_path / "helper.py"
    own.write_bytes(b"y = 2")
    file = HandedIn("helper.py", own, (), hashlib.sha256(b"y = 2").hexdigest())
    group = (submission("kim", "import helper", file),)
    (data,) = there(head, tmp_path, group)
    ((record,),) = (one.records for one in head.received(group, data))
    assert record.versions == {"files": "y = 2"}


def test_a_file_that_was_changed_meanwhile_is_not_carried(
    head: GroupsElsewhere, tmp_path: Path
) -> None:
    own = tmp_path / "helper.py"
    own.write_bytes(b"y = 3")
    file = HandedIn("helper.py", own, (), hashlib.sha256(b"y = 2").hexdigest())
    with pytest.raises(GraderError):
        head.payload((submission("kim", "import helper", file),))


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.5])
def test_what_came_back_broken_is_ungraded_and_never_zero(
    head: GroupsElsewhere, tmp_path: Path, part: float
) -> None:
    group = (submission("kim"),)
    (data,) = there(head, tmp_path, group)
    (done,) = head.received(group, data[: int(part * len(data))])
    assert [one.grade.verdict for one in done.records] == [Verdict.GRADER_ERROR]
    assert [one.grade.score for one in done.records] == [None]


def test_a_fault_of_the_other_machine_is_kept_here(head: GroupsElsewhere, tmp_path: Path) -> None:
    group = (submission("broken"),)
    (data,) = there(head, tmp_path, group)
    head.received(group, data)
    (kept,) = (head.grader.store.out / "faults").iterdir()
    assert "ValueError: ours" in kept.read_text("utf-8")


@pytest.mark.parametrize(("ours", "said"), [(True, 1), (False, 0)])
def test_a_machine_whose_home_keeps_no_trainings_is_named_once(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ours: bool, said: int
) -> None:
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a-file"))
    monkeypatch.setattr(environment, "engines", lambda: (Engine.TENSORFLOW, Engine.JAX))
    told: list[Message] = []
    settings = replace(grader.settings, trainer=ours)
    head = GroupsElsewhere.of(replace(grader, settings=settings, tell=told.append), PlayedPlace)
    groups = [(submission(name, name),) for name in ("kim", "lee")]
    for group, data in zip(groups, there(head, tmp_path, *groups), strict=True):
        (done,) = head.received(group, data)
        assert done.records[0].grade.graded
    assert [one.id for one in told] == ["trainer.not_kept_there"] * said
    for one in told:
        path = str(tmp_path / "a-file/rnn-grader/trained")
        why = os.strerror(errno.ENOTDIR)
        assert one.args == {"machine": platform.node(), "path": path, "why": why}


def test_of_a_home_that_keeps_them_nothing_is_told(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    told: list[Message] = []
    head = GroupsElsewhere.of(replace(grader, tell=told.append), PlayedPlace)
    group = (submission("kim"),)
    head.received(group, *there(head, tmp_path, group))
    assert told == []


def test_who_began_three_times_without_an_end_is_put_aside(head: GroupsElsewhere) -> None:
    group = (submission("kim"),)
    for _ in range(3):
        assert head.without_run(group) is None
        head.begins(group)
    (done,) = head.without_run(group) or []
    assert [one.grade.verdict for one in done.records] == [Verdict.GRADER_ERROR]
    assert "pipeline.quarantined" in repr(done.records[0].grade)


def test_an_end_forgets_the_beginnings(head: GroupsElsewhere, tmp_path: Path) -> None:
    group = (submission("kim"),)
    head.begins(group)
    head.begins(group)
    (data,) = there(head, tmp_path, group)
    head.received(group, data)
    assert head.grader.store.journal.begun(head.grader.journal_key(group[0], HERE)) == 0


def test_what_holds_no_notebook_is_told_here(head: GroupsElsewhere) -> None:
    broken = replace(submission("kim"), notebook=None, problem=Message("collect.empty_file"))
    (done,) = head.without_run((broken,)) or []
    assert [one.grade.verdict for one in done.records] == [Verdict.MALFORMED]


def test_another_grader_elsewhere_is_refused_with_both_versions(
    head: GroupsElsewhere, tmp_path: Path
) -> None:
    other = replace(head.there, versions=our_versions() | {"keras": "0.1"})
    with pytest.raises(GraderError) as caught, other.open(tmp_path, []):
        pass
    assert caught.value.message.id == "pipeline.other_grader"
    assert "keras 0.1 / " in str(caught.value.message.args["versions"])


def test_open_rooms_never_leave_this_machine(grader: Grader) -> None:
    open_room = ClosedRoom()
    open_room.isolation = Isolation(Level.NONE)  # type: ignore[misc]
    with pytest.raises(GraderError) as caught:
        GradeGroups(replace(grader, room=open_room)).elsewhere()  # type: ignore[arg-type]
    assert caught.value.message.id == "pipeline.open_rooms_elsewhere"


def test_the_common_files_are_the_same_bytes_for_the_same_course(head: GroupsElsewhere) -> None:
    again = GroupsElsewhere(head.grader, PlayedPlace)
    assert head.common_files == again.common_files
    assert len(head.common_files) < 16 << 20


def test_it_holds_no_secret_and_no_sample(head: GroupsElsewhere) -> None:
    with tarfile.open(fileobj=io.BytesIO(head.common_files)) as tar:
        names = tar.getnames()
    assert not [one for one in names if "/submissions/" in one]
    assert any(one.endswith("expected.json") for one in names)
    assert {one.partition("/")[0] for one in names} == {"course"}
