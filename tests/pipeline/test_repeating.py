"""A claimed training is done again, and what comes of that decides about its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.exercises import Exercise
from grader.course.families import load_family
from grader.course.load import load_course
from grader.execution import Candidate, Execution, FitSample, Jump, Showing, Training
from grader.extract.repeating import has_learned
from grader.extract.retraining import canonical_question
from grader.extract.tasks import Answer, ModelTask
from grader.pipeline.judging import Assessed, RunToJudge, judge
from grader.pipeline.repeating import TRIES
from grader.submission import Notebook
from grader.types import EvidenceClass, GraderError, Message, Verdict
from tests.extract.notebooks import Room, asked, candidate, own_data, run_with, sequential

COURSE = load_course(Path(__file__).parents[2])
SEQUENCE = COURSE.exercise("sequence-prediction")  # without a threshold
GRU = COURSE.exercise("multiplication-gru")
WHY = Message("proof.told", {"why": "a callback of class Own"})
HERE = (Training(4, why=WHY),)
SEEDS = (11, 12, 13)
HIDDEN = 7


class Repeats(Room):
    """Answers rightly for given weights; a training anew comes as far as it is told to."""

    def __init__(self, exercise: Exercise, *outcomes: Any) -> None:
        super().__init__(exercise)
        self.outcomes = list(outcomes)

    @property
    def repeated(self) -> list[ModelTask]:
        return [task for task in self.tasks if task.training is not None]

    def _answer(self, task: ModelTask) -> Answer:
        answer = super()._answer(task)
        rows = 0 if task.inputs is None else len(task.inputs)
        if task.training is None:
            predictions = right(self.exercise, rows) if rows else None
            return replace(answer, predictions=predictions)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Answer):
            return outcome
        predictions = right(self.exercise, rows) + np.float32(0.0 if outcome else 1.0)
        after = 0.5 if outcome else 0.9999
        history = {"loss": (0.9,), "before": (1.0,), "after": (after,)}
        return replace(answer, predictions=predictions, history=history, seconds=3.0)


FULL = Showing(0, 0)  # what these notebooks show, 64 rows, is as much as may be shown


def right(exercise: Exercise, rows: int) -> Any:
    """The hidden answers, and zeros for the rows of fit that follow them."""
    assert COURSE.reference is not None
    assert exercise.family is not None
    family = load_family(COURSE.reference, exercise.family)
    answers = canonical_question(family, exercise, HIDDEN)[1].answers.reshape(-1, 1)
    more = np.zeros((max(0, rows - len(answers)), 1))
    return np.concatenate([answers, more]).astype(np.float32)


def trained(exercise: Exercise, sample: FitSample | None = None, **changes: Any) -> Candidate:
    made = candidate(
        sequential(*asked(exercise), shape=exercise.input_shape),
        replace(sample or own_data(COURSE, exercise), showing=FULL),
        epochs=exercise.epochs,
    )
    return replace(made, compile={"optimizer": "Adam", "loss": "mse"}, **changes)


def judged(
    made: Candidate,
    room: Room,
    exercise: Exercise = GRU,
    trainings: tuple[Training, ...] | None = HERE,
) -> Assessed:
    execution: Execution = replace(run_with(made), trainings=trainings)
    hidden = dict.fromkeys(COURSE.exercises, HIDDEN)
    run = RunToJudge(
        COURSE, Notebook((), None, ""), execution, (exercise.id,), hidden, repeat_seeds=SEEDS
    )
    (one,) = judge(run, room, lambda _: None, lambda error: Message(repr(error)))
    return one


def waits(one: Assessed) -> set[str]:
    return {check.message.id for check in one.grade.checks if check.waiting}


def test_a_training_that_we_come_up_to_counts() -> None:
    room = Repeats(GRU, True)
    one = judged(trained(GRU), room)
    assert (one.grade.verdict, one.grade.score) == (Verdict.ACCEPTED, 100.0)
    assert one.evidence is not None
    assert [note.id for note in one.evidence.notes][-3:] == [
        "proof.claimed",
        "proof.told",
        "proof.repeated",
    ]
    (task,) = room.repeated
    assert task.seed == SEEDS[0]
    assert task.training is not None
    assert (task.training.epochs, task.training.steps) == (GRU.epochs, None)


def test_a_second_seed_is_tried_before_points_wait() -> None:
    room = Repeats(GRU, False, True)
    assert judged(trained(GRU), room).grade.score == 100.0
    assert [task.seed for task in room.repeated] == list(SEEDS[:TRIES])
    assert len({task.id for task in room.repeated}) == TRIES


def test_what_we_do_not_come_up_to_waits_for_a_teacher() -> None:
    one = judged(trained(GRU), Repeats(GRU, False, False))
    assert one.grade.verdict is Verdict.WAITING
    assert waits(one) == {"waiting.missed"}
    assert one.grade.score == 60.0
    assert one.grade.waiting == 40.0


def test_without_a_threshold_it_is_asked_whether_anything_was_learned() -> None:
    assert judged(trained(SEQUENCE), Repeats(SEQUENCE, True), SEQUENCE).grade.score == 100.0
    one = judged(trained(SEQUENCE), Repeats(SEQUENCE, False, False), SEQUENCE)
    assert waits(one) == {"waiting.learned_nothing"}


def test_nothing_is_repeated_where_nobody_is_asked_to_train() -> None:
    room = Repeats(GRU)
    assert judged(trained(GRU), room, trainings=None).grade.score == 100.0
    assert room.repeated == []


def test_rows_that_were_seen_whole_are_trained_on_else_the_exercises_own() -> None:
    small, large = Repeats(SEQUENCE, True), Repeats(GRU, True)
    twice = own_data(COURSE, SEQUENCE)
    assert twice.x is not None
    assert twice.y is not None
    rows = [np.concatenate([part.rows, part.rows]) for part in (twice.x, twice.y)]
    parts = [
        replace(part, rows=both, shape=both.shape)
        for part, both in zip((twice.x, twice.y), rows, strict=True)
    ]
    judged(trained(SEQUENCE, FitSample(*parts)), small, SEQUENCE)
    judged(trained(GRU), large)
    sizes = [
        len(task.training.x) for room in (small, large) for task in room.repeated if task.training
    ]
    assert sizes == [12, 2560]


@pytest.mark.parametrize(("steps", "epochs", "left"), [(1, 1, 20), (8, 2, None), (80, 20, None)])
def test_it_makes_no_more_updates_than_were_asked_for(
    steps: int, epochs: int, left: int | None
) -> None:
    made = trained(GRU)
    (fit,) = made.fits
    few = replace(fit, epochs_run=20, arguments={"steps_per_epoch": steps})
    room = Repeats(GRU, True)
    judged(replace(made, fits=(few,)), room)
    (task,) = room.repeated
    assert task.training is not None
    assert (task.training.epochs, task.training.steps) == (epochs, left)


def test_a_loop_is_repeated_as_a_fit_of_as_many_updates() -> None:
    made = trained(GRU, fits=(), own_updates=800)
    room = Repeats(GRU, True)
    one = judged(made, room)
    (task,) = room.repeated
    assert task.training is not None
    assert task.training.epochs == 10
    points = {cls: sum(c.points for c in one.grade.checks if c.cls is cls) for cls in EvidenceClass}
    assert points[EvidenceClass.TRAINING] == 15.0
    assert points[EvidenceClass.ACCURACY] == 25.0
    assert one.grade.verdict is Verdict.WAITING
    assert waits(one) == {"waiting.unseen_data"}, "nobody saw what it trained on"


def test_that_no_fit_was_seen_of_a_loop_is_no_reason_not_to_repeat_it() -> None:
    """Right from the first weights on that were looked at: nobody looks into a loop."""
    good = (np.ones(2, np.float32),)
    made = trained(GRU, fits=(), own_updates=800, initial=(np.zeros(2, np.float32),), final=good)
    made = replace(made, jumps=(Jump((), good),))
    room = Repeats(GRU, True)
    one = judged(made, room)
    assert len(room.repeated) == 1
    assert one.grade.flags == ("trained_without_fit",)
    assert one.grade.verdict is Verdict.WAITING


def other_optimizer(made: Candidate) -> Candidate:
    return replace(made, compile={"optimizer": "Own", "loss": "mse"})


def no_rate(made: Candidate) -> Candidate:
    return replace(made, compile={**made.compile, "learning_rate": 0.0})


def own_layer(made: Candidate) -> Candidate:
    return replace(made, config=sequential({"class_name": "Own", "config": {}}, shape=(100, 2)))


def other_target(made: Candidate) -> Candidate:
    (fit,) = made.fits
    assert fit.sample.y is not None
    y = replace(fit.sample.y, rows=fit.sample.y.rows + 0.5)
    return replace(made, fits=(replace(fit, sample=replace(fit.sample, y=y)),))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_optimizer, "waiting.unknown_compile"),
        (no_rate, "waiting.no_rate"),
        (own_layer, "waiting.own_layers"),
        (other_target, "waiting.other_data"),
    ],
)
def test_what_cannot_be_repeated_waits_and_says_why(change: Any, why: str) -> None:
    room = Repeats(GRU)
    one = judged(change(trained(GRU)), room)
    assert why in waits(one)
    assert room.repeated == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(error="ValueError: no", failed="train"), "waiting.failed"),
        (Answer(fault=Message("evaluate.stopped", {"seconds": 3})), "waiting.too_long"),
    ],
)
def test_a_repeated_training_that_breaks_off_costs_nobody_points(answer: Answer, why: str) -> None:
    one = judged(trained(GRU), Repeats(GRU, answer))
    assert waits(one) == {why}


def test_a_room_that_fails_over_it_is_our_own_fault() -> None:
    one = judged(trained(GRU), Repeats(GRU, Answer(fault=Message("evaluate.failed"))))
    assert one.grade.score is None


def test_a_training_that_nobody_heard_of_waits_unrepeated() -> None:
    room = Repeats(GRU)
    one = judged(trained(GRU), room, trainings=())
    assert one.grade.verdict is Verdict.SUSPICIOUS
    assert one.grade.flags == ("training_unheard",)
    assert waits(one) == {"waiting.suspicious"}
    assert room.repeated == []


def test_what_we_have_no_time_for_waits() -> None:
    class Late(Repeats):
        def __call__(self, tasks: Sequence[ModelTask]) -> dict[str, Answer]:
            if any(task.training for task in tasks):
                raise GraderError(Message("evaluate.altogether", {"seconds": 5}))
            return super().__call__(tasks)

    assert waits(judged(trained(GRU), Late(GRU))) == {"waiting.too_long"}


def test_a_history_shows_whether_anything_was_learned() -> None:
    def learned(*ends: float | None) -> bool:
        history: Mapping[str, tuple[float | None, ...]]
        history = {"before": ends[:1], "after": ends[1:]}
        return has_learned(history)

    assert learned(1.0, 0.9)
    assert learned(-1.0, -1.1), "a loss may be negative"
    unlearned = [(1.0, 1.0 - 1e-4), (1.0, 2.0), (1.0, None), (None, 1.0), (1.0,), ()]
    assert not any(learned(*ends) for ends in unlearned)
