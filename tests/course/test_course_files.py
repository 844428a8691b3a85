"""What stands in the files of this repository's course is what is loaded of it, key by key."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from grader.course.data import DataSet, read_data_set
from grader.course.exercises import Exercise, ExpectedLayer
from grader.course.expectations import Threshold
from grader.course.load import load_course
from grader.course.sizes import evaluate
from grader.text.words import Words

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
EXERCISES = sorted(COURSE.exercises)
MEASURED = sorted(key for key in EXERCISES if COURSE.exercises[key].expectation)
DATA_SETS = sorted((ROOT / "reference" / "data").glob("*.toml"))
FOR_PEOPLE = {"attempts", "false_fail_after_attempts"}  # of a threshold


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def stripped(words: dict[str, str]) -> dict[str, str]:
    return {language: text.strip() for language, text in words.items()}


def one(key: str) -> tuple[Exercise, dict[str, Any], dict[str, Any]]:
    """An exercise, and what its public and its private file say."""
    return (
        COURSE.exercises[key],
        toml(ROOT / "assignments" / key / "exercise.toml"),
        toml(ROOT / "reference" / key / "spec.toml"),
    )


def test_there_are_files_to_compare() -> None:
    assert len(EXERCISES) == len(list((ROOT / "assignments").glob("*/exercise.toml"))) > 10
    assert len(MEASURED) == len(list((ROOT / "reference").glob("*/expected.json"))) > 10
    assert len(DATA_SETS) > 1


@pytest.mark.parametrize("key", EXERCISES)
def test_an_exercise_holds_what_its_public_file_says(key: str) -> None:
    exercise, public, _ = one(key)
    assert asdict(exercise.title) == stripped(public["title"])
    assert exercise.order == public["order"]
    assert exercise.epochs == public["training"]["epochs"]
    if "min_epochs" in public["training"]:
        assert exercise.min_epochs == public["training"]["min_epochs"]
    for evidence, points in public.get("points", {}).items():
        assert exercise.points[evidence] == points
    assert list(exercise.files) == public.get("files", [])


def as_written(layer: ExpectedLayer, wanted: dict[str, Any], sizes: dict[str, int]) -> None:
    settings = {
        key: sizes.get(value, value) if isinstance(value, str) else value
        for key, value in wanted.items()
        if key not in {"class", "output_shape", "params"}
    }
    assert (layer.cls, layer.config) == (wanted["class"], settings)
    assert list(layer.output_shape) == [evaluate(n, sizes) for n in wanted["output_shape"]]
    assert layer.params == evaluate(wanted["params"], sizes)


@pytest.mark.parametrize("key", EXERCISES)
def test_the_layers_are_those_of_the_file_at_its_usual_sizes(key: str) -> None:
    exercise, public, _ = one(key)
    model = public["model"]
    sizes = {name: size["usual"] for name, size in model.get("free", {}).items()}
    assert list(exercise.input_shape) == [evaluate(n, sizes) for n in model["input_shape"]]
    accepted = public.get("accept", [])
    for form, wanted in zip((exercise, *exercise.accept), (model, *accepted), strict=True):
        assert form.total_params == evaluate(wanted["total_params"], sizes)
        for layer, said in zip(form.layers, wanted["layers"], strict=True):
            as_written(layer, said, sizes)
    for form, wanted in zip(exercise.accept, accepted, strict=True):
        assert form.note.args == stripped(wanted["note"])


@pytest.mark.parametrize("key", EXERCISES)
def test_an_exercise_holds_what_its_private_file_says(key: str) -> None:
    exercise, _, private = one(key)
    assert exercise.family == private["family"]
    assert exercise.dataset == private.get("dataset")
    assert exercise.data.items() >= private.get("data", {}).items()
    limits = private.get("limits", {})
    assert exercise.attempts == limits.get("attempts", 3)
    assert (exercise.limits.timeout, exercise.limits.memory) == (
        limits.get("timeout"),
        limits.get("memory"),
    )
    assert {
        name: {key: value for key, value in asdict(own).items() if value is not None}
        for name, own in exercise.sample_limits.items()
    } == private.get("samples", {})
    said = [(hint.when, Words("en").say(hint.message)) for hint in exercise.hints]
    assert said == [(hint["when"], hint["en"].strip()) for hint in private.get("hints", [])]


def as_measured(threshold: Threshold) -> dict[str, Any]:
    told = asdict(threshold)
    assert told.pop("widened") is False
    return told


@pytest.mark.parametrize("key", MEASURED)
def test_an_expectation_holds_what_calibration_wrote(key: str) -> None:
    written = json.loads((ROOT / "reference" / key / "expected.json").read_text("utf-8"))
    found = COURSE.exercises[key].expectation
    assert found is not None
    assert (found.schema, found.exercise, found.profile) == (
        written["schema"],
        key,
        written["profile"],
    )
    assert asdict(found.data) == written["data"]
    assert [asdict(run) for run in found.runs] == written["runs"]
    assert found.structure.total_params == written["structure"]["total_params"]
    assert [
        {"class": layer.cls, "output_shape": list(layer.output_shape), "params": layer.params}
        for layer in found.structure.layers
    ] == written["structure"]["layers"]
    for threshold, wanted in zip(found.thresholds, written["thresholds"], strict=True):
        kept = {name: value for name, value in wanted.items() if name not in FOR_PEOPLE}
        left_out = tuple(kept.pop("left_out", ()))
        assert as_measured(threshold) == {"why": None, "left_out": left_out, **kept}


@pytest.mark.parametrize("path", DATA_SETS, ids=lambda path: path.stem)
def test_a_data_set_holds_what_its_file_says(path: Path) -> None:
    found: DataSet = read_data_set(path)
    written = toml(path)
    assert (found.name, asdict(found.title)) == (path.stem, stripped(written["title"]))
    for origin, wanted in zip(found.origins, written["sources"], strict=True):
        told = asdict(origin)
        assert told.pop("path").name == wanted["file"]
        beside = [{k: v for k, v in each.items() if k != "path"} for each in told.pop("beside")]
        assert beside == wanted.pop("beside", [])
        wanted["about"] = stripped(wanted["about"])
        assert {name: value for name, value in told.items() if value is not None} == wanted
