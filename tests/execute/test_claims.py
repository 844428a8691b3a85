"""What the driver's folder says is read strictly; what is malformed costs only itself."""

from __future__ import annotations

import base64
import json
import math
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import arrays
from grader.execute import caps, claims
from grader.execute.claims import read_claims
from grader.execution import Candidate, Remark
from grader.extract.matching import moved
from grader.record.execution_files import read_execution, write_execution
from grader.types import LeftOut
from tests.support import builders as b

CONFIG: dict[str, Any] = {"class_name": "Sequential", "config": {"layers": []}}
ZERO = np.zeros((2, 3), np.float32)
ONE = np.ones((2, 3), np.float32)
X = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
TOLD = {"kind": "arrays", "x": {"shape": [100, 4, 3], "dtype": "float32", "statistics": {"min": 0}}}


class Room:
    """A driver's folder, written as the driver writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        (folder / "evidence").mkdir()

    def event(self, kind: str, arrays: dict[str, np.ndarray] | None = None, **told: Any) -> Path:
        """The next event; a value of None takes a key away."""
        content = {"event": kind, "cell": 3, "model": 1, "config": CONFIG} | told
        return self.raw(json.dumps({k: v for k, v in content.items() if v is not None}), arrays)

    def raw(self, text: str, arrays: dict[str, np.ndarray] | None = None) -> Path:
        self.count += 1
        path = self.folder / "evidence" / f"{self.count:04d}.json"
        path.write_text(text, encoding="utf-8")
        np.savez(path.with_suffix(".npz"), **(arrays or {}))
        return path

    def lines(self, *lines: str) -> None:
        (self.folder / "transcript.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def candidates(self) -> tuple[Candidate, ...]:
        return read_claims(self.folder).candidates

    def only(self) -> Candidate:
        (found,) = self.candidates()
        return found

    def unreadable(self) -> int:
        return read_claims(self.folder).unreadable


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def line(index: int = 1, **changes: Any) -> str:
    told = {"index": index, "status": "ok", "seconds": 0.5, "stdout": "hello\n"}
    return json.dumps(told | changes)


def initial(value: np.ndarray) -> dict[str, np.ndarray]:
    return {"initial_0000": value}


def final(value: np.ndarray) -> dict[str, np.ndarray]:
    return {"final_0000": value}


# --- joining ---------------------------------------------------------------------------------


def test_a_folder_without_anything_claims_nothing(tmp_path: Path) -> None:
    found = read_claims(tmp_path)
    assert (found.cells, found.candidates, found.unreadable) == ((), (), 0)


def test_begin_end_and_seen_tell_one_story(room: Room) -> None:
    room.event("fit_begin", {**initial(ZERO), "sample_x": X}, sample=TOLD, arguments={"epochs": 5})
    room.event(
        "fit_end", final(ONE), cell=3, epochs_run=5, finished=True, history={"loss": [0.5, None]}
    )
    room.event("seen", final(ONE), cell=4, names=["model", "m"])
    found = room.only()
    assert (found.name, found.cell) == ("model", 3)
    np.testing.assert_array_equal(found.initial[0], ZERO)
    np.testing.assert_array_equal(found.final[0], ONE)
    (fit,) = found.fits
    assert (fit.epochs_asked, fit.epochs_run, fit.finished) == (5, 5, True)
    assert fit.history["loss"][0] == 0.5
    assert math.isnan(fit.history["loss"][1])
    assert fit.sample.x is not None
    assert fit.sample.x.shape == (100, 4, 3)
    np.testing.assert_array_equal(fit.sample.x.rows, X)


def test_updates_that_no_fit_made_are_counted_and_their_first_batch_is_kept(room: Room) -> None:
    room.event("seen", final(ZERO))
    batch = {**final(ONE), "sample_x": X}
    room.event("seen", batch, updates=30, late_sample={**TOLD, "kind": "dataset"})
    room.event("seen", final(ONE), updates=20)
    found = room.only()
    assert (found.own_updates, found.fits) == (30, ())
    assert found.own_sample is not None
    assert found.own_sample.x is not None
    np.testing.assert_array_equal(found.own_sample.x.rows, X)
    assert moved(found)


def test_a_fit_that_never_ended_is_kept_as_begun(room: Room) -> None:
    room.event("fit_begin", initial(ZERO), arguments={"epochs": 100})
    (fit,) = room.only().fits
    assert (fit.finished, fit.epochs_run, fit.epochs_asked) == (False, 0, 100)


def test_a_fit_that_never_ended_is_kept_with_the_epochs_that_it_reported(room: Room) -> None:
    room.event("fit_begin", initial(ZERO), arguments={"epochs": 100})
    room.event("fit_going", config={}, epochs_run=7)
    room.event("fit_going", config={}, epochs_run=30)
    found = room.only()
    (fit,) = found.fits
    assert (fit.epochs_run, fit.ended, fit.finished) == (30, False, False)
    assert found.config == CONFIG
    np.testing.assert_array_equal(found.final[0], ZERO)


def test_what_a_fit_that_ended_says_of_its_epochs_counts(room: Room) -> None:
    room.event("fit_begin", initial(ZERO), arguments={"epochs": 100})
    room.event("fit_going", config={}, epochs_run=7)
    room.event("fit_end", final(ONE), epochs_run=9, finished=True)
    room.event("fit_going", config={}, epochs_run=50)
    (fit,) = room.only().fits
    assert (fit.epochs_run, fit.ended) == (9, True)


def test_an_end_without_a_beginning_is_a_fit_of_unseen_data(room: Room) -> None:
    room.event("fit_end", final(ONE), epochs_run=2)
    (fit,) = room.only().fits
    assert fit.epochs_run == 2
    assert fit.sample == claims.UNSEEN


def test_two_models_never_mix(room: Room) -> None:
    room.event("fit_begin", initial(ZERO), model=1)
    room.event("fit_begin", initial(ONE), model=2)
    room.event("fit_end", final(ONE), model=2, epochs_run=3)
    room.event("fit_end", final(ZERO), model=1, epochs_run=4)
    second, first = room.candidates()
    assert (first.model, first.fits[0].epochs_run) == (1, 4)
    assert (second.model, second.fits[0].epochs_run) == (2, 3)


def test_candidates_stand_in_the_order_of_their_last_change(room: Room) -> None:
    room.event("seen", final(ZERO), model=1)
    room.event("seen", final(ZERO), model=2)
    room.event("seen", final(ONE), model=1)
    assert [one.model for one in room.candidates()] == [2, 1]


def test_a_name_without_new_weights_changes_neither_cell_nor_order(room: Room) -> None:
    room.event("fit_end", final(ONE), model=1, cell=5, epochs_run=1)
    room.event("fit_end", final(ONE), model=2, cell=6, epochs_run=1)
    room.event("seen", final(ONE), model=1, cell=9, names=["late"])
    first, second = room.candidates()
    assert (first.model, first.cell, first.name) == (1, 5, "late")
    assert second.model == 2


def test_a_model_is_built_where_it_is_first_seen_and_trained_elsewhere(room: Room) -> None:
    room.event("seen", final(ZERO), cell=5, names=["model"])
    room.event("fit_begin", initial(ZERO), cell=7)
    room.event("fit_end", final(ONE), cell=7, epochs_run=1)
    found = room.only()
    assert (found.built, found.cell) == (5, 7)


def test_a_model_without_weights_yet_is_built_where_it_is_first_seen(room: Room) -> None:
    room.event("seen", {}, cell=5, names=["model"])
    room.event("fit_begin", initial(ZERO), cell=7)
    room.event("fit_end", final(ONE), cell=7, epochs_run=1)
    assert room.only().built == 5


def test_layers_that_made_no_model_are_told_as_such_until_they_do(room: Room) -> None:
    room.event("seen", raised=True)
    assert room.only().raised
    room.event("seen", {"final_0": np.zeros(2, np.float32)})
    assert not room.only().raised


def test_layers_added_later_begin_the_story_anew(room: Room) -> None:
    dense = np.zeros((3, 1), np.float32)
    room.event("seen", final(ZERO), cell=2)
    room.event("fit_begin", {"initial_0000": ZERO, "initial_0001": dense}, cell=4)
    room.event("fit_end", {"final_0000": ONE, "final_0001": dense}, epochs_run=1, cell=4)
    found = room.only()
    assert found.built == 4
    assert [one.shape for one in found.initial] == [(2, 3), (3, 1)]
    assert moved(found)


def test_a_model_stopped_in_its_first_fit_has_the_weights_it_began_with(room: Room) -> None:
    room.event("seen", {})
    room.event("fit_begin", initial(ONE))
    found = room.only()
    np.testing.assert_array_equal(found.final[0], ONE)
    assert not moved(found)


def test_weights_that_changed_between_fits_are_a_jump(room: Room) -> None:
    room.event("fit_begin", initial(ZERO))
    room.event("fit_end", final(ONE), epochs_run=1)
    room.event("fit_begin", initial(ONE * 2))
    room.event("fit_end", final(ONE * 3), epochs_run=1)
    room.event("seen", final(ONE * 4))
    _, between, after = room.only().jumps
    np.testing.assert_array_equal([between.left[0], between.found[0]], [ONE, ONE * 2])
    np.testing.assert_array_equal([after.left[0], after.found[0]], [ONE * 3, ONE * 4])


def test_fits_that_go_on_from_each_other_make_no_jump_but_the_first(room: Room) -> None:
    for start, end in ((ZERO, ONE), (ONE, ONE * 2)):
        room.event("fit_begin", initial(start))
        room.event("fit_end", final(end), epochs_run=1)
    room.event("seen", final(ONE * 2))
    (first,) = room.only().jumps
    assert first.left == ()
    np.testing.assert_array_equal(first.found[0], ZERO)


def test_the_same_sample_is_taken_from_the_fit_before(room: Room) -> None:
    room.event("fit_begin", {"sample_x": X}, sample=TOLD)
    room.event("fit_end", {}, epochs_run=1)
    room.event("fit_begin", {}, sample={**TOLD, "same": True})
    room.event("fit_end", {}, epochs_run=1)
    first, second = room.only().fits
    assert second.sample is first.sample


def test_the_same_sample_is_found_by_its_digest_where_fits_between_are_missing(room: Room) -> None:
    other = {**TOLD, "digest": 2}
    room.event("fit_begin", {"sample_x": X}, sample={**TOLD, "digest": 1})
    room.event("fit_end", {}, epochs_run=1)
    room.event("fit_begin", {"sample_x": X + 1}, sample=other, before={"fits": 1, "epochs": 1})
    room.event("fit_end", {}, epochs_run=1)
    for digest in (1, 2, 3):
        room.event("fit_begin", {}, sample={"same": True, "digest": digest})
        room.event("fit_end", {}, epochs_run=1)
    first, second, *others = (fit.sample for fit in room.only().fits)
    assert others == [first, second, claims.UNSEEN]


def test_many_calls_told_as_one_are_one_fit_of_all_their_epochs(room: Room) -> None:
    room.event("fit_begin", {**initial(ZERO), "sample_x": X}, sample=TOLD, arguments={"epochs": 1})
    loss = [1 / n for n in range(1, 1501)]
    room.event(
        "fit_end", final(ONE), again=True, calls=1500, epochs_run=1500, epochs_asked=1500,
        history={"loss": loss}, finished=True,
    )  # fmt: skip
    (fit,) = room.only().fits
    assert (fit.calls, fit.epochs_run, fit.epochs_asked) == (1500, 1500, 1500)
    assert len(fit.history["loss"]) == 1500
    assert fit.sample.x is not None


def test_an_end_told_again_replaces_the_one_before(room: Room) -> None:
    room.event("fit_begin", {**initial(ZERO), "sample_x": X}, sample=TOLD)
    room.event("fit_end", final(ONE), epochs_run=1)
    room.event("fit_end", final(ONE * 2), again=True, calls=3, epochs_run=3)
    room.event("fit_end", final(ONE * 3), again=True, calls=9, epochs_run=9)
    (fit,) = room.only().fits
    assert (fit.calls, fit.epochs_run) == (9, 9)
    assert fit.sample.x is not None
    assert len(room.only().jumps) == 1  # that before the first fit


def test_an_end_told_again_leaves_the_fits_before_it_alone(room: Room) -> None:
    room.event("fit_end", final(ONE), epochs_run=5)
    room.event(
        "fit_end", final(ONE), epochs_run=4, again=True, calls=4, before={"fits": 1, "epochs": 5}
    )
    assert [fit.epochs_run for fit in room.only().fits] == [5, 4]


def test_fits_that_were_not_told_still_count_with_their_epochs(room: Room) -> None:
    room.event("fit_begin", {**initial(ZERO), "sample_x": X}, sample=TOLD)
    room.event("fit_end", final(ONE), epochs_run=1)
    room.event("fit_begin", initial(ONE * 7), before={"fits": 900, "epochs": 1800})
    room.event("fit_end", final(ONE * 8), before={"fits": 900, "epochs": 1800}, epochs_run=2)
    found = room.only()
    assert [(fit.calls, fit.epochs_run) for fit in found.fits] == [(1, 1), (899, 1799), (1, 2)]
    assert found.fits[1].sample == claims.UNSEEN


def test_weights_that_missing_fits_changed_are_no_jump(room: Room) -> None:
    """They would look as if they had been pasted in."""
    room.event("fit_begin", initial(ZERO))
    room.event("fit_end", final(ONE), epochs_run=1)
    room.event("fit_begin", initial(ONE * 7), before={"fits": 900, "epochs": 900})
    room.event("fit_end", final(ONE * 8), before={"fits": 900, "epochs": 900}, epochs_run=2)
    (first,) = room.only().jumps
    assert first.left == ()


def test_what_a_generator_gave_is_told_at_the_end(room: Room) -> None:
    room.event("fit_begin", {}, sample={"kind": "unknown"})
    late = {**TOLD, "kind": "generator"}
    room.event("fit_end", {"sample_x": X}, late_sample=late, epochs_run=1)
    (fit,) = room.only().fits
    assert fit.sample.kind == "generator"
    assert fit.sample.x is not None


# --- malformed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        '{"event": "seen", "cell": 1, "model": 1}',
        '{"event": "boom", "cell": 1, "model": 1, "config": {}}',
        '{"event": "seen", "cell": -1, "model": 1, "config": {}}',
        '{"event": "seen", "cell": 1, "model": "1", "config": {}}',
        '{"event": "seen", "cell": 1, "model": 1, "config": []}',
        '{"event": "seen", "cell": 1, "model": 1, "config": {"a": NaN}}',
        '{"event": "seen", "cell": 1, "model": 1, "config": {"a": -Infinity}}',
        '{"event": "seen", "cell": 1, "model": 1, "config": {"a": 1e999}}',
        '{"event": "seen", "cell": 1, "model": 1, "config": {"a": ' + "9" * 5000 + "}}",
        '{"event": "seen", "cell": 1, "model": 1, "config": ' + '{"a":' * 5000 + "1" + "}" * 5001,
        '{"event": "seen", "cell": 1, "model": 1, "config": {}, "names": ["' + "n" * 300 + '"]}',
        '{"event": "fit_end", "cell": 1, "model": 1, "config": {}, "history": {"loss": "low"}}',
        '{"event": "fit_end", "cell": 1, "model": 1, "config": {}, "epochs_run": 1e3}',
    ],
)
def test_a_malformed_event_is_dropped_and_the_others_kept(room: Room, text: str) -> None:
    room.event("seen", final(ZERO), names=["before"], model=7)
    room.raw(text)
    room.event("seen", final(ONE), names=["after"], model=8)
    assert [one.name for one in room.candidates()] == ["before", "after"]
    assert room.unreadable() == 1


@pytest.mark.parametrize(("levels", "read"), [(150, 1), (250, 0), (900, 0)])
def test_a_claim_that_could_not_be_kept_for_its_depth_is_dropped(
    room: Room, levels: int, read: int
) -> None:
    """What cannot be written would be a fault of the grader's, and cost no points."""
    deep: Any = "bottom"
    for _ in range(levels):
        deep = [deep]
    room.event("seen", config={"class_name": "Sequential", "config": deep})
    assert (len(room.candidates()), room.unreadable()) == (read, 1 - read)
    for candidate in room.candidates():
        kept = room.folder / "kept"
        write_execution(kept, replace(b.execution(), candidates=(candidate,)), 1)
        assert read_execution(kept).candidates == (candidate,)


