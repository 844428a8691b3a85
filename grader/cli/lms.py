"""What an instructor and a learning platform say about an export's columns and people.

Enters: what was typed, Records. Leaves: exercises and columns, students and their numbers. Touches
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from grader.cli.whose import exercises_called
from grader.collect.names import file_mark, folder_mark
from grader.text.printable import printable
from grader.types import GraderError, Message, Record


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


def platform_numbers(records: Iterable[Record]) -> dict[str, tuple[str, str, str]]:
    """Give the platform that named students, their names there, and their numbers.

    Only where the hand-in is called as the platform calls it: ``kim_2023`` alone is no number of
    anybody's.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for record in records:
        top = PurePosixPath(record.submission).parts[:1]
        for name in top:
            mark = folder_mark(name) or file_mark(PurePosixPath(name).stem)
            if mark is not None and mark.owner == record.student:
                own, _, number = mark.owner.rpartition("_")
                if own and number.isdecimal():
                    found[record.student] = (mark.platform, own, number)
    return found
