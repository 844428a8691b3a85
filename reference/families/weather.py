"""Temperature a day ahead, from invented weather: fourteen instruments, one slow front, much noise.

Enters: samples of the arrays given to ``fit``, predictions. Leaves: findings, hidden weather in the
student's own scale, metrics. Touches nothing.

Nobody can hand over the series itself, only windows of it. Every hour's fourteen readings are
unique, so the windows are strung together again in whatever order they came, and the target is
looked up 24 hours after each window's end. Errors are in standard deviations of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from grader.course.families import Question, Reading
from grader.types import Array, ArraySample, Finding, FitSample, Json, Message

STANDARDISED, RAW, SCALED = "standardised", "raw", "scaled"
BETTER: dict[str, str] = {"mae": "lower"}
COLUMNS = 14
NOON_LAG = 15  # the warmest hour
PERIOD = 160  # hours from front to front
DRIFT = 0.01  # radians that a front may be early or late, per hour
LONGEST_DELAY = 72
# A target that is a reading of the same series fits on a line through float32 noise.
EXACT = 1e-3
ENOUGH_PAIRS = 8
# From one hour to the next the temperature correlates by .97; out of order by nothing.
SMOOTH = 0.5


@dataclass(frozen=True)
class _Target:
    """The line that turns the temperature's reading into the target."""

    slope: float
    shift: float


@dataclass(frozen=True)
class _String:
    """Windows strung together: place of each window's hours, and the hour found at each place."""

    places: Array  # (windows, steps)
    hour_at: Array  # (hours,) index into the flattened windows, by place
    gaps: Array  # (hours,) True where the next place belongs to another stretch
    consistent: bool


def examine(fit: FitSample, spec: Mapping[str, Json]) -> Reading:
    """Judge what ``fit`` was fed: shapes, hours in order, scale, target, number of windows."""
    steps, delay = _whole(spec, "lookback", 60), _whole(spec, "delay", 24)
    if fit.x is None or fit.y is None or not len(fit.x.rows) or not len(fit.y.rows):
        return Reading((_wrong("data.shape", f"(n, {steps}, {COLUMNS})", "–", "unseen"),), None)
    shape = _shape(fit.x, fit.y, steps)
    if shape.fraction < 1.0:
        return Reading((shape,), None)
    count = min(len(fit.x.rows), len(fit.y.rows))
    windows = np.asarray(fit.x.rows[:count], dtype=np.float32)
    given = np.asarray(fit.y.rows[:count], dtype=np.float64).reshape(-1)
    if not (np.isfinite(windows).all() and np.isfinite(given).all()):
        return Reading((shape, _wrong("data.scale", "0 ± 1", "NaN", "not_finite")), None)
    string = _strung(windows)
    hours = _hours(windows, string)
    target, found = _target(windows, given, string, delay)
    layout, scale, notes = _scale(windows)
    rows, row_notes = _count(fit, spec)
    findings = (shape, hours, scale, target, rows)
    notes = (*notes, *row_notes)
    if target.message.id == "weather.target_unseen":
        notes = (*notes, target.message)
    return Reading(findings, layout, _encoding(windows, layout, found), notes)


