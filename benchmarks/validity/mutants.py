"""Notebooks with exactly one fault: each has its verdict, and its first hint must name the fault.

Enters: an exercise's id. Leaves: Cases. Touches: reads ``mutants.toml``, where the faults are.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pieces import GRU, LAYERS, LSTM, SEQUENCE, SIMPLE, Pieces, ValidityCase, base, changed, short

GROUPS = {
    "sequence": {SEQUENCE},
    "marked": {SIMPLE, LSTM, GRU},
    "judged": {LSTM, GRU},
}
PARTS = ("imports", "data", "model", "training", "after")
OTHER = {"SimpleRNN": "LSTM", "LSTM": "GRU", "GRU": "LSTM"}
# Dense layers behind a Flatten that have as many parameters as the exercise's model.
TWINS = {SEQUENCE: (5, 15), SIMPLE: (10, 70), LSTM: (46, 43), GRU: (40, 15)}


def mutants(exercise: str) -> tuple[ValidityCase, ...]:
    """Give every mutant of an exercise."""
    return tuple(
        _case(entry, exercise)
        for entry in _entries()
        if exercise in GROUPS.get(entry.get("of", ""), {exercise})
    )


@lru_cache(maxsize=1)
def _entries() -> list[dict[str, Any]]:
    text = Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = tomllib.loads(text)["mutant"]
    return entries


def _case(entry: dict[str, Any], exercise: str) -> ValidityCase:
    pieces = base(exercise) if entry.get("long") else short(base(exercise))
    for part in PARTS:
        if part in entry:
            pieces = _with(pieces, part, entry[part], exercise)
    verdicts = entry["verdicts"]
    if exercise not in GROUPS["judged"]:
        verdicts = entry.get("unjudged", verdicts)
    return ValidityCase(
        entry["name"], exercise, pieces, tuple(verdicts), entry["fault"], entry["hint"]
    )


def _with(pieces: Pieces, part: str, change: dict[str, str], exercise: str) -> Pieces:
    told = {kind: _filled(text, exercise) for kind, text in change.items()}
    if "set" in told:
        return replace(pieces, **{part: told["set"]})
    if "add" in told:
        return replace(pieces, **{part: getattr(pieces, part) + told["add"]})
    return changed(pieces, part, told["old"], told["new"])


def _filled(text: str, exercise: str) -> str:
    layer = LAYERS[exercise]
    units, shape = (10, "(4, 1)") if exercise == SEQUENCE else (30, "(100, 2)")
    words = {
        "LAYER": layer,
        "OTHER": OTHER[layer],
        "UNITS": str(units),
        "HALF": str(units // 2),
        "SHAPE": shape,
        "TWIN": ", ".join(f"layers.Dense({n})" for n in TWINS[exercise]),
    }
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
