"""One of the given paths: what lies in it, and whose each file is.

Enters: a path, the course's exercises. Leaves: a Source. Touches: lists it and reads the beginnings
of files, through ``listing``.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from grader.collect.around import files_around
from grader.collect.beside import Placed
from grader.collect.called import named_in_folders, respondents
from grader.collect.classes import class_depth, in_section, platform_owners, sections
from grader.collect.files import ZIP, is_archive, is_notebook, nfc
from grader.collect.labels import Whereabouts
from grader.collect.layouts import read_path
from grader.collect.listing import (
    Item,
    Listing,
    holds_notebook,
    list_folder,
    list_zip,
)
from grader.collect.names import file_mark, folder_mark
from grader.collect.notebooks import Malformed
from grader.collect.regular import open_regular
from grader.collect.rounds import are_rounds
from grader.collect.stored import OpenZips, Stored
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar


@dataclass(frozen=True)
class Source:
    """What was found under one of the given paths."""

    path: Path
    files: tuple[Placed, ...]  # notebooks, other files, and empty folders as nameless files
    unopened: tuple[tuple[Placed, Message], ...]  # archives
    refused: tuple[tuple[str, Message], ...]  # whose it would be, and why not
    ignored: tuple[Message, ...]
    notes: tuple[Message, ...] = ()
    around: tuple[Item, ...] = ()  # of a notebook by itself: other files of its author's


def look_at(
    number: int,
    path: Path,
    exercise_ids: Collection[str],
    zips: OpenZips,
    course: Path | None = None,
) -> Source:
    """Look at one of the given paths; ``course`` as ``collect`` has it.

    Raises:
        GraderError: it is missing, unreadable or nothing that holds notebooks.
    """
    kind = _kind(path)
    if kind == "notebook":
        above = tuple(nfc(part) for part in path.parts[1:-1])
        relative = PurePosixPath(path.name)
        at = Whereabouts(number, relative, above, read_path(relative, above, exercise_ids))
        files = (Placed(Item(relative, Stored(path), notebook=True), at),)
        around_it, note = files_around(path, course) if course is not None else ((), None)
        notes = (note,) if note is not None else ()
        return Source(path, files, (), (), (), notes, around_it)
    around: tuple[str, ...] = ()
    if kind == "folder":
        above = tuple(nfc(part) for part in path.parts[1:])
        found = list_folder(path, zips)
        if (only := _only_zip(found)) is not None:
            around = (only, nfc(PurePosixPath(only).stem))
            above = (*above, around[-1])
    else:
        above = (*(nfc(part) for part in path.parts[1:-1]), nfc(path.stem))
        found, around = list_zip(path, zips), above[-1:]
    return _read(path, found, _Around(number, above, exercise_ids, around))


def _only_zip(found: Listing) -> str | None:
    """Give the zip of a platform in a folder that holds nothing else, as it was downloaded."""
    paths = [*(item.relative for item in found.items), *found.empty]
    paths += [relative for relative, _ in (*found.unopened, *found.refused)]
    tops = {path.parts[0] for path in paths}
    only = tops.pop() if len(tops) == 1 else ""
    within = [path.parts[1:] for path in paths if len(path.parts) > 1]
    is_a_platforms = any(
        folder_mark(nfc(parts[0]))
        or (len(parts) == 1 and file_mark(nfc(PurePosixPath(*parts).stem)))
        for parts in within
    )
    return only if only.lower().endswith(ZIP) and is_a_platforms else None


def _read(path: Path, found: Listing, around: _Around) -> Source:
    """Say of everything that was listed whose it is."""
    notebooks = [around.below(item.relative) for item in found.items if item.notebook]
    others = [around.below(item.relative) for item in found.items if not item.notebook]
    others += [around.below(folder) / "x" for folder in found.empty]
    in_folders = [one for one in others if len(one.parts) > 1]
    samples = any(around.at(item.relative).named.sample for item in found.items)
    depth = 0 if samples else class_depth(notebooks, in_folders, around.exercise_ids)
    around = replace(around, depth=depth, top=notebooks[0].parts[:depth] if depth else ())
    below = [PurePosixPath(*one.parts[depth:]) for one in notebooks]
    around = replace(around, rounds=not samples and are_rounds(below, around.exercise_ids))
    files = [Placed(item, around.at(item.relative)) for item in found.items]
    files += [
        Placed(Item(PurePosixPath(), Stored(path), notebook=False), around.at(folder / "x"))
        for folder in found.empty
    ]
    nowhere = Item(PurePosixPath(), Stored(path), notebook=False)
    unopened = [Placed(nowhere, around.at(relative)) for relative, _ in found.unopened]
    refused = [Placed(nowhere, around.at(relative)) for relative, _ in found.refused]
    told, split = _told_apart([*files, *unopened, *refused])
    rest = iter(told[len(files) :])
    return Source(
        path,
        tuple(told[: len(files)]),
        tuple((next(rest), why) for _, why in found.unopened),
        tuple((next(rest).at.named.student, why) for _, why in found.refused),
        tuple(found.ignored),
        (*_class_folder(around, notebooks), *split),
    )


@dataclass(frozen=True)
class _Around:
    """The folders around a class, in what was given and beyond it."""

    source: int
    above: tuple[str, ...]
    exercise_ids: Collection[str]
    known: tuple[str, ...]  # folders and zips that may lie around all of it, outermost first
    depth: int = 0
    top: tuple[str, ...] = ()
    rounds: bool = False

    def below(self, path: PurePosixPath) -> PurePosixPath:
        """A zip made of a folder usually holds that folder, under the name of the zip."""
        parts = path.parts
        for folder in self.known:
            if len(parts) > 1 and nfc(parts[0]) == folder:
                parts = parts[1:]
        return PurePosixPath(*parts)

    def at(self, path: PurePosixPath) -> Whereabouts:
        """Say where a file lies within the class."""
        relative, above, marks = self.below(path), self.above, True
        folders = relative.parts[:-1]
        if self.depth and relative.parts[: self.depth] == self.top:
            above = (*above, *map(nfc, self.top))
            relative, marks = PurePosixPath(*relative.parts[self.depth :]), False
        elif len(relative.parts) <= self.depth and self.top[: len(folders)] == folders:
            relative = PurePosixPath(relative.name)  # beside the class, and nobody's
        named = read_path(relative, above, self.exercise_ids, marks=marks, rounds=self.rounds)
        return Whereabouts(self.source, relative, above, named, self.rounds)


def _told_apart(placed: list[Placed]) -> tuple[list[Placed], tuple[Message, ...]]:
    """Name people as all that was handed in shows that they are named; say what was decided."""
    where = platform_owners([one.at for one in placed])
    where, unsure = named_in_folders(where)
    where = respondents(where)
    notebooks = [at for at, one in zip(where, placed, strict=True) if one.item.notebook]
    found = sections(notebooks)
    where = [in_section(one, found) for one in where]
    told = [Message("collect.sections", {"folders": _folders(sorted(found))})] if found else []
    if unsure:
        told.append(Message("collect.several_named", {"folders": _folders(unsure)}))
    return [replace(one, at=at) for one, at in zip(placed, where, strict=True)], tuple(told)


def _folders(names: Sequence[str]) -> str:
    return printable(", ".join(names), limit=100)


def _class_folder(around: _Around, notebooks: Sequence[PurePosixPath]) -> tuple[Message, ...]:
    if not around.depth:
        return ()
    folder = printable("/".join(around.top), limit=100)
    marked = any(file_mark(path.stem) for path in notebooks if len(path.parts) == around.depth + 1)
    message_id = "collect.class_folder_marks" if marked else "collect.class_folder"
    return (Message(message_id, {"folder": folder, "count": len(notebooks)}),)


# --- what a path is ----------------------------------------------------------------------------


def _kind(path: Path) -> str:
    shown: dict[str, Scalar] = {"path": printable(str(path))}
    try:
        if path.is_symlink():
            raise GraderError(Message("collect.path_is_link", shown))
        if path.is_dir():
            return "folder"
        open_regular(path).close()
    except FileNotFoundError as error:
        raise GraderError(Message("collect.missing", shown)) from error
    except Malformed as error:
        raise GraderError(Message("collect.path_is_special", shown)) from error
    except (OSError, ValueError) as error:
        shown["error"] = why(error)
        raise GraderError(Message("collect.path_unreadable", shown)) from error
    if is_notebook(path):
        return "notebook"
    if path.suffix.lower() == ZIP:
        return "zip"
    if not is_archive(path) and holds_notebook(path):
        return "notebook"
    key = "collect.other_archive" if is_archive(path) else "collect.not_a_notebook_path"
    raise GraderError(Message(key, shown))


def why(error: Exception) -> str:
    """Say an error of the system's in a word."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def once(paths: Iterable[Path]) -> list[Path]:
    """Leave out a path that was given twice; make the others absolute without following links."""
    return list(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))  # noqa: PTH100 -- resolve() would follow links
