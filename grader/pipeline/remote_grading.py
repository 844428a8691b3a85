"""The other side of grading elsewhere: payloads are graded as anywhere, and sent back as bytes.

Enters: unpacked common files, Payloads. Leaves: tar files of folders of results. Touches: a folder
of its own, and rooms, through a Workplace.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from grader.course.data import CACHE_VARIABLE
from grader.course.exercises import REFERENCE, SAMPLES
from grader.environment import versions
from grader.pipeline.graded import Graded
from grader.pipeline.job import JUDGE_VERSION, Settings, room_code_digest
from grader.pipeline.order import Group
from grader.pipeline.runner import Slot
from grader.record.faults import FOLDER as FAULTS
from grader.room import Guarded
from grader.room.workplace import workplace
from grader.submission import Submission
from grader.trainer.kept import usual_folder
from grader.types import GraderError, Level, Message
from grader.user_folders import refusal

COURSE, DATA, MANIFEST = "course", "data", "manifest.json"
KEYS, UNKEPT = "keys", "unkept"  # in the manifest
COMES_BACK = ("results", "evidence", FAULTS)

OpenPlace: TypeAlias = "AbstractContextManager[Callable[[Group, Slot], list[Graded]]]"


class Place(Protocol):
    """A Workplace."""

    def open(self) -> OpenPlace:
        """Open it."""


class MakesPlaces(Protocol):
    """The class of Workplaces; carried by its name."""

    def __call__(
        self,
        course: Path,
        profile: str,
        out: Path,
        isolation: Level,
        settings: Settings,
        saved_after: int,
        hidden: tuple[Guarded, ...],
    ) -> Place:
        """Make one."""


@dataclass(frozen=True)
class Payload:
    """A group with the files that its authors handed in beside, by their digests."""

    group: Group
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class RemoteGrading:
    """The other side: opens a folder of its own and grades into it, as anywhere."""

    places: MakesPlaces
    profile: str
    isolation: Level
    settings: Settings
    versions: Mapping[str, str]

    @contextmanager
    def open(
        self, common_files: Path, hidden: Sequence[Path]
    ) -> Iterator[Callable[[Payload, Slot], bytes]]:
        """Open the course among the common files, and rooms.

        Raises:
            GraderError: another grader or other packages are installed here, or rooms are open.
        """
        _refuse_others(self.versions)
        guarded = tuple(Guarded(path, "room.exposed_cluster") for path in hidden)
        with workplace("out", "files") as folder, _data(common_files / DATA):
            out = folder / "out"
            course, level = common_files / COURSE, self.isolation
            place = self.places(course, self.profile, out, level, self.settings, 0, guarded)
            unkept = _unkept()
            with place.open() as grade:

                def do(payload: Payload, slot: Slot) -> bytes:
                    group = _with_files(payload, folder / "files")
                    return _packed(out, grade(group, slot), unkept)

                yield do


def _refuse_others(wanted: Mapping[str, str]) -> None:
    here = our_versions()
    names = sorted(wanted.keys() | here.keys())
    other = [one for one in names if wanted.get(one) != here.get(one)]
    if other:
        told = ", ".join(f"{one} {wanted.get(one, '–')} / {here.get(one, '–')}" for one in other)
        raise GraderError(Message("pipeline.other_grader", {"versions": told}))


def our_versions() -> dict[str, str]:
    """What must be the same on both sides for the records to be the same."""
    return versions() | {"judge": JUDGE_VERSION, "code": room_code_digest()[:12]}


@contextmanager
def _data(folder: Path) -> Iterator[None]:
    """Let the course find the downloaded data among the common files."""
    before = os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[CACHE_VARIABLE]
        if before is not None:
            os.environ[CACHE_VARIABLE] = before


def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Folders and files alone, all alike wherever they lay: the same course is the same bytes."""
    if not (info.isdir() or info.isfile()) or "__pycache__" in info.name:
        return None
    parts = Path(info.name).parts
    if parts[:2] == (COURSE, REFERENCE) and SAMPLES in parts[3:4]:  # graded without them
        return None
    info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
    info.mode = 0o755 if info.isdir() else 0o644
    return info


def _with_files(payload: Payload, folder: Path) -> Group:
    """Lay the authors' files down, and say where they are now."""
    for digest, data in payload.files.items():
        (folder / digest).write_bytes(data)

    def here(one: Submission) -> Submission:
        moved = tuple(replace(f, path=folder / f.digest, inside=()) for f in one.files)
        return replace(one, files=moved)

    return tuple(map(here, payload.group))


def _unkept() -> dict[str, str] | None:
    """Say why results of trainings last no longer than the work here; None where they do."""
    usual = usual_folder()
    why = refusal(usual)
    return None if why is None else {"machine": platform.node(), "path": str(usual), "why": why}


def _packed(out: Path, graded: Sequence[Graded], unkept: Mapping[str, str] | None) -> bytes:
    """Give what was graded as a digest and a tar file, and remove it here.

    A tar file that was cut between two members looks whole.
    """
    whole = io.BytesIO()
    keys = [[record.key for record in one.records] for one in graded]
    manifest = json.dumps({KEYS: keys, UNKEPT: unkept}).encode()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(manifest)
        tar.addfile(info, io.BytesIO(manifest))
        for name in COMES_BACK:
            if (out / name).is_dir():
                tar.add(out / name, name, filter=plain)
                shutil.rmtree(out / name)
    return hashlib.sha256(whole.getvalue()).digest() + whole.getvalue()
