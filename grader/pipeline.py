"""Joins the stages: from submissions to records.

Enters: Submissions and Settings. Leaves: Records, as they come. Touches: rooms and the store, through
the stages. Besides the CLI the only module that knows the stages.

``grade_one`` grades one submission and never raises for its sake: a fault of ours becomes an
``ungraded`` record. A runner decides where and how many at once.
"""

from __future__ import annotations

import hashlib
import math
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from grader import environment, seeds
from grader.engines import EngineChoice, choose_engine, fixes_seeds
from grader.evaluate import Answer, Task, evaluate
from grader.execute import Run, execute
from grader.exercises import Course, Exercise, Threshold
from grader.extract import UNKNOWN, extract
from grader.families import load_family
from grader.gpus import Gpu
from grader.matching import choose, read_candidate
from grader.record import Store, execution_key, score_key
from grader.retrain import canonical_question, retraining
from grader.room import Room
from grader.score import malformed, score, ungraded
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
    Notebook,
    Outcome,
    Record,
    Submission,
    Verdict,
)

PROBE_VERSION = "1"
JUDGE_VERSION = "1"
DEFAULT_MEMORY_MB = 4096
LONGEST_TIMEOUT = 3600.0
CRASHES = 3  # a job that was begun this often and never ended is put aside
SAME_EVERYWHERE = frozenset({"SyntaxError", "IndentationError", "TabError"})


@dataclass(frozen=True)
class Settings:
    """How to grade a batch. ``timeout`` in seconds and ``memory_mb`` per attempt; None: the exercise's."""

    secret: bytes
    engine: str = "auto"
    timeout: float | None = None
    memory_mb: int | None = None
    seed: int | None = None
    jobs: int = 1
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class Slot:
    """What one job has to itself: processor cores, perhaps a GPU."""

    cores: tuple[int, ...]
    gpu: Gpu | None = None

    @property
    def device(self) -> str:
        """The device class: ``cpu``, or the GPU's name."""
        return self.gpu.name if self.gpu else "cpu"


@dataclass(frozen=True)
class Graded:
    """A submission and its records; ``reused`` where nothing had to be run."""

    submission: Submission
    records: tuple[Record, ...]
    reused: bool = False


