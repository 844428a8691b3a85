"""Whatever is exported as a table, pandas reads: numbers as numbers, names as text.

Parquet needs a package that no test installs: ``make parquet`` asks for it here.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

from grader.record.store import Store
from grader.report.gradebook import NUMBERS, WHOLE
from tests.cli.test_cli_by_hand import by_hand
from tests.cli.test_cli_export import ABOUT
from tests.support import builders as b
from tests.support import class_of_thirty as c
from tests.support.cli_help import Shell
from tests.support.exporting import OF_TEXT

FORMULA = "=cmd|' /C calc'!A0"
NO_PARQUET = importlib.util.find_spec("pyarrow") is None


@pytest.fixture
def shell(shell: Shell, tmp_path: Path) -> Shell:
    """A class of thirty, somebody whose name is a formula, a score by hand, a fault of ours."""
    c.keep_graded(shell.out, c.canvas_zip(tmp_path / "in"))
    store = Store(shell.out)
    store.save(b.record(FORMULA, c.EXERCISE))
    store.save(b.ungraded("waiting", c.EXERCISE))
    said = by_hand(
        *(shell, "override", c.CLASS[0].student, c.EXERCISE, "--score", 80, "--reason", "oral")
    )
    assert said.code in {0, 1, 3}
    said = by_hand(shell, "excuse", c.CLASS[1].student, c.EXERCISE, "--reason", "was ill")
    assert said.code in {0, 1, 3}
    return shell


def export(shell: Shell, form: str, *arguments: object) -> Path:
    shell("export", "--format", form, "--out", shell.out, "--lang", "en", *arguments)
    return shell.out / "export" / form


def test_grades_csv(shell: Shell) -> None:
    table = pd.read_csv(shell.out / "grades.csv")
    assert len(table) == 32  # 30 hand-ins of the zip, two of them earlier ones, and two more
    assert {name for name in NUMBERS | WHOLE if table[name].dtype.kind not in "if"} <= {"waiting"}
    assert table["counts"].dtype == bool
    first = table[table["student"] == c.CLASS[0].student].iloc[0]
    assert (first["score"], first["found_score"]) == (80.0, c.points_of(c.CLASS[0]))
    assert f"'{FORMULA}" in set(table["student"])
    assert table["score"].isna().sum() == 2  # excused, and ours
    graded = table[table["verdict"] == "wrong_data"]
    assert (graded["points_runs"] == 10).all()
    assert (graded["points_runs"] + graded["points_structure"] == graded["found_score"]).all()


def test_people_csv(shell: Shell, tmp_path: Path) -> None:
    shell("report", "--out", shell.out, "--roster", c.canvas_roster(tmp_path))
    table = pd.read_csv(shell.out / "people.csv")
    assert table["on_roster"].sum() == 30
    assert (table["state"] == "nothing").sum() == 3


def test_canvas(shell: Shell, tmp_path: Path) -> None:
    place = export(shell, "canvas", "--roster", c.canvas_roster(tmp_path))
    table = pd.read_csv(place / "canvas.csv", skiprows=[1])  # Canvas' own second line
    points = pd.to_numeric(table[f"{c.TITLE} (777)"], errors="coerce")
    assert points.notna().sum() == 26
    assert points.max() <= 10
    assert len(pd.read_csv(place / "people.csv")) == 33
    decided = pd.read_csv(place / "by-hand.csv")
    assert len(decided) == 2


def test_moodle(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "other"  # a class has one system
    c.keep_graded(out, c.moodle_zip(tmp_path / "moodle"))
    roster = c.moodle_worksheet(tmp_path)
    shell("export", "--format", "moodle", "--out", out, "--roster", roster)
    table = pd.read_csv(out / "export" / "moodle" / "moodle.csv")
    assert table["Grade"].dtype == float
    assert table["Grade"].notna().sum() == 27


def test_nbgrader(shell: Shell) -> None:
    table = pd.read_csv(export(shell, "nbgrader") / "nbgrader.csv")
    assert len(table) == 30
    assert table["score"].dtype == float


@pytest.mark.parametrize("form", OF_TEXT)
def test_whatever_file_an_exporter_writes(shell: Shell, tmp_path: Path, form: str) -> None:
    about = tmp_path / "about.json"
    about.write_text(json.dumps(ABOUT), "utf-8")
    key = ("--key", "username") if form == "moodle" else ()
    place = export(shell, form, "--about", about, *key)
    files = [path for path in place.rglob("*") if path.is_file()]
    assert (place / "by-hand.csv") in files
    asked = []
    for path in files:
        if path.suffix == ".csv":
            assert len(pd.read_csv(path).columns) > 1
        else:
            asked.append(pd.json_normalize(json.loads(path.read_text("utf-8")), "tests"))
    names = {"name", "test-name"}  # of checks, where there are any
    assert not asked or names & {*pd.concat(asked)}
    assert len(files) > 1


def test_json_of_other_systems(shell: Shell) -> None:
    place = export(shell, "gradescope")
    tests = [
        pd.json_normalize(json.loads(path.read_text("utf-8")), "tests")
        for path in place.rglob("results.json")
    ]
    assert len(tests) == 30
    assert {"name", "score", "max_score"} <= set(pd.concat(tests))


def test_what_report_prints(shell: Shell) -> None:
    said = shell("report", "--out", shell.out, "--format", "json")
    table = pd.json_normalize(json.loads(said.out), "results")
    assert len(table) == 32
    assert table["score"].dtype == float


@pytest.mark.parametrize(("name", "lines"), [("by-hand.jsonl", 2), ("exported.jsonl", 1)])
def test_lines_of_json(shell: Shell, name: str, lines: int) -> None:
    export(shell, "nbgrader")
    table = pd.read_json(shell.out / name, lines=True)
    assert len(table) == lines
    assert "at" in table


@pytest.mark.skipif(NO_PARQUET, reason="pyarrow is not installed")
def test_parquet(shell: Shell) -> None:
    table = pd.read_parquet(export(shell, "parquet") / "grades.parquet")
    text = pd.read_csv(shell.out / "grades.csv", keep_default_na=False, dtype=str)
    assert list(table["student"]) == list(text["student"])
    assert list(table.columns) == list(text.columns)[:-1]
    assert all(table[name].dtype == float for name in NUMBERS)
    assert all(table[name].dtype.kind in "if" for name in WHOLE)
    assert table["counts"].dtype == bool
    assert table["score"].isna().sum() == 2
    assert f"'{FORMULA}" in set(table["student"])
    for name in NUMBERS:
        assert [str(one) for one in table[name].dropna()] == [
            str(float(one)) for one in text[name] if one
        ]


@pytest.mark.skipif(not NO_PARQUET, reason="pyarrow is installed")
def test_parquet_without_its_package_names_the_extra(shell: Shell) -> None:
    said = shell("export", "--format", "parquet", "--out", shell.out, "--lang", "en")
    assert said.code == 2
    assert 'pip install "rnn-grader[parquet]"' in said.line
    assert not (shell.out / "export").exists()
