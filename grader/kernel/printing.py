"""In the notebook's room: what was printed is on its way when ``flush`` returns.

Enters: nothing. Leaves: ipykernel's streams, whose ``flush`` waits for the sending too. Touches:
``ipykernel.iostream.OutStream``.

Its own waits until the sending was asked for. A program that then computes where no other thread
may run (a loop in C) keeps it from being done, and what was printed is never seen.
"""

from __future__ import annotations

import threading
from typing import Any


def flush(stream: Any) -> None:
    """Send what a stream holds; gives up waiting where the stream's own way does."""
    hand_over, sender = stream._flush, stream.pub_thread  # noqa: SLF001 - as its own flush does
    running = sender is not None and sender.thread is not None and sender.thread.is_alive()
    if not running or sender.thread.ident == threading.get_ident():
        hand_over()
        return
    sent = threading.Event()

    def send() -> None:
        hand_over()  # asks its own thread to send,
        sender.schedule(sent.set)  # and this comes after it

    sender.schedule(send)
    sent.wait(stream.flush_timeout)


def install() -> None:
    """Let every stream of this kernel flush so."""
    from ipykernel.iostream import OutStream

    OutStream.flush = flush  # type: ignore[method-assign]
