"""What a check of a student's own says of the data and of points: of what it looks at, and no more."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.authoring.public import written_public
from grader.course.exercises import Course, Exercise
from grader.course.families import load_family
from grader.course.load import load_course
from grader.course.public import FILE, public_half, read_public
from grader.execution import FitSample
from grader.extract.apart import Together
from grader.extract.extract import extract
from grader.extract.held import whose_data
from grader.extract.matching import read_model
from grader.pipeline.job import fingerprints
from grader.pipeline.judging import RunToJudge, judge
from grader.score.grade import grade_of
from grader.score.score import malformed
from grader.types import Engine, Evidence, EvidenceClass, Grade, Message, Verdict
from tests.extract.notebooks import Room, asked, candidate, given, own_data, run_with, sequential
from tests.support.course_help import ROOT, course_of
from tests.support.notebook_runs import notebook

COURSE = load_course(ROOT)
EXERCISES = list(COURSE.exercises.values())
LOOKED_UP, DRAWN = "temperature-gru", "multiplication-lstm"
NEITHER = (EvidenceClass.ACCURACY, EvidenceClass.DATA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The students' half of this course, as a release writes it."""
    return written_public(COURSE, tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="module")
def students(folder: Path) -> Course:
    return public_half(COURSE, read_public(folder))


def evidence(course: Course, exercise: str, sample: FitSample | None) -> Evidence:
    """What is established of the exercise's own model, trained on this as long as asked."""
    known = COURSE.exercises[exercise]
    config = sequential(*asked(known), shape=known.input_shape)
    model = candidate(config, sample, epochs=known.epochs)
    (found,) = extract(run_with(model), [exercise], course, Room(known), lambda _: 1)
    return found


def graded(course: Course, found: Evidence) -> Grade:
    return grade_of(course, found, Engine.JAX, "cpu").grade


def points_but(exercise: Exercise, *without: EvidenceClass) -> float:
    return math.fsum(given for cls, given in exercise.points.items() if cls not in without)


def wrong_data(exercise: Exercise) -> FitSample:
    """Inputs and targets that do not belong together."""
    family = load_family(ROOT / "reference", exercise.family or "")
    x, y = family.training(np.random.default_rng(1), exercise.data)
    return given(x, y[::-1] + 1)


# --- the data are looked at, as the judge looks at them ------------------------------------------


@pytest.mark.parametrize("exercise", [LOOKED_UP, DRAWN])
def test_right_work_has_every_point_that_a_check_looks_at(exercise: str, students: Course) -> None:
    sample = own_data(COURSE, COURSE.exercises[exercise])
    found = evidence(students, exercise, sample)
    assert found.data == evidence(COURSE, exercise, sample).data != ()
    grade = graded(students, found)
    most = points_but(COURSE.exercises[exercise], EvidenceClass.ACCURACY)
    assert (grade.verdict, grade.score, grade.max_score) == (Verdict.ACCEPTED, most, most)


@pytest.mark.parametrize("exercise", [LOOKED_UP, DRAWN])
def test_wrong_data_are_wrong_here_too(exercise: str, students: Course) -> None:
    sample = wrong_data(COURSE.exercises[exercise])
    found = evidence(students, exercise, sample)
    assert found.data == evidence(COURSE, exercise, sample).data
    grade = graded(students, found)
    assert grade.verdict is Verdict.WRONG_DATA
    assert grade.score is not None
    assert grade.score < grade.max_score


def test_a_model_without_fit_lacks_data_and_training(students: Course) -> None:
    grade = graded(students, evidence(students, DRAWN, None))
    exercise = COURSE.exercises[DRAWN]
    earned = points_but(exercise, *NEITHER, EvidenceClass.TRAINING)
    most = points_but(exercise, EvidenceClass.ACCURACY)
    assert (grade.verdict, grade.max_score) == (Verdict.UNTRAINED, most)
    assert grade.score is not None
    assert earned <= grade.score < most


