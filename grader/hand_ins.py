"""Which of several hand-ins of a student for one exercise counts: one rule, asked by everybody.

Enters: names and times of hand-ins, or Records. Leaves: their order, those that count. Touches
nothing.

The last one counts. Which is the last is told by what a platform wrote into the name, a time or the
number of the upload. Where there is none, it is told by the name: what is called final comes after
copies, a higher number after a lower one, copies after what they were copied from. One that cannot
be read as a notebook counts only where there is no other. Points of several are never added up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import TypeAlias

from grader.text.printable import composed
from grader.types import Record, Submission, Verdict

Pieces: TypeAlias = tuple[tuple[int, int, str], ...]

_DIGITS = re.compile(r"(\d+)")
_MOST_DIGITS = 18  # a longer number in a name is no count
_ENDS = (".ipynb", ".txt", ".json")
# What programs and people add to the name of a copy, each at one end of what is left of it.
_COPIES = (
    re.compile(r"^(?:copy of|copy \((?P<n>\d{1,6})\) of|사본)(?=[ _-])"),
    re.compile(r"^복사본"),
    re.compile(r"\((?P<n>\d{1,6})\)$"),
    re.compile(r"(?<=[ _-])copy[ _-]?(?P<n>\d{1,6})?$"),
    re.compile(r"(?:의 사본|의_사본|(?<=[ _-])사본)(?:[ _-]?(?P<n>\d{1,6}))?$"),
    re.compile(r"복사본(?:[ _-]?(?P<n>\d{1,6}))?$"),
)
_VERSIONS = (
    re.compile(r"(?<=[ _-])(?:ver|v|rev)[ _.]?(?P<n>\d{1,6})$"),
    re.compile(r"(?:(?<=최종)|(?<=최종본)|(?<=[ _-]final))(?P<n>\d{1,2})$"),
)
_FINALS = (
    re.compile(
        r"(?:(?:진짜|찐)[ _]?최종본?|최최종본?|최종본?|최종[ _-]?수정|수정본|제출용|완성본)$"
    ),
    re.compile(r"(?<=[ _-])(?:진짜|재제출)$"),
    re.compile(r"^(?:(?:진짜|찐)[ _]?최종본?|최최종본?|최종본?|수정본|제출용|완성본)"),
    re.compile(r"(?:^|(?<=[ _-]))final(?:[ _]version)?$"),
    re.compile(r"^final(?=[ _-])"),
)
_SEPARATORS = " _-"
_MOST_MARKS = 8  # in one name


@dataclass(frozen=True)
class CopyName:
    """A file's name without what copying it added; ``base`` is folded, so that like is equal."""

    base: str
    finals: int = 0
    copies: int = 0  # the highest number; 1 for a copy without one


@lru_cache(maxsize=20_000)
def read_name(name: str) -> CopyName:
    """Take a file's name apart, with or without its suffix."""
    base = _without_ends(_folded(name)).strip(_SEPARATORS)
    finals = copies = 0
    for _ in range(_MOST_MARKS):
        for kind, marks in (("copy", _COPIES), ("version", _VERSIONS), ("final", _FINALS)):
            match = next(filter(None, (mark.search(base) for mark in marks)), None)
            if match is None:
                continue
            left = (base[: match.start()] + base[match.end() :]).strip(_SEPARATORS)
            if not left and kind != "final":
                continue  # a file that is called "copy" is called so
            base = left
            if kind == "final":
                finals += 1
            else:
                copies = max(copies, int(match.groupdict().get("n") or 1))
            break
        else:
            break
    return CopyName(re.sub(r"[ _]+", "-", base), finals, copies)


def _without_ends(name: str) -> str:
    for _ in range(_MOST_MARKS):
        name = next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), name)
    return name


def _folded(name: str) -> str:
    return composed(name, "NFKC").casefold()


def place(name: str, handed_in: str = "") -> tuple[object, ...]:
    """Give what hand-ins of one student are ordered by; the larger is the later.

    Args:
        name: path of the hand-in, as it is shown.
        handed_in: as a platform told it, in an order of its own; "" where none did.
    """
    path = PurePosixPath(name)
    read = read_name(path.name)
    rank = (read.finals, read.copies)
    return handed_in, *rank, natural(read.base), natural(path.name), natural(name)


def natural(text: str) -> Pieces:
    """Order names as people do: 2 before 10."""
    pieces = _DIGITS.split(_folded(text))
    return tuple(
        (0, int(piece), "") if number % 2 and len(piece) <= _MOST_DIGITS else (1, 0, piece)
        for number, piece in enumerate(pieces)
        if piece
    )


def last_of(submissions: Sequence[Submission]) -> Submission:
    """Give the one that counts before any is graded; there has to be one."""
    read = [one for one in submissions if one.problem is None]
    return max(read or submissions, key=lambda one: place(one.name, one.handed_in))


def last(records: Sequence[Record]) -> Record:
    """Give the record that counts, of one student's for one exercise; there has to be one."""
    read = [one for one in records if one.grade.verdict is not Verdict.MALFORMED]
    return max(read or records, key=lambda one: place(one.submission, one.handed_in))


@dataclass(frozen=True)
class Counting:
    """Which of some records count."""

    records: Sequence[Record]

    @cached_property
    def chosen(self) -> Mapping[tuple[str, str], Record]:
        """The record that counts, by student and exercise, in the order of the first of each."""
        groups: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            groups.setdefault((record.student, record.exercise), []).append(record)
        return {key: last(group) for key, group in groups.items()}

    def counts(self, record: Record) -> bool:
        """Whether it is this one that counts."""
        return self.chosen[record.student, record.exercise].submission == record.submission


def counting(records: Iterable[Record]) -> list[Record]:
    """Give the records that count, one per student and exercise; of what is ungraded as well."""
    return list(Counting(tuple(records)).chosen.values())
