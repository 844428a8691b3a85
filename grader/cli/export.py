"""Grades for the systems that schools have, as files.

Enters: an OUT folder, a roster. Leaves: an exit code. Touches: reads OUT and the roster, writes
the export's files.

Who is in no row of the roster, and what is not graded yet, is said by name: a grade that is not in
the file must not go unnoticed. The exit code is then that of something ungraded. So is said who is
excused where the format has no word for it. What was decided by hand stands in a table of its own
beside the files. What was exported is remembered once it is written (``exported.jsonl``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath

from grader.cli.course import course_of_results
from grader.cli.errors import tell
from grader.cli.kept import ALL_ACCEPTED, UNGRADED, current, existing
from grader.cli.lms import chosen_columns
from grader.cli.people import PEOPLE, people_of, roster_of
from grader.cli.platforms import platform_numbers
from grader.cli.printing import titles
from grader.cli.roster import read_given
from grader.cli.spared import Spared, Step
from grader.course.exercises import Course
from grader.record import class_file, exported, files
from grader.record.exported import Exported
from grader.record.store import Store
from grader.report import exporters
from grader.report.attendance import perhaps
from grader.report.by_hand import by_hand_table
from grader.report.export import Export, Exporter, Lack
from grader.report.people import COLUMNS, People
from grader.report.roster import bare
from grader.report.wording import file_stem
from grader.text.printable import printable
from grader.text.times import moment
from grader.text.words import Words
from grader.types import UNKNOWN, GraderError, Message, Record

BY_HAND = "by-hand.csv"
LARGEST = 50_000_000  # bytes


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
    changed: bool = False  # only whom the last export says otherwise of
    columns: tuple[str, ...] = ()  # EXERCISE=COLUMN, as typed
    new_columns: bool = False


def run_export(options: ExportOptions) -> int:
    """Write the grades of an OUT folder for another system; gives the exit code."""
    with exported.locked(existing(options.out)):
        return _export(options)


def _export(options: ExportOptions) -> int:
    exporter = exporters.load(options.format)
    course, words = course_of_results(options.out, options.lang)
    store = Store(existing(options.out))
    records = current(store, course)
    in_lms = {key: one.title for key, one in course.rules.exercises.items() if one.title}
    names = {
        key: (*filter(None, [in_lms.get(key)]), key, one.title.ko, one.title.en)
        for key, one in course.exercises.items()
    }
    roster, roster_path = roster_of(options.roster, course, options.out, exporter.keys, options.key)
    export = Export(
        records=records,
        words=words,
        titles=titles(course, words) | in_lms,
        names=names,
        roster=roster,
        roster_path=roster_path,
        key=options.key,
        about=_about(options.about, exporter),
        chosen=chosen_columns(options.columns, {one.exercise for one in records}, names),
        new_columns=options.new_columns,
        numbers=platform_numbers(records),
        page=partial(_page, store.out),
    )
    if roster is not None:  # among all: of a part, two of one name could be one
        export = replace(export, rows=export.matched(exporter.keys))
    everybody, wrong = people_of(course, store.out, records, export.roster)
    store.warnings += wrong
    spared = Spared(store.out)
    before = exported.read(store.out, exporter.name)
    store.warnings += before.unread
    place = options.to or store.out / "export" / exporter.name
    if options.changed:
        export = replace(export, records=_changed(export, exporter, before), everybody=False)
        place /= f"changed-{before.count + 1}"
        if not export.records:
            return _nothing_changed(before, store, words)
    lacks = list(exporter.lacks(export))  # refuses what can be written for nobody
    written = spared.made(Step.EXPORT, _maker(exporter, export), export.records)
    by_hand = by_hand_table(export.records, words)
    made = [*written, *_beside(place, by_hand, everybody)]
    _require_apart([place / name for name, _ in made], _asked(options, course))
    for name, content in made:
        path = place / name
        files.sweep(path.parent, [path.name])
        files.write_whole(path, content, shared=options.to is not None)
    where = place / written[0][0] if len(written) == 1 else place
    left_out = spared.students(Step.EXPORT)
    there = [record for record in export.records if record.student not in left_out]
    export = replace(export, records=there)
    _remember(store.out, export, exporter)
    for message in store.warnings:
        tell(words.say(message))
    count = _count(export, exporter, lacks)
    print(words("cli.exported", path=str(where), count=count))  # noqa: T201
    if export.roster is not None and options.roster is None:
        print(words("cli.by_roster", path=printable(roster_path)))  # noqa: T201
    for line in everybody.sum(words):
        print(line)  # noqa: T201
    incomplete = _complaints(export, exporter, lacks)
    for line in everybody.without_grade(words):
        tell(line)
    spared.tell(words)
    return UNGRADED if store.warnings or spared else incomplete


def _count(export: Export, exporter: Exporter, lacks: Sequence[Lack]) -> int:
    """Give how many results the files tell: of each student and exercise the one that counts.

    What has no row or no column is in none of them.
    """
    students = {*_strangers(export, exporter), *(one for lack in lacks for one in lack.students)}
    exercises = {one for lack in lacks for one in lack.exercises}
    exercises |= {UNKNOWN} if exporter.keys else set()
    there = [*(one for one in export.counting if one.grade.graded), *export.excused]
    return sum(one.student not in students and one.exercise not in exercises for one in there)


def _strangers(export: Export, exporter: Exporter) -> list[str]:
    """Name whose grades the roster has no place for."""
    return export.strangers(exporter.keys) if exporter.keys else []


def _tell_strangers(export: Export, strangers: Sequence[str]) -> None:
    """Name them; of those whom the roster may have all the same, say who may be meant."""
    who = perhaps(strangers, export.roster or ())
    nobody = [printable(one, limit=60) for one, names in who.items() if not names]
    if nobody:
        students = ", ".join(nobody)
        tell(export.words("cli.unmatched", count=len(nobody), students=students))
    doubtful = {one: names for one, names in who.items() if names}
    if doubtful:
        told = (f"{one}: {' / '.join(names)}" for one, names in doubtful.items())
        first = json.dumps(next(iter(doubtful)), ensure_ascii=False)
        args = {"students": "; ".join(printable(one, limit=200) for one in told)}
        args |= {"first": printable(first, limit=200)}
        tell(export.words("cli.unmatched_perhaps", count=len(doubtful), **args))


def _maker(
    exporter: Exporter, export: Export
) -> Callable[[Sequence[Record]], list[tuple[str, bytes]]]:
    def make(some: Sequence[Record]) -> list[tuple[str, bytes]]:
        return _files(exporter, replace(export, records=some))

    return make


def _beside(place: Path, table: str, everybody: People) -> list[tuple[str, bytes]]:
    """Give the tables of what was decided by hand, and of people, where there is more to tell."""
    made = {BY_HAND: table} if table.count("\n") > 1 or (place / BY_HAND).exists() else {}
    if everybody.tells_more or _is_of_people(place / PEOPLE):
        made[PEOPLE] = everybody.table()
    return [(name, text.encode("utf-8-sig", "replace")) for name, text in made.items()]


def _asked(options: ExportOptions, course: Course) -> list[Path]:
    """Give the lists of the class that are asked: rosters, and worksheets that tell times."""
    rules, kept = course.rules, class_file.read(options.out).roster
    said = [rules.roster.file] if rules.roster is not None else []
    said += [terms.worksheet for terms in rules.exercises.values() if terms.worksheet]
    given = [options.roster] if options.roster is not None else []
    return [*given, *([Path(kept)] if kept else []), *(course.root / one for one in said)]


def _require_apart(paths: Sequence[Path], lists: Sequence[Path]) -> None:
    """Refuse to write over a list of the class, whose other columns would be gone.

    Raises:
        GraderError: one of the paths is a list's.
    """
    there = [one for one in lists if one.exists()]
    for path in paths:
        if path.exists() and any(map(path.samefile, there)):
            raise GraderError(Message("cli.export_over_roster", {"path": str(path)}))


def _is_of_people(path: Path) -> bool:
    """Whether an earlier export left its table of people there; another file is somebody's own."""
    try:
        begin = files.read_at_most(path, LARGEST)
    except OSError:
        return False
    return begin.decode("utf-8-sig", "replace").startswith(",".join(COLUMNS))


