"""Prints results and writes feedback.

Enters: records and words. Leaves: text on stdout, files under OUT. Touches: stdout, OUT.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.course.exercises import Course
from grader.record import files
from grader.report import wording
from grader.text.words import Words
from grader.types import Record, Verdict

if TYPE_CHECKING:
    from rich.console import Console

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
    course: Course, words: Words, out: Path, records: Sequence[Record]
) -> Mapping[str, Path]:
    """Write a page per student, the class's overview and the gradebook; gives where they are."""
    from grader.report.feedback import feedback_page
    from grader.report.gradebook import gradebook
    from grader.report.overview import index_page

    names = titles(course, words)
    by_student: dict[str, list[Record]] = {}
    for record in records:
        by_student.setdefault(record.student, []).append(record)
    pages = {}
    for student, theirs in by_student.items():
        path = out / "feedback" / f"{wording.file_stem(student)}.html"
        files.write_whole(path, feedback_page(student, theirs, words, names).encode())
        pages[student] = path.relative_to(out).as_posix()
    index = out / "index.html"
    files.write_whole(index, index_page(records, words, names, pages).encode())
    grades = out / "grades.csv"
    files.write_whole(grades, gradebook(records, words).encode("utf-8-sig"))
    return {"feedback": out / "feedback", "index": index, "grades": grades}


def show(words: Words, out: Path, records: Sequence[Record], form: str) -> None:
    """Print the records in the asked form on stdout."""
    if form == "table":
        from grader.report.table import render_table

        accepted = sum(record.grade.verdict is Verdict.ACCEPTED for record in records)
        terminal = console()
        terminal.print(render_table(records, words))
        terminal.print(words("report.accepted_of", accepted=accepted, total=len(records)))
        for fault in wording.faults(records, words):
            terminal.print(fault)
        for hint in _what_to_do(words, out, records):
            terminal.print(hint)
        return
    text = _TEXTS[form](words, out, records)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


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
        return str(out / "results" / record.key / "record.json")

    return json.dumps(results_json(records, words, locate), ensure_ascii=False, indent=2)


def _junit(words: Words, _out: Path, records: Sequence[Record]) -> str:
    from grader.report.junit import junit

    return junit(records, words)


def _github(words: Words, _out: Path, records: Sequence[Record]) -> str:
    """Annotations on stdout; the summary goes where GitHub asks for it, if it does."""
    import os

    from grader.report.github import github_annotations, github_summary

    summary = github_summary(records, words)
    lines = github_annotations(records, words)
    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(summary)
        return "\n".join(lines)
    return "\n".join([*lines, summary])


_PLACES = {"feedback": "cli.feedback_at", "index": "cli.index_at", "grades": "cli.grades_at"}
_TEXTS = {"json": _json, "junit": _junit, "github": _github}


def show_places(words: Words, places: Mapping[str, Path]) -> None:
    """Say where the files are."""
    for name, path in places.items():
        print(words(_PLACES[name], path=str(path)))  # noqa: T201
