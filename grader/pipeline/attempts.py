"""One submission on one slot: its runs, and the second chances that chance demands.

Enters: a Job, its slot, an open room and store. Leaves: every exercise of the notebook, scored.
Touches: rooms and the store, through the stages.

A notebook runs once; again on TensorFlow where JAX may be to blame for an exception, and the better
of the two counts; again with other seeds where only the accuracy was missed. Where it fixes its own
seeds, its model is trained anew instead. What came out is judged in the judge's own process. What
was run is kept at once, so that a killed grader continues where it stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from pathlib import Path

from grader import environment
from grader.execute.execute import execute, not_again
from grader.execute.orders import Trainer
from grader.execute.run import Run
from grader.execution import Execution
from grader.extract.evaluate import ROOM_SECONDS, evaluate, evaluate_apart
from grader.extract.retraining import stuck_by_the_book
from grader.extract.tasks import STOPPED, Answer, ModelTask
from grader.pipeline import judging
from grader.pipeline.engine_errors import blames_engine
from grader.pipeline.job import Job
from grader.pipeline.judges import Judges
from grader.pipeline.repeating import TRIES
from grader.pipeline.rounds import Round, Wanted
from grader.pipeline.runner import Slot
from grader.pipeline.scored import Scored, better_run
from grader.pipeline.trainings import Tell, Trainings
from grader.record import notebook_file
from grader.record.store import Store
from grader.room import Room
from grader.score.score import ungraded
from grader.score.waiting import contradicts
from grader.trainer.answers import Answers, Failures, shared
from grader.trainer.kept import usual_folder
from grader.trainer.kernels import HERE, Kernel
from grader.trainer.keys import CPU, FIRST_ATTEMPT
from grader.trainer.order import Order
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.trainer.starting import import_ahead
from grader.types import Attempt, Engine, GraderError, Message, Outcome, Scalar, TimeSpent, Verdict

EVALUATION_SECONDS = 1800.0  # of all rooms that judge one notebook; the usual one takes ten
# A training anew takes as long as the notebook's own, but on the exercise's whole data.
TRAINING_LIMITS = 2.0  # of the notebook's own


@dataclass(frozen=True)
class Attempts:
    """What one job needs on the slot that it has to itself."""

    job: Job
    slot: Slot
    room: Room
    store: Store
    judges: Judges
    tell: Tell = lambda _: None  # of trainings that the trainer does
    round: Round | None = None  # takes what nobody has trained; None: the notebook waits
    failures: Failures = field(default_factory=Failures)  # of the batch
    stopping: Callable[[], bool] = lambda: False  # whether nothing more is to be begun
    device: str = CPU  # a class of accelerators whose trainings are taken
    trained: Callable[[], Path] = usual_folder  # where results of trainings are kept
    _ran: list[float] = field(default_factory=list)  # seconds that runs of the notebook took
    _evaluated: list[float] = field(default_factory=list)  # and rooms that judged it
    _trained: list[float] = field(default_factory=list)  # and rooms that trained its models anew
    _counted: list[float] = field(default_factory=list)  # of these, whoever had them done first
    _judged: list[float] = field(default_factory=list)  # and the judge, of its processor
    _where: list[TimeSpent] = field(default_factory=list)  # of each run that is no kept one

    @property
    def spent(self) -> TimeSpent:
        """Where the time went so far."""
        rooms = TimeSpent(training=math.fsum(self._trained), evaluation=math.fsum(self._evaluated))
        return reduce(TimeSpent.plus, (*self._where, rooms), TimeSpent())

    def run(self) -> tuple[Scored, ...]:
        """Run the notebook, and again with other seeds where only the accuracy was missed."""
        best = {case.exercise: case for case in self._first()}
        for number in range(FIRST_ATTEMPT + 1, self.job.attempts + 1):
            missed = {name: case for name, case in best.items() if self._may_be_chance(case)}
            if not missed:
                break
            for engine in dict.fromkeys(case.execution.engine for case in missed.values()):
                of_it = {n: c for n, c in missed.items() if c.execution.engine is engine}
                for case in self._again(of_it, engine, number):
                    best[case.exercise] = best[case.exercise].better(case)
        return tuple(best.values())

    def _again(self, missed: Mapping[str, Scored], engine: Engine, number: int) -> Iterator[Scored]:
        """Try again what an engine's run missed, each exercise in the way that can help it."""
        alone = [n for n, c in missed.items() if _repeats_itself(c) or self._is_stuck(c)]
        for name in alone:
            yield self._retrained(missed[name], number)
        if len(alone) < len(missed) and self._has_time(engine):
            for case in self._scored(self._run_on(engine, number)):
                if case.exercise in missed and case.exercise not in alone:
                    yield case

    def _may_be_chance(self, case: Scored) -> bool:
        """Whether another seed could have led to another verdict."""
        return not _contradicts(case) and (
            case.grade.verdict is Verdict.LOW_ACCURACY or self._is_stuck(case)
        )

    def _is_stuck(self, case: Scored) -> bool:
        """Whether the textbook's slip kept it from learning, or did before it was put right."""
        if case.evidence is None:
            return False
        training = case.evidence.training
        if case.grade.verdict is Verdict.LOW_ACCURACY:
            return training is not None and training.mended
        known = self.job.course.exercises.get(case.exercise)
        untrained = case.grade.verdict is Verdict.UNTRAINED
        return untrained and known is not None and stuck_by_the_book(case.evidence, known)

    def _first(self) -> tuple[Scored, ...]:
        """Run the notebook, on TensorFlow again where JAX may be to blame for an exception."""
        choice = self.job.choice
        execution = self._run_on(choice.engine, FIRST_ATTEMPT)
        on_jax = choice.may_rerun and choice.engine is Engine.JAX
        if not (on_jax and blames_engine(execution)):
            return tuple(self._scored(execution))
        if not self._has_time(Engine.TENSORFLOW):
            return tuple(self._scored(not_again(execution)))
        died = execution.outcome is Outcome.KERNEL_DIED
        cases = tuple(self._scored(execution))
        again = self._run_on(Engine.TENSORFLOW, FIRST_ATTEMPT, again=not died)
        return better_run(cases, tuple(self._scored(again)))

    def _seconds_left(self, engine: Engine) -> float:
        """Give how long runs may still take: a time limit for each attempt, and one to spare."""
        return (self.job.attempts + 1) * self.job.timeout(engine) - math.fsum(self._ran)

    def _has_time(self, engine: Engine) -> bool:
        return self._seconds_left(engine) >= self.job.timeout(engine)

    def _run_on(self, engine: Engine, attempt: int, *, again: bool = True) -> Execution:
        """Run the notebook, or take what was kept; with what its author has to know."""
        execution = self._execution(engine, attempt, again=again)
        return replace(execution, notes=(*execution.notes, *self.job.submission.notes))

    def _execution(self, engine: Engine, attempt: int, *, again: bool) -> Execution:
        job, slot = self.job, self.slot
        key = job.execution_key(slot, engine, attempt)
        notebook = job.submission.notebook
        assert notebook is not None
        kept = self.store.load_execution(key, job.asked_again)
        if kept is not None:
            notebook_file.write(self.store.out, key, notebook)
            self._ran.append(kept.seconds)
            return kept
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
            libraries=slot.gpu.libraries if slot.gpu else (),
            device=slot.device,
            files=job.files,
            own_files=job.own_files,
            fixes_seeds=job.looked.fixes_seeds,
            old_api=job.course.old_api,
            epochs=job.epochs,
            one_step=job.settings.one_step,
        )
        most, read = self._seconds_left(engine), partial(self.judges.claims, spent=self._judged)
        trainer = self._trainer(engine, attempt)
        if trainer is not None:
            import_ahead(self.room, len(self.slot.cores))
        execution = execute(run, self.room, again=again, most=most, read=read, trainer=trainer)
        self._ran.append(execution.seconds)
        self._where.append(execution.spent)
        self.store.save_execution(key, execution)
        notebook_file.write(self.store.out, key, notebook)
        return execution

    def _trainer(self, engine: Engine, attempt: int) -> Callable[[], Trainer] | None:
        """Say who trains; None: the notebook itself."""
        if not self.job.asks_trainer(engine):
            return None
        results = Results(self.trained())
        secret, cores = self.job.settings.secret, self.slot.cores
        spent, tell, ends = self._judged, self.tell, self.round

        def take(order: Order, held: Mapping[str, Trained]) -> None:
            if ends is not None:
                ends.take(Wanted(order, attempt, held, tell))

        return lambda: Trainings(
            self.judges,
            self.room,
            results,
            secret,
            attempt,
            cores,
            spent,
            tell,
            take,
            device=self.device,
            over=self.stopping,
        )

    def _evaluate(self, tasks: Sequence[ModelTask]) -> dict[str, Answer]:
        """Have tasks done; where trainings are ours, an equal one of a class once.

        A training counts the seconds that it took whoever had it done first, so that what there is
        time for does not depend on others.
        """
        shares, training = self.job.asks_trainer(self.job.choice.engine), _trained_in(tasks)
        counted, most = self._evaluated, EVALUATION_SECONDS
        if training:
            counted = self._counted if shares else self._trained
            most = self.job.attempts * self._training_limit()
        if math.fsum(counted) > most:
            args: dict[str, Scalar] = {"seconds": round(most)}
            raise GraderError(Message("evaluate.altogether", args))
        if not shares:
            return self._in_rooms(tasks)
        answers = Answers(self.trained(), self.failures, self._training_limit())
        found = shared(tasks, answers, self._in_rooms, self.stopping, HERE)
        counted += [found[task.id].seconds for task in training]
        return found

    def _in_rooms(
        self, tasks: Sequence[ModelTask], kernel: Kernel | None = None
    ) -> dict[str, Answer]:
        available = environment.engines()
        engine = Engine.JAX if Engine.JAX in available else Engine.TENSORFLOW
        spent, limit = self._evaluated, ROOM_SECONDS
        if _trained_in(tasks):
            spent, limit = self._trained, self._training_limit()

        def together(some: Sequence[ModelTask]) -> dict[str, Answer]:
            cores, folder = self.slot.cores, kernel.folder if kernel is not None else None
            return evaluate(
                some, self.room, engine=engine, cores=cores, timeout=limit, kernel=folder
            )

        began = time.monotonic()
        try:
            return evaluate_apart(tasks, together)
        finally:
            spent.append(time.monotonic() - began)

    def _training_limit(self) -> float:
        """Give the seconds of one training anew: a slow model is slow there, too."""
        return max(ROOM_SECONDS, TRAINING_LIMITS * max(map(self.job.timeout, Engine)))

    def _scored(self, execution: Execution) -> Iterator[Scored]:
        job = self.job
        assert job.submission.notebook is not None
        run = judging.RunToJudge(
            job.course,
            job.submission.notebook,
            execution,
            job.submission.exercises,
            {one: job.hidden_seed(one) for one in job.course.exercises},
            repeat_seeds=tuple(job.seed(number) for number in range(1, TRIES + 1)),
        )
        for one in self.judges.judge(run, self._evaluate, self._judged):
            yield _scored(one, execution, execution.attempt, execution.seed, "run")

    def _retrained(self, case: Scored, number: int) -> Scored:
        """Train the architecture anew with another seed, for a notebook that fixes its own.

        And for one that the textbook's slip keeps from learning: with the slip put right.
        """
        assert case.evidence is not None
        seed = self.job.seed(number)
        again = judging.Again(
            self.job.course,
            case.execution,
            case.evidence,
            self.job.hidden_seed(case.exercise),
            seed,
            mended=self._is_stuck(case),
        )
        try:
            found = self.judges.judge_again(again, self._evaluate, self._judged)
        except GraderError as error:
            found = (judging.Assessed(case.exercise, ungraded(error.message)),)
        if not found:
            return replace(case, attempts=())
        if found[0].evidence is None and _told(found[0]).id == STOPPED:
            word = Message(
                "evaluate.training_stopped", {"seconds": _told(found[0]).args["seconds"]}
            )
            evidence = replace(case.evidence, notes=(*case.evidence.notes, word))
            return replace(case, evidence=evidence, attempts=())
        return _scored(found[0], case.execution, number, seed, "retrain")


def _trained_in(tasks: Sequence[ModelTask]) -> list[ModelTask]:
    return [task for task in tasks if task.training is not None]


def _contradicts(case: Scored) -> bool:
    """Whether its points wait whatever another attempt would reach."""
    found = case.evidence
    return found is not None and found.proof is not None and contradicts(found)


def _repeats_itself(case: Scored) -> bool:
    """Whether another run would give the same: it fixes its seeds, and trains by itself."""
    proof = case.evidence.proof if case.evidence is not None else None
    return case.execution.fixes_seeds and (proof is None or not proof.proven)


def _told(one: judging.Assessed) -> Message:
    """Give what an ungraded exercise's only check says."""
    return one.grade.checks[0].message


def _scored(
    one: judging.Assessed, execution: Execution, number: int, seed: int, kind: str
) -> Scored:
    if one.evidence is None:
        return Scored(one.exercise, None, one.grade, None, execution, ())
    seconds = execution.seconds if kind == "run" else one.seconds
    attempt = Attempt(number, seed, execution.engine, kind, one.evidence.metrics, seconds)
    return Scored(one.exercise, one.evidence, one.grade, one.threshold, execution, (attempt,))
