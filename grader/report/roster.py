"""Who is who in a school's own system.

Enters: a roster as Canvas or Moodle export it, and the students of the records. Leaves: which row
is which student. Touches nothing.

A grade never goes to somebody on a guess: a name that two people share matches nobody, and whoever
is matched to nobody is named, so that no grade disappears in silence.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from grader.text.printable import composed
from grader.types import Record

Roster = Sequence[Mapping[str, str]]
# Columns with the number that the platform writes behind a name: "kimminjun_1234" in Canvas' zips,
# "김민준_1234" in Moodle's, where the grading worksheet has "Participant 1234".
_NUMBERED = frozenset({"ID", "Identifier"})
_PLATFORM_S = re.compile(r"(?P<name>[^/]*\D)_(?P<number>\d+)")
_NUMBER = re.compile(r"(?:[^/]*[_ ])?(\d+)")  # what lies in a folder has its own words


def read_roster(text: str) -> Roster:
    """Read CSV with a header; rows without a value do not count.

    Spreadsheets write semicolons where a comma is in numbers.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=header.count))
    return [
        {name: value or "" for name, value in row.items() if isinstance(name, str)}
        for row in rows
        if any(row.values())
    ]


def match(students: Iterable[str], roster: Roster, keys: Sequence[str]) -> dict[int, str]:
    """Find students in the roster: row number to student.

    Args:
        students: names as the submissions give them.
        roster: the rows.
        keys: columns that may hold such a name, the most reliable first.
    """
    left = set(students)
    found: dict[int, str] = {}
    for key in keys:
        called = _alone((_called(student, key), student) for student in left)
        rows = _alone((_called(p.get(key, ""), key), row) for row, p in enumerate(roster))
        for name in called.keys() & rows.keys():
            row = rows[name]
            if row not in found and _may_be(called[name], roster[row], key):
                found[row] = called[name]
                left.remove(called[name])
    for row, student in _by_full_name(left, roster).items():
        found.setdefault(row, student)
    return found


def _by_full_name(students: Iterable[str], roster: Roster) -> dict[int, str]:
    """Find students whom a platform named, 홍길동_123456, by a name that only one of a roster has.

    Only where the roster has no such numbers, as Moodle's list of participants has none: where it
    has, they were asked, and somebody whom they do not know is somebody else.
    """
    if any(row.get(key) for row in roster for key in _NUMBERED):
        return {}
    theirs = ((_PLATFORM_S.fullmatch(folded(student)), student) for student in students)
    called = _alone(
        ("".join(_WORDS.findall(match["name"])), student) for match, student in theirs if match
    )
    rows = _alone((name, row) for row, person in enumerate(roster) for name in _full_names(person))
    named = [(str(rows[name]), student) for name, student in called.items() if name in rows]
    return {int(row): student for row, student in _alone(named).items()}


def _full_names(person: Mapping[str, str]) -> set[str]:
    """Give a person's name as one word, the family's name first or last."""
    given_names = {given for given, family in _PARTS if person.get(family)}
    whole = [column for column in _NAMES if column not in given_names]
    names = [_WORDS.findall(folded(person.get(column, ""))) for column in whole]
    names += [[*words[-1:], *words[:-1]] for words in names]
    for given, family in _PARTS:
        if person.get(given) and person.get(family):
            both = [_WORDS.findall(folded(person[part])) for part in (given, family)]
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
    return any(_letters(value) == _letters(name) for value in person.values())


def _letters(text: str) -> list[str]:
    return sorted(char for char in folded(text) if char.isalpha())


# What the exports of Canvas, Moodle and Blackboard call people by; the first is what they are told
# by. Then any other column: who is missing is told, and nobody's grade hangs on it.
_NAMES = ("Student", "Full name", "Name", "이름", "성명")
_LOGINS = (
    *("SIS Login ID", "username", "Username", "학번", "SIS User ID", "idnumber", "ID number"),
    *("email", "Email address", "이메일 주소", "이메일", "Identifier", "ID", "id"),
)
CALLED = (*_NAMES, *_LOGINS)
# A given name and a surname in columns of their own, as Moodle and Blackboard write them.
_PARTS = (("First name", "Last name"), ("First Name", "Last Name"), ("이름", "성"))
_NOT_PEOPLE = frozenset({"points possible", "student, test"})
_LEAST_OF_A_NAME, _LEAST_OF_A_HANGUL_NAME = 4, 2
_LEAST_OF_A_LOGIN = 3
_LONGEST_NAME = 5  # words of a folder's name that may be one person's
_HANGUL = re.compile(r"[가-힣]")
_WORDS = re.compile(r"[^\W_]+")


