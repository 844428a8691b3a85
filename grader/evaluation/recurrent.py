"""In the trainer's room: recurrent layers computed by the grader's own kernel, where they can be.

Enters: a library that was compiled from ``grader/trainer/native``. Leaves: Keras' LSTM, GRU and
SimpleRNN calling it. Touches: Keras' modules in this process, and nothing where ``use`` was not
called. Imports nothing of the judge's.

What the kernel does not know (masks, other activations, dropout of the state, other types, an
unrolled loop) is computed by Keras as ever.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

TRACES = {"simple": 0, "lstm": 6, "gru": 4}  # numbers per unit and timestep kept for a gradient
Function = Callable[..., Any]


class Kernel:
    """The three layers as functions of arrays that JAX can differentiate.

    Each takes inputs (batch, timesteps, features), kernel, recurrent kernel, bias and the first
    states (batch, units), and gives all outputs (batch, timesteps, units) and the last states. The
    bias of a GRU has one row where the reset comes before the product, otherwise two.
    """

    def __init__(self, library: Path) -> None:
        """Load the library and make its functions known to XLA.

        Raises:
            OSError, AttributeError, ValueError: it is none of ours, or none for this processor.
        """
        import jax

        loaded = ctypes.CDLL(str(library))
        self.width = ctypes.c_int.in_dll(loaded, "rnn_width").value
        self._prefix = f"grader_rnn_{self.width}_"  # libraries of several widths can be loaded
        for name in (f"{cell}_{way}" for cell in TRACES for way in ("forward", "backward")):
            function = getattr(loaded, f"rnn_{name}")
            capsule = jax.ffi.pycapsule(function)  # type: ignore[no-untyped-call]  # JAX's own
            jax.ffi.register_ffi_target(self._prefix + name, capsule, platform="cpu")
        self.simple, self.lstm, self.gru = (
            _differentiable(partial(self._forward, cell), partial(self._backward, cell))
            for cell in TRACES
        )

    def _forward(self, cell: str, kept: bool, *arrays: Any) -> tuple[tuple[Any, ...], list[Any]]:
        """Give outputs and last states, and what a gradient needs of all steps where ``kept``."""
        x, kernel, recurrent, bias, *first = arrays
        batch, units = first[0].shape
        padded = -(-units // self.width) * self.width
        shapes = [(batch, x.shape[1], units), *(one.shape for one in first[1:])]
        if parts := TRACES[cell]:
            shapes.append((x.shape[1] if kept else 1, batch, parts * padded))
        found = self._call(f"{cell}_forward", shapes, x, kernel, recurrent, *first, bias)
        y, others, trace = found[0], found[1 : len(first)], found[len(first) :]
        return (y, y[:, -1], *others), trace

    def _backward(self, cell: str, arrays: Any, saved: Any, wanted: bool, sent: Any) -> Any:
        """Give the gradients of all arrays; that of inputs is empty where nobody wants it."""
        x, kernel, recurrent, bias, *first = arrays
        others = (kernel, recurrent, bias, *first)
        shapes = [x.shape if wanted else (0,), *(one.shape for one in others)]
        return self._call(f"{cell}_backward", shapes, x, kernel, recurrent, *first, *saved, *sent)

    def _call(self, name: str, shapes: list[tuple[int, ...]], *arrays: Any) -> list[Any]:
        import jax

        as_float32 = partial(jax.ShapeDtypeStruct, dtype="float32")
        results = [as_float32(shape) for shape in shapes]
        return list(jax.ffi.ffi_call(self._prefix + name, results)(*arrays))


def _differentiable(ahead: Function, back: Function) -> Function:
    """Make a function of arrays whose gradient is another function.

    A first layer's inputs need no gradient, and where only the last output is used nobody sends one
    for the others: JAX knows both beforehand (``symbolic_zeros``).
    """
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def function(*arrays: Any) -> Any:
        return ahead(False, *arrays)[0]

    def forward(*told: Any) -> Any:
        arrays = tuple(one.value for one in told)
        results, saved = ahead(True, *arrays)
        wanted = () if told[0].perturbed else None  # the structure is known, a bool would be traced
        return results, (arrays, (results[0], *saved), wanted)

    def backward(saved: Any, sent: Any) -> Any:
        arrays, kept, wanted = saved
        zero = jax.custom_derivatives.SymbolicZero
        first = sent[0]
        first = jnp.zeros((0,), "float32") if isinstance(first, zero) else first
        rest = [jnp.zeros(s.shape, "float32") if isinstance(s, zero) else s for s in sent[1:]]
        found = back(arrays, kept, wanted is not None, [first, *rest])
        return (found[0] if wanted is not None else None, *found[1:])

    function.defvjp(forward, backward, symbolic_zeros=True)
    return function


def use(kernel: Kernel) -> Callable[[], None]:
    """Have Keras' layers call the kernel; gives what undoes that."""
    from keras.src import backend, layers

    simple = layers.SimpleRNN
    own = backend.lstm, backend.gru

    def undo() -> None:
        backend.lstm, backend.gru = own
        del simple.inner_loop  # it is inherited

    backend.lstm, backend.gru = lstm_with(kernel, own[0]), gru_with(kernel, own[1])
    simple.inner_loop = simple_with(kernel, simple.inner_loop)
    return undo


