"""What the probe claims about models and fits, as the judge reads it from real kernels."""

from __future__ import annotations

import numpy as np
import pytest

from grader.execution import Candidate, Execution
from grader.extract.matching import moved, read_model
from grader.kernel.probe.watching import MOST_RAISED
from grader.types import Engine, Outcome
from tests.support.notebook_runs import candidate, cell, run

pytestmark = pytest.mark.real

SETUP = """
import keras, numpy as np
from keras import layers
x = np.random.rand(40, 6, 2).astype("float32")
y = x.sum(axis=(1, 2)).reshape(-1, 1)
def small(units=3):
    model = keras.Sequential([layers.SimpleRNN(units), layers.Dense(1)])
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.002))
    return model
"""

ON_JAX = (
    SETUP,
    (
        "plain = small(4)\nh = plain.fit(x, y, epochs=2, batch_size=8, verbose=0,\n"
        "              validation_data=(x[:5], y[:5]))"
    ),
    # trained in a function, the name is lost
    "def train():\n    lost = small(5)\n    lost.fit(x, y, epochs=3, verbose=0)\ntrain()",
    # layers added over several cells, built before it is whole
    "grown = keras.Sequential()\ngrown.add(keras.Input((6, 2)))\ngrown.add(layers.GRU(6))",
    "grown.add(layers.Dense(1))\ngrown.compile(loss='mse', optimizer='sgd')",
    "grown.fit(x, y, epochs=2, verbose=0)",
    (
        "inputs = keras.Input((6, 2))\noutputs = layers.Dense(1)(layers.LSTM(7)(inputs))\n"
        "functional = keras.Model(inputs, outputs)\nfunctional.compile(loss='mse', optimizer='adam')\n"
        "functional.fit(x, y, epochs=1, verbose=0)\nalias = functional"
    ),
    "model = small(8)\nmodel.fit(x, y, epochs=1, verbose=0)",
    "model = small(9)\nmodel.fit(x, y, epochs=1, verbose=0)",
    (
        "stopped = small(10)\nclass Stop(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        if epoch == 1: raise RuntimeError('enough')\n"
        "stopped.fit(x, y, epochs=9, verbose=0, callbacks=[Stop()])"
    ),
    "looped = small(11)\nfor _ in range(40):\n    looped.fit(x, y, epochs=1, verbose=0)",
    "wrong = small(12)\nwrong.fit(x, y[:7], epochs=1, verbose=0)",
    (
        "class Odd:\n    @property\n    def __class__(self): raise RuntimeError('do not ask')\n"
        "odd = Odd()\nlate = small(13)\nlate.build((None, 6, 2))"
    ),
    "kept = plain.get_weights()\nplain.set_weights([w * 0 for w in kept])",
    (
        "left, right = small(14), small(15)\n"
        "for _ in range(9):\n    left.fit(x, y, verbose=0)\n    right.fit(x, y, verbose=0)"
    ),
    (
        "clipped = small(16)\nfor _ in range(5):\n    clipped.fit(x, y, verbose=0)\n"
        "    clipped.set_weights([w * 0.9 for w in clipped.get_weights()])"
    ),
    (
        "class Break(keras.callbacks.Callback):\n"
        "    def on_train_batch_begin(self, batch, logs=None): raise RuntimeError('enough')\n"
        "broken = small(17)\nfor n in range(9):\n"
        "    broken.fit(x, y, verbose=0, callbacks=[Break()] if n == 3 else [])"
    ),
    (
        "class Boast(keras.callbacks.Callback):\n    def on_train_end(self, logs=None):\n"
        "        self.model.history.history |= {f'm{n}': [0.5] * 1000 for n in range(10_000)}\n"
        "first = layers.SimpleRNN(18, name='n' * 20_000)\n"
        "boastful = keras.Sequential([first, layers.Dense(1)])\n"
        "boastful.compile(loss='mse')\nboastful.fit(x, y, verbose=0, callbacks=[Boast()])"
    ),
    (
        "giant = keras.Sequential([layers.Flatten(), layers.Dense(1300), layers.Dense(13000)])\n"
        "giant.compile(loss='mse')\ngiant.fit(x, y, verbose=0)"
    ),
    "batched = small(22)\nfor _ in range(12): batched.train_on_batch(x[:9], y[:9])",
    (
        "clash = keras.Sequential([keras.Input((6, 2)), layers.LSTM(23), layers.LSTM(23),\n"
        "                          layers.Dense(1)])"
    ),
    (
        "def build():\n    added = keras.Sequential([keras.Input((6, 2)), layers.LSTM(24)])\n"
        "    added.add(layers.LSTM(24))\nbuild()"
    ),
    "held = keras.Sequential([keras.Input((6, 2)), layers.LSTM(25)])\nheld.add(layers.LSTM(25))",
    "tried = small(27)\ntried.fit(x, y, epochs=2, verbose=0)",
    "try:\n    tried.add(layers.LSTM(28))\nexcept ValueError:\n    tried.pop()",
    (
        "for n in range(60):\n    try:\n"
        "        keras.Sequential([keras.Input((6, 2)), layers.GRU(26), layers.GRU(26)])\n"
        "    except ValueError: pass"
    ),
)


