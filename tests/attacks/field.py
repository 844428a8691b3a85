"""The place of a batch: course, submissions, and everything planted to catch an intruder.

Enters: an empty folder, a person, attacks. Leaves: a Field. Touches: that folder; canaries in the
machine's temporary folders; a decoy process, listening sockets.

Canaries lie where a grader keeps what students must not see, readable by everybody, so that only
the room can be what hides them. Doors are sockets that nobody may knock at. The decoy is a process
that nobody may signal or read.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks import makers
from tests.attacks.corpus import EXERCISE, Hostile
from tests.attacks.ours import ours
from tests.attacks.people import ROOT, Person

SOUND = ROOT / f"reference/{EXERCISE}/submissions/accepted/textbook.ipynb"
WORD = "CANARY-"
PORT = 47_871
DOOR, ABSTRACT_DOOR = "/tmp/rnn-attack-door", "\0rnn-attack-door"
SHARED = ("/tmp", "/var/tmp", "/dev/shm")
DECOY = """
import signal, sys, time
secret = sys.stdin.readline()
signal.signal(signal.SIGURG, lambda *_: open(sys.argv[1], "a").write("signalled\\n"))
open("/proc/self/comm", "w").write("rnn-decoy")
print("ready", flush=True)
while True:
    time.sleep(60)
"""
SHARED_MEANS = ("15-fork-bomb", "16-memory")
BIND_SECONDS = 300.0


@dataclass
class Field:
    """Where one batch is graded."""

    place: Path
    person: Person
    canaries: dict[str, str] = field(default_factory=dict)  # where it lies → what must not leak
    neighbours: list[str] = field(default_factory=list)
    doors: dict[str, socket.socket] = field(default_factory=dict)
    archives: list[Path] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    lay_there: frozenset[Path] = frozenset()  # in shared folders, left by somebody before

    @property
    def course(self) -> Path:
        return self.place / "course"

    @property
    def handed_in(self) -> Path:
        return self.place / "class"

    @property
    def home(self) -> Path:
        return self.place / "home"

    @property
    def out(self) -> Path:
        return self.place / "out"

    @property
    def temporary(self) -> Path:
        return self.place / "tmp"

    @property
    def secret(self) -> Path:
        return self.place / "secret"

    @property
    def mark(self) -> Path:
        return self.place / "signals"

    @property
    def around(self) -> Path:
        """Where the grader is started."""
        pull_request = self.handed_in / "31-pull-request"
        return pull_request if pull_request.exists() else self.home

    def canary(self, where: str) -> str:
        """Make a word that is found nowhere else."""
        word = self.canaries[where] = WORD + secrets.token_hex(8)
        return word

    def environment(self) -> dict[str, str]:
        """What the grader is started with."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(ROOT),  # the code beside these tests
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "GRADER_COURSE": str(self.course),
            "GRADER_SECRET_FILE": str(self.secret),
            "API_TOKEN": self.canaries["environment"],
            "OPENAI_API_KEY": self.canaries["environment"],
        }

    def disturbed(self) -> list[str]:
        """What changed outside OUT, knocks at doors, signals to the decoy."""
        after = snapshot(self._watched())
        kept = ours(self.home) - set(self.before)  # what our own room trained, and nothing else
        names = sorted((set(self.before) | set(after)) - kept)
        told = [f"changed: {n}" for n in names if self.before.get(n) != after.get(n)]
        told += [f"knocked: {name}" for name, door in self.doors.items() if _knocked(door)]
        told += ["signalled: the decoy"] if self.mark.read_text() else []
        return told + [f"left: {path}" for path in self._strays()]

    def _watched(self) -> list[Path]:
        libraries = [Path(sys.prefix), Path(sys.base_prefix)]
        tops = [next(p.glob("lib/python3*/site-packages"), None) for p in libraries]
        return [
            *(self.course, self.handed_in, self.home, self.secret),
            *(Path(folder, "rnn-attack-canary") for folder in SHARED),
            *(p for p in tops if p),
            *(ROOT / "grader" / part for part in ("kernel", "driver", "evaluation", "room")),
        ]

    def _strays(self) -> Iterator[Path]:
        """Files in the machine's shared folders that name us, or belong to the ordinary user."""
        yield from self.temporary.iterdir()
        ours = {Path(DOOR), *(Path(folder, "rnn-attack-canary") for folder in SHARED)}
        for folder in map(Path, SHARED):
            for path in folder.iterdir():
                named = path.name.startswith("rnn-attack") and "venv" not in path.name
                with contextlib.suppress(OSError):
                    owned = self.person.user is not None and path.lstat().st_uid == self.person.user
                    ours_too = path in ours or self.place.is_relative_to(path)
                    if (named or owned) and not ours_too and path not in self.lay_there:
                        yield path


@contextlib.contextmanager
def laid_out(place: Path, person: Person, hostile: Iterable[Hostile]) -> Iterator[Field]:
    """Lay a batch out, and clear everything planted away at the end."""
    here = Field(place, person)
    with contextlib.ExitStack() as stack:
        _one_at_a_time(stack)
        for folder in (here.course, here.handed_in, here.home, here.temporary, here.out):
            folder.mkdir(parents=True)
        for path in (*reversed(place.parents[:2]), place):
            path.chmod(path.stat().st_mode | 0o055)
        _copy_course(here)
        _plant(here, stack)
        _hand_in(here, tuple(hostile))
        _open_doors(here, stack)
        here.mark.touch()
        here.mark.chmod(0o666)
        for path in (here.home, here.temporary, here.out, here.secret, here.handed_in):
            person.own(path)
        _start_decoy(here, stack)
        here.before = snapshot(here._watched())
        here.lay_there = frozenset(here._strays())
        yield here


