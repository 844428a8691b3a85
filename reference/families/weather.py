"""Temperature a day ahead, from measured weather: fourteen columns, one row an hour.

Enters: samples of the arrays given to ``fit``, predictions; the data set ``weather``. Leaves:
findings, hidden weather in the student's own scale, metrics, the students' file. Touches: reads the
data set.

Students have the first months, the judge asks about the later ones. Whatever scale a window was
given, the temperature's ups and downs within it are those of one place in the students' file: the
window is looked up there, and the scale of every column read off. Errors are in standard deviations
of the answers.

Textbooks read Jena's file of ten-minute rows. The one of that name has as many: every hour's
readings stand for six of its rows, and after the students' last hour the first follows again. So
each sixth row is an hour of the course's, and nothing in it is hidden.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from grader.course.data import KERAS, Source, parsed, source, zipped
from grader.course.families import DataReading, Question
from grader.course.near import among, distinct_places, first_places
from grader.execution import ArraySample, FitSample
from grader.types import Array, Finding, Json, Message

DATA_SET = "weather"
STANDARDISED, RAW, SCALED = "standardised", "raw", "scaled"
BETTER: dict[str, str] = {"relative_mae": "lower", "mae": "lower"}
# What tells these data from any others.
OWN: tuple[str, ...] = ("data.hours",)
# Each mistake's message, and the advice that goes with it.
HINTS: dict[str, str] = {
    "weather.unseen": "weather.unseen_hint",
    "weather.transposed": "weather.transposed_hint",
    "weather.shape": "weather.shape_hint",
    "weather.target_shape": "weather.target_shape_hint",
    "weather.not_finite": "weather.not_finite_hint",
    "weather.hours": "weather.hours_hint",
    "weather.skips": "weather.skips_hint",
    "weather.finer": "weather.finer_hint",
    "weather.column": "weather.column_hint",
    "weather.raw": "weather.raw_hint",
    "weather.target_delay": "weather.target_delay_hint",
    "weather.target_last": "weather.target_last_hint",
    "weather.target_before": "weather.target_before_hint",
    "weather.target_column": "weather.target_column_hint",
    "weather.target": "weather.target_hint",
    "weather.target_beyond": "weather.target_beyond_hint",
    "weather.rows": "weather.rows_hint",
}
COLUMNS = 14
TEMPERATURE = 1
PER_HOUR = "per_hour"  # how many readings an hour the student's windows have
LEAST_SHARE = 0.01  # of the windows, from which on something is told of them
TARGET_RIGHT = "weather.target_right"
FILE, TABLE = f"{DATA_SET}.csv.zip", f"{DATA_SET}.csv"
JENA = "jena_climate_2009_2016.csv"
# What is handed out under this name in grading is another file than a student has elsewhere.
STAND_INS: tuple[str, ...] = (JENA.removesuffix(".csv"),)
STATION = "JFK"
HIDDEN_FROM = {"new-york-2013": (2013, 10), "jena": (2014, 1)}  # year and month
TEN_MINUTES = 6  # of Jena's rows are an hour
JENAS_ROWS = 420_551  # the textbook trains on the first 200,000 and validates on 100,000 more
JENAS_FIRST_DAY = date(2009, 1, 1)
DAY = 24
LONGEST_DELAY = 72
# Ups and downs in float32 agree to six digits with the file's; those of another place to none.
ALIKE = 1 - 1e-4
EXACT = 2e-3  # of a column's spread: float32 and a mean that was rounded
ALMOST_ALL = 0.95
ENOUGH_PAIRS = 8
AT_A_TIME = 5000  # places
SKIPPED = (2, 3, 6)  # hours from reading to reading within a window
FINER = (2, 3, 6)  # readings an hour; the textbook's Conv1D reads one every half hour


@dataclass(frozen=True)
class _Weather:
    """The readings, (hours, 14), and the students' text of theirs."""

    students: Array
    hidden: Array
    text: bytes


@dataclass(frozen=True)
class _Found:
    """Where windows begin in a series of so many readings an hour, and which of them are there."""

    series: Array  # (readings, 14)
    per_hour: int
    places: Array  # (windows,)
    there: Array  # (windows,)


