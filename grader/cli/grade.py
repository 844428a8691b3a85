"""``grader grade``: a batch, from notebooks to reports.

Enters: parsed options. Leaves: exit codes. Touches: stdout, stderr, the OUT folder, signals.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from grader import environment, seeds
from grader.cli.course import (
    by_itself,
    course_to_grade_with,
    open_words,
    profile_note,
    tell_another,
)
from grader.cli.devices import AUTO, devices_for, rooms_gpus, trainers_gpus
from grader.cli.errors import INTERRUPTED, speak, tell
from grader.cli.kept import earlier_counts, exit_code, finish, of_batch, replaced
from grader.cli.people import kept_roster, look_of, remember, roster_or_nobody
from grader.cli.progress import Progress, open_progress
from grader.cli.roster import roster_file
from grader.cli.rules import rules_for
from grader.cli.spared import Spared, Step
from grader.collect.collect import Collected, collect
from grader.course.called import exercises_asked
from grader.course.exercises import Course
from grader.gpus.gpus import Gpu
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.job import Settings, may_ask, no_trainer
from grader.pipeline.judges import Judges
from grader.pipeline.ours import ours
from grader.pipeline.runner import Here, Stop, slots
from grader.pipeline.runners import LOCAL, open_runner, require
from grader.record import files
from grader.record.store import Store
from grader.report.attendance import perhaps
from grader.report.trained import trained_lines
from grader.room import Room, open_room
from grader.room.quick import quickened
from grader.room.xla_cache import CompiledRoom
from grader.text.printable import printable
from grader.text.words import Words, pick_language
from grader.trainer.devices import Devices
from grader.trainer.kernels import HERE
from grader.types import UNKNOWN, Engine, GraderError, Level, Message, Record

KEPT = ("results", "evidence", "feedback")
SHOW_CURSOR = b"\x1b[?25h\n"  # the live bar hides it


@dataclass(frozen=True)
class GradeOptions:
    """What ``grader grade`` was asked."""

    paths: tuple[Path, ...]
    exercises: tuple[str, ...] | None
    out: Path
    jobs: int | None = None
    engine: str = "auto"
    timeout: float | None = None
    memory_mb: int | None = None
    seed: int | None = None
    isolation: str = "auto"
    gpus: str = "auto"
    gpu_rooms: bool = False
    lang: str | None = None
    format: str = "table"
    shard: str | None = None
    warm: bool = True
    profile: str | None = None
    runner: str = LOCAL
    dry_run: bool = False
    roster: Path | None = None
    trainer: bool | None = None


def run(options: GradeOptions) -> int:
    """Grade a batch; gives the exit code."""
    if options.lang:
        speak(pick_language(options.lang, None))
    require(options.runner)
    require_packages()
    if options.roster is not None:
        roster_file(options.roster)
    judges = Judges(options.out)
    judges.prepare()
    course = course_to_grade_with(options.paths, options.profile, options.out)
    words = open_words(course, options.lang)
    tell_another(course, options.out, words)
    rules_for(course, ())  # told before hours of training, and not after them
    collected = collected_of(course, options, judges)
    if options.dry_run:
        return _shown_only(course, words, collected, options)
    settings = settings_of(options, seeds.course_secret())
    handed_in = {*options.paths, *(one.path.parent for one in collected.submissions)}
    room = open_room(options.isolation, ours(course.root, options.out, sorted(handed_in)))
    room, cold = quickened(room) if options.warm else (room, None)
    gpus = round_gpus(options, course, settings, room)
    with Store(options.out) as store:
        look = look_of(options.paths, collected)
        remember(store.out, course=course, roster=options.roster, look=look)
        spared = Spared(store.out)
        live = options.format == "table"
        with open_progress(len(collected.submissions), words, live=live) as progress:
            told = progress.training, progress.put_off
            devices = round_devices(gpus, options, lambda one: progress.note(words.say(one)))
            grader = Grader(course, room, store, settings, judges, *told, devices=devices)
            _tell_aside(collected, words, progress)
            slower = not_as_it_could_be(course, settings, room)
            for note in beforehand(course, words, store, room, (cold, slower)):
                progress.note(note)
            done = graded_as_done(grader, collected, progress, words, options.runner, spared)
            graded = list(done)
            for note in (
                *same_code_lines(graded, words),
                *trained_lines(records_of(graded), words),
            ):
                progress.note(note)
            for reason in dict.fromkeys(room.complaints):
                progress.note(words("room.cold_some", reason=reason))
            if slower is None and (given_up := as_it_turned_out(course, settings, room)):
                progress.note(words.say(given_up))
        records = in_order(collected, graded)
        gone = [*replaced(store, course, records, collected, is_all=options.shard is None)]
        records = of_batch(store, course, records)
        written = _written(course, words, store, records, options.format, spared)
    _say(words, gone)
    missing = len(collected.submissions) - len(graded)
    if missing:
        tell(words("cli.stopped", missing=missing))
        return INTERRUPTED
    _say(words, _advice(course, options, collected, records))
    return exit_code(records, refused=bool(collected.refused) or not written)


def _say(words: Words, messages: Iterable[Message]) -> None:
    for message in messages:
        tell(words.say(message))


def _advice(
    course: Course, options: GradeOptions, collected: Collected, records: Sequence[Record]
) -> Iterator[Message]:
    """Say what somebody may want to do about what was graded."""
    if options.exercises is None and any(one.exercise == UNKNOWN for one in records):
        yield Message("cli.name_the_exercise")
    if options.shard is None:  # another machine may have been given the rest
        given = {one.name for one in collected.submissions}
        yield from earlier_counts(records, given, course.rules)


def _shown_only(course: Course, words: Words, collected: Collected, options: GradeOptions) -> int:
    """Say what would be graded, and grade nothing."""
    from grader.cli.dry_run import DryRun

    given, jobs = options.roster, options.jobs or len(environment.cores())
    known = (roster_file(given), ()) if given else kept_roster(course, options.out)
    return DryRun(course, words, collected, options.out, jobs, *known).show(options.format)


def beforehand(
    course: Course, words: Words, store: Store, room: Room, slower: tuple[Message | None, ...]
) -> Iterator[str]:
    """Say what is not as it could be, before the hours that it may cost.

    ``slower``: why rooms start cold, and what trainings lack, if so.
    """
    cold, trainings = slower
    yield from map(words.say, by_itself(course))
    if note := profile_note(course, words):
        yield note
    if absent := environment.missing(course.packages):
        yield words("cli.packages_missing", packages=", ".join(absent))
    if any(files.open_to_others(store.out / kept) for kept in KEPT):
        yield words("cli.open_to_others", path=str(store.out))
    if room.isolation.level is not Level.FULL:
        yield words("cli.isolation", level=room.isolation.level.value)
    elif cold is not None:
        yield words.say(cold)
    if isinstance(room, CompiledRoom) and room.dropped:
        yield words("room.programs_damaged", dropped=room.dropped)
    if trainings is not None:
        yield words.say(trainings)


def not_as_it_could_be(course: Course, settings: Settings, room: Room) -> Message | None:
    """Say why no room of ours trains although it was asked to, or why it takes longer."""
    if may_ask(course, settings, room.isolation.level):
        return HERE.missing()
    if settings.engine == Engine.JAX.value:
        return Message("trainer.on_jax") if settings.trainer else None
    return no_trainer(room.isolation.level) if settings.wants_trainer(course) else None


def asks_ours(grader: Grader) -> bool:
    """Whether notebooks of the batch may have their trainings done by our own room."""
    return may_ask(grader.course, grader.settings, grader.room.isolation.level)


def as_it_turned_out(course: Course, settings: Settings, room: Room) -> Message | None:
    """Say the same afterwards: a kernel may have been given up, or failed over some trainings."""
    return not_as_it_could_be(course, settings, room) or HERE.failures()


def require_packages() -> None:
    """Miss what the reports need before hours of training, not after them.

    Raises:
        ModuleNotFoundError: names the package.
    """
    if importlib.util.find_spec("jinja2") is None:
        raise ModuleNotFoundError("jinja2", name="jinja2")


def collected_of(
    course: Course, options: GradeOptions, judges: Judges, own_beside: Path | None = None
) -> Collected:
    """Find the batch, or this machine's share of it; names are those of the whole batch."""
    owed = exercises_asked(course, options.exercises or course.owed)
    share = read_shard(options.shard)
    given = options.roster
    roster = roster_file(given) if given else roster_or_nobody(course, options.out)
    titles = {key: (one.title.en, one.title.ko) for key, one in course.exercises.items()}
    found = collect(
        options.paths,
        exercise_ids=course.exercises,
        owed=owed,
        read=judges.read,
        own_beside=own_beside,
        titles=titles,
        tasks=[one.title for one in course.rules.exercises.values() if one.title],
        attempts=course.rules.attempts,
        whom=partial(perhaps, roster=roster),
    )
    return replace(found, submissions=found.submissions[share])


