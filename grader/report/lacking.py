"""Which packages the notebooks of a batch import and the room lacks: for the teacher, once.

Enters: Records. Leaves: a row per package, or a sentence. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.code.needs import CHECKER
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Record

MOST = 20  # packages; names are whatever notebooks import
_LONGEST = 60


@dataclass(frozen=True)
class Lacking:
    """One package, how many notebooks import it, and how many notebooks were run."""

    package: str
    notebooks: int
    of: int


def lacking(records: Sequence[Record]) -> tuple[Lacking, ...]:
    """Give the packages that notebooks miss, the most wanted first."""
    wanted: dict[str, set[str]] = {}
    ran: set[str] = set()
    for record in records:
        if record.evidence is None:
            continue
        ran.add(record.submission)
        for one in record.evidence.runs.left_out:
            if one.kind == "package" and one.what not in CHECKER:
                wanted.setdefault(one.what, set()).add(record.submission)
    rows = [Lacking(name, len(by), len(ran)) for name, by in wanted.items()]
    return tuple(sorted(rows, key=lambda row: (-row.notebooks, row.package))[:MOST])


def lacking_lines(records: Sequence[Record], words: Words) -> Iterator[str]:
    """Say which notebooks miss what, and how a course gives them what they miss."""
    found = lacking(records)
    for one in found:
        package = printable(one.package, limit=_LONGEST)
        yield words("report.lacking", package=package, notebooks=one.notebooks, of=one.of)
    if found:
        yield words("report.lacking_remedy")
