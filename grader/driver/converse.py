"""In the driver's room: runs a notebook's cells on its kernel and writes down what came back.

Enters: argv[1], a JSON file with the connection, the cells and the caps; argv[2], an empty folder.
Leaves on stdout, a unix socket: the sockets on which the kernel shall listen. Leaves in the folder:
``transcript.jsonl`` (a line per cell, written when the cell ends), ``evidence/`` (what the probe
sent, see ``keeping``) and, where trainings are done elsewhere, ``orders/`` (see ``ordering``).
Touches: the kernel's sockets, in its own home folder.

Runs as a script in a process of its own, in a room where there is one, and imports nothing of the
judge's: a hostile kernel's messages cost this process only. End of file on stdin means that the
kernel is gone or its time is up: what is known is written and the driver ends.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.session import Session

if TYPE_CHECKING or __package__:
    from grader.driver import keeping, ordering
else:
    import keeping  # a script finds its neighbours by their bare names
    import ordering

READY_SECONDS = 120.0
SETTLE_MILLISECONDS = 300
SETTLE_SECONDS = 10.0  # for a kernel in which a thread prints on and on
REST_SECONDS = 2.0  # for what had been sent when the time was up …
REST_MILLISECONDS = 50  # … which ends after so much silence
BACKLOG = 16  # connections that wait until the kernel is there
LEFT_OUT = 200  # statements of one notebook that are told as left out
LEFT_OUT_TEXT = 200  # characters of each text about one
REMARKS = 50  # of one notebook
REMARK_TEXT = 100  # characters of each text in one
LARGEST = 1_000_000  # lines of a cell, statements of one
WAITING_ORDERS = 2  # messages about trainings that are held: each may be as large as all data
SHORT_NAME = 40  # characters of an exception's name where there is no space for more
IDLE_SECONDS = 10.0  # after the reply, how long late output may take
PNG = b"\x89PNG\r\n\x1a\n"
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")


@dataclass(frozen=True)
class Caps:
    """Bounds on what one notebook may leave behind, as the judge told them."""

    cell_text: int  # characters of text kept per cell
    notebook_text: int
    error_text: int  # of all that the cells raised
    images: int
    image_bytes: int  # of one, as base64
    images_bytes: int  # of all together
    events: int
    content_bytes: int  # of one event's JSON
    contents_bytes: int
    event_bytes: int
    evidence_bytes: int
    message_bytes: int


class Screen:
    """Text as a notebook shows it: carriage return and backspace overwrite, within a cap."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.lines: list[str] = []
        self.size = 0
        self.line: list[str] = []
        self.column = 0
        self.truncated = False

    def write(self, text: str) -> None:
        """Add text; what goes beyond the cap is dropped and remembered as truncation."""
        for part in re.split(r"([\r\n\x08])", ANSI.sub("", text)):
            if part == "\n":
                self._end_line()
            elif part == "\r":
                self.column = 0
            elif part == "\x08":
                self.column = max(0, self.column - 1)
            elif part:
                self._put(part)

    def _put(self, part: str) -> None:
        room = max(0, self.cap - self.size - self.column)
        if len(part) > room:
            part, self.truncated = part[:room], True
        self.line[self.column : self.column + len(part)] = part
        self.column += len(part)

    def _end_line(self) -> None:
        if self.size >= self.cap:
            self.truncated = True
        else:
            self.lines.append("".join(self.line))
            self.size += len(self.line) + 1
        self.line, self.column = [], 0

    def text(self) -> str:
        """Give everything that is on the screen."""
        return "\n".join([*self.lines, "".join(self.line)])[: self.cap]


@dataclass
class CellLog:
    """What one cell did so far."""

    index: int
    screen: Screen
    images: list[str] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)  # statements, unread
    remarks: list[dict[str, Any]] = field(default_factory=list)  # unread
    cut: bool = False  # something that it showed or raised was left out
    error: dict[str, str] | None = None
    status: str = "stopped"
    began: float = field(default_factory=time.monotonic)
    replied: float = 0.0  # when the kernel said that the cell has ended
    idle: bool = False

    def line(self) -> dict[str, Any]:
        """Give the transcript's line."""
        return {
            "index": self.index,
            "status": self.status,
            "seconds": round(time.monotonic() - self.began, 3),
            "stdout": self.screen.text(),
            "truncated": self.screen.truncated or self.cut,
            "error": self.error,
            "images": self.images,
            "left_out": self.left_out,
            "remarks": self.remarks,
        }


def _is_png(text: str) -> bool:
    """Tell whether it is a picture; what is no base64 raises, and is dropped.

    Any other character would be passed over, and six bytes long in the transcript.
    """
    return base64.b64decode(text, validate=True).startswith(PNG)


class KernelGoneError(Exception):
    """The coordinator closed our stdin: there is nobody to talk to any more."""


