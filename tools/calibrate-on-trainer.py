"""Calibrates the course on the trainer, in pieces; called again, it goes on where it stopped.

    .venv/bin/python tools/calibrate-on-trainer.py --commit --minutes 300

Each piece is one exercise with some runs more, by ``grader calibrate``, so that all exercises grow
together; what was measured lies in ``reference/*/expected.json``, ``reference/*/curve.json`` and
``docs/calibrated/curves``.
``--commit`` commits these files after each piece, ``--minutes`` begins no piece after so many.
``--dry-run`` says what is missing. Without a kernel for recurrent layers nothing begins: its runs
would not be those that the others are compared with (``--without-kernel`` begins all the same).
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.course.exercises import Exercise
from grader.course.expectations import REFERENCE, TRAINER
from grader.course.load import load_course
from grader.text.words import Words
from grader.trainer.kernels import find
from grader.types import Message

ROOT = Path(__file__).resolve().parents[1]
CURVES = "docs/calibrated/curves"
MEASURED = (":(glob)reference/*/expected.json", ":(glob)reference/*/curve.json", CURVES)
PIECE = 10  # runs of the reference
MANY, FEW = 100, 40
MANY_OF = ("multiplication-", "temperature-", "sentiment-")


@dataclass(frozen=True)
class Piece:
    """One call of ``grader calibrate``: an exercise, up to so many runs of its reference."""

    exercise: str
    runs: int


def wanted(exercise: str) -> int:
    """Say how many runs an exercise is to have."""
    return MANY if exercise.startswith(MANY_OF) else FEW


def pieces(done: Mapping[str, int]) -> Iterator[Piece]:
    """Give what is missing, all exercises in turn; ``done``: runs that each has already."""
    for runs in range(PIECE, MANY + 1, PIECE):
        for exercise, there in done.items():
            if there < runs <= wanted(exercise):
                yield Piece(exercise, runs)


def runs_of(exercise: Exercise) -> int:
    """Count the runs of the reference on the trainer."""
    runs = exercise.expectation.runs if exercise.expectation else ()
    return sum((run.control, run.engine) == (REFERENCE, TRAINER) for run in runs)


def measure(piece: Piece) -> bool:
    """Do one piece; False where the command failed."""
    command = [sys.executable, "-m", "grader", "calibrate", piece.exercise]
    command += ["--engine", TRAINER, "--seeds", str(piece.runs), "--curves", CURVES]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def commit(subject: str) -> None:
    """Commit what was measured, where anything was."""
    git = ["git", "-C", str(ROOT)]
    subprocess.run([*git, "add", "--", *MEASURED], check=True)
    staged = [*git, "diff", "--cached", "--quiet", "--", *MEASURED]
    if subprocess.run(staged, check=False).returncode:
        subprocess.run([*git, "commit", "--quiet", "-m", subject, "--", *MEASURED], check=True)


def main() -> int:
    """Do what is missing; 1 where a piece failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--commit", action="store_true", help="commit after each piece")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no piece after them")
    parser.add_argument("--dry-run", action="store_true", help="say what is missing")
    parser.add_argument("--without-kernel", action="store_true")
    given = parser.parse_args()
    kernel, end = find(), time.monotonic() + 60 * given.minutes
    done = {one.id: runs_of(one) for one in load_course(ROOT).exercises.values()}
    missing = list(pieces(done))
    for exercise, runs in done.items():
        print(f"{exercise}: {runs} of {wanted(exercise)}")
    print(f"{len(missing)} pieces")
    if given.dry_run:
        return 0
    if isinstance(kernel, Message) and not given.without_kernel:
        sys.exit(Words("en").say(kernel))
    failed = False
    for piece in missing:
        if time.monotonic() >= end:
            print("time is up; call again")
            break
        failed |= not measure(piece)
        if given.commit:
            commit(f"Calibration: {piece.exercise}, {piece.runs} runs on the trainer")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
