"""The course check: files that fit together, and notebooks that get what they must get.

Enters: the course, or sample notebooks. Leaves: a table of what failed, one line "N of M …" and an
exit code. Touches: what grading touches; the OUT folder is the caller's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader import environment, seeds
from grader.cli.course import open_course, open_words
from grader.cli.errors import INTERRUPTED, tell
from grader.cli.failures import show_failures
from grader.cli.grade import graded_as_done, in_order
from grader.cli.kept import ALL_ACCEPTED, SOME_NOT, UNGRADED, finish
from grader.cli.progress import open_progress
from grader.cli.spared import Spared
from grader.collect.collect import Collected, collect
from grader.course.called import exercises_asked
from grader.course.exercises import Course, Exercise
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.ours import ours
from grader.policy.rules import Rules
from grader.record.store import Store
from grader.room import open_room
from grader.room.quick import quickened
from grader.submission import Submission
from grader.text.words import Words
from grader.types import GraderError, Message
from grader.verify.cases import CourseCase, Kind, case_of, cases, quick
from grader.verify.compare import Tally, tally_of_files, tally_of_runs
from grader.verify.rules import check_files, without_threshold

REFERENCES = "reference-notebooks"  # in OUT: the solutions as they would be handed in


@dataclass(frozen=True)
class VerifyOptions:
    """What ``grader verify`` was asked."""

    paths: tuple[Path, ...]
    exercises: tuple[str, ...] | None
    out: Path
    jobs: int | None
    engine: str
    quick: bool
    allow_uncalibrated: bool
    lang: str | None
    format: str
    profile: str | None = None
    trainer: bool | None = None


def run_verify(options: VerifyOptions) -> int:
    """Check samples, or the whole course; 0 where all is right, 1 where not, 3 if ungraded."""
    course = open_course(options.profile)
    words = open_words(course, options.lang)
    options = replace(options, exercises=exercises_asked(course, options.exercises))
    if options.paths:
        return _check_samples(course, words, options)
    return _check_course(course, words, options)


def _check_samples(course: Course, words: Words, options: VerifyOptions) -> int:
    """Grade these notebooks; one outside a verdict's folder has nothing to miss."""
    collected = collect(options.paths, exercise_ids=course.exercises, owed=options.exercises)
    wanted = {one.name: case_of(one, course) for one in collected.submissions}
    tally = _graded(course, words, options, collected, wanted)
    return _concluded(tally, words, "cli.verified")


def _check_course(course: Course, words: Words, options: VerifyOptions) -> int:
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    exercises = [course.exercise(one) for one in options.exercises or course.exercises]
    tally = static(course, exercises, words, options)
    found = cases(course, exercises, options.out / REFERENCES)
    chosen = quick(found) if options.quick else found
    return ran(course, words, options, tally, chosen)


def ran(
    course: Course,
    words: Words,
    options: VerifyOptions,
    tally: Tally,
    chosen: Sequence[CourseCase],
) -> int:
    """Run notebooks of the course and say how all came out, files included; gives the code."""
    if chosen:
        collected = Collected(tuple(_submission(case, course) for case in chosen))
        wanted = {case.name: case for case in chosen}
        tally += _graded(course, words, options, collected, wanted)
    key = "cli.verified_course_waiting" if tally.waiting else "cli.verified_course"
    return _concluded(tally, words, key)


def static(
    course: Course, exercises: Sequence[Exercise], words: Words, options: VerifyOptions
) -> Tally:
    """Look at the files, and say at once what is wrong with them: the runs take minutes."""
    kept = {one.id for one in exercises}
    rulings = [
        one
        for one in check_files(course, exercises)
        if one.subject not in course.exercises or one.subject in kept
    ]
    for name, why in without_threshold(exercises):
        _tell(f"{name}: {words.say(why)}")
    for one in rulings:
        if one.got is not None:
            _tell(f"{one.subject}: {words.say(one.got)}")
    tally = tally_of_files(rulings, uncalibrated=options.allow_uncalibrated)
    key = "cli.verified_files_waiting" if tally.waiting else "cli.verified_files"
    right = sum(one.holds for one in rulings)
    _tell(words(key, right=right, total=tally.total, waiting=tally.waiting))
    return tally


def _submission(case: CourseCase, course: Course) -> Submission:
    """Read one notebook under the name that it has in the course, whatever else is read."""
    (found,) = collect((case.path,), exercise_ids=course.exercises, owed=None).submissions
    student = found.student if case.kind is Kind.SAMPLE else case.kind.value
    exercises = tuple(case.wanted) if case.kind is not Kind.CHAPTER else found.exercises
    return replace(found, name=case.name, student=student, exercises=exercises)


def _graded(
    course: Course,
    words: Words,
    options: VerifyOptions,
    collected: Collected,
    wanted: Mapping[str, CourseCase],
) -> Tally:
    settings = Settings(
        secret=seeds.course_secret(),
        engine=options.engine,
        jobs=options.jobs or len(environment.cores()),
        trainer=options.trainer,
    )
    with Store(options.out) as store:
        room, _ = quickened(open_room("auto", ours(course.root, options.out)))
        grader = Grader(course, room, store, settings)
        with open_progress(len(collected.submissions), words, live=True) as progress:
            graded = list(graded_as_done(grader, collected, progress, words))
        records = in_order(collected, graded)
        spared = Spared(store.out)
        finish(_without_class(course), words, store, records, options.format, spared)
    done = [(wanted[one.submission.name], one.records) for one in graded]
    tally = tally_of_runs(done, missing=len(collected.submissions) - len(graded))
    return replace(tally, ungraded=tally.ungraded or bool(spared))


def _without_class(course: Course) -> Course:
    """Give the course without deadlines, names and what is owed: nobody handed in its samples."""
    return replace(course, owed=None, read_rules=Rules)


def _concluded(tally: Tally, words: Words, key: str) -> int:
    if tally.failures:
        show_failures(tally.failures, words)
    if tally.missing:
        tell(words("cli.stopped", missing=tally.missing))
        return INTERRUPTED
    _tell(words(key, right=tally.right, total=tally.total, waiting=tally.waiting))
    if tally.ungraded:
        return UNGRADED
    return SOME_NOT if tally.failures else ALL_ACCEPTED


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
