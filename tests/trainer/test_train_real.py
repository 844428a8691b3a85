"""The trainer's room at work: seeds, going on, callbacks, errors, limits."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from grader.room import open_room
from grader.trainer.order import Order, read_order
from grader.trainer.result import Outcome, Trained, Untrainable
from grader.trainer.train import Job, train
from grader.trainer.workroom import Workroom
from grader.types import Array
from tests.support.orders import ARRAYS, claim, dense, layer, lstm, optimizer, sequential

pytestmark = pytest.mark.real

KEY = "0" * 64
ADAM = {**claim()["compile"], "optimizer": optimizer("Adam", learning_rate=0.01)}
FIT = {**claim()["fit"], "shuffle": False}
TOO_SHORT = sequential(layer("Conv1D", filters=2, kernel_size=[9]), lstm(), dense())
DROPPING = sequential(lstm(dropout=0.3), layer("Dropout", rate=0.5), dense())


def order(arrays: dict[str, Array] | None = None, **changes: Any) -> Order:
    return read_order(claim(**{"compile": ADAM, "fit": FIT, **changes}), arrays or ARRAYS, {KEY})


def after(goes_on: bool) -> dict[str, str]:
    return {"result": KEY, "optimizer": "goes_on" if goes_on else "fresh"}


def in_a_room(*jobs: Job) -> list[Outcome]:
    return train(jobs, open_room("auto"))


def weights_of(outcome: Outcome) -> list[list[float]]:
    assert isinstance(outcome, Trained), outcome
    return [one.ravel().tolist() for one in outcome.weights]


def test_one_order_after_the_other_each_as_if_alone() -> None:
    """What a room trained before changes nothing; the seed does, and chance in layers follows it."""
    drawing = order(model=DROPPING, fit={**FIT, "shuffle": True}, each_epoch=True)
    wrong = order(model=TOO_SHORT)
    first, other, failed, again = in_a_room(
        Job(drawing, 1), Job(drawing, 2), Job(wrong, 1), Job(drawing, 1)
    )
    assert isinstance(first, Trained)
    assert weights_of(first) == weights_of(again)
    assert weights_of(first) != weights_of(other)
    assert isinstance(failed, Untrainable)
    assert [len(one) for one in first.each_epoch] == [len(first.weights)] * 2
    last = [one.ravel().tolist() for one in first.each_epoch[-1]]
    assert last == weights_of(first)
    assert first.each_epoch[0][0].tolist() != first.each_epoch[1][0].tolist()
    assert first.building > 0
    assert first.training > 0


def test_a_room_that_lasts_teaches_to_the_last_bit_what_a_new_one_teaches() -> None:
    """Neither what it trained before nor what it had compiled already changes a training."""
    drawing = Job(order(model=DROPPING, fit={**FIT, "shuffle": True}), 1)
    turns = {"turns": np.arange(40) % len(ARRAYS["x"]), "sizes": np.array([10, 10, 10, 10])}
    room = open_room("auto")
    with closing(Workroom(room)) as kept:
        jobs = (Job(order({**ARRAYS, **turns}), 1), drawing, drawing)
        together = [train([job], room, kept=kept)[0] for job in jobs]
        assert kept.orders == len(jobs), "in one process: none left anything behind"
    assert weights_of(together[1]) == weights_of(together[2]) == weights_of(in_a_room(drawing)[0])


def test_going_on_is_the_same_as_one_long_training() -> None:
    """Three epochs, or two and one more from what the two left: weights, optimizer, updates."""
    whole = order(fit={**FIT, "epochs": 3})
    long, begun = in_a_room(Job(whole, 1), Job(order(), 1))
    assert isinstance(long, Trained)
    assert isinstance(begun, Trained)
    one_more = {**FIT, "epochs": 1}
    same, anew = in_a_room(
        Job(order(fit=one_more, after=after(goes_on=True)), 5, begun),
        Job(order(fit=one_more, after=after(goes_on=False)), 5, begun),
    )
    assert isinstance(same, Trained)
    assert isinstance(anew, Trained)
    assert long.updates == same.updates == 9
    assert anew.updates == 3
    assert long.history["loss"][2] == pytest.approx(same.history["loss"][0], rel=1e-6)
    for mine, theirs in zip(
        same.weights + same.optimizer, long.weights + long.optimizer, strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-8)
    assert weights_of(anew) != weights_of(same)


def test_a_rate_that_was_changed_in_between_counts() -> None:
    begun = in_a_room(Job(order(), 1))[0]
    assert isinstance(begun, Trained)
    still = {**claim()["compile"], "optimizer": optimizer("Adam", learning_rate=0.0)}
    changed, other = in_a_room(
        Job(order(compile=still, after=after(goes_on=True)), 1, begun),
        Job(order(compile=claim()["compile"], after=after(goes_on=True)), 1, begun),
    )
    assert weights_of(changed) == weights_of(begun)
    assert isinstance(other, Untrainable)  # RMSprop does not go on with what Adam left
    assert other.step == "continue"


def test_decay_gives_each_update_the_rate_of_keras_own_schedule_and_keeps_the_optimizers() -> None:
    """InverseTimeDecay with one step is what old Keras did: rate / (1 + decay * updates)."""
    schedule = {
        "module": "keras.optimizers.schedules",
        "class_name": "InverseTimeDecay",
        "config": {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5},
        "registered_name": None,
    }
    settings = ({"learning_rate": 0.1, "decay": 0.5}, {"learning_rate": schedule})
    settings = (*settings, {"learning_rate": 0.1})
    told = [{**claim()["compile"], "optimizer": optimizer("SGD", **one)} for one in settings]
    decayed, scheduled, still = in_a_room(*(Job(order(compile=one), 1) for one in told))
    assert isinstance(decayed, Trained)
    assert isinstance(scheduled, Trained)
    assert isinstance(still, Trained)
    for mine, theirs in zip(decayed.weights, scheduled.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-7)
    assert decayed.history["loss"] == pytest.approx(scheduled.history["loss"], rel=1e-6)
    assert weights_of(still) != weights_of(decayed)
    assert [float(one.optimizer[1]) for one in (decayed, still)] == pytest.approx([0.1, 0.1])


def test_a_training_that_diverges_ends_as_keras_ends_it() -> None:
    wild = {**claim()["compile"], "optimizer": optimizer("SGD", learning_rate=1e30)}
    flat = sequential(layer("Flatten"), dense())
    nan = in_a_room(
        Job(
            order(
                model=flat,
                compile=wild,
                callbacks=[["TerminateOnNaN", {}]],
                fit={**FIT, "epochs": 9},
            ),
            1,
        )
    )[0]
    assert isinstance(nan, Trained)
    assert nan.epochs < 9
    assert nan.history["loss"][-1] is None


def test_a_model_that_keras_refuses_says_so() -> None:
    built = in_a_room(Job(order(model=TOO_SHORT), 1))[0]
    assert isinstance(built, Untrainable)
    assert built.step == "build"
    assert "ValueError" in built.error


def test_progress_is_told_while_it_trains() -> None:
    told: list[tuple[int, int, int]] = []
    jobs = [Job(order(fit={**FIT, "epochs": 40}), 1)]
    train(jobs, open_room("auto"), progress=lambda *said: told.append(said))
    assert told == sorted(set(told))
    assert {(job, epochs) for job, _, epochs in told} <= {(0, 40)}
