"""Names for submissions and students that can be read, and told apart.

Enters: where the notebooks of a batch lie. Leaves: a label for each. Touches nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from grader.collect.files import nfc
from grader.collect.layouts import PathNames
from grader.text.printable import printable
from grader.types import Message

LONGEST = 200
NOTHING_VISIBLE = "?"


@dataclass(frozen=True)
class Whereabouts:
    """Where one file of a batch lies; zips count as folders."""

    source: int  # which of the given paths it was found under
    relative: PurePosixPath
    above: tuple[str, ...]  # the folders around that path
    named: PathNames
    rounds: bool = False  # the first folders are rounds of handing in, and nobody's

    @property
    def lies_alone(self) -> bool:
        """Whether it lies in no folder of what was given."""
        return len(self.relative.parts) == 1


@dataclass(frozen=True)
class Label:
    """What people call it."""

    name: str  # unique in the batch
    student: str
    folder: str = ""  # the outermost of what was given, in the name; "" where it lies in none


def label_all(notebooks: Sequence[Whereabouts]) -> list[Label]:
    """Label a batch, in its order: notebooks, and what stands for people who have none."""
    names, students = _names(notebooks), _students(notebooks)
    return [
        Label(name, student, _folder(name, one))
        for name, student, one in zip(names, students, notebooks, strict=True)
    ]


def _folder(name: str, one: Whereabouts) -> str:
    """Give "" too where the name says more than the path: in another batch it may not."""
    is_path = not one.lies_alone and name == _shown(str(one.relative))
    return name.partition("/")[0] if is_path else ""


def alike(students: Iterable[str]) -> Message | None:
    """Tell of students whose names differ by capitals alone: they may be one person's."""
    spelled: dict[str, set[str]] = defaultdict(set)
    for one in students:
        spelled[one.casefold()].add(one)
    several = [" / ".join(sorted(names)) for _, names in sorted(spelled.items()) if len(names) > 1]
    if not several:
        return None
    return Message("collect.alike_names", {"names": printable("; ".join(several), limit=LONGEST)})


def _names(notebooks: Sequence[Whereabouts]) -> list[str]:
    """Printable relative paths, each unlike the others."""
    shown = [_shown(str(one.relative)) for one in notebooks]
    counts = Counter(shown)
    roomier = [
        _shown(f"{one.above[-1]}/{one.relative}") if counts[name] > 1 and one.above else name
        for one, name in zip(notebooks, shown, strict=True)
    ]
    return _numbered(roomier)


def _numbered(names: Sequence[str]) -> list[str]:
    taken = set(names)
    used: set[str] = set()
    counts: dict[
        str, int
    ] = {}  # so that thousands that look alike are not counted from 1 each time
    result = []
    for name in names:
        unique, count = name, counts.get(name, 1)
        while unique in used or (count > 1 and unique in taken):
            count += 1
            unique = f"{name} ({count})"
        counts[name] = count
        used.add(unique)
        result.append(unique)
    return result


def _students(notebooks: Sequence[Whereabouts]) -> list[str]:
    """Printable students, where two who only look alike stay two."""
    raw = [one.named.student for one in _told_apart(notebooks)]
    distinct = sorted(set(raw), key=lambda student: (_shown(student) != student, student))
    shown = dict(zip(distinct, _numbered([_shown(student) for student in distinct]), strict=True))
    return [shown[student] for student in raw]


def _told_apart(notebooks: Sequence[Whereabouts]) -> list[Whereabouts]:
    """Name the folder too where ``*/homework.ipynb`` would make one student of a whole class.

    Whom Canvas named is the same one in every folder.
    """
    sources: dict[PathNames, set[int]] = {}
    for one in notebooks:
        sources.setdefault(one.named, set()).add(one.source)
    return [
        _with_folder(one)
        if len(sources[one.named]) > 1
        and one.lies_alone
        and one.above
        and one.named.platform is None
        else one
        for one in notebooks
    ]


def _with_folder(one: Whereabouts) -> Whereabouts:
    student = f"{one.above[-1]}/{one.named.student}"
    return replace(one, named=replace(one.named, student=student))


def _shown(name: str) -> str:
    """Every part of a path stays: without its first one, ``a/b`` would seem to be ``/b``."""
    parts = (printable(nfc(part)) or NOTHING_VISIBLE for part in name.split("/"))
    return printable("/".join(parts), limit=LONGEST)
