"""A kernel of the test's own that says whatever the test wants, and the driver beside it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.session import Session

from grader.driver import converse
from grader.driver.caps import Caps
from grader.driver.converse import Conversation
from grader.execute.caps import DRIVER_CAPS, ORDER_CAPS

PATIENCE = 300.0  # seconds for what comes at once: reached only where it never comes


class Kernel:
    """Answers requests as the test says; every reply is signed."""

    def __init__(self, folder: Path, behave: Callable[[Kernel, dict[str, Any]], None]) -> None:
        self.session = Session(key=b"key", signature_scheme="hmac-sha256")
        self.behave = behave
        self.context = zmq.Context()
        self.shell = self.context.socket(zmq.ROUTER)
        self.iopub = self.context.socket(zmq.PUB)
        self.stdin = self.context.socket(zmq.ROUTER)
        self.shell.bind(f"ipc://{folder}/k-1")
        self.iopub.bind(f"ipc://{folder}/k-2")
        self.stdin.bind(f"ipc://{folder}/k-3")
        self.stopped = threading.Event()
        self.parents: list[dict[str, Any]] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while not self.stopped.is_set():
            if not self.shell.poll(20):
                continue
            identities, parts = self.session.feed_identities(self.shell.recv_multipart())
            request = self.session.deserialize(parts)
            self.identities, self.request = identities, request
            if request["msg_type"] == "kernel_info_request":
                self.reply("kernel_info_reply")
                self.say("status", {"execution_state": "idle"})
                continue
            self.parents.append(request)
            self.behave(self, request["content"])

    def say(self, kind: str, content: Any, *buffers: bytes, parent: Any = None) -> None:
        text = json.dumps(content).encode()
        message = self.session.msg(kind, text, parent=parent or self.request)
        self.session.send(self.iopub, message, buffers=list(buffers))

    def reply(self, kind: str = "execute_reply", status: str = "ok") -> None:
        message = self.session.msg(kind, {"status": status}, parent=self.request)
        self.session.send(self.shell, message, ident=self.identities)

    def ask(self, kind: str, content: Any, *buffers: bytes, parent: Any = None) -> str:
        text = json.dumps(content).encode()
        message = self.session.msg(kind, text, parent=parent or self.request)
        self.session.send(self.stdin, message, ident=self.identities, buffers=list(buffers))
        return str(message["header"]["msg_id"])

    def told(self) -> tuple[str, Any, bytes]:
        """What comes back: which message it is about, what it says, its arrays."""
        assert self.stdin.poll(PATIENCE * 1000)
        _, parts = self.session.feed_identities(self.stdin.recv_multipart())
        reply = self.session.deserialize(parts)
        return reply["parent_header"]["msg_id"], reply["content"], bytes(reply["buffers"][0])

    def done(self, status: str = "ok") -> None:
        self.reply(status=status)
        self.say("status", {"execution_state": "idle"})

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(PATIENCE)
        self.context.destroy(linger=0)


class Bench:
    """Starts kernels and conversations; ``lifeline`` is the end of the pipe on the driver's stdin."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        read, self.lifeline = os.pipe()
        self.stdin = os.fdopen(read, "rb")
        self.kernels: list[Kernel] = []
        self.talks: list[Conversation] = []
        self.closed = threading.Event()
        monkeypatch.setattr(sys, "stdin", self.stdin)
        for name in ("IDLE_SECONDS", "REST_SECONDS"):
            monkeypatch.setattr(converse, name, PATIENCE)

    def talk(
        self, behave: Callable[[Kernel, Any], None], *, asks: bool = False, **caps: int
    ) -> Conversation:
        self.kernels.append(Kernel(self.folder, behave))
        for name in ("out", "answers"):
            (self.folder / name).mkdir()
        ports = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3}
        connection = {"key": "key", "ip": f"{self.folder}/k", **ports}
        orders = {"answers": str(self.folder / "answers"), "caps": ORDER_CAPS} if asks else None
        found = Conversation(connection, self.folder / "out", Caps(**DRIVER_CAPS | caps), orders)
        self.talks.append(found)
        assert found.channels.wait_ready()
        return found

    def events(self) -> list[dict[str, Any]]:
        found = sorted((self.folder / "out" / "evidence").glob("*.json"))
        return [json.loads(path.read_text()) for path in found]

    def answer(self, number: int, told: Any) -> None:
        """Do as the judge does once the order is there."""
        until = time.monotonic() + PATIENCE
        while not (self.folder / "out" / "orders" / f"{number:04d}.json").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        (self.folder / "answers" / f"{number:04d}.npz").write_bytes(b"weights")
        new = self.folder / "answers" / "new"
        new.write_text(json.dumps(told))
        new.rename(self.folder / "answers" / f"{number:04d}.json")

    def transcript(self) -> list[dict[str, Any]]:
        text = (self.folder / "out" / "transcript.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def let_go(self) -> None:
        os.close(self.lifeline)
        self.lifeline = -1
        self.closed.set()

    def close(self) -> None:
        for kernel in self.kernels:
            kernel.stop()
        for talk in self.talks:  # not by the collector, in the middle of another test's threads
            talk.channels.shell.context.destroy(linger=0)
        self.stdin.close()
        if self.lifeline >= 0:
            self.let_go()


def left_out(**changes: Any) -> dict[str, Any]:
    """What a kernel says of a statement that it left out."""
    told = {"line": 2, "statements": 3, "kind": "package", "what": "x", "error": "y"}
    return told | changes
