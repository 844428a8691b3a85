"""Draws how long each system took for the same class.

Enters: figures. Leaves: a picture file. Touches: that file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMES = {
    "trainer": "this grader",
    "trainer_keras": "… without its kernel",
    "ours": "… notebooks train themselves",
    "nbclient": "nbclient, two at a time",
    "nbgrader": "nbgrader autograde",
    "otter": "otter run",
}


def draw(found: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw horizontal bars, the shortest on top."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    ordered = sorted(found.items(), key=lambda item: -item[1]["seconds"])
    minutes = [one["seconds"] / 60 for _, one in ordered]
    figure, axes = plt.subplots(figsize=(7, 0.6 * len(ordered) + 1.2))
    colours = ["#3b6ea5" if name == "trainer" else "#b9c0c8" for name, _ in ordered]
    bars = axes.barh([NAMES[name] for name, _ in ordered], minutes, color=colours)
    own = found.get("trainer", {}).get("seconds")
    texts = [
        f"{one['seconds'] / 60:.1f} min" + (f"  ({one['seconds'] / own:.1f}×)" if own else "")
        for _, one in ordered
    ]
    axes.bar_label(bars, texts, padding=4)
    axes.set_xlim(0, max(minutes) * 1.3)
    first = ordered[0][1]
    axes.set_xlabel(f"minutes for {first['notebooks']} notebooks on {first['cores']} cores")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
