"""Orders are read strictly: what cannot be expressed is refused, what trains alike reads alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.trainer.keys import key_of
from grader.trainer.order import Order, read_order
from grader.trainer.refusing import NotAnOrderError
from grader.types import Array
from tests.support.orders import (
    ARRAYS,
    RNG,
    X,
    Y,
    changed,
    claim,
    dense,
    embedding,
    initializer,
    layer,
    lstm,
    optimizer,
    order,
    sequential,
)

SECRET = b"s" * 32
KEY = "a" * 64
WORDS = RNG.integers(0, 9, size=(24, 5))
LABELS = RNG.integers(0, 3, size=24)
SPARSE = {"loss": "sparse_categorical_crossentropy"}
DECAY = {
    "module": "keras.optimizers.schedules",
    "class_name": "ExponentialDecay",
    "config": {
        "initial_learning_rate": 0.1,
        "decay_steps": 10,
        "decay_rate": 0.9,
        "staircase": False,
        "name": "ExponentialDecay",
    },
    "registered_name": None,
}


def key(one: Order, attempt: int = 0) -> str:
    return key_of(one, SECRET, attempt).key


def refusal(said: Any, arrays: dict[str, Array] | None = None, answered: Any = ()) -> str:
    with pytest.raises(NotAnOrderError) as refused:
        read_order(said, ARRAYS if arrays is None else arrays, answered)
    return refused.value.message.id


def test_an_order_says_all_that_keras_was_told() -> None:
    one = order()
    assert [spec.cls for spec in one.architecture.layers] == ["LSTM", "Dense"]
    assert one.compiled.optimizer.name == "RMSprop"
    assert one.compiled.loss.name == "MeanSquaredError"
    assert one.metric_names == ("mae",)
    assert (one.fit.epochs, one.fit.batch_size, one.work.updates) == (2, 8, 6)


LSTM = "model.config.layers.1.config"
DENSE = "model.config.layers.2.config"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        # the model
        (f"{LSTM}.kernel_regularizer", {"class_name": "L2", "config": {}}, "order.setting"),
        (f"{LSTM}.recurrent_constraint", {"class_name": "MaxNorm"}, "order.setting"),
        (f"{LSTM}.activity_regularizer", "l2", "order.setting"),
        (f"{LSTM}.trainable", False, "order.setting"),
        ("model.config.trainable", False, "order.setting"),
        (f"{LSTM}.stateful", True, "order.setting"),
        (f"{LSTM}.return_state", True, "order.setting"),
        (f"{LSTM}.zero_output_for_mask", True, "order.setting"),
        (f"{LSTM}.dtype", "mixed_float16", "order.setting"),
        (f"{LSTM}.never_heard_of", 1, "order.setting"),
        (f"{DENSE}.quantization_config", {"mode": "int8"}, "order.setting"),
        (f"{DENSE}.lora_rank", 4, "order.setting"),
        (f"{DENSE}.kernel_initializer", None, "order.setting"),
        (f"{DENSE}.kernel_initializer", initializer("Mine"), "order.setting"),
        (f"{DENSE}.kernel_initializer.class_name", {"a": 1}, "order.setting"),
        (
            f"{DENSE}.kernel_initializer",
            initializer("Constant", value=[[1.0], [2.0], [3.0]]),
            "order.setting",
        ),
        (
            f"{DENSE}.kernel_initializer",
            initializer("Constant", value={"class_name": "__numpy__", "config": {"value": [1.0]}}),
            "order.setting",
        ),
        (f"{DENSE}.kernel_initializer.module", "mine", "order.own"),
        (f"{DENSE}.kernel_initializer.registered_name", "mine>GlorotUniform", "order.own"),
        (f"{DENSE}.use_bias", None, "order.setting"),
        ("model.config.layers.1.registered_name", "mine>LSTM", "order.own"),
        ("model.config.layers.1.module", "keras_mine.layers", "order.own"),
        ("model.config.layers.1.module", "mine.layers", "model.unlisted_layer"),
        ("model.config.layers.1.class_name", "Attention", "model.unlisted_layer"),
        ("model.class_name", "MyModel", "model.custom"),
        ("model.opaque", True, "order.unreadable"),
        # what it is compiled with
        ("compile.optimizer.class_name", "Mine", "order.unlisted"),
        ("compile.optimizer.module", "mine", "order.own"),
        ("compile.optimizer.registered_name", "mine>RMSprop", "order.own"),
        ("compile.optimizer", "rmsprop", "order.unreadable"),
        ("compile.optimizer.config.use_ema", True, "order.setting"),
        ("compile.optimizer.config.loss_scale_factor", 2.0, "order.setting"),
        ("compile.optimizer.config.gradient_accumulation_steps", 4, "order.setting"),
        ("compile.optimizer.config.amsgrad", True, "order.setting"),
        ("compile.optimizer.config.learning_rate", float("nan"), "order.setting"),
        ("compile.optimizer.config.learning_rate", {"class_name": "Mine"}, "order.unreadable"),
        (
            "compile.optimizer.config.learning_rate",
            {**DECAY, "class_name": "LearningRateSchedule"},
            "order.unlisted",
        ),
        ("compile.loss", "my_loss", "order.unlisted"),
        ("compile.loss", None, "order.unreadable"),
        ("compile.loss", ["mse"], "order.unreadable"),
        ("compile.loss", {"class_name": "function", "config": "own"}, "order.unlisted"),
        (
            "compile.loss",
            {"class_name": "MeanSquaredError", "config": {"reduction": "sum"}},
            "order.setting",
        ),
        ("compile.loss", {"class_name": "Huber", "config": {}}, "order.setting"),
        ("compile.loss_weights", [2.0], "order.unreadable"),
        ("compile.metrics", {"out": "mae"}, "order.unreadable"),
        ("compile.metrics", ["mine"], "order.unlisted"),
        ("compile.metrics", ["mae", "mae"], "order.unreadable"),
        ("compile.metrics", [["mae"]], "order.unreadable"),
        ("compile.weighted_metrics", ["mae"], "order.unreadable"),
        ("compile.run_eagerly", True, "order.unreadable"),
        ("compile.steps_per_execution", 8, "order.unreadable"),
        # fit
        ("fit.epochs", 0, "order.unreadable"),
        ("fit.epochs", True, "order.unreadable"),
        ("fit.epochs", 2.0, "order.unreadable"),
        ("fit.initial_epoch", 2, "order.no_epoch"),
        ("fit.shuffle", "batch", "order.unreadable"),
        ("fit.batch_size", -1, "order.unreadable"),
        ("fit.validation_split", 0.999, "order.split"),
        ("fit.validation_split", 1.0, "order.unreadable"),
        ("fit.validation_freq", [1, 2], "order.unreadable"),
        ("fit.class_weight", {"one": 1.0}, "order.unreadable"),
        ("fit.class_weight", {"0": -1.0}, "order.unreadable"),
        ("fit.workers", 4, "order.unreadable"),
        # the rest
        ("callbacks", [["Mine", {}]], "order.unlisted"),
        ("callbacks", [["EarlyStopping", {"mine": 1}]], "order.setting"),
        ("callbacks", [["EarlyStopping", {"mode": "sideways"}]], "order.setting"),
        ("callbacks", [["EarlyStopping", {"monitor": "val_acc"}]], "order.monitor"),
        ("callbacks", ["EarlyStopping"], "order.unreadable"),
        ("callbacks", [["EarlyStopping"]], "order.unreadable"),
        ("rates", [0.1], "order.rates"),
        ("rates", [0.1, float("inf")], "order.rates"),
        ("rates", [0.1, -0.1], "order.rates"),
        ("seeds", ["1"], "order.unreadable"),
        ("occurrence", -1, "order.unreadable"),
        ("version", 2, "order.unreadable"),
        ("weights", [1.0], "order.unreadable"),
        ("after", {"result": KEY, "optimizer": "goes_on"}, "order.after"),
        ("after", {"result": "../" * 10, "optimizer": "goes_on"}, "order.after"),
    ],
)
def test_what_an_order_cannot_express_is_refused(path: str, value: Any, reason: str) -> None:
    assert refusal(changed(path, value)) == reason


def test_a_wrapped_layer_is_read_as_strictly() -> None:
    frozen = lstm(kernel_regularizer={"class_name": "L2", "config": {}})
    for inner in (
        layer("Bidirectional", merge_mode="concat", layer=frozen),
        layer("Bidirectional", merge_mode="concat", layer=lstm(), weights=[1.0]),
        layer("TimeDistributed", layer=dense(trainable=False)),
    ):
        assert refusal(claim(model=sequential(inner, dense()))) == "order.setting"


def test_first_weights_that_no_layer_lists_must_be_the_usual_ones() -> None:
    norm = layer("BatchNormalization", axis=-1, beta_initializer=initializer("Ones"))
    assert refusal(claim(model=sequential(norm, lstm(), dense()))) == "order.setting"
    usual = layer("BatchNormalization", axis=-1, beta_initializer=initializer("Zeros"))
    assert order(model=sequential(usual, lstm(), dense())).work.params > 0


def test_a_nested_frozen_model_is_refused() -> None:
    inner = {"class_name": "Sequential", "config": {"layers": [lstm()], "trainable": False}}
    outer = sequential(inner, dense())  # type: ignore[arg-type]
    assert refusal(claim(model=outer)) == "order.setting"


@pytest.mark.parametrize(
    "config", [None, [], {"dtype": "string"}, {"batch_shape": [None, 5, 2], "sparse": True}]
)
def test_a_strange_input_layer_is_refused(config: Any) -> None:
    said = changed("model.config.layers.0.config", config)
    assert refusal(said) in ("order.unreadable", "order.setting", "model.unreadable")


def test_models_within_layers_are_no_way_around() -> None:
    """Neither a model of one's own that is called like Keras', nor one without an end."""
    mine = {"class_name": "Sequential", "module": "mine", "config": {"layers": [lstm()]}}
    assert refusal(claim(model=sequential(mine, dense()))) == "order.own"
    endless: dict[str, Any] = dense()
    for _ in range(5000):
        endless = {"class_name": "Dense", "config": {"units": 1, "layers": [endless]}}
    assert refusal(claim(model=sequential(lstm(), dense())) | {"model": sequential(endless)}) == (
        "order.setting"
    )


def test_two_that_want_to_set_the_rate_are_refused() -> None:
    slower = [["ReduceLROnPlateau", {"monitor": "loss"}]]
    decaying = {**claim()["compile"], "optimizer": optimizer(learning_rate=DECAY)}
    assert refusal(claim(rates=[0.1, 0.2], callbacks=slower)) == "order.rates"
    assert refusal(claim(rates=[0.1, 0.2], compile=decaying)) == "order.rates"
    assert refusal(claim(callbacks=slower, compile=decaying)) == "order.rates"
    assert order(compile=decaying).compiled.optimizer.settings["learning_rate"]


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": X}, "order.unreadable"),
        ({}, "order.unreadable"),
        ({**ARRAYS, "z": X}, "order.unreadable"),
        ({**ARRAYS, "validation_x": X}, "order.unreadable"),
        ({**ARRAYS, "validation_weight": Y[:, 0]}, "order.unreadable"),
        ({"x": X[:-1], "y": Y}, "order.lengths"),
        ({**ARRAYS, "sample_weight": np.ones(3)}, "order.lengths"),
        ({**ARRAYS, "validation_x": X, "validation_y": Y[:3]}, "order.lengths"),
        ({"x": X.astype(object), "y": Y}, "order.no_numbers"),
        ({"x": X, "y": np.array(["a"] * 24)}, "order.no_numbers"),
        ({"x": X.astype(complex), "y": Y}, "order.no_numbers"),
        ({"x": X, "y": np.where(np.arange(24) == 7, np.nan, 1.0)}, "order.not_finite"),
        ({"x": X.astype(float) * 1e300, "y": Y}, "order.not_finite"),
        ({"x": X[:, :, :1], "y": Y}, "order.shape"),
        ({"x": np.array(1.0), "y": Y}, "order.shape"),
        ({"x": X[:0], "y": Y[:0]}, "order.shape"),
        ({**ARRAYS, "validation_x": X[:, :4], "validation_y": Y}, "order.shape"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_arrays_that_cannot_be_trained_on_are_refused(
    arrays: dict[str, Array], reason: str
) -> None:
    assert refusal(claim(), arrays) == reason


def test_arrays_above_the_cap_are_refused_before_they_are_copied() -> None:
    endless = np.broadcast_to(np.float32(0), (60_000_000, 1))
    assert refusal(claim(), {"x": endless, "y": endless}) == "order.shape"
    wide = np.broadcast_to(np.float32(0), (6_000_000, 5, 2))
    assert refusal(claim(), {"x": wide, "y": wide[:, 0, :1]}) == "order.too_many_bytes"


def test_arrays_are_read_as_keras_reads_them() -> None:
    one = order({"x": X.astype(float), "y": (Y > 0).astype(np.int64)})
    assert {name: array.dtype.str for name, array in one.arrays.items()} == {
        "x": "<f4",
        "y": "<i4",
    }
    assert order({"x": X, "y": Y > 0}).arrays["y"].dtype == np.int32
    large = np.arange(24, dtype=np.int64) * 2**40  # Keras computes with them as float32
    assert order({"x": X, "y": large}).arrays["y"].dtype == np.float32


class TestRanges:
    def model(self, rows: int = 9) -> dict[str, Any]:
        return claim(model=sequential(embedding(rows), lstm(), dense(), shape=(5,)))

    def test_indices_within_the_embedding_are_taken(self) -> None:
        assert read_order(self.model(), {"x": WORDS, "y": Y}).work.updates == 6

    @pytest.mark.parametrize("name", ["x", "validation_x"])
    @pytest.mark.parametrize("wrong", [-1, 9])
    def test_an_index_outside_is_refused(self, name: str, wrong: int) -> None:
        arrays = {"x": WORDS, "y": Y, "validation_x": WORDS.copy(), "validation_y": Y}
        arrays[name] = np.where(WORDS == 4, wrong, WORDS)
        assert refusal(self.model(), arrays) == "order.index_range"

    def test_an_embedding_of_what_a_layer_computes_is_refused(self) -> None:
        later = sequential(lstm(), embedding(9), dense())
        assert refusal(claim(model=later)) == "order.setting"

    @pytest.mark.parametrize("wrong", [-1, 3])
    def test_a_label_outside_of_the_classes_is_refused(self, wrong: int) -> None:
        model = sequential(lstm(), dense(3, activation="softmax"))
        said = claim(model=model, compile={**claim()["compile"], **SPARSE, "metrics": []})
        assert read_order(said, {"x": X, "y": LABELS}).work.updates == 6
        labels = np.where(LABELS == 1, wrong, LABELS)
        assert refusal(said, {"x": X, "y": labels}) == "order.label_range"

    def test_labels_for_nobody_knows_how_many_classes_are_refused(self) -> None:
        said = claim(model=sequential(layer("Flatten")), compile={**claim()["compile"], **SPARSE})
        assert refusal(said, {"x": X, "y": LABELS}) == "order.classes_unknown"


class TestWork:
    def test_it_follows_epochs_rows_steps_and_layers(self) -> None:
        one = order().work.seconds
        longer = np.tile(X, (1, 4, 1))
        more = [
            order(fit={**claim()["fit"], "epochs": 4}),
            order({"x": np.tile(X, (2, 1, 1)), "y": np.tile(Y, (2, 1))}),
            order({"x": longer, "y": Y}, model=sequential(lstm(), dense(), shape=(20, 2))),
            order(model=sequential(lstm(return_sequences=True), lstm(), dense())),
            order(model=sequential(lstm(300), dense())),
        ]
        assert all(other.work.seconds > one for other in more)
        assert all(other.work.limit > other.work.seconds for other in more)

    def test_steps_per_epoch_bound_it(self) -> None:
        assert order(fit={**claim()["fit"], "steps_per_epoch": 1}).work.updates == 2
        assert order(fit={**claim()["fit"], "steps_per_epoch": 100}).work.updates == 6

    @pytest.mark.parametrize(
        ("rows", "steps", "units", "epochs", "batch"),
        [(2560, 100, 30, 100, 32), (25_000, 500, 32, 10, 64)],
    )
    def test_what_textbooks_ask_for_is_granted(
        self, rows: int, steps: int, units: int, epochs: int, batch: int
    ) -> None:
        model = sequential(
            lstm(units, return_sequences=True), lstm(units), dense(), shape=(steps, 2)
        )
        fit = {**claim()["fit"], "epochs": epochs, "batch_size": batch}
        arrays = {"x": np.zeros((rows, steps, 2), np.float32), "y": np.zeros((rows, 1))}
        assert order(arrays, model=model, fit=fit).work.updates == epochs * -(-rows // batch)

    def test_what_no_machine_would_end_is_refused_before_it_is_built(self) -> None:
        arrays = {"x": np.zeros((20_000, 100, 2), np.float32), "y": np.zeros((20_000, 1))}
        said = claim(
            model=sequential(lstm(), dense(), shape=(100, 2)),
            fit={**claim()["fit"], "epochs": 10_000},
        )
        assert refusal(said, arrays) == "order.too_long"

    def test_too_many_weights_and_too_wide_batches_are_refused(self) -> None:
        assert refusal(claim(model=sequential(lstm(2500), dense()))) == "order.too_many_weights"
        arrays = {"x": np.zeros((9_000, 500, 2), np.float32), "y": np.zeros((9_000, 1))}
        wide = claim(
            model=sequential(lstm(100, return_sequences=True), lstm(), dense(), shape=(500, 2)),
            fit={**claim()["fit"], "batch_size": 9_000},
        )
        assert refusal(wide, arrays) == "order.too_wide"

    def test_weights_of_every_epoch_are_bounded(self) -> None:
        said = claim(
            model=sequential(lstm(500), dense()),
            fit={**claim()["fit"], "epochs": 400},
            each_epoch=True,
        )
        assert refusal(said) == "order.too_many_bytes"


class TestKeys:
    """Equal work has one key; other work has another."""

    @pytest.mark.parametrize(
        "same",
        [
            changed(f"{LSTM}.name", "mine"),
            changed("model.config.name", "sequential_7"),
            changed("model.config.layers.0.config.batch_shape", [None, None, 2]),
            changed("model.config.layers.1.build_config", {"input_shape": [None, 5, 2]}),
            changed(f"{LSTM}.dropout", 0),
            changed("compile.optimizer.config.name", "rms_prop_2"),
            changed("compile.optimizer.config.learning_rate", 0.001),
            changed("compile.loss", "mean_squared_error"),
            changed("compile.loss", {"class_name": "function", "config": "mean_squared_error"}),
            changed("compile.loss", {"class_name": "MeanSquaredError", "config": {"name": "m"}}),
            changed("compile.metrics", ["mean_absolute_error"]),
            changed(
                "compile.metrics",
                [{"class_name": "MeanAbsoluteError", "config": {"name": "e", "dtype": "float32"}}],
            ),
            changed("compile.jit_compile", False),
            changed("fit.validation_split", None),
            changed("fit.validation_steps", 3),
            changed("fit.class_weight", {}),
        ],
    )
    def test_what_trains_alike_has_the_same_key(self, same: dict[str, Any]) -> None:
        assert key(read_order(same, ARRAYS)) == key(order())

    @pytest.mark.parametrize(
        "other",
        [
            changed(f"{LSTM}.units", 4),
            changed(f"{LSTM}.dropout", 0.1),
            changed(f"{DENSE}.activation", "tanh"),
            changed("compile.optimizer.config.learning_rate", 0.002),
            changed("compile.optimizer.config.weight_decay", 0.1),
            changed("compile.loss", "mae"),
            changed("compile.metrics", ["mse"]),
            changed("fit.epochs", 3),
            changed("fit.shuffle", False),
            changed("fit.validation_split", 0.5),
            changed("callbacks", [["TerminateOnNaN", {}]]),
            changed("rates", [0.1, 0.1]),
            changed("each_epoch", True),
            changed("seeds", [1, None, None]),
            changed("occurrence", 1),
        ],
    )
    def test_other_work_has_another_key(self, other: dict[str, Any]) -> None:
        assert key(read_order(other, ARRAYS)) != key(order())

    def test_arrays_count_by_value_not_by_precision_or_layout(self) -> None:
        double = {"x": np.asfortranarray(X.astype(float)), "y": Y.astype(">f8")}
        assert key(order(double)) == key(order())
        assert key(order({"x": X + 1, "y": Y})) != key(order())
        assert key(order({"x": X, "y": Y[::-1]})) != key(order())

    def test_attempt_and_secret_choose_the_seed(self) -> None:
        keys = {key(order(), 0), key(order(), 1), key_of(order(), b"t" * 32).key}
        assert len(keys) == 3
        assert key_of(order(), SECRET, 1).seed != key_of(order(), SECRET, 0).seed

    def test_models_that_hold_the_same_seeds_train_alike(self) -> None:
        first, again = (order(seeds=[1, None, 3], occurrence=n) for n in (0, 1))
        assert key(first) == key(again)
        assert key(order(seeds=[1, None, 4])) != key(first)

    def test_going_on_is_other_work_than_beginning(self) -> None:
        after = claim(after={"result": KEY, "optimizer": "goes_on"})
        fresh = claim(after={"result": KEY, "optimizer": "fresh"})
        read = [read_order(one, ARRAYS, {KEY}) for one in (after, fresh)]
        assert len({key(order()), *map(key, read)}) == 3

    @given(
        names=st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=2),
        rate=st.floats(2**-20, 1.0, width=32),
        seeds=st.lists(st.none() | st.integers(), max_size=4),
    )
    def test_no_name_ever_counts(
        self, names: list[str], rate: float, seeds: list[int | None]
    ) -> None:
        def named(name: str) -> Order:
            said = changed("compile.optimizer.config.learning_rate", rate, seeds=seeds)
            said["model"]["config"]["layers"][1]["config"]["name"] = name
            said["compile"]["optimizer"]["config"]["name"] = name
            return read_order(said, ARRAYS)

        assert key(named(names[0])) == key(named(names[1]))

    @given(order_of_keys=st.permutations(sorted(claim()["compile"]["optimizer"]["config"])))
    def test_the_order_of_settings_never_counts(self, order_of_keys: list[str]) -> None:
        said = claim()
        config = said["compile"]["optimizer"]["config"]
        said["compile"]["optimizer"]["config"] = {name: config[name] for name in order_of_keys}
        assert key(read_order(said, ARRAYS)) == key(order())


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
PLACES = [
    "model.config",
    "model.config.layers",
    "model.config.layers.1",
    "model.config.layers.1.config",
    LSTM + ".kernel_initializer",
    LSTM + ".units",
    "compile.optimizer",
    "compile.optimizer.config",
    "compile.loss",
    "compile.metrics",
    "compile.metrics.0",
    "fit",
    "fit.class_weight",
    "callbacks",
    "rates",
    "after",
    "seeds",
]


@given(place=st.sampled_from(PLACES), junk=JUNK)
def test_whatever_is_claimed_is_an_order_or_refused(place: str, junk: Any) -> None:
    said, reason = changed(place, junk), "order."
    try:
        read_order(said, ARRAYS)
    except NotAnOrderError as refused:
        reason = refused.message.id
    assert reason.startswith(("order.", "model."))


def test_an_order_goes_on_only_from_what_its_notebook_was_given() -> None:
    said = claim(after={"result": KEY, "optimizer": "goes_on"})
    assert read_order(said, ARRAYS, {KEY}).after is not None
    assert refusal(said, answered={"b" * 64}) == "order.after"


TURNS = {"turns": np.arange(24) % 5, "sizes": np.array([4, 4, 4, 6, 4, 2])}
DRAWN_FIT = {**claim()["fit"], "epochs": 2, "class_weight": None, "validation_split": None}


class TestDrawnBatches:
    """Batches of data sets and generators: which row each sample is, batch by batch."""

    def test_they_say_how_many_updates_there_are_and_of_which_size(self) -> None:
        one = order({**ARRAYS, **TURNS}, fit=DRAWN_FIT)
        assert (one.work.updates, one.fit.batch_size, one.fit.steps_per_epoch) == (6, 6, 3)
        assert one.fit.shuffle is False
        assert one.arrays["turns"].dtype == one.arrays["sizes"].dtype == np.dtype("<i4")

    def test_other_turns_are_other_work(self) -> None:
        same, other = (
            order({**ARRAYS, **TURNS, "turns": turns}, fit=DRAWN_FIT)
            for turns in (TURNS["turns"], TURNS["turns"][::-1])
        )
        assert key(same) != key(other)

    @pytest.mark.parametrize(
        ("arrays", "fit"),
        [
            ({"turns": TURNS["turns"] - 1}, {}),
            ({"turns": TURNS["turns"] + 20}, {}),
            ({"turns": TURNS["turns"] / 2}, {}),
            ({"turns": TURNS["turns"][:, None]}, {}),
            ({"turns": TURNS["turns"][:-1]}, {}),
            ({"sizes": np.array([4, 4, 4, 6, 6, 0])}, {}),
            ({"sizes": np.array([4, 4, 4, 6, 8, -2])}, {}),
            ({"sizes": np.array([2**31 - 1, 2**31 - 1, 26])}, {}),
            ({"sizes": np.array([12, 12, 0])}, {}),
            ({"turns": np.zeros(45, int), "sizes": np.arange(1, 10)}, {"epochs": 3}),
            ({}, {"epochs": 4}),
            ({}, {"validation_split": 0.5}),
            ({}, {"class_weight": {"0": 2.0}}),
        ],
    )
    def test_what_does_not_fit_together_is_refused(
        self, arrays: dict[str, Array], fit: dict[str, Any]
    ) -> None:
        said = claim(fit={**DRAWN_FIT, **fit})
        assert refusal(said, {**ARRAYS, **TURNS, **arrays}) == "order.turns"

    @pytest.mark.parametrize("name", list(TURNS))
    def test_one_without_the_other_is_refused(self, name: str) -> None:
        assert refusal(claim(fit=DRAWN_FIT), {**ARRAYS, name: TURNS[name]}) == "order.turns"


class TestDecay:
    """``decay`` of the textbooks' time."""

    def test_it_is_a_setting_of_every_optimizer_and_other_work(self) -> None:
        with_it = changed("compile.optimizer.config.decay", 1e-3)
        assert read_order(with_it, ARRAYS).compiled.optimizer.settings["decay"] > 0
        assert key(read_order(with_it, ARRAYS)) != key(order())

    @pytest.mark.parametrize("decay", [-0.1, True, None, "0.1", float("inf"), [0.1]])
    def test_only_a_number_above_nothing_is_one(self, decay: Any) -> None:
        assert refusal(changed("compile.optimizer.config.decay", decay)) == "order.setting"
