"""The class of thirty in short: six of it and the stranger, without rooms; the sums are the same.

All thirty in real rooms: ``make class-of-thirty``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.collect.collect import collect
from grader.record.store import Store
from grader.submission import Submission
from grader.types import Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import Shell
from tests.support.lms_rules import canvas_takes
from tests.thirty import lms
from tests.thirty import people as p
from tests.thirty.people import EXERCISE, OTHER, SIX
from tests.thirty.sums import Sums

SOME = (*SIX, OTHER)
STRANGER_TOLD = 3


def keep_graded(out: Path, submissions: Path) -> None:
    """Keep what a zip might have been graded with, without any run."""
    store = Store(out)
    for one in collect([submissions], exercise_ids=(EXERCISE,), owed=None).submissions:
        store.save(_record(one))


def _record(one: Submission) -> Record:
    exercise = (one.exercises or (EXERCISE,))[0]
    facts = {"salt": one.digest, "handed_in": one.handed_in}
    if one.notebook is None:
        assert one.problem is not None
        told = b.check("grader.malformed", 0, 0, one.problem)
        grade = b.grade(Verdict.MALFORMED, 0.0, (told,))
        return b.record(one.student, exercise, one.name, grade=grade, evidence=None, **facts)
    score = 40.0 + int(one.student.rpartition("_")[2]) % 50
    checks = (b.check("runs.cells", 10, 10), b.check("structure.layer-1", score - 10, 90))
    grade = b.grade(Verdict.WRONG_DATA, score, checks)
    return b.record(one.student, exercise, one.name, grade=grade, **facts)


def test_canvas(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submissions, gradebook = lms.canvas(tmp_path, SOME)
    course = lms.course(tmp_path / "course", gradebook, worksheet=False, some=SOME)
    monkeypatch.setenv("GRADER_COURSE", str(course))
    keep_graded(shell.out, submissions)
    assert shell("report", "--out", shell.out, "--lang", "en").code == 1
    exported = shell("export", "--format", "canvas", "--out", shell.out, "--lang", "en")
    assert exported.code == STRANGER_TOLD
    sums = Sums(shell.out, SOME)
    sums.states()
    sums.grades()
    sums.lateness()
    sums.class_page("Nothing handed in (1)")
    sums.canvas(gradebook, shell.out / "export" / "canvas")
    assert sums.counted["roster"] == "6 = 4 + 1 + 1"


def test_moodle(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submissions, worksheet = lms.moodle(tmp_path, SOME)
    course = lms.course(tmp_path / "course", worksheet, worksheet=True, some=SOME)
    monkeypatch.setenv("GRADER_COURSE", str(course))
    keep_graded(shell.out, submissions)
    assert shell("report", "--out", shell.out, "--lang", "ko").code == 1
    exported = shell("export", "--format", "moodle", "--out", shell.out, "--lang", "ko")
    assert exported.code == STRANGER_TOLD
    sums = Sums(shell.out, SOME)
    sums.states()
    sums.grades()
    sums.lateness()
    sums.class_page("아무것도 제출하지 않음(1명)")
    sums.moodle(worksheet, shell.out / "export" / "moodle")


def test_a_formula_is_among_them_and_nobody_is_two() -> None:
    assert any(one.family == p.FORMULA for one in SIX)
    assert len({one.number for one in (*p.CLASS, OTHER)}) == 31
    assert len(p.CLASS) == 30


def test_two_commands_lead_from_a_zip_to_the_file_for_canvas(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of people whose hand-ins need no room: one who handed in no notebook, three nothing."""
    shell.without_rooms()
    some = tuple(one for one in p.CLASS if one.kind in {p.PDF, p.NOTHING})
    submissions, gradebook = lms.canvas(tmp_path, some)
    course = lms.course(tmp_path / "course", gradebook, worksheet=False, some=some)
    monkeypatch.setenv("GRADER_COURSE", str(course))
    assert shell.grade(submissions, "--exercise", EXERCISE).code == 1
    assert shell("export", "--format", "canvas", "--out", shell.out, "--lang", "en").code == 0
    taken = canvas_takes(
        (shell.out / "export" / "canvas" / "canvas.csv").read_bytes(), gradebook.read_bytes()
    )
    assert taken.clean
    assert taken.grades.keys() == {str(one.number) for one in some if one.kind == p.PDF}
