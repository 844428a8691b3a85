"""A student's own small files, handed in beside the notebook: which of them its room is given.

Enters: a notebook of the batch and everything that its author handed in. Leaves: the files by name,
and what is told of those that are left out. Touches: reads them.

What lies in the notebook's folder or below it, of the same author alone. Where a platform put all
files of a class in one folder, the author's own with the names that they had. Number and sizes are
bounded, and no file is given that would take the place of a module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import all_suffixes
from pathlib import Path, PurePosixPath

from grader import environment
from grader.collect.labels import Whereabouts
from grader.collect.listing import Item
from grader.collect.names import without_count
from grader.collect.notebooks import Malformed
from grader.collect.stored import OpenZips, Stored
from grader.submission import HandedIn
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar

MOST_FILES = 40
MOST_BYTES = 5 * 2**20  # of one file: helpers, tables, pictures, a small model
MOST_TOGETHER = 20 * 2**20
MOST_TOLD = 8
KERNEL = Path(__file__).resolve().parents[1] / "kernel"
_FOR_PEOPLE = frozenset({".md", ".pdf", ".docx", ".doc", ".hwp", ".hwpx", ".pptx", ".rtf"})
_LONGEST_PART, _LONGEST = 255, 1000  # bytes of a name, characters of a path


@dataclass(frozen=True)
class Placed:
    """A file of the batch and where it lies."""

    item: Item
    at: Whereabouts


@dataclass
class Beside:
    """The files of a batch, by whose they are."""

    zips: OpenZips
    files: Iterable[Placed]
    _by_student: dict[tuple[int, str], list[Placed]] = field(default_factory=dict)
    _digests: dict[Stored, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.files:
            if not one.item.notebook:
                owner = (one.at.source, one.at.named.student)
                self._by_student.setdefault(owner, []).append(one)

    def of(
        self, notebook: Placed, *, alone: bool, around: Sequence[Item] = ()
    ) -> tuple[tuple[HandedIn, ...], tuple[Message, ...]]:
        """Give the files for a notebook's room, and what its author has to know.

        Args:
            notebook: whose files are looked for.
            alone: everything in this given path is one person's.
            around: files of the author's that lie around a notebook given by itself.
        """
        if around:
            files = {str(one.relative): one for one in around}
            return self._within_bounds({k: one for k, one in files.items() if _may_be_read(k)})
        if alone:
            here = [
                one
                for (source, _), some in self._by_student.items()
                for one in some
                if source == notebook.at.source
            ]
        else:
            here = self._by_student.get((notebook.at.source, notebook.at.named.student), [])
        named = _named(here, notebook)
        return self._within_bounds(named)

    def _within_bounds(
        self, named: Mapping[str, Item]
    ) -> tuple[tuple[HandedIn, ...], tuple[Message, ...]]:
        found: list[HandedIn] = []
        told: list[Message] = []
        together = 0
        folders = {str(parent) for name in named for parent in PurePosixPath(name).parents}
        for name, item in sorted(named.items(), key=_first_needed):
            if name in folders:
                continue  # a zip may name a file and a folder alike
            if (module := shadowed(name)) is not None:
                told.append(
                    Message("collect.file_shadows", {"name": _shown(name), "module": module})
                )
            elif item.size > MOST_BYTES or together + item.size > MOST_TOGETHER:
                told.append(_too_large(name, item))
            elif len(found) >= MOST_FILES:
                told.append(
                    Message("collect.too_many_beside", {"name": _shown(name), "limit": MOST_FILES})
                )
            elif (digest := self._digest(item)) is None:
                told.append(Message("collect.file_unreadable", {"name": _shown(name)}))
            else:
                together += item.size
                found.append(HandedIn(name, item.stored.path, item.stored.inside, digest))
        if len(told) > MOST_TOLD:
            more = Message("collect.more_left_out", {"count": len(told) - MOST_TOLD})
            told = [*told[:MOST_TOLD], more]
        return tuple(found), tuple(told)

    def _digest(self, item: Item) -> str | None:
        if item.stored not in self._digests:
            try:
                data: bytes | None = None if item.problem else self.zips.read(item.stored)
            except (Malformed, GraderError, OSError):
                data = None
            told = (
                None if data is None or len(data) > MOST_BYTES else hashlib.sha256(data).hexdigest()
            )
            self._digests[item.stored] = told
        return self._digests[item.stored]


def _named(files: Sequence[Placed], notebook: Placed) -> dict[str, Item]:
    """Give files by the name that the notebook knows them by."""
    found: dict[str, Item] = {}
    folder = notebook.at.relative.parent
    if notebook.at.lies_alone and notebook.at.named.platform is not None:
        for one in files:
            if one.at.lies_alone and _together(one, notebook):
                for name in filter(_may_be_read, _original_names(one)):
                    found.setdefault(name, one.item)
        return found
    for one in files:
        if one.at.relative.is_relative_to(folder):
            path = one.at.relative.relative_to(folder)
            if one.at.named.handed_in and one.at.named.original:
                path = path.with_name(one.at.named.original + path.suffix)
            found[str(path)] = one.item
    return {name: item for name, item in found.items() if _may_be_read(name)}


def _together(one: Placed, notebook: Placed) -> bool:
    """Whether a file was handed in with the notebook: Blackboard tells the time of each attempt."""
    times = (one.at.named.handed_in, notebook.at.named.handed_in)
    return notebook.at.named.platform != "blackboard" or times[0] == times[1]


def _may_be_read(name: str) -> bool:
    """Whether a notebook may need it: not what people alone read."""
    path = PurePosixPath(name)
    return path.suffix.lower() not in _FOR_PEOPLE and _is_a_name(name, path.parts)


def _is_a_name(name: str, parts: Sequence[str]) -> bool:
    """Whether it leads nowhere else, and every file system takes it."""
    try:
        lengths = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return False
    hidden = any(part.startswith(".") for part in parts)
    return bool(parts) and not hidden and max(lengths) <= _LONGEST_PART and len(name) <= _LONGEST


def _original_names(one: Placed) -> Iterator[str]:
    """Give what the student called a file; Canvas counts behind it how often it was handed in."""
    original, suffix = one.at.named.original, one.at.relative.suffix
    if original:
        yield f"{original}{suffix}"
        if one.at.named.platform == "canvas":
            yield f"{without_count(original)}{suffix}"


def _first_needed(named: tuple[str, Item]) -> tuple[bool, int, str]:
    name, item = named
    return not name.endswith(".py"), item.size, name


def shadowed(name: str) -> str | None:
    """Give the module of Python's, the room's or ours that a file of this name would hide."""
    path = PurePosixPath(name)
    suffix = next((one for one in all_suffixes() if path.name.endswith(one)), None)
    if suffix is None:
        return None
    module = path.parts[0] if len(path.parts) > 1 else path.name[: -len(suffix)]
    return module if module in _modules() else None


@cache
def _modules() -> Collection[str]:
    """Look once: every file of everybody's is compared with them."""
    ours = {path.stem for path in KERNEL.iterdir() if not path.name.startswith("__")}
    return {*environment.modules(), *ours, "grader"}


def _too_large(name: str, item: Item) -> Message:
    args: dict[str, Scalar] = {
        "name": _shown(name),
        "megabytes": -(-item.size // 2**20),
        "limit": MOST_BYTES // 2**20,
    }
    return Message("collect.file_too_large", {**args, "together": MOST_TOGETHER // 2**20})


def _shown(name: str) -> str:
    return printable(name, limit=100)
