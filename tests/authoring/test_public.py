"""The public half of a course: enough for students' checks, and nothing that gives work away."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.authoring import public as public_module
from grader.authoring.public import looking_part, public_files
from grader.authoring.release import BEGIN, END
from grader.authoring.wheel import wheel
from grader.cli.course import course_to_check_with
from grader.course.exercises import Course, Exercise
from grader.course.families import Looks, load_family
from grader.course.load import load_course
from grader.course.looking import looks_at, looks_of
from grader.course.public import FILE, PublicCourse, read_public
from grader.execution import ArraySample, FitSample
from grader.types import GraderError, Message
from grader.verify.leaks import without_curves
from tests.support.course_help import course_of

ROOT = Path(__file__).resolve().parents[2]
COURSE = load_course(ROOT)
FILES = public_files(COURSE)
EXERCISES = list(COURSE.exercises.values())
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.id)
TELLING = 12  # characters, as in grader/verify/leaks.py


def written(files: dict[str, bytes], folder: Path) -> PublicCourse:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return read_public(folder)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> PublicCourse:
    return written(FILES, tmp_path_factory.mktemp("public"))


# --- it is the same course -----------------------------------------------------------------------

ASKED = "id order title profile points layers total_params input_shape accept epochs form".split()


@every_exercise
def test_what_is_asked_is_read_back_as_it_was(exercise: Exercise, public: PublicCourse) -> None:
    read = public.exercises[exercise.id]
    assert {name: getattr(read, name) for name in (*ASKED, "min_epochs")} == {
        name: getattr(exercise, name) for name in (*ASKED, "min_epochs")
    }


def test_exercises_keep_their_order(public: PublicCourse) -> None:
    assert list(public.exercises) == list(COURSE.exercises)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.id)
def test_at_another_length_it_is_the_same_too(exercise: Exercise, public: PublicCourse) -> None:
    read = public.exercises[exercise.id]
    rest = exercise.input_shape[1:]
    for shape in ((50, *rest), (None, *rest), (7,)):
        assert read.sized(shape).layers == exercise.sized(shape).layers
        assert read.sized(shape).lengths == exercise.sized(shape).lengths


def apart(exercises: list[Exercise]) -> list[Exercise]:
    """Give one exercise of those that ask the same of the same family's data."""
    return list(
        {(one.family, json.dumps(one.data, sort_keys=True)): one for one in exercises}.values()
    )


def own_data(exercise: Exercise) -> tuple[Any, Any]:
    assert COURSE.reference is not None
    assert exercise.family is not None
    family = load_family(COURSE.reference, exercise.family)
    return family.training(np.random.default_rng(3), exercise.data)


def samples(exercise: Exercise) -> Iterator[FitSample]:
    """Right data and wrong ones, as fit may be given them."""
    x, y = own_data(exercise)
    rng = np.random.default_rng(4)
    given = [(x, y), (x, y + 1), (x, rng.permutation(y)), (x[:10], y[:10]), (x[:, :-1], y)]
    given += [(x, y[:, None] if y.ndim == 1 else y[:, -1]), (x[..., None], y), (x[:, 0], y)]
    if exercise.family == "reviews":  # what is nowhere takes the judge seconds to look for
        given += [(x[:, ::-1], y)] if exercise.id == "sentiment-embedding" else []
    else:
        given += [(x[:, ::-1], y), (x * 3, y), (np.zeros_like(x), y)]
    for inputs, targets in given:
        for kind in ("arrays", "dataset"):
            parts = (
                ArraySample(one.shape, str(one.dtype), one[:64], {}) for one in (inputs, targets)
            )
            yield FitSample(*parts, kind=kind)
    yield FitSample(None, None, kind="unknown")


def looks(exercise: Exercise, public: PublicCourse) -> Looks:
    found = looks_of(public, public.exercises[exercise.id])
    assert found is not None
    return found


@pytest.mark.parametrize("exercise", apart(EXERCISES), ids=lambda one: one.id)
def test_data_are_looked_at_as_the_judge_looks_at_them(
    exercise: Exercise, public: PublicCourse
) -> None:
    assert COURSE.reference is not None
    read = public.exercises[exercise.id]
    assert exercise.family is not None
    judges = load_family(COURSE.reference, exercise.family)
    students = looks(exercise, public)
    verdicts = set()
    for sample in samples(exercise):
        found = judges.examine(sample, exercise.data)
        assert students.examine(sample, read.data) == found
        verdicts.add(all(one.fraction == 1.0 for one in found.findings))
    assert verdicts == {True, False}


