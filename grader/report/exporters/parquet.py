"""Grades for pandas and its like: Parquet, the columns of ``grades.csv`` each of its own kind.

The cells are those of ``grades.csv``, so that both tell the same: a name that looks like a formula
is marked as text here too, for a table that was read is often saved as CSV again. What is empty
there is no value here. ``page`` is left out: where the file will lie nobody knows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.util import find_spec

from grader.report.export import Export, Files, Lack
from grader.report.gradebook import COLUMNS, NUMBERS, TRUTHS, WHOLE, rows
from grader.types import GraderError, Message

PACKAGE, EXTRA = "pyarrow", "parquet"


def files(export: Export) -> Files:
    """Give one file, a row per hand-in: ungraded or excused has no score, and ``counts`` is false.

    Raises:
        ImportError: the package that writes it is missing; ``lacks`` says so before.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {
        **dict.fromkeys(COLUMNS[:-1], pa.string()),
        **dict.fromkeys(NUMBERS, pa.float64()),
        **dict.fromkeys(WHOLE, pa.int64()),
        **dict.fromkeys(TRUTHS, pa.bool_()),
    }
    cells = list(zip(*rows(export.records, export.words), strict=True))
    arrays = {
        name: pa.array([value(name, one) for one in cells[place]] if cells else [], kinds[name])
        for place, name in enumerate(COLUMNS[:-1])
    }
    table = pa.table(arrays)
    written = io.BytesIO()
    parquet.write_table(table, written)
    yield "grades.parquet", written.getvalue()


def value(name: str, cell: str) -> str | float | bool | None:
    """Give what a cell of a column holds as what it is; None where a number is not there."""
    if name in TRUTHS:
        return cell == str(True)
    if not cell and name in WHOLE | NUMBERS:
        return None
    if name in WHOLE:
        return int(cell)
    return float(cell) if name in NUMBERS else cell


def lacks(export: Export) -> Iterator[Lack]:  # noqa: ARG001 - every exporter's is asked so
    """Refuse to begin without the package.

    Raises:
        GraderError: it is missing.
    """
    if find_spec(PACKAGE) is None:
        raise GraderError(Message("cli.missing_package", {"package": PACKAGE, "extra": EXTRA}))
    return iter(())
