"""One question to the judge's own process: asked, and answered what it asks back.

Enters: a socket to the process, what to do. Leaves: what came of it. Touches: that socket.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, TypeVar

from grader.types import GraderError

if TYPE_CHECKING:
    from grader.extract.tasks import Evaluate, ModelTask

Shared = TypeVar("Shared")

# CPython 3.11 makes an object's __dict__ when it is first looked at, and packing looks at it. Where
# a collection in the middle of that lets another thread do the same, both get the same values; they
# are freed twice, and the process ends later, anywhere. So one thread packs at a time.
_PACKING = threading.Lock()


@dataclass
class Talk:
    """What a process asks and tells until it has answered.

    ``at``: the exercise that it came to; ``took``: seconds of the processor.
    """

    connection: Connection
    wall_seconds: float
    at: str = ""
    took: float = 0.0

    def asked(self, what: str, given: Any, evaluate: Evaluate | None) -> tuple[str, Any]:
        """Ask, and answer what is asked back.

        Raises:
            EOFError, OSError: the process ended.
            TimeoutError: it said nothing for too long.
        """
        self._send(what, given)
        while True:
            if not self.connection.poll(self.wall_seconds):
                raise TimeoutError
            word, told = pickle.loads(self.connection.recv_bytes())  # noqa: S301 - our own process
            if word == "begins":
                self.at = told
            elif word == "took":
                self.took = told
            elif word == "evaluate":
                assert evaluate is not None
                self._answer(evaluate, told)
            else:
                return word, told

    def _answer(self, evaluate: Evaluate, tasks: Sequence[ModelTask]) -> None:
        try:
            answers = evaluate(tasks)
        except GraderError as error:
            self._send("failed", error.message)
        else:
            self._send("answered", dict(answers))

    def _send(self, word: str, told: Any) -> None:
        self.connection.send_bytes(packed((word, told)))


def settled(shared: Shared) -> Shared:
    """Give an object its __dict__ before several threads look at it, as cached_property does."""
    vars(shared)
    return shared


def packed(told: Any) -> bytes:
    """Give what a process of ours reads back, whoever else looks at the same objects."""
    with _PACKING:
        return pickle.dumps(told, pickle.HIGHEST_PROTOCOL)
