"""What was decided by hand, in words: for pages, tables and exports.

Enters: Records with what was decided about them. Leaves: short texts, safe for the eye; CSV.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from grader.report.late import late_texts
from grader.report.spreadsheet import csv_text, inert
from grader.text.printable import printable
from grader.text.times import day
from grader.text.words import Words
from grader.types import HandKind, HandLine, Json, Record, Scalar

LONGEST_NAME = 120
LONGEST_TEXT = 2000
KINDS = {
    HandKind.OVERRIDE: "hand.override",
    HandKind.EXCUSE: "hand.excuse",
    HandKind.COMMENT: "hand.comment",
    HandKind.RERUN: "hand.rerun",
    HandKind.UNDO: "hand.undo",
    HandKind.FORGET: "hand.forget",
}
COLUMNS = (
    *("student", "exercise", "kind", "score", "found_score", "max_score"),
    *("text", "by", "at", "id"),
)


def decision(record: Record) -> HandLine | None:
    """Give the override or excuse in force."""
    return record.by_hand.decision if record.by_hand is not None else None


def found_score(record: Record) -> float | None:
    """Give the grader's own score, whatever is in force or taken off; None where it gave none."""
    if record.by_hand is not None:
        own = record.by_hand.found
    else:
        own = record.by_rules.found if record.by_rules is not None else record.grade
    return own.score if own is not None else None


def worth(record: Record) -> float:
    """Give the points that could be earned, also where somebody is excused."""
    if record.by_hand is None:
        return record.grade.max_score
    if record.by_hand.found is not None:
        return record.by_hand.found.max_score
    line = record.by_hand.decision
    return (line.most if line is not None else None) or record.grade.max_score


def decision_text(record: Record, words: Words) -> str:
    """Say what was decided, with the grader's own score, why and by whom; nothing where nothing."""
    line = decision(record)
    if line is None:
        return ""
    told: dict[str, Scalar] = {"score": _round(line.score), "found": _round(found_score(record))}
    if line.kind is HandKind.EXCUSE:
        said = words("hand.excused")
    elif found_score(record) is None:
        said = words("hand.scored", **told)
    else:
        said = words("hand.scored_instead", **told)
    return f"{said} {signed(line, words)}"


def comment_texts(record: Record, words: Words) -> list[str]:
    """Say what teachers remark, each with its author."""
    comments = record.by_hand.comments if record.by_hand is not None else ()
    return [signed(one, words) for one in comments]


def all_texts(record: Record, words: Words) -> list[str]:
    """Say all of it: what was decided, taken off for being late, remarked, and what runs again."""
    asked = record.by_hand.asked_again if record.by_hand is not None else None
    again = [] if asked is None else [f"{words('hand.runs_again')} {signed(asked, words)}"]
    decided = decision_text(record, words)
    said = [*([decided] if decided else []), *late_texts(record, words)]
    return [*said, *comment_texts(record, words), *again]


def graded_since(record: Record) -> bool:
    """Whether the work was graded after the decision was taken, which may mean other work."""
    line = decision(record)
    handed_in = record.by_hand is not None and record.by_hand.found is not None
    return line is not None and handed_in and record.graded_at > line.at


def signed(line: HandLine, words: Words) -> str:
    """Give a line's text with who wrote it, and on which day."""
    who = words("hand.by", by=printable(line.by, limit=LONGEST_NAME), day=day(line.at, words.zone))
    text = printable(line.text, limit=LONGEST_TEXT)
    return f"{text} ({who})" if text else f"({who})"


def by_hand_json(record: Record) -> dict[str, Json]:
    """Give what was decided for other programs; nothing where nothing was."""
    if record.by_hand is None:
        return {}
    found, line = record.by_hand.found, record.by_hand.decision
    own: dict[str, Json] | None = None
    if found is not None:
        own = {
            "verdict": found.verdict.value,
            "score": None if found.score is None else round(found.score, 4),
            "max_score": round(found.max_score, 4),
            "flags": [printable(one) for one in found.flags],
        }
    asked = record.by_hand.asked_again
    return {
        "by_hand": {
            "decision": None if line is None else line_json(line),
            "comments": [line_json(one) for one in record.by_hand.comments],
            "runs_again": None if asked is None else line_json(asked),
            "found": own,
        }
    }


def line_json(line: HandLine) -> dict[str, Json]:
    """Give a line for other programs."""
    told: dict[str, Json] = {
        "id": printable(line.id),
        "at": line.at,
        "by": printable(line.by, limit=LONGEST_NAME),
        "kind": line.kind.value,
        "text": printable(line.text, limit=LONGEST_TEXT),
    }
    return told | ({"score": line.score} if line.score is not None else {})


def by_hand_table(records: Iterable[Record], words: Words) -> str:
    """Give all that was decided or remarked as CSV, for whoever reads a format without room for it.

    A file with a header alone where there is nothing.
    """
    rows = [row for record in records for row in _rows(record, words)]
    return csv_text([COLUMNS, *rows])


def _rows(record: Record, words: Words) -> Iterator[Sequence[str]]:
    if record.by_hand is None:
        return
    decided = record.by_hand.decision
    for line in (*((decided,) if decided is not None else ()), *record.by_hand.comments):
        yield (
            inert(record.student),
            inert(record.exercise),
            words(KINDS[line.kind]),
            _cell(line.score),
            _cell(found_score(record)),
            _cell(worth(record)),
            inert(line.text),
            inert(line.by),
            line.at,
            inert(line.id),
        )


def _round(score: float | None) -> float | None:
    return None if score is None else round(score, 2)


def _cell(score: float | None) -> str:
    return "" if score is None else str(float(score))
