"""The folder that students receive.

Enters: a course, what of it is wanted. Leaves: a folder. Touches: reads the course; writes and
clears that one folder, and nothing in it that somebody else wrote.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from grader.authoring.around import README, REQUIREMENTS, Published, readmes, requirements
from grader.authoring.own_wheel import GRADER, own_wheel
from grader.authoring.public import public_files
from grader.authoring.release import BEGIN, made_for
from grader.authoring.settings import public_settings
from grader.authoring.wheel import wheel
from grader.course.exercises import ASSIGNMENTS, REFERENCE, Course
from grader.course.load import SETTINGS
from grader.course.public import FOLDER
from grader.types import GraderError, Message

MANIFEST = "release.json"
PUBLIC_KEY = "signing-key.pub"  # with which anybody can check an official record
AROUND = (README, "README.ko.md", "README.en.md", REQUIREMENTS)
_OF_SOME = re.compile(r"<!-- ([^<>]*) -->$")  # ends a line that is about some exercises
# Of a repository's .gitignore: `git add` would hand it in.
LEFT_BEHIND = b".ipynb_checkpoints/\n__pycache__/\n.venv/\n"


@dataclass(frozen=True)
class Plan:
    """What of a course is released, and how.

    Attributes:
        exercises: their ids; None: all.
        languages: of the README; the first one's is README.md.
        published: where it will be read, for Colab; None: nowhere.
        forked: where the grader lies in a repository that students fork; None: it is none.
        handing_in: which text of ``students/`` tells how work is handed in there; None: none.
    """

    exercises: tuple[str, ...] | None = None
    languages: tuple[str, ...] = ("en", "ko")
    published: Published | None = None
    forked: str | None = None
    handing_in: str | None = None


def languages_of(course: Course) -> tuple[str, ...]:
    """Give the languages of a README, the course's own first."""
    first = course.language or "en"
    return (first, *(one for one in ("en", "ko") if one != first))


def release(course: Course, out: Path, plan: Plan | None = None) -> tuple[Path, ...]:
    """Write what students get: ``assignments/`` with fresh notebooks, and what checks them.

    A README or a list of packages that somebody wrote or changed there stays as it is.

    Args:
        course: with its instructor's half.
        out: a new folder, or that of an earlier release.
        plan: what of it; None: all.

    Returns:
        The files written.

    Raises:
        GraderError: ``out`` holds something that no release wrote, or lies inside the course's
            own folders.
    """
    theirs = _make_room(course, out)
    made = released(course, plan)
    files = {name: content for name, content in made if name not in theirs}
    written = []
    for name, content in sorted(files.items()):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    digests = {name: _digest(content) for name, content in files.items()}
    manifest = {"schema": "grader/release/v1", "files": digests}
    path = out / MANIFEST
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
    return (*written, path)


def released(whole: Course, plan: Plan | None = None) -> Iterator[tuple[str, bytes]]:
    """Everything below ``assignments/``, with notebooks made anew and secrets refused; the rest."""
    plan = plan or Plan()
    course = _chosen(whole, plan)
    public = public_files(replace(course, language=_spoken(course, plan)), alone=True)
    package, packed = wheel(public)
    yield from _assignments(course, plan, package, whole.exercises.keys() - course.exercises.keys())
    yield from ((f"{FOLDER}/{name}", content) for name, content in public.items())
    yield package, packed
    if own := own_wheel():
        yield GRADER, own
    around = plan.languages, package, plan.published, plan.forked, plan.handing_in
    for name, told in readmes(course, *around).items():
        yield name, told.encode()
    yield REQUIREMENTS, requirements(course).encode()
    key = course.root / PUBLIC_KEY
    if key.is_file():
        yield key.name, _harmless(key)
    settings = course.root / SETTINGS
    said = tomllib.loads(_harmless(settings).decode()) if settings.is_file() else {}
    if public_ones := public_settings(said, course.profile, course.exercises):
        yield SETTINGS, public_ones.encode()


