"""The trainer learns what Keras on TensorFlow learns: layer by layer, optimizer by optimizer.

From the same first weights and without shuffling, so that only the two engines differ. Each case is
five epochs of a small model; see ``tests/support/on_tensorflow.py``. Without ``--whole`` it is one of
each kind, and all that differ or end otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.room import open_room
from grader.trainer.order import Order, read_order
from grader.trainer.result import Outcome, Trained, history_as_asked
from grader.trainer.train import Job, train
from grader.types import Array

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
KEY = "0" * 64

# Sums of float32 in another order: some 1e-7 after each update. Adam divides by the root of small
# second moments at first, which makes that 1e-5.
CLOSE = 5e-5

# Where a word comes twice in a batch, TensorFlow's gradient of an Embedding holds a slice for each
# time, and Keras squares the slices before they are added up; on JAX it squares their sum. So the
# second moments differ, and with them the length of the steps: seen 0.01 to 0.06 of the loss. With
# each word once (``-once``) both agree as everything else does.
SQUARED_SLICES = 0.2

# A bias before BatchNormalization has no effect and a gradient of rounding errors alone, of which
# Adam makes steps of full length; the moving mean follows it late, and validation sees that.
USELESS_BIAS = 1e-3
LOOSE = {
    "embedding-adam": SQUARED_SLICES,
    "embedding-rmsprop": SQUARED_SLICES,
    "batch-norm-checked-after-bias": USELESS_BIAS,
}
SHORT = """
    simple-rnn lstm gru bidirectional conv1d embedding-masked each-step-accuracy by-adam by-rmsprop
    embedding-adam embedding-adam-once embedding-rmsprop embedding-rmsprop-once
    batch-norm-checked batch-norm-checked-after-bias binary classes validation sample-weight
    class-weight stopping plateau rates decay-plateau data-set data-set-shuffled sequence
    sequence-moving generator
