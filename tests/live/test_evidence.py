"""Which of a live notebook's models is looked at."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from grader.extract.matching import read_model
from grader.live.evidence import LiveModel, _chosen
from grader.live.names import HeldModel
from tests.extract.notebooks import asked, candidate, sequential
from tests.live.test_telling import EXERCISE, EXERCISES, FIT, live

EVERY = list(EXERCISES.values())


def named(one: LiveModel, name: str, order: int, *, earlier: bool = False) -> LiveModel:
    return replace(one, held=HeldModel(SimpleNamespace(), name, order, earlier))


def other(exercise: str) -> LiveModel:
    config = sequential(*asked(EXERCISES[exercise]), shape=EXERCISES[exercise].input_shape)
    return replace(live(), reading=read_model(candidate(config)))


def test_a_model_that_was_built_again_is_looked_at_as_it_is_now() -> None:
    """Trained or not: what was trained before is not what the notebook has by now."""
    earlier, now = named(live(FIT), "history.model", 1, earlier=True), named(live(), "model", 2)
    assert _chosen([earlier, now], EXERCISE, EVERY) is now


def test_one_that_only_its_history_holds_is_looked_at_where_no_other_is_of_this_exercise() -> None:
    earlier = named(live(FIT), "history.model", 1, earlier=True)
    next_one = named(other("sequence-prediction"), "model", 2)
    assert _chosen([earlier, next_one], EXERCISE, EVERY) is earlier
