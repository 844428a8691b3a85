"""The names of the notebook that asks."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.live.names import cells_of, last_error, models_among, names_in, names_of
from tests.support.keras_like import keras_like

KERAS = keras_like()


def model(name: str = "sequential") -> Any:
    return KERAS.Model(name)


def test_the_callers_own_names_stand_before_those_of_its_module() -> None:
    json_module = json  # noqa: F841 - a name to be found
    KERAS_IS_MINE = 1  # noqa: F841, N806
    names = names_of(inspect.currentframe())
    assert names["json_module"] is json
    assert names["KERAS"] is KERAS


def test_every_model_is_found_once_in_the_order_of_making() -> None:
    second, first, third = model("sequential_7"), model("sequential"), model("functional_9")
    names = {"b": second, "again": second, "a": first, "all": [second, third], "_": third}
    found = models_among(names, KERAS)
    assert [(one.model, one.name) for one in found] == [
        (first, "a"),
        (second, "b"),
        (third, "all[1]"),
    ]
    assert [one.order for one in found] == [1, 2, 3]


def test_a_model_that_only_a_history_still_holds_is_found_by_it() -> None:
    lost, kept = model("sequential"), model("sequential_1")
    history, again = lost.fit([1]), kept.fit([1])
    found = models_among({"history": history, "again": again, "model": kept}, KERAS)
    assert [(one.model, one.name) for one in found] == [(lost, "history.model"), (kept, "model")]
    assert [one.earlier for one in found] == [True, False]


def test_models_in_a_dictionary_have_its_key_for_a_name() -> None:
    (found,) = models_among({"models": {"lstm": model()}}, KERAS)
    assert found.name == "models['lstm']"


def test_nothing_is_asked_of_objects_that_are_no_models() -> None:
    class Odd:
        @property
        def __class__(self) -> Any:  # type: ignore[override]
            raise RuntimeError("do not ask")

    assert models_among({"odd": Odd()}, KERAS) == ()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            NameError("name 'SimpelRNN' is not defined."),
            "NameError: name 'SimpelRNN' is not defined",
        ),
        (KeyboardInterrupt(), ""),
        (None, ""),
    ],
)
def test_the_last_cell_that_failed_is_known_by_its_exception(
    error: BaseException | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "last_value", error, raising=False)
    assert last_error({"In": ["", "x"]}) == said
    assert last_error({}) == ""


def test_what_a_cell_raises_in_ipython_is_such_an_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("last_value", "last_type", "last_traceback", "displayhook", "excepthook"):
        monkeypatch.setattr(sys, name, getattr(sys, name, None), raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    shell.run_cell("layer = SimpelRNN(3)", store_history=True)
    assert last_error(shell.user_ns) == "NameError: name 'SimpelRNN' is not defined"


def test_a_list_of_models_ends_somewhere() -> None:
    found = models_among({f"m{number}": model(f"s_{number}") for number in range(1, 31)}, KERAS)
    told = names_in(found, lambda one: one.name)
    assert told.startswith("m1, m2, ")
    assert told.endswith("m12, …")


def test_cells_are_those_that_a_notebook_says_it_ran() -> None:
    ran = cells_of({"In": ["", "x = 1", "  ", "check('a')"]})
    assert ran is not None
    assert [(cell.index, cell.source) for cell in ran.cells] == [(1, "x = 1"), (3, "check('a')")]
    assert cells_of({}) is None
    assert cells_of({"In": [1]}) is None


@pytest.mark.parametrize(
    "typed",
    [
        "%%time\nhistory = model.fit(X, Y)\n",
        "%%timeit -n 1\n\nprint('it\\n', \"it's\")\n",
        "%time history = model.fit(X, Y)\n",
        "%matplotlib inline\nfor n in X:\n    %time print('a')\n",
        "history = %time model.fit(X, Y)\n",
        "for n in X:\n    a, b.c = %time f(n)\n",
        "x = (1,\n     2)\n",
        "get_ipython().run_cell_magic('time', *args)\n",
        "get_ipython().run_line_magic(name(), 'x')\n",
        "get_ipython().run_cell_magic('time')\n",
    ],
)
def test_cells_are_read_as_they_were_typed(typed: str) -> None:
    """IPython remembers what it makes of a magic, in which no other code can be seen."""
    made = TransformerManager().transform_cell(typed)
    cells = cells_of({"In": ["", made]})
    assert cells is not None
    assert [cell.source for cell in cells.cells] == [typed]
