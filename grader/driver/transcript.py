"""In the driver's room: what each cell showed and raised, within bounds.

Enters: messages that the kernel published while a cell ran. Leaves: ``transcript.jsonl``, a line
for each cell, written when it ends. Touches: that file.

What is kept of a notebook is bounded as a whole: of what comes after, a cell keeps its name.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from grader.driver.caps import Caps
    from grader.driver.screen import Screen, plain
else:
    from caps import Caps  # a script finds its neighbours by their bare names
    from screen import Screen, plain

LEFT_OUT = 200  # statements of one notebook that are told as left out
LEFT_OUT_TEXT = 200  # characters of each text about one
REMARKS = 50  # of one notebook
REMARK_TEXT = 100  # characters of each text in one
VALUE = 2000  # characters of what an exception says
LARGEST = 1_000_000  # lines of a cell, statements of one
SHORT_NAME = 40  # characters of an exception's name where there is no space for more
PNG = b"\x89PNG\r\n\x1a\n"


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


class Transcript:
    """The transcript of one notebook, and what it may still hold."""

    def __init__(self, path: Path, caps: Caps) -> None:
        self.path = path
        self.caps = caps
        self.text_left = caps.notebook_text
        self.error_text_left = caps.error_text
        self.images_left = caps.images
        self.image_bytes_left = caps.images_bytes
        self.left_out_left = LEFT_OUT
        self.remarks_left = REMARKS

    def begin(self, index: int) -> CellLog:
        """A cell begins."""
        return CellLog(index, Screen(min(self.caps.cell_text, max(0, self.text_left))))

    def end(self, log: CellLog, malformed: int) -> dict[str, Any]:
        """Write and give a cell's line, with the messages so far that were malformed."""
        line = log.line() | {"malformed": malformed}
        self.text_left -= len(line["stdout"])
        line["error"] = self._affordable(log.error)
        with self.path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return line

    def _affordable(self, error: dict[str, str] | None) -> dict[str, str] | None:
        """Give what a cell raised; of the hundreds after the first hundred only its name."""
        if error is None:
            return None
        if sum(map(len, error.values())) > self.error_text_left:
            error = {"name": error["name"][:SHORT_NAME], "value": "", "traceback": ""}
        self.error_text_left -= sum(map(len, error.values()))
        return error

    def publish(self, log: CellLog, message: dict[str, Any]) -> bool:
        """Take one iopub message; true when the kernel says that it is idle.

        Raises:
            Exception: whatever a hostile message breaks.
        """
        kind, content = message["msg_type"], message["content"]
        if kind == "stream" and isinstance(content["text"], str):
            log.screen.write(content["text"])
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self._display(log, content["data"])
        elif kind == "error":
            log.error = {
                "name": str(content["ename"])[:200],
                "value": _both_ends(plain(str(content["evalue"])), VALUE),
                "traceback": plain("\n".join(map(str, content["traceback"])))[-8000:],
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
            told[key] = plain(str(content[key]))[:LEFT_OUT_TEXT]
        if self.left_out_left > 0:
            self.left_out_left -= 1
            log.left_out.append(told)

    def _remark(self, log: CellLog, content: dict[str, Any]) -> None:
        """Keep what the kernel says of a line that ran, within bounds."""
        told: dict[str, Any] = {"line": min(max(0, int(content["line"])), LARGEST)}
        for key in ("kind", "what", "instead"):
            told[key] = plain(str(content[key]))[:REMARK_TEXT]
        if self.remarks_left > 0:
            self.remarks_left -= 1
            log.remarks.append(told)


def _both_ends(text: str, most: int) -> str:
    """Keep the beginning and the end: TensorFlow says what was wrong below a long traceback."""
    if len(text) <= most:
        return text
    end = most // 2
    return f"{text[: most - end - 3]}\n…\n{text[-end:]}"


def _is_png(text: str) -> bool:
    """Tell whether it is a picture; what is no base64 raises, and is dropped.

    Any other character would be passed over, and six bytes long in the transcript.
    """
    return base64.b64decode(text, validate=True).startswith(PNG)