@pytest.fixture(scope="module")
def on_jax() -> Execution:
    return run(*ON_JAX, timeout=600.0)


def units(one: Candidate) -> int:
    """The recurrent units, by which these tests tell their models apart."""
    architecture = read_model(one).architecture
    found = architecture.layers[0].settings.get("units", 0) if architecture else 0
    assert isinstance(found, int)
    return found


def by_units(execution: Execution, wanted: int) -> Candidate:
    return next(one for one in execution.candidates if units(one) == wanted)


def test_the_notebook_ran_to_its_end(on_jax: Execution) -> None:
    assert on_jax.outcome is Outcome.FINISHED
    errors = {one.index: one.error.name for one in on_jax.cells if one.error is not None}
    refused = dict.fromkeys((12, 21, 22, 23), "ValueError")
    assert errors == {10: "RuntimeError", 17: "RuntimeError", **refused}


def test_a_fit_is_told_with_its_arguments_history_and_cell(on_jax: Execution) -> None:
    (fit,) = candidate(on_jax, "plain").fits
    assert (fit.cell, fit.epochs_asked, fit.epochs_run, fit.finished) == (2, 2, 2, True)
    assert fit.arguments["batch_size"] == 8
    assert set(fit.history) == {"loss", "val_loss"}
    assert all(len(values) == 2 for values in fit.history.values())


def test_arrays_given_to_fit_are_sampled_with_their_shapes(on_jax: Execution) -> None:
    sample = candidate(on_jax, "plain").fits[0].sample
    assert sample.x is not None
    assert sample.y is not None
    assert sample.x.shape == (40, 6, 2)
    np.testing.assert_allclose(sample.y.rows[:, 0], sample.x.rows.sum(axis=(1, 2)), rtol=1e-5)


def test_compile_settings_are_told(on_jax: Execution) -> None:
    compiled = candidate(on_jax, "plain").compile
    assert (compiled["loss"], compiled["optimizer"]) == ("mse", "Adam")
    assert compiled["learning_rate"] == pytest.approx(0.002)


def test_training_moves_the_weights(on_jax: Execution) -> None:
    assert moved(candidate(on_jax, "plain"))
    assert not moved(candidate(on_jax, "late"))


def test_a_model_trained_in_a_function_and_lost_is_still_found(on_jax: Execution) -> None:
    lost = by_units(on_jax, 5)
    assert lost.name == ""
    assert lost.cell == 3
    assert lost.fits[0].epochs_run == 3


def test_layers_added_in_a_later_cell_make_one_trained_model(on_jax: Execution) -> None:
    grown = candidate(on_jax, "grown")
    assert [weight.shape for weight in grown.initial] == [weight.shape for weight in grown.final]
    assert moved(grown)
    assert read_model(grown).names == ("GRU", "Dense")


def test_a_functional_model_is_read_as_a_chain(on_jax: Execution) -> None:
    found = by_units(on_jax, 7)
    assert read_model(found).names == ("LSTM", "Dense")


def test_a_model_under_two_names_is_one_candidate(on_jax: Execution) -> None:
    assert [units(one) for one in on_jax.candidates].count(7) == 1


def test_a_rebound_name_leaves_both_models(on_jax: Execution) -> None:
    assert [units(one) for one in on_jax.candidates if one.name == "model"] == [8, 9]


