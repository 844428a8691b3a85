"""The multiplication problem: remember two marked numbers over 100 steps, answer their product.

Enters: samples of the arrays given to ``fit``, predictions. Leaves: findings, hidden sequences,
metrics. Touches nothing.

A sequence is (steps, 2): a mark, 0 or 1, and a uniform number. Exactly two steps bear the mark.
Some write the mark first, some the number: both are valid layouts, and the hidden sequences follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from grader.course.families import DataReading, Question
from grader.course.near import among, apart, distinct_places
from grader.execution import ArraySample, FitSample
from grader.types import Array, Finding, Json, Message

MARK_FIRST = "mark-number"
NUMBER_FIRST = "number-mark"
MARKS = 2
# Stored as float32 at best: products of such numbers agree to about 1e-7, of float16 to 1e-3.
TOLERANCES = {"float16": 2e-3, "bfloat16": 2e-2}
TOLERANCE = 1e-5
# Sequences of ten numbers drawn anew are never as near as that in all of them (.04 ** 10), whether
# or not their marks are.
NOISE = 0.02
# A mistake is named only where it explains nearly every row, and rows enough to tell.
NAMED_SHARE = 0.95
ENOUGH_ROWS = 4
# Which way each metric improves; calibration chooses among them.
BETTER: dict[str, str] = {"mse": "lower", "mae": "lower", "correctness": "higher"}
# What tells these data from any others.
OWN: tuple[str, ...] = ("data.marks", "data.numbers")
# Each mistake's message, and the advice that goes with it.
HINTS: dict[str, str] = {
    "multiplication.unseen": "multiplication.unseen_hint",
    "multiplication.transposed": "multiplication.transposed_hint",
    "multiplication.shape": "multiplication.shape_hint",
    "multiplication.target_shape": "multiplication.target_shape_hint",
    "multiplication.no_marks": "multiplication.no_marks_hint",
    "multiplication.one_mark": "multiplication.one_mark_hint",
    "multiplication.many_marks": "multiplication.many_marks_hint",
    "multiplication.marks": "multiplication.marks_hint",
    "multiplication.same_places": "multiplication.same_places_hint",
    "multiplication.numbers": "multiplication.numbers_hint",
    "multiplication.same_sequence": "multiplication.same_sequence_hint",
    "multiplication.target_sum": "multiplication.target_sum_hint",
    "multiplication.target_last": "multiplication.target_last_hint",
    "multiplication.target_single": "multiplication.target_single_hint",
    "multiplication.target_second": "multiplication.target_second_hint",
    "multiplication.target_first_two": "multiplication.target_first_two_hint",
    "multiplication.target_scaled": "multiplication.target_scaled_hint",
    "multiplication.target_mean": "multiplication.target_mean_hint",
    "multiplication.target_all": "multiplication.target_all_hint",
    "multiplication.target_shifted": "multiplication.target_shifted_hint",
    "multiplication.target": "multiplication.target_hint",
    "multiplication.rows": "multiplication.rows_hint",
}


@dataclass(frozen=True)
class _Rows:
    """The sampled sequences, taken apart."""

    marks: Array  # (rows, steps)
    numbers: Array  # (rows, steps)
    layout: str


def examine(fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
    """Judge what ``fit`` was fed: shapes, marks, numbers, target, number of sequences."""
    steps, usual = _whole(spec, "steps", 100), _whole(spec, "train_rows", 2560)
    if fit.x is None or fit.y is None or not len(fit.x.rows) or not len(fit.y.rows):
        wanted = f"(n, {steps}, 2)"
        unseen = _wrong("data.shape", wanted, "–", "multiplication.unseen", usual=usual)
        return DataReading((unseen,), None)
    shape = _shape(fit.x, fit.y, steps)
    if shape.fraction < 1.0:
        return DataReading((shape,), None)
    rows = _taken_apart(fit.x)
    count, notes = _count(fit, spec)
    if rows is None:
        return DataReading(
            (shape, _wrong("data.marks", "0, 1", "–", "multiplication.no_marks"), count), None
        )
    target = _target(rows, fit.y, _tolerance(fit.x, fit.y))
    findings = (shape, _marks(rows), _numbers(rows), target, count)
    if rows.layout == NUMBER_FIRST:
        notes = (*notes, Message("multiplication.number_first"))
    return DataReading(findings, rows.layout, notes=notes)


def ask(reading: DataReading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
    """Draw fresh sequences in the student's feature order."""
    inputs, answers = _draw(rng, _whole(spec, "hidden_rows", 1000), _whole(spec, "steps", 100))
    if reading.layout == NUMBER_FIRST:
        inputs = inputs[:, :, ::-1].copy()
    return Question(inputs, answers)


