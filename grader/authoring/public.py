"""What students' own checks need, made from the instructor's side.

Enters: a Course. Leaves: the files of ``grader_course/``, by name. Touches: reads ``reference/``.

One filter for everybody: a release writes these files, a check in the project's own checkout makes
them anew. Of a family only what looks at the data given to ``fit`` is in them: the definitions that
``examine`` needs, as they stand. A data set holds the hidden part as well, so of a family that
looks data up in one there are the definitions of ``look``, and the files that students have.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from grader import __version__
from grader.course.curves import Curve, read_curve
from grader.course.data import handout
from grader.course.exercises import Course, Exercise
from grader.course.families import LooksInFiles, load_family
from grader.course.own_checks import load_own_checks
from grader.course.public import (
    FILE,
    FOLDER,
    SCHEMA,
    described,
    digest_of,
    kept_name,
    settings_of,
)
from grader.text.catalogue import read_catalogue, written_catalogue
from grader.text.words import LANGUAGES
from grader.types import EvidenceClass, Json

LOOKS = ("examine", "OWN")  # what of a family looks at data
LOOKS_IN_FILES = ("look", "read_files", "OWN", "STAND_INS")  # what does so in students' files
AT_HOME = "grader.course.data"  # what opens a data set
LARGEST = 2_000_000  # bytes of a file that is carried; a larger one lies beside the notebook alone
PACKAGE = '"""The public half of a course, for `from grader import check`."""\n'


def written_public(course: Course, place: Path) -> Path:
    """Write the public half of a course as a release would, into a folder below ``place``."""
    folder = place / FOLDER
    for name, content in public_files(course).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@dataclass(frozen=True)
class Looking:
    """The part of a family that looks at the data given to ``fit``."""

    source: str
    texts: frozenset[str]  # every text that stands in it
    in_files: bool = False  # that students have


def public_files(course: Course, *, alone: bool = False) -> dict[str, bytes]:
    """Give the files of the public half by their names within its folder.

    Args:
        course: the instructor's.
        alone: with the files that notebooks find beside them, for where nothing else of it is.
    """
    families = dict(_families(course))
    handed = {key: _handed_out(course, one, families) for key, one in course.exercises.items()}
    beside = {key: _beside(course, one) for key, one in course.exercises.items()} if alone else {}
    files = {"__init__.py": PACKAGE, FILE: _table(course, families, handed, beside)}
    files |= {f"families/{name}.py": one.source for name, one in families.items()}
    known = frozenset[str]().union(*(one.texts for one in families.values()))
    for lang in LANGUAGES:
        words = _words(course, lang)
        kept = {key: words[key] for key in sorted(words.keys() & known)}
        files[f"families/locale/{lang}/families.po"] = written_catalogue(kept, lang)
    return {name: content.encode() for name, content in files.items()} | {
        kept_name(name, digest_of(content)): content
        for each in (*handed.values(), *beside.values())
        for name, content in each.items()
        if len(content) <= LARGEST
    }


def _table(
    course: Course,
    families: Mapping[str, Looking],
    handed: Mapping[str, Mapping[str, bytes]],
    beside: Mapping[str, Mapping[str, bytes]],
) -> str:
    table = {
        "schema": SCHEMA,
        "grader": __version__,
        "language": course.language,
        "hints": course.hints,
        "settings": settings_of(course),
        "exercises": {
            key: described(
                one, _data(one, families), handed[key], _own(one), _curve(one), beside.get(key)
            )
            for key, one in course.exercises.items()
        },
    }
    return json.dumps(table, ensure_ascii=False, indent=1) + "\n"


def _curve(exercise: Exercise) -> Curve | None:
    """Give how correct runs learn, where that was measured on the data of the calibration."""
    folder, measured = exercise.reference_path, exercise.expectation
    if folder is None or measured is None:
        return None
    return read_curve(folder, exercise.profile, measured.data.fingerprint)


def _own(exercise: Exercise) -> dict[EvidenceClass, float]:
    """Give the points of an exercise's own checks, by class."""
    points: dict[EvidenceClass, float] = {}
    for one in load_own_checks(exercise):
        points[one.cls] = points.get(one.cls, 0.0) + float(one.points)
    return points


