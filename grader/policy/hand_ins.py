"""Which of several hand-ins of a student for one exercise counts: one rule, asked by everybody.

Enters: names and times of hand-ins, or Records. Leaves: their order, those that count. Touches
nothing.

The last one counts, unless the course says otherwise. Which is the last is told by what a platform
wrote into the name, a time or the number of the upload. Where there is none, it is told by the
name: what is called final comes after copies, a higher number after a lower one, copies after what
they were copied from. One that cannot be read as a notebook counts only where there is no other.
Points of several are never added up. What the course's rules chose (``by_rules``) is marked in the
records before anybody asks here, and what is decided by hand is laid over it (``by_hand``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import TypeAlias

from grader.submission import Submission
from grader.text.printable import composed
from grader.types import Record, Verdict

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
    re.compile(r"(?<=[ _-])(?:version|ver|v|rev)[ _.]?(?P<n>\d{1,6})$"),
    re.compile(r"(?<=[ _-])(?:제[ _]?)?(?P<n>\d{1,3})차(?:[ _-]?(?:제출|시도|수정))?$"),
    re.compile(r"(?:(?<=최종)|(?<=최종본)|(?<=[ _-]final))(?P<n>\d{1,2})$"),
)
_OLDS = (
    re.compile(
        r"(?<=[ _.-])(?:old(?:er)?|back[ _-]?up|bak|draft|이전|예전|옛날|구버전|백업|초안)$"
    ),
    re.compile(r"(?<=[ _-])(?:old|이전|예전)[ _-]?(?:versions?|files?|버전|본|파일)$"),
    re.compile(r"^(?:old|backup|draft|이전|예전|옛날|구버전|백업|초안)(?=[ _-])"),
)
_FINALS = (
    re.compile(r"(?:최종본?|수정본|제출용|제출본|완성본|마지막)$"),
    re.compile(r"(?<=[ _-])(?:진짜|재제출|수정|최신|latest)$"),
    re.compile(r"(?<=최종)수정$"),
    re.compile(r"(?<=final[ _-])(?:real|really)$"),
    re.compile(r"^(?:(?:진짜|찐|최)(?=[ _-]?(?:진짜|찐|최))|최종본?|수정본|제출용|제출본|완성본)"),
    re.compile(r"(?:^|(?<=[ _-])|(?<=final))final(?:[ _]version)?$"),
    re.compile(r"^(?:real|really|very|true)(?=[ _-](?:real|really|very|true|final))"),
    re.compile(r"^final(?=[ _-]|final)"),
)
# What says once more that something is final, before a word that says so.
_MORE_FINAL = re.compile(r"(?:진짜|찐|최|(?<=[ _-])(?:real|really|very|true))$")
_SEPARATORS = " _-"
_WORDS = re.compile(r"[^\W\d_]+")
_ANY = "x"  # stands where the name of a file would
_GIVEN_NAMES = frozenset({"수정"})  # "revised", and a person's
_MOST_MARKS = 8  # in one name


@dataclass(frozen=True)
class CopyName:
    """A file's name without what copying it added; ``base`` is folded, so that like is equal."""

    base: str
    left: str  # as it was written
    finals: int = 0
    copies: int = 0  # the highest number; 1 for a copy without one
    olds: int = 0


@lru_cache(maxsize=20_000)
def read_name(name: str) -> CopyName:
    """Take a file's name apart, with or without its suffix."""
    left = _without_ends(composed(name, "NFKC")).strip(_SEPARATORS)
    counts = {"final": 0, "old": 0}
    copies = 0
    for _ in range(_MOST_MARKS):
        kind, match = _mark_of(left, final=counts["final"] > 0)
        if match is None:
            break
        left = _without(left, match)
        if kind in counts:
            counts[kind] += 1
        else:
            copies = max(copies, int(match.groupdict().get("n") or 1))
    base = re.sub(r"[ _]+", "-", left.casefold())
    return CopyName(base, left, counts["final"], copies, counts["old"])


