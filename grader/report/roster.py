"""Who is who in a school's own system.

Enters: a roster as Canvas or Moodle export it, and the students of the records. Leaves: which row
is which student. Touches nothing.

A whole name that one person bears is that person's, after all numbers and logins. A grade never
goes to somebody on a guess: a name that two people share matches nobody, and whoever is matched to
nobody is named, so that no grade disappears in silence.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from grader.report import moodle_words
from grader.text.printable import composed
from grader.types import Record

Roster = Sequence[Mapping[str, str]]
# Columns with the number that the platform writes behind a name: "kimminjun_1234" in Canvas' zips,
# "김민준_1234" in Moodle's, where the grading worksheet has "Participant 1234", "참가자1234".
_NUMBERED = frozenset({"ID", *moodle_words.IDENTIFIER})
_NUMBERED_BY = {"canvas": frozenset({"ID"}), "moodle": frozenset(moodle_words.IDENTIFIER)}
NO_PLATFORMS: Mapping[str, str] = {}
PLATFORM_S = re.compile(r"(?P<name>[^/]*\D)_(?P<number>\d+)")
_NUMBER = re.compile(r"(?:[^/]*[_ ]|참가자)?(\d+)")  # what lies in a folder has its own words


def read_roster(text: str) -> Roster:
    """Read CSV with a header; rows without a word do not count.

    Spreadsheets write semicolons where a comma is in numbers, and those of a Macintosh lines that
    end as nobody else's. A known column that somebody typed in another way ("student_id", "NAME")
    is called as we know it.

    Raises:
        csv.Error: it is no such table, or a quotation mark in it is not closed.
    """
    text = text.removeprefix("\ufeff").lstrip("\r\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    rows.fieldnames = _as_known(rows.fieldnames or ())
    people = [
        {name: value or "" for name, value in row.items() if isinstance(name, str)} for row in rows
    ]
    _require_closed(text, delimiter)
    return [person for person in people if any(map(one_word, person.values()))]


def _require_closed(text: str, delimiter: str) -> None:
    """Refuse a cell that is not closed: it takes in whoever is behind it, to the next mark or all.

    Raises:
        csv.Error: a row of several lines is none by the rules.
    """
    lines = [*io.StringIO(text)]
    rows, first = csv.reader(lines, delimiter=delimiter), 0
    for _ in rows:
        if rows.line_num - first > 1:
            list(csv.reader(lines[first : rows.line_num], delimiter=delimiter, strict=True))
        first = rows.line_num


def match(
    students: Iterable[str],
    roster: Roster,
    keys: Sequence[str],
    platforms: Mapping[str, str] = NO_PLATFORMS,
) -> dict[int, str]:
    """Find students in the roster: row number to student.

    Args:
        students: names as the submissions give them.
        roster: the rows.
        keys: columns that may hold such a name, the most reliable first. After them a whole name
            that one person alone bears counts.
        platforms: student to the platform that wrote a number behind the name, where that is known:
            the number says nothing in another platform's roster.
    """
    left = set(students)
    found: dict[int, str] = {}
    for key in keys:
        asked = (one for one in left if key in _asked_of(one, platforms) or key not in _NUMBERED)
        called = _alone((_called(student, key), student) for student in asked)
        rows = _alone((_called(p.get(key, ""), key), row) for row, p in enumerate(roster))
        for name in called.keys() & rows.keys():
            row = rows[name]
            if row not in found and _may_be(called[name], roster[row], key):
                found[row] = called[name]
                left.remove(called[name])
    for row, student in _by_full_name(left, roster, platforms).items():
        found.setdefault(row, student)
    return found


def _asked_of(student: str, platforms: Mapping[str, str]) -> frozenset[str]:
    """Give the columns in which the number behind a name may stand."""
    return _NUMBERED_BY.get(platforms.get(student, ""), _NUMBERED)


def match_records(
    records: Iterable[Record],
    roster: Roster,
    keys: Sequence[str],
    platforms: Mapping[str, str] = NO_PLATFORMS,
) -> dict[int, str]:
    """Find the students of some records: row number to student.

    Who handed in nothing is called as a teacher typed it: whoever handed in keeps the row.

    Args:
        records: with those for which only a decision by hand stands.
        roster: the rows.
        keys: as ``match`` takes them; after them any login or number of the roster counts.
        platforms: as ``match`` takes them.
    """
    records = list(records)
    every = (*keys, *(one for one in LOGINS if one not in keys))
    handed_in = {one.student for one in records if one.submission}
    found = match(handed_in, roster, every, platforms)
    typed = {one.student for one in records} - handed_in
    for number, student in match(typed, roster, every).items():
        found.setdefault(number, student)
    by_name = _alone((one_word(student), student) for student in typed - {*found.values()})
    rows = _alone((name, row) for row, person in enumerate(roster) for name in typed_names(person))
    named = [(str(rows[name]), student) for name, student in by_name.items() if name in rows]
    for row, student in _alone(named).items():
        found.setdefault(int(row), student)
    return found


def typed_names(person: Mapping[str, str]) -> set[str]:
    """Give all that a person may be called by whoever types it, as one word."""
    called = {one_word(person.get(column, "")) for column in LOGINS}
    return {*full_names(person), *called} - {""}


def logins(roster: Roster, rows: Iterable[int]) -> list[str]:
    """Give what tells the people of some rows apart: a login, a number or an address of each.

    Nothing where somebody has none, or another one's: who is left would be taken for all of them.
    """
    found = [next((roster[row][it] for it in LOGINS if roster[row].get(it)), "") for row in rows]
    return found if all(found) and len({*found}) == len(found) else []


def one_word(text: str) -> str:
    """Give a name without blanks, signs and capitals."""
    return "".join(WORDS.findall(folded(text)))


def _by_full_name(
    students: Iterable[str], roster: Roster, platforms: Mapping[str, str]
) -> dict[int, str]:
    """Find students by a whole name that only one of them and only one of a roster has.

    Whom a platform named, 홍길동_123456, only where the roster has no such numbers, as Moodle's
    list of participants has none: where it has, they were asked, and somebody whom they do not know
    is somebody else.
    """
    called = _alone((_own_name(one, roster, platforms), one) for one in students)
    rows = _alone((name, row) for row, person in enumerate(roster) for name in full_names(person))
    named = [(str(rows[name]), student) for name, student in called.items() if name in rows]
    return {int(row): student for row, student in _alone(named).items()}


def _own_name(student: str, roster: Roster, platforms: Mapping[str, str]) -> str:
    """Give a student's name as one word, "" where it may not be asked for."""
    match = PLATFORM_S.fullmatch(folded(student))
    if "/" in student:
        return ""
    if match is None:
        return one_word(student)
    numbered = any(row.get(key) for row in roster for key in _asked_of(student, platforms))
    return "" if numbered else one_word(match["name"])


