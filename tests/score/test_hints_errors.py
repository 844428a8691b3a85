"""What an exception is explained as, from recorded exceptions and from real ones."""

from __future__ import annotations

import json
import os
import re
import string
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from grader.score.hints_errors import explain, nearest, tables
from grader.text.words import Words
from grader.types import CellError, Message

MISTAKES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("mistakes.toml").read_text(encoding="utf-8")
)["mistake"]
PREPARED = """
import numpy as np, tensorflow as tf, keras
from tensorflow.keras.layers import *
from tensorflow.keras.models import Sequential
m = Sequential([Input((100, 2)), GRU(3), Dense(1)])
m.compile("adam", "mse")
X, Y = np.random.rand(8, 100, 2), np.random.rand(8)
"""
RAISE = """
import contextlib, io, json, sys, traceback
prepared, codes = json.load(sys.stdin)
told = []
for code in codes:
    space, error = {"__name__": "__main__"}, ("", "", "")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(prepared, space)
        try:
            exec(compile(code, "cell", "exec"), space)
        except BaseException as raised:
            error = (type(raised).__name__, str(raised), traceback.format_exc())
    told.append(error)
print("RAISED" + json.dumps(told))
"""


def said(error: str, text: str, traceback: str = "") -> Message:
    return explain(3, CellError(error, text, traceback))


@pytest.mark.parametrize("mistake", MISTAKES, ids=[m["code"][:60] for m in MISTAKES])
def test_a_known_exception_is_explained(mistake: dict[str, Any]) -> None:
    told = said(mistake["error"], mistake["text"], mistake.get("traceback", ""))
    expected = {"cell": 3, **mistake.get("args", {})}
    assert (told.id, dict(told.args)) == (f"diagnose.{mistake['message']}", expected)


@pytest.mark.real
@pytest.mark.parametrize("engine", ["jax", "tensorflow"])
def test_the_installed_keras_still_says_it_that_way(engine: str) -> None:
    codes = [mistake["code"] for mistake in MISTAKES]
    env = {**os.environ, "KERAS_BACKEND": engine, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", RAISE],
        input=json.dumps([PREPARED, codes]),
        capture_output=True,
        text=True,
        env=env,
        check=True,
        timeout=600,
    )
    raised = json.loads(done.stdout.split("RAISED")[-1])
    missed = []
    for mistake, (error, text, traceback) in zip(MISTAKES, raised, strict=True):
        told = said(error, text, traceback)
        args = {
            key: told.args.get(key) for key in mistake.get("args", {}).keys() & {"nearest", "new"}
        }
        expected = {key: mistake["args"][key] for key in args}
        if told.id != f"diagnose.{mistake['message']}" or args != expected:
            missed.append((mistake["code"], error, text[:100], told.id))
    assert missed == []


class TestRules:
    def test_every_rule_is_met_by_an_example(self) -> None:
        """A rule that no example reaches is dead, or stands behind one that takes everything."""
        met = {said(m["error"], m["text"]).id for m in MISTAKES}
        met |= {said(*one).id for one in RARE}
        rules = {rule.message for rule in tables().rules}
        rules |= {rule.otherwise for rule in tables().rules if rule.otherwise}
        assert rules - met == set()

    def test_every_old_name_is_met_by_an_example(self) -> None:
        met = {said(m["error"], m["text"]).args.get("old") for m in MISTAKES}
        met |= {said(*one).args.get("old") for one in RARE}
        assert {one.old for one in tables().renamed} - met == set()

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_words_and_groups_agree(self, lang: str) -> None:
        words = Words(lang)
        for rule in tables().rules:
            given = {"cell"}.union(*(one.groupindex for one in rule.pattern))
            for key, args in ((rule.message, given | {"nearest"}), (rule.otherwise, given)):
                if key is None:
                    continue
                assert words.knows(key)
                (text,) = [found[key] for found in words._catalogues[:1]]
                asked = {name for _, name, _, _ in string.Formatter().parse(text) if name}
                assert asked <= args, (key, asked - args)

    @pytest.mark.parametrize("name", ["model", "x", "Y", "plt"])
    def test_a_usual_name_is_missing_and_not_misspelt(self, name: str) -> None:
        """The class Model resembles the variable model, and nobody meant it."""
        told = said("NameError", f"name '{name}' is not defined", "----> 1 X.Model(Y)")
        assert told == Message("diagnose.undefined_name", {"cell": 3, "name": name})

    @pytest.mark.parametrize(
        ("inside", "shown"),
        [
            ("keras._tf_keras.keras.layers", "keras.layers"),
            ("keras.src.optimizers", "keras.optimizers"),
            ("keras.api.layers", "keras.layers"),
            ("tensorflow._api.v2.compat.v2.nn", "tensorflow.nn"),
            ("my_keras.src", "my_keras.src"),
        ],
    )
    def test_modules_are_named_as_they_are_imported(self, inside: str, shown: str) -> None:
        told = said("AttributeError", f"module '{inside}' has no attribute 'banana_split'")
        assert told.args["owner"] == shown

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("tf.placeholder() is not compatible with eager execution.", "of_graphs"),
            ("tf.gradients is not supported when eager execution is enabled.", "of_graphs"),
            ("`loss` must be a function when eager execution is enabled.", "of_graphs"),
            ("The Session graph is empty. Add operations to the graph before", "of_graphs"),
            ("numpy() is only available when eager execution is enabled.", "eager_off"),
            ("iterating over `tf.Tensor` is not allowed. Use Eager execution or", "eager_off"),
        ],
    )
    def test_eager_execution_is_called_off_only_where_it_is_asked_for(
        self, text: str, told: str
    ) -> None:
        assert said("RuntimeError", text).id == f"diagnose.{told}"

    def test_a_name_that_is_cut_shows_it(self) -> None:
        told = said("ModuleNotFoundError", f"No module named '{'a' * 100}'")
        assert told.args["name"] == "a" * 79 + "…"

    def test_an_unknown_exception_names_the_cell_and_the_class(self) -> None:
        assert said("ZeroDivisionError", "division by zero") == Message(
            "diagnose.error", {"cell": 3, "error": "ZeroDivisionError"}
        )

    def test_a_hostile_text_is_explained_in_no_time_and_cut(self) -> None:
        told = said("FileNotFoundError", "No such file or directory: '" + "a" * 100_000 + "'")
        assert all(len(str(value)) <= 80 for value in told.args.values())
        for text in ("'" * 100_000, "(" * 50_000, "x: y=" * 20_000):
            said("ValueError", text)

    def test_the_answers_code_is_never_in_the_tables(self) -> None:
        """New names are names: no call with the exercise's numbers, no line to copy."""
        assert [r.new for r in tables().renamed if re.search(r"\(\d|model\s*=", r.new)] == []


