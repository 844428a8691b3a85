"""What a signed record says of one grade.

Enters: a Record, its Submission, the course. Leaves: a statement of plain values. Touches: reads
the course's files and the grader's own, for their digests.

It names everything that a grade depends on by its digest, and says how the notebook was run, so
that somebody who has the same things can grade again and compare. What would help to foretell
hidden data is in it only as a commitment: a digest with the course's secret, which the instructor
can open.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from grader import __version__
from grader.course.data import room_files
from grader.course.exercises import Course
from grader.pipeline.job import Settings, fingerprints, may_ask
from grader.record.keys import canonical
from grader.report.wording import LENGTH_OF_REFERENCE
from grader.submission import Submission
from grader.types import GraderError, Json, Record

PACKAGE = Path(__file__).resolve().parents[1]
TRAINER, NOTEBOOK = "trainer", "notebook"  # whose trainings they are


def statement(
    record: Record,
    submission: Submission,
    course: Course,
    settings: Settings,
    origin: Mapping[str, str],
) -> dict[str, Json]:
    """Say what was graded, by what, and what came out.

    Args:
        record: of the grade.
        submission: that the record is of.
        course: whose exercise it is.
        settings: that it was graded with; the course's secret is in them.
        origin: where the submission came from: a repository, a commit.
    """
    known = course.exercises.get(record.exercise)
    files, expectation = fingerprints(course, known) if known else ("", "")
    grade = record.grade
    return {
        "student": record.student,
        "submission": record.submission,
        "notebook": submission.digest,
        "exercise": record.exercise,
        "verdict": grade.verdict.value,
        "score": None if grade.score is None else round(grade.score, 4),
        "max_score": round(grade.max_score, 4),
        "graded_at": record.graded_at,
        "grader": {"version": __version__, "code": code_digest(), **record.versions},
        "course": {"files": files, "expectation": expectation, "data": _data(course, record)},
        "run": _run(record, course, settings),
        "hidden_data": hmac.new(
            settings.secret, f"commitment\x1f{record.exercise}".encode(), hashlib.sha256
        ).hexdigest(),
        "isolation": record.isolation.level.value,
        "reference": record.key[:LENGTH_OF_REFERENCE],
        "origin": dict(origin),
    }


def _run(record: Record, course: Course, settings: Settings) -> dict[str, Json]:
    """Say what was asked of the run, beside what the course says of every run, and what computed.

    ``device`` ran the notebook, ``trained_on`` did the training of ours that stands for it.
    """
    ours = may_ask(course, settings, record.isolation.level)
    return {
        "trainings": TRAINER if ours else NOTEBOOK,
        "engine": settings.engine,
        "profile": record.profile,
        "timeout": settings.timeout,
        "device": record.device,
        "trained_on": trained_on(record),
    }


def trained_on(record: Record) -> str | None:
    """Give the device of the training of ours that stands for a model; None where none does."""
    proof = record.evidence.proof if record.evidence is not None else None
    return proof.device if proof is not None and proof.proven else None


@cache
def code_digest() -> str:
    """Give a digest of the grader's own code and words."""
    paths = (path for kind in ("*.py", "*.po", "*.toml") for path in PACKAGE.rglob(kind))
    told = [
        (path.relative_to(PACKAGE).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in paths
    ]
    return hashlib.sha256(canonical(sorted(told))).hexdigest()


def _data(course: Course, record: Record) -> str:
    """Give a digest of the data that the notebook's room had; "" where they are missing."""
    known = course.exercises.get(record.exercise)
    try:
        found = room_files(course, (known,)) if known else {}
    except GraderError:
        return ""
    told = [(name, hashlib.sha256(data).hexdigest()) for name, data in found.items()]
    return hashlib.sha256(canonical(sorted(told))).hexdigest()
