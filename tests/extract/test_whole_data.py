"""The data of a training that is ours are what was ordered, all of it, whatever was shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.course.families import load_family
from grader.course.load import load_course
from grader.execution import ArraySample, FitSample, Showing, Training
from grader.extract.extract import extract
from grader.extract.matching import read_model
from grader.extract.proof import layers_digest, weights_digest
from grader.trainer.seen import seen_rows
from grader.types import Array, Evidence, Message, Scalar
from tests.extract.notebooks import Room, asked, candidate, given, own_data, run_with, sequential

COURSE = load_course(Path(__file__).parents[2])
REVIEWS = COURSE.exercise("sentiment-embedding")
SEQUENCE = COURSE.exercise("sequence-prediction")


def rows_of(name: str) -> tuple[Array, Array]:
    exercise = COURSE.exercise(name)
    assert COURSE.reference is not None
    assert exercise.family is not None
    family = load_family(COURSE.reference, exercise.family)
    return family.training(np.random.default_rng(1), exercise.data)


def found(
    name: str, x: Array, y: Array, *, planted: bool = False, samples: int | None = None
) -> Evidence:
    """What is found of a notebook that shows right data, and ordered these."""
    exercise = COURSE.exercise(name)
    made = candidate(
        sequential(*asked(exercise), shape=exercise.input_shape), own_data(COURSE, exercise)
    )
    architecture = read_model(made).architecture
    assert architecture is not None
    training = Training(
        4,
        "k",
        layers=layers_digest(architecture.layers),
        weights=weights_digest(made.final) if not planted else "others",
        epochs=10,
        rows=len(x),
        samples=samples,
        updates=80,
        moved=True,
        history={"loss": (1.0,)},
        sample=seen_rows(x, y, 3),
    )
    run = replace(run_with(made), trainings=(training,))
    (evidence,) = extract(run, [name], COURSE, Room(exercise), lambda _: 7)
    return evidence


def missed(evidence: Evidence) -> set[str]:
    return {one.id for one in evidence.data if one.fraction < 1.0}


def test_an_order_of_the_exercises_own_data_has_nothing_to_be_missed() -> None:
    for name in (REVIEWS.id, SEQUENCE.id, "multiplication-gru"):
        assert missed(found(name, *rows_of(name))) == set()


def test_two_reviews_five_hundred_times_are_two() -> None:
    x, y = rows_of(REVIEWS.id)
    both = np.array([int(np.argmax(y == 0)), int(np.argmax(y == 1))])
    few = found(REVIEWS.id, np.tile(x[both], (500, 1)), np.tile(y[both], 500))
    assert missed(few) == {"data.rows"}
    assert {one.got for one in few.data if one.id == "data.rows"} == {"2"}


@pytest.mark.parametrize("noise", [1e-6, 1e-3])
def test_two_sequences_with_noise_on_them_are_few(noise: float) -> None:
    """Their targets are right, to the last digit; nothing is in them that was not in two."""
    x, _ = rows_of("multiplication-gru")
    rng = np.random.default_rng(3)
    many = np.repeat(x[:2], 800, axis=0)
    many[:, :, 1] = np.clip(many[:, :, 1] + rng.normal(0, noise, many.shape[:2]), 0, 1)
    products = np.where(many[:, :, 0] == 1.0, many[:, :, 1], 1.0).prod(axis=1)
    order = rng.permutation(len(many))
    few = found("multiplication-gru", many[order], products[order].astype(np.float32))
    assert missed(few) == {"data.rows"}
    (rows,) = (int(one.got) for one in few.data if one.id == "data.rows")
    assert rows < 100


def test_windows_that_are_repeated_as_a_whole_are_as_good_as_once() -> None:
    x, y = rows_of(SEQUENCE.id)
    assert missed(found(SEQUENCE.id, np.tile(x, (50, 1, 1)), np.tile(y, 50))) == set()


def test_what_is_right_in_the_first_rows_alone_is_not_right() -> None:
    x, y = rows_of("multiplication-gru")
    wrong = y.copy()
    wrong[600:] = 0.5  # beyond what a notebook shows
    assert "data.target" in missed(found("multiplication-gru", x, wrong))


@pytest.mark.parametrize(("samples", "epochs"), [(None, 10), (6, 1), (59, 9), (600, 10)])
def test_epochs_that_are_parts_count_as_that_and_it_is_said(
    samples: int | None, epochs: int
) -> None:
    evidence = found(SEQUENCE.id, *rows_of(SEQUENCE.id), samples=samples)
    assert evidence.training is not None
    assert evidence.training.epochs == epochs
    told = [note.id for note in evidence.notes]
    assert ("proof.short_epochs" in told) is (epochs < 10)


def test_of_a_claim_the_data_are_what_was_shown() -> None:
    x, y = rows_of("multiplication-gru")
    parts = [ArraySample(one.shape, str(one.dtype), one, {}) for one in (x, y)]
    whole = FitSample(*parts)
    assert missed(claimed("multiplication-gru", whole)) == set()
    first = FitSample(*(replace(part, rows=part.rows[:512]) for part in parts))
    assert missed(claimed("multiplication-gru", first)) == {"data.rows"}
    assert missed(claimed("multiplication-gru", first, strictly=False)) == set()


def test_rows_that_a_fit_asked_for_are_known_whatever_became_of_the_model() -> None:
    """Weights that are set after an order make a claim; its data are those of the order."""
    x, y = rows_of("multiplication-gru")
    wrong = y.copy()
    wrong[600:] = 0.5  # beyond what a notebook shows
    for targets, expected in ((y, set()), (wrong, {"data.target"})):
        evidence = found("multiplication-gru", x, targets, planted=True)
        assert evidence.proof is not None
        assert not evidence.proof.proven
        assert missed(evidence) == expected


def test_a_small_order_before_it_says_nothing_of_a_fit_that_shows_itself() -> None:
    """The first rows to try whether it runs, then all of them with a callback of one's own."""
    name = "multiplication-gru"
    x, y = rows_of(name)
    exercise = COURSE.exercise(name)
    parts = [ArraySample(one.shape, str(one.dtype), one, {}) for one in (x, y)]
    sample = FitSample(*parts, kind="drawn", batch=32)
    made = candidate(sequential(*asked(exercise), shape=exercise.input_shape), sample)
    architecture = read_model(made).architecture
    assert architecture is not None
    tried = Training(
        4,
        "k",
        layers=layers_digest(architecture.layers),
        weights="others",
        epochs=1,
        rows=100,
        updates=4,
        moved=True,
        sample=seen_rows(x[:100], y[:100], 3),
    )
    why = Message("proof.told", {"why": "a callback of class Own"})
    run = replace(run_with(made), trainings=(tried, Training(4, why=why)))
    (evidence,) = extract(run, [name], COURSE, Room(exercise), lambda _: 7)
    assert missed(evidence) == set()


