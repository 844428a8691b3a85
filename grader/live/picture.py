"""A small picture of where a training stands: a line of signs, and a drawing for notebooks.

Enters: a Standing. Leaves: a text; SVG without scripts, links or anything to fetch, in the colours
of whatever page it stands in. Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from grader.course.curves import MIDDLE, STEPS
from grader.live.chance import Standing

WIDTH, HEIGHT, EDGE, FOOT, LEFT = 272, 96, 6, 14, 18  # pixels
LOW, HIGH = 1, STEPS - 1  # of the levels: 5 % and 95 % of the runs
SIGNS = 21
Point = tuple[float, float]


def scale(standing: Standing) -> str:
    """Give the run's place among the losses of correct runs: ``├──────┼───●──┤``."""
    place = round(standing.share_below * (SIGNS - 1))
    signs = ["├", *("─" * (SIGNS - 2)), "┤"]
    signs[SIGNS // 2] = "┼"
    signs[place] = "●"
    return "".join(signs)


def drawing(standing: Standing, colour: str, label: str, upright: str) -> str:
    """Draw the run's losses over those of nine in ten correct runs, and of the middle one.

    Args:
        standing: the run.
        colour: of its line.
        label: what it says to whoever cannot see it.
        upright: what the upright axis is of.
    """
    curve = standing.curve
    last = curve.epochs[-1]
    own = [(n, one) for n, one in enumerate(standing.losses[:last], 1) if math.isfinite(one)]
    band = [*((n, curve.at(n)[HIGH]) for n in curve.epochs)]
    band += [*((n, curve.at(n)[LOW]) for n in reversed(curve.epochs))]
    middle = [(n, curve.at(n)[MIDDLE]) for n in curve.epochs]
    place = _places([*own, *band], last)
    across, down = place(own[-1])
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}" fill="none" font-size="10" font-family="sans-serif">'
        f'<polygon points="{_line(band, place)}" fill="currentColor" fill-opacity="0.18" '
        'stroke="currentColor" stroke-opacity="0.18" stroke-width="6" stroke-linejoin="round"/>'
        f'<polyline points="{_line(middle, place)}" stroke="currentColor" stroke-dasharray="3 3"/>'
        f'<polyline points="{_line(own, place)}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>'
        f'<text x="{LEFT}" y="{HEIGHT - 3}" fill="currentColor">1</text>'
        f'<text transform="translate(10 {(HEIGHT - FOOT) // 2}) rotate(-90)" fill="currentColor" '
        f'text-anchor="middle">{escape(upright)}</text>'
        f'<text x="{WIDTH - EDGE}" y="{HEIGHT - 3}" fill="currentColor" text-anchor="end">'
        f"{last}</text></svg>"
    )


def _line(points: Sequence[Point], place: Callable[[Point], Point]) -> str:
    return " ".join("{:.1f},{:.1f}".format(*place(one)) for one in points)


def _places(points: Sequence[Point], last: int) -> Callable[[Point], Point]:
    """Say where points go: losses by their log, where all have one."""
    positive = all(loss > 0 for _, loss in points)
    size: Callable[[float], float] = math.log if positive else float
    sizes = [size(loss) for _, loss in points]
    low, high = min(sizes), max(sizes)

    def place(point: Point) -> Point:
        epoch, loss = point
        across = (epoch - 1) / max(1, last - 1)
        down = (high - size(loss)) / (high - low) if high > low else 0.5
        room = HEIGHT - FOOT - 2 * EDGE
        return LEFT + across * (WIDTH - EDGE - LEFT), EDGE + down * room

    return place
