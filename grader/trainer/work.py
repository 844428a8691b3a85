"""How much work an order is, before anything is built: updates x layers x steps x rows.

Enters: an architecture, the shape of one sample, batch and updates. Leaves: seconds to expect, and
the seconds after which a training is ended. Touches nothing.

The constants are generous: an order that is refused here, or ended by its limit, is far from what
any exercise asks for, and a busy machine may take several times as long as an idle one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from grader.extract.architecture import Architecture, sizes_of
from grader.trainer.refusing import refuse

UPDATE_SECONDS = 1e-3  # of every update, whatever the model
STEP_SECONDS = 4e-5  # one time step of a recurrent layer, forwards and backwards, in one direction
PRODUCTS = 4e9  # products of weights and inputs in a second, on one core that others use too
PASSES = 3  # forwards, backwards to the weights, backwards to the inputs
PER_PARAMETER = 5e-9  # seconds of an optimizer for one weight and update
BEFORE = 120.0  # seconds for starting, building and compiling
TIMES = 4.0  # that a busy machine may take of what is expected
MOST_SECONDS = 3600.0  # that an order may be expected to take
MOST_PARAMS = 16_000_000  # more than twice the largest model of a course
MOST_HELD = 400_000_000  # numbers that a batch makes in all layers: they are kept for the gradient
ONE_LEFT = frozenset({"GlobalMaxPooling1D", "GlobalAveragePooling1D"})
RECURRENT = frozenset({"SimpleRNN", "LSTM", "GRU"})
GATES = 4  # numbers per unit and step that a recurrent layer keeps, at most


@dataclass(frozen=True)
class Model:
    """What one sample costs: products of weights, time steps one after the other, numbers kept."""

    params: int
    products: int
    steps: int
    held: int


@dataclass(frozen=True)
class Work:
    """What an order will take at most."""

    updates: int
    params: int
    seconds: float  # expected on one core

    @property
    def limit(self) -> float:
        """Seconds after which it is ended."""
        return BEFORE + TIMES * self.seconds


def measure(architecture: Architecture, sample: tuple[int, ...]) -> Model:
    """Follow one sample through the layers, rounding up. ``sample``: shape without the rows."""
    steps, width = math.prod(sample[:-1]), sample[-1] if sample else 1
    params = products = in_turn = held = 0
    for spec in architecture.layers:
        own, before = spec.inner or spec, steps
        weights, steps, width = sizes_of(spec, steps, width)
        params += weights
        products += (steps * width) if own.cls == "Embedding" else weights * before
        kept = 1
        if own.cls in RECURRENT:
            in_turn += before * (2 if spec.cls == "Bidirectional" else 1)
            kept = GATES
        held += kept * steps * width
        if own.cls in ONE_LEFT or (
            own.cls in RECURRENT and not own.config.get("return_sequences", False)
        ):
            steps = 1
    return Model(params, products, in_turn, held)


def expected(model: Model, *, batch: int, updates: int, checked: int) -> Work:
    """Give the work of so many updates, and of checking so many batches of validation data.

    Raises:
        NotAnOrderError: more than an order may take.
    """
    if model.params > MOST_PARAMS:
        refuse("order.too_many_weights", params=model.params, most=MOST_PARAMS)
    if batch * model.held > MOST_HELD:
        refuse("order.too_wide", batch=batch)
    passing = model.steps * STEP_SECONDS + batch * model.products * PASSES / PRODUCTS
    update = UPDATE_SECONDS + model.params * PER_PARAMETER + passing
    seconds = updates * update + checked * (UPDATE_SECONDS + passing / PASSES)
    if seconds > MOST_SECONDS:
        refuse("order.too_long", seconds=round(seconds), most=round(MOST_SECONDS))
    return Work(updates, model.params, seconds)