def _page(out: Path, student: str) -> bytes | None:
    """Give a student's page of feedback as it was last written."""
    path = out / "feedback" / f"{file_stem(student)}.html"
    try:
        return files.read_at_most(path, LARGEST)
    except OSError:
        return None


def _changed(export: Export, exporter: Exporter, before: Exported) -> list[Record]:
    """Give the records of those of whom the file would say something else than the last one."""
    now = _digests(export, exporter)
    return [
        one
        for one in export.records
        if one.student not in now or before.digests.get(one.student) != now[one.student]
    ]


def _digests(export: Export, exporter: Exporter) -> dict[str, str]:
    """Give a digest of what the file says of each student: of a file about that one alone.

    Of the roster only what identifies people and says what columns are out of is left: what the
    other system has already changes with every export. Who cannot be written alone has none, and is
    written and named again each time.
    """
    found: dict[str, str] = {}
    roster = None if export.roster is None else bare(export.roster, exporter.keys)
    by_student: dict[str, list[Record]] = {}
    for record in export.records:
        by_student.setdefault(record.student, []).append(record)
    for student, theirs in by_student.items():
        alone = replace(export, records=theirs, roster=roster, everybody=False)
        with suppress(Exception):  # told where the files are made
            told = [
                (name, hashlib.sha256(data).hexdigest()) for name, data in exporter.files(alone)
            ]
            found[student] = hashlib.sha256(repr(told).encode()).hexdigest()
    return found


