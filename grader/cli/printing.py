"""Prints results and writes feedback.

Enters: records and words. Leaves: text on stdout, files under OUT. Touches: stdout, OUT.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from grader.cli.errors import tell
from grader.cli.people import GRADES, PEOPLE
from grader.cli.spared import Spared, Step
from grader.course.exercises import Course
from grader.policy.hand_ins import counting
from grader.record import files, hand_file, notebook_file
from grader.report import wording
from grader.submission import Notebook
from grader.text.words import Words
from grader.types import Record, Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from grader.policy.rules import Rules
    from grader.report.owed import Missing
    from grader.report.people import People
    from grader.report.table import GradeTable

WIDTH_OF_LOGS = 120  # columns, where there is no terminal to ask


def console() -> Console:
    """Give a console on stdout that reads nothing as markup."""
    from rich.console import Console

    told = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if told else WIDTH_OF_LOGS
    return Console(markup=False, highlight=False, emoji=False, width=width)


def titles(course: Course, words: Words) -> dict[str, str]:
    """Give each exercise's title in the reader's language."""
    return {
        key: one.title.ko if words.lang == "ko" else one.title.en
        for key, one in course.exercises.items()
    }


def write_feedback(
    course: Course,
    words: Words,
    out: Path,
    records: Sequence[Record],
    spared: Spared,
    students: Collection[str] | None = None,
) -> Mapping[str, Path]:
    """Write a page per student, the class's overview and the gradebook; gives where they are.

    Whose page cannot be made gets one that says so. ``spared`` learns who is left out of what.
    ``students``: of others only the pages that are missing are written.

    Raises:
        GraderError: the disk refuses what is the whole class's.
    """
    from grader.cli.people import missing_of, people_of
    from grader.report.gradebook import gradebook

    names = titles(course, words)
    everybody, wrong = people_of(course, out, records)
    by_student: dict[str, list[Record]] = {}
    for record in records:
        by_student.setdefault(record.student, []).append(record)
    pages: dict[str, str] = {}
    for student, theirs in by_student.items():
        with spared.alone(Step.PAGE, student):
            path = out / "feedback" / f"{wording.file_stem(student)}.html"
            if students is None or student in students or not path.exists():
                lacks = missing_of(course, everybody, student)
                page = _student_page(student, theirs, words, names, spared, out, lacks)
                files.write_whole(path, page)
            pages[student] = path.relative_to(out).as_posix()
    index, grades = out / "index.html", out / GRADES
    page = _class_page(records, words, names, pages, spared, everybody, course.rules)
    files.write_whole(index, page)
    files.write_whole(out / PEOPLE, everybody.table().encode("utf-8-sig", "replace"))
    for message in wrong:
        tell(words.say(message))
    table = spared.made_if_any(Step.GRADEBOOK, lambda some: gradebook(some, words, pages), records)
    if table is not None:
        files.write_whole(grades, table.encode("utf-8-sig", "replace"))
    return {"feedback": out / "feedback", "index": index, "grades": grades}


def _student_page(
    student: str,
    records: Sequence[Record],
    words: Words,
    names: Mapping[str, str],
    spared: Spared,
    out: Path,
    lacks: Missing,
) -> bytes:
    """Give a student's page: whole, or without its picture, or one that says that there is none."""
    from grader.report.chart import Chart, loss_chart
    from grader.report.feedback import feedback_page
    from grader.report.stand_in import stand_in

    def draw(history: Mapping[str, Sequence[float]]) -> Chart | None:
        with spared.alone(Step.PICTURE, student):
            return loss_chart(history)
        return None

    def code(record: Record) -> Notebook | None:
        return notebook_file.read(out, record.execution_key)

    try:
        return feedback_page(student, records, words, names, draw, code, lacks).encode()
    except Exception as error:  # noqa: BLE001 - the others' pages are made all the same
        spared.keep(Step.PAGE, student, error)
        return stand_in(student, words("report.no_page"), words).encode()


