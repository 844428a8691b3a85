"""What is fuzzed: how an input is made from real ones, what is done with it, what may come of it.

Enters: a ``random.Random``. Leaves: inputs, and the word for what became of each. Touches: a scratch
folder per process.

A target's ``run`` lets nothing but the documented refusals pass; every other exception is a finding.
"""

from __future__ import annotations

import json
import random
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from grader.code.engines import fixes_seeds, needs_tensorflow
from grader.collect.collect import collect
from grader.collect.notebooks import Malformed, parse_notebook
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.execute.claims import read_claims
from grader.execution import Execution
from grader.extract.architecture import read_architecture
from grader.extract.extract import extract
from grader.extract.keras_config import NotRebuildableError, class_names
from grader.extract.tasks import Answer, LayerAnswer, ModelTask
from grader.pipeline.engine_errors import blames_engine
from grader.record.execution_files import write_execution
from grader.record.record_json import record_from_json, record_to_json
from grader.report.feedback import feedback_page
from grader.score.grade import grade_of
from grader.score.hints_runs import diagnose_source
from grader.text.words import Words
from grader.types import Engine, GraderError, Isolation, Level, Outcome
from tests.fuzz import folders, reports, seeds, sources, trainings, zips
from tests.fuzz.mutate import as_json, change_bytes, change_tree
from tests.support import builders as b


@dataclass(frozen=True)
class Target:
    """One thing to fuzz."""

    make: Callable[[random.Random], Any]
    run: Callable[[Any, Path], str]


# --- notebook --------------------------------------------------------------------------------


def make_notebook(rng: random.Random) -> bytes:
    """A sample with other bytes, another tree, or sources that nobody would write."""
    data = rng.choice(seeds.notebooks())
    kind = rng.random()
    if kind < 0.35:
        return change_bytes(data, rng, seeds.notebooks())
    tree = json.loads(rng.choice(_whole_notebooks()))
    if kind < 0.7:
        data = as_json(change_tree(tree, rng), rng)
        return change_bytes(data, rng) if rng.random() < 0.2 else data
    code = [cell for cell in tree["cells"] if cell["cell_type"] == "code"]
    for _ in range(rng.randint(1, 3)):
        cell = rng.choice(code)
        cell["source"] = sources.change("".join(cell["source"]), rng)
    return as_json(tree, rng)


@cache
def _whole_notebooks() -> tuple[bytes, ...]:
    """Those samples that are JSON."""

    def is_whole(data: bytes) -> bool:
        try:
            return bool(json.loads(data)["cells"])
        except (ValueError, KeyError):
            return False

    return tuple(data for data in seeds.notebooks() if is_whole(data))


def run_notebook(data: bytes, _: Path) -> str:
    """Parse it, and read its code as the judge does."""
    try:
        notebook = parse_notebook(data)
    except Malformed as error:
        return error.message.id
    for cell in notebook.cells:
        cell.source.encode()
    needs_tensorflow(notebook)
    fixes_seeds(notebook)
    return f"read, {len(diagnose_source(notebook))} hints"


# --- evidence --------------------------------------------------------------------------------


def make_evidence(rng: random.Random) -> folders.Folder:
    """A driver's folder with changed, swapped, missing, doubled, special files."""
    return folders.change(rng.choice(seeds.evidence()), rng)


def run_evidence(folder: folders.Folder, scratch: Path) -> str:
    """Read the claims; judge, keep and show whatever they claim."""
    place = scratch / "out"
    shutil.rmtree(place, ignore_errors=True)
    folders.lay_out(folder, place)
    claims = read_claims(place)
    odd = sum(map(len, folder.files.values()))  # as good as drawn
    ended = list(Outcome)[odd % 8] if odd % 8 < len(Outcome) else Outcome.FINISHED
    execution = Execution(
        outcome=ended,
        cells=claims.cells,
        candidates=claims.candidates,
        engine=Engine.JAX,
        device="cpu",
        seed=1,
        attempt=1,
        isolation=Isolation(Level.FULL),
        seconds=1.0,
    )
    blames_engine(execution)
    _keep_execution(execution, scratch)
    owed = (None, ("sequence-prediction",), ("multiplication-gru", "char-text"))[odd % 3]
    verdicts = {str(_grade(evidence)) for evidence in _judged(execution, owed)}
    return f"{len(claims.candidates)} models: {', '.join(sorted(verdicts))}"