@dataclass
class Stop:
    """How a batch is asked to end early: ``draining`` starts nothing new."""

    draining: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Grader:
    """Everything that grading one submission needs."""

    course: Course
    room: Room
    store: Store
    settings: Settings

    @cached_property
    def _fingerprints(self) -> dict[str, tuple[str, str]]:
        return {key: fingerprints(self.course, one) for key, one in self.course.exercises.items()}

    # --- one submission ----------------------------------------------------------------------

    def grade_one(self, submission: Submission, slot: Slot) -> Graded:
        """Grade one submission; what goes wrong on our side becomes an ungraded record."""
        began = time.monotonic()
        try:
            if submission.notebook is None:
                return self._malformed(submission, slot)
            job = self._job_key(submission, slot)
            earlier = self.store.begin(job)
            if earlier == 0 and (kept := self._kept(submission, slot)):
                self.store.finish(job)
                return Graded(submission, kept, reused=True)
            if earlier >= CRASHES:
                message = Message("pipeline.quarantined", {"times": earlier})
                graded = self._ungraded(submission, slot, message, began)
            else:
                graded = Graded(submission, self._grade(submission, slot, began))
            for record in graded.records:
                self.store.save(record)
            self.store.finish(job)
        except GraderError as error:
            return self._kept_ungraded(submission, slot, error.message, began)
        except Exception as error:  # noqa: BLE001 - one submission never takes the batch with it
            text = traceback.format_exception_only(error)[-1].strip()[:500]
            message = Message("pipeline.fault", {"error": text})
            return self._kept_ungraded(submission, slot, message, began)
        return graded

    def _malformed(self, submission: Submission, slot: Slot) -> Graded:
        assert submission.problem is not None
        grade = malformed(submission.problem)
        owed = submission.exercises or (UNKNOWN,)
        records = tuple(
            self._record(
                submission, slot, exercise, grade, key=self._score_key(submission, slot, exercise)
            )
            for exercise in owed
        )
        for record in records:
            self.store.save(record)
        return Graded(submission, records)

    def _ungraded(
        self, submission: Submission, slot: Slot, message: Message, began: float
    ) -> Graded:
        owed = submission.exercises or (UNKNOWN,)
        seconds = round(time.monotonic() - began, 3)
        return Graded(
            submission,
            tuple(
                self._record(
                    submission,
                    slot,
                    exercise,
                    ungraded(message),
                    key=self._score_key(submission, slot, exercise),
                    seconds=seconds,
                )
                for exercise in owed
            ),
        )

    def _kept_ungraded(
        self, submission: Submission, slot: Slot, message: Message, began: float
    ) -> Graded:
        graded = self._ungraded(submission, slot, message, began)
        try:
            for record in graded.records:
                self.store.save(record)
        except GraderError:
            pass  # a full disk is why we are here; the batch's report still shows the record
        return graded

    def _kept(self, submission: Submission, slot: Slot) -> tuple[Record, ...]:
        """Give the records of an earlier run of the very same thing, if it ended well."""
        ids = submission.exercises or (*self.course.exercises, UNKNOWN)
        found = [self.store.load(self._score_key(submission, slot, one)) for one in ids]
        records = tuple(record for record in found if record is not None)
        complete = len(records) == len(ids) if submission.exercises else bool(records)
        if not complete or not all(record.grade.graded for record in records):
            return ()
        for record in records:
            self.store.save(record)
        return records

    def _grade(self, submission: Submission, slot: Slot, began: float) -> tuple[Record, ...]:
        notebook = submission.notebook
        assert notebook is not None
        choice = choose_engine(notebook, self.settings.engine, environment.engines())
        execution = self._run(submission, slot, choice, 1)
        cases = self._scored(submission, slot, execution)
        attempts = {e.exercise: [_attempt(execution, e, "run")] for e, _, _ in cases}
        best = {e.exercise: (e, g, t, execution) for e, g, t in cases}
        for number in range(2, self._attempts(submission) + 1):
            missed = [
                name for name, case in best.items() if case[1].verdict is Verdict.LOW_ACCURACY
            ]
            if not missed:
                break
            if execution.fixes_seeds:
                self._retrain(submission, slot, missed, number, best, attempts)
                continue
            again = self._run(submission, slot, replace(choice, engine=execution.engine), number)
            for evidence, grade, threshold in self._scored(submission, slot, again):
                name = evidence.exercise
                if name not in missed:
                    continue
                attempts[name].append(_attempt(again, evidence, "run"))
                if (grade.score or 0.0) > (best[name][1].score or 0.0):
                    best[name] = (evidence, grade, threshold, again)
        seconds = round(time.monotonic() - began, 3)
        return tuple(
            self._record(
                submission,
                slot,
                name,
                grade,
                key=self._score_key(submission, slot, name),
                seconds=seconds,
                evidence=evidence,
                attempts=tuple(attempts[name]),
                execution=ran,
                threshold=threshold,
            )
            for name, (evidence, grade, threshold, ran) in best.items()
        )

    # --- running -----------------------------------------------------------------------------

    def _run(
        self, submission: Submission, slot: Slot, choice: EngineChoice, attempt: int
    ) -> Execution:
        """Run the notebook, on TensorFlow again where JAX may be to blame for an exception."""
        execution = self._run_on(submission, slot, choice.engine, attempt)
        if choice.may_rerun and choice.engine is Engine.JAX and blames_engine(execution):
            return self._run_on(submission, slot, Engine.TENSORFLOW, attempt)
        return execution

    def _run_on(
        self, submission: Submission, slot: Slot, engine: Engine, attempt: int
    ) -> Execution:
        notebook = submission.notebook
        assert notebook is not None
        key = self._execution_key(submission, slot, engine, attempt)
        if (kept := self.store.load_execution(key)) is not None:
            return kept
        run = Run(
            notebook=notebook,
            engine=engine,
            seed=self._seed(submission, attempt),
            attempt=attempt,
            timeout=self._timeout(submission, engine),
            memory_mb=self._memory(submission),
            cores=slot.cores,
            gpu=slot.gpu.uuid if slot.gpu else None,
            devices=slot.gpu.nodes if slot.gpu else (),
            device=slot.device,
            fixes_seeds=fixes_seeds(notebook),
        )
        execution = execute(run, self.room)
        self.store.save_execution(key, execution)
        return execution

    def _evaluate(self, slot: Slot, tasks: Sequence[Task]) -> dict[str, Answer]:
        available = environment.engines()
        engine = Engine.JAX if Engine.JAX in available else Engine.TENSORFLOW
        return evaluate(tasks, self.room, engine=engine, cores=slot.cores)

    def _scored(
        self, submission: Submission, slot: Slot, execution: Execution
    ) -> list[tuple[Evidence, Grade, Threshold | None]]:
        found = extract(
            execution,
            submission.exercises,
            self.course,
            partial(self._evaluate, slot),
            partial(seeds.hidden_seed, self.settings.secret),
        )
        return [(e, *self._grade_of(e, execution.engine, execution.device)) for e in found]

    def _grade_of(
        self, evidence: Evidence, engine: Engine, device: str
    ) -> tuple[Grade, Threshold | None]:
        return grade_of(self.course, evidence, engine, device)

    def _retrain(
        self,
        submission: Submission,
        slot: Slot,
        missed: Sequence[str],
        number: int,
        best: dict[str, tuple[Evidence, Grade, Threshold | None, Execution]],
        attempts: dict[str, list[Attempt]],
    ) -> None:
        """Train the architectures anew with another seed, for notebooks that fix their own."""
        assert self.course.reference is not None
        for name in missed:
            evidence, grade, threshold, execution = best[name]
            exercise = self.course.exercise(name)
            assert exercise.family is not None
            family = load_family(self.course.reference, exercise.family)
            reading = choose([read_candidate(c) for c in execution.candidates], exercise)
            if reading is None or reading.architecture is None:
                continue
            seed = self._seed(submission, number)
            hidden = seeds.hidden_seed(self.settings.secret, name)
            _, question = canonical_question(family, exercise, hidden)
            task = retraining(
                reading.architecture, reading.candidate, exercise, family, seed, question
            )
            if task is None:
                continue
            answer = self._evaluate(slot, [task])[name]
            if answer.predictions is None:
                continue
            metrics = family.measure(answer.predictions.reshape(question.answers.shape), question)
            attempts[name].append(
                Attempt(number, seed, execution.engine, "retrain", metrics, answer.seconds)
            )
            again = replace(evidence, metrics={**evidence.metrics, **metrics})
            regraded, _ = self._grade_of(again, execution.engine, execution.device)
            if (regraded.score or 0.0) > (grade.score or 0.0):
                best[name] = (again, regraded, threshold, execution)

    # --- settings of a run -------------------------------------------------------------------

    def _owed(self, submission: Submission) -> list[Exercise]:
        ids = submission.exercises or tuple(self.course.exercises)
        return [self.course.exercises[one] for one in ids if one in self.course.exercises]

    def _attempts(self, submission: Submission) -> int:
        return max((exercise.attempts for exercise in self._owed(submission)), default=1)

    def _timeout(self, submission: Submission, engine: Engine) -> float:
        if self.settings.timeout is not None:
            return self.settings.timeout
        own = sample_limits(self.course, submission)
        if own is not None and own[0] is not None:
            return own[0]
        total = math.fsum(exercise.timeout(engine) for exercise in self._owed(submission))
        return min(LONGEST_TIMEOUT, total or 120.0)

    def _memory(self, submission: Submission) -> int:
        if self.settings.memory_mb is not None:
            return self.settings.memory_mb
        own = sample_limits(self.course, submission)
        if own is not None and own[1] is not None:
            return own[1]
        asked = [exercise.limits.memory for exercise in self._owed(submission)]
        return max((one for one in asked if one), default=DEFAULT_MEMORY_MB)

    def _seed(self, submission: Submission, attempt: int) -> int:
        if self.settings.seed is not None:
            return self.settings.seed + attempt - 1
        owed = ",".join(submission.exercises or ("auto",))
        return seeds.training_seed(self.settings.secret, submission.student, owed, attempt)

    # --- keys --------------------------------------------------------------------------------

    def _execution_key(
        self, submission: Submission, slot: Slot, engine: Engine, attempt: int
    ) -> str:
        return execution_key(
            notebook=submission.digest,
            data="",
            environment={k: v for k, v in environment.versions().items() if k != "grader"},
            engine=engine.value,
            device=slot.device,
            cores=len(slot.cores),
            seed=self._seed(submission, attempt),
            limits={
                "timeout": self._timeout(submission, engine),
                "memory": self._memory(submission),
            },
            isolation=self.room.isolation.level.value,
            probe=PROBE_VERSION,
        )

    def _score_key(self, submission: Submission, slot: Slot, exercise: str) -> str:
        engine = Engine.JAX if Engine.JAX in environment.engines() else Engine.TENSORFLOW
        if submission.notebook is not None:
            choice = choose_engine(submission.notebook, self.settings.engine, environment.engines())
            engine = choice.engine
        files, expectation = self._fingerprints.get(exercise, ("", ""))
        return score_key(
            execution=self._execution_key(submission, slot, engine, 1),
            submission=submission.name,
            student=submission.student,
            exercise=exercise,
            exercise_files=files,
            expectation=expectation,
            hidden_seed=seeds.hidden_seed(self.settings.secret, exercise),
            judge=JUDGE_VERSION,
        )

    def _job_key(self, submission: Submission, slot: Slot) -> str:
        return f"{submission.name}/{self._execution_key(submission, slot, Engine.JAX, 1)}"

    def _record(
        self,
        submission: Submission,
        slot: Slot,
        exercise: str,
        grade: Grade,
        *,
        key: str,
        seconds: float = 0.0,
        evidence: Evidence | None = None,
        attempts: tuple[Attempt, ...] = (),
        execution: Execution | None = None,
        threshold: Threshold | None = None,
    ) -> Record:
        engine = execution.engine if execution else None
        attempt = execution.attempt if execution else 1
        ran = self._execution_key(submission, slot, engine or Engine.JAX, attempt)
        return Record(
            key=key,
            execution_key=ran,
            submission=submission.name,
            student=submission.student,
            exercise=exercise,
            grade=grade,
            evidence=evidence,
            attempts=attempts,
            engine=engine,
            device=execution.device if execution else slot.device,
            isolation=execution.isolation if execution else Isolation(Level.NONE),
            seconds=seconds,
            graded_at=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=environment.versions(),
            threshold=_told(threshold),
        )


