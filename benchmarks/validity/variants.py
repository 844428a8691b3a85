"""Correct notebooks, however they are written: each must be accepted.

Enters: an exercise's id. Leaves: Cases. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pieces import GRU, LAYERS, LSTM, SEQUENCE, Pieces, ValidityCase, base, changed

ACCEPTED = ("accepted",)


def variants(exercise: str) -> tuple[ValidityCase, ...]:
    """Give every accepted variant of an exercise."""
    found = {"textbook": base(exercise)}
    found |= dict(_everywhere(exercise))
    found |= dict(_windows() if exercise == SEQUENCE else _marked(exercise))
    return tuple(ValidityCase(name, exercise, pieces, ACCEPTED) for name, pieces in found.items())


def _sizes(exercise: str) -> tuple[str, int, int, int]:
    """Give the layer, units, steps and features."""
    if exercise == SEQUENCE:
        return LAYERS[exercise], 10, 4, 1
    return LAYERS[exercise], 30, 100, 2


def _stack(exercise: str, wrap: str) -> str:
    """Give the recurrent layers, each put into ``wrap``."""
    layer, units, _, _ = _sizes(exercise)
    lines = [f"layers.{layer}({units})"]
    if exercise != SEQUENCE:
        lines.insert(0, f"layers.{layer}({units}, return_sequences=True)")
    return "".join(wrap.replace("LAYER", line) for line in lines)


def _fit(exercise: str, data: str = "", **options: str) -> str:
    arrays = data or ("X, Y" if exercise == SEQUENCE else "X[:2560], Y[:2560]")
    split = {} if exercise == SEQUENCE or data else {"validation_split": "0.2"}
    settings = {"epochs": "100", **split, "verbose": "0", **options}
    return f"history = model.fit({arrays}, {', '.join(f'{k}={v}' for k, v in settings.items())})"


def _old_calls(exercise: str) -> Pieces:
    """As a book of 2018 has it: names that moved, arguments that have others, lists of numbers."""
    layer, _, steps, features = _sizes(exercise)
    model = _stack(exercise, "model.add(LAYER)\n").replace("layers.", "")
    shape = f", batch_input_shape=(None, {steps}, {features})"
    first = model.index("))\n")  # where the first layer ends
    return replace(
        base(exercise),
        imports="import numpy as np\nimport tensorflow as tf\n"
        "from keras.models import Sequential\nfrom keras.layers.core import Dense\n"
        f"from keras.layers.recurrent import {layer}\nfrom keras.optimizers import Adam\n"
        "from keras.utils import np_utils\ntf.set_random_seed(777)\n",
        data=base(exercise).data.replace("np.array(Y)", "np.array(Y, dtype=np.float)")
        + "\nX = X.tolist()\nY = list(Y)\n",
        model="model = Sequential()\n"
        + model[:first]
        + shape
        + model[first:]
        + "model.add(Dense(output_dim=1))\n"
        "model.compile(optimizer=Adam(lr=0.001, epsilon=None, decay=0.0), loss='mse')\n",
        training=_fit(exercise).replace("epochs=", "nb_epoch="),
    )


def _everywhere(exercise: str) -> Iterator[tuple[str, Pieces]]:
    """Styles that any exercise can be written in."""
    layer, units, steps, features = _sizes(exercise)
    book = base(exercise)
    compiled = "model.compile(optimizer='adam', loss='mse')\n"
    from_keras = "from tensorflow.keras import layers\n"

    yield (
        "added",
        replace(
            book,
            model=from_keras
            + "from tensorflow.keras.models import Sequential\nmodel = Sequential()\n"
            + f"model.add(layers.Input(shape=({steps}, {features})))\n"
            + _stack(exercise, "model.add(LAYER)\n")
            + "model.add(layers.Dense(1))\n"
            + compiled,
        ),
    )
    yield "old_calls", _old_calls(exercise)
    yield (
        "functional",
        replace(
            book,
            model=from_keras
            + f"inputs = layers.Input(shape=({steps}, {features}))\nx = inputs\n"
            + _stack(exercise, "x = LAYER(x)\n")
            + "model = tf.keras.Model(inputs, layers.Dense(1)(x))\n"
            + compiled,
        ),
    )
    yield (
        "shape_in_first_layer",
        changed(
            changed(
                book, "model", f"    tf.keras.layers.Input(shape=({steps}, {features})),\n", ""
            ),
            "model",
            f"{layer}({units}",
            f"{layer}(units={units}, input_shape=[{steps}, {features}]",
        )
        if exercise == SEQUENCE
        else replace(
            book,
            model=changed(
                book, "model", f"    tf.keras.layers.Input(shape=({steps}, {features})),\n", ""
            ).model.replace(
                "return_sequences=True)", "return_sequences=True, input_shape=[100, 2])"
            ),
        ),
    )
    yield (
        "cells",
        replace(
            book,
            model=book.model.replace(
                f"tf.keras.layers.{layer}({units}",
                f"tf.keras.layers.RNN(tf.keras.layers.{layer}Cell({units})",
            ),
        ),
    )
    yield (
        "built_in_function",
        replace(
            book,
            model=from_keras
            + f"UNITS = {units}\n\ndef build(units):\n    net = tf.keras.Sequential()\n"
            + f"    net.add(layers.Input(shape=({steps}, {features})))\n"
            + _stack(exercise, "    net.add(LAYER)\n").replace(f"({units}", "(units")
            + "    net.add(layers.Dense(1))\n    net.compile(optimizer='adam', loss='mse')\n"
            + "    return net\n\nmodel = build(UNITS)\n",
        ),
    )
    yield (
        "standalone_keras",
        replace(
            book,
            imports="import numpy as np\nimport keras\nfrom keras import layers\n",
            model=f"model = keras.Sequential([\n    keras.Input(shape=({steps}, {features})),\n"
            + _stack(exercise, "    LAYER,\n")
            + "    layers.Dense(1),\n])\n"
            + compiled,
        ),
    )
    yield (
        "named_objects",
        changed(
            changed(
                book,
                "model",
                "model.compile(optimizer='adam', loss='mse')",
                "model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.001),\n"
                "              loss=tf.keras.losses.MeanSquaredError(), metrics=['mae'])",
            ),
            "model",
            "Dense(1)",
            "Dense(1, activation='linear', name='answer')",
        ),
    )
    yield (
        "linear_layer",
        changed(
            book,
            "model",
            "    tf.keras.layers.Dense(1),\n",
            "    tf.keras.layers.Dense(1),\n    tf.keras.layers.Activation('linear'),\n",
        ),
    )
    yield (
        "open_steps",
        changed(
            book, "model", f"Input(shape=({steps}, {features}))", f"Input(shape=(None, {features}))"
        ),
    )
    yield (
        "float32",
        replace(book, data=book.data + "X = X.astype('float32')\nY = Y.astype(np.float32)\n"),
    )
    yield (
        "column_target",
        replace(
            book,
            data=book.data + "Y = Y.reshape(-1, 1)\n",
            after="print(model.predict(X[-5:], verbose=0))",
        ),
    )
    yield "seed_fixed", replace(book, imports=book.imports + "tf.keras.utils.set_random_seed(7)\n")
    yield (
        "two_fits",
        replace(
            book,
            training=_fit(exercise, epochs="40") + "\n" + _fit(exercise, epochs="60"),
        ),
    )
    yield (
        "loop_of_fits",
        replace(
            book,
            training="for part in range(10):\n    "
            + _fit(exercise, epochs="10")
            + "\n    print(part)",
        ),
    )
    yield (
        "callbacks",
        replace(
            book,
            training="""
