"""The trainings of one run: what is evidence, what is a claim, what is our own fault."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.execution import Training
from grader.extract.proof import weights_digest
from grader.kernel.orders.asking import packed
from grader.pipeline import trainings as module
from grader.pipeline.judging import Asked, order_of
from grader.pipeline.trainings import Trainings, UnderWay
from grader.trainer.asking import Answer
from grader.trainer.result import Trained, Untrainable
from grader.trainer.results import Results
from grader.trainer.waiting import Over, never
from grader.types import GraderError, Message
from tests.support.orders import ARRAYS, claim, order
from tests.support.trainer_room import ARRAYS as TRAINED
from tests.support.trainer_room import TOLD, FakeRoom, ServingRoom, good, write


class Judges:
    """Reads orders in this process, as the judge's own does."""

    def __init__(self) -> None:
        self.answered: list[frozenset[str]] = []

    def order(
        self, order: Path, arrays: Path, answered: frozenset[str], spent: Any, seed: int
    ) -> Any:
        self.answered.append(answered)
        return order_of(Asked(order, arrays, answered, seed))


class PlayedNotebook:
    def __init__(self, folder: Path, *answers: Any) -> None:
        self.folder = folder
        self.room: FakeRoom = FakeRoom(*answers)
        self.judges = Judges()
        self.trainings = self.of_a_run()

    def of_a_run(self, attempt: int = 1, over: Over = never) -> Trainings:
        judges: Any = self.judges
        results = Results(self.folder / "results")
        return Trainings(judges, self.room, results, b"s" * 32, attempt, over=over)

    def ask(
        self, cell: int = 3, trainings: Trainings | None = None, arrays: Any = None, **changes: Any
    ) -> Any:
        order, data = self.folder / "0001.order", self.folder / "0001.npz"
        order.write_text(json.dumps(claim(**changes)))
        data.write_bytes(packed({**ARRAYS, **(arrays or {})}))
        return (trainings or self.trainings).train(order, data, cell, lambda: None)


def fails(path: Path, asked: Any, arrays: Any) -> None:
    write(path, {"failed": "fit", "error": "ValueError: " + "x" * 300}, {})


def never(path: Path, asked: Any, arrays: Any) -> None:
    """Leave nothing: the room failed over it."""


def test_what_we_trained_is_told_and_kept_as_evidence(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good)
    reply = notebook.ask()
    (one,) = notebook.trainings.trainings
    assert reply.told == {"result": one.key, "epochs": [0, 1], "history": {"loss": [1.0, 1.0]}}
    with np.load(io.BytesIO(reply.arrays)) as found:
        assert sorted(found.files) == ["optimizer_0000", "weight_0000", "weight_0001"]
    assert (one.cell, one.epochs, one.updates, one.why) == (3, 2, 6, None)
    assert one.weights == weights_digest([TRAINED["w_0000"], TRAINED["w_0001"]])
    assert one.seconds == TOLD["building"] + TOLD["training"]


def test_what_is_no_order_the_notebook_trains_and_we_know_why(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path)
    reply = notebook.ask(version=2)
    (one,) = notebook.trainings.trainings
    assert list(reply.told) == ["refused"]
    assert (one.key, one.why) == ("", Message("order.unreadable", {"what": "version"}))


def test_what_fails_where_others_train_the_notebook_trains_too(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, fails)
    reply = notebook.ask()
    (one,) = notebook.trainings.trainings
    assert list(reply.told) == ["refused"]
    assert one.key == ""
    assert one.why is not None
    assert one.why.id == "proof.untrainable"
    assert len(str(one.why.args["error"])) == module.LONGEST_ERROR


def test_where_nothing_trains_the_fault_is_ours_and_no_evidence(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, never, never)
    with pytest.raises(GraderError):
        notebook.ask()
    assert notebook.trainings.trainings == ()


def test_a_notebook_goes_on_from_its_own_results_alone(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good, good)
    key = notebook.ask().told["result"]
    after = {"result": key, "optimizer": "goes_on"}
    assert "result" in notebook.ask(after=after).told
    assert notebook.trainings.trainings[1].before == key
    other = notebook.of_a_run()
    assert list(notebook.ask(trainings=other, after=after).told) == ["refused"]
    assert notebook.judges.answered[-1] == frozenset()


def test_it_goes_on_although_others_pushed_its_result_out(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good, good)
    after = {"result": notebook.ask().told["result"], "optimizer": "goes_on"}
    for path in (tmp_path / "results").iterdir():
        path.unlink()
    assert "result" in notebook.ask(after=after).told


