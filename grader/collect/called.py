"""Whom the names of files tell of, where neither folders nor platforms do; seen beside the others.

Enters: where the files of a batch lie, what the course's exercises are called. Leaves: the same,
with people named as their files name them. Touches nothing.

    char-text - 김민준.ipynb                     김민준  (a form; where no two are called so)
    김민준_char-text.ipynb, CHAR-TEXT-김민준 (1)  김민준  (by the exercise's id or title)
    HW3_char-text.ipynb                          HW3_char-text: nobody is called HW3
    char-text (1).ipynb                          the folder's, or nobody's where it is a class's
    char-text-octocat/homework.ipynb             octocat, and char-text (a repository of GitHub's)
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

from grader.collect.exercises import says_nothing
from grader.collect.files import is_notebook, nfc, stem_of
from grader.collect.labels import Whereabouts
from grader.collect.layouts import PathNames
from grader.collect.rounds import WORDS, is_somebody, words_of
from grader.policy.hand_ins import is_version, read_name

SEVERAL = 2
MOST_COPIES = 4  # of one exercise that one person leaves in a folder
MANY_NAMES = 5  # in one folder: more than one person's classmates
_COUNT = re.compile(r"^\(\d{1,6}\)")  # of a copy, where more was written behind it
_AROUND = " _-.,+&()[]"


@dataclass(frozen=True)
class Titles:
    """What the course's exercises are called: id to all its names."""

    names: Mapping[str, Sequence[str]]

    @cached_property
    def _joined(self) -> dict[str, str]:
        """All names as one word each."""
        every = [(name, key) for key, names in self.names.items() for name in (key, *names)]
        return {"".join(words_of(name)): key for name, key in every if words_of(name)}

    @cached_property
    def _of_ids(self) -> frozenset[str]:
        return frozenset(word for key in self.names for word in words_of(key))

    @cached_property
    def _longest(self) -> int:
        return max((len(name) for name in self._joined), default=0)

    def read(self, stem: str) -> tuple[str, str] | None:
        """Give the exercise that a name holds, and what else it says; None where it holds none."""
        left = read_name(stem).left
        found = [*WORDS.finditer(left)]
        best: tuple[int, int, int, str] | None = None
        for first in range(len(found)):
            joined = ""
            for last in range(first, len(found)):
                joined += found[last][0].casefold()
                if len(joined) > self._longest:
                    break
                if joined in self._joined and (best is None or len(joined) > best[0]):
                    best = (len(joined), first, last, self._joined[joined])
        if best is None:
            return None
        _, first, last, exercise = best
        before, after = left[: found[first].start()], left[found[last].end() :]
        rest = " ".join(filter(None, map(_bare, (before, after))))
        # Of multiplication-lstm-gru nobody knows which.
        return None if self._of_ids & {*words_of(rest)} else (exercise, rest)

    def repository(self, folder: str) -> tuple[str, str] | None:
        """Give the exercise and the person of EXERCISE-PERSON, as GitHub's classes name folders."""
        for exercise in sorted(self.names, key=len, reverse=True):
            if folder.casefold().startswith(f"{exercise}-"):
                rest = folder[len(exercise) + 1 :]
                nobody = is_version(rest) or not is_somebody(rest)
                return None if nobody or self._of_ids & {*words_of(rest)} else (exercise, rest)
        return None


def _bare(text: str) -> str:
    text = _COUNT.sub("", text.strip(" _-.")).strip(_AROUND)
    return read_name(text).left if text else ""


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
        (one.source, one.relative.parent, who.student, who.exercise)
        for one, who in zip(files, read, strict=True)
        if who.student != one.named.student
    )
    return [
        replace(one, named=who)
        if found[one.source, one.relative.parent, who.student, who.exercise] <= MOST_COPIES
        else replace(one, named=replace(one.named, exercise=who.exercise))
        for one, who in zip(files, read, strict=True)
    ]


def _read(one: Whereabouts, titles: Titles) -> PathNames:
    named, stem = one.named, stem_of(nfc(one.relative.name))
    told = None if named.sample else titles.read(named.original or stem)
    if told is None:
        return named
    exercise, rest = told
    named = replace(named, exercise=named.exercise or exercise)
    by_its_name = named.student == stem and named.folders is None and named.respondent is None
    if named.platform is None and by_its_name and is_somebody(rest):
        return replace(named, student=rest)
    return named


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
