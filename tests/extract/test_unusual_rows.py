"""Right rows in unusual clothes have the data's points; what only looks like rows has none.

From what the notebook's room notes of a fit to what the judge finds, without an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.kernel.probe.drawn import of_arrays
from grader.kernel.probe.rows import Rows
from grader.kernel.probe.shown import Told
from grader.types import Array
from tests.extract.test_rows_that_count import COURSE, Notebook, sequences
from tests.extract.test_whole_data import NAMES, rows_of

SEQUENCE, TEXT, WORDS = "sequence-prediction", "char-text", "sentiment-embedding"
PRODUCT, WEATHER = "multiplication-gru", "temperature-dense"
MOST = 8_000_000
RNG = np.random.default_rng(11)
Pair = tuple[Array, Array]


@pytest.fixture
def missed(tmp_path: Path) -> Callable[[str, Told], set[str]]:
    """What the judge misses in the data of a fit of the notebook's own that tells this."""

    def judged(name: str, told: Told, **arguments: Any) -> set[str]:
        notebook = Notebook(tmp_path, COURSE.exercise(name))
        notebook.tell(*notebook.shown.spend(1, None, told), **arguments)
        return notebook.missed()

    return judged


def batches(x: Array, y: Array, size: int = 32) -> Iterator[Pair]:
    for at in range(0, len(x), size):
        yield x[at : at + size], y[at : at + size]


def drawn(many: Iterator[Any], class_weight: Any = None) -> Told:
    """What a fit tells of batches that it drew."""
    rows = Rows(MOST, class_weight)
    for batch in many:
        rows.take(batch)
    return rows.told()


def arrays(x: Any, y: Any, **weights: Any) -> Told:
    """What a fit tells of arrays."""
    return of_arrays(x, y, -1, MOST, **weights)


# --- right rows --------------------------------------------------------------------------------


def halves(x: Array, y: Array) -> Pair:
    """Of as little precision as is ever trained with; word numbers have none to lose."""
    return tuple(one.astype(np.float16) if one.dtype.kind == "f" else one for one in (x, y))  # type: ignore[return-value]


FORMS: dict[str, Callable[[Array, Array], tuple[Any, Any]]] = {
    "float16": halves,
    "float64": lambda x, y: (x.astype(np.float64), y.astype(np.float64)),
    "a column": lambda x, y: (x, y[:, None] if y.ndim == 1 else y),
    "lists": lambda x, y: (x.tolist(), y.tolist()),
    "every second row of a larger array": lambda x, y: (
        np.repeat(x, 2, axis=0)[::2],
        np.repeat(y, 2, axis=0)[::2],
    ),
    "by columns": lambda x, y: (np.asfortranarray(x), np.asfortranarray(y)),
    "three turns": lambda x, y: (np.concatenate([x] * 3), np.concatenate([y] * 3)),
    "each three times": lambda x, y: (np.repeat(x, 3, axis=0), np.repeat(y, 3, axis=0)),
}


@pytest.mark.parametrize("name", [*NAMES])
@pytest.mark.parametrize("form", FORMS)
def test_whatever_the_form_right_arrays_are_right(name: str, form: str, missed: Any) -> None:
    assert missed(name, arrays(*FORMS[form](*rows_of(name)))) == set()


@pytest.mark.parametrize("name", [*NAMES])
def test_a_shuffled_data_set_that_repeats_itself_is_right(name: str, missed: Any) -> None:
    def epochs() -> Iterator[Pair]:
        x, y = rows_of(name)
        for _ in range(3):
            turn = RNG.permutation(len(x))
            yield from batches(x[turn], y[turn], 24)

    assert missed(name, drawn(epochs())) == set()


def test_sequences_that_a_generator_draws_anew_for_ever_are_right(missed: Any) -> None:
    def endless() -> Iterator[list[Array]]:
        seed = 0
        while True:
            yield list(sequences(seed, 32))
            seed += 1

    assert (
        missed(PRODUCT, drawn(batch for batch, _ in zip(endless(), range(400), strict=False)))
        == set()
    )


@pytest.mark.parametrize(("share", "few"), [(0.8, set()), (0.65, set()), (0.3, {"data.rows"})])
def test_what_is_split_off_by_hand_is_not_there(share: float, few: set[str], missed: Any) -> None:
    x, y = rows_of(PRODUCT)
    count = int(share * len(x))
    assert missed(PRODUCT, arrays(x[:count], y[:count])) == few


