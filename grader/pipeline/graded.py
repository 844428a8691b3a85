"""What grading one submission gives.

Enters: nothing. Leaves: the dataclass that the Grader and whoever runs it elsewhere share.
Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.submission import Submission
from grader.types import Record


@dataclass(frozen=True)
class Graded:
    """A submission and its records; ``reused`` where nothing had to be run."""

    submission: Submission
    records: tuple[Record, ...]
    reused: bool = False
