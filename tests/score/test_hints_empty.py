"""Answers that nobody wrote yet, in a notebook that runs all the same."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from grader.authoring.release import PLACEHOLDER
from grader.score.hints import diagnose
from grader.score.hints_empty import STILL_EMPTY, asked_name, empty_hints
from grader.score.hints_runs import diagnose_source, diagnose_unknown
from grader.score.score import nothing_found, score
from grader.submission import Cell, Notebook
from grader.types import Evidence, Message, Outcome, RunFacts, Verdict
from tests.live.test_telling import EXERCISE
from tests.support import builders as b

SHOWN = "if 'model' in globals():\n    model.summary()"
DRAWN = "if 'history' in globals():\n    plt.plot(history.history['loss'])"
STUB = (
    "import numpy as np",
    f"# Input → GRU\n{PLACEHOLDER}\n{SHOWN}",
    f"# compile, fit\n{PLACEHOLDER}",
    DRAWN,
    "if 'model' in globals():\n    model.predict(X)",
)
BUILT = f"{PLACEHOLDER}\nmodel = Sequential()\n{SHOWN}"
NO_MODEL = Message(STILL_EMPTY, {"cell": 2, "name": "model"})
NO_HISTORY = Message(STILL_EMPTY, {"cell": 3, "name": "history"})


def notebook(*sources: str) -> Notebook:
    cells = tuple(Cell(i, text) for i, text in enumerate(sources, start=1))
    return Notebook(cells, None, repr(cells))


def evidence(*sources: str) -> Evidence:
    runs = RunFacts(Outcome.FINISHED, len(sources), (), None)
    hints = diagnose_source(notebook(*sources), runs)
    return Evidence(EXERCISE.id, runs, None, (), None, None, {}, hints=hints)


def test_each_place_where_nothing_was_written_is_named_with_what_it_lacks() -> None:
    assert list(empty_hints(notebook(*STUB))) == [NO_MODEL, NO_HISTORY]


def test_what_was_written_is_not_named() -> None:
    assert list(empty_hints(notebook(STUB[0], BUILT, *STUB[2:]))) == [NO_HISTORY]


@pytest.mark.parametrize(
    "sources",
    [
        ("model = 1", *STUB[1:3]),  # built elsewhere
        (STUB[1].replace(PLACEHOLDER, "# nothing is asked for here"),),
        (*STUB, "model = ("),  # what a broken cell makes is unknown; its error is said
        (f"{PLACEHOLDER}\nif 'model' in names():\n    model.summary()",),
    ],
)
def test_what_cannot_be_told_is_not_said(sources: tuple[str, ...]) -> None:
    assert NO_MODEL not in list(empty_hints(notebook(*sources)))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("if 'model' in globals():\n    model.summary()", "model"),
        ("if 'model' in globals():\n    pass\nelse:\n    model = 1", None),
        ("if 'model' not in globals():\n    model = 1", None),
        ("if x in globals():\n    pass", None),
        ("while 'model' in globals():\n    pass", None),
    ],
)
def test_only_asking_for_a_name_and_using_it_is_taken_for_given(code: str, name: str) -> None:
    assert asked_name(ast.parse(code).body[0]) == name


def test_an_untouched_notebook_is_told_where_to_begin_and_gets_no_points() -> None:
    found = evidence(*STUB)
    for grade in (score(found, EXERCISE, None), nothing_found(found)):
        assert (grade.verdict, grade.score) == (Verdict.NO_MODEL, 0.0)
        assert grade.hints[:2] == (NO_MODEL, NO_HISTORY)


def test_a_model_of_another_kind_is_spoken_of_instead() -> None:
    """Whoever has built something elsewhere knows that the place is empty."""
    near = Message("diagnose.no_known_exercise", {"cell": 1})
    found = replace(evidence(*STUB), hints=(NO_MODEL, near))
    assert diagnose_unknown(found) == (near,)


def test_a_model_without_training_is_told_that_the_next_place_is_empty() -> None:
    sources = (STUB[0], BUILT, *STUB[2:])
    never = b.sound(EXERCISE, data=(), training=None, hints=evidence(*sources).hints)
    assert diagnose(never, EXERCISE, None, (), Verdict.UNTRAINED)[0] == NO_HISTORY


def test_where_something_was_trained_an_empty_place_is_no_mistake() -> None:
    short = b.sound(EXERCISE, hints=(NO_HISTORY,))
    for verdict in (Verdict.UNTRAINED, Verdict.ACCEPTED):
        assert NO_HISTORY not in diagnose(short, EXERCISE, None, (), verdict)
