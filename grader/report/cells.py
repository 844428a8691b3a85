"""The notebook that was handed in, cell by cell, with what is said about each cell beside it.

Enters: Records with the notebooks that they tell of. Leaves: what a page shows, and where in it a
cell is. Touches nothing.

Code is text: every line passes ``printable`` and the template's escaping; nothing in it is run,
rendered or fetched, and of a notebook's outputs nothing is shown. What is too much to be read is
cut, and it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.report import wording
from grader.submission import Notebook
from grader.text.exceptions import told as told_error
from grader.text.printable import printable
from grader.text.tracebacks import failing_line, unreadable_line
from grader.text.words import Words
from grader.types import CellError, EvidenceClass, Record

Notebooks = Callable[[Record], Notebook | None]
MOST_CELLS = 300
MOST_LINES = 500  # of one cell
LONGEST_LINE = 400  # characters; pasted data may be longer
LONGEST = 200_000  # characters of one notebook
LONGEST_ERROR = 300


@dataclass(frozen=True)
class Line:
    """One line of a cell."""

    text: str
    failed: bool


@dataclass(frozen=True)
class CellView:
    """One code cell, and what is said about it."""

    anchor: str
    name: str  # cell 7, In [4]
    lines: tuple[Line, ...]
    remarks: tuple[str, ...]
    cut: bool  # it goes on


@dataclass(frozen=True)
class NotebookView:
    """One notebook as it was handed in, with the records that tell of it."""

    anchor: str
    submission: str
    cells: tuple[CellView, ...]
    cut: bool


@dataclass(frozen=True)
class Place:
    """Where something is: in words, and where on the page; "" where that is nowhere."""

    text: str = ""
    link: str = ""


@dataclass(frozen=True)
class Shown:
    """The notebooks of one student's records, each once."""

    records: Sequence[Record]
    notebooks: Mapping[str, Notebook]  # by a record's key
    words: Words
    titles: Mapping[str, str]

    def views(self) -> Iterator[NotebookView]:
        """Give the notebooks to show, in the order of the records."""
        for number, told in enumerate(self._groups().values(), start=1):
            yield self._view(f"notebook-{number}", told)

    def place(self, record: Record, cell: int | None) -> Place:
        """Say where a cell is: as people count it, with the line at which it failed."""
        if cell is None:
            return Place()
        notebook = self.notebooks.get(record.key)
        number = _numbers(notebook).get(cell, 0) if notebook else 0
        line = _failing(record).get(cell, 0)
        text = _named(cell, number, self.words)
        if line:
            text = self.words("report.at_line", place=text, line=line)
        if notebook is None or not number:
            return Place(text)
        groups = list(self._groups())
        return Place(text, f"notebook-{groups.index(_same(record, notebook)) + 1}-cell-{cell}")

    def _groups(self) -> dict[tuple[str, str], list[Record]]:
        """Give the records that tell of each notebook."""
        groups: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            if (notebook := self.notebooks.get(record.key)) is not None:
                groups.setdefault(_same(record, notebook), []).append(record)
        return groups

    def _view(self, anchor: str, told: Sequence[Record]) -> NotebookView:
        notebook = self.notebooks[told[0].key]
        numbers = _numbers(notebook)
        failing = {cell: line for record in told for cell, line in _failing(record).items()}
        cells: list[CellView] = []
        left = LONGEST
        for cell in notebook.cells[:MOST_CELLS]:
            if left <= 0:
                break
            lines, cut = _lines(cell.source[:left], failing.get(cell.index, 0))
            cells.append(
                CellView(
                    anchor=f"{anchor}-cell-{cell.index}",
                    name=_named(cell.index, numbers.get(cell.index, 0), self.words),
                    lines=lines,
                    remarks=tuple(self._remarks(cell.index, told)),
                    cut=cut or len(cell.source) > left,
                )
            )
            left -= len(cell.source)
        name = wording.name(told[0].submission)
        return NotebookView(anchor, name, tuple(cells), cut=len(cells) < len(notebook.cells))

    def _remarks(self, cell: int, told: Sequence[Record]) -> Iterator[str]:
        """Say what was found in a cell, each thing once; of which exercises, unless of all."""
        of: dict[str, list[str]] = {}
        for record in told:
            title = wording.title(record.exercise, self.titles, self.words)
            for text in dict.fromkeys(_said(record, cell, self.words)):
                of.setdefault(text, []).append(title)
        for text, titles in of.items():
            yield text if len(titles) == len(told) else f"{', '.join(titles)}: {text}"


def shown(
    records: Sequence[Record], notebooks: Notebooks, words: Words, titles: Mapping[str, str]
) -> Shown:
    """Look up the notebooks that records tell of."""
    found = {one.key: notebooks(one) for one in records if one.key}
    there = {key: notebook for key, notebook in found.items() if notebook is not None}
    return Shown(records, there, words, titles)


def none_kept(_record: Record) -> None:
    """Know no notebook, as of a folder that an earlier version graded."""


def _same(record: Record, notebook: Notebook) -> tuple[str, str]:
    return record.submission, notebook.digest


def _numbers(notebook: Notebook) -> dict[int, int]:
    """Give what stands in brackets beside a code cell after all ran once, by its place."""
    ran = [cell.index for cell in notebook.cells if cell.source.strip()]
    return {index: number for number, index in enumerate(ran, start=1)}


def _named(cell: int, number: int, words: Words) -> str:
    if not number:
        return words("report.cell", cell=cell)
    return words("report.cell_in", cell=cell, number=number)


def _failed(record: Record) -> Sequence[tuple[int, CellError]]:
    return record.evidence.runs.failed if record.evidence is not None else ()


def _failing(record: Record) -> dict[int, int]:
    """Give the line at which each failing cell broke, where it is told."""
    lines = {
        cell: failing_line(error.traceback) or unreadable_line(error.traceback)
        for cell, error in _failed(record)
    }
    return {cell: line for cell, line in lines.items() if line}


def _lines(source: str, failing: int) -> tuple[tuple[Line, ...], bool]:
    lines = source.split("\n")
    kept = [
        Line(printable(line, lines=True, limit=LONGEST_LINE).replace("\n", " "), number == failing)
        for number, line in enumerate(lines[:MOST_LINES], start=1)
    ]
    return tuple(kept), len(lines) > MOST_LINES


def _said(record: Record, cell: int, words: Words) -> Iterator[str]:
    for failed, error in _failed(record):
        if failed == cell:
            yield told_error(error.name, error.value, LONGEST_ERROR)
    model = record.evidence.model if record.evidence is not None else None
    if model is not None and model.cell == cell:
        yield words("report.model_here")
    for check in record.grade.checks:
        if check.cell == cell and not check.passed and check.cls is not EvidenceClass.RUNS:
            yield wording.text_for_student(record, check, words)
    for hint in record.grade.hints:
        if hint.args.get("cell") == cell:
            yield words.say(hint)
