"""Stage 3: turns claims into facts about each exercise.

Enters: an Execution, the exercises that the notebook may answer, and a way to ask the evaluation
room. Leaves: Evidence per exercise. Touches: the evaluation room, through the function that is
passed in.

Hidden labels are drawn here and stay here: the room gets inputs only, and every metric is computed
from the bytes that it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from grader.course.exercises import Course, Exercise
from grader.course.families import DataReading, Family, Question, load_family
from grader.extract.apart import Care, Together, Unjudged
from grader.extract.evaluate import Answer, ModelTask
from grader.extract.matching import ModelReading, choose, exercises_held, read_model
from grader.extract.suspicion import Suspect, doubts, inputs_with_sample, suspicions
from grader.extract.training import training_facts
from grader.types import (
    UNKNOWN,
    Array,
    Candidate,
    CellError,
    Evidence,
    Execution,
    Fit,
    GraderError,
    LayerFact,
    Message,
    ModelFacts,
    OtherModel,
    Outcome,
    RunFacts,
)

MOST_OTHERS = 20
LAYERS_SHOWN = 50  # of a model; of all others their classes, of the one that is graded its settings
MOST_FAILED = 100  # cells whose exceptions are kept; the others are counted
WHOLE_ERRORS = 10  # with their tracebacks
LONGEST_VALUE = 300  # characters of an exception without its traceback

Evaluate = Callable[[Sequence[ModelTask]], Mapping[str, Answer]]
HiddenSeed = Callable[[str], int]


@dataclass(frozen=True)
class _ExerciseCase:
    """One exercise with the model that stands for it and what is known before the evaluation."""

    exercise: Exercise
    reading: ModelReading | None
    fit: Fit | None
    data: DataReading | None
    question: Question | None
    family: Family | None


@dataclass(frozen=True)
class _Measured:
    """The numbers of the model and of predictors that need none; or why there are none."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    controls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    unmet: Message | None = None


def extract(
    execution: Execution,
    owed: Sequence[str] | None,
    course: Course,
    evaluate: Evaluate,
    hidden_seed: HiddenSeed,
) -> tuple[Evidence, ...]:
    """Establish the facts for every exercise that the notebook owes.

    Args:
        execution: what came out of the room.
        owed: exercise ids; None takes those whose model the notebook holds.
        course: the exercises.
        evaluate: has tasks done in the evaluation room.
        hidden_seed: gives the seed of an exercise's hidden data.
    """
    found = extract_each(execution, owed, course, evaluate, hidden_seed, Together())
    return tuple(one for one in found if isinstance(one, Evidence))


def extract_each(
    execution: Execution,
    owed: Sequence[str] | None,
    course: Course,
    evaluate: Evaluate,
    hidden_seed: HiddenSeed,
    care: Care,
) -> tuple[Evidence | Unjudged, ...]:
    """Establish the facts as ``extract`` does, each exercise's by itself.

    Args:
        execution: what came out of the room.
        owed: exercise ids; None takes those whose model the notebook holds.
        course: the exercises.
        evaluate: has tasks done in the evaluation room.
        hidden_seed: gives the seed of an exercise's hidden data.
        care: does what is done for one exercise, and takes what it raises.
    """
    readings = [read_model(candidate) for candidate in execution.candidates]
    every = list(course.exercises.values())
    exercises = (
        exercises_held(readings, every)
        if owed is None
        else tuple(course.exercise(identifier) for identifier in owed)
    )
    runs = run_facts(execution)
    if not exercises:
        return (Evidence(UNKNOWN, runs, None, (), None, None, {}, notes=execution.notes),)
    several = len(exercises) > 1
    others = every if several else []
    begun = [
        care.do(one.id, partial(_begun, one, readings, others, course, hidden_seed))
        for one in exercises
    ]
    tasks = [task for one in begun if isinstance(one, _Begun) for task in one.tasks]
    answers = evaluate(tasks) if tasks else {}
    return tuple(
        care.do(one.case.exercise.id, partial(_concluded, one, execution, answers, readings))
        if isinstance(one, _Begun)
        else one
        for one in begun
    )


@dataclass(frozen=True)
class _Begun:
    """An exercise before the evaluation room was asked."""

    case: _ExerciseCase
    tasks: tuple[ModelTask, ...]


