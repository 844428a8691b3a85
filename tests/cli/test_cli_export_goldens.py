"""What every exporter writes and says, byte for byte: ``tests/cli/exports/<case>.json``.

After a change that is meant, ``REWRITE_GOLDENS=1 pytest`` on this file writes them anew; the
difference is for a reviewer to read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from grader.record.store import Store
from grader.types import Message, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import Shell

GOLDENS = Path(__file__).parent / "exports"
REWRITES = bool(os.environ.get("REWRITE_GOLDENS"))
GRU, LSTM, SEQUENCE = "multiplication-gru", "multiplication-lstm", "sequence-prediction"
HOSTILE = (
    "=1+1",
    " @SUM(A1:A9)",
    "＝cmd|' /C calc'!A0",
    '"Kim, Minjun"',
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "a\nb;c\td",
    "\u202egnp.mik",
    "\u1100\u1175\u11b7_1234",
    "이름" * 200,
    "",
)
CANVAS_ROSTER = """\
Student,ID,SIS User ID,SIS Login ID,Section,The multiplication problem with LSTM (777),Old (5)
    Points Possible,,,,,100,10
"Kim, Minjun",101,s1,kmj,A,,
"Lee, Seoyeon",102,s2,lsy,=1+1,,
김,1234,s3,kim,B,,
"""
MOODLE_ROSTER = """\
\ufeffusername,idnumber,Email address
kmj,101,kmj@example.org
lsy,102,=lsy@example.org
"""
ABOUT = {
    "classroom": "c",
    "assignment": "과제",
    "assignment_type": "individual",
    "submission": "s",
    "commit": "0" * 40,
    "release": "r",
    "review": "v",
    "datetime": "2026-03-02T09:00:00Z",
}


def wrong(student: str, exercise: str, score: float, submission: str | None = None) -> Record:
    told = Message("structure.layer", {"number": 1, "expected": "LSTM(30)", "got": "<b>=1+1"})
    checks = (
        b.check("runs.cells", 10, 10, Message("runs.all", {"cells": 9})),
        b.check("structure.layer-1", score - 10, 90, told, got="<b>=1+1", cell=3),
        b.check("grader.note", 0, 0),
    )
    grade = b.grade(Verdict.WRONG_ARCHITECTURE, score, checks, flags=("needs_review",))
    return b.record(student, exercise, submission, grade=grade)


def graded() -> list[Record]:
    """Several exercises and submissions, in no tidy order."""
    return [
        wrong("lsy", LSTM, 41.666),
        b.record("kmj", LSTM, "kmj/first.ipynb"),
        wrong("kmj", LSTM, 20.005, "kmj/second.ipynb"),
        b.record("kmj", SEQUENCE),
        wrong("leeseoyeon_102", GRU, 66.665),
        b.record("stranger", "not-of-this-course"),
        *(wrong(name, LSTM, 12.5 + number) for number, name in enumerate(HOSTILE)),
    ]


def mixed() -> list[Record]:
    """The same, with what is not graded and what is of no known exercise."""
    return [*graded(), b.ungraded("kmj", GRU), b.ungraded("waiting"), b.record("lost", "unknown")]


def alone() -> list[Record]:
    return [b.record("kmj", LSTM), wrong("kmj", SEQUENCE, 41.666)]


CASES: dict[str, tuple[list[Record], Sequence[str]]] = {
    "canvas": (mixed(), ["canvas"]),
    "canvas-roster": (mixed(), ["canvas", "--roster", "canvas.csv"]),
    "canvas-roster-ko": (mixed(), ["canvas", "--roster", "canvas.csv", "--lang", "ko"]),
    "moodle": (mixed(), ["moodle"]),
    "moodle-key": (mixed(), ["moodle", "--key", "email"]),
    "moodle-roster": (mixed(), ["moodle", "--roster", "moodle.csv", "--key", "Email address"]),
    "moodle-no-column": (mixed(), ["moodle", "--roster", "moodle.csv", "--key", "email"]),
    "nbgrader": (mixed(), ["nbgrader"]),
    "gradescope": (mixed(), ["gradescope"]),
    "gradescope-alone-ko": (alone(), ["gradescope", "--lang", "ko"]),
    "classroom50": (graded(), ["classroom50", "--about", "about.json"]),
    "classroom50-alone": (alone(), ["classroom50", "--about", "owner.json"]),
    "classroom50-waiting": (mixed(), ["classroom50", "--about", "about.json"]),
    "classroom50-bare": (alone(), ["classroom50"]),
    "classroom50-list": (alone(), ["classroom50", "--about", "list.json"]),
}


@pytest.fixture
def shell(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("canvas.csv").write_text(CANVAS_ROSTER, "utf-8")
    Path("moodle.csv").write_text(MOODLE_ROSTER, "utf-8")
    Path("about.json").write_text(json.dumps(ABOUT), "utf-8")
    Path("owner.json").write_text(json.dumps(ABOUT | {"owner": "=me", "release": 7}), "utf-8")
    Path("list.json").write_text(json.dumps(list(ABOUT)), "utf-8")
    return shell


def exported(shell: Shell, arguments: Sequence[str]) -> dict[str, object]:
    """The exit code, what was said, and every file by its lines."""
    lang = () if "--lang" in arguments else ("--lang", "en")
    said = shell("export", "--out", shell.out, "--to", "to", *lang, "--format", *arguments)
    written = sorted(path for path in Path("to").rglob("*") if path.is_file())
    files = {
        path.relative_to("to").as_posix(): path.read_bytes().decode("utf-8").split("\n")
        for path in written
    }
    return {"code": said.code, "out": said.out, "err": said.err.split("\n"), "files": files}


@pytest.mark.parametrize("case", CASES)
def test_an_export_is_what_it_was(shell: Shell, case: str) -> None:
    records, arguments = CASES[case]
    store = Store(shell.out)
    for record in records:
        store.save(record)
    found = exported(shell, arguments)
    golden = GOLDENS / f"{case}.json"
    if REWRITES:
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert found == json.loads(golden.read_text("utf-8"))


@pytest.mark.skipif(REWRITES, reason="goldens are being written, in whatever order")
def test_every_golden_has_its_case() -> None:
    assert {path.stem for path in GOLDENS.glob("*.json")} == set(CASES)
