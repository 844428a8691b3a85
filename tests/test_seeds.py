"""The course secret and the seeds that follow from it."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.seeds import course_secret, derive, hidden_seed, secret_path, training_seed
from grader.types import GraderError

SECRET = b"a" * 32
TEXT = st.text(alphabet=st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]))


@given(TEXT, TEXT, st.integers(1, 9))
def test_the_same_parts_give_the_same_seed(student: str, notebook: str, attempt: int) -> None:
    first = training_seed(SECRET, student, notebook, attempt)
    assert first == training_seed(SECRET, student, notebook, attempt)


@given(st.lists(TEXT | st.integers(), max_size=4))
def test_every_seed_fits_any_generator(parts: list[str | int]) -> None:
    assert 0 <= derive(SECRET, *parts) < 2**31


def test_seeds_are_spread_over_their_range() -> None:
    seeds = [training_seed(SECRET, f"student-{n}", "lstm", 1) for n in range(2000)]
    assert len(set(seeds)) == 2000
    above = sum(seed >= 2**30 for seed in seeds)
    assert 900 < above < 1100  # binomial: 1000 +- 22, so beyond four deviations


@pytest.mark.parametrize(
    "other",
    [
        training_seed(SECRET, "lee", "lstm", 1),
        training_seed(SECRET, "kim", "gru", 1),
        training_seed(SECRET, "kim", "lstm", 2),
        training_seed(b"b" * 32, "kim", "lstm", 1),
    ],
    ids=["student", "notebook", "attempt", "secret"],
)
def test_another_student_notebook_attempt_or_secret_gives_another_seed(other: int) -> None:
    assert other != training_seed(SECRET, "kim", "lstm", 1)


def test_parts_never_run_together() -> None:
    assert derive(SECRET, "ab", "c") != derive(SECRET, "a", "bc")
    assert derive(SECRET, "a") != derive(SECRET, "a", "")


def test_the_hidden_data_are_the_same_for_every_student() -> None:
    assert hidden_seed(SECRET, "lstm") == hidden_seed(SECRET, "lstm")
    assert hidden_seed(SECRET, "lstm") != hidden_seed(SECRET, "gru")
    assert hidden_seed(SECRET, "lstm") != training_seed(SECRET, "hidden", "lstm", 1)


# --- the file --------------------------------------------------------------------------------


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    assert course_secret(path) == course_secret(path)
    assert course_secret(path) != course_secret(tmp_path / "another")
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of another kind")
def test_the_secret_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        course_secret(tmp_path / "secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_graders_that_start_together_share_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: course_secret(path), range(64)))
    assert len(found) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


def test_the_secret_is_not_the_files_own_text(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert course_secret(path).hex() not in path.read_text()
    assert len(course_secret(path)) == 32


def test_a_line_end_after_the_secret_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("s" * 40)
    (tmp_path / "b").write_text("s" * 40 + "\n")
    assert course_secret(tmp_path / "a") == course_secret(tmp_path / "b")


@pytest.mark.parametrize("text", ["", "\n", "short", "x" * 31])
def test_a_secret_that_is_too_short_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    with pytest.raises(GraderError) as caught:
        course_secret(tmp_path / "secret")
    assert caught.value.message.id == "seeds.too_short"


def test_a_secret_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(GraderError) as caught:
        course_secret(tmp_path / "folder")
    assert caught.value.message.id == "seeds.unreadable"


def test_the_place_of_the_secret_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_SECRET_FILE", str(tmp_path / "named"))
    assert secret_path() == tmp_path / "named"
    monkeypatch.delenv("GRADER_SECRET_FILE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert secret_path().is_relative_to(tmp_path)
