"""The class as Canvas and Moodle give it away, and the course's own rules.

Enters: people. Leaves: paths. Touches: writes zips, lists and a course into a folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.class_of_thirty import KOREAN_WORKSHEET
from tests.support.course_help import course_of
from tests.support.lms_files import as_csv, written, zipped
from tests.thirty import people as p
from tests.thirty.people import EXERCISE, Person

TITLE, POINTS = "HW3", 10.0
COLUMN = f"{TITLE} (777)"
PDF = b"%PDF-1.4 a scan"
BOM = b"\xef\xbb\xbf"
Files = Iterator[tuple[str, bytes]]


def canvas(folder: Path, some: Sequence[Person]) -> tuple[Path, Path]:
    """Write what "Download submissions" gives, and the gradebook's export."""
    submissions = written(folder / "submissions.zip", zipped(_canvas_files(some)))
    about = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    rows = [[*about, COLUMN, "Old (5)", "Final Score"]]
    rows.append(["    Points Possible", "", "", "", "", f"{POINTS:g}", "20", "(read only)"])
    for one in _listed(some):
        name = f"{one.family}, {one.given}"
        section = "AB"[one.number % 2]
        who = [name, str(one.number), f"s{one.number}", one.login, section]
        rows.append([*who, "", "7.5", "80"])
    rows.append(["Student, Test", "9", "", "abcdef", "A", "", "", ""])
    return submissions, written(folder / "gradebook.csv", as_csv(rows))


def _canvas_files(some: Sequence[Person]) -> Files:
    upload = 9000
    for one in some:
        upload += 1
        letters = "".join(filter(str.isalnum, f"{one.family}{one.given}")).lower()
        late = "_LATE" if one.kind in {p.LATE, p.EXTENDED} else ""
        begin = f"{letters}{late}_{one.number}"
        for number, (name, content) in enumerate(_handed_in(one)):
            count = f"-{number}" if number and one.kind == p.AGAIN else ""
            stem, dot, suffix = name.rpartition(".")
            yield f"{begin}_{upload + 500 * number}_{stem}{count}{dot}{suffix}", content


def moodle(folder: Path, some: Sequence[Person]) -> tuple[Path, Path]:
    """Write what "Download all submissions" gives, and the grading worksheet, in Korean."""
    files = (
        (f"{_clean(one)}_{one.number}_assignsubmission_file/{name}", content)
        for one in some
        for name, content in _named_apart(one)
    )
    submissions = written(folder / "RNN-HW3-55.zip", zipped(files))
    rows = [list(KOREAN_WORKSHEET)]
    for one in _listed(some):
        there = one.kind not in {p.NOTHING, p.MEMBER}
        status = "채점을 위해 제출되었습니다." if there else "제출물 없음"
        who = [f"참가자{one.number}", f"{one.family} {one.given}", one.login, status]
        at = _time(one) if there else "-"
        rows.append([*who, "", f"{POINTS:.2f}", "예", at, "-", ""])
    return submissions, written(folder / "Grades-RNN-HW3-55.csv", BOM + as_csv(rows))


def _clean(one: Person) -> str:
    """Give a name as Moodle writes it into the name of a file."""
    return re.sub(r"[&<>\"`|':\\/]", "", f"{one.family} {one.given}")


def _time(one: Person) -> str:
    """Give when it was handed in, as a Korean Moodle writes it; due is 1 May, 18:00."""
    late = one.kind in {p.LATE, p.EXTENDED}
    return "토요일, 2 5월 2026, 09:00 오전" if late else "금요일, 1 5월 2026, 05:00 오후"


def _named_apart(one: Person) -> Files:
    for number, (name, content) in enumerate(_handed_in(one)):
        stem, dot, suffix = name.rpartition(".")
        again = f" ({number})" if number and one.kind == p.AGAIN else ""
        yield f"{stem}{again}{dot}{suffix}", content


def _handed_in(one: Person) -> Files:
    """Give a person's files, the earlier ones first."""
    if one.kind == p.PDF:
        yield "homework.pdf", PDF
    elif one.kind == p.ZIPPED:
        yield "homework.zip", zipped([(f"{EXERCISE}.ipynb", one.notebook())])
    elif one.kind in {p.AGAIN, p.TWO}:
        second = EXERCISE if one.kind == p.AGAIN else f"{EXERCISE}_final"
        yield f"{EXERCISE}.ipynb", one.notebook(1)
        yield f"{second}.ipynb", one.notebook(2)
    elif one.has_notebook:
        yield f"{EXERCISE}.ipynb", one.notebook()


def course(place: Path, roster: Path, *, worksheet: bool, some: Sequence[Person]) -> Path:
    """Write a course with the one exercise: its rules, a group, an extension."""
    course_of(place, EXERCISE)
    extended = [one.login for one in some if one.kind == p.EXTENDED]
    together = [one.login for one in some if one.kind in {p.AUTHOR, p.MEMBER}]
    rules = [
        *('name = "RNN 2026"', 'time_zone = "Asia/Seoul"', 'attempts = "last"'),
        *("[late]", "per_day = 10", "cut_off_days = 7"),
        *(f"[exercise.{EXERCISE}]", f'title = "{TITLE}"', f"points = {POINTS:g}"),
        "due = 2026-05-01T18:00:00",
        *([f'worksheet = "{roster}"'] if worksheet else []),
        *("[roster]", f'file = "{roster}"'),
        *([] if worksheet else ['section = "Section"']),
    ]
    if together:
        members = ", ".join(f'"{one}"' for one in together)
        rules += ["[[groups]]", 'name = "team 1"', f"members = [{members}]"]
    for one in extended:
        rules += ["[[extensions]]", f'student = "{one}"', "days = 3", 'reason = "was ill"']
    written(place / "course.toml", ("\n".join(rules) + "\n").encode())
    return place


def _listed(some: Sequence[Person]) -> list[Person]:
    return [one for one in some if one.kind != p.STRANGER]
