"""A check where nothing of the course is but its public half: its own package, or that folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from grader.authoring.bundle import Plan, release
from grader.authoring.own_wheel import GRADER
from grader.authoring.public import public_files
from grader.cli import course as courses
from grader.cli.course import course_around, course_to_check_with
from grader.course.data import room_files
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.course.public import FOLDER, public_half, read_public
from grader.types import GraderError
from tests.support.cli_help import ROOT
from tests.support.course_help import course_of

DRAWN, LOOKED_UP = "sequence-prediction", "sentiment-embedding"
SAMPLE = f"reference/{DRAWN}/submissions/wrong_architecture/five_units.ipynb"
SETTINGS = 'packages = ["tqdm"]\nold_api = "refuse"\ntrainings = "trainer"\nlanguage = "ko"\n'


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course of the instructor's, which says what is not usual of its runs."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(ROOT / "reference" / "data", folder / "reference" / "data")
    course_of(folder, DRAWN, LOOKED_UP)
    (folder / "course.toml").write_text(f'{SETTINGS}exercises = ["{DRAWN}"]\n', "utf-8")
    return load_course(folder)


@pytest.fixture(scope="module")
def package(whole: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the course's own package is installed."""
    folder = tmp_path_factory.mktemp("installed")
    for name, content in public_files(whole, alone=True).items():
        path = folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a notebook and nothing else, far from any course."""
    monkeypatch.delenv("GRADER_COURSE", raising=False)
    monkeypatch.setattr(courses, "PACKAGE", tmp_path / "nowhere" / "grader")
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(ROOT / SAMPLE, folder / f"{DRAWN}.ipynb")
    monkeypatch.chdir(folder)
    return folder


def to_check_with(folder: Path, profile: str | None = None, *, own: bool = True) -> Course:
    return course_to_check_with([folder / f"{DRAWN}.ipynb"], folder, profile, own=own)


def test_without_any_course_it_is_said_what_is_missing_and_what_to_do(empty: Path) -> None:
    with pytest.raises(GraderError) as caught:
        to_check_with(empty)
    assert caught.value.message.id == "cli.check_no_course"


def test_the_installed_course_asks_what_the_whole_one_asks(
    empty: Path, whole: Course, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package))
    found = to_check_with(empty)
    theirs = public_half(whole, read_public(package / FOLDER))
    assert list(found.exercises) == list(theirs.exercises)
    for key, exercise in theirs.exercises.items():
        for asked in ("points", "layers", "epochs", "min_epochs", "family", "data", "unasked"):
            assert getattr(found.exercises[key], asked) == getattr(exercise, asked)
    assert found.public == package / FOLDER
    assert found.reference is None


@pytest.mark.parametrize(
    "said", ["language", "owed", "profile", "packages", "old_api", "asks_trainer", "hints"]
)
def test_what_the_course_says_of_a_run_holds_there_too(
    said: str, empty: Path, whole: Course, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package))
    assert getattr(to_check_with(empty), said) == getattr(whole, said)


def test_a_notebook_finds_the_files_that_lie_beside_it_elsewhere(
    empty: Path, whole: Course, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package))
    course = to_check_with(empty)
    found = room_files(course, course.exercises.values())
    folder = whole.exercises[LOOKED_UP].assignment_path
    names = ("reviews.npz", "word_index.json")
    assert found == {name: (folder / name).read_bytes() for name in names}


def test_a_file_that_is_not_carried_is_left_to_the_notebooks_own_folder(
    empty: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (package / FOLDER).rglob("*"):
        if path.is_file() and path.name != "reviews.npz":
            there = empty / path.relative_to(package)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, there)
    course = to_check_with(empty)
    assert course.public == empty / FOLDER
    assert room_files(course, course.exercises.values()).keys() == {"word_index.json"}


def test_the_folder_itself_will_do_where_one_stands_and_never_around_what_is_handed_in(
    empty: Path, package: Path
) -> None:
    shutil.copytree(package / FOLDER, empty / FOLDER)
    assert to_check_with(empty).public == empty / FOLDER
    with pytest.raises(GraderError) as caught:
        to_check_with(empty, own=False)
    assert caught.value.message.id == "cli.check_no_course"


def test_the_whole_course_around_the_notebook_goes_before_the_installed_one(
    empty: Path, whole: Course, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package))
    notebook = whole.root / "assignments" / DRAWN / f"{DRAWN}.ipynb"
    assert course_around([empty / f"{DRAWN}.ipynb", notebook]).root == whole.root


def test_sizes_that_it_does_not_have_are_refused_by_name(
    empty: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package))
    with pytest.raises(GraderError) as caught:
        to_check_with(empty, "full")
    assert caught.value.message.args == {"profile": "full", "known": "laptop"}


def test_what_is_released_can_stand_alone(whole: Course, tmp_path: Path) -> None:
    release(whole, tmp_path / "bundle", Plan((LOOKED_UP,)))
    public = read_public(tmp_path / "bundle" / FOLDER)
    assert public.beside[LOOKED_UP].keys() == {"reviews.npz", "word_index.json"}


def installed_in(folder: Path) -> Path:
    """An environment of a student's own, with everything but the grader; where packages lie."""
    venv.create(folder, symlinks=True)
    (place,) = folder.glob("lib/python*/site-packages")
    others = [one for one in map(Path, sys.path) if one.name == "site-packages"]
    lines = [f"import sys; sys.path.append({str(one)!r})\n" for one in others]  # nothing editable
    (place / "others.pth").write_text("".join(lines), "utf-8")
    return place


@pytest.mark.real
def test_from_the_two_packages_alone_a_notebook_that_names_its_exercise_is_checked(
    tmp_path: Path,
) -> None:
    release(load_course(ROOT), tmp_path / "bundle", Plan((DRAWN, LOOKED_UP)))
    packages = [tmp_path / "bundle" / GRADER, *(tmp_path / "bundle").glob("grader_course-*.whl")]
    assert len(packages) == 2
    place = installed_in(tmp_path / "own")
    for one in packages:
        shutil.unpack_archive(one, place, "zip")
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(ROOT / SAMPLE, folder / f"{DRAWN}.ipynb")
    handed_out = tmp_path / "bundle" / "assignments" / LOOKED_UP / f"{LOOKED_UP}.ipynb"
    shutil.copy(handed_out, folder / "mine.ipynb")  # it says in itself which exercise it is
    shutil.rmtree(tmp_path / "bundle")
    rest = {k: v for k, v in os.environ.items() if k not in {"GRADER_COURSE", "PYTHONPATH"}}
    done = subprocess.run(
        [tmp_path / "own/bin/python", "-m", "grader", "check", ".", "--fast", "--lang", "en"],
        cwd=folder,
        env={**rest, "HOME": str(tmp_path / "home"), "COLUMNS": "300"},  # no line is broken
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 1, done.stderr
    assert "Layer 1 should be SimpleRNN(10" in done.stdout
    assert "Film reviews: Embedding and LSTM: No model found" in done.stdout
    assert "All code cells ran without an error (6)" in done.stdout  # reviews.npz was there
