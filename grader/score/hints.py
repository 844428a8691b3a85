"""Names the likely mistake, first hint first.

Enters: Evidence, Exercise, checks, verdict; for what only the code shows, a Notebook. Leaves:
Messages. Touches nothing. A hint says where to look and why, never the answer's code.

The order is the lesson: what is wrong and where, why it matters, then the exercise's own advice.
What the verdict is about comes first, the rest follows. Each module ``hints_…`` beside this one
is about one kind of evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.course.exercises import Exercise
from grader.score.hints_errors import explain
from grader.score.hints_source import source_hints
from grader.score.hints_structure import structure_hints
from grader.score.hints_training import result_hints, setting_hints, training_hints
from grader.score.nearest import Comparison
from grader.types import Check, Evidence, EvidenceClass, Message, Notebook, Outcome, Verdict

__all__ = ["diagnose", "diagnose_runs", "diagnose_source"]

MOST = 5  # more than a student reads
EXPLAINED = 20  # failing cells
WHATS = 3  # mistakes named before the reasons and the exercise's own advice
MOST_LACKS = 2
SOURCE = "source."
TOLERANCE = "source.tolerance"
SLIPS = (0.01, 0.1, 10.0, 100.0)  # .4 or .004 written for .04
UNTRAINED_SOURCE = frozenset({"source.fit_commented_out", "source.never_called"})
SHAPES = frozenset({"diagnose.target_shape", "diagnose.target_shape_unknown"})
CONSEQUENCES = frozenset({"diagnose.not_compiled", "diagnose.not_built", "diagnose.lists_to_fit"})
# Hints that come with a reason of their own, said right after them.
REASONS = {
    "diagnose.layer_type": "diagnose.layer_type.why",
    "diagnose.units": "diagnose.units.why",
    "diagnose.missing_sequences": "diagnose.missing_sequences.why",
    "diagnose.extra_sequences": "diagnose.extra_sequences.why",
    "diagnose.missing_layer": "diagnose.missing_layer.why",
    "diagnose.extra_layer": "diagnose.extra_layer.why",
    "diagnose.last_activation": "diagnose.last_activation.why",
    "diagnose.input_shape": "diagnose.input_shape.why",
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
STOPPED = {
    Outcome.TIME_LIMIT: "diagnose.time_limit",
    Outcome.MEMORY_LIMIT: "diagnose.memory_limit",
    Outcome.KERNEL_DIED: "diagnose.kernel_died",
}
LEFT_OUT = {
    "package": "diagnose.lacks_package",
    "device": "diagnose.lacks_device",
    "display": "diagnose.lacks_display",
    "drive": "diagnose.lacks_drive",
    "colab": "diagnose.lacks_colab",
    "magic": "diagnose.lacks_magic",
    "font": "diagnose.lacks_font",
    "program": "diagnose.lacks_program",
    "network": "diagnose.lacks_network",
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
    if verdict in (Verdict.ACCEPTED, Verdict.SUSPICIOUS):
        errors = _with_names(diagnose_runs(evidence), source)
        return _first([*errors, *_notes(evidence, compared, checks), *source], MOST)
    whats = _first(_mistakes(evidence, exercise, compared, verdict, source), WHATS)
    advice = [*_reason(whats), *_advice(exercise, checks, verdict)]
    spare = [message for message in source if message not in whats]
    return _first([*whats, *advice, *spare], MOST)


def diagnose_runs(evidence: Evidence) -> tuple[Message, ...]:
    """Explain the first failing cell, and a second one that is no mere consequence."""
    runs = evidence.runs
    stopped = _stopped(runs.outcome, runs.stopped_at or 0)
    # A later cell lacks what the first failing one did not get to: a name, a compiled model.
    others = [one for one in runs.failed[1:] if one[1].name != "NameError"][:EXPLAINED]
    later = [explain(cell, error) for cell, error in others]
    first = [explain(cell, error) for cell, error in runs.failed[:1]]
    own = [message for message in later if message.id not in CONSEQUENCES]
    return (*stopped, *first, *own[:1], *_left_out(evidence))


def diagnose_source(notebook: Notebook) -> tuple[Message, ...]:
    """Give what the notebook's code alone shows; meant to be added to ``Evidence.hints``."""
    return source_hints(notebook)


