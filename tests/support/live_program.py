"""A script: runs notebooks as a student's kernel does, and asks for a check at their end.

Enters: argv, an exercise's id and notebooks. Leaves on its last line of stdout: JSON, for each
notebook the marks of every group, how many public checks were right, and the seconds that it took.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from grader.types import EvidenceClass

SHOWN = (EvidenceClass.STRUCTURE, EvidenceClass.DATA, EvidenceClass.TRAINING)


def checked(exercise: str, path: str) -> dict[str, Any]:
    """Run every cell, errors or not, and check."""
    shell = InteractiveShell.instance()
    shell.reset(new_session=True)
    with contextlib.suppress(ValueError):
        for cell in json.loads(Path(path).read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                with (
                    contextlib.redirect_stdout(io.StringIO()),
                    contextlib.redirect_stderr(io.StringIO()),
                ):
                    shell.run_cell("".join(cell["source"]), store_history=True)
    began = time.monotonic()
    shell.run_cell(
        f"from grader import check\nanswer = check({exercise!r}, lang='en')", store_history=True
    )
    answer = shell.user_ns["answer"]
    return {
        "seconds": time.monotonic() - began,
        "marks": {cls.value: answer.marks(cls) for cls in SHOWN},
        "right": answer.right,
        "asked": answer.asked,
        "text": repr(answer),
        "html": answer._repr_html_(),
        "hints": [repr(one) for one in answer.hints],
    }


if __name__ == "__main__":
    import matplotlib as mpl

    mpl.use("agg")
    _, asked, *paths = sys.argv
    found = {path: checked(asked, path) for path in paths}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