def _one_at_a_time(stack: contextlib.ExitStack) -> None:
    """Canaries and doors have fixed names, which an attacker may know: one batch per machine."""
    path = Path(tempfile.gettempdir(), ".rnn-field-lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    stack.callback(os.close, lock)
    fcntl.flock(lock, fcntl.LOCK_EX)


def _copy_course(here: Field) -> None:
    for tree in ("assignments", "reference"):
        shutil.copytree(ROOT / tree / EXERCISE, here.course / tree / EXERCISE)
    shutil.copytree(
        ROOT / "reference/families",
        here.course / "reference/families",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    if (ROOT / "course.toml").exists():
        shutil.copy(ROOT / "course.toml", here.course)


def _plant(here: Field, stack: contextlib.ExitStack) -> None:
    here.canary("environment")
    here.secret.write_text(here.canary("secret") + secrets.token_hex(16))
    reference = here.course / "reference" / EXERCISE
    (reference / "answers.txt").write_text(here.canary("reference"))
    with (reference / "spec.toml").open("a") as file:
        file.write(f"\n# {here.canary('spec')}\n")
    (here.home / ".ssh").mkdir()
    for name in (".netrc", ".ssh/id_ed25519", "notes.txt"):
        (here.home / name).write_text(here.canary(f"home/{name}"))
    for folder in SHARED:
        path = Path(folder, "rnn-attack-canary")
        path.write_text(here.canary(str(path)))
        path.chmod(0o644)
        stack.callback(path.unlink, missing_ok=True)


def _hand_in(here: Field, hostile: tuple[Hostile, ...]) -> None:
    """Innocent students between the others; most where the attack is on what all share."""
    every = (
        2 if any(one.source and one.source.parent.name in SHARED_MEANS for one in hostile) else 4
    )
    for number, one in enumerate(hostile):
        if number % every == 0:
            _add_neighbour(here, one.student[:2], number)
        folder = here.handed_in / one.student
        if one.source is not None:
            folder.mkdir()
            shutil.copy(one.source, folder / f"{EXERCISE}.ipynb")
        else:
            assert one.maker is not None
            archive = getattr(makers, one.maker)(folder, here)
            here.archives += [archive] if archive is not None else []
    _add_neighbour(here, "zz", len(hostile))


def _add_neighbour(here: Field, before: str, number: int) -> None:
    """Names that sort among the others, so that somebody is always beside an attack."""
    student = f"{before}-innocent-{number}"
    notebook = json.loads(SOUND.read_text(encoding="utf-8"))
    note = f"My own notes: {here.canary(f'work of {student}')}"
    notebook["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": note})
    (here.handed_in / student).mkdir()
    (here.handed_in / student / f"{EXERCISE}.ipynb").write_text(json.dumps(notebook))
    here.neighbours.append(student)


def _open_doors(here: Field, stack: contextlib.ExitStack) -> None:
    Path(DOOR).unlink(missing_ok=True)
    doors = {
        "TCP": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", PORT)),
        "UDP": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", PORT)),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM, DOOR),
        "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, ABSTRACT_DOOR),
    }
    for name, (family, kind, address) in doors.items():
        door = stack.enter_context(socket.socket(family, kind))
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(door, address)
        if kind == socket.SOCK_STREAM:
            door.listen(8)
        door.setblocking(False)
        here.doors[name] = door
    Path(DOOR).chmod(0o777)
    stack.callback(Path(DOOR).unlink, missing_ok=True)


def _bind(door: socket.socket, address: tuple[str, int] | str) -> None:
    """Wait while something else, perhaps another checkout's batch, has the address."""
    deadline = time.monotonic() + BIND_SECONDS
    while True:
        try:
            return door.bind(address)
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)


def _knocked(door: socket.socket) -> bool:
    try:
        if door.type == socket.SOCK_DGRAM:
            door.recv(16)
        else:
            door.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def _start_decoy(here: Field, stack: contextlib.ExitStack) -> None:
    """A process of the same user as the grader, with a secret in its memory."""
    who: tuple[str, ...] = ()
    if here.person.user is not None:
        who = here.person.command[: here.person.command.index("--clear-groups") + 1]
    python = here.person.command[len(who)]
    decoy = subprocess.Popen(
        [*who, python, "-I", "-S", "-c", DECOY, str(here.mark)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    stack.callback(decoy.wait)
    stack.callback(decoy.kill)
    assert decoy.stdin is not None
    assert decoy.stdout is not None
    decoy.stdin.write(here.canary("memory of another process") + "\n")
    decoy.stdin.flush()
    assert decoy.stdout.readline() == "ready\n", "the decoy did not start"


def snapshot(paths: Iterable[Path]) -> dict[str, str]:
    """Describe every file: its kind, rights and content; of large trees only what is on top."""
    found = {}
    for top in paths:
        deep = "site-packages" not in top.name
        for path in (top, *((top.rglob("*") if deep else top.glob("*")) if top.is_dir() else ())):
            if "__pycache__" not in path.parts:  # the interpreter's own
                found[str(path)] = _described(path, content=deep)
    return found


def _described(path: Path, *, content: bool) -> str:
    try:
        state = path.lstat()
        if stat.S_ISREG(state.st_mode) and content:
            return f"{state.st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    except OSError as error:
        return type(error).__name__
    return f"{state.st_mode:o}"
