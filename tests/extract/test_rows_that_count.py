"""Who has shown what there was room for is believed; a number alone is worth nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.exercises import Exercise
from grader.course.load import load_course
from grader.execute.caps import SHOWN_CAPS, SHOWN_OF_FIT
from grader.execute.claims import read_claims
from grader.execution import Candidate, Training
from grader.extract.extract import extract
from grader.kernel.probe.rows import Rows
from grader.kernel.probe.shown import Shown, Told
from grader.types import Array, Evidence, Message
from tests.extract.notebooks import Room, asked, layer, run_with, sequential

COURSE = load_course(Path(__file__).parents[2])
GRU = COURSE.exercise("multiplication-gru")
ROW = 804  # bytes of a sequence with its product
FULL = SHOWN_OF_FIT // ROW
HERE = Training(4, why=Message("proof.told", {"why": "a callback of class Own"}))
OTHER = sequential(layer("Dense", units=1), shape=GRU.input_shape)


def sequences(seed: int, rows: int) -> tuple[Array, Array]:
    """Sequences of the exercise with their products, drawn anew."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.random((rows, 100), dtype=np.float32), np.zeros((rows, 100), np.float32)
    places = np.argsort(rng.random((rows, 100)), axis=1)[:, :2]
    np.put_along_axis(marks, places, 1.0, axis=1)
    products = np.take_along_axis(numbers, places, axis=1).prod(axis=1)
    return np.stack([marks, numbers], axis=-1), products


@dataclass
class Notebook:
    """The fits of a notebook, each of a model of its own, as its room tells them."""

    folder: Path
    exercise: Exercise = GRU
    shown: Shown = field(default_factory=lambda: Shown(**SHOWN_CAPS))
    models: int = 0

    def fit(self, batches: Sequence[tuple[Array, Array]], config: Any = None) -> Told:
        """One that shows what it went over."""
        rows = Rows(self.shown.of_fit)
        for batch in batches:
            rows.take(batch)
        told = self.shown.spend(self.models + 1, None, rows.told())
        self.tell(*told, config)
        return told

    def tell(
        self,
        sample: dict[str, Any],
        arrays: dict[str, Array],
        config: Any = None,
        **arguments: Any,
    ) -> None:
        """One that says this of itself."""
        self.models += 1
        began = {"initial_0000": np.zeros(2, "f4")}
        self._event("fit_begin", began, config, arguments=arguments)
        final = {"final_0000": np.full(2, self.models, "f4")}
        told = {"late_sample": sample, "epochs_run": 10, "finished": True}
        self._event("fit_end", {**arrays, **final}, config, **told)

    def _event(self, kind: str, arrays: dict[str, Array], config: Any, **told: Any) -> None:
        folder = self.folder / "evidence"
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(list(folder.iterdir())):08d}.json"
        config = config or sequential(*asked(self.exercise), shape=self.exercise.input_shape)
        about = {"event": kind, "cell": 4, "model": self.models, "config": config}
        path.write_text(json.dumps({**about, **told}))
        np.savez(path.with_suffix(".npz"), **arrays)

    def candidates(self) -> tuple[Candidate, ...]:
        return read_claims(self.folder).candidates

    def evidence(self, *trainings: Training) -> Evidence:
        run = replace(run_with(*self.candidates()), trainings=(HERE, *trainings))
        (found,) = extract(run, [self.exercise.id], COURSE, Room(self.exercise), lambda _: 7)
        return found

    def missed(self) -> set[str]:
        return {one.id for one in self.evidence().data if one.fraction < 1.0}


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


def generator(seed: int, rows: int) -> Iterator[tuple[Array, Array]]:
    x, y = sequences(seed, rows)
    return ((x[at : at + 256], y[at : at + 256]) for at in range(0, rows, 256))


def used_up(notebook: Notebook, config: Any = None, **changed: Any) -> None:
    """Show sequences until there is no room for more than a fit shows when it begins."""
    for seed in range(9):
        x, y = sequences(seed, FULL + 300)
        notebook.fit([(x, changed.get("targets", y))], config)


