"""How the trainer's room is asked, how its answers are read, and whose fault a failure is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.room import RoomSpec
from grader.trainer.control import control_order
from grader.trainer.result import Trained, Untrainable, history_as_asked
from grader.trainer.starting import MEMORY_MB
from grader.trainer.train import Job, train
from grader.types import GraderError
from tests.support.orders import order
from tests.support.trainer_room import ARRAYS, TOLD, Answer, FakeRoom, Process, good, write


def nothing(path: Path, asked: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """The room ends before it has written anything."""


def only_first(path: Path, asked: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    if path.stem == "0000":
        good(path, asked, arrays)


def saying(told: dict[str, Any], arrays: dict[str, np.ndarray] | None = None) -> Answer:
    return lambda path, *_: write(path, told, ARRAYS if arrays is None else arrays)


JOB = Job(order(), seed=7)


def test_orders_are_trained_in_one_room_and_read_in_their_order() -> None:
    room = FakeRoom(good)
    outcomes = train([JOB, JOB, JOB], room)
    assert [type(one) for one in outcomes] == [Trained] * 3
    assert room.asked == [["0000", "0001", "0002"]]


def test_nothing_to_train_asks_no_room() -> None:
    assert train([], FakeRoom()) == []


def test_the_room_is_told_the_order_its_arrays_and_its_seed() -> None:
    seen: list[Any] = []
    train([JOB], FakeRoom(lambda path, *said: (seen.append(said), good(path, *said))[1]))
    asked, arrays = seen[0]
    assert asked == json.loads(json.dumps(JOB.order.as_json() | {"seed": 7}))
    assert sorted(arrays) == ["x", "y"]
    np.testing.assert_array_equal(arrays["x"], JOB.order.arrays["x"])


def test_a_training_that_goes_on_is_given_what_the_earlier_one_left() -> None:
    seen: list[Any] = []
    before = Trained({"loss": (1.0,)}, 1, 3, (np.ones(2),), (np.zeros(1),))
    after = order_after()
    train([Job(after, 7, before)], FakeRoom(lambda *said: (seen.append(said[2]), good(*said))[1]))
    assert {"before_w_0000", "before_o_0000"} <= set(seen[0])
    with pytest.raises(ValueError, match="goes on"):
        train([Job(after, 7)], FakeRoom(good))


def order_after() -> Any:
    from grader.trainer.order import read_order
    from tests.support.orders import ARRAYS as ROWS
    from tests.support.orders import claim

    key = "a" * 64
    return read_order(claim(after={"result": key, "optimizer": "fresh"}), ROWS, {key})


def test_the_answer_is_read_with_the_notebooks_own_names() -> None:
    result = train(
        [JOB], FakeRoom(saying(TOLD, ARRAYS | {"e0_0000": np.ones(2), "e1_0000": np.ones(2)}))
    )[0]
    assert isinstance(result, Trained)
    assert history_as_asked(JOB.order, result) == {"loss": (2.0, 1.0), "mae": (0.5, None)}
    assert (result.epochs, result.updates, len(result.weights), len(result.optimizer)) == (
        2,
        6,
        2,
        1,
    )
    assert [len(weights) for weights in result.each_epoch] == [1, 1]


def test_a_model_that_fails_says_in_which_step_and_the_others_go_on() -> None:
    def second_fails(path: Path, *said: Any) -> None:
        if path.stem == "0001":
            write(path, {"failed": "fit", "error": "ValueError: shapes"}, {})
        else:
            good(path, *said)

    outcomes = train([JOB, JOB, JOB], FakeRoom(second_fails))
    assert outcomes[1] == Untrainable("fit", "ValueError: shapes")
    assert [type(one) for one in outcomes[::2]] == [Trained, Trained]


@pytest.mark.parametrize(
    ("told", "arrays"),
    [
        ({**TOLD, "epochs": 3}, ARRAYS),
        ({**TOLD, "epochs": -1}, ARRAYS),
        ({**TOLD, "epochs": 2.0}, ARRAYS),
        ({**TOLD, "history": {}}, ARRAYS),
        ({**TOLD, "history": {"loss": ["1", "2"]}}, ARRAYS),
        ({**TOLD, "more": 1}, ARRAYS),
        ({**TOLD, "updates": "6"}, ARRAYS),
        ({**TOLD, "training": -1.0}, ARRAYS),
        ({**TOLD, "failed": "x" * 100}, ARRAYS),
        (TOLD, {"w_0000": np.ones(2)}),
        (TOLD, {**ARRAYS, "w_0002": np.array(["text"])}),
    ],
)
def test_what_our_code_would_not_write_is_a_fault_of_ours(
    told: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    with pytest.raises(GraderError) as fault:
        train([JOB], FakeRoom(saying(told, arrays)))
    assert fault.value.message.id == "trainer.unreadable"


class TestWhoseFaultItIs:
    """A room that ends without a word is the order's fault only where a control model trains."""

    def test_the_rooms_where_the_control_fails_too(self) -> None:
        with pytest.raises(GraderError) as fault:
            train([JOB], FakeRoom(nothing, nothing, code=1))
        assert fault.value.message.id == "trainer.failed"

    def test_nobodys_where_it_trains_when_asked_again(self) -> None:
        room = FakeRoom(nothing, good, good)
        assert [type(one) for one in train([JOB], room)] == [Trained]

    def test_the_orders_where_it_fails_alone_once_more_while_the_control_trains(self) -> None:
        room = FakeRoom(only_first, good, nothing, good, good, code=139)
        outcomes = train([JOB, JOB, JOB], room)
        assert outcomes[1] == Untrainable("ended", "code 139")
        assert [type(one) for one in outcomes[::2]] == [Trained, Trained]
        assert room.asked == [["0000", "0001", "0002"], ["0000"], ["0000"], ["0000"], ["0000"]]

    def test_the_orders_where_its_limit_passes_while_the_control_trains(self) -> None:
        class Slow(FakeRoom):
            def start(self, spec: RoomSpec, **streams: Any) -> Process:
                process = super().start(spec, **streams)
                process.code = None if len(self.specs) == 1 else 0
                return process

        limit = JOB.order.work.limit
        moments = iter([0.0, limit - 1, limit + 1, *([0.0] * 9)])
        outcomes = train([JOB], Slow(nothing, good), clock=lambda: next(moments))
        assert outcomes == [Untrainable("stopped", f"{round(limit)} s")]

    def test_the_orders_where_its_memory_does_not_suffice(self) -> None:
        class Hungry(FakeRoom):
            def start(self, spec: RoomSpec, **streams: Any) -> Process:
                process = super().start(spec, **streams)
                if len(self.specs) == 1:
                    process.code, process.memory = None, MEMORY_MB + 1.0
                return process

        assert train([JOB], Hungry(nothing, good)) == [Untrainable("stopped", f"{MEMORY_MB} MB")]


