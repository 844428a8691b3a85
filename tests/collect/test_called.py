"""Whom the names of files tell of, in folders where nothing else does."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from grader.collect.collect import Collected, collect
from tests.support.notebook_files import worded, write

TITLES = {
    "char-text": ("Writing text character by character", "글자 단위로 문장 이어 쓰기"),
    "multiplication-gru": ("The multiplication problem with GRU", "GRU로 곱셈 문제 풀기"),
    "multiplication-lstm": (),
    "sequence-prediction": ("Sequence prediction with SimpleRNN", "SimpleRNN으로 수열 예측하기"),
}


TASKS = ("HW1", "과제 2")


def gather(folder: Path, *names: str) -> Collected:
    for name in names:
        write(folder / f"{name}.ipynb")
    found = collect([folder], exercise_ids=TITLES, owed=None, titles=TITLES, tasks=TASKS)
    for message in (*found.refused, *found.notes):
        worded(message)
    return found


def who_and_what(found: Collected) -> set[tuple[str, str]]:
    return {(one.student, *(one.exercises or ("",))) for one in found.submissions}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("KIM_char-text", "KIM"),
        ("char-text_KIM", "KIM"),
        ("CHAR_TEXT-kim (1)", "kim"),
        ("char-text (1)_김민준", "김민준"),
        ("김민준 글자 단위로 문장 이어 쓰기", "김민준"),
        ("글자단위로_문장이어쓰기_김민준_최종", "김민준"),
        ("Kim Minjun - Writing text character by character (2)", "Kim Minjun"),
        ("20231234_김민준_char-text", "20231234_김민준"),
        ("김민준char-text", "김민준"),
        ("20231234-chartext", "20231234"),
        ("HW3_kim_char-text_final", "HW3_kim"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_that_holds_an_exercise_and_a_person_is_read(tmp_path, name, student, form):
    found = gather(tmp_path, unicodedata.normalize(form, name), "lee")
    assert who_and_what(found) == {(student, "char-text"), ("lee", "")}


@pytest.mark.parametrize(
    "name",
    ["HW3_char-text", "과제3 char-text", "week 2 char-text", "char-text_answer", "3-char-text"],
)
def test_what_is_written_beside_an_exercise_and_is_nobody_s_stays_whole(tmp_path, name):
    assert who_and_what(gather(tmp_path, name, "lee")) == {(name, "char-text"), ("lee", "")}


@pytest.mark.parametrize(
    "name", ["chartexts_kim", "multiplication_kim", "mychar-textual", "gru_kim"]
)
def test_a_name_that_holds_no_exercise_stays_whole(tmp_path, name):
    assert who_and_what(gather(tmp_path, name, "lee")) == {(name, ""), ("lee", "")}


@pytest.mark.parametrize(
    "name", ["김민준_HW1", "hw1 - 김민준", "HW_1 김민준 (2)", "과제2_김민준", "김민준 과제 2_최종"]
)
def test_what_the_lms_calls_an_exercise_is_nobody_s_name(tmp_path, name):
    """And names no exercise: a chapter's notebook may be called so, too."""
    assert who_and_what(gather(tmp_path, name, "lee")) == {("김민준", ""), ("lee", "")}


def test_several_tasks_of_one_person_are_one_student_s(tmp_path):
    names = [f"김민준_{task}{copy}" for task in ("HW1", "과제 2") for copy in ("", " (1)", " (2)")]
    assert {one.student for one in gather(tmp_path, *names, "lee").submissions} == {"김민준", "lee"}


@pytest.mark.parametrize(
    "title",
    [
        "SimpleRNN으로 수엘 예측하기",  # a letter for another
        "SimpleRNN으로 수열 예측기",  # one is missing
        "Sequence predicition with SimpleRNN",
        "multiplicaton-gru",
        "Writing text charcater by character",  # two changed places
    ],
)
def test_a_title_with_a_slip_is_nobody_s_name(tmp_path, title):
    """And names no exercise, since it could be a slip for another's."""
    assert who_and_what(gather(tmp_path, f"{title}_김민준", "lee")) == {("김민준", ""), ("lee", "")}


def test_a_name_that_holds_two_exercises_names_none(tmp_path):
    found = gather(tmp_path, "multiplication-lstm-gru_kim", "lee")
    assert who_and_what(found) == {("multiplication-lstm-gru_kim", ""), ("lee", "")}


def test_copies_and_other_exercises_of_one_name_are_one_student_s(tmp_path):
    names = ["char-text-kim", "char-text-kim (1)", "kim_multiplication-gru", "char-text_lee"]
    found = gather(tmp_path, *names)
    assert who_and_what(found) == {
        ("kim", "char-text"),
        ("kim", "multiplication-gru"),
        ("lee", "char-text"),
    }
    (told,) = found.notes
    assert (told.id, told.args["name"]) == ("collect.attempts_by_name", "char-text-kim (1).ipynb")


def test_more_copies_of_one_name_than_one_person_makes_are_several_people_s(tmp_path):
    names = [f"rnn class 7_char-text ({n})" for n in range(1, 8)]
    assert len({one.student for one in gather(tmp_path, *names).submissions}) == 7


