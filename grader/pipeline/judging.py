"""What the judge does with one submission: reads it, looks at its code, judges its runs.

Enters: bytes, a Notebook, an Execution; all of it from students. Leaves: a Notebook, Looked,
Assessed. Touches: loads families and own checks. The functions run in a process of their own
(``judge_worker.py``), in which a fault costs one student; nothing here knows of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from grader.code.engines import fixes_seeds, needs_tensorflow
from grader.code.source import left_unread
from grader.course.exercises import Course
from grader.course.families import load_family
from grader.course.looking import ELSEWHERE, may_be_of_another_file
from grader.execution import Execution
from grader.extract.apart import Apart, Care, Unjudged
from grader.extract.extract import extract_each, run_facts
from grader.extract.lengths import asked_at, of_any_length
from grader.extract.matching import ModelReading, choose, read_model
from grader.extract.repeating import has_learned
from grader.extract.retraining import (
    can_learn,
    canonical_question,
    has_no_rate,
    retraining,
    with_asked_activation,
)
from grader.extract.slope import has_no_slope, slope_task
from grader.extract.tasks import Answer, Evaluate, ModelTask
from grader.pipeline.repeating import Repeats
from grader.score.grade import grade_of
from grader.score.hints_runs import diagnose_source
from grader.score.score import ungraded
from grader.submission import Notebook
from grader.trainer.order import Order
from grader.trainer.refusing import NotAnOrderError
from grader.trainer.replying import read_asked
from grader.trainer.seen import seen_rows
from grader.trainer.trained_on import trained_rows
from grader.types import Engine, Evidence, Grade, GraderError, Message, Repeated, UsedThreshold

Fault: TypeAlias = Callable[[Exception], Message]


@dataclass(frozen=True)
class Looked:
    """What a notebook's code shows before it runs."""

    needs_tensorflow: Message | None = None  # why
    fixes_seeds: bool = True  # in doubt yes


NOT_LOOKED = Looked()


@dataclass(frozen=True)
class RunToJudge:
    """One run of a submission, and by what it is judged."""

    course: Course
    notebook: Notebook
    execution: Execution
    exercises: tuple[str, ...] | None  # None: whatever the notebook turns out to hold
    hidden_seeds: Mapping[str, int]  # of every exercise of the course
    left_out: Mapping[str, Message] = field(default_factory=dict)  # exercises, and why
    repeat_seeds: tuple[int, ...] = ()  # of claimed trainings that are done again


@dataclass(frozen=True)
class Again:
    """A model to be trained anew with another seed; ``mended``: with its last layer put right."""

    course: Course
    execution: Execution
    evidence: Evidence
    hidden_seed: int
    seed: int
    mended: bool


@dataclass(frozen=True)
class Assessed:
    """One exercise, judged. Without evidence: ungraded, a fault of ours."""

    exercise: str
    grade: Grade
    evidence: Evidence | None = None
    threshold: UsedThreshold | None = None
    seconds: float = 0.0  # that a training took


def look(notebook: Notebook) -> Looked:
    """Look at a notebook's code."""
    return Looked(needs_tensorflow(notebook), fixes_seeds(notebook))


@dataclass(frozen=True)
class Asked:
    """An order as it was passed on: its text, its arrays, the results that it may go on from."""

    order: Path
    arrays: Path
    answered: frozenset[str]
    seed: int = 0  # draws the rows that are kept where there are many


def order_of(asked: Asked) -> Order | Message:
    """Read a training order, with what is kept of its rows; where it is none, give why."""
    try:
        order = read_asked(asked.order, asked.arrays, asked.answered)
        return replace(order, seen=seen_rows(*trained_rows(order.arrays, order.fit), asked.seed))
    except NotAnOrderError as error:
        return error.message


def judge(
    run: RunToJudge, evaluate: Evaluate, begins: Callable[[str], None], fault: Fault
) -> tuple[Assessed, ...]:
    """Judge every exercise of a run.

    Args:
        run: what came out of the room, and by what it is judged.
        evaluate: has tasks done in the evaluation room.
        begins: told of every exercise before anything is done for it.
        fault: says what nobody expected.
    """
    care = Apart(fault, run.left_out, begins)
    source = diagnose_source(run.notebook, run_facts(run.execution))
    unread = left_unread(run.notebook)
    execution = run.execution
    repeats = Repeats(
        run.course,
        execution.engine,
        execution.device,
        run.repeat_seeds,
        run.hidden_seeds,
        evaluate,
    )
    found = extract_each(
        run.execution,
        run.exercises,
        run.course,
        evaluate,
        run.hidden_seeds.__getitem__,
        care,
        repeats.added,
    )
    known = [
        one
        if isinstance(one, Unjudged)
        else care.do(one.exercise, partial(_as_far_as_known, one, run))
        for one in found
    ]
    told = [
        one
        if isinstance(one, Unjudged)
        else replace(one, hints=(*one.hints, *source), notes=(*one.notes, *unread))
        for one in known
    ]
    return tuple(_assessed(one, run.course, run.execution, care) for one in told)


