"""Real inputs that mutations start from, and the command that makes those which are kept here.

    python -m tests.fuzz.seeds

Enters: the course's sample notebooks; for the command also a room. Leaves: seeds. Touches: the
command writes ``evidence/``: what a real driver wrote of a real run.
"""

from __future__ import annotations

import json
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EVIDENCE = HERE / "evidence"
LARGEST = 40_000  # bytes of a notebook: small inputs are many inputs

TRAINED = (
    "import numpy as np, keras\nfrom keras import layers",
    """
x = np.linspace(0, 1, 48).reshape(12, 4, 1)
y = x.sum(axis=1)
model = keras.Sequential([layers.SimpleRNN(3, input_shape=(4, 1)), layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
model.fit(x, y, epochs=3, validation_split=0.25, verbose=2)
""",
    "model.fit(x, y, epochs=1, verbose=0)\nmodel.predict(x[:1], verbose=0)",
    "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1))\nplt.plot([1, 2])\nplt.show()",
    "raise ValueError('seven')",
)
ZOO = (
    "import keras\nfrom keras import layers",
    """
a = keras.Sequential([layers.Input((5,)), layers.Embedding(9, 2), layers.LSTM(2), layers.Dense(1)])
b = keras.Sequential([
    layers.Input((6, 2)),
    layers.Bidirectional(layers.GRU(2, return_sequences=True, dropout=0.1)),
    layers.TimeDistributed(layers.Dense(2, activation="relu")),
    layers.Conv1D(2, 3, activation="relu"), layers.MaxPooling1D(2),
    layers.RNN(layers.GRUCell(2)), layers.Dense(1), layers.Activation("sigmoid"),
])
i = keras.Input((4, 3))
h = layers.LSTM(2, return_sequences=True)(i)
c = keras.Model(i, layers.Dense(1)(layers.Flatten()(layers.Dropout(0.2)(h))))
d = keras.Model(i, layers.Dense(1)(layers.Concatenate()([layers.GRU(2)(i), layers.LSTM(2)(i)])))
e = keras.Sequential([layers.Input((4, 3)), keras.Sequential([layers.LSTM(2)]), layers.Dense(1)])
f = keras.Sequential([layers.Input((4,)), layers.Lambda(lambda v: v * 2), layers.Dense(1)])
""",
)


@cache
def notebooks() -> tuple[bytes, ...]:
    """The course's own samples, good and bad."""
    paths = sorted((ROOT / "reference").glob("*/submissions/*/*.ipynb"))
    found = [path.read_bytes() for path in paths if path.stat().st_size < LARGEST]
    assert len(found) > 20
    return tuple(found)


@cache
def evidence() -> tuple[dict[str, bytes], ...]:
    """Folders that a driver wrote: name below the folder to content."""
    folders = sorted(EVIDENCE.iterdir())
    assert folders
    return tuple(
        {str(path.relative_to(folder)): path.read_bytes() for path in _files(folder)}
        for folder in folders
    )


@cache
def configs() -> tuple[dict[str, Any], ...]:
    """Configurations as Keras itself wrote them."""
    told = (json.loads(path.read_text()) for path in sorted(EVIDENCE.glob("*/evidence/*.json")))
    unique = {json.dumps(event["config"], sort_keys=True) for event in told}
    assert len(unique) > 5
    return tuple(json.loads(text) for text in sorted(unique))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def main() -> int:
    """Run both notebooks in a room and keep what their drivers wrote."""
    from grader.execute.claims import read_claims
    from tests.support.notebook_runs import run

    shutil.rmtree(EVIDENCE, ignore_errors=True)
    for name, cells in (("trained", TRAINED), ("zoo", ZOO)):

        def keep(folder: Path, name: str = name) -> Any:
            for path in (folder / "transcript.jsonl", *(folder / "evidence").iterdir()):
                place = EVIDENCE / name / path.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(path.read_bytes())
            return read_claims(folder)

        print(name, run(*cells, read=keep).outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
