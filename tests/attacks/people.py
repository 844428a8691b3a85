"""Who grades: the user of the tests, and where that is root also an ordinary user.

Enters: nothing. Leaves: Persons. Touches: builds a virtual environment for the ordinary user, whose
interpreter may not lie in root's private folders; it borrows the packages of this one.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ORDINARY = 54_321  # a user number without an account
OTHERS_MAY_ENTER = 0o5


@dataclass(frozen=True)
class Person:
    """A user and the command that starts ``grader`` as that user."""

    name: str
    user: int | None  # None: whoever runs the tests
    command: tuple[str, ...]

    def own(self, path: Path) -> None:
        """Give this person a folder and all in it."""
        if self.user is not None:
            for one in (path, *path.rglob("*")):
                os.chown(one, self.user, self.user, follow_symlinks=False)


class NobodyError(Exception):
    """There is no such person here."""


def people() -> tuple[str, ...]:
    """Names of the persons that there are here."""
    return ("root", "ordinary") if os.geteuid() == 0 else ("ordinary",)


@functools.cache
def person(name: str) -> Person:
    """Give the person of that name.

    Raises:
        NobodyError: no interpreter here that an ordinary user may start.
    """
    if name == "root" or os.geteuid() != 0:
        return Person(name, None, (sys.executable, "-P", "-m", "grader"))
    who = ("--reuid", str(ORDINARY), "--regid", str(ORDINARY), "--clear-groups")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NobodyError("setpriv is not installed")
    python = _public_environment()
    return Person(name, ORDINARY, (setpriv, *who, str(python), "-P", "-m", "grader"))


def _public_environment() -> Path:
    """A virtual environment that everybody may use, with the packages of ours."""
    packages = Path(sysconfig.get_paths()["purelib"])
    for path in (packages, ROOT):
        if not _public(path):
            raise NobodyError(f"other users cannot reach {path}")
    place = _place()
    subprocess.run([_public_interpreter(), "-m", "venv", "--without-pip", place], check=True)
    library = next(place.glob("lib/python*/site-packages"))
    (library / "borrowed.pth").write_text(f"{packages}\n{ROOT}\n")
    for path in (place, *place.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (path.stat().st_mode & 0o500) >> 6)
    return place / "bin/python"


def _place() -> Path:
    """Not below /tmp: a room has a /tmp of its own there."""
    return Path("/var/tmp", f"rnn-attack-venv-{os.getuid()}-{os.getpid()}")


def forget() -> None:
    """Remove the environment that was built."""
    shutil.rmtree(_place(), ignore_errors=True)
    person.cache_clear()


def _public_interpreter() -> str:
    """An interpreter of our own version, since compiled packages are for one version only."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (Path(sys.base_prefix, "bin", version), *map(Path, _on_path(version))):
        if path.exists() and _public(path.resolve()):
            return str(path)
    raise NobodyError(f"no {version} that other users can reach")


def _on_path(name: str) -> list[str]:
    places = ("/usr/bin", "/usr/local/bin", *os.environ.get("PATH", "").split(":"))
    return [found for place in places if (found := shutil.which(name, path=place))]


def _public(path: Path) -> bool:
    return all(one.stat().st_mode & OTHERS_MAY_ENTER == OTHERS_MAY_ENTER for one in path.parents)
