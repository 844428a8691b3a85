"""In the notebook's room: what a model class of the notebook's own computes, as layers in order.

Enters: a Keras model. Leaves: a functional model with the same layers, or the model. Touches
nothing: the class's ``call`` is run once more, on a tensor without numbers.
"""

from __future__ import annotations

import weakref
from typing import Any

_known: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def in_layers(model: Any) -> Any:
    """Give the model as its layers follow each other; as it is where they do not tell all.

    They do not where ``call`` computes something between them, or leaves weights unused.
    """
    if not getattr(model, "built", False):
        return model
    import keras

    kind, functional = type(model), keras.src.models.functional.Functional
    if kind in (keras.Sequential, functional):
        return model
    if _computes_as(kind, keras.Sequential):
        return getattr(model, "_functional", None) or model  # it may grow: asked anew each time
    if model not in _known:
        _known[model] = None  # while call runs, and where it fails
        traced = _same_layers if _computes_as(kind, functional) else _traced
        _known[model] = traced(keras, model)
    return _known[model] or model


def _computes_as(kind: type, base: Any) -> bool:
    """Whether a class computes what one of Keras' own does: it trains otherwise, or is named so."""
    return issubclass(kind, base) and all(
        getattr(kind, name) is getattr(base, name) for name in ("call", "__call__")
    )


def _same_layers(keras: Any, model: Any) -> Any:
    """Give a model of Keras' own class with the layers of a functional one."""
    try:
        return keras.Model(model.inputs, model.outputs)
    except Exception:
        return None


def _traced(keras: Any, model: Any) -> Any:
    """Call the model on a tensor that only has a shape; None where that does not show all of it."""
    try:
        (shape,) = model._build_shapes_dict.values()  # noqa: SLF001 - by which Keras saves it
        given = keras.Input(batch_shape=(None, *shape[1:]))
        found = keras.Model(given, model.call(given))
        layers = all(isinstance(one, keras.layers.Layer) for one in found.operations)
        same = {id(one) for one in found.weights} == {id(one) for one in model.weights}
    except Exception:
        return None
    return found if layers and same else None
