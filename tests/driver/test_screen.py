"""Text as a notebook shows it."""

from __future__ import annotations

import pytest

from grader.driver.screen import Screen


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain\n", "plain\n"),
        ("10%\r20%\r100%\n", "100%\n"),
        ("long line\rshort\n", "shortline\n"),  # as a terminal would leave it
        ("loss: 0.99\b\b\b\b0.12\n", "loss: 0.12\n"),
        ("\b\b\bstart", "start"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("\x1b[1mbold\x1b[0m \x1b[38;5;4mblue\x1b[0m", "bold blue"),
        ("\x1b]0;title\x07text", "text"),
        ("손실\r정확", "정확"),
        ("", ""),
        ("\n\n", "\n\n"),
    ],
)
def test_text_is_kept_as_a_notebook_shows_it(written: str, shown: str) -> None:
    screen = Screen(1000)
    screen.write(written)
    assert screen.text() == shown
    assert not screen.truncated


def test_text_that_comes_in_pieces_is_the_same() -> None:
    whole, pieces = Screen(1000), Screen(1000)
    text = "epoch 1\r1/2\r2/2 done\nloss\b\b\b\bLOSS\nend"
    whole.write(text)
    for character in text:
        pieces.write(character)
    assert pieces.text() == whole.text()


@pytest.mark.parametrize("flood", ["x" * 10_000, "x\n" * 10_000, "\n" * 10_000, "한" * 10_000])
def test_what_goes_beyond_the_cap_is_cut_and_remembered(flood: str) -> None:
    screen = Screen(100)
    screen.write(flood)
    assert len(screen.text()) <= 100
    assert screen.truncated


def test_overwriting_for_ever_costs_nothing() -> None:
    screen = Screen(100)
    for step in range(10_000):
        screen.write(f"\r{step:05d}")
    assert screen.text() == "09999"
    assert not screen.truncated
