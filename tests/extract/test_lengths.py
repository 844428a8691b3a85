"""A length of the student's own is a size: judged at it, told as it, and nothing to be gained by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.course.exercises import Exercise
from grader.course.load import load_course
from grader.extract.cases import exercise_case, measured, tasks_of
from grader.extract.extract import extract
from grader.extract.matching import read_model
from grader.score.grade import grade_of
from grader.types import Engine, EvidenceClass, Grade, Verdict
from tests.extract.notebooks import Room, asked, candidate, own_data, run_with, sequential

COURSE = load_course(Path(__file__).parents[2])
LENGTHS = {  # longer than the course's, that are cheap to look up
    "char-text": 25,
    "multiplication-gru": 120,
    "sentiment-bidirectional": 500,
    "sentiment-conv1d": 500,
    "sentiment-embedding": 500,
    "sequence-prediction": 5,
    "temperature-conv1d-gru": 240,
    "temperature-dense": 240,
    "temperature-gru": 240,
    "temperature-stacked": 240,
}


def at(exercise: Exercise, length: int) -> Exercise:
    (name,) = exercise.lengths
    shape = [
        length if extent == name else size
        for extent, size in zip(exercise.form.input_shape, exercise.input_shape, strict=True)
    ]
    own = exercise.sized(shape)
    assert own.lengths == {name: length}
    return own


def graded(exercise: Exercise, length: int, room: Room | None = None) -> tuple[Grade, Room]:
    """Grade the asked model, trained on the exercise's data at another length."""
    own, asking = at(exercise, length), room or Room(exercise)
    config = sequential(*asked(own), shape=own.input_shape)
    run = run_with(candidate(config, own_data(COURSE, own), epochs=exercise.epochs))
    (found,) = extract(run, [exercise.id], COURSE, asking, lambda _: 7)
    return grade_of(COURSE, found, Engine.JAX, "cpu").grade, asking


def points(grade: Grade, cls: EvidenceClass) -> tuple[float, float]:
    checks = [check for check in grade.checks if check.cls is cls]
    return sum(c.points for c in checks), sum(c.max_points for c in checks)


@pytest.mark.parametrize(("name", "length"), LENGTHS.items())
def test_a_longer_sequence_costs_nothing_in_structure_and_data(name: str, length: int) -> None:
    grade, _ = graded(COURSE.exercise(name), length)
    for cls in (EvidenceClass.STRUCTURE, EvidenceClass.DATA, EvidenceClass.TRAINING):
        got, most = points(grade, cls)
        assert got == pytest.approx(most), [c for c in grade.checks if not c.passed]
    assert grade.verdict in (Verdict.ACCEPTED, Verdict.LOW_ACCURACY)


def test_the_textbooks_500_words_are_told_as_a_size() -> None:
    exercise = COURSE.exercise("sentiment-embedding")
    own = at(exercise, 500)
    config = sequential(*asked(own), shape=(500,))
    run = run_with(candidate(config, own_data(COURSE, own)))
    (found,) = extract(run, [exercise.id], COURSE, Room(exercise), lambda _: 7)
    (note,) = [one for one in found.notes if one.id == "data.length_longer"]
    assert (note.args["got"], note.args["usual"]) == (500, 40)


def test_a_length_that_the_model_leaves_open_is_the_datas_to_show() -> None:
    exercise = COURSE.exercise("sentiment-embedding")
    config = sequential(*asked(exercise), shape=(None,))
    run = run_with(candidate(config, own_data(COURSE, at(exercise, 500))))
    (found,) = extract(run, [exercise.id], COURSE, Room(exercise), lambda _: 7)
    assert "data.length_longer" in [one.id for one in found.notes]
    assert all(one.fraction == 1.0 for one in found.data)


@pytest.mark.parametrize(
    ("name", "length"), [("multiplication-gru", 50), ("sentiment-embedding", 5)]
)
def test_too_short_a_sequence_costs_what_its_own_check_is_worth(name: str, length: int) -> None:
    grade, _ = graded(COURSE.exercise(name), length)
    failed = [
        check for check in grade.checks if not check.passed and check.cls is EvidenceClass.DATA
    ]
    assert [(check.id, check.message.id) for check in failed] == [
        ("data.shape", "data.length_too_short")
    ]
    assert failed[0].max_points <= 3.0
    got, most = points(grade, EvidenceClass.STRUCTURE)
    assert got == pytest.approx(most)
    assert grade.verdict is Verdict.WRONG_DATA