def test_an_event_with_broken_arrays_is_dropped(room: Room) -> None:
    path = room.event("seen", final(ZERO))
    path.with_suffix(".npz").write_bytes(b"not a zip")
    room.event("seen", final(ONE), model=2)
    assert [one.model for one in room.candidates()] == [2]
    assert room.unreadable() == 1


def test_a_model_for_whose_arrays_was_no_room_keeps_its_description_and_says_so(room: Room) -> None:
    """Some of its weights, of another moment, would say that nothing was trained."""
    room.event("fit_begin", initial(ZERO), names=["model"])
    room.event("fit_end", epochs_run=5).with_suffix(".npz").unlink()
    found = room.only()
    assert (found.bare, found.name, found.config) == (True, "model", CONFIG)
    assert (found.initial, found.final, found.jumps) == ((), (), ())
    assert found.fits[0].epochs_run == 5


def test_a_link_in_place_of_an_event_is_not_followed(room: Room, tmp_path: Path) -> None:
    path = room.event("seen", final(ZERO))
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    assert room.candidates() == ()


def test_a_transcript_that_is_a_pipe_says_nothing(room: Room) -> None:
    os.mkfifo(room.folder / "transcript.jsonl")
    found = read_claims(room.folder)
    assert (found.cells, found.unreadable) == ((), 1)


