"""The commands that grade, regrade and report.

Enters: parsed options. Leaves: exit codes. Touches: stdout, stderr, the OUT folder, signals.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader import environment, seeds
from grader.cli.errors import speak
from grader.cli.progress import Progress, open_progress
from grader.collect import Collected, collect
from grader.exercises import Course, find_course, load_course
from grader.gpus import choose_gpus, find_gpus
from grader.pipeline import Graded, Grader, Settings
from grader.pipeline import regrade as regrade_records
from grader.record import Store
from grader.room import open_room
from grader.runner import LocalRunner, Stop, slots
from grader.types import GraderError, Level, Message, Record, Verdict
from grader.words import Words, pick_language

ALL_ACCEPTED, SOME_NOT, USAGE, UNGRADED = 0, 1, 2, 3
INTERRUPTED = 130


@dataclass(frozen=True)
class GradeOptions:
    """What ``grader grade`` was asked."""

    paths: tuple[Path, ...]
    exercises: tuple[str, ...] | None
    out: Path
    jobs: int | None
    engine: str
    timeout: float | None
    memory_mb: int | None
    seed: int | None
    isolation: str
    gpus: str
    lang: str | None
    format: str


def open_course(paths: Sequence[Path] = ()) -> Course:
    """Load the course around the current folder, else around the first path."""
    try:
        return load_course(find_course())
    except GraderError:
        for path in paths:
            if path.exists():
                return load_course(find_course(path.resolve()))
        raise


def open_words(course: Course, lang: str | None) -> Words:
    """Give words in the chosen language, those of the course's families included."""
    language = pick_language(lang, course.language)
    speak(language)
    folder = course.root / "reference" / "families" / "locale"
    return Words(language, (folder,) if folder.is_dir() else ())


def run(options: GradeOptions) -> int:
    """Grade a batch; gives the exit code."""
    if options.lang:
        speak(pick_language(options.lang, None))
    course = open_course(options.paths)
    words = open_words(course, options.lang)
    owed = options.exercises or course.owed
    for one in owed or ():
        course.exercise(one)
    collected = collect(options.paths, exercise_ids=course.exercises, owed=owed)
    chosen = choose_gpus(options.gpus, find_gpus() if options.gpus != "none" else ())
    room = open_room(options.isolation)
    settings = Settings(
        secret=seeds.course_secret(),
        engine=options.engine,
        timeout=options.timeout,
        memory_mb=options.memory_mb,
        seed=options.seed,
        jobs=options.jobs or max(1, len(chosen) or len(environment.cores())),
        gpus=chosen,
    )
    live = options.format == "table"
    with Store(options.out) as store:
        grader = Grader(course, room, store, settings)
        with open_progress(len(collected.submissions), words, live=live) as progress:
            _tell_aside(collected, words, progress)
            if room.isolation.level is not Level.FULL:
                progress.note(words("cli.isolation", level=room.isolation.level.value))
            graded = list(graded_as_done(grader, collected, progress, words))
        records = [record for one in graded for record in one.records]
        finish(course, words, store, records, options.format)
        missing = len(collected.submissions) - len(graded)
    if missing:
        print(words("cli.stopped", missing=missing), file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return exit_code(records, refused=bool(collected.refused))


def graded_as_done(
    grader: Grader, collected: Collected, progress: Progress, words: Words
) -> Iterator[Graded]:
    """Grade on this machine, showing each result as it comes; Ctrl-C drains."""
    stop = Stop()
    runner = LocalRunner(slots(grader.settings.jobs, grader.settings.gpus), stop)
    with _drain_on_interrupt(stop, progress, words):
        for one in grader.grade_all(collected.submissions, runner, progress.started):
            progress.finished(one)
            yield one


@contextmanager
def _drain_on_interrupt(stop: Stop, progress: Progress, words: Words) -> Iterator[None]:
    """First Ctrl-C: finish what runs. Second: end now; rooms die with this process."""

    def interrupt(*_: object) -> None:
        if stop.draining.is_set():
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


def exit_code(records: Sequence[Record], *, refused: bool = False) -> int:
    """0 all accepted, 1 some not accepted, 3 something ungraded."""
    if refused or not all(record.grade.graded for record in records):
        return UNGRADED
    accepted = all(record.grade.verdict is Verdict.ACCEPTED for record in records)
    return ALL_ACCEPTED if accepted else SOME_NOT


def run_regrade(out: Path, lang: str | None, form: str) -> int:
    """Score stored evidence anew; gives the exit code."""
    course = open_course()
    words = open_words(course, lang)
    with Store(_existing(out)) as store:
        records = []
        for record in regrade_records(course, store.latest(), seeds.course_secret()):
            store.save(record)
            records.append(record)
        finish(course, words, store, records, form)
    return exit_code(records)


def run_report(out: Path, lang: str | None, form: str) -> int:
    """Write feedback and print what is stored; gives the exit code."""
    course = open_course()
    words = open_words(course, lang)
    with Store(_existing(out)) as store:
        records = store.latest()
        finish(course, words, store, records, form)
    return exit_code(records)


def _existing(out: Path) -> Path:
    if not (out / "results").is_dir():
        raise GraderError(Message("cli.no_results", {"path": str(out)}))
    return out


def finish(
    course: Course, words: Words, store: Store, records: Sequence[Record], form: str
) -> None:
    """Write the feedback of everything stored, and print this batch's records."""
    from grader.cli import printing

    latest = store.latest()
    places = printing.write_feedback(course, words, store.out, latest)
    for message in store.warnings:
        print(words.say(message), file=sys.stderr)  # noqa: T201
    printing.show(words, store.out, records, form)
    if form == "table":
        printing.show_places(words, places)
    else:
        sys.stdout.flush()


def dump(value: object) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2))  # noqa: T201