def test_whose_data_they_are_is_known_as_the_judge_knows_it(students: Course) -> None:
    exercise = COURSE.exercises[DRAWN]
    config = sequential(*asked(exercise), shape=exercise.input_shape)
    for sample, theirs in ((own_data(COURSE, exercise), True), (wrong_data(exercise), None)):
        reading = read_model(candidate(config, sample))
        judges, own = (whose_data(one, Together()) for one in (COURSE, students))
        assert own(reading, students.exercises[DRAWN]) == judges(reading, exercise)
        assert theirs is None or own(reading, students.exercises[DRAWN]) is theirs


# --- what nobody looks at neither earns nor costs anything ---------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.id)
def test_without_what_looks_at_data_right_work_has_every_point_there_is(
    exercise: Exercise,
) -> None:
    course = public_half(COURSE)
    found = evidence(course, exercise.id, own_data(COURSE, exercise))
    grade = graded(course, found)
    most = points_but(exercise, *NEITHER)
    assert (grade.verdict, grade.score, grade.max_score) == (Verdict.ACCEPTED, most, most)
    said = {check.cls: check.message.id for check in grade.checks if check.cls in NEITHER}
    assert said[EvidenceClass.DATA] == "live.data_unasked"
    left = "accuracy.no_reference" if exercise.earns_by_accuracy else None
    assert said.get(EvidenceClass.ACCURACY) == left


def test_a_students_copy_that_is_graded_has_no_points_for_data_either() -> None:
    exercises = {
        key: replace(one, family=None, data={}, expectation=None, reference_path=None)
        for key, one in COURSE.exercises.items()
    }
    course = replace(COURSE, root=ROOT / "nowhere", exercises=exercises)
    grade = graded(course, evidence(course, DRAWN, own_data(COURSE, COURSE.exercises[DRAWN])))
    assert grade.verdict is Verdict.ACCEPTED
    assert grade.score == grade.max_score < 100


def test_a_wrong_layer_costs_its_own_points_and_no_others() -> None:
    course, exercise = public_half(COURSE), COURSE.exercises[DRAWN]
    found = evidence(course, DRAWN, own_data(COURSE, exercise))
    assert found.model is not None
    first, *rest = found.model.layers
    wrong = replace(found.model, layers=(replace(first, cls="GRU"), *rest))
    grade = graded(course, replace(found, model=wrong))
    structure = [one for one in grade.checks if one.cls is EvidenceClass.STRUCTURE]
    lost = math.fsum(one.max_points - one.points for one in structure)
    assert 0 < lost <= exercise.points[EvidenceClass.STRUCTURE]
    assert grade.score == pytest.approx(points_but(exercise, *NEITHER) - lost, abs=0.01)


def test_a_file_that_is_missing_is_named_and_costs_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (FILE, "families/weather.py"):
        path = tmp_path / "grader_course" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((folder / name).read_bytes())
    exercise = COURSE.exercises[LOOKED_UP]
    without = replace(exercise, assignment_path=tmp_path / "assignments" / LOOKED_UP)
    students = replace(COURSE, exercises={**COURSE.exercises, LOOKED_UP: without})
    course = public_half(students, read_public(path.parents[1]))
    grade = graded(course, evidence(course, LOOKED_UP, own_data(COURSE, exercise)))
    assert grade.verdict is Verdict.ACCEPTED
    assert grade.score == grade.max_score == points_but(exercise, *NEITHER)
    assert "live.data_missing" in {check.message.id for check in grade.checks}


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("open('jena_climate_2009_2016.csv')", Verdict.ACCEPTED),
        ("open('weather.csv')", Verdict.WRONG_DATA),
    ],
)
def test_data_of_a_file_that_is_another_one_in_grading_are_not_judged(
    source: str, verdict: Verdict, students: Course
) -> None:
    exercise = COURSE.exercises[LOOKED_UP]
    x, y = load_family(ROOT / "reference", exercise.family or "").training(
        np.random.default_rng(1), exercise.data
    )
    config = sequential(*asked(exercise), shape=exercise.input_shape)
    others = given(np.random.default_rng(2).normal(size=x.shape).astype(np.float32), y)
    run = run_with(candidate(config, others, epochs=exercise.epochs))
    seeds = dict.fromkeys(COURSE.exercises, 1)
    asked_of = RunToJudge(students, notebook(source), run, (LOOKED_UP,), seeds)
    (judged,) = judge(asked_of, Room(exercise), lambda _: None, lambda e: Message("x"))
    assert judged.grade.verdict is verdict
    if verdict is Verdict.ACCEPTED:
        assert judged.grade.score == judged.grade.max_score == points_but(exercise, *NEITHER)


