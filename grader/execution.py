"""What came out of one run of one notebook: claims, and the trainings that are ours.

Enters and leaves nothing. Touches nothing. What the judge finds in it are the facts of
``grader/types.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.types import (
    Array,
    CellError,
    Engine,
    Isolation,
    Json,
    LeftOut,
    Message,
    Outcome,
    Scalar,
    TimeSpent,
)


@dataclass(frozen=True)
class Remark:
    """What a line used that is called otherwise today, or stands in for something; no mistake."""

    cell: int
    line: int  # of the cell, from 1
    kind: str  # old_api, stand_in, asked, restart, elsewhere
    what: str  # lr=
    instead: str  # learning_rate=; "" where nothing took its place


@dataclass(frozen=True)
class CellRun:
    """What one code cell did. ``status``: ok, error, or stopped where it was cut off."""

    index: int
    status: str
    seconds: float
    stdout: str
    error: CellError | None
    images: tuple[bytes, ...] = ()  # PNG as the student's kernel sent them: untrusted
    truncated: bool = False
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class ArraySample:
    """The first rows of an array given to ``fit``, with the whole array's shape."""

    shape: tuple[int, ...]
    dtype: str
    rows: Array  # (sampled, ...)
    statistics: Mapping[str, float]  # min, max, mean, std of the whole array, as claimed


@dataclass(frozen=True)
class Showing:
    """How much of its rows a fit could show, as the judge counts it.

    Attributes:
        left: bytes of what a run may show that it could take.
        most: bytes that any fit may.
    """

    left: int
    most: int


@dataclass(frozen=True)
class OtherRows:
    """Rows that the same fit was given in another shape, as batches padded by themselves have."""

    x: ArraySample
    y: ArraySample


@dataclass(frozen=True)
class FitSample:
    """What a call of ``fit`` was given to train on: inputs and targets."""

    x: ArraySample | None
    y: ArraySample | None
    kind: str = "arrays"  # arrays, drawn, dataset, generator, unknown
    digest: int | None = None  # as claimed: fits on the same data have the same
    batch: int | None = None  # of what was drawn: rows of the largest batch
    showing: Showing | None = None  # None: no more than the first rows or batch were shown
    differing: int | None = None  # rows of arrays that do, as claimed; those shown were drawn
    others: tuple[OtherRows, ...] = ()  # the heaviest first


@dataclass(frozen=True)
class Fit:
    """One call of ``fit`` on a model, as claimed; or calls in a loop, on the same data."""

    cell: int
    sample: FitSample
    epochs_asked: int | None
    epochs_run: int
    history: Mapping[str, tuple[float, ...]]
    finished: bool
    arguments: Mapping[str, Scalar]  # batch_size, validation_split, steps_per_epoch, shuffle …
    calls: int = 1  # of fit, where a loop made many that went on from each other
    ended: bool = True  # False: the room was stopped first, and what it led to is unknown


@dataclass(frozen=True)
class Jump:
    """A change of weights while no fit was running: restored, set, or made before the first fit."""

    left: tuple[Array, ...]  # by the fit before; none before the first one
    found: tuple[Array, ...]  # as the next fit began, or at the end


@dataclass(frozen=True)
class Candidate:
    """One Keras model of the notebook with everything claimed about it."""

    model: int  # number in order of first sight
    name: str  # variable, "" where none is left
    cell: int  # where it was last trained, else seen
    config: Mapping[str, Json]  # {"class_name", "config"} of keras' serialisation, size-checked
    compile: Mapping[str, Json]  # loss, optimizer, metrics as claimed
    fits: tuple[Fit, ...]
    initial: tuple[Array, ...]  # weights at first sight
    final: tuple[Array, ...]  # weights when last seen
    order: int  # larger is later
    jumps: tuple[Jump, ...] = ()  # the last few, that before the first fit included
    bare: bool = False  # its weights are too large to be looked at, and are not here
    own_updates: int = 0  # of its weights, by loops of the notebook's own: no fit made them
    own_sample: FitSample | None = None  # given to train_on_batch: the first batch, or all drawn
    built: int | None = None  # the cell in which it was first seen as it is; None: not known
    raised: bool = False  # its layers are all there is: making a model of them raised an error


@dataclass(frozen=True)
class Training:
    """A fit of a run whose trainings are asked for. Without ``key``: done by the notebook itself.

    With one it is ours, and no claim. What ties a model to it: the same layers, and weights that
    are the result's to the last bit.
    """

    cell: int  # as the driver says
    key: str = ""  # of the result
    layers: str = ""  # digest of the order's layers
    weights: str = ""  # digest of the result's
    each_epoch: tuple[
        str, ...
    ] = ()  # digests of those after every epoch, where they were asked for
    before: str = ""  # key of the result that it went on from
    epochs: int = 0
    rows: int = 0  # that a whole pass over its data has, in full batches
    batch: int = 1  # rows of a full one
    samples: int | None = None  # of all epochs; None where each goes over all rows once
    fresh: bool = False  # of those samples no row came twice
    updates: int = 0  # those of what it went on from included
    moved: bool = False  # its last weights are not its first ones
    seconds: float = 0.0
    history: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    sample: FitSample | None = None  # each row that it was trained on once, of all of them
    why: Message | None = None  # the notebook trained by itself
    device: str = "cpu"  # that trained it, or an accelerator's name


@dataclass(frozen=True)
class Execution:
    """Everything that came out of one run of one notebook. All but ``trainings`` is claims."""

    outcome: Outcome
    cells: tuple[CellRun, ...]
    candidates: tuple[Candidate, ...]
    engine: Engine
    device: str  # cpu, or the GPU's name
    seed: int
    attempt: int
    isolation: Isolation
    seconds: float
    fixes_seeds: bool = False
    notes: tuple[Message, ...] = ()
    trainings: tuple[Training, ...] | None = None  # None: the notebook trains by itself
    spent: TimeSpent = field(default_factory=TimeSpent)
