"""The parts of an order as they arrive: of the right kinds and within bounds, no more than that.

Enters: parsed JSON, a claim. Leaves: an OrderClaim. Touches nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.trainer.fitting import FitClaim
from grader.trainer.refusing import refuse

MOST_CALLBACKS = 10
MOST_SEEDS = 2000
MOST_OCCURRENCES = 10_000


class Strict(BaseModel):
    """Nothing is converted, and nothing more may stand there."""

    model_config = ConfigDict(strict=True, extra="forbid")


class ModelClaim(Strict):
    """A model as ``grader/kernel/probe/models.py`` describes it."""

    class_name: str
    config: dict[str, Any]
    input_shape: list[int | None] | None = None
    output_shape: list[int | None] | None = None


class CompileClaim(Strict):
    """What ``get_compile_config`` gives; whether code is compiled changes no training."""

    optimizer: Any
    loss: Any
    metrics: Any = None
    weighted_metrics: Any = None
    loss_weights: None = None
    run_eagerly: Literal[False] = False
    steps_per_execution: Literal[1] = 1
    jit_compile: Any = None
    auto_scale_loss: Any = None


class AfterClaim(Strict):
    """The result to go on from."""

    result: str
    optimizer: Literal["goes_on", "fresh"]


class OrderClaim(Strict):
    """The whole order."""

    version: Literal[1]
    model: ModelClaim
    compile: CompileClaim
    fit: FitClaim
    callbacks: Annotated[list[list[Any]], Field(max_length=MOST_CALLBACKS)] = []
    rates: list[float] | None = None
    each_epoch: bool = False
    after: AfterClaim | None = None
    seeds: Annotated[list[int | None], Field(max_length=MOST_SEEDS)] = []
    occurrence: Annotated[int, Field(ge=0, le=MOST_OCCURRENCES)] = 0


def parsed(claim: Any) -> OrderClaim:
    """Read the parts of an order; what is in them is looked at one by one later.

    Raises:
        NotAnOrderError: a part is missing, of another kind or too large, or there are more.
    """
    try:
        return OrderClaim.model_validate(claim)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"][:3])
        refuse("order.unreadable", what=where or "order")
