"""Profiles: an exercise at other sizes has its own data, its own notebook and its own thresholds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.authoring.bundle import release
from grader.authoring.new import begin
from grader.authoring.release import full, made_for, stub, text
from grader.course.data import data_fingerprint
from grader.course.exercises import Course, Exercise
from grader.course.families import load_family
from grader.course.load import load_course
from grader.course.profiles import LAPTOP, choose, overlaid
from grader.course.rewording import resized, reworded
from grader.execution import ArraySample, FitSample
from grader.pipeline.job import Job, Settings, fingerprints
from grader.pipeline.runner import slots
from grader.report.json_ import results_json
from grader.score.score import score
from grader.submission import Submission
from grader.text.words import Words
from grader.types import GraderError, Level
from grader.verify.cases import Kind, cases
from grader.verify.rules import check_files
from tests.support import builders as b
from tests.support.cli_help import Shell
from tests.support.course_help import ROOT, course_of

ID = "next-number"
USUAL = load_course(ROOT)
FULL = load_course(ROOT, "full")
LARGER = [key for key, one in FULL.exercises.items() if one.profile == "full"]
SENTIMENT = [key for key in LARGER if key.startswith("sentiment")]
HERE = Path("spec.toml")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with one small exercise of its own that has a second size."""
    course = course_of(tmp_path / "course", "sequence-prediction")
    begun = begin(course, ID)
    with (begun.assignment / "exercise.toml").open("a", encoding="utf-8") as file:
        file.write("\n[profiles.full.training]\nepochs = 61\n")
        file.write("\n[profiles.full.model]\ninput_shape = [5, 1]\n")
    with (begun.reference / "spec.toml").open("a", encoding="utf-8") as file:
        file.write("\n[profiles.full.data]\nsteps = 5\n\n[profiles.full.limits]\ntimeout = 77\n")
        file.write("\n[profiles.full.words]\n")
        file.write('"(4, 1)" = "(5, 1)"\n"(6, 4, 1)" = "(6, 5, 1)"\n"epochs=60" = "epochs=61"\n')
        file.write(
            '"수 네 개" = "수 다섯 개"\n"60에포크" = "61에포크"\n" 60 epochs" = " 61 epochs"\n'
        )
    return course.root


def at(root: Path, profile: str | None = None) -> Exercise:
    return load_course(root, profile).exercise(ID)


def source(exercise: Exercise) -> str:
    assert exercise.reference_path is not None
    notebook = stub(exercise.reference_path / "solution.py", exercise)
    return "\n".join(cell.source for cell in notebook.cells)


def handed_in(place: Path, exercise: Exercise) -> Path:
    assert exercise.reference_path is not None
    path = place / f"{exercise.profile}-student" / f"{exercise.id}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text(full(exercise.reference_path / "solution.py", exercise)), "utf-8")
    return path


def problem(root: Path, profile: str) -> tuple[str, dict[str, Any]]:
    with pytest.raises(GraderError) as caught:
        load_course(root, profile)
    return caught.value.message.id, dict(caught.value.message.args)


