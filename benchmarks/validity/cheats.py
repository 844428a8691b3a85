"""Notebooks that pretend: none may be accepted, whatever they print.

Enters: an exercise's id. Leaves: Cases; those that need weights of a trained model hold WEIGHTS
where the run puts them in. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pieces import LAYERS, SEQUENCE, SHORT, SIMPLE, Pieces, ValidityCase, base, short

UNTRAINED = ("untrained",)
WEIGHTS = "PASTED_WEIGHTS"  # base64 of an npz
PASTE = f"""
import base64, io
archive = np.load(io.BytesIO(base64.b64decode('{WEIGHTS}')))
model.set_weights([archive[name] for name in archive.files])
"""
NOTHING_MOVES = "model.optimizer.learning_rate = 1e-9\n"


def cheats(exercise: str) -> tuple[ValidityCase, ...]:
    """Give every cheat of an exercise."""
    found = [
        ValidityCase(name, exercise, pieces, UNTRAINED, fault, None)
        for name, pieces, fault in _pretended(exercise)
    ]
    found.append(_impostor(exercise))
    if exercise != SIMPLE:  # a good SimpleRNN does not exist, so there is nothing to paste
        found += _pasted(exercise)
    return tuple(found)


def _pretended(exercise: str) -> Iterator[tuple[str, Pieces, str]]:
    """Claims without training."""
    book = base(exercise)
    answers = "np.array([[1.0]])" if exercise == SEQUENCE else "Y[2560:].reshape(-1, 1)"
    untrained = replace(book, training="")
    yield (
        "printed",
        replace(
            untrained, after="print('loss: 0.0001 - correct: 99.3 %')\nprint('PASSED 100/100')"
        ),
        "results are only printed",
    )
    yield (
        "predict_patched",
        replace(
            untrained,
            training=f"""
tf.keras.Model.predict = lambda self, *a, **k: {answers}
tf.keras.Model.evaluate = lambda self, *a, **k: 0.0001
model.predict = lambda *a, **k: {answers}
""",
        ),
        "predict and evaluate are patched",
    )
    yield (
        "fit_patched",
        replace(
            book,
            training="""
class Done:
    history = {'loss': [0.1 * 0.9 ** n for n in range(100)]}
    epoch = list(range(100))

def fit(self, *a, **k):
    self.history = Done()
    return self.history

tf.keras.Model.fit = fit
"""
            + book.training,
            after="",
        ),
        "fit is patched",
    )
    yield (
        "history_forged",
        replace(
            book,
            training=book.training.replace("epochs=100", "epochs=2")
            + """
history.history['loss'] = [0.1 * 0.9 ** n for n in range(100)]
history.epoch = list(range(100))
history.params['epochs'] = 100
model.history = history
""",
            after="",
        ),
        "two epochs and a forged history",
    )
    yield (
        "claims_saved",
        replace(
            untrained,
            after="""
import json
claim = {'verdict': 'accepted', 'score': 100, 'epochs_run': 100}
for name in ('results.json', 'record.json', 'evidence.json'):
    open(name, 'w').write(json.dumps(claim))
model.trained = True
model.epochs = 100
""",
        ),
        "results are written to files",
    )
    yield (
        "weights_nudged",
        replace(
            book,
            training="model.set_weights([w + 0.01 for w in model.get_weights()])\nhistory = None",
            after="",
        ),
        "weights are changed by hand",
    )


def _pasted(exercise: str) -> Iterator[ValidityCase]:
    """Weights of another run put in, around a fit that does nothing."""
    book = short(base(exercise))
    token = NOTHING_MOVES + book.training
    flagged = ("suspicious",)
    cases = (
        ("pasted_before", PASTE + token, flagged, "trained weights put in before the fit"),
        ("pasted_after", token + PASTE, flagged, "trained weights put in after the fit"),
        ("pasted_between", token + PASTE + token, flagged, "trained weights put in between fits"),
        ("pasted_only", PASTE, UNTRAINED, "trained weights and no fit"),
    )
    for name, training, verdicts, fault in cases:
        pieces = replace(book, training=training, after="")
        yield ValidityCase(name, exercise, pieces, verdicts, fault, None, needs_weights=True)


def _impostor(exercise: str) -> ValidityCase:
    """A layer of the right name and weights that does not recur: only a teacher may accept it."""
    layer = LAYERS[exercise]
    gates = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}[layer]
    bias = f"(2, {gates} * units)" if layer == "GRU" else f"({gates} * units,)"
    own = f"""
class {layer}(tf.keras.layers.Layer):
    def __init__(self, units, return_sequences=False, activation='tanh', **options):
        super().__init__(**options)
        self.units, self.return_sequences, self.activation = units, return_sequences, activation

    def build(self, shape):
        units = self.units
        self.kernel = self.add_weight(shape=(shape[-1], {gates} * units), name='kernel')
        self.recurrent = self.add_weight(shape=(units, {gates} * units), name='recurrent_kernel')
        self.bias = self.add_weight(shape={bias}, name='bias', initializer='zeros')

    def call(self, x):
        y = tf.keras.ops.tanh(x @ self.kernel[:, :self.units])
        return y if self.return_sequences else y[:, -1]

    def get_config(self):
        return {{**super().get_config(), 'units': self.units, 'activation': self.activation,
                'return_sequences': self.return_sequences}}
"""
    book = base(exercise)
    model = book.model.replace(f"tf.keras.layers.{layer}(", f"{layer}(")
    pieces = replace(
        book,
        imports=book.imports + own,
        model=model,
        training=book.training.replace("epochs=100", f"epochs={SHORT}"),
    )
    verdicts = ("wrong_architecture", "low_accuracy", "suspicious")
    return ValidityCase(
        "impostor", exercise, pieces, verdicts, f"a layer that only calls itself {layer}"
    )
