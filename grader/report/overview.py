"""The class on one page, for the instructor.

Enters: all Records. Leaves: one HTML page that needs nothing else. Touches: reads its templates.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from grader.policy.hand_ins import Counting
from grader.report import by_hand, wording
from grader.report.analysis import Person, at_risk, hours, mistakes, spent
from grader.report.lacking import lacking_lines
from grader.report.late import late_mark, late_texts
from grader.report.owed import Ahead, never_ahead
from grader.report.page import render
from grader.report.points import total
from grader.report.same_code import same_code
from grader.report.sorting import Order, order_rules, ordered
from grader.report.statistics import item_statistics
from grader.report.summary import exercise_row, item_row, verdict_counts, weights_text
from grader.report.time_spent import parts
from grader.report.tones import tone
from grader.report.trained import trained_lines
from grader.text.times import day
from grader.text.words import Words
from grader.types import Record, Verdict

_MOST_ATTENTION = 200
_NONE = "–"
_TONES = {  # to show only students with such a result
    "wrong": "report.only_wrong",
    "check": "report.only_check",
    "ours": "report.only_ours",
    "hand": "report.only_hand",
}


@dataclass(frozen=True)
class Entry:
    """One result, shown in a cell of the table or in the list of those to look at."""

    student: str
    exercise: str
    tone: str
    verdict: str
    score: str
    reasons: tuple[str, ...]
    link: str
    by_hand: str = ""  # what was decided, where anything was
    late: str = ""  # what was taken off, shortly
    why_late: str = ""


@dataclass(frozen=True)
class HandRow:
    """What teachers decided and remarked about one result."""

    student: str
    link: str
    exercise: str
    tone: str
    verdict: str
    score: str
    found: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class StudentRow:
    """One student's results, a list per exercise (empty where nothing was handed in)."""

    student: str
    link: str
    cells: tuple[tuple[Entry, ...], ...]
    total: str
    waiting: bool  # something is ungraded, so the total may grow
    tones: tuple[str, ...]  # of the results in it, each once


def index_page(
    records: Sequence[Record],
    words: Words,
    titles: Mapping[str, str],
    pages: Mapping[str, str],
    left_out: Sequence[str] = (),
    people: Sequence[str] = (),
    missing: Sequence[str] = (),
    notes: Sequence[str] = (),
    ahead: Ahead = never_ahead,
    absent: Sequence[str] = (),
    owed: Collection[str] = (),
) -> str:
    """Give the instructor's page.

    Args:
        records: the records that count, of all students.
        words: the reader's language.
        titles: exercise id to title, in the order to show.
        pages: student to the address of the student's page, relative to this one.
        left_out: students whose records cannot be shown here, to be named.
        people: how the class adds up, and who has no grade (``people``).
        missing: who has none for one of several exercises, a line for each.
        notes: what else an instructor has to know of all of it.
        ahead: who has time left for which exercise.
        absent: people of the roster of whom there is nothing that was due.
        owed: the exercises that everybody owes; none where nobody knows.
    """
    every, hand_ins = records, Counting(records)
    there, records = list(hand_ins.chosen.values()), hand_ins.counting
    exercises = _exercises(there, titles)
    students = sorted({record.student for record in there})
    entries = {id(record): _entry(record, words, titles, pages) for record in there}
    rows = _student_rows(there, students, exercises, pages, entries)
    headings = [wording.title(one, titles, words) for one in exercises]
    orders = _orders(rows, headings, words)

    def link(student: str) -> str:
        return _link(student, pages)

    look = [entries[id(one)] for one in wording.worst_first(records) if _needs_a_look(one)]
    return render(
        "index.html.j2",
        words,
        order_rules("matrix", len(exercises) + 2, orders),
        students=len(students),
        left_out=", ".join(map(wording.name, left_out)),
        trained=trained_lines(every, words),
        people=people,
        missing=missing,
        notes=notes,
        results=len(records),
        accepted=sum(one.grade.verdict is Verdict.ACCEPTED for one in records),
        date=day(max((one.graded_at for one in records), default=""), words.zone),
        counts=verdict_counts(records, words),
        attention=look[:_MOST_ATTENTION],
        attention_left=max(0, len(look) - _MOST_ATTENTION),
        lacking=list(lacking_lines(every, words)),
        earlier=len(every) - len(there),
        excused=len(there) - len(records),
        hand_rows=[_hand_row(one, words, titles, pages) for one in there if one.by_hand],
        exercises=headings,
        exercise_rows=[
            exercise_row(one, records, words, titles)
            for one in exercises
            if any(record.exercise == one for record in records)
        ],
        student_rows=rows,
        weights=weights_text(records, words, titles),
        orders=orders,
        filters=[(one, words(said)) for one, said in _TONES.items() if _occurs(one, rows)],
        same_code=[[Person(wording.name(one), link(one)) for one in g] for g in same_code(there)],
        items=[item_row(one, words, titles) for one in item_statistics(records)],
        mistakes=mistakes(records, words, titles, link),
        risks=at_risk(there, words, titles, link, ahead, absent, owed),
        spent=spent(every, words, titles),
        hours=hours(every),
        time_spent=parts(every, words),
    )