def _remember(out: Path, export: Export, exporter: Exporter) -> None:
    """Note what was exported, of all who are in the file.

    Raises:
        GraderError: the disk refuses.
    """
    strangers = _strangers(export, exporter)
    there = [one for one in export.records if one.student not in strangers]
    digests = _digests(replace(export, records=there), exporter)
    known = exported.read(out, exporter.name)
    exported.append(out, exporter.name, datetime.now(UTC).isoformat(), digests, known)


def _nothing_changed(before: Exported, store: Store, words: Words) -> int:
    for message in store.warnings:
        tell(words.say(message))
    at = printable(moment(before.at, words.zone), limit=40)
    print(words("cli.nothing_changed", at=at))  # noqa: T201
    return UNGRADED if store.warnings else ALL_ACCEPTED


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


def _complaints(export: Export, exporter: Exporter, lacks: Sequence[Lack]) -> int:
    """Name everybody whose grade is not in the files, and what else is not."""
    records, strangers = export.records, _strangers(export, exporter)
    waiting = sorted({one.student for one in export.counting if not one.grade.graded})
    lost = sorted({one.student for one in records if one.exercise == UNKNOWN})
    excused = sorted({one.student for one in export.excused})
    if excused and exporter.no_excuses:
        names = ", ".join(printable(one, limit=60) for one in excused)
        tell(export.words(exporter.no_excuses, count=len(excused), students=names))
    more = sorted({one.student for one in export.counting if one.waiting})
    if more:  # their scores are in the files, as far as they go
        names = ", ".join(printable(one, limit=60) for one in more)
        tell(export.words("cli.points_wait", count=len(more), students=names))
    _tell_strangers(export, strangers)
    told = {"cli.waiting": waiting}
    if exporter.keys:
        told["cli.no_column"] = lost
    for message, students in told.items():
        if students:
            names = ", ".join(printable(one, limit=60) for one in students)
            tell(export.words(message, count=len(students), students=names))
    for lack in lacks:
        said = export.words.say(lack.message)
        tell(said) if lack.serious else print(said)  # noqa: T201
    serious = bool(strangers) or any(told.values()) or any(one.serious for one in lacks)
    return UNGRADED if serious else ALL_ACCEPTED


def _about(path: Path | None, exporter: Exporter) -> dict[str, str]:
    """Read what the other system wants to know about a submission, if it wants anything."""
    if not exporter.about:
        return {}
    if path is None:
        args = {"format": exporter.name, "needed": ", ".join(exporter.about)}
        raise GraderError(Message("cli.about_missing", args))
    return about_of(path, exporter.name)


def about_of(path: Path, name: str) -> dict[str, str]:
    """Read what an exporter of this name wants to know about a submission.

    Raises:
        GraderError: the file cannot be read, or says too little.
    """
    wanted = exporters.load(name).about
    needed = ", ".join(wanted)
    try:
        told = json.loads(read_given(path))
    except ValueError:
        told = None
    if not isinstance(told, dict) or not told.keys() >= set(wanted):
        raise GraderError(Message("cli.about_incomplete", {"path": str(path), "needed": needed}))
    return {name: str(value) for name, value in told.items()}
