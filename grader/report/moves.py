"""What another rubric, threshold or judge makes of the same evidence: which scores move, and why.

Enters: a Record as it was, and as it would be. Leaves: a Move; plain JSON of it. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader.report import wording
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Check, Json, Message, Record, Scalar, UsedThreshold

_SAME = 1e-9


@dataclass(frozen=True)
class Move:
    """A record whose score, points to earn or verdict is another, and what that comes from."""

    before: Record
    after: Record
    why: tuple[Message, ...]

    @property
    def change(self) -> float | None:
        """Points gained; None where one of the two has no score."""
        before, after = self.before.grade.score, self.after.grade.score
        return None if before is None or after is None else after - before


def move(before: Record, after: Record) -> Move | None:
    """Give what moves; None where nothing does."""
    was, now = before.grade, after.grade
    same = (
        _equal(was.score, now.score)
        and _equal(was.max_score, now.max_score)
        and was.verdict is now.verdict
    )
    return None if same else Move(before, after, tuple(_why(before, after)))


def _why(before: Record, after: Record) -> Iterator[Message]:
    """Name the threshold, then every check that is worth, earns or is asked otherwise."""
    yield from _threshold(before.threshold, after.threshold)
    was = {one.id: one for one in before.grade.checks}
    now = {one.id: one for one in after.grade.checks}
    for name in dict.fromkeys((*was, *now)):
        yield from _check(was.get(name), now.get(name))


def _threshold(was: UsedThreshold | None, now: UsedThreshold | None) -> Iterator[Message]:
    before = None if was is None else was.value
    after = None if now is None else now.value
    metrics = {one.metric for one in (was, now) if one is not None}
    if not _equal(before, after) or len(metrics) > 1:
        metric = (now or was or _NONE).metric
        yield Message("move.threshold", {"metric": metric, "before": before, "after": after})


def _check(was: Check | None, now: Check | None) -> Iterator[Message]:
    one = now or was
    assert one is not None
    told: dict[str, Scalar] = {"check": one.id}
    if was is None:
        yield Message("move.new_check", told | _of(one))
    elif now is None:
        yield Message("move.no_check", told | _of(one))
    elif not (_equal(was.points, now.points) and _equal(was.max_points, now.max_points)):
        earlier: dict[str, Scalar] = {
            "points_before": wording.points(was.points),
            "max_before": wording.points(was.max_points),
        }
        yield Message("move.check", told | earlier | _of(now))


def _of(check: Check) -> dict[str, Scalar]:
    return {"points": wording.points(check.points), "max": wording.points(check.max_points)}


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _SAME * max(1.0, abs(one), abs(other))


_NONE = UsedThreshold("", "", None, None, "", "", widened=False, reason="")


def move_json(one: Move, words: Words, extra: Mapping[str, Json]) -> dict[str, Json]:
    """Give a move for other programs."""
    change = one.change
    return {
        "student": printable(one.after.student),
        "submission": printable(one.after.submission),
        "exercise": printable(one.after.exercise),
        "before": grade_json(one.before),
        "after": grade_json(one.after),
        "change": None if change is None else round(change, 4),
        "why": [
            {"id": why.id, "args": dict(why.args), "message": words.say(why)} for why in one.why
        ],
        **extra,
    }


def grade_json(record: Record) -> dict[str, Json]:
    """Give what a record is worth."""
    grade = record.grade
    return {
        "verdict": grade.verdict.value,
        "score": None if grade.score is None else round(grade.score, 4),
        "max_score": round(grade.max_score, 4),
    }
