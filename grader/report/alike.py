"""Who handed in the very same code, for the teacher alone.

Enters: Records; ``same_as`` names the hand-in whose run they tell of. Leaves: groups of students.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.types import Record


def same_code(records: Sequence[Record]) -> list[tuple[str, ...]]:
    """Give the students of each group of hand-ins with the same code, more than one in each."""
    authors = {record.submission: record.student for record in records}
    groups: dict[str, set[str]] = {}
    for record in records:
        if record.same_as:
            group = groups.setdefault(record.same_as, set())
            group.add(record.student)
            if first := authors.get(record.same_as):
                group.add(first)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)
