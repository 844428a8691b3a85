"""In the driver's room: what one notebook may leave behind, as the judge told it.

Enters: the job's ``caps``. Leaves: a frozen dataclass. Touches nothing. The numbers are in
``grader/execute/caps.py``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caps:
    """Bounds on what one notebook may leave behind."""

    cell_text: int  # characters of text kept per cell
    notebook_text: int
    error_text: int  # of all that the cells raised
    images: int
    image_bytes: int  # of one, as base64
    images_bytes: int  # of all together
    events: int
    content_bytes: int  # of one event's JSON
    contents_bytes: int
    event_bytes: int
    evidence_bytes: int
    message_bytes: int
