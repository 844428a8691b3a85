"""Joins the stages: from a submission to its records.

Enters: Submissions. Leaves: Records. Touches: rooms and the store, through the stages. Besides the
command line and the calibration the only module that knows the stages.

``grade_one`` never raises for a submission's sake: a fault of ours becomes an ungraded record. What
was run is kept at once, so that a killed grader continues where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from grader import environment
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.pipeline.attempts import Attempts
from grader.pipeline.durations import Durations, recorded
from grader.pipeline.elsewhere import HERE, GroupsElsewhere
from grader.pipeline.faults import fault
from grader.pipeline.graded import Graded
from grader.pipeline.job import Job, Settings, may_ask
from grader.pipeline.judge_talk import packed, settled
from grader.pipeline.judges import Judges
from grader.pipeline.order import Group, groups
from grader.pipeline.ours import ours
from grader.pipeline.records import (
    in_the_name_of,
    judged,
    of_a_malformed_file,
    of_none_judged,
    without_evidence,
)
from grader.pipeline.rounds import (
    EndsAtOrders,
    PutOffError,
    Round,
    TrainsOrders,
    most_bytes,
    pays,
)
from grader.pipeline.runner import NOTEBOOK_MB, Call, Runner, Slot
from grader.pipeline.trainings import UnderWay
from grader.record.store import Store, UnkeepableError
from grader.room import Guarded, Room, open_room
from grader.room.quick import quickened
from grader.score.score import ungraded
from grader.submission import Submission
from grader.trainer.answers import Failures
from grader.trainer.devices import Devices
from grader.trainer.place import Place, place_for, remove
from grader.trainer.results import Results
from grader.types import UNKNOWN, GraderError, Level, Message, Record

__all__ = ["GradeGroups", "Graded", "Grader", "Workplace"]

TRAINER_MB = 1000.0  # of a trainer's room beside its notebook's
DEVICE_MB = 4000.0  # of one on a GPU: CUDA's libraries, and the data of a batch
CRASHES = 3  # a job that was begun this often and never ended is put aside


@dataclass(frozen=True)
class Grader:
    """Everything that grading one submission needs."""

    course: Course
    room: Room
    store: Store
    settings: Settings
    given_judges: Judges | None = None
    on_training: Callable[[Submission, UnderWay | None], None] = lambda *_: None
    on_put_off: Callable[[Submission], None] = lambda _: None
    tell: Callable[[Message], None] = lambda _: None  # what whoever waits for the batch should know
    round: Round | None = None  # at which notebooks end that need a training; None: they wait
    stopping: Callable[[], bool] = lambda: False  # whether the batch is asked to end
    failures: Failures = field(default_factory=Failures)  # trainings of ours that came to nothing
    devices: Devices = field(default_factory=Devices)  # on which a round trains; none: on cores

    @cached_property
    def judges(self) -> Judges:
        """The processes that read and judge."""
        return self.given_judges or Judges(self.store.out)

    @cached_property
    def trained(self) -> Place:
        """Where results of trainings are kept."""
        return place_for(self.store.out)

    def grade_all(
        self,
        submissions: Sequence[Submission],
        runner: Runner,
        on_start: Callable[[Submission], None] = lambda _: None,
    ) -> Iterator[Graded]:
        """Grade submissions, giving each as it becomes done: the longest first, the same once.

        Of a batch that is asked to end or out of time, results of trainings stay: it goes on from
        them.
        """

        def starts(group: Group) -> None:
            on_start(group[0])

        packed(self.course)  # before several threads look at what nobody looked at yet
        batch = groups(self.course, submissions, self.took)
        if self._in_a_round(batch, runner):
            batch = yield from self._first_round(batch, runner, starts)
        for done in runner.run(batch, GradeGroups(self), starts):
            yield from done
        if not self._is_over():
            remove(self.store.out)

    def _in_a_round(self, batch: Sequence[Group], runner: Runner) -> bool:
        """Whether trainings are done in a round: where it pays on cores, or on a device.

        For what is graded already no device is tried.
        """
        asked = self.course, self.settings, self.room.isolation.level
        if pays(*asked, batch, runner):
            return True
        if not self.devices:
            return False
        new = [group for group in batch if any(self.needs_run(one, HERE) for one in group)]
        return pays(*asked, new, runner, together=True) and self._any_sound()

    def _any_sound(self) -> bool:
        """Whether a device computes as it should."""
        try:
            return self.devices.any_sound(self.room, environment.cores(), self._is_over)
        except Exception as error:  # noqa: BLE001 - without a device a class is graded all the same
            fault(self.store.out, error)
            return False

    def _is_over(self) -> bool:
        """Whether nothing more is begun: somebody stopped, or the batch's time is up."""
        return self.stopping() or self.settings.is_late()

    def _first_round(
        self, batch: Sequence[Group], runner: Runner, on_start: Callable[[Group], None]
    ) -> Generator[Graded, None, list[Group]]:
        """Grade what needs no training, train for all others, and give those: they run again."""
        results, secret = Results(self.trained.folder), self.settings.secret
        this = Round(results, secret, most_bytes(self.devices), self.devices.name)
        ending = settled(replace(self, given_judges=self.judges, round=this))
        put_off: list[Group] = []
        work = EndsAtOrders(ending.grade_group, NOTEBOOK_MB)
        for group, done in runner.run(batch, work, on_start):
            if done is None:
                put_off.append(group)
                self.on_put_off(group[0])
            else:
                yield from done
        rest = self.store.out, TRAINER_MB, self._is_over, self.devices
        trains = TrainsOrders(self.room, results, secret, *rest)
        for _ in runner.run(trains.batches(this.orders()), Call(trains.together, DEVICE_MB)):
            pass
        for _ in runner.run(this.orders(), trains):  # what no device trained
            pass
        return sorted(put_off, key=batch.index)  # in the order in which they began

    @cached_property
    def took(self) -> Mapping[str, Durations]:
        """How long notebooks took that were graded into this folder before."""
        return recorded(self.store)

    def grade_group(self, group: Group, slot: Slot) -> list[Graded]:
        """Grade submissions with the very same code: the first runs, the others get its records."""
        done: list[Graded] = []
        for submission in group:
            like = done[0].records if done else ()
            done.append(self.grade_one(submission, slot, like))
        return done

    def grade_one(self, submission: Submission, slot: Slot, like: Sequence[Record] = ()) -> Graded:
        """Grade one submission; what goes wrong on our side becomes an ungraded record.

        ``like``: records of a submission with the very same code, which is not run again.
        """
        began = time.monotonic()
        job = self._job(submission)
        try:
            job = self._looked_at(job)
            return self._grade_journaled(job, slot, began, like)
        except PutOffError:
            with suppress(GraderError):
                self.store.journal.finish(job.journal_key(slot))  # it took nobody down
            raise
        except GraderError as error:
            message = error.message
        except Exception as error:  # noqa: BLE001 - one submission never takes the batch with it
            message = fault(self.store.out, error)
        records = self._ungraded(job, slot, message, began)
        with suppress(GraderError):  # a full disk may be why we are here
            records = self._saved(job, slot, records, began)
            self.store.journal.finish(job.journal_key(slot))  # it took nobody down
        return Graded(submission, records)

    def _job(self, submission: Submission) -> Job:
        asked = self.store.by_hand().again_since(submission.student)
        level = self.room.isolation.level
        again = asked.at if asked else ""
        return Job(self.course, self.settings, submission, level, asked_again=again)

    def _looked_at(self, job: Job) -> Job:
        if job.submission.notebook is None:
            return job
        return replace(job, looked=self.judges.look(job.submission.notebook))

    def needs_run(self, submission: Submission, slot: Slot) -> bool:
        """Whether ``grade_one`` would run something; where it would fail, it would not."""
        if submission.notebook is None:
            return False
        try:
            job = self._looked_at(self._job(submission))
            begun = self.store.journal.begun(job.journal_key(slot))
            return begun < CRASHES and not self._kept(job, slot, interrupted=begun > 0)
        except Exception:  # noqa: BLE001 - the same is met by ``grade_one``, which tells it
            return False

    def journal_key(self, submission: Submission, slot: Slot) -> str:
        """Name under which the store counts how often this was begun."""
        return self._looked_at(self._job(submission)).journal_key(slot)

    def failed(self, submission: Submission, slot: Slot, error: Exception) -> Graded:
        """Give the ungraded records of a submission that a fault of ours kept from being run."""
        told = error.message if isinstance(error, GraderError) else fault(self.store.out, error)
        job, began = self._job(submission), time.monotonic()
        return Graded(
            submission, self._saved(job, slot, self._ungraded(job, slot, told, began), began)
        )

    def _grade_journaled(
        self, job: Job, slot: Slot, began: float, like: Sequence[Record]
    ) -> Graded:
        """Grade with a note of the beginning and the end, unless it was all done before."""
        journal = job.journal_key(slot)
        begun_before = self.store.journal.begin(journal)
        kept = self._kept(job, slot, interrupted=begun_before > 0)
        if kept:
            told = job.submission.handed_in  # no part of the key: what a platform says now holds
            records = tuple(replace(one, handed_in=told or one.handed_in) for one in kept)
        elif like and not job.asked_again and all(record.grade.graded for record in like):
            records = tuple(in_the_name_of(job, slot, record) for record in like)
        elif job.submission.problem is not None:
            records = tuple(of_a_malformed_file(job, slot, job.submission.problem, began))
        elif job.submission.fault is not None:
            records = self._ungraded(job, slot, job.submission.fault, began)
        elif begun_before >= CRASHES:
            message = Message("pipeline.quarantined", {"times": begun_before})
            records = self._ungraded(job, slot, message, began)
        elif self.settings.is_late():
            records = self._ungraded(job, slot, Message("pipeline.out_of_time"), began)
        else:
            tell = partial(self.on_training, job.submission)
            opened = self.room, self.store, self.judges
            rest = self.round, self.failures, self._is_over
            attempts = Attempts(
                job,
                slot,
                *opened,
                tell,
                *rest,
                device=self.devices.name,
                trained=lambda: self.trained.folder,
            )
            scored = attempts.run()
            records = tuple(judged(job, slot, one, began, attempts.spent) for one in scored)
        records = self._saved(job, slot, records, began)
        with suppress(GraderError):  # the records are safe, and count all the same next time
            self.store.journal.finish(journal)
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
        records = tuple(
            one for one in found if one is not None and one.graded_at >= job.asked_again
        )
        complete = len(records) == len(found) if named else bool(records) and not interrupted
        graded = all(record.grade.graded for record in records)
        return records if complete and graded else ()

    def _saved(
        self, job: Job, slot: Slot, records: Iterable[Record], began: float
    ) -> tuple[Record, ...]:
        """Keep records; one that cannot be kept is ungraded, and costs the others nothing."""
        saved: list[Record] = []
        for record in records:
            kept = record
            try:
                self.store.save(record)
            except UnkeepableError as error:
                grade, isolation = ungraded(error.message), self.room.isolation
                kept = without_evidence(job, slot, grade, began, record.exercise, isolation)
                self.store.save(kept)
            saved.append(kept)
        return tuple(saved)

    def _ungraded(self, job: Job, slot: Slot, message: Message, began: float) -> tuple[Record, ...]:
        return tuple(of_none_judged(job, slot, message, began, self.room.isolation))