def test_the_exercise_is_read_from_a_name_in_a_folder_or_a_platform_s_too(tmp_path):
    names = ["kim/kim_char-text", "lee_12_assignsubmission_file_/my 글자 단위로 문장 이어 쓰기"]
    names += ["choi_13_assignsubmission_file_char-text choi"]
    found = gather(tmp_path, *names)
    assert who_and_what(found) == {(who, "char-text") for who in ("kim", "lee_12", "choi_13")}


def test_copies_that_name_nobody_among_others_files_are_nobody_s(tmp_path):
    copies = ["char-text", "char-text (1)"]
    assert len({one.student for one in gather(tmp_path / "kim", *copies).submissions}) == 1
    found = gather(tmp_path / "class", *copies, "lee_char-text", "choi")
    assert {one.student for one in found.submissions} == {"lee", "choi", *copies}


def test_people_in_the_folder_of_an_exercise_are_named_by_their_files(tmp_path):
    found = gather(tmp_path, "char-text/kim_char-text", "char-text/lee_char-text")
    assert who_and_what(found) == {("kim", "char-text"), ("lee", "char-text")}


@pytest.mark.parametrize(
    ("folder", "student"),
    [
        ("char-text-octocat", "octocat"),
        ("char-text-kim-minjun", "kim-minjun"),
        ("Char-Text-Octocat", "Octocat"),
        ("char-text-김민준", "김민준"),
        ("char-text-20231234", "20231234"),
    ],
)
def test_a_repository_of_github_is_its_owners_and_names_the_exercise(tmp_path, folder, student):
    found = gather(tmp_path, f"{folder}/homework", "lee/homework")
    assert who_and_what(found) == {(student, "char-text"), ("lee", "")}


@pytest.mark.parametrize(
    "folder",
    [
        "char-text-3",
        "char-text-answers",
        "multiplication-lstm-gru",
        "char-texts-kim",
    ],
)
def test_a_folder_that_names_nobody_beside_an_exercise_stays_whole(tmp_path, folder):
    students = {
        one.student for one in gather(tmp_path, f"{folder}/homework", "lee/homework").submissions
    }
    assert students == {folder, "lee"}


def test_repositories_of_several_exercises_are_one_persons(tmp_path):
    names = [
        f"{exercise}-{who}/notebook"
        for exercise in ("char-text", "multiplication-gru")
        for who in ("octocat", "kim")
    ]
    found = gather(tmp_path, *names)
    assert who_and_what(found) == {
        (who, exercise)
        for exercise in ("char-text", "multiplication-gru")
        for who in ("octocat", "kim")
    }


def test_the_file_in_a_repository_says_which_exercise_it_is(tmp_path):
    found = gather(tmp_path, "char-text-octocat/multiplication-gru", "char-text-kim/char-text")
    assert who_and_what(found) == {("octocat", "multiplication-gru"), ("kim", "char-text")}


def test_a_forms_copy_is_its_respondents_and_two_of_a_name_stay_two(tmp_path):
    found = gather(tmp_path, "char-text - Choi (1)", "Copy of char-text - Lee")
    assert who_and_what(found) == {("Choi", "char-text"), ("Lee", "char-text")}
    found = gather(tmp_path / "two", "char-text - Choi", "char-text - Choi (1)")
    assert len({one.student for one in found.submissions}) == 2


@pytest.mark.parametrize(
    "name",
    [
        "sequence-prediction-octocat/homework",
        "sequence-prediction-octocat/Copy of sequence-prediction (1)",
        "octocat/Copy of Copy of sequence-prediction (2)",
        "octocat/sequence-prediction의 사본",
        "Copy of sequence-prediction - octocat",
        "octocat - Copy of sequence-prediction",
        "sequence-prediction - octocat (1)",
    ],
)
def test_names_of_drive_and_github_tell_of_author_and_exercise(tmp_path, name):
    found = gather(tmp_path, name, "lee/homework")
    assert who_and_what(found) == {("octocat", "sequence-prediction"), ("lee", "")}


@pytest.mark.parametrize("titled", ["deep-rnn", "small-rnn"])  # the course's first, and its last
def test_an_id_is_its_exercise_s_and_a_title_that_several_have_is_nobody_s(tmp_path, titled):
    """Another one's title was as good, and of two alike the last exercise was meant."""
    other = {"deep-rnn": "small-rnn", "small-rnn": "deep-rnn"}[titled]
    titles = dict.fromkeys(("deep-rnn", "small-rnn"), ("Ours", "The last one"))
    titles[titled] = ("Deep RNN" if other == "deep-rnn" else "Small RNN", "The last one")
    for name in (f"KIM_{other}", f"LEE_{titled}", "PARK_The last one"):
        write(tmp_path / f"{name}.ipynb")
    found = collect([tmp_path], exercise_ids=titles, owed=None, titles=titles)
    assert who_and_what(found) == {("KIM", other), ("LEE", titled), ("PARK", "")}
