"""Grades on GitHub: a job summary and annotations.

Enters: Records. Leaves: Markdown, and workflow commands. Touches nothing.

Both are read by machines that obey: Markdown may hold links, images and mentions, a line of output
may be a command. Whatever could come from a student is written so that it stays text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from grader.hand_ins import Counting, counting
from grader.report import by_hand, wording
from grader.report.late import late_texts
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Record, Verdict

MOST_ANNOTATIONS = 10  # GitHub shows no more of a step
MOST_ROWS = 500  # keeps the summary far below GitHub's 1 MiB
_LONGEST_REASON = 300
_PUNCTUATION = re.compile(r"[^\w\s]|_", re.ASCII)
_MARKS = {
    Verdict.ACCEPTED: "✅",
    Verdict.SUSPICIOUS: "🔎",
    Verdict.WAITING: "🔎",
    Verdict.GRADER_ERROR: "🛠️",
}
_BY_HAND = "✍️"


def github_summary(records: Sequence[Record], words: Words) -> str:
    """Give the job summary of what counts: how many, then a table, worst first.

    Whoever is excused is in the table and in no number.
    """
    hand_ins = Counting(records)
    records = hand_ins.counting
    counts = Counter(one.grade.verdict for one in records)
    accepted = counts[Verdict.ACCEPTED]
    lines = [
        f"## {words('report.results')}",
        "",
        words("report.accepted_of", accepted=accepted, total=len(records)),
        "",
        _row(words(name) for name in _COLUMNS),
        "|---|---|---|---:|---|",
    ]
    ordered = wording.worst_first(hand_ins.chosen.values())
    lines += [_row(_cells(record, words)) for record in ordered[:MOST_ROWS]]
    if len(ordered) > MOST_ROWS:
        lines += ["", words("report.more_rows", more=len(ordered) - MOST_ROWS)]
    return "\n".join(lines) + "\n"


_COLUMNS = (
    "report.student",
    "report.exercise",
    "report.verdict",
    "report.score",
    "report.reason",
)


def github_annotations(records: Sequence[Record], words: Words) -> list[str]:
    """Give at most ten workflow commands, worst first; the last says what it leaves out."""
    ordered = wording.worst_first(counting(records))
    shown = ordered if len(ordered) <= MOST_ANNOTATIONS else ordered[: MOST_ANNOTATIONS - 1]
    commands = [_annotation(record, words) for record in shown]
    if left := len(ordered) - len(shown):
        commands.append(f"::notice::{_data(words('report.more_rows', more=left))}")
    return commands


def _annotation(record: Record, words: Words) -> str:
    grade = record.grade
    settled = grade.verdict is Verdict.ACCEPTED or by_hand.decision(record)
    level = "notice" if settled else "error"
    verdict = wording.verdict_name(record, words)
    title = f"{wording.name(record.student)} / {wording.name(record.exercise)}: {verdict}"
    if grade.graded:
        title += f", {wording.score(record)}/{wording.points(grade.max_score)}"
    said = _why(record, words) or wording.verdict_reason(record, words)
    file = _property(wording.name(record.submission))
    return f"::{level} file={file},title={_property(title)}::{_data(said)}"


def _data(text: str) -> str:
    """Escape the message of a workflow command."""
    shown = printable(text, lines=True, limit=1000)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a workflow command."""
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def _cells(record: Record, words: Words) -> list[str]:
    grade = record.grade
    mark = _BY_HAND if by_hand.decision(record) else _MARKS.get(grade.verdict, "❌")
    return [
        inert(wording.name(record.student)),
        inert(wording.title(record.exercise, {}, words)),
        f"{mark} {inert(wording.verdict_name(record, words))}",
        wording.score(record),
        inert(printable(_why(record, words), limit=_LONGEST_REASON)),
    ]


def _why(record: Record, words: Words) -> str:
    """Say why, and what was taken off for being late."""
    why = wording.reason_for_student(record, words)
    return " ".join(filter(None, [why, *late_texts(record, words)]))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def inert(text: str) -> str:
    """Write a text so that Markdown shows it and does nothing with it.

    Punctuation becomes character references, which Markdown never reads as its own signs; a
    zero-width space after @ and # keeps names and numbers from becoming mentions and links.
    """
    return _PUNCTUATION.sub(_reference, printable(text))


def _reference(match: re.Match[str]) -> str:
    char = match[0]
    if ord(char) > 127:  # noqa: PLR2004 - only ASCII means anything to Markdown
        return char
    return f"&#{ord(char)};" + ("&#8203;" if char in "@#" else "")
