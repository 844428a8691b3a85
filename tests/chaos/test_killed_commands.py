"""kill -9 at any moment of merge, regrade, report, export and all that is done by hand: the same
command again finishes.


``CHAOS_POINTS=1000 pytest tests/chaos/test_killed_commands.py`` kills before every change.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.record import hand_file
from grader.record.store import Store
from grader.types import HandKind, HandLine, Record, Verdict
from tests.chaos.killed import run
from tests.support import builders as b
from tests.support.cli_help import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")

POINTS = int(os.environ.get("CHAOS_POINTS", "4"))
TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}|\.(new|old)-.*")
LSTM = "multiplication-lstm"
STUDENTS = ("choi", "kim", "lee", "박")


@dataclass(frozen=True)
class Case:
    """A command on a folder, and the files that have to be there in the end."""

    prepare: Callable[[Path], None]
    arguments: Callable[[Path], tuple[object, ...]]
    code: int


def record(student: str, salt: int, score: float) -> Record:
    graded = b.grade(Verdict.UNTRAINED, score)
    return b.record(student, salt=salt, grade=graded)


def a_class(out: Path) -> None:
    store = Store(out)
    for number, student in enumerate(STUDENTS):
        one = record(student, 0, 50 + number)
        store.save_execution(one.execution_key, b.execution())
        store.save(one, 1000 + number)
    store.close()


def two_machines(place: Path) -> None:
    """Both graded kim, b later; each graded somebody else."""
    for name, students in (("a", STUDENTS[:2]), ("b", STUDENTS[1:])):
        store = Store(place / name)
        for student in students:
            one = record(student, len(name + student) if name == "b" else 0, 60)
            store.save_execution(one.execution_key, b.execution())
            store.save(one, 1000 if name == "a" else 2000)
        store.close()


def decided_class(out: Path) -> None:
    """Somebody decided about kim, and took it back; about lee as well."""
    a_class(out)
    hand_file.append(
        out,
        [
            hand_line("0a", HandKind.OVERRIDE, "kim", score=90.0),
            hand_line("0b", HandKind.UNDO, "kim", undoes="0a"),
            hand_line("0c", HandKind.EXCUSE, "lee"),
        ],
    )


def hand_line(line_id: str, kind: HandKind, student: str, **changes: Any) -> HandLine:
    at = "2026-03-04T10:00:00.000000+00:00"
    return HandLine(line_id, at, "kang", kind, student, LSTM, "why", **changes)


def exported_class(out: Path) -> None:
    """All was exported once; since then kim was given another score."""
    a_class(out)
    run(out.parent, "export", "--format", "canvas", "--out", out)
    hand_file.append(out, [hand_line("0a", HandKind.OVERRIDE, "kim", score=90.0)])


def by_hand(*arguments: object) -> Callable[[Path], tuple[object, ...]]:
    return lambda place: (*arguments, "--by", "kang", "--out", place / "out")


CASES = {
    "override": Case(
        lambda place: a_class(place / "out"),
        by_hand("override", "kim", LSTM, "--score", 80, "--reason", "oral"),
        0,
    ),
    "undo": Case(lambda place: decided_class(place / "out"), by_hand("undo", "0c"), 0),
    "export --changed": Case(
        lambda place: exported_class(place / "out"),
        lambda place: ("export", "--format", "canvas", "--changed", "--out", place / "out"),
        0,
    ),
    "merge": Case(
        two_machines,
        lambda place: ("merge", place / "a", place / "b", "--out", place / "out"),
        1,
    ),
    "regrade": Case(
        lambda place: a_class(place / "out"),
        lambda place: ("regrade", "--out", place / "out"),
        1,
    ),
    "report": Case(
        lambda place: a_class(place / "out"),
        lambda place: ("report", "--out", place / "out"),
        1,
    ),
    "export": Case(
        lambda place: a_class(place / "out"),
        lambda place: ("export", "--format", "gradescope", "--out", place / "out"),
        0,
    ),
}


@pytest.fixture(autouse=True)
def _course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    monkeypatch.setenv("GRADER_COURSE", str(ROOT))
    monkeypatch.setenv("GRADER_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def files_in(place: Path) -> Iterator[Path]:
    yield from sorted(path for path in place.rglob("*") if path.is_file())


def state(place: Path) -> dict[str, Any]:
    """Everything on the disk that a later command or a person reads."""
    found: dict[str, Any] = {}
    for path in files_in(place):
        name = path.relative_to(place).as_posix()
        if path.name == "record.json":
            found[name] = json.loads(path.read_bytes())["record"]
        elif path.suffix in {".html", ".csv"} or "export" in path.parts:
            found[name] = path.read_bytes()
        elif "evidence" in path.parts:
            found[name] = "there"
        elif path.suffix == ".jsonl":
            found[name] = [told(json.loads(line)) for line in path.read_text().splitlines()]
    for out in ("out", "a", "b"):
        if (place / out / "grades.db").is_file():
            with closing(sqlite3.connect(place / out / "grades.db")) as base:
                rows = base.execute("SELECT student, exercise, score, key FROM grades")
                found[f"{out}/grades"] = sorted(rows)
    return found


def told(line: Any) -> Any:
    """What a line says, whenever and under whichever number it was written."""
    return {key: value for key, value in line.items() if key not in {"id", "at"}}


def half_written(place: Path) -> list[str]:
    """Files that a reader would find cut off."""
    cut = []
    for path in files_in(place):
        if TEMPORARY.fullmatch(path.name) or any(TEMPORARY.fullmatch(one) for one in path.parts):
            continue  # nobody reads these, and the next command removes them
        data = path.read_bytes()
        if path.suffix == ".html" and not data.rstrip().endswith(b"</html>"):
            cut.append(str(path))
        if path.name == "record.json" or ("export" in path.parts and path.suffix == ".json"):
            json.loads(data)
        if path.suffix == ".jsonl":
            assert [json.loads(line) for line in data.splitlines()]
        if path.suffix == ".csv" and not data.endswith(b"\n"):
            cut.append(str(path))
    return cut


def counting(place: Path) -> dict[str, float | None]:
    """Who has which grade; nothing may be unreadable."""
    store = Store(place)
    grades = {one.student: one.grade.score for one in store.latest()}
    assert store.warnings == []
    assert len(grades) == len(store.latest())
    for one in store.latest():
        assert store.load_execution(one.execution_key) is not None, "a record without its run"
    return grades


@pytest.mark.parametrize("name", CASES)
def test_a_killed_command_loses_nothing_and_the_same_again_finishes(
    name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    fresh, unharmed, struck = (tmp_path / one for one in ("fresh", "unharmed", "struck"))
    case.prepare(fresh)
    shutil.copytree(fresh, unharmed)
    end = run(unharmed, *case.arguments(unharmed))
    assert end.code == case.code
    assert end.changes >= 10, "there is nothing to strike at"
    wanted, before = state(unharmed), counting(fresh / "out")
    step = max(1, end.changes // POINTS)
    for moment in range(1, end.changes + 1, step):
        shutil.copytree(fresh, struck)
        assert run(struck, *case.arguments(struck), die_at=moment).code is None
        assert half_written(struck) == []
        assert counting(struck / "out").keys() >= before.keys(), f"lost at {moment}"
        again = run(struck, *case.arguments(struck))
        assert again.code == case.code
        assert state(struck) == wanted, f"killed before change {moment}"
        left = [path for path in struck.rglob("*") if TEMPORARY.fullmatch(path.name)]
        assert left == [], f"killed before change {moment}"
        shutil.rmtree(struck)


def test_a_wish_to_forget_outlives_a_kill(tmp_path: Path) -> None:
    """From the first line on no page names the student; the next command erases the rest."""
    fresh, unharmed, struck = (tmp_path / one for one in ("fresh", "unharmed", "struck"))
    decided_class(fresh / "out")
    forget = by_hand("forget", "kim", "--yes")
    shutil.copytree(fresh, unharmed)
    end = run(unharmed, *forget(unharmed))
    assert end.code == 0
    assert end.changes >= 10, "there is nothing to strike at"
    wanted = state(unharmed)
    assert naming(unharmed, "kim") == []
    step = max(1, end.changes // POINTS)
    for moment in range(1, end.changes + 1, step):
        shutil.copytree(fresh, struck)
        assert run(struck, *forget(struck), die_at=moment).code is None
        assert half_written(struck) == []
        asked = (struck / "out" / hand_file.NAME).read_text().count('"forget"')
        again = ("report", "--out", struck / "out") if asked else forget(struck)
        assert run(struck, *again).code == (1 if asked else 0)
        assert state(struck) == wanted, f"killed before change {moment}"
        assert naming(struck, "kim") == [], f"killed before change {moment}"
        shutil.rmtree(struck)


def naming(place: Path, name: str) -> list[str]:
    """Files that name somebody."""
    found = files_in(place)
    return [str(one) for one in found if name in one.name or name.encode() in one.read_bytes()]
