"""What docs/trainer-orders.md says of ``fit`` is seen by tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "trainer-orders.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## What `fit` may be told")[2].partition("\n## ")[0]
SEEN = [line.split("|")[-2] for line in TABLE.splitlines() if line.startswith("| ")][1:]
WHERE = ("tests/support/orders_program.py", "tests/kernel", "tests/trainer", "tests/pipeline")
WHERE = (*WHERE, "tests/extract")


def texts() -> str:
    """Give the text of all tests of the trainer."""
    found = [ROOT / one for one in WHERE]
    files = [path for one in found for path in ([one] if one.is_file() else one.glob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_the_table_is_found() -> None:
    assert len(SEEN) > 20


@pytest.mark.parametrize("seen", SEEN)
def test_each_row_names_tests_that_there_are(seen: str) -> None:
    names, whole = re.findall(r"`([^`]+)`", seen), texts()
    assert names
    for name in names:
        assert re.search(rf"\b{re.escape(name)}\b", whole), name
