"""How many trainings stand behind results, where trainings are asked for.

Enters: Records. Leaves: sentences. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.text.words import Words
from grader.types import Proof, Record


def trained_lines(records: Sequence[Record], words: Words) -> tuple[str, ...]:
    """Say how many trainings of ours stand for how many submissions, and for which none does."""
    proofs = [(record, proof) for record in records if (proof := _proof(record)) is not None]
    ours = [(record, proof) for record, proof in proofs if proof.proven]
    trainings = len({proof.key for _, proof in ours})
    submissions = len({(record.author, record.submission) for record, _ in ours})
    lines = []
    if ours:
        lines.append(words("report.trainings", trainings=trainings, submissions=submissions))
    if len(proofs) > len(ours):
        lines.append(words("report.trained_itself", count=len(proofs) - len(ours)))
    return tuple(lines)


def _proof(record: Record) -> Proof | None:
    """Give whose training stands for a model; None where nothing trained it."""
    if record.evidence is None:
        return None
    told = record.evidence.training
    idle = told is not None and not (told.epochs or told.own_updates or told.changed)
    return None if idle else record.evidence.proof
