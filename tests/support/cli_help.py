"""Runs the command line in this process, without rooms where a test is not about them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.__main__ import main
from grader.cli import errors
from grader.record.store import Store
from grader.trainer.kernels import HERE
from grader.types import Isolation, Level, Record

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on stderr, if it is one."""
        (line,) = self.err.splitlines()
        return line


class Shell:
    """``grader`` in a course, with a secret of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path) -> None:
        self.monkeypatch, self.capfd = monkeypatch, capfd
        self.out = tmp_path / "out"
        monkeypatch.setenv("GRADER_COURSE", str(ROOT))
        monkeypatch.setenv("GRADER_SECRET_FILE", str(tmp_path / "secret"))
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
        monkeypatch.delenv("COLUMNS", raising=False)

    def __call__(self, *arguments: object) -> Said:
        errors._language.clear()
        self.monkeypatch.setattr("sys.argv", ["grader", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = self.capfd.readouterr()
        return Said(int(end.value.code or 0), out, err)

    def grade(self, *arguments: object, lang: str = "en") -> Said:
        """Grade into this shell's OUT."""
        return self("grade", *arguments, "--out", self.out, "--lang", lang)

    def keep(self, *records: Record) -> None:
        """Keep records in this shell's OUT, as if they had been graded."""
        store = Store(self.out)
        for one in records:
            store.save(one)

    def page(self, student: str) -> str:
        """A student's page of feedback."""
        return (self.out / "feedback" / f"{student}.html").read_text(encoding="utf-8")

    def without_rooms(self) -> None:
        """Whatever needs no run is graded as always."""
        self.monkeypatch.setattr("grader.cli.grade.open_room", lambda *_: NoRoom())
        self.monkeypatch.setattr("grader.cli.grade.quickened", lambda room: (room, None))
        self.monkeypatch.setattr(HERE, "missing", lambda: None)  # a kernel may not be built here


class NoRoom:
    """Stands where a room would; nothing can be started in it."""

    isolation = Isolation(Level.FULL, ("filesystem",))
    complaints = ()


class mounted:  # noqa: N801 - reads as a word in a with statement
    """A mount for the time of a test; skips where this user may not mount."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments

    def __enter__(self) -> None:
        done = subprocess.run(["mount", *self.arguments], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("only root may mount")

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self.arguments[-1]], check=True)
