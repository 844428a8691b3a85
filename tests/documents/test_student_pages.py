"""The answers that the pages for students show are those that the checks give."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from grader import __version__
from grader.cli import check
from grader.cli.check import show
from grader.cli.check_whole import whole_look
from grader.cli.printing import titles
from grader.course.load import load_course
from grader.course.public import PublicCourse, public_half
from grader.extract.matching import read_model
from grader.live.evidence import ATTEMPTED_NOTHING, LiveEvidence, LiveModel
from grader.live.names import HeldModel
from grader.live.telling import answer_of
from grader.live.trainings import KnownFits
from grader.score.score import score
from grader.text.words import Words
from grader.types import LayerFact, ModelFacts, Outcome, RunFacts
from tests.extract.notebooks import candidate, layer, sequential
from tests.support import builders as b
from tests.support.documents import ROOT

FAMILIES = ROOT / "reference" / "families" / "locale"
PAGES = {"en": "docs/start/student.md", "ko": "docs/start/student.ko.md"}
WIDTH = 120  # characters of a line
COURSE = public_half(load_course(ROOT))
EXERCISE = COURSE.exercises["multiplication-gru"]
UNITS = 15  # where 30 are asked for
# A GRU has three gates, each with a kernel, a recurrent kernel and two sets of biases.
FIRST, SECOND = (3 * UNITS * (features + UNITS + 2) for features in (2, UNITS))
LAST = UNITS + 1
GRU, DENSE = EXERCISE.layers[0].config, EXERCISE.layers[2].config
MODEL = ModelFacts(
    (
        LayerFact("GRU", {**GRU, "units": UNITS}, (100, UNITS), FIRST),
        LayerFact("GRU", {**GRU, "units": UNITS, "return_sequences": False}, (UNITS,), SECOND),
        LayerFact("Dense", dict(DENSE), (1,), LAST),
    ),
    FIRST + SECOND + LAST,
    (100, 2),
    cell=5,
    name="model",
    rebuilt=True,
)


def answers(lang: str) -> list[str]:
    """The blocks of a page that show what was printed."""
    text = (ROOT / PAGES[lang]).read_text("utf-8")
    return re.findall(r"^```text\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


def in_the_notebook(words: Words) -> str:
    """What the check in the notebook says before ``fit`` was called."""
    reading = read_model(candidate(sequential(layer("GRU", units=UNITS), shape=(100, 2))))
    known = KnownFits((), changed=False, more=0, updates=0)
    chosen = LiveModel(HeldModel(SimpleNamespace(), "model", 1), known, reading)
    nothing = replace(b.training(()), fits=0, epochs=0, changed=False)
    evidence = b.sound(
        EXERCISE, model=MODEL, data=(), training=nothing, runs=ATTEMPTED_NOTHING, metrics={}
    )
    course = PublicCourse(Path(), COURSE.exercises, None, None, __version__, {}, {})
    found = LiveEvidence(evidence, chosen)
    return repr(answer_of(found, [chosen], EXERCISE, course, {}, words))


def from_top_to_bottom(words: Words, monkeypatch: pytest.MonkeyPatch) -> str:
    """What ``grader check`` says of the notebook, trained for 30 epochs."""
    evidence = b.sound(
        EXERCISE,
        model=MODEL,
        runs=RunFacts(Outcome.FINISHED, 6, (), None),
        training=replace(b.training(), epochs=30, epochs_asked=30),
    )
    record = b.record(
        exercise=EXERCISE.id,
        submission=f"{EXERCISE.id}.ipynb",
        evidence=evidence,
        grade=score(evidence, EXERCISE, None),
    )
    terminal = Console(width=WIDTH, file=io.StringIO(), markup=False, force_terminal=False)
    monkeypatch.setattr(check, "console", lambda: terminal)
    show([record], words, titles(COURSE, words), whole_look({EXERCISE.id}))
    return str(terminal.file.getvalue())  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", PAGES)
def test_a_page_shows_what_both_checks_say_of_one_notebook(
    lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = Words(lang, (FAMILIES,))
    said = (in_the_notebook(words), from_top_to_bottom(words, monkeypatch))
    lines = ["\n".join(line.rstrip() for line in one.strip().splitlines()) for one in said]
    assert answers(lang) == lines
