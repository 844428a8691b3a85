"""What is said of a submission while we train for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.cli.progress import FIRST_LINE, ProgressBar, ProgressLines
from grader.pipeline.trainings import UnderWay
from grader.submission import Submission
from grader.text.words import Words

WORDS = Words("en")
KIM = Submission("kim", "kim", Path("kim"), (), None, None, "")


def test_a_log_has_a_line_of_a_long_training_and_of_the_same_one_ever_more_rarely(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = ProgressLines(1, WORDS)
    for seconds in range(int(8 * FIRST_LINE)):
        lines.training(KIM, UnderWay(float(seconds), seconds // 10, 100))
    said = capsys.readouterr().err.splitlines()
    assert said == [
        WORDS("cli.in_training", name="kim", epoch=seconds // 10, epochs=100, seconds=seconds)
        for seconds in (60, 120, 240)
    ]


def test_a_short_training_has_no_line_and_the_next_one_counts_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = ProgressLines(1, WORDS)
    for _ in range(2):
        lines.training(KIM, UnderWay(FIRST_LINE - 1, 1, 2))
        lines.training(KIM, UnderWay(FIRST_LINE, 2, 2))
        lines.training(KIM, None)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_bar_names_who_is_trained_for_as_long_as_it_lasts() -> None:
    bar = ProgressBar(1, WORDS)
    bar.started(KIM)
    shown = lambda: bar.bar.tasks[0].description  # noqa: E731
    assert shown() == "kim"
    bar.training(KIM, UnderWay(34.6, 12, 100))
    assert shown() == "kim (training, epoch 12 of 100, 35 s)"
    bar.training(KIM, None)
    assert shown() == "kim"


def test_who_is_put_off_is_shown_while_we_train_for_them_and_when_they_run_again() -> None:
    bar = ProgressBar(1, WORDS)
    shown = lambda: bar.bar.tasks[0].description  # noqa: E731
    bar.started(KIM)
    bar.put_off(KIM)
    assert shown() == ""
    bar.training(KIM, UnderWay(34.6, 12, 100))
    assert shown() == "kim (training, epoch 12 of 100, 35 s)"
    bar.training(KIM, None)
    assert shown() == ""
    bar.started(KIM)
    assert shown() == "kim"
    bar.training(KIM, None)
    assert shown() == "kim"
