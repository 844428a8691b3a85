"""Does a claimed training again, in our own room, without what no order can say.

Enters: an exercise's case, a way to ask the evaluation room, a seed. Leaves: a Repeated. Touches:
that room, through the function that is passed in.

A callback of one's own, a loop, a replaced method: what they do cannot be asked for, and what they
tell is a claim. The same layers, optimizer and loss on the same data, for as many updates, show
what the model can earn without them. Rows that were seen whole are trained on; where they were not,
the exercise's own stand in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.course.families import Family, Question
from grader.execution import FitSample
from grader.extract.architecture import Architecture
from grader.extract.cases import ExerciseCase, shaped
from grader.extract.distinct import DRAWN
from grader.extract.lengths import asked_at, fits_in, of_any_length
from grader.extract.retraining import canonical_question, has_no_rate, retraining
from grader.extract.tasks import STOPPED, Answer, Evaluate, ModelTask
from grader.types import Array, GraderError, Message, Repeated

LEARNED = 0.01  # of the loss that a training takes away at least
OUT_OF_TIME = frozenset({STOPPED, "evaluate.altogether"})


class _NotRepeatableError(Exception):
    """The training cannot be done again; ``message`` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id)
        self.message = message


@dataclass(frozen=True)
class _Plan:
    """What is trained on and asked: rows, None for the exercise's own; a question of its length."""

    architecture: Architecture
    family: Family
    question: Question
    rows: tuple[Array, Array] | None


def repeat(
    case: ExerciseCase, evaluate: Evaluate, seed: int, hidden_seed: int, times: int = 1
) -> Repeated:
    """Do a model's training again and judge what comes of it.

    Args:
        case: the exercise, and the model that stands for it.
        evaluate: has tasks done in the evaluation room.
        seed: of the training.
        hidden_seed: of the exercise's hidden data.
        times: how often it has been tried, this time included.

    Raises:
        GraderError: the room failed over it, which is no word about the model.
    """
    try:
        plan = _plan(case, hidden_seed)
        task = _task(case, plan, seed, times)
        answer = _answer(evaluate, task)
    except _NotRepeatableError as error:
        return Repeated(times=times, why=error.message)
    if answer.error is not None or answer.predictions is None:
        why = Message("waiting.failed", {"error": answer.error or ""})
        return Repeated(times=times, seconds=answer.seconds, why=why)
    predictions = shaped(answer.predictions, plan.question.answers)
    metrics = plan.family.measure(predictions, plan.question) if predictions is not None else {}
    return Repeated(metrics, has_learned(answer.history), times, answer.seconds)


def has_learned(history: Mapping[str, Sequence[float | None]]) -> bool:
    """Whether a training took away a notable share of the loss on what it was trained on."""
    ends = [next(iter(history.get(name, ())), None) for name in ("before", "after")]
    before, after = (math.nan if value is None else value for value in ends)
    return math.isfinite(after) and after <= before - LEARNED * abs(before)


def _plan(case: ExerciseCase, hidden_seed: int) -> _Plan:
    reading, family = case.reading, case.family
    if reading is None or reading.architecture is None:
        raise _NotRepeatableError(Message("waiting.own_layers"))
    if family is None:
        raise _NotRepeatableError(Message("waiting.not_repeated"))
    if case.data is not None and any(one.fraction < 1.0 for one in case.data.findings):
        raise _NotRepeatableError(Message("waiting.other_data"))
    own = case.exercise.sized(reading.input_shape)
    asked, architecture = asked_at(case.exercise, own), reading.architecture
    if asked is not own:
        architecture = of_any_length(architecture, case.exercise)
    rows = whole_rows(case.fit.sample) if case.fit is not None else None
    question = case.asked or case.question
    if rows is not None and question is not None:
        return _Plan(architecture, family, question, rows)
    _, question = canonical_question(family, asked, hidden_seed)
    if not fits_in(question, architecture.input_shape):
        raise _NotRepeatableError(Message("waiting.other_rows"))
    return _Plan(architecture, family, question, None)


def whole_rows(sample: FitSample) -> tuple[Array, Array] | None:
    """Give inputs and targets where every row of them was seen."""
    x, y = sample.x, sample.y
    if sample.kind not in ("arrays", DRAWN) or x is None or y is None or sample.others:
        return None
    whole = len(x.rows) == x.shape[0] == len(y.rows) == y.shape[0] > 0
    return (x.rows, y.rows) if whole else None


def _task(case: ExerciseCase, plan: _Plan, seed: int, times: int) -> ModelTask:
    assert case.reading is not None
    own = case.exercise.sized(case.reading.input_shape)
    if has_no_rate(case.reading.candidate):
        raise _NotRepeatableError(Message("waiting.no_rate"))
    task = retraining(
        plan.architecture,
        case.reading.candidate,
        own,
        plan.family,
        seed,
        plan.question,
        plan.rows,
    )
    if task is None or task.training is None:
        raise _NotRepeatableError(Message("waiting.unknown_compile"))
    identifier = f"{case.exercise.id}/repeated-{times}"
    return replace(task, id=identifier, training=replace(task.training, compare=True))


def _answer(evaluate: Evaluate, task: ModelTask) -> Answer:
    """Have it done; what takes too long says nothing, and is a teacher's to decide."""
    try:
        answer = evaluate([task])[task.id]
    except GraderError as error:
        if error.message.id in OUT_OF_TIME:
            raise _NotRepeatableError(Message("waiting.too_long")) from error
        raise
    if answer.fault is not None:
        if answer.fault.id in OUT_OF_TIME:
            raise _NotRepeatableError(Message("waiting.too_long"))
        raise GraderError(answer.fault)
    return answer
