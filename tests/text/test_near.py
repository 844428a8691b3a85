"""Names that are nearly right, in Latin letters and in Hangul."""

from __future__ import annotations

import pytest

from grader.text.near import near_bearers, near_names

CLASS = ("정하준", "한유진", "오세훈", "이수", "minjun")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("정하쥰", "정하준"),
        ("정하은", "정하준"),
        ("한유징", "한유진"),
        ("이주", "이수"),
        ("Minjum", "minjun"),
    ],
)
def test_one_wrong_letter_of_a_short_name_is_near(typed: str, meant: str) -> None:
    assert near_names(typed, CLASS, 1) == [meant]


@pytest.mark.parametrize("typed", ["김서연", "박수", "lee"])
def test_who_is_called_otherwise_is_not(typed: str) -> None:
    assert near_names(typed, CLASS, 5) == []


@pytest.mark.parametrize("typed", ["김민준", "김민쥰", "민준"])
def test_all_who_bear_a_name_are_named(typed: str) -> None:
    """Named alone, the last of two namesakes was taken for the one that was meant."""
    called = {"kim1": ("kim1", "김민준"), "lee": ("lee", "이수"), "kim2": ("kim2", "김민준")}
    assert near_bearers(typed, called) == ["kim1", "kim2"]
