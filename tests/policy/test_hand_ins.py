"""Which of several hand-ins counts: by what a platform told, else by the name."""

from __future__ import annotations

import itertools
import unicodedata

import pytest

from grader.policy.hand_ins import Counting, counting, is_version, place, read_name
from grader.types import Verdict
from tests.support import builders as b

COPIES = [
    *("sequence-prediction (1)", "sequence-prediction(2)", "Copy of sequence-prediction"),
    *("sequence-prediction-Copy1", "sequence-prediction - Copy", "sequence-prediction - Copy (2)"),
    *("sequence-prediction copy", "sequence-prediction copy 2", "sequence-prediction의 사본"),
    *(
        "sequence-prediction - 복사본",
        "sequence-prediction - 복사본 (3)",
        "사본 sequence-prediction",
    ),
    *("sequence-prediction 최종", "sequence-prediction_최종", "sequence-prediction_final"),
    *("final_sequence-prediction", "Sequence-Prediction", "SEQUENCE_PREDICTION"),
    *(
        "sequence_prediction",
        "sequence prediction",
        "sequence-prediction_v2",
        "진짜최종 sequence-prediction",
    ),
    *(
        *(
            "sequence-prediction_최종_진짜",
            "sequence-prediction_최종2",
            "sequence-prediction_final2",
        ),
        *(
            "sequence-prediction 최종_수정",
            "sequence-prediction_찐최종",
            "sequence-prediction_재제출",
        ),
        "Copy of Copy of sequence-prediction (1)",
        unicodedata.normalize("NFD", "sequence-prediction 최종"),
    ),
]


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("end", [".ipynb", ".ipynb.txt", ".ipynb.json", ""])
def test_a_copy_is_read_as_what_it_was_copied_from(name, end):
    assert read_name(f"{name}{end}").base == "sequence-prediction"


@pytest.mark.parametrize(
    "name", ["photocopy", "semifinal", "copy", "rev", "hw-1", "v2", "이수정", "진짜", "hw2"]
)
def test_a_name_that_only_resembles_a_mark_stays_whole(name):
    assert read_name(f"{name}.ipynb").base == name


IN_ORDER = [
    "kim/hw.ipynb",
    "kim/Copy of hw.ipynb",
    "kim/hw (2).ipynb",
    "kim/hw (10).ipynb",
    "kim/hw_최종.ipynb",
    "kim/hw_최종 (1).ipynb",
    "kim/hw_최종2.ipynb",
    "kim/hw_최종3.ipynb",
    "kim/hw_최종_진짜.ipynb",
    "kim/hw_최종_진짜최종.ipynb",
]
# What is older, then what is newer.
PAIRS = [
    *(("hw_최종", later) for later in ("hw_진짜최종", "hw_진짜_최종", "hw_찐최종", "hw_최최종")),
    *(
        ("hw_최종", later)
        for later in ("hw_최종최종", "진짜최종_hw", "hw 진짜 최종", "hw_최종_수정")
    ),
    *(("hw_final", later) for later in ("hw_final_final", "hw_real_final", "hw_final_real")),
    *(("hw_final", later) for later in ("hw_finalfinal", "really_final_hw", "hw_FINAL_final2")),
    ("hw_진짜최종", "hw_진짜진짜최종"),
    ("hw_최최종", "hw_최최최종"),
    ("hw", "hw_마지막"),
    *(
        (earlier, "hw")
        for earlier in ("hw_old", "old_hw", "hw_backup", "hw_이전", "hw_백업", "hw.bak")
    ),
    *(
        (earlier, "hw")
        for earlier in ("hw_초안", "hw_draft", "hw (1)_old", "이전_hw", "hw_old_final")
    ),
    *(
        (f"{earlier}/hw", "hw")
        for earlier in ("old", "backup", "이전", "백업", "Old Version", "bak")
    ),
    *((f"{earlier}/hw_최종 (3)", "a") for earlier in ("old", "BACKUP", "이전 버전", "old/v9")),
    ("v1/hw", "v2/hw"),
    ("v2/hw (7)", "v10/hw"),
    ("1차/hw", "2차/hw"),
    ("2차 제출/hw", "3차 제출/hw"),
    ("hw", "2차/hw"),
    ("hw", "최종/hw"),
    ("최종/hw", "진짜최종/hw"),
    ("hw_9", "제출용/hw"),
]


