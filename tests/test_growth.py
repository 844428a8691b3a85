"""What the judge does with a notebook's code grows as the code does, whatever is in it.

Counted are the lines of ours that are carried out, not seconds: a machine's mood changes nothing.
``test_patterns.py`` does the same inside patterns, where no line is counted.
"""

from __future__ import annotations

import json
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from grader.code import source
from grader.code.engines import fixes_seeds, needs_tensorflow
from grader.code.source import left_unread, read_code, without_magics
from grader.collect.labels import _numbered
from grader.collect.notebooks import Malformed, parse_notebook
from grader.execute import claims
from grader.score.hints_errors import explain
from grader.score.hints_source import source_hints
from grader.submission import Cell, Notebook
from grader.text.printable import composed
from grader.types import CellError

PACKAGE = str(Path(source.__file__).parents[1])
GROWTH, SPARE = 6, 2000  # four times the text, six times the lines, and what is done once anyway

Recipe = Callable[[int], str]
RECIPES: dict[str, Recipe] = {
    "spaces": lambda n: "x = (\n" + " " * n + "\n1)\n!true",
    "magics": lambda n: "%time x\n!ls\n" * n,
    "empty lines": lambda n: "\n" * n + "!pip install x",
    "attributes": lambda n: ("a" + ".b" * min(n, 150) + "\n") * 9,
    "nested calls": lambda n: ("f(loss=" * min(n, 90) + "x" + ")" * min(n, 90) + "\n") * 9,
    "nested isinstance": lambda n: ("isinstance(" * min(n, 90) + "x" + ")" * min(n, 90) + "\n") * 9,
    "compiled": lambda n: "m.compile(" * min(n, 90) + "x" + ")" * min(n, 90),
    "one deep sum": lambda n: "x = 1" + "+1" * n,
    "one deep call": lambda n: "x = " + "f" + "()" * n,
    "predictions": lambda n: (
        "m.fit(x[:1])\n" + "m.predict(" * min(n, 90) + "x[:1]" + ")" * min(n, 90)
    ),
    "many predictions": lambda n: "m.fit(x[:1])\n" + "m.predict(x[:2])\n" * n,
    "seeds": lambda n: "np.random.seed(" * min(n, 90) + "1" + ")" * min(n, 90),
    "names": lambda n: "\n".join(f"name_{i:05} = neme_{i:05}" for i in range(n)),
    "alike names": lambda n: "\n".join(
        f"{i:07b}ab".replace("0", "a").replace("1", "b") for i in range(n)
    ),
    "quotes": lambda n: "'" * n + "# .fit(",
    "escaped quotes": lambda n: "'" + "\\'" * n,
    "comments": lambda n: "# .fit (" * n,
    "dots": lambda n: "#" + ". " * n,
    "functions": lambda n: "\n".join(f"def f{i}(): m.fit(x)" for i in range(n)),
    "shuffles": lambda n: "import random\n" + "random.shuffle(x)\n" * n,
    "differences": lambda n: "d = abs(a - b)\n" * n + "d < 1.0",
}
READERS: tuple[Callable[[Notebook], Any], ...] = (
    needs_tensorflow,
    fixes_seeds,
    source_hints,
    left_unread,
)


