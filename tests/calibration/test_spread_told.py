"""How far equal work spreads, as README and the page on calibration tell it, is what was measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.support.course_help import ROOT

TEXTBOOK = 0.959  # the accuracy that the textbook prints for the LSTM


@pytest.mark.parametrize("page", ["README.md", "docs/calibration.md"])
def test_pages_tell_how_far_a_hundred_correct_runs_of_the_lstm_spread(page: str) -> None:
    expected = json.loads((ROOT / "reference/multiplication-lstm/expected.json").read_text())
    runs = [
        one["metrics"]["correctness"]
        for one in expected["runs"]
        if (one["control"], one["engine"]) == ("reference", "trainer")
    ]
    assert len(runs) == 100
    least, low, high, most = np.round(100 * np.quantile(runs, [0, 0.1, 0.9, 1])).astype(int)
    text = " ".join((ROOT / page).read_text("utf-8").split())
    assert f"{least} to {most} %" in text or f"{least} and {most} %" in text
    assert f"{low} to {high} %" in text or f"{low} and {high} %" in text
    assert f"95.9 % would fail {sum(one < TEXTBOOK for one in runs)} of" in text
