"""Points that a teacher has yet to give: a training that nothing of ours stands for.

Enters: Evidence, the Threshold, answered checks. Leaves: why points wait, and the checks without
them. Touches nothing.

Where trainings are asked for, what a notebook tells of a training of its own earns its points only
where our own room, doing it again, comes as far. Else they are neither given nor lost. So are those
of a training of ours that no answer is asked of, where its loss stood still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from grader.course.expectations import Threshold
from grader.score.checks_accuracy import accuracy_fraction, trained_without_fit
from grader.score.checks_data import NO_FIT
from grader.types import Check, Evidence, EvidenceClass, Message, Repeated, Scalar, TrainingFacts

UNSEEN = "no_training_seen"
UNTRAINED = "answers_untrained"  # whoever trained it: the answer was there before
ABOUT_TRAINING = frozenset({EvidenceClass.TRAINING, EvidenceClass.ACCURACY})
CONTRADICTIONS = frozenset(
    {
        *("weights_contradict_model", "pretrained", "history_contradicts", "training_unheard"),
        UNSEEN,
        UNTRAINED,
    }
)
LEARNED = 0.01  # of the first epoch's loss, by which a training moves it at least
REVIEWED = "accuracy.needs_review"  # lost where the notebook trains by itself


def contradicts(evidence: Evidence) -> bool:
    """Whether the evidence contradicts itself.

    That no fit was seen is no contradiction where a loop of the notebook's own trained the model.
    """
    found = CONTRADICTIONS & set(evidence.flags)
    return bool(found - {UNSEEN} if trained_without_fit(evidence) else found)


def why_waiting(
    evidence: Evidence, threshold: Threshold | None, *, answers_count: bool
) -> Message | None:
    """Say why the points for training and accuracy wait for a teacher; None where they do not.

    ``answers_count``: whether accuracy earns anything.
    """
    if evidence.proof is None or evidence.training is None:
        return None
    if UNTRAINED in evidence.flags:
        return Message("waiting.answers_untrained")
    if evidence.proof.proven:
        return None if answers_count else _stood_still(evidence.training)
    if contradicts(evidence):
        return Message("waiting.suspicious")
    repeated = evidence.proof.repeated
    if repeated is None:
        return Message("waiting.not_repeated")
    return repeated.why or _missed(repeated, threshold)


def _stood_still(training: TrainingFacts) -> Message | None:
    """Say that a training of ours moved its loss by next to nothing."""
    first, *others = training.history.get("loss", ()) or (0.0,)
    still = [abs(loss - first) < LEARNED * abs(first) for loss in others]
    return Message("waiting.stood_still") if still and all(still) else None


def _missed(repeated: Repeated, threshold: Threshold | None) -> Message | None:
    """Say what the repeated training did not reach."""
    if threshold is None or threshold.value is None:
        return None if repeated.learned else Message("waiting.learned_nothing")
    value = repeated.metrics.get(threshold.metric)
    if value is None:
        return Message("waiting.not_repeated")
    if accuracy_fraction(value, threshold) >= 1.0:
        return None
    args: dict[str, Scalar] = {"metric": threshold.metric}
    args |= {"value": value, "threshold": threshold.value}
    return Message("waiting.missed", args)


def data_wait(evidence: Evidence) -> bool:
    """Whether the data's points wait: a loop of the notebook's own trained on what nobody saw.

    What a ``GradientTape`` is given reaches no call that could be watched. Nothing says that these
    data are wrong, and nothing that they are right.
    """
    return evidence.proof is not None and not evidence.data and trained_without_fit(evidence)


def held_back(
    checks: Iterable[Check], why: Message | None, *, data_wait: bool = False
) -> Iterator[Check]:
    """Hold back what checks of the training would earn, where their points wait.

    ``data_wait``: those of the data, too.
    """
    for check in checks:
        if data_wait and check.id == NO_FIT:
            yield replace(check, waiting=check.max_points, message=Message("waiting.unseen_data"))
        elif why is None or check.cls not in ABOUT_TRAINING:
            yield check
        elif check.message.id == REVIEWED:
            yield replace(check, waiting=check.max_points)
        elif check.points > 0:
            yield replace(check, points=0.0, waiting=check.points, message=why)
        else:
            yield check