def _data(exercise: Exercise, families: Mapping[str, Looking]) -> dict[str, Json] | None:
    """Give what a family's look asks of ``[data]``; None where students have no such family."""
    looking = families.get(exercise.family or "")
    if looking is None:
        return None
    return {key: value for key, value in exercise.data.items() if key in looking.texts}


def _handed_out(
    course: Course, exercise: Exercise, families: Mapping[str, Looking]
) -> Mapping[str, bytes]:
    """Give the files that students have, and in which their data are looked up."""
    looking = families.get(exercise.family or "")
    if looking is None or not looking.in_files:
        return {}
    assert course.reference is not None
    family = load_family(course.reference, exercise.family or "")
    return cast("LooksInFiles", family).looked_up_in(exercise.data)


def _beside(course: Course, exercise: Exercise) -> Mapping[str, bytes]:
    """Give the files that its notebook finds beside it; ``keras/`` is for graders' rooms alone."""
    return {name: one for name, one in handout(course, exercise).items() if "/" not in name}


def _families(course: Course) -> Iterator[tuple[str, Looking]]:
    if course.reference is None:
        return
    for name in sorted({one.family for one in course.exercises.values() if one.family}):
        path = course.reference / "families" / f"{name}.py"
        looking = looking_part(path.read_text("utf-8"))
        if looking is not None:
            yield name, looking


def looking_part(source: str) -> Looking | None:
    """Take what looking needs out of a family's source; None where it needs a data set."""
    tree = ast.parse(source)
    lines = source.splitlines()
    definitions = {name: node for node in tree.body for name in _defined(node)}
    in_files = LOOKS_IN_FILES[0] in definitions
    needed = _closure(definitions, LOOKS_IN_FILES if in_files else LOOKS)
    nodes = [node for node in tree.body if needed.intersection(_defined(node))]
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    used = {one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)}
    kept = [*filter(None, (_still_used(node, used) for node in imports))]
    if any(isinstance(one, ast.ImportFrom) and one.module == AT_HOME for one in kept):
        return None
    parts = [
        '"""How the data given to fit are looked at; the rest of the family is the judge\'s."""',
        "\n".join(map(ast.unparse, kept)),
        *("\n".join(lines[_first_line(node) - 1 : node.end_lineno]) for node in nodes),
    ]
    texts = {
        one.value
        for node in nodes
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    return Looking("\n\n\n".join(parts) + "\n", frozenset(texts), in_files)


def _closure(definitions: Mapping[str, ast.stmt], looks: Sequence[str]) -> set[str]:
    """Give every definition that looking needs, by way of others too."""
    needed: set[str] = set()
    waiting = [name for name in looks if name in definitions]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            named = (one for one in ast.walk(definitions[name]) if isinstance(one, ast.Name))
            waiting += [one.id for one in named if one.id in definitions]
    return needed


def _defined(node: ast.stmt) -> tuple[str, ...]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return (node.name,)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return tuple(
        one.id
        for target in targets
        for one in (ast.walk(target) if target is not None else ())
        if isinstance(one, ast.Name)
    )


def _first_line(node: ast.stmt) -> int:
    decorated = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.decorator_list
    return decorated[0].lineno if decorated else node.lineno


def _still_used(
    node: ast.Import | ast.ImportFrom, used: set[str]
) -> ast.Import | ast.ImportFrom | None:
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return node
    names = [one for one in node.names if (one.asname or one.name).split(".")[0] in used]
    if not names:
        return None
    if isinstance(node, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(node.module, names, node.level)


def _words(course: Course, lang: str) -> dict[str, str]:
    folder = (course.reference or Path()) / "families" / "locale" / lang
    words: dict[str, str] = {}
    for path in sorted(folder.glob("*.po")):
        words |= read_catalogue(path.read_text("utf-8"))
    return words
