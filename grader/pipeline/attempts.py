"""One submission on one slot: its runs, and the second chances that chance demands.

Enters: a Job, its slot, an open room and store. Leaves: every exercise of the notebook, scored.
Touches: rooms and the store, through the stages.

A notebook runs once; again on TensorFlow where JAX may be to blame for an exception, and the better
of the two counts; again with other seeds where only the accuracy was missed. Where it fixes its own
seeds, its model is trained anew instead. What was run is kept at once, so that a killed grader
continues where it stopped.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader import environment
from grader.code.engines import fixes_seeds
from grader.course.families import load_family
from grader.execute.execute import Run, execute
from grader.extract.evaluate import Answer, ModelTask, evaluate
from grader.extract.extract import extract
from grader.extract.matching import choose, read_model
from grader.extract.retraining import (
    canonical_question,
    retraining,
    stuck_by_the_book,
    with_asked_activation,
)
from grader.pipeline.engine_errors import blames_engine
from grader.pipeline.job import Job
from grader.pipeline.runner import Slot
from grader.record.faults import keep_fault
from grader.record.store import Store
from grader.room import Room
from grader.score.grade import Judged, grade_of
from grader.score.hints import diagnose_source
from grader.score.score import ungraded
from grader.types import (
    Attempt,
    Engine,
    Evidence,
    Execution,
    Grade,
    GraderError,
    Message,
    Outcome,
    UsedThreshold,
    Verdict,
)


@dataclass(frozen=True)
class Scored:
    """One exercise of one run, scored."""

    evidence: Evidence
    grade: Grade
    threshold: UsedThreshold | None
    execution: Execution
    attempts: tuple[Attempt, ...]

    @property
    def points(self) -> float:
        """The score; what is ungraded has none."""
        return self.grade.score or 0.0

    def better(self, other: Scored) -> Scored:
        """Give whichever earns more, with the attempts of both."""
        attempts = (*self.attempts, *other.attempts)
        return replace(other if other.points > self.points else self, attempts=attempts)


@dataclass(frozen=True)
class Attempts:
    """What one job needs on the slot that it has to itself."""

    job: Job
    slot: Slot
    room: Room
    store: Store

    def run(self) -> tuple[Scored, ...]:
        """Run the notebook, and again with other seeds where only the accuracy was missed."""
        best = {case.evidence.exercise: case for case in self._first()}
        for number in range(2, self.job.attempts + 1):
            missed = {name: case for name, case in best.items() if self._may_be_chance(case)}
            if not missed:
                break
            execution = next(iter(missed.values())).execution
            alone = [n for n, c in missed.items() if execution.fixes_seeds or self._is_stuck(c)]
            again = [self._retrained(missed[name], number) for name in alone]
            if len(alone) < len(missed):
                rerun = self._run_on(execution.engine, number)
                scored = self._scored(rerun)
                again += [case for case in scored if case.evidence.exercise not in alone]
            for case in again:
                name = case.evidence.exercise
                if name in missed:
                    best[name] = best[name].better(case)
        return tuple(best.values())

    def _may_be_chance(self, case: Scored) -> bool:
        """Whether another seed could have led to another verdict."""
        return case.grade.verdict is Verdict.LOW_ACCURACY or self._is_stuck(case)

    def _is_stuck(self, case: Scored) -> bool:
        """Whether the textbook's slip kept it from learning, or did before it was put right."""
        training = case.evidence.training
        if case.grade.verdict is Verdict.LOW_ACCURACY:
            return training is not None and training.mended
        known = self.job.course.exercises.get(case.evidence.exercise)
        untrained = case.grade.verdict is Verdict.UNTRAINED
        return untrained and known is not None and stuck_by_the_book(case.evidence, known)

    def _first(self) -> tuple[Scored, ...]:
        """Run the notebook, on TensorFlow again where JAX may be to blame for an exception."""
        choice = self.job.choice
        execution = self._run_on(choice.engine, 1)
        cases = tuple(self._scored(execution))
        on_jax = choice.may_rerun and choice.engine is Engine.JAX
        if not (on_jax and blames_engine(execution)):
            return cases
        died = execution.outcome is Outcome.KERNEL_DIED
        again = self._run_on(Engine.TENSORFLOW, 1, again=not died)
        return better_run(cases, tuple(self._scored(again)))

    def _run_on(self, engine: Engine, attempt: int, *, again: bool = True) -> Execution:
        job, slot = self.job, self.slot
        key = job.execution_key(slot, engine, attempt)
        kept = self.store.load_execution(key)
        if kept is not None:
            return kept
        notebook = job.submission.notebook
        assert notebook is not None
        run = Run(
            notebook=notebook,
            engine=engine,
            seed=job.seed(attempt),
            attempt=attempt,
            timeout=job.timeout(engine),
            memory_mb=job.memory_mb,
            cores=slot.cores,
            gpu=slot.gpu.uuid if slot.gpu else None,
            devices=slot.gpu.nodes if slot.gpu else (),
            device=slot.device,
            files=job.files,
            fixes_seeds=fixes_seeds(notebook),
        )
        execution = execute(run, self.room, again=again)
        self.store.save_execution(key, execution)
        return execution

    def _evaluate(self, tasks: Sequence[ModelTask]) -> dict[str, Answer]:
        available = environment.engines()
        engine = Engine.JAX if Engine.JAX in available else Engine.TENSORFLOW
        return evaluate(tasks, self.room, engine=engine, cores=self.slot.cores)

    def _scored(self, execution: Execution) -> Iterator[Scored]:
        job = self.job
        found = extract(
            execution,
            job.submission.exercises,
            self.job.course,
            self._evaluate,
            job.hidden_seed,
        )
        assert job.submission.notebook is not None
        from_source = diagnose_source(job.submission.notebook)
        for one in found:
            evidence = replace(one, hints=(*one.hints, *from_source))
            attempt = Attempt(
                execution.attempt,
                execution.seed,
                execution.engine,
                "run",
                evidence.metrics,
                execution.seconds,
            )
            yield self._graded(evidence, execution, attempt)

    def _graded(self, evidence: Evidence, execution: Execution, attempt: Attempt) -> Scored:
        try:
            judged = grade_of(self.job.course, evidence, execution.engine, execution.device)
        except GraderError as error:
            judged = Judged(ungraded(error.message), None)
        except Exception as error:  # noqa: BLE001 - one exercise of a chapter fails alone
            judged = Judged(ungraded(fault(self.store, error)), None)
        return Scored(evidence, judged.grade, judged.threshold, execution, (attempt,))

    def _retrained(self, case: Scored, number: int) -> Scored:
        """Train the architecture anew with another seed, for a notebook that fixes its own.

        And for one that the textbook's slip keeps from learning: with the slip put right.
        """
        exercise = self.job.course.exercise(case.evidence.exercise)
        assert self.job.course.reference is not None
        assert exercise.family is not None
        family = load_family(self.job.course.reference, exercise.family)
        reading = choose([read_model(c) for c in case.execution.candidates], exercise)
        nothing = replace(case, attempts=())
        if reading is None or reading.architecture is None:
            return nothing
        _, question = canonical_question(family, exercise, self.job.hidden_seed(exercise.id))
        seed = self.job.seed(number)
        stuck, architecture = self._is_stuck(case), reading.architecture
        if stuck:
            architecture = with_asked_activation(architecture, exercise)
        task = retraining(architecture, reading.candidate, exercise, family, seed, question)
        answer = self._evaluate([task])[exercise.id] if task else None
        if answer is None or answer.predictions is None:
            return nothing
        metrics = family.measure(answer.predictions.reshape(question.answers.shape), question)
        attempt = Attempt(number, seed, case.execution.engine, "retrain", metrics, answer.seconds)
        evidence = replace(case.evidence, metrics={**case.evidence.metrics, **metrics})
        if stuck and evidence.training is not None:
            trained = replace(evidence.training, changed=True, mended=True)
            evidence = replace(evidence, training=trained)
        return self._graded(evidence, case.execution, attempt)


def fault(store: Store, error: Exception) -> Message:
    """Say that the grader itself failed; the traceback is kept beside the records."""
    text = traceback.format_exception_only(error)[-1].strip()[:500]
    return Message("pipeline.fault", {"error": text, "kept": keep_fault(store.out, error)})


def better_run(first: tuple[Scored, ...], second: tuple[Scored, ...]) -> tuple[Scored, ...]:
    """Give what earns more, the second run where both earn the same; with the attempts of both.

    Each exercise by itself where both runs hold the same ones, else the runs as a whole.
    """
    earlier = {case.evidence.exercise: case for case in first}
    if earlier.keys() != {case.evidence.exercise for case in second}:
        return max(second, first, key=lambda run: math.fsum(case.points for case in run))
    pairs = [(earlier[case.evidence.exercise], case) for case in second]
    return tuple(
        replace(max(new, old, key=_points), attempts=(*old.attempts, *new.attempts))
        for old, new in pairs
    )


def _points(case: Scored) -> float:
    return case.points