@pytest.mark.parametrize(
    "as_targets",
    [
        lambda y: y.argmax(axis=2),
        lambda y: y.argmax(axis=2)[:, :, None].astype(np.float32),
        lambda y: y.astype(bool),
    ],
)
def test_characters_are_right_as_numbers_and_one_hot(as_targets: Any, missed: Any) -> None:
    x, y = rows_of(TEXT)
    assert missed(TEXT, arrays(x, as_targets(y))) == set()


def test_more_windows_between_the_exercises_own_are_right(missed: Any) -> None:
    starts = np.arange(0, 0.55, 0.02)
    x = (starts[:, None] + 0.1 * np.arange(4))[:, :, None]
    own = rows_of(SEQUENCE)
    both = np.concatenate([own[0], x]), np.concatenate([own[1], starts + 0.4])
    assert missed(SEQUENCE, arrays(*both)) == set()


TELLS: dict[str, Callable[[Array, Array], Told]] = {
    "arrays": arrays,
    "batches": lambda x, y: drawn(batches(x, y)),
}


@pytest.mark.parametrize("tell", TELLS)
def test_new_rows_that_come_after_repetitions_count(tell: str, missed: Any) -> None:
    """However many repetitions there are: of more than 8 MB some rows are drawn, none cut off."""
    x, y = sequences(1, 2000)
    few = np.arange(12_000) % 40
    told = TELLS[tell](np.concatenate([x[few], x]), np.concatenate([y[few], y]))
    assert missed(PRODUCT, told) == set()


def test_weights_that_fade_leave_the_rows_that_they_leave(missed: Any) -> None:
    x, y = rows_of(PRODUCT)
    assert missed(PRODUCT, arrays(x, y, weight=np.linspace(1.0, 0.1, len(x)))) == set()
    assert missed(PRODUCT, arrays(x, y, weight=np.ones((len(x), 1)), split=0.2)) == set()


def test_the_same_data_another_time_with_other_weights_are_others(missed: Any) -> None:
    x, y = rows_of(WORDS)
    balanced = {0: 0.6, 1: 1.4}
    assert missed(WORDS, arrays(x, y, classes=balanced)) == set()
    assert missed(WORDS, drawn(batches(x, y), balanced)) == set()


# --- what only looks like rows -----------------------------------------------------------------


@pytest.mark.parametrize("name", [SEQUENCE, PRODUCT, WEATHER, WORDS, TEXT])
@pytest.mark.parametrize("weight", [0.0, 0, np.zeros(1), np.nan])
def test_batches_that_weigh_nothing_are_no_data(name: str, weight: Any, missed: Any) -> None:
    x, y = rows_of(name)
    assert "data.shape" in missed(name, drawn((*pair, weight) for pair in batches(x, y)))


def test_weights_that_cannot_be_read_are_none(missed: Any) -> None:
    x, y = rows_of(SEQUENCE)
    for weight in (np.ones(4), "heavy", {"a": 1.0}):
        assert "data.shape" in missed(SEQUENCE, drawn(iter([(x, y, weight)])))
        assert "data.shape" in missed(SEQUENCE, arrays(x, y, weight=weight))


@pytest.mark.parametrize("light", [1e-9, 1e-5])
def test_right_rows_that_weigh_nothing_beside_later_ones_are_no_data(
    light: float, missed: Any
) -> None:
    x, y = rows_of(PRODUCT)
    right = ((*pair, np.full(len(pair[0]), light)) for pair in batches(x, y))
    wrong = ((*pair, np.ones(len(pair[0]))) for pair in batches(x[:64], y[:64] * 0.5))
    assert missed(PRODUCT, drawn(one for many in (right, wrong) for one in many)) >= {
        "data.target",
        "data.rows",
    }


@pytest.mark.parametrize("tell", TELLS)
@pytest.mark.parametrize("turn", [1, -1])
def test_rows_beyond_the_first_megabytes_are_looked_at_too(
    tell: str, turn: int, missed: Any
) -> None:
    x, y = sequences(0, 24_000)
    half = np.where(np.arange(len(y)) < 12_000, y, y / 2)
    assert missed(PRODUCT, TELLS[tell](x[::turn], half[::turn])) == {"data.target"}


@pytest.mark.parametrize(("split", "few"), [(0.5, set()), (0.9, {"data.rows"})])
def test_of_many_rows_most_of_which_are_held_back_the_others_are_data(
    split: float, few: set[str], missed: Any
) -> None:
    told = arrays(*sequences(0, 14_000), split=split)
    assert missed(PRODUCT, told, validation_split=split) == few


