"""An error that no engine causes is not worth a second run; one that might be is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.execution import CellRun
from grader.pipeline.engine_errors import blames_engine
from grader.types import CellError, Outcome
from tests.support.builders import execution

CELL = "Cell In[4], line 2\n      1 x = 1\n----> 2 f(x)\n"
KERAS = "File /v/lib/python3.11/site-packages/keras/src/"


def blamed(name: str, value: str = "", traceback: str = "") -> bool:
    """Ask about a notebook in which one cell ended so."""
    failed = CellRun(1, "error", 0.1, "", CellError(name, value, traceback))
    return blames_engine(replace(execution(), cells=(failed,)))


@pytest.mark.parametrize(
    "name",
    "SyntaxError NameError ModuleNotFoundError FileNotFoundError SystemExit ZeroDivisionError "
    "StdinNotImplementedError".split(),
)
def test_what_python_says_before_any_engine_is_asked_is_the_same_on_all(name: str) -> None:
    assert not blamed(name, "something", f"{CELL}{KERAS}backend/jax/nn.py:1, in relu(x)")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KeyError", "'acc'"),
        ("IndexError", "list index out of range"),
        ("AttributeError", "'Sequential' object has no attribute 'fitt'"),
        ("TypeError", "LSTM.__init__() missing 1 required positional argument: 'units'"),
        ("SystemError", "GPU device not found"),
        ("AssertionError", ""),
    ],
)
def test_what_a_line_of_the_students_raises_is_no_engines_doing(name: str, value: str) -> None:
    assert not blamed(name, value, CELL)


@pytest.mark.parametrize(
    "frame",
    [
        "layers/input_spec.py:198, in assert_input_compatibility(input_spec)",
        "optimizers/__init__.py:105, in get(identifier)",
        "losses/__init__.py:172, in get(identifier)",
        "trainers/data_adapters/data_adapter_utils.py:117, in check_data_cardinality(data)",
        "trainers/data_adapters/__init__.py:172, in get_data_adapter(x, y)",
        "layers/layer.py:294, in Layer.__init__(self, activity_regularizer)",
        "optimizers/base_optimizer.py:90, in BaseOptimizer.__init__(self, learning_rate)",
    ],
)
def test_what_keras_says_before_it_asks_its_engine_is_the_same_on_all(frame: str) -> None:
    within = f"{CELL}{KERAS}utils/traceback_utils.py:122, in error_handler(*args)\n{KERAS}{frame}"
    assert not blamed("ValueError", "not that", within)


@pytest.mark.parametrize(
    ("name", "value", "traceback"),
    [
        ("AttributeError", "'ArrayImpl' object has no attribute 'numpy'", CELL),
        ("AttributeError", "'jaxlib._jax.ArrayImpl' object has no attribute 'numpy'", CELL),
        ("TypeError", "'Variable' object is not callable", CELL),
        ("ValueError", "x", f"{CELL}{KERAS}backend/jax/trainer.py:7, in JAXTrainer.fit(self)"),
        ("TypeError", "x", f"{CELL}File /v/site-packages/jax/_src/core.py:1, in f()"),
        ("InvalidArgumentError", "x", f"{CELL}File /v/site-packages/tensorflow/x.py:1, in f()"),
        (
            "ValueError",
            "x",
            f"{CELL}{KERAS}layers/input_spec.py:1, in f()\n{KERAS}backend/jax/nn.py:1, in g()",
        ),
        ("ValueError", "x", f"{CELL}{KERAS}backend/common/variables.py:9, in Variable.__init__(x)"),
        ("TypeError", "nobody knows where", ""),
    ],
)
def test_in_doubt_it_may_be_the_engine(name: str, value: str, traceback: str) -> None:
    assert blamed(name, value, traceback)


def test_a_kernel_that_died_may_be_the_engines_doing() -> None:
    assert blames_engine(replace(execution(), outcome=Outcome.KERNEL_DIED))


def test_a_cell_that_only_a_magic_refused_is_no_engines_doing() -> None:
    refused = CellRun(1, "error", 0.1, "", None)
    assert not blames_engine(replace(execution(), cells=(refused,)))