class TestReading:
    def test_a_profile_changes_what_it_names_and_nothing_else(self, root: Path) -> None:
        usual, larger = at(root), at(root, "full")
        assert (usual.profile, larger.profile) == (LAPTOP, "full")
        assert (larger.data["steps"], larger.epochs, larger.input_shape) == (5, 61, (5, 1))
        assert larger.limits == replace(usual.limits, timeout=77.0)
        assert larger.layers == usual.layers
        assert {**larger.data, "steps": 4} == usual.data

    def test_an_exercise_without_the_profile_keeps_its_sizes_and_says_so(self, root: Path) -> None:
        kept = load_course(root, "full").exercise("sequence-prediction")
        assert kept == load_course(root).exercise("sequence-prediction")
        assert kept.profile == LAPTOP

    def test_a_profile_that_no_exercise_knows_is_refused_with_those_there_are(
        self, root: Path
    ) -> None:
        assert problem(root, "huge") == (
            "course.unknown_profile",
            {"profile": "huge", "known": "laptop, full"},
        )

    def test_a_profile_may_say_only_what_the_file_may(self, root: Path) -> None:
        path = root / "reference" / ID / "spec.toml"
        path.write_text(path.read_text("utf-8") + "\n[profiles.full.limit]\ntimeout = 3\n", "utf-8")
        key, args = problem(root, "full")
        assert (key, args["key"]) == ("rules.unknown_key_near", "limit")
        assert "[profiles.full.limit]" in path.read_text("utf-8").split("\n")[args["line"] - 1]

    @pytest.mark.parametrize("name", ["laptop", "Full", "../x", ""])
    def test_a_name_that_cannot_be_a_profiles_is_refused(self, name: str) -> None:
        with pytest.raises(GraderError) as caught:
            choose({"profiles": {name: {}}}, LAPTOP, HERE)
        assert caught.value.message.args["key"] == f"profiles.{name}"

    @pytest.mark.parametrize("profiles", [3, [], {"full": 3}])
    def test_profiles_that_are_no_tables_are_refused(self, profiles: object) -> None:
        with pytest.raises(GraderError):
            choose({"profiles": profiles}, LAPTOP, HERE)

    def test_lists_of_as_many_tables_are_laid_one_by_one(self) -> None:
        base = {"layers": [{"a": 1, "b": 1}, {"a": 2}], "list": [1, 2]}
        top = {"layers": [{"b": 3}, {}], "list": [4, 5]}
        assert overlaid(base, top) == {"layers": [{"a": 1, "b": 3}, {"a": 2}], "list": [4, 5]}

    def test_a_course_file_names_the_profile_that_counts_unless_another_is_asked_for(
        self, root: Path
    ) -> None:
        (root / "course.toml").write_text('profile = "full"\n', "utf-8")
        assert (at(root).profile, at(root, LAPTOP).profile) == ("full", LAPTOP)

    def test_an_origins_tables_count_where_the_data_set_is_made_of_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        course = course_of(tmp_path / "course", "sequence-prediction", "temperature-gru")
        folder = course.root / "reference/data"
        folder.mkdir()
        words = '{ en = "x", ko = "x" }'
        said = f'licence = "CC0"\nabout = {words}\n'
        (folder / "weather.toml").write_text(
            f'title = {words}\n[[sources]]\nname = "jena"\nwhere = "cache"\nfile = "j.zip"\n{said}'
            f'[[sources]]\nname = "new-york-2013"\nwhere = "shipped"\nfile = "n.gz"\n{said}'
        )
        monkeypatch.setenv("GRADER_DATA", str(tmp_path / "cache"))
        hours = load_course(course.root, "full").exercise("temperature-gru").data["train_hours"]
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache/j.zip").write_bytes(b"jena")
        found = load_course(course.root, "full").exercise("temperature-gru")
        assert (hours, found.data["train_hours"], found.limits.memory) == (5500, 33333, 12288)
        usual = load_course(course.root).exercise("temperature-gru")
        assert usual.data == USUAL.exercise("temperature-gru").data