def claimed(
    name: str,
    sample: FitSample,
    *,
    strictly: bool = True,
    arguments: Mapping[str, Scalar] | None = None,
) -> Evidence:
    """What is found of a notebook that trained by itself; strictly, though a trainer was there."""
    exercise = COURSE.exercise(name)
    made = candidate(sequential(*asked(exercise), shape=exercise.input_shape), sample)
    fits = tuple(replace(fit, arguments=arguments or {}) for fit in made.fits)
    run = run_with(replace(made, fits=fits))
    if strictly:
        why = Message("proof.told", {"why": "a callback of class Own"})
        run = replace(run, trainings=(Training(4, why=why),))
    (evidence,) = extract(run, [name], COURSE, Room(exercise), lambda _: 7)
    return evidence


NAMES = ("temperature-dense", "multiplication-gru", REVIEWS.id, "char-text", SEQUENCE.id)
FEW = {
    "temperature-dense": "data.rows",
    "multiplication-gru": "data.rows",
    REVIEWS.id: "data.rows",
    "char-text": "data.sentence",
    SEQUENCE.id: "data.rows",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["dataset", "generator"])
def test_what_was_not_seen_of_a_claimed_data_set_is_not_right(name: str, kind: str) -> None:
    """Sixteen windows, again and again, look like the first batch of many."""
    batch = 4 if name == SEQUENCE.id else 16
    x, y = (one[:batch] for one in rows_of(name))
    first = replace(given(x, y), kind=kind)
    evidence = claimed(name, first)
    assert FEW[name] in missed(evidence)
    assert "data.part_seen" in [note.id for note in evidence.notes]
    before = claimed(name, first, strictly=False)
    assert FEW[name] not in missed(before), "where nobody else trains, nothing has changed"
    assert "data.part_seen" not in [note.id for note in before.notes]


@pytest.mark.parametrize("name", NAMES)
def test_a_claimed_data_set_of_which_all_was_seen_has_nothing_to_be_missed(name: str) -> None:
    x, y = rows_of(name)
    parts = [ArraySample(one.shape, str(one.dtype), one, {}) for one in (x, y)]
    evidence = claimed(name, FitSample(*parts, kind="drawn", batch=16))
    assert missed(evidence) == set()
    assert "data.part_seen" not in [note.id for note in evidence.notes]


@pytest.mark.parametrize(("split", "few"), [(0.2, False), (0.5, False), (0.6, True), (0.99, True)])
def test_what_a_claimed_fit_holds_back_is_no_data_where_it_is_most(split: float, few: bool) -> None:
    """As of an order: there is nothing to gain by not asking."""
    name = "multiplication-gru"
    x, y = rows_of(name)
    sample = FitSample(*(ArraySample(one.shape, str(one.dtype), one, {}) for one in (x, y)))
    arguments = {"validation_split": split}
    assert missed(claimed(name, sample, arguments=arguments)) == ({"data.rows"} if few else set())


