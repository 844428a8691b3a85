"""Which exercise is meant, where titles are shared."""

from __future__ import annotations

import pytest

from grader.course.called import exercises_called
from grader.types import GraderError

NAMES = {"deep": ("GRU", "LSTM"), "gru": ("", "LSTM"), "lstm": ("lstm-1",)}


@pytest.mark.parametrize("typed", ["gru", " gru "])
def test_an_id_is_its_exercise_s_though_another_one_has_it_for_a_title(typed: str) -> None:
    assert exercises_called([typed], (), NAMES) == ["gru"]


def test_of_a_title_that_several_have_all_are_named() -> None:
    with pytest.raises(GraderError) as refused:
        exercises_called(["LSTM"], (), {key: NAMES[key] for key in ("deep", "gru")})
    assert refused.value.message.args["near"] == "deep, gru"
