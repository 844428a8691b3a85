"""Where the results of a batch's trainings are kept: in this user's cache, else beside the batch.

Enters: the folder of a batch. Leaves: a Place. Touches: tries the folders; removes what lay beside
the batch, once that is done.

Notebooks of a class share results, and what is trained in a round is found by its notebooks there.
So where the cache takes nothing, a batch has a folder of its own.
"""

from __future__ import annotations

import atexit
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grader.room.workplace import workplace
from grader.trainer.kept import usual_folder
from grader.types import Message
from grader.user_folders import refusal

NAME = ".grader-trained"


@dataclass(frozen=True)
class Place:
    """A folder for results. ``instead``: why it is not the usual one, and what that costs."""

    folder: Path
    instead: Message | None = None


def place_for(out: Path) -> Place:
    """Choose a folder in which results can be kept as long as the batch takes."""
    usual = usual_folder()
    why = refusal(usual)
    if why is None:
        return Place(usual)
    told = Message("trainer.not_kept", {"path": str(usual), "why": why})
    beside = out / NAME
    return Place(beside if refusal(beside) is None else _of_this_process(), told)


def remove(out: Path) -> None:
    """Remove what was kept beside a batch."""
    shutil.rmtree(out / NAME, ignore_errors=True)


@cache
def _of_this_process() -> Path:
    """Give a private temporary folder that is gone at the end."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(workplace("trained")) / "trained"