def test_where_nothing_is_left_to_go_on_from_the_notebook_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_BYTES", 0)
    notebook = PlayedNotebook(tmp_path, good)
    after = {"result": notebook.ask().told["result"], "optimizer": "goes_on"}
    for path in (tmp_path / "results").iterdir():
        path.unlink()
    assert list(notebook.ask(after=after).told) == ["refused"]
    assert notebook.trainings.trainings[1].why == Message("trainer.forgotten")


def test_what_was_trained_before_takes_no_time_and_is_evidence_all_the_same(
    tmp_path: Path,
) -> None:
    notebook = PlayedNotebook(tmp_path, good)
    notebook.ask()
    notebook.ask()
    first, second = notebook.trainings.trainings
    assert len(notebook.room.asked) == 1
    assert (first.key, second.seconds) == (second.key, 0.0)


def why(one: Training) -> str:
    assert one.why is not None
    return one.why.id


SECONDS = order().work.seconds


@pytest.mark.parametrize("known", [False, True])
def test_one_run_has_no_more_time_than_all_its_trainings_may_take_whoever_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Whether it is too long does not depend on whether somebody asked for the same before."""
    monkeypatch.setattr(module, "ALTOGETHER_SECONDS", 1.5 * SECONDS)
    notebook = PlayedNotebook(tmp_path, good)
    if known:
        notebook.ask(trainings=notebook.of_a_run())
    notebook.ask()
    assert list(notebook.ask(seeds=[1, 2, 3]).told) == ["refused"]
    first, second = notebook.trainings.trainings
    assert (first.why, why(second)) == (None, "order.too_long")


def test_what_could_not_be_trained_took_its_time_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALTOGETHER_SECONDS", 1.5 * SECONDS)
    notebook = PlayedNotebook(tmp_path, fails)
    notebook.ask()
    notebook.ask(seeds=[1, 2, 3])
    assert [why(one) for one in notebook.trainings.trainings] == [
        "proof.untrainable",
        "order.too_long",
    ]


def test_a_training_that_ended_early_counts_the_epochs_that_ran() -> None:
    asked, one = order(), Trained({}, 2, 6, (), ())
    assert asked.fit.epochs == 2
    assert module.expected_of(asked, replace(one, epochs=1)) == SECONDS / 2
    assert module.expected_of(asked, one) == SECONDS
    assert module.expected_of(asked, Untrainable("fit", "no")) == SECONDS


def test_histories_are_kept_up_to_a_number_of_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HISTORY_NUMBERS", 3)
    notebook = PlayedNotebook(tmp_path, good, good)
    notebook.ask()
    reply = notebook.ask(seeds=[1, 2, 3])
    kept = [len(one.history) for one in notebook.trainings.trainings]
    assert kept == [1, 0]
    assert len(reply.told["history"]["loss"]) == 2, "the notebook has it all"


def test_another_attempt_is_another_training(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good, good)
    keys = {notebook.ask(trainings=notebook.of_a_run(n)).told["result"] for n in (1, 2)}
    assert len(keys) == 2


def test_what_ends_the_run_ends_the_training_before_it_is_begun(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path)

    def meanwhile() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        notebook.trainings.train(tmp_path / "a", tmp_path / "b", 1, meanwhile)
    assert notebook.judges.answered == []


def test_a_notebook_that_waits_for_anothers_training_hears_that_all_is_over(tmp_path: Path) -> None:
    """Its own is finished all the same: what ends one is the second who asks, in the middle."""
    notebook, ended = PlayedNotebook(tmp_path), list[str]()
    waiting = notebook.of_a_run(over=lambda: True)

    def asks_the_same(path: Path, asked: Any, arrays: Any) -> None:
        with pytest.raises(GraderError) as error:
            notebook.ask(trainings=waiting)
        ended.append(error.value.message.id)
        good(path, asked, arrays)

    notebook.room.answers.append(asks_the_same)
    notebook.ask(trainings=notebook.of_a_run(over=lambda: True))
    assert ended == ["pipeline.not_awaited"]
    assert waiting.trainings == ()


def test_what_the_notebook_says_of_its_own_training_is_noted(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path)
    notebook.trainings.claimed(4, "a callback of class Own")
    (one,) = notebook.trainings.trainings
    assert (one.cell, one.key) == (4, "")
    assert one.why == Message("proof.told", {"why": "a callback of class Own"})


def test_the_rows_of_an_order_are_kept_as_evidence(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good)
    notebook.ask()
    (one,) = notebook.trainings.trainings
    assert one.sample is not None
    assert one.sample.x is not None
    np.testing.assert_array_equal(one.sample.x.rows, ARRAYS["x"])


def test_rows_of_earlier_trainings_make_room_for_later_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(array.nbytes for array in ARRAYS.values())
    monkeypatch.setattr(module, "SEEN_BYTES", size + 1)
    monkeypatch.setattr(module, "FEW_ROWS", 2)
    notebook = PlayedNotebook(tmp_path, good, good)
    notebook.ask()
    notebook.ask(occurrence=1, seeds=[None])
    earlier, later = (one.sample for one in notebook.trainings.trainings)
    for sample, count in ((earlier, 2), (later, len(ARRAYS["x"]))):
        assert sample is not None
        assert sample.x is not None
        assert len(sample.x.rows) == count
        assert sample.x.shape == ARRAYS["x"].shape, "how many there were stays known"


def test_what_is_left_of_earlier_rows_is_drawn_from_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else right rows before many of noise would be right data after a few large trainings."""
    monkeypatch.setattr(module, "SEEN_BYTES", 0)
    y = np.arange(1600, dtype=np.float32)
    x = np.broadcast_to(y[:, None, None], (1600, *ARRAYS["x"].shape[1:]))
    notebook, kept = PlayedNotebook(tmp_path, good, good), []
    for attempt in (1, 2):  # each draws by a seed of its own
        trainings = notebook.of_a_run(attempt)
        notebook.ask(trainings=trainings, arrays={"x": x, "y": y})
        (one,) = trainings.trainings
        assert one.sample is not None
        assert one.sample.x is not None
        assert one.sample.y is not None
        targets = one.sample.y.rows.reshape(-1)
        assert len(one.sample.x.rows) == len(targets) == module.FEW_ROWS
        np.testing.assert_array_equal(one.sample.x.rows[:, 0, 0], targets)
        assert module.FEW_ROWS / 4 < (targets > y[800]).sum() < module.FEW_ROWS * 3 / 4
        kept.append(targets)
    assert not np.array_equal(*kept)


