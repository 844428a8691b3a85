"""A class of the notebook's own that only trains otherwise is described as what it computes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.extract.keras_config import NotRebuildableError, chain_of

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, keras, numpy as np
from grader.kernel.probe.models import describe, weights_of

class Step:
    def train_step(self, data):
        return super().train_step(data)

class Model(Step, keras.Model): pass
class Chain(Step, keras.Sequential): pass
class Twice(keras.Model):
    def call(self, *args, **kwargs):
        return 2.0 * super().call(*args, **kwargs)
class TwiceChain(keras.Sequential):
    def call(self, *args, **kwargs):
        return 2.0 * super().call(*args, **kwargs)

def functional(kind):
    start = keras.Input((4, 1))
    return kind(start, keras.layers.Dense(1)(keras.layers.SimpleRNN(3)(start)))

def chain(kind):
    return kind([keras.Input((4, 1)), keras.layers.SimpleRNN(3), keras.layers.Dense(1)])

grown = Chain([keras.Input((4, 1)), keras.layers.SimpleRNN(3)])
weights_of(grown)
grown.add(keras.layers.Dense(1))
told = {}
for name, model in {
    "functional": functional(Model), "sequential": chain(Chain), "grown": grown,
    "twice": functional(Twice), "twice_chain": chain(TwiceChain),
}.items():
    same = [np.array_equal(a, b) for a, b in zip(weights_of(model), model.get_weights(), strict=True)]
    told[name] = {"config": describe(keras, model)["config"], "same": all(same) and len(same) == 5}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", ["functional", "sequential", "grown"])
def test_a_train_step_of_ones_own_changes_nothing_of_the_layers(
    name: str, told: dict[str, Any]
) -> None:
    layers = [one["class_name"] for one in chain_of(told[name]["config"])]
    assert layers == ["InputLayer", "SimpleRNN", "Dense"]
    assert told[name]["same"], "in the order of its own weights"


@pytest.mark.parametrize("name", ["twice", "twice_chain"])
def test_a_call_of_ones_own_is_no_chain_of_layers(name: str, told: dict[str, Any]) -> None:
    with pytest.raises(NotRebuildableError):
        chain_of(told[name]["config"])
