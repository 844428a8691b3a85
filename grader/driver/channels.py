"""In the driver's room: the sockets between the driver and one kernel.

Enters: the connection's key and names. Leaves: messages, read and checked for their signature; the
sockets on which the kernel shall listen. Touches: those sockets, in the driver's own home folder;
stdin, whose end of file means that the kernel is gone or its time is up.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import zmq
from jupyter_client.session import Session

READY_SECONDS = 120.0
BACKLOG = 16  # connections that wait until the kernel is there
WAITING_ORDERS = 2  # messages about trainings that are held: each may be as large as all data


class KernelGoneError(Exception):
    """The coordinator closed our stdin: there is nobody to talk to any more."""


class Channels:
    """A kernel's shell and iopub channels, and stdin where it asks for trainings there."""

    def __init__(self, connection: dict[str, Any], message_bytes: int, *, asked: bool) -> None:
        """Connect; ``message_bytes``: of the largest message; ``asked``: listen on stdin too."""
        self.session = Session(key=connection["key"].encode(), signature_scheme="hmac-sha256")
        self.message_bytes = message_bytes
        context = zmq.Context()
        self.shell = self._socket(context, zmq.DEALER, connection, "shell_port")
        self.iopub = self._socket(context, zmq.SUB, connection, "iopub_port")
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        self.names = {self.shell: "shell", self.iopub: "iopub"}
        self.stdin: zmq.Socket[Any] | None = None
        if asked:
            self.stdin = self._socket(context, zmq.DEALER, connection, "stdin_port")
            self.names[self.stdin] = "stdin"
        self.poller = zmq.Poller()
        for channel in self.names:
            self.poller.register(channel, zmq.POLLIN)
        self.malformed = 0  # messages of which nothing could be made

    def _socket(
        self, context: zmq.Context[Any], kind: int, connection: dict[str, Any], port: str
    ) -> zmq.Socket[Any]:
        found: zmq.Socket[Any] = context.socket(kind)
        found.linger = 0
        found.setsockopt(zmq.MAXMSGSIZE, self.message_bytes)
        found.setsockopt(zmq.HANDSHAKE_IVL, 0)  # it is connected long before the kernel looks
        if kind == zmq.DEALER:  # a kernel asks on stdin whoever asked it on shell
            found.setsockopt(zmq.IDENTITY, self.session.bsession)
        if port == "stdin_port":
            found.setsockopt(zmq.RCVHWM, WAITING_ORDERS)
        found.connect(f"ipc://{connection['ip']}-{connection[port]}")
        return found

    def receive(self, milliseconds: int) -> list[tuple[str, dict[str, Any]]]:
        """Give the next messages as (channel, message); malformed ones are counted and dropped.

        Raises:
            KernelGoneError: there is nobody to wait for; what has arrived is still there.
        """
        ready, _, _ = select.select([sys.stdin], [], [], 0)
        if ready and not os.read(sys.stdin.fileno(), 1):
            raise KernelGoneError
        return self.arrived(milliseconds)

    def arrived(self, milliseconds: int) -> list[tuple[str, dict[str, Any]]]:
        """Give the next messages, whether or not anybody is left to send more."""
        found = []
        for one, _ in self.poller.poll(milliseconds):
            channel = self.names[one]
            try:
                _, message = self.session.recv(one, mode=zmq.NOBLOCK, copy=True)
            except Exception:  # noqa: BLE001 - whatever a hostile message breaks, it is that message
                self.malformed += 1
                continue
            if isinstance(message, dict):
                found.append((channel, message))
        return found

    def remaining(self, silence: int, seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give what still comes until there is silence for so many milliseconds, or too much.

        A malformed message is no silence; nor is the kernel's end, which leaves what it had sent.
        """
        until = time.monotonic() + seconds
        while time.monotonic() <= until and self.poller.poll(silence):
            yield from self.arrived(0)

    def wait_ready(self) -> bool:
        """Ask until the kernel answers on both channels."""
        deadline = time.monotonic() + READY_SECONDS
        answered = heard = False
        asked = 0.0
        while time.monotonic() < deadline:
            if time.monotonic() - asked > 0.5:  # noqa: PLR2004
                self.session.send(self.shell, "kernel_info_request")
                asked = time.monotonic()
            for channel, _ in self.receive(50):
                answered = answered or channel == "shell"
                heard = heard or channel == "iopub"
            if answered and heard:
                return True
        return False

    def ask(self, index: int, source: str) -> str:
        """Send a cell to the kernel; give the request's name, which its answers carry."""
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        request = self.session.send(
            self.shell, "execute_request", content, metadata={"cellId": str(index)}
        )
        assert request is not None
        name: str = request["header"]["msg_id"]
        return name


def hand_over(connection: dict[str, Any], line: int) -> None:
    """Listen in the kernel's place and give it the sockets, on a unix socket.

    The sockets' names lie in a folder that the kernel's room does not have: it can neither replace
    them nor write beside them.
    """
    with contextlib.ExitStack() as stack:
        listening = []
        for port in sorted(value for name, value in connection.items() if name.endswith("_port")):
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.bind(f"{connection['ip']}-{port}")
            one.listen(BACKLOG)
            listening.append(one.fileno())
        socket.send_fds(stack.enter_context(socket.socket(fileno=line)), [b"k"], listening)