def _spoken(course: Course, plan: Plan) -> str | None:
    """Give the language of the students' checks: the course's, else the one of the release."""
    return course.language or (plan.languages[0] if len(plan.languages) == 1 else None)


def _assignments(
    course: Course, plan: Plan, package: str, left_out: AbstractSet[str]
) -> Iterator[tuple[str, bytes]]:
    root = course.root / ASSIGNMENTS
    made = {
        f"{exercise.id}/{name}": content
        for exercise in course.exercises.values()
        for name, content in made_for(course, exercise, plan.published, package).items()
    }
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        hidden = any(part.startswith((".", "__")) for part in Path(name).parts)
        if hidden or path.is_symlink() or not path.is_file() or name in made:
            continue
        if Path(name).parts[0] not in left_out:
            content = _harmless(path)
            if name == README:
                content = _about(course, _without_lines_of(left_out, content))
            yield f"{ASSIGNMENTS}/{name}", content
    yield from ((f"{ASSIGNMENTS}/{name}", content) for name, content in made.items())


def _chosen(course: Course, plan: Plan) -> Course:
    if plan.exercises is None:
        return course
    chosen = {course.exercise(one).id for one in plan.exercises}
    kept = {key: one for key, one in course.exercises.items() if key in chosen}
    return replace(course, exercises=kept)


def _without_lines_of(left_out: AbstractSet[str], content: bytes) -> bytes:
    """Take out of a list of exercises those that are not released."""
    lines = content.decode().splitlines(keepends=True)
    kept = (line for line in lines if not any(f"]({one}/" in line for one in left_out))
    return "".join(kept).encode()


def _about(course: Course, content: bytes) -> bytes:
    """Take out of it what is about other exercises than these: ``… <!-- temperature-* -->``."""
    kept = []
    for line in content.decode().splitlines(keepends=True):
        told = _OF_SOME.search(line.rstrip())
        patterns = told[1].split() if told is not None else []
        if told is None or not all(one.endswith("-*") for one in patterns):
            kept.append(line)
        elif any(fnmatchcase(one, pattern) for one in course.exercises for pattern in patterns):
            kept.append(f"{line[: told.start()].rstrip()}\n")
    return "".join(kept).encode()


def _harmless(path: Path) -> bytes:
    content = path.read_bytes()
    if BEGIN.encode() in content:
        raise GraderError(Message("release.holds_answers", {"file": str(path)}))
    return content


def _make_room(course: Course, out: Path) -> frozenset[str]:
    """Clear an earlier release; refuse to clear anything else.

    Returns:
        The names of what lies around it and is somebody else's.
    """
    resolved, root = out.resolve(), course.root.resolve()
    if resolved == root or any(resolved.is_relative_to(root / d) for d in (ASSIGNMENTS, REFERENCE)):
        raise GraderError(Message("release.inside_course", {"path": str(out)}))
    out.mkdir(parents=True, exist_ok=True)
    if not any(out.iterdir()):
        return frozenset()
    if not (out / MANIFEST).is_file():
        raise GraderError(Message("release.not_empty", {"path": str(out)}))
    digests = _of_the_earlier_one(out)
    theirs = frozenset(
        name for name in AROUND if (out / name).is_file() and not _is_ours(out, name, digests)
    )
    for name in digests:
        if _is_ours(out, name, digests):
            (out / name).unlink()
            _without_empty_folders(out, (out / name).parent)
    return theirs


def _of_the_earlier_one(out: Path) -> dict[str, str]:
    """Give the digests of the files of the release that is there; none where nobody can tell."""
    try:
        digests = json.loads((out / MANIFEST).read_text("utf-8"))["files"]
        return {str(name): str(digest) for name, digest in digests.items()}
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}


def _is_ours(out: Path, name: str, digests: Mapping[str, str]) -> bool:
    """Whether a file is as the earlier release wrote it."""
    path = out / name
    inside = path.resolve().is_relative_to(out.resolve()) and path.is_file()
    return inside and digests.get(name) == _digest(path.read_bytes())


def _without_empty_folders(out: Path, folder: Path) -> None:
    while folder != out and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
