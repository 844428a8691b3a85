"""What an exporter is given, and what its module offers.

Enters: Records, and what the instructor says about the other system. Leaves: the score of each
student that counts, who is who, files' contents. Touches nothing.

The records have the grades in force (``by_hand``). An exercise that is not graded, or that somebody
is excused from, is left empty, or refused where the format has no word for it; it is never a zero.
Of several submissions of one student for one exercise one counts (``hand_ins``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from grader.policy.hand_ins import Counting, is_excused
from grader.report import wording
from grader.report.columns import Column
from grader.report.points import in_system, worth_in_system
from grader.report.roster import Roster, is_person, match_records
from grader.report.spreadsheet import csv_text
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import UNKNOWN, GraderError, Json, Message, Record, Scalar

LONGEST_COLUMNS = 300
LONGEST_NAME = 60


@dataclass(frozen=True)
class Export:
    """What every exporter is given.

    Attributes:
        records: what is graded, and what could not be.
        words: the reader's language.
        titles: exercise id to title in the reader's language, in the course's order.
        names: exercise id to all that it is called, in either language.
        roster: the other system's own list of students, never an empty one; None where none is
            given.
        roster_path: where it was read, for messages.
        key: the roster's column to identify students by, as ``--key`` has it; "" where nobody
            said.
        about: what the file of ``--about`` says: all of the exporter's ``ABOUT``, and maybe more.
        chosen: exercise id to the other system's column for it, as ``--column`` has it.
        new_columns: whether the other system may make a column where it has none.
        numbers: student to the name and number of the platform that named them, as
            ``("canvas", "김민준", "1234")``; nothing of whom no platform named.
        page: gives a student's page of feedback; None where there is none.
        everybody: the file is to have a row for all of the roster, not for those of the records.
        rows: row number of the roster to student, decided among all of a class where ``records``
            are a part of it; None where they are all.
    """

    records: Sequence[Record]
    words: Words
    titles: Mapping[str, str]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    roster: Roster | None = None
    roster_path: str = ""
    key: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    new_columns: bool = False
    numbers: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    page: Callable[[str], bytes | None] = field(default=lambda _: None)
    everybody: bool = True
    rows: Mapping[int, str] | None = None

    @cached_property
    def exercises(self) -> list[str]:
        """The ids of the exercises for which there is a record, in the course's order."""
        found = {record.exercise for record in self.records} - {UNKNOWN}
        return [one for one in self.titles if one in found] + sorted(found - self.titles.keys())

    def title(self, exercise: str) -> str:
        """Name an exercise, by its id where the course has no other name for it."""
        return self.titles.get(exercise, exercise)

    def score(self, student: str, exercise: str) -> str:
        """Give the score in force with two decimals, nothing where it is not graded or excused.

        It is out of ``worth``: lateness is taken off, and course.toml's points are the measure.
        """
        record = self._chosen.get((student, exercise))
        score = None if record is None else in_system(record)
        return "" if score is None else f"{score:.2f}"

    def points(self, student: str, column: Column) -> str:
        """Give what a student has in a column of the other system's, with two decimals.

        What a column is out of is shared as its exercises' points are. One that was not handed in
        earns nothing beside one that was. Nothing where none was, or one is not graded, or the
        student is excused from all.
        """
        there = {one: self._chosen.get((student, one)) for one in column.exercises}
        counting = {one: r for one, r in there.items() if r is None or not is_excused(r)}
        records = [record for record in counting.values() if record is not None]
        scores = [in_system(record) for record in records]
        earned = sum(one for one in scores if one is not None)
        most = sum(self.worth(one) for one in counting)
        if not scores or None in scores:
            return ""
        if column.possible is None or most <= 0:
            return f"{earned:.2f}"
        return f"{earned / most * column.possible:.2f}"

    def out_of(self, column: Column) -> float:
        """Give the points that a column has at most."""
        if column.possible is not None:
            return column.possible
        return sum(self.worth(one) for one in column.exercises)

    def is_excused(self, student: str, *exercises: str) -> bool:
        """Whether a teacher said that none of what there is of these counts, and it is no zero."""
        there = [self._chosen.get((student, one)) for one in exercises]
        return any(there) and all(one is None or is_excused(one) for one in there)

    def scaled(self, student: str, column: Column) -> Iterator[Lack]:
        """Say of whom a column was scaled: excused from some of its exercises, and not from all."""
        theirs = [self._chosen.get((student, one)) for one in column.exercises]
        count = sum(one is not None and is_excused(one) for one in theirs)
        points = self.points(student, column)
        if count and points and column.possible is not None:
            args: dict[str, Scalar] = {"student": printable(student, limit=LONGEST_NAME)}
            args |= {"count": count, "points": points, "most": column.possible}
            yield Lack(Message("report.excused_scaled", args), serious=False)

    def worth(self, exercise: str) -> float:
        """Give the points that an exercise has in the system, whoever is excused from it."""
        points = (worth_in_system(one) for one in self.records if one.exercise == exercise)
        return max(points, default=0.0)

    @cached_property
    def counting(self) -> list[Record]:
        """The records that count, one per student and exercise; what is excused does not."""
        return Counting(self.records).counting

    @cached_property
    def excused(self) -> list[Record]:
        """The records that would count, had their authors not been excused."""
        return [one for one in self._chosen.values() if is_excused(one)]

    def counted_of(self, student: str) -> list[Record]:
        """The records of one student that count, or would had nobody excused them."""
        return [one for (whose, _), one in self._chosen.items() if whose == student]

    def excused_of(self, student: str) -> list[Record]:
        """The records of one student that would count otherwise."""
        return [one for one in self.excused if one.student == student]

    @cached_property
    def _chosen(self) -> Mapping[tuple[str, str], Record]:
        return Counting(self.records).chosen

    def require(self, column: str) -> None:
        """Refuse a roster in which students do not have what the file must say of them.

        Raises:
            GraderError: there is a roster, and it has no such column.
        """
        if self.roster is not None and column not in self.roster[0]:
            found = printable(", ".join(self.roster[0]), limit=LONGEST_COLUMNS)
            args: dict[str, Scalar] = {"path": self.roster_path}
            args |= {"wanted": column, "found": found}
            raise GraderError(Message("cli.roster_columns", args))

    def people(self, keys: Sequence[str], name: str) -> list[tuple[Mapping[str, str], str]]:
        """Pair the roster's rows with the students that they are.

        Args:
            keys: the columns that may hold what a student is called, the most reliable first.
            name: the column in which the student stands where there is no roster.
        """
        if self.roster is None:
            students = sorted({record.student for record in self.records})
            return [({name: student}, student) for student in students]
        return [(self.roster[row], student) for row, student in sorted(self.matched(keys).items())]

    def everyone(self, keys: Sequence[str]) -> list[tuple[Mapping[str, str], str | None]]:
        """Pair the people of the roster with the students that they are, None for who is none.

        Of an export of what changed only those of the records.
        """
        if self.roster is None:
            return []
        found = self.matched(keys)
        return [
            (person, found.get(row))
            for row, person in enumerate(self.roster)
            if row in found or (self.everybody and is_person(person))
        ]

    def strangers(self, keys: Sequence[str]) -> list[str]:
        """Name the students whose grades the roster has no place for; none without a roster."""
        if self.roster is None:
            return []
        return sorted({one.student for one in self.records} - {*self.matched(keys).values()})

    def matched(self, keys: Sequence[str]) -> dict[int, str]:
        """Find the students of the records in the roster: row number to student."""
        assert self.roster is not None
        if self.rows is None:
            platforms = {student: platform for student, (platform, *_) in self.numbers.items()}
            return match_records(self.records, self.roster, keys, platforms)
        theirs = {one.student for one in self.records}
        return {row: student for row, student in self.rows.items() if student in theirs}

    def by_student(self) -> Iterator[tuple[str, str, list[Record]]]:
        """Give each student's folder, name and records that count; one alone needs no folder.

        Whoever is excused from everything has none: ``excused_of`` has them.
        """
        students = dict.fromkeys(record.student for record in self.records)
        for student in students:
            folder = "" if len(students) == 1 else f"{wording.file_stem(student)}/"
            yield folder, student, [one for one in self.counting if one.student == student]


