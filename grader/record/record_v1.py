"""Records as the first version wrote them, ``grader/record/v1``, in today's form.

Enters: parsed JSON. Leaves: the JSON that would be written today. Touches nothing.

The first version wrote a check's cell as text ("cell 7"), its class only in its id, the metrics of
predictors without a model among the model's own ("mean.mse"), and a threshold as a loose table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from grader.types import EvidenceClass

V1 = "grader/record/v1"
_CELL = re.compile(r"cell (\d{1,9})")
_CLASSES = frozenset(EvidenceClass)


def upgraded(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Give a kept record in today's form.

    Raises:
        ValueError: it is not what the first version wrote.
    """
    try:
        record = dict(kept["record"])
        grade = record["grade"]
        record["grade"] = {**grade, "checks": [_check(one) for one in grade["checks"]]}
        if record["evidence"] is not None:
            record["evidence"] = _evidence(record["evidence"])
        record["attempts"] = [_attempt(one) for one in record["attempts"]]
        record["threshold"] = _threshold(record.get("threshold") or {})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no record of {V1}: {error!r}") from error
    return {"saved_at": kept.get("saved_at"), "record": record}


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    cell = _CELL.fullmatch(check["where"])
    first = check["id"].split(".")[0]
    kept = {key: value for key, value in check.items() if key != "where"}
    cls = first if first in _CLASSES else None
    return {**kept, "cls": cls, "cell": int(cell[1]) if cell else None}


def _evidence(evidence: Mapping[str, Any]) -> dict[str, Any]:
    controls: dict[str, dict[str, Any]] = {}
    for key, value in evidence["metrics"].items():
        name, dot, metric = key.partition(".")
        if dot:
            controls.setdefault(name, {})[metric] = value
    return {**evidence, "metrics": _own(evidence["metrics"]), "controls": controls}


def _attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {**attempt, "metrics": _own(attempt["metrics"])}


def _own(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if "." not in key}


def _threshold(used: Mapping[str, Any]) -> dict[str, Any] | None:
    """Nothing stood there where there was no threshold."""
    return {**used} if used else None