def _as_far_as_known(one: Evidence, run: RunToJudge) -> Evidence:
    """Say nothing of data that are others than the exercise's in a student's check alone."""
    exercise, folder = run.course.exercises.get(one.exercise), run.course.public
    if exercise is None or exercise.family is None or folder is None or one.unlooked is not None:
        return one
    if not may_be_of_another_file(folder, exercise, one.data, run.notebook):
        return one
    return replace(one, data=(), layout=None, unlooked=Message(ELSEWHERE))


def _assessed(
    one: Evidence | Unjudged, course: Course, execution: Execution, care: Care
) -> Assessed:
    done: Assessed | Unjudged
    if isinstance(one, Unjudged):
        done = one
    else:
        done = care.do(
            one.exercise, partial(_graded, course, one, execution.engine, execution.device)
        )
    return Assessed(done.exercise, ungraded(done.message)) if isinstance(done, Unjudged) else done


def _graded(course: Course, evidence: Evidence, engine: Engine, device: str) -> Assessed:
    judged = grade_of(course, evidence, engine, device)
    return Assessed(evidence.exercise, judged.grade, evidence, judged.threshold)


def judge_again(
    again: Again, evaluate: Evaluate, begins: Callable[[str], None], fault: Fault
) -> tuple[Assessed, ...]:
    """Train a model anew and judge it by that; nothing where it cannot be trained."""
    exercise = again.evidence.exercise
    care = Apart(fault, begins=begins)
    trained = care.do(exercise, partial(_trained, again, evaluate))
    if trained is None:
        return ()
    if isinstance(trained, Unjudged):
        return (Assessed(exercise, ungraded(trained.message)),)
    evidence, seconds = trained
    found = _assessed(evidence, again.course, again.execution, care)
    return (replace(found, seconds=seconds),)


def _trained(again: Again, evaluate: Evaluate) -> tuple[Evidence, float] | None:
    course, evidence = again.course, again.evidence
    exercise = course.exercise(evidence.exercise)
    assert course.reference is not None
    assert exercise.family is not None
    family = load_family(course.reference, exercise.family)
    reading = choose([read_model(c) for c in again.execution.candidates], exercise)
    if reading is None or reading.architecture is None:
        return None
    claimed = evidence.proof is not None and not evidence.proof.proven
    if not _can_be_trained(again, reading, claimed=claimed):
        return None
    own = exercise.sized(reading.input_shape)
    asked = asked_at(exercise, own)
    _, question = canonical_question(family, asked, again.hidden_seed)
    architecture = reading.architecture
    if asked is not own:
        architecture = of_any_length(architecture, exercise)
    if again.mended:
        architecture = with_asked_activation(architecture, exercise)
    task = retraining(
        architecture,
        reading.candidate,
        own,
        family,
        again.seed,
        question,
        updates=_proven_updates(again),
    )
    if claimed and task is not None and task.training is not None:
        task = replace(task, training=replace(task.training, compare=True))
    answer = _answered(task, again, reading, evaluate) if task is not None else None
    if answer is not None and answer.fault is not None:
        raise GraderError(answer.fault)
    if answer is None or answer.predictions is None:
        return None
    metrics = family.measure(answer.predictions.reshape(question.answers.shape), question)
    evidence = replace(evidence, metrics={**evidence.metrics, **metrics})
    if claimed and evidence.proof is not None:  # this training is ours, too
        once = Repeated(metrics, has_learned(answer.history), 1, answer.seconds)
        evidence = replace(evidence, proof=replace(evidence.proof, repeated=once))
    if again.mended and evidence.training is not None:
        training = replace(evidence.training, changed=True, mended=True)
        evidence = replace(evidence, training=training)
    return evidence, answer.seconds


def _proven_updates(again: Again) -> int | None:
    """Give the updates of a training of ours that its slip wasted: to be made again in earnest."""
    proof, training = again.evidence.proof, again.evidence.training
    if not again.mended or proof is None or not proof.proven or training is None:
        return None
    return training.updates


def _can_be_trained(again: Again, reading: ModelReading, *, claimed: bool) -> bool:
    """Whether another seed may come to something: a slip held it back, or it has a rate."""
    if again.mended and not can_learn(reading.candidate.config):
        return False  # no slip keeps it from learning
    return not ((claimed or again.mended) and has_no_rate(reading.candidate))


def _answered(
    task: ModelTask, again: Again, reading: ModelReading, evaluate: Evaluate
) -> Answer | None:
    """Have a model trained; one to be mended only where nothing but the slip held it back."""
    if not again.mended:
        return evaluate([task])[task.id]
    assert reading.architecture is not None
    slope = slope_task(task.exercise, reading.architecture, reading.candidate)
    if slope is None:
        return None
    tried = evaluate([slope])[slope.id]
    if tried.fault is not None:
        return tried
    return evaluate([task])[task.id] if has_no_slope(reading.candidate, tried) else None
