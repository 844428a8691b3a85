"""Finds the notebooks that were handed in and reads them.

Enters: paths of notebooks, folders and zips. Leaves: Submissions in a stable order, and everything
that was left aside with the reason. Touches: reads those files, and nothing that a link points to.

One bad file never stops the batch. What its student handed in but cannot be read as a notebook is
a Submission with a ``problem``; what we could not look at (no permission, a name that could be
anybody's) is ``refused`` and graded for nobody; what is no notebook at all is ``ignored``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from grader.collect.archives import Archive, Entry, open_archive
from grader.collect.caps import first_of_each, within_code
from grader.collect.folders import Seen, file, lone_archives, look_into
from grader.collect.labels import Label, Whereabouts, label_all
from grader.collect.layouts import is_archive, is_notebook, nfc, read_path
from grader.collect.notebooks import Malformed, parse_notebook
from grader.collect.regular import open_regular, read_notebook_bytes
from grader.collect.whose import doubts, without_mistaken_uploads
from grader.text.printable import printable
from grader.types import GraderError, Message, Notebook, Scalar, Submission


@dataclass(frozen=True)
class Collected:
    """Everything found under the given paths."""

    submissions: tuple[Submission, ...]
    ignored: tuple[Message, ...] = ()  # no notebooks; nothing to worry about
    refused: tuple[Message, ...] = ()  # not looked at and not graded: somebody has to act
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class _Found:
    """A notebook file before it is read."""

    at: Whereabouts
    path: Path
    read: Callable[[], bytes]


@dataclass(frozen=True)
class _Course:
    """What the course says about who owes what, and how a notebook is read."""

    exercise_ids: Collection[str]
    owed: tuple[str, ...] | None
    read: Callable[[bytes], Notebook]


class _Aside:
    """What is left aside while looking."""

    def __init__(self) -> None:
        self.ignored: list[Message] = []
        self.refused: list[Message] = []
        self.notes: list[Message] = []


def collect(
    paths: Sequence[Path],
    *,
    exercise_ids: Collection[str],
    owed: tuple[str, ...] | None,
    read: Callable[[bytes], Notebook] = parse_notebook,
) -> Collected:
    """Find and read every submission.

    Args:
        paths: notebooks, folders, zips.
        exercise_ids: of the course; a path or a notebook's metadata may name one.
        owed: exercises that every notebook owes, whatever its path and metadata say.
        read: reads a notebook file; raises Malformed, or GraderError where the fault is ours.

    Raises:
        GraderError: a path is missing, unreadable or holds no notebook.
    """
    aside, course = _Aside(), _Course(exercise_ids, owed, read)
    with ExitStack() as stack:
        found: list[_Found] = []
        for source, path in enumerate(_once(paths)):
            here = _told_whose(_find(source, path, exercise_ids, aside, stack), aside)
            if not here:
                raise _nothing(path, aside)
            found += here
        labels = label_all(without_mistaken_uploads([one.at for one in found], exercise_ids))
        read_ones = (
            _submission(one, label, course, aside)
            for one, label in first_of_each(found, labels, aside.refused)
        )
        submissions = tuple(within_code(filter(None, read_ones), aside.refused))
    return Collected(
        submissions,
        tuple(aside.ignored),
        tuple(aside.refused),
        tuple(aside.notes),
    )


def _once(paths: Sequence[Path]) -> list[Path]:
    """Leave out a path that was given twice; make the others absolute without following links."""
    return list(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))  # noqa: PTH100 -- resolve() would follow links


def _nothing(path: Path, aside: _Aside) -> GraderError:
    if aside.refused:
        return GraderError(aside.refused[0])
    args: dict[str, Scalar] = {"path": printable(str(path)), "ignored": len(aside.ignored)}
    return GraderError(Message("collect.no_notebook", args))


# --- finding ---------------------------------------------------------------------------------


def _find(
    source: int, path: Path, exercise_ids: Collection[str], aside: _Aside, stack: ExitStack
) -> list[_Found]:
    """Look at one of the given paths; a zip stays open as long as ``stack``."""
    kind = _kind(path)
    if kind == "folder":
        return _in_folder(source, path, exercise_ids, aside)
    if kind == "zip":
        archive = stack.enter_context(open_archive(path))
        return _in_archive(source, path, archive, exercise_ids, aside)
    above = tuple(nfc(part) for part in path.parts[1:-1])
    relative = PurePosixPath(path.name)
    at = Whereabouts(source, relative, above, read_path(relative, above, exercise_ids))
    return [_Found(at, path, partial(read_notebook_bytes, path))]


def _told_whose(found: list[_Found], aside: _Aside) -> list[_Found]:
    """Leave out what is nobody's for sure."""
    sure = []
    for one, doubt in zip(found, doubts([one.at for one in found]), strict=True):
        if doubt is not None:
            (aside.refused if doubt.refused else aside.notes).append(doubt.message)
        if doubt is None or not doubt.refused:
            sure.append(one)
    return sure


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
        shown["error"] = _why(error)
        raise GraderError(Message("collect.path_unreadable", shown)) from error
    if is_notebook(path):
        return "notebook"
    if path.suffix.lower() == ".zip":
        return "zip"
    key = "collect.other_archive" if is_archive(path) else "collect.not_a_notebook_path"
    raise GraderError(Message(key, shown))


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _in_folder(
    source: int, root: Path, exercise_ids: Collection[str], aside: _Aside
) -> list[_Found]:
    above = tuple(nfc(part) for part in root.parts[1:])
    found: list[_Found] = []
    for seen in lone_archives(look_into(root)):
        if _left_aside(seen, aside):
            continue
        path = root / seen.relative
        where = read_path(seen.relative, above, exercise_ids)
        at = Whereabouts(source, seen.relative, above, where)
        found.append(_Found(at, path, partial(read_notebook_bytes, path)))
    return found


