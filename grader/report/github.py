"""Grades on GitHub: a job summary and annotations.

Enters: Records. Leaves: Markdown, and workflow commands. Touches nothing.

Both are read by machines that obey: Markdown may hold links, images and mentions, a line of output
may be a command. Whatever could come from a student is written so that it stays text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from grader.policy.hand_ins import Counting, counting
from grader.report import by_hand, wording
from grader.report.late import late_texts
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Record, Verdict

MOST_ANNOTATIONS = 10  # of a kind: GitHub shows no more of a step
SUMMARY_BYTES = 1000 * 1024  # of a step; of one above 1024 KiB GitHub shows nothing at all
_REST_BYTES = 200  # that the line about the rest takes
_LONGEST_REASON = 300
_PUNCTUATION = re.compile(r"[^\w\s]|_", re.ASCII)
_MARKS = {
    Verdict.ACCEPTED: "✅",
    Verdict.SUSPICIOUS: "🔎",
    Verdict.WAITING: "🔎",
    Verdict.GRADER_ERROR: "🛠️",
}
_BY_HAND = "✍️"


def github_summary(records: Sequence[Record], words: Words, most_bytes: int = SUMMARY_BYTES) -> str:
    """Give the job summary of what counts: how many, a table, worst first, then the reasons.

    Whoever is excused is in the table and in no number. As many rows as fit into ``most_bytes``;
    a line says how many did not.
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
        "|---|---|---:|---|",
    ]
    ordered = wording.worst_first(hand_ins.chosen.values())
    left = most_bytes - len("\n".join(lines).encode()) - _REST_BYTES
    most = any(map(wording.out_of_others, ordered))
    entries = ((_row(_cells(one, words, most=most)), _reason(one, words)) for one in ordered)
    shown = _fitting(entries, left)
    lines += [row for row, _ in shown]
    if reasons := [f"- {reason}" for _, reason in shown if reason]:
        lines += ["", *reasons]
    if len(ordered) > len(shown):
        lines += ["", words("report.more_rows", more=len(ordered) - len(shown))]
    return "\n".join(lines) + "\n"


def _fitting(entries: Iterable[tuple[str, str]], most_bytes: int) -> list[tuple[str, str]]:
    """Give the first rows with their reasons, as many as fit."""
    found: list[tuple[str, str]] = []
    for row, reason in entries:
        most_bytes -= len(row.encode()) + len(reason.encode()) + 4
        if most_bytes < 0:
            break
        found.append((row, reason))
    return found


_COLUMNS = (
    "report.student",
    "report.exercise",
    "report.score",
    "report.verdict",
)


def github_annotations(
    records: Sequence[Record], words: Words, places: Mapping[str, str] | None = None
) -> list[str]:
    """Give workflow commands, worst first, at most ten of a kind; the last says what is left out.

    Args:
        records: what was graded.
        words: the language of the messages.
        places: name of a submission to its file in the repository, where they differ.
    """
    by_kind: dict[str, list[Record]] = {}
    for record in wording.worst_first(counting(records)):
        by_kind.setdefault(_kind(record), []).append(record)
    commands: list[str] = []
    for kind, some in by_kind.items():
        shown = some if len(some) <= MOST_ANNOTATIONS else some[: MOST_ANNOTATIONS - 1]
        commands += [_annotation(kind, record, words, places or {}) for record in shown]
        if left := len(some) - len(shown):
            commands.append(f"::{kind}::{_data(words('report.more_rows', more=left))}")
    return commands


def _kind(record: Record) -> str:
    """Say how loud: what is wrong, what a teacher looks at, what is fine."""
    if record.grade.verdict is Verdict.ACCEPTED or by_hand.decision(record):
        return "notice"
    return "warning" if record.grade.verdict is Verdict.SUSPICIOUS else "error"


def _annotation(kind: str, record: Record, words: Words, places: Mapping[str, str]) -> str:
    grade = record.grade
    verdict = wording.verdict_name(record, words)
    title = f"{wording.name(record.student)} / {wording.name(record.exercise)}: {verdict}"
    if grade.graded:
        title += f", {wording.score(record)}/{wording.points(grade.max_score)}"
    said = _why(record, words) or wording.verdict_reason(record, words)
    file = _property(wording.name(places.get(record.submission, record.submission)))
    return f"::{kind} file={file},title={_property(title)}::{_data(said)}"


def _data(text: str) -> str:
    """Escape the message of a workflow command."""
    shown = printable(text, lines=True, limit=1000)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a workflow command."""
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def _cells(record: Record, words: Words, *, most: bool) -> list[str]:
    grade = record.grade
    mark = _BY_HAND if by_hand.decision(record) else _MARKS.get(grade.verdict, "❌")
    return [
        inert(wording.name(record.student)),
        inert(wording.title(record.exercise, {}, words)),
        wording.score_of(record, always=most),
        f"{mark} {inert(wording.verdict_name(record, words))}",
    ]


def _reason(record: Record, words: Words) -> str:
    """Say why, below the table, since a fifth column fits on no phone; "" where all is right."""
    why = inert(printable(_why(record, words), limit=_LONGEST_REASON))
    exercise = inert(wording.title(record.exercise, {}, words))
    return why and f"**{inert(wording.name(record.student))}**, {exercise}: {why}"


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
