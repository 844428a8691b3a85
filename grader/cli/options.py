"""Options that several commands share.

Enters: what was typed. Leaves: choices, ids. Touches nothing.
"""

from __future__ import annotations

from enum import StrEnum


class EngineOption(StrEnum):
    """Keras backend."""

    AUTO = "auto"
    TENSORFLOW = "tensorflow"
    JAX = "jax"


class WayOption(StrEnum):
    """What is calibrated: Keras backend, or the grader's own room that trains for notebooks."""

    AUTO = "auto"
    TENSORFLOW = "tensorflow"
    JAX = "jax"
    TRAINER = "trainer"


class IsolationOption(StrEnum):
    """Lowest acceptable level."""

    AUTO = "auto"
    FULL = "full"
    REDUCED = "reduced"
    NONE = "none"


def read_ids(text: str) -> tuple[str, ...] | None:
    """Read exercise ids as they are typed: "a,b", or auto."""
    ids = tuple(filter(None, map(str.strip, text.split(","))))
    return None if ids in {(), ("auto",)} else ids
