"""The check of the cells: how many ran, and how the run ended.

Enters: Evidence and its points. Leaves: Checks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.text.exceptions import told
from grader.text.printable import printable
from grader.types import Check, Evidence, EvidenceClass, Message, Outcome, RunFacts, Scalar

CLASS = EvidenceClass.RUNS
LONGEST_ERROR = 200
LANGUAGE, EMPTY = "source.other_language", "source.still_empty"


def run_checks(evidence: Evidence, points: float) -> Iterator[Check]:
    """Check the share of the cells that ran; of one with lines left out, the share of its lines.

    Without a model running alone earns nothing.
    """
    runs = evidence.runs
    unfinished = runs.outcome is not Outcome.FINISHED
    failed = len(runs.failed) + runs.more_failed
    bad = failed + (1 if unfinished else 0)
    total = max(runs.cells, bad, 1)
    share = max(0.0, total - bad - sum(_left_out(runs).values())) / total
    untold = not runs.cells and not unfinished and evidence.model is not None
    if untold:  # a model stands in some cell: what became of the cells could not be read
        share, message = 0.0, Message("runs.untold")
    elif unfinished:
        message = _stopped(runs)
    elif runs.failed:
        message = _first_failure(evidence)
    elif runs.left_out:
        message = _left_out_message(runs)
    elif evidence.model is None and points:
        message = Message("runs.no_model", {"cells": runs.cells})
    else:
        message = Message("runs.all", {"cells": runs.cells})
    cell = next((one for one, _ in runs.failed), next(iter(_left_out(runs)), None))
    ran = "?" if untold else str(total - bad - len(_left_out(runs)))
    earned = points * share if evidence.model is not None else 0.0
    yield Check("runs.cells", CLASS, earned, points, message, str(total), ran, cell)


def _stopped(runs: RunFacts) -> Message:
    outcome = runs.outcome.value
    if runs.stopped_at is None:
        return Message("runs.stopped_somewhere", {"outcome": outcome})
    return Message("runs.stopped", {"cell": runs.stopped_at, "outcome": outcome})


def _first_failure(evidence: Evidence) -> Message:
    """Say what went wrong first; where no code of Python's stands, its exception misleads."""
    runs = evidence.runs
    first, error = runs.failed[0]
    for hint in evidence.hints:
        empty = hint.id == EMPTY and f"'{hint.args.get('name')}'" in error.value
        if hint.id == LANGUAGE or (empty and error.name == "NameError"):
            return hint
    text = told(error.name, error.value, LONGEST_ERROR).rstrip(". ")
    failed = len(runs.failed) + runs.more_failed
    counts: dict[str, Scalar] = {"failed": failed, "cells": runs.cells}
    return Message("runs.failed", {**counts, "first": first, "error": text})


def _left_out(runs: RunFacts) -> dict[int, float]:
    """Give, for cells that count as run otherwise, the share of their statements left out."""
    known = {cell for cell, _ in runs.failed} | {runs.stopped_at}
    lines: dict[int, set[int]] = {}
    for one in runs.left_out:
        lines.setdefault(one.cell, set()).add(one.line)
    most = {one.cell: one.statements for one in runs.left_out}
    return {
        cell: min(1.0, len(found) / max(1, most[cell]))
        for cell, found in lines.items()
        if cell not in known
    }


def _left_out_message(runs: RunFacts) -> Message:
    lines = {(one.cell, one.line) for one in runs.left_out}
    what = printable(", ".join(dict.fromkeys(one.what for one in runs.left_out)), limit=200)
    first = runs.left_out[0].cell
    return Message("runs.left_out", {"lines": len(lines), "what": what, "cell": first})
