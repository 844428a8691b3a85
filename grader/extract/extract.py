"""Stage 3: turns claims into facts about each exercise.

Enters: an Execution, the exercises that the notebook may answer, and a way to ask the evaluation
room. Leaves: Evidence per exercise. Touches: the evaluation room, through the function that is
passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from grader.course.exercises import Course, Exercise
from grader.execution import Execution, Training
from grader.extract.apart import Care, Together, Unjudged
from grader.extract.cases import (
    ExerciseCase,
    HiddenSeed,
    exercise_case,
    measured,
    rows_asked,
    suspect_of,
    tasks_of,
    updates_per_epoch,
)
from grader.extract.facts import LAYERS_SHOWN, model_facts, other_model, other_models
from grader.extract.first_weights import ANSWERS_UNTRAINED, answers_untrained
from grader.extract.held import Held, Nearest, exercises_held, whose_data
from grader.extract.matching import ModelReading, models_of, read_model
from grader.extract.proof import (
    chain_of,
    is_unheard,
    note_of,
    notes_on,
    proof_of,
    proven_facts,
)
from grader.extract.suspicion import ABOUT_CLAIMS, suspicions
from grader.extract.tasks import Answer, Evaluate, ModelTask
from grader.extract.training import passes_of, training_facts
from grader.text.exceptions import gist
from grader.text.printable import cut
from grader.types import (
    NO_REFERENCE,
    UNKNOWN,
    CellError,
    Evidence,
    GraderError,
    Message,
    Outcome,
    RunFacts,
)

MOST_FAILED = 100  # cells whose exceptions are kept; the others are counted
WHOLE_ERRORS = 10  # with their tracebacks
NO_KNOWN_EXERCISE = "diagnose.no_known_exercise"
LONGEST_VALUE = 300  # characters of an exception without its traceback

UNHEARD = "training_unheard"

Then = Callable[[Evidence, ExerciseCase], Evidence]


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
    then: Then = lambda found, _: found,
) -> tuple[Evidence | Unjudged, ...]:
    """Establish the facts as ``extract`` does, each exercise's by itself.

    Args:
        execution: what came out of the room.
        owed: exercise ids; None takes those whose model the notebook holds.
        course: the exercises.
        evaluate: has tasks done in the evaluation room.
        hidden_seed: gives the seed of an exercise's hidden data.
        care: does what is done for one exercise, and takes what it raises.
        then: what else is established about an exercise, from what is known of it by then.
    """
    readings = [read_model(candidate) for candidate in execution.candidates]
    every = list(course.exercises.values())
    held = (
        exercises_held(models_of(readings), every, whose_data(course, care))
        if owed is None
        else Held(tuple(course.exercise(identifier) for identifier in owed))
    )
    if not held.exercises:
        return (_nothing_known(execution, readings, held.nearest),)
    several, trainings = len(held.exercises) > 1, execution.trainings
    others = every if several else []
    among = [held.nearest.reading] if held.nearest is not None else readings
    begun = [
        care.do(one.id, partial(_begun, one, among, others, course, hidden_seed, trainings))
        for one in held.exercises
    ]
    tasks = [task for one in begun if isinstance(one, _Begun) for task in one.tasks]
    answers = evaluate(tasks) if tasks else {}
    return tuple(
        care.do(one.case.exercise.id, partial(_concluded, one, execution, answers, readings, then))
        if isinstance(one, _Begun)
        else one
        for one in begun
    )


def _nothing_known(
    execution: Execution, readings: Sequence[ModelReading], nearest: Nearest | None
) -> Evidence:
    """Say that no model is an attempt at any exercise, and what the nearest one would want."""
    hints: tuple[Message, ...] = ()
    if nearest is not None:
        hints = (
            Message(
                NO_KNOWN_EXERCISE,
                {
                    "got": _described(nearest.reading.names, nearest.reading.input_shape),
                    "cell": nearest.reading.candidate.cell,
                    "exercise": nearest.exercise.id,
                    "expected": _described(
                        [layer.cls for layer in nearest.exercise.layers],
                        nearest.exercise.input_shape,
                    ),
                },
            ),
        )
    return Evidence(
        UNKNOWN,
        run_facts(execution),
        None,
        (),
        None,
        None,
        {},
        notes=execution.notes,
        hints=hints,
        others=other_models(readings, None),
    )


def _described(names: Sequence[str], shape: Sequence[int | None]) -> str:
    """Write layers and their input: ``(36, 14) → GRU → Dense``."""
    sizes = ", ".join("?" if size is None else str(size) for size in shape)
    start = [f"({sizes},)" if len(shape) == 1 else f"({sizes})"] if shape else []
    return " → ".join([*start, *names[:LAYERS_SHOWN]])


@dataclass(frozen=True)
class _Begun:
    """An exercise before the evaluation room was asked."""

    case: ExerciseCase
    tasks: tuple[ModelTask, ...]


def _begun(
    exercise: Exercise,
    readings: Sequence[ModelReading],
    every: Sequence[Exercise],
    course: Course,
    hidden_seed: HiddenSeed,
    trainings: Sequence[Training] | None,
) -> _Begun:
    case = exercise_case(exercise, readings, every, course, hidden_seed, trainings)
    return _Begun(case, tasks_of(case))


def _concluded(
    begun: _Begun,
    execution: Execution,
    answers: Mapping[str, Answer],
    readings: Sequence[ModelReading],
    then: Then,
) -> Evidence:
    for task in begun.tasks:
        answer = answers.get(task.id)
        if answer is not None and answer.fault is not None:
            raise GraderError(answer.fault)
    found = _evidence(begun.case, run_facts(execution), answers, readings)
    if execution.trainings is not None:
        found = _with_proof(found, begun.case, execution.trainings)
    return then(replace(found, notes=(*execution.notes, *found.notes)), begun.case)


def _with_proof(found: Evidence, case: ExerciseCase, trainings: Sequence[Training]) -> Evidence:
    """Say whose training stands for the model; where it is ours, it is known by our own result."""
    if case.reading is None or found.training is None:
        return found
    chain = chain_of(case.reading, trainings)
    proof = proof_of(case.reading, chain, trainings)
    fits = () if chain else [fit for fit in case.reading.candidate.fits if fit.ended]
    parts = any(one.samples is not None for one in chain) or any(
        fit.arguments.get("steps_per_epoch") is not None for fit in fits
    )
    asked = rows_asked(case) if parts else None
    training = proven_facts(found.training, chain, asked)
    if fits:
        training = replace(training, epochs=sum(passes_of(fit, asked) for fit in fits))
    # Of what is ours no claim can raise a doubt.
    flags = [flag for flag in found.flags if not (chain and flag in ABOUT_CLAIMS)]
    if not chain and is_unheard(case.reading, trainings):
        flags.append(UNHEARD)
    told = sum(one.epochs for one in chain) or sum(fit.epochs_run for fit in fits)
    happened = training.epochs or training.own_updates or training.changed
    told_of = note_of(proof) if happened else ()  # of what never was nobody is the author
    notes = (*found.notes, *told_of, *notes_on(told, training.epochs))
    return replace(found, training=training, proof=proof, flags=tuple(flags), notes=notes)


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
        yield index, CellError(error.name, cut(gist(error.value), LONGEST_VALUE), "")


def _evidence(
    case: ExerciseCase,
    runs: RunFacts,
    answers: Mapping[str, Answer],
    readings: Sequence[ModelReading],
) -> Evidence:
    others = other_models(readings, case.reading)
    if case.reading is None:
        unmet = None if case.judged else Message(NO_REFERENCE)
        nothing = Evidence(case.exercise.id, runs, None, (), None, None, {}, others=others)
        return replace(nothing, unmet=unmet, unlooked=case.unlooked)
    answer, suspect = answers.get(case.exercise.id), suspect_of(case)
    found = measured(case, answers)
    data = case.data
    flags = ["needs_review"] if case.reading.architecture is None else []
    if answer is not None and answer.failed == "weights":
        flags.append("weights_contradict_model")
    if suspect is not None:
        flags += suspicions(suspect, answers)
        flags += [ANSWERS_UNTRAINED] if answers_untrained(suspect, answers) else []
    return Evidence(
        exercise=case.exercise.id,
        runs=runs,
        model=model_facts(case.reading, answer),
        data=data.findings if data else (),
        layout=data.layout if data else None,
        training=training_facts(case.reading, case.fit, updates_per_epoch(case)),
        metrics=found.metrics,
        flags=tuple(flags),
        notes=(*_note_of(case.data_of), *(data.notes if data else ())),
        hints=data.hints if data else (),
        unmet=found.unmet,
        unlooked=case.unlooked,
        others=others,
        data_of=other_model(case.data_of) if case.data_of else None,
        controls=found.controls,
    )


def _note_of(fitted: ModelReading | None) -> tuple[Message, ...]:
    """Say whose data were looked at, where the model itself was given none."""
    if fitted is None:
        return ()
    name, cell = fitted.candidate.name or "model", fitted.candidate.cell
    return (Message("data.of_another_model", {"other": name, "cell": cell}),)
