"""A reference that only has to show its architecture trains for one epoch, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.calibration.measure import reference_notebook
from grader.calibration.one_epoch import one_epoch
from grader.course.load import load_course
from grader.submission import Cell, Notebook
from grader.types import GraderError

COURSE = load_course(Path(__file__).parents[2])


def notebook(*sources: str) -> Notebook:
    cells = tuple(Cell(2 * number, source) for number, source in enumerate(sources, start=1))
    return Notebook(cells, "multiplication-gru", "")


def shortened(*sources: str) -> list[str]:
    return [cell.source for cell in one_epoch(notebook(*sources)).cells]


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("model.fit(x, y, epochs=100)", "model.fit(x, y, epochs=1)"),
        ("model.fit(x, y, epochs = EPOCHS)", "model.fit(x, y, epochs = 1)"),
        (
            "model.fit(x, y, epochs=2 * (EPOCHS + 1), verbose=2)",
            "model.fit(x, y, epochs=1, verbose=2)",
        ),
        ("model.fit(x, y, 32, 100)", "model.fit(x, y, 32, 1)"),
        (
            "history = keras.Sequential(layers).fit(x, epochs=100)",
            "history = keras.Sequential(layers).fit(x, epochs=1)",
        ),
        ("곱셈.fit(열, epochs=횟수)  # 백 번", "곱셈.fit(열, epochs=1)  # 백 번"),
        (
            "model.fit(\n    x,\n    epochs=max(\n        1, 2\n    ),\n)",
            "model.fit(\n    x,\n    epochs=1,\n)",
        ),
        (
            "model.fit(x, epochs=3); other.fit(x, epochs=30)",
            "model.fit(x, epochs=1); other.fit(x, epochs=1)",
        ),
        ("model.fit(x, **settings, epochs=3)", "model.fit(x, **settings, epochs=1)"),
        (
            "%matplotlib inline\nmodel.fit(x, epochs=3)",
            "%matplotlib inline\nmodel.fit(x, epochs=1)",
        ),
        ("model.fit(x, y)", "model.fit(x, y)"),
    ],
)
def test_every_way_of_saying_how_long_is_understood(written: str, short: str) -> None:
    assert shortened(written) == [short]


def test_a_number_in_another_cell_stays_as_it_is() -> None:
    cells = ("EPOCHS = 100", "print('epochs=100')", "model.fit(x, y, epochs=EPOCHS)")
    assert shortened(*cells) == [*cells[:2], "model.fit(x, y, epochs=1)"]


@pytest.mark.parametrize(
    "source",
    [
        "model.fit(x, y, **settings)",
        "model.fit(*arguments)",
        "for _ in range(100): model.train_on_batch(x, y)",
        "%time model.fit(x, y, epochs=100)",
        "%%bash\nmodel.fit(x, y, epochs=100)",
        "model.fit(x, y, epochs=100",
    ],
)
def test_what_would_train_as_long_as_before_is_said(source: str) -> None:
    with pytest.raises(GraderError) as caught:
        shortened(source)
    assert caught.value.message.id == "calibrate.no_epochs"
    assert caught.value.message.args == {"exercise": "multiplication-gru"}


@pytest.mark.parametrize("key", sorted(COURSE.exercises))
def test_every_reference_of_the_course_is_shortened_in_one_place(key: str) -> None:
    whole = reference_notebook(COURSE.exercises[key])
    pairs = zip(whole.cells, one_epoch(whole).cells, strict=True)
    ((before, after),) = [(a.source, b.source) for a, b in pairs if a != b]
    epochs = COURSE.exercises[key].epochs
    assert before.replace(f"epochs={epochs}", "epochs=1") == after