def test_a_fit_that_raised_is_unfinished_with_the_epochs_it_ran(on_jax: Execution) -> None:
    (fit,) = candidate(on_jax, "stopped").fits
    # the student's callback raised before ours counted its second epoch
    assert (fit.finished, fit.epochs_asked) == (False, 9)
    assert fit.epochs_run in (1, 2)


def test_a_fit_that_never_began_has_run_no_epoch(on_jax: Execution) -> None:
    fits = [fit for fit in candidate(on_jax, "wrong").fits if fit.epochs_run]
    assert fits == []


def test_fit_in_a_long_loop_is_counted_whole(on_jax: Execution) -> None:
    looped = candidate(on_jax, "looped")
    (fit,) = looped.fits
    assert (fit.calls, fit.epochs_run, fit.epochs_asked) == (40, 40, 40)
    assert len(fit.history["loss"]) == 40
    assert fit.sample.x is not None
    assert moved(looped)
    assert [jump.left for jump in looped.jumps] == [()]


def test_fits_of_two_models_in_turn_are_told_of_each(on_jax: Execution) -> None:
    for name in ("left", "right"):
        assert [(fit.calls, fit.epochs_run) for fit in candidate(on_jax, name).fits] == [(9, 9)]


def test_a_loop_in_which_something_else_changes_the_weights_is_told_fit_by_fit(
    on_jax: Execution,
) -> None:
    clipped = candidate(on_jax, "clipped")
    assert [fit.calls for fit in clipped.fits] == [1] * 5
    assert len(clipped.jumps) == 4  # the last ones


def test_a_loop_that_breaks_off_keeps_the_fits_before(on_jax: Execution) -> None:
    done, broken = candidate(on_jax, "broken").fits
    assert (done.calls, done.epochs_run, done.finished) == (3, 3, True)
    assert (broken.calls, broken.finished) == (1, False)
    assert broken.sample == done.sample


def test_a_name_or_a_history_without_end_hides_no_model(on_jax: Execution) -> None:
    (fit,) = candidate(on_jax, "boastful").fits
    assert {"loss"} < set(fit.history)
    assert sum(map(len, fit.history.values())) <= 40_000
    assert read_model(candidate(on_jax, "boastful")).names == ("SimpleRNN", "Dense")


def test_of_weights_that_are_too_large_it_is_said(on_jax: Execution) -> None:
    giant = candidate(on_jax, "giant")
    assert (giant.bare, giant.initial, giant.final) == (True, (), ())
    assert giant.fits[0].epochs_run == 1


def test_layers_that_made_no_model_are_told(on_jax: Execution) -> None:
    clash = by_units(on_jax, 23)
    assert clash.raised
    assert not clash.name
    assert read_model(clash).names == ("LSTM", "LSTM", "Dense")
    assert by_units(on_jax, 24).raised
    held = by_units(on_jax, 25)
    assert held.name == "held"
    assert not held.raised


def test_a_trained_model_stays_what_it_was_when_a_layer_more_did_not_fit(
    on_jax: Execution,
) -> None:
    tried = candidate(on_jax, "tried")
    assert not tried.raised
    assert read_model(tried).names == ("SimpleRNN", "Dense")
    assert moved(tried)


def test_of_models_that_could_not_be_made_not_all_are_told(on_jax: Execution) -> None:
    assert 1 <= sum(units(one) == 26 for one in on_jax.candidates) <= MOST_RAISED


def test_nothing_of_all_this_is_left_out(on_jax: Execution) -> None:
    assert on_jax.notes == ()


def test_an_object_that_must_not_be_asked_hides_no_model(on_jax: Execution) -> None:
    assert candidate(on_jax, "late").fits == ()


def test_weights_set_by_hand_are_seen(on_jax: Execution) -> None:
    last = candidate(on_jax, "plain")
    assert all((weight == 0).all() for weight in last.final)
    assert last.cell == 14