def test_an_epoch_that_is_a_part_of_one_counts_as_that(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good)
    notebook.ask(fit={**claim()["fit"], "epochs": 7, "steps_per_epoch": 1})  # of three
    (one,) = notebook.trainings.trainings
    assert (one.epochs, one.rows, one.samples) == (7, 24, 56)


def test_no_more_rows_stand_for_a_training_than_it_went_over(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good)
    notebook.ask(fit={**claim()["fit"], "epochs": 1, "steps_per_epoch": 1})
    (one,) = notebook.trainings.trainings
    assert (one.samples, len(ARRAYS["x"])) == (8, 24)
    assert one.sample is not None
    assert one.sample.x is not None
    assert one.sample.y is not None
    assert (one.sample.x.shape[0], one.sample.y.shape[0]) == (8, 8)


def test_one_room_trains_all_of_a_run_and_ends_with_it(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path)
    notebook.room = room = ServingRoom()
    notebook.trainings = notebook.of_a_run()
    for seed in (1, 2, 3):
        notebook.ask(seeds=[seed, None, None])
    assert room.orders == [["0000", "0001", "0002"]]
    notebook.trainings.close()
    assert room.processes[0].code == -9


def test_how_far_a_training_is_is_told_while_it_lasts_and_that_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TELL_SECONDS", 0.0)
    told: list[UnderWay | None] = []

    def once(order: Any, *_: Any, meanwhile: Any, progress: Any, **__: Any) -> Answer:
        meanwhile()
        progress(0, 1, 2)
        meanwhile()
        return Answer("a" * 64, Untrainable("fit", "no"), known=False)

    notebook = PlayedNotebook(tmp_path)
    trainings = replace(notebook.trainings, tell=told.append, once=once)
    notebook.ask(trainings=trainings)
    assert [one and (one.epoch, one.epochs) for one in told] == [(0, 2), (2, 2), None]
    assert all(one is None or one.seconds >= 0 for one in told)


def test_nothing_is_told_of_what_takes_no_time(tmp_path: Path) -> None:
    told: list[Any] = []
    notebook = PlayedNotebook(tmp_path, good)
    notebook.ask(trainings=replace(notebook.trainings, tell=told.append))
    assert told == []


def test_what_weighs_nothing_is_no_evidence(tmp_path: Path) -> None:
    notebook = PlayedNotebook(tmp_path, good)
    weights = np.zeros(len(ARRAYS["x"]), np.float32)
    weights[3:5] = 1.0
    notebook.ask(arrays={"sample_weight": weights})
    (one,) = notebook.trainings.trainings
    assert one.sample is not None
    assert one.sample.x is not None
    np.testing.assert_array_equal(one.sample.x.rows, ARRAYS["x"][3:5])
