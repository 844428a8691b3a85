"""What grading one hand-in would take, and what it would miss.

Enters: Submissions, a course. Leaves: Planned. Touches: reads OUT and the course's data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from grader import environment
from grader.code.needs import needs
from grader.course.data import KERAS, room_files
from grader.course.exercises import Course
from grader.pipeline import durations
from grader.record.store import Store
from grader.submission import Submission
from grader.types import GraderError, Message

PROVIDED = frozenset({"google", "IPython", "ipykernel", "__future__"})  # google.colab: our own


@dataclass(frozen=True)
class Planned:
    """One hand-in as it would be graded."""

    submission: Submission
    counts: bool
    seconds: float | None  # None: nobody knows which exercise it is
    packages: tuple[str, ...]  # that it imports and the room lacks
    files: tuple[str, ...]  # that it reads and the room does not have
    problem: Message | None


@dataclass(frozen=True)
class Planner:
    """A course, and what was graded into OUT before."""

    course: Course
    out: Path

    def plan(self, one: Submission, *, counts: bool) -> Planned:
        """Look at one hand-in."""
        problem = one.problem or one.fault
        if one.notebook is None:
            return Planned(one, counts, 0.0, (), (), problem)
        wanted = needs(one.notebook)
        own = {PurePosixPath(file.name).parts[0].partition(".")[0] for file in one.files}
        known = {*environment.modules(), *own, *PROVIDED}
        packages = tuple(module for module in wanted.modules if module not in known)
        handed_in = {PurePosixPath(file.name).name for file in one.files}
        files = tuple(file for file in wanted.files if PurePosixPath(file).name not in handed_in)
        if files:  # the course's take seconds to make
            given = self._given(one.exercises)
            files = tuple(file for file in files if PurePosixPath(file).name not in given)
        return Planned(one, counts, self._seconds(one.exercises), packages, files, None)

    def _given(self, exercises: tuple[str, ...] | None) -> set[str]:
        """Give the names of the course's own files in a room, unpacked ones among them."""
        owed = [self.course.exercises[one] for one in exercises or self.course.exercises]
        try:
            names = {file.removeprefix(KERAS) for file in room_files(self.course, owed)}
        except GraderError:
            return set()
        return names | {name.removesuffix(".zip") for name in names}

    def _seconds(self, exercises: tuple[str, ...] | None) -> float | None:
        """Say about how long: as it took before, else as the reference took."""
        if exercises is None:
            return None
        return math.fsum(self._of_exercise(one) for one in exercises)

    def _of_exercise(self, exercise: str) -> float:
        (found,) = durations.of_course(self.course, (exercise,), self._took)
        return found.usual

    @cached_property
    def _took(self) -> Mapping[str, durations.Durations]:
        """What notebooks took that were graded into OUT before."""
        there = (self.out / "results").is_dir()
        return durations.recorded(Store(self.out)) if there else {}