@every_exercise
def test_students_look_at_the_data_of_every_exercise(
    exercise: Exercise, public: PublicCourse
) -> None:
    x, y = own_data(exercise)
    sample = FitSample(*(ArraySample(one.shape, str(one.dtype), one[:64], {}) for one in (x, y)))
    found = looks(exercise, public).examine(sample, public.exercises[exercise.id].data)
    assert {one.fraction for one in found.findings} == {1.0}


@pytest.mark.parametrize("exercise", ["temperature-gru", "sentiment-embedding"])
def test_at_a_length_of_the_students_own_it_is_the_same_too(
    exercise: str, public: PublicCourse
) -> None:
    assert COURSE.reference is not None
    own, read = COURSE.exercises[exercise], public.exercises[exercise]
    longer = tuple(
        size and size + 4 if place == 0 else size for place, size in enumerate(own.input_shape)
    )
    own, read = own.sized(longer), read.sized(longer)
    x, y = own_data(own)
    sample = FitSample(*(ArraySample(one.shape, str(one.dtype), one[:64], {}) for one in (x, y)))
    judges = load_family(COURSE.reference, own.family or "")
    found = judges.examine(sample, own.data)
    assert {one.fraction for one in found.findings} == {1.0}
    assert looks(own, public).examine(sample, read.data) == found


def test_every_text_of_what_looks_at_data_has_words(public: PublicCourse) -> None:
    from grader.text.words import Words

    both = [Words(lang, (public.words,)) for lang in ("en", "ko")]
    for exercise in apart(EXERCISES):
        students, read = looks(exercise, public), public.exercises[exercise.id]
        for sample in samples(exercise):
            reading = students.examine(sample, read.data)
            told = [one.message for one in reading.findings]
            told += [one.hint for one in reading.findings if one.hint is not None]
            for one in (*told, *reading.notes):
                assert all(words.knows(one.id) for words in both)


# --- the files in which data are looked up -------------------------------------------------------

LOOKED_UP = COURSE.exercises["temperature-gru"]


def carried(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith("data/")}


def test_only_files_that_students_have_beside_their_notebooks_are_carried() -> None:
    given = {path.read_bytes() for one in EXERCISES for path in one.assignment_path.iterdir()}
    kept = carried(FILES)
    assert {Path(name).name for name in kept} == {
        "weather.csv.zip",
        "reviews.npz",
        "long-reviews.npz",
    }
    assert set(kept.values()) < given


def test_they_hold_no_month_of_the_judges() -> None:
    """The judge asks about 2013 from October on."""
    (packed,) = (one for name, one in carried(FILES).items() if name.endswith("weather.csv.zip"))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        rows = archive.read("weather.csv").decode().splitlines()[1:]
    months = {row.split(" ")[0].split(".")[1] for row in rows}
    assert months == {f"{month:02}" for month in range(1, 10)}


def test_a_large_file_stays_beside_its_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_module, "LARGEST", 100)
    files = public_files(COURSE)
    assert not carried(files)
    assert json.loads(files[FILE])["exercises"][LOOKED_UP.id]["files"].keys() == {"weather.csv.zip"}


def test_a_file_that_is_not_carried_is_found_where_the_course_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {name: one for name, one in FILES.items() if name not in carried(FILES)}
    course = written(alone, tmp_path / "bundle" / "grader_course")
    (file,) = (path for path in LOOKED_UP.assignment_path.glob("*.zip"))
    beside, elsewhere = tmp_path / "bundle" / "assignments" / LOOKED_UP.id, tmp_path / "elsewhere"
    for folder in (beside, elsewhere):
        folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert looks_of(course, LOOKED_UP) is None
    monkeypatch.chdir(elsewhere)
    shutil.copy(file, elsewhere)
    assert looks_of(course, LOOKED_UP) is not None
    (elsewhere / file.name).write_bytes(file.read_bytes() + b" ")
    assert looks_of(course, LOOKED_UP) is None
    shutil.copy(file, beside)
    assert looks_of(course, LOOKED_UP) is not None


