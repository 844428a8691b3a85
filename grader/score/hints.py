"""Names the likely mistake, first hint first.

Enters: Evidence, Exercise, checks, verdict; for what only the code shows, a Notebook. Leaves:
Messages. Touches nothing. A hint says where to look and why, never the answer's code.

The order is the lesson: what is wrong and where, why it matters, then the exercise's own advice.
What the verdict is about comes first, the rest follows. Each module ``hints_…`` beside this one
is about one kind of evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from grader.course.exercises import Exercise
from grader.score.hints_cells import ABOUT_ERRORS, LANGUAGE, NAME_ERRORS
from grader.score.hints_empty import STILL_EMPTY
from grader.score.hints_runs import (
    OWN_TRAINING,
    diagnose_errors,
    diagnose_runs,
    lacks,
    lost_by_lacks,
)
from grader.score.hints_structure import structure_hints
from grader.score.hints_training import result_hints, setting_hints, training_hints
from grader.score.nearest import Comparison
from grader.types import Check, Evidence, EvidenceClass, Message, Verdict

MOST = 5  # more than a student reads
WHATS = 3  # mistakes named before the reasons and the exercise's own advice
SOURCE = "source."
TOLERANCE = "source.tolerance"
OWN_LOOP = "source.own_loop"
MISSPELT_MODEL = "diagnose.misspelt_model"
SLIPS = (0.01, 0.1, 10.0, 100.0)  # .4 or .004 written for .04
SILENT = frozenset({"source.fit_commented_out", "source.never_called"})  # no error comes of it
UNTRAINED_SOURCE = OWN_TRAINING | SILENT
HISTORY = re.compile(r"^hist|기록|이력", re.IGNORECASE)  # what a call of fit is bound to
GENERAL = frozenset({"diagnose.error"})  # says where, not what: what is known goes first
SHAPES = frozenset({"diagnose.target_shape", "diagnose.target_shape_unknown"})
# Hints that come with a reason of their own, said right after them.
REASONS = {
    "diagnose.layer_type": "diagnose.layer_type.why",
    "diagnose.units": "diagnose.units.why",
    "diagnose.filters": "diagnose.filters.why",
    "diagnose.missing_sequences": "diagnose.missing_sequences.why",
    "diagnose.extra_sequences": "diagnose.extra_sequences.why",
    "diagnose.missing_layer": "diagnose.missing_layer.why",
    "diagnose.extra_layer": "diagnose.extra_layer.why",
    "diagnose.last_activation": "diagnose.last_activation.why",
    "diagnose.input_swapped": "diagnose.input_swapped.why",
    "diagnose.never_fitted": "diagnose.never_fitted.why",
    "diagnose.trained_elsewhere": "diagnose.trained_elsewhere.why",
    "diagnose.debug_epochs": "diagnose.debug_epochs.why",
    "diagnose.few_epochs": "diagnose.few_epochs.why",
    "diagnose.few_updates": "diagnose.few_updates.why",
    "diagnose.rate_tiny": "diagnose.rate_tiny.why",
    "diagnose.rate_huge": "diagnose.rate_huge.why",
    "diagnose.loss_crossentropy": "diagnose.loss_crossentropy.why",
    "diagnose.plain_sgd": "diagnose.plain_sgd.why",
    "diagnose.ndim_2": "diagnose.ndim_2.why",
    "diagnose.lists_to_fit": "diagnose.lists_to_fit.why",
    "diagnose.removed": "diagnose.removed.why",
    "diagnose.no_file": "diagnose.no_file.why",
    "diagnose.no_module": "diagnose.no_module.why",
    "diagnose.plateau": "diagnose.plateau.why",
}
ADVICE = {
    Verdict.WRONG_ARCHITECTURE: EvidenceClass.STRUCTURE,
    Verdict.WRONG_DATA: EvidenceClass.DATA,
    Verdict.UNTRAINED: EvidenceClass.TRAINING,
    Verdict.LOW_ACCURACY: EvidenceClass.ACCURACY,
}


def diagnose(
    evidence: Evidence,
    exercise: Exercise,
    compared: Comparison | None,
    checks: Sequence[Check],
    verdict: Verdict,
) -> tuple[Message, ...]:
    """Give hints, the most telling first, each once, five at most.

    Args:
        evidence: the facts; ``hints`` may bring what ``diagnose_source`` found.
        exercise: what is asked.
        compared: the model beside the accepted form that the checks are about.
        checks: the answered rubric.
        verdict: what it came to.
    """
    source = _about(evidence, exercise)
    if verdict in (Verdict.ACCEPTED, Verdict.SUSPICIOUS, Verdict.WAITING):
        kind = [*_notes(evidence, compared, checks), *_spare(source)]
        return _first([*diagnose_runs(evidence, exercise.epochs), *kind], MOST)
    found = _mistakes(evidence, exercise, compared, checks, verdict, source)
    whats = _first([*found, *lacks(evidence)], WHATS)
    if whats and whats[0].id == LANGUAGE:
        return whats[:1]
    advice = [*_reason(whats), *_advice(exercise, checks, verdict)]
    spare = [message for message in _spare(source) if message not in whats]
    return _first([*whats, *advice, *spare], MOST)


def _mistakes(
    evidence: Evidence,
    exercise: Exercise,
    compared: Comparison | None,
    checks: Sequence[Check],
    verdict: Verdict,
    source: Sequence[Message],
) -> list[Message]:
    """Name the mistakes, those that the verdict is about first."""
    errors = list(diagnose_errors(evidence, exercise.epochs))
    structure = list(structure_hints(compared)) if compared else []
    data = _data(evidence, source)
    training = list(training_hints(evidence, exercise)) if evidence.model else []
    if verdict is Verdict.WRONG_ARCHITECTURE:
        return [*structure, *errors, *data]
    if verdict is Verdict.WRONG_DATA:
        return [*data, *errors]
    if verdict is Verdict.UNTRAINED:
        why = [m for m in source if m.id in UNTRAINED_SOURCE]
        if any(message.id in OWN_TRAINING for message in why):
            training = []  # that fit was not called is known, and meant so
        else:
            training = [*_unwritten(evidence, source), *training]
        broke = errors if _broke_in_training(evidence) else []
        return _general_last([*broke, *why, *training, *errors])
    if verdict is Verdict.LOW_ACCURACY:
        shown = result_hints(evidence, exercise, learned=_has_learned(checks))
        return [*training, *shown, *errors]
    # It broke, ran out of something, or holds no model.
    own = [message for message in source if message.id in OWN_TRAINING]
    if errors:
        twin = [message for message in training if message.id == MISSPELT_MODEL]
        broken = _broken(evidence, errors, twin, structure)
        never = _history_of_nothing(evidence, source, training, errors[0])
        return [*never, *_general_last([*broken, *own, *structure])]
    lost = list(lacks(evidence)) if lost_by_lacks(evidence) else []  # what is missing may be there
    empty = [] if lost else _unwritten(evidence, source)
    rest = [] if lost else [*_left_untrained(evidence, source, training), *data]
    return [*lost, *own, *empty, *structure, *rest]


def _has_learned(checks: Sequence[Check]) -> bool:
    """Whether a model's answers earn most of the points for accuracy."""
    asked = [check for check in checks if check.cls is EvidenceClass.ACCURACY]
    most = sum(check.max_points for check in asked)
    return sum(check.points for check in asked) > most / 2 > 0


