"""Data families: what an exercise's data are, told by a module in ``reference/families/``.

Enters: the name of a family. Leaves: the loaded module as a Family. Touches: reads that module.

A family is instructor's code: numpy only, run by the judge, never mounted into a student's room.
It answers four questions: is what was given to ``fit`` this exercise's data and in which valid
layout (``examine``); which inputs, in that layout, has the model never seen (``ask``); how good
are the answers (``measure``); and what would a predictor without a model answer (``controls``).
``training`` makes the exercise's own training data, for retraining a model from scratch.
``BETTER`` says of every metric that a threshold may stand on whether lower or higher is better,
``OWN`` which findings tell the family's data from any others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from grader.course.expectations import Better
from grader.course.modules import load_module
from grader.execution import FitSample
from grader.types import Array, Finding, GraderError, Json, Message


@dataclass(frozen=True)
class DataReading:
    """What ``examine`` found: a layout where the data can be read, and a finding per question.

    ``layout`` is None where the data cannot be read as this exercise's (then nothing is asked).
    ``encoding`` carries what ``ask`` needs to speak in the student's layout (a character index,
    a scaling, a column order), as JSON.
    """

    findings: tuple[Finding, ...]
    layout: str | None
    encoding: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[Message, ...] = ()  # valid differences, no points
    hints: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Question:
    """Inputs that go to the evaluation room, and answers that never do."""

    inputs: Array  # float32 or int32, (rows, …) in the student's layout
    answers: Array  # (rows, …)
    naive: Array | None = None  # what needs no model, where inputs and answers do not tell it


class Family(Protocol):
    """What a module in ``reference/families/`` defines."""

    BETTER: Mapping[str, Better]
    OWN: tuple[str, ...]  # the findings that tell these data from any others; may be left out

    def examine(self, fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
        """Judge the sampled arrays of one ``fit``; ``spec`` is the exercise's ``[data]`` table."""

    def ask(
        self, reading: DataReading, rng: np.random.Generator, spec: Mapping[str, Json]
    ) -> Question:
        """Draw hidden inputs in the student's layout, and their answers."""

    def measure(self, predictions: Array, question: Question) -> dict[str, float]:
        """Give every metric of the predictions, (rows, …) float32, against the answers."""

    def controls(self, question: Question) -> dict[str, Array]:
        """Predictions that need no model: {"mean": …, "last_input": …}."""

    def training(self, rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:
        """The exercise's training inputs and targets in the canonical layout."""


class Looks(Protocol):
    """What looks at the data given to ``fit``: a family, or the part of it that students have."""

    def examine(self, fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
        """As a family does."""


class LooksInFiles(Protocol):
    """What a family defines as well that looks data up in a data set, for students' checks.

    ``look`` answers as ``examine`` does, and needs no data set. Students have it, ``read_files``
    and what these two need; the files are those of ``handout`` that lie beside their notebooks.
    """

    STAND_INS: tuple[str, ...]  # what is handed out under these names is another file elsewhere

    def looked_up_in(self, spec: Mapping[str, Json]) -> Mapping[str, bytes]:
        """Give the files that students have, and in which their data are looked up."""

    def read_files(self, files: Mapping[str, bytes], spec: Mapping[str, Json]) -> object:
        """Read these files; what comes out is handed to ``look``."""

    def look(self, fit: FitSample, spec: Mapping[str, Json], students: object) -> DataReading:
        """Judge the sampled arrays of one ``fit``."""


@dataclass(frozen=True)
class InFiles:
    """A family that looks data up, with what it read out of the files that students have."""

    family: LooksInFiles
    students: object

    def examine(self, fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
        """Look at data as the judge does, who has the whole data set."""
        return self.family.look(fit, spec, self.students)


NOT_OWN = frozenset({"data.shape", "data.target", "data.rows"})  # where a family does not say


def own_findings(looks: Looks) -> tuple[str, ...] | None:
    """Give the findings that tell a family's data from any others; None where it does not say."""
    return getattr(looks.family if isinstance(looks, InFiles) else looks, "OWN", None)


def are_own(looks: Looks, reading: DataReading) -> bool:
    """Whether data are a family's at all, right or wrong: at least half of ``OWN`` is met."""
    own = own_findings(looks)
    told = [
        one.fraction
        for one in reading.findings
        if (one.id in own if own is not None else one.id not in NOT_OWN)
    ]
    return reading.layout is not None and sum(told) >= len(told) / 2


def load_family(reference: Path, name: str) -> Family:
    """Load ``reference/families/<name>.py``; executed once as long as the file does not change.

    Raises:
        GraderError: no such module, or it cannot be imported.
    """
    path = reference / "families" / f"{name}.py"
    if not path.is_file():
        raise GraderError(Message("course.no_family", {"family": name, "path": str(path)}))
    try:
        return cast("Family", load_module(path))
    except (Exception, SystemExit) as error:
        args = {"family": name, "error": repr(error)}
        raise GraderError(Message("course.broken_family", args)) from error
