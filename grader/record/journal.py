"""Which jobs were begun and never came to their end: one that takes its worker down is known again.

Enters: names of jobs. Leaves: how often each was begun. Touches: ``journal/`` in the OUT folder, a
file for each job with a line per time that it began, until it ends.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from grader.record import files
from grader.record.flushing import Flusher


class Journal:
    """The jobs of one OUT folder; needs no lock."""

    def __init__(self, out: Path, flusher: Flusher) -> None:
        self._out, self._flusher = out, flusher

    def begin(self, job: str) -> int:
        """Note that a job begins; return how often it was begun before and never finished.

        Raises:
            GraderError: the note cannot be written.
        """
        path = self.path(job)
        line = f"{datetime.now(UTC).isoformat(timespec='seconds')} {os.getpid()}\n"
        with files.disk_errors(path):
            before = files.add_line(path, line.encode())
            self._flusher.wrote()  # a notebook may take the whole machine down
        return before

    def begun(self, job: str) -> int:
        """Return how often a job was begun and never finished."""
        path = self.path(job)
        with files.disk_errors(path):
            return path.read_bytes().count(b"\n") if path.exists() else 0

    def finish(self, job: str) -> None:
        """Note that a job came to its end, good or bad."""
        path = self.path(job)
        with files.disk_errors(path):
            path.unlink(missing_ok=True)

    def path(self, job: str) -> Path:
        """Where it is noted that a job began."""
        name = hashlib.sha256(job.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        return self._out / "journal" / name