def _left_out(evidence: Evidence) -> Iterable[Message]:
    """Say what the room lacks: for each thing the first line that was left out."""
    first = {(one.kind, one.what): one for one in reversed(evidence.runs.left_out)}
    for one in sorted(first.values(), key=lambda one: (one.cell, one.line))[:MOST_LACKS]:
        where = {"cell": one.cell, "line": one.line}
        yield Message(LEFT_OUT[one.kind], {**where, "what": one.what})


def _stopped(outcome: Outcome, cell: int) -> tuple[Message, ...]:
    if outcome is Outcome.FINISHED:
        return ()
    return (Message(STOPPED[outcome], {"cell": cell}),)


def _mistakes(
    evidence: Evidence,
    exercise: Exercise,
    compared: Comparison | None,
    verdict: Verdict,
    source: Sequence[Message],
) -> list[Message]:
    """Name the mistakes, those that the verdict is about first."""
    errors = list(_with_names(diagnose_runs(evidence), source))
    structure = list(structure_hints(compared)) if compared else []
    data = _data(evidence, source)
    training = list(training_hints(evidence, exercise)) if evidence.model else []
    if verdict is Verdict.WRONG_ARCHITECTURE:
        return [*structure, *errors, *data]
    if verdict is Verdict.WRONG_DATA:
        return [*data, *errors]
    if verdict is Verdict.UNTRAINED:
        why = [m for m in source if m.id in UNTRAINED_SOURCE]
        broke = errors if _broke_in_training(evidence) else []
        return [*broke, *why, *training, *errors]
    if verdict is Verdict.LOW_ACCURACY:
        return [*training, *result_hints(evidence, exercise), *errors]
    if structure and errors and errors[0].id in SHAPES:
        return [*structure, *errors]  # the layer is the cause, the error its symptom
    # It broke, ran out of something, or holds no model.
    return [*errors, *structure] if errors else [*structure, *data]


def _broke_in_training(evidence: Evidence) -> bool:
    cell = evidence.training.cell if evidence.training else None
    return any(failed == cell for failed, _ in evidence.runs.failed)


def _data(evidence: Evidence, source: Sequence[Message]) -> list[Message]:
    """Give the hints of the failed questions about the data, and the family's other ones."""
    failed = [finding for finding in evidence.data if finding.fraction < 1.0]
    hints = [finding.hint or finding.message for finding in failed]
    apart = [m for m in source if m.id == "source.shuffled_apart"] if failed else []
    return [*hints, *_family(evidence), *apart]


def _family(evidence: Evidence) -> list[Message]:
    return [message for message in evidence.hints if not message.id.startswith(SOURCE)]


def _about(evidence: Evidence, exercise: Exercise) -> list[Message]:
    """Give what the code shows and what matters to this exercise."""
    return [
        message
        for message in evidence.hints
        if message.id.startswith(SOURCE) and (message.id != TOLERANCE or _slip(message, exercise))
    ]


def _slip(message: Message, exercise: Exercise) -> bool:
    asked, got = exercise.data.get("tolerance"), message.args.get("got")
    if not isinstance(asked, (int, float)) or not isinstance(got, (int, float)) or not asked:
        return False
    return any(abs(got / asked / slip - 1.0) < 1e-6 for slip in SLIPS)  # noqa: PLR2004 - rounding


def _with_names(errors: Iterable[Message], source: Sequence[Message]) -> Iterable[Message]:
    """Say what an undefined name was meant to be, where the code shows it."""
    meant = {m.args["name"]: m for m in source if m.id == "source.misspelt_name"}
    for message in errors:
        is_name = message.id in ("diagnose.undefined_name", "diagnose.misspelt_name")
        yield meant.get(message.args.get("name"), message) if is_name else message


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
    failed = [c.id for c in checks if not c.passed and c.cls is cls]
    return list(exercise.hints_for(*failed, verdict.value, *([cls.value] if cls else [])))


def _first(messages: Iterable[Message], count: int) -> tuple[Message, ...]:
    """Give each message once, as many as asked."""
    unique = {message.id + repr(sorted(message.args.items())): message for message in messages}
    return tuple(unique.values())[:count]
