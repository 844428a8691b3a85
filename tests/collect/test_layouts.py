"""Whose notebook it is and which exercise it answers, from its path alone."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest

from grader.collect.layouts import PathNames, read_path

IDS = frozenset({"multiplication-lstm", "char-text"})


def at(path: str, *above: str) -> PathNames:
    return read_path(PurePosixPath(path), above, IDS)


@pytest.mark.parametrize(
    ("path", "student", "exercise"),
    [
        ("kim/multiplication-lstm.ipynb", "kim", "multiplication-lstm"),
        ("kim/char-text/char-text.ipynb", "kim", "char-text"),
        ("kim/multiplication-lstm.IPYNB", "kim", "multiplication-lstm"),
        ("kim/chapter.ipynb", "kim", None),
        ("kim/week 1/chapter.ipynb", "kim", None),
        ("kim.ipynb", "kim", None),
        ("kim/homework.ipynb", "kim", None),
        ("kim__multiplication-lstm.ipynb", "kim", "multiplication-lstm"),
        ("kim/lee__char-text.ipynb", "kim", "char-text"),
        ("kim__lee__char-text.ipynb", "kim__lee", "char-text"),
        ("kim__nonsense.ipynb", "kim__nonsense", None),
        ("__char-text.ipynb", "__char-text", "char-text"),
        ("char-text/kim.ipynb", "kim", "char-text"),
        ("char-text/kim/answer.ipynb", "kim", "char-text"),
    ],
)
def test_folders_of_students_and_of_exercises(path, student, exercise):
    assert at(path) == PathNames(student, exercise)


@pytest.mark.parametrize(
    ("path", "exercise"),
    [
        ("submitted/kim/char-text/problem1.ipynb", "char-text"),
        ("submitted/kim/ps1/char-text.ipynb", "char-text"),
        ("submitted/kim/ps1/problem1.ipynb", None),
    ],
)
def test_nbgrader_s_student_is_the_folder_below_submitted(path, exercise):
    assert at(path) == PathNames("kim", exercise)
    assert at(path.removeprefix("submitted/"), "course", "submitted") == PathNames("kim", exercise)


@pytest.mark.parametrize(
    ("name", "student", "exercise"),
    [
        ("kimminjun_12_345_char-text.ipynb", "kimminjun_12", "char-text"),
        ("kimminjun_LATE_12_345_char-text.ipynb", "kimminjun_12", "char-text"),
        ("kimminjun_12_345_char-text-2.ipynb", "kimminjun_12", "char-text"),
        ("kimminjun_12_345_my_own_name.ipynb", "kimminjun_12", None),
        ("김민준_12_345_char-text.ipynb", "김민준_12", "char-text"),
    ],
)
def test_canvas_names_hold_student_and_original_name(name, student, exercise):
    assert at(name) == PathNames(student, exercise)


@pytest.mark.parametrize(
    ("path", "exercise"),
    [
        ("김 민준_12_assignsubmission_file_/char-text.ipynb", "char-text"),
        ("김 민준_12_assignsubmission_file/char-text.ipynb", "char-text"),
        ("김 민준_12_assignsubmission_file_/my work/answer.ipynb", None),
        ("김 민준_12_assignsubmission_file_char-text.ipynb", "char-text"),
        ("김 민준_12_assignsubmission_file_answer.ipynb", None),
    ],
)
def test_moodle_names_hold_the_student(path, exercise):
    assert at(path) == PathNames("김 민준_12", exercise)


@pytest.mark.parametrize(
    ("inner", "rest"),
    [
        ("lee_9999_assignsubmission_file_", ""),
        ("lee_9999_assignsubmission_file_", "/my work"),
        ("submitted/lee", "/ps1"),
        ("char-text/submissions/lee", ""),
        ("reference/char-text/submissions/lee", ""),
        ("char-text/lee_9999_assignsubmission_file_", ""),
    ],
)
@pytest.mark.parametrize("owner", ["kim", "김민준_12_assignsubmission_file_", "submitted/kim/ps1"])
def test_a_folder_within_one_s_own_makes_nobody_another_student(owner, inner, rest):
    found = at(f"{owner}/{inner}{rest}/char-text.ipynb")
    alone = at(f"{owner}/char-text.ipynb")
    assert (found.student, found.exercise) == (alone.student, "char-text")
    assert found.mark == (f"kim/{inner}" if owner == "kim" else None)


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("kimminjun_12_345_lee_99_assignsubmission_file_.ipynb", "kimminjun_12"),
        ("kimminjun_12_345_lee_99_678_char-text.ipynb", "kimminjun_12"),
        ("kimminjun_12_345_lee\n.ipynb", "kimminjun_12"),
        ("김민준_12_assignsubmission_file_lee\n.ipynb", "김민준_12"),
        ("김민준_12_assignsubmission_file_lee_99_assignsubmission_file_.ipynb", "김민준_12"),
        ("김민준_12_assignsubmission_file_lee_99_678_char-text.ipynb", "김민준_12"),
    ],
)
def test_what_a_student_calls_a_file_makes_nobody_another_student(name, student):
    assert at(name).student == student


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("char-text/김민준_12_assignsubmission_file_/my.ipynb", "김민준_12"),
        ("char-text/submitted/kim/ps1/my.ipynb", "kim"),
    ],
)
def test_a_platform_s_marks_may_lie_in_an_exercise_s_folder(path, student):
    assert at(path) == PathNames(student, "char-text")


@pytest.mark.parametrize("depth", range(1, 6))
def test_a_course_s_samples_have_the_same_student_from_wherever_they_are_graded(depth):
    parts = ("work", "reference", "char-text", "submissions", "wrong_data", "x.ipynb")
    found = at("/".join(parts[depth:]), *parts[:depth])
    assert found == PathNames("wrong_data/x", "char-text")


def test_a_name_nearer_to_the_file_wins():
    assert at("char-text/kim/multiplication-lstm.ipynb").exercise == "multiplication-lstm"
    assert at("kim/multiplication-lstm.ipynb", "char-text").exercise == "multiplication-lstm"


def test_an_exercise_alone_belongs_to_the_folder_around_it():
    assert at("char-text.ipynb", "class-a", "kim") == PathNames("kim", "char-text")
    assert at("chapter.ipynb", "class-a", "kim") == PathNames("kim", None)


def test_an_exercise_s_own_folder_is_nobody_s_name():
    assert at("char-text.ipynb", "kim", "char-text") == PathNames("kim", "char-text")


def test_names_are_composed():
    decomposed = unicodedata.normalize("NFD", "김민준")
    assert at(f"{decomposed}/char-text.ipynb").student == "김민준"