def full_names(person: Mapping[str, str]) -> set[str]:
    """Give a person's name as one word, the family's name first or last."""
    given_names = {given for given, family in PARTS if person.get(family)}
    whole = [column for column in NAMES if column not in given_names]
    names = [WORDS.findall(folded(person.get(column, ""))) for column in whole]
    names += [[*words[-1:], *words[:-1]] for words in names]
    for given, family in PARTS:
        if person.get(given) and person.get(family):
            both = [WORDS.findall(folded(person[part])) for part in (given, family)]
            names += [[*both[0], *both[1]], [*both[1], *both[0]]]
    return {"".join(words) for words in names if words}


_Bearer = TypeVar("_Bearer")


def _alone(names: Iterable[tuple[str, _Bearer]]) -> dict[str, _Bearer]:
    """Keep the names that only one bears; an empty one is nobody's."""
    pairs = [(name, bearer) for name, bearer in names if name]
    count = Counter(name for name, _ in pairs)
    return {name: bearer for name, bearer in pairs if count[name] == 1}


def _called(text: str, key: str) -> str:
    """Give what somebody is called in a column: the number alone where the column holds numbers."""
    name = folded(text)
    if key in _NUMBERED and (match := _NUMBER.fullmatch(name)):
        return match[1]
    return name


