"""The notebooks of a change, as a folder to collect from.

Enters: a Repository, what changed. Leaves: a folder with the same names below it, and what was left
aside. Touches: writes below that folder, which is empty and ours.

With a notebook come the small files that lie beside it in the same commit: it may read them. No
link is ever made: one that is called a notebook becomes a file that says where it leads, as git
keeps it, which is no notebook.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.ci.git import Contents, Entry, Repository
from grader.collect.beside import MOST_BYTES, MOST_FILES
from grader.collect.caps import NOTEBOOKS
from grader.collect.files import is_archive, is_notebook
from grader.collect.folders import is_hidden
from grader.collect.notebooks import MAX_BYTES
from grader.text.printable import printable
from grader.types import Message, Scalar

MOST_TOGETHER = 512 * 2**20  # bytes that one person's changes take on this disk
MOST_ASIDE = 5  # names in a line
LONGEST_NAME = 80
_OUTSIDE = frozenset({"", ".", "..", ".git"})


@dataclass(frozen=True)
class HandedOver:
    """What a change holds: notebooks that were written into the folder, and other files' names.

    ``size``: bytes of all that was written.
    """

    notebooks: tuple[str, ...]  # paths in the repository
    others: tuple[str, ...]
    archives: tuple[str, ...]  # of the others; they may hold notebooks, and are not opened
    refused: tuple[Message, ...] = ()  # names that cannot be files here, or more than is taken
    size: int = 0


def hand_over(
    repository: Repository,
    base: str | None,
    head: str,
    folder: Path,
    most: int = MOST_TOGETHER,
) -> HandedOver:
    """Write the notebooks that a change added or edited, and what lies beside them.

    ``most``: bytes altogether; one content may stand under many names, which costs nobody anything.

    Raises:
        GraderError: git says no, or the change holds too many files.
        OSError: the disk refuses.
    """
    there = repository.listed(head)
    changed = repository.changed(base, head, there)
    every = [one for one in changed if _is_work(one)]
    work = every[:NOTEBOOKS]
    others = tuple(os.fsdecode(one.name) for one in changed if not _is_work(one))
    beside = _beside(work, there)
    refused, beyond, left = set[str](), set[str](), most
    with repository.contents() as contents:
        for entry in [*work, *beside]:
            size = _written(entry, contents, folder, left)
            if size is None:
                refused.add(os.fsdecode(entry.name))
            elif size > left:
                beyond.add(os.fsdecode(entry.name))
            else:
                left -= size
    names = [os.fsdecode(one.name) for one in work]
    told = [Message("ci.bad_name", {"name": shown(one)}) for one in names if one in refused]
    if large := [one for one in names if one in beyond]:
        limit = MOST_TOGETHER // 2**20
        told.append(Message("ci.too_large_together", {"names": named(large), "limit": limit}))
    if len(every) > len(work):
        args: dict[str, Scalar] = {"count": len(every), "limit": NOTEBOOKS}
        told.append(Message("ci.too_many", args))
    return HandedOver(
        tuple(one for one in names if one not in refused | beyond),
        others,
        tuple(one for one in others if is_archive(PurePosixPath(one))),
        tuple(told),
        most - left,
    )


def shown(name: str) -> str:
    """Show a path of a student's repository."""
    return printable(name, limit=LONGEST_NAME)


def named(names: Sequence[str]) -> str:
    """Name a few files in a line."""
    more = "" if len(names) <= MOST_ASIDE else " …"
    return ", ".join(shown(one) for one in names[:MOST_ASIDE]) + more


def _is_work(entry: Entry) -> bool:
    """Whether it is a notebook, or a link that is called one; not what a tool left behind."""
    name = PurePosixPath(os.fsdecode(entry.name))
    left_behind = any(is_hidden(one) and one.lower() not in _OUTSIDE for one in name.parts)
    return (entry.is_file or entry.is_link) and is_notebook(name) and not left_behind


def is_inside(entry: Entry) -> bool:
    """Whether it stays below the folder; git's own tools refuse such names, a store need not."""
    parts = os.fsdecode(entry.name).split("/")
    return not any(part.lower() in _OUTSIDE for part in parts)


def _beside(work: Iterable[Entry], every: Iterable[Entry]) -> list[Entry]:
    """Give the other ordinary files in the same folders, as many as a room takes."""
    folders: dict[bytes, int] = {_folder(one): 0 for one in work}
    found = []
    for entry in every:
        folder = _folder(entry)
        if folder not in folders or not entry.is_file or _is_work(entry):
            continue
        folders[folder] += 1
        if folders[folder] <= MOST_FILES + 1 and is_inside(entry):  # one more: so it is told
            found.append(entry)
    return found


def _folder(entry: Entry) -> bytes:
    return entry.name.rpartition(b"/")[0]


def _written(entry: Entry, contents: Contents, folder: Path, left: int) -> int | None:
    """Write a file; gives the bytes that it takes, None where its name can be none here.

    What takes more than is ``left`` is not written.
    """
    if not is_inside(entry):
        return None
    path = folder / os.fsdecode(entry.name)
    most = MAX_BYTES if _is_work(entry) else MOST_BYTES
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, flags, 0o600), "wb")
    except OSError:  # too long, or a file where another name needs a folder
        return None
    with file:
        size = contents.write(entry.blob, file, min(most, left))
    if size > most:
        return 0  # its length alone
    if size > left:
        path.unlink()
    return size
