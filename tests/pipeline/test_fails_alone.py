"""What fails is ungraded, never zero, and takes nobody along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader.course.exercises import Course
from grader.execution import Execution
from grader.extract.evaluate import RoomFailedError
from grader.extract.tasks import Answer, ModelTask
from grader.pipeline import attempts, grader, judges
from grader.pipeline.attempts import Attempts
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.judges import Judges
from grader.pipeline.regrade import regrade
from grader.pipeline.scored import Scored
from grader.record.store import Store, UnkeepableError
from grader.score.score import ungraded
from grader.submission import Submission
from grader.types import GraderError, Message, Record, Verdict
from tests.support.canned_rooms import (
    GRU,
    LSTM,
    SLOT,
    NoRoom,
    World,
    execution,
    grade,
    submission,
)

OTHER = "sequence-prediction"
# In the judge's process: what scoring the GRU exercise comes to.
OVER_THE_GRU = """
import sys; sys.path.insert(0, sys.argv[5])
import os, signal
from pathlib import Path
from grader.pipeline import judging
graded = judging._graded
def odd(course, evidence, engine, device):
    if evidence.exercise == "multiplication-gru":
        {harm}
    return graded(course, evidence, engine, device)
judging._graded = odd
from grader.pipeline.judge_worker import main
main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
"""


ENDS_AGAIN = "judging._trained = lambda *_: os._exit(7)"


class Missed:
    """Stands for the evidence of an exercise that missed its accuracy."""

    exercise = GRU
    training = None
    model = None


def _chapter() -> Submission:
    return replace(submission(), exercises=(GRU, OTHER))


def _by_exercise(graded: grader.Graded) -> dict[str, Record]:
    return {record.exercise: record for record in graded.records}


def test_a_fault_of_ours_is_ungraded_and_never_zero(
    course: Course, world: World, tmp_path: Path
) -> None:
    def broken(_run: object) -> Execution:
        raise GraderError(Message("execute.no_kernel", {"code": 3, "log": ""}))

    world.give = broken
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    assert record.grade.score is None
    assert not record.grade.graded


def test_an_unexpected_exception_of_ours_is_ungraded_too(
    course: Course, world: World, tmp_path: Path
) -> None:
    def broken(_run: object) -> Execution:
        raise ZeroDivisionError

    world.give = broken
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    told = record.grade.checks[0].message
    assert "ZeroDivisionError" in (tmp_path / str(told.args["kept"])).read_text()


def _both(course: Course, out: Path) -> dict[str, Record]:
    """Grade a notebook that owes two exercises."""
    both = replace(submission(), exercises=(GRU, LSTM))
    return {one.exercise: one for one in grade(course, out, both).records}


def test_a_record_that_cannot_be_kept_is_ungraded_alone(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Store.save

    def refuses(store: Store, record: Record, *rest: Any) -> None:
        if record.exercise == LSTM and record.evidence is not None:
            told = {"submission": record.submission, "exercise": LSTM, "error": "too long"}
            raise UnkeepableError(Message("record.unreadable_grade", told))
        save(store, record, *rest)

    monkeypatch.setattr(Store, "save", refuses)
    found = _both(course, tmp_path)
    assert found[GRU].grade.verdict is Verdict.ACCEPTED
    assert found[LSTM].grade.verdict is Verdict.GRADER_ERROR
    assert {one.exercise: one.grade for one in Store(tmp_path).latest()} == {
        name: record.grade for name, record in found.items()
    }


def test_code_that_cannot_even_be_looked_at_is_ungraded_and_takes_nobody_along(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(Judges, "look", stumbles)
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    assert Store(tmp_path).latest() == [record]


def test_an_ungraded_submission_is_tried_again_next_time(
    course: Course, world: World, tmp_path: Path
) -> None:
    give = world.give

    def broken(_run: object) -> Execution:
        raise ZeroDivisionError

    world.give = broken
    grade(course, tmp_path, submission())
    world.give = give
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED


def test_a_job_that_never_ends_is_put_aside_and_the_batch_goes_on(
    course: Course, world: World, tmp_path: Path
) -> None:
    class WorkerGone(BaseException):
        """Takes the worker along, as a crash of the interpreter would."""

    def crash(_run: object) -> Execution:
        raise WorkerGone

    give, world.give = world.give, crash
    for _ in range(grader.CRASHES):
        with pytest.raises(WorkerGone):
            grade(course, tmp_path, submission())
    world.give = give
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    assert record.grade.checks[0].message.id == "pipeline.quarantined"


def test_a_fault_that_took_nobody_down_is_not_counted_as_a_crash(
    course: Course, world: World, tmp_path: Path
) -> None:
    def broken(_run: object) -> Execution:
        raise ZeroDivisionError

    give, world.give = world.give, broken
    for _ in range(grader.CRASHES + 1):
        (record,) = grade(course, tmp_path, submission()).records
        assert record.grade.checks[0].message.id == "pipeline.fault"
    world.give = give
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("while True: pass", "judge.time"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "judge.ended"),
        ("raise MemoryError", "pipeline.fault"),
        ("odd(course, evidence, engine, device)", "pipeline.fault"),
    ],
)
def test_an_exercise_that_cannot_be_judged_is_ungraded_alone(
    course: Course,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
    said: str,
) -> None:
    monkeypatch.setattr(judges, "_START", OVER_THE_GRU.format(harm=harm))
    with Store(tmp_path) as store:
        settings = Settings(b"s" * 32)
        grader = Grader(course, NoRoom(), store, settings, Judges(tmp_path, seconds=6))  # type: ignore[arg-type]
        chapter = grader.grade_one(_chapter(), SLOT)
        world.give = lambda _run: replace(execution(), candidates=())
        after = grader.grade_one(replace(_chapter(), exercises=(OTHER,), student="lee"), SLOT)
    found = _by_exercise(chapter)
    assert found[GRU].grade.verdict is Verdict.GRADER_ERROR
    assert found[GRU].grade.score is None
    assert found[GRU].evidence is None
    message = found[GRU].grade.checks[0].message
    assert message.id == said
    if said == "pipeline.fault":
        assert (tmp_path / str(message.args["kept"])).is_file()
    assert found[OTHER].grade.verdict is Verdict.NO_MODEL
    assert found[OTHER].evidence is not None
    assert _by_exercise(after)[OTHER].grade.graded
    assert world.asked <= 1  # the room is not asked again for what it answered


def test_a_chapter_that_ends_the_judge_again_and_again_is_given_up(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time begins all anew, and may take the judge's whole time."""
    monkeypatch.setattr(judges, "_START", OVER_THE_GRU.format(harm="os._exit(7)"))
    monkeypatch.setattr(judges, "MOST_ENDS", 1)
    found = _by_exercise(grade(course, tmp_path, _chapter()))
    assert {one.grade.checks[0].message.id for one in found.values()} == {"judge.ended"}
    assert [found[one].grade.score for one in (GRU, OTHER)] == [None, None]


