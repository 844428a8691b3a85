"""A plain table: for a comment made by a job that takes it for a stranger's text."""

from __future__ import annotations

from grader.ci.told import Told
from grader.policy.hand_ins import Counting
from grader.report import wording
from grader.text.printable import cut, printable

FILE = "comment.txt"
MOST_LINES = 300
LONGEST_REASON = 200


def write(told: Told) -> bytes:
    """Give a line for each result that counts, worst first, and the notes."""
    records = wording.worst_first(Counting(told.records).chosen.values())
    lines = []
    for one in records[:MOST_LINES]:
        share = f"{wording.score(one)}/{wording.points(one.grade.max_score)}"
        verdict = wording.verdict_name(one, told.words)
        title = wording.title(one.exercise, told.titles, told.words)
        lines.append(f"{wording.name(one.student)} · {title}: {verdict}, {share}")
        if reason := printable(wording.reason_for_student(one, told.words)):
            lines.append(f"  {cut(reason, LONGEST_REASON)}")
    if len(records) > MOST_LINES:
        lines.append(told.words("report.more_rows", more=len(records) - MOST_LINES))
    return "\n".join([*lines, "", *map(printable, told.notes)]).strip().encode() + b"\n"
