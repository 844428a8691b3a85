"""Writes docs/exercises.md: what the models of the references are, beside the textbook's sizes.

    python tools/exercises-table.py [OUT]

Enters: ``reference/<id>/solution.py``. Leaves: a Markdown page. Touches: runs each reference's
cells up to the one that builds its model, in this process, in the exercise's folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("MPLBACKEND", "agg")

from grader.authoring.release import full
from grader.course.exercises import Course, Exercise
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/exercises.md"

# Keras layers with the parameters that the textbook's sizes give; V is the sentence's own.
TEXTBOOK: dict[str, tuple[tuple[int | str, ...], tuple[int | str, ...]]] = {
    "sequence-prediction": ((4, 1), (120, 11)),
    "multiplication-simple-rnn": ((100, 2), (990, 1830, 31)),
    "multiplication-lstm": ((100, 2), (3960, 7320, 31)),
    "multiplication-gru": ((100, 2), (3060, 5580, 31)),
    "char-text": ((20, "V"), ("100 * (V + 101)", "101 * V")),
    "temperature-dense": ((240, 14), (0, 107552, 33)),
    "temperature-gru": ((240, 14), (4608, 33)),
    "temperature-dropout": ((240, 14), (4608, 33)),
    "temperature-stacked": ((240, 14), (4608, 18816, 65)),
    "temperature-bidirectional": ((240, 14), (9216, 65)),
    "temperature-conv1d-gru": ((240, 14), (2272, 0, 5152, 6336, 33)),
    "sentiment-embedding": ((500,), (320000, 8320, 33)),
    "sentiment-bidirectional": ((500,), (320000, 16640, 65)),
    "sentiment-conv1d": ((500,), (1280000, 28704, 0, 7200, 0, 33)),
}

HEAD = """# The exercises in numbers

Every model as its reference solution builds it, beside the same layers at the textbook's sizes.
This page is written by `make exercises-table`; the tests compare it with `exercise.toml` and with
`expected.json`. Shapes are without the batch axis.

"""
SAME_STEPS = "the same weights serve every step, so a shorter input changes no count"
FLAT = "Flatten hands on every number of the window, so the next layer shrinks with it"
WORDS = "a weight vector per word: the vocabulary is smaller"


@dataclass(frozen=True)
class Built:
    """One layer of a reference's model."""

    cls: str
    output_shape: tuple[int | None, ...]
    params: int


def built(exercise: Exercise) -> tuple[tuple[int | None, ...], list[Built]]:
    """Run a reference up to its model; give the input's shape and the layers."""
    assert exercise.reference_path is not None
    os.chdir(exercise.assignment_path)
    space: dict[str, Any] = {"__name__": "__main__"}
    for cell in full(exercise.reference_path / "solution.py", exercise).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, exercise.id, "exec"), space)  # noqa: S102 - our own solution
        if "model" in space:
            break
    model = space["model"]
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    return tuple(model.input_shape[1:]), [_layer(layer) for layer in layers]


def _layer(layer: Any) -> Built:
    inner = getattr(layer, "forward_layer", None) or getattr(layer, "layer", None)
    name = type(layer).__name__
    cls = f"{name}({type(inner).__name__})" if inner is not None else name
    return Built(cls, tuple(layer.output.shape[1:]), int(layer.count_params()))


def page(course: Course) -> str:
    """Give the whole page."""
    rows: list[str] = []
    notes: list[str] = []
    for exercise in course.exercises.values():
        shape, layers = built(exercise)
        rows += _rows(exercise.id, shape, layers)
        notes += _notes(exercise.id, shape, layers)
    table = ["| exercise | layer | output | parameters | textbook |", "|---|---|---|---:|---:|"]
    return HEAD + "\n".join([*table, *rows, "", "## Where they differ", "", *notes]) + "\n"


def _rows(name: str, shape: tuple[int | None, ...], layers: list[Built]) -> Iterator[str]:
    textbook_input, _ = TEXTBOOK.get(name, ((), ()))
    usual = _textbook(name, layers)
    shown = _shape(textbook_input) if textbook_input else "–"
    yield f"| `{name}` | input | {_shape(shape)} | | {shown} |"
    for number, layer in enumerate(layers):
        count = usual[number] if usual else "–"
        yield f"| | {layer.cls} | {_shape(layer.output_shape)} | {layer.params} | {count} |"
    total = sum(layer.params for layer in layers)
    yield f"| | **total** | | **{total}** | **{sum(usual) if usual else '–'}** |"


def _notes(name: str, shape: tuple[int | None, ...], layers: list[Built]) -> Iterator[str]:
    usual = _textbook(name, layers)
    if not usual:
        return
    given = TEXTBOOK[name][0]
    told = []
    if given[0] != shape[0]:
        told.append(f"reads {_shape(shape)}, the textbook {_shape(given)}")
    for number, layer in enumerate(layers):
        if layer.params != usual[number]:
            told.append(f"{layer.cls} has {layer.params} parameters instead of {usual[number]}")
    if name == "char-text":
        told.append(f"V = {layers[-1].output_shape[-1]} different characters in our sentence")
    if told:
        yield f"- `{name}`: {'; '.join(told)}. {_why(layers, usual)}"


def _why(layers: list[Built], usual: list[int]) -> str:
    changed = {one.cls for one, count in zip(layers, usual, strict=True) if one.params != count}
    classes = {one.cls for one in layers}
    reason = SAME_STEPS
    if changed:
        reason = WORDS if "Embedding" in changed else FLAT
    if "TimeDistributed(Dense)" in classes:
        reason = "the counts are formulas of V: 100 (V + 101) and 101 V"
    return f"{reason[0].upper()}{reason[1:]}."


def _textbook(name: str, layers: list[Built]) -> list[int]:
    """Give the textbook's counts; empty for an exercise that it does not have."""
    counts = TEXTBOOK.get(name, ((), ()))[1]
    vocabulary = layers[-1].output_shape[-1] or 0
    formulas = {"100 * (V + 101)": 100 * (vocabulary + 101), "101 * V": 101 * vocabulary}
    return [formulas[one] if isinstance(one, str) else one for one in counts]


def _shape(shape: tuple[int | str | None, ...]) -> str:
    inner = ", ".join("?" if size is None else str(size) for size in shape)
    return f"({inner}{',' if len(shape) == 1 else ''})"


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop summaries and what engines say; an exception leaves first and is shown as ever."""
    kept = [os.dup(number) for number in (1, 2)]
    with Path(os.devnull).open("wb") as nowhere:
        for number in (1, 2):
            os.dup2(nowhere.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, copy in enumerate(kept, start=1):
            os.dup2(copy, number)
            os.close(copy)


def main() -> None:
    """Write the page, and say where."""
    out = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else PAGE
    with _quiet():
        text = page(load_course(ROOT))
    out.write_text(text, "utf-8")
    sys.stdout.write(f"{out}\n")


if __name__ == "__main__":
    main()
