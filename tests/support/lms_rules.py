"""What Canvas and Moodle make of a file that is uploaded, by the rules of their importers.

Canvas' gradebook import: the columns about people by their places; of others "title (id)" is known
by the id, anything else becomes a new assignment; the row "Points Possible" changes what an
assignment is out of; a person is known by ID, else by SIS id or login, else by name, and anybody
else is new; an empty cell takes away the grade that is there.

Moodle's grading worksheet: three columns it must have; "Participant 1234" by its number; a grade
that is empty, below zero, above the maximum, or older than what is there is passed over. Its zip
of feedback: a part of the path is split at four underscores, name, number, type and name of the
plugin. Its grade import: one column identifies, every row has to be somebody.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_NUMBER = re.compile(r"-?\d+([.,]\d+)?")


@dataclass
class Taken:
    """What an import would do."""

    grades: dict[str, dict[str, str]] = field(default_factory=dict)  # person, column: grade
    comments: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    new_columns: list[str] = field(default_factory=list)
    new_people: list[str] = field(default_factory=list)
    changed_possible: list[str] = field(default_factory=list)
    taken_away: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether it adds grades and does nothing else."""
        return not (
            self.new_columns
            or self.new_people
            or self.changed_possible
            or self.taken_away
            or self.passed_over
        )


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


# As Moodle's Korean language pack has them (2.x and 4.4 alike); what is not in it Moodle writes in English.
_KOREAN = {
    "식별자": "Identifier",
    "전체 이름": "Full name",
    "이메일 주소": "Email address",
    "상태": "Status",
    "성적": "Grade",
    "최대 성적": "Maximum grade",
    "마지막 수정됨(제출)": "Last modified (submission)",
    "마지막 수정됨(성적)": "Last modified (grade)",
    "피드백 코멘트": "Feedback comments",
}
_HIDDEN_USER = "참가자"  # of which Moodle takes as many letters away, whatever they are
_ANSWERS = {"예": "Yes", "아니오": "No"}


def _worksheet_of(content: bytes) -> list[list[str]]:
    """Read a worksheet in either language, as a Moodle in that language does."""
    header, *rows = rows_of(content)
    if header[0] != "식별자":
        return [header, *rows]
    taken = []
    for row in rows:
        assert row[0].startswith(_HIDDEN_USER), row
        cells = [_ANSWERS.get(cell, cell) for cell in row[1:]]
        taken.append([f"Participant {row[0].removeprefix(_HIDDEN_USER)}", *cells])
    return [[_KOREAN.get(name, name) for name in header], *taken]


def canvas_takes(content: bytes, gradebook: bytes) -> Taken:
    """Upload a file into a course whose gradebook was exported as this."""
    there = rows_of(gradebook)
    held = {row[1]: dict(zip(there[0], row, strict=True)) for row in there[2:] if row[1]}
    possible = dict(zip(there[0], there[1], strict=True))
    ids = {match[1]: name for name in there[0] if (match := re.fullmatch(r".+ \((\d+)\)", name))}
    header, *rows = rows_of(content)
    assert len({len(row) for row in (header, *rows)}) == 1, "rows of one length"
    people = _canvas_people(header)
    taken = Taken()
    columns: dict[int, str] = {}
    for place, name in enumerate(header[people:], start=people):
        match = re.fullmatch(r"(.+) \((\d+)\)", name)
        known = ids.get(match[2]) if match else next((n for n in ids.values() if n == name), None)
        columns[place] = known or name
        if known is None:
            taken.new_columns.append(name)
    for row in rows:
        if "Points Possible" in row[0]:
            changed = [
                n for p, n in columns.items() if row[p] and row[p] != possible.get(n, row[p])
            ]
            taken.changed_possible += changed
            continue
        person = row[1] if row[1] in held else _canvas_otherwise(row, held)
        if person is None:
            taken.new_people.append(row[0])
        else:
            cells = {name: row[place].strip() for place, name in columns.items()}
            _canvas_takes_row(taken, person, cells, held[person])
    return taken


def _canvas_takes_row(
    taken: Taken, person: str, cells: Mapping[str, str], held: Mapping[str, str]
) -> None:
    for name, grade in cells.items():
        before = held.get(name, "")
        assert grade in {"", "EX"} or _NUMBER.fullmatch(grade), f"a grade: {grade!r}"
        if grade != before:
            taken.grades.setdefault(person, {})[name] = grade
        if before and not grade:
            taken.taken_away.append(person)


