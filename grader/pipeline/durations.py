"""How long an exercise's notebooks took, as far as it is recorded in a folder of results.

Enters: a Store, a course. Leaves: Durations, seconds of one place to work at. Touches: reads some
records.

A record tells the seconds from the begin of a submission to its score. Where one notebook answers
several exercises they all tell the whole of it, so each gets its share. What was taken over from
somebody with the very same code took no time and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from grader.course.exercises import Course
from grader.record.store import Store
from grader.types import Record

START_SECONDS = 8.0  # a room, an engine
ENOUGH = 400  # records of an exercise: its 99th percentile rests on four of them


@dataclass(frozen=True)
class Durations:
    """Seconds that notebooks of one exercise took, each its own."""

    exercise: str
    seconds: tuple[float, ...]
    recorded: bool  # else one number, from the reference's calibration

    @property
    def usual(self) -> float:
        """The median."""
        return median(self.seconds)


def recorded(store: Store, device: str | None = None) -> Mapping[str, Durations]:
    """Give what was recorded, by exercise, the newest ``ENOUGH`` of each.

    ``device``: of this class of devices alone; None of all.
    """
    runs: dict[str, list[Record]] = defaultdict(list)
    for record in store.newest(ENOUGH):
        runs[record.execution_key].append(record)
    found: dict[str, list[float]] = defaultdict(list)
    for together in runs.values():
        for record in together:
            if _took_time(record) and device in {None, record.device}:
                found[record.exercise].append(record.seconds / len(together))
    return {
        exercise: Durations(exercise, tuple(sorted(seconds)), recorded=True)
        for exercise, seconds in found.items()
    }


def of_course(
    course: Course, exercises: Sequence[str], known: Mapping[str, Durations]
) -> tuple[Durations, ...]:
    """Give durations of exercises: those recorded, else what the reference took."""
    return tuple(known.get(one) or _of_reference(course, one) for one in exercises)


def devices(store: Store) -> tuple[str, ...]:
    """Give the classes of devices that were graded on."""
    return tuple(sorted({one.device for one in store.newest(ENOUGH) if _took_time(one)}))


def _of_reference(course: Course, exercise: str) -> Durations:
    seconds = START_SECONDS + course.exercises[exercise].reference_seconds()
    return Durations(exercise, (seconds,), recorded=False)


def _took_time(record: Record) -> bool:
    return record.evidence is not None and not record.same_as