def _class_page(
    records: Sequence[Record],
    words: Words,
    names: Mapping[str, str],
    pages: Mapping[str, str],
    spared: Spared,
    everybody: People,
    rules: Rules,
) -> bytes:
    """Give the class's page, of those for whom it can be made; it names the others."""
    from grader.report.late import times_unknown
    from grader.report.overview import index_page
    from grader.report.stand_in import stand_in

    def page(some: Sequence[Record]) -> bytes:
        left_out = spared.students(Step.OVERVIEW)
        said, missing = [*everybody.lines(words)], [*everybody.without_one(words, names)]
        notes = [words.say(one) for one in times_unknown(some, rules)]
        ahead, absent, owed = everybody.ahead, everybody.absent, everybody.owed
        return index_page(
            some, words, names, pages, left_out, said, missing, notes, ahead, absent, owed
        ).encode()

    made = spared.made_if_any(Step.OVERVIEW, page, records)
    if made is None:
        made = stand_in(words("report.class"), words("report.no_class_page"), words).encode()
    return made


def show(words: Words, out: Path, records: Sequence[Record], form: str, spared: Spared) -> None:
    """Print the records in the asked form on stdout; ``spared`` learns who cannot be shown."""
    make = _FORMS[form]
    shown = spared.made_if_any(Step.SHOWN, lambda some: make(words, out, some), records)
    if shown is None:
        return
    if isinstance(shown, _Annotated):
        shown = shown.printed()
    if isinstance(shown, str):
        sys.stdout.write(shown if shown.endswith("\n") else shown + "\n")
        return
    terminal = console()
    for part in shown:
        terminal.print(part)


def _table(words: Words, out: Path, records: Sequence[Record]) -> list[GradeTable | str]:
    from grader.report.lacking import lacking_lines
    from grader.report.table import render_table

    counts = counting(records)
    accepted = sum(record.grade.verdict is Verdict.ACCEPTED for record in counts)
    return [
        render_table(records, words),
        words("report.accepted_of", accepted=accepted, total=len(counts)),
        *wording.faults(records, words),
        *lacking_lines(records, words),
        *_what_to_do(words, out, records),
    ]


def _what_to_do(words: Words, out: Path, records: Sequence[Record]) -> Iterator[str]:
    """Say how the ungraded get graded: what has evidence was run, and needs no second run."""
    waiting = [record for record in records if not record.grade.graded]
    kept = sum(record.evidence is not None for record in waiting)
    if kept:
        yield words("cli.ungraded_kept", waiting=kept, out=str(out))
    if len(waiting) > kept:
        yield words("cli.ungraded", waiting=len(waiting) - kept)


def _json(words: Words, out: Path, records: Sequence[Record]) -> str:
    import json

    from grader.report.json_ import results_json

    def locate(record: Record) -> str:
        if not record.key:  # nothing was handed in, and a line is all there is
            return str(out / hand_file.NAME)
        return str(out / "results" / record.key / "record.json")

    told = results_json(records, words, locate)
    return json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False)


def _junit(words: Words, _out: Path, records: Sequence[Record]) -> str:
    from grader.report.junit import junit

    return junit(records, words)


@dataclass(frozen=True)
class _Annotated:
    """Annotations for stdout; the summary goes where GitHub asks for it, if it does."""

    lines: tuple[str, ...]
    summary: str

    def printed(self) -> str:
        """Write the summary to its place; give what is for stdout."""
        if place := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(self.summary)
            return "\n".join(self.lines)
        return "\n".join([*self.lines, self.summary])


def _github(words: Words, _out: Path, records: Sequence[Record]) -> _Annotated:
    from grader.report.github import github_annotations, github_summary

    lines = github_annotations(records, words)
    return _Annotated(tuple(lines), github_summary(records, words))


_PLACES = {"feedback": "cli.feedback_at", "index": "cli.index_at", "grades": "cli.grades_at"}
_Shown: TypeAlias = "str | _Annotated | list[GradeTable | str]"
_FORMS: Mapping[str, Callable[[Words, Path, Sequence[Record]], _Shown]] = {
    "table": _table,
    "json": _json,
    "junit": _junit,
    "github": _github,
}


def show_places(words: Words, places: Mapping[str, Path]) -> None:
    """Say where the files are."""
    for name, path in places.items():
        print(words(_PLACES[name], path=str(path)))  # noqa: T201