ON_TENSORFLOW = (
    SETUP.replace("keras, numpy", "tensorflow as tf, keras, numpy"),
    (
        "dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(10)\n"
        "fed = small(4)\nfed.fit(dataset, epochs=2, verbose=0)"
    ),
    (
        "def batches():\n    while True:\n        yield x[:8], y[:8]\n"
        "generated = small(5)\ngenerated.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)"
    ),
    "ragged = small(6)\nragged.fit(x, y, epochs=2, validation_split=0.25)",
    (
        "class Own(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.dense = layers.Dense(1)\n    def call(self, x):\n        return self.dense(x[:, 0])\n"
        "own = Own()\nown.compile(loss='mse')\nown.fit(x, y, epochs=1, verbose=0)"
    ),
    (  # only built-in layers, one after the other, whatever the order in which they are made
        "class Chain(keras.Model):\n    def __init__(self, units):\n        super().__init__()\n"
        "        self.out, self.rnn = layers.Dense(1), layers.SimpleRNN(units)\n"
        "    def call(self, x, training=False):\n        return self.out(self.rnn(x))\n"
        "chain, built, called = Chain(23), Chain(24), Chain(25)\n"
        "built.build(input_shape=(None, 6, 2))\ncalled(x)\n"
        "for one in (chain, built, called):\n"
        "    one.compile(loss='mse', optimizer='adam')\n"
        "    one.fit(x, y, epochs=2, verbose=0)"
    ),
    (  # a loop in a compiled step, in the cell that builds the model; only its function knows both
        "def by_tape(units, steps, graph=True):\n"
        "    net = keras.Sequential([layers.SimpleRNN(units), layers.Dense(1)])\n"
        "    optimizer = keras.optimizers.Adam()\n"
        "    def step(x, y):\n"
        "        with tf.GradientTape() as tape:\n"
        "            loss = tf.reduce_mean((net(x) - y) ** 2)\n"
        "        grads = tape.gradient(loss, net.trainable_variables)\n"
        "        optimizer.apply_gradients(zip(grads, net.trainable_variables))\n"
        "    step = tf.function(step) if graph else step\n"
        "    for _ in range(steps): step(tf.constant(x), tf.constant(y))\n"
        "    return net\n"
        "in_graph, eager = by_tape(16, 30), by_tape(17, 4, graph=False)"
    ),
    "def lost():\n    by_tape(18, 5)\nlost()",
    (  # a fit before, one between and one after are not the loop's
        "mixed = small(19)\nmixed.fit(x, y, epochs=2, verbose=0)\n"
        "@tf.function\ndef go():\n    with tf.GradientTape() as tape:\n"
        "        loss = tf.reduce_mean((mixed(x) - y) ** 2)\n"
        "    grads = tape.gradient(loss, mixed.trainable_variables)\n"
        "    mixed.optimizer.apply_gradients(zip(grads, mixed.trainable_variables))\n"
        "for _ in range(6): go()\n"
        "mixed.fit(x, y, epochs=2, verbose=0)\nfor _ in range(3): go()\n"
    ),
    "for _ in range(2): go()\nmixed.fit(x, y, epochs=2, verbose=0)",
    (
        "batches = small(20)\nfor _ in range(7): batches.train_on_batch(x[:9], y[:9])\n"
        "only_fitted = small(21)\nonly_fitted.fit(x, y, epochs=3, verbose=0)"
    ),
    (  # a compiled model that was loaded brings a count of updates along
        "only_fitted.save('known.keras')\nloaded = keras.models.load_model('known.keras')\n"
        "unused = tf.GradientTape"
    ),
    (
        "net = tf.keras.models.Sequential([tf.keras.layers.LSTM(7), tf.keras.layers.Dense(1)])\n"
        "with tf.GradientTape() as tape:\n    loss = tf.reduce_mean((net(x) - y) ** 2)\n"
        "grads = tape.gradient(loss, net.trainable_variables)\n"
        "tf.keras.optimizers.Adam().apply_gradients(zip(grads, net.trainable_variables))"
    ),
)


@pytest.fixture(scope="module")
def on_tensorflow() -> Execution:
    return run(*ON_TENSORFLOW, engine=Engine.TENSORFLOW)


def test_a_data_set_is_sampled_by_its_first_batch(on_tensorflow: Execution) -> None:
    (fit,) = candidate(on_tensorflow, "fed").fits
    assert fit.sample.kind == "dataset"
    assert fit.sample.x is not None
    assert fit.sample.x.shape == (10, 6, 2)
    assert fit.epochs_run == 2


