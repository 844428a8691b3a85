"""Data sets: which file an exercise is made of, where it is, and what a notebook's room gets of it.

Enters: ``reference/data/<name>.toml``, the instructor's cache. Leaves: a Source (path, checksum,
licence, provenance), the files for a room, the fingerprint of an exercise's data. Touches: reads
files; the cache is filled by ``grader data fetch`` alone.

A data set has sources in order of preference: the real file where the instructor has it in the
cache, else what is shipped. What students get of it is cut by the exercise's family (``handout``)
and lies next to their notebook; the rest is the judge's. Students have no ``reference/``: their
rooms get the files that lie next to ``exercise.toml``.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from grader import user_folders
from grader.course.exercises import Course, Exercise, Text
from grader.course.families import Family, load_family
from grader.course.schema import DataSetFile
from grader.course.toml import checked, read_toml
from grader.types import GraderError, Message, Scalar

CACHE_VARIABLE = "GRADER_DATA"
SHIPPED, CACHE = "shipped", "cache"
KERAS = (
    "keras/"  # a file of this folder lies where Keras keeps its downloads, not in the notebook's
)
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # zip knows none before; the same content is the same bytes

Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Beside:
    """A small file that comes with an origin's and lies beside it."""

    file: str
    url: str
    md5: str
    path: Path


@dataclass(frozen=True)
class Origin:
    """One file that a data set may be made of; checksum and size where they are known."""

    name: str
    where: str  # shipped, cache
    file: str
    licence: str
    about: Text
    sha256: str | None
    size: int | None
    url: str | None
    path: Path
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """A data set and its possible origins, best first."""

    name: str
    title: Text
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class Source:
    """The file that a data set is made of here and now."""

    dataset: str
    origin: Origin
    sha256: str


def cache_folder() -> Path:
    """Where downloaded data lie: GRADER_DATA, else the user's cache."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    return user_folders.cache() / "grader" / "data"


def data_sets(reference: Path) -> tuple[DataSet, ...]:
    """Read every data set of a course, by name."""
    return tuple(read_data_set(path) for path in sorted((reference / "data").glob("*.toml")))


def read_data_set(path: Path) -> DataSet:
    """Read one description.

    Raises:
        GraderError: names the file and the key at fault.
    """
    table = checked(DataSetFile, read_toml(path), path)
    places = {SHIPPED: path.parent / path.stem, CACHE: cache_folder()}
    origins = tuple(
        Origin(
            name=one.name,
            where=one.where,
            file=one.file,
            licence=one.licence,
            about=one.about,
            sha256=one.sha256,
            size=one.size,
            url=one.url,
            path=places[one.where] / one.file,
            beside=tuple(
                Beside(other.file, other.url, other.md5, places[one.where] / other.file)
                for other in one.beside
            ),
        )
        for one in table.sources
    )
    return DataSet(path.stem, table.title, origins)


def source(reference: Path, name: str) -> Source:
    """Give the first origin of a data set that is here, its checksum verified.

    Raises:
        GraderError: no origin is here, or the file is not what it should be.
    """
    path = reference / "data" / f"{name}.toml"
    if not path.is_file():
        raise GraderError(Message("course.no_dataset", {"dataset": name, "path": str(path)}))
    dataset = read_data_set(path)
    for origin in dataset.origins:
        if is_here(origin.path):
            return Source(name, origin, verified(origin))
    wanted = dataset.origins[-1]
    raise GraderError(Message("course.data_missing", {"dataset": name, "file": str(wanted.path)}))


def verified(origin: Origin) -> str:
    """Give the file's sha256.

    Raises:
        GraderError: size or checksum differ from what is known.
    """
    found = sha256_of(origin.path)
    size = origin.path.stat().st_size
    if origin.sha256 not in (None, found) or origin.size not in (None, size):
        raise GraderError(Message("course.data_damaged", {"file": str(origin.path)}))
    return found


def is_here(path: Path) -> bool:
    """Whether a file is here, and in a folder into which we may look."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_sound(beside: Beside) -> bool:
    """Whether a file that comes with another is here, and is what it should be."""
    if not is_here(beside.path):
        return False
    found = hashlib.md5(beside.path.read_bytes(), usedforsecurity=False)
    return found.hexdigest() == beside.md5


_digests: dict[tuple[Path, int, int], str] = {}
_parsed: dict[tuple[str, str], Any] = {}


def sha256_of(path: Path) -> str:
    """Give a file's sha256; computed once as long as the file does not change."""
    status = path.stat()
    place = (path, status.st_mtime_ns, status.st_size)
    if place not in _digests:
        with path.open("rb") as file:
            _digests[place] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[place]


def parsed(data_source: Source, parser: Callable[..., Parsed], *arguments: Scalar) -> Parsed:
    """Give what a parser makes of a source; once per process, however often a family is loaded."""
    key = (data_source.sha256, f"{parser.__module__}.{parser.__qualname__}{arguments}")
    if key not in _parsed:
        _parsed[key] = parser(data_source, *arguments)
    return cast("Parsed", _parsed[key])


def zipped(name: str, content: bytes) -> bytes:
    """Pack one file, the same bytes for the same content."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo(name, FIRST_DATE), content, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def handout(course: Course, exercise: Exercise) -> Mapping[str, bytes]:
    """Give the files of an exercise's room by name; those below ``keras/`` are Keras's downloads.

    Raises:
        GraderError: a file of the course's own is missing or damaged.
    """
    if course.reference is None or exercise.family is None or exercise.dataset is None:
        places = (exercise.assignment_path / name for name in exercise.files)
        return {place.name: _public(place) for place in places}
    found = source(course.reference, exercise.dataset)
    family = load_family(course.reference, exercise.family)
    cut = cast("Any", family).handout
    key = (found.sha256, f"{cut.__module__} for {exercise.data}")  # a changed family cuts anew
    if key not in _parsed:
        _parsed[key] = cut(exercise.data)
    return cast("Mapping[str, bytes]", _parsed[key])


def room_files(course: Course, exercises: Iterable[Exercise]) -> dict[str, bytes]:
    """Give the files that a notebook's room gets for all these exercises together."""
    files: dict[str, bytes] = {}
    for exercise in exercises:
        files |= handout(course, exercise)
    return files


def digest_of(files: Mapping[str, bytes]) -> str:
    """Give one digest of a room's files; empty where there are none."""
    if not files:
        return ""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return whole.hexdigest()


def data_fingerprint(exercise: Exercise, family: Family) -> str:
    """Give a digest of an exercise's data: its ``[data]`` table, its data set, one training set.

    The arrays are rounded to float32, so the digest follows the data and not the last bit.
    """
    inputs, targets = family.training(np.random.default_rng(0), exercise.data)
    digest = hashlib.sha256()
    table: dict[str, Any] = {"family": exercise.family, "data": exercise.data}
    if exercise.dataset is not None and exercise.reference_path is not None:
        found = source(exercise.reference_path.parent, exercise.dataset)
        table["dataset"] = {"origin": found.origin.name, "sha256": found.sha256}
    digest.update(json.dumps(table, sort_keys=True, ensure_ascii=False).encode())
    for array in (inputs, targets):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return f"sha256:{digest.hexdigest()}"


def _public(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GraderError(Message("course.handout_missing", {"file": str(path)})) from error
