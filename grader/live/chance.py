"""Where a training stands among correct ones at the same epoch, long before it has ended.

Enters: a Curve, the losses of a fit. Leaves: a Standing, the ids of what is said. Touches nothing.

A run is behind where so few correct runs were as far behind that one in twenty of them is. So it
says of one correct run in twenty that it is behind, and the words say so too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.course.curves import MIDDLE, Curve, is_same_loss
from grader.course.exercises import Exercise
from grader.live.evidence import LiveEvidence
from grader.types import EvidenceClass, Grade

RARE = 0.05
HARDLY = 0.85  # a loss that keeps more than this share of itself has hardly fallen
LATE = 0.75  # from which share of lower runs on nobody is told to go on


@dataclass(frozen=True)
class Standing:
    """A run among correct runs.

    Attributes:
        curve: theirs.
        losses: the run's own, from its first epoch on.
        epoch: at which they are compared, counted from 1.
        share_below: of the correct runs that had a lower loss there.
    """

    curve: Curve
    losses: tuple[float, ...]
    epoch: int
    share_below: float

    @property
    def lower(self) -> int:
        """How many of the correct runs had a lower loss; none or all only where that is so."""
        if self.share_below in (0.0, 1.0):
            return round(self.share_below) * self.curve.runs
        return min(max(1, round(self.share_below * self.curve.runs)), self.curve.runs - 1)

    @property
    def loss(self) -> float:
        """The run's own loss at that epoch."""
        return self.losses[self.epoch - 1]

    @property
    def median(self) -> float:
        """What half of the correct runs were below."""
        return self.curve.at(self.epoch)[MIDDLE]

    @property
    def early(self) -> bool:
        """Whether correct runs have hardly learned by then, so that nothing tells them apart."""
        first, *later = self.curve.epochs
        start = self.curve.at(first)[MIDDLE]
        now = self.epoch if self.epoch != first or not later else later[0]
        return self.curve.at(now)[MIDDLE] > HARDLY * start

    @property
    def late(self) -> bool:
        """Whether it is among the slowest quarter of correct runs, or behind them."""
        return self.share_below >= LATE

    @property
    def behind(self) -> bool:
        """Whether a correct run is seldom so far behind."""
        as_far = self.curve.runs * (1.0 - self.share_below)
        return (as_far + 1.0) / (self.curve.runs + 1.0) <= RARE


def standing_of(
    found: LiveEvidence, grade: Grade, exercise: Exercise, curve: Curve | None
) -> Standing | None:
    """Compare a run; None where it and correct ones have nothing to be compared by.

    Where accuracy earns nothing, how it learns matters to nobody. Layers or data that are wrong
    come first; another loss, another length, several fits in a row or an engine that learns
    otherwise are other figures.
    """
    chosen = found.chosen
    if curve is None or chosen is None or not exercise.earns_by_accuracy:
        return None
    wrong = {check.cls for check in grade.checks if check.failed}
    fits, loss = chosen.known.fits, chosen.reading.candidate.compile.get("loss")
    alike = (
        not wrong & {EvidenceClass.STRUCTURE, EvidenceClass.DATA}
        and chosen.reading.input_shape == exercise.input_shape
        and isinstance(loss, str)
        and is_same_loss(loss, curve.loss)
        and len(fits) == 1
        and not found.epochs_unsure
        and curve.engine in ("", found.engine)
    )
    return compared(curve, fits[0].history.get("loss", ())) if alike else None


def said_of(standing: Standing, *, done: bool, misset: bool) -> Iterator[str]:
    """Name what is said of a run: where it stands, and what to look at where it is behind.

    Args:
        standing: the run.
        done: all epochs are, so that there is nothing to go on with.
        misset: a hint advises against a setting, and nobody goes on with it.
    """
    ends = {0: "live.chance_none", standing.curve.runs: "live.chance_all"}
    yield ends.get(standing.lower, "live.chance")
    if done:  # what it has learned is what accuracy tells
        if standing.late:
            yield "live.chance_done"
    elif standing.behind:
        yield "live.chance_behind"
    elif misset:
        return
    elif standing.early:
        yield "live.chance_early"
    elif standing.late:
        yield from ("live.chance_late", "live.chance_late_rate")
    else:
        yield "live.chance_among"


def compared(curve: Curve, losses: Sequence[float]) -> Standing | None:
    """Compare losses at the last epoch that both tell of."""
    epoch = max((one for one in curve.epochs if one <= len(losses)), default=None)
    if epoch is None or not math.isfinite(losses[epoch - 1]):
        return None
    below = curve.share_below(epoch, losses[epoch - 1])
    return Standing(curve, tuple(losses), epoch, below)
