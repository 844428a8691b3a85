"""Joins the stages: from a submission to its records.

Enters: Submissions. Leaves: Records. Touches: rooms and the store, through the stages. Besides the
command line and the calibration the only module that knows the stages.

``grade_one`` never raises for a submission's sake: a fault of ours becomes an ungraded record. What
was run is kept at once, so that a killed grader continues where it stopped.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from grader import environment
from grader.code.engines import fixes_seeds
from grader.course.exercises import Course, Threshold
from grader.course.families import load_family
from grader.execute.execute import Run, execute
from grader.extract.evaluate import Answer, Task, evaluate
from grader.extract.extract import UNKNOWN, extract
from grader.extract.matching import choose, read_candidate
from grader.extract.mend import mended, stuck_by_the_book
from grader.extract.retraining import canonical_question, retraining
from grader.pipeline.job import Job, Settings
from grader.pipeline.order import groups
from grader.pipeline.regrade import grade_of, told
from grader.pipeline.runner import Runner, Slot
from grader.record.store import Store
from grader.room import Room
from grader.score.hints import diagnose_source
from grader.score.score import malformed, ungraded
from grader.types import (
    Attempt,
    Engine,
    Evidence,
    Execution,
    Grade,
    GraderError,
    Isolation,
    Level,
    Message,
    Outcome,
    Record,
    Submission,
    Verdict,
)

CRASHES = 3  # a job that was begun this often and never ended is put aside
SAME_EVERYWHERE = frozenset({"SyntaxError", "IndentationError", "TabError"})


@dataclass(frozen=True)
class Graded:
    """A submission and its records; ``reused`` where nothing had to be run."""

    submission: Submission
    records: tuple[Record, ...]
    reused: bool = False


@dataclass(frozen=True)
class _Case:
    """One exercise of one run, scored."""

    evidence: Evidence
    grade: Grade
    threshold: Threshold | None
    execution: Execution
    attempts: tuple[Attempt, ...]

    @property
    def points(self) -> float:
        return self.grade.score or 0.0

    def better(self, other: _Case) -> _Case:
        """Give whichever earns more, with the attempts of both."""
        attempts = (*self.attempts, *other.attempts)
        return replace(other if other.points > self.points else self, attempts=attempts)


@dataclass(frozen=True)
class Grader:
    """Everything that grading one submission needs."""

    course: Course
    room: Room
    store: Store
    settings: Settings

    def grade_all(
        self,
        submissions: Sequence[Submission],
        runner: Runner,
        on_start: Callable[[Submission], None] = lambda _: None,
    ) -> Iterator[Graded]:
        """Grade submissions, giving each as it becomes done: the longest first, the same once."""

        def work(group: tuple[Submission, ...], slot: Slot) -> list[Graded]:
            done: list[Graded] = []
            for submission in group:
                on_start(submission)
                like = done[0].records if done else ()
                done.append(self.grade_one(submission, slot, like))
            return done

        for done in runner.run(groups(self.course, submissions), work):
            yield from done

    def grade_one(self, submission: Submission, slot: Slot, like: Sequence[Record] = ()) -> Graded:
        """Grade one submission; what goes wrong on our side becomes an ungraded record.

        ``like``: records of a submission with the very same code, which is not run again.
        """
        began = time.monotonic()
        job = Job(self.course, self.settings, submission, self.room.isolation.level)
        try:
            return self._grade_journaled(job, slot, began, like)
        except GraderError as error:
            message = error.message
        except Exception as error:  # noqa: BLE001 - one submission never takes the batch with it
            text = traceback.format_exception_only(error)[-1].strip()[:500]
            message = Message("pipeline.fault", {"error": text})
        records = self._ungraded(job, slot, message, began)
        with suppress(GraderError):  # a full disk may be why we are here
            self._save(records)
            self.store.finish(job.journal_key(slot))  # it took nobody down
        return Graded(submission, records)

    def _grade_journaled(
        self, job: Job, slot: Slot, began: float, like: Sequence[Record]
    ) -> Graded:
        """Grade with a note of the beginning and the end, unless it was all done before."""
        journal = job.journal_key(slot)
        begun_before = self.store.begin(journal)
        kept = self._kept(job, slot, interrupted=begun_before > 0)
        if kept:
            records = kept
        elif like and all(record.grade.graded for record in like):
            records = tuple(_in_the_name_of(job, slot, record) for record in like)
        elif job.submission.problem is not None:
            records = self._plain(job, slot, malformed(job.submission.problem), began)
        elif begun_before >= CRASHES:
            message = Message("pipeline.quarantined", {"times": begun_before})
            records = self._ungraded(job, slot, message, began)
        else:
            cases = self._attempted(job, slot)
            records = tuple(self._record(job, slot, case, began) for case in cases)
        self._save(records)
        with suppress(GraderError):  # the records are safe, and count all the same next time
            self.store.finish(journal)
        return Graded(job.submission, records, reused=bool(kept))

    def _kept(self, job: Job, slot: Slot, *, interrupted: bool) -> tuple[Record, ...]:
        """Give the records of an earlier run of the very same thing, if it ended well.

        One that was interrupted may have ended well: between its records and the note of its end.
        Where nobody said which exercises there are, some of its records may be missing.
        """
        named = job.submission.exercises
        found = [
            self.store.load(job.score_key(slot, one))
            for one in named or (*self.course.exercises, UNKNOWN)
        ]
        records = tuple(record for record in found if record is not None)
        complete = len(records) == len(found) if named else bool(records) and not interrupted
        graded = all(record.grade.graded for record in records)
        return records if complete and graded else ()

    def _save(self, records: Iterable[Record]) -> None:
        for record in records:
            self.store.save(record)

    # --- attempts ----------------------------------------------------------------------------

    def _attempted(self, job: Job, slot: Slot) -> tuple[_Case, ...]:
        """Run the notebook, and again with other seeds where only the accuracy was missed."""
        execution = self._run(job, slot, job.choice.engine, 1, may_rerun=job.choice.may_rerun)
        best = {case.evidence.exercise: case for case in self._scored(job, slot, execution)}
        for number in range(2, job.attempts + 1):
            missed = {name: case for name, case in best.items() if self._may_be_chance(case)}
            if not missed:
                break
            alone = [n for n, c in missed.items() if execution.fixes_seeds or self._is_stuck(c)]
            again = [self._retrained(job, slot, missed[name], number) for name in alone]
            if len(alone) < len(missed):
                rerun = self._run(job, slot, execution.engine, number, may_rerun=False)
                scored = self._scored(job, slot, rerun)
                again += [case for case in scored if case.evidence.exercise not in alone]
            for case in again:
                name = case.evidence.exercise
                if name in missed:
                    best[name] = best[name].better(case)
        return tuple(best.values())

    def _may_be_chance(self, case: _Case) -> bool:
        """Whether another seed could have led to another verdict."""
        return case.grade.verdict is Verdict.LOW_ACCURACY or self._is_stuck(case)

    def _is_stuck(self, case: _Case) -> bool:
        """Whether the textbook's slip kept it from learning, or did before it was mended."""
        training = case.evidence.training
        if case.grade.verdict is Verdict.LOW_ACCURACY:
            return training is not None and training.mended
        known = self.course.exercises.get(case.evidence.exercise)
        untrained = case.grade.verdict is Verdict.UNTRAINED
        return untrained and known is not None and stuck_by_the_book(case.evidence, known)

    def _run(
        self, job: Job, slot: Slot, engine: Engine, attempt: int, *, may_rerun: bool
    ) -> Execution:
        """Run the notebook, on TensorFlow again where JAX may be to blame for an exception."""
        execution = self._run_on(job, slot, engine, attempt)
        if may_rerun and engine is Engine.JAX and blames_engine(execution):
            died = execution.outcome is Outcome.KERNEL_DIED
            return self._run_on(job, slot, Engine.TENSORFLOW, attempt, again=not died)
        return execution

    def _run_on(
        self, job: Job, slot: Slot, engine: Engine, attempt: int, *, again: bool = True
    ) -> Execution:
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

    def _evaluate(self, slot: Slot, tasks: Sequence[Task]) -> dict[str, Answer]:
        available = environment.engines()
        engine = Engine.JAX if Engine.JAX in available else Engine.TENSORFLOW
        return evaluate(tasks, self.room, engine=engine, cores=slot.cores)

    def _scored(self, job: Job, slot: Slot, execution: Execution) -> Iterator[_Case]:
        found = extract(
            execution,
            job.submission.exercises,
            self.course,
            lambda tasks: self._evaluate(slot, tasks),
            job.hidden_seed,
        )
        assert job.submission.notebook is not None
        told_by_source = diagnose_source(job.submission.notebook)
        for one in found:
            evidence = replace(one, hints=(*one.hints, *told_by_source))
            attempt = Attempt(
                execution.attempt,
                execution.seed,
                execution.engine,
                "run",
                evidence.metrics,
                execution.seconds,
            )
            yield self._case(evidence, execution, attempt)

    def _case(self, evidence: Evidence, execution: Execution, attempt: Attempt) -> _Case:
        grade, threshold = grade_of(self.course, evidence, execution.engine, execution.device)
        return _Case(evidence, grade, threshold, execution, (attempt,))

    def _retrained(self, job: Job, slot: Slot, case: _Case, number: int) -> _Case:
        """Train the architecture anew with another seed, for a notebook that fixes its own.

        And for one that the textbook's slip keeps from learning: with the slip put right.
        """
        exercise = self.course.exercise(case.evidence.exercise)
        assert self.course.reference is not None
        assert exercise.family is not None
        family = load_family(self.course.reference, exercise.family)
        reading = choose([read_candidate(c) for c in case.execution.candidates], exercise)
        nothing = replace(case, attempts=())
        if reading is None or reading.architecture is None:
            return nothing
        _, question = canonical_question(family, exercise, job.hidden_seed(exercise.id))
        seed = job.seed(number)
        stuck, architecture = self._is_stuck(case), reading.architecture
        if stuck:
            architecture = mended(architecture, exercise)
        task = retraining(architecture, reading.candidate, exercise, family, seed, question)
        answer = self._evaluate(slot, [task])[exercise.id] if task else None
        if answer is None or answer.predictions is None:
            return nothing
        metrics = family.measure(answer.predictions.reshape(question.answers.shape), question)
        attempt = Attempt(number, seed, case.execution.engine, "retrain", metrics, answer.seconds)
        evidence = replace(case.evidence, metrics={**case.evidence.metrics, **metrics})
        if stuck and evidence.training is not None:
            trained = replace(evidence.training, changed=True, mended=True)
            evidence = replace(evidence, training=trained)
        return self._case(evidence, case.execution, attempt)

    # --- records -----------------------------------------------------------------------------

    def _record(self, job: Job, slot: Slot, case: _Case, began: float) -> Record:
        execution = case.execution
        known = self.course.exercises.get(case.evidence.exercise)
        return Record(
            key=job.score_key(slot, case.evidence.exercise),
            execution_key=job.execution_key(slot, execution.engine, execution.attempt),
            submission=job.submission.name,
            student=job.submission.student,
            exercise=case.evidence.exercise,
            grade=case.grade,
            evidence=case.evidence,
            attempts=case.attempts,
            engine=execution.engine,
            device=execution.device,
            isolation=execution.isolation,
            seconds=round(time.monotonic() - began, 3),
            graded_at=_now(),
            versions=environment.versions(),
            threshold=told(case.threshold, known.attempts if known else 1),
            hidden_seed=job.hidden_seed(case.evidence.exercise),
            profile=_profile(self.course, case.evidence.exercise),
        )

    def _ungraded(self, job: Job, slot: Slot, message: Message, began: float) -> tuple[Record, ...]:
        return self._plain(job, slot, ungraded(message), began)

    def _plain(self, job: Job, slot: Slot, grade: Grade, began: float) -> tuple[Record, ...]:
        """Give records without evidence: nothing was run, or it came to nothing."""
        return tuple(
            Record(
                key=job.score_key(slot, exercise),
                execution_key=job.execution_key(slot, job.choice.engine, 1),
                submission=job.submission.name,
                student=job.submission.student,
                exercise=exercise,
                grade=grade,
                evidence=None,
                attempts=(),
                engine=None,
                device=slot.device,
                isolation=Isolation(Level.NONE) if grade.graded else self.room.isolation,
                seconds=round(time.monotonic() - began, 3),
                graded_at=_now(),
                versions=environment.versions(),
                profile=_profile(self.course, exercise),
            )
            for exercise in job.submission.exercises or (UNKNOWN,)
        )


def _in_the_name_of(job: Job, slot: Slot, record: Record) -> Record:
    """Give the record of the same code handed in by somebody else."""
    return replace(
        record,
        key=job.score_key(slot, record.exercise),
        submission=job.submission.name,
        student=job.submission.student,
        same_as=record.submission,
    )


def _profile(course: Course, exercise: str) -> str:
    """Give whose sizes an exercise has; of what no exercise was found in, the course's."""
    known = course.exercises.get(exercise)
    return known.profile if known else course.profile


def blames_engine(execution: Execution) -> bool:
    """Whether an exception or a crash could be the engine's doing rather than the student's."""
    if execution.outcome is Outcome.KERNEL_DIED:
        return True
    return any(
        cell.status == "error" and (cell.error is None or cell.error.name not in SAME_EVERYWHERE)
        for cell in execution.cells
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


__all__ = ["Graded", "Grader", "Settings"]
