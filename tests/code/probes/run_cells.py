"""Runs notebooks one after the other in this process, each in its own folder and namespace.

Enters: paths of notebooks. Leaves: one JSON object on the last line of stdout: the network's
interfaces, and per notebook the error that ended it, or null. Touches: whatever the notebooks do.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import traceback
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")


def ended_by(path: Path) -> str | None:
    """Run the cells from top to bottom; give the error of the first that raised."""
    os.chdir(path.parent)
    space = {"__name__": "__main__", "display": print}
    for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"], start=1):
        if cell["cell_type"] != "code":
            continue
        try:
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), space)
        except Exception:  # noqa: BLE001 - whatever a notebook raises
            return f"cell {number}: {traceback.format_exc(limit=-1)}"
    return None


def main() -> None:
    paths = [Path(one).resolve() for one in sys.argv[1:]]
    interfaces = [name for _, name in socket.if_nameindex()]
    ended = {path.stem: ended_by(path) for path in paths}
    print(json.dumps({"interfaces": interfaces, "ended": ended}))


if __name__ == "__main__":
    main()
