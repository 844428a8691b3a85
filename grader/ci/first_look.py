"""The structure of a notebook's models, seconds after it was handed in.

Enters: Submissions, a course, a room. Leaves: what a first look shows of each. Touches: rooms, a
folder for temporary files that is gone afterwards.

The notebook runs with every ``fit`` cut to one epoch, in the same rooms and through the same judge
as later; only what it says of the structure is told. It is no grade: whatever its author wrote to
mislead it shows in the full run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.calibration.one_epoch import one_epoch
from grader.course.exercises import Course
from grader.course.public import public_half
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.runner import Runner
from grader.record.store import Store
from grader.room import Room
from grader.room.workplace import workplace
from grader.submission import Submission
from grader.types import Check, EvidenceClass, GraderError, Outcome, Record

SECONDS = 90.0  # for a notebook; with one epoch each of ours takes less than ten
_NO_SECRET = bytes(32)  # nothing hidden is drawn


@dataclass(frozen=True)
class Seen:
    """What a first look showed of an exercise; no checks where it showed nothing."""

    submission: Submission
    exercise: str
    checks: tuple[Check, ...]

    @property
    def sound(self) -> bool | None:
        """Whether all of the structure is right; None where that is not known yet."""
        return all(one.passed for one in self.checks) if self.checks else None


def first_look(
    course: Course,
    room: Room,
    submissions: Sequence[Submission],
    settings: Settings,
    runner: Runner,
) -> Iterator[Seen]:
    """Look at the notebooks that can be cut short, each as it becomes done."""
    short = [one for one in map(_shortened, submissions) if one is not None]
    looking = replace(settings, secret=_NO_SECRET, timeout=SECONDS, until=None)
    with workplace() as place, Store(place) as store:
        grader = Grader(public_half(course), room, store, looking)
        try:
            for done in grader.grade_all(short, runner):
                for record in done.records:
                    yield Seen(done.submission, record.exercise, _structure(record))
        finally:
            grader.judges.close()


def _shortened(submission: Submission) -> Submission | None:
    """Let it train for one epoch; None where it does not show how long it trains."""
    if submission.notebook is None:
        return None
    try:
        return replace(submission, notebook=one_epoch(submission.notebook))
    except GraderError:
        return None


def _structure(record: Record) -> tuple[Check, ...]:
    """Give the checks of the structure, where a model was found or the notebook came to its end."""
    evidence = record.evidence
    if evidence is None or (
        evidence.model is None and evidence.runs.outcome is not Outcome.FINISHED
    ):
        return ()
    return tuple(one for one in record.grade.checks if one.cls is EvidenceClass.STRUCTURE)