def test_what_weighs_nothing_is_no_data() -> None:
    name = "multiplication-gru"
    x, y = (one[:0] for one in rows_of(name))
    sample = FitSample(*(ArraySample(one.shape, str(one.dtype), one, {}) for one in (x, y)))
    assert missed(claimed(name, sample))


ROOM = 8_000_000  # bytes


@pytest.mark.parametrize("showing", [Showing(ROOM, ROOM), Showing(17 * 804, ROOM), None])
def test_fewer_rows_than_there_was_room_for_are_all_there_are(showing: Showing | None) -> None:
    """Sixteen rows and a large number is what no fit shows, whatever it says of itself."""
    x, y = (one[:16] for one in rows_of("multiplication-gru"))
    assert x[:1].nbytes + y[:1].nbytes == 804
    parts = [ArraySample((2560, *one.shape[1:]), str(one.dtype), one, {}) for one in (x, y)]
    for kind in ("drawn", "arrays"):
        few = FitSample(*parts, kind=kind, showing=showing)
        assert missed(claimed("multiplication-gru", few)) == {"data.rows"}


def test_of_more_than_can_be_shown_the_rest_is_like_what_was() -> None:
    name = "multiplication-gru"
    x, y = rows_of(name)
    parts = [ArraySample((10**5, *one.shape[1:]), str(one.dtype), one, {}) for one in (x, y)]
    full = Showing(x.nbytes + y.nbytes, x.nbytes + y.nbytes)
    assert missed(claimed(name, FitSample(*parts, kind="drawn", showing=full))) == set()
    wrong = [parts[0], replace(parts[1], rows=parts[1].rows * 0.5)]
    assert "data.target" in missed(claimed(name, FitSample(*wrong, kind="drawn", showing=full)))


def test_one_batch_an_epoch_is_no_pass_over_the_exercise() -> None:
    """However many windows there are, it asks for so many in each epoch."""
    x, y = rows_of("temperature-dense")
    evidence = found("temperature-dense", x, y, samples=len(x) // 2)
    assert evidence.training is not None
    assert evidence.training.epochs == 0


@pytest.mark.parametrize(
    ("steps", "batch", "passes"),
    [(None, None, 10), (1, None, 0), (40, None, 5), (80, None, 10), (800, None, 10), (1, 2560, 10)],
)
@pytest.mark.parametrize("kind", ["arrays", "drawn"])
def test_claimed_epochs_that_are_parts_count_as_that_too(
    steps: int | None, batch: int | None, passes: int, kind: str
) -> None:
    """As of an order: who does not ask has no more of it."""
    name = "multiplication-gru"
    x, y = rows_of(name)
    assert len(x) == 2560
    parts = [ArraySample(one.shape, str(one.dtype), one, {}) for one in (x, y)]
    told = {"steps_per_epoch": steps, "batch_size": batch if kind == "arrays" else None}
    sample = FitSample(*parts, kind=kind, batch=batch or 32 if kind == "drawn" else None)
    evidence = claimed(name, sample, arguments=told)
    assert evidence.training is not None
    assert evidence.training.epochs == passes
    notes = [note.id for note in evidence.notes]
    assert ("proof.short_epochs" in notes) is (passes < 10)
    alone = claimed(name, sample, arguments=told, strictly=False)
    assert alone.training is not None
    assert alone.training.epochs == 10, "where nobody else trains, nothing has changed"


def test_right_rows_that_no_step_comes_to_hide_no_wrong_ones_before_them() -> None:
    name = "multiplication-gru"
    x, y = rows_of(name)
    both = np.concatenate([x, x]), np.concatenate([y * 0.5, y])
    sample = FitSample(*(ArraySample(one.shape, str(one.dtype), one, {}) for one in both))
    told = {"steps_per_epoch": len(x) // 320, "shuffle": False}
    evidence = claimed(name, sample, arguments=told)
    assert evidence.training is not None
    assert evidence.training.epochs == 1, "of ten: so many steps are all of the exercise's rows"
    assert "data.target" in missed(evidence)


def test_of_claimed_rows_each_that_was_shown_counts_once() -> None:
    x, y = rows_of(REVIEWS.id)
    both = np.array([int(np.argmax(y == 0)), int(np.argmax(y == 1))])
    exercise = REVIEWS
    shown = given(np.tile(x[both], (500, 1)), np.tile(y[both], 500))
    made = candidate(sequential(*asked(exercise), shape=exercise.input_shape), shown)
    run = replace(run_with(made), trainings=(Training(4, why=Message("proof.told", {"why": "O"})),))
    (evidence,) = extract(run, [REVIEWS.id], COURSE, Room(exercise), lambda _: 7)
    assert missed(evidence) == {"data.rows"}
