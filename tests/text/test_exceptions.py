"""Exceptions are repeated in the names that people know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.course.load import load_course
from grader.score.score import score
from grader.text.exceptions import public
from grader.types import CellError, Outcome, RunFacts
from tests.support.builders import sound
from tests.support.hostile import ROOT


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("'[' was never closed (1270182655.py, line 2)", "'[' was never closed (line 2)"),
        ("invalid syntax (<ipython-input-3-5f0b>, line 12)", "invalid syntax (line 12)"),
        ("bad (helper.py, line 2)", "bad (helper.py, line 2)"),
        ("<class 'keras.src.layers.rnn.lstm.LSTM'>", "<class 'keras.layers.rnn.lstm.LSTM'>"),
        ("keras._tf_keras.keras.layers has no X", "keras.layers has no X"),
        ("tensorflow._api.v2.compat.v2.nn", "tensorflow.nn"),
        ("numpy._core._exceptions", "numpy._exceptions"),
        ("my_keras.src is mine", "my_keras.src is mine"),
    ],
)
def test_names_are_those_that_everybody_knows(said: str, shown: str) -> None:
    assert public(said) == shown


def test_the_first_failing_cell_is_told_so() -> None:
    exercise = load_course(ROOT).exercise("sequence-prediction")
    error = CellError("SyntaxError", "invalid syntax (1270182655.py, line 2)", "")
    runs = RunFacts(Outcome.FINISHED, 9, ((5, error),), None)
    first, *_ = score(replace(sound(exercise), runs=runs), exercise, None).checks
    assert first.message.args["error"] == "SyntaxError: invalid syntax (line 2)"
