"""Who handed in the very same code, and who may have: for the teacher alone.

Enters: Records, groups of course.toml laid over them (``by_rules``); ``same_as`` names the hand-in
whose run they tell of. Leaves: groups of students. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from grader.types import Record

Partners = Mapping[tuple[str, str], frozenset[str]]
NOBODY: frozenset[str] = frozenset()


def partners(records: Iterable[Record]) -> Partners:
    """Give with whom people hand in, by student and exercise: a hand-in of one is each one's."""
    found: dict[tuple[str, str], set[str]] = {}
    for one in records:
        if (by := one.author) != one.student:
            found.setdefault((one.student, one.exercise), set()).add(by)
            found.setdefault((by, one.exercise), set()).add(one.student)
    return {key: frozenset(names) for key, names in found.items()}


def same_code(records: Sequence[Record]) -> list[tuple[str, ...]]:
    """Give the students of each group of hand-ins with the same code, more than one in each.

    Those who hand in together may: a group of them alone is left out.
    """
    authors = {record.submission: record.author for record in records}
    together = partners(records)
    groups: dict[tuple[str, str], set[str]] = {}
    for record in records:
        if record.same_as:
            group = groups.setdefault((record.same_as, record.exercise), set())
            group.add(record.author)
            if first := authors.get(record.same_as):
                group.add(first)
    told = {
        tuple(sorted(group))
        for (_, exercise), group in groups.items()
        if any(
            other not in together.get((one, exercise), NOBODY)
            for one, other in combinations(group, 2)
        )
    }
    return sorted(told)