def lines(work: Callable[[], Any]) -> int:
    """Count the lines of ours that are carried out, in every thread."""
    counted = 0

    def within(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return within

    def called(frame: FrameType, event: str, argument: Any) -> Any:
        return (
            within
            if frame.f_code.co_filename.startswith((PACKAGE, "<"))
            or ("ast.py" in frame.f_code.co_filename or "difflib" in frame.f_code.co_filename)
            else None
        )

    before = sys.gettrace()
    sys.settrace(called)
    threading.settrace(called)
    try:
        work()
    finally:
        sys.settrace(before)
        threading.settrace(None)  # type: ignore[arg-type]
    return counted


def forget() -> None:
    """Begin as with a notebook never seen."""
    for one in (read_code, source.names_in, needs_tensorflow, fixes_seeds):
        one.cache_clear()


def read(text: str) -> int:
    """Read a notebook of one cell as the judge does."""
    forget()
    notebook = Notebook((Cell(1, text),), None, "")
    return lines(lambda: [reader(notebook) for reader in READERS])


@pytest.mark.parametrize("name", RECIPES)
def test_reading_code_takes_lines_in_proportion(name: str) -> None:
    """Four times the code, not sixteen times the work."""
    recipe = RECIPES[name]
    few, many = read(recipe(25)), read(recipe(100))
    assert many <= GROWTH * few + SPARE, (few, many)
    more = read(recipe(400))
    assert more <= GROWTH * many + SPARE, (many, more)


class TestWhatIsNotRead:
    def said(self, text: str) -> list[str]:
        forget()
        return [message.id for message in left_unread(Notebook((Cell(3, text),), None, ""))]

    def test_a_long_line_is_said_and_the_rest_is_read(self) -> None:
        text = "!ls\nx = (\n" + " " * 60_000 + "\n1)\nmodel.fit(x)"
        assert self.said(text) == ["source.unread_line"]
        assert read_code(Notebook((Cell(3, text),), None, ""))

    def test_deep_nesting_is_said_and_leads_to_tensorflow(self) -> None:
        text = "x = 1" + "+1" * 1000
        assert self.said(text) == ["source.unread_nested"]
        reason = needs_tensorflow(Notebook((Cell(3, text),), None, ""))
        assert reason is not None
        assert reason.id == "engines.too_long"
        assert fixes_seeds(Notebook((Cell(3, text),), None, ""))

    def test_too_much_code_is_said(self) -> None:
        assert self.said("x = 1\n" * 100_000) == ["source.unread"]

    def test_usual_code_is_read_whole(self) -> None:
        assert self.said("%time x = [1, 2]\n# a comment\n" + "y = 1\n" * 5000) == []

    @pytest.mark.parametrize(
        ("line", "plain"),
        [
            ("  %time model.fit(x)", "  model.fit(x)"),
            ("%timeit -n 3 x", "pass"),
            ("%matplotlib inline", "pass"),
            ("\t!pip install x", "\tpass"),
            ("model.fit?", "pass"),
            ("model.fit??  ", "pass"),
            ("?model", "pass"),
            ("a = b  # why?", "a = b  # why?"),
            ("print('really?')", "print('really?')"),
            ("files, x = !ls", "files, x = None"),
            ("  out = %env HOME", "  out = None"),
            ("if x == 1: pass", "if x == 1: pass"),
            ("", ""),
            ("   ", "   "),
            ("% x", "pass"),
            ("%time", "pass"),
        ],
    )
    def test_magics(self, line: str, plain: str) -> None:
        assert without_magics(f"x = 0\n{line}") == f"x = 0\n{plain}"


class TestNotebookFiles:
    @pytest.mark.parametrize(
        "piece", ["{", "[", '"', '\\"', '"\\', ",", '{"a":', "1", "-", "[[]", "\n"]
    )
    def test_any_file_is_read_in_proportion(self, piece: str) -> None:
        def reading(times: int) -> int:
            def work() -> None:
                with suppress(Malformed):
                    parse_notebook((piece * times).encode())

            return lines(work)

        few, many = reading(100), reading(400)
        assert many <= GROWTH * few + SPARE

    def test_many_cells(self) -> None:
        def reading(times: int) -> int:
            cells = [{"cell_type": "code", "source": ["x\n"] * 3}] * times
            data = json.dumps({"nbformat": 4, "cells": cells}).encode()
            return lines(lambda: parse_notebook(data))

        assert reading(400) <= GROWTH * reading(100) + SPARE


def test_marks_are_put_in_order_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of accents on one letter would take the square of their number."""
    given: list[str] = []
    real = unicodedata.normalize
    monkeypatch.setattr(
        unicodedata, "normalize", lambda form, text: given.append(text) or real(form, text)
    )
    text = "a" + "\u0301\u0316" * 5000 + "b"
    assert composed(text).startswith("\u00e1\u0316")
    assert [len(one) for one in given] == [32]
    assert composed("한글") == "한글"


def test_many_names_that_look_alike() -> None:
    """Thousands of files whose names differ in nothing that can be seen are told apart at once."""

    def numbered(times: int) -> int:
        return lines(lambda: _numbered(["kim"] * times))

    assert _numbered(["a", "a", "a (2)", "a"]) == ["a", "a (3)", "a (2)", "a (4)"]
    assert numbered(1600) <= GROWTH * numbered(400) + SPARE


def test_many_alike_names_in_a_traceback() -> None:
    """What a misspelt name may have been meant as is looked for among a few hundred."""

    def explained(times: int) -> int:
        shown = " ".join(f"{i:011b}".replace("0", "a").replace("1", "b") for i in range(times))
        error = CellError("NameError", "name 'abababababb' is not defined", shown)
        return lines(lambda: explain(1, error))

    assert explained(1600) <= GROWTH * explained(400) + SPARE


EVENT = {"cell": 1, "model": 1, "config": {"class_name": "Sequential", "config": {}}}
ARRAYS = {"initial_0": np.zeros(1), "final_0": np.ones(1), "sample_x": np.ones((1, 1))}
SAMPLED = {"x": {"shape": [9, 1], "dtype": "float32"}}
Events = Callable[[int], Iterator[dict[str, Any]]]


def _fits(count: int, **told: Any) -> Iterator[dict[str, Any]]:
    for number in range(count):
        before = {"fits": number, "epochs": number}
        yield EVENT | {"event": "fit_begin", "before": before} | told
        history = {f"m{n}": [0.5, 0.4] for n in range(9)}
        end = {"event": "fit_end", "before": before, "epochs_run": 1, "history": history}
        yield EVENT | end


HISTORIES: dict[str, Events] = {
    "fits": _fits,
    "fits on the same data": lambda n: _fits(n, sample=SAMPLED | {"same": True, "digest": 1}),
    "fits on data nobody saw": lambda n: _fits(n, sample=SAMPLED | {"same": True, "digest": 2}),
    "fits that were not told": lambda n: (
        one | {"before": {"fits": 10**6, "epochs": 10**6}} for one in _fits(n)
    ),
    "ends told again": lambda n: (one | {"again": True} for one in _fits(n)),
    "many models": lambda n: (EVENT | {"event": "seen", "model": m} for m in range(2 * n)),
}


@pytest.mark.parametrize("kept", [10**8, 10_000], ids=["all is held", "most is given up"])
@pytest.mark.parametrize("name", HISTORIES)
def test_reading_what_a_run_claims_takes_lines_in_proportion(
    name: str, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times the events, not sixteen times the work."""
    monkeypatch.setattr(claims, "KEPT_BYTES", kept)

    def read_events(count: int) -> int:
        evidence = tmp_path / str(count) / "evidence"
        evidence.mkdir(parents=True)
        for number, told in enumerate(HISTORIES[name](count)):
            (evidence / f"{number:08d}.json").write_text(json.dumps(told))
            np.savez(evidence / f"{number:08d}.npz", **ARRAYS)
        return lines(lambda: claims.read_claims(evidence.parent))

    few, many = read_events(12), read_events(48)
    assert many <= GROWTH * few + SPARE, (few, many)
    more = read_events(192)
    assert more <= GROWTH * many + SPARE, (many, more)
