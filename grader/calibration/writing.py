"""Writes ``expected.json``: the runs, and the thresholds that follow from them alone.

Enters: a Setup, runs. Leaves: Thresholds. Touches: ``reference/<id>/expected.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from grader import environment
from grader.calibration.measure import ONE_EPOCH, Setup
from grader.calibration.thresholds import choose_threshold
from grader.course.exercises import Exercise
from grader.course.expectations import SCHEMA, TRAINER, Better, CalibrationRun, Threshold
from grader.course.profiles import expected_name
from grader.record import files
from grader.trainer.kernels import HERE
from grader.trainer.keys import KERAS_OWN
from grader.types import ModelFacts


def write(
    setup: Setup,
    fingerprint: str,
    runs: Sequence[CalibrationRun],
    model: ModelFacts | None,
) -> tuple[Threshold, ...]:
    """Write ``expected.json`` from the runs; the thresholds follow from them alone.

    Of the runs those count that are right work or a mistake: none of the exercise's ``unbeaten``.
    """
    exercise = setup.exercise
    assert exercise.reference_path is not None
    better = setup.family.BETTER
    looked = [run for run in runs if run.control not in exercise.unbeaten]
    places = dict.fromkeys((run.engine, run.device) for run in looked)
    attempts = exercise.attempts
    found = [_chosen(exercise, looked, *place, better) for place in places]
    thresholds = tuple(one for one in found if one is not None)
    content = {
        "schema": SCHEMA,
        "exercise": exercise.id,
        "profile": exercise.profile,
        "data": {"fingerprint": fingerprint},
        "structure": _structure(exercise, model),
        "runs": [asdict(run) for run in runs],
        "thresholds": [_threshold(one, attempts) for one in thresholds],
        "environment": _environment(runs),
    }
    path = exercise.reference_path / expected_name(exercise.profile)
    files.write_whole(path, _text(content).encode(), durably=True, shared=True)
    return thresholds


def _chosen(
    exercise: Exercise,
    runs: Sequence[CalibrationRun],
    engine: str,
    device: str,
    better: Mapping[str, Better],
) -> Threshold | None:
    """Choose a threshold; where one epoch is as good as all, without that mistake, if it may be.

    Of a training of ours nobody has to guess from its answers how long it was: who trained for
    fewer epochs than the exercise's least loses the points for training.
    """
    found = choose_threshold(runs, engine, device, better, exercise.attempts)
    if found is None or found.value is not None or engine != TRAINER or exercise.min_epochs == 1:
        return found
    others = [run for run in runs if run.control != ONE_EPOCH]
    again = choose_threshold(others, engine, device, better, exercise.attempts)
    if again is None or again.value is None:
        return found
    reason = f"{again.reason}; {ONE_EPOCH} left out, which the training itself shows"
    return replace(again, reason=reason, left_out=(ONE_EPOCH,))


def _environment(runs: Sequence[CalibrationRun]) -> dict[str, Any]:
    """Say on what it was measured last; where the trainer did, with what it computed."""
    found = {**environment.versions(), "cores": len(environment.cores())}
    if not any(run.engine == TRAINER for run in runs):
        return found
    kernel = HERE.usable()
    return {**found, "kernel": kernel.version if kernel else KERAS_OWN}


def _structure(exercise: Exercise, model: ModelFacts | None) -> dict[str, Any]:
    """Give the layers as the evaluation saw them, in this call or in an earlier one."""
    stored = exercise.expectation
    seen = model or (stored.structure if stored else None)
    if seen is None:
        return {"layers": [], "total_params": 0}
    layers = [
        {"class": one.cls, "output_shape": list(one.output_shape), "params": one.params}
        for one in seen.layers
    ]
    return {"layers": layers, "total_params": seen.total_params}


def _threshold(threshold: Threshold, attempts: int) -> dict[str, Any]:
    entry = asdict(threshold)
    del entry["widened"]
    if not entry["left_out"]:
        del entry["left_out"]
    if (fail := threshold.false_fail) is not None:
        entry["attempts"] = attempts
        entry["false_fail_after_attempts"] = asdict(fail.after(attempts))
    rounded: dict[str, Any] = _rounded(entry)
    return rounded


def _rounded(value: Any) -> Any:
    """Keep four digits: more of them would only be noise in a diff."""
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _text(content: Mapping[str, Any]) -> str:
    """Put each run and each layer on a line of its own: diffs of this file are read by people."""
    lists = {"runs": content["runs"], "layers": content["structure"]["layers"]}
    structure = {**content["structure"], "layers": []}
    text = json.dumps({**content, "structure": structure, "runs": []}, indent=1, ensure_ascii=False)
    for key, items in lists.items():
        lines = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in items)
        text = text.replace(f'"{key}": []', f'"{key}": [\n  {lines}\n ]', 1)
    return f"{text}\n"
