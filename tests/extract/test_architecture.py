"""Claimed configurations: chains of built-in layers are read, everything else is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.evaluation.allowed import LARGEST_PARAMS
from grader.extract.architecture import LARGEST_OUTPUT, Architecture, read_architecture
from grader.extract.evaluate import evaluate
from grader.extract.keras_config import DEPTH, LONGEST, NotRebuildableError, class_names
from grader.extract.tasks import ModelTask
from grader.types import Engine
from tests.support.notebook_runs import candidate, room, run

MODULES = {"InputLayer": "keras.layers", "Sequential": "keras", "Functional": "keras.src.models"}


def layer(cls: str, /, **config: Any) -> dict[str, Any]:
    """A layer as Keras writes it."""
    return {
        "module": MODULES.get(cls, "keras.layers"),
        "class_name": cls,
        "config": config,
        "registered_name": None,
    }


def sequential(*layers: dict[str, Any], shape: tuple[int | None, ...] = (6, 2)) -> dict[str, Any]:
    entries = [layer("InputLayer", batch_shape=[None, *shape]), *layers]
    return {"class_name": "Sequential", "config": {"layers": entries}}


def tensor(name: str, node: int = 0, which: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, which]}}


def node(*sources: dict[str, Any]) -> dict[str, Any]:
    return {"args": list(sources), "kwargs": {"mask": None}}


def functional(
    edges: dict[str, tuple[dict[str, Any], list[Any]]], output: list[Any] | None = None
) -> dict[str, Any]:
    """A functional model: per layer its entry and its nodes."""
    entries = [
        {**entry, "name": name, "inbound_nodes": nodes} for name, (entry, nodes) in edges.items()
    ]
    last = output if output is not None else [entries[-1]["name"], 0, 0]
    return {"class_name": "Functional", "config": {"layers": entries, "output_layers": last}}


INPUT = layer("InputLayer", batch_shape=[None, 6, 2])
GRU = layer("GRU", units=4, activation="tanh", return_sequences=False)
DENSE = layer("Dense", units=1, activation="linear")


def titles(config: dict[str, Any]) -> list[str]:
    return [one.title for one in read_architecture(config).layers]


def refusal(config: Any) -> str:
    with pytest.raises(NotRebuildableError) as caught:
        read_architecture(config)
    return caught.value.message.id


def deep(entry: dict[str, Any], levels: int) -> dict[str, Any]:
    for _ in range(levels):
        entry = layer("Sequential", layers=[entry])
    return entry


# --- chains ----------------------------------------------------------------------------------


def test_a_sequential_is_read_in_its_order() -> None:
    found = read_architecture(sequential(GRU, DENSE))
    assert [one.title for one in found.layers] == ["GRU", "Dense"]
    assert found.input_shape == (6, 2)
    assert found.input_dtype == "float32"
    assert found.layers[0].settings["units"] == 4


def test_a_functional_chain_is_read_by_its_edges_not_by_its_order() -> None:
    config = functional(
        {
            "out": (DENSE, [node(tensor("hidden"))]),
            "in": (INPUT, []),
            "hidden": (GRU, [node(tensor("in"))]),
        },
        output=["out", 0, 0],
    )
    assert titles(config) == ["GRU", "Dense"]


def test_outputs_may_be_wrapped_in_a_list() -> None:
    config = functional({"in": (INPUT, []), "out": (DENSE, [node(tensor("in"))])})
    config["config"]["output_layers"] = [["out", 0, 0]]
    assert titles(config) == ["Dense"]


def test_a_nested_model_is_opened_up() -> None:
    inner = layer("Sequential", layers=[INPUT, GRU])
    assert titles(sequential(inner, DENSE)) == ["GRU", "Dense"]


def test_a_nested_functional_model_is_opened_up() -> None:
    inner = functional({"i": (INPUT, []), "g": (GRU, [node(tensor("i"))])})
    entry = {**inner, "module": "keras.src.models.functional"}
    config = functional(
        {
            "in": (INPUT, []),
            "m": (entry, [node(tensor("in"))]),
            "out": (DENSE, [node(tensor("m"))]),
        }
    )
    assert titles(config) == ["GRU", "Dense"]


def test_an_rnn_around_a_cell_is_the_layer_of_that_name() -> None:
    cell = layer("GRUCell", units=4, activation="tanh", reset_after=True)
    (found,) = read_architecture(sequential(layer("RNN", cell=cell, return_sequences=True))).layers
    assert found.title == "GRU"
    assert found.settings["return_sequences"] is True
    assert found.settings["units"] == 4


def test_a_wrapper_shows_the_layer_inside() -> None:
    wrapped = layer("Bidirectional", merge_mode="concat", layer=GRU)
    timed = layer("TimeDistributed", layer=DENSE)
    found = read_architecture(sequential(wrapped, timed))
    assert [one.title for one in found.layers] == ["Bidirectional(GRU)", "TimeDistributed(Dense)"]
    assert found.layers[0].settings["units"] == 4
    assert found.layers[0].settings["merge_mode"] == "concat"


def test_a_wrapper_without_its_own_settings_is_read() -> None:
    assert titles(sequential(layer("Bidirectional", layer=GRU))) == ["Bidirectional(GRU)"]


def test_a_backward_layer_that_mirrors_the_forward_one_is_the_usual_case() -> None:
    forward = layer("GRU", units=4, go_backwards=False)
    backward = layer("GRU", units=4, go_backwards=True)
    config = sequential(layer("Bidirectional", layer=forward, backward_layer=backward))
    assert titles(config) == ["Bidirectional(GRU)"]


def test_a_backward_layer_of_another_kind_is_refused() -> None:
    forward = layer("GRU", units=4, go_backwards=False)
    for backward in (
        layer("GRU", units=5, go_backwards=True),
        layer("LSTM", units=4, go_backwards=True),
        layer("GRU", units=4, go_backwards=False),
    ):
        config = sequential(layer("Bidirectional", layer=forward, backward_layer=backward))
        assert refusal(config) == "model.setting"


def test_an_activation_layer_joins_the_dense_layer_before_it() -> None:
    joined = sequential(GRU, DENSE, layer("Activation", activation="relu"))
    together = sequential(GRU, layer("Dense", units=1, activation="relu"))
    assert read_architecture(joined) == read_architecture(together)


def test_an_activation_layer_joins_inside_time_distributed() -> None:
    timed = layer("TimeDistributed", layer=DENSE)
    (found,) = read_architecture(
        sequential(timed, layer("Activation", activation="softmax"))
    ).layers
    assert found.settings["activation"] == "softmax"


def test_an_activation_layer_never_joins_a_recurrent_layer() -> None:
    """Inside the recurrence an activation computes something else than behind it."""
    linear = layer("SimpleRNN", units=4, activation="linear")
    assert titles(sequential(linear, layer("Activation", activation="tanh"))) == [
        "SimpleRNN",
        "Activation",
    ]


def test_an_activation_layer_after_an_activation_stays_a_layer() -> None:
    active = layer("Dense", units=1, activation="relu")
    assert len(titles(sequential(active, layer("Activation", activation="tanh")))) == 2


def test_an_embedding_first_takes_whole_numbers() -> None:
    config = sequential(layer("Embedding", input_dim=50, output_dim=4), GRU, shape=(6,))
    assert read_architecture(config).input_dtype == "int32"


def test_the_shape_that_the_probe_saw_comes_first() -> None:
    config = {**sequential(GRU), "input_shape": [None, 9, 2]}
    assert read_architecture(config).input_shape == (9, 2)


def test_unknown_steps_stay_unknown() -> None:
    assert read_architecture(sequential(GRU, shape=(None, 2))).input_shape == (None, 2)


def test_settings_that_change_nothing_are_left_out() -> None:
    config = layer("Dense", units=1, name="dense_7", trainable=True, kernel_regularizer={"l2": 1})
    assert dict(read_architecture(sequential(config)).layers[0].config) == {"units": 1}


def test_an_activation_function_of_another_library_counts_by_its_name() -> None:
    told = {"module": "builtins", "class_name": "function", "config": "relu"}
    (found,) = read_architecture(sequential(layer("Dense", units=1, activation=told))).layers
    assert found.settings["activation"] == "relu"


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"class_name": "Sequential"},
        {"class_name": "Sequential", "config": None},
        {"class_name": "Sequential", "config": {"layers": "none"}},
        {"class_name": "Sequential", "config": {"layers": [None]}},
        {"class_name": "Sequential", "config": {"layers": ["Dense"]}},
        {"class_name": ["Sequential"], "config": {"layers": []}},
        {
            "class_name": "Sequential",
            "config": {"layers": [{"config": {"batch_shape": [None, 2]}}]},
        },
        {"class_name": "Functional", "config": {"layers": [INPUT]}},
        {"class_name": "Functional", "config": {"layers": [INPUT], "output_layers": [[]]}},
        {"class_name": "Functional", "config": {"layers": [INPUT], "output_layers": [1, 0, 0]}},
        sequential(layer("Dense", units=1, activation=["relu"])),
        sequential(layer("Dense", units=1, activation={"config": ["relu"]})),
        sequential(layer("Dense", units=[[[[]]]])),
        sequential(layer("Dense", units=float("inf"))),
        sequential(layer("Dense", units="1" * 1000)),
        sequential(layer("Dense", units={"class_name": "int"})),
        sequential({**layer("Dense"), "config": 3}),
        sequential({**layer("Dense"), "class_name": {"a": 1}}),
        sequential(layer("Bidirectional", layer="GRU")),
        sequential(layer("Bidirectional", layer={"class_name": None, "config": {}})),
        sequential(layer("RNN", cell="GRUCell")),
        sequential(layer("RNN", cell={"class_name": "GRUCell", "config": None})),
        sequential(),
    ],
)
def test_what_is_no_configuration_is_refused_and_breaks_nothing(config: dict[str, Any]) -> None:
    assert refusal(config).startswith("model.")
    assert isinstance(class_names(config), tuple)


def test_an_initializer_that_is_not_known_is_left_out() -> None:
    for odd in ({"class_name": ["Zeros"], "config": {}}, {"class_name": "Mine"}, "zeros", 3):
        (found,) = read_architecture(
            sequential(layer("Dense", units=1, kernel_initializer=odd))
        ).layers
        assert "kernel_initializer" not in found.config


def test_the_seed_of_an_initializer_is_left_out() -> None:
    told = layer("GlorotUniform", seed=7)
    (found,) = read_architecture(
        sequential(layer("Dense", units=1, kernel_initializer=told))
    ).layers
    assert found.config["kernel_initializer"] == {"class_name": "GlorotUniform", "config": {}}


@pytest.mark.parametrize("name", ["Attention", "Mine", "GRUCell", "keras.layers.Dense", "", "*"])
def test_a_layer_that_is_not_listed_is_refused(name: str) -> None:
    assert refusal(sequential(layer(name, units=1))) == "model.unlisted_layer"


def test_a_students_own_class_is_refused_by_whatever_name() -> None:
    """Keras writes no module for a class that is not its own."""
    own = {"module": None, "class_name": "GRU", "config": {"units": 4}, "registered_name": "My>GRU"}
    assert refusal(sequential(own)) == "model.unlisted_layer"
    assert refusal(sequential(layer("Bidirectional", layer=own))) == "model.unlisted_layer"
    cell = {**own, "class_name": "GRUCell"}
    assert refusal(sequential(layer("RNN", cell=cell))) == "model.unlisted_layer"


def test_a_model_class_of_ones_own_is_refused() -> None:
    assert refusal({"class_name": "Mine", "config": {"layers": [GRU]}}) == "model.custom"
    assert refusal({**sequential(GRU), "opaque": True}) == "model.custom"


def test_stacked_cells_are_refused() -> None:
    cells = layer("StackedRNNCells", cells=[layer("GRUCell", units=2)])
    assert refusal(sequential(layer("RNN", cell=cells))) == "model.unlisted_layer"


def test_an_activation_of_ones_own_is_refused() -> None:
    told = {"module": "builtins", "class_name": "function", "config": "my_relu"}
    assert refusal(sequential(layer("Dense", units=1, activation=told))) == (
        "model.custom_activation"
    )


@pytest.mark.parametrize(
    "gadget",
    [
        {"module": "os", "class_name": "system", "config": "touch {mark}", "registered_name": None},
        {"module": "posix", "class_name": "system", "config": {"command": "touch {mark}"}},
        {"module": "builtins", "class_name": "eval", "config": "open('{mark}', 'w')"},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "{mark}"]}},
        {"module": "keras.layers", "class_name": "Dense", "registered_name": "os.system"},
        {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
        },
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "{mark}"}},
        {
            "module": "keras.layers",
            "class_name": "StringLookup",
            "config": {"vocabulary": "/etc/passwd"},
        },
        {
            "module": "keras.layers",
            "class_name": "TextVectorization",
            "config": {"vocabulary": "{mark}"},
        },
        {"module": "keras.src.utils", "class_name": "get_file", "config": {"fname": "{mark}"}},
        {"class_name": "__typespec__", "spec_name": "os.system", "config": ["touch {mark}"]},
        {"class_name": "function", "module": "os", "config": "system"},
    ],
)
def test_configurations_that_made_keras_run_code_reach_nothing_but_a_refusal(
    gadget: dict[str, Any], tmp_path: Path
) -> None:
    mark = tmp_path / "executed"

    def armed(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{mark}", str(mark))
        if isinstance(value, dict):
            return {key: armed(item) for key, item in value.items()}
        return [armed(item) for item in value] if isinstance(value, list) else value

    trap = armed(gadget)
    for config in (
        trap,
        sequential(trap),
        sequential(layer("TimeDistributed", layer=trap)),
        sequential(layer("RNN", cell=trap)),
        functional({"in": (INPUT, []), "out": (trap, [node(tensor("in"))])}),
    ):
        refusal(config)
        class_names(config)
    for key in ("units", "activation"):
        refusal(sequential(layer("Dense", **{"units": 1, key: trap})))
    assert not mark.exists()


def test_nothing_of_a_gadget_in_a_known_layer_is_handed_on() -> None:
    trap = {"module": "os", "class_name": "system", "config": "id"}
    entry = layer("Dense", units=1, kernel_initializer=trap, dtype=trap, build_config=trap)
    found = read_architecture(sequential(entry)).as_json()
    assert "system" not in str(found)


# --- branches --------------------------------------------------------------------------------


def test_two_inputs_are_a_branch() -> None:
    add = layer("Add")
    config = functional(
        {"a": (INPUT, []), "b": (INPUT, []), "sum": (add, [node(tensor("a"), tensor("b"))])}
    )
    assert refusal(config) == "model.branches"


def test_two_outputs_are_a_branch() -> None:
    config = functional({"in": (INPUT, []), "out": (DENSE, [node(tensor("in"))])})
    config["config"]["output_layers"] = [["out", 0, 0], ["in", 0, 0]]
    assert refusal(config) == "model.branches"


def test_a_layer_that_is_called_twice_is_a_branch() -> None:
    twice = [node(tensor("in")), node(tensor("d"))]
    config = functional({"in": (INPUT, []), "d": (DENSE, twice)}, output=["d", 1, 0])
    assert refusal(config) == "model.branches"


def test_a_state_in_place_of_the_output_is_a_branch() -> None:
    edges = {"in": (INPUT, []), "r": (GRU, [node(tensor("in"))])}
    assert refusal(functional(edges, output=["r", 0, 1])) == "model.branches"
    more = {**edges, "out": (DENSE, [node(tensor("r", which=1))])}
    assert refusal(functional(more)) == "model.branches"


def test_edges_of_older_keras_are_not_taken_for_an_input() -> None:
    config = functional({"in": (INPUT, []), "out": (DENSE, [[["in", 0, 0, {}]]])})
    assert refusal(config) == "model.unreadable"


def test_a_circle_ends() -> None:
    config = functional(
        {"a": (GRU, [node(tensor("b"))]), "b": (DENSE, [node(tensor("a"))])}, output=["b", 0, 0]
    )
    assert refusal(config) == "model.unreadable"


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "giant",
    [
        layer("Dense", units=10**9),
        layer("LSTM", units=10**9),
        layer("LSTM", units=150_000),
        layer("Bidirectional", layer=layer("GRU", units=5000)),
        layer("Embedding", input_dim=200_000, output_dim=200_000),
        layer("Conv1D", filters=1000, kernel_size=[200_000]),
        layer("RepeatVector", n=10**9),
        layer("TimeDistributed", layer=layer("Dense", units=10**9)),
        layer("Dense", units=0),
        layer("Dense", units=-1),
        layer("Dense", units=True),
        layer("Dense", units="many"),
    ],
)
def test_giants_and_nonsense_sizes_are_refused(giant: dict[str, Any]) -> None:
    assert refusal(sequential(giant)) in {"model.too_large", "model.setting", "model.unreadable"}


def test_outputs_that_no_room_could_hold_are_refused() -> None:
    wide = layer("Dense", units=4000)
    steps = LARGEST_OUTPUT // 4000 + 1
    config = sequential(wide, shape=(steps, 2))
    assert steps * 4000 > LARGEST_OUTPUT
    assert refusal(config) == "model.too_large"


def test_flattening_a_long_sequence_counts_every_step() -> None:
    config = sequential(layer("Flatten"), layer("Dense", units=5000), shape=(6000, 2))
    assert LARGEST_PARAMS < 6000 * 2 * 5000
    assert refusal(config) == "model.too_large"


def test_a_large_honest_language_model_is_read() -> None:
    """The width counts, not width times steps: Dense works on each step alone."""
    config = sequential(
        layer("Embedding", input_dim=10_000, output_dim=256),
        layer("LSTM", units=512, return_sequences=True),
        layer("Dense", units=10_000, activation="softmax"),
        shape=(100,),
    )
    assert len(read_architecture(config).layers) == 3


def test_too_many_layers_are_refused() -> None:
    assert len(titles(sequential(*[DENSE] * (LONGEST - 1)))) == LONGEST - 1
    assert refusal(sequential(*[DENSE] * LONGEST)) == "model.too_deep"


def test_deep_nesting_is_refused_without_exhausting_the_stack() -> None:
    assert titles(sequential(deep(GRU, DEPTH - 1))) == ["GRU"]
    assert refusal(sequential(deep(GRU, 900))) == "model.custom"
    wrapped = GRU
    for _ in range(500):
        wrapped = layer("TimeDistributed", layer=wrapped)
    assert refusal(sequential(wrapped)) == "model.unreadable"


def test_deep_edges_are_refused_without_exhausting_the_stack() -> None:
    edge: Any = tensor("in")
    for _ in range(900):
        edge = [edge]
    config = functional({"in": (INPUT, []), "out": (DENSE, [edge])})
    assert refusal(config) == "model.unreadable"


# --- people ----------------------------------------------------------------------------------


def test_layers_that_cannot_be_rebuilt_are_still_named() -> None:
    assert class_names(sequential(layer("Mine"), DENSE)) == ("Mine", "Dense")


# --- the real thing --------------------------------------------------------------------------

EVERY_LAYER = """
import keras, numpy as np
from keras import layers as L
sequences = {
    "recurrent": [L.SimpleRNN(3, return_sequences=True), L.LSTM(4, return_sequences=True, dropout=.1),
                  L.GRU(3, reset_after=False, go_backwards=True, return_sequences=True),
                  L.RNN(L.GRUCell(3), return_sequences=True), L.RNN(L.LSTMCell(3)), L.Dense(2)],
    "wrapped": [L.Bidirectional(L.LSTM(3, return_sequences=True)),
                L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum"),
                L.TimeDistributed(L.Dense(3, activation="tanh")), L.Flatten(), L.Dense(1)],
    "convolved": [L.Conv1D(4, 3, padding="same", activation="relu"), L.MaxPooling1D(2),
                  L.SeparableConv1D(5, 2, padding="causal" if False else "same"),
                  L.AveragePooling1D(2, padding="same"), L.GlobalAveragePooling1D(), L.Dense(1)],
    "shaped": [L.Permute((2, 1)), L.Reshape((4, 3)), L.GlobalMaxPooling1D(), L.RepeatVector(2),
               L.Flatten(), L.Dense(2), L.Softmax()],
    "steadied": [L.Masking(-1.0), L.Dropout(.2), L.SpatialDropout1D(.1), L.GaussianNoise(.1),
                 L.LayerNormalization(), L.BatchNormalization(), L.LSTM(3), L.Dense(3),
                 L.Activation("relu"), L.Dense(3), L.LeakyReLU(negative_slope=.2), L.Dense(2), L.ReLU(6.0)],
}
x = np.random.default_rng(0).normal(size=(5, 6, 2)).astype("float32")
print(end="")
"""
ONE_MORE = """
{name} = keras.Sequential([keras.Input((6, 2)), *sequences["{name}"]])
{name}.set_weights([w + 0.1 * np.random.default_rng(1).normal(size=w.shape) for w in {name}.get_weights()])
print({name}.count_params(), {name}.predict(x, verbose=0).astype("float64").ravel().tolist())
"""
NAMES = ("recurrent", "wrapped", "convolved", "shaped", "steadied")
EMBEDDED = """
embedded = keras.Sequential([L.Embedding(9, 4), L.GRU(3), L.Dense(1)])
embedded.build((None, 6))
i = np.arange(30).reshape(5, 6) % 9
print(embedded.count_params(), embedded.predict(i, verbose=0).astype("float64").ravel().tolist())
"""


@pytest.mark.real
def test_rebuilt_models_have_the_same_parameters_and_predictions() -> None:
    execution = run(
        EVERY_LAYER, *[ONE_MORE.format(name=name) for name in NAMES], EMBEDDED, engine=Engine.JAX
    )
    assert [one.error for one in execution.cells] == [None] * len(execution.cells)
    x = np.random.default_rng(0).normal(size=(5, 6, 2)).astype("float32")
    i = np.arange(30).reshape(5, 6) % 9
    asked = dict.fromkeys(NAMES, x) | {"embedded": i.astype("int32")}
    tasks = [
        ModelTask(name, _read(execution, name), candidate(execution, name).final, inputs)
        for name, inputs in asked.items()
    ]
    answers = evaluate(tasks, room(), engine=Engine.JAX, cores=(0,))
    for (name, answer), cell in zip(answers.items(), execution.cells[1:], strict=True):
        params, _, numbers = cell.stdout.strip().partition(" ")
        assert answer.error is None, (name, answer.error)
        assert answer.predictions is not None
        assert answer.total_params == int(params), name
        np.testing.assert_allclose(
            answer.predictions.ravel(), np.array(eval(numbers)), rtol=1e-4, atol=1e-5, err_msg=name
        )


def _read(execution: Any, name: str) -> Architecture:
    return read_architecture(candidate(execution, name).config)
