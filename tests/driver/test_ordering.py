"""How orders go from the kernel to the judge, and answers back; the kernel is hostile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import zmq

from grader.driver.ordering import CLAIMED, ORDER, RESULT, Bounds, Ordering

BOUNDS = Bounds(orders=3, claimed=2, why_text=10, text_bytes=100, array_bytes=50)


class Line:
    """The kernel's stdin channel, and the session: keep what is sent, or take nothing more."""

    sndtimeo = -1

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, Any], bytes]] = []
        self.full = False

    def send(self, _line: Any, kind: str, told: Any, *, parent: Any, buffers: list[bytes]) -> None:
        if self.full:
            raise zmq.Again
        assert kind == RESULT
        self.sent.append((parent["header"]["msg_id"], told, buffers[0]))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.out, self.answers = folder / "out", folder / "answers"
        self.out.mkdir()
        self.answers.mkdir()
        self.line = Line()
        made: Any = self.line
        self.ordering = Ordering(made, made, self.out, self.answers, BOUNDS)

    def order(self, name: str = "m1", arrays: bytes = b"npz", **content: Any) -> None:
        message = {"header": {"msg_id": name}, "msg_type": ORDER, "content": content}
        self.ordering.take({**message, "buffers": [arrays]}, cell=7)

    def claim(self, why: Any) -> None:
        self.ordering.take({"msg_type": CLAIMED, "content": {"why": why}}, cell=7)

    def reply(self, number: int, told: Any) -> None:
        (self.answers / f"{number:04d}.npz").write_bytes(b"weights")
        (self.answers / f"{number:04d}.json").write_text(json.dumps(told))
        self.ordering.answer()

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in (self.out / "orders").iterdir())

    def head(self, number: int) -> Any:
        return json.loads((self.out / "orders" / f"{number:04d}.json").read_text())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_order_is_passed_on_unread_and_answered_once(bench: Bench) -> None:
    bench.order(version=1)
    assert bench.files == ["0001.json", "0001.npz", "0001.order"]
    assert bench.head(1) == {"cell": 7, "claimed": None}
    assert json.loads((bench.out / "orders/0001.order").read_text()) == {"version": 1}
    bench.ordering.answer()
    assert bench.line.sent == [], "nobody has answered"
    bench.reply(1, {"result": "a"})
    bench.ordering.answer()
    assert bench.line.sent == [("m1", {"result": "a"}, b"weights")]


def test_what_was_answered_lies_on_no_disk_any_more(bench: Bench) -> None:
    for number in (1, 2, 3):
        bench.order(f"m{number}")
        bench.reply(number, {})
    assert bench.files == ["0001.json", "0002.json", "0003.json"]


def test_an_order_while_another_one_is_trained_comes_back(bench: Bench) -> None:
    bench.order("first")
    bench.order("second")
    assert bench.files == ["0001.json", "0001.npz", "0001.order"]
    ((name, told, _),) = bench.line.sent
    assert (name, list(told)) == ("second", ["returned"])
    bench.reply(1, {"result": "a"})
    assert [name for name, *_ in bench.line.sent] == ["second", "first"]


@pytest.mark.parametrize(
    ("arrays", "content"), [(bytes(51), {}), (b"", {"text": "x" * 100})], ids=["arrays", "text"]
)
def test_what_is_too_large_comes_back(bench: Bench, arrays: bytes, content: Any) -> None:
    bench.order("large", arrays, **content)
    assert bench.files == []
    assert not bench.ordering.waits
    assert bench.line.sent == [("large", {"returned": "too large"}, b"")]


def test_more_orders_than_a_run_may_have_come_back(bench: Bench) -> None:
    for number in range(1, BOUNDS.orders + 1):
        bench.order()
        bench.reply(number, {})
    bench.order("more")
    assert bench.line.sent[-1] == ("more", {"returned": "more than 3"}, b"")
    assert len(bench.files) == BOUNDS.orders


def test_a_flood_of_orders_is_not_answered_for_ever(bench: Bench) -> None:
    bench.order("first")
    for _ in range(50):
        bench.order("flood")
    assert len(bench.line.sent) == BOUNDS.claimed
    bench.reply(1, {"result": "a"})
    assert bench.line.sent[-1][0] == "first"


def test_a_kernel_that_takes_no_reply_is_not_waited_for(bench: Bench) -> None:
    assert bench.line.sndtimeo > 0
    bench.line.full = True
    bench.order()
    bench.reply(1, {})
    assert not bench.ordering.waits


def test_why_a_fit_was_trained_there_is_passed_on_within_bounds(bench: Bench) -> None:
    for why in ("x" * 100, 7, "lost"):
        bench.claim(why)
    assert bench.files == ["0001.json", "0002.json"]
    assert [bench.head(n)["claimed"] for n in (1, 2)] == ["x" * 10, "7"]


def test_a_loop_that_says_the_same_of_each_fit_leaves_room_for_other_cells(bench: Bench) -> None:
    """A thousand fits with a callback of one's own took all of it: those of later cells were unheard."""
    for _ in range(5):
        bench.claim("a callback")
    bench.ordering.take({"msg_type": CLAIMED, "content": {"why": "a callback"}}, cell=8)
    assert [bench.head(n)["cell"] for n in (1, 2)] == [7, 8]
    assert bench.files == ["0001.json", "0002.json"]


def test_orders_and_claims_have_one_count(bench: Bench) -> None:
    bench.claim("a")
    bench.order()
    bench.reply(2, {"result": "a"})
    assert bench.files == ["0001.json", "0002.json"]
    assert bench.line.sent[0][1] == {"result": "a"}


@pytest.mark.parametrize(
    "message",
    [
        {"msg_type": "input_request", "content": {}},
        {"msg_type": ORDER, "content": []},
        {"msg_type": ORDER, "content": {}, "header": {"msg_id": "a"}, "buffers": []},
        {"msg_type": ORDER, "content": {}, "header": {}, "buffers": [b""]},
        {"msg_type": CLAIMED, "content": {}},
        {"msg_type": CLAIMED, "content": "why"},
        {},
    ],
    ids=str,
)
def test_what_is_neither_leaves_nothing(bench: Bench, message: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, IndexError)):
        bench.ordering.take(message, cell=7)
    assert (bench.files, bench.line.sent, bench.ordering.waits) == ([], [], False)