@pytest.mark.parametrize(("length", "hidden"), [(500, 500), (40, 40), (25, 40), (5, 40)])
def test_no_model_is_asked_about_less_than_the_courses_length(length: int, hidden: int) -> None:
    """A review cut to its last words would be easier, and to be had by a shorter ``maxlen``."""
    exercise = COURSE.exercise("sentiment-embedding")
    own = at(exercise, length)
    model = candidate(sequential(*asked(own), shape=own.input_shape), own_data(COURSE, own))
    case = exercise_case(exercise, [read_model(model)], [], COURSE, lambda _: 7)
    tasks = tasks_of(case)
    decides = case.asked if case.asked is not None else case.question
    assert decides is not None
    assert decides.inputs.shape == (1000, hidden)
    found = measured(case, Room(exercise)(tasks))
    assert "accuracy" in found.metrics


def test_the_hidden_reviews_are_the_same_at_every_length() -> None:
    exercise = COURSE.exercise("sentiment-embedding")
    words = []
    for length in (40, 500):
        own = at(exercise, length)
        model = candidate(sequential(*asked(own), shape=own.input_shape), own_data(COURSE, own))
        question = exercise_case(exercise, [read_model(model)], [], COURSE, lambda _: 7).question
        assert question is not None
        words.append([row[row > 0].tolist() for row in question.inputs])
    assert words[0] == words[1]


def test_a_model_of_one_length_only_is_not_asked_at_another() -> None:
    """A Dense on a flattened window has weights for its own length."""
    exercise = COURSE.exercise("temperature-dense")
    own = at(exercise, 24)
    model = candidate(sequential(*asked(own), shape=own.input_shape), own_data(COURSE, own))
    case = exercise_case(exercise, [read_model(model)], [], COURSE, lambda _: 7)
    answers = Room(exercise)(tasks_of(case))
    refused = {
        key: replace(one, error="ValueError", predictions=None) for key, one in answers.items()
    }
    found = measured(
        case, answers | {"temperature-dense/longer": refused["temperature-dense/longer"]}
    )
    assert found.unmet is not None
    assert found.unmet.id == "accuracy.other_length"


def test_another_sentiment_is_no_matter_of_length() -> None:
    """Wrong labels at 500 words are wrong labels."""
    exercise = COURSE.exercise("sentiment-embedding")
    own = at(exercise, 500)
    sample = own_data(COURSE, own)
    assert sample.y is not None
    wrong = replace(sample, y=replace(sample.y, rows=1 - np.asarray(sample.y.rows)))
    run = run_with(candidate(sequential(*asked(own), shape=(500,)), wrong))
    (found,) = extract(run, [exercise.id], COURSE, Room(exercise), lambda _: 7)
    assert [one.id for one in found.data if one.fraction < 1.0] == ["data.target"]


# --- what was measured elsewhere -------------------------------------------------------------------


def with_profile(exercise: Exercise, **data: object) -> Exercise:
    """An exercise with a second profile, measured, whose data differ in length and in this."""
    longer = at(exercise, 500)
    assert exercise.expectation is not None
    told = {key: value for key, value in longer.data.items() if not key.startswith("course_")}
    other = replace(longer, profile="long", data={**told, **data}, expectation=exercise.expectation)
    return replace(exercise, elsewhere=(other,))


def test_what_another_profile_measured_on_these_data_counts_at_its_length() -> None:
    exercise = with_profile(COURSE.exercise("sentiment-embedding"), min_rows=2500)
    assert exercise.at_profile_of(at(exercise, 500)).profile == "long"
    assert exercise.at_profile_of(at(exercise, 400)) is exercise
    assert exercise.at_profile_of(exercise) is exercise


def test_what_another_profile_measured_on_other_data_does_not() -> None:
    exercise = with_profile(COURSE.exercise("sentiment-embedding"), least_clauses=75)
    assert exercise.at_profile_of(at(exercise, 500)) is exercise


def test_a_shorter_profile_never_lowers_the_bar() -> None:
    usual = COURSE.exercise("sentiment-embedding")
    longer = replace(at(usual, 500), elsewhere=(replace(usual, profile="short"),))
    assert longer.at_profile_of(at(usual, 40)) is longer
