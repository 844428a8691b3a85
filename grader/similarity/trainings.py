"""Equal trainings under different code: what no comparison of texts sees.

Enters: digests of weights and of loss curves, by whose they are. Leaves: groups of few. Touches
nothing.

Everybody's notebook begins with the same seed, so equal settings on equal data lead to equal
weights, and many who do what the exercise says have the same. That says nothing; a result that two
or three share, and nobody else, is worth a look: settings that nobody else chose, or one's own
weights taken over.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.types import Array

WEIGHTS, CURVE = "weights", "curve"
FEW = 3  # students; what more share is the exercise's usual result
LEAST_EPOCHS = 5  # fewer losses may agree by chance, in the digits that are compared
_DIGITS = 6


@dataclass(frozen=True)
class Result:
    """What one training came to."""

    student: str
    submission: str
    exercise: str
    code: str  # digest of the notebook's code
    kind: str  # weights, curve
    digest: str


@dataclass(frozen=True)
class Equal:
    """One result of several students whose code differs."""

    exercise: str
    kinds: tuple[str, ...]
    students: tuple[str, ...]


def weights_digest(arrays: Sequence[Array]) -> str:
    """Give what equal weights share, to the last bit; "" where there are none."""
    if not arrays:
        return ""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def curve_digest(losses: Sequence[float]) -> str:
    """Give what equal loss curves share; "" where it is too short to tell anything."""
    told = [f"{loss:.{_DIGITS}g}" for loss in losses if math.isfinite(loss)]
    if len(told) < LEAST_EPOCHS or len(set(told)) < LEAST_EPOCHS:
        return ""
    return hashlib.sha256(" ".join(told).encode()).hexdigest()


def equal_trainings(results: Iterable[Result]) -> list[Equal]:
    """Give the groups of two or three students with an equal result and different code."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for one in results:
        if one.digest:
            groups.setdefault((one.exercise, one.kind, one.digest), []).append(one)
    found: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for (exercise, kind, _), group in groups.items():
        students = tuple(sorted({one.student for one in group}))
        differs = len({one.code for one in group}) > 1
        if 1 < len(students) <= FEW and differs:
            found.setdefault((exercise, students), set()).add(kind)
    return [
        Equal(exercise, tuple(sorted(kinds)), students)
        for (exercise, students), kinds in sorted(found.items())
    ]
