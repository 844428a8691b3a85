"""The parser behind ``grader.course.exercises``: TOML and JSON in, frozen dataclasses out.

Enters: paths inside a course. Leaves: Exercises and the course's settings. Touches: reads files.
Every fault is one sentence that names the file and, where there is one, the key.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from grader.course.exercises import ASSIGNMENTS, REFERENCE, Alternative, Exercise, architecture_at
from grader.course.expectations import Expectation
from grader.course.profiles import LAPTOP, choose, expected_name, for_origin, is_same
from grader.course.rewording import reworded
from grader.course.schema import (
    AlternativeTable,
    ArchitectureTable,
    ExpectedFile,
    PrivateFile,
    PublicFile,
    SettingsFile,
)
from grader.types import GraderError, Message

Model = TypeVar("Model", bound=BaseModel)


def read_settings(root: Path) -> SettingsFile:
    """Read ``course.toml``; a course without one has no settings."""
    path = root / "course.toml"
    return checked(SettingsFile, read_toml(path), path) if path.is_file() else SettingsFile()


def read_exercise(root: Path, identifier: str, profile: str) -> Exercise:
    """Read one exercise from both trees; the private half may be absent.

    Where neither half knows the profile, the exercise has its usual sizes and says so.

    Raises:
        GraderError: names the file and the key at fault.
    """
    folder = root / ASSIGNMENTS / identifier
    path = folder / "exercise.toml"
    raw, names = choose(read_toml(path), profile, path)
    public = checked(PublicFile, raw, path)
    private, private_names = _read_private(root / REFERENCE / identifier, profile)
    known = names | private_names
    name = profile if profile in known else LAPTOP
    return _joined(root, identifier, (name, *sorted(known - {name})), public, private)


def _read_private(folder: Path, profile: str) -> tuple[PrivateFile | None, frozenset[str]]:
    path = folder / "spec.toml"
    if not path.is_file():
        return None, frozenset()
    raw, names = choose(read_toml(path), profile, path)
    return checked(PrivateFile, for_origin(raw, folder.parent, path), path), names


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
        title=public.title.text(),
        profile=profile,
        profiles=tuple(sorted({*profiles} - {LAPTOP})),
        points=public.points.by_class(),
        **_architecture(public.model),
        accept=tuple(
            Alternative(note=given.note.text().message(), **_fitted(given, public.model, file))
            for given in public.accept
        ),
        epochs=epochs,
        min_epochs=public.training.min_epochs or max(1, epochs // 10),
        family=private.family,
        data=private.data,
        dataset=private.dataset,
        files=tuple(public.files),
        attempts=private.limits.attempts,
        limits=private.limits.limits(),
        sample_limits={name: table.limits() for name, table in private.samples.items()},
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
        raise GraderError(_fault(error, file, "accept")) from error
    return architecture_at(form, form.usual())


def _read_expected(folder: Path, identifier: str, profile: str) -> Expectation | None:
    path = folder / expected_name(profile)
    if not path.is_file():
        return None
    try:
        raw = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise GraderError(
            Message("course.bad_file", {"file": str(path), "problem": str(error)})
        ) from error
    expected = checked(ExpectedFile, raw, path).expectation()
    for key, got, wanted, same in (
        ("exercise", expected.exercise, identifier, expected.exercise == identifier),
        ("profile", expected.profile, profile, is_same(expected.profile, profile)),
    ):
        if not same:
            problem = f"{got!r}, not {wanted!r}"
            raise GraderError(
                Message("course.bad_key", {"file": str(path), "key": key, "problem": problem})
            )
    return expected


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        GraderError: it is none.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GraderError(
            Message("course.bad_file", {"file": str(path), "problem": str(error)})
        ) from error


def checked(model: type[Model], raw: object, path: Path) -> Model:
    """Hold a table against its model.

    Raises:
        GraderError: names the file and the key at fault.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise GraderError(_fault(error, path)) from error


def _fault(error: ValueError, path: Path, above: str = "") -> Message:
    """Say in one sentence which key is at fault."""
    keys, problem = [above] if above else [], str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        keys += [str(part) for part in first["loc"]]
        problem = first["msg"]
    key = ".".join(keys) or "-"
    return Message("course.bad_key", {"file": str(path), "key": key, "problem": problem})
