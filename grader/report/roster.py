"""Who is who in a school's own system.

Enters: a roster as Canvas or Moodle export it, and the students of the records. Leaves: which row
is which student. Touches nothing.

A grade never goes to somebody on a guess: a name that two people share matches nobody, and whoever
is matched to nobody is named, so that no grade disappears in silence.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from grader.types import Record

Roster = Sequence[Mapping[str, str]]
CANVAS_KEYS = ("SIS Login ID", "SIS User ID", "ID", "Student")
MOODLE_KEYS = ("username", "idnumber", "email", "id")


def read_roster(text: str) -> Roster:
    """Read CSV with a header; rows without a value do not count."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    return [
        {name: value or "" for name, value in row.items() if isinstance(name, str)}
        for row in rows
        if any(row.values())
    ]


def match(students: Iterable[str], roster: Roster, keys: Sequence[str]) -> dict[int, str]:
    """Find students in the roster: row number to student.

    Args:
        students: names as the submissions give them.
        roster: the rows.
        keys: columns that may hold such a name, the most reliable first.
    """
    names = Counter(folded(student) for student in set(students))
    alone = {folded(student): student for student in students if names[folded(student)] == 1}
    found: dict[int, str] = {}
    for key in keys:
        values = [folded(person.get(key, "")) for person in roster]
        once = {value for value, count in Counter(values).items() if value and count == 1}
        for row, value in enumerate(values):
            if value in once & alone.keys() and row not in found:
                found[row] = alone.pop(value)
    return found


def unmatched(records: Iterable[Record], roster: Roster, keys: Sequence[str]) -> list[str]:
    """Name the students whose grades the roster has no place for."""
    students = {record.student for record in records}
    return sorted(students - set(match(students, roster, keys).values()))


def folded(text: str) -> str:
    """Make equal what a person would call the same name."""
    return unicodedata.normalize("NFC", text).strip().casefold()
