"""The public half of a course: what students' own checks need, and nothing that gives work away.

Enters: a Course; or the folder that ``grader release`` wrote it into. Leaves: plain tables; a
PublicCourse with the same Exercises, and a Course of it alone. Touches: reads that folder.

Texts, shapes, counts, points, advice and how correct runs begin to learn are in it; solutions,
thresholds, hidden data and advice about accuracy are not. It is read without anything but the
standard library.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.course.curves import Curve, as_table, from_table
from grader.course.exercises import (
    Alternative,
    Course,
    Exercise,
    Hint,
    Limits,
    Text,
    architecture_at,
)
from grader.course.profiles import LAPTOP
from grader.course.sizes import Form, FreeSize, LayerForm
from grader.types import EvidenceClass, GraderError, Json, Message, Verdict

SCHEMA = "grader/public/v4"
FOLDER = "grader_course"  # an importable name: the folder may be installed as well
FILE = "course.json"
ABOUT_ACCURACY = (EvidenceClass.ACCURACY.value, Verdict.LOW_ACCURACY.value)
DATA = "data"  # the folder of the files that are carried


@dataclass(frozen=True)
class PublicCourse:
    """A course as students have it, with what their own checks need."""

    folder: Path
    exercises: Mapping[str, Exercise]
    language: str | None
    hints: int | None  # that a check may give; None: all
    version: str  # of the grader that wrote it
    # Points of checks that students do not have, by class, by id of the exercise.
    own_checks: Mapping[str, Mapping[EvidenceClass, float]]
    files: Mapping[str, Mapping[str, str]]  # in which data are looked up, and their digests, by id
    curves: Mapping[str, Curve] = field(default_factory=dict)  # how correct runs learn, by id
    # Where nothing else of the course is: what course.toml says of a run, and the files that
    # notebooks find beside them, as those in which data are looked up.
    settings: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def words(self) -> Path:
        """Where its families' words are."""
        return self.folder / "families" / "locale"


def digest_of(content: bytes) -> str:
    """Name the content of a file."""
    return hashlib.sha256(content).hexdigest()


def kept_name(name: str, digest: str) -> str:
    """Say where the public half has a file: two exercises may call theirs the same."""
    return f"{DATA}/{digest[:16]}/{name}"


def public_half(course: Course, public: PublicCourse | None = None) -> Course:
    """Give the course as students have it: with points for what can be looked at, and no others.

    Args:
        course: in the instructor's checkout or in a students' copy.
        public: what looks at data, and knows which checks students do not have; None: nothing does.
    """
    exercises = {key: _public(one, public) for key, one in course.exercises.items()}
    folder = public.folder if public is not None else None
    return replace(course, exercises=exercises, public=folder)


def installed() -> Path | None:
    """Give the folder of the course's own package; None where it is not installed."""
    found = importlib.util.find_spec(FOLDER)
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        if (Path(place) / FILE).is_file():
            return Path(place)
    return None


