"""In the driver's room: runs a notebook's cells on its kernel and writes down what came back.

Enters: argv[1], a JSON file with the connection, the cells and the caps; argv[2], an empty folder.
Leaves on stdout, a unix socket: the sockets on which the kernel shall listen (see ``channels``).
Leaves in the folder: ``transcript.jsonl`` (see ``transcript``), ``evidence/`` (what the probe sent,
see ``keeping``) and, where trainings are done elsewhere, ``orders/`` (see ``ordering``).
Touches: the kernel's sockets, in its own home folder.

Runs as a script in a process of its own, in a room where there is one, and imports nothing of the
judge's: a hostile kernel's messages cost this process only. End of file on stdin means that the
kernel is gone or its time is up: what is known is written and the driver ends.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from grader.driver import keeping, ordering
    from grader.driver.caps import Caps
    from grader.driver.channels import Channels, KernelGoneError, hand_over
    from grader.driver.transcript import CellLog, Transcript
else:
    import keeping  # a script finds its neighbours by their bare names
    import ordering
    from caps import Caps
    from channels import Channels, KernelGoneError, hand_over
    from transcript import CellLog, Transcript

SETTLE_MILLISECONDS = 300
SETTLE_SECONDS = 10.0  # for a kernel in which a thread prints on and on
REST_SECONDS = 2.0  # for what had been sent when the time was up …
REST_MILLISECONDS = 50  # … which ends after so much silence
IDLE_SECONDS = 10.0  # after the reply, how long late output may take


class Conversation:
    """One kernel and the folder where everything is written."""

    def __init__(
        self,
        connection: dict[str, Any],
        out: Path,
        caps: Caps,
        orders: dict[str, Any] | None = None,
    ) -> None:
        """Connect; ``orders``: where answers will be and the bounds, if trainings are asked for."""
        self.out = out
        bounds = keeping.Bounds(
            caps.events,
            caps.content_bytes,
            caps.contents_bytes,
            caps.event_bytes,
            caps.evidence_bytes,
        )
        self.keeper = keeping.Keeper(out / "evidence", bounds)
        self.transcript = Transcript(out / "transcript.jsonl", caps)
        self.channels = Channels(connection, caps.message_bytes, asked=orders is not None)
        self.ordering: ordering.Ordering | None = None
        if orders is not None:
            assert self.channels.stdin is not None
            may, answers = ordering.Bounds(**orders["caps"]), Path(orders["answers"])
            self.ordering = ordering.Ordering(
                self.channels.session, self.channels.stdin, out, answers, may
            )
        self.cells: dict[str, int] = {}  # by the message that asked for them

    def run(self, index: int, source: str) -> dict[str, Any]:
        """Run one cell to its end and give its transcript line."""
        log = self.transcript.begin(index)
        mine = self.channels.ask(index, source)
        self.cells[mine] = index
        try:
            self._converse(log, mine)
        except KernelGoneError:
            self._rest(log, mine)
            self._finish(log)
            raise
        return self._finish(log)

    def settle(self) -> None:
        """Take evidence that is still under way once every cell has run."""
        for channel, message in self.channels.remaining(SETTLE_MILLISECONDS, SETTLE_SECONDS):
            try:
                if channel == "stdin":
                    self._asked(message)
                elif message.get("msg_type") == "grader_evidence":
                    self._evidence(message)
            except OSError:
                raise  # our own disk: not the message's fault
            except Exception:  # noqa: BLE001 - whatever a hostile message breaks, it is that message
                self.channels.malformed += 1
        self._tell_dropped()

    def _converse(self, log: CellLog, mine: str) -> None:
        while not (log.replied and (log.idle or time.monotonic() - log.replied > IDLE_SECONDS)):
            waits = self.ordering is not None and self.ordering.waits
            milliseconds = ordering.WAITING_MILLISECONDS if waits else 200
            for channel, message in self.channels.receive(milliseconds):
                self._take(log, mine, channel, message)
            if self.ordering is not None:
                self.ordering.answer()

    def _rest(self, log: CellLog, mine: str) -> None:
        """Take what a kernel had sent before it went: a busy machine may have kept it from us."""
        for channel, message in self.channels.remaining(REST_MILLISECONDS, REST_SECONDS):
            self._take(log, mine, channel, message)

    def _finish(self, log: CellLog) -> dict[str, Any]:
        line = self.transcript.end(log, self.channels.malformed)
        self._tell_dropped()
        return line

    def _tell_dropped(self) -> None:
        if self.keeper.dropped:
            (self.out / "dropped").write_text(str(self.keeper.dropped), encoding="ascii")

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
                log.idle = self.transcript.publish(log, message) or log.idle
        except OSError:
            raise  # our own disk: not the message's fault
        except Exception:  # noqa: BLE001 - whatever a hostile message breaks, it is that message
            self.channels.malformed += 1

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


def main() -> int:
    """Run the notebook; 0: all cells were sent, 3: the kernel never answered, 4: it is gone."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    connection = json.loads(Path(job["connection"]).read_text(encoding="utf-8"))
    connection["ip"] = str(Path.home() / connection["ip"])
    hand_over(connection, os.dup(sys.stdout.fileno()))
    caps, orders = Caps(**job["caps"]), job.get("orders")
    conversation = Conversation(connection, Path(sys.argv[2]), caps, orders)
    try:
        if not conversation.channels.wait_ready():
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
