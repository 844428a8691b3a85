"""Measures one run of correct work, or of a known mistake, by the stages of a submission.

Enters: a Setup (course, exercise, engine, open room) and a Plan. Leaves: CalibrationRuns. Touches:
rooms.

The reference solution's notebook runs in a room, its model is found, rebuilt and asked hidden
inputs. The accuracy controls are known mistakes of the same architecture, trained in the evaluation
room: never, for one epoch, on shuffled labels; and predictors without a model.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from grader import seeds
from grader.calibration.on_trainer import Beforehand, trainer
from grader.calibration.one_epoch import one_epoch
from grader.collect.notebooks import parse_notebook
from grader.course.data import room_files
from grader.course.exercises import Course, Exercise
from grader.course.expectations import REFERENCE, TRAINER, CalibrationRun
from grader.course.families import Family, Question, load_family
from grader.execute.execute import execute
from grader.execute.run import Run
from grader.execution import Candidate, Execution
from grader.extract.architecture import Architecture
from grader.extract.evaluate import evaluate
from grader.extract.extract import extract
from grader.extract.matching import choose, read_model
from grader.extract.retraining import canonical_question, retraining
from grader.extract.tasks import ModelTask
from grader.pipeline.runner import Slot
from grader.room import Room
from grader.submission import Notebook
from grader.trainer.kernels import HERE, Kernels
from grader.types import Engine, Evidence, GraderError, Message, ModelFacts, Scalar

SECRET = b"calibration: public on purpose, no course uses it"
MEMORY_MB = 4096
LONGEST = 3600.0  # seconds; nobody waits for a student here
UNTRAINED, ONE_EPOCH, SHUFFLED = TRAINED_CONTROLS = ("untrained", "one_epoch", "shuffled_labels")


@dataclass(frozen=True)
class Plan:
    """One run to do: of the reference (``control`` reference) or of a known mistake."""

    exercise: str
    control: str
    engine: Engine  # that trains; of the notebook too, unless a trainer does it for it
    seed: int
    by_trainer: bool = False
    device: str = ""  # that trains; "": the slot's

    @property
    def way(self) -> str:
        """What stands in the file for how it was trained."""
        return TRAINER if self.by_trainer else self.engine.value


@dataclass(frozen=True)
class Measured:
    """What a run gave; ``model`` for the structure part of the file."""

    run: CalibrationRun
    model: ModelFacts | None = None
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # of its training
    loss: str = ""  # that it was compiled with


@dataclass
class Setup:
    """What all runs of one exercise share; what the reference's model is, is found out once."""

    course: Course
    exercise: Exercise
    engine: Engine
    room: Room
    beforehand: Beforehand | None = None  # what was trained for many runs at once
    _reference: tuple[Architecture, Candidate] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def family(self) -> Family:
        """The exercise's data family.

        Raises:
            GraderError: this is a student's copy of the course.
        """
        if self.course.reference is None or self.exercise.family is None:
            raise GraderError(Message("cli.no_reference"))
        return load_family(self.course.reference, self.exercise.family)

    def reference(self, slot: Slot) -> tuple[Architecture, Candidate]:
        """Give the reference's architecture and its compile settings, from one short run."""
        with self._lock:
            if self._reference is None:
                self._reference = _look_at_reference(self, slot)
            return self._reference


def plan(
    exercise: Exercise,
    control: str,
    engine: Engine,
    number: int,
    *,
    by_trainer: bool = False,
    device: str = "",
) -> Plan:
    """Describe a run; its number alone gives its seed."""
    seed = seeds.derive(SECRET, exercise.id, control, number)
    return Plan(exercise.id, control, engine, seed, by_trainer, device)


def measure(setup: Setup, plan: Plan, slot: Slot) -> list[Measured]:
    """Do one run; a reference run measures the predictors without a model along with it.

    Raises:
        GraderError: the run itself did not come through.
    """
    if plan.control == REFERENCE:
        return [measure_reference(setup, plan, slot), *measure_constants(setup, plan, slot)]
    return [_measure_mistake(setup, plan, slot)]


def measure_reference(setup: Setup, plan: Plan, slot: Slot) -> Measured:
    """Run the reference solution like a submission.

    Raises:
        GraderError: it did not come through.
    """
    known = setup.beforehand
    if plan.by_trainer and known is not None and plan.seed in known.left:
        where: dict[str, Scalar] = {"exercise": plan.exercise, "seed": plan.seed}
        raise GraderError(Message("calibrate.not_on_device", where | {"device": known.device}))
    execution, evidence = run_reference(setup, plan, slot)
    if evidence.model is None or not evidence.metrics:
        raise failed(plan)
    seconds = execution.seconds
    if plan.by_trainer:
        if evidence.proof is None or not evidence.proof.proven:
            raise failed(plan)  # it trained by itself: that is another way
        if evidence.proof.device != (plan.device or slot.device):
            raise failed(plan)  # and a core's training is none of a device's
        seconds += execution.spent.training
    run = _run(plan, slot, plan.control, evidence.metrics, seconds)
    training = evidence.training
    if training is None:
        return Measured(run, evidence.model)
    loss = str(training.compile.get("loss") or "")
    return Measured(run, evidence.model, training.history, loss)


