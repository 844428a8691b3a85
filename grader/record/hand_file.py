"""What was decided by hand in one OUT folder: ``by-hand.jsonl``, a line for each thing done.

Enters: HandLines. Leaves: the same, when asked for again. Touches: that file.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader.policy.by_hand import HandLines
from grader.record import lines
from grader.types import HandKind, HandLine, Json, Message

NAME = "by-hand.jsonl"
LONGEST_TEXT = 2000  # characters of a reason or comment
LONGEST_NAME = 5000  # a path has fewer
_ID_BYTES = 4
_EMPTY: tuple[Json, ...] = (None, "", 0)


@dataclass(frozen=True)
class HandFile:
    """What a folder's file says, and what of it cannot be read."""

    by_hand: HandLines
    unread: Sequence[Message] = ()


def read(out: Path) -> HandFile:
    """Read what was decided by hand; a folder without such a file has nothing."""
    found = lines.read_as(out / NAME, _line)
    return HandFile(HandLines(found.objects), found.unread)


def append(out: Path, new: Iterable[HandLine]) -> None:
    """Add lines, all or none.

    Raises:
        GraderError: the disk is full or refuses.
    """
    lines.append(out / NAME, [plain(one) for one in new])


def rewrite(out: Path, kept: Iterable[HandLine]) -> None:
    """Put lines in the place of all others; for whoever is to be forgotten.

    Raises:
        GraderError: the disk is full or refuses.
    """
    lines.rewrite(out / NAME, [plain(one) for one in kept])


def new_id(known: HandLines) -> str:
    """Give an id that no line has."""
    taken = {one.id for one in known.lines}
    while (found := secrets.token_hex(_ID_BYTES)) in taken:
        pass
    return found


def now() -> str:
    """Give the time as a line holds it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def plain(line: HandLine) -> dict[str, Json]:
    """Give a line as it is written: what it does not say is left out."""
    told: dict[str, Json] = asdict(line)
    score = line.kind is HandKind.OVERRIDE
    return {k: v for k, v in told.items() if v not in _EMPTY or (score and k == "score")}


def _line(found: Mapping[str, Json]) -> HandLine:
    """Read a line strictly.

    Raises:
        ValueError: it is none.
    """
    kind = HandKind(_text(found, "kind", 20))
    score, most = (_number(found, name) for name in ("score", "most"))
    if (kind is HandKind.OVERRIDE) != (score is not None):
        raise ValueError("score")
    erased = found.get("erased", 0)
    if not isinstance(erased, int):
        raise ValueError("erased")  # noqa: TRY004
    line = HandLine(
        id=_text(found, "id", 64),
        at=_time(_text(found, "at", 64)),
        by=_text(found, "by", LONGEST_NAME),
        kind=kind,
        student=_text(found, "student", LONGEST_NAME),
        exercise=_text(found, "exercise", LONGEST_NAME),
        text=_text(found, "text", 2 * LONGEST_TEXT),
        score=score,
        most=most,
        undoes=_text(found, "undoes", 64),
        erased=erased,
    )
    if not line.id:
        raise ValueError("id")
    return line


def _text(found: Mapping[str, Json], name: str, most: int) -> str:
    value = found.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise ValueError(name)
    return value


def _number(found: Mapping[str, Json], name: str) -> float | None:
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(name)  # noqa: TRY004
    if not math.isfinite(value) or value < 0:
        raise ValueError(name)
    return float(value)


def _time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("at")
    return text
