"""What a model of a notebook weighs, and what is left of it once it had to give something."""

from __future__ import annotations

import numpy as np
import pytest

from grader.execute import holding
from grader.execute.caps import ARRAY_BYTES, NUMBER_BYTES
from grader.execute.holding import ModelSoFar
from grader.execution import ArraySample, Candidate, Fit, FitSample

FITS = 40


def sample(number: int) -> FitSample:
    rows = np.full((3, 2), number, np.float32)
    return FitSample(ArraySample((3, 2), "float32", rows, {}), None, digest=number)


def fit(given: FitSample) -> Fit:
    return Fit(1, given, 1, 1, {"loss": (0.5,)}, finished=True, arguments={})


def model_so_far(*given: FitSample) -> ModelSoFar:
    found = ModelSoFar(Candidate(1, "model", 1, {}, {}, (), (), (), 1))
    for one in given:
        found.add(fit(one))
        found.weight()  # after every event
    return found


SAME = [sample(1)] * FITS
OTHERS = [sample(number) for number in range(FITS)]


@pytest.mark.parametrize("given", [SAME, OTHERS], ids=["same", "others"])
def test_rows_that_are_given_up_weigh_nothing(given: list[FitSample]) -> None:
    """An empty array of its own for each fit would weigh more than the rows did."""
    one = model_so_far(*given)
    assert one.weight() >= len(set(map(id, given))) * ARRAY_BYTES
    holding._give_history(one)
    assert one.weight() <= ARRAY_BYTES + FITS * NUMBER_BYTES


def test_the_rows_of_all_fits_but_the_longest_and_the_last_are_given_up() -> None:
    one = model_so_far(*OTHERS)
    holding._give_samples(one)
    assert one.weight() < 4 * ARRAY_BYTES
    assert [len(fit.sample.x.rows) for fit in one.fits if fit.sample.x] == [3, *[0] * 38, 3]


def test_what_is_weighed_bit_by_bit_is_what_it_weighs_at_once() -> None:
    bit_by_bit, at_once = (
        model_so_far(*OTHERS, *SAME),
        ModelSoFar(Candidate(1, "", 1, {}, {}, (), (), (), 1)),
    )
    at_once.add(*map(fit, (*OTHERS, *SAME)))
    assert bit_by_bit.weight() == at_once.weight()
    for one in (bit_by_bit, at_once):
        one.add(fit(sample(99)))
        last = one.take_back()
        one.add(fit(sample(98)), last)
    assert bit_by_bit.weight() == at_once.weight()
    assert bit_by_bit.calls == bit_by_bit.epochs == 2 * FITS + 2


def test_data_are_found_again_by_their_digest() -> None:
    one = model_so_far(*OTHERS)
    assert one.sample_of(7) is OTHERS[7]
    assert one.sample_of(FITS) is None
    one.take_back()
    assert one.sample_of(FITS - 1) is None