def run_reference(
    setup: Setup, plan: Plan, slot: Slot, kernels: Kernels = HERE
) -> tuple[Execution, Evidence]:
    """Run the reference solution through the stages of a submission.

    ``kernels``: what computes recurrent layers where a trainer trains.
    """
    execution = _executed(setup, plan, slot, kernels)
    (evidence,) = extract(
        execution,
        (plan.exercise,),
        setup.course,
        lambda tasks: evaluate(
            tasks, setup.room, engine=plan.engine, cores=slot.cores, timeout=LONGEST
        ),
        lambda _: _hidden_seed(plan),
    )
    return execution, evidence


def _executed(setup: Setup, plan: Plan, slot: Slot, kernels: Kernels) -> Execution:
    job = job_of(setup, reference_notebook(setup.exercise), plan, slot)
    if not plan.by_trainer:
        return execute(job, setup.room)
    with trainer(setup.room, slot.cores, plan.seed, kernels, setup.beforehand) as begin:
        return execute(replace(job, engine=Engine.TENSORFLOW), setup.room, trainer=begin)


def reference_notebook(exercise: Exercise) -> Notebook:
    """Give the reference solution as the notebook that a student would hand in."""
    from grader.authoring.release import full, text

    assert exercise.reference_path is not None
    return parse_notebook(text(full(exercise.reference_path / "solution.py", exercise)).encode())


def _look_at_reference(setup: Setup, slot: Slot) -> tuple[Architecture, Candidate]:
    """Run the reference for one epoch: its architecture and its data show after the first."""
    look = plan(setup.exercise, "look", setup.engine, 0)
    short = one_epoch(reference_notebook(setup.exercise))
    execution = execute(job_of(setup, short, look, slot), setup.room)
    found = choose([read_model(one) for one in execution.candidates], setup.exercise)
    if found is None or found.architecture is None:
        raise failed(look)
    return found.architecture, found.candidate


def measure_constants(setup: Setup, plan: Plan, slot: Slot) -> list[Measured]:
    """Measure what answers without a model reach on the hidden data of a reference's run.

    Raises:
        GraderError: the exercise names an unbeaten one that its family has not.
    """
    family = setup.family
    question = _question(setup, family, plan)
    answers = family.controls(question)
    if unknown := sorted({*setup.exercise.unbeaten} - answers.keys()):
        said: dict[str, Scalar] = {"answer": unknown[0], "known": ", ".join(answers)}
        raise GraderError(Message("calibrate.unknown_answer", {"exercise": plan.exercise, **said}))
    return [
        Measured(_run(plan, slot, name, family.measure(predictions, question), 0.0))
        for name, predictions in answers.items()
    ]


def _measure_mistake(setup: Setup, plan: Plan, slot: Slot) -> Measured:
    """Make a known mistake with the reference's own architecture and settings.

    The evaluation room has no GPU; a mistake's level does not depend on where it was made.
    """
    family = setup.family
    question = _question(setup, family, plan)
    task = _mistake(setup, family, plan, question, slot)
    answers = evaluate([task], setup.room, engine=plan.engine, cores=slot.cores, timeout=LONGEST)
    answer = answers[task.id]
    if answer.error or answer.predictions is None:
        raise GraderError(Message("calibrate.control_failed", {"error": answer.error or ""}))
    metrics = family.measure(answer.predictions.reshape(question.answers.shape), question)
    return Measured(_run(plan, slot, plan.control, metrics, answer.seconds))


def _mistake(setup: Setup, family: Family, plan: Plan, question: Question, slot: Slot) -> ModelTask:
    architecture, candidate = setup.reference(slot)
    if plan.control == UNTRAINED:
        return ModelTask(plan.exercise, architecture, inputs=question.inputs, seed=plan.seed)
    task = retraining(architecture, candidate, setup.exercise, family, plan.seed, question)
    if task is None or task.training is None:
        raise failed(plan)
    if plan.control == ONE_EPOCH:
        return replace(task, training=replace(task.training, epochs=1))
    order = np.random.default_rng(plan.seed).permutation(len(task.training.y))
    shuffled = task.training.y[order]
    return replace(task, training=replace(task.training, epochs=setup.exercise.epochs, y=shuffled))


def job_of(setup: Setup, notebook: Notebook, plan: Plan, slot: Slot) -> Run:
    """Describe a run of a notebook of ours."""
    return Run(
        notebook=notebook,
        engine=plan.engine,
        seed=plan.seed,
        attempt=1,
        timeout=LONGEST,
        memory_mb=setup.exercise.limits.memory or MEMORY_MB,
        cores=slot.cores,
        gpu=slot.gpu.uuid if slot.gpu else None,
        devices=slot.gpu.nodes if slot.gpu else (),
        libraries=slot.gpu.libraries if slot.gpu else (),
        device=slot.device,
        files=room_files(setup.course, (setup.exercise,)),
    )


def _question(setup: Setup, family: Family, plan: Plan) -> Question:
    return canonical_question(family, setup.exercise, _hidden_seed(plan))[1]


def _hidden_seed(plan: Plan) -> int:
    return seeds.derive(SECRET, "hidden", plan.exercise, plan.seed)


def _run(
    plan: Plan, slot: Slot, control: str, metrics: Mapping[str, float], seconds: float
) -> CalibrationRun:
    return CalibrationRun(
        control=control,
        engine=plan.way,
        device=plan.device or slot.device,
        cores=len(slot.cores),
        seed=plan.seed,
        metrics={key: float(f"{value:.6g}") for key, value in metrics.items()},
        seconds=round(seconds, 2),
    )


def failed(plan: Plan) -> GraderError:
    """Say that a run of ours did not come through."""
    return GraderError(
        Message("calibrate.reference_failed", {"exercise": plan.exercise, "seed": plan.seed})
    )
