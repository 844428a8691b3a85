"""What the probe may say, and in which form.

Enters: the bytes of one event's JSON. Leaves: an Event. Touches nothing. Everything in it is a
claim: parsed strictly and within bounds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.execute.caps import (
    AXES,
    EPOCHS,
    LONGEST_TEXT,
    METRICS,
    MOST_LEVELS,
    NAMES,
    OTHER_FORMS,
    SETTINGS,
    VALUES,
)
from grader.execute.strict_json import read_json

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Count = Annotated[int, Field(ge=0, le=10**9)]
History = Annotated[list[float | None], Field(max_length=EPOCHS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Sampled(_Strict):
    """An array that was given to ``fit``; its first rows are among the event's arrays."""

    shape: Annotated[list[Count], Field(max_length=AXES)]
    dtype: Text
    statistics: Annotated[dict[Text, float | None], Field(max_length=SETTINGS)] = {}


class Rows(_Strict):
    """Inputs and targets of another shape that the same fit was given."""

    x: Sampled
    y: Sampled


class Sample(_Strict):
    """What a call of ``fit`` was given."""

    kind: Text = "arrays"
    batch: Count | None = None  # rows of the largest that was drawn
    differing: Count | None = None  # rows of arrays that do, where those that are shown were drawn
    same: bool = False  # as in the fit before: sent once, for a loop may call fit a thousand times
    digest: int | None = None  # by which it is found again
    x: Sampled | None = None
    y: Sampled | None = None
    others: Annotated[list[Rows], Field(max_length=OTHER_FORMS)] = []


class Before(_Strict):
    """The fits of a model that had ended before this one began, whether or not they were told."""

    fits: Count = 0
    epochs: Count = 0


class Event(_Strict):
    """One event of the probe."""

    event: Literal["fit_begin", "fit_going", "fit_end", "seen"]
    cell: Count
    model: Count
    names: Annotated[list[Text], Field(max_length=NAMES)] = []
    config: dict[str, Any]
    compile: Annotated[dict[Text, Any], Field(max_length=SETTINGS)] = {}
    sample: Sample | None = None
    late_sample: Sample | None = None
    arguments: Annotated[dict[Text, Any], Field(max_length=SETTINGS)] = {}
    history: Annotated[dict[Text, History], Field(max_length=METRICS)] = {}
    epochs_run: Count = 0
    epochs_asked: Count | None = None
    finished: bool = False
    begun: bool = True
    again: bool = False  # in place of the last end of this model: more of the same has been run
    calls: Count = 1
    updates: Count = 0  # of the model's weights, that loops of the notebook's own made until now
    before: Before = Before()
    bare: bool = False  # the weights are too large to be told
    raised: bool = False  # making it of its layers raised an error


def read_event(data: bytes) -> Event:
    """Read one event.

    Raises:
        ValueError: it is none, or not within bounds.
        RecursionError: far too many levels.
    """
    return Event.model_validate(read_json(data, most_values=VALUES, most_levels=MOST_LEVELS))
