"""No letter is lost where a line is wrapped, at any width, of wide letters too."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from rich.console import Console

from grader.cli import check
from grader.cli.check import show
from grader.text.words import Words
from grader.types import Message, Verdict
from tests.support import builders as b

GRADER = Path(check.__file__).parents[1]
EXPECTED = "SimpleRNN(30, return_sequences=True) → (None, 100, 30), 990 params"


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("width", range(24, 161))
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_a_checks_sentence_is_whole_at_any_width(
    lang: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = Words(lang)
    told = Message("structure.layer", {"number": 1, "expected": EXPECTED, "got": EXPECTED})
    hint = Message("diagnose.units", {"number": 1, "layer": "LSTM", "expected": 30, "got": 10})
    checks = (b.check("structure.layer-1", 0, 35, told, cell=6),)
    record = b.record(grade=b.grade(Verdict.WRONG_ARCHITECTURE, 10.0, checks, (hint,)))
    terminal = Console(width=width, file=io.StringIO(), markup=False, force_terminal=False)
    monkeypatch.setattr(check, "console", lambda: terminal)
    show([record], words, {})
    shown = squeezed(terminal.file.getvalue())  # type: ignore[attr-defined]
    for sentence in (words.say(told), words.say(hint)):
        assert squeezed(sentence) in shown


def test_every_column_says_what_becomes_of_what_is_too_long() -> None:
    """Where a column does not say it, rich cuts off the last letter of a wrapped line of Korean."""
    silent = [
        f"{path.relative_to(GRADER)}:{node.lineno}"
        for path in GRADER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_column"
        and "overflow" not in {one.arg for one in node.keywords}
    ]
    assert not silent
