"""The index of an OUT folder: which records are there and which one counts.

Enters: what the files say. Leaves: keys. Touches: ``OUT/grades.db``, or memory only.

The files are the truth. The database is derived from them, may be deleted at any time, and is built
anew where it is damaged; teachers may query it (view ``grades``), nothing else writes to it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

_VERSION = 1
_SCHEMA = """
CREATE TABLE records (
  key TEXT PRIMARY KEY, execution_key TEXT, student TEXT, submission TEXT, exercise TEXT,
  verdict TEXT, graded INTEGER, score REAL, max_score REAL, graded_at TEXT,
  saved_at INTEGER, file_time INTEGER, file_size INTEGER);
CREATE INDEX records_who ON records (student, submission, exercise, saved_at);
CREATE TABLE executions (
  key TEXT PRIMARY KEY, engine TEXT, device TEXT, seed INTEGER, attempt INTEGER,
  outcome TEXT, seconds REAL, saved_at INTEGER);
CREATE VIEW grades AS
  SELECT student, submission, exercise, verdict, graded, score, max_score, graded_at, key,
         max(saved_at) AS saved_at
  FROM records GROUP BY student, submission, exercise;
"""


@dataclass(frozen=True)
class RecordRow:
    """One record file, as the index lists it."""

    key: str
    execution_key: str
    student: str
    submission: str
    exercise: str
    verdict: str
    graded: bool
    score: float | None
    max_score: float
    graded_at: str
    saved_at: int
    file_time: int
    file_size: int


@dataclass(frozen=True)
class ExecutionRow:
    """One kept execution, as the index lists it."""

    key: str
    engine: str
    device: str
    seed: int
    attempt: int
    outcome: str
    seconds: float
    saved_at: int


class Index:
    """One connection, one writer at a time."""

    def __init__(self, path: Path | None) -> None:
        """Open the database at ``path``, or one in memory.

        Raises:
            sqlite3.Error: not even a fresh database can be made there.
        """
        self._guard = threading.RLock()
        self._base = _open(path)

    def close(self) -> None:
        """Write everything back into the one file."""
        with self._guard:
            self._base.close()

    def put_records(self, rows: Iterable[RecordRow], gone: Iterable[str] = ()) -> None:
        """Add or replace rows, and drop those whose file is gone."""
        marks = ",".join("?" * 13)
        with self._guard, self._base as base:
            base.executemany("DELETE FROM records WHERE key = ?", [(key,) for key in gone])
            base.executemany(
                f"INSERT OR REPLACE INTO records VALUES ({marks})",  # noqa: S608
                [astuple(row) for row in rows],
            )

    def put_executions(self, rows: Iterable[ExecutionRow], gone: Iterable[str] = ()) -> None:
        """Add or replace rows, and drop those whose folder is gone."""
        marks = ",".join("?" * 8)
        with self._guard, self._base as base:
            base.executemany("DELETE FROM executions WHERE key = ?", [(key,) for key in gone])
            base.executemany(
                f"INSERT OR REPLACE INTO executions VALUES ({marks})",  # noqa: S608
                [astuple(row) for row in rows],
            )

    def record_files(self) -> dict[str, tuple[int, int]]:
        """Key → time and size of the record file when it was indexed."""
        query = "SELECT key, file_time, file_size FROM records"
        with self._guard:
            return {key: (time, size) for key, time, size in self._base.execute(query)}

    def execution_keys(self) -> set[str]:
        """All executions listed."""
        with self._guard:
            return {key for (key,) in self._base.execute("SELECT key FROM executions")}

    def current(self) -> list[str]:
        """Keys of the records that count, by student, exercise, submission."""
        query = "SELECT key FROM grades ORDER BY student, exercise, submission"
        with self._guard:
            return [key for (key,) in self._base.execute(query)]

    def last_saved(self) -> int:
        """When the newest record was saved, 0 where there is none."""
        with self._guard:
            (newest,) = self._base.execute("SELECT max(saved_at) FROM records").fetchone()
        return int(newest or 0)


def _open(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return _prepared(sqlite3.connect(":memory:", check_same_thread=False))
    try:
        return _prepared(_connect(path))
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).unlink()
        return _prepared(_connect(path))


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, check_same_thread=False, timeout=10)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=NORMAL")  # a lost commit is found again in the files
    return base


def _prepared(base: sqlite3.Connection) -> sqlite3.Connection:
    """Make the tables unless a database of this version has them."""
    with closing(base.execute("PRAGMA user_version")) as cursor:
        (version,) = cursor.fetchone()
    if version == _VERSION:
        base.execute("SELECT count(*) FROM grades").fetchone()  # raises where it is damaged
        return base
    with base:
        kinds = {"table": "TABLE", "view": "VIEW"}
        names = base.execute("SELECT type, name FROM sqlite_master WHERE type IN ('table','view')")
        for kind, name in names.fetchall():
            base.execute(f"DROP {kinds[kind]} {name}")
        base.executescript(_SCHEMA)
        base.execute(f"PRAGMA user_version = {_VERSION}")
    return base
