"""A student's own check, before handing in.

Enters: notebooks and the public half of a course. Leaves: a short text and an exit code. Touches:
a room, a folder for temporary files that is gone afterwards; stdout and stderr.

It runs the notebook as the grader does and says what the grader would say about cells, structure
and training. What only the instructor has (data checks, thresholds, the secret) is not used even
where it lies next door, so that the answer is the same for everybody.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.cli.course import open_course, open_words
from grader.cli.errors import INTERRUPTED, tell
from grader.cli.grading import ALL_ACCEPTED, SOME_NOT, UNGRADED, graded_as_done
from grader.cli.printing import console, titles
from grader.cli.progress import open_progress
from grader.collect import collect
from grader.exercises import Course, Exercise, Limits
from grader.pipeline import Grader, Settings
from grader.printable import printable
from grader.record import Store
from grader.report import wording
from grader.room import open_room
from grader.types import Check, EvidenceClass, Level, Record, Verdict
from grader.words import Words

SEEN = (EvidenceClass.RUNS, EvidenceClass.STRUCTURE, EvidenceClass.TRAINING)
NO_SECRET = bytes(32)  # nothing hidden is drawn in a self-check
PATIENCE = 1800.0  # seconds; how long the instructor waits is not the student's machine's business
RIGHT, WRONG, ADVICE = "✓", "✗", "→"


@dataclass(frozen=True)
class CheckOptions:
    """What ``grader check`` was asked."""

    paths: tuple[Path, ...]
    exercises: tuple[str, ...] | None
    engine: str
    timeout: float | None
    lang: str | None


def run_check(options: CheckOptions) -> int:
    """Run notebooks and say what is still missing; 0 where nothing is."""
    course = public_half(open_course(options.paths))
    words = open_words(course, options.lang)
    owed = options.exercises or course.owed
    for one in owed or ():
        course.exercise(one)
    collected = collect(options.paths, exercise_ids=course.exercises, owed=owed)
    settings = Settings(
        secret=NO_SECRET, engine=options.engine, timeout=options.timeout or PATIENCE
    )
    room = open_room("auto")
    if room.isolation.level is Level.NONE:
        tell(words("cli.check_open"))
    with tempfile.TemporaryDirectory(prefix="grader-check-") as place, Store(Path(place)) as store:
        grader = Grader(course, room, store, settings)
        with open_progress(len(collected.submissions), words, live=True) as progress:
            for message in (*collected.refused, *collected.notes):
                progress.note(words.say(message))
            graded = list(graded_as_done(grader, collected, progress, words))
    records = [record for one in graded for record in one.records]
    for line in told(records, words, titles(course, words)):
        console().print(line, soft_wrap=False)
    if len(graded) < len(collected.submissions):
        return INTERRUPTED
    return _code(records)


def public_half(course: Course) -> Course:
    """Give the course as students have it."""
    return replace(course, exercises={key: _public(one) for key, one in course.exercises.items()})


def _public(exercise: Exercise) -> Exercise:
    return replace(
        exercise,
        family=None,
        data={},
        attempts=1,
        limits=Limits(),
        sample_limits={},
        hints=(),
        expectation=None,
        reference_path=None,
    )


def _code(records: Sequence[Record]) -> int:
    if not all(record.grade.graded for record in records):
        return UNGRADED
    return ALL_ACCEPTED if all(map(sound, records)) else SOME_NOT


def sound(record: Record) -> bool:
    """Whether everything that a self-check looks at is right."""
    return record.grade.verdict in (Verdict.ACCEPTED, Verdict.SUSPICIOUS) and all(
        check.passed for check in record.grade.checks if wording.evidence_class(check) in SEEN
    )


def told(records: Sequence[Record], words: Words, names: dict[str, str]) -> Iterator[str]:
    """Give the lines to show, notebook by notebook."""
    shown = ""
    for record in records:
        if record.submission != shown:
            shown = record.submission
            yield f"\n{printable(shown)}"
        yield from _about(record, words, names)
    yield ""
    if records and all(map(sound, records)):
        yield words("cli.check_sound")
    elif all(record.grade.graded for record in records):
        yield words("cli.check_not_yet")


def _about(record: Record, words: Words, names: dict[str, str]) -> Iterator[str]:
    title = wording.title(record.exercise, names, words)
    yield f"  {title}: {wording.verdict_name(record.grade.verdict, words)}"
    if record.evidence is None:
        yield f"    {WRONG} {wording.reason(record, words)}"
        return
    for cls in SEEN:
        yield from _class(cls, record, words)
    for hint in record.grade.hints:
        yield f"    {ADVICE} {words.say(hint)}"


def _class(cls: EvidenceClass, record: Record, words: Words) -> Iterator[str]:
    """Give one line where all is right, else a line for each thing that is not."""
    checks = [one for one in record.grade.checks if wording.evidence_class(one) is cls]
    missed = [one for one in checks if not one.passed]
    name = words(f"class.{cls.value}")
    if checks and not missed:
        yield f"    {RIGHT} {name}: {wording.told(checks[-1], words)}"
    for check in missed:
        yield f"    {WRONG} {name}{_place(check, words)}: {wording.told(check, words)}"


def _place(check: Check, words: Words) -> str:
    return f" ({wording.place(check.where, words)})" if check.where else ""
