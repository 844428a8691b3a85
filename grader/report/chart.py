"""The loss curve as a drawing, made from numbers alone.

Enters: a history. Leaves: geometry for the page's inline SVG. Touches nothing.

Axis: linear, or logarithmic where the loss spans more than a factor of 20. Epochs without a finite
loss leave a gap. A claimed history may say anything: what no axis can hold leaves a gap too, and
what no eye can tell from zero is drawn there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from grader.text.numbers import number

WIDTH, HEIGHT = 640.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 16.0, 14.0, 44.0
LETTER = 11.0  # width of a label's character on a phone, where the style sheet makes them largest
MOST_POINTS = 400
_LOG_FROM = 20.0
_HUGE = 1e30
_TINY = 1 / _HUGE
_FINEST = 1e-6  # of its highest loss: the least height that an axis has
_SERIES = ("loss", "val_loss")
_ROUND_STEPS = [s * 10**power for power in range(9) for s in (1, 2, 5)]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str
    anchor: str = "middle"  # "end" where the middle would leave the drawing


@dataclass(frozen=True)
class LossCurve:
    """The losses of one series: its name and its unbroken stretches as SVG points."""

    name: str
    stretches: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]  # epochs whose neighbours are both missing


@dataclass(frozen=True)
class Chart:
    """A drawing of the losses over the epochs."""

    curves: tuple[LossCurve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    logarithmic: bool
    epochs: int
    first: str
    last: str
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def loss_chart(history: Mapping[str, Sequence[float]]) -> Chart | None:
    """Draw ``loss`` and ``val_loss``; None where there are fewer than two finite losses."""
    drawable = {name: _drawable(history.get(name, ())) for name in _SERIES}
    losses = [v for v in drawable["loss"] if math.isfinite(v)]
    if len(losses) < 2:  # noqa: PLR2004 - one point is no curve
        return None
    series = {name: _thinned(values) for name, values in drawable.items()}
    finite = [v for points in series.values() for _, v in points if math.isfinite(v)]
    logarithmic = min(finite) > 0 and max(finite) / min(finite) > _LOG_FROM
    low, high = _span(finite, logarithmic=logarithmic)
    ticks = _log_ticks(low, high) if logarithmic else _even_ticks(low, high)
    left = max(LEFT, 16.0 + LETTER * max((len(number(one)) for one in ticks), default=0))
    epochs = max(len(history.get(name, ())) for name in _SERIES)

    def to_xy(epoch: int, value: float) -> tuple[float, float]:
        level = math.log10(value) if logarithmic else value
        across = (epoch - 1) / max(epochs - 1, 1)
        x = left + across * (WIDTH - left - RIGHT)
        y = HEIGHT - BOTTOM - (level - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    def y_of(value: float) -> float:
        return to_xy(1, value)[1]

    return Chart(
        curves=tuple(_curve(name, points, to_xy) for name, points in series.items() if points),
        x_ticks=tuple(_epoch_tick(to_xy(e, finite[0])[0], str(e)) for e in _epoch_ticks(epochs)),
        y_ticks=tuple(Tick(y_of(value), number(value)) for value in ticks),
        logarithmic=logarithmic,
        epochs=epochs,
        first=number(float(f"{losses[0]:.3g}")),
        last=number(float(f"{losses[-1]:.3g}")),
        left=left,
    )


def _epoch_tick(at: float, label: str) -> Tick:
    """Keep a label within the drawing, whose edge cuts what stands out."""
    cut = at + LETTER * len(label) / 2 > WIDTH
    return Tick(min(at + RIGHT, WIDTH - 1), label, "end") if cut else Tick(at, label)


def _drawable(values: Sequence[float]) -> list[float]:
    """The values that an axis can hold; others are NaN, or zero where they are next to it."""
    bounded = (value if abs(value) < _HUGE else math.nan for value in values)
    return [0.0 if abs(value) < _TINY else value for value in bounded]


def _thinned(values: Sequence[float]) -> list[tuple[int, float]]:
    """Pairs of epoch and loss, at most MOST_POINTS and the last of them.

    Where epochs have to be left out, those without a finite loss are, before others.
    """
    step = max(1, math.ceil(len(values) / MOST_POINTS))
    pairs = list(enumerate(values, start=1))
    stretches = (pairs[start : start + step] for start in range(0, len(pairs), step))
    kept = [next((p for p in some if math.isfinite(p[1])), some[0]) for some in stretches]
    return kept if not kept or kept[-1] is pairs[-1] else [*kept, pairs[-1]]


def _curve(
    name: str, points: list[tuple[int, float]], to_xy: Callable[[int, float], tuple[float, float]]
) -> LossCurve:
    stretches: list[list[tuple[float, float]]] = [[]]
    for epoch, value in points:
        if math.isfinite(value):
            stretches[-1].append(to_xy(epoch, value))
        elif stretches[-1]:
            stretches.append([])
    whole = [stretch for stretch in stretches if stretch]
    return LossCurve(
        name,
        tuple(" ".join(f"{x},{y}" for x, y in s) for s in whole if len(s) > 1),
        tuple(s[0] for s in whole if len(s) == 1),
    )


def _span(finite: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """Lower and upper end of the axis: a little air, never zero height; losses start at zero."""
    if logarithmic:
        low, high = math.log10(min(finite)), math.log10(max(finite))
        air = 0.06 * (high - low)
        return low - air, high + air
    low, high = min(0.0, *finite), max(finite)
    largest = max(abs(low), abs(high))
    if high - low <= _FINEST * largest:
        return low - (largest or 1.0), high + (largest or 1.0)
    return low, high + 0.05 * (high - low)


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, with 3s between where there are few."""
    powers = range(math.ceil(low), math.floor(high) + 1)
    stride = max(1, math.ceil(len(powers) / 6))
    few = len(powers) <= 3  # noqa: PLR2004 - few decades need more marks
    factors = (1, 3) if few else (1,)
    powers = range(powers.start - few, powers.stop)
    ticks = [factor * 10.0**power for power in powers[::stride] for factor in factors]
    return [tick for tick in ticks if low <= math.log10(tick) <= high]


def _even_ticks(low: float, high: float) -> list[float]:
    """Four or five round values."""
    raw = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(raw))
    step = next((size * factor for factor in (1, 2, 2.5, 5) if size * factor >= raw), 10 * size)
    first = math.ceil(low / step)
    count = math.floor(high / step) + 1
    return [float(f"{i * step:.12g}") for i in range(first, count)]


def _epoch_ticks(epochs: int) -> list[int]:
    if epochs <= 6:  # noqa: PLR2004 - every epoch fits
        return list(range(1, epochs + 1))
    step = next(s for s in _ROUND_STEPS if epochs / s <= 6)  # noqa: PLR2004
    return [1, *range(step, epochs + 1, step)] if step > 1 else list(range(1, epochs + 1))
