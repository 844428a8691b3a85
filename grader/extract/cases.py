"""One exercise with the model that stands for it: what the room is asked, what its answers say.

Enters: an exercise, readings, the course; answers of the evaluation room. Leaves: an ExerciseCase,
its tasks, its numbers. Touches nothing.

Hidden labels are drawn here and stay here: the room gets inputs only, and every metric is computed
from the bytes that it returns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from grader.course.exercises import Course, Exercise
from grader.course.families import DataReading, Family, Looks, Question
from grader.course.looking import family_of, looks_at
from grader.execution import Fit, Training
from grader.extract.distinct import trained_on
from grader.extract.first_weights import first_task
from grader.extract.known_rows import KnownRows, Run, known_rows
from grader.extract.lengths import asked_at, examined, fits_in, of_any_length, question_for
from grader.extract.matching import ModelReading, choose, telling_fit
from grader.extract.retraining import canonical_question
from grader.extract.suspicion import Suspect, doubts, inputs_with_sample
from grader.extract.tasks import Answer, ModelTask
from grader.extract.training import DEFAULT_BATCH
from grader.extract.weightless import without_weight
from grader.types import NO_REFERENCE, Array, Message

HiddenSeed = Callable[[str], int]
PART_SEEN = "data.part_seen"


@dataclass(frozen=True)
class ExerciseCase:
    """One exercise with the model that stands for it and what is known before the evaluation."""

    exercise: Exercise
    reading: ModelReading | None
    fit: Fit | None = None
    data: DataReading | None = None
    question: Question | None = None  # at the student's own length
    family: Family | None = None
    asked: Question | None = None  # at the exercise's length, where the student's is shorter
    data_of: ModelReading | None = None  # whose fit shows the data, where this one was not fitted
    unlooked: Message | None = None  # why nothing here can look at the data
    judged: bool = True  # False where the instructor's side is, and with it the hidden data


@dataclass(frozen=True)
class Measured:
    """The numbers of the model and of predictors that need none; or why there are none."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    controls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    unmet: Message | None = None


def exercise_case(
    exercise: Exercise,
    readings: Sequence[ModelReading],
    every: Sequence[Exercise],
    course: Course,
    hidden_seed: HiddenSeed,
    trainings: Sequence[Training] | None = None,
) -> ExerciseCase:
    """Choose the model that stands for an exercise, look at its data, draw its questions.

    Of a training that is ours the data are what was ordered, all of it; else what was shown. Where
    trainings are ours (not None), what was not shown is not there.
    """
    others = [other for other in every if other.id != exercise.id]
    chosen, family = choose(readings, exercise, others), family_of(course, exercise)
    looks = family or looks_at(course, exercise)
    run = Run(exercise, looks, readings, trainings)
    rows = None if chosen is None else known_rows(run, chosen, others)
    if family is None:
        return _seen_from_there(exercise, chosen, looks, rows)
    if chosen is None or rows is None:
        return ExerciseCase(exercise, None)
    reading, fit = chosen.built_for(exercise), telling_fit(chosen.candidate)
    own = exercise.sized(reading.input_shape)
    if rows.shown is None and reading.moved:
        # A loop of its own may have trained it. What it was given was not seen: the usual layout.
        _, question = canonical_question(family, asked_at(exercise, own), hidden_seed(exercise.id))
        if fits_in(question, reading.input_shape):
            return ExerciseCase(exercise, reading, None, None, question, family)
    data = _looked_at(family, exercise, reading, rows)
    if rows.of is not None:
        return ExerciseCase(exercise, reading, None, data, None, family, data_of=rows.of)
    if data is None or data.layout is None:
        return ExerciseCase(exercise, reading, fit, data, None, family)
    seed, elsewhere = hidden_seed(exercise.id), asked_at(exercise, own)
    return ExerciseCase(
        exercise,
        reading,
        fit,
        data,
        question_for(family, data, own, seed),
        family,
        question_for(family, data, elsewhere, seed) if elsewhere is not own else None,
    )


def _looked_at(
    looks: Looks, exercise: Exercise, reading: ModelReading, rows: KnownRows
) -> DataReading | None:
    """Look at the rows; None where there are none."""
    fit = rows.shown
    if fit is None:
        return None
    if rows.claimed:  # of an order no others are known
        split = fit.arguments.get("validation_split")
        fit = replace(fit, sample=trained_on(fit.sample, split))
    data = examined(looks, exercise, reading.input_shape, fit)
    if rows.weightless:
        data = without_weight(data)
    return replace(data, notes=(*data.notes, Message(PART_SEEN))) if rows.in_part else data


def _seen_from_there(
    exercise: Exercise,
    chosen: ModelReading | None,
    looks: Looks | Message,
    rows: KnownRows | None,
) -> ExerciseCase:
    """See what can be seen without the instructor's side: the data at most, and no hidden ones."""
    case = ExerciseCase(exercise, None, judged=False)
    if isinstance(looks, Message):
        case = replace(case, unlooked=looks)
    if chosen is None or rows is None:
        return case
    reading, fit = chosen.built_for(exercise), telling_fit(chosen.candidate)
    data = None if isinstance(looks, Message) else _looked_at(looks, exercise, reading, rows)
    instead = rows.of if data is not None else None
    return replace(case, reading=reading, fit=None if instead else fit, data=data, data_of=instead)


