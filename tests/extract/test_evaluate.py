"""The evaluation room: what it is asked, how its answers are read, and that its figures are Keras'."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.evaluate import RoomFailedError, evaluate
from grader.extract.tasks import Answer, ModelTask, Training
from grader.room import RoomSpec
from grader.types import Engine, GraderError, Isolation, Level, Message
from tests.support.notebook_runs import candidate, room, run

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(7, 5, 2)).astype(np.float32)


def dense(units: int = 1) -> Architecture:
    return Architecture((5, 2), "float32", (LayerSpec("Dense", {"units": units}),))


def small(outputs: int = 1) -> Architecture:
    """A model that compiles in no time."""
    layers = (LayerSpec("Flatten", {}), LayerSpec("Dense", {"units": outputs}))
    return Architecture((5, 2), "float32", layers)


# --- without Keras ---------------------------------------------------------------------------


class Process:
    """A room process that has ended."""

    pid = 1

    def poll(self) -> int:
        return 0

    def kill(self) -> None:
        pass

    def memory_mb(self) -> float:
        return 0.0


class FakeRoom:
    """A room in which a function of the test answers instead of Keras."""

    isolation = Isolation(Level.NONE)

    def __init__(self, answer: Any, of_kernel: str | None = "") -> None:
        self.answer, self.of_kernel = answer, of_kernel
        self.specs: list[RoomSpec] = []
        self.requests: list[dict[str, Any]] = []
        self.arrays: list[dict[str, np.ndarray]] = []

    def inside(self, host: Path, inside: str) -> str:
        return str(host)

    def start(self, spec: RoomSpec, **_: Any) -> Process:
        self.specs.append(spec)
        given, out, *kernel = map(Path, spec.argv[3:])
        if kernel and self.of_kernel is not None:
            (out / "kernel").write_text(json.dumps(self.of_kernel))
        self.requests.append(json.loads((given / "request.json").read_text()))
        with np.load(given / "request.npz", allow_pickle=False) as archive:
            self.arrays.append(dict(archive))
        self.answer(out)
        return Process()


def answering(answers: dict[str, Any], **arrays: np.ndarray) -> Any:
    def write(out: Path) -> None:
        (out / "response.json").write_text(json.dumps({"answers": answers}))
        np.savez(out / "response.npz", **arrays)

    return write


def ask(fake: FakeRoom, *tasks: ModelTask, **more: Any) -> dict[str, Answer]:
    return evaluate(tasks, fake, engine=Engine.JAX, cores=(0,), **more)  # type: ignore[arg-type]


def test_without_tasks_no_room_is_opened() -> None:
    fake = FakeRoom(None)
    assert ask(fake) == {}
    assert fake.specs == []


def test_answers_are_joined_to_their_tasks() -> None:
    told = {"layers": [{"output_shape": [1], "params": 3}], "total_params": 3, "seconds": 0.5}
    fake = FakeRoom(answering({"a": told}, a=np.ones((7, 1), np.float32)))
    answer = ask(fake, ModelTask("a", dense(), inputs=INPUTS))["a"]
    assert answer.error is None
    assert (answer.layers[0].output_shape, answer.total_params) == ((1,), 3)
    assert answer.predictions is not None
    assert answer.predictions.shape == (7, 1)


def test_labels_never_go_into_the_room() -> None:
    """A task has no place for them; what is written is named here, array by array."""
    fake = FakeRoom(answering({"a": {}}))
    ask(fake, ModelTask("a", dense(), (np.zeros(3),), INPUTS, seed=1))
    assert fake.arrays[0].keys() == {"w0_0", "i0"}
    assert fake.requests[0]["tasks"][0].keys() == {
        "id",
        "op",
        "architecture",
        "weights",
        "inputs",
        "seed",
    }


def test_what_several_tasks_share_is_written_once() -> None:
    """A model's weights would else be there as often as something is asked about it."""
    fake = FakeRoom(answering({}))
    weights = (np.zeros(3), np.ones(2))
    plan = Training(INPUTS, weights[1], 1, "adam", "mse")
    first = ModelTask("a", dense(), weights, INPUTS)
    ask(fake, first, replace(first, id="a/b"), ModelTask("c", dense(), (), INPUTS, plan))
    assert [one.shape for one in fake.arrays[0].values()] == [(3,), (2,), INPUTS.shape]
    told = fake.requests[0]["tasks"]
    assert told[0]["weights"] == told[1]["weights"] == ["w0_0", "w0_1"]
    assert {one["inputs"] for one in told} == {told[2]["x"]} == {"i0"}
    assert told[2]["y"] == "w0_1"