# --- pure helpers ----------------------------------------------------------------------------


def blames_engine(execution: Execution) -> bool:
    """Whether an exception or a crash could be the engine's doing rather than the student's."""
    if execution.outcome is Outcome.KERNEL_DIED:
        return True
    return any(
        cell.status == "error" and (cell.error is None or cell.error.name not in SAME_EVERYWHERE)
        for cell in execution.cells
    )


def grade_of(
    course: Course, evidence: Evidence, engine: Engine, device: str
) -> tuple[Grade, Threshold | None]:
    """Score one exercise's evidence with the threshold of its engine and device."""
    exercise = course.exercises.get(evidence.exercise)
    if exercise is None:
        return nothing_found(evidence), None
    threshold = exercise.threshold(engine.value, device)
    return score(evidence, exercise, threshold), threshold


def nothing_found(evidence: Evidence) -> Grade:
    """Grade a notebook in which no exercise's model was found."""
    outcome = evidence.runs.outcome
    verdicts = {
        Outcome.TIME_LIMIT: Verdict.TIME_LIMIT,
        Outcome.MEMORY_LIMIT: Verdict.MEMORY_LIMIT,
        Outcome.KERNEL_DIED: Verdict.RUNTIME_ERROR,
    }
    failed = Verdict.RUNTIME_ERROR if evidence.runs.failed else Verdict.NO_MODEL
    verdict = verdicts.get(outcome, failed)
    return Grade(verdict, 0.0, 100.0, (), (Message("pipeline.no_model_at_all"),), ())


