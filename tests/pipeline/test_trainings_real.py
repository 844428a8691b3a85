"""A notebook's trainings done by our own room: a real kernel, a real driver, a real trainer."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from grader.execute.execute import execute
from grader.execute.run import Run
from grader.execution import Execution
from grader.extract.matching import read_model
from grader.extract.proof import chain_of, proof_of
from grader.pipeline.judges import Judges
from grader.pipeline.rounds import PutOffError, Round, TrainsOrders, Wanted
from grader.pipeline.runner import Slot
from grader.pipeline.trainings import Trainings
from grader.trainer.order import Order
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.types import Engine, Proof
from tests.support import notebook_files
from tests.support.notebook_runs import candidate, cell, notebook, room

pytestmark = pytest.mark.real
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 600.0  # seconds for what comes at some time: reached only where it never comes

DATA = """
import keras, numpy as np
X = np.random.default_rng(1).random((64, 5, 2))
Y = X.sum(axis=(1, 2))[:, None]
def made(*others, loss="mse", **settings):
    model = keras.Sequential([keras.layers.LSTM(4), keras.layers.Dense(1), *others])
    model.compile(settings.pop("optimizer", "adam"), loss, **settings)
    return model
"""
FIT = """
model = made(metrics=["mae"])
history = model.fit(X, Y, epochs=3, validation_split=0.25, verbose=2)
print(sorted(history.history), history.epoch, int(model.optimizer.iterations))
"""
AFTERWARDS = """
print(model.predict(X[:2], verbose=0).shape)
measured = model.evaluate(X[48:], Y[48:], verbose=0)
print(np.allclose(measured, [history.history["val_loss"][-1], history.history["val_mae"][-1]]))
"""
AGAIN = "print(model.fit(X, Y, epochs=2, verbose=0).epoch, int(model.optimizer.iterations))"
OWN_CALLBACK = """
class Own(keras.callbacks.Callback):
    pass
own = made()
own.fit(X, Y, verbose=0, callbacks=[Own()])
"""
DECAY = """
decaying = made(optimizer=keras.optimizers.RMSprop(lr=0.01, decay=1e-3))
decaying.fit(X, Y, verbose=0)
"""
PLANTED = """
planted = made()
planted.fit(X, Y, verbose=0)
planted.set_weights([weight + 1 for weight in planted.get_weights()])
"""
FORGED = """
import os
kernel = get_ipython().kernel
def send(kind, content, *buffers):
    return kernel.session.send(
        kernel.stdin_socket, kind, content, parent=kernel.get_parent("shell"),
        ident=kernel._get_shell_context_var(kernel._shell_parent_ident), buffers=list(buffers),
    )["header"]["msg_id"]
def told():
    _, reply = kernel.session.recv(kernel.stdin_socket, mode=0)
    return reply["parent_header"]["msg_id"], sorted(reply["content"])
first = send("grader_order", {"version": 1, "result": "a" * 64}, b"no arrays")
print([told()[0] == first, [os.path.exists(one) for one in ("/in/answers", "/out")]])
"""
WHAT_KERAS_SAYS = "made(loss='sparse_categorical_crossentropy').fit(X, -Y, verbose=0)"
DRAWN = """
import tensorflow as tf
def turns():
    while True:
        for start in range(0, 64, 16):
            yield X[start:start + 16], Y[start:start + 16]
shuffled = made()
shuffled.fit(tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(64).batch(16), epochs=2, verbose=0)
generated = made()
generated.fit_generator(turns(), steps_per_epoch=4, epochs=2, verbose=0)
print(int(shuffled.optimizer.iterations), int(generated.optimizer.iterations))
"""
CELLS = (DATA, FIT, AFTERWARDS, AGAIN, OWN_CALLBACK, DECAY, PLANTED, FORGED, WHAT_KERAS_SAYS)
CLAIMED = """
class Pairs(keras.utils.PyDataset):
    def __len__(self): return 4
    def __getitem__(self, number): return X[16 * number:16 * number + 16], Y[:16]
