"""What an instructor says about an export's columns.

Enters: what was typed. Leaves: exercises and columns. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from grader.course.called import exercises_called
from grader.text.printable import printable
from grader.types import GraderError, Message


def chosen_columns(
    typed: Sequence[str], known: Collection[str], names: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Read ``EXERCISE=COLUMN``; a title may hold "=" as well.

    Raises:
        GraderError: it is not of that form, or there is no such exercise.
    """
    chosen: dict[str, str] = {}
    for one in typed:
        exercise, is_, column = one.partition("=")
        if not is_ or not exercise.strip() or not column.strip():
            raise GraderError(Message("cli.bad_column", {"given": printable(one, limit=200)}))
        (found,) = exercises_called([exercise.strip()], known, names)[:1]
        chosen[found] = column.strip()
    return chosen
