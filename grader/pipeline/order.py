"""In which order a batch is graded, and what of it needs to run once only.

Enters: a course and Submissions. Leaves: groups of Submissions with the very same code, the
longest expected first. Touches nothing.

A long notebook that starts last keeps everybody waiting on one core. And unchanged stubs, or a
notebook handed in for a whole team, would only repeat the same computation. Where time is short,
whoever hands in far more than there are exercises waits with the rest of it for all others.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

from grader.course.exercises import Course
from grader.pipeline.durations import Durations, of_course
from grader.pipeline.job import sample_limits
from grader.submission import Notebook, Submission

MANY = 2  # hand-ins of one person for each exercise: what is beyond comes after everybody's

Group: TypeAlias = tuple[Submission, ...]  # with the very same code


def groups(
    course: Course,
    submissions: Sequence[Submission],
    took: Mapping[str, Durations] | None = None,
) -> list[Group]:
    """Give the batch as groups to run once each; the first of a group is the one that runs.

    ``took``: what is recorded of earlier notebooks, by exercise; else the reference's.
    """
    found: dict[object, list[Submission]] = {}
    turns: dict[object, int] = {}
    handed_in: Counter[str] = Counter()
    for number, submission in enumerate(submissions):
        like = _likeness(course, submission) or number
        found.setdefault(like, []).append(submission)
        turn = handed_in[submission.student] // (MANY * max(1, len(course.exercises)))
        turns[like] = min(turn, turns.get(like, turn))
        handed_in[submission.student] += 1
    seconds = expected_seconds(course, took)
    ordered = sorted(found, key=lambda like: (turns[like], -seconds(found[like][0])))
    return [tuple(found[like]) for like in ordered]


def _likeness(course: Course, submission: Submission) -> object:
    """Equal for submissions that must give the same grade; None for one that is like no other."""
    if submission.notebook is None or sample_limits(course, submission) is not None:
        return None
    files = tuple((one.name, one.digest) for one in submission.files)
    told = repr(submission.notes)
    return code_digest(submission.notebook), submission.exercises, files, told


def code_digest(notebook: Notebook) -> str:
    """Give a digest of all that runs: cells to the last character, at their places.

    And of what is typed into them, and of the language that they are said to be in.
    """
    cells = [[cell.index, cell.source, cell.said] for cell in notebook.cells]
    return hashlib.sha256(json.dumps([notebook.language, cells]).encode()).hexdigest()


def expected_seconds(
    course: Course, took: Mapping[str, Durations] | None = None
) -> Callable[[Submission], float]:
    """Give a function that says about how long a submission will take."""
    known = took or {}

    @cache
    def of_exercise(identifier: str) -> float:
        (found,) = of_course(course, (identifier,), known)
        return found.usual

    @cache
    def of(exercises: tuple[str, ...]) -> float:
        return math.fsum(of_exercise(one) for one in exercises if one in course.exercises)

    every = tuple(course.exercises)
    return lambda one: 0.0 if one.notebook is None else of(_owed(one.exercises, every))


def _owed(named: Iterable[str] | None, every: tuple[str, ...]) -> tuple[str, ...]:
    return every if named is None else tuple(named)
