"""The checks of the training: did the weights move, and for how many epochs.

Enters: TrainingFacts, an Exercise, points. Leaves: Checks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.course.exercises import Exercise
from grader.types import Check, EvidenceClass, Message, Scalar, TrainingFacts

CLASS = EvidenceClass.TRAINING
MOVED = frozenset({"training.changed", "training.mended"})
MOVED_SHARE = 0.25  # of the training points for weights that moved at all, the rest for epochs


def training_checks(
    training: TrainingFacts | None, exercise: Exercise, points: float
) -> Iterator[Check]:
    """Check that the weights moved, and how many epochs moved them."""
    moved, lasted = points * MOVED_SHARE, points * (1 - MOVED_SHARE)
    needed = exercise.min_epochs
    run = training.epochs + training.own_epochs if training else 0
    cell = training.cell if training and training.cell else None
    told = _about_weights(training)
    changed = told.id in MOVED
    earned = moved if changed else 0.0
    yield Check("training.weights", CLASS, earned, moved, told, "", "", cell)
    share = min(1.0, run / needed) if changed else 0.0
    message = _about_epochs(training, exercise, counted=changed)
    yield Check(
        "training.epochs", CLASS, lasted * share, lasted, message, f"≥ {needed}", str(run), cell
    )


def _about_weights(training: TrainingFacts | None) -> Message:
    """Say what became of the weights: the first that applies."""
    if training is None:
        return Message("training.no_model")
    idle = not (training.fits or training.own_updates)
    if idle and not training.changed:
        return Message("training.never_fitted")
    applies = {
        "training.unseen": training.unseen,
        "training.not_finite": not training.finite,
        "training.mended": training.mended,
        "training.changed": training.changed,
        "training.cut_off": training.reached is not None,
        "training.not_begun": training.epochs + training.own_updates == 0,
        "training.unchanged": True,
    }
    told = next(message for message, true in applies.items() if true)
    return Message(told)


def _without_fit(training: TrainingFacts | None, args: dict[str, Scalar]) -> Message:
    """Say what a loop of the notebook's own did, or what else changed the weights."""
    if training is None:
        return Message("training.none_run", args)
    if training.own_updates:
        run = training.epochs + training.own_epochs
        return Message("training.own_loop", {**args, "run": run, "updates": training.own_updates})
    return Message("training.without_fit" if training.changed else "training.no_epochs", args)


def _about_epochs(training: TrainingFacts | None, exercise: Exercise, *, counted: bool) -> Message:
    """Say how long it trained, and what kept it from going on.

    ``counted``: whether the epochs earn anything, which is where weights moved.
    """
    run = training.epochs if training else 0
    args: dict[str, Scalar] = {
        "run": run,
        "needed": exercise.min_epochs,
        "asked": exercise.epochs,
    }
    if training is None or training.own_updates or training.fits == 0:
        return _without_fit(training, args)
    if run >= exercise.min_epochs:
        lasted = "training.epochs" if run >= exercise.epochs else "training.epochs_fewer"
        return Message(lasted if counted else "training.epochs_idle", args)
    wanted = training.epochs_asked
    if training.reached is not None:
        return Message("training.epochs_cut_off", {**args, "reached": training.reached})
    if run == 0:
        return Message("training.none_done", args)
    if wanted is not None and wanted >= exercise.epochs:
        return Message("training.epochs_broken_off", {**args, "wanted": wanted})
    return Message("training.epochs", args)
