"""Reads the pages: which command lines stand in them, and which are marked as not run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHELLS = {"", "sh", "console"}
INTERPRETERS = {"python", "python3", ".venv/bin/python"}
_FENCE = re.compile(r"^ *```(?P<kind>\w*)\s*$")
_MARK = re.compile(r"^ *<!-- not run(?: here)?(?:, but for [^:]+)?: (?P<reason>\S.*\S) -->$")
_INLINE = re.compile(r"`((?:grader|make) [^`]+)`")


@dataclass(frozen=True)
class Command:
    """One command line of a page; ``reason``: why a mark says that it is not run."""

    page: str
    line: int
    text: str
    reason: str | None = None

    @property
    def words(self) -> list[str]:
        """The words as a shell would split them, without comments."""
        return shlex.split(self.text, comments=True)

    @property
    def kind(self) -> str:
        """What is called: grader, make, module, script, or other."""
        first, *rest = self.words
        if first in {"grader", ".venv/bin/grader"}:
            return "grader"
        if first in INTERPRETERS and rest[:1] == ["-m"]:
            return "module"
        if first in INTERPRETERS and rest and rest[0].endswith(".py"):
            return "script"
        return first if first == "make" else "other"

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def pages() -> dict[str, str]:
    """Every page that people read, by its path from the root."""
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def in_blocks() -> list[Command]:
    """Give every command line in a shell block."""
    return [command for page, text in pages().items() for command in read_blocks(page, text)]


def in_sentences() -> list[Command]:
    """Give every call of grader and make that stands within a sentence."""
    return [
        Command(page, number, found[1])
        for page, text in pages().items()
        for number, line in enumerate(text.splitlines(), start=1)
        for found in _INLINE.finditer(line)
    ]


def read_blocks(page: str, text: str) -> Iterator[Command]:
    """Give the command lines of one page; a mark belongs to the block right below it."""
    inside: str | None = None
    reason: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if fence := _FENCE.match(line):
            inside = fence["kind"] if inside is None else None
        elif inside is None:
            mark = _MARK.match(line)
            reason = mark["reason"] if mark else None
        elif inside in SHELLS:
            shown = line.strip().removeprefix("$ ")
            if shown and not shown.startswith("#"):
                yield Command(page, number, shown, reason)
