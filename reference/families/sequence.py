"""Sequence prediction: four consecutive tenths, then the next one.

Enters: samples of the arrays given to ``fit``, predictions. Leaves: findings, hidden windows,
metrics. Touches nothing.

The exercise has six windows, [0, .1, .2, .3] → .4 up to [.5, .6, .7, .8] → .9. More windows that go
on in the same way, in any order, are as good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from grader.course.families import DataReading, Question
from grader.course.near import among, apart, distinct_places
from grader.execution import ArraySample, FitSample
from grader.types import Array, Finding, Json, Message

WINDOW = "window"
# Tenths differ by .1, so half a hundredth tells them apart in any float type.
TOLERANCE = 5e-3
# So many rows were sampled at least; among more, the exercise's own windows may lie unseen.
SAMPLED = 64
# Which way each metric improves; calibration chooses among them.
BETTER: dict[str, str] = {"train_mse": "lower", "extrapolation_error": "lower"}
# What tells these data from any others.
OWN: tuple[str, ...] = ("data.windows", "data.target")
# Each mistake's message, and the advice that goes with it.
HINTS: dict[str, str] = {
    "sequence.unseen": "sequence.unseen_hint",
    "sequence.features_not_steps": "sequence.features_not_steps_hint",
    "sequence.shape": "sequence.shape_hint",
    "sequence.target_shape": "sequence.target_shape_hint",
    "sequence.windows": "sequence.windows_hint",
    "sequence.whole_numbers": "sequence.whole_numbers_hint",
    "sequence.missing": "sequence.missing_hint",
    "sequence.target_last": "sequence.target_last_hint",
    "sequence.target_skips": "sequence.target_skips_hint",
    "sequence.target_first": "sequence.target_first_hint",
    "sequence.target_whole": "sequence.target_whole_hint",
    "sequence.target_mean": "sequence.target_mean_hint",
    "sequence.target_shuffled": "sequence.target_shuffled_hint",
    "sequence.target": "sequence.target_hint",
    "sequence.rows": "sequence.rows_hint",
}


@dataclass(frozen=True)
class _Task:
    """The numbers of the exercise, from its ``[data]`` table."""

    steps: int
    windows: int
    step: float

    def inputs(self, starts: Array) -> Array:
        """Give the windows that begin at these multiples of the step: (windows, steps, 1)."""
        places = np.asarray(starts)[:, None] + np.arange(self.steps)[None, :]
        return (places * self.step).astype(np.float32)[:, :, None]

    def targets(self, starts: Array) -> Array:
        """Give the number after each window."""
        return ((np.asarray(starts) + self.steps) * self.step).astype(np.float32)


def examine(fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
    """Judge what ``fit`` was fed: shapes, windows, target, number of windows."""
    task = _task(spec)
    if fit.x is None or fit.y is None or not len(fit.x.rows) or not len(fit.y.rows):
        return DataReading(
            (_wrong(task, "data.shape", f"(n, {task.steps}, 1)", "–", "sequence.unseen"),), None
        )
    shape = _shape(fit.x, fit.y, task)
    if shape.fraction < 1.0:
        return DataReading((shape,), None)
    inputs = np.asarray(fit.x.rows, dtype=np.float64)[:, :, 0]
    whole = fit.kind == "arrays"  # of a dataset only its first batch was seen
    windows = _windows(inputs, task, seen=whole and _are_seen(fit.x, fit.y))
    # Whole numbers are one mistake; the target is judged in the units that were used.
    unit = task if windows.message.id != "sequence.whole_numbers" else replace(task, step=1.0)
    target = _target(inputs, fit.y, unit)
    notes: tuple[Message, ...] = ()
    if not whole:
        notes = (Message("sequence.rows_uncounted"),)
    elif windows.fraction == 1.0 and fit.x.shape[0] > task.windows:
        notes = (Message("sequence.more_windows", {"windows": fit.x.shape[0]}),)
    return DataReading(
        (shape, windows, target, _count(fit.x, fit.y, task, whole=whole)), WINDOW, notes=notes
    )


def ask(reading: DataReading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
    """Give the six windows and the two beyond them, one on either side."""
    del reading, rng  # one layout, nothing to draw
    task = _task(spec)
    starts = np.array([*range(task.windows), task.windows, -1])
    return Question(task.inputs(starts), task.targets(starts))


def measure(predictions: Array, question: Question) -> dict[str, float]:
    """Give the error on the exercise's windows and beyond; what is not finite is left out."""
    if predictions.size != question.answers.size:
        return {}
    errors = np.abs(predictions.reshape(-1).astype(np.float64) - question.answers)
    metrics = {
        "train_mse": float(np.mean(errors[:-2] ** 2)),
        "extrapolation_error": float(errors[-2:].max()),
    }
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def controls(question: Question) -> dict[str, Array]:
    """Give the best constant answer, and the last number of each window."""
    answers = question.answers
    constant = np.full_like(answers, answers[:-2].mean())
    return {"mean": constant, "last_input": question.inputs[:, -1, 0]}