def _attempt(execution: Execution, evidence: Evidence, kind: str) -> Attempt:
    return Attempt(
        execution.attempt,
        execution.seed,
        execution.engine,
        kind,
        evidence.metrics,
        execution.seconds,
    )


def _told(threshold: Threshold | None) -> dict[str, str | float | bool | None]:
    if threshold is None:
        return {}
    return {
        "metric": threshold.metric,
        "better": threshold.better,
        "value": threshold.value,
        "control": threshold.control,
        "engine": threshold.engine,
        "device": threshold.device,
        "widened": threshold.widened,
    }


def sample_limits(course: Course, submission: Submission) -> tuple[float | None, int | None] | None:
    """Give the limits that a sample in ``reference/<id>/submissions`` carries in its spec."""
    if course.reference is None:
        return None
    try:
        parts = submission.path.resolve().relative_to(course.reference.resolve()).parts
    except ValueError:
        return None
    exercise = course.exercises.get(parts[0])
    if exercise is None or parts[1:2] != ("submissions",):
        return None
    limits = exercise.sample_limits.get("/".join(parts[2:]))
    return (limits.timeout, limits.memory) if limits else None


def fingerprints(course: Course, exercise: Exercise) -> tuple[str, str]:
    """Give digests of an exercise's files, and of its expectation."""
    files = [exercise.assignment_path / "exercise.toml"]
    expectation = ""
    if exercise.reference_path is not None and course.reference is not None:
        files.append(exercise.reference_path / "spec.toml")
        files += sorted((course.reference / "families").glob("*.py"))
        expectation = _digest([exercise.reference_path / "expected.json"])
    return _digest(files), expectation


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            digest.update(path.read_bytes() + b"\x1f")
    return digest.hexdigest()