def test_the_room_sees_our_code_and_the_request_and_no_more() -> None:
    fake = FakeRoom(answering({"a": {}}))
    ask(fake, ModelTask("a", dense()))
    (spec,) = fake.specs
    assert [bind.inside for bind in spec.binds] == ["/grader/evaluation", "/in", "/out"]
    assert [bind.writable for bind in spec.binds] == [False, False, True]
    assert spec.env["CUDA_VISIBLE_DEVICES"] == "-1"
    assert not any("SECRET" in key for key in spec.env)


def test_a_room_that_is_given_the_kernel_has_it_read_only(tmp_path: Path) -> None:
    fake = FakeRoom(answering({"a": {}}))
    assert ask(fake, ModelTask("a", dense()), kernel=tmp_path)["a"].error is None
    (spec,) = fake.specs
    assert spec.argv[5:] == (str(tmp_path),)
    assert [bind.writable for bind in spec.binds if bind.host == tmp_path] == [False]


@pytest.mark.parametrize("said", ["lstm_2: 0.1 apart", None])
def test_a_room_that_cannot_work_with_the_kernel_has_no_second_one(
    said: str | None, tmp_path: Path
) -> None:
    fake = FakeRoom(answering({"a": {}}), said)
    with pytest.raises(RoomFailedError) as caught:
        ask(fake, ModelTask("a", dense()), kernel=tmp_path)
    assert caught.value.message == Message("kernel.failed", {"why": said or "code 0"})
    assert not caught.value.stopped
    assert len(fake.specs) == 1


def test_a_room_that_dies_over_a_task_by_the_kernel_has_no_second_one(tmp_path: Path) -> None:
    """Whether it was the kernel is seen by whoever asks for it without."""
    fake = FakeRoom(nothing)
    with pytest.raises(RoomFailedError) as caught:
        ask(fake, ModelTask("a", dense()), kernel=tmp_path)
    assert caught.value.message.id == "evaluate.failed"
    assert len(fake.specs) == 1


def test_a_task_without_an_answer_says_so() -> None:
    assert ask(FakeRoom(answering({})), ModelTask("a", dense()))["a"].error == "no answer"


@pytest.mark.parametrize(
    "predictions",
    [
        np.ones((6, 1), np.float32),
        np.ones((7, 1), np.float64),
        np.ones((7, 1), np.int32),
    ],
    ids=["too few rows", "another type", "whole numbers"],
)
def test_predictions_of_another_form_are_refused(predictions: np.ndarray) -> None:
    fake = FakeRoom(answering({"a": {}}, a=predictions))
    answer = ask(fake, ModelTask("a", dense(), inputs=INPUTS))["a"]
    assert answer.error is not None
    assert answer.predictions is None


def garbage(out: Path) -> None:
    (out / "response.json").write_text("{")


def nothing(out: Path) -> None:
    pass


def a_link(out: Path) -> None:
    (out / "response.json").symlink_to("/etc/hostname")


def pickled(out: Path) -> None:
    answering({"a": {}})(out)
    np.savez(out / "response.npz", a=np.array([{}], dtype=object))


@pytest.mark.parametrize(
    "answer",
    [
        nothing,
        garbage,
        a_link,
        pickled,
        answering({"a": {"params": "many"}}),
        answering({"a": {"total_params": 1.5}}),
        answering({"a": {"layers": [{"output_shape": "x", "params": 1}]}}),
    ],
)
def test_a_room_that_answers_nonsense_is_our_fault_not_the_students(answer: Any) -> None:
    with pytest.raises(GraderError) as caught:
        ask(FakeRoom(answer), ModelTask("a", dense()))
    assert caught.value.message.id == "evaluate.failed"


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    places: list[Path] = []

    def note(out: Path) -> None:
        places.append(out)
        answering({"a": {}})(out)

    ask(FakeRoom(note), ModelTask("a", dense()))
    assert places
    assert not places[0].parent.exists()


# --- with Keras ------------------------------------------------------------------------------

TRAINING = Training(
    x=RNG.normal(size=(40, 5, 2)).astype(np.float32),
    y=RNG.normal(size=(40, 1)).astype(np.float32),
    epochs=3,
    optimizer="RMSprop",
    loss="mse",
    options={"learning_rate": 0.01},
    batch_size=8,
    validation_split=0.2,
)
CLASSES = Training(
    x=TRAINING.x,
    y=RNG.integers(0, 3, size=(40,)).astype(np.int32),
    epochs=1,
    optimizer="Adam",
    loss="sparse_categorical_crossentropy",
    from_logits=True,
)


