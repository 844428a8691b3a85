"""``grader ci``: what a change handed in, graded and shown where the platform shows it.

Enters: parsed options. Leaves: exit codes. Touches: git, rooms, the OUT folder, the folder of
reports, stdout and stderr, signals.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader import seeds
from grader.ci import cache
from grader.ci.event import Event
from grader.ci.first_look import Seen, first_look
from grader.ci.git import Repository
from grader.ci.handed_in import named
from grader.ci.platforms import Platform, choose
from grader.ci.policy import PASSED, UNGRADED, Policy, exit_code, read_policy
from grader.cli.check import NO_SECRET
from grader.cli.check_whole import sound
from grader.cli.ci_say import Speaker
from grader.cli.ci_work import Work, collected_by
from grader.cli.course import (
    course_to_check_with,
    course_to_grade_with,
    open_words,
    tell_another,
)
from grader.cli.errors import INTERRUPTED, speak
from grader.cli.export import about_of
from grader.cli.grade import (
    GradeOptions,
    as_it_turned_out,
    beforehand,
    graded_as_done,
    in_order,
    not_as_it_could_be,
    require_packages,
    round_devices,
    round_gpus,
    settings_of,
)
from grader.cli.kept import current, of_batch
from grader.cli.people import remember
from grader.cli.progress import ProgressLines
from grader.cli.signing import sign
from grader.cli.spared import Spared
from grader.course.exercises import ASSIGNMENTS, Course
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.judges import Judges
from grader.pipeline.ours import ours
from grader.pipeline.runner import Stop, slots
from grader.pipeline.runners import LOCAL, open_runner
from grader.record.signing import public_half as public_half_of_key
from grader.record.store import Store
from grader.room import Guarded, Room, open_room
from grader.room.quick import quickened
from grader.room.workplace import workplace
from grader.submission import Submission
from grader.text.words import Words, pick_language
from grader.types import GraderError, Message, Record

# Seconds for a notebook where nobody knows how long correct ones take: students' half does not say.
# With the budget of our own examples it ends within their hour.
PATIENCE = 900.0
MOST_LOOKED_AT = 10  # more notebooks than a student changes at a time: a class is graded at once


def _now() -> float:
    return time.time()


@dataclass(frozen=True)
class CiOptions:
    """What ``grader ci`` was asked; ``grading``: as ``grader grade`` has it."""

    grading: GradeOptions
    repository: Path
    base: str | None
    head: str | None
    student: str | None
    platform: str
    reports: Path | None
    fail_on: str
    budget: float | None
    cache: Path | None
    about: Path | None
    public: bool = False  # what students' own checks look at, and no more
    look_first: bool = True
    structure_only: bool = False
    sign: bool = False
    began: float = field(default_factory=_now)  # what is fetched takes of the budget, too


def run_ci(options: CiOptions) -> int:
    """Grade what a change handed in; gives the exit code."""
    asked = options.grading
    if asked.lang:
        speak(pick_language(asked.lang, None))
    require_packages()
    if options.sign and options.public:
        raise GraderError(Message("ci.public_unsigned"))
    if options.sign:
        public_half_of_key()  # misses it before hours of training, not after them
    policy, platform = read_policy(options.fail_on), choose(options.platform)
    event = _event(platform, options)
    with workplace("handed-in", "public") as place:
        course = _course(options, place / "public")
        words = open_words(course, asked.lang)
        judges = Judges(asked.out)
        judges.prepare()
        repository = Repository(options.repository)
        folder = place / "handed-in"
        work = collected_by(asked, repository, event, course, judges, folder)
        if not (options.public or options.structure_only):
            _require_names(work)
        speaker = Speaker(platform, course, words, asked.out, options.reports, work.places)
        speaker.note(*_notes(options, event, work))
        if not work.collected.submissions:
            speaker.nothing(work.over.others)
            left = bool(work.collected.refused or work.over.refused)
            return speaker.finish((), about=None) or (UNGRADED if left else PASSED)
        return Job(options, policy, event, course, words, judges, work, speaker, place).run()


@dataclass(frozen=True)
class Job:
    """One call of the command, with everything open that it needs."""

    options: CiOptions
    policy: Policy
    event: Event
    course: Course
    words: Words
    judges: Judges
    work: Work
    speaker: Speaker
    place: Path
    then: Callable[[Sequence[Record]], int] = lambda _: PASSED  # told of the records
    origins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # for signed records

    def run(self) -> int:
        """Look at the structure, then grade."""
        submissions = self.work.collected.submissions
        settings = self._settings()
        room = open_room(self.options.grading.isolation, self._guarded())
        room, cold = quickened(room) if settings.warm else (room, None)
        seen: list[Seen] = []
        short = self.options.structure_only or self.event.draft
        few = sum(one.notebook is not None for one in submissions) <= MOST_LOOKED_AT
        if short or (self.options.look_first and few):
            seen = self._looked(room, submissions, settings)
        if short:
            return self._of_structure(seen)
        return self._graded(room, settings, cold)

    def _settings(self) -> Settings:
        secret = NO_SECRET if self.options.public else seeds.course_secret()
        settings = settings_of(self.options.grading, secret)
        if self.options.public and settings.timeout is None:
            settings = replace(settings, timeout=PATIENCE)
        budget = self.options.budget
        return settings if budget is None else replace(settings, until=self.options.began + budget)

    def _guarded(self) -> tuple[Guarded, ...]:
        lent = self.options.cache
        more = () if lent is None else (Guarded(lent, "room.exposed_out"),)
        return (*ours(self.course.root, self.options.grading.out, [self.place]), *more)

    def _looked(
        self, room: Room, submissions: Sequence[Submission], settings: Settings
    ) -> list[Seen]:
        runner = open_runner(LOCAL, slots(settings.jobs, settings.gpus), Stop())
        with self.speaker.part("ci.part_structure"):
            seen = []
            for one in first_look(self.course, room, submissions, settings, runner):
                self.speaker.seen(one)
                seen.append(one)
        return seen

    def _of_structure(self, seen: Sequence[Seen]) -> int:
        """End with what is known of the structure; what is not known yet fails nobody."""
        written = self.speaker.finish_seen(seen)
        wrong = any(one.sound is False for one in seen) and not self.policy.advisory
        return written or int(wrong)

    def _graded(self, room: Room, settings: Settings, cold: Message | None) -> int:
        speaker, asked, lent = self.speaker, self.options.grading, self.options.cache
        gpus = round_gpus(asked, self.course, settings, room)
        with Store(asked.out, lent=lent) as store:
            if not self.options.public:
                tell_another(self.course, store.out, self.words)
                remember(store.out, course=self.course)
            spared = Spared(store.out)
            collected = self.work.collected
            with speaker.part("ci.part_grading"):
                progress = ProgressLines(len(collected.submissions), self.words)
                say = self.words.say
                devices = round_devices(gpus, asked, lambda one: progress.note(say(one)))
                grader = Grader(self.course, room, store, settings, self.judges, devices=devices)
                slower = not_as_it_could_be(self.course, settings, room)
                for note in beforehand(self.course, self.words, store, room, (cold, slower)):
                    progress.note(note)
                done = graded_as_done(grader, collected, progress, self.words, asked.runner, spared)
                graded = list(done)
                given_up = as_it_turned_out(self.course, settings, room)
                if slower is None and given_up is not None:
                    progress.note(self.words.say(given_up))
            records = of_batch(store, self.course, in_order(collected, graded))
            if self.options.public:
                speaker.not_asked(records)
            pages = records if self.options.public else current(store, self.course)
            written = speaker.finish(records, self._about(), store, spared, pages)
            if self.options.sign:
                told = records, collected.submissions, self.course, settings
                sign(*told, store.out, self.origins)
            written = self.then(records) or written
            if lent is not None and self.event.trusted:
                cache.keep(store.out, lent)
        if len(graded) < len(collected.submissions):
            return INTERRUPTED
        left_out = bool(collected.refused or self.work.over.refused or written)
        return exit_code(records, self.passes, left_out=left_out)

    def passes(self, record: Record) -> bool:
        """Whether a graded record is good enough."""
        if self.options.public:
            return self.policy.advisory or sound(record)
        return self.policy.passes(record)

    def _about(self) -> dict[str, str] | None:
        path = self.options.about
        return None if path is None else about_of(path, "classroom50")


# --- what is handed in, and by whom ------------------------------------------------------------


def _event(platform: Platform, options: CiOptions) -> Event:
    """Ask the platform; what the command line says, it says better."""
    told = platform.event(os.environ)
    return replace(
        told,
        base=told.base if options.base is None else options.base,
        head=told.head if options.head is None else options.head,
        student=told.student if options.student is None else options.student,
    )


def _course(options: CiOptions, place: Path) -> Course:
    """Find the course; never the one that the change brings along, but for a student's own check.

    Raises:
        GraderError: there is none, or it lies in the repository and nobody named it.
    """
    handed_in = options.grading.paths or (options.repository,)
    if options.public:
        return course_to_check_with(handed_in, place, options.grading.profile, own=False)
    return course_to_grade_with(handed_in, options.grading.profile)


def _require_names(work: Work) -> None:
    """Refuse to grade in the name of the folder of exercises, in which everybody's work lies.

    Raises:
        GraderError: nobody says whose work it is, and that folder alone would.
    """
    if any(one.student == ASSIGNMENTS for one in work.collected.submissions):
        raise GraderError(Message("ci.nobodys", {"folder": f"{ASSIGNMENTS}/"}))


def _notes(options: CiOptions, event: Event, work: Work) -> list[Message]:
    """Say what this grade is, whose, and what was left aside."""
    notes = []
    students = tuple(dict.fromkeys(one.student for one in work.collected.submissions))
    if students and not event.student:
        notes.append(Message("ci.by_names", {"students": named(students)}))
    if options.public:
        notes.append(Message("ci.public"))
    elif not (event.trusted or event.unchanged):
        notes.append(Message("ci.advice"))
    if not (event.base or options.grading.paths):
        notes.append(Message("ci.no_base"))
    if event.draft:
        notes.append(Message("ci.draft"))
    if work.over.archives:
        notes.append(Message("ci.archives", {"files": named(work.over.archives)}))
    notes += [*work.over.refused, *work.collected.refused, *work.collected.notes]
    return notes