def training(rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:
    """Give the six windows and their targets: (6, 4, 1), (6,)."""
    del rng
    task = _task(spec)
    starts = np.arange(task.windows)
    return task.inputs(starts), task.targets(starts)


def _shape(x: ArraySample, y: ArraySample, task: _Task) -> Finding:
    expected = f"X (n, {task.steps}, 1), Y (n,)"
    got = f"X {_shown(x.shape)}, Y {_shown(y.shape)}"
    if x.shape[1:] == (1, task.steps):
        return _wrong(task, "data.shape", expected, got, "sequence.features_not_steps")
    if x.shape[1:] != (task.steps, 1):
        return _wrong(task, "data.shape", expected, got, "sequence.shape")
    if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
        return _wrong(task, "data.shape", expected, got, "sequence.target_shape")
    return _right("data.shape", expected, got, "sequence.shape_right")


def _are_seen(x: ArraySample, y: ArraySample) -> bool:
    """Whether all windows are there that differ, or so few that the exercise's own are missed."""
    count = min(len(x.rows), len(y.rows))
    few = len(x.rows) < SAMPLED
    return few or len(distinct_places(x.rows[:count], y.rows[:count])) >= x.shape[0]


def _windows(inputs: Array, task: _Task, *, seen: bool) -> Finding:
    """Consecutive numbers, one step apart, and the exercise's own windows among them.

    ``seen``: whether what is not there is missing.
    """
    wanted = task.inputs(np.arange(task.windows))[:, :, 0]
    expected = f"X[0] = {_listed(wanted[0])}"
    got = f"X[0] = {_listed(inputs[0])}"
    even = np.abs(np.diff(inputs, axis=1) - task.step).max(axis=1) <= TOLERANCE
    if not even.all():
        unit = np.abs(np.diff(inputs, axis=1) - 1.0).max() <= TOLERANCE
        name = "sequence.whole_numbers" if unit else "sequence.windows"
        return _wrong(task, "data.windows", expected, got, name, fraction=float(np.mean(even)))
    distances = np.abs(inputs[None, :, :] - wanted[:, None, :]).max(axis=2).min(axis=1)
    missing = np.flatnonzero(distances > TOLERANCE)
    if len(missing) and seen:
        present = 1.0 - len(missing) / task.windows
        first = _listed(wanted[missing[0]])
        told = _wrong(
            task,
            "data.windows",
            first,
            "",
            "sequence.missing",
            fraction=present,
            missing=len(missing),
        )
        # Where there are too few rows as well, that is the cause: one mistake, one advice.
        few = Message(HINTS["sequence.rows"], {"steps": task.steps, "windows": task.windows})
        return replace(told, hint=few) if len(inputs) < task.windows else told
    return _right("data.windows", expected, got, "sequence.windows_right")


def _target(inputs: Array, y: ArraySample, task: _Task) -> Finding:
    count = min(len(inputs), len(y.rows))
    inputs = inputs[:count]
    given = np.asarray(y.rows[:count], dtype=np.float64).reshape(-1)
    following = inputs[:, -1] + task.step
    expected = f"Y[0] = {following[0]:.2f}"
    got = f"Y[0] = {given[0]:.2f}"
    agreed = _agreement(given, following)
    if agreed == 1.0:
        return _right("data.target", expected, got, "sequence.target_right")
    for name, wrong in _known_mistakes(inputs, following, task).items():
        if _agreement(given, wrong) == 1.0:
            return _wrong(task, "data.target", expected, got, name)
    if _agreement(np.sort(given), np.sort(following)) == 1.0:
        return _wrong(task, "data.target", expected, got, "sequence.target_shuffled")
    return _wrong(task, "data.target", expected, got, "sequence.target", fraction=agreed)


def _known_mistakes(inputs: Array, following: Array, task: _Task) -> dict[str, Array]:
    return {
        "sequence.target_last": inputs[:, -1],
        "sequence.target_skips": following + task.step,
        "sequence.target_first": inputs[:, 0],
        "sequence.target_whole": following * 10,
        "sequence.target_mean": inputs.mean(axis=1),
    }


def _count(x: ArraySample, y: ArraySample, task: _Task, *, whole: bool) -> Finding:
    expected = f"≥ {task.windows}"
    if not whole:
        return _right("data.rows", expected, "?", "sequence.rows_uncounted")
    count = min(len(x.rows), len(y.rows))
    rows = np.asarray(x.rows[:count], dtype=np.float64)
    once = distinct_places(x.rows[:count], y.rows[:count])  # as often as that is counted already
    got = among(apart(rows[once], TOLERANCE), len(once), x.shape[0])
    if got < task.windows:
        return _wrong(task, "data.rows", expected, str(got), "sequence.rows")
    return _right("data.rows", expected, str(got), "sequence.rows_right")


def _agreement(given: Array, wanted: Array) -> float:
    return float(np.mean(np.abs(given - wanted) <= TOLERANCE))


def _listed(numbers: Array) -> str:
    return "[" + ", ".join(f"{number:.2g}" for number in numbers) + "]"


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"


def _task(spec: Mapping[str, Json]) -> _Task:
    table = cast("Mapping[str, Any]", spec)
    return _Task(
        int(table.get("steps", 4)), int(table.get("windows", 6)), float(table.get("step", 0.1))
    )


def _right(finding: str, expected: str, got: str, message_id: str) -> Finding:
    return Finding(finding, 1.0, expected, got, Message(message_id))


def _wrong(
    task: _Task,
    finding: str,
    expected: str,
    got: str,
    message_id: str,
    *,
    fraction: float = 0.0,
    **args: float | str,
) -> Finding:
    """A wrong answer: its message and, from ``HINTS``, the advice that goes with it.

    The advice may speak of the windows that are asked for: how many, and how long.
    """
    asked = {"steps": task.steps, "windows": task.windows}
    message = Message(message_id, {"expected": expected, "got": got, **args})
    return Finding(finding, fraction, expected, got, message, Message(HINTS[message_id], asked))
