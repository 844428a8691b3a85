"""Training: why it did not happen, stopped too early, or did not get the loss down.

Enters: Evidence and an Exercise. Leaves: Messages, the most telling first. Touches nothing.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator

from grader.course.exercises import Exercise
from grader.text.printable import printable
from grader.types import Evidence, Json, Message, OtherModel, Scalar, TrainingFacts

DEBUG_EPOCHS = 5  # so few are left over from trying out
USUAL_BATCH = 32  # Keras' own default
FEW = 6  # times fewer updates than usual
TINY, HUGE = 1e-5, 0.1  # learning rates that hardly move weights, and that throw them about
HUGE_SGD = 2.0
STUCK = 0.5  # a loss that keeps more than this share of its first value
JUMPED = 3.0  # times above its best value
LIKE = 0.75  # of two names, from which one passes for the other misspelt
_NUMBERED = re.compile(r"\d+|_?(?<![a-z])[a-z]$|(?<=[a-z])[A-Z]$")  # what tells models apart
PLAIN = frozenset({"SGD", "Adagrad", "Adadelta", "Ftrl"})  # slow at their default settings


def training_hints(evidence: Evidence, exercise: Exercise) -> tuple[Message, ...]:
    """Say what kept the model from being trained; settings first, since they explain the rest."""
    training = evidence.training
    if training is None or training.fits == 0:
        return tuple(_never(evidence))
    return tuple(_trained(training, exercise))


def setting_hints(training: TrainingFacts) -> tuple[Message, ...]:
    """Name settings of ``compile`` that work against the exercise, whatever came of them."""
    return tuple(_settings(training))


def result_hints(
    evidence: Evidence, exercise: Exercise, *, learned: bool = False
) -> tuple[Message, ...]:
    """Say what the history shows where the result is not good enough.

    ``learned``: its answers are nearer to correct work's than to a known mistake's, so that a loss
    that hardly fell is no sign of the contrary.
    """
    return tuple(_results(evidence, exercise, learned=learned))


def _never(evidence: Evidence) -> Iterator[Message]:
    name = evidence.model.name if evidence.model else ""
    trained = [one for one in evidence.others if one.epochs]
    twin = next((one for one in trained if name and _alike(one.name, name)), None)
    if twin is not None:
        yield _elsewhere("diagnose.misspelt_model", name, twin)
    elif trained:
        yield _elsewhere("diagnose.trained_elsewhere", name, evidence.data_of or trained[-1])
    else:
        yield Message("diagnose.never_fitted", {"name": name or "model"})


def _elsewhere(message_id: str, name: str, other: OtherModel) -> Message:
    args: dict[str, Scalar] = {
        "name": name or "model",
        "other": other.name or "model",
        "cell": other.cell,
    }
    return Message(message_id, args)


def _alike(one: str, other: str) -> bool:
    """Whether one name may be the other, misspelt; ``model1`` and ``model_b`` are meant so."""
    if _NUMBERED.sub("", one) == _NUMBERED.sub("", other):
        return False
    if len(one) == len(other) and sorted(one) != sorted(other):
        return sum(map(str.__ne__, one, other)) == 1
    return difflib.SequenceMatcher(None, one, other).ratio() >= LIKE


def _trained(training: TrainingFacts, exercise: Exercise) -> Iterator[Message]:
    if not training.finite:
        yield from _settings(training)
        yield _not_finite(training)
        return
    if training.unseen:
        yield from _settings(training)
        return
    if not training.changed and training.reached is not None:
        return  # stopped before it could hand anything over
    if not training.changed:
        settings = tuple(_settings(training))
        yield from settings or (_frozen(training),)
        return
    run, asked = training.epochs, exercise.epochs
    if run < exercise.min_epochs:
        args: dict[str, Scalar] = {"run": run, "asked": asked, "cell": training.cell}
        wanted = training.epochs_asked
        if wanted is not None and run < wanted:
            yield Message("diagnose.stopped_early", {**args, "wanted": wanted})
        else:
            tried_out = run <= DEBUG_EPOCHS
            yield Message("diagnose.debug_epochs" if tried_out else "diagnose.few_epochs", args)
    yield from _settings(training)
    if (few := _few_updates(training, exercise)) is not None:
        yield few


def _settings(training: TrainingFacts) -> Iterator[Message]:
    rate = _number(training.compile.get("learning_rate"))
    optimizer = printable(str(training.compile.get("optimizer") or ""), limit=40)
    loss = printable(str(training.compile.get("loss") or ""), limit=60)
    odd = _odd_rate(rate, optimizer)
    if odd is not None:
        yield odd
    if "crossentropy" in loss and training.target_kind == "real":
        yield Message("diagnose.loss_crossentropy", {"loss": loss})
    elif loss in ("hinge", "squared_hinge", "categorical_hinge", "cosine_similarity"):
        yield Message("diagnose.loss_other", {"loss": loss})
    plain = optimizer in PLAIN and not _number(training.compile.get("optimizer.momentum"))
    if plain and odd is None:  # which names the exercise's optimizer too
        yield Message("diagnose.plain_sgd", {"optimizer": optimizer})


def _odd_rate(rate: float | None, optimizer: str) -> Message | None:
    """Say what a learning rate that no default is near does."""
    if rate == 0:
        return Message("diagnose.rate_zero", {"optimizer": optimizer})
    if rate is not None and rate < TINY:
        return Message("diagnose.rate_tiny", {"rate": rate, "optimizer": optimizer})
    if rate is not None and rate > (HUGE_SGD if optimizer == "SGD" else HUGE):
        return Message("diagnose.rate_huge", {"rate": rate, "optimizer": optimizer})
    return None


def _few_updates(training: TrainingFacts, exercise: Exercise) -> Message | None:
    """A huge batch means few steps: the epochs are all there, and the weights hardly moved."""
    rows, batch, updates = training.rows, training.batch_size or USUAL_BATCH, training.updates
    if not rows or not updates or batch <= USUAL_BATCH:
        return None
    each = math.ceil(rows / USUAL_BATCH)
    usual = exercise.epochs * each
    if updates * FEW > min(training.epochs, exercise.epochs) * each:  # it is not the batch
        return None
    return Message(
        "diagnose.few_updates",
        {"updates": updates, "usual": usual, "batch": batch, "rows": rows},
    )


def _results(evidence: Evidence, exercise: Exercise, *, learned: bool) -> Iterator[Message]:
    training = evidence.training
    assert training is not None
    if training.epochs < exercise.epochs:
        args: dict[str, Scalar] = {
            "run": training.epochs,
            "asked": exercise.epochs,
            "cell": training.cell,
        }
        yield Message("diagnose.fewer_epochs", args)
    losses = [value for value in training.history.get("loss", ()) if math.isfinite(value)]
    if len(losses) < 2 or losses[0] <= 0:  # noqa: PLR2004 - one epoch has no course
        return
    best, last = min(losses), losses[-1]
    if not learned and best > STUCK * (_constant(evidence) or losses[0]):
        yield Message("diagnose.plateau", {"first": losses[0], "last": last})
        return
    validation = [v for v in training.history.get("val_loss", ()) if math.isfinite(v)]
    if last > JUMPED * best:
        args = {"best": best, "epoch": losses.index(best) + 1, "last": last}
        yield Message("diagnose.late_jump", args)
    elif validation and validation[-1] > JUMPED * last:
        yield Message("diagnose.overfitted", {"loss": last, "validation": validation[-1]})
    elif training.epochs >= exercise.epochs:  # else more epochs are the advice, given above
        yield Message("diagnose.still_falling", {"last": last})


def _constant(evidence: Evidence) -> float:
    """Give the error of always answering the mean, where the loss is measured alike."""
    loss = str(evidence.training.compile.get("loss")) if evidence.training else ""
    if loss not in ("mse", "mean_squared_error", "MSE"):
        return 0.0
    mean = evidence.controls.get("mean", {})
    return max(mean.get("mse", 0.0), mean.get("train_mse", 0.0))


def _frozen(training: TrainingFacts) -> Message:
    if training.cell is None:
        return Message("diagnose.frozen_somewhere")
    return Message("diagnose.frozen", {"cell": training.cell})


def _not_finite(training: TrainingFacts) -> Message:
    losses = training.history.get("loss", ())
    first = next((i for i, value in enumerate(losses, 1) if not math.isfinite(value)), None)
    if first is None and training.cell is None:
        return Message("diagnose.not_finite_weights_somewhere")
    if first is None:  # the last steps did it, or something beside the loss
        return Message("diagnose.not_finite_weights", {"cell": training.cell})
    return Message("diagnose.not_finite", {"epoch": first})


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
