"""When something was handed in, where a platform wrote it into a file of its own.

Enters: the files of a batch. Leaves: times by folder, ISO 8601 in UTC. Touches: reads those files.

nbgrader keeps ``timestamp.txt`` beside what somebody submitted: "2026-05-01 09:20:30.123456 UTC".
A time whose zone is not known is no time.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import PurePosixPath

from grader.collect.beside import Placed
from grader.collect.notebooks import Malformed
from grader.collect.people import NBGRADER_TIME
from grader.collect.stored import OpenZips
from grader.types import GraderError

LARGEST = 200  # bytes
_TIME = re.compile(
    r"\s*(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s*(?P<zone>\S{1,60})\s*"
)
_ABBREVIATED = {
    **dict.fromkeys(("UTC", "GMT", "Z", "+0000"), UTC),
    **dict.fromkeys(("KST", "JST"), timezone(timedelta(hours=9))),
}


@dataclass(frozen=True)
class Times:
    """The times of a batch."""

    by_folder: dict[tuple[int, PurePosixPath], str]

    def of(self, one: Placed) -> str:
        """Give when something was handed in; "" where nobody wrote it."""
        return self.by_folder.get((one.at.source, one.at.relative.parent), "")


def read_times(files: Iterable[Placed], zips: OpenZips) -> Times:
    """Read what nbgrader wrote beside hand-ins."""
    found: dict[tuple[int, PurePosixPath], str] = {}
    for one in files:
        named, size = one.item.relative.name, one.item.size
        if named != NBGRADER_TIME or one.at.named.platform != "nbgrader" or size > LARGEST:
            continue
        try:
            text = zips.read(one.item.stored).decode("utf-8", "replace")
        except (Malformed, GraderError, OSError):
            continue
        if told := nbgrader_time(text):
            found[one.at.source, one.at.relative.parent] = told
    return Times(found)


def nbgrader_time(text: str) -> str:
    """Read what stands in nbgrader's file; "" where it is no time."""
    match = _TIME.fullmatch(text)
    zone = _zone(match["zone"]) if match else None
    if match is None or zone is None:
        return ""
    try:
        at = datetime.fromisoformat(match["time"]).replace(tzinfo=zone)
        return at.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return ""


def _zone(named: str) -> tzinfo | None:
    if (known := _ABBREVIATED.get(named)) is not None:
        return known
    if match := re.fullmatch(r"([+-])(\d\d):?([0-5]\d)", named):
        behind = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-behind if match[1] == "-" else behind) if behind.days < 1 else None
    try:
        return zoneinfo.ZoneInfo(named)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