def _canvas_people(header: Sequence[str]) -> int:
    """How many columns are about people; the importer counts them by their places."""
    assert len(header) > 3, "more than three columns"
    assert "Student" in header[0], header[0]
    assert "ID" in header[1], header[1]
    count = 3
    if re.match(r"SIS\s+Login\s+ID", header[2]):
        count += 1
    elif re.match(r"SIS\s+User\s+ID", header[2]) and re.match(r"SIS\s+Login\s+ID", header[3]):
        count += 2
        count += bool(re.match(r"Integration\s+ID", header[4]))
        count += bool(re.match(r"Root\s+Account", header[count - 1]))
    assert "Section" in header[count - 1], header[:count]
    return count


def _canvas_otherwise(row: Sequence[str], held: Mapping[str, Mapping[str, str]]) -> str | None:
    for column, place in (("SIS User ID", 2), ("SIS Login ID", 3), ("Student", 0)):
        found = [number for number, one in held.items() if row[place] == one.get(column)]
        if row[place] and len(found) == 1:
            return found[0]
    return None


def moodle_takes_worksheet(content: bytes, worksheet: bytes, now: Mapping[str, str] = {}) -> Taken:
    """Upload a worksheet that was downloaded as this; ``now``: participant to a grade made since."""
    there = _worksheet_of(worksheet)
    most = {"Maximum Grade", "Maximum grade"}
    held = {row[0]: dict(zip(there[0], row, strict=True)) for row in there[1:]}
    header, *rows = _worksheet_of(content)
    for needed in ("Identifier", "Grade", "Last modified (grade)"):
        assert needed in header, needed
    taken = Taken()
    for values in rows:
        row = dict(zip(header, values, strict=True))
        person = row["Identifier"]
        assert re.fullmatch(r"Participant \d+", person), person
        if person not in held:
            taken.new_people.append(person)
            continue
        before = held[person]
        grade, out_of = row["Grade"], next(float(before[one]) for one in most if one in before)
        assert row["Last modified (grade)"] == before["Last modified (grade)"], "known by its time"
        if grade in {"", before["Grade"]}:
            if before["Grade"] and not grade:
                taken.taken_away.append(person)
        elif (
            not 0 <= float(grade) <= out_of
            or person in now
            or before["Grade can be changed"] == "No"
        ):
            taken.passed_over.append(person)
        else:
            taken.grades[person] = {"Grade": grade}
        comment = row.get("Feedback comments", "")
        if comment != before.get("Feedback comments", ""):
            taken.comments[person] = comment
            if not comment:
                taken.taken_away.append(person)
    return taken


def moodle_takes_zip(content: bytes, worksheet: bytes) -> Taken:
    """Upload a zip of feedback files."""
    known = {row[0].rpartition(" ")[2] for row in _worksheet_of(worksheet)[1:]}
    taken = Taken()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        for path in archive.namelist():
            file = path.rpartition("/")[2]
            assert not file.startswith((".", "~")), file
            parts = path.split("/")
            for place, part in enumerate(parts):
                info = part.split("_", 4)
                if len(info) >= 4 and info[1].isdigit() and info[1] in known:
                    assert info[2:4] == ["assignfeedback", "file"], info
                    rest = [*info[4:], *parts[place + 1 :]]
                    taken.files.setdefault(f"Participant {info[1]}", []).append("/".join(rest))
                    break
            else:
                taken.passed_over.append(path)
    return taken


def moodle_takes_grades(content: bytes, people: bytes, key: str) -> Taken:
    """Import grades into a course with these participants, identified by ``key``."""
    there = rows_of(people)
    place = there[0].index(key)
    known = {row[place] for row in there[1:] if row[place]}
    header, *rows = rows_of(content)
    taken = Taken()
    assert header[0] == key, header
    for row in rows:
        if row[0] not in known:
            taken.new_people.append(row[0])
            continue
        for name, grade in zip(header[1:], row[1:], strict=True):
            assert grade == "-" or _NUMBER.fullmatch(grade), grade
            if grade != "-":
                taken.grades.setdefault(row[0], {})[name] = grade
    return taken
