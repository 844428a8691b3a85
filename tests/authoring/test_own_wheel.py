"""The grader's own wheel, which a release hands out."""

from __future__ import annotations

import io
import re
import tomllib
import zipfile
from decimal import Decimal
from email.parser import Parser
from pathlib import Path

import pytest

from grader import __version__
from grader.authoring import own_wheel as module
from grader.authoring.around import README
from grader.authoring.bundle import Plan, release
from grader.authoring.own_wheel import GRADER, own_wheel
from grader.authoring.release import BEGIN, END
from grader.course.load import load_course
from tests.support.course_help import course_of

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TEMPLATE = "grader/authoring/template/solution.py.in"
ABOUT = f"rnn_grader-{__version__}.dist-info"


@pytest.fixture(scope="module")
def inside() -> dict[str, str]:
    made = own_wheel()
    assert made is not None
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def test_it_holds_the_package_as_it_runs_and_nothing_beside_it(inside: dict[str, str]) -> None:
    for name in ("grader/__init__.py", "grader/live/checking.py", "grader/locale/ko/live.po"):
        assert inside[name] == (ROOT / name).read_text("utf-8")
    assert all(name.startswith(("grader/", f"{ABOUT}/")) for name in inside)
    assert not [name for name in inside if "__pycache__" in name or "/." in name]
    assert "MIT" in inside[f"{ABOUT}/licenses/LICENSE"]


def given_away(inside: dict[str, str]) -> set[str]:
    """Which of a course's thresholds, and of the lines that only solutions have, stand there."""
    thresholds, answers = set[Decimal](), set[str]()
    common = {line.strip() for line in inside[TEMPLATE].splitlines()}  # of any solution
    for exercise in load_course(ROOT).exercises.values():
        assert exercise.expectation is not None
        assert exercise.reference_path is not None
        for entry in exercise.expectation.thresholds:
            shown = Decimal(repr(entry.value or 0.0)).normalize()
            if len(shown.as_tuple().digits) >= 3:  # others stand in any program
                thresholds.add(shown)
        between, given = (exercise.reference_path / "solution.py").read_text(), set[str]()
        for number, part in enumerate(re.split(f"{re.escape(BEGIN)}|{re.escape(END)}", between)):
            (answers if number % 2 else given).update(
                line.strip() for line in part.splitlines() if len(line.strip()) >= 12
            )
        answers -= given | common
    found = set()
    for name, text in inside.items():
        numbers = {Decimal(one).normalize() for one in re.findall(r"(?<![\w.])\d+\.\d+", text)}
        lines = {line.strip() for line in text.splitlines()}
        found |= {f"{name}: {one}" for one in (thresholds & numbers) | (answers & lines)}
    return found


def test_it_holds_no_threshold_and_no_line_of_a_solution(inside: dict[str, str]) -> None:
    assert given_away(inside) == set()


def test_a_search_of_it_would_find_them(inside: dict[str, str]) -> None:
    lstm = load_course(ROOT).exercises["multiplication-lstm"]
    assert lstm.expectation is not None
    line = "    tf.keras.layers.LSTM(30, return_sequences=True),"
    told = f"ENOUGH = {lstm.expectation.thresholds[0].value}\n{line}\n"
    found = given_away({**inside, "grader/planted.py": told})
    assert len(found) == 2
    assert all(one.startswith("grader/planted.py: ") for one in found)


def test_it_asks_for_what_the_project_asks_for(inside: dict[str, str]) -> None:
    told = Parser().parsestr(inside[f"{ABOUT}/METADATA"])
    assert (told["Name"], told["Version"]) == (PROJECT["name"], __version__)
    assert told["Requires-Python"] == PROJECT["requires-python"]
    asked = told.get_all("Requires-Dist", [])
    assert asked[: len(PROJECT["dependencies"])] == PROJECT["dependencies"]
    assert told.get_all("Provides-Extra") == list(PROJECT["optional-dependencies"])
    assert "ipykernel>=6.17; extra == 'run'" in asked
    linux = "tensorflow[and-cuda]>=2.18; (sys_platform == 'linux') and extra == 'gpu'"
    assert linux in asked


def test_its_program_is_the_projects(inside: dict[str, str]) -> None:
    assert (
        inside[f"{ABOUT}/entry_points.txt"] == "[console_scripts]\ngrader = grader.__main__:main\n"
    )


def test_the_same_package_gives_the_same_bytes() -> None:
    own_wheel.cache_clear()
    first = own_wheel()
    own_wheel.cache_clear()
    assert own_wheel() == first


def test_where_nobody_knows_what_it_needs_students_are_told_who_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course_of(tmp_path / "course", "sequence-prediction")
    course = load_course(tmp_path / "course")
    release(course, tmp_path / "with")
    assert (tmp_path / "with" / GRADER).read_bytes() == own_wheel()
    assert "Your teacher gives you" not in (tmp_path / "with" / README).read_text("utf-8")
    monkeypatch.setattr(module, "PACKAGE", tmp_path / "elsewhere" / "grader")
    monkeypatch.setattr(module, "__version__", "9.9")  # installed is another one
    own_wheel.cache_clear()
    try:
        release(course, tmp_path / "without", Plan(languages=("en",)))
    finally:
        own_wheel.cache_clear()
    assert not (tmp_path / "without" / GRADER).exists()
    assert "Your teacher gives you" in (tmp_path / "without" / README).read_text("utf-8")