@pytest.mark.parametrize(("earlier", "later"), list(itertools.pairwise(IN_ORDER)))
def test_names_tell_an_order_where_nothing_else_does(earlier, later):
    assert place(earlier) < place(later)


@pytest.mark.parametrize(("earlier", "later"), PAIRS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_of_files_and_folders_tell_what_is_older(earlier, later, form):
    older, newer = (unicodedata.normalize(form, f"kim/{name}.ipynb") for name in (earlier, later))
    assert place(older) < place(newer)


@pytest.mark.parametrize(
    "name", ["golden", "older brother", "threshold", "이전우", "가을_차", "v", "kim"]
)
def test_a_folder_that_only_resembles_a_version_is_none(name):
    assert not is_version(name)


@pytest.mark.parametrize(
    "name",
    [
        "v1",
        "V 2",
        "ver.3",
        "1차",
        "제2차",
        "3차 제출",
        "old",
        "Old Version",
        "backup",
        "최종",
        "진짜_최종",
        *(
            "final",
            "FINAL2",
            "백업",
            "이전",
            "초안",
            "사본",
            "copy (2)",
            "제출용",
            "최최종",
            "draft",
        ),
    ],
)
def test_a_version_s_folder_is_known(name):
    assert is_version(unicodedata.normalize("NFD", name))


def test_of_equals_what_is_named_as_the_folder_s_own_counts_before_another_s():
    assert place("kim/lee__hw.ipynb") < place("kim/kim__hw.ipynb")
    assert place("2023_kim/lee__hw.ipynb") < place("2023_kim/kim__hw.ipynb")
    assert place("kim/lee__hw.ipynb") < place("kim/kim__hw_최종.ipynb")


def test_what_a_platform_tells_comes_before_every_name():
    assert place("hw_최종.ipynb", "2026-03-01T10:00:00") < place("hw.ipynb", "2026-03-02T09:00:00")
    assert place("hw_final.ipynb", "") < place("hw.ipynb", "2026-03-01T10:00:00")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("1차/kim/hw_최종.ipynb", "2차/kim/hw.ipynb"),
        ("v2/kim/hw (3).ipynb", "v10/kim/hw.ipynb"),
        ("2차/kim/hw_최종.ipynb", "최종/kim/hw.ipynb"),
        ("1차/kim/hw.ipynb", "1차/kim/hw_최종.ipynb"),
        ("2차/kim/old/hw.ipynb", "1차/kim/hw.ipynb"),
        ("kim/v2/hw.ipynb", "kim/final.ipynb"),  # versions of one's own
        ("", "1차/kim/hw.ipynb"),  # what was given by hand for nothing
    ],
)
def test_rounds_of_a_class_come_before_what_its_students_call_their_files(earlier, later):
    assert place(earlier) < place(later)


def test_the_last_counts_and_not_the_best():
    first, second = b.record(submission="kim/a.ipynb"), b.ungraded("kim")
    low = b.record(submission="kim/a (1).ipynb", grade=b.grade(Verdict.UNTRAINED, 20.0))
    assert counting([low, first]) == [low]
    assert counting([first, low]) == [low]
    assert Counting([first, low]).counts(low)
    assert not Counting([first, low]).counts(first)
    assert len(counting([second])) == 1


def test_what_is_no_notebook_counts_only_where_nothing_else_is_there():
    good = b.record(submission="kim/a.ipynb")
    broken = b.record(submission="kim/a (1).ipynb", grade=b.grade(Verdict.MALFORMED, 0.0))
    assert counting([good, broken]) == [good]
    assert counting([broken]) == [broken]
