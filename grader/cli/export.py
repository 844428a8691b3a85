"""Grades for the systems that schools have, as files.

Enters: an OUT folder, a roster. Leaves: an exit code. Touches: reads OUT and the roster, writes
the export's files.

Who is in no row of the roster, and what is not graded yet, is said by name: a grade that is not in
the file must not go unnoticed. The exit code is then that of something ungraded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from grader.cli.course import open_course, open_words
from grader.cli.errors import tell
from grader.cli.grade import ALL_ACCEPTED, UNGRADED, existing
from grader.cli.printing import file_stem, titles
from grader.course.exercises import Course
from grader.record import files
from grader.record.store import Store
from grader.report import exports, wording
from grader.report.roster import CANVAS_KEYS, MOODLE_KEYS, Roster, folded, read_roster, unmatched
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Json, Message, Record

LARGEST_ROSTER = 50_000_000  # bytes
OWNER = "owner"
_CANVAS_COLUMN = re.compile(r"(?P<title>.+) \((?P<id>\d+)\)")


@dataclass(frozen=True)
class ExportOptions:
    """What ``grader export`` was asked."""

    format: str
    out: Path
    to: Path | None
    roster: Path | None
    key: str
    about: Path | None
    lang: str | None


@dataclass(frozen=True)
class _Export:
    """What every format is made from."""

    records: Sequence[Record]
    course: Course
    words: Words
    titles: Mapping[str, str]
    roster: Roster | None
    options: ExportOptions

    def by_student(self) -> Iterator[tuple[str, list[Record]]]:
        for student in dict.fromkeys(record.student for record in self.records):
            yield student, [record for record in self.records if record.student == student]


Files = Iterator[tuple[str, bytes]]


def run_export(options: ExportOptions) -> int:
    """Write the grades of an OUT folder for another system; gives the exit code."""
    course = open_course()
    words = open_words(course, options.lang)
    store = Store(existing(options.out))
    records = store.latest()
    roster = _roster(options.roster) if options.roster else None
    what = _Export(records, course, words, titles(course, words), roster, options)
    place = options.to or store.out / "export" / options.format
    written = list(_FORMATS[options.format](what))
    for name, content in written:
        files.write_whole(place / name, content)
    for message in store.warnings:
        tell(words.say(message))
    where = place / written[0][0] if len(written) == 1 else place
    print(words("cli.exported", path=str(where), count=len(records)))  # noqa: T201
    return _complaints(what)


def _complaints(what: _Export) -> int:
    """Name everybody whose grade is not in the files."""
    waiting = sorted({one.student for one in what.records if not one.grade.graded})
    keys = {"canvas": CANVAS_KEYS, "moodle": MOODLE_KEYS}.get(what.options.format)
    strangers = unmatched(what.records, what.roster, keys) if what.roster and keys else []
    lost = sorted({one.student for one in what.records if one.exercise == wording.UNKNOWN})
    told = {"cli.unmatched": strangers, "cli.waiting": waiting}
    if keys:
        told["cli.no_column"] = lost
    for message, students in told.items():
        if students:
            names = ", ".join(printable(one, limit=60) for one in students)
            tell(what.words(message, count=len(students), students=names))
    return UNGRADED if any(told.values()) else ALL_ACCEPTED


# --- formats ---------------------------------------------------------------------------------


def _canvas(what: _Export) -> Files:
    ids = _canvas_ids(what.roster, what.course) if what.roster else {}
    text = exports.canvas_csv(what.records, what.titles, what.roster, ids)
    yield "canvas.csv", text.encode("utf-8")


def _canvas_ids(roster: Roster, course: Course) -> dict[str, str]:
    """Find the exercises among Canvas' own columns: "title (id)"."""
    columns = [match for name in roster[0] if (match := _CANVAS_COLUMN.fullmatch(name))]
    numbers = {folded(match["title"]): match["id"] for match in columns}
    found = {}
    for key, exercise in course.exercises.items():
        names = (key, exercise.title.ko, exercise.title.en)
        number = next((numbers[folded(one)] for one in names if folded(one) in numbers), None)
        if number is not None:
            found[key] = number
    return found


def _moodle(what: _Export) -> Files:
    key = what.options.key
    if what.roster is not None and key not in what.roster[0]:
        raise _columns(what.options, [key])
    text = exports.moodle_csv(what.records, what.titles, what.roster, key)
    yield "moodle.csv", text.encode("utf-8")


def _nbgrader(what: _Export) -> Files:
    yield "nbgrader.csv", exports.nbgrader_csv(what.records).encode("utf-8")


def _gradescope(what: _Export) -> Files:
    everybody = list(what.by_student())
    for student, records in everybody:
        folder = "" if len(everybody) == 1 else f"{file_stem(student)}/"
        yield f"{folder}results.json", _json(exports.gradescope_json(records, what.words))


def _classroom50(what: _Export) -> Files:
    about = _about(what.options.about)
    everybody = list(what.by_student())
    for student, records in everybody:
        folder = "" if len(everybody) == 1 else f"{file_stem(student)}/"
        whose = exports.Classroom50(**{OWNER: printable(student), **about})
        told = exports.classroom50_json(records, whose, what.words)
        yield f"{folder}result.json", _json(told)


_FORMATS: Mapping[str, Callable[[_Export], Files]] = {
    "canvas": _canvas,
    "moodle": _moodle,
    "nbgrader": _nbgrader,
    "gradescope": _gradescope,
    "classroom50": _classroom50,
}


def _json(value: Mapping[str, Json]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8")


# --- reading ---------------------------------------------------------------------------------


def _roster(path: Path) -> Roster:
    """Read a roster; spreadsheets in Korea still write CP949."""
    data = _read(path)
    for encoding in ("utf-8-sig", "cp949"):
        try:
            roster = read_roster(data.decode(encoding))
            break
        except (UnicodeDecodeError, ValueError):
            continue
    else:
        raise GraderError(Message("cli.roster_unreadable", {"path": str(path)}))
    if not roster:
        raise GraderError(Message("cli.roster_empty", {"path": str(path)}))
    return roster


def _columns(options: ExportOptions, wanted: Sequence[str]) -> GraderError:
    args = {"path": str(options.roster), "wanted": ", ".join(wanted)}
    return GraderError(Message("cli.roster_columns", args))


def _about(path: Path | None) -> dict[str, str]:
    """Read what Classroom 50 wants to know about a submission."""
    wanted = [field.name for field in fields(exports.Classroom50)]
    needed = ", ".join(name for name in wanted if name != OWNER)
    if path is None:
        raise GraderError(Message("cli.about_missing", {"needed": needed}))
    try:
        told = json.loads(_read(path))
        found = {name: str(told[name]) for name in wanted if name != OWNER or name in told}
    except (ValueError, KeyError, TypeError) as error:
        args = {"path": str(path), "needed": needed}
        raise GraderError(Message("cli.about_incomplete", args)) from error
    return found


def _read(path: Path) -> bytes:
    try:
        return files.read_at_most(path, LARGEST_ROSTER)
    except OSError as error:
        reason = error.strerror or str(error)
        raise GraderError(
            Message("cli.file_unreadable", {"path": str(path), "error": reason})
        ) from error
