"""Rows that were there, of which none weighed anything: nothing was seen, and it is known why.

Enters: what is known of a fit's rows, what a family says of none. Leaves: the same, with the
reason. Touches nothing.
"""

from __future__ import annotations

from dataclasses import replace

from grader.course.families import DataReading
from grader.execution import FitSample
from grader.extract.lengths import SHAPE
from grader.types import Message


def is_weightless(sample: FitSample, *, ordered: bool) -> bool:
    """Whether rows were trained on that all weighed nothing.

    Empty arrays are none: of those a fit shows no rows a second time, and nobody orders them.

    Args:
        sample: the rows that are known, those that weigh nothing left out.
        ordered: they are those of an order, else what a notebook shows.
    """
    x = sample.x
    return x is not None and not x.shape[0] and (ordered or sample.showing is not None)


def without_weight(data: DataReading) -> DataReading:
    """Say of data that were not seen that they weighed nothing."""
    told, hint = Message("data.weightless"), Message("data.weightless_hint")
    findings = (
        replace(one, message=told, hint=hint) if one.id == SHAPE else one for one in data.findings
    )
    return replace(data, findings=tuple(findings))
