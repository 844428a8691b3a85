"""A script: runs notebooks as a student's kernel does, and asks for a check at their end.

    live_program.py [--one-step] EXERCISE NOTEBOOK...

Enters: argv. With ``--one-step`` every fit takes one step, and its History tells of as many epochs
as were asked for, with losses that fall: what a check sees of a training, without its time. Leaves
on its last line of stdout: JSON, for each notebook the marks of every group, how many public checks
were right, and the seconds that it took.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from grader.types import EvidenceClass

SHOWN = (EvidenceClass.STRUCTURE, EvidenceClass.DATA, EvidenceClass.TRAINING)
FALLS = 0.01  # of the first loss, from epoch to epoch


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


def take_one_step() -> None:
    """Have every fit take one step, and look on as a check would from its first call on."""
    import keras

    from grader.kernel.one_step import wrap_fit
    from grader.live.watching import watch

    keras.Model.fit = _falling(wrap_fit(keras.Model.fit))
    watch(keras)


def _falling(fit: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fit)
    def falling(*args: Any, **kwargs: Any) -> Any:
        history = fit(*args, **kwargs)
        for values in history.history.values():
            values[:] = [one * (1 - FALLS * place) for place, one in enumerate(values)]
        return history

    return falling


if __name__ == "__main__":
    import matplotlib as mpl

    mpl.use("agg")
    _, *given = sys.argv
    if given[0] == "--one-step":
        take_one_step()
        del given[0]
    asked, *paths = given
    found = {path: checked(asked, path) for path in paths}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
