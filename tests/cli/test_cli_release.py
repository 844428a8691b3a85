"""``grader release``: all of the course, some exercises, a week, in one language."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.cli.release import ReleaseOptions, run_release
from grader.types import GraderError
from tests.support.course_help import course_of

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
WEEKS = f"[exercise.{LSTM}]\nweek = 3\n[exercise.{GRU}]\nweek = 4\n"


@pytest.fixture(autouse=True)
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    course_of(tmp_path / "course", "sequence-prediction", LSTM, GRU)
    (tmp_path / "course" / "course.toml").write_text(WEEKS)
    monkeypatch.delenv("GRADER_COURSE", raising=False)
    monkeypatch.chdir(tmp_path / "course")
    return tmp_path / "course"


def exercises(out: Path) -> set[str]:
    return {path.name for path in (out / "assignments").iterdir() if path.is_dir()}


def test_all_is_released_where_nothing_is_chosen(tmp_path: Path, capsys) -> None:
    assert run_release(ReleaseOptions(tmp_path / "out", "en")) == 0
    assert exercises(tmp_path / "out") == {"sequence-prediction", LSTM, GRU}
    assert "3" in capsys.readouterr().out


def test_a_week_is_what_the_course_has_in_it(tmp_path: Path, capsys) -> None:
    assert run_release(ReleaseOptions(tmp_path / "out", "en", week=4)) == 0
    assert exercises(tmp_path / "out") == {GRU}
    assert "1" in capsys.readouterr().out


@pytest.mark.parametrize("named", [(LSTM, LSTM), ("lstm으로 곱셈 문제 풀기",), (LSTM.upper(),)])
def test_exercises_are_those_that_are_named(tmp_path: Path, named: tuple[str, ...]) -> None:
    run_release(ReleaseOptions(tmp_path / "out", "en", exercises=named))
    assert exercises(tmp_path / "out") == {LSTM}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"week": 9}, "release.no_such_week"),
        ({"week": 3, "exercises": (LSTM,)}, "release.exercise_or_week"),
        ({"week": 3, "place": "gradescope"}, "release.place_takes_all"),
        ({"exercises": ("multiplication-ltsm",)}, "hand.no_exercise"),
    ],
)
def test_what_does_not_go_together_is_told_and_nothing_is_written(
    tmp_path: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(GraderError) as caught:
        run_release(ReleaseOptions(tmp_path / "out", "en", **options))  # type: ignore[arg-type]
    assert caught.value.message.id == said
    assert not (tmp_path / "out").exists()


def test_the_language_that_is_asked_for_is_the_readmes(tmp_path: Path) -> None:
    run_release(ReleaseOptions(tmp_path / "out", "ko"))
    assert "무엇을 받았는지" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert not (tmp_path / "out" / "README.en.md").exists()


def test_without_one_the_courses_own_comes_first_and_the_other_beside_it(
    tmp_path: Path, course: Path
) -> None:
    (course / "course.toml").write_text('language = "ko"\n')
    run_release(ReleaseOptions(tmp_path / "out", None))
    assert "무엇을 받았는지" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "What you received" in (tmp_path / "out" / "README.en.md").read_text("utf-8")
