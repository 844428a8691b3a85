"""In the notebook's room: what goes to the trainer and what comes back.

Enters: an order as plain data and arrays; why a fit is none. Leaves: the trainer's answer. Touches:
the kernel's stdin channel, on which a kernel may ask something in the middle of a cell.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

REQUEST, REPLY, CLAIMED = "grader_order", "grader_result", "grader_claimed"
POLL_MILLISECONDS = 50


class UnusualError(Exception):
    """This fit cannot be an order; the message says why, for the record and not for people."""


class RefusedError(UnusualError):
    """The trainer did not take the order, or could not train it. It knows why."""


@dataclass(frozen=True)
class Answer:
    """What the trainer did. Shapes are those of the model's own weights and optimizer variables.

    Attributes:
        result: the name by which a later order goes on from here.
        epochs: the epochs that were run, counted from 0 as Keras does.
        history: a value per epoch of each metric, validation included.
        weights: after the last epoch, in the order of ``model.get_weights()``.
        optimizer: the optimizer's variables, in its order.
        each_epoch: weights after every epoch, where they were asked for.
    """

    result: str
    epochs: tuple[int, ...]
    history: Mapping[str, tuple[float, ...]]
    weights: tuple[np.ndarray, ...]
    optimizer: tuple[np.ndarray, ...]
    each_epoch: tuple[tuple[np.ndarray, ...], ...] = field(default=())


Ask: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, np.ndarray]], Answer]


@dataclass(frozen=True)
class Line:
    """A kernel's stdin channel, to whoever listens there."""

    kernel: Any

    def ask(self, order: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """Ask for a training and wait for what comes of it.

        Raises:
            UnusualError: nobody trains it: it is too large, or another one is being trained.
            RefusedError: the trainer did not take it.
        """
        asked = self._send(REQUEST, order, packed(arrays))
        while True:
            if self.kernel.stdin_socket.poll(POLL_MILLISECONDS):
                _, reply = self.kernel.session.recv(self.kernel.stdin_socket, copy=True)
                if reply and reply.get("msg_type") == REPLY and _is_about(reply, asked):
                    return answer_of(reply["content"], bytes(reply["buffers"][0]))

    def tell(self, why: str) -> None:
        """Say why a fit was trained here; nobody answers. Never raises."""
        with contextlib.suppress(Exception):
            self._send(CLAIMED, {"why": why})

    def _send(self, kind: str, content: Mapping[str, Any], *buffers: bytes) -> Any:
        kernel = self.kernel
        return kernel.session.send(
            kernel.stdin_socket,
            kind,
            content,
            parent=kernel.get_parent("shell"),
            ident=kernel._get_shell_context_var(kernel._shell_parent_ident),  # noqa: SLF001
            buffers=list(buffers),
        )


def _is_about(reply: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether it answers this order, and none that a student's code broke off."""
    told: bool = reply["parent_header"].get("msg_id") == asked["header"]["msg_id"]
    return told


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Give arrays as the bytes of an npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # names are not options
    return buffer.getvalue()


def answer_of(told: Mapping[str, Any], data: bytes) -> Answer:
    """Read what came back.

    Raises:
        UnusualError: it was not passed on.
        RefusedError: the trainer did not take it.
    """
    if "returned" in told:
        raise UnusualError(f"an order that was not passed on: {told['returned']}")
    if "refused" in told:
        raise RefusedError(json.dumps(told["refused"]))
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    epochs = tuple(told["epochs"])
    return Answer(
        result=told["result"],
        epochs=epochs,
        history={
            name: tuple(float("nan") if value is None else value for value in values)
            for name, values in told["history"].items()
        },
        weights=_numbered(arrays, "weight"),
        optimizer=_numbered(arrays, "optimizer"),
        each_epoch=tuple(_numbered(arrays, f"epoch{place}_weight") for place in range(len(epochs)))
        if "epoch0_weight_0000" in arrays
        else (),
    )


def _numbered(arrays: Mapping[str, np.ndarray], prefix: str) -> tuple[np.ndarray, ...]:
    """Give ``prefix_0000``, ``prefix_0001``, … as they follow each other."""
    found: list[np.ndarray] = []
    while (name := f"{prefix}_{len(found):04d}") in arrays:
        found.append(arrays[name])
    return tuple(found)