def measure(predictions: Array, question: Question) -> dict[str, float]:
    """Give mse, mae and the share of answers within .04; what is not finite is left out."""
    if predictions.size != question.answers.size:
        return {}
    errors = np.abs(predictions.reshape(-1).astype(np.float64) - question.answers)
    metrics = {
        "mse": float(np.mean(errors**2)),
        "mae": float(np.mean(errors)),
        "correctness": float(np.mean(errors <= 0.04)),  # NaN compares as wrong
    }
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def controls(question: Question) -> dict[str, Array]:
    """Give the best constant answer, and zero."""
    answers = question.answers
    return {"mean": np.full_like(answers, answers.mean()), "zero": np.zeros_like(answers)}


def training(rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:
    """Draw the training part of the exercise, mark first: (rows, steps, 2), (rows,)."""
    return _draw(rng, _whole(spec, "train_rows", 2560), _whole(spec, "steps", 100))


def _draw(rng: np.random.Generator, rows: int, steps: int) -> tuple[Array, Array]:
    numbers = rng.random((rows, steps), dtype=np.float32)
    places = np.argsort(rng.random((rows, steps)), axis=1)[:, :MARKS]  # two different steps
    marks = np.zeros((rows, steps), dtype=np.float32)
    np.put_along_axis(marks, places, 1.0, axis=1)
    answers = np.take_along_axis(numbers, places, axis=1).prod(axis=1)
    return np.stack([marks, numbers], axis=2), answers


def _shape(x: ArraySample, y: ArraySample, steps: int) -> Finding:
    expected = f"X (n, {steps}, 2), Y (n,)"
    got = f"X {_shown(x.shape)}, Y {_shown(y.shape)}"
    if x.shape[1:] == (2, steps):
        return _wrong("data.shape", expected, got, "multiplication.transposed", steps=steps)
    if x.shape[1:] != (steps, 2):
        return _wrong("data.shape", expected, got, "multiplication.shape", steps=steps)
    if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
        return _wrong("data.shape", expected, got, "multiplication.target_shape")
    return _right("data.shape", expected, got, "multiplication.shape_right")


def _taken_apart(x: ArraySample) -> _Rows | None:
    """Tell marks from numbers; None where no feature holds only 0 and 1."""
    rows = np.asarray(x.rows, dtype=np.float64)
    binary = [bool(np.isin(rows[:, :, feature], (0.0, 1.0)).all()) for feature in range(2)]
    if binary[0]:
        return _Rows(rows[:, :, 0], rows[:, :, 1], MARK_FIRST)
    if binary[1]:
        return _Rows(rows[:, :, 1], rows[:, :, 0], NUMBER_FIRST)
    return None


def _marks(rows: _Rows) -> Finding:
    counts = rows.marks.sum(axis=1)
    right = float(np.mean(counts == MARKS))
    expected = str(MARKS)
    if right < 1.0:
        low, high = int(counts.min()), int(counts.max())
        got = f"{low}" if low == high else f"{low} – {high}"
        many = "multiplication.many_marks" if low > MARKS else "multiplication.marks"
        message_id = "multiplication.one_mark" if low == high == 1 else many
        return _wrong("data.marks", expected, got, message_id, fraction=right)
    places = np.argsort(-rows.marks, axis=1, kind="stable")[:, :MARKS]
    if len(places) >= ENOUGH_ROWS and bool((places == places[0]).all()):
        first, second = sorted(int(place) for place in places[0])
        return _wrong("data.marks", expected, f"{first}, {second}", "multiplication.same_places")
    return _right("data.marks", expected, expected, "multiplication.marks_right")


def _numbers(rows: _Rows) -> Finding:
    numbers = rows.numbers
    expected = "0 … 1"
    if not np.isfinite(numbers).all():
        return _wrong("data.numbers", expected, "NaN", "multiplication.numbers")
    got = f"{numbers.min():.3g} … {numbers.max():.3g}"
    if numbers.min() < 0.0 or numbers.max() > 1.0 or numbers.std() < 0.1:
        return _wrong("data.numbers", expected, got, "multiplication.numbers")
    if len(numbers) >= ENOUGH_ROWS and bool((numbers == numbers[0]).all()):
        return _wrong("data.numbers", expected, got, "multiplication.same_sequence")
    return _right("data.numbers", expected, got, "multiplication.numbers_right")


def _target(rows: _Rows, y: ArraySample, tolerance: float) -> Finding:
    count = min(len(rows.marks), len(y.rows))
    marks, numbers = rows.marks[:count], rows.numbers[:count]
    given = np.asarray(y.rows[:count], dtype=np.float64).reshape(-1)
    product = np.where(marks == 1.0, numbers, 1.0).prod(axis=1)
    agreed = _agreement(given, product, tolerance)
    expected = f"Y[0] = {product[0]:.4f}"
    got = f"Y[0] = {given[0]:.4f}"
    if agreed == 1.0:
        return _right("data.target", expected, got, "multiplication.target_right")
    for name, wrong in _known_mistakes(marks, numbers, product).items():
        if count >= ENOUGH_ROWS and _agreement(given, wrong, tolerance) >= NAMED_SHARE:
            return _wrong("data.target", expected, got, name)
    if count >= ENOUGH_ROWS and _elsewhere(given, product, tolerance) >= NAMED_SHARE:
        return _wrong("data.target", expected, got, "multiplication.target_shifted")
    return _wrong(
        "data.target",
        expected,
        got,
        "multiplication.target",
        fraction=agreed,
        share=round(agreed, 2),
    )


def _known_mistakes(marks: Array, numbers: Array, product: Array) -> dict[str, Array]:
    """Targets that students really wrote, by the name of the message."""
    rows = np.arange(len(marks))
    last_mark = marks.shape[1] - 1 - np.argmax(marks[:, ::-1], axis=1)
    return {
        "multiplication.target_sum": (marks * numbers).sum(axis=1),
        "multiplication.target_last": numbers[:, -1],
        "multiplication.target_single": numbers[rows, np.argmax(marks, axis=1)],
        "multiplication.target_second": numbers[rows, last_mark],
        "multiplication.target_first_two": numbers[:, 0] * numbers[:, 1],
        "multiplication.target_scaled": product * 100,
        "multiplication.target_mean": (marks * numbers).sum(axis=1) / MARKS,
        "multiplication.target_all": numbers.prod(axis=1),
    }


def _elsewhere(given: Array, product: Array, tolerance: float) -> float:
    """Share of the targets that are some other row's product: shuffled or shifted."""
    order = np.argsort(product)
    after = np.searchsorted(product[order], given)
    near = order[
        np.clip(after[:, None] + np.arange(-2, 2), 0, len(order) - 1)
    ]  # its own among them
    distances = np.abs(given[:, None] - product[near])
    distances[near == np.arange(len(given))[:, None]] = np.inf
    return float(np.mean(distances.min(axis=1) <= tolerance))


def _differing(x: ArraySample, y: ArraySample) -> int:
    """Give how many sequences are numbers of their own: not others again, nor others with noise."""
    count = min(len(x.rows), len(y.rows))
    rows = np.asarray(x.rows[:count], dtype=np.float64)
    if not np.isfinite(rows).all():
        return x.shape[0]
    once = distinct_places(x.rows[:count], y.rows[:count])  # as often as that is counted already
    return among(apart(rows[once], NOISE), len(once), x.shape[0])


def _count(fit: FitSample, spec: Mapping[str, Json]) -> tuple[Finding, tuple[Message, ...]]:
    """Judge how many sequences there were to fit, validation split included."""
    usual, least = _whole(spec, "train_rows", 2560), _whole(spec, "min_rows", 1560)
    assert fit.x is not None
    assert fit.y is not None
    if fit.kind != "arrays":  # of a dataset only its first batch was seen
        finding = _right("data.rows", f"≥ {least}", "?", "multiplication.rows_uncounted")
        return finding, (finding.message,)
    rows = _differing(fit.x, fit.y)
    if rows < least:
        told = {"rows": rows, "least": least, "usual": usual}
        return _wrong("data.rows", f"≥ {least}", str(rows), "multiplication.rows", **told), ()
    right = _right("data.rows", f"≥ {least}", str(rows), "multiplication.rows_right", rows=rows)
    if rows == usual:
        return right, ()
    if usual < rows <= _whole(spec, "rows", usual):  # what the notebook keeps for testing as well
        told = {"rows": rows, "more": rows - usual}
        return right, (Message("multiplication.test_rows", told),)
    return right, (Message("multiplication.other_rows", {"rows": rows, "usual": usual}),)


def _agreement(given: Array, wanted: Array, tolerance: float) -> float:
    return float(np.mean(np.abs(given - wanted) <= tolerance * (1.0 + np.abs(wanted))))


def _tolerance(x: ArraySample, y: ArraySample) -> float:
    return max(TOLERANCES.get(array.dtype, TOLERANCE) for array in (x, y))


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"


def _whole(spec: Mapping[str, Json], key: str, default: int) -> int:
    return int(cast("Any", spec.get(key, default)))


def _right(finding: str, expected: str, got: str, message_id: str, **args: float | str) -> Finding:
    return Finding(finding, 1.0, expected, got, Message(message_id, args))


def _wrong(
    finding: str,
    expected: str,
    got: str,
    message_id: str,
    *,
    fraction: float = 0.0,
    **args: float | str,
) -> Finding:
    """A wrong answer: its message and, from ``HINTS``, the advice that goes with it."""
    message = Message(message_id, {"expected": expected, "got": got, **args})
    hint = Message(HINTS[message_id], args)
    return Finding(finding, fraction, expected, got, message, hint)