@pytest.mark.parametrize(
    "told",
    [
        {"shape": [100, 4, 4], "dtype": "float32"},  # not the rows' shape
        {"shape": [100, 4], "dtype": "float32"},  # too few axes
        {"shape": [], "dtype": "float32"},
        {"shape": [1, 4, 3], "dtype": "float32"},  # fewer rows than were sampled
    ],
)
def test_a_sample_that_contradicts_its_shape_is_unseen(room: Room, told: dict[str, Any]) -> None:
    room.event("fit_begin", {"sample_x": X}, sample={"x": told})
    assert room.only().fits[0].sample.x is None


def test_a_sample_without_axes_is_unseen(room: Room) -> None:
    told = {"x": {"shape": [], "dtype": "float64"}}
    room.event("fit_begin", {"sample_x": np.float64(1)}, sample=told)
    assert room.only().fits[0].sample.x is None


def test_settings_that_are_not_plain_are_left_out(room: Room) -> None:
    settings = {
        "batch_size": 32,
        "list": [1],
        "dict": {},
        "long": "x" * 300,
        "huge": 10**30,
        "none": None,
    }
    room.event("fit_begin", initial(ZERO), compile=settings, arguments=settings)
    assert room.only().compile == {"batch_size": 32, "none": None}
    assert room.only().fits[0].arguments == {"batch_size": 32, "none": None}


