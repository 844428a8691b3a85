"""A page of feedback for one student.

Enters: the student's Records. Leaves: one HTML page that needs nothing else: no script, no request,
no picture that a student made. Touches: reads its templates.

Everything from a student passes ``printable`` and the template's escaping; a strict content
security policy, which allows the page's own style sheet by its digest, stands behind both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from grader.policy.hand_ins import Counting
from grader.report import wording
from grader.report.by_hand import comment_texts, decision_text
from grader.report.cells import Notebooks, Place, Shown, none_kept, shown
from grader.report.chart import Chart, loss_chart
from grader.report.explained import explained
from grader.report.late import late_texts
from grader.report.page import render
from grader.report.points import total
from grader.report.summary import weights_text
from grader.report.tones import tone
from grader.text.times import day, moment
from grader.text.words import LEVELS, Words, family_word, number
from grader.types import (
    Attempt,
    Check,
    Evidence,
    EvidenceClass,
    Message,
    Record,
    Verdict,
)

Draw = Callable[[Mapping[str, Sequence[float]]], Chart | None]

# Other messages hold both values in their sentence.
_COMPARED = (EvidenceClass.STRUCTURE, EvidenceClass.DATA)
_ATTEMPTS = {"run": "attempt.run", "retrain": "attempt.retrain"}
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
MOST_WORKS = 10_000  # nobody measured more
COMPARED = 400  # characters that are compared word by word: the work grows with the cube


@dataclass(frozen=True)
class Piece:
    """A stretch of a value; ``differs`` where the other side has something else."""

    text: str
    differs: bool


@dataclass(frozen=True)
class CheckLine:
    """One check as a student reads it."""

    mark: str  # right, partly, wrong, waits, none (no points in it)
    text: str
    points: str
    max_points: str
    waits: str  # points that a teacher has yet to give
    expected: tuple[Piece, ...]
    got: tuple[Piece, ...]
    where: Place


@dataclass(frozen=True)
class Section:
    """One of the five questions with its checks."""

    title: str
    points: str
    max_points: str
    share: float
    mark: str
    waits: str
    unlooked: bool  # some of it nobody looked at, which is to be read without a click
    lines: tuple[CheckLine, ...]


@dataclass(frozen=True)
class Figure:
    """A predictor's numbers on data that the notebook never saw."""

    name: str
    values: tuple[str, ...]
    own: bool


@dataclass(frozen=True)
class Try:
    """One attempt."""

    number: int
    kind: str
    engine: str
    seed: int
    metrics: str
    seconds: str


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
    attempts: tuple[Try, ...]
    facts: tuple[tuple[str, str], ...]


def feedback_page(
    student: str,
    records: Sequence[Record],
    words: Words,
    titles: Mapping[str, str],
    draw: Draw = loss_chart,
    notebooks: Notebooks = none_kept,
) -> str:
    """Give the page of one student.

    Args:
        student: whose page it is.
        records: the student's records.
        words: the reader's language.
        titles: exercise id to title, in that language, in the course's order.
        draw: makes a picture of a history; None where there is none to show.
        notebooks: gives the code that a record tells of; None where it is not kept.
    """
    counts = Counting(records)
    ordered = wording.in_course_order(sorted(records, key=counts.is_chosen, reverse=True), titles)
    cells = shown(ordered, notebooks, words, titles)
    parts = [
        _part(record, number, cells, draw, wording.does_not_count(record, counts, words))
        for number, record in enumerate(ordered, start=1)
    ]
    counting, points = [record.grade for record in counts.counting], total(counts.counting)
    return render(
        "feedback.html.j2",
        words,
        student=wording.name(student),
        parts=parts,
        exercises=len(counting),
        accepted=sum(one.verdict is Verdict.ACCEPTED for one in counting),
        waiting=sum(not one.graded for one in counting),
        total=wording.points(points.score),
        total_max=wording.points(points.most),
        weights=weights_text(counts.counting, words, titles),
        date=day(max((one.graded_at for one in records), default=""), words.zone),
        notebooks=list(cells.views()),
        explained=explained(words),
    )


