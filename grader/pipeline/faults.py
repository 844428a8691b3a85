"""How a fault of ours is told.

Enters: an exception that nobody expected. Leaves: the Message for a record. Touches: keeps the
traceback beside the records.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from grader.record.faults import keep_fault
from grader.types import Message

MOST_TOLD = 500  # characters of an exception


def fault(out: Path, error: Exception) -> Message:
    """Say that the grader itself failed, and where the traceback is."""
    text = traceback.format_exception_only(error)[-1].strip()[:MOST_TOLD]
    return Message("pipeline.fault", {"error": text, "kept": keep_fault(out, error)})
