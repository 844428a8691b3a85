"""A comment of Markdown on a pull request: the summary, shorter, with a mark to find it again."""

from __future__ import annotations

from grader.ci.reports.summary import page
from grader.ci.told import Told

FILE = "comment.md"
MARK = "<!-- rnn-grader -->"  # the first line: the next run edits this comment
COMMENT_BYTES = 60_000  # GitHub takes 65,536 characters


def write(told: Told) -> bytes:
    """Give the comment."""
    return f"{MARK}\n".encode() + page(told, COMMENT_BYTES)
