"""What scores were before: ``history.jsonl``, a line for each score that a regrade or a rule moved.

Enters: a record as it was and as it is, and why. Leaves: the lines, the oldest first. Touches: that
file.

A line is written before its record is: whoever is killed between the two finds it there, and the
same move is noted once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeGuard

from grader.record import lines
from grader.types import Json, Message, Record, Scalar

NAME = "history.jsonl"


class By(StrEnum):
    """What moved a score."""

    RUBRIC = "rubric"  # or a threshold, a check, the judge
    RULES = "rules"  # of course.toml, or times of hand-ins that became known


@dataclass(frozen=True)
class Then:
    """What a record was worth; in force, with the course's rules laid over it."""

    key: str
    verdict: str
    score: float | None
    max_score: float


@dataclass(frozen=True)
class Moved:
    """One score that moved."""

    at: str  # ISO 8601, UTC
    student: str
    submission: str
    exercise: str
    judge: str  # version of the judge then
    before: Then
    after: Then
    why: tuple[Message, ...]
    by: By = By.RUBRIC

    @property
    def who(self) -> tuple[str, str, str]:
        """Whose it is."""
        return self.student, self.submission, self.exercise


@dataclass(frozen=True)
class History:
    """What could be read."""

    moved: Sequence[Moved] = ()
    unread: Sequence[Message] = ()


def then(record: Record) -> Then:
    """Give what a record is worth."""
    grade = record.grade
    return Then(record.key, grade.verdict.value, grade.score, grade.max_score)


def read(out: Path) -> History:
    """Read a folder's history; one without such a file has none."""
    found = lines.read_as(out / NAME, _moved)
    return History(found.objects, found.unread)


def append(out: Path, new: Sequence[Moved], known: History) -> None:
    """Note moves, but for those that were noted last already.

    Raises:
        GraderError: the disk is full or refuses.
    """
    last = {one.who: (one.before.key, one.after) for one in known.moved}
    fresh = [one for one in new if last.get(one.who) != (one.before.key, one.after)]
    lines.append(out / NAME, [plain(one) for one in fresh])


def plain(one: Moved) -> dict[str, Json]:
    """Give a line as it is written."""
    return {
        "at": one.at,
        "student": one.student,
        "submission": one.submission,
        "exercise": one.exercise,
        "judge": one.judge,
        "before": dict(vars(one.before)),
        "after": dict(vars(one.after)),
        "why": [{"id": why.id, "args": dict(why.args)} for why in one.why],
        "by": one.by.value,
    }


def _moved(found: Mapping[str, Json]) -> Moved:
    """Read a line strictly.

    Raises:
        ValueError: it is none.
    """
    why = found.get("why")
    if not isinstance(why, list):
        raise ValueError("why")  # noqa: TRY004 - it is the file that is wrong
    return Moved(
        **{name: _text(found, name) for name in _TEXTS},
        before=_then(found.get("before")),
        after=_then(found.get("after")),
        why=tuple(_message(one) for one in why),
        by=By(str(found.get("by", By.RUBRIC.value))),  # earlier versions wrote of nothing else
    )


_TEXTS = ("at", "student", "submission", "exercise", "judge")


def _then(found: Json) -> Then:
    if not isinstance(found, dict):
        raise ValueError("before or after")  # noqa: TRY004
    score, most = found.get("score"), found.get("max_score")
    if not (score is None or _is_number(score)) or not _is_number(most):
        raise ValueError("score")
    return Then(_text(found, "key"), _text(found, "verdict"), score, most)


def _message(found: Json) -> Message:
    if not isinstance(found, dict) or not isinstance(args := found.get("args"), dict):
        raise ValueError("why")  # noqa: TRY004
    plain_: dict[str, Scalar] = {
        name: value for name, value in args.items() if not isinstance(value, list | dict)
    }
    name = _text(found, "id")
    return Message(name, plain_)


def _text(found: Mapping[str, Json], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(name)  # noqa: TRY004
    return value


def _is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
