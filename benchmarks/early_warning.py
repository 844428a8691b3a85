"""Is the early warning of a check right?

    python benchmarks/early_warning.py --dry-run
    python benchmarks/early_warning.py --runs 40 [--exercise a,b] [--minutes N] [--tell]

For each exercise with a curve (``tools/learning-curves.py``) correct runs and mistaken ones, as
many of each, with seeds that neither calibration nor the curve used, trained for a fifth of the
epochs that are asked for. A warning is right about a mistaken run, silence about a correct one. The
mistakes are those of which no other check speaks: a learning rate a hundred times too small or too
large, one batch for everything, plain SGD. Every run is a line of ``PLACE/runs.jsonl`` as soon as
it is done; what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader import environment
from grader.calibration.learning import Trial, engine_for, learn_all, seconds_for, trial
from grader.calibration.measure import Setup
from grader.course.curves import Curve, read_curve
from grader.course.data import data_fingerprint
from grader.course.exercises import Course, Exercise
from grader.course.families import load_family
from grader.course.load import find_course, load_course
from grader.live.chance import compared, said_of
from grader.pipeline.ours import without_results
from grader.pipeline.runner import slots
from grader.room import open_room
from grader.room.quick import quickened
from grader.submission import Notebook
from grader.types import GraderError

WARNING = "reference/warning"  # names the seeds
CORRECT = "correct"
# What is changed of the reference's calls: what stands there, what instead.
MISTAKES = {
    "tiny_rate": ("optimizer='adam'", "optimizer=tf.keras.optimizers.Adam(1e-5)"),
    "huge_rate": ("optimizer='adam'", "optimizer=tf.keras.optimizers.Adam(0.1)"),
    "one_batch": ("epochs=", "batch_size=100_000, epochs="),
    "plain_sgd": ("optimizer='adam'", "optimizer='sgd'"),
}
Line = dict[str, Any]


def fifth(exercise: Exercise) -> int:
    """Give the epoch at which a warning is to come."""
    return max(1, exercise.epochs // 5)


def changed(notebook: Notebook, kind: str) -> Notebook:
    """Make a mistake in a notebook; a correct one stays as it is."""
    if kind == CORRECT:
        return notebook
    written, instead = MISTAKES[kind]
    cells = []
    for cell in notebook.cells:
        source = cell.source
        if kind == "one_batch" and ".fit(" in source:
            source = re.sub(r"batch_size=\d+,? ?", "", source)
        cells.append(replace(cell, source=source.replace(written, instead)))
    made = replace(notebook, cells=tuple(cells))
    if made == notebook:
        raise SystemExit(f"{notebook.exercise}: no place for {kind}")
    return made


def asked(exercise: Exercise, runs: int, done: Sequence[Line]) -> list[tuple[str, Trial]]:
    """Give the runs that are missing: correct ones, and as many mistaken ones of all kinds."""
    there = {(one["kind"], one["seed"]) for one in done if one["exercise"] == exercise.id}
    kinds = [CORRECT] * runs + [[*MISTAKES][n % len(MISTAKES)] for n in range(runs)]
    found = []
    for number, kind in enumerate(kinds):
        one = trial(exercise, WARNING, number, fifth(exercise))
        if (kind, one.plan.seed) not in there:
            found.append((kind, replace(one, notebook=changed(one.notebook, kind))))
    return found


def told(curve: Curve, losses: Sequence[float | None]) -> str:
    """Name what a check would say: "warned", "on" (it is worth going on), or "" for neither.

    A loss that is no number is told of by other advice.
    """
    standing = compared(curve, [math.nan if one is None else one for one in losses])
    said = (
        ["live.chance_behind"]
        if standing is None
        else [*said_of(standing, done=False, misset=False)]
    )
    return "warned" if "live.chance_behind" in said else "on" if "live.chance_among" in said else ""


def tell(course: Course, lines: Sequence[Line]) -> None:
    """Print, for each exercise, how often warning and silence were right, by kind."""
    for exercise in course.exercises.values():
        mine = [one for one in lines if one["exercise"] == exercise.id]
        curve = curve_of(course, exercise)
        if curve is None or not mine:
            continue
        print(f"{exercise.id}, epoch {fifth(exercise)}, beside {curve.runs} runs:")
        for kind in (CORRECT, *MISTAKES):
            found = [told(curve, one["losses"]) for one in mine if one["kind"] == kind]
            right = sum((one == "warned") == (kind != CORRECT) for one in found)
            print(f"  {kind}: right {right} of {len(found)}; told to go on: {found.count('on')}")


def curve_of(course: Course, exercise: Exercise) -> Curve | None:
    """Read what the exercise's correct runs did; None where nobody measured it on today's data."""
    assert course.reference is not None
    assert exercise.reference_path is not None
    family = load_family(course.reference, exercise.family or "")
    data = data_fingerprint(exercise, family)
    return read_curve(exercise.reference_path, exercise.profile, data)


def read(path: Path) -> list[Line]:
    """Read what was measured; a line that was cut off is measured again."""
    return list(_lines(path)) if path.is_file() else []


def _lines(path: Path) -> Iterator[Line]:
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(text)
        except ValueError:
            continue


def run(course: Course, exercise: Exercise, given: argparse.Namespace, path: Path) -> None:
    """Do what is missing of one exercise, a run per core."""
    room, _ = quickened(open_room("auto", without_results(course.root)))
    setup = Setup(course, exercise, engine_for(exercise), room)
    missing = asked(exercise, given.runs, read(path))
    kinds = {one.plan.seed: kind for kind, one in missing}
    for one, found in learn_all(setup, [one for _, one in missing], slots(given.jobs)):
        if isinstance(found, GraderError):
            print(f"{exercise.id} {kinds[one.plan.seed]}: {found!r}", flush=True)
            continue
        losses = [value if math.isfinite(value) else None for value in found.history["loss"]]
        line = {"exercise": exercise.id, "kind": kinds[one.plan.seed], "seed": found.seed}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "losses": losses}) + "\n")


def main() -> None:
    """Run what is missing, then tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=40, help="of each: correct, mistaken")
    parser.add_argument("--exercise", default="", help="some alone: a,b")
    parser.add_argument("--place", type=Path, default=Path(".grader/early-warning"))
    parser.add_argument("--jobs", type=int, default=len(environment.cores()))
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="begin no exercise after them"
    )
    parser.add_argument("--tell", action="store_true", help="only tell what was measured")
    parser.add_argument("--dry-run", action="store_true", help="say how long it takes")
    given = parser.parse_args()
    course = load_course(find_course())
    named = [one for one in given.exercise.split(",") if one] or list(course.exercises)
    exercises = [course.exercise(one) for one in named]
    path, end = given.place / "runs.jsonl", time.monotonic() + 60 * given.minutes
    whole = 0.0
    for exercise in exercises:
        if given.dry_run:
            each = seconds_for(exercise, fifth(exercise))
            count = len(asked(exercise, given.runs, read(path)))
            whole += count * each / given.jobs
            print(f"{exercise.id}: {count} runs of {each:.0f} s")
        elif curve_of(course, exercise) is None:
            print(f"{exercise.id}: no curve; tools/learning-curves.py measures it")
        elif not given.tell and time.monotonic() < end:
            given.place.mkdir(parents=True, exist_ok=True)
            run(course, exercise, given, path)
    if given.dry_run:
        print(f"{whole / 60:.0f} minutes on {given.jobs} idle cores")
        return
    tell(course, read(path))


if __name__ == "__main__":
    main()
