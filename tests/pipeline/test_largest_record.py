"""However much a notebook says, its record is small enough to be read back, a thousand at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.course.load import load_course
from grader.execution import Candidate, CellRun, Execution, Fit
from grader.extract.extract import extract
from grader.extract.tasks import Answer, LayerAnswer, ModelTask
from grader.record.record_json import record_from_json, record_to_json
from grader.score.grade import grade_of
from grader.types import CellError, Evidence, Outcome
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
SEQUENCE = "sequence-prediction"
MOST_BYTES = 2_000_000  # far below what is read; a class of a thousand such is not to be feared
TEXT = "\x01" * 200  # takes six bytes a character as JSON
LISTS = ["가" * 40] * 8

Changes = Mapping[str, Any]


def layer(name: str) -> dict[str, Any]:
    settings = dict.fromkeys(("dropout", "recurrent_dropout", "use_bias", "go_backwards"), LISTS)
    drawn = {"class_name": "Constant", "config": {f"{TEXT[:9]}{n}": LISTS for n in range(9)}}
    kinds = ("kernel", "recurrent", "bias")
    initializers = {f"{kind}_initializer": drawn for kind in kinds}
    return {"class_name": name, "config": {"units": 1, **settings, **initializers}}


def stack(layers: list[dict[str, Any]]) -> dict[str, Any]:
    begins = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4, 1]}}
    return {"class_name": "Sequential", "config": {"layers": [begins, *layers]}}


def boastful() -> Candidate:
    """A model with everything in excess that claims may hold."""
    (usual,) = b.execution(config=stack([layer("LSTM")] * 199)).candidates
    (fit,) = usual.fits
    fits = tuple(_fit(fit, number) for number in range(40))
    compiled = {f"{number} {TEXT[4:]}": TEXT for number in range(100)}
    return replace(usual, name=TEXT, compile=compiled, fits=fits)


def _fit(fit: Fit, number: int) -> Fit:
    history = {f"{number} {n} {TEXT[9:]}": (1 / 3,) * 900 for n in range(100)}
    return replace(fit, history=history | {"loss": (1 / 7,) * 900})


def failing(count: int) -> tuple[CellRun, ...]:
    error = CellError(TEXT, "\x01" * 2000, "\x01" * 8000)
    return tuple(CellRun(n, "error", 0.1, "x" * 100, error) for n in range(1, count + 1))


def answers(tasks: Sequence[ModelTask]) -> dict[str, Answer]:
    told = (LayerAnswer((None,) * 16, 2**62),) * 199
    return {task.id: Answer(layers=told, total_params=2**62, error="e" * 500) for task in tasks}


def evidence_of(**changes: Any) -> Evidence:
    usual: Execution = b.execution(config=stack([layer("LSTM")]))
    run = replace(usual, **changes)
    (found,) = extract(run, [SEQUENCE], load_course(ROOT), answers, lambda _: 1)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"candidates": (boastful(),)},
        {"candidates": (boastful(),) * 30},
        {"cells": failing(5000)},
        {"cells": failing(5000), "candidates": (boastful(),) * 30},
        {"outcome": Outcome.TIME_LIMIT, "cells": failing(3)},
    ],
    ids=["model", "models", "cells", "everything", "stopped"],
)
def test_a_record_is_small_whatever_was_claimed(changes: Changes) -> None:
    found = evidence_of(**changes)
    usual = b.execution()
    grade = grade_of(load_course(ROOT), found, usual.engine, "cpu").grade
    record = b.record("kim", SEQUENCE, evidence=found, grade=grade)
    data = record_to_json(record, 1)
    assert len(data) < MOST_BYTES
    assert record_to_json(record_from_json(data, record.key), 1) == data


def test_every_failing_cell_counts_and_the_first_ones_are_kept_whole() -> None:
    runs = evidence_of(cells=failing(5000)).runs
    assert (runs.cells, len(runs.failed) + runs.more_failed) == (5000, 5000)
    assert len(runs.failed[0][1].traceback) == 8000
    assert runs.failed[-1][1].value


def test_a_notebook_of_failing_cells_earns_nothing_for_running() -> None:
    found = evidence_of(cells=failing(5000))
    grade = grade_of(load_course(ROOT), found, b.execution().engine, "cpu").grade
    (ran,) = (check for check in grade.checks if check.id == "runs.cells")
    assert (ran.points, ran.message.args["failed"]) == (0.0, 5000)


def test_of_a_long_history_the_losses_are_kept_and_the_last_ones_are_the_last() -> None:
    (usual,) = b.execution(config=stack([layer("LSTM")])).candidates
    (fit,) = usual.fits
    loss = tuple(1 / n for n in range(1, 20_001))
    many = {f"m{n}": loss for n in range(50)} | {"loss": loss, "val_loss": loss}
    told = evidence_of(candidates=(replace(usual, fits=(replace(fit, history=many),)),)).training
    assert told is not None
    assert list(told.history)[:2] == ["loss", "val_loss"]
    assert told.history["loss"][-1] == 1 / 20_000
    assert told.history["loss"][0] == 1.0


def test_a_loop_of_fits_counts_as_many_fits_of_all_its_epochs() -> None:
    (usual,) = b.execution(config=stack([layer("LSTM")])).candidates
    (fit,) = usual.fits
    loop = replace(fit, calls=1500, epochs_run=1500, epochs_asked=1500)
    told = evidence_of(candidates=(replace(usual, fits=(fit, loop)),)).training
    assert told is not None
    assert (told.fits, told.epochs, told.epochs_asked) == (1501, 1600, 1500)


def test_a_model_whose_weights_nobody_saw_is_never_said_to_be_unchanged() -> None:
    (usual,) = b.execution(config=stack([layer("LSTM")])).candidates
    bare = replace(usual, bare=True, initial=(), final=())
    asked: list[ModelTask] = []

    def ask(tasks: Sequence[ModelTask]) -> dict[str, Answer]:
        asked.extend(tasks)
        return answers(tasks)

    run = replace(b.execution(), candidates=(bare,))
    course = load_course(ROOT)
    (found,) = extract(run, [SEQUENCE], course, ask, lambda _: 1)
    assert [task.inputs for task in asked] == [None], "with other weights it would be another model"
    assert found.unmet is not None
    assert found.unmet.id == "accuracy.weights_unseen"
    grade = grade_of(course, found, run.engine, "cpu").grade
    said = {check.id: check.message.id for check in grade.checks}
    assert said["training.weights"] == "training.unseen"
    assert "diagnose.frozen" not in {hint.id for hint in grade.hints}