class Conversation:
    """One kernel, its sockets and the folder where everything is written."""

    def __init__(
        self,
        connection: dict[str, Any],
        out: Path,
        caps: Caps,
        orders: dict[str, Any] | None = None,
    ) -> None:
        """Connect; ``orders``: where answers will be and the bounds, if trainings are asked for."""
        self.caps = caps
        self.out = out
        bounds = keeping.Bounds(
            caps.events,
            caps.content_bytes,
            caps.contents_bytes,
            caps.event_bytes,
            caps.evidence_bytes,
        )
        self.keeper = keeping.Keeper(out / "evidence", bounds)
        self.session = Session(key=connection["key"].encode(), signature_scheme="hmac-sha256")
        context = zmq.Context()
        self.shell = self._socket(context, zmq.DEALER, connection, "shell_port")
        self.iopub = self._socket(context, zmq.SUB, connection, "iopub_port")
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        self.channels = {self.shell: "shell", self.iopub: "iopub"}
        self.ordering: ordering.Ordering | None = None
        if orders is not None:
            line = self._socket(context, zmq.DEALER, connection, "stdin_port")
            self.channels[line] = "stdin"
            may, answers = ordering.Bounds(**orders["caps"]), Path(orders["answers"])
            self.ordering = ordering.Ordering(self.session, line, out, answers, may)
        self.poller = zmq.Poller()
        for channel in self.channels:
            self.poller.register(channel, zmq.POLLIN)
        self.text_left = caps.notebook_text
        self.error_text_left = caps.error_text
        self.images_left = caps.images
        self.left_out_left = LEFT_OUT
        self.remarks_left = REMARKS
        self.image_bytes_left = caps.images_bytes
        self.malformed = 0
        self.cells: dict[str, int] = {}  # by the message that asked for them

    def _socket(
        self, context: zmq.Context[Any], kind: int, connection: dict[str, Any], port: str
    ) -> zmq.Socket[Any]:
        found: zmq.Socket[Any] = context.socket(kind)
        found.linger = 0
        found.setsockopt(zmq.MAXMSGSIZE, self.caps.message_bytes)
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
            channel = self.channels[one]
            try:
                _, message = self.session.recv(one, mode=zmq.NOBLOCK, copy=True)
            except Exception:  # noqa: BLE001 - whatever a hostile message breaks, it is that message
                self.malformed += 1
                continue
            if isinstance(message, dict):
                found.append((channel, message))
        return found

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

    def run(self, index: int, source: str) -> dict[str, Any]:
        """Run one cell to its end and give its transcript line."""
        log = CellLog(index, Screen(min(self.caps.cell_text, max(0, self.text_left))))
        mine = self._ask(log, source)
        try:
            self._converse(log, mine)
        except KernelGoneError:
            self._rest(log, mine)
            self._finish(log)
            raise
        return self._finish(log)

    def settle(self) -> None:
        """Take evidence that is still under way once every cell has run."""
        for channel, message in self._remaining(SETTLE_MILLISECONDS, SETTLE_SECONDS):
            try:
                if channel == "stdin":
                    self._asked(message)
                elif message.get("msg_type") == "grader_evidence":
                    self._evidence(message)
            except OSError:
                raise  # our own disk: not the message's fault
            except Exception:  # noqa: BLE001 - whatever a hostile message breaks, it is that message
                self.malformed += 1
        self._tell_dropped()

    def _rest(self, log: CellLog, mine: str) -> None:
        """Take what a kernel had sent before it went: a busy machine may have kept it from us."""
        for channel, message in self._remaining(REST_MILLISECONDS, REST_SECONDS):
            self._take(log, mine, channel, message)

    def _remaining(self, silence: int, seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give what still comes until there is silence for so many milliseconds, or too much.

        A malformed message is no silence; nor is the kernel's end, which leaves what it had sent.
        """
        until = time.monotonic() + seconds
        while time.monotonic() <= until and self.poller.poll(silence):
            yield from self.arrived(0)

    def _finish(self, log: CellLog) -> dict[str, Any]:
        line = log.line() | {"malformed": self.malformed}  # so far
        self.text_left -= len(line["stdout"])
        line["error"] = self._affordable(log.error)
        with (self.out / "transcript.jsonl").open("a", encoding="utf-8", errors="replace") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._tell_dropped()
        return line

    def _affordable(self, error: dict[str, str] | None) -> dict[str, str] | None:
        """Give what a cell raised; of the hundreds after the first hundred only its name."""
        if error is None:
            return None
        if sum(map(len, error.values())) > self.error_text_left:
            error = {"name": error["name"][:SHORT_NAME], "value": "", "traceback": ""}
        self.error_text_left -= sum(map(len, error.values()))
        return error

    def _tell_dropped(self) -> None:
        if self.keeper.dropped:
            (self.out / "dropped").write_text(str(self.keeper.dropped), encoding="ascii")

    def _ask(self, log: CellLog, source: str) -> str:
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
            self.shell, "execute_request", content, metadata={"cellId": str(log.index)}
        )
        assert request is not None
        mine: str = request["header"]["msg_id"]
        self.cells[mine] = log.index
        return mine

    def _converse(self, log: CellLog, mine: str) -> None:
        while not (log.replied and (log.idle or time.monotonic() - log.replied > IDLE_SECONDS)):
            waits = self.ordering is not None and self.ordering.waits
            for channel, message in self.receive(ordering.WAITING_MILLISECONDS if waits else 200):
                self._take(log, mine, channel, message)
            if self.ordering is not None:
                self.ordering.answer()

    def _take(self, log: CellLog, mine: str, channel: str, message: dict[str, Any]) -> None:
        """Write one message to the log of the cell that runs, if it is about that cell."""
        try:
            if channel == "stdin":
                self._asked(message)
            elif message["msg_type"] == "grader_evidence":
                self._evidence(message)  # of an earlier cell too: it was slow, not wrong
            elif message["parent_header"].get("msg_id") != mine:
                return
            elif channel == "shell" and message["msg_type"] == "execute_reply":
                log.status = "ok" if message["content"]["status"] == "ok" else "error"
                log.replied = time.monotonic()
            elif channel == "iopub":
                log.idle = self._publish(log, message) or log.idle
        except OSError:
            raise  # our own disk: not the message's fault
        except Exception:  # noqa: BLE001 - whatever a hostile message breaks, it is that message
            self.malformed += 1

    def _publish(self, log: CellLog, message: dict[str, Any]) -> bool:
        """Take one iopub message; true when the kernel says that it is idle."""
        kind, content = message["msg_type"], message["content"]
        if kind == "stream" and isinstance(content["text"], str):
            log.screen.write(content["text"])
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self._display(log, content["data"])
        elif kind == "error":
            log.error = {
                "name": str(content["ename"])[:200],
                "value": ANSI.sub("", str(content["evalue"]))[:2000],
                "traceback": ANSI.sub("", "\n".join(map(str, content["traceback"])))[-8000:],
            }
        elif kind == "grader_left_out":
            self._left_out(log, content)
        elif kind == "grader_remark":
            self._remark(log, content)
        elif kind == "status":
            return bool(content["execution_state"] == "idle")
        return False

    def _display(self, log: CellLog, data: dict[str, Any]) -> None:
        image = data.get("image/png")
        if isinstance(image, str):
            most = min(self.caps.image_bytes, self.image_bytes_left)
            if len(image) > most or self.images_left <= 0:
                log.cut = True
            elif _is_png(image := "".join(image.split())):  # some encoders break lines
                self.images_left -= 1
                self.image_bytes_left -= len(image)
                log.images.append(image)
                return
        if isinstance(data.get("text/plain"), str):
            log.screen.write(data["text/plain"] + "\n")

    def _left_out(self, log: CellLog, content: dict[str, Any]) -> None:
        """Keep what the kernel says of a statement that it left out, within bounds."""
        told: dict[str, Any] = {}
        for key in ("line", "statements"):
            told[key] = min(max(0, int(content[key])), LARGEST)
        for key in ("kind", "what", "error"):
            told[key] = ANSI.sub("", str(content[key]))[:LEFT_OUT_TEXT]
        if self.left_out_left > 0:
            self.left_out_left -= 1
            log.left_out.append(told)

    def _remark(self, log: CellLog, content: dict[str, Any]) -> None:
        """Keep what the kernel says of a line that ran, within bounds."""
        told: dict[str, Any] = {"line": min(max(0, int(content["line"])), LARGEST)}
        for key in ("kind", "what", "instead"):
            told[key] = ANSI.sub("", str(content[key]))[:REMARK_TEXT]
        if self.remarks_left > 0:
            self.remarks_left -= 1
            log.remarks.append(told)

    def _asked(self, message: dict[str, Any]) -> None:
        """Pass on what was asked of the trainer, or told about it."""
        assert self.ordering is not None
        self.ordering.take(message, self.cells[message["parent_header"]["msg_id"]])

    def _evidence(self, message: dict[str, Any]) -> None:
        """Keep one event of the probe, unread, within the caps."""
        cell = self.cells[message["parent_header"]["msg_id"]]
        buffers = message.get("buffers") or []
        arrays = bytes(buffers[0]) if buffers else b""
        self.keeper.take({**message["content"], "cell": cell}, arrays)


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


def main() -> int:
    """Run the notebook; 0: all cells were sent, 3: the kernel never answered, 4: it is gone."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    connection = json.loads(Path(job["connection"]).read_text(encoding="utf-8"))
    connection["ip"] = str(Path.home() / connection["ip"])
    hand_over(connection, os.dup(sys.stdout.fileno()))
    caps, orders = Caps(**job["caps"]), job.get("orders")
    conversation = Conversation(connection, Path(sys.argv[2]), caps, orders)
    try:
        if not conversation.wait_ready():
            return 3
        (Path(sys.argv[2]) / "ready").touch()
        for cell in job["cells"]:
            conversation.run(cell["index"], cell["source"])
        conversation.settle()
    except KernelGoneError:
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
