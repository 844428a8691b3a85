"""What calibration measured, and the threshold that follows from it.

Enters: nothing; ``grader.course.load`` reads an ``expected.json`` into an Expectation, key by key.
Leaves: by ``threshold`` the Threshold for one engine and device. Touches nothing.

Where nobody calibrated on a device, the nearest measurement of the same exercise, profile and data
stands in, and its threshold moves halfway in log towards the negative controls: a stranger machine
must not cost a point that the known ones would give.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from grader.course.marks import BeforeValidator, ConfigDict, Field
from grader.types import Message, Scalar

REFERENCE = "reference"  # the control named so is the reference solution itself
TRAINER = "trainer"  # in place of an engine: the notebook asked, and our own room trained
SCHEMA = "grader/expected/v1"

Better = Literal["lower", "higher"]
Given = TypeVar("Given")
Unsaid = Annotated[Given | None, Field(default=None)]  # may be left out of the file, not of code


@dataclass(frozen=True)
class Rate:
    """An error rate with the upper end of its 95 % confidence interval."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    estimate: float
    upper95: float

    def after(self, attempts: int) -> Rate:
        """Give the rate at which every attempt errs: each trains anew, with another seed."""
        return Rate(self.estimate**attempts, self.upper95**attempts)


@dataclass(frozen=True)
class CalibrationRun:
    """One measured run: of the reference solution, or of a known mistake."""

    control: str
    engine: str
    device: str
    cores: int
    seed: int
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Threshold:
    """Where the full accuracy points begin (``value``) and where they end at zero (``control``)."""

    metric: str
    better: Better
    value: float | None  # None: no metric separates right from wrong here
    control: Unsaid[float]  # the best negative control's score
    engine: str
    device: str
    false_fail: Unsaid[Rate]
    false_pass: Unsaid[Rate]
    reason: str
    # Computed by ``Expectation.threshold``: what a file says of them is not read.
    widened: Annotated[bool, BeforeValidator(lambda _: False)] = (
        False  # moved towards the control: it was measured elsewhere
    )
    left_out: tuple[str, ...] = ()  # known mistakes that another check shows, so this one need not
    # ``reason`` for readers of either language, where value is None
    why: Annotated[Message | None, BeforeValidator(lambda _: None)] = None


@dataclass(frozen=True)
class MeasuredLayer:
    """One layer of the reference solution as the evaluation saw it."""

    cls: Annotated[str, Field(validation_alias="class")]
    output_shape: tuple[int | None, ...]
    params: int


@dataclass(frozen=True)
class MeasuredStructure:
    """The reference solution's architecture as measured."""

    layers: tuple[MeasuredLayer, ...]
    total_params: int


@dataclass(frozen=True)
class MeasuredData:
    """The data that the runs were fed."""

    fingerprint: str


@dataclass(frozen=True)
class Expectation:
    """The content of ``expected.json``; calibration writes more, for people."""

    schema: Literal["grader/expected/v1"]
    exercise: str
    profile: str
    data: MeasuredData
    structure: MeasuredStructure
    runs: tuple[CalibrationRun, ...]
    thresholds: tuple[Threshold, ...]
    environment: Mapping[str, Any] = field(default_factory=dict)  # of the measuring, for people

    def threshold(
        self, engine: str, device: str, fingerprint: str | None = None
    ) -> Threshold | None:
        """Look up the threshold for one engine and device.

        Args:
            engine: Keras backend.
            device: ``cpu``, or the accelerator's name.
            fingerprint: of the data at hand; None trusts the file.

        Returns:
            The exact match; else the nearest one, widened; None where nothing was measured on
            these data.
        """
        if not self.thresholds or fingerprint not in (None, self.data.fingerprint):
            return None
        nearest = min(self.thresholds, key=lambda entry: _distance(entry, engine, device))
        nearest = replace(nearest, control=self._control_level(nearest), why=self._why(nearest))
        if _distance(nearest, engine, device)[:2] == (False, False):
            return nearest
        return _widened(nearest)

    def correct_runs(self, engine: str) -> int:
        """Count the reference runs on an engine, of all its devices."""
        return sum((run.control, run.engine) == (REFERENCE, engine) for run in self.runs)

    def reference_seconds(self, engine: str) -> float | None:
        """Give the slowest reference run on an engine, in seconds."""
        times = [r.seconds for r in self.runs if r.control == REFERENCE and r.engine == engine]
        return max(times, default=None)

    def _why(self, entry: Threshold) -> Message | None:
        """Say why there is no value: from the runs, since ``reason`` speaks English only."""
        if entry.value is not None:
            return None
        here = [
            run for run in self.runs if (run.engine, run.device) == (entry.engine, entry.device)
        ]
        correct = sum(run.control == REFERENCE for run in here)
        if not correct:
            return Message("accuracy.unmeasured")
        args: dict[str, Scalar] = {"figure": entry.metric, "correct": correct}
        return Message("accuracy.too_near", {**args, "mistakes": len(here) - correct})

    def _control_level(self, entry: Threshold) -> float | None:
        if entry.control is not None:
            return entry.control
        levels = [
            run.metrics[entry.metric]
            for run in self.runs
            if run.control != REFERENCE
            and (run.engine, run.device) == (entry.engine, entry.device)
            and math.isfinite(run.metrics.get(entry.metric, math.nan))
        ]
        best = min if entry.better == "lower" else max
        return best(levels, default=None)


def _distance(entry: Threshold, engine: str, device: str) -> tuple[bool, bool, bool]:
    """Order entries: same engine before same device before having a value at all."""
    return (entry.engine != engine, entry.device != device, entry.value is None)


def _widened(entry: Threshold) -> Threshold:
    if entry.value is None or entry.control is None:
        return replace(entry, widened=True)
    return replace(entry, value=midpoint(entry.value, entry.control), widened=True)


def midpoint(first: float, second: float) -> float:
    """Halfway in log; halfway where a logarithm does not exist."""
    if first > 0 and second > 0:
        return math.sqrt(first * second)
    return (first + second) / 2
