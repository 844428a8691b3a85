"""Numbers as people write them."""

from __future__ import annotations

import pytest

from grader.text.numbers import alone, number
from grader.text.words import Words
from grader.types import Message

LANGUAGES = ("en", "ko")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.5"),
        (4.0, "4"),
        (999, "999"),
        (3060, "3,060"),
        (3060.0, "3,060"),
        (1234.5, "1,234"),
        (12345.6, "12,346"),
        (-25000, "-25,000"),
        (0.00012345, "0.0001234"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_are_written_as_people_write_them(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_counted_has_separators(lang: str) -> None:
    told = Message("diagnose.params", {"expected": 8671, "got": 23110})
    said = Words(lang).say(told)
    assert "8,671" in said
    assert "23,110" in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_names_something_has_none(lang: str) -> None:
    assert "1234" in Words(lang)("ci.pull_failed", number=1234)
    assert "1042" in Words(lang)("collect.bad_json", line=1042, column=3)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_code_to_copy_has_none(lang: str) -> None:
    said = Words(lang)("training.epochs", run=3, needed=150, asked=1500)
    assert "epochs=1500" in said
    assert "1,500" in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("8671", "8,671"),
        ("≥ 1560", "≥ 1,560"),
        ("640", "640"),
        ("(None, 3060)", "(None, 3060)"),
        ("X (2560, 100, 2), Y (2560,)", "X (2560, 100, 2), Y (2560,)"),
        ("2024-03-01", "2024-03-01"),
        ("", ""),
    ],
)
def test_of_a_text_only_a_number_alone_is_separated(text: str, shown: str) -> None:
    assert alone(text) == shown


def test_a_layer_has_separated_parameters_and_its_shape_as_code() -> None:
    layer = "Dense(3060, activation=relu) → (None, 3060), 309060 params"
    assert Words("en").compared(layer) == (
        "Dense(3060, activation=relu) → (None, 3060), 309,060 params"
    )
    assert Words("ko").compared(layer) == (
        "Dense(3060, activation=relu) → (None, 3060), 파라미터 309,060개"
    )