def test_weights_before_the_training_are_seen_of_models_built_by_their_data(
    on_tensorflow: Execution,
) -> None:
    for name in ("fed", "generated", "ragged"):
        assert moved(candidate(on_tensorflow, name)), name


def test_a_generator_is_sampled_along_with_the_training(on_tensorflow: Execution) -> None:
    (fit,) = candidate(on_tensorflow, "generated").fits
    assert fit.sample.kind == "generator"
    assert fit.sample.x is not None
    assert fit.sample.x.shape == (8, 6, 2)
    assert fit.arguments["steps_per_epoch"] == 3


def test_a_progress_bar_of_keras_ends_as_its_last_state(on_tensorflow: Execution) -> None:
    shown = cell(on_tensorflow, 4).stdout
    assert shown.count("Epoch 2/2") == 1
    assert shown.count("val_loss") == 2
    assert "\r" not in shown
    assert "\b" not in shown


def test_a_model_class_of_ones_own_is_seen_and_said_to_be_custom(on_tensorflow: Execution) -> None:
    reading = read_model(candidate(on_tensorflow, "own"))
    assert reading.architecture is None
    assert reading.obstacle is not None
    assert reading.obstacle.id == "model.custom"
    assert moved(reading.candidate)


def test_a_training_loop_of_ones_own_is_seen_by_its_weights(on_tensorflow: Execution) -> None:
    net = candidate(on_tensorflow, "net")
    assert net.fits == ()
    assert read_model(net).names == ("LSTM", "Dense")


@pytest.mark.parametrize(
    ("name", "updates"),
    [
        ("in_graph", 30),
        ("eager", 4),
        ("mixed", 11),
        ("batches", 7),
        ("only_fitted", 0),
        ("loaded", 0),
    ],
)
def test_updates_that_no_fit_made_are_counted(
    on_tensorflow: Execution, name: str, updates: int
) -> None:
    assert candidate(on_tensorflow, name).own_updates == updates


@pytest.mark.parametrize("name", ["in_graph", "eager", "batches"])
def test_that_a_loop_moved_the_weights_is_seen_in_the_cell_that_builds_the_model(
    on_tensorflow: Execution, name: str
) -> None:
    assert read_model(candidate(on_tensorflow, name)).moved


def test_a_model_that_only_a_function_held_is_seen_with_its_loop(on_tensorflow: Execution) -> None:
    (lost,) = [
        one
        for one in on_tensorflow.candidates
        if one.own_updates == 5 and not one.fits and not one.name
    ]
    assert read_model(lost).moved
    assert read_model(lost).names == ("SimpleRNN", "Dense")


def test_fits_beside_a_loop_keep_their_epochs(on_tensorflow: Execution) -> None:
    assert sum(one.epochs_run for one in candidate(on_tensorflow, "mixed").fits) == 6


def test_the_first_batch_of_train_on_batch_is_sampled(on_tensorflow: Execution) -> None:
    sample = candidate(on_tensorflow, "batches").own_sample
    assert sample is not None
    assert sample.x is not None
    assert (sample.kind, sample.x.shape) == ("dataset", (9, 6, 2))
    assert candidate(on_tensorflow, "in_graph").own_sample is None


def test_train_on_batch_is_counted_on_jax(on_jax: Execution) -> None:
    batched = candidate(on_jax, "batched")
    assert batched.own_updates == 12
    assert batched.own_sample is not None
    assert moved(batched)
    assert candidate(on_jax, "looped").own_updates == 0


@pytest.mark.parametrize(("name", "units"), [("chain", 23), ("built", 24), ("called", 25)])
def test_a_model_class_that_only_calls_layers_is_told_as_these(
    on_tensorflow: Execution, name: str, units: int
) -> None:
    told = candidate(on_tensorflow, name)
    reading = read_model(told)
    assert reading.names == ("SimpleRNN", "Dense")
    assert reading.architecture is not None
    assert reading.architecture.layers[0].settings["units"] == units
    shapes = [(2, units), (units, units), (units,), (units, 1), (1,)]
    assert [weight.shape for weight in told.final] == shapes
    assert sum(fit.epochs_run for fit in told.fits) == 2
    assert told.jumps == () or len(told.jumps[0].left) == 0
