"""The end of what a program writes, kept in memory."""

from __future__ import annotations

import os
import threading

from grader.execute.last_words import KEPT_BYTES, LastWords


def test_the_last_that_came_is_kept() -> None:
    with LastWords() as log:
        os.write(log.writing, b"first\n" + b"x" * 3 * KEPT_BYTES)
        os.write(log.writing, b"\nthe reason \xff\n")
        assert log.text().endswith("x\nthe reason \ufffd")
        assert len(log.text()) <= KEPT_BYTES


def test_listening_waits_for_nobody() -> None:
    with LastWords() as log:
        log.listen()
        assert log.text() == ""


def test_who_writes_without_end_waits_for_us() -> None:
    """One look takes a part only, however quickly there is more."""
    with LastWords() as log:
        stopped = threading.Event()
        end = os.dup(log.writing)

        def flood() -> None:
            while not stopped.is_set():
                os.write(end, b"y" * 65_536)

        writer = threading.Thread(target=flood, daemon=True)
        writer.start()
        for _ in range(20):
            log.listen()
        stopped.set()
        while writer.is_alive():
            log.listen()
        os.close(end)
        assert set(log.text()) == {"y"}
