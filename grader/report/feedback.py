"""A page of feedback for one student.

Enters: the student's Records. Leaves: one HTML page that needs nothing else: no script, no request,
no picture that a student made. Touches: reads its templates.

Everything from a student passes ``printable`` and the template's escaping; a strict content
security policy, which allows the page's own style sheet by its digest, stands behind both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from grader.policy.hand_ins import Counting, is_excused
from grader.report import wording
from grader.report.by_hand import comment_texts, decision_text
from grader.report.cells import Notebooks, Place, Shown, none_kept, shown
from grader.report.chart import Chart, loss_chart
from grader.report.explained import explained
from grader.report.how_graded import Figure, Try, attempts, facts, figures
from grader.report.late import late_texts
from grader.report.owed import Missing
from grader.report.page import render
from grader.report.points import share, total
from grader.report.questions import Section, sections
from grader.report.summary import weights_text
from grader.report.tones import tone
from grader.text.times import day
from grader.text.words import Words
from grader.types import UNKNOWN, Grade, Record, Scalar, Verdict

Draw = Callable[[Mapping[str, Sequence[float]]], Chart | None]
NOTHING_MISSING = Missing()
NO_ACCURACY = "accuracy.none"  # the check that says why accuracy earns no points


@dataclass(frozen=True)
class Part:
    """One exercise on the page."""

    anchor: str
    title: str
    exercise: str
    submission: str
    tone: str  # good, check, wrong, ours
    verdict: str
    why: str
    waits: str  # that points wait for a teacher
    earlier: str  # of a hand-in that does not count: which one does
    by_hand: tuple[str, ...]  # what teachers decided, and what was taken off for being late
    comments: tuple[str, ...]  # and remark
    problem: str
    score: str
    max_score: str
    share: float
    graded: bool
    model: Place
    hints: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    flags: tuple[str, ...]
    chart: Chart | None
    metric_names: tuple[str, ...]
    figures: tuple[Figure, ...]
    no_points: str  # why no points hang on the figures; "" where some do
    attempts: tuple[Try, ...]
    facts: tuple[tuple[str, str], ...]


def feedback_page(
    student: str,
    records: Sequence[Record],
    words: Words,
    titles: Mapping[str, str],
    draw: Draw = loss_chart,
    notebooks: Notebooks = none_kept,
    missing: Missing = NOTHING_MISSING,
) -> str:
    """Give the page of one student.

    Args:
        student: whose page it is.
        records: the student's records.
        words: the reader's language.
        titles: exercise id to title, in that language, in the course's order.
        draw: makes a picture of a history; None where there is none to show.
        notebooks: gives the code that a record tells of; None where it is not kept.
        missing: what the student owes beside it: it counts in the total.
    """
    counts = Counting(records)
    ordered = wording.in_course_order(sorted(records, key=counts.is_chosen, reverse=True), titles)
    cells = shown(ordered, notebooks, words, titles)
    parts = [
        _part(record, number, cells, draw, wording.does_not_count(record, counts, words))
        for number, record in enumerate(ordered, start=1)
    ]
    told = [one for one in counts.counting if not missing.exercises or one.exercise != UNKNOWN]
    return render(
        "feedback.html.j2",
        words,
        student=wording.name(student),
        parts=parts,
        lead=_lead(counts, told, missing, words),
        waiting=sum(not one.grade.graded for one in told),
        missing=list(missing.lines(words, titles)),
        weights=weights_text(counts.counting, words, titles),
        date=day(max((one.graded_at for one in records), default=""), words.zone),
        notebooks=list(cells.views()),
        explained=explained(words),
    )


def _lead(counts: Counting, told: Sequence[Record], missing: Missing, words: Words) -> str:
    """Say what all of it comes to; what a teacher scored is neither accepted nor not."""
    verdicts = Counter(one.grade.verdict for one in told)
    exercises, by_hand = len(told) + len(missing.exercises), verdicts[Verdict.BY_HAND]
    if not exercises and (excused := sum(map(is_excused, counts.chosen.values()))):
        return words("hand.excused_count", count=excused)
    points = total(told)
    of: dict[str, Scalar] = {
        "score": wording.points(points.score),
        "max": wording.points(points.most + missing.most),
        "accepted": verdicts[Verdict.ACCEPTED],
        "total": exercises - by_hand,
        "by_hand": by_hand,
    }
    if by_hand == exercises > 0:
        return words("report.summary_by_hand", **of)
    return words("report.summary_some_by_hand" if by_hand else "report.summary", **of)


def _part(
    record: Record,
    number: int,
    cells: Shown,
    draw: Draw,
    earlier: str,
) -> Part:
    words, titles = cells.words, cells.titles
    grade, evidence = record.grade, record.evidence
    training = evidence.training if evidence else None
    names, rows = figures(evidence, words)
    return Part(
        anchor=f"exercise-{number}",
        title=wording.title(record.exercise, titles, words),
        exercise=wording.name(record.exercise),
        submission=wording.name(record.submission),
        tone=tone(grade.verdict),
        verdict=wording.verdict_name(record, words),
        why=wording.verdict_reason(record, words),
        waits=_waits(record, words),
        earlier=earlier,
        by_hand=_by_hand(record, words),
        comments=tuple(comment_texts(record, words)),
        problem="" if grade.graded else wording.reference(record, words),
        score=wording.score(record),
        max_score=wording.points(grade.max_score),
        share=share(grade.score or 0.0, grade.max_score),
        graded=grade.score is not None,
        model=_model(record, cells),
        hints=tuple(words.say(hint) for hint in grade.hints),
        sections=sections(record, cells),
        notes=tuple(words.say(note) for note in (evidence.notes if evidence else ())),
        flags=tuple(wording.flags(record, words)),
        chart=draw(training.history) if training else None,
        metric_names=names,
        figures=rows,
        no_points=_no_points(grade, words),
        attempts=attempts(record, words),
        facts=facts(record, words),
    )


def _no_points(grade: Grade, words: Words) -> str:
    """Say why a table of accuracies costs nothing; "" where it counts."""
    told = (one.message for one in grade.checks if one.id == NO_ACCURACY)
    return next(map(words.say, told), "")


def _by_hand(record: Record, words: Words) -> tuple[str, ...]:
    """Say what was decided or taken off, and whose the points of the single questions are."""
    decided = decision_text(record, words)
    own = words("hand.points_found") if decided and record.grade.checks else ""
    return tuple(text for text in (decided, *late_texts(record, words), own) if text)


def _model(record: Record, cells: Shown) -> Place:
    """Say which model was graded, and where it stands."""
    evidence = record.evidence
    if evidence is None or evidence.model is None:
        return Place()
    model = evidence.model
    text = cells.words(
        "report.model_found" if model.name else "report.model_found_unnamed",
        name=wording.name(model.name),
        cell=model.cell,
    )
    return Place(text, cells.place(record, model.cell).link)


def _waits(record: Record, words: Words) -> str:
    waiting = record.waiting
    return words("report.waits_total", points=wording.points(waiting)) if waiting else ""
