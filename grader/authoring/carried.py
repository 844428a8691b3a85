"""The grader itself and its course as files, for places that run it by themselves.

Enters: a Course. Leaves: names and contents. Touches: reads the folder that the grader runs from,
and the course's.
"""

from __future__ import annotations

import io
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.authoring.settings import public_settings
from grader.course.data import FIRST_DATE
from grader.course.exercises import ASSIGNMENTS, REFERENCE, SAMPLES, Course
from grader.course.load import SETTINGS
from grader.types import GraderError, Message

PACKAGE = Path(__file__).resolve().parents[1]
# What builds and installs it: only a copy of the repository has these.
PINS = ("requirements/ci.txt", "requirements/ci-3.14.txt")
AROUND = ("pyproject.toml", "README.md", "LICENSE", *PINS)
PROGRAM, PLAIN = 0o755, 0o644


@dataclass(frozen=True)
class File:
    """A file of a bundle; ``name`` with slashes."""

    name: str
    data: bytes
    mode: int = PLAIN


def the_grader() -> Iterator[File]:
    """Give the package, and what installs it with pinned packages.

    Raises:
        GraderError: it runs from an installation, which has no pins.
    """
    yield from (File(name, of_the_checkout(name)) for name in AROUND)
    yield from the_package()


def the_package() -> Iterator[File]:
    """Give the package alone."""
    yield from _below(PACKAGE, PACKAGE.name)


def of_the_checkout(name: str) -> bytes:
    """Give a file that lies around the package.

    Raises:
        GraderError: the grader runs from an installation, which has none of these.
    """
    path = PACKAGE.parent / name
    if not path.is_file():
        raise GraderError(Message("release.no_checkout", {"missing": name}))
    return path.read_bytes()


def the_course(course: Course, *, reference: bool) -> Iterator[File]:
    """Give the exercises; with what only the instructor has, where the place keeps it to itself."""
    yield from _below(course.root / ASSIGNMENTS, ASSIGNMENTS)
    if reference:
        for one in _below(course.root / REFERENCE, REFERENCE):  # grading needs no samples
            if SAMPLES not in one.name.split("/"):
                yield one
    settings = course.root / SETTINGS
    if not settings.is_file():
        return
    content = settings.read_bytes()
    if not reference:  # who has more time, and why, is nobody else's business
        content = public_settings(tomllib.loads(content.decode()), course.profile).encode()
    yield File(settings.name, content)


def zipped(files: Iterable[File]) -> bytes:
    """Give one zip, the same for the same files, in which programs may be run."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(files, key=lambda file: file.name):
            about = zipfile.ZipInfo(one.name, FIRST_DATE)
            about.external_attr = (0o100000 | one.mode) << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, one.data)
    return packed.getvalue()


def _below(folder: Path, name: str) -> Iterator[File]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__pycache__")) for part in parts)
        if not hidden and path.is_file() and not path.is_symlink():
            yield File("/".join([name, *parts]), path.read_bytes())
