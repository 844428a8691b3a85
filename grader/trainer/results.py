"""Keeps the results of orders by their keys, so that equal work is done once.

Enters: keys and results. Leaves: results. Touches: a folder that is its owner's alone.

What is damaged is trained anew and replaced.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from grader.arrays import BadArraysError
from grader.trainer.fitting import MOST_EPOCHS
from grader.trainer.kept import MOST_BYTES, Kept
from grader.trainer.response import MEMBERS, RESULT_BYTES, TEXT_BYTES, outcome_of
from grader.trainer.result import Outcome, Trained
from grader.trainer.waiting import NotAwaitedError, Over, never
from grader.types import Array, GraderError

TOLD = "told"


class Results:
    """The results of orders in a folder. Safe for threads and for several processes."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Use a folder, which is made where it is missing.

        Raises:
            GraderError: somebody else could write to it.
        """
        self._kept = Kept(folder, most_bytes)

    def once(
        self,
        key: str,
        train: Callable[[], Outcome],
        meanwhile: Callable[[], None] = lambda: None,
        over: Over = never,
    ) -> Outcome:
        """Give the result of a key; where there is none, train, while others wait for it.

        What cannot be trained is not kept: whether it can may depend on the machine. ``meanwhile``
        is called again and again while another one trains it; what it raises ends the waiting.
        ``over`` is asked as often, and ends it too; a training of one's own is finished.

        Raises:
            NotAwaitedError: all was over before the other one's was done.
        """

        def known() -> Outcome | None:
            return self.get(key)

        def made() -> Outcome:
            found = train()
            if isinstance(found, Trained):
                with contextlib.suppress(GraderError):  # a full disk costs no training
                    self.put(key, found)
            return found

        return self._kept.once(key, known, made, meanwhile, over)

    def keep(
        self,
        key: str,
        result: Trained,
        meanwhile: Callable[[], None] = lambda: None,
        over: Over = never,
    ) -> None:
        """Keep a result unless somebody kept one meanwhile, which stays. A full disk costs none.

        Who just trains the same is waited for, until all is over: then theirs will be kept.
        """
        with contextlib.suppress(NotAwaitedError):
            self.once(key, lambda: result, meanwhile, over)

    def forget(self, keys: Iterable[str]) -> None:
        """Keep the results of keys no more, where there are any."""
        for key in keys:
            self._kept.remove(key)

    def get(self, key: str) -> Trained | None:
        """Read a result; None where there is none, or none that can be read."""
        try:
            arrays = self._kept.read(key, RESULT_BYTES + TEXT_BYTES, MEMBERS)
            told = arrays.pop(TOLD).tobytes()
            found = outcome_of(told, arrays, MOST_EPOCHS)
        except (OSError, BadArraysError, KeyError, ValueError):
            return None  # not removed: another process may just have put a new one there
        if not isinstance(found, Trained):
            return None
        self._kept.touch(key)
        return found

    def put(self, key: str, result: Trained) -> None:
        """Keep a result.

        Raises:
            GraderError: the disk refuses.
        """
        self._kept.write(key, _arrays(result))


def _arrays(result: Trained) -> dict[str, Array]:
    told = {
        "history": {key: list(values) for key, values in result.history.items()},
        "epochs": result.epochs,
        "updates": result.updates,
        "moved": result.moved,
        "callbacks": [dict(one) for one in result.callbacks],
        "building": result.building,
        "training": result.training,
    }
    arrays: dict[str, Array] = {TOLD: np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)}
    groups = {"w": result.weights, "o": result.optimizer}
    groups |= {f"e{epoch}": weights for epoch, weights in enumerate(result.each_epoch)}
    for prefix, group in groups.items():
        arrays |= {f"{prefix}_{number:04d}": array for number, array in enumerate(group)}
    return arrays
