"""An execution comes back from its folder as it was, or not at all."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from grader.execution import Execution, Jump, Training
from grader.record.store import Store
from grader.types import GraderError
from tests.support import builders as b
from tests.support.course_help import everything_in

KEY = b.key_of("a run")


class TestExecutions:
    def test_an_execution_comes_back_with_its_arrays_and_images(self, store: Store) -> None:
        weights = (
            np.arange(6, dtype=np.float32).reshape(2, 3),
            np.asfortranarray(np.arange(4.0).reshape(2, 2)),
            np.zeros((0, 5), np.int64),
            np.array(True),
        )
        run = b.execution(weights, images=(b"\x89PNG\r\n", b""), stdout="안녕\n")
        store.save_execution(KEY, run)
        back = store.load_execution(KEY)
        assert back is not None
        for mine, theirs in zip(weights, back.candidates[0].final, strict=True):
            assert mine.dtype == theirs.dtype
            assert mine.shape == theirs.shape
            assert (mine == theirs).all()
        assert back.cells == run.cells
        assert math.isnan(back.candidates[0].fits[0].history["loss"][1])
        assert without_arrays(back) == without_arrays(run)

    def test_one_that_an_earlier_version_kept_opens_without_what_nobody_reads_any_more(
        self, store: Store
    ) -> None:
        store.save_execution(KEY, b.execution())
        (path,) = store.out.rglob("execution.json")
        kept = json.loads(path.read_text("utf-8"))
        kept["peak_memory_mb"] = 900.0
        sample = kept["candidates"][0]["fits"][0]["sample"]
        kept["candidates"][0]["fits"][0]["sample"] = sample | {"validation_x": sample["x"]}
        path.write_text(json.dumps(kept), "utf-8")
        back = store.load_execution(KEY)
        assert back is not None
        assert without_arrays(back) == without_arrays(b.execution())

    def test_every_trainings_curves_are_kept_epoch_by_epoch(self, store: Store) -> None:
        """Ours and the notebook's own, of every run: a run with another seed has its own key."""
        curves = {"loss": (0.4, 0.3, None), "val_mae": (0.5, 0.4, 0.3)}
        ours = tuple(
            Training(cell, key=KEY, epochs=3, updates=9, history=curves) for cell in (3, 5)
        )
        for attempt, key in ((1, KEY), (2, KEY[::-1])):
            run = replace(b.execution(), attempt=attempt, trainings=ours)
            store.save_execution(key, run)
        for attempt, key in ((1, KEY), (2, KEY[::-1])):
            back = store.load_execution(key)
            assert back is not None
            assert (back.attempt, back.trainings) == (attempt, ours)
            assert len(back.candidates[0].fits[0].history["loss"]) == 2

    def test_the_text_of_an_execution_is_strict_json(self, store: Store) -> None:
        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is no JSON")

        store.save_execution(KEY, b.execution())
        text = (store.evidence_folder(KEY) / "execution/execution.json").read_bytes()
        json.loads(text, parse_constant=refuse)

    def test_no_picture_lies_in_the_folder(self, store: Store) -> None:
        store.save_execution(KEY, b.execution(images=(b"\x89PNG",)))
        names = {path.name for path in (store.evidence_folder(KEY) / "execution").iterdir()}
        assert names == {"about.json", "execution.json", "arrays.npz"}

    def test_a_configuration_cannot_pass_for_an_array(self, store: Store) -> None:
        store.save_execution(KEY, b.execution())
        about = json.loads((store.evidence_folder(KEY) / "execution/about.json").read_bytes())
        sly = {"class_name": "X", "config": {about["tag"]: 0}}
        store.save_execution(KEY, b.execution(config=sly))
        back = store.load_execution(KEY)
        assert back is not None
        assert back.candidates[0].config == sly

    def test_an_execution_may_be_replaced(self, store: Store) -> None:
        store.save_execution(KEY, b.execution(stdout="first"))
        store.save_execution(KEY, b.execution(stdout="second"))
        back = store.load_execution(KEY)
        assert back is not None
        assert back.cells[0].stdout == "second"
        assert everything_in(store.evidence_folder(KEY)) == [
            "execution",
            "execution/about.json",
            "execution/arrays.npz",
            "execution/execution.json",
        ]

    def test_objects_are_never_pickled(self, store: Store) -> None:
        with pytest.raises(GraderError) as caught:
            store.save_execution(KEY, b.execution((np.array([object()]),)))
        assert caught.value.message.id == "record.unkeepable"
        assert store.load_execution(KEY) is None

    def test_equal_arrays_are_kept_once(self, store: Store) -> None:
        weights = np.random.default_rng(1).random((100, 100))
        usual = b.execution((weights,))
        (one,) = usual.candidates
        same = replace(one, initial=(weights.copy(),), jumps=(Jump((), (weights.copy(),)),))
        run = replace(usual, candidates=(same,) * 20)
        store.save_execution(KEY, run)
        arrays = store.evidence_folder(KEY) / "execution/arrays.npz"
        assert arrays.stat().st_size < 1.5 * weights.nbytes
        back = store.load_execution(KEY)
        assert back is not None
        assert len(back.candidates) == 20
        np.testing.assert_array_equal(back.candidates[19].jumps[0].found[0], weights)
        assert back.candidates[0].initial[0] is back.candidates[19].final[0]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (np.zeros(4, np.float32), np.zeros(4, np.float64)),
            (np.zeros((2, 3)), np.zeros((3, 2))),
            (np.zeros(0, np.float32), np.zeros((0, 3), np.float32)),
            (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3, order="F")),
            (np.ones(2, ">f4"), np.ones(2, "<f4")),
        ],
    )
    def test_arrays_that_only_look_alike_are_kept_apart(
        self, store: Store, one: np.ndarray, other: np.ndarray
    ) -> None:
        store.save_execution(KEY, b.execution((one, other)))
        back = store.load_execution(KEY)
        assert back is not None
        for found, kept in zip(back.candidates[0].final, (one, other), strict=True):
            assert (found.shape, found.dtype) == (kept.shape, kept.dtype)
            np.testing.assert_array_equal(found, kept)

    def test_a_notebook_of_many_models_can_be_read_back(self, store: Store) -> None:
        (one,) = b.execution().candidates
        each = [replace(one, model=n, final=(np.full(3, n),)) for n in range(3000)]
        store.save_execution(KEY, replace(b.execution(), candidates=tuple(each)))
        back = store.load_execution(KEY)
        assert back is not None
        assert back.candidates[2999].final[0][0] == 2999

    @pytest.mark.parametrize("name", ["_MOST_TEXT_BYTES", "_MOST_ARRAY_BYTES", "_MOST_ARRAYS"])
    def test_what_could_not_be_read_back_is_not_written(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(f"grader.record.execution_files.{name}", 1)
        with pytest.raises(GraderError) as caught:
            store.save_execution(KEY, b.execution())
        assert caught.value.message.id == "record.unkeepable"
        assert everything_in(store.evidence_folder(KEY)) == []

    def test_a_pickle_in_place_of_the_arrays_is_not_loaded(self, store: Store) -> None:
        store.save_execution(KEY, b.execution())
        path = store.evidence_folder(KEY) / "execution/arrays.npz"
        with path.open("wb") as file:
            np.savez(file, a0=np.array([print], dtype=object))
        assert store.load_execution(KEY) is None
        assert store.warnings[-1].id == "record.unreadable"

    @pytest.mark.parametrize("name", ["about.json", "execution.json", "arrays.npz"])
    def test_a_damaged_execution_is_none_with_a_warning(self, store: Store, name: str) -> None:
        store.save_execution(KEY, b.execution())
        path = store.evidence_folder(KEY) / "execution" / name
        path.write_bytes(path.read_bytes()[:-20])
        assert store.load_execution(KEY) is None
        assert store.warnings[-1].id == "record.unreadable"

    def test_an_execution_that_was_never_kept_is_none(self, store: Store) -> None:
        assert store.load_execution(KEY) is None
        assert store.warnings == []

    def test_the_index_lists_executions(self, store: Store) -> None:
        store.save_execution(KEY, b.execution())
        Store(store.out).save_execution(b.key_of("by a worker"), b.execution())
        store.close()
        with Store(store.out):
            base = sqlite3.connect(store.out / "grades.db")
            assert base.execute("SELECT count(*), min(outcome) FROM executions").fetchall() == [
                (2, "finished")
            ]
            base.close()


def without_arrays(run: Execution) -> Execution:
    """The run less what numpy and NaN cannot compare."""
    bare = [replace(one, fits=(), initial=(), final=()) for one in run.candidates]
    return replace(run, candidates=tuple(bare))
