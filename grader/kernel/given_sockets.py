"""In the notebook's room: a kernel that listens on sockets which it was given.

Enters: a unix socket as standard input, with one message that carries listening sockets; the
connection's file. Leaves: a kernel's application, ready to start. Touches: standard input, which is
/dev/null afterwards. Imports nothing of the judge's.

A kernel that made its sockets itself would need a folder of the host to make them in.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipykernel.kernelapp import IPKernelApp

_MOST = 8


def receive() -> list[int]:
    """Take the sockets from standard input, in the order of their ports.

    Raises:
        SystemExit: whoever had them is gone.
    """
    with socket.socket(fileno=os.dup(0)) as line:
        _, descriptors, _, _ = socket.recv_fds(line, 1, _MOST)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    if not descriptors:
        raise SystemExit("no sockets came")
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
        os.set_blocking(descriptor, False)
    return descriptors


def kernel_app(connection: str) -> IPKernelApp:
    """Make the application of a kernel that listens on the given sockets."""
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    facts = json.loads(Path(connection).read_text(encoding="utf-8"))
    ports = sorted(value for name, value in facts.items() if name.endswith("_port"))
    given = dict(zip(ports, receive(), strict=True))

    class Application(IPKernelApp):
        def _try_bind_socket(self, s: Any, port: int) -> int:
            s.setsockopt(zmq.USE_FD, given[port])
            bound: int = super()._try_bind_socket(s, port)  # type: ignore[no-untyped-call]
            return bound

        def init_heartbeat(self) -> None:
            """None: nobody listens to it, and it would bind a socket by itself."""

    app = Application.instance()
    app.initialize(  # type: ignore[no-untyped-call]
        ["-f", connection, "--IPKernelApp.quiet=True"]
    )
    return app