class TestNotebook:
    def test_the_line_of_sizes_takes_the_names_of_the_data_table(self) -> None:
        cell = "import os\nFILE, WORDS, LENGTH = 'a.npz', 10000, 40\nX = f(LENGTH, 40)"
        assert resized(cell, {"length": 500, "other": 1}) == cell.replace("00, 40", "00, 500")

    @pytest.mark.parametrize(
        "line", ["LENGTH = 40", "LENGTH = len(x)", "A, LENGTH = 4", "length = 3", "A, B = 1, 2"]
    )
    def test_a_line_that_is_right_or_no_line_of_sizes_stays(self, line: str) -> None:
        assert resized(line, {"length": 40}) == line

    def test_every_place_is_said_otherwise_once(self) -> None:
        words = {"a": "b", "b": "c", "ab": "d"}
        assert reworded("a b ab", words) == ("b c d", frozenset())
        assert reworded("x", words) == ("x", frozenset(words))

    def test_one_source_gives_the_notebook_of_either_size(self, root: Path) -> None:
        assert "STEPS = 4\n" in source(at(root))
        assert "STEPS = 5\n" in source(at(root, "full"))
        assert "epochs=61" in text(full(root / "reference" / ID / "solution.py", at(root, "full")))

    def test_words_that_the_source_no_longer_holds_are_named(self, root: Path) -> None:
        path = root / "reference" / ID / "solution.py"
        path.write_text(path.read_text("utf-8").replace("60에포크", "예순 번"), "utf-8")
        with pytest.raises(GraderError) as caught:
            source(at(root, "full"))
        assert caught.value.message.id == "release.words_lost"
        assert caught.value.message.args["words"] == "60에포크"

    def test_hints_speak_of_the_profiles_sizes(self, root: Path) -> None:
        (told,) = at(root, "full").hints_for("untrained")
        assert "all 61 epochs" in Words("en").say(told)
        assert "all 60 epochs" in Words("en").say(at(root).hints_for("untrained")[0])

    def test_what_students_get_counts_at_the_profiles_sizes(
        self, root: Path, tmp_path: Path
    ) -> None:
        (root / "course.toml").write_text('language = "ko"\n', "utf-8")
        release(load_course(root, "full"), tmp_path / "out")
        students = load_course(tmp_path / "out")
        assert (students.profile, students.language) == ("full", "ko")
        assert students.exercise(ID).input_shape == (5, 1)
        notebook = tmp_path / "out/assignments" / ID / f"{ID}.ipynb"
        assert "STEPS = 5" in notebook.read_text("utf-8")

    def test_a_release_of_the_usual_sizes_says_nothing_of_profiles(
        self, root: Path, tmp_path: Path
    ) -> None:
        (root / "course.toml").write_text('profile = "full"\nlanguage = "ko"\n', "utf-8")
        release(load_course(root, LAPTOP), tmp_path / "out")
        assert load_course(tmp_path / "out").profile == LAPTOP

    @pytest.mark.parametrize("key", LARGER)
    def test_no_usual_size_is_left_in_a_larger_notebook(self, key: str) -> None:
        told = source(FULL.exercise(key))
        usual, larger = (set(_sizes(course.exercise(key))) for course in (USUAL, FULL))
        gone = {str(size) for size in usual - larger if size > 32}  # smaller ones mean many things
        assert gone
        assert not {one for one in re.findall(r"\d+", told) if one in gone}

    @pytest.mark.parametrize("key", LARGER)
    def test_every_shape_of_a_larger_model_stands_in_its_notebook(self, key: str) -> None:
        exercise = FULL.exercise(key)
        told = source(exercise)
        for layer in exercise.layers[:-1]:
            inside = ", ".join(map(str, layer.output_shape))
            assert f"({inside}{',' if len(layer.output_shape) == 1 else ''})" in told


def _sizes(exercise: Exercise) -> Iterator[int]:
    """Sizes of inputs and outputs, and the sum of the parameters."""
    yield exercise.total_params
    for shape in (exercise.input_shape, *(layer.output_shape for layer in exercise.layers)):
        yield from (size for size in shape if size is not None)


