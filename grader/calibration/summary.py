"""Writes a page about what was calibrated, with a picture per exercise and engine.

Enters: a course. Leaves: ``README.md`` and PNGs in a folder. Touches: that folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.calibration.agreement import Agreement, agreements
from grader.calibration.plots import plot_calibration
from grader.calibration.stalls import has_stalled
from grader.course.exercises import Course, Exercise
from grader.course.expectations import REFERENCE, Rate, Threshold
from grader.course.families import load_family

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Row:
    """What one exercise reached on one engine and device."""

    exercise: str
    entry: Threshold
    correct: int
    stalled: int  # of them: never learned
    mistakes: int
    attempts: int
    picture: str  # file name

    @property
    def after(self) -> Rate | None:
        """The chance that correct work misses in every attempt."""
        return self.entry.false_fail and self.entry.false_fail.after(self.attempts)


def write_summary(course: Course, folder: Path) -> Path:
    """Draw every threshold and write the page; returns its path."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder.mkdir(parents=True, exist_ok=True)
    measured = [one for one in course.exercises.values() if one.expectation is not None]
    rows = [row for one in measured for row in _rows(one)]
    for row in rows:
        plot_calibration(course.exercise(row.exercise), row.entry, folder / row.picture)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown of the course's own figures
        keep_trailing_newline=True,
    )
    environment.filters |= {"figure": _figure, "rate": _rate}
    page = environment.get_template("summary.md.j2").render(
        rows=rows,
        missing=[one.id for one in course.exercises.values() if one.expectation is None],
        agreements=list(_agreements(course, measured)),
    )
    path = folder / "README.md"
    path.write_text(page, encoding="utf-8")
    return path


def _rows(exercise: Exercise) -> Iterator[Row]:
    assert exercise.expectation is not None
    for entry in exercise.expectation.thresholds:
        here = [
            run
            for run in exercise.expectation.runs
            if (run.engine, run.device) == (entry.engine, entry.device)
        ]
        correct = [run for run in here if run.control == REFERENCE]
        stalled = sum(has_stalled(run, exercise.expectation) for run in correct)
        picture = f"{exercise.id}-{entry.engine}-{entry.device}.png".replace(" ", "-")
        beside = {REFERENCE, *exercise.unbeaten, *entry.left_out}
        mistakes = sum(run.control not in beside for run in here)
        yield Row(exercise.id, entry, len(correct), stalled, mistakes, exercise.attempts, picture)


def _agreements(course: Course, exercises: Sequence[Exercise]) -> Iterator[tuple[str, Agreement]]:
    assert course.reference is not None
    for one in exercises:
        assert one.expectation is not None
        assert one.family is not None
        better = load_family(course.reference, one.family).BETTER
        for found in agreements(one.expectation, better):
            yield one.id, found


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _rate(rate: Rate | None) -> str:
    return "–" if rate is None else f"{rate.estimate:.2%} (≤ {rate.upper95:.2%})"
