"""What the extract stage says about a model that could not be asked anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.course.load import load_course
from grader.execution import CellRun, Fit
from grader.extract.extract import extract, run_facts
from grader.types import CellError, Message
from tests.support.builders import execution

ROOT = Path(__file__).resolve().parents[2]
SEQUENCE = "sequence-prediction"
CONFIG = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [None, 4, 1]}},
            {"class_name": "SimpleRNN", "config": {"units": 10}},
            {"class_name": "Dense", "config": {"units": 1}},
        ]
    },
}


@pytest.mark.parametrize(("fitted", "said"), [(False, "never_fitted"), (True, "data_unreadable")])
def test_why_a_model_was_not_asked(fitted: bool, said: str) -> None:
    run = execution(config=CONFIG)
    (trained,) = run.candidates
    fits: tuple[Fit, ...] = trained.fits if fitted else ()
    run = replace(run, candidates=(replace(trained, fits=fits),))
    (found,) = extract(run, [SEQUENCE], load_course(ROOT), lambda tasks: {}, lambda _: 1)
    assert found.unmet is not None
    assert found.unmet.id == f"accuracy.{said}"


@pytest.mark.parametrize("owed", [[SEQUENCE], [SEQUENCE, "multiplication-gru"], None])
@pytest.mark.parametrize("config", [CONFIG, {"class_name": "Sequential", "config": {"layers": []}}])
def test_what_the_run_left_out_is_noted_and_changes_nothing_else(
    config: dict[str, object], owed: list[str] | None
) -> None:
    plain = execution(config=config)
    note = Message("execute.malformed", {"count": 2})
    course = load_course(ROOT)
    expected, found = (
        extract(run, owed, course, lambda tasks: {}, lambda _: 1)
        for run in (plain, replace(plain, notes=(note,)))
    )
    assert found == tuple(replace(one, notes=(note, *one.notes)) for one in expected)


def test_of_many_failures_the_later_ones_are_cut_where_one_sees_it() -> None:
    long = CellError("ValueError", "가" * 1000, "Traceback")
    cells = tuple(CellRun(n, "error", 0.1, "", long) for n in range(1, 13))
    read = run_facts(replace(execution(), cells=cells))
    assert read.failed[0] == (1, long)
    (_, later) = read.failed[-1]
    assert (later.value, later.traceback) == ("가" * 299 + "…", "")
