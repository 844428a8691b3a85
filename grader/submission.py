"""A notebook as it was handed in: what collecting gives, and all stages know it by.

Enters and leaves nothing. Touches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.types import Message


@dataclass(frozen=True)
class Cell:
    """One code cell. ``index`` counts all cells of the notebook from 1, as a reader would."""

    index: int
    source: str
    said: str = ""  # what it printed when its author ran it, where it asks for input
    saved: int = field(default=0, compare=False)  # In [n] in the file; 0: none, or nobody kept it


@dataclass(frozen=True)
class Notebook:
    """What a notebook file says: its code cells and the exercise that its metadata names."""

    cells: tuple[Cell, ...]
    exercise: str | None
    digest: str  # sha256 of the sources, hex, and of what was typed into them
    language: str = "python"  # as the metadata names it

    @property
    def saved_numbers(self) -> Mapping[int, int]:
        """The number that the saved file shows beside a cell, by its place; each of one cell alone.

        After cells were run in two kernels, two may have the same: then neither says which.
        """
        times = Counter(one.saved for one in self.cells)
        return {one.index: one.saved for one in self.cells if one.saved and times[one.saved] == 1}


@dataclass(frozen=True)
class HandedIn:
    """A small file of the author's, handed in beside the notebook; read again when it is needed."""

    name: str  # relative to the notebook
    path: Path  # the file, or the zip that it lies in
    inside: tuple[int, ...]  # its place in that zip, and in those within
    digest: str  # sha256, hex


@dataclass(frozen=True)
class Submission:
    """One notebook handed in. Either ``notebook``, ``problem`` or ``fault`` is set."""

    name: str  # path relative to what was collected, printable
    student: str
    path: Path
    exercises: tuple[str, ...] | None  # None: whatever the notebook turns out to hold
    notebook: Notebook | None
    problem: Message | None
    digest: str  # sha256 of the file's bytes, hex
    fault: Message | None = None  # why we could not read it, which is no fault of its author's
    handed_in: str = ""  # as a platform wrote it into a name: ISO 8601, or the count of uploads
    files: tuple[HandedIn, ...] = ()  # the author's own, for the notebook's room
    notes: tuple[Message, ...] = ()  # for the author
    folder: str = ""  # of what was given, the outermost that it lies in, as its name begins
