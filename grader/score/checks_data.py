"""The checks of the data: what the exercise's family found in what was given to ``fit``.

Enters: Evidence and its points. Leaves: Checks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.types import Check, Evidence, EvidenceClass, Message

CLASS = EvidenceClass.DATA
NO_FIT = "data.fit"
UNLOOKED = "data.unlooked"
TARGET, TARGET_WEIGHT = "data.target", 3.0  # what is learned weighs more than how it is laid out


def data_checks(evidence: Evidence, points: float) -> Iterator[Check]:
    """Give a check per finding; what nobody here can look at neither earns nor costs anything."""
    if evidence.unlooked is not None:
        yield Check(UNLOOKED, CLASS, 0.0, 0.0, evidence.unlooked, "", "")
        return
    if not evidence.data:
        why = Message("data.no_fit" if evidence.model is not None else "data.no_model")
        yield Check(NO_FIT, CLASS, 0.0, points, why, "", "")
        return
    weights = [TARGET_WEIGHT if f.id == TARGET else 1.0 for f in evidence.data]
    cell = evidence.training.cell if evidence.training else None
    if evidence.data_of is not None:
        cell = evidence.data_of.cell
    for finding, weight in zip(evidence.data, weights, strict=True):
        share = points * weight / sum(weights)
        yield Check(
            finding.id,
            CLASS,
            share * min(1.0, max(0.0, finding.fraction)),
            share,
            finding.message,
            finding.expected,
            finding.got,
            cell,
        )
