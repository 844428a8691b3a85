"""Grades for the systems that schools have, as files.

Enters: an OUT folder, a roster. Leaves: an exit code. Touches: reads OUT and the roster, writes
the export's files.

Who is in no row of the roster, and what is not graded yet, is said by name: a grade that is not in
the file must not go unnoticed. The exit code is then that of something ungraded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from grader.cli.course import open_course, open_words
from grader.cli.errors import tell
from grader.cli.grade import ALL_ACCEPTED, UNGRADED, existing
from grader.cli.printing import titles
from grader.cli.roster import read_given, roster_file
from grader.cli.spared import Spared, Step
from grader.record import files
from grader.record.store import Store
from grader.report import exporters
from grader.report.export import Export, Exporter
from grader.report.roster import unmatched
from grader.text.printable import printable
from grader.types import UNKNOWN, GraderError, Message, Record


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


def run_export(options: ExportOptions) -> int:
    """Write the grades of an OUT folder for another system; gives the exit code."""
    exporter = exporters.load(options.format)
    course = open_course()
    words = open_words(course, options.lang)
    store = Store(existing(options.out))
    export = Export(
        records=store.latest(),
        words=words,
        titles=titles(course, words),
        names={key: (key, one.title.ko, one.title.en) for key, one in course.exercises.items()},
        roster=roster_file(options.roster) if options.roster else None,
        roster_path=str(options.roster),
        key=options.key,
        about=_about(options.about, exporter),
    )
    place = options.to or store.out / "export" / exporter.name
    spared = Spared(store.out)

    def make(some: Sequence[Record]) -> list[tuple[str, bytes]]:
        return _files(exporter, replace(export, records=some))

    written = spared.made(Step.EXPORT, make, export.records)
    for name, content in written:
        path = place / name
        files.sweep(path.parent, [path.name])
        files.write_whole(path, content, shared=options.to is not None)
    for message in store.warnings:
        tell(words.say(message))
    where = place / written[0][0] if len(written) == 1 else place
    left_out = spared.students(Step.EXPORT)
    there = [record for record in export.records if record.student not in left_out]
    print(words("cli.exported", path=str(where), count=len(there)))  # noqa: T201
    incomplete = _complaints(replace(export, records=there), exporter)
    spared.tell(words)
    return UNGRADED if store.warnings or spared else incomplete


def _files(exporter: Exporter, export: Export) -> list[tuple[str, bytes]]:
    """Give the export's files, every name of them below its folder."""
    made = list(exporter.files(export))
    for name, _ in made:
        _require_inside(name, exporter)
    return made


def _require_inside(name: str, exporter: Exporter) -> None:
    """Refuse a file's name that leads out of the export's folder.

    Raises:
        GraderError: it does, or it is none.
    """
    path = PurePath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        args = {"format": exporter.name, "file": repr(name)}
        raise GraderError(Message("report.export_outside", args))


def _complaints(export: Export, exporter: Exporter) -> int:
    """Name everybody whose grade is not in the files."""
    records, keys = export.records, exporter.keys
    waiting = sorted({one.student for one in export.counting if not one.grade.graded})
    strangers = unmatched(records, export.roster, keys) if export.roster and keys else []
    lost = sorted({one.student for one in records if one.exercise == UNKNOWN})
    told = {"cli.unmatched": strangers, "cli.waiting": waiting}
    if keys:
        told["cli.no_column"] = lost
    for message, students in told.items():
        if students:
            names = ", ".join(printable(one, limit=60) for one in students)
            tell(export.words(message, count=len(students), students=names))
    return UNGRADED if any(told.values()) else ALL_ACCEPTED


def _about(path: Path | None, exporter: Exporter) -> dict[str, str]:
    """Read what the other system wants to know about a submission, if it wants anything."""
    if not exporter.about:
        return {}
    needed = ", ".join(exporter.about)
    if path is None:
        args = {"format": exporter.name, "needed": needed}
        raise GraderError(Message("cli.about_missing", args))
    try:
        told = json.loads(read_given(path))
    except ValueError:
        told = None
    if not isinstance(told, dict) or not told.keys() >= set(exporter.about):
        raise GraderError(Message("cli.about_incomplete", {"path": str(path), "needed": needed}))
    return {name: str(value) for name, value in told.items()}
