"""Stage 4: points with reasons, a pure function of evidence, expectation and rubric.

Enters: Evidence and an Exercise. Leaves: a Grade. Touches nothing. ``checks_*.py`` hold one module
per evidence class, ``hints_*.py`` one per kind of evidence.

Missing evidence earns nothing and says why. Every check is monotone: more that is right never
earns less.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.course.exercises import Exercise, total_of
from grader.course.expectations import Threshold
from grader.course.own_checks import OwnCheck
from grader.score.checks_accuracy import accuracy_checks, trained_without_fit
from grader.score.checks_data import NO_FIT, data_checks
from grader.score.checks_own import left_over, own_checks, that_apply, unasked_checks
from grader.score.checks_runs import run_checks
from grader.score.checks_structure import structure_checks
from grader.score.checks_training import training_checks
from grader.score.hints import diagnose
from grader.score.hints_runs import NO_KNOWN_EXERCISE, diagnose_unknown
from grader.score.nearest import nearest
from grader.score.waiting import UNSEEN, contradicts, data_wait, held_back, why_waiting
from grader.types import (
    Check,
    Evidence,
    EvidenceClass,
    Grade,
    Message,
    Outcome,
    Verdict,
)

MAX_SCORE = 100.0
ROOM_LACKS = "room_lacks"
WITHOUT_FIT = "trained_without_fit"
STOPPED = {
    Outcome.TIME_LIMIT: Verdict.TIME_LIMIT,
    Outcome.MEMORY_LIMIT: Verdict.MEMORY_LIMIT,
}
FAILURES = (
    (EvidenceClass.STRUCTURE, Verdict.WRONG_ARCHITECTURE),
    (EvidenceClass.DATA, Verdict.WRONG_DATA),
    (EvidenceClass.TRAINING, Verdict.UNTRAINED),
    (EvidenceClass.ACCURACY, Verdict.LOW_ACCURACY),
)


def score(
    evidence: Evidence,
    exercise: Exercise,
    threshold: Threshold | None,
    own: Sequence[OwnCheck] = (),
    ours: Threshold | None = None,
) -> Grade:
    """Grade one exercise of one run.

    Args:
        evidence: the facts.
        exercise: what is asked and what it is worth.
        threshold: the calibrated accuracy threshold for the engine and device of the run.
        own: the checks that the exercise brings along.
        ours: the threshold for our own trainings, by which a claimed one done again is judged;
            None: the same.

    Raises:
        GraderError: one of its own checks is at fault.
    """
    if evidence.model is not None:
        exercise = exercise.sized(evidence.model.input_shape)
    compared = nearest(evidence.model, exercise) if evidence.model is not None else None
    points = exercise.points_for(threshold)
    if evidence.unlooked is not None:
        points = {**points, EvidenceClass.DATA: 0.0}
    own = that_apply(own, evidence)
    rest = left_over(own, exercise, points)
    standard = (
        *run_checks(evidence, rest[EvidenceClass.RUNS]),
        *structure_checks(compared, exercise.layers, rest[EvidenceClass.STRUCTURE]),
        *data_checks(evidence, rest[EvidenceClass.DATA]),
        *training_checks(evidence.training, exercise, rest[EvidenceClass.TRAINING]),
        *accuracy_checks(evidence, exercise, threshold, rest[EvidenceClass.ACCURACY]),
    )
    own_ones = own_checks(own, evidence, exercise, points, standard)
    checks = (*standard, *own_ones, *unasked_checks(exercise))
    answers_count = points[EvidenceClass.ACCURACY] > 0
    why = why_waiting(evidence, ours or threshold, answers_count=answers_count)
    checks = tuple(held_back(checks, why, data_wait=data_wait(evidence)))
    verdict, most = _verdict(evidence, checks), total_of(points)
    if evidence.model is None:
        total = 0.0  # a notebook without a model earns nothing for running
    else:
        total = round(min(most, sum(check.points for check in checks)), 2)
    return Grade(
        verdict=verdict,
        score=total,
        max_score=most,
        checks=checks,
        hints=diagnose(evidence, exercise, compared, checks, verdict),
        flags=_flags(evidence, verdict),
    )


def ungraded(message: Message) -> Grade:
    """A fault of ours: no score, never zero."""
    check = Check("grader", None, 0.0, 0.0, message, "", "")
    return Grade(Verdict.GRADER_ERROR, None, MAX_SCORE, (check,), (), ())


def malformed(message: Message, most: float = MAX_SCORE) -> Grade:
    """Not a readable notebook, of an exercise that has ``most`` points."""
    check = Check("runs.readable", EvidenceClass.RUNS, 0.0, most, message, "", "")
    return Grade(Verdict.MALFORMED, 0.0, most, (check,), (), ())


def nothing_found(evidence: Evidence) -> Grade:
    """Grade a notebook in which no model of any exercise was found."""
    runs = evidence.runs
    raised = bool(runs.failed or runs.left_out) or runs.outcome is Outcome.KERNEL_DIED
    usual = Verdict.RUNTIME_ERROR if raised else Verdict.NO_MODEL
    verdict = STOPPED.get(runs.outcome, usual)
    checks = (
        *run_checks(evidence, 0.0),
        *structure_checks(None, (), MAX_SCORE, _nearest_told(evidence)),
    )
    hints = diagnose_unknown(evidence)
    return Grade(verdict, 0.0, MAX_SCORE, checks, hints, _flags(evidence, verdict))


def _nearest_told(evidence: Evidence) -> Message | None:
    """Say what was seen and what the nearest exercise would want, where there was a model."""
    near = next((one for one in evidence.hints if one.id == NO_KNOWN_EXERCISE), None)
    return Message("structure.no_known_exercise", near.args) if near is not None else None


def _flags(evidence: Evidence, verdict: Verdict) -> tuple[str, ...]:
    """Give the evidence's flags; one where the room may be to blame for what failed.

    And one where a loop of one's own trained the model: it works, and nobody counted its epochs.
    """
    flags = list(evidence.flags)
    if trained_without_fit(evidence):
        flags = [flag for flag in flags if flag != UNSEEN]  # that no fit was seen is known
        flags.append(WITHOUT_FIT)
    if verdict is not Verdict.ACCEPTED and evidence.runs.left_out:
        flags.append(ROOM_LACKS)
    return tuple(flags)


def _verdict(evidence: Evidence, checks: tuple[Check, ...]) -> Verdict:
    runs = evidence.runs
    if runs.outcome in STOPPED:
        return STOPPED[runs.outcome]
    training = evidence.training
    trained = training is not None and (training.epochs > 0 or training.changed)
    raised = runs.failed or runs.left_out or runs.outcome is Outcome.KERNEL_DIED
    if raised and not trained:
        return Verdict.RUNTIME_ERROR
    if evidence.model is None:
        return Verdict.NO_MODEL
    if (failure := _failure(evidence, checks)) is not None:
        return failure
    if contradicts(evidence) or _is_for_a_teacher(evidence):
        return Verdict.SUSPICIOUS
    return Verdict.WAITING if any(check.waiting for check in checks) else Verdict.ACCEPTED


def _failure(evidence: Evidence, checks: tuple[Check, ...]) -> Verdict | None:
    """Give what the first class comes to that failed.

    Without a fit there are no data to be wrong, or they are another model's: what is missing is
    the training.
    """
    never_fitted = evidence.data_of is not None
    for cls, verdict in FAILURES:
        if never_fitted and cls is EvidenceClass.DATA:
            continue
        if any(check.failed for check in checks if check.cls is cls and check.id != NO_FIT):
            return verdict
    return Verdict.UNTRAINED if never_fitted else None


def _is_for_a_teacher(evidence: Evidence) -> bool:
    """Whether a loop of its own trained it, and nobody did that training again.

    Where trainings are asked for, the repeated one decides about the loop, and points wait or not.
    """
    return trained_without_fit(evidence) and evidence.proof is None
