"""What the evaluation room is asked about models, and what it answers.

Enters: nothing. Leaves: frozen dataclasses, the type of who asks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from grader.extract.architecture import Architecture
from grader.types import Array, Json, Message


@dataclass(frozen=True)
class Training:
    """How to train from scratch: arrays, and what ``compile`` and ``fit`` are given."""

    x: Array
    y: Array
    epochs: int
    optimizer: str
    loss: str
    options: Mapping[str, Json] = field(default_factory=dict)  # of the optimizer
    batch_size: int = 32
    validation_split: float = 0.0
    from_logits: bool = False
    steps: int | None = None  # of an epoch; None: as many as the rows take
    compare: bool = False  # what was lost before and after: ``before``, ``after`` of the history


@dataclass(frozen=True)
class ModelTask:
    """One model and what to do with it. No weights and no training: as freshly initialised."""

    id: str  # an exercise's, and behind a "/" what else is asked about its model
    architecture: Architecture
    weights: tuple[Array, ...] = ()
    inputs: Array | None = None
    training: Training | None = None
    seed: int | None = None

    @property
    def exercise(self) -> str:
        """The exercise that it is about."""
        return self.id.partition("/")[0]


@dataclass(frozen=True)
class LayerAnswer:
    """A rebuilt layer: output shape without the batch axis, and parameters."""

    output_shape: tuple[int | None, ...]
    params: int


@dataclass(frozen=True)
class Answer:
    """What E made of a task; ``error`` where it could not be done, ``failed`` in which step."""

    layers: tuple[LayerAnswer, ...] = ()
    total_params: int = 0
    predictions: Array | None = None
    history: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    failed: str = ""  # build, weights, train, predict
    fault: Message | None = None  # the room ended over it: ours, and no word about the model


STOPPED = "evaluate.stopped"  # a task's fault: for its time or its memory, as it would be again
Evaluate: TypeAlias = Callable[[Sequence[ModelTask]], Mapping[str, Answer]]
