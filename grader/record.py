"""The store: every record and every execution of an OUT folder, kept so that nothing is lost.

Enters: Records and Executions. Leaves: the same, when asked for again. Touches: the OUT folder::

    results/<key>/record.json      one graded exercise; the truth
    evidence/<execution key>/      what one run left behind; ``execution/`` is ours, whole or absent
    journal/<job>                  one line per time that a job was begun and not finished
    grades.db                      an index of the above, derived, may be deleted
    .lock                          held by the one grader that writes here

Saving needs no lock, so that workers in other processes may save; ``with Store(out):`` takes the
lock, and only its holder writes ``grades.db``. What cannot be read back is left out with a warning.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from grader import files
from grader.keys import canonical, execution_key, score_key
from grader.types import Execution, GraderError, Message, Record

if TYPE_CHECKING:
    from grader.record_index import ExecutionRow, Index, RecordRow

__all__ = ["Store", "canonical", "execution_key", "score_key"]

_KEY = re.compile(r"[0-9a-f]{8,64}")
_UNFINISHED = (".record.json.", ".new-", ".old-")


class Store:
    """Keeps what was graded in one OUT folder."""

    def __init__(self, out: Path) -> None:
        self.out = out.absolute()
        self.warnings: list[Message] = []
        self._lock: int | None = None
        self._index: Index | None = None
        self._last_saved = 0
        self._guard = threading.RLock()

    def __enter__(self) -> Self:
        """Become the one writer of this folder and bring ``grades.db`` up to date.

        Raises:
            GraderError: another grader is at work here, or the folder cannot be written.
        """
        path = self.out / ".lock"
        self._lock = files.take_lock(path)
        if self._lock is None:
            raise GraderError(Message("record.locked", {"path": str(self.out), "who": _pid(path)}))
        try:
            with files.disk_errors(path):
                os.ftruncate(self._lock, 0)
                os.write(self._lock, str(os.getpid()).encode())
            self._drop_index()
            self._sweep()
            self._synchronised()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the lock and of the database."""
        self._drop_index()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- records -----------------------------------------------------------------------------

    def save(self, record: Record) -> None:
        """Keep a record durably; from now on it is the one that counts for its exercise.

        A record found under its key and used again is saved again, for that reason.

        Raises:
            GraderError: the disk is full, or the folder cannot be written.
        """
        from grader.record_json import record_to_json

        path = self._record_path(record.key)
        with self._guard:
            self._last_saved = max(self._last_saved + 1, time.time_ns())
            saved_at = self._last_saved
        data = record_to_json(record, saved_at)
        files.write_whole(path, data)
        with files.disk_errors(path):
            self._tell_index(records=[_record_row(json.loads(data), path.stat())])

    def load(self, key: str) -> Record | None:
        """Return the record of this key; None where there is none, or none that can be read."""
        from grader.record_json import CorruptError, record_from_json

        path = self._record_path(key)
        try:
            return record_from_json(_read_bounded(path), key)
        except FileNotFoundError:
            return None
        except (OSError, CorruptError) as error:
            self._warn(path, error)
            return None

    def latest(self) -> list[Record]:
        """Return the record that counts, per student, submission and exercise."""
        found = (self.load(key) for key in self._synchronised().current())
        return [record for record in found if record is not None]

    # --- executions --------------------------------------------------------------------------

    def evidence_folder(self, key: str) -> Path:
        """Return the folder for what this run leaves behind, made where needed.

        Raises:
            GraderError: it cannot be made.
        """
        folder = self.out / "evidence" / _checked(key)
        with files.disk_errors(folder):
            files.make_folders(folder)
        return folder

    def save_execution(self, key: str, execution: Execution) -> None:
        """Keep an execution: all of it or none of it.

        Raises:
            GraderError: the disk is full or refuses, or the execution has no plain form.
        """
        from grader.record_execution import write_execution
        from grader.record_json import CorruptError

        folder = self.evidence_folder(key)
        new = folder / f".new-{secrets.token_hex(4)}"
        try:
            with files.disk_errors(folder):
                about = write_execution(new, execution, time.time_ns())
                files.swap_folder(new, folder / "execution")
        except CorruptError as error:
            told = {"key": key[:12], "error": str(error)}
            raise GraderError(Message("record.unkeepable", told)) from error
        finally:
            shutil.rmtree(new, ignore_errors=True)
        self._tell_index(executions=[_execution_row(key, about.model_dump())])

    def load_execution(self, key: str) -> Execution | None:
        """Return the execution of this key; None where there is none, or none that can be read."""
        from grader.record_execution import read_execution
        from grader.record_json import CorruptError

        folder = self.out / "evidence" / _checked(key) / "execution"
        try:
            return read_execution(folder)
        except FileNotFoundError:
            return None
        except (OSError, CorruptError) as error:
            self._warn(folder, error)
            return None

    # --- the journal -------------------------------------------------------------------------

    def begin(self, job: str) -> int:
        """Note that a job begins; return how often it was begun before and never finished.

        A job that takes its worker down every time is recognised by that number.

        Raises:
            GraderError: the note cannot be written.
        """
        path = self._journal_path(job)
        line = f"{datetime.now(UTC).isoformat(timespec='seconds')} {os.getpid()}\n"
        with files.disk_errors(path):
            files.make_folders(path.parent)
            with path.open("ab+") as file:
                file.seek(0)
                before = file.read(2**20).count(b"\n")
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
            files.sync_folder(path.parent)
        return before

    def finish(self, job: str) -> None:
        """Note that a job came to its end, good or bad."""
        path = self._journal_path(job)
        with files.disk_errors(path):
            path.unlink(missing_ok=True)

    # --- inside ------------------------------------------------------------------------------

    def _record_path(self, key: str) -> Path:
        return self.out / "results" / _checked(key) / "record.json"

    def _journal_path(self, job: str) -> Path:
        name = hashlib.sha256(job.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        return self.out / "journal" / name

    def _warn(self, path: Path, error: Exception) -> None:
        note = Message("record.unreadable", {"path": str(path), "error": str(error)})
        if note not in self.warnings:
            self.warnings.append(note)

    def _synchronised(self) -> Index:
        """Return the index, after a look at the files."""
        from grader.record_index import Index

        with self._guard:
            try:
                self._index = self._index or self._open_index()
                self._read_files_into(self._index)
            except sqlite3.Error as error:  # a disk that cannot lock, or is full: memory will do
                self._warn(self.out / "grades.db", error)
                self._index = Index(None)
                self._read_files_into(self._index)
            self._last_saved = max(self._last_saved, self._index.last_saved())
            return self._index

    def _open_index(self) -> Index:
        from grader.record_index import Index

        return Index(None if self._lock is None else self.out / "grades.db")

    def _read_files_into(self, index: Index) -> None:
        known = index.record_files()
        records = {path.name: path for path in _folders(self.out / "results")}
        changed = (self._record_row_if_changed(path, known) for path in records.values())
        index.put_records((row for row in changed if row), known.keys() - records.keys())
        listed = index.execution_keys()
        runs = {path.name: path for path in _folders(self.out / "evidence")}
        fresh = (self._execution_row_of(runs[key]) for key in runs.keys() - listed)
        index.put_executions((row for row in fresh if row), listed - runs.keys())

    def _record_row_if_changed(
        self, folder: Path, known: dict[str, tuple[int, int]]
    ) -> RecordRow | None:
        path = folder / "record.json"
        try:
            stat = path.stat()
            if known.get(folder.name) == (stat.st_mtime_ns, stat.st_size):
                return None
            return _record_row(json.loads(_read_bounded(path)), stat)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self._warn(path, error)
            return None

    def _execution_row_of(self, folder: Path) -> ExecutionRow | None:
        from grader.record_execution import read_about
        from grader.record_json import CorruptError

        path = folder / "execution" / "about.json"
        try:
            return _execution_row(folder.name, read_about(path).model_dump())
        except FileNotFoundError:
            return None
        except (OSError, CorruptError) as error:
            self._warn(path, error)
            return None

    def _tell_index(
        self, records: Iterable[RecordRow] = (), executions: Iterable[ExecutionRow] = ()
    ) -> None:
        if self._index is None or self._lock is None:
            return
        try:
            self._index.put_records(records)
            self._index.put_executions(executions)
        except sqlite3.Error as error:  # derived: the next look at the files finds it again
            self._warn(self.out / "grades.db", error)

    def _drop_index(self) -> None:
        with self._guard:
            if self._index is not None:
                self._index.close()
                self._index = None

    def _sweep(self) -> None:
        """Remove what an interrupted grader left half-written; only the lock's holder may."""
        for folder in (*_folders(self.out / "results"), *_folders(self.out / "evidence")):
            for path in folder.iterdir():
                if path.name.startswith(_UNFINISHED):
                    shutil.rmtree(path, ignore_errors=True)
                    with suppress(OSError):
                        path.unlink(missing_ok=True)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


def _folders(parent: Path) -> Iterator[Path]:
    """Folders named by a key; none where the parent is missing."""
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from (Path(entry) for entry in list(os.scandir(parent)) if _KEY.fullmatch(entry.name))


def _read_bounded(path: Path) -> bytes:
    from grader.record_json import MOST_BYTES

    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(f"larger than {MOST_BYTES} bytes")
    return data


def _pid(lock: Path) -> str:
    try:
        return lock.read_bytes()[:20].decode("ascii", "replace") or "?"
    except OSError:
        return "?"


def _record_row(kept: dict[str, Any], stat: os.stat_result) -> RecordRow:
    from grader.record_index import RecordRow

    record, grade = kept["record"], kept["record"]["grade"]
    return RecordRow(
        key=record["key"],
        execution_key=record["execution_key"],
        student=record["student"],
        submission=record["submission"],
        exercise=record["exercise"],
        verdict=grade["verdict"],
        graded=grade["verdict"] != "grader_error",
        score=grade["score"],
        max_score=grade["max_score"],
        graded_at=record["graded_at"],
        saved_at=int(kept["saved_at"]),
        file_time=stat.st_mtime_ns,
        file_size=stat.st_size,
    )


def _execution_row(key: str, about: dict[str, Any]) -> ExecutionRow:
    from grader.record_index import ExecutionRow

    names = ("engine", "device", "seed", "attempt", "outcome", "seconds", "saved_at")
    return ExecutionRow(key, *(about[name] for name in names))