@contextmanager
def used(kernel: Kernel) -> Iterator[None]:
    """Have Keras' layers call the kernel, for a while."""
    undo = use(kernel)
    try:
        yield
    finally:
        undo()


def lstm_with(kernel: Kernel, own: Function) -> Function:
    """Make a ``backend.lstm``: the kernel's where it can, otherwise the given one."""

    def lstm(inputs: Any, h: Any, c: Any, mask: Any, **told: Any) -> Any:
        arrays = _arrays(inputs, told, 4, h, c)
        if mask is not None or arrays is None or not _usual(told):
            return own(inputs, h, c, mask, **told)
        return _as_keras(kernel.lstm(*arrays), told["return_sequences"])

    return lstm


def gru_with(kernel: Kernel, own: Function) -> Function:
    """Make a ``backend.gru``: the kernel's where it can, otherwise the given one."""

    def gru(inputs: Any, h: Any, mask: Any, **told: Any) -> Any:
        arrays = _arrays(inputs, told, 3, h, parts=2 if told["reset_after"] else 1)
        if mask is not None or arrays is None or not _usual(told):
            return own(inputs, h, mask, **told)
        return _as_keras(kernel.gru(*arrays), told["return_sequences"])

    return gru


def simple_with(kernel: Kernel, own: Function) -> Function:
    """Make SimpleRNN's ``inner_loop``: Keras asks no backend for it."""

    def inner_loop(
        self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> Any:
        from keras.src import activations

        cell = self.cell
        told = {
            "kernel": cell.kernel,
            "recurrent_kernel": cell.recurrent_kernel,
            "bias": cell.bias,
            "activation": cell.activation,
            "recurrent_activation": activations.sigmoid,  # it has none
            "go_backwards": self.go_backwards,
            "unroll": self.unroll,
        }
        drops = training and (cell.dropout or cell.recurrent_dropout)
        arrays = None
        if mask is None and not drops and _usual(told):
            arrays = _arrays(sequences, told, 1, *initial_state)
        if arrays is None:
            return own(self, sequences, initial_state, mask=mask, training=training)
        return _as_keras(kernel.simple(*arrays), self.return_sequences)

    return inner_loop


def _usual(told: dict[str, Any]) -> bool:
    from keras.src import activations

    return (
        told["activation"] is activations.tanh
        and told["recurrent_activation"] is activations.sigmoid
        and not told["unroll"]
    )


def _arrays(inputs: Any, told: dict[str, Any], gates: int, *first: Any, parts: int = 1) -> Any:
    """Give what the kernel takes, None where it does not take it."""
    import jax.numpy as jnp

    kernel, recurrent = (jnp.asarray(told[name]) for name in ("kernel", "recurrent_kernel"))
    shape = (parts, gates * recurrent.shape[0]) if gates == 3 else (gates * recurrent.shape[0],)  # noqa: PLR2004
    bias = jnp.zeros(shape, "float32") if told["bias"] is None else jnp.asarray(told["bias"])
    x = jnp.asarray(inputs)
    x = jnp.flip(x, axis=1) if told["go_backwards"] else x
    arrays = (x, kernel, recurrent, bias.reshape(shape), *map(jnp.asarray, first))
    if any(one.dtype != jnp.float32 or not one.size for one in arrays):
        return None
    return arrays


def _as_keras(results: Any, return_sequences: bool) -> tuple[Any, Any, list[Any]]:
    y, last, *others = results
    return last, y if return_sequences else last[:, None, :], [last, *others]