class TestCourse:
    @pytest.mark.parametrize("key", [key for key in LARGER if key not in SENTIMENT])
    def test_a_larger_exercise_has_other_data(self, key: str) -> None:
        prints = {_fingerprint(course, key) for course in (USUAL, FULL)}
        assert len(prints) == 2

    def test_the_textbooks_window_is_ten_days_by_the_hour(self) -> None:
        larger = FULL.exercise("temperature-dense")
        assert (larger.input_shape, larger.total_params) == ((240, 14), 107585)
        family = load_family(ROOT / "reference", "weather")
        inputs, targets = family.training(np.random.default_rng(0), larger.data)
        hours = int(str(larger.data["train_hours"]))
        assert inputs.shape == (hours - 240 - 24, 240, 14)
        assert targets.shape == inputs.shape[:1]

    def test_the_judge_reads_and_asks_the_larger_windows(self) -> None:
        exercise = FULL.exercise("temperature-gru")
        family = load_family(ROOT / "reference", "weather")
        x, y = family.training(np.random.default_rng(0), exercise.data)
        given = [ArraySample(one.shape, "float32", one[:256], {}) for one in (x, y)]
        reading = family.examine(FitSample(given[0], given[1]), exercise.data)
        assert [one.fraction for one in reading.findings] == [1.0] * 5
        question = family.ask(reading, np.random.default_rng(1), exercise.data)
        assert question.inputs.shape == (1000, 240, 14)
        smaller = family.examine(FitSample(given[0], given[1]), USUAL.exercise(exercise.id).data)
        assert [one.fraction for one in smaller.findings] == [0.0]

    def test_files_of_the_course_fit_together_at_the_larger_sizes(self) -> None:
        larger = [FULL.exercise("temperature-stacked")]
        wrong = [one for one in check_files(FULL, larger) if not (one.holds or one.waiting)]
        assert wrong == []

    def test_only_stub_and_reference_have_the_larger_sizes(
        self, root: Path, tmp_path: Path
    ) -> None:
        course = load_course(root, "full")
        found = cases(course, [course.exercise(ID)], tmp_path)
        assert [case.kind for case in found] == [Kind.STUB, Kind.REFERENCE]
        assert all("STEPS = 5" in case.path.read_text("utf-8") for case in found)


def _fingerprint(course: Course, key: str) -> str:
    exercise = course.exercise(key)
    assert course.reference is not None
    assert exercise.family is not None
    return data_fingerprint(exercise, load_family(course.reference, exercise.family))


class TestThresholds:
    def expected(self, profile: str) -> dict[str, Any]:
        entry = {"engine": "jax", "device": "cpu", "metric": "mse", "better": "lower"}
        return {
            "schema": "grader/expected/v1",
            "exercise": ID,
            "profile": profile,
            "data": {"fingerprint": "sha256:f00d"},
            "structure": {"layers": [], "total_params": 0},
            "runs": [],
            "thresholds": [{**entry, "value": 0.1, "control": 0.9, "reason": "x"}],
        }

    def write(self, root: Path, name: str, profile: str) -> None:
        path = root / "reference" / ID / name
        path.write_text(json.dumps(self.expected(profile)), "utf-8")

    @pytest.mark.parametrize("named", ["standard", "laptop"])
    def test_measurements_of_the_usual_sizes_count_under_either_name(
        self, root: Path, named: str
    ) -> None:
        self.write(root, "expected.json", named)
        assert at(root).expectation is not None

    def test_the_usual_thresholds_never_count_at_other_sizes(self, root: Path) -> None:
        self.write(root, "expected.json", "standard")
        assert at(root, "full").expectation is None
        self.write(root, "expected.full.json", "full")
        measured = at(root, "full").expectation
        assert measured is not None
        assert measured.profile == "full"

    @pytest.mark.parametrize("named", ["standard", "laptop"])
    def test_a_file_copied_from_the_usual_sizes_is_refused(self, root: Path, named: str) -> None:
        self.write(root, "expected.full.json", named)
        assert problem(root, "full")[1]["key"] == "profile"

    def test_uncalibrated_accuracy_is_shared_out_with_the_reason(self, root: Path) -> None:
        (check,) = [one for one in self.checks(at(root, "full")) if one.id == "accuracy.none"]
        assert check.max_points == 0
        assert "not calibrated for this profile" in Words("en").say(check.message)
        assert sum(one.max_points for one in self.checks(at(root, "full"))) == pytest.approx(100)

    def checks(self, exercise: Exercise) -> Any:
        return score(b.evidence(exercise=ID), exercise, None).checks


