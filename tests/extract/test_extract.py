"""What the extract stage says about a model that could not be asked anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.course.load import load_course
from grader.extract.extract import extract
from grader.types import Fit
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
