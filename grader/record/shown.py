"""What the pages showed last: ``shown.json``, so that what the course's rules move can be told.

Enters: Records with the grades in force, whenever pages are written. Leaves: the same numbers, when
asked for again. Touches: that file.

Nothing of the course's rules is kept in a record, so another deadline moves scores and leaves no
trace there. What stood on the pages is the other side of the comparison. The file may be deleted:
then nothing is known of before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from grader.policy.hand_ins import Counting
from grader.record import files
from grader.types import Grade, Record, Verdict

NAME = "shown.json"
SCHEMA = "grader/shown/v1"
MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Shown:
    """One hand-in of a student for an exercise, as the pages had it."""

    student: str
    exercise: str
    submission: str
    key: str
    counts: bool
    by_hand: bool  # somebody decided, and the rules took nothing off
    verdict: str
    score: float | None
    max_score: float
    taken: float  # for lateness, in points of the exercise's checks
    own_verdict: str  # the grader's own, under whatever is in force
    own_score: float | None
    own_max: float

    @property
    def own(self) -> tuple[str, float | None, float]:
        """Give what the grader found; where it is the same, something else moved the score."""
        return self.own_verdict, self.own_score, self.own_max


ByWhom: TypeAlias = Mapping[tuple[str, str], Sequence[Shown]]  # by student and exercise


def of(records: Iterable[Record]) -> list[Shown]:
    """Give what pages of these records show."""
    there = list(records)
    counts = Counting(there)
    return [
        Shown(
            student=one.student,
            exercise=one.exercise,
            submission=one.submission,
            key=one.key,
            counts=counts.is_chosen(one),
            by_hand=one.by_hand is not None and one.by_hand.decision is not None,
            verdict=one.grade.verdict.value,
            score=one.grade.score,
            max_score=one.grade.max_score,
            taken=one.by_rules.taken if one.by_rules is not None else 0.0,
            own_verdict=own.verdict.value,
            own_score=own.score,
            own_max=own.max_score,
        )
        for one in there
        for own in (_own(one),)
    ]


def _own(record: Record) -> Grade:
    """Give the grader's own grade."""
    found = [one.found for one in (record.by_hand, record.by_rules) if one is not None]
    return next((one for one in found if one is not None), record.grade)


def read(out: Path) -> ByWhom | None:
    """Read what the pages showed last; None where nobody knows."""
    try:
        told = json.loads(files.read_at_most(out / NAME, MOST_BYTES))
        found = [Shown(**one) for one in told["hand_ins"]]
        for one in found:
            _look_at(one)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    by_whom: dict[tuple[str, str], list[Shown]] = {}
    for one in found:
        by_whom.setdefault((one.student, one.exercise), []).append(one)
    return by_whom


def write(out: Path, records: Iterable[Record]) -> None:
    """Keep what pages of these records show.

    Raises:
        GraderError: the disk is full or refuses.
    """
    told = {"schema": SCHEMA, "hand_ins": [asdict(one) for one in of(records)]}
    data = json.dumps(told, ensure_ascii=True, indent=1, allow_nan=False).encode()
    files.write_whole(out / NAME, data)


def _look_at(one: Shown) -> None:
    """Refuse what is no such line.

    Raises:
        ValueError: it is none.
    """
    Verdict(one.verdict)
    texts = (one.student, one.exercise, one.submission, one.key)
    scores = (0.0 if it is None else it for it in (one.score, one.own_score))
    numbers = (one.max_score, one.taken, one.own_max, *scores)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("text")
    if not all(isinstance(it, int | float) and not isinstance(it, bool) for it in numbers):
        raise ValueError("number")
