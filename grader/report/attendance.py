"""Who of a roster is there, whatever hand-ins are called. No grade hangs on it.

Enters: students as hand-ins are called, a roster. Leaves: people who are there, who are not, and
students who are nobody of it. Touches nothing.

Students are called by more than their names: "HW3_20230001_김민준" or "김민준_이서연".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from grader.report.roster import (
    LOGINS,
    NAMES,
    PARTS,
    PLATFORM_S,
    WORDS,
    Roster,
    columns_about,
    folded,
    full_names,
    is_person,
    letters,
    match,
)

_LEAST_OF_A_NAME, _LEAST_OF_A_HANGUL_NAME = 4, 2
_LEAST_OF_A_LOGIN = 3
_LONGEST_NAME = 5  # words of a folder's name that may be one person's
_HANGUL = re.compile(r"[가-힣]")


def strangers(students: Iterable[str], roster: Roster) -> list[str]:
    """Name the students who are nobody of a roster, and whose name mentions nobody of it."""
    students = list(students)
    known = {*matched(students, roster).values()}
    forms = {form for person in roster for form in _forms(person)}
    return sorted(one for one in students if one not in known and forms.isdisjoint(_runs(one)))


def absent(students: Iterable[str], roster: Roster) -> list[str]:
    """Name the people of a roster whom none of the students is, and no student's name mentions.

    Students are called by more than their names, "HW3_20230001_김민준" or "김민준_이서연". A name
    that several people bear counts for them where as many students mention it.
    """
    students = list(students)
    there = {*matched(students, roster), *mentioned(students, roster)}
    names = people_of(roster)
    return sorted(name for row, name in names.items() if row not in there)


def perhaps(students: Iterable[str], roster: Roster) -> dict[str, list[str]]:
    """Name the people of a roster whom students' names may mean, in its order."""
    within: dict[str, set[int]] = {}
    whole: dict[str, set[int]] = {}
    for row, person in enumerate(roster):
        for form in _forms(person):
            within.setdefault(form, set()).add(row)
        for value in person.values():
            whole.setdefault(folded(value), set()).add(row)
    names = people_of(roster)
    found: dict[str, list[str]] = {}
    for one in students:
        alone = whole.get(folded(one), set())
        rows = {*alone} if len(alone) == 1 else set()
        for form in _runs(one):
            there = within.get(form, ())
            rows |= {row for row in there if not _is_anothers(one, form, roster[row])}
        found[one] = [names[row] for row in sorted(rows & names.keys())]
    return found


def people_of(roster: Roster) -> dict[int, str]:
    """Give what the people of a roster are called, by row."""
    keys = columns_about(roster)
    named = {row: _named(person, keys) for row, person in enumerate(roster) if is_person(person)}
    borne = Counter(named.values())
    return {row: _apart(name, roster[row], borne[name]) for row, name in named.items() if name}


def _apart(name: str, person: Mapping[str, str], bearers: int) -> str:
    """Give a name; of namesakes with the login or number by which they are told apart."""
    login = next((person[one] for one in LOGINS if person.get(one)), "")
    return f"{name} ({login})" if bearers > 1 and login and login != name else name


def matched(students: Sequence[str], roster: Roster) -> dict[int, str]:
    """Find students in any column of a roster: row number to student. No grade hangs on it."""
    people = [{**row, "Student": _turned(row.get("Student", ""))} for row in roster]
    keys = columns_about(roster)
    return match(students, roster, keys) | match(students, people, keys)


def mentioned(students: Iterable[str], roster: Roster) -> dict[int, str]:
    """Find the rows of people whose name, login or number stands in a student's name.

    Of namesakes nobody knows who is whose: they are given "".
    """
    said: dict[str, list[str]] = {}
    for student in students:
        for word in _runs(student):
            said.setdefault(word, []).append(student)
    forms = [_forms(person) for person in roster]
    bearers = Counter(form for several in forms for form in several)
    found: dict[int, str] = {}
    for row, several in enumerate(forms):
        for form in sorted(several):
            theirs = [one for one in said.get(form, ()) if not _is_anothers(one, form, roster[row])]
            if theirs and len(theirs) >= bearers[form]:
                found[row] = found.get(row) or (theirs[0] if bearers[form] == 1 else "")
    return found


def _is_anothers(student: str, form: str, person: Mapping[str, str]) -> bool:
    """Whether a number in a name is a platform's for somebody who is called otherwise."""
    match = PLATFORM_S.fullmatch(folded(student))
    if match is None or not form.isdecimal():
        return False
    names = [*person.values(), *full_names(person)]
    return not any(letters(name) == letters(match["name"]) for name in names)


def _runs(text: str) -> set[str]:
    """Give the words of a name, and what words that follow each other are as one."""
    words = WORDS.findall(folded(text))
    return {
        "".join(words[first:last])
        for first in range(len(words))
        for last in range(first + 1, min(first + _LONGEST_NAME, len(words)) + 1)
    }


def _forms(person: Mapping[str, str]) -> set[str]:
    """Give all that one person may be called by in the name of a folder or a file, as one word."""
    names = [person.get(column, "") for column in NAMES]
    for given, family in PARTS:
        if person.get(given) and person.get(family):
            names = [f"{person[given]} {person[family]}", *(n for n in names if n != person[given])]
    logins = (person.get(column, "").partition("@")[0] for column in LOGINS)
    called = {"".join(WORDS.findall(folded(login))) for login in logins}
    forms = {form for form in called if len(form) >= _LEAST_OF_A_LOGIN}
    for words in (WORDS.findall(folded(name)) for name in names):
        turned = ("".join([*words[n:], *words[:n]]) for n in {0, 1, len(words) - 1})
        forms |= {form for form in turned if _is_a_name(form)}
    return forms


def _is_a_name(form: str) -> bool:
    return len(form) >= (_LEAST_OF_A_HANGUL_NAME if _HANGUL.search(form) else _LEAST_OF_A_NAME)


def _turned(text: str) -> str:
    """Give "Kim, Minjun" as Canvas writes it into names: kimminjun."""
    return "".join(filter(str.isalnum, text))


def _named(person: Mapping[str, str], keys: Sequence[str]) -> str:
    for given, family in PARTS:
        if (first := person.get(given, "")) and (last := person.get(family, "")):
            return f"{last}{first}" if _HANGUL.search(first + last) else f"{first} {last}"
    return next((person[key] for key in keys if person.get(key)), "")
