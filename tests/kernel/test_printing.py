"""What was printed is on its way before a program goes on."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grader.kernel.printing import flush

Event = Callable[[], object]


class Sender:
    """A thread that does what it is asked for in order, and never at once."""

    def __init__(self) -> None:
        self.asked: queue.Queue[Event | None] = queue.Queue()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def schedule(self, event: Event) -> None:
        self.asked.put(event)

    def _work(self) -> None:
        while (event := self.asked.get()) is not None:
            time.sleep(0.02)
            event()

    def end(self) -> None:
        self.asked.put(None)
        self.thread.join()


class Stream:
    """As ipykernel's: what it flushes is handed to the thread to be sent."""

    flush_timeout = 600.0

    def __init__(self, sender: Sender | None) -> None:
        self.pub_thread: Any = sender
        self.sent: list[str] = []

    def _flush(self) -> None:
        if self.pub_thread is None or not self.pub_thread.thread.is_alive():
            self.sent.append("printed")
        else:
            self.pub_thread.schedule(lambda: self.sent.append("printed"))


@pytest.fixture
def sender() -> Iterator[Sender]:
    one = Sender()
    yield one
    one.end()


def test_it_is_sent_when_flush_returns(sender: Sender) -> None:
    stream = Stream(sender)
    flush(stream)
    assert stream.sent == ["printed"]


def test_the_sender_itself_does_not_wait_for_itself(sender: Sender) -> None:
    stream, done = Stream(sender), threading.Event()
    sender.schedule(lambda: (flush(stream), sender.schedule(done.set)))
    assert done.wait(600)
    assert stream.sent == ["printed"]


def test_without_a_sender_it_is_sent_at_once() -> None:
    stream = Stream(None)
    flush(stream)
    assert stream.sent == ["printed"]
    ended = Sender()
    ended.end()
    stream = Stream(ended)
    flush(stream)
    assert stream.sent == ["printed"]
