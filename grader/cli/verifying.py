"""The course check: every sample must get the verdict of its folder.

Enters: sample notebooks under ``reference/``. Leaves: a table and an exit code. Touches: what
grading touches; the OUT folder is the caller's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import environment, seeds
from grader.cli.course import open_course, open_words
from grader.cli.errors import INTERRUPTED, tell
from grader.cli.grading import finish, graded_as_done, in_order
from grader.cli.progress import open_progress
from grader.collect import Collected, collect
from grader.course.exercises import Course
from grader.pipeline import Graded, Grader, Settings
from grader.record import Store
from grader.room import open_room
from grader.types import Submission, Verdict
from grader.words import Words

CHAPTER = "chapter"  # notebooks that hold several exercises, every one of them right


@dataclass(frozen=True)
class Mismatch:
    """A sample that got another verdict than its folder says."""

    name: str
    exercise: str
    expected: str
    got: str


def samples(course: Course) -> tuple[Path, ...]:
    """Give the folders with samples: each exercise's, and the chapter's."""
    assert course.reference is not None
    found = [course.reference / key / "submissions" for key in course.exercises]
    return tuple(p for p in (*found, course.reference / CHAPTER) if p.is_dir())


def expected_verdict(submission: Submission) -> str | None:
    """Give the verdict that a sample's folder names."""
    parts = submission.path.parts
    if CHAPTER in parts:
        return Verdict.ACCEPTED.value
    after = parts[parts.index("submissions") + 1 :] if "submissions" in parts else ()
    return next((part for part in after if part in set(Verdict)), None)


def mismatches(graded: Sequence[Graded]) -> list[Mismatch]:
    """Compare verdicts with folders; a sample outside such a folder has nothing to miss."""
    found = []
    for one in graded:
        expected = expected_verdict(one.submission)
        for record in one.records:
            got = record.grade.verdict.value
            if expected is not None and got != expected:
                found.append(Mismatch(one.submission.name, record.exercise, expected, got))
    return found


def run_verify(
    paths: Sequence[Path], out: Path, jobs: int | None, engine: str, lang: str | None, form: str
) -> int:
    """Grade samples and compare; 0 when every sample got its folder's verdict, else 1."""
    course = open_course()
    words = open_words(course, lang)
    places = tuple(paths) or samples(course)
    collected = collect(places, exercise_ids=course.exercises, owed=None)
    graded = _grade_all(course, words, collected, out, jobs, engine, form)
    if missing := len(collected.submissions) - len(graded):
        tell(words("cli.stopped", missing=missing))
        return INTERRUPTED
    wrong = mismatches(graded)
    for one in wrong:
        _tell(
            words(
                "cli.mismatch",
                name=one.name,
                exercise=one.exercise,
                expected=one.expected,
                got=one.got,
            )
        )
    right = len(graded) - len({one.name for one in wrong})
    _tell(words("cli.verified", right=right, total=len(graded)))
    return 1 if wrong else 0


def _grade_all(
    course: Course,
    words: Words,
    collected: Collected,
    out: Path,
    jobs: int | None,
    engine: str,
    form: str,
) -> list[Graded]:
    settings = Settings(
        secret=seeds.course_secret(), engine=engine, jobs=jobs or len(environment.cores())
    )
    with Store(out) as store:
        grader = Grader(course, open_room("auto"), store, settings)
        with open_progress(len(collected.submissions), words, live=True) as progress:
            graded = list(graded_as_done(grader, collected, progress, words))
        finish(course, words, store, in_order(collected, graded), form)
    return graded


def _tell(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