def _part(
    record: Record,
    number_: int,
    cells: Shown,
    draw: Draw,
    earlier: str,
) -> Part:
    words, titles = cells.words, cells.titles
    grade, evidence = record.grade, record.evidence
    training = evidence.training if evidence else None
    names, figures = _figures(evidence, words)
    return Part(
        anchor=f"exercise-{number_}",
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
        share=_share(grade.score or 0.0, grade.max_score),
        graded=grade.score is not None,
        model=_model(record, cells),
        hints=tuple(words.say(hint) for hint in grade.hints),
        sections=_sections(record, cells),
        notes=tuple(words.say(note) for note in (evidence.notes if evidence else ())),
        flags=tuple(wording.flags(record, words)),
        chart=draw(training.history) if training else None,
        metric_names=names,
        figures=figures,
        attempts=tuple(_try(one, words) for one in record.attempts),
        facts=_facts(record, words),
    )


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


def _sections(record: Record, cells: Shown) -> tuple[Section, ...]:
    by_class: dict[EvidenceClass, list[Check]] = {}
    in_vain = record.grade.waiting > 0 and not record.waiting  # too late to earn anything
    for check in record.grade.checks:
        if check.cls is not None:
            one = replace(check, waiting=0.0) if in_vain else check
            by_class.setdefault(check.cls, []).append(one)
    found = [cls for cls in EvidenceClass if cls in by_class]
    return tuple(_section(cls, by_class[cls], record, cells) for cls in found)


def _section(cls: EvidenceClass, checks: Sequence[Check], record: Record, cells: Shown) -> Section:
    points = sum(check.points for check in checks)
    most = sum(check.max_points for check in checks)
    waiting = sum(check.waiting for check in checks)
    return Section(
        title=wording.class_name(cls, cells.words),
        points=wording.points(points),
        max_points=wording.points(most),
        share=_share(points, most),
        mark=_mark(points, most, waiting),
        waits=wording.waiting(waiting, cells.words),
        unlooked=any(map(wording.is_unlooked, checks)),
        lines=tuple(_line(check, record, cells) for check in checks),
    )


def _line(check: Check, record: Record, cells: Shown) -> CheckLine:
    words = cells.words
    expected, got = wording.value(check.expected), wording.value(check.got)
    compared = not check.passed and bool(expected and got) and check.cls in _COMPARED
    brief = wording.BRIEF.get(check.message.id) if compared else None
    text = words.say(Message(brief, check.message.args)) if brief else ""
    mine, theirs = _compared(expected, got) if compared else ((), ())
    return CheckLine(
        mark=_mark(check.points, check.max_points, check.waiting),
        waits=wording.waiting(check.waiting, words),
        text=text or wording.check_text(check, words),
        points=wording.points(check.points),
        max_points=wording.points(check.max_points),
        expected=mine,
        got=theirs,
        where=Place() if check.passed else cells.place(record, check.cell),
    )


def _mark(points: float, most: float, waiting: float) -> str:
    if most <= 0:
        return "none"
    if points >= most - 1e-9:
        return "right"
    if waiting > 0:
        return "waits"
    return "partly" if points > 0 else "wrong"


def _share(points: float, most: float) -> float:
    return round(min(1.0, max(0.0, points / most)), 4) if most > 0 else 0.0