# --- for runners -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Workplace:
    """What a worker elsewhere needs to grade: names and settings, nothing that is open."""

    course: Path
    profile: str
    out: Path
    isolation: Level
    settings: Settings
    saved_after: int  # what is saved here is later, whatever this machine's clock says
    hidden: tuple[Guarded, ...] = ()  # what else no room may read here
    free_mb: float = NOTEBOOK_MB  # what one notebook needs

    @contextmanager
    def open(self) -> Iterator[Callable[[Group, Slot], list[Graded]]]:
        """Load the course, open a room and the folder's store, without its lock."""
        room = open_room(self.isolation.value, (*ours(self.course, self.out), *self.hidden))
        if self.settings.warm:
            room, _ = quickened(room)
        store, judges = Store(self.out, self.saved_after), Judges(self.out)
        try:
            course = load_course(self.course, self.profile)
            yield Grader(course, room, store, self.settings, judges).grade_group
        finally:
            judges.close()
            store.close()


class GradeGroups:
    """The work of a batch. Here it is done by the Grader itself; pickled, it is a Workplace."""

    def __init__(self, grader: Grader) -> None:
        self.grader = grader

    @property
    def free_mb(self) -> float:
        """What one more notebook needs, and its trainer's room where it may ask for trainings."""
        one = self.grader
        asks = may_ask(one.course, one.settings, one.room.isolation.level)
        return NOTEBOOK_MB + (TRAINER_MB if asks else 0.0)

    def open(self) -> AbstractContextManager[Callable[[Group, Slot], list[Graded]]]:
        """Nothing is left to open."""
        return nullcontext(self.grader.grade_group)

    def elsewhere(self) -> GroupsElsewhere:
        """Give it for machines that share no folder with this one.

        Raises:
            GraderError: rooms are not closed, so that notebooks could use the cluster.
        """
        return GroupsElsewhere.of(self.grader, Workplace)

    def __reduce__(self) -> tuple[type[Workplace], tuple[object, ...]]:
        one, store = self.grader, self.grader.store
        place = (one.course.root, one.course.profile, store.out)
        rest = (one.room.isolation.level, one.settings, store.last_saved)
        return Workplace, (*place, *rest, (), self.free_mb)
