"""How one exercise was graded: numbers, attempts, threshold, versions, for whoever repeats it.

Enters: a Record, words. Leaves: what a student's page shows of them. Touches nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from grader.policy.late import is_mark
from grader.report import wording
from grader.report.late import is_unknown
from grader.text.numbers import number
from grader.text.times import clock, moment, until
from grader.text.words import LEVELS, Words, family_word
from grader.types import Attempt, Evidence, Record

_ATTEMPTS = {"run": "attempt.run", "retrain": "attempt.retrain"}
MOST_WORKS = 10_000  # nobody measured more


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


def figures(evidence: Evidence | None, words: Words) -> tuple[tuple[str, ...], tuple[Figure, ...]]:
    """Give the judge's numbers for the model, beside those of predictors that need no model.

    Returns:
        What the numbers are called, and a row for each predictor.
    """
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


def attempts(record: Record, words: Words) -> tuple[Try, ...]:
    """Give every attempt, with what its model reached."""
    return tuple(_try(one, words) for one in record.attempts)


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
        seconds=f"{attempt.seconds:,.0f}",
    )


def facts(record: Record, words: Words) -> tuple[tuple[str, str], ...]:
    """Give names and values of what somebody who repeats it needs; none where nothing came in."""
    if not record.key:
        return ()
    versions = ", ".join(f"{wording.name(k)} {wording.name(v)}" for k, v in record.versions.items())
    facts = [
        *_dates(record, words),
        ("report.graded_at", moment(record.graded_at, words.zone)),
        ("report.engine", record.engine.value if record.engine else ""),
        ("report.profile", wording.name(record.profile)),
        ("report.device", wording.name(record.device) if record.device else ""),
        ("report.trained_on", _trained_on(record)),
        ("report.isolation", words(LEVELS[record.isolation.level])),
        ("report.threshold", _threshold(record, words)),
        ("report.false_fail", _false_fail(record, words)),
        ("report.seconds_taken", words("report.seconds", seconds=round(record.seconds))),
        ("report.versions", versions),
        ("report.key", record.key[:16]),
    ]
    return tuple((words(name), text) for name, text in facts if text)


def _trained_on(record: Record) -> str:
    """Say what trained the model, where that is not what ran the notebook."""
    proof = record.evidence.proof if record.evidence is not None else None
    if proof is None or not proof.proven or proof.device == (record.device or proof.device):
        return ""
    return wording.name(proof.device)


def _dates(record: Record, words: Words) -> tuple[tuple[str, str], ...]:
    """Give the student's own deadline, and when it was handed in, on the course's clock."""
    rules = record.by_rules
    if rules is None:
        return ()
    due = until(datetime.fromisoformat(rules.due)) if rules.due else ""
    at = clock(datetime.fromisoformat(rules.handed_in)) if rules.handed_in else ""
    unknown = words("rules.time_unknown") if is_unknown(record) else ""
    marked = words("rules.time_marked") if is_mark(record.handed_in) else ""
    return ("rules.due", due), ("rules.handed_in", at or marked or unknown)


def _false_fail(record: Record, words: Words) -> str:
    """Say how unlucky correct work can be: the bound after all attempts."""
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
