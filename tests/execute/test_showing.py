"""What a fit had room for is counted alike in the notebook's room and by the judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.execute.caps import SHOWN_CAPS, SHOWN_OF_FIT
from grader.execute.showing import Shown
from grader.kernel.probe.shown import Shown as InTheRoom


def given(rows: int, width: int) -> dict[str, np.ndarray]:
    differing = np.arange(rows, dtype="f4")[:, None]
    return {"sample_x": np.zeros((rows, width), np.uint8), "sample_y": differing}


@pytest.mark.parametrize("seed", range(3))
def test_the_judge_counts_what_the_room_has_left(seed: int) -> None:
    """So nothing that a notebook says of it has to be believed."""
    rng = np.random.default_rng(seed)
    room, judge = InTheRoom(**SHOWN_CAPS), Shown()
    short = 0
    for model in range(60):
        rows, width = int(rng.integers(1, 20_000)), int(rng.choice([200, 800, 1999, 4000]))
        told: tuple[dict[str, Any], dict[str, np.ndarray]] = {"kind": "drawn"}, given(rows, width)
        told = told[0], {name: one[: SHOWN_OF_FIT // (width + 4)] for name, one in told[1].items()}
        _, arrays = room.spend(model, None, told)
        x, y = arrays["sample_x"], arrays["sample_y"]
        showing = judge.take(x, y)
        if len(x) < len(told[1]["sample_x"]):
            short += 1
            assert (len(x) + 1) * (width + 4) > showing.left, "it had no room for another one"
    assert short > 10


def test_so_is_what_was_left_for_rows_of_other_forms() -> None:
    room, judge = InTheRoom(**SHOWN_CAPS), Shown()
    short = 0
    for model in range(9):
        widths = (200, 800, 1999)
        sizes = [20_000, 4000, 2000] if model % 2 else [3000, 9000, 2000]
        arrays: dict[str, np.ndarray] = {}
        for place, (rows, width) in enumerate(zip(sizes, widths, strict=True)):
            names = {
                name: f"{name}_{place}" if place else name for name in ("sample_x", "sample_y")
            }
            arrays |= {names[name]: one for name, one in given(rows, width).items()}
        told = room.spend(model, None, ({"kind": "drawn", "others": [{}, {}]}, arrays))[1]
        before = 0
        for place, width in enumerate(widths):
            end = f"_{place}" if place else ""
            x, y = told[f"sample_x{end}"], told[f"sample_y{end}"]
            showing = judge.take(x, y, before=before)
            before += x.nbytes + y.nbytes
            if len(x) < sizes[place]:
                short += 1
                assert (len(x) + 1) * (width + 4) > showing.left, "it had no room for another one"
        assert before <= SHOWN_OF_FIT
    assert short > 5


def test_rows_of_another_form_have_room_of_their_own() -> None:
    judge, big = Shown(), np.zeros((1, SHOWN_OF_FIT), np.uint8)
    left = [judge.take(big).left for _ in range(6)]
    assert left == sorted(left, reverse=True)
    assert (left[0], left[-1] < SHOWN_OF_FIT) == (SHOWN_OF_FIT, True)
    assert judge.take(np.zeros((9, 3), np.uint8)).left == SHOWN_OF_FIT
