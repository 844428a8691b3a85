"""Data families: what an exercise's data are, told by a module in ``reference/families/``.

Enters: the name of a family. Leaves: the loaded module as a Family. Touches: reads that module.

A family is instructor's code: numpy only, run by the judge, never mounted into a student's room.
It answers four questions: is what was given to ``fit`` this exercise's data and in which valid
layout (``examine``); which inputs, in that layout, has the model never seen (``ask``); how good
are the answers (``measure``); and what would a predictor without a model answer (``controls``).
``training`` makes the exercise's own training data, for retraining a model from scratch.
``BETTER`` says of every metric that a threshold may stand on whether lower or higher is better.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import numpy as np

from grader.course.expectations import Better
from grader.types import Array, Finding, FitSample, GraderError, Json, Message


@dataclass(frozen=True)
class Reading:
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


class Family(Protocol):
    """What a module in ``reference/families/`` defines."""

    BETTER: Mapping[str, Better]

    def examine(self, fit: FitSample, spec: Mapping[str, Json]) -> Reading:
        """Judge the sampled arrays of one ``fit``; ``spec`` is the exercise's ``[data]`` table."""

    def ask(self, reading: Reading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
        """Draw hidden inputs in the student's layout, and their answers."""

    def measure(self, predictions: Array, question: Question) -> dict[str, float]:
        """Give every metric of the predictions, (rows, …) float32, against the answers."""

    def controls(self, question: Question) -> dict[str, Array]:
        """Predictions that need no model: {"mean": …, "last_input": …}."""

    def training(self, rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:
        """The exercise's training inputs and targets in the canonical layout."""


_loaded: dict[tuple[Path, bytes], ModuleType] = {}
_loading = threading.RLock()  # a family may load another


def load_family(reference: Path, name: str) -> Family:
    """Load ``reference/families/<name>.py``; executed once as long as the file does not change.

    Raises:
        GraderError: no such module, or it cannot be imported.
    """
    path = reference / "families" / f"{name}.py"
    try:
        content = path.read_bytes()
    except OSError as error:
        args = {"family": name, "path": str(path)}
        raise GraderError(Message("course.no_family", args)) from error
    key = (path.absolute(), content)
    with _loading:
        if key not in _loaded:
            _loaded[key] = _executed(name, *key)
        return cast("Family", _loaded[key])


def _executed(name: str, path: Path, content: bytes) -> ModuleType:
    """Make a module of its own of this content: one that is in use elsewhere stays as it is."""
    digest = hashlib.sha256(f"{path}\0".encode() + content).hexdigest()
    qualified = f"grader_families.{name}_{digest[:16]}"
    loader = _Content(path, content)
    spec = importlib.util.spec_from_file_location(qualified, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module  # dataclasses look for their module there
    try:
        loader.exec_module(module)
    except Exception as error:
        del sys.modules[qualified]
        raise GraderError(
            Message("course.broken_family", {"family": name, "error": repr(error)})
        ) from error
    return module


class _Content(SourceLoader):
    """Executes what was read, never byte code of an earlier file of the same size and second."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self.content = path, content

    def get_filename(self, fullname: str) -> str:
        """Give the path, for tracebacks."""
        del fullname
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        """Give the source."""
        del path
        return self.content