def _mark_of(name: str, *, final: bool) -> tuple[str, re.Match[str] | None]:
    """Find one mark at either end of a name; ``final``: a word for it was found before."""
    folded = name.lower()
    if len(folded) != len(name):  # a letter that has no lower case of its own
        folded = name
    finals = (*_FINALS, _MORE_FINAL) if final else _FINALS
    kinds = (("copy", _COPIES), ("version", _VERSIONS), ("old", _OLDS), ("final", finals))
    for kind, marks in kinds:
        match = next(filter(None, (mark.search(folded) for mark in marks)), None)
        # A file that is called "copy" is called so.
        if match is not None and (kind == "final" or _without(name, match)):
            return kind, match
    return "", None


def _without(name: str, match: re.Match[str]) -> str:
    return (name[: match.start()] + name[match.end() :]).strip(_SEPARATORS)


def read_folder(name: str) -> CopyName:
    """Take a folder's name apart; the ``base`` of one that is a version's and no more is ""."""
    read = read_name(f"{_ANY}_{name}")
    if read.base != _ANY or _folded(name) in _GIVEN_NAMES:
        return read_name(name)
    return replace(read, base="", left="")


@lru_cache(maxsize=20_000)
def is_version(name: str) -> bool:
    """Whether a folder is named as a version of somebody's work: v2, 1차, old, 최종."""
    return read_folder(name).base == ""


def _without_ends(name: str) -> str:
    for _ in range(_MOST_MARKS):
        end = next((end for end in _ENDS if name.lower().endswith(end)), "")
        name = name[: len(name) - len(end)]
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
    around = [read_folder(folder) for folder in path.parts[:-1]]
    rank = (
        -sum(one.olds for one in (*around, read)),
        *_round(path),
        sum(one.finals for one in (*around, read)),
        max((one.copies for one in around), default=0),
        read.copies,
        _own(path),
    )
    return handed_in, *rank, natural(read.base), natural(path.name), natural(name)


def _round(path: PurePosixPath) -> tuple[int, int]:
    """Give what the first folder tells where it is a round of handing in, above people's own.

    Students name files, and a teacher the round in which they came.
    """
    first, *inner = path.parts or ("",)
    read = read_folder(first) if len(inner) > 1 and is_version(first) else None
    return (read.finals, read.copies) if read is not None else (0, 0)


def _own(path: PurePosixPath) -> int:
    """Give 2 for a file in a folder that is named as that folder's own, 0 for another's, else 1."""
    folders, stem = _folded("/".join(path.parts[:-1])), _folded(path.stem)
    if not folders:
        return 1
    said = _WORDS.findall(stem)
    if not {word for word in _WORDS.findall(folders) if len(word) > 1}.isdisjoint(said):
        return 2
    return 0 if stem.partition("__")[0] and "__" in stem else 1


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


def chosen_of(records: Sequence[Record]) -> Record | None:
    """Give the record that counts, of some of one student's for one exercise; None: another one."""
    ruled = [one for one in records if one.by_rules is not None]
    if ruled:
        return next((one for one in ruled if one.by_rules and one.by_rules.counts), None)
    return last(records)


def last(records: Sequence[Record]) -> Record:
    """Give the last record, of one student's for one exercise; there has to be one."""
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
        chosen = ((key, chosen_of(group)) for key, group in groups.items())
        return {key: one for key, one in chosen if one is not None}

    def is_chosen(self, record: Record) -> bool:
        """Whether it is this hand-in and no other, be its author excused or not."""
        chosen = self.chosen.get((record.student, record.exercise))
        return chosen is not None and chosen.submission == record.submission

    def counts(self, record: Record) -> bool:
        """Whether it is this one that counts; what somebody is excused from does not."""
        return self.is_chosen(record) and not is_excused(record)

    @property
    def counting(self) -> list[Record]:
        """The records that count, one per student and exercise; of what is ungraded as well."""
        return [one for one in self.chosen.values() if not is_excused(one)]


def is_excused(record: Record) -> bool:
    """Whether a teacher said that it is no zero and does not count."""
    return record.grade.verdict is Verdict.EXCUSED


def counting(records: Iterable[Record]) -> list[Record]:
    """Give the records that count, one per student and exercise; of what is ungraded as well."""
    return Counting(tuple(records)).counting