def _begun(
    exercise: Exercise,
    readings: Sequence[ModelReading],
    every: Sequence[Exercise],
    course: Course,
    hidden_seed: HiddenSeed,
) -> _Begun:
    case = _exercise_case(exercise, readings, every, course, hidden_seed)
    return _Begun(case, _tasks(case))


def _concluded(
    begun: _Begun,
    execution: Execution,
    answers: Mapping[str, Answer],
    readings: Sequence[ModelReading],
) -> Evidence:
    for task in begun.tasks:
        answer = answers.get(task.id)
        if answer is not None and answer.fault is not None:
            raise GraderError(answer.fault)
    found = _evidence(begun.case, run_facts(execution), answers, readings)
    return replace(found, notes=(*execution.notes, *found.notes))


def run_facts(execution: Execution) -> RunFacts:
    """Say what the transcript shows: failing cells, and where the room was stopped."""
    failed = tuple(
        (cell.index, cell.error or CellError("Error", "", ""))
        for cell in execution.cells
        if cell.status == "error"
    )
    at = None
    if execution.outcome is not Outcome.FINISHED:
        stopped = [cell.index for cell in execution.cells if cell.status == "stopped"]
        at = stopped[0] if stopped else (execution.cells[-1].index if execution.cells else None)
    return RunFacts(
        execution.outcome,
        len(execution.cells),
        tuple(_shortened(failed)),
        at,
        tuple(one for cell in execution.cells for one in cell.left_out),
        more_failed=max(0, len(failed) - MOST_FAILED),
    )


def _shortened(failed: Sequence[tuple[int, CellError]]) -> Iterator[tuple[int, CellError]]:
    """Keep the first exceptions whole, of some more what they said: a record holds them all."""
    yield from failed[:WHOLE_ERRORS]
    for index, error in failed[WHOLE_ERRORS:MOST_FAILED]:
        yield index, CellError(error.name, error.value[:LONGEST_VALUE], "")


def _exercise_case(
    exercise: Exercise,
    readings: Sequence[ModelReading],
    every: Sequence[Exercise],
    course: Course,
    hidden_seed: HiddenSeed,
) -> _ExerciseCase:
    others = [other for other in every if other.id != exercise.id]
    reading = choose(readings, exercise, others)
    if reading is None:
        return _ExerciseCase(exercise, None, None, None, None, None)
    fit = _telling_fit(reading.candidate)
    if exercise.family is None or course.reference is None:
        return _ExerciseCase(exercise, reading, fit, None, None, None)
    family = load_family(course.reference, exercise.family)
    data = family.examine(fit.sample, exercise.data) if fit else None
    question = None
    if data is not None and data.layout is not None:
        rng = np.random.default_rng(hidden_seed(exercise.id))
        question = family.ask(data, rng, exercise.data)
    return _ExerciseCase(exercise, reading, fit, data, question, family)


def _telling_fit(candidate: Candidate) -> Fit | None:
    """Give the fit that shaped the model: the longest whose data were seen, the last of equals."""
    fits = [fit for fit in candidate.fits if fit.sample.x is not None] or list(candidate.fits)
    return max(reversed(fits), key=lambda fit: fit.ended * fit.epochs_run, default=None)


def _tasks(case: _ExerciseCase) -> tuple[ModelTask, ...]:
    """Have the model tried, and what makes its training doubtful."""
    if case.reading is None or case.reading.architecture is None:
        return ()
    if case.reading.candidate.bare:  # with other weights its answers would be another model's
        return (ModelTask(case.exercise.id, case.reading.architecture),)
    suspect = _suspect(case)
    inputs = inputs_with_sample(suspect) if suspect is not None else None
    final = case.reading.candidate.final
    task = ModelTask(case.exercise.id, case.reading.architecture, final, inputs)
    return (task, *(doubts(suspect) if suspect is not None else ()))


def _suspect(case: _ExerciseCase) -> Suspect | None:
    reading, family, question = case.reading, case.family, case.question
    if reading is None or reading.architecture is None or family is None or question is None:
        return None
    architecture, candidate = reading.architecture, reading.candidate
    return Suspect(case.exercise.id, candidate, architecture, case.fit, family, question)


