"""Advice of a check in a live notebook: the grader's own, in an order and in words for here.

Enters: LiveEvidence, a Grade, an exercise. Leaves: Messages, the most telling first. Touches
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from grader.course.exercises import Exercise
from grader.live.evidence import LiveEvidence, LiveModel
from grader.report import wording
from grader.types import EvidenceClass, Grade, Message, Verdict

# A live notebook's cells have no places: the same advice, without one.
WITHOUT_CELL = {
    "diagnose.not_a_chain": "live.not_a_chain",
    "diagnose.layers_do_not_fit": "live.layers_do_not_fit",
    "diagnose.misspelt_model": "live.misspelt_model",
    "diagnose.trained_elsewhere": "live.trained_elsewhere",
}
WHY = ".why"
NEVER = frozenset({"diagnose.never_fitted", "diagnose.never_fitted.why"})
ELSEWHERE = frozenset(
    {"diagnose.misspelt_model", "diagnose.trained_elsewhere", "diagnose.trained_elsewhere.why"}
)


def advice(
    found: LiveEvidence, grade: Grade, exercise: Exercise, failed: str, earlier: frozenset[str]
) -> Iterator[Message]:
    """Give advice on what was found.

    Args:
        found: what is known.
        grade: what it comes to.
        exercise: the one that is checked.
        failed: what the last exception said; "" where there was none.
        earlier: what models are called that no variable holds any more.
    """
    broken = [tuple(cell.advice()) for cell in found.failed]
    if found.chosen is None:
        yield from _without_a_model(found, exercise, failed, chain.from_iterable(broken))
        return
    own = tuple(_of_the_model(found, found.chosen, grade, exercise, earlier))
    fit = found.chosen.known.failed  # what was wrong before it goes before what it said of that
    made = any(cell.makes(found.chosen.held.name) for cell in found.failed)
    first = 0 if made and fit is None else 1
    if first and own:  # why an exception matters is said where nothing else is wrong
        broken = [told[:1] for told in broken]
    yield from (*own[:first], *chain.from_iterable(broken), *own[first:])


def _without_a_model(
    found: LiveEvidence, exercise: Exercise, failed: str, broken: Iterable[Message]
) -> Iterator[Message]:
    if failed:  # advice about layers would be about none
        yield from broken
        yield Message("live.mend_first")
        return
    if found.begin:
        yield Message("live.begin")
    yield from exercise.hints_for(Verdict.WRONG_ARCHITECTURE, EvidenceClass.STRUCTURE)


def _of_the_model(
    found: LiveEvidence,
    chosen: LiveModel,
    grade: Grade,
    exercise: Exercise,
    earlier: frozenset[str],
) -> Iterator[Message]:
    untrained = grade.verdict is Verdict.UNTRAINED
    if untrained and (found.epochs_unsure or chosen.known.failed):
        return  # whether anything is missing is not known, or an exception says why it is
    uncompiled = not chosen.known.fits and "optimizer" not in chosen.reading.candidate.compile
    for hint in wording.with_epochs_left(grade) if exercise.earns_by_accuracy else grade.hints:
        again = hint.id in ELSEWHERE and hint.args.get("other") in earlier
        if not again and not (uncompiled and hint.id in NEVER):
            here = WITHOUT_CELL.get(hint.id)
            yield Message(here, hint.args) if here is not None else hint
        elif not hint.id.endswith(WHY):
            told = "live.not_compiled" if uncompiled else "live.built_again"
            yield Message(told, {"name": chosen.held.name})
