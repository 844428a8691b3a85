"""How points and results come about, in a reader's own language, on the page itself.

Enters: words. Leaves: the five questions and the results with what each means. Touches nothing.

A page is passed on alone, by mail or by an LMS, so it holds what a link would lose. The contract in
full is ``docs/scoring.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.report import wording
from grader.report.tones import tone
from grader.text.words import Words
from grader.types import EvidenceClass, Verdict

QUESTIONS = {
    EvidenceClass.RUNS: "explain.runs",
    EvidenceClass.STRUCTURE: "explain.structure",
    EvidenceClass.DATA: "explain.data",
    EvidenceClass.TRAINING: "explain.training",
    EvidenceClass.ACCURACY: "explain.accuracy",
}


@dataclass(frozen=True)
class Explained:
    """One word of the page and what it means."""

    name: str
    text: str
    tone: str = ""


@dataclass(frozen=True)
class HowPointsCome:
    """The five questions, and the results in the order in which the first that applies is told."""

    questions: tuple[Explained, ...]
    results: tuple[Explained, ...]


def explained(words: Words) -> HowPointsCome:
    """Say what each question asks, and what each result means."""
    questions = (
        Explained(wording.class_name(cls, words), words(QUESTIONS[cls])) for cls in EvidenceClass
    )
    results = (
        Explained(
            words(wording.VERDICTS[one]),
            words(wording.VERDICT_REASONS[one]),
            tone(one),
        )
        for one in Verdict
    )
    return HowPointsCome(tuple(questions), tuple(results))
