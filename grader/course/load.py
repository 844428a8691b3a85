"""Finds a course and reads it: TOML and JSON in, the dataclasses of ``exercises`` out.

Enters: the course's root folder. Leaves: a Course, its settings. Touches: reads files. Every fault
is one sentence that names the file and, where there is one, the key.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from grader.course.data import read_data_set, source
from grader.course.exercises import (
    ASSIGNMENTS,
    REFERENCE,
    Alternative,
    Course,
    Exercise,
    architecture_at,
)
from grader.course.expectations import Expectation
from grader.course.places import Keys, Place
from grader.course.profiles import LAPTOP, choose, expected_name, is_same, overlaid, take_tables
from grader.course.rewording import reworded
from grader.course.rulebook import RuleBook
from grader.course.schema import (
    AlternativeTable,
    ArchitectureTable,
    PrivateFile,
    PublicFile,
)
from grader.course.settings import SettingsFile
from grader.course.sizes import WrongValueError
from grader.course.toml import bad_file, checked, place_in, read_toml
from grader.types import GraderError, Message

SETTINGS = "course.toml"  # beside assignments/
_LANGUAGE = re.compile(r"""^[ \t]*language[ \t]*=[ \t]*["'](\w+)["']""", re.MULTILINE)


def find_course(start: Path | None = None) -> Path:
    """Find the course's root: GRADER_COURSE, else the nearest folder upwards with assignments/.

    Args:
        start: where to begin; the current folder where None.

    Raises:
        GraderError: there is none.
    """
    named = os.environ.get("GRADER_COURSE")
    if named:
        root = without_links(Path(os.path.expanduser(named)))  # noqa: PTH111 -- Path's may raise
        if not is_course(root):
            raise GraderError(Message("course.not_a_course", {"path": str(root)}))
        return root
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if is_course(folder):
            return folder
    raise GraderError(Message("course.not_found", {"path": str(here)}))


def without_links(path: Path) -> Path:
    """Give where a path leads; the path itself where its links lead in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def is_course(folder: Path) -> bool:
    """Whether a folder holds a course; one that this user may not look into holds none."""
    try:
        return (folder / ASSIGNMENTS).is_dir()
    except OSError:
        return False


def load_course(root: Path, profile: str | None = None) -> Course:
    """Read every exercise of a course.

    Args:
        root: the folder that holds ``assignments/`` and, on the instructor's side, ``reference/``.
        profile: whose sizes; course.toml's where None. Exercises that do not define it keep
            the usual ones.

    Raises:
        GraderError: a file is missing, is not TOML or JSON, or says something it may not say;
            or no exercise knows the profile.
    """
    if not is_course(root):
        raise GraderError(Message("course.not_a_course", {"path": str(root)}))
    book = read_book(root)
    settings = book.settings
    folders = sorted(p.parent for p in (root / ASSIGNMENTS).glob("*/exercise.toml"))
    if not folders:
        raise GraderError(Message("course.no_exercises", {"path": str(root / ASSIGNMENTS)}))
    asked = profile or settings.profile or LAPTOP
    found = [read_exercise(root, folder.name, asked) for folder in folders]
    known = dict.fromkeys((LAPTOP, *sorted(name for one in found for name in one.profiles)))
    if asked not in known:
        args = {"profile": asked, "known": ", ".join(known)}
        raise GraderError(Message("course.unknown_profile", args))
    found.sort(key=lambda exercise: (exercise.order, exercise.id))
    return Course(
        root,
        {e.id: e for e in found},
        settings.language,
        settings.exercises,
        asked,
        settings.packages,
        settings.old_api == "accept",
        settings.hints,
        settings.trainings == "trainer",
        settings.name or "",
        read_rules=replace(book, exercises=[one.id for one in found]).rules,
    )


def read_settings(root: Path) -> SettingsFile:
    """Read ``course.toml``; a course without one has no settings."""
    return read_book(root).settings


def language_said(root: Path) -> str | None:
    """Give the language of ``course.toml``, also where something else in it is at fault."""
    try:
        text = (root / SETTINGS).read_text("utf-8", errors="replace")
    except OSError:
        return None
    found = _LANGUAGE.search(text)
    return found[1] if found else None


def read_book(root: Path) -> RuleBook:
    """Read ``course.toml``, whose exercises nobody has held against those there are.

    Raises:
        GraderError: it is no TOML, or says something it may not say; names the line.
    """
    path = root / SETTINGS
    if not path.is_file():
        return RuleBook(SettingsFile(), (), Place(path, ""))
    raw = read_toml(path)
    place = Place(path, path.read_text("utf-8"))
    try:
        return RuleBook(SettingsFile.model_validate(raw), (), place)
    except ValidationError as error:
        raise place.invalid(error, TypeAdapter(SettingsFile)) from error


def read_exercise(root: Path, identifier: str, profile: str) -> Exercise:
    """Read one exercise from both trees; the private half may be absent.

    Where neither half knows the profile, the exercise has its usual sizes and says so.

    Raises:
        GraderError: names the file and the key at fault.
    """
    known = _read_at(root, identifier, profile)
    others = sorted({LAPTOP, *known.profiles} - {known.profile})
    return replace(known, elsewhere=tuple(_read_at(root, identifier, other) for other in others))


def _read_at(root: Path, identifier: str, profile: str) -> Exercise:
    folder = root / ASSIGNMENTS / identifier
    path = folder / "exercise.toml"
    raw, names = choose(read_toml(path), profile, path)
    public = checked(PublicFile, raw, path, _laid(profile, names))
    private, private_names = _read_private(root / REFERENCE / identifier, profile)
    known = names | private_names
    name = profile if profile in known else LAPTOP
    return _joined(root, identifier, (name, *sorted(known - {name})), public, private)


def _read_private(folder: Path, profile: str) -> tuple[PrivateFile | None, frozenset[str]]:
    path = folder / "spec.toml"
    if not path.is_file():
        return None, frozenset()
    raw, names = choose(read_toml(path), profile, path)
    whole = _for_origin(raw, folder.parent, path)
    return checked(PrivateFile, whole, path, _laid(profile, names)), names


def _laid(profile: str, names: frozenset[str]) -> Sequence[Sequence[str]]:
    """Give where a file says what a profile has otherwise."""
    return [("profiles", profile)] if profile in names else []


def _for_origin(raw: dict[str, Any], reference: Path, path: Path) -> dict[str, Any]:
    """Lay over what holds only where the data set is made of a certain file."""
    tables = take_tables(raw, "origins", path)
    file = reference / "data" / f"{raw.get('dataset')}.toml"
    if not tables or not file.is_file():
        return raw
    known = [origin.name for origin in read_data_set(file).origins]
    for name in tables:
        if name not in known:
            raise place_in(path).unknown(
                ("origins", name), name, known, "rules.not_one_of", "rules.not_one_of_near"
            )
    try:
        found = source(reference, file.stem).origin.name
    except GraderError:
        return raw  # said where the data are needed
    return overlaid(raw, tables.get(found, {}))


def _joined(
    root: Path,
    identifier: str,
    profiles: tuple[str, ...],  # the one that counts first
    public: PublicFile,
    given: PrivateFile | None,
) -> Exercise:
    profile = profiles[0]
    file = root / ASSIGNMENTS / identifier / "exercise.toml"
    private = given or PrivateFile(family=None)
    secret = root / REFERENCE / identifier
    epochs, words = public.training.epochs, private.words
    return Exercise(
        id=identifier,
        order=public.order,
        title=public.title,
        profile=profile,
        profiles=tuple(sorted({*profiles} - {LAPTOP})),
        points=public.points.by_class(),
        **_architecture(public.model),
        accept=tuple(
            Alternative(note=given.note.message(), **_fitted(given, public.model, file))
            for given in public.accept
        ),
        epochs=epochs,
        min_epochs=public.training.min_epochs or max(1, epochs // 10),
        family=private.family,
        data=private.data,
        dataset=private.dataset,
        files=tuple(public.files),
        unbeaten=tuple(private.unbeaten),
        attempts=private.limits.attempts,
        limits=private.limits.limits(),
        sample_limits=private.samples,
        hints=tuple(hint.hint(lambda text: reworded(text, words)[0]) for hint in private.hints),
        words=words,
        expectation=_read_expected(secret, identifier, profile),
        assignment_path=root / ASSIGNMENTS / identifier,
        reference_path=secret if given else None,
    )


def _architecture(table: ArchitectureTable) -> dict[str, Any]:
    """Give the fields that an Exercise and an Alternative share, at the usual sizes."""
    return architecture_at(table.form(), table.form().usual())


def _fitted(given: AlternativeTable, model: ArchitectureTable, file: Path) -> dict[str, Any]:
    try:
        form = given.form(model)
    except ValueError as error:
        at: Keys = ("accept",)
        if isinstance(error, WrongValueError):
            raise place_in(file).fault(at, error.message.id, **error.message.args) from error
        if not isinstance(error, ValidationError):
            raise
        raise place_in(file).invalid(error, TypeAdapter(ArchitectureTable), at) from error
    return architecture_at(form, form.usual())


def _read_expected(folder: Path, identifier: str, profile: str) -> Expectation | None:
    path = folder / expected_name(profile)
    if not path.is_file():
        return None
    try:
        raw = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise bad_file(path, error) from error
    expected = checked(Expectation, raw, path)
    for key, got, wanted, same in (
        ("exercise", expected.exercise, identifier, expected.exercise == identifier),
        ("profile", expected.profile, profile, is_same(expected.profile, profile)),
    ):
        if not same:
            told = {"file": str(path), "key": key, "given": got, "wanted": wanted}
            raise GraderError(Message("course.other_expected", told))
    return expected
