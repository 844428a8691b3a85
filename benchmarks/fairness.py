"""Are fresh correct runs accepted, and known mistakes not?

Grades many students who all hand in the same notebook: the reference solution as it is, with a
SimpleRNN in place of the recurrent layers, or stopped at five epochs. Seeds come from a course
secret made for this run, so none was used in calibration. The grader's own room trains, unless it
is told otherwise: with ``--engine jax`` notebooks train by themselves. Only these are draws of
their own: where our room trains, equal work is one training. Resumable: call it again.

    python benchmarks/fairness.py --exercise multiplication-gru --runs 60
    python benchmarks/fairness.py --exercise multiplication-gru --engine jax  # the figures of docs
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import nbformat

from grader import seeds
from grader.authoring.release import full, text
from grader.cli.course import open_words
from grader.cli.grade import graded_as_done
from grader.cli.progress import ProgressLines
from grader.code.engines import AUTO
from grader.collect.collect import collect
from grader.course.exercises import Course
from grader.course.load import find_course, load_course
from grader.environment import cores
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.job import Settings
from grader.record.store import Store
from grader.room import open_room
from grader.room.quick import quickened
from grader.types import Record, Verdict

KINDS = ("correct", "simple_rnn", "five_epochs")


def notebook(course: Course, exercise: str, kind: str) -> str:
    """Give the reference notebook, with one thing changed."""
    known = course.exercise(exercise)
    assert known.reference_path is not None
    source = text(full(known.reference_path / "solution.py", known))
    if kind == "simple_rnn":
        return re.sub(r"layers\.(LSTM|GRU)\(", "layers.SimpleRNN(", source)
    if kind == "five_epochs":
        return source.replace(f"epochs={known.epochs}", "epochs=5")
    return source


def hand_in(course: Course, exercise: str, kind: str, runs: int, folder: Path) -> Path:
    """Write one folder per student."""
    whole = notebook(course, exercise, kind)
    for number in range(runs):
        place = folder / f"{kind}-{number:03d}"
        place.mkdir(parents=True, exist_ok=True)
        mine = nbformat.reads(whole, as_version=4)
        # Nobody's copy: the same code would be run once for all of them.
        mine.cells.append(nbformat.v4.new_code_cell(f"student = {number}", id="student"))
        nbformat.write(mine, place / f"{exercise}.ipynb")
    return folder


def grade(course: Course, folder: Path, out: Path, given: argparse.Namespace) -> list[Graded]:
    """Grade everything through the real pipeline."""
    words = open_words(course, "en")
    collected = collect([folder], exercise_ids=course.exercises, owed=None)
    secret = seeds.course_secret(out / "secret")
    asked = {"jobs": given.jobs, "engine": given.engine, "trainer": given.trainer}
    settings = Settings(secret=secret, **asked)
    with Store(out) as store:
        room, _ = quickened(open_room("auto"))
        grader = Grader(course, room, store, settings)
        with ProgressLines(len(collected.submissions), words) as progress:
            return list(graded_as_done(grader, collected, progress, words))


def is_proven(record: Record) -> bool:
    """Whether the grader's own training stands behind a record."""
    proof = record.evidence.proof if record.evidence is not None else None
    return proof is not None and proof.proven


def main() -> None:
    """Grade and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exercise", required=True)
    parser.add_argument("--kind", choices=KINDS, default="correct")
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=len(cores()))
    parser.add_argument("--engine", default=AUTO)
    parser.add_argument(
        "--trainer",
        action=argparse.BooleanOptionalAction,
        help="who trains; default: as course.toml says, and never the trainer with --engine jax",
    )
    parser.add_argument("--out", type=Path, default=Path(".fairness"))
    given = parser.parse_args()
    course = load_course(find_course())
    out = given.out / f"{given.exercise}-{given.kind}"
    folder = hand_in(course, given.exercise, given.kind, given.runs, out / "handed-in")
    graded = grade(course, folder, out / "grades", given)
    records = [record for one in graded for record in one.records]
    attempts = Counter(len(record.attempts) for record in records)
    print(
        json.dumps(
            {
                "exercise": given.exercise,
                "kind": given.kind,
                "engine": given.engine,
                "proven": sum(is_proven(record) for record in records),  # the trainer trained
                "runs": len(records),
                "accepted": sum(r.grade.verdict is Verdict.ACCEPTED for r in records),
                "verdicts": Counter(r.grade.verdict.value for r in records),
                "attempts": {str(k): v for k, v in sorted(attempts.items())},
                "metric": sorted(
                    round(
                        r.attempts[0].metrics.get(r.threshold.metric if r.threshold else "", -1), 6
                    )
                    for r in records
                    if r.attempts
                ),
                "threshold": next((asdict(r.threshold) for r in records if r.threshold), {}),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
