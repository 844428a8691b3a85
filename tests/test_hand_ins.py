"""Which of several hand-ins counts: by what a platform told, else by the name."""

from __future__ import annotations

import itertools
import unicodedata

import pytest

from grader.hand_ins import Counting, counting, place, read_name
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


@pytest.mark.parametrize(("earlier", "later"), list(itertools.pairwise(IN_ORDER)))
def test_names_tell_an_order_where_nothing_else_does(earlier, later):
    assert place(earlier) < place(later)


def test_what_a_platform_tells_comes_before_every_name():
    assert place("hw_최종.ipynb", "2026-03-01T10:00:00") < place("hw.ipynb", "2026-03-02T09:00:00")
    assert place("hw_final.ipynb", "") < place("hw.ipynb", "2026-03-01T10:00:00")


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
