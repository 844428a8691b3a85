"""Exporters for tests that read what each writes."""

from __future__ import annotations

from grader.report import exporters

# All that write text, and need no package of their own. What Parquet holds is asked in
# tests/report/test_parquet.py.
OF_TEXT = tuple(one for one in exporters.known() if one != "parquet")
