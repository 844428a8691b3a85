"""The two ends of the trainer against each other: what one writes, the other reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.execute import caps
from grader.kernel.orders.asking import answer_of, packed
from grader.kernel.orders.data import arrays_of
from grader.trainer import replying, rows
from grader.trainer.refusing import NotAnOrderError
from grader.trainer.replying import answer_bytes, read_asked, reply_of
from grader.trainer.result import Trained
from tests.support import orders

RESULT = Trained(
    history={"loss": (2.0, None), "metric_0": (0.5, 0.25), "val_loss": (3.0, 2.5)},
    epochs=2,
    updates=6,
    weights=(np.ones((2, 2), np.float32), np.zeros(2, np.float32)),
    optimizer=(np.array(6, np.int64), np.array(0.5, np.float32)),
    each_epoch=((np.full(2, 1.0),), (np.full(2, 2.0),)),
)


def passed_on(folder: Path, claim: Any, arrays: dict[str, Any]) -> tuple[Path, Path]:
    """What the driver makes of an order as the notebook's end sends it."""
    order, beside = folder / "0001.order", folder / "0001.npz"
    order.write_text(json.dumps(claim))
    beside.write_bytes(packed(arrays))
    return order, beside


def test_an_order_of_the_notebooks_end_is_read_at_ours(tmp_path: Path) -> None:
    arrays = arrays_of({"x": orders.X.astype(float), "y": orders.Y}, caps.ORDER_BYTES)
    found = read_asked(*passed_on(tmp_path, orders.claim(), arrays), answered=())
    assert found.as_json() == orders.order().as_json()
    assert np.array_equal(found.arrays["x"], orders.X)


def test_an_answer_of_ours_is_read_at_the_notebooks_end() -> None:
    order = orders.order(fit={**orders.claim()["fit"], "initial_epoch": 3, "epochs": 7})
    told, arrays = reply_of(order, "a" * 64, RESULT)
    answer = answer_of(json.loads(json.dumps(told)), packed(arrays))
    assert (answer.result, answer.epochs) == ("a" * 64, (3, 4))
    assert list(answer.history) == ["loss", "mae", "val_loss"], "under the notebook's names"
    assert answer.history["loss"][0] == 2
    assert np.isnan(answer.history["loss"][1])
    for there, here in (("weights", RESULT.weights), ("optimizer", RESULT.optimizer)):
        pairs = zip(getattr(answer, there), here, strict=True)
        assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)
    assert [each[0].tolist() for each in answer.each_epoch] == [[1.0, 1.0], [2.0, 2.0]]


def test_what_one_end_may_send_the_others_take() -> None:
    told = caps.ORDER_CAPS
    assert caps.ORDER_BYTES <= rows.MOST_BYTES, "the trainer reads what a notebook may send"
    assert len(rows.NAMES) == caps.ORDER_ARRAYS
    assert told["array_bytes"] >= caps.ORDER_BYTES
    assert told["array_bytes"] + told["text_bytes"] < caps.DRIVER_CAPS["message_bytes"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, '{"version": NaN}', "null", '{"version": 1}', "[1," * 60_000 + "1"],
    ids=["empty", "broken", "deep", "nan", "null", "parts", "many"],
)
def test_what_is_no_order_is_refused(tmp_path: Path, text: str) -> None:
    order, arrays = passed_on(tmp_path, {}, orders.ARRAYS)
    order.write_text(text)
    with pytest.raises(NotAnOrderError) as found:
        read_asked(order, arrays, answered=())
    assert found.value.message.id == "order.unreadable"


def _link(order: Path, arrays: Path) -> None:
    arrays.rename(arrays.with_name("else"))
    arrays.symlink_to("else")


def _long(order: Path, arrays: Path) -> None:
    order.write_text(json.dumps(orders.claim()) + " " * caps.ORDER_TEXT_BYTES)


def _more(order: Path, arrays: Path) -> None:
    arrays.write_bytes(packed({f"x{n}": orders.X for n in range(caps.ORDER_ARRAYS + 1)}))


def _objects(order: Path, arrays: Path) -> None:
    np.savez(arrays, x=np.array([{}], dtype=object), y=orders.Y)


def _compressed(order: Path, arrays: Path) -> None:
    np.savez_compressed(arrays, x=orders.X, y=orders.Y)


def _gone(order: Path, arrays: Path) -> None:
    arrays.unlink()


@pytest.mark.parametrize("harm", [_link, _long, _more, _objects, _compressed, _gone])
def test_files_that_the_driver_would_not_write_are_refused(
    tmp_path: Path, harm: Callable[[Path, Path], None]
) -> None:
    files = passed_on(tmp_path, orders.claim(), orders.ARRAYS)
    harm(*files)
    with pytest.raises(NotAnOrderError) as found:
        read_asked(*files, answered=())
    assert found.value.message.id == "order.unreadable"


def test_nobody_goes_on_from_a_result_that_others_were_given(tmp_path: Path) -> None:
    claim = orders.claim(after={"result": "a" * 64, "optimizer": "goes_on"})
    files = passed_on(tmp_path, claim, orders.ARRAYS)
    assert read_asked(*files, answered={"a" * 64}).after is not None
    with pytest.raises(NotAnOrderError) as found:
        read_asked(*files, answered={"b" * 64})
    assert found.value.message.id == "order.after"


def test_an_answer_that_would_be_too_large_is_refused_before_it_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = orders.order(each_epoch=True)
    params = order.work.params
    assert answer_bytes(order) == 4 * params * (4 + 2)
    assert answer_bytes(replace(order, each_epoch=False)) == 4 * params * 4
    files = passed_on(tmp_path, orders.claim(each_epoch=True), orders.ARRAYS)
    monkeypatch.setattr(replying, "ANSWER_BYTES", answer_bytes(order))
    assert read_asked(*files, answered=()).each_epoch
    monkeypatch.setattr(replying, "ANSWER_BYTES", answer_bytes(order) - 1)
    with pytest.raises(NotAnOrderError) as found:
        read_asked(*files, answered=())
    assert found.value.message.id == "order.too_many_bytes"