def read_shard(text: str | None) -> slice:
    """Read "2/5", the second of five machines, as the part of the batch that is its own.

    Raises:
        GraderError: not of that form, or no such part.
    """
    if text is None:
        return slice(None)
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise GraderError(Message("cli.bad_shard", {"given": text}))
    return slice(part - 1, None, parts)


def settings_of(options: GradeOptions, secret: bytes) -> Settings:
    """Say how to grade, on which GPUs and in how many jobs."""
    chosen = rooms_gpus(options.gpus, rooms=options.gpu_rooms)
    return Settings(
        secret=secret,
        engine=options.engine,
        timeout=options.timeout,
        memory_mb=options.memory_mb,
        seed=options.seed,
        jobs=options.jobs or max(1, len(chosen) or len(environment.cores())),
        gpus=chosen,
        warm=options.warm,
        trainer=options.trainer,
    )


def round_gpus(
    options: GradeOptions, course: Course, settings: Settings, room: Room
) -> tuple[Gpu, ...]:
    """Give the GPUs on which our own room trains a class in a round.

    Raises:
        GraderError: as ``trainers_gpus``.
    """
    ours = options.runner == LOCAL and may_ask(course, settings, room.isolation.level)
    if ours and options.gpus == AUTO and not environment.has_cuda():
        return ()  # JAX can use none, and nobody asked for one
    return trainers_gpus(options.gpus, ours=ours, rooms=options.gpu_rooms)


