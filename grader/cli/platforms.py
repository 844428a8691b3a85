"""What a learning platform's own names say of people.

Enters: Records. Leaves: students and their numbers. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from grader.collect.names import file_mark, folder_mark
from grader.types import Record


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
