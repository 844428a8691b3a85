"""What of ours no notebook may read, wherever it lies on this machine.

Enters: a course, the folder of results, paths that were handed in. Leaves: guarded places.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from grader import seeds
from grader.course.exercises import REFERENCE
from grader.record import signing
from grader.room import Guarded
from grader.room.workplace import parent


def ours(course: Path, out: Path, submissions: Iterable[Path] = ()) -> tuple[Guarded, ...]:
    """Thresholds and references, results, the secret, submissions, and what runs are given."""
    return (
        *without_results(course),
        Guarded(out, "room.exposed_out"),
        *(Guarded(path, "room.exposed_submissions") for path in submissions),
    )


def without_results(course: Path | None) -> tuple[Guarded, ...]:
    """The same where nobody is graded: what every course has, whoever runs a notebook of it.

    ``course``: None where there is nothing but the public half of one.
    """
    reference = () if course is None else (Guarded(course / REFERENCE, "room.exposed_reference"),)
    return (
        *reference,
        Guarded(seeds.secret_path(), "room.exposed_secret"),
        Guarded(signing.key_path(), "room.exposed_signing_key"),
        Guarded(parent(), "room.exposed_temporary"),
    )