def round_devices(
    gpus: Sequence[Gpu], options: GradeOptions, tell: Callable[[Message], None]
) -> Devices:
    """Give what a round trains on; ``tell`` is told what happens to it."""
    return devices_for(gpus, tell, asked=options.gpus != AUTO)


def _written(
    course: Course,
    words: Words,
    store: Store,
    records: Sequence[Record],
    form: str,
    spared: Spared,
) -> bool:
    """Print and write the reports; False where some are missing, which says so in a line."""
    try:
        return finish(course, words, store, records, form, spared)
    except GraderError as error:
        tell(words.say(error.message))
        return False


def graded_as_done(
    grader: Grader,
    collected: Collected,
    progress: Progress,
    words: Words,
    runner: str = LOCAL,
    spared: Spared | None = None,
) -> Iterator[Graded]:
    """Grade by the named runner, showing each result as it comes; Ctrl-C drains.

    A result that cannot be shown is one all the same; ``spared`` learns whose it was.
    """
    stop = Stop()
    spared = Spared(grader.store.out) if spared is None else spared
    runs = open_runner(runner, slots(grader.settings.jobs, grader.settings.gpus), stop)

    def say(one: Message) -> None:
        progress.note(words.say(one))

    grader = replace(grader, given_judges=grader.judges, stopping=stop.draining.is_set, tell=say)
    if isinstance(runs, Here) and asks_ours(grader) and grader.trained.instead is not None:
        say(grader.trained.instead)
    with _drain_on_interrupt(stop, progress, words):
        for one in grader.grade_all(collected.submissions, runs, progress.started):
            with spared.alone(Step.SHOWN, one.submission.student):
                progress.finished(one)
            yield one


@contextmanager
def _drain_on_interrupt(stop: Stop, progress: Progress, words: Words) -> Iterator[None]:
    """First Ctrl-C: finish what runs. Second: end now; rooms die with this process."""

    def interrupt(*_: object) -> None:
        if stop.draining.is_set():
            with suppress(OSError):
                os.write(2, SHOW_CURSOR if sys.stderr.isatty() else b"")
            os._exit(INTERRUPTED)
        stop.draining.set()
        progress.note(words("cli.draining"))

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_aside(collected: Collected, words: Words, progress: Progress) -> None:
    for message in (*collected.refused, *collected.notes):
        progress.note(words.say(message))


def in_order(collected: Collected, graded: Sequence[Graded]) -> list[Record]:
    """Give the records in the order of the submissions, whichever was done first."""
    place = {one.name: number for number, one in enumerate(collected.submissions)}
    ordered = sorted(graded, key=lambda one: place[one.submission.name])
    return [record for one in ordered for record in one.records]


def records_of(graded: Sequence[Graded]) -> list[Record]:
    """Give all records of a batch."""
    return [record for one in graded for record in one.records]


def same_code_lines(graded: Sequence[Graded], words: Words) -> list[str]:
    """Say which submissions have the very same code: for the teacher alone."""
    alike: dict[str, list[str]] = {}
    for one in graded:
        for first in {record.same_as for record in one.records} - {""}:
            alike.setdefault(first, []).append(one.submission.name)
    return [
        words("cli.same_code", first=printable(first), others=printable(", ".join(sorted(names))))
        for first, names in sorted(alike.items())
    ]
