"""The other system's columns: which exercises stand in which, and what each is out of.

Enters: a roster's header, the exercises of a batch, what the instructor chose. Leaves: Columns, and
the exercises that have none. Touches nothing.

A column is found by its title, which is the exercise's id or a title of it, or it is chosen. An
exercise whose column is called otherwise has none until somebody says which: a new column beside
the right one would leave the right one empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from grader.report.roster import folded
from grader.text.printable import printable
from grader.types import GraderError, Message

LONGEST = 300  # characters of a list of columns in a message
_NUMBERED = re.compile(r"(?P<title>.+) \((?P<id>\d+)\)")


@dataclass(frozen=True)
class Column:
    """One column of the other system's.

    Attributes:
        header: as it stands in the file, with the number that the system gave it.
        exercises: what is in it; several add up.
        possible: points that it is out of; None where the system does not say, and those of its
            exercises count.
        held: whether it is in the roster, with what the system has there already.
    """

    header: str
    exercises: tuple[str, ...]
    possible: float | None = None
    held: bool = False


@dataclass(frozen=True)
class Columns:
    """Where everything of a batch stands."""

    columns: tuple[Column, ...] = ()
    homeless: tuple[str, ...] = field(default=())  # exercises without a column


def called(header: str) -> tuple[str, ...]:
    """Give what a column is called by: all of it, its title, its number."""
    match = _NUMBERED.fullmatch(header)
    return (header, match["title"], match["id"]) if match else (header,)


def columns_of(
    exercises: Sequence[str],
    headers: Sequence[str],
    names: Mapping[str, Iterable[str]],
    chosen: Mapping[str, str],
    possible: Mapping[str, float],
) -> Columns:
    """Find the column of every exercise.

    Args:
        exercises: of the batch, in the course's order.
        headers: the columns that may hold grades, as the other system writes them.
        names: exercise id to all that it is called.
        chosen: exercise id to the column that somebody named for it.
        possible: header to what it is out of, where that is known.

    Raises:
        GraderError: a chosen column is not there, or its name is that of several.
    """
    found = {one: _found(one, headers, names, chosen) for one in exercises}
    order = [header for header in headers if header in found.values()]
    columns = tuple(
        Column(
            header,
            tuple(one for one in exercises if found[one] == header),
            possible.get(header),
            held=True,
        )
        for header in order
    )
    return Columns(columns, tuple(one for one in exercises if found[one] is None))


def _found(
    exercise: str,
    headers: Sequence[str],
    names: Mapping[str, Iterable[str]],
    chosen: Mapping[str, str],
) -> str | None:
    wanted = [chosen[exercise]] if exercise in chosen else [exercise, *names.get(exercise, ())]
    for name in wanted:
        hits = [header for header in headers if name in called(header)] or [
            header for header in headers if folded(name) in map(folded, called(header))
        ]
        if len(hits) == 1:
            return hits[0]
        if exercise in chosen:
            args = {"column": printable(name, limit=LONGEST), "exercise": printable(exercise)}
            raise GraderError(Message("report.column_unknown", args | {"columns": listed(headers)}))
    return None


def listed(headers: Sequence[str]) -> str:
    """Name columns in a message."""
    return printable(", ".join(headers), limit=LONGEST) or "–"