""".split()


@dataclass(frozen=True)
class Case:
    """What Keras on TensorFlow told, the order that says the same, and what came of it."""

    told: dict[str, Any]
    last: tuple[Array, ...]
    optimizer: tuple[Array, ...]
    order: Order
    outcome: Outcome


def numbered(arrays: dict[str, Array], group: str) -> tuple[Array, ...]:
    return tuple(arrays[name] for name in sorted(arrays) if name.rpartition("_")[0] == group)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, whole: bool) -> dict[str, Case]:
    """The cases: once on TensorFlow, in a process of its own, and once by the trainer."""
    folder = tmp_path_factory.mktemp("tensorflow")
    names = [] if whole else SHORT
    settings = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    subprocess.run(
        [sys.executable, "-m", "tests.support.on_tensorflow", str(folder), *names],
        cwd=ROOT,
        env={**os.environ, **settings, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)},
        check=True,
    )
    told = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    files = {name: dict(np.load(folder / f"{name}.npz")) for name in told}
    after = {"result": KEY, "optimizer": "fresh"}
    groups = ("first", "last", "optimizer")
    jobs = []
    for name, arrays in files.items():
        given = {key: one for key, one in arrays.items() if key.rpartition("_")[0] not in groups}
        order = read_order(told[name]["order"] | {"after": after}, given, {KEY})
        first = Trained({}, 0, 0, numbered(arrays, "first"), ())
        jobs.append(Job(order, seed=1, before=first))
    outcomes = train(jobs, open_room("auto"))
    return {
        name: Case(
            told[name], numbered(arrays, "last"), numbered(arrays, "optimizer"), job.order, outcome
        )
        for (name, arrays), job, outcome in zip(files.items(), jobs, outcomes, strict=True)
    }


@pytest.mark.whole
def test_there_is_a_case_for_every_layer_optimizer_loss_and_metric(cases: dict[str, Case]) -> None:
    from grader.evaluation import allowed, trainable

    layers, others = set(), set()
    for case in cases.values():
        for spec in case.order.architecture.layers:
            layers |= {spec.cls, *([spec.inner.cls] if spec.inner else [])}
        compiled = case.order.compiled
        others |= {compiled.optimizer.name, compiled.loss.name}
        others |= {one.name for one in (*compiled.metrics, *compiled.weighted_metrics)}
        others |= {one.name for one in case.order.callbacks}
    # Each draws while it trains, and no two engines draw alike.
    drawing = {"Dropout", "SpatialDropout1D", "GaussianNoise"}
    joined = {"Activation"}  # is read as its Dense layer's own
    assert {*allowed.LAYERS, *allowed.WRAPPERS} - layers <= drawing | joined
    wanted = {*trainable.OPTIMIZERS, *trainable.LOSSES, *trainable.METRICS}
    wanted |= {"EarlyStopping", "ReduceLROnPlateau"}
    assert wanted <= others


def test_every_case_has_the_history_that_tensorflow_gives(cases: dict[str, Case]) -> None:
    for name, case in cases.items():
        assert isinstance(case.outcome, Trained), (name, case.outcome)
        history = history_as_asked(case.order, case.outcome)
        assert list(history) == list(case.told["history"]), name
        assert case.outcome.epochs == case.told["epochs"], name
        for key, wanted in case.told["history"].items():
            close = LOOSE.get(name, CLOSE)
            np.testing.assert_allclose(history[key], wanted, rtol=close, atol=1e-7, err_msg=name)


def test_every_case_ends_with_the_weights_that_tensorflow_has(cases: dict[str, Case]) -> None:
    for name, case in cases.items():
        assert isinstance(case.outcome, Trained), name
        for group, wanted in (
            (case.outcome.weights, case.last),
            (case.outcome.optimizer, case.optimizer),
        ):
            assert [one.shape for one in group] == [one.shape for one in wanted], name
            for mine, theirs in zip(group, wanted, strict=True):
                close = LOOSE.get(name, CLOSE)
                np.testing.assert_allclose(mine, theirs, rtol=close, atol=close, err_msg=name)


def test_callbacks_end_with_the_numbers_that_tensorflow_gives(cases: dict[str, Case]) -> None:
    tried = {name: case for name, case in cases.items() if case.told["numbers"]}
    assert {"stopping", "plateau"} <= set(tried)
    for name, case in tried.items():
        assert isinstance(case.outcome, Trained), name
        for mine, theirs in zip(case.outcome.callbacks, case.told["numbers"], strict=True):
            assert {key: mine[key] for key in theirs} == theirs, name
    assert tried["stopping"].told["epochs"] < 12  # it did stop, and gave the best weights back


def test_squared_slices_and_a_useless_bias_are_all_that_differs(cases: dict[str, Case]) -> None:
    """The wide tolerances are needed, and each has a twin without its reason that needs none."""
    for name, twin in (
        ("embedding-adam", "embedding-adam-once"),
        ("embedding-rmsprop", "embedding-rmsprop-once"),
        ("batch-norm-checked-after-bias", "batch-norm-checked"),
    ):
        assert apart(cases[name]) > CLOSE > apart(cases[twin]), name


def test_turns_are_sent_only_where_arrays_could_not_say_it(
    cases: dict[str, Case], whole: bool
) -> None:
    sources = {name for name in cases if name.startswith(("data-set", "sequence", "generator"))}
    turned = {name for name in sources if "turns" in cases[name].order.arrays}
    needed = {
        "data-set-endless",
        "data-set-in-parts",
        "data-set-shuffled",
        "data-set-uneven",
        "generator",
        "sequence-moving",
        "sequence-shuffled",
    }
    assert turned == needed & sources
    assert len(turned) == (7 if whole else 3)
    assert len(sources - turned) > (4 if whole else 1)


def apart(case: Case) -> float:
    assert isinstance(case.outcome, Trained)
    pairs = zip(case.outcome.weights, case.last, strict=True)
    return max(float(np.max(np.abs(mine - theirs))) for mine, theirs in pairs)
