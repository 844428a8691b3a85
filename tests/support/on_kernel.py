"""What the recurrent kernel computes, and when it is asked. A program of its own: it loads JAX.

argv: a compiled kernel, names of parts. Prints JSON. ``distances``: for each layer how far the kernel and Keras' own
path are from the same computed in float64, as root mean square over outputs and all gradients,
relative to their size. ``near``: the same of the kernel alone. ``asked``: for each layer whether Keras asks the kernel. ``backwards``: how
far a layer that goes backwards without bias is from Keras' own. ``nan``: outputs that are NaN where
an input is. ``taken``: what a room says that loads it, with the right answers and with wrong ones.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from grader.evaluation import recurrent, recurrent_check

BATCH, TIMESTEPS, FEATURES, UNITS = 13, 23, 5, 21  # no multiple of any vector or tile
ZEROS = {f"{one}_initializer": "zeros" for one in ("kernel", "recurrent")}  # others are compiled
CELLS = {"simple": 1, "lstm": 4, "gru_after": 3, "gru_before": 3}  # and their gates


def reference(cell: str, x: Any, kernel: Any, recurrent: Any, bias: Any, *first: Any) -> Any:
    """The layers' equations as Keras' documentation gives them, in the arrays' own precision."""
    sigmoid, units = jax.nn.sigmoid, UNITS

    def simple(state: Any, x: Any) -> Any:
        h = jnp.tanh(x @ kernel + state[0] @ recurrent + bias)
        return (h,), h

    def lstm(state: Any, x: Any) -> Any:
        i, f, g, o = jnp.split(x @ kernel + state[0] @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * state[1] + sigmoid(i) * jnp.tanh(g)
        h = sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def gru_after(state: Any, x: Any) -> Any:
        z, r, c = jnp.split(x @ kernel + bias[0], 3, axis=1)
        own_z, own_r, own_c = jnp.split(state[0] @ recurrent + bias[1], 3, axis=1)
        z, r = sigmoid(z + own_z), sigmoid(r + own_r)
        h = z * state[0] + (1 - z) * jnp.tanh(c + r * own_c)
        return (h,), h

    def gru_before(state: Any, x: Any) -> Any:
        z, r, c = jnp.split(x @ kernel + bias, 3, axis=1)
        z = sigmoid(z + state[0] @ recurrent[:, :units])
        r = sigmoid(r + state[0] @ recurrent[:, units : 2 * units])
        c = jnp.tanh(c + (r * state[0]) @ recurrent[:, 2 * units :])
        h = z * state[0] + (1 - z) * c
        return (h,), h

    return jax.lax.scan(locals()[cell], first, jnp.swapaxes(x, 0, 1))[1].swapaxes(0, 1)


def arrays_of(cell: str) -> tuple[np.ndarray, ...]:
    """Inputs, weights, zero states, and what is sent back from the outputs."""
    draw, gates = np.random.default_rng(5), CELLS[cell]

    def some(*shape: int) -> np.ndarray:
        return draw.standard_normal(shape).astype("float32")

    bias = (2, gates * UNITS) if cell == "gru_after" else (gates * UNITS,)
    zeros = [np.zeros((BATCH, UNITS), "float32")] * (2 if cell == "lstm" else 1)
    return (
        some(BATCH, TIMESTEPS, FEATURES),
        some(FEATURES, gates * UNITS) * np.float32(0.5),
        some(UNITS, gates * UNITS) / np.float32(np.sqrt(UNITS)),
        some(*bias) * np.float32(0.2),
        *zeros,
        some(BATCH, TIMESTEPS, UNITS),
    )


def layer_of(cell: str, *, sequences: bool) -> Any:
    """Outputs of Keras' layer as a function of all arrays."""
    name = {"simple": "SimpleRNN", "lstm": "LSTM"}.get(cell, "GRU")
    options: dict[str, Any] = {"return_sequences": sequences, **ZEROS}
    if name == "GRU":
        options["reset_after"] = cell == "gru_after"
    layer = getattr(keras.layers, name)(UNITS, **options)
    layer.build((BATCH, TIMESTEPS, FEATURES))
    others = [one.value for one in layer.non_trainable_variables]

    def outputs(x: Any, kernel: Any, own: Any, bias: Any, *first: Any) -> Any:
        given = {"initial_state": list(first)}
        return layer.stateless_call([kernel, own, bias], others, x, **given)[0]

    return outputs


def gradients(function: Any) -> Any:
    """Outputs and the gradients of everything, compiled."""

    def both(sent: Any, *arrays: Any) -> Any:
        outputs, back = jax.vjp(function, *arrays)
        return (outputs, *back(sent))

    return jax.jit(both)


def distance(found: Any, wanted: Any) -> float:
    """Root mean square of the relative distances of all arrays."""

    def one(a: Any, b: Any) -> float:
        a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
        return float(((a - b) ** 2).mean() / (b**2).mean())

    return float(np.sqrt(np.mean([one(a, b) for a, b in zip(found, wanted, strict=True)])))


def distances(kernel: recurrent.Kernel) -> dict[str, list[float]]:
    """Of the kernel and of Keras' own path, where all outputs are used and where the last one is."""
    told = {}
    for cell in CELLS:
        *arrays, sent = arrays_of(cell)
        own = gradients(layer_of(cell, sequences=True))
        exact = exactly(cell, arrays)
        for sequences in (True, False):
            last = sent.copy()
            if not sequences:
                last[:, :-1] = 0
            wanted = exact(last)
            keras_has = list(own(last, *arrays))
            with recurrent.used(kernel):
                ours = gradients(layer_of(cell, sequences=sequences))
                ours_has = list(ours(last if sequences else last[:, -1], *arrays))
            if not sequences:
                wanted[0], keras_has[0] = wanted[0][:, -1], keras_has[0][:, -1]
            case = f"{cell} {'all' if sequences else 'last'}"
            told[case] = [distance(ours_has, wanted), distance(keras_has, wanted)]
    return told


def near(kernel: recurrent.Kernel) -> dict[str, float]:
    """Of the kernel alone, where all outputs are used: Keras' own path takes long to compile."""
    told = {}
    for cell in CELLS:
        *arrays, sent = arrays_of(cell)
        with recurrent.used(kernel):
            ours = gradients(layer_of(cell, sequences=True))
            told[cell] = distance(list(ours(sent, *arrays)), exactly(cell, arrays)(sent))
    return told


def exactly(cell: str, arrays: list[Any]) -> Any:
    """Outputs and gradients in float64, of what is sent back."""
    with jax.enable_x64(True):
        wide = [jnp.asarray(one, "float64") for one in arrays]
        function = gradients(partial(reference, cell))

    def of(sent: Any) -> list[Any]:
        with jax.enable_x64(True):
            return list(function(jnp.asarray(sent, "float64"), *wide))

    return of


class Asked:
    """In a kernel's place: takes note, and gives arrays of the right shapes."""

    def __init__(self) -> None:
        self.times = 0

    def __getattr__(self, cell: str) -> Any:
        def function(x: Any, kernel: Any, own: Any, bias: Any, *first: Any) -> Any:
            self.times += 1
            y = jnp.zeros((*x.shape[:2], own.shape[0]))
            return (y, y[:, -1], *first[1:])

        return function


def asked() -> dict[str, int]:
    """How often each layer asks; nothing is compiled."""
    kinds = keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN
    lstm, gru, simple = (partial(one, 3, **ZEROS) for one in kinds)
    layers = {
        "LSTM": lstm(),
        "GRU": gru(),
        "GRU reset before": gru(reset_after=False),
        "SimpleRNN": simple(),
        "sequences": simple(return_sequences=True),
        "state": lstm(return_state=True),
        "backwards": gru(go_backwards=True),
        "no bias": simple(use_bias=False),
        "both ways": keras.layers.Bidirectional(lstm()),
        "dropout": lstm(dropout=0.5),
        "dropout of the state": gru(recurrent_dropout=0.5),
        "SimpleRNN dropout": simple(dropout=0.5),
        "relu": simple(activation="relu"),
        "hard sigmoid": lstm(recurrent_activation="hard_sigmoid"),
        "unrolled": lstm(unroll=True),
        "half": gru(dtype="float16"),
        "own cell": keras.layers.RNN(keras.layers.LSTMCell(3, **ZEROS)),
        "masked": gru(),
        "masked SimpleRNN": simple(),
    }
    told = {}
    for name, layer in layers.items():
        layer.build((2, 4, 5))
        spy = Asked()
        trained = [one.value for one in layer.trainable_variables]
        others = [one.value for one in layer.non_trainable_variables]
        options: dict[str, Any] = {"training": True}
        if name.startswith("masked"):
            options["mask"] = jnp.ones((2, 4), bool)

        def call(x: Any, layer: Any = layer, given: Any = (trained, others, options)) -> Any:
            return layer.stateless_call(given[0], given[1], x, **given[2])[0]

        with recurrent.used(spy):  # type: ignore[arg-type]  # stands for one
            jax.eval_shape(call, jax.ShapeDtypeStruct((2, 4, 5), layer.compute_dtype))
        told[name] = spy.times
    return told


def backwards(kernel: recurrent.Kernel) -> float:
    x, weights, own, *_ = arrays_of("gru_after")
    layer = keras.layers.GRU(
        UNITS, go_backwards=True, return_sequences=True, use_bias=False, **ZEROS
    )
    layer.build(x.shape)
    others = [one.value for one in layer.non_trainable_variables]

    def outputs(x: Any) -> Any:
        return layer.stateless_call([weights, own], others, x)[0]

    expected = jax.jit(outputs)(x)
    with recurrent.used(kernel):
        found = jax.jit(partial(outputs))(x)  # another function: traced anew
    return float(jnp.abs(found - expected).max())


def nan(kernel: recurrent.Kernel) -> dict[str, list[bool]]:
    """Of every layer: whether outputs are NaN before, at and after an input that is; of two rows."""
    told = {}
    for cell in CELLS:
        x, *others = arrays_of(cell)[:-1]
        x = x.copy()
        x[1, 4, 0] = np.nan
        if cell == "gru_before":
            others[2] = others[2][None]
        y = np.isnan(getattr(kernel, cell.partition("_")[0])(x, *others)[0])
        told[cell] = [bool(y[1, :4].any()), bool(y[1, 4:].all()), bool(np.delete(y, 1, 0).any())]
    return told


def taken(kernel: recurrent.Kernel, folder: Path) -> list[str]:
    kept = folder / recurrent_check.ANSWERS
    expected = recurrent_check.ours(kernel)
    np.savez(kept, **expected)  # type: ignore[arg-type]
    told = [recurrent_check.taken_up(folder)]
    expected["lstm_2"] = expected["lstm_2"] + 0.01
    np.savez(kept, **expected)  # type: ignore[arg-type]
    told.append(recurrent_check.taken_up(folder))
    damaged = folder / "damaged"
    damaged.mkdir()
    (damaged / recurrent_check.LIBRARY).write_bytes(b"no library")
    told.append(recurrent_check.taken_up(damaged))
    return told


def main() -> None:
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    kernel = recurrent.Kernel(folder / recurrent_check.LIBRARY)
    parts: dict[str, Any] = {
        "distances": lambda: distances(kernel),
        "near": lambda: near(kernel),
        "asked": asked,
        "backwards": lambda: backwards(kernel),
        "nan": lambda: nan(kernel),
        "taken": lambda: taken(kernel, folder),
    }
    print(json.dumps({name: parts[name]() for name in wanted}))


if __name__ == "__main__":
    main()
