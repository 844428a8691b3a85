"""Runs a command in a process that is killed just before its n-th change of the disk.

Enters: a command line, a folder, n. Leaves: how the process ended, how many changes there were.
Touches: that folder; forks.

Every change of the disk by Python is announced before it happens (``sys.audit``): files opened for
writing, renamed, removed, folders made. SIGKILL before each of them in turn is every moment at which
a kill leaves another disk behind, but for those within one write.
"""

from __future__ import annotations

import importlib
import os
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from grader.__main__ import main

# Loaded once, here: each process is a fork of this one.
for _name in (
    *("cli.export", "cli.merge", "record.execution_files", "record.record_json"),
    *("cli.by_hand", "cli.forget", "cli.regrade"),
    *("report.feedback", "report.gradebook", "report.overview", "report.table"),
):
    importlib.import_module(f"grader.{_name}")

CHANGES = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class End:
    """How a command ended: by its exit code, or killed (None); after how many changes."""

    code: int | None
    changes: int


def run(place: Path, *arguments: object, die_at: int | None = None) -> End:
    """Run ``grader`` with these arguments; SIGKILL before the change of that number, from 1."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(place, [str(one) for one in arguments], die_at, writing)
    os.close(writing)
    told = b""
    while piece := os.read(reading, 4096):
        told = piece
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return End(None, (die_at or 1) - 1)
    (changes,) = struct.unpack("q", told[-8:])
    return End(os.WEXITSTATUS(status), changes)


def _in_child(place: Path, arguments: list[str], die_at: int | None, told: int) -> NoReturn:
    code, changes, below = 70, 0, f"{place}{os.sep}"

    def count(event: str, given: tuple[Any, ...]) -> None:
        nonlocal changes
        if event == "open":
            path, flags = given[0], given[2]
            changing = isinstance(flags, int) and bool(flags & WRITING)
        else:
            path, changing = given[0] if given else "", event in CHANGES
        if changing and isinstance(path, str | os.PathLike) and os.fspath(path).startswith(below):
            changes += 1
            if changes == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - ends with us
        sys.stdout = sys.stderr = nowhere
        sys.argv = ["grader", *arguments]
        sys.addaudithook(count)
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    except BaseException as error:  # noqa: BLE001 - nothing may run on in a child
        os.write(2, repr(error).encode())
    finally:
        os.write(told, struct.pack("q", changes))
        os._exit(code)
