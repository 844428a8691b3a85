"""Whom the names of files tell of, where neither folders nor platforms do; seen beside the others.

Enters: where the files of a batch lie, what the course's exercises are called. Leaves: the same,
with people named as their files name them. Touches nothing.

    char-text - 김민준.ipynb                     김민준  (a form; where no two are called so)
    김민준_char-text.ipynb, CHAR-TEXT-김민준 (1)  김민준  (by the exercise's id or title)
    김민준_HW1.ipynb                             김민준  (by the title in the LMS; by a slip of one)
    HW3_char-text.ipynb                          HW3_char-text: nobody is called HW3
    char-text (1).ipynb                          the folder's, or nobody's where it is a class's
    char-text-octocat/homework.ipynb             octocat, and char-text (a repository of GitHub's)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from grader.collect.exercises import says_nothing
from grader.collect.files import is_notebook, nfc, stem_of
from grader.collect.labels import Whereabouts
from grader.collect.layouts import PathNames
from grader.collect.rounds import is_somebody
from grader.collect.titles import Titles
from grader.policy.hand_ins import read_name

SEVERAL = 2
MOST_COPIES = 4  # of one exercise that one person leaves in a folder
MANY_NAMES = 5  # in one folder: more than one person's classmates


def in_repositories(files: Sequence[Whereabouts], titles: Titles) -> list[Whereabouts]:
    """Name people whose folders are repositories by themselves: one person has one per exercise."""
    return [_in_repository(one, titles) for one in files]


def _in_repository(one: Whereabouts, titles: Titles) -> Whereabouts:
    named = one.named
    if named.folders is None or named.platform is not None or named.sample:
        return one
    told = titles.repository(named.student)
    if told is None:
        return one
    exercise, person = told
    return replace(one, named=replace(named, student=person, exercise=named.exercise or exercise))


def by_exercises(files: Sequence[Whereabouts], titles: Titles) -> list[Whereabouts]:
    """Find exercises and people in names that hold both, KIM_EXERCISE or EXERCISE-KIM (1).

    More copies of one name than one person makes stay apart: it is nobody's.
    """
    read = [_read(one, titles) for one in files]
    found = Counter(
        (one.source, one.relative.parent, who.student, title)
        for one, (who, title) in zip(files, read, strict=True)
        if who.student != one.named.student
    )
    return [
        replace(one, named=who)
        if found[one.source, one.relative.parent, who.student, title] <= MOST_COPIES
        else replace(one, named=replace(one.named, exercise=who.exercise))
        for one, (who, title) in zip(files, read, strict=True)
    ]


def _read(one: Whereabouts, titles: Titles) -> tuple[PathNames, str]:
    """Give whom and what a name tells of, and what of it is the exercise's or its title."""
    named, stem = one.named, stem_of(nfc(one.relative.name))
    told = None if named.sample else titles.read(named.original or stem)
    if told is None:
        return named, named.exercise or ""
    named = replace(named, exercise=named.exercise or told.exercise or None)
    by_its_name = named.student == stem and named.folders is None and named.respondent is None
    if named.platform is None and by_its_name and is_somebody(told.rest):
        named = replace(named, student=told.rest)
    return named, named.exercise or told.title


def respondents(files: Sequence[Whereabouts]) -> list[Whereabouts]:
    """Name people as forms do, EXERCISE - NAME, where that makes no two of them one.

    What copying added to a name is left out where it makes no two of them one either.
    """
    found = files
    for shown in (_without_copies, str):
        every = Counter((one.source, one.named.student) for one in found)
        called = Counter((one.source, shown(one.named.respondent or "")) for one in found)
        clear = {key for key, count in called.items() if count == 1 and key not in every}
        found = [
            replace(one, named=replace(one.named, student=shown(respondent), respondent=None))
            if (respondent := one.named.respondent) and (one.source, shown(respondent)) in clear
            else one
            for one in found
        ]
    return list(found)


def _without_copies(name: str) -> str:
    """Give a name without the count of its copies."""
    read = read_name(name)
    return read.left if read.copies and not read.finals and not read.olds else name


def unnamed(files: Sequence[Whereabouts]) -> list[Whereabouts]:
    """Keep apart what in no folder says nothing of its author, where nobody knows whose it is.

    More copies than one person makes are several people's, and so is what lies among notebooks
    that name others. Else it is the author's around whose folder was given.
    """
    found = Counter(map(_unnamed_key, files))
    others: dict[tuple[tuple[str, ...], PurePosixPath], set[str]] = defaultdict(set)
    for one in files:
        if _unnamed_key(one) is None and _is_by_itself(one):
            others[one.above, one.relative.parent].add(read_name(one.named.student).base)
    return [
        replace(one, named=replace(one.named, student=str(one.relative.with_suffix(""))))
        if (key := _unnamed_key(one)) is not None
        and (found[key] > MOST_COPIES or len(others.get(key[:2], ())) >= SEVERAL)
        else one
        for one in files
    ]


def _is_by_itself(one: Whereabouts) -> bool:
    named = one.named
    nobody = named.folders is None and named.platform is None and not named.sample
    return nobody and bool(one.above) and is_notebook(one.relative)


def _unnamed_key(one: Whereabouts) -> tuple[tuple[str, ...], PurePosixPath, str] | None:
    if not _is_by_itself(one):
        return None
    return (
        (one.above, one.relative.parent, one.named.student)
        if says_nothing(stem_of(one.relative.name), one.named.exercise)
        else None
    )


def named_in_folders(files: Sequence[Whereabouts]) -> tuple[list[Whereabouts], list[str]]:
    """Keep apart whom names as KIM__EXERCISE and LEE__EXERCISE, in one folder, keep apart.

    Where they are many, and none is the folder's: it is a section's. A few are copies of
    classmates' files, in the folder of somebody who has a name of another kind perhaps.

    Returns:
        The files, and the folders of which nobody knows.
    """
    owners: dict[tuple[int, str], set[str]] = defaultdict(set)
    for one in files:
        if one.named.named is not None:
            owners[one.source, one.named.student].add(one.named.named)
    others = {
        key: names
        for key, names in owners.items()
        if not any(_holds(key[1], name) for name in names) and len(names) >= SEVERAL
    }
    apart = {key for key, names in others.items() if len(names) >= MANY_NAMES}
    return [
        replace(one, named=replace(one.named, student=f"{one.named.student}/{one.named.named}"))
        if one.named.named is not None and (one.source, one.named.student) in apart
        else one
        for one in files
    ], sorted(student for source, student in others.keys() - apart)


def _holds(folder: str, name: str) -> bool:
    return name.casefold() in folder.casefold()