def test_each_order_has_a_limit_of_its_own_and_tells_of_its_epochs() -> None:
    limit = JOB.order.work.limit
    told: list[tuple[int, int, int]] = []

    class Steps(Process):
        """Goes through two orders, each almost as long as its limit."""

        def __init__(self, spec: RoomSpec) -> None:
            super().__init__(None)
            self.spec, self.turn = spec, 0

        def poll(self) -> int | None:
            out = Path(self.spec.argv[-1])
            if self.turn < 4:
                (out / "progress").write_text(json.dumps([self.turn // 2, self.turn % 2]))
                self.turn += 1
                return None
            FakeRoom(good).start(self.spec)
            return 0

    class Walking(FakeRoom):
        def start(self, spec: RoomSpec, **streams: Any) -> Process:
            return Steps(spec)

    moments = (step * limit / 3 for step in range(100))
    outcomes = train(
        [JOB, JOB],
        Walking(),
        progress=lambda *said: told.append(said),
        clock=lambda: next(moments),
    )
    assert [type(one) for one in outcomes] == [Trained, Trained]
    assert told == [(0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2)]


def test_what_happens_meanwhile_may_end_the_room() -> None:
    class Endless(FakeRoom):
        def start(self, spec: Any, **streams: Any) -> Process:
            self.process = super().start(spec, **streams)
            return self.process

    def meanwhile() -> None:
        raise KeyboardInterrupt

    room = Endless(nothing, code=None)
    with pytest.raises(KeyboardInterrupt):
        train([JOB], room, meanwhile=meanwhile)
    assert room.process.code == -9


def test_the_control_is_an_order_like_any_other() -> None:
    assert control_order().work.updates == 1