def strangers(students: Iterable[str], roster: Roster) -> list[str]:
    """Name the students who are nobody of a roster, and whose name mentions nobody of it."""
    students = list(students)
    known = {*_matched(students, roster).values()}
    forms = {form for person in roster for form in _forms(person)}
    return sorted(one for one in students if one not in known and forms.isdisjoint(_runs(one)))


def absent(students: Iterable[str], roster: Roster) -> list[str]:
    """Name the people of a roster whom none of the students is, and no student's name mentions.

    Students are called by more than their names, "HW3_20230001_김민준" or "김민준_이서연". A name
    that several people bear counts for them where as many students mention it.
    """
    students = list(students)
    there = {*_matched(students, roster), *_mentioned(students, roster)}
    keys = _keys(roster)
    named = {row: _named(person, keys) for row, person in enumerate(roster) if row not in there}
    return sorted(name for name in named.values() if name and folded(name) not in _NOT_PEOPLE)


def _keys(roster: Roster) -> list[str]:
    columns = [column for row in roster[:1] for column in row]
    return [*(one for one in CALLED if one in columns), *(c for c in columns if c not in CALLED)]


def _matched(students: Sequence[str], roster: Roster) -> dict[int, str]:
    people = [{**row, "Student": _turned(row.get("Student", ""))} for row in roster]
    keys = _keys(roster)
    return match(students, roster, keys) | match(students, people, keys)


def _mentioned(students: Iterable[str], roster: Roster) -> set[int]:
    """Find the rows of people whose name, login or number stands in a student's name."""
    said = Counter(word for student in students for word in _runs(student))
    forms = [_forms(person) for person in roster]
    bearers = Counter(form for several in forms for form in several)
    return {
        row
        for row, several in enumerate(forms)
        if any(said[form] >= bearers[form] for form in several)
    }


def _runs(text: str) -> set[str]:
    """Give the words of a name, and what words that follow each other are as one."""
    words = _WORDS.findall(folded(text))
    return {
        "".join(words[first:last])
        for first in range(len(words))
        for last in range(first + 1, min(first + _LONGEST_NAME, len(words)) + 1)
    }


def _forms(person: Mapping[str, str]) -> set[str]:
    """Give all that one person may be called by in the name of a folder or a file, as one word."""
    names = [person.get(column, "") for column in _NAMES]
    for given, family in _PARTS:
        if person.get(given) and person.get(family):
            names = [f"{person[given]} {person[family]}", *(n for n in names if n != person[given])]
    logins = (person.get(column, "").partition("@")[0] for column in _LOGINS)
    called = {"".join(_WORDS.findall(folded(login))) for login in logins}
    forms = {form for form in called if len(form) >= _LEAST_OF_A_LOGIN}
    for words in (_WORDS.findall(folded(name)) for name in names):
        turned = ("".join([*words[n:], *words[:n]]) for n in {0, 1, len(words) - 1})
        forms |= {form for form in turned if _is_a_name(form)}
    return forms


def _is_a_name(form: str) -> bool:
    return len(form) >= (_LEAST_OF_A_HANGUL_NAME if _HANGUL.search(form) else _LEAST_OF_A_NAME)


def _turned(text: str) -> str:
    """Give "Kim, Minjun" as Canvas writes it into names: kimminjun."""
    return "".join(filter(str.isalnum, text))


def _named(person: Mapping[str, str], keys: Sequence[str]) -> str:
    for given, family in _PARTS:
        if (first := person.get(given, "")) and (last := person.get(family, "")):
            return f"{last}{first}" if _HANGUL.search(first + last) else f"{first} {last}"
    return next((person[key] for key in keys if person.get(key)), "")


def unmatched(records: Iterable[Record], roster: Roster, keys: Sequence[str]) -> list[str]:
    """Name the students whose grades the roster has no place for."""
    students = {record.student for record in records}
    return sorted(students - set(match(students, roster, keys).values()))


def folded(text: str) -> str:
    """Make equal what a person would call the same name."""
    return composed(text).strip().casefold()