def test_a_file_that_is_not_carried_is_found_in_the_instructors_own_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks at data is made anew elsewhere for a check; the file stays in the course."""
    monkeypatch.setattr(public_module, "LARGEST", 100)
    monkeypatch.setenv("GRADER_COURSE", str(ROOT))
    monkeypatch.chdir(tmp_path)
    course = course_to_check_with((), tmp_path / "made")
    assert course.public == tmp_path / "made" / "grader_course"
    assert not list(course.public.rglob("weather.csv.zip"))
    assert not isinstance(looks_at(course, course.exercises[LOOKED_UP.id]), Message)


# --- and gives nothing away ----------------------------------------------------------------------


def all_text(files: dict[str, bytes]) -> str:
    """Every byte of the files, and every text of the table once more without JSON's escapes."""

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (dict, list)):
            for one in value.values() if isinstance(value, dict) else value:
                yield from texts(one)

    whole = [one.decode() for name, one in files.items() if name not in carried(files)]
    return "\n".join([*whole, *texts(json.loads(files[FILE]))])


def found_in(files: dict[str, bytes], course: Course = COURSE) -> set[str]:
    """What of thresholds, solutions and hidden data stands in the files."""
    text = all_text(files)
    compared = all_text({**files, FILE: without_curves(files[FILE].decode()).encode()})
    numbers = {
        Decimal(one).normalize() for one in re.findall(r"(?<![\w.])\d+\.\d+(?:e-?\d+)?", compared)
    }
    found = set()
    for exercise in course.exercises.values():
        assert exercise.expectation is not None
        for entry in exercise.expectation.thresholds:
            for value in (entry.value, entry.control):
                shown = Decimal(repr(value)).normalize() if value is not None else Decimal(0)
                if len(shown.as_tuple().digits) >= 3 and shown in numbers:
                    found.add(f"threshold of {exercise.id}")
        if any(line in text for line in answers(exercise)):
            found.add(f"answer of {exercise.id}")
        if str(exercise.data.get("hidden_rows", "hidden_rows")) in re.findall(
            r"hidden_rows\W+(\w+)", text
        ):
            found.add(f"hidden rows of {exercise.id}")
    private = ("grader/expected", "false_fail", "false_pass", "hidden", "def ask", "def measure")
    return found | {word for word in private if word in text}


def answers(exercise: Exercise) -> set[str]:
    """Lines of code that only stand between the markers of a solution."""
    assert exercise.reference_path is not None
    inside, between, given = False, set(), set()
    for line in (exercise.reference_path / "solution.py").read_text("utf-8").splitlines():
        told = line.strip()
        if told in (BEGIN, END):
            inside = told == BEGIN
        elif len(told) >= TELLING:
            (between if inside else given).add(told)
    return between - given


def test_no_byte_of_it_gives_anything_away() -> None:
    assert found_in(FILES) == set()


def test_a_search_of_its_bytes_would_find_what_is_given_away() -> None:
    exercise = next(
        one for one in EXERCISES if one.expectation and one.expectation.thresholds[0].value
    )
    assert exercise.expectation is not None
    threshold = exercise.expectation.thresholds[0].value
    for told, what in (
        (f"{threshold}", f"threshold of {exercise.id}"),
        (max(answers(exercise), key=len), f"answer of {exercise.id}"),
        (f"hidden_rows = {exercise.data['hidden_rows']}", "hidden"),
    ):
        table = json.loads(FILES[FILE])
        table["exercises"][exercise.id]["hints"].append({"when": "data", "en": told, "ko": told})
        assert what in found_in({**FILES, FILE: json.dumps(table).encode()})


def test_a_threshold_is_one_wherever_it_stands_but_in_how_correct_runs_learn() -> None:
    """They are so many numbers of three digits that some are a threshold's by chance."""
    number = 0.0443
    table = json.loads(FILES[FILE])
    entry = table["exercises"]["multiplication-lstm"]
    entry["curve"] = {"loss": "mse", "runs": 20, "epochs": [5], "levels": [[number] * 21]}
    assert str(number) not in without_curves(json.dumps(table))
    entry["hints"].append({"when": "data", "en": f"{number}", "ko": f"{number}"})
    assert str(number) in without_curves(json.dumps(table))


def test_advice_about_accuracy_stays_at_home(public: PublicCourse) -> None:
    kept = {hint.when for one in public.exercises.values() for hint in one.hints}
    whole = {hint.when for one in EXERCISES for hint in one.hints}
    assert "low_accuracy" in whole
    assert kept
    assert not {one for one in kept if one == "low_accuracy" or one.startswith("accuracy")}


