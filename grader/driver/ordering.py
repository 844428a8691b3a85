"""In the driver's room: passes on what the notebook asks the trainer for, and what came of it.

Enters: messages of the kernel's stdin channel, a folder in which the judge puts answers. Leaves in
``orders/``, numbered as they came: ``NNNN.json`` (which cell asked, or why a fit was none), and of
an order ``NNNN.order`` and ``NNNN.npz``, unread. Touches: that folder, the kernel's stdin channel.

One order at a time: what else is asked meanwhile is returned. No order has two replies. What has
been answered is removed, so that the disk holds one order at most.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

ORDER, CLAIMED, RESULT = "grader_order", "grader_claimed", "grader_result"
WAITING_MILLISECONDS = 20  # between two looks for an answer
SEND_MILLISECONDS = 1000  # that a kernel may take none of what is sent
LONGEST_NAME = 100  # of a message


@dataclass(frozen=True)
class Bounds:
    """What one notebook may ask for, as the judge told it."""

    orders: int
    claimed: int  # reasons of cells whose fits it trained itself
    why_text: int  # characters
    text_bytes: int  # of an order
    array_bytes: int


class Ordering:
    """The way of orders between one kernel and the judge."""

    def __init__(
        self, session: Session, line: zmq.Socket[Any], out: Path, answers: Path, bounds: Bounds
    ) -> None:
        """Use a folder of the driver's own, which is made, and one that the judge writes to."""
        self.session = session
        self.line = line
        self.folder = out / "orders"
        self.folder.mkdir()
        self.answers = answers
        self.bounds = bounds
        self._waiting: tuple[str, int] | None = None  # the order that is being trained
        self._told = 0  # orders and claims
        self._orders = self._returned = 0
        self._claimed: set[tuple[int, str]] = set()  # a loop says the same a thousand times
        line.sndtimeo = SEND_MILLISECONDS

    @property
    def waits(self) -> bool:
        """Whether an order has no reply yet."""
        return self._waiting is not None

    def take(self, message: Mapping[str, Any], cell: int) -> None:
        """Pass on one message.

        Raises:
            KeyError, TypeError, ValueError: it is neither an order nor a claim.
            OSError: our own disk.
        """
        kind, content = message["msg_type"], message["content"]
        if not isinstance(content, dict):
            raise TypeError(kind)
        if kind == CLAIMED:
            self._claim(cell, content)
        elif kind == ORDER:
            name = str(message["header"]["msg_id"])[:LONGEST_NAME]
            why = self._order(cell, name, content, memoryview(message["buffers"][0]))
            if why and self._returned < self.bounds.claimed:
                self._returned += 1
                self._reply(name, {"returned": why}, b"")
        else:
            raise ValueError(kind)

    def _claim(self, cell: int, content: Mapping[str, Any]) -> None:
        why = str(content["why"])[: self.bounds.why_text]
        if (cell, why) not in self._claimed and len(self._claimed) < self.bounds.claimed:
            self._claimed.add((cell, why))
            self._tell({"cell": cell, "claimed": why})

    def _order(self, cell: int, name: str, content: Any, arrays: memoryview) -> str:
        """Pass on an order; gives why it is not."""
        if self.waits:
            return "another one is being trained"
        if self._orders >= self.bounds.orders:
            return f"more than {self.bounds.orders}"
        text = json.dumps(content).encode("utf-8", "replace")
        if len(text) > self.bounds.text_bytes or arrays.nbytes > self.bounds.array_bytes:
            return "too large"
        self._orders += 1
        stem = self._stem(self._told + 1)
        stem.with_suffix(".npz").write_bytes(arrays)
        stem.with_suffix(".order").write_bytes(text)
        self._waiting = name, self._told + 1
        self._tell({"cell": cell, "claimed": None})
        return ""

    def _tell(self, head: Mapping[str, Any]) -> None:
        """Write what the judge looks for: whole, and after what belongs to it."""
        self._told += 1
        new = self.folder / f".{self._told:04d}"
        new.write_text(json.dumps(head), encoding="utf-8")
        new.replace(self._stem(self._told).with_suffix(".json"))

    def answer(self) -> None:
        """Pass on the answer to the order that waits, where it is there."""
        if self._waiting is None:
            return
        name, number = self._waiting
        place = self.answers / f"{number:04d}.json"
        if not place.exists():
            return
        told = json.loads(place.read_text(encoding="utf-8"))
        arrays = place.with_suffix(".npz").read_bytes()
        self._waiting = None
        for suffix in (".order", ".npz"):
            self._stem(number).with_suffix(suffix).unlink(missing_ok=True)
        self._reply(name, told, arrays)

    def _reply(self, name: str, told: Mapping[str, Any], arrays: bytes) -> None:
        """Send a reply; a kernel that is gone or takes none is not waited for."""
        parent = {"header": {"msg_id": name}}
        with contextlib.suppress(zmq.ZMQError):
            self.session.send(self.line, RESULT, dict(told), parent=parent, buffers=[arrays])

    def _stem(self, number: int) -> Path:
        return self.folder / f"{number:04d}"