def _unwritten(evidence: Evidence, source: Sequence[Message]) -> list[Message]:
    """Name the cells that are still empty, where nothing was trained anywhere else."""
    if evidence.training is not None and evidence.training.fits:
        return []
    return [message for message in source if message.id == STILL_EMPTY]


def _left_untrained(
    evidence: Evidence, source: Sequence[Message], training: Sequence[Message]
) -> Sequence[Message]:
    """Say why nothing was trained, where the verdict is about lines that were left out."""
    if not evidence.runs.left_out:
        return []
    return [message for message in source if message.id in UNTRAINED_SOURCE] or training


def _history_of_nothing(
    evidence: Evidence, source: Sequence[Message], training: Sequence[Message], error: Message
) -> Sequence[Message]:
    """Say that nothing was trained, where that is why a name is missing: what ``fit`` would give.

    Where its call is a comment, any name that is missing below the model may be its.
    """
    facts, built = evidence.training, evidence.model.cell if evidence.model else None
    below = built is not None and all(cell >= built for cell, _ in evidence.runs.failed[:1])
    if error.id not in NAME_ERRORS or not below or (facts is not None and facts.fits):
        return []
    if silent := [message for message in source if message.id in SILENT]:
        return silent
    return training if HISTORY.search(str(error.args.get("name", ""))) else []


