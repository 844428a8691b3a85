"""Exceptions are repeated in the names that people know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.course.load import load_course
from grader.score.score import score
from grader.text.exceptions import gist, public, told
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
        (
            "cannot import name 'x' from 'm' (/grader/kernel/site/m.py)",
            "cannot import name 'x' from 'm'",
        ),
        (
            "cannot import name 'x' from 'm' (/home/kim/m.py)",
            "cannot import name 'x' from 'm' (/home/kim/m.py)",
        ),
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


GRAPH = """Graph execution error:

Detected at node gradient_tape/compile_loss/mse/sub/BroadcastGradientArgs defined at (most recent call last):
  File "/grader/kernel/start.py", line 124, in <module>

  File "/usr/lib/python3.11/site-packages/keras/src/backend/tensorflow/trainer.py", line 81, in train_step

Incompatible shapes: [6] vs. [6,2]
\t [[{{node gradient_tape/compile_loss/mse/sub/BroadcastGradientArgs}}]] [Op:__inference_multi_step_572]"""
SHAPES = "Incompatible shapes: [6] vs. [6,2]"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (GRAPH, SHAPES),
        (
            f"Graph execution error:\n\nDetected at node a/b defined at (most recent call last):\n"
            f"<stack traces unavailable>\n{SHAPES} [[{{{{node a/b}}}}]] [Op:__inference_f_1]",
            SHAPES,
        ),
        (f'{GRAPH}\n\nStack trace for op definition: \nFile "<frozen runpy>", line 198', SHAPES),
        (f'Traceback (most recent call last):\n  File "/x.py", line 1\n{SHAPES}', SHAPES),
        (GRAPH[:230], "Graph execution error:"),  # of a record that has lost its end
        ("one\n\ntwo", "one\n\ntwo"),
        ("", ""),
        ('no File "x" here', 'no File "x" here'),
    ],
)
def test_of_a_text_with_a_traceback_the_last_line_that_tells_something_is_said(
    said: str, line: str
) -> None:
    assert gist(said) == line


def test_where_an_exception_is_repeated_it_says_what_was_wrong_and_no_path_of_ours() -> None:
    exercise = load_course(ROOT).exercise("sequence-prediction")
    error = CellError("InvalidArgumentError", GRAPH, "")
    evidence = replace(sound(exercise), runs=RunFacts(Outcome.FINISHED, 9, ((5, error),), None))
    first, *_ = score(evidence, exercise, None).checks
    assert first.message.args["error"] == f"InvalidArgumentError: {SHAPES}"


def test_a_long_text_is_cut_after_its_gist() -> None:
    assert told("E", f"{GRAPH}{'x' * 500}", 40) == "E: Incompatible shapes: [6] vs. [6,2]"
    assert told("E", "x" * 500, 10) == "E: xxxxxx…"


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_an_exception_that_says_nothing_is_its_name(value: str) -> None:
    assert told("AssertionError", value, 40) == "AssertionError"