def test_the_trainings_of_a_chapter_have_the_judges_time_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends the judge, and each would take its whole time."""
    monkeypatch.setattr(judges, "_START", OVER_THE_GRU.replace("judging._graded = odd", ENDS_AGAIN))
    nothing: Any = None
    course = SimpleNamespace(exercises={})
    job: Any = SimpleNamespace(course=course, hidden_seed=lambda _: 1, seed=lambda number: number)
    one = Attempts(job, SLOT, nothing, nothing, Judges(tmp_path))
    evidence: Any = Missed()
    case = Scored(GRU, evidence, ungraded(Message("x")), None, execution(), ())
    asked = range(judges.MOST_TIMES + 2)
    said = [one._retrained(case, number).grade.checks[0].message.id for number in asked]
    assert said == ["judge.ended"] * judges.MOST_TIMES + ["judge.altogether"] * 2


def test_one_that_the_evaluation_room_fails_over_is_ungraded_alone(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(tasks: Sequence[ModelTask], _room: object, **_: object) -> dict[str, Answer]:
        raise RoomFailedError(Message("evaluate.stopped", {"seconds": 300}), tasks[0].id)

    monkeypatch.setattr(attempts, "evaluate", stopped)
    found = _by_exercise(grade(course, tmp_path, _chapter()))
    assert found[GRU].grade.checks[0].message.id == "evaluate.stopped"
    assert found[GRU].grade.score is None
    assert found[OTHER].grade.verdict is Verdict.NO_MODEL


def test_a_full_disk_of_ours_is_not_taken_for_the_end_of_the_judge(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> dict[str, Answer]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(attempts, "evaluate", full)
    found = _by_exercise(grade(course, tmp_path, _chapter()))
    told = found[GRU].grade.checks[0].message
    assert told.id == "pipeline.fault"
    assert "No space left" in str(told.args["error"])
    assert found[OTHER].grade.checks[0].message == told, "nobody was asked about it either"


def test_what_was_ungraded_is_judged_again_from_the_kept_run(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(tasks: Sequence[ModelTask], _room: object, **_: object) -> dict[str, Answer]:
        raise RoomFailedError(Message("evaluate.stopped", {"seconds": 300}), tasks[0].id)

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "evaluate", stopped)
        (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.score is None
    with Store(tmp_path) as store:
        (again,) = regrade(course, store.latest(), b"s" * 32)
    assert again.grade.score is None
