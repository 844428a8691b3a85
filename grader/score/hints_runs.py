"""What ran and what did not: the first failing cell, how the room ended, what the code shows.

Enters: Evidence; a Notebook with its RunFacts. Leaves: Messages, the most telling first. Touches
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from grader.score.hints_cells import CONSEQUENCE, LANGUAGE, NAMES, explained, failure_hints
from grader.score.hints_empty import STILL_EMPTY, empty_hints
from grader.score.hints_errors import explain
from grader.score.hints_source import source_hints
from grader.submission import Notebook
from grader.types import Evidence, Message, Outcome, RunFacts, Scalar

EXPLAINED = 20  # failing cells
MOST_LACKS = 2
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
    "person": "diagnose.lacks_person",
    "folder": "diagnose.lacks_folder",
}
NO_KNOWN_EXERCISE = "diagnose.no_known_exercise"  # a model, and no attempt at any exercise
PROGRAM = "source.own_program"
OWN_TRAINING = frozenset({"source.own_loop", PROGRAM})  # without fit
CONSEQUENCES = frozenset(
    {
        "diagnose.not_compiled",
        "diagnose.not_built",
        "diagnose.lists_to_fit",
        "diagnose.list_for_array",
        "diagnose.undefined_name",
        "diagnose.misspelt_name",
    }
)
STOPPED = {
    Outcome.TIME_LIMIT: "diagnose.time_limit",
    Outcome.MEMORY_LIMIT: "diagnose.memory_limit",
    Outcome.KERNEL_DIED: "diagnose.kernel_died",
}
SOMEWHERE = {  # the same, where nothing tells in which cell
    Outcome.TIME_LIMIT: "diagnose.time_limit_somewhere",
    Outcome.MEMORY_LIMIT: "diagnose.memory_limit_somewhere",
    Outcome.KERNEL_DIED: "diagnose.kernel_died_somewhere",
}


def diagnose_runs(evidence: Evidence, epochs: int | None = None) -> tuple[Message, ...]:
    """Explain what broke, then what the room lacks; arguments as of ``diagnose_errors``."""
    errors = diagnose_errors(evidence, epochs)
    return errors if any(one.id == LANGUAGE for one in errors) else (*errors, *lacks(evidence))


def diagnose_errors(evidence: Evidence, epochs: int | None = None) -> tuple[Message, ...]:
    """Explain the first failing cell, and a second one that is no mere consequence.

    Args:
        evidence: the facts.
        epochs: that the exercise asks for; None where no exercise is known.
    """
    runs, shown = evidence.runs, evidence.hints
    if language := [message for message in shown if message.id == LANGUAGE]:
        return tuple(language)  # every error is its consequence
    stopped = _stopped(evidence, epochs)
    failed = runs.failed[:EXPLAINED]
    told = list(explained((explain(cell, error) for cell, error in failed), shown))
    # A later cell lacks what the first failing one did not get to: a name, a compiled model.
    follow = {message.args.get("cell") for message in shown if message.id == CONSEQUENCE}
    own = [
        message
        for (cell, _), message in zip(failed[1:], told[1:], strict=True)
        if cell not in follow and message.id not in CONSEQUENCES and message not in told[:1]
    ]
    return (*_own_program(evidence), *stopped, *told[:1], *own[:1])


def _own_program(evidence: Evidence) -> list[Message]:
    """Say that a program of its own was running when the room was stopped: the model is in it."""
    at = evidence.runs.stopped_at
    return [one for one in evidence.hints if one.id == PROGRAM and at == one.args.get("cell")]


def lost_by_lacks(evidence: Evidence) -> bool:
    """Whether statements were left out that need a name from another one: ``fit`` may be there."""
    return any(one.error.startswith("NameError") for one in evidence.runs.left_out)


def lacks(evidence: Evidence) -> Iterable[Message]:
    """Say what the room lacks: for each thing the first line that was left out."""
    first = {(one.kind, one.what): one for one in reversed(evidence.runs.left_out)}
    for one in sorted(first.values(), key=lambda one: (one.cell, one.line))[:MOST_LACKS]:
        where = {"cell": one.cell, "line": one.line}
        yield Message(LEFT_OUT[one.kind], {**where, "what": one.what})


def diagnose_unknown(evidence: Evidence) -> tuple[Message, ...]:
    """Give the hints for a notebook in which no model of any exercise was found."""
    errors = diagnose_runs(evidence)
    if errors and errors[0].id == LANGUAGE:
        return errors
    elsewhere = [message for message in evidence.hints if message.id in OWN_TRAINING]
    near = [message for message in evidence.hints if message.id == NO_KNOWN_EXERCISE]
    empty = [one for one in evidence.hints if one.id == STILL_EMPTY and one not in errors]
    nothing = [*empty, Message("pipeline.no_model_at_all")]
    return (*errors, *elsewhere, *(near or nothing))


def diagnose_source(notebook: Notebook, runs: RunFacts | None = None) -> tuple[Message, ...]:
    """Give what the notebook's code alone shows; meant to be added to ``Evidence.hints``.

    Args:
        notebook: its code.
        runs: what failed, to be explained by the code; None where nothing ran.
    """
    failed = failure_hints(notebook, runs) if runs is not None else ()
    named = any(message.id in NAMES for message in failed)
    empty = [message for message in empty_hints(notebook) if message not in failed]
    alone = [m for m in source_hints(notebook) if not (named and m.id in NAMES)]
    return (*failed, *empty, *alone)


def _stopped(evidence: Evidence, epochs: int | None) -> tuple[Message, ...]:
    """Say where the room was stopped, and how far the training had come by then."""
    runs, training = evidence.runs, evidence.training
    if runs.outcome is Outcome.FINISHED:
        return ()
    in_fit = runs.outcome is Outcome.TIME_LIMIT and training and training.reached is not None
    cell = runs.stopped_at
    if cell is None and in_fit and training:
        cell = training.cell
    if cell is None:
        return (Message(SOMEWHERE[runs.outcome]),)
    if in_fit and training:
        args: dict[str, Scalar] = {"cell": cell, "reached": training.reached}
        wanted = training.epochs_asked
        if epochs is None or wanted is None or wanted <= epochs:
            return (Message("diagnose.time_limit_slow_epochs", args),)
        return (Message("diagnose.time_limit_in_fit", {**args, "wanted": wanted}),)
    return (Message(STOPPED[runs.outcome], {"cell": cell}),)