def ask(reading: Reading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
    """Let new weather happen and ask about it in the student's scale."""
    inputs, answers = _windows(rng, _whole(spec, "hidden_hours", 5000), spec)
    told = cast("Mapping[str, Any]", reading.encoding)
    if "scale" in told:
        inputs = inputs * np.asarray(told["scale"]) + np.asarray(told["centre"])
        answers = answers * float(told["answer_scale"]) + float(told["answer_centre"])
    return Question(inputs.astype(np.float32), answers.astype(np.float32))


def measure(predictions: Array, question: Question) -> dict[str, float]:
    """Give the mean absolute error in standard deviations of the answers."""
    if predictions.size != question.answers.size:
        return {}
    errors = np.abs(predictions.reshape(-1).astype(np.float64) - question.answers)
    mae = float(errors.mean() / question.answers.std())
    return {"mae": mae} if np.isfinite(mae) else {}


def controls(question: Question) -> dict[str, Array]:
    """Give the mean, and the naive answer: as warm as at the same hour today."""
    answers = question.answers
    today = question.inputs[:, -1, 0]
    today = (today - today.mean()) / today.std() * answers.std() + answers.mean()
    return {"mean": np.full_like(answers, answers.mean()), "naive": today}


def training(rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:
    """Give standardised windows and targets: (windows, lookback, 14), (windows,)."""
    return _windows(rng, _whole(spec, "train_hours", 6000), spec)


def _windows(rng: np.random.Generator, hours: int, spec: Mapping[str, Json]) -> tuple[Array, Array]:
    lookback, delay = _whole(spec, "lookback", 60), _whole(spec, "delay", 24)
    series = _weather(rng, hours)
    ends = np.arange(lookback, hours - delay, _whole(spec, "stride", 3))
    places = ends[:, None] + np.arange(-lookback, 0)
    return series[places].astype(np.float32), series[ends + delay - 1, 0].astype(np.float32)


def _weather(rng: np.random.Generator, hours: int) -> Array:
    """Standardised readings, (hours, 14): the notebook's formulas divided by their own spread."""
    t = np.arange(hours)
    sun = np.cos(2 * np.pi * (t - NOON_LAG) / 24)
    slips = DRIFT * np.cumsum(rng.standard_normal(hours))
    front = 2 * np.pi * (rng.random() + t / PERIOD) + slips
    raw = np.empty((hours, COLUMNS))
    for k in range(COLUMNS):
        front_size, sun_size, noise = _sizes(k)
        seen = front_size * np.cos(front + 2 * np.pi * k / COLUMNS)
        raw[:, k] = seen + sun_size * sun + noise * rng.standard_normal(hours)
    return raw / _spread()


def _sizes(k: int) -> tuple[float, float, float]:
    """How strongly column ``k`` shows the front, the sun and noise; column 0 is the temperature."""
    return (4.0, 4.0, 0.4) if k == 0 else (5.0, 3.0 - 0.2 * k, 3.0)


def _spread() -> Array:
    """Standard deviations of the columns: a cosine of size a has the variance a²/2."""
    sizes = [_sizes(k) for k in range(COLUMNS)]
    return np.array([np.sqrt(f**2 / 2 + s**2 / 2 + n**2) for f, s, n in sizes])


def _centre() -> Array:
    return np.array([12.0] + [0.0] * (COLUMNS - 1))


def _shape(x: ArraySample, y: ArraySample, steps: int) -> Finding:
    expected = f"X (n, {steps}, {COLUMNS}), Y (n,)"
    got = f"X {_shown(x.shape)}, Y {_shown(y.shape)}"
    if x.shape[1:] == (COLUMNS, steps):
        return _wrong("data.shape", expected, got, "transposed")
    if x.shape[1:] != (steps, COLUMNS):
        return _wrong("data.shape", expected, got, "shape", steps=steps)
    if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
        return _wrong("data.shape", expected, got, "target_shape")
    return _right("data.shape", expected, got, "shape_right")


def _strung(windows: Array) -> _String:
    """Find out which hours of different windows are the same hour, and line them up in time."""
    count, steps, columns = windows.shape
    flat = np.ascontiguousarray(windows.reshape(-1, columns))
    keys = flat.view(np.dtype((np.void, flat.dtype.itemsize * columns))).reshape(-1)
    _, first, names = np.unique(keys, return_index=True, return_inverse=True)
    names = names.reshape(count, steps)
    following = np.full(len(first), -1)
    following[names[:, :-1].reshape(-1)] = names[:, 1:].reshape(-1)
    consistent = bool((following[names[:, :-1]] == names[:, 1:]).all())
    order, gaps = _walk(following)
    place = np.empty(len(first), dtype=np.int64)
    place[order] = np.arange(len(order))
    return _String(place[names], first[order], gaps, consistent)


def _walk(following: Array) -> tuple[Array, Array]:
    """Order the hours by following each stretch from its first hour to its last."""
    heads = np.setdiff1d(np.arange(len(following)), following)
    order: list[int] = []
    ends: list[int] = []
    seen = np.zeros(len(following), dtype=bool)
    for start in [*heads.tolist(), *range(len(following))]:
        hour = start
        while hour >= 0 and not seen[hour]:
            seen[hour] = True
            order.append(hour)
            hour = int(following[hour])
        ends.append(len(order) - 1)
    gaps = np.zeros(len(following), dtype=bool)
    gaps[ends] = True
    return np.array(order), gaps


def _hours(windows: Array, string: _String) -> Finding:
    """Hours follow each other in every window, and the temperature moves as slowly as it does."""
    temperature = windows[:, :, 0].astype(np.float64)
    now, then = temperature[:, 1:].reshape(-1), temperature[:, :-1].reshape(-1)
    smooth = now.std() > 0 and float(np.corrcoef(now, then)[0, 1]) > SMOOTH
    if smooth and string.consistent and bool((np.diff(string.places, axis=1) == 1).all()):
        return _right("data.hours", "1 h", "1 h", "hours_right")
    return _wrong("data.hours", "1 h", "–", "hours")


def _target(
    windows: Array, given: Array, string: _String, delay: int
) -> tuple[Finding, _Target | None]:
    """The temperature ``delay`` hours after the window's last hour, in any scale.

    One hour more is accepted: the textbook's own loop counts from the hour after the window.
    """
    expected = f"{delay} h"
    if _goals(string, delay)[1].sum() < ENOUGH_PAIRS:  # too few windows were seen to look it up
        return _right("data.target", expected, "?", "target_unseen"), None
    for wanted in (delay, delay + 1):
        found = _line(windows, given, string, 0, wanted)
        if found:
            return _right("data.target", expected, f"{wanted} h", "target_right"), found
    for other in range(-windows.shape[1] + 1, LONGEST_DELAY + 1):
        if _line(windows, given, string, 0, other):
            got = f"{other} h"
            return _wrong("data.target", expected, got, "target_delay", delay=other), None
    for column in range(1, COLUMNS):
        if _line(windows, given, string, column, delay):
            finding = _wrong("data.target", "T[0]", f"T[{column}]", "target_column", column=column)
            return finding, None
    return _wrong("data.target", expected, "–", "target"), None


def _line(windows: Array, given: Array, string: _String, column: int, delay: int) -> _Target | None:
    """The line from one column's readings, ``delay`` hours on, to the targets, if there is one."""
    goal, inside = _goals(string, delay)
    if inside.sum() < ENOUGH_PAIRS:
        return None
    flat = windows.reshape(-1, windows.shape[2])
    readings = flat[string.hour_at[goal[inside]], column].astype(np.float64)
    targets = given[inside]
    spread = readings.std()
    if spread == 0.0 or targets.std() == 0.0:
        return None
    slope = float(((readings - readings.mean()) * (targets - targets.mean())).mean() / spread**2)
    shift = float(targets.mean() - slope * readings.mean())
    residual = np.abs(targets - slope * readings - shift).max()
    return _Target(slope, shift) if residual <= EXACT * targets.std() else None


def _goals(string: _String, delay: int) -> tuple[Array, Array]:
    """Places ``delay`` hours after each window, and whether that hour was seen in some window."""
    goal = string.places[:, -1] + delay
    stretch = np.cumsum(string.gaps) - string.gaps
    inside: Array = (goal >= 0) & (goal < len(string.hour_at))
    inside[inside] = stretch[goal[inside]] == stretch[string.places[inside, -1]]
    return goal, inside


def _scale(windows: Array) -> tuple[str, Finding, tuple[Message, ...]]:
    """Tell standardised readings from raw ones and from scales of the student's own."""
    temperature = windows[:, :, 0]
    others = windows[:, :, 1:]
    mean, spread = float(temperature.mean()), float(temperature.std())
    got = f"{mean:.2g} ± {spread:.2g}"
    if abs(mean) < 1.0 and 0.4 < spread < 1.6 and 0.6 < others.std() < 1.5:
        return STANDARDISED, _right("data.scale", "0 ± 1", got, "scale_right"), ()
    if abs(mean - 12.0) < 4.0 and others.std() > 3.0:
        return RAW, _wrong("data.scale", "0 ± 1", got, "raw"), ()
    note = Message("weather.own_scale", {"got": got})
    return SCALED, _right("data.scale", "0 ± 1", got, "scale_right"), (note,)


def _encoding(windows: Array, layout: str, target: _Target | None) -> dict[str, Json]:
    """How to turn standardised weather into the student's scale."""
    if layout == STANDARDISED:
        centre, scale = np.zeros(COLUMNS), np.ones(COLUMNS)
    elif layout == RAW:
        centre, scale = _centre(), _spread()
    else:
        flat = windows.reshape(-1, COLUMNS).astype(np.float64)
        centre, scale = flat.mean(axis=0), flat.std(axis=0)
    slope, shift = (target.slope, target.shift) if target else (1.0, 0.0)
    return {
        "centre": cast("list[Json]", centre.tolist()),
        "scale": cast("list[Json]", scale.tolist()),
        "answer_scale": slope * float(scale[0]),
        "answer_centre": slope * float(centre[0]) + shift,
    }


def _count(fit: FitSample, spec: Mapping[str, Json]) -> tuple[Finding, tuple[Message, ...]]:
    assert fit.x is not None
    least, rows = _whole(spec, "min_rows", 1000), fit.x.shape[0]
    if fit.kind != "arrays":  # of a dataset only its first batch was seen
        finding = _right("data.rows", f"≥ {least}", "?", "rows_uncounted")
        return finding, (finding.message,)
    if rows < least:
        return _wrong("data.rows", f"≥ {least}", str(rows), "rows", rows=rows), ()
    return _right("data.rows", f"≥ {least}", str(rows), "rows_right", rows=rows), ()


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"


def _whole(spec: Mapping[str, Json], key: str, default: int) -> int:
    return int(cast("Any", spec.get(key, default)))


def _right(finding: str, expected: str, got: str, name: str, **args: float | str) -> Finding:
    return Finding(finding, 1.0, expected, got, Message(f"weather.{name}", args))


def _wrong(
    finding: str, expected: str, got: str, name: str, *, fraction: float = 0.0, **args: float | str
) -> Finding:
    """A wrong answer: ``name`` is the message, ``name_hint`` the advice that goes with it."""
    message = Message(f"weather.{name}", {"expected": expected, "got": got, **args})
    hint = Message(f"weather.{name}_hint", args)
    return Finding(finding, fraction, expected, got, message, hint)