def tasks() -> tuple[ModelTask, ...]:
    odd_loss = replace(TRAINING, loss="os.system")
    return (
        ModelTask("trained", small(), inputs=INPUTS, training=TRAINING, seed=11),
        ModelTask("other seed", small(), inputs=INPUTS, training=TRAINING, seed=12),
        ModelTask("wrong weights", small(), (np.zeros((2, 2), np.float32),), INPUTS),
        ModelTask(
            "odd layer", Architecture((5, 2), "float32", (LayerSpec("Lambda", {}),)), (), INPUTS
        ),
        ModelTask("odd setting", dense(-1)),
        ModelTask("odd loss", small(), inputs=INPUTS, training=odd_loss),
        ModelTask("too wide", dense(200_000), inputs=np.zeros((50, 5, 2), np.float32)),
        ModelTask("no rows", small(), inputs=INPUTS[:0]),
        ModelTask("logits", small(3), (), INPUTS, CLASSES, seed=1),
        ModelTask("again", small(), inputs=INPUTS, training=TRAINING, seed=11),
    )


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    return evaluate(tasks(), room(), engine=Engine.JAX, cores=(0,))


@pytest.mark.real
def test_training_repeats_itself_with_the_same_seed(answers: dict[str, Answer]) -> None:
    first, again = answers["trained"], answers["again"]
    assert first.error is None
    assert first.history == again.history
    np.testing.assert_array_equal(first.predictions, again.predictions)


@pytest.mark.real
def test_another_seed_trains_another_model(answers: dict[str, Answer]) -> None:
    first, other = answers["trained"].predictions, answers["other seed"].predictions
    assert first is not None
    assert other is not None
    assert (first != other).any()


@pytest.mark.real
def test_training_leaves_its_history(answers: dict[str, Answer]) -> None:
    history = answers["trained"].history
    assert set(history) == {"loss", "val_loss"}
    assert all(len(values) == TRAINING.epochs for values in history.values())


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("wrong weights", "weights"),
        ("odd layer", "build"),
        ("odd setting", "build"),
        ("odd loss", "train"),
        ("too wide", "predict"),
    ],
)
def test_a_task_that_fails_says_in_which_step_and_harms_no_other(
    answers: dict[str, Answer], name: str, failed: str
) -> None:
    assert answers[name].error
    assert answers[name].failed == failed
    fine = {"trained", "other seed", "no rows", "logits", "again"}
    assert all(answers[one].error is None for one in fine)


@pytest.mark.real
def test_what_was_rebuilt_is_told_though_its_weights_do_not_fit(
    answers: dict[str, Answer],
) -> None:
    told = answers["wrong weights"]
    assert [layer.params for layer in told.layers] == [0, 5 * 2 + 1]
    assert [layer.output_shape for layer in told.layers] == [(10,), (1,)]
    assert told.total_params == 5 * 2 + 1


@pytest.mark.real
def test_no_rows_give_no_predictions(answers: dict[str, Answer]) -> None:
    found = answers["no rows"].predictions
    assert found is not None
    assert found.shape == (0, 1)


NOTEBOOK = """
import keras, numpy as np
keras.utils.set_random_seed({seed})
x = np.random.default_rng(5).normal(size=(30, 6, 2)).astype("float32")
inputs = keras.Input((6, 2))
hidden = keras.layers.GRU(4, return_sequences=True)(inputs)
outputs = keras.layers.Dense(1)(keras.layers.LSTM(3)(hidden))
model = keras.Model(inputs, outputs)
model.compile(loss="mse", optimizer="adam")
model.fit(x, x.sum(axis=(1, 2)), epochs=2, verbose=0)
print(*model.predict(x, verbose=0).astype("float64").ravel())
"""


@pytest.mark.real
@pytest.mark.parametrize("engine", [Engine.JAX, Engine.TENSORFLOW])
def test_predictions_are_those_that_the_notebook_itself_got(engine: Engine) -> None:
    """Whichever engine trained the model, the evaluation room gives the same answers."""
    from grader.extract.architecture import read_architecture

    execution = run(NOTEBOOK.format(seed=3), engine=engine)
    (shown,) = execution.cells
    assert shown.error is None, shown.error
    model = candidate(execution, "model")
    x = np.random.default_rng(5).normal(size=(30, 6, 2)).astype("float32")
    task = ModelTask("model", read_architecture(model.config), model.final, x)
    answer = evaluate([task], room(), engine=Engine.JAX, cores=(0,))["model"]
    assert answer.predictions is not None
    np.testing.assert_allclose(
        answer.predictions.ravel(), np.array(shown.stdout.split(), float), rtol=1e-4, atol=1e-5
    )
