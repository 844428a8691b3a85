"""Measures how correct runs learn, for checks in notebooks; called again, it goes on.

    .venv/bin/python tools/learning-curves.py --dry-run
    .venv/bin/python tools/learning-curves.py --runs 100 --minutes 300

Each run is the reference solution in a room, on JAX (with an Embedding on TensorFlow, which learns
otherwise there), for the first half of the epochs that the exercise asks for, with a seed that no
calibration used: a line in ``docs/calibrated/curves``. Of an
exercise with enough lines ``reference/<id>/curve.json`` is written, which students' checks are
given. No threshold is touched. ``--dry-run`` says what is missing and how long it takes on idle
cores.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

from grader import environment
from grader.calibration.curves import FEWEST, keep, read, write_curve
from grader.calibration.learning import (
    CURVE,
    Trial,
    engine_for,
    learn_all,
    seconds_for,
    trial,
)
from grader.calibration.measure import Setup
from grader.course.curves import epochs_told
from grader.course.data import data_fingerprint
from grader.course.exercises import Exercise
from grader.course.load import load_course
from grader.pipeline.ours import without_results
from grader.pipeline.runner import slots
from grader.room import open_room
from grader.room.quick import quickened
from grader.types import GraderError

ROOT = Path(__file__).resolve().parents[1]
CURVES = ROOT / "docs" / "calibrated" / "curves"
PIECE = 10  # runs of one exercise, before the next one has its turn


def missing(exercise: Exercise, runs: int, curves: Path) -> list[Trial]:
    """Give the runs that are not there yet."""
    done = read(curves, exercise.id, engine_for(exercise).value)
    epochs = epochs_told(exercise.epochs)[-1]
    asked = (trial(exercise, CURVE, number, epochs) for number in range(runs))
    return [one for one in asked if one.plan.seed not in done]


def pieces(
    exercises: list[Exercise], runs: int, curves: Path
) -> Iterator[tuple[Exercise, list[Trial]]]:
    """Give what is missing, all exercises in turn, so that all grow together."""
    asked = {one.id: missing(one, runs, curves) for one in exercises}
    while any(asked.values()):
        for one in exercises:
            piece, asked[one.id] = asked[one.id][:PIECE], asked[one.id][PIECE:]
            if piece:
                yield one, piece


def say(exercises: list[Exercise], runs: int, jobs: int) -> None:
    """Print what is missing, and how long it takes."""
    whole = 0.0
    for one in exercises:
        count = len(missing(one, runs, CURVES))
        each = seconds_for(one, epochs_told(one.epochs)[-1])
        whole += count * each
        print(f"{one.id}: {count} of {runs} missing, {each:.0f} s each")
    print(f"{whole / jobs / 60:.0f} minutes on {jobs} idle cores")


def main() -> None:
    """Run what is missing; write the curves."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=100, help=f"of each; {FEWEST} at least")
    parser.add_argument("--exercise", default="", help="some alone: a,b")
    parser.add_argument("--jobs", type=int, default=len(environment.cores()))
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no piece after them")
    parser.add_argument("--dry-run", action="store_true", help="say what is missing")
    given = parser.parse_args()
    course = load_course(ROOT)
    named = [one for one in given.exercise.split(",") if one] or list(course.exercises)
    exercises = [course.exercise(one) for one in named]
    if given.dry_run:
        say(exercises, given.runs, given.jobs)
        return
    end = time.monotonic() + 60 * given.minutes
    room, _ = quickened(open_room("auto", without_results(course.root)))
    for exercise, trials in pieces(exercises, given.runs, CURVES):
        if time.monotonic() >= end:
            print("time is up; call again")
            return
        setup = Setup(course, exercise, engine_for(exercise), room)
        data = data_fingerprint(exercise, setup.family)
        for asked, found in learn_all(setup, trials, slots(given.jobs)):
            if isinstance(found, GraderError):
                print(f"{exercise.id} {asked.plan.seed}: {found!r}", flush=True)
                continue
            keep(CURVES, exercise.id, data, found)
        curve = write_curve(CURVES, exercise, data)
        print(f"{exercise.id}: {curve.runs if curve else 'too few'} runs", flush=True)


if __name__ == "__main__":
    main()
