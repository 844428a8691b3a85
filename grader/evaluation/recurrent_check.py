"""In a room: whether the recurrent kernel computes what Keras does.

Enters: argv[1], a folder with the library. Leaves in argv[2]: ``kernel``, what is wrong with it or
"", and ``answers.npz``, what Keras' own path answers. Touches nothing else. Runs as a script when
the kernel is built; where a room loads it later, the same questions are compared with the answers
that were kept, which takes no second compilation of Keras' loops.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from grader.evaluation import recurrent
else:
    import recurrent  # a script finds its neighbours by their bare names

CELLS = ("simple", "lstm", "gru_after", "gru_before")
GATES = {"simple": 1, "lstm": 4, "gru_after": 3, "gru_before": 3}
BATCH, TIMESTEPS, FEATURES, UNITS = 11, 5, 3, 19  # a multiple of no vector, and no tile
CLOSE = 1e-5  # of the largest number; float32 leaves some 1e-6
LIBRARY, ANSWERS = "recurrent.so", "answers.npz"
Arrays = dict[str, np.ndarray]


def questions(cell: str) -> tuple[np.ndarray, ...]:
    """Give inputs, kernel, recurrent kernel, bias and first states, and the outputs' cotangent."""
    draw, gates = np.random.default_rng(7), GATES[cell]
    shapes = [(BATCH, TIMESTEPS, FEATURES), (FEATURES, gates * UNITS), (UNITS, gates * UNITS)]
    rows = {"gru_after": (2,), "gru_before": (1,)}.get(cell, ())
    shapes += [(*rows, gates * UNITS), *[(BATCH, UNITS)] * (2 if cell == "lstm" else 1)]
    shapes.append((BATCH, TIMESTEPS, UNITS))
    return tuple((0.5 * draw.standard_normal(shape)).astype("float32") for shape in shapes)


def ours(kernel: recurrent.Kernel) -> Arrays:
    """Answer with the kernel's functions: outputs and all gradients, of every cell."""

    def answer(cell: str) -> Any:
        return lambda *arrays: getattr(kernel, cell.partition("_")[0])(*arrays)[0]

    return _answers({cell: answer(cell) for cell in CELLS})


def keras_own() -> Arrays:
    """Answer with Keras' layers, whatever computes them just now."""
    import keras

    def answer(cell: str) -> Any:
        options = {"return_sequences": True}
        if cell.startswith("gru"):
            options["reset_after"] = cell == "gru_after"
        name = {"simple": "SimpleRNN", "lstm": "LSTM"}.get(cell, "GRU")
        zeros = {f"{one}_initializer": "zeros" for one in ("kernel", "recurrent", "bias")}
        layer = getattr(keras.layers, name)(UNITS, **options, **zeros)
        layer.build((BATCH, TIMESTEPS, FEATURES))
        others = [one.value for one in layer.non_trainable_variables]

        def outputs(x: Any, kernel: Any, recurrent: Any, bias: Any, *first: Any) -> Any:
            weights = [kernel, recurrent, bias.reshape(layer.cell.bias.shape)]
            return layer.stateless_call(weights, others, x, initial_state=list(first))[0]

        return outputs

    return _answers({cell: answer(cell) for cell in CELLS})


def _answers(functions: dict[str, Any]) -> Arrays:
    import jax

    given = {cell: questions(cell) for cell in functions}

    def all_of(given: dict[str, Any]) -> Any:
        found = {}
        for cell, (*arrays, sent) in given.items():
            outputs, back = jax.vjp(functions[cell], *arrays)
            found[cell] = (outputs, *back(sent))
        return found

    found = jax.jit(all_of)(given)
    return {
        f"{cell}_{number}": np.asarray(array)
        for cell, arrays in found.items()
        for number, array in enumerate(arrays)
    }


def difference(found: Arrays, expected: Arrays) -> str:
    """Name the first array that is not as expected, or ""."""
    if found.keys() != expected.keys():
        return "other arrays"
    for name, array in found.items():
        least = CLOSE * max(1.0, float(np.abs(expected[name]).max()))
        if array.shape != expected[name].shape:
            return f"{name}: other shape"
        if not np.allclose(array, expected[name], rtol=0.0, atol=least):
            return f"{name}: {np.abs(array - expected[name]).max():.3g} apart"
    return ""


def taken_up(folder: Path) -> str:
    """Have Keras' layers call the kernel from now on; gives why they do not, or ""."""
    kernel = tried(folder)
    if isinstance(kernel, str):
        return kernel
    recurrent.use(kernel)
    return ""


def tried(folder: Path) -> recurrent.Kernel | str:
    """Load the kernel and have it answer what Keras answered; gives it, or what is wrong."""
    try:
        kernel = recurrent.Kernel(folder / LIBRARY)
        with np.load(folder / ANSWERS, allow_pickle=False) as archive:
            expected = {name: archive[name] for name in archive.files}
        wrong = difference(ours(kernel), expected)
    except Exception as error:  # noqa: BLE001 - whatever it is, Keras' own path is there
        return f"{type(error).__name__}: {error}"
    return wrong or kernel


def checked(library: Path) -> tuple[str, Arrays]:
    """Compare the kernel with Keras; gives what is wrong, or "", and Keras' own answers."""
    expected = keras_own()
    try:
        kernel = recurrent.Kernel(library)
        found = ours(kernel)
        wrong = difference(found, expected)
        with recurrent.used(kernel):
            called = keras_own()
    except Exception as error:  # noqa: BLE001 - it is the kernel that is checked
        return f"{type(error).__name__}: {error}", expected
    if not wrong and not all(np.array_equal(called[name], found[name]) for name in found):
        wrong = "this Keras' layers do not call it"
    return wrong, expected


def main() -> None:
    """Check the library of a folder."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    wrong, expected = checked(folder / LIBRARY)
    np.savez(out / ANSWERS, **expected)  # type: ignore[arg-type]  # names are not options
    say(out, wrong)


def say(out: Path, wrong: str) -> None:
    """Tell those outside what is wrong with the kernel, or ""."""
    (out / ".kernel").write_text(json.dumps(wrong[:500]), encoding="utf-8")
    (out / ".kernel").replace(out / "kernel")


if __name__ == "__main__":
    main()