def updates_per_epoch(case: ExerciseCase) -> int:
    """Give how many updates the exercise's training makes in an epoch, at Keras' own batch size.

    Only where a loop of the notebook's own is measured by it.
    """
    if case.reading is None or case.family is None or not case.reading.candidate.own_updates:
        return 1
    return max(1, math.ceil((rows_asked(case) or 0) / DEFAULT_BATCH))


def rows_asked(case: ExerciseCase) -> int | None:
    """Give how many rows the exercise trains on, at the length of the student's; None: unknown.

    The data are drawn for that.
    """
    if case.reading is None or case.family is None:
        return None
    own = case.exercise.sized(case.reading.input_shape)
    inputs, _ = case.family.training(np.random.default_rng(0), own.data)
    return len(inputs)


def tasks_of(case: ExerciseCase) -> tuple[ModelTask, ...]:
    """Have the model tried, and what makes its training doubtful."""
    if case.reading is None or case.reading.architecture is None:
        return ()
    if case.reading.candidate.bare or case.reading.obstacle is not None:
        # With other weights its answers would be another model's.
        return (ModelTask(case.exercise.id, case.reading.architecture),)
    suspect = suspect_of(case)
    inputs = inputs_with_sample(suspect) if suspect is not None else None
    final = case.reading.candidate.final
    task = ModelTask(case.exercise.id, case.reading.architecture, final, inputs)
    if suspect is None:
        return (task, *_asked_longer(case))
    first = first_task(suspect)
    begun = (first,) if first is not None else ()
    return (task, *_asked_longer(case), *doubts(suspect), *begun)


def _asked_longer(case: ExerciseCase) -> tuple[ModelTask, ...]:
    """Ask a model that was given shorter sequences about the exercise's own."""
    if case.asked is None or case.reading is None or case.reading.architecture is None:
        return ()
    longer = of_any_length(case.reading.architecture, case.exercise)
    final = case.reading.candidate.final
    return (ModelTask(_longer(case), longer, final, case.asked.inputs),)


def _longer(case: ExerciseCase) -> str:
    return f"{case.exercise.id}/longer"


def suspect_of(case: ExerciseCase) -> Suspect | None:
    """Give what is looked at to doubt its training; None where it cannot be tried."""
    reading, family, question = case.reading, case.family, case.question
    if reading is None or reading.architecture is None or family is None or question is None:
        return None
    if reading.obstacle is not None:
        return None  # never built: it has no weights
    architecture, candidate = reading.architecture, reading.candidate
    return Suspect(case.exercise.id, candidate, architecture, case.fit, family, question)


def measured(case: ExerciseCase, answers: Mapping[str, Answer]) -> Measured:
    """Compute every metric of the rebuilt model, or say why there is none."""
    answer, longer = answers.get(case.exercise.id), answers.get(_longer(case))
    if (obstacle := _obstacle(case)) is not None:
        return Measured(unmet=obstacle)
    family, question = case.family, case.question
    assert family is not None
    assert question is not None
    if case.asked is not None:
        if longer is None or longer.error or longer.predictions is None:
            return Measured(unmet=Message("accuracy.other_length"))
        answer, question = longer, case.asked
    if answer is None or answer.error or answer.predictions is None:
        args = {"error": (answer.error if answer else "") or ""}
        return Measured(unmet=Message("accuracy.not_rebuilt", args))
    asked = answer.predictions[: len(question.inputs)]  # rows given to fit may follow
    predictions = shaped(asked, question.answers)
    if predictions is None:
        got = "×".join(str(n) for n in answer.predictions.shape[1:]) or "1"
        return Measured(unmet=Message("accuracy.shape", {"got": got}))
    if not np.isfinite(predictions).all():
        return Measured(unmet=Message("accuracy.not_finite"))
    controls = family.controls(question).items()
    return Measured(
        metrics=family.measure(predictions, question),
        controls={name: family.measure(control, question) for name, control in controls},
    )


def _obstacle(case: ExerciseCase) -> Message | None:
    """Say why the model was never asked: it, its data or the instructor's side cannot be had."""
    assert case.reading is not None
    if case.reading.obstacle is not None:
        return case.reading.obstacle
    if case.reading.candidate.bare:
        return Message("accuracy.weights_unseen")
    if not case.judged:
        return Message(NO_REFERENCE)
    if case.question is None:
        return Message("accuracy.never_fitted" if case.fit is None else "accuracy.data_unreadable")
    return None


def shaped(predictions: Array, answers: Array) -> Array | None:
    """Give the predictions in the answers' shape; (rows, 1) and (rows,) are the same thing."""
    if predictions.size != answers.size or len(predictions) != len(answers):
        return None
    return predictions.reshape(answers.shape)
