"""A repository that strangers wrote to, read by git: commits, what changed between two, contents.

Enters: a folder with a repository, names of commits, names of files as bytes. Leaves: the same as
git has them. Touches: starts git, which runs nothing that stands in the repository.

File names are a student's choice: they come and go separated by NUL and never through a shell.
Contents come out of git's own store, not out of a working tree, so no filter, hook or link of the
repository takes part.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from grader.ci.git_process import bounded
from grader.text.printable import printable
from grader.types import GraderError, Message

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NOTHING = re.compile(r"0+")  # how an event names the commit before the first one
_HEAD = re.compile(rb":\d{6} (\d{6}) [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*")
_LINK, _FILES = 0o120000, frozenset({0o100644, 0o100755, 0o100664})
_CHUNK = 2**20
LONGEST_SAID = 300
# Nothing of a stranger's repository or of this machine's settings changes what git does here.
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.quotePath": "false",
    "diff.external": "",
    "protocol.ext.allow": "never",
    "safe.directory": "*",
}
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class Entry:
    """A file of a commit: its name in the repository, and under which name git keeps its bytes."""

    name: bytes
    mode: int
    blob: str

    @property
    def is_file(self) -> bool:
        """Whether it is an ordinary file."""
        return self.mode in _FILES

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == _LINK


@dataclass(frozen=True)
class Repository:
    """A repository on this disk; ``settings``: of git's, for the network alone."""

    place: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def commit(self, name: str) -> str:
        """Give the full name of a commit.

        Raises:
            GraderError: there is none of this name.
        """
        if not name or name.startswith("-"):
            raise GraderError(Message("ci.no_commit", {"commit": printable(name, limit=80)}))
        found = self._asked(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if found is None or not COMMIT.fullmatch(found):
            raise GraderError(Message("ci.no_commit", {"commit": printable(name, limit=80)}))
        return found

    def before(self, base: str, head: str) -> str | None:
        """Give the commit from which ``head`` went away from ``base``; None: there was nothing.

        Raises:
            GraderError: the history that is here does not reach back so far.
        """
        if not base or _NOTHING.fullmatch(base):
            return None
        found = self._asked("merge-base", "--end-of-options", self.commit(base), self.commit(head))
        if not found:
            raise GraderError(Message("ci.no_history", {"base": base[:12], "head": head[:12]}))
        return found.splitlines()[0]

    def committed(self, base: str | None, head: str, names: Sequence[str]) -> int:
        """Give when some files were last changed between two commits, as their author says.

        What a merge brings in from elsewhere changes none of them.

        Returns:
            Seconds since 1970; 0 where nobody says or what is said is no time.
        """
        since = [head] if base is None else [f"{base}..{head}"]
        if not names:
            return 0
        told = self._asked("log", "-1", "--format=%ct", "--end-of-options", *since, "--", *names)
        said = (told or "").strip()
        return int(said) if said.isascii() and said.isdigit() else 0

    def changed(self, base: str | None, head: str, listed: Sequence[Entry]) -> Sequence[Entry]:
        """Give the files that ``head`` has and ``base`` has not, or not so.

        Args:
            base: None: nothing was before.
            head: a commit.
            listed: all files of ``head``: whoever could list them knows that there are not too
                many, for a comparison holds all of them before it says anything.

        Raises:
            GraderError: git says no.
        """
        if base is None:
            return listed
        told = self._run(
            *("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff"),
            *("--diff-filter=AMT", "--end-of-options", base, head),
        )
        parts = told.split(b"\0")
        entries = []
        for head_of, name in zip(parts[::2], parts[1::2], strict=False):
            match = _HEAD.fullmatch(head_of)
            assert match is not None, head_of
            entries.append(Entry(name, int(match[1], 8), match[2].decode()))
        return entries

    def listed(self, commit: str) -> list[Entry]:
        """Give all files of a commit.

        Raises:
            GraderError: there are too many.
        """
        told = self._run("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
        entries = []
        for line in filter(None, told.split(b"\0")):
            about, _, name = line.partition(b"\t")
            mode, _, blob = about.split(b" ")
            entries.append(Entry(name, int(mode, 8), blob.decode()))
        return entries

    def prefix(self) -> str:
        """Give how the names of files below the place begin: its own path in the repository."""
        return os.fsdecode(self._run("rev-parse", "--show-prefix")).rstrip("\n")

    def edited(self, base: str, below: Sequence[str]) -> list[str]:
        """Name the files that the working folder has otherwise than a commit, as git names them.

        Args:
            base: the commit.
            below: the paths in which files that git does not know yet count too.
        """
        unlike = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", base, "--")
        new = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", *below)
        told = self._run(*unlike) + self._run(*new)
        return sorted({os.fsdecode(one) for one in told.split(b"\0") if one})

    def fetch(self, url: str, commits: Sequence[str]) -> None:
        """Get commits by their names, with their history, from another repository.

        Raises:
            GraderError: git says no.
        """
        options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
        self._run("fetch", *options, "--end-of-options", url, *commits)

    @contextmanager
    def contents(self) -> Iterator[Contents]:
        """Open the store of contents, to read many with one process."""
        with subprocess.Popen(
            self._line("cat-file", "--batch"),
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield Contents(process.stdin, process.stdout)
            finally:
                process.kill()

    def _asked(self, *arguments: str) -> str | None:
        """Give what git answers, None where it says no."""
        done = self._done(arguments)
        return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None

    def _run(self, *arguments: str) -> bytes:
        done = self._done(arguments)
        if done.returncode:
            said = printable(os.fsdecode(done.stderr).strip(), limit=LONGEST_SAID)
            raise GraderError(Message("ci.git", {"command": arguments[0], "error": said}))
        return done.stdout

    def _done(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        try:
            return bounded(self._line(*arguments), self._environment(), arguments[0])
        except FileNotFoundError as error:
            raise GraderError(Message("ci.no_git")) from error

    def _line(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self.place), "--no-pager", "--literal-pathspecs", *arguments]

    def _environment(self) -> dict[str, str]:
        """Settings go by the environment: what stands on a command line, everybody may read."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        told = {**_SETTINGS, **self.settings}
        numbered = {"GIT_CONFIG_COUNT": str(len(told))}
        for number, (key, value) in enumerate(told.items()):
            numbered[f"GIT_CONFIG_KEY_{number}"] = key
            numbered[f"GIT_CONFIG_VALUE_{number}"] = value
        return {**kept, **_ENVIRONMENT, **numbered}


@dataclass(frozen=True)
class Contents:
    """Git's store of contents, open."""

    asks: IO[bytes]
    answers: IO[bytes]

    def write(self, blob: str, target: IO[bytes], most: int) -> int:
        """Write a content into a file, of one above ``most`` its length alone; gives the length.

        Raises:
            GraderError: it is not there.
        """
        self.asks.write(f"{blob}\n".encode())
        self.asks.flush()
        told = self.answers.readline().split()
        if len(told) != 3:  # noqa: PLR2004 - name, kind, length
            raise GraderError(Message("ci.git", {"command": "cat-file", "error": blob[:12]}))
        size = left = int(told[2])
        while left:
            chunk = self.answers.read(min(left, _CHUNK))
            if not chunk:
                raise GraderError(Message("ci.git", {"command": "cat-file", "error": blob[:12]}))
            left -= len(chunk)
            if size <= most:
                target.write(chunk)
        self.answers.read(1)
        target.truncate(size)  # its place is taken, not its bytes: whoever reads it says too large
        return size
