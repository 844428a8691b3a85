"""Stage 3: turns claims into facts about each exercise.

Enters: an Execution, the exercises that the notebook may answer, and a way to ask the evaluation
room. Leaves: Evidence per exercise. Touches: the evaluation room, through the function that is
passed in.

Hidden labels are drawn here and stay here: the room gets inputs only, and every metric is computed
from the bytes that it returns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grader.evaluate import Answer, Task
from grader.exercises import Course, Exercise
from grader.families import Family, Question, load_family
from grader.families import Reading as DataReading
from grader.matching import Reading, choose, exercises_held, moved, read_candidate
from grader.types import (
    Array,
    Candidate,
    CellError,
    Evidence,
    Execution,
    Fit,
    LayerFact,
    Message,
    ModelFacts,
    Outcome,
    RunFacts,
    TrainingFacts,
)

UNKNOWN = "unknown"  # the exercise of a notebook in which no model of any exercise was found
HISTORY = 2000

Evaluate = Callable[[Sequence[Task]], Mapping[str, Answer]]
HiddenSeed = Callable[[str], int]


@dataclass(frozen=True)
class _Case:
    """One exercise with the model that stands for it and what is known before the evaluation."""

    exercise: Exercise
    reading: Reading | None
    fit: Fit | None
    data: DataReading | None
    question: Question | None
    family: Family | None


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
    readings = [read_candidate(candidate) for candidate in execution.candidates]
    every = list(course.exercises.values())
    exercises = (
        exercises_held(readings, every)
        if owed is None
        else tuple(course.exercise(identifier) for identifier in owed)
    )
    runs = run_facts(execution)
    if not exercises:
        return (Evidence(UNKNOWN, runs, None, (), None, None, {}),)
    several = len(exercises) > 1
    cases = [
        _case(exercise, readings, every if several else [], course, hidden_seed)
        for exercise in exercises
    ]
    tasks = [task for case in cases if (task := _task(case)) is not None]
    answers = evaluate(tasks) if tasks else {}
    return tuple(_evidence(case, runs, answers.get(case.exercise.id)) for case in cases)


def run_facts(execution: Execution) -> RunFacts:
    """Say what the transcript shows: failing cells, and where the room was stopped."""
    failed = tuple(
        (cell.index, cell.error or CellError("Error", "", ""))
        for cell in execution.cells
        if cell.status == "error"
    )
    stopped = [cell.index for cell in execution.cells if cell.status == "stopped"]
    if execution.outcome is Outcome.FINISHED:
        return RunFacts(execution.outcome, len(execution.cells), failed, None)
    at = stopped[0] if stopped else (execution.cells[-1].index if execution.cells else None)
    return RunFacts(execution.outcome, len(execution.cells), failed, at)


def _case(
    exercise: Exercise,
    readings: Sequence[Reading],
    every: Sequence[Exercise],
    course: Course,
    hidden_seed: HiddenSeed,
) -> _Case:
    others = [other for other in every if other.id != exercise.id]
    reading = choose(readings, exercise, others)
    if reading is None:
        return _Case(exercise, None, None, None, None, None)
    fit = _telling_fit(reading.candidate)
    if exercise.family is None or course.reference is None:
        return _Case(exercise, reading, fit, None, None, None)
    family = load_family(course.reference, exercise.family)
    data = family.examine(fit.sample, exercise.data) if fit else None
    question = None
    if data is not None and data.layout is not None:
        rng = np.random.default_rng(hidden_seed(exercise.id))
        question = family.ask(data, rng, exercise.data)
    return _Case(exercise, reading, fit, data, question, family)


def _telling_fit(candidate: Candidate) -> Fit | None:
    """Give the fit that shaped the model: the longest whose data were seen, the last of equals."""
    fits = [fit for fit in candidate.fits if fit.sample.x is not None] or list(candidate.fits)
    return max(reversed(fits), key=lambda fit: fit.epochs_run, default=None)


def _task(case: _Case) -> Task | None:
    if case.reading is None or case.reading.architecture is None:
        return None
    return Task(
        case.exercise.id,
        case.reading.architecture,
        case.reading.candidate.final,
        case.question.inputs if case.question is not None else None,
    )


def _evidence(case: _Case, runs: RunFacts, answer: Answer | None) -> Evidence:
    if case.reading is None:
        return Evidence(case.exercise.id, runs, None, (), None, None, {})
    metrics, unmet = _metrics(case, answer)
    data = case.data
    flags = ["needs_review"] if case.reading.architecture is None else []
    if answer is not None and answer.error:
        flags.append("weights_contradict_model")
    return Evidence(
        exercise=case.exercise.id,
        runs=runs,
        model=_model_facts(case.reading, answer),
        data=data.findings if data else (),
        layout=data.layout if data else None,
        training=training_facts(case.reading.candidate, case.fit),
        metrics=metrics,
        flags=tuple(flags),
        notes=data.notes if data else (),
        hints=data.hints if data else (),
        unmet=unmet,
    )


def _model_facts(reading: Reading, answer: Answer | None) -> ModelFacts:
    candidate = reading.candidate
    claimed = sum(int(weight.size) for weight in candidate.final)
    architecture = reading.architecture
    if architecture is None or answer is None or len(answer.layers) != len(architecture.layers):
        specs = architecture.layers if architecture else ()
        layers = tuple(
            LayerFact(name, specs[i].settings if i < len(specs) else {}, (), 0)
            for i, name in enumerate(reading.names)
        )
        return ModelFacts(layers, claimed, (), candidate.cell, candidate.name, rebuilt=False)
    layers = tuple(
        LayerFact(spec.title, spec.settings, rebuilt.output_shape, rebuilt.params)
        for spec, rebuilt in zip(architecture.layers, answer.layers, strict=True)
    )
    return ModelFacts(
        layers,
        answer.total_params,
        architecture.input_shape,
        candidate.cell,
        candidate.name,
        rebuilt=True,
    )


def training_facts(candidate: Candidate, fit: Fit | None) -> TrainingFacts:
    """Say what the fits of a model did to its weights."""
    history: dict[str, tuple[float, ...]] = {}
    for one in candidate.fits:
        for key, values in one.history.items():
            history[key] = (*history.get(key, ()), *values)[:HISTORY]
    losses = [value for value in history.get("loss", ()) if math.isfinite(value)]
    return TrainingFacts(
        fits=len(candidate.fits),
        epochs=sum(one.epochs_run for one in candidate.fits),
        changed=moved(candidate),
        finite=all(bool(np.isfinite(weight).all()) for weight in candidate.final),
        first_loss=losses[0] if losses else None,
        last_loss=losses[-1] if losses else None,
        history=history,
        compile={k: v for k, v in candidate.compile.items() if not isinstance(v, (dict, list))},
        cell=fit.cell if fit else None,
    )


def _metrics(case: _Case, answer: Answer | None) -> tuple[dict[str, float], Message | None]:
    """Compute every metric of the rebuilt model, or say why there is none."""
    if (obstacle := _obstacle(case)) is not None:
        return {}, obstacle
    family, question = case.family, case.question
    assert family is not None
    assert question is not None
    if answer is None or answer.error or answer.predictions is None:
        return {}, Message(
            "accuracy.not_rebuilt", {"error": (answer.error if answer else "") or ""}
        )
    predictions = _shaped(answer.predictions, question.answers)
    if predictions is None:
        got = "×".join(str(n) for n in answer.predictions.shape[1:]) or "1"
        return {}, Message("accuracy.shape", {"got": got})
    if not np.isfinite(predictions).all():
        return {}, Message("accuracy.not_finite")
    metrics = dict(family.measure(predictions, question))
    for name, control in family.controls(question).items():
        for key, value in family.measure(control, question).items():
            metrics[f"{name}.{key}"] = value
    return metrics, None


def _obstacle(case: _Case) -> Message | None:
    """Say why the model was never asked: it, its data or the instructor's side cannot be had."""
    assert case.reading is not None
    if case.reading.architecture is None:
        return case.reading.obstacle
    if case.family is None:
        return Message("accuracy.no_reference")
    return Message("accuracy.data_unreadable") if case.question is None else None


def _shaped(predictions: Array, answers: Array) -> Array | None:
    """Give the predictions in the answers' shape; (rows, 1) and (rows,) are the same thing."""
    if predictions.size != answers.size or len(predictions) != len(answers):
        return None
    return predictions.reshape(answers.shape)
