"""In which order a batch is graded, and what is run once only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.course.exercises import Course
from grader.course.load import find_course, load_course
from grader.pipeline.order import MANY, code_digest, expected_seconds, groups
from grader.submission import Cell, HandedIn, Notebook, Submission
from grader.types import Message

ROOT = Path(__file__).parents[2]


def course() -> Course:
    return load_course(find_course(ROOT))


def notebook(*sources: str) -> Notebook:
    cells = tuple(Cell(index, source) for index, source in enumerate(sources, start=1))
    return Notebook(cells, None, "unused")


def submission(name: str, *sources: str, exercise: str = "multiplication-gru") -> Submission:
    path = Path("/nowhere") / name
    return Submission(name, name, path, (exercise,), notebook(*sources), None, name)


def names(found: list[tuple[Submission, ...]]) -> list[list[str]]:
    return [[one.name for one in group] for group in found]


def test_the_code_digest_is_one_group_and_its_first_submission_runs() -> None:
    batch = [submission("ann", "x = 1"), submission("bob", "x = 2"), submission("cat", "x = 1")]
    assert names(groups(course(), batch)) == [["ann", "cat"], ["bob"]]


@pytest.mark.parametrize(
    ("code", "like_it"),
    [
        ("x = 1\ny = 2", "x = 1\u2028y = 2"),  # a line's end to an editor, an error to Python
        ("x = 1 + \\\n2", "x = 1 + \\ \n2"),  # a space that nobody sees, and an error again
        ('x = """a\nb"""', 'x = """a \nb"""'),
    ],
)
def test_code_that_only_looks_the_same_decides_about_nobody_elses(code: str, like_it: str) -> None:
    """Whoever comes first runs for all: a copy that fails would take the points of the original."""
    batch = [submission("aaa", like_it), submission("kim", code)]
    assert len(groups(course(), batch)) == len(batch)


def test_what_was_typed_into_a_cell_is_part_of_what_runs() -> None:
    asks, kim = "epochs = int(input())", submission("kim", "x = 1")
    typed = (replace(kim, notebook=_typed(asks, said)) for said in ("100", "1"))
    assert len(groups(course(), list(typed))) == len(("100", "1"))


def _typed(source: str, said: str) -> Notebook:
    return Notebook((Cell(1, source, said),), None, "unused")


def test_a_notebook_in_another_language_is_another_one() -> None:
    kim = submission("kim", "x = 1")
    assert kim.notebook is not None
    other = replace(kim, name="aaa", notebook=replace(kim.notebook, language="R"))
    assert len(groups(course(), [other, kim])) == len([other, kim])


def test_a_comment_makes_code_different_since_tracebacks_would_show_it() -> None:
    assert code_digest(notebook("x = 1  # Ann")) != code_digest(notebook("x = 1"))


def test_another_place_makes_code_different_since_feedback_names_the_cell() -> None:
    moved = replace(notebook("x = 1"), cells=(Cell(2, "x = 1"),))
    assert code_digest(moved) != code_digest(notebook("x = 1"))


def test_the_code_digest_for_another_exercise_is_run_of_its_own() -> None:
    batch = [submission("ann", "x = 1"), submission("bob", "x = 1", exercise="char-text")]
    assert len(groups(course(), batch)) == len(batch)


def test_the_code_digest_beside_other_files_is_run_of_its_own() -> None:
    ann, bob = submission("ann", "import helper"), submission("bob", "import helper")
    file = HandedIn("helper.py", Path("/nowhere/helper.py"), (), "0" * 64)
    same = replace(file, path=Path("/elsewhere/helper.py"))
    assert len(groups(course(), [replace(ann, files=(file,)), bob])) == len([ann, bob])
    assert len(groups(course(), [replace(ann, files=(file,)), replace(bob, files=(same,))])) == 1


def test_what_cannot_be_read_is_never_grouped_and_comes_last() -> None:
    broken = replace(submission("ann"), notebook=None, problem=Message("collect.empty_file"))
    batch = [broken, replace(broken, name="bob"), submission("cat", "x = 1")]
    assert names(groups(course(), batch)) == [["cat"], ["ann"], ["bob"]]


def test_a_sample_with_limits_of_its_own_is_never_grouped() -> None:
    known = course()
    exercise = next(e for e in known.exercises.values() if e.sample_limits)
    assert known.reference is not None
    sample = known.reference / exercise.id / "submissions" / next(iter(exercise.sample_limits))
    one = replace(submission("ann", "x = 1", exercise=exercise.id), path=sample)
    other = submission("bob", "x = 1", exercise=exercise.id)
    assert len(groups(known, [one, other])) == len([one, other])


def test_the_longest_expected_comes_first() -> None:
    known = course()
    batch = [submission(one, "x = 1", exercise=one) for one in known.exercises]
    seconds = [expected_seconds(known)(group[0]) for group in groups(known, batch)]
    assert seconds == sorted(seconds, reverse=True)
    assert len(set(seconds)) > 1


def test_who_hands_in_far_more_than_there_are_exercises_takes_nobodys_time() -> None:
    """A job with a budget begins nothing after it: fifty endless notebooks would be all it does."""
    usual = MANY * len(course().exercises)
    flood = [
        replace(submission(f"m{number}", f"x = {number}"), student="mallory")
        for number in range(usual + 5)
    ]
    kim = submission("kim", "y = 1", exercise="sequence-prediction")  # the shortest of all
    found = [one.student for (one,) in groups(course(), [*flood, kim])]
    assert found == [*["mallory"] * usual, "kim", *["mallory"] * 5]


def test_a_notebook_of_unnamed_exercises_may_hold_all_of_them() -> None:
    known = course()
    chapter = replace(submission("ann", "x = 1"), exercises=None)
    assert expected_seconds(known)(chapter) >= max(
        expected_seconds(known)(submission("bob", exercise=one)) for one in known.exercises
    )