claimed = {name: made() for name in ("sequence", "few", "data_set", "generator", "loop")}
sequence, few, data_set, generator, loop = claimed.values()
sequence.fit(Pairs(), verbose=0, callbacks=[Own()])
few.fit(tf.data.Dataset.from_tensors((X[:8], Y[:8])).repeat(9), verbose=0, callbacks=[Own()])
whole = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(64).batch(16)
data_set.fit(whole, epochs=2, verbose=0, callbacks=[Own()])
generator.fit(turns(), steps_per_epoch=3, verbose=0, callbacks=[Own()])
for start in (0, 16):
    loop.train_on_batch(X[start:start + 16], Y[start:start + 16])
"""
WEIGHED = """
def heavier():
    for weight, part in ((1e-6, X[:32]), (1e-6, X[32:]), (1.0, X[:16] + 1)):
        yield part, part[:, 0, :1], np.full(len(part), weight)
weighed = {name: made() for name in ("listed", "light", "later", "held", "classes", "unlearned")}
listed, light, later, held, classes, unlearned = weighed.values()
listed.build((None, 5, 2))
listed.fit([X], [Y], verbose=0, callbacks=[Own()])
light.fit(whole.map(lambda x, y: (x, y, tf.zeros(len(x)))), verbose=0, callbacks=[Own()])
later.fit(heavier(), steps_per_epoch=3, verbose=0, callbacks=[Own()])
half = np.repeat([0.0, 1.0], 32)
held.fit(X, Y, sample_weight=half, validation_split=0.5, verbose=0, callbacks=[Own()])
only = {number: float(number == 5) for number in range(12)}
classes.fit(X, Y, class_weight=only, verbose=0, callbacks=[Own()])
for start in (0, 16):
    unlearned.train_on_batch(X[start:start + 16], Y[start:start + 16], sample_weight=0)
print((np.round(Y) == 5).sum())
"""
SPREAD = """
def of_lengths():
    for steps in (5, 4, 5, 3):
        yield X[16 * steps - 48:16 * steps - 32, :steps], Y[:16]
