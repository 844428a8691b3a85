"""The store: every record and every execution of an OUT folder, kept so that nothing is lost.

Enters: Records and Executions. Leaves: the same, when asked for again. Touches: the OUT folder::

    results/<key>/record.json      one graded exercise; the truth
    evidence/<execution key>/      what one run left behind: ``execution/``, whole or absent, and
                                   ``notebook.json``, the code that ran
    by-hand.jsonl                  what was decided by hand, a line for each
    journal/<job>                  what was begun and not finished (``journal``)
    grades.db                      an index of the above, derived, may be deleted
    .lock                          held by the one grader that writes here

Saving needs no lock, so that workers in other processes may save; ``with Store(out):`` takes the
lock, and only its holder writes ``grades.db``. What cannot be read back is left out with a warning.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from grader.execution import Execution
from grader.policy.by_hand import HandLines
from grader.record import files, hand_file
from grader.record.flushing import Flusher
from grader.record.index import KEY, MOST_BYTES, Index, first_line, keyed_folders, remove
from grader.record.journal import Journal
from grader.record.keys import canonical, execution_key, score_key
from grader.types import GraderError, Message, Record

__all__ = ["Store", "UnkeepableError", "canonical", "execution_key", "score_key"]

_WRONG_CLOCK = 2**62  # nanoseconds, in 2116: no clock shows more, and what follows has room
_UNFINISHED = (".record.json.", ".new-", ".old-")


class UnkeepableError(GraderError):
    """A record that could not be read back: a fault of ours in that one alone."""


class Store:
    """Keeps what was graded in one OUT folder."""

    def __init__(self, out: Path, saved_after: int = 0, lent: Path | None = None) -> None:
        """Look at a folder; nothing is touched yet.

        Args:
            out: where it is.
            saved_after: what is saved here counts as later than this, as ``last_saved`` gave it.
            lent: another folder, whose executions are taken where this one has none; only read.
        """
        self.out = out.absolute()
        self._lent = lent.absolute() if lent is not None else None
        self.warnings: list[Message] = []
        self._lock: int | None = None
        self._index: Index | None = None
        self._last_saved = saved_after
        self._flusher = Flusher(self.out)
        self.journal = Journal(self.out, self._flusher)
        self._guard = threading.RLock()

    def __enter__(self) -> Self:
        """Become the one writer of this folder and bring ``grades.db`` up to date.

        Raises:
            GraderError: another grader is at work here, or the folder cannot be written or locked.
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
            files.sweep(self.out)
            files.sweep(self.out / "feedback")
            self._synchronised()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the lock and of the database; what was kept lasts from now on.

        Raises:
            GraderError: the disk refuses.
        """
        self._drop_index()
        try:
            with files.disk_errors(self.out):
                self._flusher.finish()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- records -----------------------------------------------------------------------------

    @property
    def last_saved(self) -> int:
        """When a record was last saved as far as is known here, in nanoseconds since 1970.

        Each record is later than those before it even where the clock was set back, so that the
        newest counts. Stores of workers elsewhere are told it.
        """
        return self._last_saved

    def save(self, record: Record, saved_at: int | None = None) -> None:
        """Keep a record; from now on it is the one that counts for its exercise.

        A record found under its key and used again is saved again, for that reason. One that
        another store kept comes with the time of its own, in nanoseconds since 1970.

        Raises:
            UnkeepableError: it could not be read back; nothing is written then.
            GraderError: the disk is full, or the folder cannot be written.
        """
        path = self._record_path(record.key)
        if saved_at is None:
            with self._guard:
                self._last_saved = max(self._last_saved + 1, min(time.time_ns(), _WRONG_CLOCK))
                saved_at = self._last_saved
        data = _readable(record, saved_at)
        files.write_whole(path, data)
        with files.disk_errors(path):
            self._flusher.wrote()
        self._tell_index(lambda index: index.add_record(path, data))

    def load(self, key: str) -> Record | None:
        """Return the record of this key; None where there is none, or none that can be read."""
        from grader.record.record_json import CorruptError, record_from_json

        path = self._record_path(key)
        try:
            return record_from_json(files.read_at_most(path, MOST_BYTES), key)
        except FileNotFoundError:
            return None
        except (OSError, CorruptError) as error:
            self._warn(path, error)
            return None

    def latest(self) -> list[Record]:
        """Return the record that counts, per student, submission and exercise."""
        index = self._synchronised()
        found = (self._newest(index, key) for key in index.current())
        return [record for record in found if record is not None]

    def newest(self, count: int) -> list[Record]:
        """Return graded records, of every exercise the ``count`` that were saved last."""
        found = map(self.load, self._synchronised().newest(count))
        return [record for record in found if record is not None]

    def _newest(self, index: Index, key: str) -> Record | None:
        """Return the record of this key or, where it cannot be read, the last one before it."""
        record = self.load(key)
        if record is not None:
            return record
        return next(filter(None, map(self.load, index.older(key))), None)

    def by_hand(self) -> HandLines:
        """Return what was decided by hand, as it stands in its file now."""
        found = hand_file.read(self.out)
        self.warnings += [one for one in found.unread if one not in self.warnings]
        return found.by_hand

    def index_anew(self) -> None:
        """Make ``grades.db`` from the files alone, so that nothing is left in it of others."""
        with self._guard:
            self._drop_index()
            remove(self.out / "grades.db")
            self._synchronised()

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
        from grader.record.execution_files import write_execution
        from grader.record.record_json import CorruptError

        folder = self.evidence_folder(key)
        new = folder / f".new-{secrets.token_hex(4)}"
        try:
            with files.disk_errors(folder):
                write_execution(new, execution, time.time_ns())
                files.swap_folder(new, folder / "execution")
        except CorruptError as error:
            told = {"key": key[:12], "error": str(error)}
            raise GraderError(Message("record.unkeepable", told)) from error
        finally:
            shutil.rmtree(new, ignore_errors=True)
        with files.disk_errors(folder):
            self._flusher.wrote()
        self._tell_index(lambda index: index.add_execution(folder))

    def load_execution(self, key: str, since: str = "") -> Execution | None:
        """Return the execution of this key; None where there is none, or none that can be read.

        ``since``: nor is one that was kept before this time, ISO 8601, "" for any.
        """
        found = self._load_execution(self.out, key, since)
        if found is None and self._lent is not None:
            found = self._load_execution(self._lent, key, since)
        return found

    def _load_execution(self, place: Path, key: str, since: str) -> Execution | None:
        from grader.record.execution_files import read_about, read_execution
        from grader.record.record_json import CorruptError

        folder = place / "evidence" / _checked(key) / "execution"
        try:
            if since and read_about(folder / "about.json").saved_at < _nanoseconds(since):
                return None
            return read_execution(folder)
        except FileNotFoundError:
            return None
        except (OSError, CorruptError) as error:
            self._warn(folder, error)
            return None

    # --- inside ------------------------------------------------------------------------------

    def _record_path(self, key: str) -> Path:
        return self.out / "results" / _checked(key) / "record.json"

    def _warn(self, path: Path, error: Exception | str) -> None:
        note = Message("record.unreadable", {"path": str(path), "error": str(error)})
        if note not in self.warnings:
            self.warnings.append(note)

    def _synchronised(self) -> Index:
        """Return the index, after a look at the files."""
        with self._guard:
            try:
                base = None if self._lock is None else self.out / "grades.db"
                self._index = self._index or Index(base)
                unread = self._index.read(self.out)
            except sqlite3.Error as error:  # a disk that cannot lock, or is full: memory will do
                self._warn(self.out / "grades.db", error)
                self._index = Index(None)
                unread = self._index.read(self.out)
            for path, reason in unread:
                self._warn(path, reason)
            self._last_saved = max(self._last_saved, self._index.last_saved())
            return self._index

    def _tell_index(self, tell: Callable[[Index], None]) -> None:
        if self._index is None or self._lock is None:
            return
        try:
            tell(self._index)
        except (sqlite3.Error, OSError) as error:  # the next look at the files finds it again
            self._warn(self.out / "grades.db", error)

    def _drop_index(self) -> None:
        with self._guard:
            if self._index is not None:
                self._index.close()
                self._index = None

    def _sweep(self) -> None:
        """Remove what an interrupted grader left half-written; only the lock's holder may."""
        parents = (self.out / "results", self.out / "evidence")
        for folder in (folder for parent in parents for folder in keyed_folders(parent)):
            for path in folder.iterdir():
                if path.name.startswith(_UNFINISHED):
                    shutil.rmtree(path, ignore_errors=True)
                    with suppress(OSError):
                        path.unlink(missing_ok=True)


def _readable(record: Record, saved_at: int) -> bytes:
    """Write a record as JSON, and make sure that it can be read: it hides those before it.

    Raises:
        UnkeepableError: it could not.
    """
    from grader.record.record_json import CorruptError, record_from_json, record_to_json

    try:
        data = record_to_json(record, saved_at)
        if len(data) > MOST_BYTES:
            raise CorruptError(f"{len(data)} bytes, {MOST_BYTES} at most")
        record_from_json(data, record.key)
    except (ValueError, TypeError, RecursionError) as error:  # CorruptError among them
        told = {"submission": record.submission, "exercise": record.exercise}
        message = Message("record.unreadable_grade", {**told, "error": first_line(error)})
        raise UnkeepableError(message) from error
    return data


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


def _nanoseconds(time_: str) -> int:
    return int(datetime.fromisoformat(time_).timestamp() * 1_000_000) * 1000


def _pid(lock: Path) -> str:
    try:
        return lock.read_bytes()[:20].decode("ascii", "replace") or "?"
    except OSError:
        return "?"
