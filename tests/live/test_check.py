"""A check in a notebook finds its course, takes any id, and never raises."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from grader import check
from grader.authoring.bundle import Plan, release
from grader.cli.course import course_to_check_with, open_course, open_words
from grader.course.called import exercises_asked
from grader.course.load import load_course
from grader.course.public import FILE, FOLDER, read_public
from grader.live import checking, course
from tests.support.course_help import course_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released")
    release(load_course(ROOT), folder / "bundle")
    return folder / "bundle"


@pytest.fixture
def bundle(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's folder, and a notebook open in it."""
    shutil.copytree(released, tmp_path / "bundle")
    notebook = tmp_path / "bundle" / "assignments" / "multiplication-lstm"
    monkeypatch.delenv("GRADER_COURSE", raising=False)
    monkeypatch.setattr(course, "BESIDE", tmp_path / "nowhere")
    monkeypatch.chdir(notebook)
    return tmp_path / "bundle"


def test_the_package_offers_check() -> None:
    import grader

    assert grader.check is check
    assert "check" in grader.__all__
    with pytest.raises(AttributeError, match="chekc"):
        grader.chekc  # noqa: B018


def test_a_notebook_without_a_model_is_not_wrong(bundle: Path) -> None:
    X, Y, steps = [1], [2], 3  # noqa: F841, N806 - the notebook's names
    answer = check("multiplication-lstm", lang="en")
    assert not answer.problem
    assert "nothing to count yet" in repr(answer)
    assert " of 3" not in repr(answer)
    assert "✗" not in repr(answer)
    assert repr(answer).count("Not attempted yet") == 3
    assert "steps" not in repr(answer)
    assert "accuracy on new data" in repr(answer)
    assert "passed" not in repr(answer).lower()


def test_the_other_language_says_the_same(bundle: Path) -> None:
    english, korean = (check("multiplication-lstm", lang=lang) for lang in ("en", "ko"))
    assert [line.mark for line in english.lines] == [line.mark for line in korean.lines]
    assert "아직 시작하지 않음" in repr(korean)
    assert len(english.hints) == len(korean.hints)


def test_the_courses_language_counts_where_none_is_asked_for(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = json.loads((bundle / FOLDER / FILE).read_text("utf-8"))
    (bundle / FOLDER / FILE).write_text(json.dumps({**table, "language": "ko"}))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert "아직" in repr(check("multiplication-lstm"))
    (bundle / FOLDER / FILE).write_text(json.dumps({**table, "language": None}))
    assert "Not attempted" in repr(check("multiplication-lstm"))
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert "아직" in repr(check("multiplication-lstm"))


@pytest.mark.parametrize(
    ("plan", "course_toml", "language"),
    [
        (Plan(languages=("ko",)), "", "ko"),
        (Plan(languages=("ko",)), 'language = "en"\n', "en"),
        (None, 'language = "ko"\n', "ko"),
        (None, "", None),
    ],
)
def test_a_release_in_one_language_is_checked_in_it(
    plan: Plan | None,
    course_toml: str,
    language: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = course_of(tmp_path / "course", "sequence-prediction")
    if course_toml:
        (made.root / "course.toml").write_text(course_toml)
        made = load_course(made.root)
    out = tmp_path / "bundle"
    release(made, out, plan)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setenv("GRADER_COURSE", str(out))
    asked, _ = read_public(out / FOLDER).language, monkeypatch.chdir(out)
    assert asked == language
    korean = language == "ko"
    assert ("아직" in repr(check("sequence-prediction"))) is korean
    for opened in (open_course(), course_to_check_with((out,), tmp_path / "made")):
        assert (open_words(opened, None).lang == "ko") is korean
        assert open_words(opened, "en").lang == "en"


@pytest.mark.parametrize(
    "called",
    [
        "sequence-prediction",
        " Sequence-Prediction ",
        "Sequence prediction with SimpleRNN",
        "sequence prediction with simpleRNN",
        load_course(ROOT).exercises["sequence-prediction"].title.ko,
    ],
)
def test_an_exercise_is_found_by_whatever_the_command_line_takes(bundle: Path, called: str) -> None:
    assert check(called, lang="en").exercise == "sequence-prediction"
    assert exercises_asked(load_course(ROOT), [called]) == ("sequence-prediction",)


def test_several_exercises_are_none(bundle: Path) -> None:
    assert check("multiplication-lstm,multiplication-gru", lang="en").problem


def test_a_mistyped_exercise_is_told_what_was_meant(bundle: Path) -> None:
    assert "multiplication-lstm" in check("multiplication-lsmt", lang="en").problem
    assert "sequence-prediction?" in check("Sequence prediction with RNN", lang="en").problem
    known = check("zzz", lang="en").problem
    assert "multiplication-lstm, multiplication-gru" in known
    assert "grader list" not in known


@pytest.mark.parametrize("exercise", [None, 7, "", "\x1b[31m" * 200])
def test_whatever_is_asked_for_is_answered(bundle: Path, exercise: Any) -> None:
    answer = check(exercise, lang="en")
    assert answer.problem.startswith("There is no exercise ")
    assert len(answer.problem) < 2000
    assert "\x1b" not in answer.problem


def test_an_unknown_language_is_said(bundle: Path) -> None:
    assert "ko, en" in check("multiplication-lstm", lang="fr").problem


def test_a_folder_from_before_checks_in_notebooks_says_that_it_is_old(bundle: Path) -> None:
    shutil.rmtree(bundle / FOLDER)
    assert "old one" in check("multiplication-lstm", lang="en").problem


def test_without_any_course_it_says_where_to_open_the_notebook(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "not here" in check("multiplication-lstm", lang="en").problem


def test_files_of_another_version_are_noted_and_used(bundle: Path) -> None:
    path = bundle / FOLDER / FILE
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "grader": "0.0.1"}))
    answer = check("multiplication-lstm", lang="en")
    assert answer.asked == 3
    assert "version 0.0.1" in repr(answer)


def test_an_installed_course_is_found_from_anywhere(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packed,) = bundle.glob("grader_course-*.whl")
    shutil.unpack_archive(packed, tmp_path / "site", "zip")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    assert check("multiplication-lstm", lang="en").asked == 3


def test_in_an_instructors_checkout_the_same_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course_of(tmp_path / "course", "sequence-prediction")
    monkeypatch.delenv("GRADER_COURSE", raising=False)
    monkeypatch.chdir(tmp_path / "course" / "assignments")
    assert check("sequence-prediction", lang="en").asked == 3
    assert "sequence-prediction" in check("multiplication-lstm", lang="en").problem


def test_only_as_many_hints_are_given_as_the_course_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course_of(tmp_path / "course", "sequence-prediction")
    (tmp_path / "course" / "course.toml").write_text("hints = 0\n")
    monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "course"))
    answer = check("sequence-prediction", lang="en")
    assert answer.hints == ()
    assert "→" not in repr(answer)
    assert repr(answer.hint()) == "There are no more hints."


def test_a_fault_of_ours_stops_no_notebook_and_is_told_as_one(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("by us")

    monkeypatch.setattr(checking, "evidence_of", broken)
    told = check("multiplication-lstm", lang="en").problem
    assert "ZeroDivisionError: by us" in told
    assert "nothing about your work" in told
