"""Runs the steps of the Containerfile in a Debian root, where there is no program for images.

    python tools/container-steps.py ROOT                    # the steps, then what the image runs
    python tools/container-steps.py ROOT -- ci /in/x.ipynb  # that, instead of its CMD
    python tools/container-steps.py ROOT --made -- doctor   # in a root whose steps are done
    python tools/container-steps.py ROOT --script FILE      # a script as root, in a fresh root

Enters: the Containerfile, as it stands. Leaves: an exit code. Touches: makes ROOT by
``debootstrap`` where it is not there; needs root and bubblewrap. What is lent (``--lend PATH``) is
there read-only, ``--env NAME=VALUE`` is set for what the image runs, and pip's settings of this
machine are the root's. /proc is whole, as ``unmask=ALL`` has it in a container; with ``--masked``
it is as containers have it otherwise, where rooms can be no more than reduced.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONTEXT = Path(__file__).resolve().parents[1]
FILE = CONTEXT / "Containerfile"
SUITE = "bookworm"
MAKES = frozenset({"FROM", "COPY", "RUN"})  # what changes the root
LENT = ("/etc/resolv.conf", "/etc/pip.conf")
TEMPORARY = "/tmp"  # noqa: S108 - the root's own
CERTIFICATES = "/run/pip-certificates.pem"  # in the root, of a machine that has its own


@dataclass(frozen=True)
class Step:
    """One instruction with what follows it."""

    name: str
    text: str


@dataclass
class Image:
    """What instructions said so far."""

    root: Path
    lent: Sequence[str]
    masked: bool = False  # /proc
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    entry: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def home(self) -> str:
        """Give the folder of whoever runs things, as the root's own list of users has it."""
        known = self.root / "etc/passwd"
        lines = known.read_text("utf-8").splitlines() if known.is_file() else []
        for name, _, number, *_, folder, _shell in (one.split(":") for one in lines):
            if self.user in {name, number}:
                return folder
        return "/root"

    def run(self, line: Sequence[str]) -> int:
        """Run a program in the root."""
        become = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"]
        lent = [part for one in self.lent if Path(one).exists() for part in ("--ro-bind", one, one)]
        proc = ("--proc", "/proc") if self.masked else ("--bind", "/proc", "/proc")
        known = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        known |= {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
        if own := os.environ.get("PIP_CERT"):
            lent += ["--ro-bind", own, CERTIFICATES]
            known["PIP_CERT"] = CERTIFICATES
        known["HOME"] = self.home()
        known |= self.environment
        done = subprocess.run(
            [
                *("bwrap", "--bind", str(self.root), "/", "--dev", "/dev", *proc),
                *("--perms", "1777", "--tmpfs", TEMPORARY, *lent, "--cap-add", "ALL"),
                *("--chdir", self.folder, "--"),
                *(() if self.user == "root" else become),
                *line,
            ],
            env=known,
            check=False,
        )
        return done.returncode


def parsed(text: str) -> list[Step]:
    """Read a Containerfile of the plain kind that ours is: no heredocs, no other escape."""
    steps, waiting = [], ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        waiting += line.rstrip()
        if waiting.endswith("\\"):
            waiting = waiting[:-1]
        elif waiting.strip():
            name, _, rest = waiting.strip().partition(" ")
            steps.append(Step(name, rest.strip()))
            waiting = ""
    return steps


def take(step: Step, image: Image) -> int:
    """Do what an instruction says; gives an exit code.

    Raises:
        SystemExit: it is none that this knows.
    """
    match step.name:
        case "FROM":
            return made(image.root)
        case "ENV":
            pairs = (one.partition("=") for one in shlex.split(step.text))
            image.environment |= {key: value for key, _, value in pairs}
        case "COPY":
            *sources, target = shlex.split(step.text)
            for one in sources:
                copy(CONTEXT / one, image.root / target.lstrip("/"), into=target.endswith("/"))
        case "RUN":
            return image.run(["sh", "-c", step.text])
        case "USER":
            image.user = step.text
        case "WORKDIR":
            image.folder = step.text
        case "ENTRYPOINT":
            image.entry = json.loads(step.text)
        case "CMD":
            image.command = json.loads(step.text)
        case _:
            raise SystemExit(f"{step.name}: not known here")
    return 0


def made(root: Path) -> int:
    """Make a Debian of the smallest kind where there is none."""
    if (root / "etc/debian_version").is_file():
        return 0
    line = ["debootstrap", "--variant=minbase", SUITE, str(root)]
    return subprocess.run(line, check=False).returncode


def copy(source: Path, target: Path, *, into: bool) -> None:
    """Copy as COPY does: of a folder what is in it."""
    if source.is_dir():
        left = shutil.ignore_patterns("__pycache__")  # as .dockerignore has it
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=left)
        return
    place = target / source.name if into else target
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)


def parted(line: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part a command line at its first "--"."""
    end = line.index("--") if "--" in line else len(line)
    return [*line[:end]], [*line[end + 1 :]]


def main() -> int:
    """Run the steps one after another, and then what the image is for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--lend", action="append", default=[], help="a path to have there as well")
    parser.add_argument("--env", action="append", default=[], help="NAME=VALUE for its program")
    parser.add_argument("--entry", help="this program instead of the image's")
    parser.add_argument("--made", action="store_true", help="the steps were run in this root")
    parser.add_argument("--masked", action="store_true", help="hide parts of /proc")
    parser.add_argument("--script", help="run this instead, as root, in a root as it is made")
    # What follows "--" is the program's: argparse takes it only right behind ROOT.
    before, after = parted(sys.argv[1:])
    given = parser.parse_args(before)
    image = Image(given.root.resolve(), [*LENT, *given.lend], given.masked)
    if given.script:
        return made(image.root) or image.run(["bash", given.script])
    for step in parsed(FILE.read_text("utf-8")):
        if given.made and step.name in MAKES:
            continue
        sys.stdout.write(f"{step.name} {' '.join(step.text.split())}\n")
        sys.stdout.flush()
        if code := take(step, image):
            return code
    image.environment |= dict(one.split("=", 1) for one in given.env)
    entry = image.entry if given.entry is None else [given.entry]
    return image.run([*entry, *(after or image.command)])


if __name__ == "__main__":
    sys.exit(main())
