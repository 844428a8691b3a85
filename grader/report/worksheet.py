"""When people handed in, as Moodle's grading worksheet tells it.

Enters: the worksheet's rows, the students. Leaves: times by student. Touches nothing.

Moodle writes times for people, on its own clock and to the minute: "Friday, 1 May 2026, 5:58 PM",
"금요일, 1 5월 2026, 05:58 오후" (its Korean language pack). Moodle's zips tell no time at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.report import moodle_words
from grader.report.roster import CALLED, PLATFORM_S, Roster, match

COLUMNS = moodle_words.SUBMITTED
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENGLISH = re.compile(
    r"(?P<day>\d{1,2}) (?P<month>[A-Za-z]{3,9}) (?P<year>\d{4}),? "
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d) ?(?P<half>[AaPp][Mm])?"
)
_KOREAN = re.compile(
    r"(?P<year>\d{4})년 ?(?P<month>\d{1,2})월 ?(?P<day>\d{1,2})일[^\d]{0,20}?"
    r"(?P<half>오전|오후|[AaPp][Mm])? ?(?P<hour>\d{1,2}):(?P<minute>\d\d)"
)
_DAY_FIRST = re.compile(
    r"(?P<day>\d{1,2}) {1,2}(?P<month>\d{1,2})월 (?P<year>\d{4}),? "
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d) ?(?P<half>오전|오후|[AaPp][Mm])?"
)
_PLAIN = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[ T](?P<hour>\d{1,2}):(?P<minute>\d\d)"
)
_NOON = 12


def times(students: Iterable[str], worksheet: Roster) -> dict[str, str]:
    """Give when students handed in, ISO 8601 without an offset; whoever has no time is left out."""
    column = next((one for one in COLUMNS if worksheet and one in worksheet[0]), None)
    if column is None:
        return {}
    rows = match(students, worksheet, CALLED)
    told = {student: time_of(worksheet[row].get(column, "")) for row, student in rows.items()}
    return {student: at for student, at in told.items() if at}


def numbered(students: Iterable[str], worksheet: Roster) -> set[str]:
    """Give those whom the worksheet knows by the number that Moodle gave them for one assignment.

    It stands behind the name: 김민준_12 is "Participant 12".
    """
    theirs = [one for one in students if PLATFORM_S.fullmatch(one)]
    return {*match(theirs, worksheet, moodle_words.IDENTIFIER).values()}


def has_times(worksheet: Roster) -> bool:
    """Whether it has a column of times."""
    return any(one in worksheet[0] for one in COLUMNS)


def count(worksheet: Roster) -> int:
    """Count the people whose time it tells."""
    columns = [one for one in COLUMNS if worksheet and one in worksheet[0]]
    return sum(any(time_of(row.get(one, "")) for one in columns) for row in worksheet)


def time_of(text: str) -> str:
    """Read a time as Moodle writes it; "" where it is none."""
    forms = (_ENGLISH, _DAY_FIRST, _KOREAN, _PLAIN)
    found = next(filter(None, (form.search(text) for form in forms)), None)
    if found is None:
        return ""
    named = found["month"].lower()[:3]
    month = int(named) if named.isdecimal() else _month(named)
    hour, half = int(found["hour"]), (found.groupdict().get("half") or "").lower()
    if half in {"오전", "오후", "am", "pm"}:
        hour = hour % _NOON + (_NOON if half in {"오후", "pm"} else 0)
    return f"{found['year']}-{month:02}-{int(found['day']):02}T{hour:02}:{found['minute']}"


def _month(named: str) -> int:
    return _MONTHS.index(named) + 1 if named in _MONTHS else 0  # which is no month: no time