padded, many = made(), made()
padded.build((None, None, 2))
padded.fit(of_lengths(), steps_per_epoch=4, verbose=0, callbacks=[Own()])
late = np.concatenate([*[X] * 3000, X + 1])
many.fit(late, late[:, 0, :1], batch_size=16384, verbose=0, callbacks=[Own()])
print(late[:1].nbytes)
"""
CELLS = (*CELLS, DRAWN, CLAIMED, WEIGHED, SPREAD)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Execution:
    """One run of all these cells."""
    folder = tmp_path_factory.mktemp("trainings")
    judges = Judges(folder)
    results = Results(folder / "results")
    one = Run(notebook(*CELLS), Engine.TENSORFLOW, 1, 1, 600.0, 4096, (0,))

    def trainer() -> Trainings:  # one room for all of them
        return Trainings(judges, room(), results, b"s" * 32, 1, (0,))

    try:
        return execute(one, room(), again=False, read=judges.claims, trainer=trainer)
    finally:
        judges.close()


def proof(ran: Execution, name: str) -> Proof:
    assert ran.trainings is not None
    reading = read_model(candidate(ran, name))
    return proof_of(reading, chain_of(reading, ran.trainings), ran.trainings)


def why(ran: Execution, name: str) -> tuple[str, dict[str, Any]]:
    found = proof(ran, name)
    assert found.why is not None
    return found.why.id, dict(found.why.args)


def test_a_fit_is_done_by_the_trainer_and_looks_as_if_it_had_been_done_there(
    ran: Execution,
) -> None:
    shown = cell(ran, 2).stdout
    assert "Epoch 3/3\n2/2 - " in shown
    assert shown.splitlines()[-1] == "['loss', 'mae', 'val_loss', 'val_mae'] [0, 1, 2] 6"
    assert cell(ran, 3).stdout == "(2, 1)\nTrue\n"
    assert cell(ran, 4).stdout == "[0, 1] 10\n"


def test_the_model_that_came_of_it_is_proven_with_what_it_went_on_from(ran: Execution) -> None:
    assert ran.trainings is not None
    chain = chain_of(read_model(candidate(ran, "model")), ran.trainings)
    assert [(one.cell, one.epochs, one.updates) for one in chain] == [(2, 3, 6), (4, 2, 10)]
    assert proof(ran, "model") == Proof(chain[-1].key)


def test_the_probe_saw_both_fits_and_their_histories(ran: Execution) -> None:
    fits = candidate(ran, "model").fits
    assert [(fit.cell, fit.epochs_run, fit.finished) for fit in fits] == [
        (2, 3, True),
        (4, 2, True),
    ]
    assert ran.trainings is not None
    ours = [one.history["loss"] for one in ran.trainings if one.cell in (2, 4)]
    assert [fit.history["loss"] for fit in fits] == ours


def test_what_no_order_can_say_is_trained_there_and_claimed(ran: Execution) -> None:
    assert cell(ran, 5).status == cell(ran, 6).status == "ok"
    assert why(ran, "own") == ("proof.told", {"why": "a callback of class Own"})


def test_data_sets_generators_and_the_textbooks_decay_are_trained_by_us(ran: Execution) -> None:
    assert cell(ran, 10).stdout.endswith("\n8 8\n"), "after what Keras says of shuffling"
    assert all(proof(ran, name).proven for name in ("decaying", "shuffled", "generated"))


def test_a_fit_that_is_claimed_shows_its_rows_each_once(ran: Execution) -> None:
    assert cell(ran, 11).status == "ok", cell(ran, 11).error
    shown = {}
    for name in ("sequence", "few", "data_set", "generator", "loop"):
        one = candidate(ran, name)
        sample = one.fits[-1].sample if one.fits else one.own_sample
        assert sample is not None
        assert sample.x is not None
        shown[name] = (sample.kind, sample.batch, sample.x.shape[0], len(sample.x.rows))
    assert shown == {
        "sequence": ("drawn", 16, 64, 64),
        "few": ("drawn", 8, 8, 8),
        "data_set": ("drawn", 16, 64, 64),
        "generator": ("drawn", 16, 64, 64),  # Keras draws one batch more than it trains on
        "loop": ("drawn", 16, 32, 32),
    }
    ordered = candidate(ran, "shuffled").fits[-1].sample
    assert (ordered.kind, ordered.batch) == ("dataset", None), "of an order all rows are known"


def test_what_weighs_nothing_is_none_of_the_rows_that_a_claim_shows(ran: Execution) -> None:
    assert cell(ran, 12).status == "ok", cell(ran, 12).error
    shown = {}
    for name in ("listed", "light", "later", "held", "classes", "unlearned"):
        one = candidate(ran, name)
        sample = one.fits[-1].sample if one.fits else one.own_sample
        assert sample is not None
        assert sample.x is not None
        shown[name] = (sample.x.shape, len(sample.x.rows))
    of_class = int(cell(ran, 12).stdout.split()[-1])
    assert 5 < of_class < 60
    rows = {"listed": 64, "light": 0, "later": 16, "held": 0, "classes": of_class, "unlearned": 0}
    assert shown == {name: ((count, 5, 2), count) for name, count in rows.items()}


def test_of_many_rows_and_of_several_lengths_all_that_differ_are_shown(ran: Execution) -> None:
    assert cell(ran, 13).status == "ok", cell(ran, 13).error
    padded, many = (candidate(ran, name).fits[-1].sample for name in ("padded", "many"))
    assert padded.x is not None
    lengths = [padded.x, *(one.x for one in padded.others)]
    assert [one.rows.shape for one in lengths] == [(16, 5, 2), (16, 4, 2), (16, 3, 2)]
    assert many.x is not None
    assert (many.kind, many.x.shape[0], many.differing) == ("arrays", 64 * 3001, 128)
    assert len(many.x.rows) == 128
    assert many.x.rows.max() > 1.0


def test_weights_that_were_put_there_after_the_training_are_not_proven(ran: Execution) -> None:
    assert not proof(ran, "planted").proven


def test_a_forged_order_is_refused_and_no_answer_lies_in_the_notebooks_room(
    ran: Execution,
) -> None:
    assert cell(ran, 8).stdout == "[True, [False, False]]\n"
    assert ran.trainings is not None
    (forged,) = [one for one in ran.trainings if one.cell == 8]
    assert (forged.key, forged.why and forged.why.id) == ("", "order.unreadable")


def test_what_is_wrong_is_said_as_keras_says_it(ran: Execution) -> None:
    error = cell(ran, 9).error
    assert error is not None
    assert error.name == "InvalidArgumentError"
    assert ran.trainings is not None
    assert [one.why and one.why.id for one in ran.trainings if one.cell == 9] == [
        "order.label_range"
    ]


# --- in a round ---------------------------------------------------------------------------------

TINY = """
import keras, numpy as np
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
X = np.random.default_rng(1).random((8, 2))
print(model.fit(X, X[:, :1], epochs=2, verbose=0).epoch)
"""


def test_a_notebook_ends_at_its_order_and_is_answered_when_it_runs_again(tmp_path: Path) -> None:
    judges, results = Judges(tmp_path), Results(tmp_path / "results")
    this = Round(results, b"s" * 32)
    run = Run(notebook(TINY), Engine.TENSORFLOW, 1, 1, 600.0, 4096, (0,))

    def trainer() -> Trainings:
        return Trainings(judges, room(), results, b"s" * 32, 1, (0,), take=take)

    def take(order: Order, held: Mapping[str, Trained]) -> None:
        this.take(Wanted(order, 1, held))

    try:
        with pytest.raises(PutOffError):
            execute(run, room(), read=judges.claims, trainer=trainer)
        (wanted,) = this.orders()
        TrainsOrders(room(), results, b"s" * 32, tmp_path, 0.0).train(wanted, Slot((0,)))
        ran = execute(run, room(), read=judges.claims, trainer=trainer)
    finally:
        judges.close()
    assert cell(ran, 1).stdout == "[0, 1]\n"
    assert ran.trainings is not None
    (one,) = ran.trainings
    assert (bool(one.key), one.epochs, one.seconds) == (True, 2, 0.0)


# --- a grader that is ended while a notebook waits -------------------------------------------------

LONG = f"{DATA}\nmodel = made()\nmodel.fit(X, Y, epochs=50_000, verbose=0)"


@pytest.fixture
def grading(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A grader whose notebook waits for a training that takes minutes."""
    course = tmp_path / "course"
    course.mkdir()
    for name in ("assignments", "reference"):
        (course / name).symlink_to(ROOT / name)
    (course / "course.toml").write_text('trainings = "trainer"\n')
    notebook_files.write(course / "kim.ipynb", notebook_files.notebook(LONG))
    command = (sys.executable, "-m", "grader", "grade", "kim.ipynb")
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        (*command, "--exercise", "sequence-prediction"),
        cwd=course,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    trained = tmp_path / "cache" / "rnn-grader" / "trained"
    try:
        until = time.monotonic() + PATIENCE
        while not list(trained.glob("*.lock")):
            assert running.poll() is None, "it ended before anything was trained"
            assert time.monotonic() < until, "nothing was ever asked for"
            time.sleep(0.1)
        yield running, trained
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=lambda how: how.name)
def test_a_grader_that_is_ended_while_a_notebook_waits_leaves_nobody(
    grading: tuple[subprocess.Popen[bytes], Path], how: signal.Signals
) -> None:
    running, trained = grading
    others = psutil.Process(running.pid).children(recursive=True)
    assert others
    until = time.monotonic() + PATIENCE
    while running.poll() is None:  # the first Ctrl-C lets end what runs, the second does not
        assert time.monotonic() < until
        running.send_signal(how)
        time.sleep(1.0)
    _, alive = psutil.wait_procs(others, timeout=PATIENCE)
    assert alive == []
    for lock in trained.glob("*.lock"):  # of one that was killed: whoever comes next may take it
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not list(trained.glob("*.npz"))
