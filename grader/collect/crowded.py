"""Folders that are one student's by the rule, although their files name several people perhaps.

Enters: Submissions, what the course's exercises are called, whom of the class names mean. Leaves: a
Message. Touches nothing.

    1반/KIM.ipynb, 1반/LEE.ipynb          the folder is called as a section is
    1반/KIM/KIM_hw, 1반/LEE/LEE_hw        so it is, and holds students' folders, each with its own
    A/KIM_char-text, A/LEE_char-text      they answer one exercise, and say something else beside it
    A/HW3_20231234, A/HW3_20235678        they mean two people of the roster
    KIM/KIM_hw, KIM/first_try             Kim's: one of them is called as the folder is
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from string import digits
from typing import TypeAlias

from grader.collect.exercises import is_exercise, owner_of
from grader.collect.files import nfc, stem_of, unzipped
from grader.collect.rounds import MANY_NAMES, words_of
from grader.collect.titles import Titles
from grader.submission import Submission
from grader.text.printable import printable
from grader.types import Message, Scalar

SEVERAL = 2
LONGEST = 100
_SECTION = frozenset({"반", "분반", "section", "sections", "class"})

Names: TypeAlias = Mapping[str, Sequence[Submission]]  # in one folder, by the name
Whom: TypeAlias = Callable[[Collection[str]], Mapping[str, Sequence[str]]]


def nobody(names: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Say of no name whom it means: there is no roster."""
    return dict.fromkeys(names, ())


def crowded(submissions: Iterable[Submission], titles: Titles, whom: Whom) -> Message | None:
    """Tell of folders that hold several people's notebooks perhaps; only the last would count.

    Args:
        submissions: all.
        titles: what the course's exercises are called.
        whom: gives the people of the class whom names mean.
    """
    inner: dict[str, dict[str, list[Submission]]] = defaultdict(lambda: defaultdict(list))
    for one in submissions:
        if name := _name(one, titles):
            inner[one.student][name].append(one)
    shared = Counter(name for names in inner.values() for name in names)
    several = {
        folder: names
        for folder, names in inner.items()
        if len(names) >= SEVERAL and not any(_holds(folder, name) for name in names)
    }
    known = whom({*several, *(name for names in several.values() for name in names)})
    # A section's number may be in a column of the roster, too: what is in it comes first.
    found = {
        folder: sum(map(len, names.values()))
        for folder, names in several.items()
        if len({known[name][0] for name in names if len(known[name]) == 1}) >= SEVERAL
        or (
            not known[folder]
            and (
                _is_section(folder)
                or sum(shared[name] == 1 for name in names) >= MANY_NAMES
                or _answer_the_same(names)
            )
        )
    }
    if not found:
        return None
    args: dict[str, Scalar] = {"folders": printable(", ".join(sorted(found)), limit=LONGEST)}
    return Message("collect.many_names", args | {"count": sum(found.values())})


def _name(one: Submission, titles: Titles) -> str:
    """Give what may be a person's name in that of the file or folder right in the student's folder.

    Where a platform told the time, the folder is the platform's. ``KIM__EXERCISE`` is told of by
    itself (``named_in_folders``).
    """
    path = PurePosixPath(one.name)
    stem = stem_of(nfc(path.name))
    around = [unzipped(nfc(folder)) for folder in path.parts[:-1]]
    around = [folder for folder in around if not is_exercise(folder, titles.names)]
    depth = len(one.student.split("/"))
    if one.handed_in or "/".join(around[:depth]) != one.student:
        return ""
    if within := around[depth:]:
        return titles.person(within[0])
    return "" if owner_of(stem, titles.names) else titles.person(stem)


def _holds(folder: str, name: str) -> bool:
    """Whether a folder is called as a file in it, so that both are one person's."""
    return len(name) > 1 and name in folder.casefold()


def _is_section(folder: str) -> bool:
    words = words_of(PurePosixPath(folder).name)
    return any(word.strip(digits) in _SECTION for word in words)


def _answer_the_same(names: Names) -> bool:
    """Whether notebooks of two names, side by side, are known to answer the same exercises."""
    by_exercises: dict[tuple[PurePosixPath, tuple[str, ...]], set[str]] = defaultdict(set)
    for name, some in names.items():
        for one in some:
            if one.exercises:
                by_exercises[PurePosixPath(one.name).parent, one.exercises].add(name)
    return any(len(those) >= SEVERAL for those in by_exercises.values())
