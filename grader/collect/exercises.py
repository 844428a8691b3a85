"""Names of exercises in the names of files and folders.

Enters: names, the course's exercise ids. Leaves: ids, and who else is named. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from grader.policy.hand_ins import read_name

CHAPTER = "chapter"  # a file name that says nothing about its author


def is_exercise(name: str, exercise_ids: Collection[str]) -> bool:
    """Whether it is the name of an exercise, or one of a copy of it."""
    return name in exercise_ids or read_name(name).base in _bases(tuple(sorted(exercise_ids)))


def exercise_in(names: Sequence[str], exercise_ids: Collection[str]) -> str | None:
    """Find the innermost name of an exercise; a copy's name and another case will do."""
    if exact := next((name for name in reversed(names) if name in exercise_ids), None):
        nearer = names[len(names) - [*reversed(names)].index(exact) :]
    else:
        nearer = names
    bases = _bases(tuple(sorted(exercise_ids)))
    found = (bases.get(read_name(name).base) for name in reversed(nearer))
    return next(filter(None, found), exact)


@lru_cache(maxsize=8)
def _bases(exercise_ids: tuple[str, ...]) -> dict[str, str]:
    """Give the ids by what is left of them where they are read as a copy's name."""
    return {read_name(one).base: one for one in exercise_ids}


def says_nothing(stem: str, exercise: str | None) -> bool:
    """Whether a name is that of the exercise, or a copy's, and not its author's."""
    base = read_name(stem).base
    return base in {CHAPTER, ""} or (exercise is not None and base == read_name(exercise).base)


def named(stem: str, exercise_ids: Collection[str]) -> str | None:
    """Give EXERCISE from STUDENT__EXERCISE."""
    owner, _, named = stem.rpartition("__")
    return named if owner and is_exercise(named, exercise_ids) else None


def form(stem: str, exercise_ids: Collection[str]) -> tuple[str | None, str | None]:
    """Give EXERCISE and NAME from "EXERCISE - NAME", in either order."""
    first, between, second = stem.partition(" - ")
    if between and is_exercise(first, exercise_ids):
        return first, second
    first, between, second = stem.rpartition(" - ")
    return (second, first) if between and is_exercise(second, exercise_ids) else (None, None)


def owner_of(stem: str, exercise_ids: Collection[str]) -> str | None:
    """Give STUDENT from STUDENT__EXERCISE."""
    return stem.rpartition("__")[0] if named(stem, exercise_ids) else None