def test_of_the_data_only_what_looking_asks_for_is_told(public: PublicCourse) -> None:
    told = public.exercises["multiplication-lstm"].data
    assert told["steps"] == 100
    assert "hidden_rows" not in told
    assert "tolerance" not in told
    assert public.exercises["temperature-gru"].data.keys() == {
        "lookback",
        "delay",
        "min_rows",
        "train_hours",  # where the hours begin that are kept for checking
    }


def test_a_family_loses_all_that_looking_does_not_need() -> None:
    source = (
        "import os\nimport numpy as np\n\nLEAST = 3\nSEED = 4\n\n\nclass Kept:\n    pass\n\n\n"
        "def examine(fit, spec):\n    return helper(np.zeros(LEAST), Kept)\n\n\n"
        "def helper(array, kind):\n    return array, kind\n\n\n"
        "def ask(reading, rng, spec):\n    return SEED, os\n"
    )
    looking = looking_part(source)
    assert looking is not None
    scope: dict[str, Any] = {}
    exec(compile(looking.source, "family", "exec"), scope)
    assert {"examine", "helper", "Kept", "LEAST", "np"} <= scope.keys()
    assert not {"ask", "SEED", "os"} & scope.keys()


def test_a_family_that_opens_a_data_set_to_look_stays_at_home() -> None:
    source = (
        "from grader.course.data import source\n\n\ndef examine(fit, spec):\n    return source\n"
    )
    assert looking_part(source) is None
    assert looking_part(source.replace("return source", "return 1")) is not None


# --- what is read --------------------------------------------------------------------------------


def test_an_exercise_of_ones_own_checks_says_so(tmp_path: Path) -> None:
    course = course_of(tmp_path / "course", "sequence-prediction")
    (tmp_path / "course/reference/sequence-prediction/checks.py").write_text(
        "from grader.course.own_checks import OwnCheck\n"
        "CHECKS = (OwnCheck('training.patience', 5.0, lambda evidence, exercise: None),)\n"
    )
    public = written(public_files(course), tmp_path / "public")
    assert [cls.value for cls in public.own_checks["sequence-prediction"]] == ["training"]


def test_how_many_hints_a_course_allows_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    course_of(folder, "sequence-prediction")
    (folder / "course.toml").write_text('hints = 2\nlanguage = "ko"\n')
    public = written(public_files(load_course(folder)), tmp_path / "public")
    assert (public.hints, public.language) == (2, "ko")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "grader/public/v4"}'])
def test_what_is_no_public_half_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(GraderError) as caught:
        read_public(tmp_path)
    assert caught.value.message.id == "course.bad_file"


def test_one_of_another_version_says_so(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"schema": "grader/public/v9"}')
    with pytest.raises(GraderError) as caught:
        read_public(tmp_path)
    assert caught.value.message.id == "public.other_schema"


# --- as a package --------------------------------------------------------------------------------


def test_the_same_course_gives_the_same_wheel_and_another_one_another_version() -> None:
    name, content = wheel(FILES)
    assert wheel(dict(reversed(FILES.items()))) == (name, content)
    assert wheel({**FILES, FILE: FILES[FILE] + b"\n"})[0] != name
    assert len(content) < 1_000_000


def test_the_wheels_record_holds_every_file_with_its_digest() -> None:
    name, content = wheel(FILES)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inside = {one: archive.read(one) for one in archive.namelist()}
    (record,) = (one for one in inside if one.endswith("/RECORD"))
    assert record.startswith("-".join(name.split("-")[:2]))
    lines = dict(line.split(",", 1) for line in inside[record].decode().splitlines())
    assert lines.keys() == inside.keys()
    assert {f"grader_course/{one}" for one in FILES} < inside.keys()
    for one in inside.keys() - {record}:
        digest = base64.urlsafe_b64encode(hashlib.sha256(inside[one]).digest()).decode().rstrip("=")
        assert lines[one] == f"sha256={digest},{len(inside[one])}"


def test_a_course_without_the_instructors_half_shows_no_way_to_look_at_data() -> None:
    alone = replace(
        COURSE,
        root=Path("/nowhere"),
        exercises={key: replace(one, family=None) for key, one in COURSE.exercises.items()},
    )
    assert not [
        name
        for name in public_files(alone)
        if name.startswith("families/") and name.endswith(".py")
    ]
