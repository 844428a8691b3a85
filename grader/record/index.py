"""The index of an OUT folder: which records are there and which one counts.

Enters: what the files say. Leaves: keys. Touches: ``OUT/grades.db``, or memory only.

The files are the truth. The database is derived from them, may be deleted at any time, and is built
anew where it is damaged; teachers may query it (view ``grades``), nothing else writes to it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Literal, TypeVar

from grader.record.files import OWNERS_FILE, read_at_most

KEY = re.compile(r"[0-9a-f]{8,64}")
MOST_BYTES = 16 * 2**20
LARGEST = 2**63 - 2**32  # the database holds a little more
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
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

    def read(self, out: Path) -> list[tuple[Path, str]]:
        """Bring the index up to date with the files; return those that cannot be read, and why."""
        unread: list[tuple[Path, str]] = []
        with self._guard:
            self._read_records(out / "results", unread)
            self._read_executions(out / "evidence", unread)
        return unread

    def add_record(self, path: Path, data: bytes) -> None:
        """Add the record that was just written at ``path``."""
        self._put("records", [_record_row(path, path.stat(), data)])

    def add_execution(self, folder: Path) -> None:
        """Add the execution that was just written into ``folder``."""
        self._put("executions", [_execution_row(folder)])

    def current(self) -> list[str]:
        """Keys of the records that count, by student, exercise, submission."""
        query = "SELECT key FROM grades ORDER BY student, exercise, submission"
        with self._guard:
            return [key for (key,) in self._base.execute(query)]

    def newest(self, count: int) -> list[str]:
        """Keys of graded records, of every exercise the ``count`` that were saved last."""
        query = """
            SELECT key FROM (
              SELECT key, row_number() OVER (PARTITION BY exercise ORDER BY saved_at DESC) AS place
              FROM records WHERE graded)
            WHERE place <= ? ORDER BY key"""
        with self._guard:
            return [key for (key,) in self._base.execute(query, (count,))]

    def older(self, key: str) -> list[str]:
        """Keys of the records that counted before this one did, the last of them first."""
        query = """
            SELECT other.key FROM records AS this JOIN records AS other
            USING (student, submission, exercise)
            WHERE this.key = ? AND other.key != this.key ORDER BY other.saved_at DESC"""
        with self._guard:
            return [other for (other,) in self._base.execute(query, (key,))]

    def last_saved(self) -> int:
        """When the newest record was saved, 0 where there is none."""
        with self._guard:
            (newest,) = self._base.execute("SELECT max(saved_at) FROM records").fetchone()
        return int(newest or 0)

    def _read_records(self, parent: Path, unread: list[tuple[Path, str]]) -> None:
        query = "SELECT key, file_time, file_size FROM records"
        known = {key: (time, size) for key, time, size in self._base.execute(query)}
        there: set[str] = set()
        rows: list[RecordRow] = []
        for folder in keyed_folders(parent):
            path = folder / "record.json"
            try:
                stat = path.stat()
                there.add(folder.name)
                if known.get(folder.name) != (stat.st_mtime_ns, stat.st_size):
                    rows.append(_record_row(path, stat, read_at_most(path, MOST_BYTES)))
            except FileNotFoundError:
                continue
            except _UNREADABLE as error:
                there.discard(folder.name)
                unread.append((path, first_line(error)))
        self._put("records", rows, gone=known.keys() - there)

    def _read_executions(self, parent: Path, unread: list[tuple[Path, str]]) -> None:
        known = {key for (key,) in self._base.execute("SELECT key FROM executions")}
        folders = {folder.name: folder for folder in keyed_folders(parent)}
        rows: list[ExecutionRow] = []
        for key in sorted(folders.keys() - known):
            try:
                rows.append(_execution_row(folders[key]))
            except FileNotFoundError:
                continue
            except _UNREADABLE as error:
                unread.append((folders[key], first_line(error)))
        self._put("executions", rows, gone=known - folders.keys())

    def _put(
        self,
        table: Literal["records", "executions"],
        rows: Sequence[RecordRow | ExecutionRow],
        gone: Iterable[str] = (),
    ) -> None:
        with self._guard, self._base as base:
            drop = f"DELETE FROM {table} WHERE key = ?"  # noqa: S608 - table is one of two words
            base.executemany(drop, [(key,) for key in gone])
            if rows:
                marks = ",".join("?" * len(fields(rows[0])))
                put = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608
                base.executemany(put, [astuple(row) for row in rows])


def keyed_folders(parent: Path) -> Iterator[Path]:
    """Folders named by a key; none where the parent is missing."""
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from (Path(entry) for entry in list(os.scandir(parent)) if KEY.fullmatch(entry.name))


def first_line(error: Exception) -> str:
    """Say in one short line what is wrong."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _record_row(path: Path, stat: os.stat_result, data: bytes) -> RecordRow:
    """Give what the index lists. The record itself is validated when it is loaded."""
    kept = json.loads(data)
    record, grade = kept["record"], kept["record"]["grade"]
    return _listable(
        RecordRow(
            key=path.parent.name,
            execution_key=str(record["execution_key"]),
            student=str(record["student"]),
            submission=str(record["submission"]),
            exercise=str(record["exercise"]),
            verdict=str(grade["verdict"]),
            graded=grade["verdict"] != "grader_error",
            score=None if grade["score"] is None else float(grade["score"]),
            max_score=float(grade["max_score"]),
            graded_at=str(record["graded_at"]),
            saved_at=int(kept["saved_at"]),
            file_time=stat.st_mtime_ns,
            file_size=stat.st_size,
        )
    )


def _execution_row(folder: Path) -> ExecutionRow:
    about = json.loads(read_at_most(folder / "execution" / "about.json", MOST_BYTES))
    return _listable(
        ExecutionRow(
            key=folder.name,
            engine=str(about["engine"]),
            device=str(about["device"]),
            seed=int(about["seed"]),
            attempt=int(about["attempt"]),
            outcome=str(about["outcome"]),
            seconds=float(about["seconds"]),
            saved_at=int(about["saved_at"]),
        )
    )


_Row = TypeVar("_Row", RecordRow, ExecutionRow)


def _listable(row: _Row) -> _Row:
    """Give the row if the database takes it: one that it refuses would take all others along.

    Raises:
        ValueError: a number beyond 64 bits, or half a surrogate pair.
    """
    for name, value in asdict(row).items():
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(f"{name}: more than {LARGEST}")
    return row


def _open(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return _prepared(sqlite3.connect(":memory:", check_same_thread=False))
    try:
        return _prepared(_connect(path))
    except sqlite3.DatabaseError:
        remove(path)
        return _prepared(_connect(path))


def remove(path: Path) -> None:
    """Remove a database and what belongs to it; nobody has it open."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


def _connect(path: Path) -> sqlite3.Connection:
    with suppress(OSError):  # SQLite says it better
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNERS_FILE))  # -wal and -shm are made alike
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
