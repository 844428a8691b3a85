"""The notebook beside its feedback: code is text, and a cell is called what people call it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from grader.record import notebook_file
from grader.report.cells import LONGEST, LONGEST_LINE, MOST_CELLS, MOST_LINES
from grader.report.feedback import feedback_page
from grader.submission import Cell, Notebook
from grader.text.tracebacks import failing_line, unreadable_line
from grader.text.words import Words
from grader.types import CellError, Message, Outcome, Record, RunFacts, Verdict
from tests.report.test_report_pages import HOSTILE, TITLES, Page
from tests.support import builders as b

TRACEBACK = """-----------------------------------------------------
ValueError            Traceback (most recent call last)
Cell In[2], line 2
      1 X = make()
----> 2 model.fit(X, Y)

File /keras/src/trainer.py:99, in fit(x, y)
---> 99 raise ValueError
"""
# A text cell, code, an empty code cell, text, and two code cells: they show [1], nothing, [2], [3].
CELLS = (
    Cell(2, "import numpy as np"),
    Cell(3, "  \n"),
    Cell(5, "X = make()\nmodel.fit(X, Y)"),
    Cell(6, "print('<b>done</b>')"),
)
BROKEN = RunFacts(Outcome.FINISHED, 3, ((5, CellError("ValueError", "no", TRACEBACK)),), None)


def notebook(*cells: Cell) -> Notebook:
    return Notebook(cells, None, b.key_of(cells))


def failed(exercise: str = "multiplication-lstm") -> Record:
    told = {"first": 5, "error": "ValueError: no", "failed": 1, "cells": 3}
    check = b.check("runs.cells", 5, 10, Message("runs.failed", told), cell=5)
    hint = Message("diagnose.not_compiled", {"cell": 5})
    grade = b.grade(Verdict.RUNTIME_ERROR, 5.0, (check,), (hint,))
    return b.record(exercise=exercise, grade=grade, evidence=b.evidence(exercise, runs=BROKEN))


def page(*records: Record, code: Notebook | None = None, lang: str = "en") -> Page:
    kept = notebook(*CELLS) if code is None else code
    return Page(feedback_page("kim", records, Words(lang), TITLES, notebooks=lambda _: kept))


@pytest.mark.parametrize(("lang", "said"), [("en", "cell 5, In [2]"), ("ko", "5번 셀, In [2]")])
def test_a_cell_has_the_number_that_a_notebook_shows_beside_it(lang: str, said: str) -> None:
    assert said in page(failed(), lang=lang).text


def test_the_failing_line_is_told_and_marked() -> None:
    shown = page(failed())
    assert "cell 5, In [2], line 2" in shown.text
    marked = [a for _, a in shown.elements if a.get("class") == "line failed"]
    assert len(marked) == 1


def test_what_was_found_in_a_cell_stands_beside_it() -> None:
    text = page(failed()).text
    beside = text[text.index("cell 5, In [2]", text.index("Your notebook")) :]
    beside = beside[: beside.index("cell 6, In [3]")]
    assert "model.fit(X, Y)" in beside
    assert "ValueError: no" in beside
    assert "before compile was called" in beside


def test_every_place_that_is_named_is_linked_to_its_cell() -> None:
    shown = page(failed())
    there = {a["id"] for _, a in shown.elements if "id" in a}
    links = {a["href"][1:] for a in shown.all("a") if "-cell-" in a["href"]}
    assert links == {"notebook-1-cell-5", "notebook-1-cell-6"}  # where it broke, its model
    assert links <= there


def test_one_notebook_of_two_exercises_is_shown_once() -> None:
    records = [failed(), failed("sequence-prediction")]
    both = page(*(replace(one, submission="kim/all.ipynb") for one in records))
    assert both.text.count("import numpy as np") == 1
    beside = both.text[both.text.index("Your notebook") :]
    assert beside.count("before compile was called") == 1


def test_what_was_found_for_one_exercise_alone_names_it() -> None:
    other = replace(b.record(exercise="sequence-prediction"), submission="kim/all.ipynb")
    text = page(replace(failed(), submission="kim/all.ipynb"), other).text
    assert "Products: In cell 5" in text[text.index("Your notebook") :]


def test_without_a_kept_notebook_the_page_is_made_all_the_same() -> None:
    text = feedback_page("kim", [failed()], Words("en"), TITLES)
    assert "(cell 5, line 2)" in text
    assert "Your notebook" not in text


def test_code_stays_text() -> None:
    record, code = failed(), notebook(Cell(1, HOSTILE), Cell(2, f"# {HOSTILE}\n'''</code></pre>"))
    text = feedback_page("kim", [record], Words("en"), TITLES, notebooks=lambda _: code)
    parsed = Page(text)
    assert "<script" not in text
    assert parsed.all("img") == []
    assert "alert(1)" in parsed.text
    assert "{{ 7*7 }}" in parsed.text
    assert "\u202e" not in text


def test_indentation_is_kept() -> None:
    shown = page(failed(), code=notebook(Cell(1, "for x in y:\n    print(x)\n\tz()")))
    assert "    print(x)\n" in shown.text
    assert "\tz()" in shown.text


@pytest.mark.parametrize(
    "code",
    [
        notebook(Cell(1, "x\n" * (MOST_LINES + 9))),
        notebook(*(Cell(n, "x = 1") for n in range(1, MOST_CELLS + 9))),
        notebook(*(Cell(n, "y" * (LONGEST // 2)) for n in range(1, 9))),
        notebook(Cell(1, "z" * (4 * LONGEST))),
    ],
    ids=["lines", "cells", "characters", "one line"],
)
def test_what_is_too_much_to_read_is_cut_and_said(code: Notebook) -> None:
    shown = page(failed(), code=code)
    lines = [a for _, a in shown.elements if a.get("class", "").startswith("line")]
    assert len(lines) <= MOST_CELLS * 2
    assert "goes on" in shown.text
    assert max(map(len, re.findall("x+|y+|z+", shown.text))) <= LONGEST_LINE


def test_the_line_of_a_traceback_is_that_of_the_cell() -> None:
    assert failing_line(TRACEBACK) == 2
    assert failing_line("ValueError: no") == 0
    unreadable = "  Cell In[3], line 4\n    x = (\n        ^\nSyntaxError: '(' was never closed"
    assert unreadable_line(unreadable) == 4
    assert unreadable_line(TRACEBACK) == 2
    assert unreadable_line("File a.py, line 4") == 0


class TestKept:
    KEY = b.key_of("run")

    def test_it_comes_back_as_it_was(self, tmp_path: Path) -> None:
        notebook_file.write(tmp_path, self.KEY, notebook(*CELLS))
        kept = notebook_file.read(tmp_path, self.KEY)
        assert kept is not None
        assert kept.cells == CELLS
        assert kept.digest == notebook(*CELLS).digest

    def test_what_is_kept_is_not_written_anew(self, tmp_path: Path) -> None:
        for cell in CELLS[:2]:
            notebook_file.write(tmp_path, self.KEY, notebook(cell))
        kept = notebook_file.read(tmp_path, self.KEY)
        assert kept is not None
        assert kept.cells == CELLS[:1]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"format": "grader/notebook/v1", "digest": "", "cells": [{"index": "1"}]}',
        ],
    )
    def test_what_is_damaged_is_none(self, tmp_path: Path, text: str) -> None:
        notebook_file.write(tmp_path, self.KEY, notebook(*CELLS))
        (tmp_path / "evidence" / self.KEY / notebook_file.NAME).write_text(text)
        assert notebook_file.read(tmp_path, self.KEY) is None

    @pytest.mark.parametrize("key", ["", "../../etc", "x" * 64])
    def test_a_key_that_is_none_leads_nowhere(self, tmp_path: Path, key: str) -> None:
        notebook_file.write(tmp_path, key, notebook(*CELLS))
        assert list(tmp_path.iterdir()) == []
        assert notebook_file.read(tmp_path, key) is None
