"""The class that every system grades: twelve notebooks of real styles, SimpleRNN, LSTM and GRU.

Enters: the course's accepted samples and references. Leaves: the same code cells for everybody, in
the layout that each system expects. Touches: the folder that it is given.

Progress bars are on, as Keras has them by default. With ``epochs`` every training is cut to that
many: for trying the benchmark out, never for a figure that is published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ten_styles import LAYERS, in_ten_styles

from grader.authoring.release import full, text
from grader.course.load import find_course, load_course

ROOT = Path(__file__).resolve().parents[2]
STYLES = {
    "multiplication-simple-rnn": ("reference", "textbook_list", "added_in_loop", "half_the_epochs"),
    "multiplication-lstm": ("reference", "textbook_list", "own_script_style", "functional_2400"),
    "multiplication-gru": ("reference", "textbook_list", "messy_colab", "built_in_function"),
}
OWN_DATA = "own_script_style"  # draws other data every time, so that no two are alike
PROGRAMS = 8  # of a class of thirty
CHECK = "assert any(hasattr(one, 'fit') for one in list(globals().values()))"
_EPOCHS = re.compile(r"(\bepochs\s*=\s*)\d+", re.IGNORECASE)
_QUIET = re.compile(r",\s*verbose\s*=\s*\w+")


@dataclass(frozen=True)
class Handed:
    """One notebook of the class."""

    student: str
    exercise: str
    cells: tuple[str, ...]


def the_class(epochs: int | None) -> list[Handed]:
    """Give the twelve notebooks as code cells."""
    found: list[Handed] = []
    for exercise, styles in STYLES.items():
        for number, style in enumerate(styles, start=1):
            student = f"{exercise.rpartition('-')[2]}{number}"
            cells = [_changed(source, epochs) for source in sources(exercise, style)]
            # Nobody's data are another one's: else equal work would be trained once for several.
            apart = f"import numpy as np\nnp.random.random({len(found) + 1})"
            found.append(Handed(student, exercise, (apart, *cells)))
    return found


def a_class_of_thirty(*, alike: bool) -> list[Handed]:
    """Give thirty notebooks of eight programs with all their epochs, each with its author's name.

    ``alike``: those of one program have the same data, so their trainings are equal; else nobody's.
    """
    found: list[Handed] = []
    whole, styles = the_class(None), [style for each in STYLES.values() for style in each]
    few = [one for one, style in zip(whole, styles, strict=True) if style != OWN_DATA]
    programs = few[-PROGRAMS:]
    for number in range(30):
        one = programs[number % len(programs)]
        first = one.cells[0] if alike else f"import numpy as np\nnp.random.random({100 + number})"
        student = f"student{number + 1:02d}"
        cells = (f"# {student}\n{first}", *one.cells[1:])
        found.append(Handed(student, one.exercise, cells))
    return found


def a_class_in_ten_styles(epochs: int | None, *, alike: bool) -> list[Handed]:
    """Give thirty notebooks that do a reference's work on the course's data, ten an exercise.

    ``alike``: as they are, so that an exercise's ten ask for one training; else nobody's data are
    another one's.
    """
    found: list[Handed] = []
    for exercise in LAYERS:
        for cells in in_ten_styles(exercise, sources(exercise, "reference")):
            number = len(found) + 1
            first = "" if alike else f"import numpy as np\nnp.random.random({number})\n"
            own = (f"# student{number:02d}\n{first}{cells[0]}", *cells[1:])
            changed = tuple(_changed(source, epochs) for source in own)
            found.append(Handed(f"student{number:02d}", exercise, changed))
    return found


def builders(students: Sequence[Handed]) -> list[Handed]:
    """Cut each notebook down to one that imports TensorFlow and builds its model."""
    found = []
    for one in students:
        layer = LAYERS[one.exercise]
        building = (
            "import tensorflow as tf\n"
            f"# {one.student}\n"
            "model = tf.keras.Sequential([\n"
            "    tf.keras.Input((100, 2)),\n"
            f"    tf.keras.layers.{layer}(30, return_sequences=True),\n"
            f"    tf.keras.layers.{layer}(30),\n"
            "    tf.keras.layers.Dense(1),\n"
            "])\n"
            "model.compile(optimizer='adam', loss='mse')\n"
            "model.summary()"
        )
        found.append(Handed(one.student, one.exercise, (building,)))
    return found


def sources(exercise: str, style: str) -> list[str]:
    """Give the code cells of a sample."""
    if style == "reference":
        known = load_course(find_course(ROOT)).exercise(exercise)
        assert known.reference_path is not None
        document = json.loads(text(full(known.reference_path / "solution.py", known)))
    else:
        folder = ROOT / "reference" / exercise / "submissions" / "accepted"
        document = json.loads((folder / f"{style}.ipynb").read_text(encoding="utf-8"))
    return ["".join(one["source"]) for one in document["cells"] if one["cell_type"] == "code"]


def _changed(source: str, epochs: int | None) -> str:
    source = _QUIET.sub("", source)
    return source if epochs is None else _EPOCHS.sub(rf"\g<1>{epochs}", source)


def write(path: Path, cells: Sequence[str], check: dict[str, Any] | None = None) -> None:
    """Write a notebook; ``check`` is the metadata of a last cell that a system grades by."""
    written = [_cell(number, source, {}) for number, source in enumerate(cells)]
    if check is not None:
        written.append(_cell(len(cells), CHECK, check))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {
        "cells": written,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def _cell(number: int, source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
    }