# Exceptions that need older versions, a full machine or another notebook.
RARE = (
    ("UnboundLocalError", "cannot access local variable 'batch_outputs' where it is not"),
    ("StopIteration", ""),
    ("SyntaxError", "incomplete input (cell, line 3)"),
    ("StdinNotImplementedError", "raw_input was called, but this frontend does not support"),
    ("ImportError", "Keras cannot be imported. Check that it is installed."),
    ("RuntimeError", "tf.placeholder() is not compatible with eager execution."),
    ("RuntimeError", "`tf.data.Dataset` only supports Python-style iteration in eager mode or"),
    ("SyntaxError", "invalid syntax (cell, line 3)"),
    ("NameError", "name 'raw_input' is not defined"),
    ("NameError", "name 'banana_split' is not defined"),
    ("MemoryError", ""),
    ("KeyError", "'lr'"),
    ("KeyError", "'accuracy'"),
    ("ValueError", "logits and labels must be broadcastable"),
    ("ValueError", "Input 0 of layer 'dense' is incompatible: expected ndim=4, found ndim=2."),
    ("ModuleNotFoundError", "No module named 'keras.preprocessing.sequence'"),
    ("ModuleNotFoundError", "No module named 'tensorflow.python.keras'"),
    ("ModuleNotFoundError", "No module named 'keras.optimizers.legacy'"),
    ("ImportError", "`keras.optimizers.legacy` is not supported in Keras 3."),
    ("AttributeError", "module 'numpy' has no attribute 'object'."),
    ("AttributeError", "module 'numpy' has no attribute 'str'."),
    ("ValueError", "Unrecognized keyword arguments passed to GRU: {'inner_init': 'x'}"),
    ("ValueError", "Unrecognized keyword arguments passed to GRU: {'dropout_W': 0.2}"),
    ("ValueError", "Unrecognized keyword arguments passed to GRU: {'dropout_U': 0.2}"),
    ("ValueError", "Unrecognized keyword arguments passed to GRU: {'input_dim': 2}"),
    ("ValueError", "Unrecognized keyword arguments passed to Embedding: {'input_length': 2}"),
    ("ValueError", "Unrecognized keyword arguments passed to GRU: {'banana': 2}"),
    ("ValueError", "Could not interpret loss identifier: banana"),
)  # fmt: skip


class TestNearest:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [("colections", "collections"), ("cPickle", "pickle"), ("Queue", "queue")],
    )
    def test_a_module_that_is_not_spelt_so(self, written: str, meant: str) -> None:
        told = said("ModuleNotFoundError", f"No module named '{written}'")
        assert (told.id, told.args["nearest"]) == ("diagnose.misspelt_module", meant)

    @pytest.mark.parametrize("name", ["utils", "helpers", "torch", "seaborn"])
    def test_a_module_that_is_spelt_so_is_only_missing(self, name: str) -> None:
        assert said("ModuleNotFoundError", f"No module named '{name}'").id == "diagnose.no_module"

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("fix", "fit"),
            ("mdoel", "model"),
            ("histroy", "history"),
            ("Sequental", "Sequential"),
            ("adam", "Adam"),
            ("SDG", "SGD"),
            ("banana", None),
            ("ab", None),
        ],
    )
    def test_a_misspelt_name_finds_its_neighbour(self, written: str, meant: str | None) -> None:
        known = ("fit", "model", "history", "Sequential", "Adam", "SGD", "LSTM", "ad")
        assert nearest(written, known) == meant

    def test_a_name_is_never_its_own_neighbour(self) -> None:
        assert nearest("model", ("model",)) is None

    def test_names_in_the_failing_cell_count(self) -> None:
        told = said(
            "NameError", "name 'gru_modle' is not defined", "----> 1 gru_model = 3; gru_modle.fit"
        )
        assert told.args["nearest"] == "gru_model"
