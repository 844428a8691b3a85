"""The class on one page, for the instructor.

Enters: all Records. Leaves: one HTML page that needs nothing else. Touches: reads its templates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from urllib.parse import quote

from grader.hand_ins import Counting
from grader.report import by_hand, wording
from grader.report.lacking import lacking_lines
from grader.report.page import render
from grader.report.points import total
from grader.report.statistics import ItemStatistics, item_statistics
from grader.report.tones import tone
from grader.report.trained import trained_lines
from grader.text.words import Words
from grader.types import Record, Verdict

_BINS = 10
_MOST_ATTENTION = 200


@dataclass(frozen=True)
class Count:
    """How many results have this verdict, and where its stretch of the bar lies."""

    verdict: str
    tone: str
    count: int
    start: float
    share: float


@dataclass(frozen=True)
class Bin:
    """One column of a score distribution, as a rectangle of a 100 × 24 drawing."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class ExerciseRow:
    """One exercise over the whole class."""

    title: str
    results: int
    accepted: int
    share: float
    mean: str
    median: str
    bins: tuple[Bin, ...]
    counts: str


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


@dataclass(frozen=True)
class ItemRow:
    """One check over all graded results."""

    exercise: str
    question: str
    check: str
    results: int
    passed: str
    share: float
    mean: str


def index_page(
    records: Sequence[Record],
    words: Words,
    titles: Mapping[str, str],
    pages: Mapping[str, str],
    left_out: Sequence[str] = (),
    people: Sequence[str] = (),
) -> str:
    """Give the instructor's page.

    Args:
        records: the records that count, of all students.
        words: the reader's language.
        titles: exercise id to title, in the order to show.
        pages: student to the address of the student's page, relative to this one.
        left_out: students whose records cannot be shown here, to be named.
        people: how the class adds up, and who has no grade (``people``).
    """
    every, hand_ins = records, Counting(records)
    there, records = list(hand_ins.chosen.values()), hand_ins.counting
    exercises = _exercises(there, titles)
    students = sorted({record.student for record in there})
    entries = {id(record): _entry(record, words, titles, pages) for record in there}
    look = [entries[id(one)] for one in wording.worst_first(records) if _needs_a_look(one)]
    return render(
        "index.html.j2",
        words,
        students=len(students),
        left_out=", ".join(map(wording.name, left_out)),
        trained=trained_lines(records, words),
        people=people,
        results=len(records),
        accepted=sum(one.grade.verdict is Verdict.ACCEPTED for one in records),
        date=max((one.graded_at for one in records), default="")[:10],
        counts=_counts(records, words),
        attention=look[:_MOST_ATTENTION],
        attention_left=max(0, len(look) - _MOST_ATTENTION),
        lacking=list(lacking_lines(every, words)),
        earlier=len(every) - len(there),
        excused=len(there) - len(records),
        hand_rows=[_hand_row(one, words, titles, pages) for one in there if one.by_hand],
        exercises=[wording.title(one, titles, words) for one in exercises],
        exercise_rows=[
            _exercise_row(one, records, words, titles)
            for one in exercises
            if any(record.exercise == one for record in records)
        ],
        student_rows=_student_rows(there, students, exercises, pages, entries),
        items=[_item_row(one, words, titles) for one in item_statistics(records)],
    )


def _exercises(records: Iterable[Record], titles: Mapping[str, str]) -> list[str]:
    """The exercises that occur: the course's in its order, then others by name."""
    found = {record.exercise for record in records}
    return [one for one in titles if one in found] + sorted(found - titles.keys())


def _needs_a_look(record: Record) -> bool:
    grade = record.grade
    odd = grade.verdict is Verdict.SUSPICIOUS or grade.waiting > 0
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


def _counts(records: Sequence[Record], words: Words) -> list[Count]:
    counted = Counter((one.grade.verdict, wording.verdict_name(one, words)) for one in records)
    start = 0.0
    rows: list[Count] = []
    for verdict, name in sorted(counted, key=lambda key: (-wording.ORDER.index(key[0]), key[1])):
        count = counted[verdict, name]
        share = 100 * count / len(records)
        rows.append(Count(name, tone(verdict), count, round(start, 3), share))
        start += share
    return rows


def _exercise_row(
    exercise: str, records: Iterable[Record], words: Words, titles: Mapping[str, str]
) -> ExerciseRow:
    grades = [record.grade for record in records if record.exercise == exercise]
    scores = [grade.score for grade in grades if grade.score is not None]
    shares = [g.score / g.max_score for g in grades if g.score is not None and g.max_score > 0]
    accepted = sum(grade.verdict is Verdict.ACCEPTED for grade in grades)
    columns = Counter(min(int(share * _BINS), _BINS - 1) for share in shares)
    most = max(columns.values(), default=1)
    heights = [22.0 * columns[number] / most for number in range(_BINS)]
    return ExerciseRow(
        title=wording.title(exercise, titles, words),
        results=len(grades),
        accepted=accepted,
        share=accepted / len(grades),
        mean=wording.points(fmean(scores)) if scores else "–",
        median=wording.points(median(scores)) if scores else "–",
        bins=tuple(Bin(10.0 * i, round(23 - h, 2), round(h, 2)) for i, h in enumerate(heights)),
        counts=" ".join(str(columns[number]) for number in range(_BINS)),
    )


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
        )
        for student in students
    ]


def _item_row(item: ItemStatistics, words: Words, titles: Mapping[str, str]) -> ItemRow:
    return ItemRow(
        exercise=wording.title(item.exercise, titles, words),
        question=wording.class_name(item.cls, words),
        check=wording.name(item.check),
        results=item.results,
        passed=f"{100 * item.passed / item.results:.0f} %",
        share=item.passed / item.results,
        mean=f"{wording.points(item.mean_points)} / {wording.points(item.max_points)}",
    )