@dataclass(frozen=True)
class _Scale:
    """The line that turns each column's readings into the student's."""

    slope: Array  # (14,)
    shift: Array  # (14,)


@dataclass(frozen=True)
class _Target:
    """The line that turns the temperature into the target."""

    slope: float
    shift: float


def handout(spec: Mapping[str, Json]) -> dict[str, bytes]:
    """Give the files of a student's room; Jena's name is there for textbooks' notebooks."""
    return {**looked_up_in(spec), f"{KERAS}{JENA}.zip": parsed(_source(), _like_jenas)}


def looked_up_in(spec: Mapping[str, Json]) -> dict[str, bytes]:  # noqa: ARG001 the protocol's shape
    """Give the file that students have, and in which a check of theirs looks windows up."""
    return {FILE: parsed(_source(), _own_file)}


def read_files(files: Mapping[str, bytes], spec: Mapping[str, Json]) -> Array:  # noqa: ARG001
    """Read the readings of the students' file, (hours, 14)."""
    with zipfile.ZipFile(io.BytesIO(files[FILE])) as archive:
        _, *rows = csv.reader(archive.read(TABLE).decode().splitlines())
    return np.array([row[1:] for row in rows], dtype=np.float64)


def _own_file(found: Source) -> bytes:
    return zipped(TABLE, parsed(found, _parse).text)


def _like_jenas(found: Source) -> bytes:
    """Give as many rows as Jena's file has, ten minutes apart.

    Its last line has no end, as in Jena's own: the textbook splits the text at every one.
    """
    header, *rows = parsed(found, _parse).text.decode().splitlines()
    readings = [row.split(",", 1)[1] for row in rows]
    held = (reading for reading in itertools.cycle(readings) for _ in range(TEN_MINUTES))
    lines = (f"{stamp},{next(held)}" for stamp in _stamps(JENAS_ROWS))
    return zipped(JENA, "\n".join([header, *lines]).encode())


def _stamps(count: int) -> Iterator[str]:
    """Give dates and times as Jena's: from ten past midnight of its first day."""
    times = [f"{hour:02}:{minute:02}:00" for hour in range(24) for minute in range(0, 60, 10)]
    days = (JENAS_FIRST_DAY + timedelta(days=number) for number in itertools.count())
    every = (f"{day:%d.%m.%Y} {time}" for day in days for time in times)
    return itertools.islice(every, 1, count + 1)


