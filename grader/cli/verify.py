"""The course check: files that fit together, and notebooks that get what they must get.

Enters: the course, or sample notebooks. Leaves: a table of what failed, one line "N of M …" and an
exit code. Touches: what grading touches; the OUT folder is the caller's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader import environment, seeds
from grader.cli.course import open_course, open_words
from grader.cli.errors import INTERRUPTED, tell
from grader.cli.failures import Failure, from_ruling, show_failures
from grader.cli.grade import (
    ALL_ACCEPTED,
    SOME_NOT,
    UNGRADED,
    finish,
    graded_as_done,
    in_order,
)
from grader.cli.progress import open_progress
from grader.collect.collect import Collected, collect
from grader.course.exercises import Course, Exercise
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.job import Settings
from grader.record.store import Store
from grader.report import wording
from grader.room import open_room
from grader.room.quick import quickened
from grader.text.words import Words
from grader.types import GraderError, Message, Record, Submission, Verdict
from grader.verify.cases import CHAPTER, SAMPLES, Case, Kind, cases, chapters, quick
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


@dataclass(frozen=True)
class Tally:
    """How it came out; ``total`` counts what was looked at."""

    failures: tuple[Failure, ...]
    total: int
    missing: int = 0  # not graded, since somebody pressed Ctrl-C
    ungraded: bool = False

    @property
    def right(self) -> int:
        """How many were as they must be."""
        return self.total - len({failure.place for failure in self.failures})


def run_verify(options: VerifyOptions) -> int:
    """Check samples, or the whole course; 0 where all is right, 1 where not, 3 if ungraded."""
    course = open_course(options.profile)
    words = open_words(course, options.lang)
    if options.paths:
        return _check_samples(course, words, options)
    return _check_course(course, words, options)


def _check_samples(course: Course, words: Words, options: VerifyOptions) -> int:
    """Grade these notebooks; one outside a verdict's folder has nothing to miss."""
    collected = collect(options.paths, exercise_ids=course.exercises, owed=options.exercises)
    wanted = {one.name: expected(one, course) for one in collected.submissions}
    tally = _graded(course, words, options, collected, wanted)
    return _concluded(tally, words, "cli.verified")


def expected(submission: Submission, course: Course) -> Case:
    """Give what a notebook's place says of it."""
    path, parts = submission.path, submission.path.parts
    for one in chapters(course) if CHAPTER in parts else ():
        if one.path == path:
            return one
    after = parts[parts.index(SAMPLES) + 1 :] if SAMPLES in parts else ()
    verdict = next((part for part in after if part in set(Verdict)), None)
    owed = submission.exercises or ("",)
    wanted = dict.fromkeys(owed, verdict) if verdict else {}
    return Case(Kind.SAMPLE, submission.name, path, wanted)


def _check_course(course: Course, words: Words, options: VerifyOptions) -> int:
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    exercises = [course.exercise(one) for one in options.exercises or course.exercises]
    static = _static(course, exercises, words, options)
    found = cases(course, exercises, options.out / REFERENCES)
    chosen = quick(found) if options.quick else found
    collected = Collected(tuple(_submission(case, course) for case in chosen))
    wanted = {case.name: case for case in chosen}
    run = _graded(course, words, options, collected, wanted)
    tally = replace(run, failures=(*static.failures, *run.failures), total=static.total + run.total)
    return _concluded(tally, words, "cli.verified_course")


def _static(
    course: Course, exercises: Sequence[Exercise], words: Words, options: VerifyOptions
) -> Tally:
    """Look at the files, and say at once what is wrong with them: the runs take minutes."""
    kept = {one.id for one in exercises}
    rulings = [
        one
        for one in check_files(course, exercises)
        if one.place not in course.exercises or one.place in kept
    ]
    for name, why in without_threshold(exercises):
        _tell(f"{name}: {words.say(why)}")
    failures = []
    for one in rulings:
        if one.got is None:
            continue
        _tell(f"{one.place}: {words.say(one.got)}")
        if not (one.waiting and options.allow_uncalibrated):
            failures.append(from_ruling(one, words))
    right = sum(one.holds for one in rulings)
    _tell(words("cli.verified_files", right=right, total=len(rulings)))
    return Tally(tuple(failures), right + len(failures))


def _submission(case: Case, course: Course) -> Submission:
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
    wanted: Mapping[str, Case],
) -> Tally:
    settings = Settings(
        secret=seeds.course_secret(),
        engine=options.engine,
        jobs=options.jobs or len(environment.cores()),
    )
    with Store(options.out) as store:
        room, _ = quickened(open_room("auto"))
        grader = Grader(course, room, store, settings)
        with open_progress(len(collected.submissions), words, live=True) as progress:
            graded = list(graded_as_done(grader, collected, progress, words))
        finish(course, words, store, in_order(collected, graded), options.format)
    failures = [one for done in graded for one in misses(wanted, done, words)]
    return Tally(
        tuple(failures),
        len(graded),
        missing=len(collected.submissions) - len(graded),
        ungraded=any(not one.grade.graded for done in graded for one in done.records),
    )


def misses(wanted: Mapping[str, Case], done: Graded, words: Words) -> Iterator[Failure]:
    """Compare what a notebook got with what it must get."""
    case = wanted[done.submission.name]
    records = {record.exercise: record for record in done.records}
    for exercise, verdict in case.wanted.items():
        record = records.get(exercise) or (done.records[0] if done.records else None)
        if record is None or (case.kind is Kind.CHAPTER and exercise not in records):
            got = words("verify.not_found")
            yield Failure(case.name, exercise, _told(case, verdict, words), got, "")
        elif not _as_wanted(case, verdict, record):
            why = wording.reason(record, words)
            got = _score(record, record.grade.verdict.value, words)
            yield Failure(case.name, record.exercise, _told(case, verdict, words), got, why)


def _as_wanted(case: Case, verdict: str, record: Record) -> bool:
    """A stub scores zero and says why; a reference scores full; a sample gets its verdict."""
    grade = record.grade
    if case.kind is Kind.STUB:
        said = grade.hints or any(not check.passed for check in grade.checks)
        return grade.graded and grade.score == 0 and bool(said)
    if case.kind is Kind.REFERENCE and grade.score != grade.max_score:
        return False
    return grade.verdict.value == verdict


def _told(case: Case, verdict: str, words: Words) -> str:
    if case.kind is Kind.STUB:
        return words("verify.stub_wanted")
    return words("verify.reference_wanted") if case.kind is Kind.REFERENCE else verdict


def _score(record: Record, verdict: str, words: Words) -> str:
    if record.grade.score is None:
        return verdict
    return words("verify.verdict_with_score", got=verdict, score=record.grade.score)


def _concluded(tally: Tally, words: Words, key: str) -> int:
    if tally.failures:
        show_failures(tally.failures, words)
    if tally.missing:
        tell(words("cli.stopped", missing=tally.missing))
        return INTERRUPTED
    _tell(words(key, right=tally.right, total=tally.total))
    if tally.ungraded:
        return UNGRADED
    return SOME_NOT if tally.failures else ALL_ACCEPTED


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