# --- many submissions ------------------------------------------------------------------------


def slots(jobs: int, gpus: Sequence[Gpu]) -> list[Slot]:
    """Give each job its own core, so that results repeat whatever runs beside it."""
    available = environment.cores()
    count = min(jobs, len(gpus)) if gpus else jobs
    return [Slot((available[i % len(available)],), gpus[i] if gpus else None) for i in range(count)]


def grade_batch(
    grader: Grader,
    submissions: Sequence[Submission],
    stop: Stop,
    on_start: Callable[[Submission], None] = lambda _: None,
) -> Iterator[Graded]:
    """Grade submissions as they become done, ``settings.jobs`` at once, in this process.

    Leaving the generator early starts nothing new and waits for what is running.
    """
    places: queue.SimpleQueue[Slot] = queue.SimpleQueue()
    available = slots(grader.settings.jobs, grader.settings.gpus)
    for slot in available:
        places.put(slot)

    @contextmanager
    def slot_of() -> Iterator[Slot]:
        slot = places.get()
        try:
            yield slot
        finally:
            places.put(slot)

    def work(submission: Submission) -> Graded | None:
        if stop.draining.is_set():
            return None
        with slot_of() as slot:
            on_start(submission)
            return grader.grade_one(submission, slot)

    waiting = iter(submissions)
    pool = ThreadPoolExecutor(max_workers=len(available), thread_name_prefix="grade")
    running: set[Future[Graded | None]] = set()
    try:
        while True:
            while len(running) < len(available) and not stop.draining.is_set():
                submission = next(waiting, None)
                if submission is None:
                    break
                running.add(pool.submit(work, submission))
            if not running:
                return
            done, running = wait_for(running, timeout=0.5, return_when="FIRST_COMPLETED")
            for future in done:
                if (graded := future.result()) is not None:
                    yield graded
    finally:
        stop.draining.set()
        pool.shutdown(wait=True)


def regrade(course: Course, records: Iterable[Record], secret: bytes) -> Iterator[Record]:
    """Score stored evidence again with today's rubric and expectation; nothing is run."""
    for record in records:
        if record.evidence is None or record.engine is None:
            yield record
            continue
        grade, threshold = grade_of(course, record.evidence, record.engine, record.device)
        exercise = course.exercises.get(record.exercise)
        files, expectation = fingerprints(course, exercise) if exercise else ("", "")
        key = score_key(
            execution=record.execution_key,
            submission=record.submission,
            student=record.student,
            exercise=record.exercise,
            exercise_files=files,
            expectation=expectation,
            hidden_seed=seeds.hidden_seed(secret, record.exercise),
            judge=JUDGE_VERSION,
        )
        yield replace(record, key=key, grade=grade, threshold=_told(threshold))


def notebook_of(submission: Submission) -> Notebook:
    """Give the notebook of a readable submission."""
    assert submission.notebook is not None
    return submission.notebook


def tally(records: Iterable[Record]) -> Mapping[Verdict, int]:
    """Count records per verdict, in the verdicts' order."""
    counts = dict.fromkeys(Verdict, 0)
    for record in records:
        counts[record.grade.verdict] += 1
    return {verdict: count for verdict, count in counts.items() if count}