def _broken(
    evidence: Evidence,
    errors: Sequence[Message],
    twin: Sequence[Message],
    structure: Sequence[Message],
) -> list[Message]:
    """Order what an error says and what may have caused it."""
    if structure and errors[0].id in SHAPES:
        return [*structure, *errors]  # the layer is the cause, the error its symptom
    built = evidence.model.cell if evidence.model else 0
    first = min((cell for cell, _ in evidence.runs.failed), default=0)
    return [*twin, *errors] if first >= built else [*errors, *twin]


def _general_last(found: list[Message]) -> list[Message]:
    """Put what only says where it broke behind what says why."""
    return sorted(found, key=lambda message: message.id in GENERAL)


def _broke_in_training(evidence: Evidence) -> bool:
    cell = evidence.training.cell if evidence.training else None
    return any(failed == cell for failed, _ in evidence.runs.failed)


def _data(evidence: Evidence, source: Sequence[Message]) -> list[Message]:
    """Give the hints of the failed questions about the data, and the family's other ones.

    The line of code that did it goes before what the data show of it.
    """
    failed = [finding for finding in evidence.data if finding.fraction < 1.0]
    hints = [finding.hint or finding.message for finding in failed]
    apart = [m for m in source if m.id == "source.shuffled_apart"] if failed else []
    return [*apart, *hints, *_family(evidence)]


def _family(evidence: Evidence) -> list[Message]:
    return [message for message in evidence.hints if not message.id.startswith(SOURCE)]


def _about(evidence: Evidence, exercise: Exercise) -> list[Message]:
    """Give what the code shows and what matters to this exercise."""
    return [
        message
        for message in evidence.hints
        if message.id.startswith(SOURCE)
        and (message.id != TOLERANCE or _slip(message, exercise))
        and (message.id != OWN_LOOP or _by_a_loop(evidence))
    ]


def _by_a_loop(evidence: Evidence) -> bool:
    """Whether a loop of the notebook's own is what trained the model; without one, who knows."""
    training = evidence.training
    return training is None or (not training.fits and training.own_updates > 0)


def _slip(message: Message, exercise: Exercise) -> bool:
    asked, got = exercise.data.get("tolerance"), message.args.get("got")
    if not isinstance(asked, (int, float)) or not isinstance(got, (int, float)) or not asked:
        return False
    return any(abs(got / asked / slip - 1.0) < 1e-6 for slip in SLIPS)  # noqa: PLR2004 - rounding


def _spare(source: Sequence[Message]) -> list[Message]:
    """Give what is worth a word even where no error is about it."""
    return [message for message in source if message.id not in ABOUT_ERRORS]


def _notes(
    evidence: Evidence, compared: Comparison | None, checks: Sequence[Check]
) -> list[Message]:
    """Kind words about accepted work: another form of the model, settings that worked by luck."""
    notes: list[Message] = []
    if compared is not None and compared.form.note is not None:
        notes.append(compared.form.note)
    judged = any(check.cls is EvidenceClass.ACCURACY and check.max_points for check in checks)
    if evidence.training is not None and not judged:
        notes += setting_hints(evidence.training)
    return [*_family(evidence), *notes]


def _reason(whats: Sequence[Message]) -> list[Message]:
    """Say why the first mistake matters."""
    first = whats[0] if whats else None
    if first is None or first.id not in REASONS:
        return []
    return [Message(REASONS[first.id], first.args)]


def _advice(exercise: Exercise, checks: Sequence[Check], verdict: Verdict) -> list[Message]:
    """Give the exercise's own hints for the verdict and what failed of its class."""
    cls = ADVICE.get(verdict)
    failed = [c.id for c in checks if c.failed and c.cls is cls]
    return list(exercise.hints_for(*failed, verdict.value, *([cls.value] if cls else [])))


def _first(messages: Iterable[Message], count: int) -> tuple[Message, ...]:
    """Give each message once, as many as asked."""
    unique = {message.id + repr(sorted(message.args.items())): message for message in messages}
    return tuple(unique.values())[:count]