from tensorflow.keras.callbacks import EarlyStopping, ModelCheckpoint
keep = ModelCheckpoint('best.weights.h5', monitor='loss', save_best_only=True,
                       save_weights_only=True)
stop = EarlyStopping(monitor='loss', patience=90)
"""
            + _fit(exercise, callbacks="[keep, stop]")
            + "\nmodel.load_weights('best.weights.h5')",
        ),
    )
    yield (
        "saved_and_loaded",
        replace(
            book,
            after="model.save('model.keras')\nmodel = tf.keras.models.load_model('model.keras')\n"
            + book.after,
        ),
    )
    yield (
        "chapter",
        replace(
            book,
            data="""
x_small = np.arange(24.).reshape(6, 4, 1) / 24
model = tf.keras.Sequential([tf.keras.layers.Input((4, 1)), tf.keras.layers.Dense(1)])
model.compile('adam', 'mse')
model.fit(x_small, np.zeros((6, 4, 1)), epochs=2, verbose=0)
"""
            + book.data,
        ),
    )
    yield (
        "colab_magics",
        replace(
            book,
            imports="%matplotlib inline\n!pip install -q tensorflow\n"
            + book.imports
            + "import matplotlib.pyplot as plt\n",
            after=book.after + "\nplt.plot(history.history['loss'])\nplt.show()\n",
        ),
    )
    yield (
        "what_the_room_lacks",
        replace(
            book,
            imports="import gensim\nimport tensorflow as tf\n"
            "gpus = tf.config.list_physical_devices('GPU')\n"
            "tf.config.set_visible_devices(gpus[0], 'GPU')\n" + book.imports,
            after=book.after + "\nprint(gensim.__version__)\n",
        ),
    )
    yield "history_misspelt_alike", changed(book, "training", "history", "histroy")


def _windows() -> Iterator[tuple[str, Pieces]]:
    """Valid ways of feeding and training the sequence."""
    book = base(SEQUENCE)
    yield "nine_windows", changed(book, "data", "range(6)", "range(9)")
    yield "backwards", replace(book, data=book.data + "X, Y = X[::-1].copy(), Y[::-1].copy()\n")
    yield (
        "arange",
        replace(
            book,
            data="""
