"""The check of the cells: how many ran, and how the run ended.

Enters: Evidence and its points. Leaves: Checks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.types import Check, Evidence, EvidenceClass, Message, Outcome

CLASS = EvidenceClass.RUNS


def run_checks(evidence: Evidence, points: float) -> Iterator[Check]:
    """Check the share of the cells that ran."""
    runs = evidence.runs
    unfinished = runs.outcome is not Outcome.FINISHED
    bad = len(runs.failed) + (1 if unfinished else 0)
    total = max(runs.cells, bad, 1)
    share = (total - bad) / total
    untold = not runs.cells and not unfinished and evidence.model is not None
    if untold:  # a model stands in some cell: what became of the cells could not be read
        share, message = 0.0, Message("runs.untold")
    elif unfinished:
        message = Message(
            "runs.stopped", {"cell": runs.stopped_at or 0, "outcome": runs.outcome.value}
        )
    elif runs.failed:
        first, error = runs.failed[0]
        message = Message(
            "runs.failed",
            {
                "failed": len(runs.failed),
                "cells": runs.cells,
                "first": first,
                "error": f"{error.name}: {error.value}"[:200],
            },
        )
    else:
        message = Message("runs.all", {"cells": runs.cells})
    cell = runs.failed[0][0] if runs.failed else None
    ran = "?" if untold else str(total - bad)
    yield Check("runs.cells", CLASS, points * share, points, message, str(total), ran, cell)