def _evidence(
    case: _ExerciseCase,
    runs: RunFacts,
    answers: Mapping[str, Answer],
    readings: Sequence[ModelReading],
) -> Evidence:
    others = _others(readings, case.reading)
    if case.reading is None:
        return Evidence(case.exercise.id, runs, None, (), None, None, {}, others=others)
    answer, suspect = answers.get(case.exercise.id), _suspect(case)
    measured = _measured(case, answer)
    data = case.data
    flags = ["needs_review"] if case.reading.architecture is None else []
    if answer is not None and answer.failed == "weights":
        flags.append("weights_contradict_model")
    flags += suspicions(suspect, answers) if suspect is not None else ()
    return Evidence(
        exercise=case.exercise.id,
        runs=runs,
        model=_model_facts(case.reading, answer),
        data=data.findings if data else (),
        layout=data.layout if data else None,
        training=training_facts(case.reading.candidate, case.fit),
        metrics=measured.metrics,
        flags=tuple(flags),
        notes=data.notes if data else (),
        hints=data.hints if data else (),
        unmet=measured.unmet,
        others=others,
        controls=measured.controls,
    )


def _others(
    readings: Sequence[ModelReading], chosen: ModelReading | None
) -> tuple[OtherModel, ...]:
    """Say what else was built: a student may have trained another model than the one meant."""
    return tuple(
        OtherModel(
            one.candidate.name,
            one.candidate.cell,
            sum(fit.epochs_run for fit in one.candidate.fits),
            one.names[:LAYERS_SHOWN],
        )
        for one in readings
        if one is not chosen
    )[:MOST_OTHERS]


def _model_facts(reading: ModelReading, answer: Answer | None) -> ModelFacts:
    candidate = reading.candidate
    claimed = sum(int(weight.size) for weight in candidate.final)
    architecture = reading.architecture
    if architecture is None or answer is None or len(answer.layers) != len(architecture.layers):
        specs = architecture.layers if architecture else ()
        layers = tuple(
            LayerFact(name, specs[i].settings if i < min(LAYERS_SHOWN, len(specs)) else {}, (), 0)
            for i, name in enumerate(reading.names)
        )
        return ModelFacts(layers, claimed, (), candidate.cell, candidate.name, rebuilt=False)
    layers = tuple(
        LayerFact(
            spec.title,
            spec.settings if i < LAYERS_SHOWN else {},
            rebuilt.output_shape,
            rebuilt.params,
        )
        for i, (spec, rebuilt) in enumerate(zip(architecture.layers, answer.layers, strict=True))
    )
    return ModelFacts(
        layers,
        answer.total_params,
        architecture.input_shape,
        candidate.cell,
        candidate.name,
        rebuilt=True,
    )


def _measured(case: _ExerciseCase, answer: Answer | None) -> _Measured:
    """Compute every metric of the rebuilt model, or say why there is none."""
    if (obstacle := _obstacle(case)) is not None:
        return _Measured(unmet=obstacle)
    family, question = case.family, case.question
    assert family is not None
    assert question is not None
    if answer is None or answer.error or answer.predictions is None:
        args = {"error": (answer.error if answer else "") or ""}
        return _Measured(unmet=Message("accuracy.not_rebuilt", args))
    asked = answer.predictions[: len(question.inputs)]  # rows given to fit may follow
    predictions = _shaped(asked, question.answers)
    if predictions is None:
        got = "×".join(str(n) for n in answer.predictions.shape[1:]) or "1"
        return _Measured(unmet=Message("accuracy.shape", {"got": got}))
    if not np.isfinite(predictions).all():
        return _Measured(unmet=Message("accuracy.not_finite"))
    controls = family.controls(question).items()
    return _Measured(
        metrics=family.measure(predictions, question),
        controls={name: family.measure(control, question) for name, control in controls},
    )


def _obstacle(case: _ExerciseCase) -> Message | None:
    """Say why the model was never asked: it, its data or the instructor's side cannot be had."""
    assert case.reading is not None
    if case.reading.architecture is None:
        return case.reading.obstacle
    if case.reading.candidate.bare:
        return Message("accuracy.weights_unseen")
    if case.family is None:
        return Message("accuracy.no_reference")
    if case.fit is None:
        return Message("accuracy.never_fitted")
    return Message("accuracy.data_unreadable") if case.question is None else None


def _shaped(predictions: Array, answers: Array) -> Array | None:
    """Give the predictions in the answers' shape; (rows, 1) and (rows,) are the same thing."""
    if predictions.size != answers.size or len(predictions) != len(answers):
        return None
    return predictions.reshape(answers.shape)
