"""Does work learn with the recurrent kernel as it does without?

    python benchmarks/kernel_learning.py --runs 60 [--place DIR] [--minutes N] [--tell]

The reference solutions of LSTM and GRU, trained by the trainer as for notebooks, with seeds that
no calibration used: each seed twice, with the kernel and by Keras' own loops, from the same first
weights on the same data. Every run is a line of ``PLACE/runs.jsonl`` as soon as it is done; what is
there is not run again. Told at the end: how many are accepted in their first attempt, quantiles of
the threshold's metric, and whether the distributions differ (Mann-Whitney and Kolmogorov-Smirnov
for both as they are, Wilcoxon for the pairs).
"""

from __future__ import annotations

import argparse
import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader import environment
from grader.calibration.measure import Setup, plan, run_reference
from grader.course.exercises import Course
from grader.course.load import find_course, load_course
from grader.pipeline.ours import without_results
from grader.pipeline.runner import Call, Slot, Stop, slots
from grader.pipeline.runners.local import LocalRunner
from grader.room import open_room
from grader.room.quick import quickened
from grader.score.grade import grade_of
from grader.trainer.kernels import Kernel, Kernels, find
from grader.types import Engine, GraderError, Message, Verdict

EXERCISES = ("multiplication-lstm", "multiplication-gru")
WAYS = ("with", "without")
CONTROL = "reference/kernel"  # names the seeds; calibration has none under this name
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
Line = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One run: of an exercise, with a seed's number, with or without the kernel."""

    exercise: str
    number: int
    way: str


def kernels_of(way: str) -> Kernels:
    """Give what computes recurrent layers."""
    return Kernels() if way == "with" else Kernels(lambda: Message("kernel.none"))


def missing(lines: Sequence[Line], runs: int) -> Iterator[Asked]:
    """Give the runs that are not there; the two of a pair one after the other."""
    done = {(one["exercise"], one["number"], one["way"]) for one in lines}
    for number in range(runs):
        for exercise in EXERCISES:
            for way in WAYS:
                if (exercise, number, way) not in done:
                    yield Asked(exercise, number, way)


def measured(course: Course, setup: Setup, asked: Asked, slot: Slot) -> Line:
    """Do one run."""
    kernels = kernels_of(asked.way)
    one = plan(setup.exercise, CONTROL, Engine.JAX, asked.number, by_trainer=True)
    execution, evidence = run_reference(setup, one, slot, kernels)
    if asked.way == "with" and kernels.usable() is None:
        raise SystemExit(f"the kernel did not work: {kernels.missing()}")
    judged = grade_of(course, evidence, execution.engine, execution.device)
    proven = evidence.proof is not None and evidence.proof.proven
    history = evidence.training.history if evidence.training else {}
    return {
        "exercise": asked.exercise,
        "number": asked.number,
        "way": asked.way,
        "seed": one.seed,
        "proven": proven,
        "accepted": judged.grade.verdict is Verdict.ACCEPTED,
        "verdict": judged.grade.verdict.value,
        "metrics": {key: float(f"{value:.6g}") for key, value in evidence.metrics.items()},
        "losses": [float(f"{one:.6g}") for one in history.get("loss", ())],
        "training_seconds": execution.spent.training,
    }


def read(path: Path) -> list[Line]:
    """Read what was measured; a line that was cut off is measured again."""
    found = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def compared(lines: Sequence[Line], metric: str) -> Line:
    """Compare the two ways on one exercise's lines, by the log of an error."""
    from scipy import stats

    by = {way: {o["number"]: o for o in lines if o["way"] == way} for way in WAYS}
    values = {
        way: np.log([one["metrics"][metric] for one in found.values()]) for way, found in by.items()
    }
    told: Line = {
        way: {
            "runs": len(found),
            "accepted": sum(one["accepted"] for one in found.values()),
            "quantiles": [float(f"{math.exp(q):.4g}") for q in np.quantile(values[way], QUANTILES)],
            "training_seconds": round(
                float(np.median([one["training_seconds"] for one in found.values()])), 1
            ),
        }
        for way, found in by.items()
    }
    both = sorted(by["with"].keys() & by["without"].keys())
    pairs = [[math.log(by[way][number]["metrics"][metric]) for number in both] for way in WAYS]
    with_, without = (values[way] for way in WAYS)
    told["mann_whitney"] = float(stats.mannwhitneyu(with_, without).pvalue)
    told["kolmogorov_smirnov"] = float(stats.ks_2samp(with_, without).pvalue)
    told["wilcoxon"] = float(stats.wilcoxon(pairs[0], pairs[1]).pvalue)
    return {key: _short(value) for key, value in told.items()}


def _short(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def tell(lines: Sequence[Line]) -> None:
    """Print the comparison, an object per exercise."""
    for exercise in EXERCISES:
        mine = [one for one in lines if one["exercise"] == exercise]
        if all(sum(one["way"] == way for one in mine) >= 2 for way in WAYS):
            print(json.dumps({"exercise": exercise, "metric": "mse", **compared(mine, "mse")}))


def main() -> None:
    """Run what is missing, then tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--place", type=Path, default=Path(".grader/kernel-learning"))
    parser.add_argument("--jobs", type=int, default=len(environment.cores()))
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no run after them")
    parser.add_argument("--tell", action="store_true", help="only tell what was measured")
    given = parser.parse_args()
    given.place.mkdir(parents=True, exist_ok=True)
    path, lock = given.place / "runs.jsonl", threading.Lock()
    if not given.tell:
        if not isinstance(find(), Kernel):
            parser.error("there is no kernel here: grader prepare --kernel")
        run(path, lock, given)
    tell(read(path))


def run(path: Path, lock: threading.Lock, given: argparse.Namespace) -> None:
    """Do what is missing, a job per core."""
    course = load_course(find_course())
    room, _ = quickened(open_room("auto", without_results(course.root)))
    setups = {one: Setup(course, course.exercise(one), Engine.JAX, room) for one in EXERCISES}
    end = time.monotonic() + 60 * given.minutes

    def one(asked: Asked, slot: Slot) -> str:
        if time.monotonic() >= end:
            return ""
        try:
            line = measured(course, setups[asked.exercise], asked, slot)
        except GraderError as error:  # a later call does it again
            return f"{asked}: {error!r}"
        with lock, path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return f"{asked}: {line['verdict']}, mse {line['metrics'].get('mse')}"

    asked = list(missing(read(path), given.runs))
    for done in LocalRunner(slots(given.jobs, ()), Stop()).run(asked, Call(one)):
        if done:
            print(done, flush=True)


if __name__ == "__main__":
    main()
