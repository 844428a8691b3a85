"""The checks of the training: did the weights move, and for how many epochs.

Enters: TrainingFacts, an Exercise, points. Leaves: Checks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.course.exercises import Exercise
from grader.types import Check, EvidenceClass, Message, TrainingFacts

CLASS = EvidenceClass.TRAINING
MOVED_SHARE = 0.25  # of the training points for weights that moved at all, the rest for epochs


def training_checks(
    training: TrainingFacts | None, exercise: Exercise, points: float
) -> Iterator[Check]:
    """Check that the weights moved, and how many epochs moved them."""
    moved, lasted = points * MOVED_SHARE, points * (1 - MOVED_SHARE)
    needed = exercise.min_epochs
    run = training.epochs if training else 0
    cell = training.cell if training and training.cell else None
    if training is None or (training.fits == 0 and not training.changed):
        changed, told = 0.0, Message("training.never_fitted")
    elif training.unseen:
        changed, told = 0.0, Message("training.unseen")
    elif not training.finite:
        changed, told = 0.0, Message("training.not_finite")
    elif training.mended:
        changed, told = 1.0, Message("training.mended")
    elif training.changed:
        changed, told = 1.0, Message("training.changed")
    else:
        changed, told = 0.0, Message("training.unchanged")
    yield Check("training.weights", CLASS, moved * changed, moved, told, "", "", cell)
    share = min(1.0, run / needed) if changed else 0.0
    args = {"run": run, "needed": needed, "asked": exercise.epochs}
    enough = run >= exercise.epochs or run < needed
    message = Message("training.epochs" if enough else "training.epochs_fewer", args)
    yield Check(
        "training.epochs", CLASS, lasted * share, lasted, message, f"≥ {needed}", str(run), cell
    )
