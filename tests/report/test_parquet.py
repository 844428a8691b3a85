"""What a cell of grades.csv is in Parquet; pandas' view of it stands in tests/cli/test_pandas.py."""

from __future__ import annotations

import csv
import io

import pytest

from grader.report.exporters.parquet import value
from grader.report.gradebook import COLUMNS, NUMBERS, TRUTHS, WHOLE, gradebook
from grader.text.words import Words
from tests.support import builders as b


@pytest.mark.parametrize(
    ("name", "cell", "what"),
    [
        ("score", "41.666", 41.666),
        ("score", "", None),
        ("attempt", "2", 2),
        ("days_late", "", None),
        ("counts", "True", True),
        ("counts", "False", False),
        ("student", "'=1+1", "'=1+1"),
        ("section", "", ""),
        ("section", "12", "12"),
    ],
)
def test_a_cell_is_what_its_column_holds(name: str, cell: str, what: object) -> None:
    found = value(name, cell)
    assert found == what
    assert type(found) is type(what)


def test_every_column_with_a_kind_is_there() -> None:
    assert set(COLUMNS) >= TRUTHS | WHOLE | NUMBERS


def test_every_cell_of_a_table_has_a_value() -> None:
    records = [b.record("kim"), b.ungraded("lee")]
    for row in csv.DictReader(io.StringIO(gradebook(records, Words("ko")))):
        kinds = {name: type(value(name, row[name])) for name in COLUMNS}
        assert {kinds[name] for name in NUMBERS | WHOLE} <= {float, int, type(None)}
        assert {kinds[name] for name in TRUTHS} == {bool}
