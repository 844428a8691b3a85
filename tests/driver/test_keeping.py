"""Which events the driver keeps where not all of them can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.driver.keeping import Bounds, Keeper

MUCH = 10**9


class Desk:
    """A keeper with its folder."""

    def __init__(self, folder: Path, **bounds: int) -> None:
        usual = {
            "events": 10**6,
            "content_bytes": MUCH,
            "contents_bytes": MUCH,
            "event_bytes": MUCH,
            "evidence_bytes": MUCH,
        }
        self.folder = folder / "evidence"
        self.keeper = Keeper(self.folder, Bounds(**usual | bounds))

    def say(self, event: str, model: int, size: int = 10, **told: Any) -> None:
        self.keeper.take({"event": event, "model": model, **told}, bytes(size))

    def fit(self, model: int, number: int = 0, size: int = 10, **told: Any) -> None:
        """Begin and end a fit, numbered by the test."""
        sample = told.pop("sample", {"same": number > 0})
        self.say("fit_begin", model, size, number=number, sample=sample)
        self.say("fit_end", model, size, number=number, **({"epochs_run": 1} | told))

    def kept(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]

    def models(self) -> set[int]:
        return {event["model"] for event in self.kept()}

    def fits(self, model: int) -> list[int]:
        """The fits that are whole."""
        ends = [e for e in self.kept() if e["model"] == model and e["event"] == "fit_end"]
        return [event["number"] for event in ends]

    def with_arrays(self) -> set[int]:
        """Models all of whose events have their arrays."""
        bare = {json.loads(p.read_text())["model"] for p in self._bare()}
        return self.models() - bare

    def _bare(self) -> list[Path]:
        found = self.folder.glob("*.json")
        return [path for path in found if not path.with_suffix(".npz").exists()]


def test_within_bounds_everything_is_kept_in_order(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for number in range(3):
        desk.fit(1, number)
    desk.say("seen", 2, names=["model"])
    told = [(event["event"], event["model"]) for event in desk.kept()]
    assert told == [("fit_begin", 1), ("fit_end", 1)] * 3 + [("seen", 2)]
    assert desk.keeper.dropped == 0


def test_the_model_that_comes_after_a_thousand_fits_is_kept_whole(tmp_path: Path) -> None:
    desk = Desk(tmp_path, events=100)
    for number in range(1000):
        desk.fit(1, number)
    desk.fit(2)
    assert desk.fits(2) == [0]
    assert len(desk.kept()) == 100
    assert desk.keeper.dropped == 2002 - 100


def test_the_first_fits_and_the_last_ones_of_a_model_stay(tmp_path: Path) -> None:
    desk = Desk(tmp_path, events=20)
    for number in range(50):
        desk.fit(1, number)
    kept = desk.fits(1)
    assert kept[0] == 0
    assert kept[-2:] == [48, 49]


def test_a_long_fit_stays_among_short_ones(tmp_path: Path) -> None:
    desk = Desk(tmp_path, events=20)
    for number in range(50):
        desk.fit(1, number, epochs_run=100 if number == 7 else 1)
    assert 7 in desk.fits(1)


def test_a_fit_on_other_data_stays_among_fits_on_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path, events=20)
    for number in range(50):
        desk.fit(1, number, sample={"same": number != 7})
    assert 7 in desk.fits(1)


def test_an_end_told_again_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.fit(1, 0)
    for calls in range(2, 5000):
        desk.say("fit_end", 1, 100, again=True, calls=calls)
    begin, end = desk.kept()
    assert (begin["event"], end["calls"]) == ("fit_begin", 4999)
    assert len(list(desk.folder.glob("*.npz"))) == 2
    assert desk.keeper.dropped == 0


def test_what_is_seen_twice_in_a_row_is_kept_first_and_last(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for number in range(100):
        desk.say("seen", 1, number=number)
    assert [event["number"] for event in desk.kept()] == [0, 99]


def test_models_that_no_variable_holds_go_before_those_with_a_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path, events=10)
    desk.fit(0)
    desk.say("seen", 0, names=["model"])
    for model in range(1, 50):
        desk.fit(model)
    assert {0, 49} <= desk.models()
    assert desk.fits(0) == [0]


def test_however_large_one_model_is_it_costs_no_other_one_anything(tmp_path: Path) -> None:
    desk = Desk(tmp_path, evidence_bytes=1000)
    desk.fit(1)
    for model in range(2, 9):
        desk.say("seen", model, 300)
    desk.fit(9)
    assert {1, 9} <= desk.with_arrays()
    assert desk.models() == set(range(1, 10)), "a description is small, and stays"
    assert len(desk.with_arrays()) == 5  # the small ones, and three times 300


def test_a_model_without_room_for_its_arrays_never_has_some_of_them(tmp_path: Path) -> None:
    """Weights of another moment would say that nothing was trained."""
    desk = Desk(tmp_path, evidence_bytes=1000)
    desk.fit(1, size=600)
    desk.say("seen", 1, 5)
    assert list(desk.folder.glob("*.npz")) == []


@pytest.mark.parametrize("bounds", [{"content_bytes": 100}, {"event_bytes": 2000}])
def test_an_event_too_large_by_itself_is_dropped_and_counted(
    tmp_path: Path, bounds: dict[str, int]
) -> None:
    desk = Desk(tmp_path, **bounds)
    desk.say("seen", 1, 3000, text="x" * 200)
    desk.say("seen", 2)
    assert desk.models() == {2}
    assert desk.keeper.dropped == 1


def test_texts_are_bounded_together(tmp_path: Path) -> None:
    desk = Desk(tmp_path, contents_bytes=3000)
    for number in range(100):
        desk.fit(1, number, text="x" * 100)
    assert sum(path.stat().st_size for path in desk.folder.glob("*.json")) <= 3000
    assert desk.fits(1)[-1] == 99


@pytest.mark.parametrize("model", ["1", None, [], {}, True, 1.5])
def test_whatever_a_model_is_called_the_bounds_hold(tmp_path: Path, model: Any) -> None:
    desk = Desk(tmp_path, events=5)
    for _ in range(20):
        desk.keeper.take({"event": "fit_begin", "model": model}, b"")
        desk.keeper.take({"event": "fit_end", "model": model, "epochs_run": [1]}, b"")
    assert 0 < len(desk.kept()) <= 5