def _compared(expected: str, got: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both values in pieces, so that the eye finds the difference."""
    if max(len(expected), len(got)) > COMPARED:
        return (Piece(expected, differs=False),), (Piece(got, differs=False),)
    mine, theirs = _TOKEN.findall(expected), _TOKEN.findall(got)
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    if matcher.ratio() < 0.4:  # noqa: PLR2004 - nothing in common: marking all of it helps nobody
        return (Piece(expected, differs=False),), (Piece(got, differs=False),)
    left, right = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        left.append(Piece("".join(mine[a:b]), differs=kind != "equal"))
        right.append(Piece("".join(theirs[c:d]), differs=kind != "equal"))
    return tuple(p for p in left if p.text), tuple(p for p in right if p.text)


def _figures(evidence: Evidence | None, words: Words) -> tuple[tuple[str, ...], tuple[Figure, ...]]:
    """The judge's numbers for the model, beside those of predictors that need no model."""
    if evidence is None or not evidence.metrics:
        return (), ()
    own = evidence.metrics
    rows = [Figure(words("report.your_model"), tuple(map(_short, own.values())), own=True)]
    for control, numbers in evidence.controls.items():
        values = (numbers.get(key) for key in own)
        shown = tuple("–" if value is None else _short(value) for value in values)
        rows.append(Figure(_named("control", control, words), shown, own=False))
    return tuple(_named("figure", key, words) for key in own), tuple(rows)


def _named(kind: str, key: str, words: Words) -> str:
    worded = family_word(kind, key)
    return words(worded) if words.knows(worded) else wording.name(key)


def _short(value: float) -> str:
    return number(float(f"{value:.3g}"))


def _try(attempt: Attempt, words: Words) -> Try:
    metrics = (
        f"{_named('figure', key, words)} {_short(value)}" for key, value in attempt.metrics.items()
    )
    kind = _ATTEMPTS.get(attempt.kind)
    return Try(
        number=attempt.number,
        kind=words(kind) if kind else wording.name(attempt.kind),
        engine=attempt.engine.value,
        seed=attempt.seed,
        metrics=", ".join(metrics),
        seconds=f"{attempt.seconds:.0f}",
    )


def _facts(record: Record, words: Words) -> tuple[tuple[str, str], ...]:
    """How it was graded: what somebody who repeats it needs to know; nothing of no hand-in."""
    if not record.key:
        return ()
    versions = ", ".join(f"{wording.name(k)} {wording.name(v)}" for k, v in record.versions.items())
    facts = [
        *_dates(record),
        ("report.graded_at", moment(record.graded_at, words.zone)),
        ("report.engine", record.engine.value if record.engine else ""),
        ("report.profile", wording.name(record.profile)),
        ("report.device", wording.name(record.device) if record.device else ""),
        ("report.isolation", words(LEVELS[record.isolation.level])),
        ("report.threshold", _threshold(record, words)),
        ("report.false_fail", _false_fail(record, words)),
        ("report.seconds_taken", words("report.seconds", seconds=f"{record.seconds:.0f}")),
        ("report.versions", versions),
        ("report.key", record.key[:16]),
    ]
    return tuple((words(name), text) for name, text in facts if text)


def _dates(record: Record) -> tuple[tuple[str, str], ...]:
    """Give the student's own deadline, and when it was handed in, on the course's clock."""
    rules = record.by_rules
    told = (("rules.due", rules.due), ("rules.handed_in", rules.handed_in)) if rules else ()
    return tuple((name, at[:16].replace("T", " ")) for name, at in told)


def _false_fail(record: Record, words: Words) -> str:
    """How unlucky correct work can be: the bound after all attempts."""
    used = record.threshold
    if used is None or used.false_fail is None or used.attempts is None:
        return ""
    return words("report.at_most", works=_one_in(used.false_fail), attempts=used.attempts)


def _one_in(rate: float) -> int:
    """Give of how many correct works at most one is unlucky, as a number easily said."""
    works = max(1.0, 1.0 / rate) if rate > 0 else MOST_WORKS
    digit = 10 ** math.floor(math.log10(works))
    return min(MOST_WORKS, int(works // digit * digit))


def _threshold(record: Record, words: Words) -> str:
    used = record.threshold
    if used is None or used.value is None:
        return ""
    sign = "≤" if used.better == "lower" else "≥"
    text = f"{_named('figure', used.metric, words)} {sign} {_short(used.value)}"
    return f"{text} ({words('report.widened')})" if used.widened else text