def _may_be(student: str, person: Mapping[str, str], key: str) -> bool:
    """Whether a number found the person that the name before it means, in whatever order."""
    name = re.sub(r"[_ ]\d+$", "", student)
    if key not in _NUMBERED or name == student:
        return True
    return any(letters(value) == letters(name) for value in person.values())


def letters(text: str) -> list[str]:
    """Give the letters of a name in an order that no order of its words changes."""
    return sorted(char for char in folded(text) if char.isalpha())


# What the exports of Canvas, Moodle and Blackboard call people by, and lists that somebody made;
# the first is what they are told by. Then any other column: who is missing is told, and nobody's
# grade hangs on it.
NAMES = (
    *("Student", *moodle_words.FULL_NAME, "Name", "이름", "성명"),
    *("Student name", "학생 이름", "학생", "수강생", "student"),
)
LOGINS = (
    *("SIS Login ID", "username", "Username", "학번", "SIS User ID", "idnumber", "ID number"),
    *("id 번호", "ID 번호", "Student ID", "Student number", "학생 번호", "Number", "Login"),
    *("아이디", "email", "Email address", "이메일 주소", "이메일", "Email", "Mail", "전자우편"),
    *(*moodle_words.IDENTIFIER, "identifier", "ID", "id"),
)
CALLED = (*NAMES, *LOGINS)
# A given name and a surname in columns of their own, as Moodle and Blackboard write them.
PARTS = (
    *(("First name", "Last name"), ("First name", "Surname"), ("First Name", "Surname")),
    *(("First Name", "Last Name"), ("Given name", "Family name"), ("이름", "성")),
)
SECTIONS = ("Section", "Sections", "section", "분반", "반")
_KNOWN = (*CALLED, *(part for parts in PARTS for part in parts), *SECTIONS)
_NOT_PEOPLE = frozenset({"points possible", "student, test"})
WORDS = re.compile(r"[^\W_]+")


def _as_known(header: Iterable[str]) -> list[str]:
    """Give a header with each column as it is known; what a system wrote stays.

    Of two known ones that differ by capitals alone a list of somebody's own has the last, which is
    not Canvas': its own name would make the list one of Canvas'.
    """
    known = {one_word(one): one for one in _KNOWN}
    columns = [one.strip() for one in header]
    for place, column in enumerate(columns):
        meant = known.get(one_word(column), column)
        if column not in _KNOWN and meant not in columns:
            columns[place] = meant
    return columns


def column_called(roster: Roster, typed: str) -> str | None:
    """Find a roster's column by its name, capitals and blanks aside; None where it has none."""
    columns = [*roster[0]] if roster and one_word(typed) else []
    alike = (one for one in columns if one_word(one) == one_word(typed))
    return typed if typed in columns else next(alike, None)


def says_who(roster: Roster) -> bool:
    """Whether any column is known to say who people are."""
    return any(column in _KNOWN and column not in SECTIONS for column in roster[0])


def columns_about(roster: Roster) -> list[str]:
    """Give a roster's columns, those first that say what people are called."""
    columns = [column for row in roster[:1] for column in row]
    return [*(one for one in CALLED if one in columns), *(c for c in columns if c not in CALLED)]


def bare(roster: Roster, keys: Sequence[str]) -> Roster:
    """Give a roster without what a system has of grades: who people are, what counts at most."""
    kept = {*CALLED, *keys, *(part for parts in PARTS for part in parts), *moodle_words.MOST}
    return [
        {name: value if name in kept or not is_person(row) else "" for name, value in row.items()}
        for row in roster
    ]


def is_person(row: Mapping[str, str]) -> bool:
    """Whether a row is about somebody: not Canvas' own second line, nor its student for tests."""
    called = next((row[key] for key in columns_about([row]) if row.get(key)), "")
    return bool(called) and folded(called) not in _NOT_PEOPLE


def folded(text: str) -> str:
    """Make equal what a person would call the same name."""
    return composed(text).strip().casefold()
