"""A model is described within bounds, whatever it is called and however many layers it has."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.execute.caps import CONTENT_BYTES, VALUES
from grader.execute.strict_json import values_in
from grader.extract.keras_config import NotRebuildableError, chain_of
from grader.kernel.probe.models import (
    CONFIG_BYTES,
    WEIGHT_ARRAYS,
    cut,
    describe,
    is_too_large,
    plain,
    weights_of,
)


def model(layers: int = 1, weights: list[np.ndarray] | None = None, **changes: Any) -> Any:
    told = {
        "layers": [object()] * layers,
        "weights": weights or [],
        "get_weights": lambda: weights or [],
    }
    return SimpleNamespace(**told | changes)


def keras(config: Any) -> Any:
    def serialize(_: Any) -> Any:
        if isinstance(config, Exception):
            raise config
        return {"class_name": "Sequential", "config": config}

    return SimpleNamespace(saving=SimpleNamespace(serialize_keras_object=serialize))


def described(config: Any, layers: int = 1) -> dict[str, Any]:
    return describe(keras(config), model(layers))


def test_texts_without_end_are_cut_and_stay_different() -> None:
    one, other = "n" * 10**7, "n" * 10**7 + "m"
    told = plain({one: other, "same": [one, one]})
    ((key, value), (_, same)) = told.items()
    assert len(key) < 1100
    assert key != value
    assert same == [key, key]


def test_a_short_text_is_as_it_was() -> None:
    assert cut("bidirectional_1/forward_lstm") == "bidirectional_1/forward_lstm"


def test_a_model_of_a_thousand_layers_is_told_by_its_classes_and_their_number() -> None:
    layer = {"class_name": "LSTM", "config": {f"setting {n}": "some word" for n in range(60)}}
    told = described({"layers": [layer] * 1000}, layers=1000)["config"]
    assert len(json.dumps(told)) < 20_000
    with pytest.raises(NotRebuildableError) as caught:
        chain_of(told)
    assert (caught.value.message.id, caught.value.message.args["layers"]) == (
        "model.too_deep",
        1000,
    )


@pytest.mark.parametrize("broken", [RecursionError(), ValueError("a custom layer")])
def test_a_model_without_a_configuration_is_told_by_its_classes(broken: Exception) -> None:
    told = described(broken)["config"]
    assert told["opaque"] is True
    with pytest.raises(NotRebuildableError) as caught:
        chain_of(told)
    assert caught.value.message.id == "model.custom"


@pytest.mark.parametrize("share", [0.07, 0.9, 2.0])
@pytest.mark.parametrize("piece", [[], {}, "word", "x" * 999, {"a": [1, 2.5]}])
def test_the_largest_description_is_within_what_is_read(piece: Any, share: float) -> None:
    """The room's bound on a description lies below the judge's on an event."""
    config = [piece] * int(share * CONFIG_BYTES / len(json.dumps(piece)))
    text = json.dumps(described({"layers": config})).encode()
    assert len(text) < CONTENT_BYTES
    assert values_in(text, VALUES) <= VALUES


def test_weights_without_end_are_not_told_and_said_to_be_too_large() -> None:
    large = [np.zeros((4096, 4096), np.float32)]
    assert weights_of(model(weights=large)) == []
    assert is_too_large(model(weights=large))
    many = [np.zeros(1, np.float32)] * (WEIGHT_ARRAYS + 1)
    assert weights_of(model(weights=many)) == []
    assert is_too_large(model(weights=many))


def test_usual_weights_are_told() -> None:
    usual = [np.ones((3, 4), np.float32)]
    assert weights_of(model(weights=usual)) == usual
    assert not is_too_large(model(weights=usual))


def test_weights_of_a_type_that_numpy_does_not_have_are_told_as_floats() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    (weight,) = weights_of(model(weights=[np.ones(3, bfloat16)]))
    assert weight.dtype == np.float32


def test_an_optimizer_with_settings_without_end_is_told_in_short() -> None:
    settings = {f"setting {n} {'x' * 1000}": "y" * 10**6 for n in range(1000)}
    optimizer = SimpleNamespace(get_config=lambda: settings, learning_rate=0.5)
    compiled = describe(keras({}), model(optimizer=optimizer, loss="l" * 10**7))["compile"]
    assert len(json.dumps(compiled)) < 20_000
    assert compiled["learning_rate"] == 0.5
    assert len(compiled) <= 100, "more are refused"


def test_what_mixed_precision_wraps_is_the_optimizer_that_was_asked_for() -> None:
    """Keras compiles with a LossScaleOptimizer under ``mixed_float16``; students asked for Adam."""

    class Adam:
        learning_rate = 0.01

        def get_config(self) -> dict[str, Any]:
            return {"beta_1": 0.8}

    wrapped = SimpleNamespace(inner_optimizer=Adam(), get_config=dict, learning_rate=0.01)
    compiled = describe(keras({}), model(optimizer=wrapped, loss="mse"))["compile"]
    assert compiled["optimizer"] == "Adam"
    assert compiled["optimizer.beta_1"] == 0.8
    assert compiled["learning_rate"] == 0.01
