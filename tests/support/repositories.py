"""Repositories on this disk, as a student's branch and an instructor's side have them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
HOSTILE = (
    "$(touch pwned).ipynb",
    "`touch pwned`.ipynb",
    "; touch pwned; .ipynb",
    "a\ntouch pwned\n.ipynb",
    "::error::x\n::set-env name=PATH::pwned.ipynb",
    "##[error]x.ipynb",
    "--out=pwned.ipynb",
    "-rf.ipynb",
    "' \" \\ *.ipynb",
    ":(glob)*.ipynb",
    "김민준/sequence-prediction.ipynb",
)


class Working:
    """A repository with a folder to work in."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        try:
            done = subprocess.run(
                ["git", *WHO, *arguments],
                cwd=self.place,
                input=given,
                capture_output=True,
                check=True,
            )
        except FileNotFoundError:
            pytest.skip("git is not installed")
        return os.fsdecode(done.stdout).strip()

    def write(self, name: str, data: bytes) -> Path:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        """Commit a tree that git's own tools would refuse: (mode, name, object), whatever they say."""
        return self.git("commit-tree", "-m", "x", self.subtree(*entries))

    def subtree(self, *entries: tuple[str, bytes, str]) -> str:
        """Make such a tree, for others to hold."""
        raw = b"".join(
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(blob)
            for mode, name, blob in entries
        )
        return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", given=raw)

    def blob(self, data: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=data)


def names_below(folder: Path) -> set[str]:
    return {
        str(one.relative_to(folder))
        for one in folder.rglob("*")
        if one.is_symlink() or not one.is_dir()
    }