def _occurs(name: str, rows: Sequence[StudentRow]) -> bool:
    return any(name in row.tones for row in rows)


def _orders(rows: Sequence[StudentRow], headings: Sequence[str], words: Words) -> list[Order]:
    """Give the orders in which students can be read: by name, by total, by each exercise."""
    totals = [_shown_number(row.total) for row in rows]
    by_exercise = [
        Order(
            f"by-{number}",
            heading,
            ordered([_lowest(row.cells[number]) for row in rows]),
        )
        for number, heading in enumerate(headings)
    ]
    return [
        Order("by-name", words("report.by_name"), tuple(range(len(rows)))),
        Order("by-fewest", words("report.by_fewest"), ordered(totals)),
        Order("by-most", words("report.by_most"), ordered(totals, reverse=True)),
        *(by_exercise if len(headings) > 1 else []),
    ]


def _lowest(entries: Sequence[Entry]) -> float | None:
    shown = (_shown_number(one.score) for one in entries)
    return min((one for one in shown if one is not None), default=None)


def _shown_number(text: str) -> float | None:
    """Read what a cell shows; None for a dash."""
    return None if text == _NONE else float(text.replace(",", ""))


def _exercises(records: Iterable[Record], titles: Mapping[str, str]) -> list[str]:
    """The exercises that occur: the course's in its order, then others by name."""
    found = {record.exercise for record in records}
    return [one for one in titles if one in found] + sorted(found - titles.keys())


def _needs_a_look(record: Record) -> bool:
    grade = record.grade
    odd = grade.verdict is Verdict.SUSPICIOUS or record.waiting > 0
    return not grade.graded or odd or bool(grade.flags)


def _entry(
    record: Record, words: Words, titles: Mapping[str, str], pages: Mapping[str, str]
) -> Entry:
    reason = wording.reason(record, words)
    if not record.grade.graded:
        reason = f"{reason} {wording.reference(record, words)}"
    return Entry(
        student=wording.name(record.student),
        exercise=wording.title(record.exercise, titles, words),
        tone=tone(record.grade.verdict),
        verdict=wording.verdict_name(record, words),
        score=wording.score(record),
        reasons=tuple(wording.flags(record, words)) or ((reason,) if reason else ()),
        link=_link(record.student, pages),
        by_hand=by_hand.decision_text(record, words),
        late=late_mark(record, words),
        why_late=" ".join(late_texts(record, words)),
    )


def _hand_row(
    record: Record, words: Words, titles: Mapping[str, str], pages: Mapping[str, str]
) -> HandRow:
    since = [words("hand.graded_since")] if by_hand.graded_since(record) else []
    found = by_hand.found_score(record)
    return HandRow(
        student=wording.name(record.student),
        link=_link(record.student, pages),
        exercise=wording.title(record.exercise, titles, words),
        tone=tone(record.grade.verdict),
        verdict=wording.verdict_name(record, words),
        score=wording.score(record),
        found="–" if found is None else wording.points(found),
        texts=(*by_hand.all_texts(record, words), *since),
    )


def _link(student: str, pages: Mapping[str, str]) -> str:
    """Write the address so that no name in it can be read as more than a path."""
    return quote(pages.get(student, ""), safe="/")


def _student_rows(
    records: Sequence[Record],
    students: Sequence[str],
    exercises: Sequence[str],
    pages: Mapping[str, str],
    entries: Mapping[int, Entry],
) -> list[StudentRow]:
    cells: dict[tuple[str, str], list[Entry]] = {}
    scores: dict[str, list[Record]] = {}
    waiting: set[str] = set()
    for record in records:
        cells.setdefault((record.student, record.exercise), []).append(entries[id(record)])
        if not record.grade.graded:
            waiting.add(record.student)
        elif record.grade.score is not None:
            scores.setdefault(record.student, []).append(record)
    return [
        StudentRow(
            student=wording.name(student),
            link=_link(student, pages),
            cells=tuple(tuple(cells.get((student, one), ())) for one in exercises),
            total=wording.points(total(scores[student]).score) if student in scores else "–",
            waiting=student in waiting,
            tones=tuple(
                dict.fromkeys(
                    one.tone for name in exercises for one in cells.get((student, name), ())
                )
            ),
        )
        for student in students
    ]