@pytest.mark.parametrize("epochs", ["many", 2.5, True, None, [3], 10**40])
def test_epochs_asked_for_are_a_whole_number_or_unknown(room: Room, epochs: Any) -> None:
    room.event("fit_begin", initial(ZERO), arguments={"epochs": epochs})
    assert room.only().fits[0].epochs_asked is None


# --- bounds ----------------------------------------------------------------------------------


def test_no_more_events_are_read_than_the_cap(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "EVENTS", 3)
    for model in range(5):
        room.event("seen", final(ZERO), model=model)
    assert [one.model for one in room.candidates()] == [0, 1, 2]


def test_arrays_of_all_events_together_are_bounded(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "TOTAL_BYTES", 3 * ZERO.nbytes)
    for model in range(5):
        room.event("seen", final(ZERO), model=model)
    assert [one.model for one in room.candidates()] == [0, 1, 2]
    assert room.unreadable() == 2


def test_the_number_of_arrays_of_all_events_together_is_bounded(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without content an array costs no byte, and as long to read as any other."""
    monkeypatch.setattr(claims, "ARRAYS", 50)
    empty = np.zeros(0, np.float32)
    for model in range(5):
        room.event("seen", {f"final_{n:04d}": empty for n in range(20)}, model=model)
    assert [one.model for one in room.candidates()] == [0, 1]
    assert room.unreadable() == 3


def test_arrays_that_cannot_be_read_are_counted_too(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that is broken at the end of each file would let all be read again and again."""
    monkeypatch.setattr(claims, "ARRAYS", 3 * arrays.MEMBERS)
    looked = []
    read = np.lib.format.read_magic
    monkeypatch.setattr(np.lib.format, "read_magic", lambda file: looked.append(1) or read(file))
    broken = {f"final_{n:04d}": ZERO for n in range(99)} | {"final_0099": np.array(["text"])}
    for model in range(9):
        room.event("seen", broken, model=model)
    assert room.candidates() == ()
    assert len(looked) == 3 * len(broken)


def test_equal_arrays_are_held_once(room: Room) -> None:
    room.event("fit_begin", {**initial(ZERO), "sample_x": X}, sample=TOLD)
    room.event("fit_end", final(ONE.copy()), epochs_run=1)
    room.event("seen", final(ONE.copy()), model=2)
    room.event("seen", final(ONE.astype(np.float64)), model=3)
    first, second, third = room.candidates()
    assert first.final[0] is second.final[0] is second.initial[0]
    assert third.final[0].dtype == np.float64


def test_the_largest_model_gives_way_and_the_small_ones_are_whole(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "KEPT_BYTES", 1_000_000)
    room.event("fit_begin", initial(ZERO), model=1)
    room.event("fit_end", final(ONE), model=1, epochs_run=1)
    for model in range(2, 9):
        room.event("seen", final(np.full(75_000, model, np.float32)), model=model)
    found = read_claims(room.folder)
    whole = [one.model for one in found.candidates if not one.bare]
    assert whole[0] == 1
    assert len(whole) == 4  # three times 300 kB, and the small one
    assert found.lightened == 4
    assert {one.config["class_name"] for one in found.candidates} == {"Sequential"}


def test_what_a_model_gives_first_is_what_tells_least(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "KEPT_BYTES", 220_000)
    for number in range(9):
        rows = np.full((100, 100), number, np.float64)
        told = {"x": {"shape": [100, 100], "dtype": "float64"}, "digest": number}
        room.event("fit_begin", {"sample_x": rows}, sample=told)
        room.event("fit_end", final(ONE * number), epochs_run=7 if number == 4 else 1)
    found = room.only()
    samples = [fit.sample.x for fit in found.fits]
    assert [len(one.rows) for one in samples if one is not None] == [0, 0, 0, 0, 100, 0, 0, 0, 100]
    assert all(one is not None and one.shape == (100, 100) for one in samples)
    assert not found.bare


@pytest.mark.parametrize(
    "piece", ["[]", "{}", "0.5", "1", "null", '""', '"a"', '{"a":1}', "[[[[[]]]]]"]
)
def test_structure_is_refused_before_it_is_built(room: Room, piece: str) -> None:
    """Two megabytes of ``[],[],[]`` would be fifty in memory, of every event."""
    count = (caps.CONTENT_BYTES - 200) // (len(piece) + 1)
    room.raw(
        '{"event": "seen", "cell": 1, "model": 1, "config": {"a": ['
        + ",".join([piece] * count)
        + "]}}"
    )
    text = next((room.folder / "evidence").glob("*.json"))
    assert text.stat().st_size > 0.9 * caps.CONTENT_BYTES
    tracemalloc.start()
    found = read_claims(room.folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.candidates, found.unreadable) == ((), 1)
    assert peak < 12 * 2**20


def test_a_large_honest_description_is_read(room: Room) -> None:
    """Two hundred layers are rebuilt; each has some sixty settings."""
    layer = {"class_name": "LSTM", "config": {f"setting_{n}": ["a, b", n] for n in range(60)}}
    room.event("seen", config={"class_name": "Sequential", "config": {"layers": [layer] * 200}})
    assert room.unreadable() == 0


def test_what_all_models_claim_together_is_bounded_in_memory(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Histories, configurations and arrays without number, each within its own bounds."""
    kept = caps.KEPT_BYTES // 8
    monkeypatch.setattr(claims, "KEPT_BYTES", kept)
    config = {"class_name": "Sequential", "config": {"a": [[] for _ in range(15_000)]}}
    for model in range(25):
        arrays = {f"final_{n:04d}": np.full(9, n + 1000 * model, np.float32) for n in range(100)}
        history = {f"metric_{n}": [0.5] * 100 for n in range(20)}
        room.event("fit_end", arrays, model=model, config=config, history=history, epochs_run=1)
    tracemalloc.start()
    found = read_claims(room.folder)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.lightened > 0
    assert held < 1.5 * kept
    assert peak < 2 * kept
    assert len(found.candidates) + found.unreadable == 25


def test_one_event_is_bounded(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "CONTENT_BYTES", 1000)
    room.event("seen", final(ZERO), model=1, names=["n" * 100] * 20)
    room.event("seen", final(ZERO), model=2)
    assert [one.model for one in room.candidates()] == [2]


# --- transcript ------------------------------------------------------------------------------


def test_cells_are_read_with_output_error_and_images(room: Room) -> None:
    error = {"name": "ValueError", "value": "seven", "traceback": "line 1"}
    image = base64.b64encode(b"\x89PNG").decode()
    room.lines(line(1), line(2, status="error", error=error, images=[image], truncated=True))
    first, second = read_claims(room.folder).cells
    assert (first.index, first.status, first.stdout) == (1, "ok", "hello\n")
    assert second.error is not None
    assert (second.error.name, second.error.value) == ("ValueError", "seven")
    assert second.images == (b"\x89PNG",)
    assert second.truncated


def test_statements_left_out_are_read_and_a_made_up_one_hides_no_cell(room: Room) -> None:
    told = {"line": 2, "statements": 3, "kind": "package", "what": "x", "error": "No x"}
    made_up = [told | {"kind": "mine"}, told | {"line": -1}, {}, None, told | {"what": 1}]
    room.lines(line(4, status="error", left_out=[*made_up, told]))
    (one,) = read_claims(room.folder).cells
    assert one.status == "error"
    assert one.left_out == (LeftOut(4, 2, 3, "package", "x", "No x"),)


def test_remarks_are_read_and_a_made_up_one_hides_no_cell(room: Room) -> None:
    told = {"line": 2, "kind": "old_api", "what": "lr=", "instead": "learning_rate="}
    made_up = [told | {"kind": "praise"}, told | {"line": -1}, {}, None, told | {"what": 1}]
    room.lines(line(4, remarks=[*made_up, told]))
    (one,) = read_claims(room.folder).cells
    assert one.remarks == (Remark(4, 2, "old_api", "lr=", "learning_rate="),)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        line(seconds="soon"),
        line(index=-1),
        line(images=["abcde"]),
        line(seconds=None).replace("null", "NaN"),
        line(error=["a"]),
    ],
)
def test_a_malformed_line_is_dropped_and_the_others_kept(room: Room, broken: str) -> None:
    room.lines(line(1), broken, line(3))
    found = read_claims(room.folder)
    assert [cell.index for cell in found.cells] == [1, 3]
    assert found.unreadable == 1


def test_messages_that_the_driver_dropped_are_counted_by_it(room: Room) -> None:
    room.lines(line(1), line(2, malformed=3), line(3, malformed=5))
    found = read_claims(room.folder)
    assert (found.malformed, found.unreadable) == (5, 0)


def test_text_that_is_not_utf8_costs_its_line(room: Room) -> None:
    data = line(1).encode() + b"\n" + b'{"index": 2, "stdout": "\xff"}\n' + line(3).encode()
    (room.folder / "transcript.jsonl").write_bytes(data)
    assert [cell.index for cell in read_claims(room.folder).cells] == [1, 3]


def test_korean_output_survives(room: Room) -> None:
    room.lines(line(1, stdout="손실: 0.1\n"))
    assert read_claims(room.folder).cells[0].stdout == "손실: 0.1\n"


def test_the_text_of_all_events_together_is_bounded(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parsed, text takes twenty times as much memory."""
    monkeypatch.setattr(claims, "TOTAL_CONTENT_BYTES", 1000)
    for model in range(9):
        room.event("seen", final(ZERO), model=model, names=["n" * 100])
    assert 0 < len(room.candidates()) < 9
    assert room.unreadable() > 0


def test_what_a_fit_shows_while_it_goes_on_is_its_data(room: Room) -> None:
    """One that is stopped has no end to show them at."""
    first = {"kind": "generator", "x": {"shape": [2, 4, 3], "dtype": "float32"}}
    more = {"kind": "drawn", "batch": 2, "x": {"shape": [900, 4, 3], "dtype": "float32"}}
    room.event("fit_begin", {"sample_x": X, "initial_0": ZERO}, sample=first)
    room.event("fit_going", {"sample_x": X}, epochs_run=1, late_sample=more)
    room.event("fit_going", epochs_run=2)
    (fit,) = room.only().fits
    assert (fit.epochs_run, fit.sample.kind, fit.sample.batch) == (2, "drawn", 2)
    assert fit.sample.x is not None
    assert fit.sample.x.shape == (900, 4, 3)


def shown(kind: str, rows: int) -> dict[str, Any]:
    parts = {name: {"shape": [rows, 4, 3], "dtype": "float32"} for name in "xy"}
    return {"kind": kind, **parts}


def test_how_much_a_fit_could_show_is_counted_from_what_was_shown(room: Room) -> None:
    rows = np.zeros((caps.SHOWN_OF_FIT // 96, 4, 3), np.float32)  # and as many targets
    arrays = {"sample_x": rows, "sample_y": rows}
    for model in range(5):
        room.event("fit_begin", initial(ZERO), model=model, sample={"kind": "unknown"})
        room.event("fit_end", arrays, model=model, late_sample=shown("drawn", 10**6), epochs_run=1)
    showings = [fit.sample.showing for one in room.candidates() for fit in one.fits]
    assert [one.left if one else None for one in showings] == [
        min(caps.SHOWN_OF_FIT, (caps.SHOWN_OF_FORM - n * 2 * rows.nbytes) // 2) for n in range(5)
    ]
    assert {one.most for one in showings if one} == {caps.SHOWN_OF_FIT}


def test_a_first_batch_is_no_showing(room: Room) -> None:
    arrays = {"sample_x": X, "sample_y": X}
    room.event("fit_begin", arrays, sample=shown("arrays", 900))
    room.event("fit_end", arrays, late_sample=shown("generator", 2), epochs_run=1)
    (fit,) = room.only().fits
    assert (fit.sample.kind, fit.sample.showing) == ("generator", None)


def test_a_fit_on_data_that_an_earlier_one_showed_has_them_whole(room: Room) -> None:
    """They are shown once for a model, and other data may come between."""
    first, more = {"sample_x": X[:1], "sample_y": X[:1]}, {"sample_x": X, "sample_y": X}
    for digest, epochs in ((7, 1), (8, 1), (7, 100)):
        room.event("fit_begin", first, sample={**shown("arrays", 2), "digest": digest})
        late = {**shown("arrays", 2), "digest": digest} if epochs == 1 else None
        room.event("fit_end", more if late else {}, late_sample=late, epochs_run=epochs)
    samples = [fit.sample for fit in room.only().fits]
    assert [len(one.x.rows) if one.x else 0 for one in samples] == [2, 2, 2]


def test_all_that_train_on_batch_was_given_counts_as_far_as_it_is_told(room: Room) -> None:
    first = {"kind": "dataset", "x": {"shape": [2, 4, 3], "dtype": "float32"}}
    every = {"kind": "drawn", "batch": 2, "x": {"shape": [900, 4, 3], "dtype": "float32"}}
    room.event("seen", {"sample_x": X, "final_0": ZERO}, late_sample=first)
    room.event("seen", {"sample_x": X, "final_0": ONE}, late_sample=every, updates=9)
    room.event("seen", {"final_0": ZERO}, updates=10)
    sample = room.only().own_sample
    assert sample is not None
    assert (sample.kind, sample.batch) == ("drawn", 2)
