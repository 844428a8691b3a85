"""Two students never share a page, and one hand-in more is not one more time the points."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.cli.printing import write_feedback
from grader.cli.spared import Spared
from grader.course.load import load_course
from grader.policy.hand_ins import counting
from grader.report import exporters
from grader.report.export import Export
from grader.report.feedback import feedback_page
from grader.report.overview import index_page
from grader.report.wording import file_stem
from grader.text.words import Words
from grader.types import Record, Verdict
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
WORDS = Words("en")
ACCENT = "é"


def on_any_disk(stem: str) -> str:
    """The name as the least exact of disks keeps it: no capitals, one form for each letter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", stem).upper().casefold())


def mimics(name: str) -> list[str]:
    """Names chosen to get the page of this one."""
    return [
        file_stem(name),
        file_stem(file_stem(name)),
        f"{file_stem(name)}.",
        f" {name}",
        f"{name}\u200b",
        name.upper(),
        name.casefold(),
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFKC", name),
        name.replace("/", "-"),
        name.replace("/", "\\"),
    ]


PAIRS = [
    ("kim/hw1", "kim-hw1-e5f5a6d8"),
    ("kim/hw1", "kim-hw1-e5f5a6d8ae094f13"),
    ("kim", "Kim"),
    ("kim", "KIM"),
    ("straße", "strasse"),
    ("ﬁ", "fi"),
    ("ſ", "s"),
    ("ς", "σ"),
    ("K", "k"),
    ("김민준", unicodedata.normalize("NFD", "김민준")),
    (ACCENT, unicodedata.normalize("NFD", ACCENT)),
    ("a" * 200, "a" * 201),
    ("𠀀" * 70, "𠀀" * 71),
    ("", "student"),
    (".", ".."),
    ("a b", "a  b"),
    ("\ud800", "\udfff"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_names_are_two_pages_on_any_disk(one: str, other: str) -> None:
    assert on_any_disk(file_stem(one)) != on_any_disk(file_stem(other))


@given(one=st.text(max_size=30), other=st.text(max_size=30))
def test_any_two_names_are_two_pages(one: str, other: str) -> None:
    for name in {other, *mimics(one)} - {one}:
        assert on_any_disk(file_stem(one)) != on_any_disk(file_stem(name))


@given(name=st.text(st.characters(), max_size=300))
def test_a_page_has_a_name_that_every_disk_takes(name: str) -> None:
    stem = file_stem(name)
    assert 0 < len(stem.encode()) <= 110
    assert not set(stem) & set('/\\:*?"<>| \0')
    assert stem.strip("-.") == stem


@pytest.mark.parametrize("name", ["con", "nul", "aux.x", "com1", "lpt9.html"])
def test_a_device_s_name_is_no_page_s(name: str) -> None:
    assert file_stem(name).startswith(f"student-{name}-")


def test_a_usual_name_is_its_page_s() -> None:
    for name in ("kim", "김민준", "김민준_1234", "kim-minjun", "kimminjun_101", "hw1.2"):
        assert file_stem(name) == name


def test_every_student_of_hostile_pairs_has_a_page_of_their_own(tmp_path: Path) -> None:
    students = [one for one in dict.fromkeys(name for pair in PAIRS for name in pair) if one]
    records = [b.record(student, submission=f"{n}.ipynb") for n, student in enumerate(students)]
    spared = Spared(tmp_path)
    write_feedback(load_course(ROOT), WORDS, tmp_path, records, spared)
    assert not spared
    assert len(list((tmp_path / "feedback").iterdir())) == len(students)


# --- one hand-in more ------------------------------------------------------------------------


def hand_ins(*scores: float | None, exercise: str = "multiplication-lstm") -> list[Record]:
    found = []
    for number, score in enumerate(scores):
        verdict = Verdict.GRADER_ERROR if score is None else Verdict.UNTRAINED
        grade = b.grade(verdict, score)
        found.append(b.record("kim", exercise, f"kim/{exercise}-{number}.ipynb", grade=grade))
    return found


def test_the_last_of_an_exercise_counts_once_whatever_the_others_earned() -> None:
    records = [*hand_ins(40, None, 90, 80), *hand_ins(70, exercise="char-text")]
    assert [one.grade.score for one in counting(records)] == [80, 70]
    assert counting(records)[0] == records[3]


def test_a_last_one_that_is_not_graded_yet_is_waited_for() -> None:
    assert [one.grade.score for one in counting(hand_ins(90, None))] == [None]


def test_equal_exercises_of_two_students_both_count() -> None:
    assert len(counting([b.record("kim"), b.record("lee")])) == 2


def test_the_same_exercise_handed_in_three_times_is_worth_it_once() -> None:
    thrice = hand_ins(100, 100, 100)
    page = feedback_page("kim", thrice, WORDS, {})
    assert "100 of 100" in page
    shown = re.findall(r">\s*(300|100)\s*<", index_page(thrice, WORDS, {}, {}))
    assert set(shown) == {"100"}
    about = dict.fromkeys(exporters.load("classroom50").about, "x")
    for form in ("classroom50", "gradescope"):
        ((_, content),) = exporters.load(form).files(Export(thrice, WORDS, {}, about=about))
        assert json.loads(content)["score"] == 100