def released_language(root: Path) -> str | None:
    """Give the language in which a course was released to students; None where none is told."""
    try:
        language = json.loads((root / FOLDER / FILE).read_text("utf-8"))["language"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return language if isinstance(language, str) else None


def course_of(public: PublicCourse) -> Course:
    """Give the course where its public half is all there is: neither assignments nor course.toml.

    Its rooms get the files that are carried; a larger one lies beside its notebook, or is missing.
    """
    said = public.settings
    exercises = {
        key: replace(
            one,
            assignment_path=public.folder,
            files=tuple(_carried(public.folder, public.beside.get(key, {}))),
        )
        for key, one in public.exercises.items()
    }
    course = Course(
        root=public.folder,
        exercises=exercises,
        language=public.language,
        owed=tuple(said["owed"]) if said["owed"] is not None else None,
        profile=said["profile"],
        packages=tuple(said["packages"]),
        old_api=said["old_api"],
        hints=public.hints,
        asks_trainer=said["asks_trainer"],
    )
    return public_half(course, public)


def _carried(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    places = (kept_name(name, digest) for name, digest in files.items())
    return (place for place in places if (folder / place).is_file())


def settings_of(course: Course) -> dict[str, Any]:
    """Describe what ``course.toml`` says of a run, as JSON has it."""
    return {
        "owed": list(course.owed) if course.owed is not None else None,
        "profile": course.profile,
        "packages": list(course.packages),
        "old_api": course.old_api,
        "asks_trainer": course.asks_trainer,
    }


def _public(exercise: Exercise, public: PublicCourse | None) -> Exercise:
    known = public.exercises.get(exercise.id) if public is not None else None
    if known is not None and known.profile != exercise.profile:
        known = None  # of other sizes
    own = public.own_checks.get(exercise.id, {}) if public is not None else {}
    points = {cls: given - own.get(cls, 0.0) for cls, given in exercise.points.items()}
    points[EvidenceClass.ACCURACY] = 0.0
    if known is None or known.family is None:
        points[EvidenceClass.DATA] = 0.0
    return replace(
        exercise,
        points=points,
        family=known.family if known is not None else None,
        data=known.data if known is not None else {},
        dataset=None,
        unasked=tuple(own),
        apart=exercise.earns_by_accuracy,
        attempts=1,
        limits=Limits(),
        sample_limits={},
        hints=(),
        expectation=None,
        reference_path=None,
        elsewhere=tuple(_public(one, None) for one in exercise.elsewhere),
    )


def described(
    exercise: Exercise,
    data: Mapping[str, Json] | None,
    files: Mapping[str, bytes],
    own: Mapping[EvidenceClass, float],
    curve: Curve | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> dict[str, Any]:
    """Describe the public half of an exercise as JSON has it.

    Args:
        exercise: as the instructor has it.
        data: what its family asks to look at data; None where students have no such family.
        files: that students have, and in which the family looks data up.
        own: the points of the exercise's own checks, by class.
        curve: how correct runs learn; None where nobody measured it.
        beside: the files that its notebook finds beside it; None where others have them.
    """
    return {
        "order": exercise.order,
        "title": _both(exercise.title),
        "profile": exercise.profile,
        "points": {cls.value: points for cls, points in exercise.points.items()},
        "epochs": exercise.epochs,
        "min_epochs": exercise.min_epochs,
        "model": _form(exercise.form),
        "accept": [
            {"note": dict(one.note.args), "model": _form(one.form)} for one in exercise.accept
        ],
        "family": exercise.family if data is not None else None,
        "data": dict(data or {}),
        "files": _digests(files),
        "beside": _digests(beside or {}),
        "hints": [
            {"when": one.when, **one.message.args}
            for one in exercise.hints
            if one.when.split(".")[0] not in ABOUT_ACCURACY
        ],
        "own_checks": {cls.value: points for cls, points in own.items()},
        **({"curve": as_table(curve)} if curve is not None else {}),
    }


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: digest_of(content) for name, content in files.items()}


def read_public(folder: Path) -> PublicCourse:
    """Read what a release wrote.

    Raises:
        GraderError: it is not there, cannot be read, or is of another version.
    """
    path = folder / FILE
    try:
        table = json.loads(path.read_text("utf-8"))
        if table.get("schema") != SCHEMA:
            raise GraderError(Message("public.other_schema", {"file": str(path)}))
        entries = table["exercises"]
        return PublicCourse(
            folder=folder,
            exercises={key: _exercise(key, one) for key, one in entries.items()},
            language=table["language"],
            hints=table["hints"],
            version=table["grader"],
            own_checks={
                key: {EvidenceClass(cls): points for cls, points in one["own_checks"].items()}
                for key, one in entries.items()
            },
            files={key: dict(one["files"]) for key, one in entries.items()},
            curves={
                key: from_table(one["curve"]) for key, one in entries.items() if "curve" in one
            },
            settings=table["settings"],
            beside={key: dict(one["beside"]) for key, one in entries.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        args = {"file": str(path), "problem": f"{type(error).__name__}: {error}"}
        raise GraderError(Message("course.bad_file", args)) from error


def _exercise(identifier: str, table: Mapping[str, Any]) -> Exercise:
    form = _read_form(table["model"])
    return Exercise(
        id=identifier,
        order=table["order"],
        title=Text(**table["title"]),
        profile=table["profile"],
        points={EvidenceClass(cls): points for cls, points in table["points"].items()},
        **architecture_at(form, form.usual()),
        accept=tuple(_alternative(one) for one in table["accept"]),
        epochs=table["epochs"],
        min_epochs=table["min_epochs"],
        family=table["family"],
        data=table["data"],
        attempts=1,
        limits=Limits(),
        sample_limits={},
        hints=tuple(
            Hint(one["when"], Text(one["en"], one["ko"]).message()) for one in table["hints"]
        ),
        expectation=None,
        assignment_path=Path(),
        reference_path=None,
        profiles=() if table["profile"] == LAPTOP else (table["profile"],),
    )


def _alternative(table: Mapping[str, Any]) -> Alternative:
    form = _read_form(table["model"])
    note = Text(**table["note"]).message()
    return Alternative(note=note, **architecture_at(form, form.usual()))


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "ko": text.ko}


def _form(form: Form) -> dict[str, Any]:
    return {
        "input_shape": list(form.input_shape),
        "layers": [
            {
                "class": layer.cls,
                "config": dict(layer.config),
                "output_shape": list(layer.output_shape),
                "params": layer.params,
            }
            for layer in form.layers
        ],
        "free": [[size.name, size.usual, size.least, size.most, size.enough] for size in form.free],
    }


def _read_form(table: Mapping[str, Any]) -> Form:
    return Form(
        input_shape=tuple(table["input_shape"]),
        layers=tuple(
            LayerForm(one["class"], one["config"], tuple(one["output_shape"]), one["params"])
            for one in table["layers"]
        ),
        free=tuple(FreeSize(*one) for one in table["free"]),
    )
