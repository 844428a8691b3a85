"""Has a hostile notebook make its claims without a kernel.

Enters: a notebook, the number of its claiming cells. Leaves: a folder as the driver writes it.
Touches: runs those cells in this process with a kernel that only writes down, so only cells
that make bytes and send them belong here.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def claims_of(notebook: Path, out: Path, cells: int = 1) -> list[dict[str, Any]]:
    """Run the first code cells; gives the contents that were claimed, and writes them to ``out``."""
    claimed: list[dict[str, Any]] = []
    (out / "evidence").mkdir(parents=True)

    def send(_: object, kind: str, content: dict[str, Any], **more: Any) -> None:
        assert kind == "grader_evidence"
        claimed.append(content)
        stem = out / "evidence" / f"{len(claimed):04d}"
        stem.with_suffix(".json").write_text(json.dumps({"cell": 1, **content}))
        stem.with_suffix(".npz").write_bytes(b"".join(more["buffers"]))

    kernel = SimpleNamespace(
        session=SimpleNamespace(send=send), iopub_socket=None, get_parent=lambda: None
    )
    namespace = {"get_ipython": lambda: SimpleNamespace(kernel=kernel)}
    document = json.loads(notebook.read_text(encoding="utf-8"))
    code = [c for c in document["cells"] if c["cell_type"] == "code"]
    before = Path.cwd()
    os.chdir(out)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in code[:cells]:
                exec("".join(cell["source"]), namespace)
    finally:
        os.chdir(before)
    return claimed
