"""The cells of a live notebook that failed and have not run without an error since.

Enters: the notebook's names. Leaves: FailedCells. Touches: reads what IPython remembers.
"""

from __future__ import annotations

import ast
import difflib
import linecache
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from grader.code.source import read_code
from grader.execution import Fit
from grader.live.given import LastCall, last_call
from grader.live.names import as_typed
from grader.score.hints import REASONS
from grader.score.hints_errors import explain
from grader.submission import Cell, Notebook
from grader.text.exceptions import told
from grader.text.printable import printable
from grader.types import CellError, Message

LONGEST_ERROR = 200
MOST = 12  # cells
LONGEST_SOURCE = 4000  # characters that are compared
LONGEST_BY_LETTERS = 300  # difflib's work grows with the square: longer cells go by their words
MOST_PAIRS = 50_000  # of equal letters or words, as pasted data have; their order says nothing
ALIKE = 0.6  # of two cells' text, from which the later one is the former, mended
TIMED = ("<timed exec>", "<timed eval>")  # files of what %time runs, whatever the cell
_TIME = re.compile(r"run_(?:cell|line)_magic\('time'")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class FailedCell:
    """A cell and its exception.

    Attributes:
        number: in the brackets beside the cell.
        source: its text.
        error: the exception.
    """

    number: int
    source: str
    error: CellError

    @property
    def place(self) -> str:
        """What stands beside the cell: "[8]"."""
        return f"[{self.number}]"

    @property
    def _notebook(self) -> Notebook:
        return Notebook((Cell(self.number, self.source),), None, "")

    @property
    def told(self) -> str:
        """The exception in one line, without a full stop."""
        return told(self.error.name, self.error.value, LONGEST_ERROR).rstrip(". ")

    def fit_of(self, names: Mapping[str, Any], model: Any) -> LastCall | None:
        """Give the call of ``fit`` on a model that stands in the cell."""
        return last_call(self._notebook, names, model)

    def makes(self, name: str) -> bool:
        """Whether the cell binds a name, or calls ``fit``, or nobody can read it."""
        code = read_code(self._notebook)
        if not code:
            return True
        nodes = code[0].nodes
        bound = {
            one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }
        fits = any(isinstance(one, ast.Attribute) and one.attr == "fit" for one in nodes)
        return name.partition("[")[0] in bound or fits

    def advice(self) -> Iterator[Message]:
        """Say what the exception most likely means, and why it matters."""
        found = explain(self.number, self.error)
        args = {**found.args, "cell": self.place}
        yield Message(found.id, args)
        if found.id in REASONS:
            yield Message(REASONS[found.id], args)


def failed_cells(names: Mapping[str, Any]) -> tuple[FailedCell, ...]:
    """Give the cells that failed, as they ran; not those that a later one stands for.

    Where IPython keeps the last exception alone, that is one cell at most.
    """
    ran = names.get("In")
    if type(ran) is not list or not all(type(one) is str for one in ran):
        return ()
    try:
        found = _recorded(ran) if remembers_all(names) else _raised(ran)
        typed = [as_typed(one) for one in ran]
        last = islice((one for one in found if _stands(one, typed)), MOST)
        return tuple(last)[::-1]
    except Exception:  # noqa: BLE001 - an exception's text is anybody's code
        return ()


def remembers_all(names: Mapping[str, Any]) -> bool:
    """Whether IPython keeps every exception, as it does since version 9.1."""
    return _records(names.get("In")) is not None


def fit_that_failed(call: LastCall, sample: Any) -> Fit:
    """Give the fit that ended in an exception before its first epoch had."""
    asked = call.arguments.get("epochs")
    return Fit(
        0, sample, asked if type(asked) is int else None, 0, {}, finished=False, arguments={}
    )


def _records(ran: Any) -> Mapping[int, Any] | None:
    """Give what IPython 9.1 keeps of exceptions, by the cell's number; None where it keeps none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or shell.user_ns.get("In") is not ran:
        return None
    records = getattr(shell.history_manager, "exceptions", None)
    return records if isinstance(records, dict) else None


def _recorded(ran: Sequence[str]) -> Iterator[FailedCell]:
    """Give every cell that failed, the last one first."""
    records = _records(ran) or {}
    numbers = (one for one in records if type(one) is int and one < len(ran))
    for number in sorted(numbers, reverse=True):
        kept = records[number]
        lines = "\n".join(map(str, kept.get("traceback", ())))
        error = _error(str(kept["ename"]), str(kept["evalue"]), lines)
        yield FailedCell(number, as_typed(ran[number]), error)


def _raised(ran: Sequence[str]) -> Iterator[FailedCell]:
    """Find the cell by the file that IPython made of it; one that ran twice has one file."""
    error = getattr(sys, "last_value", None)
    if not isinstance(error, BaseException):
        return
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    files += [str(error.filename)] if isinstance(error, SyntaxError) else []
    for file in files:
        numbers = _made_of(file, ran)
        if numbers:
            lines = "".join(traceback.format_exception(error))
            kept = _error(type(error).__name__, str(error), lines)
            yield FailedCell(numbers[0], as_typed(ran[numbers[0]]), kept)
            return


def _made_of(file: str, ran: Sequence[str]) -> list[int]:
    """Give the cells that a file was made of; of what was timed that is known of one alone."""
    if file in TIMED:
        timed = [n for n, one in enumerate(ran) if _TIME.search(one)]
        return timed if len(timed) == 1 else []
    text = "".join(linecache.getlines(file)).strip()
    return [n for n, one in enumerate(ran) if text and one.strip() == text]


def _error(name: str, value: str, lines: str) -> CellError:
    """Make an exception as the grader has it, without the colours of terminals and of Keras."""
    return CellError(name, printable(value, lines=True), printable(lines, lines=True))


def _stands(failed: FailedCell, typed: Sequence[str]) -> bool:
    """Whether nothing has come of a cell since it failed; who interrupts one knows that."""
    later = typed[failed.number + 1 :]
    if failed.error.name == "KeyboardInterrupt":
        return False
    return not any(_is_mended(failed.source, one) for one in later)


def _is_mended(failed: str, later: str) -> bool:
    """Whether a later cell is the one that failed, run again as it was or changed."""
    one, other = failed.strip()[:LONGEST_SOURCE], later.strip()[:LONGEST_SOURCE]
    if one == other or not other:
        return one == other
    parts = _compared(one, other)
    matcher = difflib.SequenceMatcher(None, *parts, autojunk=False)
    quick = matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE
    return quick and (_pairs(*parts) > MOST_PAIRS or matcher.ratio() >= ALIKE)


def _pairs(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the pairs of equal parts: difflib looks at each, and again at those that are left."""
    counts = Counter(other)
    return sum(count * counts[part] for part, count in Counter(one).items())


def _compared(one: str, other: str) -> tuple[Sequence[str], Sequence[str]]:
    """Give what two cells are compared by: letters, or words where either has too many letters."""
    if max(len(one), len(other)) <= LONGEST_BY_LETTERS:
        return one, other
    return _WORD.findall(one), _WORD.findall(other)
