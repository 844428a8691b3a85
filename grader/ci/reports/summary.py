"""A page of Markdown: what was handed in, worst first, and what is said about it."""

from __future__ import annotations

from grader.ci.told import Told
from grader.report.github import SUMMARY_BYTES, github_summary, inert

FILE = "summary.md"


def write(told: Told) -> bytes:
    """Give the page, below what GitHub shows at all."""
    return page(told, SUMMARY_BYTES)


def page(told: Told, most_bytes: int) -> bytes:
    """Give the table and the notes below it; rows give way where both do not fit."""
    notes = "".join(f"\n{inert(one)}\n" for one in told.notes).encode()
    notes = notes[: most_bytes // 2].decode("utf-8", "ignore").encode()
    if not told.records:
        return f"## {told.words('report.results')}\n".encode() + notes
    table = github_summary(told.records, told.words, most_bytes - len(notes))
    return table.encode() + notes