def _keep_execution(execution: Execution, scratch: Path) -> None:
    kept = scratch / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    write_execution(kept, execution, 1)


def _judged(execution: Execution, owed: tuple[str, ...] | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return extract(execution, owed, course(), _answers, lambda _: 1)


def _grade(evidence: Any) -> Any:
    grade = grade_of(course(), evidence, Engine.JAX, "cpu").grade
    record = b.record(exercise=evidence.exercise, evidence=evidence, grade=grade)
    read_back = record_from_json(record_to_json(record, 1), record.key)
    assert read_back.grade.verdict is grade.verdict
    for words in _words():
        feedback_page("kim", [record], words, {}).encode()
    return grade.verdict.value


def _answers(tasks: Any) -> Mapping[str, Answer]:
    """What an evaluation room might say, small and never more than it would."""
    return {task.id: _answer(task) for task in tasks}


def _answer(task: ModelTask) -> Answer:
    json.dumps(task.architecture.as_json(), allow_nan=False)
    rows = len(task.inputs) if task.inputs is not None else 0
    layers = tuple(LayerAnswer((1,), 1) for _ in task.architecture.layers)
    return Answer(layers, 1, np.zeros((rows, 1), np.float32))


@cache
def course() -> Course:
    """The real course."""
    return load_course(seeds.ROOT)


@cache
def _words() -> tuple[Words, ...]:
    families = (seeds.ROOT / "reference" / "families" / "locale",)
    return Words("en", families), Words("ko", families)


# --- architecture ----------------------------------------------------------------------------


def make_architecture(rng: random.Random) -> Any:
    """A changed configuration, as it would be after strict parsing."""
    tree = change_tree(rng.choice(seeds.configs()), rng)
    if rng.random() < 0.1:
        tree = {"class_name": "Sequential", "config": {"layers": [tree, tree]}}
    return tree if isinstance(tree, dict) else {"config": tree}


def run_architecture(config: Any, _: Path) -> str:
    """Read it, and write what the evaluation room would be told."""
    assert len(class_names(config)) <= 200
    try:
        architecture = read_architecture(config)
    except NotRebuildableError as error:
        return error.message.id
    told = json.dumps(architecture.as_json(), allow_nan=False)
    assert len(told) < 1_000_000
    return f"{len(architecture.layers)} layers"


# --- zip -------------------------------------------------------------------------------------


def make_zip(rng: random.Random) -> bytes:
    """A zip of samples under odd names, its fields and bytes changed."""
    return zips.make(rng, seeds.notebooks())


def run_zip(data: bytes, scratch: Path) -> str:
    """Collect from it."""
    path = scratch / "handed-in.zip"
    path.write_bytes(data)
    try:
        found = collect([path], exercise_ids=course().exercises, owed=None)
    except GraderError as error:
        return error.message.id
    words = _words()[0]
    for message in (*found.ignored, *found.refused, *found.notes):
        words.say(message).encode()
    names = [one.name for one in found.submissions]
    assert len(set(names)) == len(names)
    for one in found.submissions:
        assert (one.notebook is None) != (one.problem is None)
        assert not one.name.startswith("/")
        one.name.encode()
    assert [path for path in scratch.iterdir() if path.name != "handed-in.zip"] == []
    problems = {one.problem.id for one in found.submissions if one.problem}
    return ", ".join(sorted(problems)) or f"{min(3, len(names))} read"


TARGETS = {
    "notebook": Target(make_notebook, run_notebook),
    "evidence": Target(make_evidence, run_evidence),
    "architecture": Target(make_architecture, run_architecture),
    "zip": Target(make_zip, run_zip),
    "reports": Target(reports.make, reports.run),
    "order": Target(trainings.make, trainings.run),
}
