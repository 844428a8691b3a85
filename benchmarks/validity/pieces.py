"""The pieces that notebooks are made of: imports, data, model, training, what comes after.

Enters: an exercise's id. Leaves: Pieces that together are a correct notebook. Touches nothing.
A variant replaces one piece by another that means the same; a mutant changes one piece so that
exactly one thing is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

SEQUENCE = "sequence-prediction"
SIMPLE = "multiplication-simple-rnn"
LSTM = "multiplication-lstm"
GRU = "multiplication-gru"
EXERCISES = (SEQUENCE, SIMPLE, LSTM, GRU)
LAYERS = {SEQUENCE: "SimpleRNN", SIMPLE: "SimpleRNN", LSTM: "LSTM", GRU: "GRU"}
# Ten epochs are enough for every point but accuracy's: what is not about accuracy need not wait.
SHORT = 12


@dataclass(frozen=True)
class Pieces:
    """One notebook, a cell for each piece."""

    imports: str
    data: str
    model: str
    training: str
    after: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Give the cells in order; an empty piece is no cell."""
        parts = (self.imports, self.data, self.model, self.training, self.after)
        return tuple(part.strip("\n") for part in parts if part.strip())


@dataclass(frozen=True)
class ValidityCase:
    """One notebook and what must come of it."""

    name: str
    exercise: str
    pieces: Pieces
    verdicts: tuple[str, ...]
    fault: str = ""  # the one thing that is wrong; "" for correct work
    hint: str | None = None  # the first hint's id; None: whichever
    needs_weights: bool = False  # of a trained model, pasted in as WEIGHTS

    @property
    def correct(self) -> bool:
        """Whether the notebook is right, however it is written."""
        return not self.fault


def changed(pieces: Pieces, part: str, old: str, new: str) -> Pieces:
    """Replace a text within one piece; it must be there, or the mutant would be no mutant."""
    text = getattr(pieces, part)
    assert old in text, f"{old!r} is not in {part}"
    return replace(pieces, **{part: text.replace(old, new)})


def base(exercise: str) -> Pieces:
    """Give a correct notebook, as the book writes it."""
    return _sequence() if exercise == SEQUENCE else _multiplication(LAYERS[exercise])


def short(pieces: Pieces) -> Pieces:
    """Train for few epochs, where nothing hangs on accuracy."""
    return changed(pieces, "training", "epochs=100", f"epochs={SHORT}")


IMPORTS = """
import numpy as np
import tensorflow as tf
"""

WINDOWS = """
X = []
Y = []
for i in range(6):
    X.append([[c / 10] for c in range(i, i + 4)])
    Y.append((i + 4) / 10)
X = np.array(X)
Y = np.array(Y)
print(X.shape, Y.shape)
"""

MARKED = """
X = []
Y = []
for i in range(3000):
    numbers = np.random.rand(100)
    places = np.random.choice(100, 2, replace=False)
    marks = np.zeros(100)
    marks[places] = 1
    X.append(np.array(list(zip(marks, numbers))))
    Y.append(np.prod(numbers[places]))
X = np.array(X)
Y = np.array(Y)
print(X.shape, Y.shape)
"""


def _sequence() -> Pieces:
    return Pieces(
        IMPORTS,
        WINDOWS,
        """
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(4, 1)),
    tf.keras.layers.SimpleRNN(10),
    tf.keras.layers.Dense(1),
])
model.compile(optimizer='adam', loss='mse')
model.summary()
""",
        "history = model.fit(X, Y, epochs=100, verbose=0)",
        "print(model.predict(np.array([[[.6], [.7], [.8], [.9]]]), verbose=0))",
    )


def _multiplication(layer: str) -> Pieces:
    return Pieces(
        IMPORTS,
        MARKED,
        f"""
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(100, 2)),
    tf.keras.layers.{layer}(30, return_sequences=True),
    tf.keras.layers.{layer}(30),
    tf.keras.layers.Dense(1),
])
model.compile(optimizer='adam', loss='mse')
model.summary()
""",
        """
history = model.fit(X[:2560], Y[:2560], epochs=100, validation_split=0.2, verbose=0)
""",
        """
print(model.evaluate(X[2560:], Y[2560:], verbose=0))
prediction = model.predict(X[2560:], verbose=0)[:, 0]
print('correct', np.mean(np.abs(prediction - Y[2560:]) <= 0.04))
""",
    )