def _left_aside(seen: Seen, aside: _Aside) -> bool:
    if seen.reason is None:
        return False
    (aside.refused if seen.refused else aside.ignored).append(seen.reason)
    return True


def _in_archive(
    source: int, path: Path, archive: Archive, exercise_ids: Collection[str], aside: _Aside
) -> list[_Found]:
    above = (*(nfc(part) for part in path.parts[1:-1]), nfc(path.stem))
    found: list[_Found] = []
    for seen, entry in zip(_listed(archive), archive.entries, strict=True):
        if _left_aside(seen, aside):
            continue
        relative = _below(entry.path, above[-1])
        at = Whereabouts(source, relative, above, read_path(relative, above, exercise_ids))
        found.append(_Found(at, path, partial(_read_entry, archive, entry)))
    return found


def _listed(archive: Archive) -> Iterator[Seen]:
    return lone_archives(
        Seen(entry.path, entry.refused, refused=True) if entry.refused else file(entry.path)
        for entry in archive.entries
    )


def _below(path: PurePosixPath, folder: str) -> PurePosixPath:
    """A zip made of a folder usually holds that folder, under the name of the zip."""
    parts = path.parts
    return PurePosixPath(*parts[1:]) if len(parts) > 1 and parts[0] == folder else path


def _read_entry(archive: Archive, entry: Entry) -> bytes:
    if entry.problem:
        raise Malformed(entry.problem)
    return archive.read(entry)


# --- reading ---------------------------------------------------------------------------------


def _submission(found: _Found, label: Label, course: _Course, aside: _Aside) -> Submission | None:
    """Read one notebook; None where the machine could not."""
    notebook: Notebook | None = None
    problem: Message | None = None
    fault: Message | None = None
    data = label.name.encode()  # stands in for bytes that were not read: no two digests alike
    try:
        data = found.read()
        notebook = course.read(data)
    except Malformed as error:
        problem = error.message
    except GraderError as error:
        fault = error.message
    except OSError as error:
        aside.refused.append(
            Message("collect.unreadable", {"name": label.name, "error": _why(error)})
        )
        return None
    named = _named(notebook, label.name, course, aside) or found.at.named.exercise
    return Submission(
        name=label.name,
        student=label.student,
        path=found.path,
        exercises=course.owed or ((named,) if named else None),
        notebook=notebook,
        problem=problem,
        digest=hashlib.sha256(data).hexdigest(),
        fault=fault,
    )


def _named(notebook: Notebook | None, name: str, course: _Course, aside: _Aside) -> str | None:
    """Return the exercise that the metadata name, if the course has it."""
    named = notebook.exercise if notebook else None
    if named is None or named in course.exercise_ids:
        return named
    aside.notes.append(Message("collect.unknown_exercise", {"name": name, "exercise": named}))
    return None