def test_a_family_need_not_say_what_tells_its_data_from_others(
    students: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert students.public is not None
    exercise = COURSE.exercises[LOOKED_UP]
    family = load_family(students.public, exercise.family or "")
    monkeypatch.delattr(family, "OWN")
    x, y = load_family(ROOT / "reference", exercise.family or "").training(
        np.random.default_rng(1), exercise.data
    )
    config = sequential(*asked(exercise), shape=exercise.input_shape)
    others = given(np.random.default_rng(2).normal(size=x.shape).astype(np.float32), y)
    run = run_with(candidate(config, others, epochs=exercise.epochs))
    seeds = dict.fromkeys(COURSE.exercises, 1)
    asked_of = RunToJudge(
        students, notebook("open('jena_climate_2009_2016.csv')"), run, (LOOKED_UP,), seeds
    )
    (judged,) = judge(asked_of, Room(exercise), lambda _: None, lambda e: Message("x"))
    assert judged.grade.verdict is Verdict.WRONG_DATA


def test_points_of_the_courses_own_checks_are_not_to_be_had(tmp_path: Path) -> None:
    course = course_of(tmp_path / "course", DRAWN)
    exercise = course.exercises[DRAWN]
    assert exercise.reference_path is not None
    (exercise.reference_path / "checks.py").write_text(OWN_CHECK, "utf-8")
    made = read_public(written_public(course, tmp_path))
    students = public_half(course, made)
    found = evidence(students, DRAWN, own_data(COURSE, COURSE.exercises[DRAWN]))
    grade = graded(students, found)
    most = points_but(exercise, EvidenceClass.ACCURACY) - 5
    assert (grade.verdict, grade.score, grade.max_score) == (Verdict.ACCEPTED, most, most)
    assert [one.message.id for one in grade.checks if one.id == "structure.own"] == [
        "live.own_checks"
    ]


OWN_CHECK = """
from grader.course.own_checks import CheckAnswer, OwnCheck

CHECKS = (OwnCheck("structure.narrowing", 5, lambda *_: CheckAnswer(0.0, "", "", "no", "아니요")),)
"""


def test_what_nobody_can_read_is_out_of_the_same_points(students: Course) -> None:
    exercise = students.exercises[DRAWN]
    grade = malformed(Message("collect.empty_file"), exercise.max_score)
    assert (grade.score, grade.max_score) == (0.0, points_but(exercise, EvidenceClass.ACCURACY))


def test_official_points_are_a_hundred() -> None:
    assert {one.max_score for one in EXERCISES} == {100.0}


# --- kept results, and what must not be used -----------------------------------------------------


def test_nothing_of_the_instructors_is_looked_up(students: Course) -> None:
    assert students.reference is None
    for exercise in students.exercises.values():
        assert exercise.expectation is None
        assert exercise.dataset is None
        assert not [one for one in exercise.elsewhere if one.expectation or one.reference_path]


def test_a_check_and_a_grade_of_the_same_copy_are_kept_apart(
    students: Course, folder: Path, tmp_path: Path
) -> None:
    keys: Mapping[str, Course] = {
        "grade": COURSE,
        "looks": students,
        "does not": public_half(COURSE),
    }
    assert len({fingerprints(one, one.exercises[DRAWN]) for one in keys.values()}) == 3
    other = tmp_path / "grader_course"
    other.mkdir()
    table = json.loads((folder / FILE).read_text("utf-8"))
    (other / FILE).write_text(json.dumps(table, indent=2), "utf-8")
    elsewhere = replace(students, public=other)
    assert fingerprints(elsewhere, elsewhere.exercises[DRAWN]) not in {
        fingerprints(one, one.exercises[DRAWN]) for one in keys.values()
    }
