"""Lists everything that lies in one of the given paths, zips within zips too.

Enters: the path of a folder or a zip. Leaves: a Listing: files, each with how to read it, and what
was not looked at, with the reason. Touches: reads those files; follows no link, writes nothing.

A zip is a folder of its name. One that holds no notebook is a file like any other. Depth, number
and sizes are bounded: what is beyond the bounds is not opened, and that is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grader.collect import shares
from grader.collect.files import ZIP, is_archive, is_notebook
from grader.collect.folders import Seen, file, is_hidden, look_into
from grader.collect.notebooks import MAX_BYTES, Malformed
from grader.collect.shares import Shares
from grader.collect.stored import OpenZips, Stored
from grader.text.printable import printable
from grader.types import GraderError, Message

MAX_NESTED = 3  # zips around a file, beside the one that was given
MAX_HELD = 5  # names that are told of a zip without a notebook
_MARKS_OF_A_NOTEBOOK = (b'"nbformat"', b'"cell_type"')


@dataclass(frozen=True)
class Item:
    """One file that was handed in."""

    relative: PurePosixPath
    stored: Stored
    notebook: bool
    size: int = 0
    problem: Message | None = None  # why its author cannot be given it
    holds: tuple[str, ...] = ()  # some names, of a zip without a notebook


@dataclass
class Listing:
    """What lies in a given path."""

    items: list[Item] = field(default_factory=list)
    empty: list[PurePosixPath] = field(default_factory=list)  # folders
    unopened: list[tuple[PurePosixPath, Message]] = field(default_factory=list)  # archives
    refused: list[tuple[PurePosixPath, Message]] = field(default_factory=list)
    ignored: list[Message] = field(default_factory=list)
    shares: Shares = field(default_factory=Shares)


def holds_notebook(path: Path) -> bool:
    """Whether a file whose name does not say so is a notebook."""
    with OpenZips() as zips:
        name = PurePosixPath(path.name)
        return _is_one_all_the_same(Listing(), zips, name, Stored(path), size_of(path))


def list_folder(root: Path, zips: OpenZips) -> Listing:
    """List a folder.

    Raises:
        GraderError: it cannot be listed, or is far too large to be submissions.
    """
    found = Listing()
    every = list(look_into(root))
    found.shares.around(seen.relative for seen in every if _may_be_somebodys(seen))
    for seen in every:
        path = root / seen.relative
        if not _aside(seen, found):
            _take(found, zips, seen.relative, Stored(path), size_of(path), None)
    return found


def list_zip(path: Path, zips: OpenZips) -> Listing:
    """List a zip.

    Raises:
        GraderError: it cannot be opened, or its structure lies.
    """
    found = Listing()
    _list_archive(found, zips, PurePosixPath(), Stored(path))
    return found


def _list_archive(found: Listing, zips: OpenZips, below: PurePosixPath, stored: Stored) -> None:
    archive = zips.archive(stored)
    every = [below / entry.path for entry in archive.entries]
    every += [below / folder for folder in archive.folders]
    handed_in = (path for path in every if _may_be_somebodys(file(path)))
    found.shares.around(handed_in, below if below.parts else None)
    for number, entry in enumerate(archive.entries):
        relative = below / entry.path
        why = _named(entry.refused, relative) if below.parts else entry.refused
        refused = Seen(relative, why, refused=True) if why else None
        if not _aside(refused or file(relative), found):
            place = Stored(stored.path, (*stored.inside, number))
            _take(found, zips, relative, place, entry.info.file_size, entry.problem)
    filled = {parent for entry in archive.entries for parent in entry.path.parents}
    for folder in archive.folders:
        if folder not in filled and not any(map(is_hidden, folder.parts)):
            found.empty.append(below / folder)


def _may_be_somebodys(seen: Seen) -> bool:
    return seen.reason is None or seen.refused


def _named(refused: Message | None, relative: PurePosixPath) -> Message | None:
    """Name what is refused of a zip within by all of its path: its own says not whose it is."""
    if refused is None:
        return None
    return Message(refused.id, {**refused.args, "entry": printable(str(relative), limit=200)})


def _aside(seen: Seen, found: Listing) -> bool:
    if seen.empty:
        found.empty.append(seen.relative)
        return True
    if seen.reason is None:
        return False
    if seen.refused:
        found.refused.append((seen.relative, seen.reason))
    else:
        found.ignored.append(seen.reason)
    return True


def _take(
    found: Listing,
    zips: OpenZips,
    relative: PurePosixPath,
    stored: Stored,
    size: int,
    problem: Message | None,
) -> None:
    """Take a file, or all that lies in it where it is a zip with notebooks."""
    if is_notebook(relative):
        found.items.append(Item(relative, stored, notebook=True, size=size, problem=problem))
        return
    holds: tuple[str, ...] = ()
    if is_archive(relative):
        inner = _looked_into(found, zips, relative, stored, size)
        if inner is None:
            return
        holds = tuple(str(one.relative) for one in inner.items)[:MAX_HELD]
        if any(one.notebook for one in inner.items) or inner.refused or inner.unopened:
            _join(found, inner)
            return
    notebook = _is_one_all_the_same(found, zips, relative, stored, size)
    found.items.append(Item(relative, stored, notebook, size, problem, holds))


def _looked_into(
    found: Listing, zips: OpenZips, relative: PurePosixPath, stored: Stored, size: int
) -> Listing | None:
    """List a zip within; None where it cannot be, which is told."""
    why = _not_to_be_opened(found, relative, size)
    if why is None:
        inner = Listing(shares=found.shares)
        try:
            _list_archive(inner, zips, relative, stored)
        except Malformed as error:
            why = error.message
        except GraderError:
            why = _about("collect.nested_broken", relative)
        except OSError as error:
            why = _about("collect.unreadable", relative, error=error.strerror or "OSError")
        if why is None:
            return inner
    found.unopened.append((relative, why))
    return None


def _not_to_be_opened(found: Listing, relative: PurePosixPath, size: int) -> Message | None:
    """Say why a zip stays closed; else count it."""
    if relative.suffix.lower() != ZIP:
        return _about("collect.nested_archive", relative)
    zips = [number for number, part in enumerate(relative.parts) if part.lower().endswith(ZIP)]
    if len(zips) > MAX_NESTED:
        return _about("collect.nested_too_deep", relative, limit=MAX_NESTED)
    why = found.shares.may_open(relative, size)
    return _about(why, relative, **shares.ZIPS[why]) if why else None


def _join(found: Listing, inner: Listing) -> None:
    found.items += inner.items
    found.empty += inner.empty
    found.unopened += inner.unopened
    found.refused += inner.refused
    found.ignored += inner.ignored


def _is_one_all_the_same(
    found: Listing, zips: OpenZips, relative: PurePosixPath, stored: Stored, size: int
) -> bool:
    """Whether a file of another name holds a notebook; where the looking stops, that is told."""
    if size > MAX_BYTES:
        return False
    if not found.shares.may_look(relative):
        return _unlooked(found, relative)
    if not zips.begins(stored).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    if not found.shares.may_read(relative, size):
        return _unlooked(found, relative)
    try:
        data = zips.read(stored)
    except (OSError, Malformed):
        return False
    return all(mark in data for mark in _MARKS_OF_A_NOTEBOOK)


def _unlooked(found: Listing, relative: PurePosixPath) -> bool:
    if found.shares.is_news(relative):
        limit, size = shares.MAX_LOOKED, shares.MAX_READ_BYTES // 2**20
        told = _about("collect.looking_stopped", relative, limit=limit, megabytes=size)
        found.unopened.append((relative, told))
    return False


def size_of(path: Path) -> int:
    """Give a file's size in bytes, of a link its own; 0 where nobody can tell."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _about(message_id: str, relative: PurePosixPath, **args: str | int) -> Message:
    return Message(message_id, {"name": printable(str(relative), limit=200), **args})