def examine(fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
    """Judge what ``fit`` was fed; see ``look``."""
    return look(fit, spec, _weather().students)


def look(fit: FitSample, spec: Mapping[str, Json], students: Array) -> DataReading:
    """Judge what ``fit`` was fed: shapes, places in the file, scale, target, number of windows.

    ``students``: what is looked up in, the readings of the students' file, (hours, 14).
    """
    steps, delay = _whole(spec, "lookback", 36), _whole(spec, "delay", DAY)
    if fit.x is None or fit.y is None or not len(fit.x.rows) or not len(fit.y.rows):
        return DataReading(
            (_wrong("data.shape", f"(n, {steps}, {COLUMNS})", "–", "weather.unseen"),), None
        )
    shape = _shape(fit.x, fit.y, steps, delay)
    if shape.fraction < 1.0:
        return DataReading((shape,), None)
    count = min(len(fit.x.rows), len(fit.y.rows))
    windows = np.asarray(fit.x.rows[:count], dtype=np.float64)
    given = np.asarray(fit.y.rows[:count], dtype=np.float64).reshape(-1)
    if not (np.isfinite(windows).all() and np.isfinite(given).all()):
        return DataReading(
            (shape, _wrong("data.scale", "0 ± 1", "NaN", "weather.not_finite")), None
        )
    found = _found(windows[:, :, TEMPERATURE], students)
    if found is None or 1 < found.per_hour > steps / DAY:
        hours = _too_fine(found, steps) if found else _other_hours(windows, students)
        return DataReading((shape, hours), None)
    windows, given = windows[found.there], given[found.there]
    places = found.places[found.there]
    columns, scale = _columns(windows, found.series[places[:, None] + np.arange(steps)])
    if scale is None:
        return DataReading((shape, columns), None)
    target, line = _target(
        given, found, places + steps - 1, steps, delay, whole=fit.kind == "arrays"
    )
    layout, scaled, notes = _layout(windows, scale, students)
    x, y = fit.x.rows[:count][found.there], fit.y.rows[:count][found.there]
    rows, row_notes = _count(fit, spec, _differing(x, y, places, fit.x.shape[0]))
    hours = _right("data.hours", "1 h", "1 h", "weather.hours_right")
    notes = (*notes, *row_notes)
    notes = (*notes, *_kept_for_checking(places + steps - 1, found, spec))
    if found.per_hour > 1:
        notes = (*notes, Message("weather.finer_note", {"minutes": 60 // found.per_hour}))
    if target.message.id == "weather.target_unseen":
        notes = (*notes, target.message)
    findings = (shape, hours, scaled, target, rows)
    told = {**_encoding(scale, line), PER_HOUR: found.per_hour}
    return DataReading(findings, layout, told, notes)


def _kept_for_checking(last: Array, found: _Found, spec: Mapping[str, Json]) -> tuple[Message, ...]:
    """Say where windows were trained on that lie in the hours which the exercise checks with.

    ``last``: place of each window's last reading, (windows,).
    """
    begin = _whole(spec, "train_hours", 5500) * found.per_hour
    share = float(np.mean(last >= begin))
    if share < LEAST_SHARE:
        return ()
    told = {"share": round(100 * share), "row": begin // found.per_hour}
    return (Message("weather.checked_on", told),)


def ask(reading: DataReading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
    """Ask about weather of the judge's own months, in the student's scale."""
    steps, delay = _whole(spec, "lookback", 36), _whole(spec, "delay", DAY)
    told = cast("Mapping[str, Any]", reading.encoding or _usual_encoding(spec))
    per_hour = int(told.get(PER_HOUR, 1))
    hidden, delay = np.repeat(_weather().hidden, per_hour, axis=0), delay * per_hour
    ends = np.arange(steps, len(hidden) - delay)
    rows = min(len(ends), _whole(spec, "hidden_rows", 1000))
    ends = np.sort(rng.choice(ends, rows, replace=False))
    inputs, answers = _windows(hidden, ends, steps, delay)
    today = inputs[:, -1, TEMPERATURE]
    inputs = inputs * np.asarray(told["slope"]) + np.asarray(told["shift"])
    answers, naive = (
        (one * float(told["answer_slope"]) + float(told["answer_shift"])).astype(np.float32)
        for one in (answers, today)
    )
    return Question(inputs.astype(np.float32), answers, naive)


def measure(predictions: Array, question: Question) -> dict[str, float]:
    """Give the mean absolute error, in standard deviations of the answers and of the naive one's.

    Some weeks are easier to foretell than others. The naive answer finds them easier too, so the
    quotient (Hyndman and Koehler's relative MAE, 2006) tells models apart that ``mae`` cannot.
    """
    if predictions.size != question.answers.size:
        return {}
    mae = _error(predictions, question)
    if not np.isfinite(mae):
        return {}
    return {"mae": mae, "relative_mae": mae / _error(_naive(question), question)}


def _error(predictions: Array, question: Question) -> float:
    errors = np.abs(predictions.reshape(-1).astype(np.float64) - question.answers)
    return float(errors.mean() / question.answers.std())


def controls(question: Question) -> dict[str, Array]:
    """Give the mean, and the naive answer: as warm as at the same hour a day before."""
    answers = question.answers
    return {"mean": np.full_like(answers, answers.mean()), "naive": _naive(question)}


def _naive(question: Question) -> Array:
    """Answer with the window's last hour, a day before the one that is asked for.

    It is brought to the target's own scale by the line that turns readings into targets.
    """
    today: Array = question.inputs[:, -1, TEMPERATURE]
    return today if question.naive is None else question.naive


def training(rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:  # noqa: ARG001
    """Give the notebook's own windows and targets: (windows, lookback, 14), (windows,)."""
    steps, delay = _whole(spec, "lookback", 36), _whole(spec, "delay", DAY)
    series = _weather().students[: _whole(spec, "train_hours", 5500)]
    told = cast("Mapping[str, Any]", _usual_encoding(spec))
    standardised = series * np.asarray(told["slope"]) + np.asarray(told["shift"])
    ends = np.arange(steps, len(series) - delay, _whole(spec, "stride", 4))
    inputs, targets = _windows(standardised, ends, steps, delay)
    return inputs.astype(np.float32), targets.astype(np.float32)


def _windows(series: Array, ends: Array, steps: int, delay: int) -> tuple[Array, Array]:
    places = ends[:, None] + np.arange(-steps, 0)
    return series[places], series[ends + delay - 1, TEMPERATURE]


# --- the data set ------------------------------------------------------------------------------


def _source() -> Source:
    return source(Path(__file__).resolve().parents[1], DATA_SET)


def _weather() -> _Weather:
    return parsed(_source(), _parse)


def _parse(found: Source) -> _Weather:
    header, rows = _table(found)
    year, month = HIDDEN_FROM[found.origin.name]
    first_hidden = next(
        number for number, row in enumerate(rows) if _month(row[0]) >= (year, month)
    )
    values = np.array([row[1:] for row in rows], dtype=np.float64)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows[:first_hidden]])
    return _Weather(values[:first_hidden], values[first_hidden:], text.getvalue().encode())


def _table(found: Source) -> tuple[list[str], list[list[str]]]:
    """Give Jena's header and one row an hour: date and time, fourteen columns."""
    if found.origin.name == "jena":
        with zipfile.ZipFile(found.origin.path) as archive:
            lines = archive.read(JENA).decode().splitlines()
        header, *rows = csv.reader(lines)
        return header, rows[TEN_MINUTES - 1 :: TEN_MINUTES]
    text = gzip.decompress(found.origin.path.read_bytes()).decode()
    header, *rows = csv.reader(text.splitlines())
    return header[1:], [row[1:] for row in rows if row[0] == STATION]


def _month(stamp: str) -> tuple[int, int]:
    """Year and month of "31.12.2013 23:00:00"."""
    _, month, year = stamp.split(" ", 1)[0].split(".")
    return int(year), int(month)


def _usual_encoding(spec: Mapping[str, Json]) -> dict[str, Json]:
    """Standardised by the notebook's training hours."""
    part = _weather().students[: _whole(spec, "train_hours", 5500)]
    mean, spread = part.mean(axis=0), part.std(axis=0)
    scale = _Scale(1 / spread, -mean / spread)
    return _encoding(scale, None)


# --- what was given to fit ---------------------------------------------------------------------


def _shape(x: ArraySample, y: ArraySample, steps: int, delay: int) -> Finding:
    expected = f"X (n, {steps}, {COLUMNS}), Y (n,)"
    got = f"X {_shown(x.shape)}, Y {_shown(y.shape)}"
    if x.shape[1:] == (COLUMNS, steps):
        return _wrong("data.shape", expected, got, "weather.transposed")
    if x.shape[1:] != (steps, COLUMNS):
        return _wrong("data.shape", expected, got, "weather.shape", steps=steps)
    if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
        return _wrong("data.shape", expected, got, "weather.target_shape", hours=delay)
    return _right("data.shape", expected, got, "weather.shape_right")


def _found(given: Array, students: Array) -> _Found | None:
    """Look windows (n, steps) of temperatures up: by the hour, around the end, in finer steps."""
    again = np.arange(len(students) + given.shape[1] + LONGEST_DELAY + 1) % len(students)
    around = students[again]
    tried = ((students, 1), *((around, per_hour) for per_hour in (1, *FINER)))
    for series, per_hour in tried:
        readings = np.repeat(series, per_hour, axis=0)
        places, there = _places(given, readings[:, TEMPERATURE])
        if there.mean() >= ALMOST_ALL:
            return _Found(readings, per_hour, places, there)
    return None


def _places(given: Array, series: Array, every: int = 1) -> tuple[Array, Array]:
    """Look up where in the series each window (n, steps) begins, and whether it is there at all.

    ``every``: hours from reading to reading within a window.
    """
    steps = given.shape[1]
    places, best = np.zeros(len(given), dtype=np.int64), np.full(len(given), -np.inf)
    span = (steps - 1) * every + 1
    if span > len(series):
        return places, best > ALIKE
    windows = np.lib.stride_tricks.sliding_window_view(series, span)[:, ::every]
    shapes = _shapes(given)
    for start in range(0, len(windows), AT_A_TIME):  # long windows of years would fill the memory
        alike = shapes @ _shapes(windows[start : start + AT_A_TIME]).T / steps  # (windows, places)
        nearest = alike.argmax(axis=1)
        value = alike[np.arange(len(given)), nearest]
        places = np.where(value > best, start + nearest, places)
        best = np.maximum(value, best)
    found: Array = best > ALIKE
    return places, found


def _too_fine(found: _Found, steps: int) -> Finding:
    """Tell windows that read so often that they are shorter than a day."""
    minutes, hours = 60 // found.per_hour, f"{round(steps / found.per_hour, 1):g}"
    told = partial(_wrong, "data.hours", "1 h", f"{minutes} min", "weather.finer")
    return told(minutes=minutes, hours=hours, rows=DAY * found.per_hour)


def _other_hours(windows: Array, series: Array) -> Finding:
    """Tell windows that skip hours, as the textbook's step=6 does with rows of an hour."""
    for every in SKIPPED:
        _, found = _places(windows[:, :, TEMPERATURE], series[:, TEMPERATURE], every)
        if found.mean() >= ALMOST_ALL:
            return _wrong("data.hours", "1 h", f"{every} h", "weather.skips", every=every)
    return _wrong("data.hours", "1 h", "–", "weather.hours", steps=windows.shape[1])


def _shapes(windows: Array) -> Array:
    """Ups and downs: every window with mean 0 and spread 1, a flat one with zeros."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    shapes: Array = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9)
    return shapes.astype(np.float32)


def _columns(windows: Array, known: Array) -> tuple[Finding, _Scale | None]:
    """Read off each column's scale; say which one holds something else."""
    given, there = windows.reshape(-1, COLUMNS), known.reshape(-1, COLUMNS)
    slope, shift = np.ones(COLUMNS), np.zeros(COLUMNS)
    for column in range(COLUMNS):
        line = _line(there[:, column], given[:, column])
        if line is None:
            args = {"column": column}
            return _wrong("data.hours", "14", f"{column}", "weather.column", **args), None
        slope[column], shift[column] = line.slope, line.shift
    return _right("data.hours", "1 h", "1 h", "weather.hours_right"), _Scale(slope, shift)


def _line(known: Array, given: Array) -> _Target | None:
    """The line from known readings to given ones, if they lie on one."""
    spread = known.std()
    if spread == 0.0:
        return _Target(1.0, float(given.mean() - known.mean())) if given.std() == 0.0 else None
    if given.std() == 0.0:
        return None
    slope = float(((known - known.mean()) * (given - given.mean())).mean() / spread**2)
    shift = float(given.mean() - slope * known.mean())
    residual = np.abs(given - slope * known - shift).max()
    return _Target(slope, shift) if residual <= EXACT * given.std() else None


def _target(
    given: Array, found: _Found, last: Array, steps: int, delay: int, *, whole: bool
) -> tuple[Finding, _Target | None]:
    """The temperature ``delay`` hours after the window's last reading, in any scale.

    Up to an hour more is accepted: the textbook's own loop counts from the one after the window.
    ``whole``: what is given is no single batch.
    """
    expected, series, hour = f"{delay} h", found.series, found.per_hour
    within = last + delay * hour < len(series)
    if whole and len(given) >= ENOUGH_PAIRS and within.mean() < ALMOST_ALL:  # nothing to foretell
        return _wrong("data.target", expected, "?", "weather.target_beyond", hours=delay), None
    if within.sum() < ENOUGH_PAIRS:
        return _right("data.target", expected, "?", "weather.target_unseen"), None
    right = range(delay * hour, (delay + 1) * hour + 1)
    for ahead in right:
        line = _looked_up(given, series, last + ahead, TEMPERATURE)
        if line:
            return _right("data.target", expected, f"{ahead // hour} h", TARGET_RIGHT), line
    # In code the hours count from the first one after the window, series[i].
    wrong = partial(_wrong, "data.target", steps=steps, hours=delay, ahead=delay - 1)
    for ahead in range(-DAY * hour, (LONGEST_DELAY + 1) * hour):
        if _looked_up(given, series, last + ahead, TEMPERATURE):
            other = ahead // hour
            return wrong(expected, f"{other} h", _hour(other), delay=abs(other)), None
    for column in range(COLUMNS):
        for ahead in right:
            if _looked_up(given, series, last + ahead, column):
                return wrong("T[1]", f"T[{column}]", "weather.target_column", column=column), None
    return wrong(expected, "–", "weather.target"), None


def _hour(other: int) -> str:
    if other < 0:
        return "weather.target_before"
    return "weather.target_delay" if other else "weather.target_last"


def _looked_up(given: Array, series: Array, goal: Array, column: int) -> _Target | None:
    inside = (goal >= 0) & (goal < len(series))
    if inside.sum() < ENOUGH_PAIRS:
        return None
    return _line(series[goal[inside], column], given[inside])


def _layout(
    windows: Array, scale: _Scale, series: Array
) -> tuple[str, Finding, tuple[Message, ...]]:
    """Tell standardised readings from raw ones and from scales of the student's own."""
    temperature = windows[:, :, TEMPERATURE]
    mean, spread = float(temperature.mean()), float(temperature.std())
    got = f"{mean:.2g} ± {spread:.2g}"
    if np.allclose(scale.slope, 1.0, atol=EXACT) and np.allclose(scale.shift, 0.0, atol=0.1):
        return RAW, _wrong("data.scale", "0 ± 1", got, "weather.raw"), ()
    usual = scale.slope * series.std(axis=0)
    centre = scale.slope * series.mean(axis=0) + scale.shift
    if np.all((usual > 0.5) & (usual < 2.0)) and np.all(np.abs(centre) < 1.0):
        return STANDARDISED, _right("data.scale", "0 ± 1", got, "weather.standardised_right"), ()
    right = _right("data.scale", "0 ± 1", got, "weather.scale_right")
    return SCALED, right, (Message("weather.own_scale", {"got": got}),)


def _encoding(scale: _Scale, target: _Target | None) -> dict[str, Json]:
    """How to turn readings into the student's scale."""
    line = target or _Target(float(scale.slope[TEMPERATURE]), float(scale.shift[TEMPERATURE]))
    return {
        "slope": cast("list[Json]", scale.slope.tolist()),
        "shift": cast("list[Json]", scale.shift.tolist()),
        "answer_slope": line.slope,
        "answer_shift": line.shift,
    }


def _differing(x: Array, y: Array, places: Array, rows: int) -> int:
    """Give how many of so many windows are hours of their own, and not another one blurred.

    The same numbers a second time are no blur: readings every ten minutes repeat themselves.

    Args:
        x: windows as they were given, (windows, steps, 14).
        y: their targets, as many.
        places: where each begins in the file, (windows,).
        rows: how many there are that differ, of which these are the first.
    """
    once = distinct_places(x, y)  # as often as that is counted already
    return among(first_places(places[once]), len(once), rows)


def _count(
    fit: FitSample, spec: Mapping[str, Json], rows: int
) -> tuple[Finding, tuple[Message, ...]]:
    least = _whole(spec, "min_rows", 1000)
    if fit.kind != "arrays":  # of a dataset only its first batch was seen
        finding = _right("data.rows", f"≥ {least}", "?", "weather.rows_uncounted")
        return finding, (finding.message,)
    if rows < least:
        return _wrong("data.rows", f"≥ {least}", str(rows), "weather.rows", rows=rows), ()
    return _right("data.rows", f"≥ {least}", str(rows), "weather.rows_right", rows=rows), ()


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