class TestKeys:
    def keys(self, root: Path, profile: str, key: str = ID) -> tuple[str, str]:
        course = load_course(root, profile)
        submission = Submission("a", "kim", root / "a.ipynb", (key,), None, None, "d" * 64)
        job = Job(course, Settings(b"s" * 32), submission, Level.FULL)
        (slot,) = slots(1, ())[:1]
        return job.execution_key(slot, job.choice.engine, 1), job.score_key(slot, key)

    def test_the_profile_belongs_to_both_keys(self, root: Path) -> None:
        usual, larger = self.keys(root, LAPTOP), self.keys(root, "full")
        assert usual[0] != larger[0]
        assert usual[1] != larger[1]

    def test_an_exercise_without_other_sizes_keeps_its_keys(self, root: Path) -> None:
        one = "sequence-prediction"
        assert self.keys(root, LAPTOP, one) == self.keys(root, "full", one)

    def test_a_profiles_own_calibration_belongs_to_its_score_key_alone(self, root: Path) -> None:
        before = [fingerprints(load_course(root, p), at(root, p)) for p in (LAPTOP, "full")]
        (root / "reference" / ID / "expected.full.json").write_text(
            json.dumps(TestThresholds().expected("full")), "utf-8"
        )
        after = [fingerprints(load_course(root, p), at(root, p)) for p in (LAPTOP, "full")]
        assert (before[0] == after[0], before[1] == after[1]) == (True, False)


class TestTold:
    def told(self, profile: str) -> dict[str, Any]:
        record = replace(b.record(), profile=profile)
        (result,) = results_json([record], Words("en"), lambda _: "x")["results"]  # type: ignore[misc,union-attr]
        return dict(result)  # type: ignore[arg-type, call-overload]

    def test_results_name_a_profile_that_is_not_the_usual_one(self) -> None:
        assert self.told("full")["profile"] == "full"
        assert "profile" not in self.told(LAPTOP)

    @pytest.mark.parametrize("lang", ["ko", "en"])
    def test_an_unknown_profile_costs_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path, lang: str
    ) -> None:
        said = Shell(monkeypatch, capfd, tmp_path)("list", "--profile", "huge", "--lang", lang)
        assert said.code == 2
        assert "laptop, full" in said.line

    def test_the_list_names_exercises_without_other_sizes(
        self, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
    ) -> None:
        said = Shell(monkeypatch, capfd, tmp_path)("list", "--profile", "full", "--lang", "en")
        told = said.out.split("the same as there:")[1]
        assert "multiplication-lstm" in told
        assert "temperature-gru" not in told

    def test_there_is_nothing_to_calibrate_where_there_are_no_other_sizes(
        self, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path, root: Path
    ) -> None:
        from grader.cli import calibrate

        shell = Shell(monkeypatch, capfd, tmp_path)
        monkeypatch.setenv("GRADER_COURSE", str(root))
        monkeypatch.setattr(calibrate, "open_room", lambda *_: None)
        said = shell("calibrate", "sequence-prediction", "--profile", "full", "--lang", "en")
        assert said.code == 0
        assert "no sizes of its own for full" in said.out


@pytest.mark.real
def test_a_small_exercise_is_graded_at_both_its_sizes(
    monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path, root: Path
) -> None:
    shell = Shell(monkeypatch, capfd, tmp_path)
    monkeypatch.setenv("GRADER_COURSE", str(root))
    usual = handed_in(tmp_path / "class", at(root))
    larger = handed_in(tmp_path / "class", at(root, "full"))

    def graded(path: Path, *options: str) -> dict[str, Any]:
        said = shell.grade(path, "--format", "json", *options)
        (result,) = json.loads(said.out)["results"]
        return dict(result)

    first, second = graded(usual), graded(larger, "--profile", "full")
    assert (first["verdict"], first["score"]) == ("accepted", 100)
    assert (second["verdict"], second["score"], second["profile"]) == ("accepted", 100, "full")
    again = shell("regrade", "--out", shell.out, "--format", "json", "--lang", "en")
    kept = [one.get("profile", LAPTOP) for one in json.loads(again.out)["results"]]
    assert sorted(kept) == ["full", LAPTOP]
    assert again.code == 0
    assert graded(larger)["verdict"] == "wrong_data"
    assert made_for(load_course(root, "full"), at(root, "full"))
