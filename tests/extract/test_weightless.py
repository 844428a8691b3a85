"""Rows that were there and weighed nothing: that is said, and not that nothing was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.kernel.probe.drawn import of_arrays
from grader.kernel.probe.rows import Rows
from grader.kernel.probe.shown import Told
from grader.text.words import Words
from grader.types import Evidence, Message
from tests.extract.notebooks import given
from tests.extract.test_rows_that_count import COURSE, Notebook
from tests.extract.test_whole_data import NAMES, claimed, found, rows_of

MOST = 8_000_000


def shown(folder: Path, name: str, told: Told) -> Evidence:
    notebook = Notebook(folder, COURSE.exercise(name))
    notebook.tell(*notebook.shown.spend(1, None, told))
    return notebook.evidence()


def says(evidence: Evidence) -> Message:
    """What is said of the data's shape, which is all that can be said of no rows."""
    (finding,) = evidence.data
    assert (finding.id, finding.fraction) == ("data.shape", 0.0)
    assert finding.hint == Message("data.weightless_hint")
    return finding.message


def of_batches(x: Any, y: Any, **weights: Any) -> Told:
    rows = Rows(MOST)
    rows.take((x, y, weights["weight"]))
    return rows.told()


@pytest.mark.parametrize("name", NAMES)
def test_where_all_sample_weights_are_0_that_is_what_is_said(name: str, tmp_path: Path) -> None:
    x, y = rows_of(name)
    for number, told in enumerate((of_arrays, of_batches)):
        folder = tmp_path / str(number)
        folder.mkdir()
        more = (len(x), MOST) if told is of_arrays else ()
        evidence = shown(folder, name, told(x, y, *more, weight=np.zeros(len(x))))  # type: ignore[operator]
        assert says(evidence).id == "data.weightless"


def test_nor_is_it_said_otherwise_where_those_held_back_weigh_something(tmp_path: Path) -> None:
    x, y = rows_of("multiplication-gru")
    weight = np.where(np.arange(len(x)) < 0.5 * len(x), 0.0, 1.0)
    told = of_arrays(x, y, len(x), MOST, weight, split=0.5)
    assert says(shown(tmp_path, "multiplication-gru", told)).id == "data.weightless"


def test_of_an_order_it_is_said_too() -> None:
    x, y = (one[:0] for one in rows_of("multiplication-gru"))  # as is left of rows without weight
    assert says(found("multiplication-gru", x, y)).id == "data.weightless"


def test_of_empty_arrays_nothing_is_said_of_weights() -> None:
    x, y = (one[:0] for one in rows_of("multiplication-gru"))
    for strictly in (True, False):
        evidence = claimed("multiplication-gru", given(x, y), strictly=strictly)
        assert [one.message.id for one in evidence.data] == ["multiplication.unseen"]


@pytest.mark.parametrize(("lang", "weights"), [("en", "sample weight"), ("ko", "가중치")])
def test_it_is_said_in_both_languages(lang: str, weights: str) -> None:
    evidence = found("multiplication-gru", *(one[:0] for one in rows_of("multiplication-gru")))
    words, message = Words(lang), says(evidence)
    assert weights in words.say(message)
    assert "sample_weight" in words.say(Message("data.weightless_hint"))