s = np.arange(10) / 10
X = np.stack([s[i:i + 4] for i in range(6)])[..., None]
Y = s[4:]
""",
        ),
    )
    yield (
        "dataset",
        replace(
            book,
            training="ds = tf.data.Dataset.from_tensor_slices((X, Y)).batch(6)\n"
            + _fit(SEQUENCE, "ds"),
        ),
    )
    yield "sixty_epochs", changed(book, "training", "epochs=100", "epochs=60")
    yield "single_rows", changed(book, "training", "epochs=100", "epochs=100, batch_size=1")
    yield "thousand_epochs", changed(book, "training", "epochs=100", "epochs=1000")


def _marked(exercise: str) -> Iterator[tuple[str, Pieces]]:
    """Valid ways of feeding and training the multiplication."""
    book = base(exercise)
    yield "number_before_mark", changed(book, "data", "zip(marks, numbers)", "zip(numbers, marks)")
    yield (
        "rows_2400",
        replace(
            book,
            training=_fit(exercise, "X[:2400], Y[:2400]"),
            after="print(model.evaluate(X[2400:], Y[2400:], verbose=0))",
        ),
    )
    yield (
        "validation_data",
        replace(
            book,
            training=_fit(exercise, "X[:2560], Y[:2560]", validation_data="(X[2560:], Y[2560:])"),
        ),
    )
    yield (
        "vectorised",
        replace(
            book,
            data="""
def make(n, steps=100):
    numbers = np.random.random((n, steps))
    marks = np.zeros((n, steps))
    for row in range(n):
        a, b = np.random.choice(steps, size=2, replace=False)
        marks[row, [a, b]] = 1
    return np.dstack([marks, numbers]), (numbers ** marks).prod(axis=1)

X, Y = make(3000)
""",
        ),
    )
    yield (
        "dataset",
        replace(
            book,
            training="""
ds = tf.data.Dataset.from_tensor_slices((X[:2560], Y[:2560]))
ds = ds.shuffle(2560).batch(32)
"""
            + _fit(exercise, "ds"),
        ),
    )
    yield (
        "py_dataset",
        replace(
            book,
            training="""
class Rows(tf.keras.utils.Sequence):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y
    def __len__(self):
        return len(self.x) // 32
    def __getitem__(self, i):
        return self.x[32 * i:32 * i + 32], self.y[32 * i:32 * i + 32]
rows = Rows(X[:2560], Y[:2560])
"""
            + _fit(exercise, "rows"),
        ),
    )
    yield (
        "rows_shuffled_together",
        replace(
            book,
            data=book.data + "order = np.random.permutation(3000)\nX, Y = X[order], Y[order]\n",
        ),
    )
    if exercise == GRU:
        yield (
            "older_biases",
            replace(book, model=book.model.replace("GRU(30", "GRU(30, reset_after=False")),
        )
    if exercise != LSTM:  # at sixty epochs an LSTM may still sit on its plateau
        yield "eighty_epochs", changed(book, "training", "epochs=100", "epochs=80")
