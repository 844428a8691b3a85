"""The grader's own wheel, which a release hands out."""

from __future__ import annotations

import io
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from grader import __version__
from grader.authoring import own_wheel as module
from grader.authoring.around import README
from grader.authoring.bundle import Plan, release
from grader.authoring.own_wheel import GRADER, own_wheel
from grader.course.load import load_course
from tests.support.course_help import course_of

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
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
