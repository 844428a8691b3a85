"""Draws what calibration measured: correct runs, known mistakes, and where the threshold stands.

Enters: an Exercise with its expectation. Leaves: a PNG. Touches: that file.
"""

from __future__ import annotations

from pathlib import Path

from grader.course.exercises import Exercise
from grader.course.expectations import REFERENCE, Threshold

RIGHT, WRONG, BESIDE, LINE = "#1b6e4b", "#9c2f26", "#7a7f87", "#30343b"
DOTS_PER_INCH = 110


def plot_calibration(exercise: Exercise, threshold: Threshold, path: Path) -> None:
    """Draw every run of one engine and device by the chosen metric, on a log axis for errors.

    Args:
        exercise: with an expectation.
        threshold: which engine, device and metric to draw.
        path: of the PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    assert exercise.expectation is not None
    by_control: dict[str, list[float]] = {}
    for run in exercise.expectation.runs:
        here = (run.engine, run.device) == (threshold.engine, threshold.device)
        if here and threshold.metric in run.metrics:
            by_control.setdefault(run.control, []).append(run.metrics[threshold.metric])
    names = sorted(by_control, key=lambda name: (name != REFERENCE, name))
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.45 * len(names)), layout="constrained")
    for row, name in enumerate(names):
        values = by_control[name]
        answer = BESIDE if name in {*exercise.unbeaten, *threshold.left_out} else WRONG
        colour = RIGHT if name == REFERENCE else answer
        axes.plot(values, [row] * len(values), "o", color=colour, alpha=0.55, markersize=7)
    axes.set_yticks(range(len(names)), [f"{name} ({len(by_control[name])})" for name in names])
    axes.invert_yaxis()
    if threshold.better == "lower":
        axes.set_xscale("log")
    title = f"{exercise.id}, {threshold.engine} on {threshold.device}"
    if threshold.value is None:
        title += ": no threshold"
    else:
        axes.axvline(threshold.value, color=LINE, linestyle="--")
        title += f": threshold {threshold.value:.3g}"
    axes.set_xlabel(threshold.metric)
    axes.set_title(title, fontsize=11)
    axes.grid(axis="x", alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH)
    plt.close(figure)
