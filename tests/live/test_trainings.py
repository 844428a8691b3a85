"""The fits that a live notebook still knows of, and what they were given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.live.trainings import KnownFits, fits_of, from_numbers
from grader.live.watching import seen_by, watch
from grader.submission import Cell, Notebook
from tests.support.keras_like import History, keras_like

X, Y = np.arange(300.0).reshape(100, 3), np.arange(100.0)


def trained(model: Any, epochs: int = 2, steps: int | None = 4, loss: Any = (2.0, 1.0)) -> History:
    """As fit leaves a model: its History, its optimizer's count."""
    model.history = History(
        model, list(range(epochs)), {"epochs": epochs, "steps": steps}, {"loss": list(loss)}
    )
    model.optimizer.iterations += epochs * (steps or 0)
    return model.history


def known(keras: Any, model: Any, *histories: Any, cell: str = "", **names: Any) -> KnownFits:
    ran = Notebook((Cell(1, cell),), None, "") if cell else None
    names = {"model": model, "X": X, "Y": Y, **names}
    return fits_of(keras, model, histories, names, ran)


@pytest.fixture
def keras() -> Any:
    return keras_like()


def test_a_model_that_was_never_fitted_has_no_fit(keras: Any) -> None:
    assert known(keras, keras.Model()) == KnownFits((), changed=False, more=0, updates=0)


def test_the_models_own_history_tells_of_its_last_fit(keras: Any) -> None:
    model = keras.Model()
    trained(model, epochs=7)
    (fit,) = known(keras, model).fits
    assert (fit.epochs_run, fit.epochs_asked, fit.history["loss"]) == (7, 7, (2.0, 1.0))
    assert fit.sample.x is None


def test_earlier_fits_count_where_a_variable_still_holds_them(keras: Any) -> None:
    model, other = keras.Model(), keras.Model()
    earlier, elsewhere, last = trained(model, 3), trained(other, 50), trained(model, 4)
    found = known(keras, model, earlier, elsewhere, last)
    assert [fit.epochs_run for fit in found.fits] == [3, 4]
    assert [fit.epochs_run for fit in known(keras, model, last).fits] == [4]


def test_what_a_call_names_is_what_the_fit_was_given(keras: Any) -> None:
    model = keras.Model()
    trained(model, steps=2)
    found = known(
        keras, model, cell="model.fit(X[:80], Y[:80], validation_split=.5, batch_size=20)"
    )
    (fit,) = found.fits
    assert fit.sample.x is not None
    assert fit.sample.x.shape == (80, 3)
    assert fit.arguments["batch_size"] == 20
    assert found.seen


def test_names_that_hold_something_else_by_now_are_not_taken_for_what_was_given(keras: Any) -> None:
    """The steps that Keras counted are of another number of rows."""
    model = keras.Model()
    trained(model, steps=9)
    found = known(keras, model, cell="model.fit(X[:80], Y[:80], batch_size=20)")
    assert not found.seen


@pytest.mark.parametrize(
    ("loss", "changed"), [((2.0, 2.0), False), ((2.0, 1.9), True), ((2.0,), True)]
)
def test_a_loss_that_never_moves_is_of_weights_that_never_move(
    keras: Any, loss: tuple[float, ...], changed: bool
) -> None:
    model = keras.Model()
    trained(model, epochs=len(loss), loss=loss)
    assert known(keras, model).changed is changed


def test_frozen_layers_and_a_rate_of_nothing_change_nothing(keras: Any) -> None:
    frozen, still = keras.Model(), keras.Model()
    frozen.trainable_weights, still.optimizer.learning_rate = [], 0.0
    for model in (frozen, still):
        trained(model)
        assert not known(keras, model).changed


def test_epochs_beside_the_known_ones_are_counted_where_a_loop_calls_fit(keras: Any) -> None:
    model = keras.Model()
    for _ in range(10):
        trained(model, epochs=1, steps=4)
    loop = "for i in range(10):\n    model.fit(X, Y, epochs=1)"
    assert known(keras, model, cell=loop).more == 9
    assert known(keras, model, cell="model.fit(X, Y, epochs=1)").more == 0  # the cell, ten times


def test_a_dictionary_of_losses_tells_of_a_fit() -> None:
    fit = from_numbers({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.0, 1.0]})
    assert (fit.epochs_run, fit.history["loss"]) == (3, (3.0, 2.0, 1.0))


class TestWatching:
    def test_what_fit_is_given_is_seen_once_looked_on(self, keras: Any) -> None:
        model = keras.Model()
        before = model.fit(X, Y)
        watch(keras)
        watch(keras)
        history = model.fit(X[:50], y=Y[:50], epochs=2)
        assert seen_by(before) is None
        sample = seen_by(history)
        assert sample is not None
        assert sample.x is not None
        assert sample.x.shape == (50, 3)
        (fit,) = known(keras, model).fits
        assert fit.sample is sample

    def test_the_fit_that_is_looked_on_is_the_same_fit(self, keras: Any) -> None:
        watch(keras)
        model = keras.Model()
        assert model.fit(X, Y, 3).epoch == [0, 1, 2]
        assert "Read what is given" in str(keras.Model.fit.__doc__)
        with pytest.raises(TypeError, match="nonsense"):
            model.fit(X, nonsense=1)
        with pytest.raises(TypeError):
            model.fit(None)

    def test_a_fit_that_ended_before_it_began_is_not_taken_for_the_one_before(
        self, keras: Any
    ) -> None:
        watch(keras)
        model = keras.Model()
        history = model.fit(X, Y)
        with pytest.raises(ValueError, match="epochs"):
            model.fit(X[:50], Y[:50], epochs="all")
        sample = seen_by(history)
        assert sample is not None
        assert sample.x is not None
        assert sample.x.shape == (100, 3)

    def test_a_generator_gives_the_training_all_that_it_has(self, keras: Any) -> None:
        watch(keras)
        model = keras.Model()
        batches = ((X[place : place + 10], Y[place : place + 10]) for place in range(0, 100, 10))
        history = model.fit(batches)
        assert len(history.given[0]) == 10
        sample = seen_by(history)
        assert sample is not None
        assert sample.kind == "generator"
        assert sample.x is not None
        assert sample.x.shape == (10, 3)

    def test_what_cannot_be_looked_at_is_not_seen_and_trains(self, keras: Any) -> None:
        class Odd:
            def __iter__(self) -> Any:
                return iter([1])

            def __array__(self, *_: Any, **__: Any) -> Any:
                raise RuntimeError("no array")

        watch(keras)
        model = keras.Model()
        history = model.fit(Odd(), Y)
        assert history.given[0] == [1]
        assert seen_by(history) is None