Files = Iterator[tuple[str, bytes]]


@dataclass(frozen=True)
class Lack:
    """Something that the files do not say, or do otherwise than one may think.

    Attributes:
        message: what it is, and what to do about it.
        serious: a grade is missing, so that the exit code is that of something ungraded.
        exercises: ids of those whose grades are in no file for it.
        students: likewise.
    """

    message: Message
    serious: bool = True
    exercises: tuple[str, ...] = ()
    students: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exporter:
    """What a module of ``grader/report/exporters`` offers.

    Attributes:
        name: the module's.
        files: gives names below the export's folder, with contents.
        keys: ``KEYS``, the columns of a roster that may hold what a student is called, the most
            reliable first. With keys a grade needs a row and a column: whoever has none is named.
        about: ``ABOUT``, what the file of ``--about`` must say.
        no_excuses: ``NO_EXCUSES``, where the format has no word for who is excused: the id of the
            message that says what to do for them.
        lacks: gives what is not in the files though somebody may look for it there, each with what
            to do about it.
    """

    name: str
    files: Callable[[Export], Files]
    keys: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    no_excuses: str = ""
    lacks: Callable[[Export], Iterator[Lack]] = field(default=lambda _: iter(()))


def csv_file(rows: Iterable[Sequence[str]]) -> bytes:
    """Give a CSV file; names and titles are made ``inert`` before."""
    return csv_text(rows).encode("utf-8")


def json_file(value: Mapping[str, Json]) -> bytes:
    """Give a JSON file that every program can read."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8")
