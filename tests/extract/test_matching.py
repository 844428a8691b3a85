"""Which model of a notebook stands for which exercise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.course.exercises import Exercise
from grader.course.load import load_course
from grader.execution import ArraySample, Candidate, Fit, FitSample
from grader.extract.held import exercises_held
from grader.extract.matching import (
    ModelReading,
    choose,
    models_of,
    moved,
    read_model,
    resemblance,
    telling_fit,
)

COURSE = load_course(Path(__file__).parents[2])
SIMPLE = COURSE.exercise("multiplication-simple-rnn")
LSTM = COURSE.exercise("multiplication-lstm")
GRU = COURSE.exercise("multiplication-gru")
SEQUENCE = COURSE.exercise("sequence-prediction")
CHAPTER = (SEQUENCE, SIMPLE, LSTM, GRU)


def layer(cls: str, **config: Any) -> dict[str, Any]:
    return {"class_name": cls, "config": config}


def recurrent(cls: str, units: int = 30, **more: Any) -> list[dict[str, Any]]:
    return [
        layer(cls, units=units, activation="tanh", return_sequences=True, **more),
        layer(cls, units=units, activation="tanh", return_sequences=False, **more),
        layer("Dense", units=1, activation="linear"),
    ]


def model(
    *layers: dict[str, Any],
    order: int = 1,
    epochs: int = 100,
    name: str = "model",
    shape: tuple[int, ...] = (100, 2),
) -> ModelReading:
    """A model of the notebook, trained where it ran epochs."""
    entries = [layer("InputLayer", batch_shape=[None, *shape]), *layers]
    fits = (Fit(order, FitSample(None, None), epochs, epochs, {}, True, {}),) if epochs else ()
    weights = (np.zeros(2, np.float32),)
    config = {"class_name": "Sequential", "config": {"layers": entries}}
    return read_model(Candidate(order, name, order, config, {}, fits, weights, weights, order))


def custom(name: str, order: int = 1) -> ModelReading:
    config: dict[str, Any] = {
        "class_name": "Mine",
        "config": {"layers": [layer(name), layer("Dense")]},
        "opaque": True,
    }
    return read_model(Candidate(order, name, order, config, {}, (), (), (), order))


def chosen(readings: list[ModelReading], exercise: Exercise, *others: Exercise) -> int | None:
    found = choose(readings, exercise, others)
    return found.candidate.order if found is not None else None


def held(*readings: ModelReading) -> list[str]:
    return [one.id for one in exercises_held(readings, CHAPTER).exercises]


# --- resemblance -----------------------------------------------------------------------------


def test_the_very_model_resembles_wholly() -> None:
    assert resemblance(model(*recurrent("GRU")), GRU) == 1.0


def test_a_model_without_a_common_layer_resembles_not_at_all() -> None:
    assert resemblance(model(layer("Flatten")), GRU) == 0.0


def test_every_right_setting_resembles_more() -> None:
    other_class = resemblance(model(*recurrent("LSTM")), GRU)
    other_units = resemblance(model(*recurrent("GRU", units=10)), GRU)
    one_layer = resemblance(model(*recurrent("GRU")[1:]), GRU)
    assert 0 < other_class < one_layer < 1.0
    assert other_class < other_units < 1.0


def test_a_layer_too_many_resembles_less() -> None:
    longer = model(*recurrent("GRU"), layer("Dense", units=1, activation="linear"))
    assert 0.5 < resemblance(longer, GRU) < 1.0


def test_an_accepted_alternative_resembles_wholly() -> None:
    older = model(*recurrent("GRU", reset_after=False))
    assert resemblance(older, GRU) == 1.0


def test_a_model_that_cannot_be_rebuilt_resembles_by_its_layers_names() -> None:
    reading = custom("GRU")
    assert reading.architecture is None
    assert reading.obstacle is not None
    assert 0 < resemblance(reading, GRU) < 1.0


# --- one exercise ----------------------------------------------------------------------------


def test_the_last_trained_of_equals_is_chosen() -> None:
    readings = [model(*recurrent("GRU"), order=n, epochs=e) for n, e in ((1, 100), (2, 50), (3, 0))]
    assert chosen(readings, GRU) == 2


def test_an_untrained_model_that_fits_beats_a_trained_one_that_does_not() -> None:
    readings = [
        model(*recurrent("GRU"), order=1, epochs=0),
        model(*recurrent("GRU", units=10), order=2),
    ]
    assert chosen(readings, GRU) == 1


def test_layers_that_made_no_model_stand_for_one_only_where_there_is_none() -> None:
    whole = model(*recurrent("GRU"), order=1, epochs=0)
    raised = replace(whole, candidate=replace(whole.candidate, raised=True))
    other = model(*recurrent("GRU", units=10), order=2)
    assert chosen([raised, other], GRU) == 2
    assert chosen([raised], GRU) == 1
    assert list(models_of([raised, other])) == [other]
    assert list(models_of([raised])) == [raised]


def test_weights_that_moved_without_a_fit_count_as_trained() -> None:
    still = model(*recurrent("GRU"), order=2, epochs=0)
    zero, one = np.zeros(2, np.float32), np.ones(2, np.float32)
    by_hand = replace(
        still, candidate=replace(still.candidate, order=1, initial=(zero,), final=(one,))
    )
    assert moved(by_hand.candidate)
    assert chosen([by_hand, still], GRU) == 1


def test_a_name_bound_anew_hides_no_model() -> None:
    """Half of the chapter notebooks call every model ``model``."""
    readings = [
        model(*recurrent("SimpleRNN"), order=1),
        model(*recurrent("LSTM"), order=2),
        model(*recurrent("GRU"), order=3),
    ]
    assert [chosen(readings, one, *CHAPTER) for one in (SIMPLE, LSTM, GRU)] == [1, 2, 3]


def test_a_notebook_for_one_exercise_hands_in_its_only_model_whatever_it_is() -> None:
    assert chosen([model(*recurrent("LSTM"))], GRU) == 1


def test_without_a_model_there_is_nothing_to_choose() -> None:
    assert chosen([], GRU) is None


# --- several exercises -----------------------------------------------------------------------


def test_a_model_that_is_another_exercises_is_not_stolen() -> None:
    readings = [model(*recurrent("LSTM"), order=1)]
    assert chosen(readings, LSTM, SIMPLE, GRU) == 1
    assert chosen(readings, GRU, SIMPLE, LSTM) is None
    assert chosen(readings, SIMPLE, GRU, LSTM) is None


def test_a_wrong_attempt_is_still_found_beside_right_ones() -> None:
    readings = [
        model(*recurrent("LSTM"), order=1),
        model(*recurrent("GRU", units=10), order=2),
    ]
    assert chosen(readings, GRU, SIMPLE, LSTM) == 2
    assert chosen(readings, LSTM, SIMPLE, GRU) == 1


def test_a_wrong_attempt_at_one_is_no_attempt_at_the_others() -> None:
    readings = [model(*recurrent("GRU", units=10), order=1)]
    assert chosen(readings, GRU, SIMPLE, LSTM, SEQUENCE) == 1
    assert chosen(readings, SEQUENCE, SIMPLE, LSTM, GRU) is None


def asking(exercise: Exercise, identifier: str, **settings: Any) -> Exercise:
    """An exercise that asks for more settings of every recurrent layer."""
    layers = tuple(
        replace(one, config={**one.config, **settings}) if one.cls != "Dense" else one
        for one in exercise.layers
    )
    return replace(exercise, id=identifier, layers=layers, accept=())


DROPOUT = asking(GRU, "gru-dropout", dropout=0.2)


def test_a_model_belongs_to_the_exercise_that_says_most_about_it() -> None:
    plain = model(*recurrent("GRU", dropout=0.0), order=1)
    dropped = model(*recurrent("GRU", dropout=0.2), order=2)
    assert chosen([plain, dropped], GRU, DROPOUT) == 1
    assert chosen([plain, dropped], DROPOUT, GRU) == 2


def test_an_exercise_is_not_owed_for_a_model_that_is_rather_anothers() -> None:
    dropped = model(*recurrent("GRU", dropout=0.2))
    assert [one.id for one in exercises_held([dropped], (GRU, DROPOUT)).exercises] == [
        "gru-dropout"
    ]


def test_asked_for_alone_the_same_model_counts() -> None:
    assert chosen([model(*recurrent("GRU", dropout=0.2))], GRU) == 1


def test_exercises_that_ask_for_the_same_share_a_model() -> None:
    twin = replace(GRU, id="gru-again")
    readings = [model(*recurrent("GRU"))]
    assert chosen(readings, GRU, twin) == chosen(readings, twin, GRU) == 1


# --- which exercises -------------------------------------------------------------------------


def test_a_chapter_owes_the_exercises_whose_models_it_holds() -> None:
    assert held(model(*recurrent("SimpleRNN")), model(*recurrent("GRU"), order=2)) == [
        "multiplication-simple-rnn",
        "multiplication-gru",
    ]


def test_a_notebook_with_a_wrong_model_owes_the_nearest_exercise() -> None:
    assert held(model(*recurrent("GRU", units=10))) == ["multiplication-gru"]


def test_a_notebook_without_a_common_layer_owes_nothing_known() -> None:
    assert held(model(layer("Flatten"))) == []
    assert held() == []


def test_of_fits_that_are_as_long_the_one_that_shows_most_tells() -> None:
    """There is no room for the rows of all of a loop's fits."""
    few, many = (np.zeros((rows, 3, 1), np.float32) for rows in (4, 9))
    fits = [
        Fit(1, FitSample(ArraySample((20, 3, 1), "float32", x, {}), None), 1, 1, {}, True, {})
        for x in (few, many, many, few)
    ]
    made = Candidate(1, "model", 1, {}, {}, tuple(fits), (), (), 1)
    assert telling_fit(made) is fits[2]