def test_many_models_of_one_large_generator_have_the_data_that_it_has(notebook: Notebook) -> None:
    for seed in range(9):
        sample, arrays = notebook.fit(list(generator(seed, FULL + 1000)))
    assert sample["x"]["shape"][0] == FULL + 1000
    assert len(arrays["sample_x"]) == 512, "all that was left for the last one"
    assert notebook.missed() == set()
    assert "data.part_seen" not in [note.id for note in notebook.evidence().notes]


def test_many_models_of_a_data_set_that_is_no_larger_than_a_fit_may_show(
    notebook: Notebook,
) -> None:
    """Shuffled, each of them shows the same rows as another content."""
    x, y = sequences(0, 5000)
    for seed in range(14):
        turn = np.random.default_rng(seed).permutation(len(x))
        _, arrays = notebook.fit([(x[turn], y[turn])])
    assert len(arrays["sample_x"]) < 2560, "fewer than the exercise asks for"
    assert notebook.missed() == set()


def says(notebook: Notebook, x: Array, y: Array, config: Any = None) -> None:
    """Tell of a fit on these rows that they were the first of many."""
    sample, _ = rows_of(x, y)
    count = 2 * FULL
    parts = {name: {**sample[name], "shape": [count, *sample[name]["shape"][1:]]} for name in "xy"}
    notebook.tell({**sample, **parts}, {"sample_x": x, "sample_y": y}, config)


def test_who_only_says_that_there_was_no_room_is_not_believed(notebook: Notebook) -> None:
    says(notebook, *sequences(0, 512))
    assert notebook.missed() == {"data.rows"}
    assert "data.part_seen" in [note.id for note in notebook.evidence().notes]


@pytest.mark.parametrize("targets", [np.zeros(FULL + 300, "f4"), None])
def test_room_that_was_used_up_makes_a_number_true_only_by_right_rows(
    notebook: Notebook, targets: Array | None
) -> None:
    """Megabytes of noise are cheap, and so are right sequences with another target."""
    used_up(notebook, OTHER, **({} if targets is None else {"targets": targets}))
    says(notebook, *sequences(99, 512))
    assert notebook.missed() == ({"data.rows"} if targets is not None else set())


def test_the_same_sequences_again_and_again_make_no_number_true(notebook: Notebook) -> None:
    x, y = sequences(99, 512)
    for seed in range(9):
        turn = np.random.default_rng(seed).integers(0, len(x), FULL)
        says(notebook, x[turn], y[turn], config=OTHER)
    says(notebook, x, y)
    assert notebook.missed() == {"data.rows"}


def test_few_sequences_are_few_however_many_right_ones_were_shown(notebook: Notebook) -> None:
    """Of what is shown last each row counts once, so it stands for as many of the rest."""
    used_up(notebook, OTHER)
    x, y = sequences(99, 16)
    says(notebook, np.resize(x, (512, 100, 2)), np.resize(y, 512))
    assert notebook.missed() == {"data.rows"}


def test_wrong_rows_stay_wrong_where_right_ones_were_shown_before(notebook: Notebook) -> None:
    used_up(notebook, OTHER)
    x, y = sequences(99, 9000)
    notebook.fit([(x, y * 0.5)])
    assert "data.target" in notebook.missed()


def test_rows_that_other_attempts_had_wrong_do_not_count_against_right_ones(
    notebook: Notebook,
) -> None:
    x, y = sequences(0, FULL + 9)
    notebook.fit([(x, y * 0.5)], OTHER)
    for seed in range(1, 9):
        notebook.fit([sequences(seed, FULL + 9)])
    assert notebook.missed() == set()


def rows_of(x: Array, y: Array) -> Told:
    """What a fit tells of rows that differ."""
    rows = Rows(10**8)
    rows.take((x, y))
    return rows.told()
