"""A method that a notebook replaces on a class of Keras' makes no order of its trainings."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from grader.kernel.orders.asking import UnusualError
from grader.kernel.orders.originals import Originals


def keras() -> Any:
    """Classes that inherit as Keras' do: the training stands in one that nobody names."""
    trainer = type("Trainer", (), {"train_step": print, "__module__": "keras.src.trainer"})
    plain = {"__module__": "keras.src.layers"}
    layer = type("Layer", (), {"call": print, **plain})
    model = type("Model", (trainer, layer), {"fit": print, **plain})
    lstm = type("LSTM", (layer,), {"call": print, **plain})
    return SimpleNamespace(
        Model=model,
        Sequential=type("Sequential", (model,), plain),
        layers=SimpleNamespace(Layer=layer, LSTM=lstm),
        Trainer=trainer,
    )


def on_the_model(module: Any) -> None:
    module.Model.train_step = len


def on_what_it_inherits_from(module: Any) -> None:
    module.Trainer.train_step = len


def on_one_kind_of_model(module: Any) -> None:
    module.Sequential.compute_loss = len


def on_a_layer(module: Any) -> None:
    module.layers.LSTM.call = len


def by_taking_one_away(module: Any) -> None:
    del module.layers.LSTM.call
    module.layers.Layer.call = len


def of_fit_itself(module: Any) -> None:
    module.Model.fit = len


PATCHES = {
    on_the_model: "train_step",
    on_what_it_inherits_from: "train_step",
    on_one_kind_of_model: "compute_loss",
    on_a_layer: "call",
    by_taking_one_away: "call",
    of_fit_itself: "fit",
}


@pytest.mark.parametrize("patch", PATCHES, ids=lambda one: one.__name__)
def test_what_a_notebook_replaces_on_a_class_is_noticed(patch: Callable[[Any], None]) -> None:
    module = keras()
    originals = Originals(module)
    originals.keep()
    originals.refuse_replaced()
    patch(module)
    with pytest.raises(UnusualError, match=rf"a replaced \w+\.{PATCHES[patch]}"):
        originals.refuse_replaced()


def test_what_is_put_back_is_no_replacement() -> None:
    module = keras()
    originals = Originals(module)
    originals.keep()
    usual = module.Sequential.fit
    module.Sequential.fit = len
    module.Sequential.fit = usual
    originals.refuse_replaced()


def test_what_we_install_ourselves_is_no_replacement() -> None:
    module = keras()
    originals = Originals(module)
    on_the_model(module)
    originals.keep()
    originals.refuse_replaced()


def test_what_has_no_part_in_a_training_may_be_replaced() -> None:
    module = keras()
    originals = Originals(module)
    originals.keep()
    module.Model.summary = len
    originals.refuse_replaced()