def test_light_rows_leave_their_room_to_those_that_count(missed: Any) -> None:
    """Megabytes of them before the right ones are no reason to see none of these."""
    noise = ((*pair, np.full(len(pair[0]), 1e-9)) for pair in batches(*sequences(1, 12_000)))
    right = ((*pair, np.ones(len(pair[0]))) for pair in batches(*rows_of(PRODUCT)))
    told = drawn(one for many in (noise, right) for one in many)
    assert told[0]["x"]["shape"][0] == len(told[1]["sample_x"]) == len(rows_of(PRODUCT)[0])
    assert missed(PRODUCT, told) == set()


@pytest.mark.parametrize("learned", [0, 20, 1000])
def test_rows_held_back_are_no_data_where_fewer_are_learned_from(learned: int, missed: Any) -> None:
    """Half of them may be held back; but where the others weigh nothing, these are most."""
    x, y = sequences(0, 5000)
    weight = np.where((np.arange(len(x)) < learned) | (np.arange(len(x)) >= 2500), 1.0, 0.0)
    found = missed(PRODUCT, arrays(x, y, weight=weight, split=0.5))
    assert found & {"data.shape", "data.rows"}
    assert not missed(PRODUCT, arrays(x, y, split=0.5))


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-3])
@pytest.mark.parametrize("base", [60, 900])
def test_few_sequences_with_noise_drawn_again_and_again_are_few(
    base: int, noise: float, missed: Any
) -> None:
    """However many are drawn: the share of those that differ says nothing of the rest."""
    x, _ = sequences(0, base)
    many = x[RNG.integers(0, base, 20_000)]
    many[:, :, 1] = np.clip(many[:, :, 1] + RNG.normal(0, 1, many.shape[:2]) * noise, 0, 1)
    products = np.where(many[:, :, 0] == 1.0, many[:, :, 1], 1.0).prod(axis=1).astype(np.float32)
    assert missed(PRODUCT, arrays(many, products)) == {"data.rows"}


def test_one_window_moved_by_next_to_nothing_is_one(missed: Any) -> None:
    starts = np.arange(100) * 1e-5
    x = (starts[:, None] + 0.1 * np.arange(4))[:, :, None]
    assert "data.rows" in missed(SEQUENCE, arrays(x, starts + 0.4))


def test_reviews_with_a_little_more_in_their_numbers_are_no_others(missed: Any) -> None:
    x, y = rows_of(WORDS)
    few = np.tile(x[:40], (60, 1)).astype(np.float64)
    few += RNG.uniform(0, 0.4, (len(few), 1))  # an Embedding cuts it off
    assert missed(WORDS, arrays(few, np.tile(y[:40], 60)))
    labels = np.tile(y[:40], 60) + RNG.uniform(0, 1e-4, 2400)
    assert missed(WORDS, arrays(np.tile(x[:40], (60, 1)), labels))


def test_a_sign_of_zero_makes_no_second_row(missed: Any) -> None:
    x, y = rows_of(PRODUCT)
    few, targets = np.tile(x[:400], (8, 1, 1)), np.tile(y[:400], 8)
    zeros = few == 0.0
    few[zeros & (RNG.random(few.shape) < 0.5)] = -0.0
    assert missed(PRODUCT, arrays(few, targets)) == {"data.rows"}
    assert missed(PRODUCT, drawn(batches(few, targets))) == {"data.rows"}


def test_a_window_with_a_target_that_is_nearly_the_same_is_no_second_one(missed: Any) -> None:
    """What a family takes for the same target is no other row, however coarsely it compares."""
    x, y = rows_of(WEATHER)
    few, targets = np.tile(x[:200], (10, 1, 1)), np.tile(y[:200], 10)
    targets = targets + RNG.uniform(-1e-3, 1e-3, targets.shape) * y.std()
    assert missed(WEATHER, arrays(few, targets.astype(np.float32))) == {"data.rows"}
    coarse = halves(*sequences(0, 500))
    x, y = np.tile(coarse[0], (8, 1, 1)), np.tile(coarse[1], 8)
    y = np.where(RNG.random(len(y)) < 0.5, y, np.nextafter(y, np.float16(1.0)))
    y = np.where(RNG.random(len(y)) < 0.5, y, np.nextafter(y, np.float16(1.0)))
    assert missed(PRODUCT, arrays(x, y)) == {"data.rows"}
