"""Whose training stands for a model: one of ours, or what the notebook tells.

Enters: a model's reading, the trainings of its run. Leaves: a Proof, and facts by our own results.
Touches nothing.

A notebook may ask for one training and show another model. So a result stands for a model only
where layers and weights are those of the order and of its result, to the last bit.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from grader.execution import Training
from grader.extract.architecture import LayerSpec
from grader.extract.matching import ModelReading
from grader.extract.training import joined
from grader.types import Array, Message, Proof, TrainingFacts

CPU = "cpu"  # the class of device of a core
PROVEN, CLAIMED = "proof.proven", "proof.claimed"


def layers_digest(layers: Sequence[LayerSpec]) -> str:
    """Give a digest of layers and their settings."""
    told = json.dumps([layer.as_json() for layer in layers], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def weights_digest(weights: Sequence[Array]) -> str:
    """Give a digest of shapes and values; of no weights none."""
    told = hashlib.sha256()
    for weight in weights:
        told.update(f"{weight.dtype.str} {weight.shape}".encode())
        told.update(np.ascontiguousarray(weight).tobytes())
    return told.hexdigest() if weights else ""


def chain_of(reading: ModelReading, trainings: Sequence[Training]) -> tuple[Training, ...]:
    """Give the trainings of ours that made a model what it is, in turn; none where one is not."""
    if reading.architecture is None or not reading.candidate.final:
        return ()
    layers = layers_digest(reading.architecture.layers)
    weights = weights_digest(reading.candidate.final)
    ours = {one.key: one for one in trainings if one.key}
    ends = [
        one
        for one in ours.values()
        if one.layers == layers and weights in {one.weights, *one.each_epoch}
    ]
    chain: list[Training] = ends[-1:]
    while chain and chain[0].before:
        earlier = ours.get(chain[0].before)
        if earlier is None or earlier in chain:
            return ()
        chain.insert(0, earlier)
    return tuple(chain)


def proof_of(
    reading: ModelReading, chain: Sequence[Training], trainings: Sequence[Training]
) -> Proof:
    """Say whose training stands for a model; where none of ours does, why.

    Its device is an accelerator wherever one had a part in the model.
    """
    if chain:
        others = (one.device for one in chain if one.device != CPU)
        return Proof(chain[-1].key, device=next(others, CPU))
    here = [one for one in trainings if not one.key and one.cell == reading.candidate.cell]
    whys = [one.why for one in here or trainings if one.why is not None]
    return Proof(why=whys[-1] if whys else Message("proof.another"))


def whole_passes(one: Training, asked: int | None = None) -> int:
    """Give how many whole passes over its rows a training is worth, at most its epochs.

    Args:
        one: a training of ours.
        asked: rows that the exercise trains on. Whoever has more of them need not see them all
            in each epoch; of rows that are never the same again, as many are a pass. A last batch
            that is not full is asked for by neither.
    """
    if one.samples is None or (one.fresh and asked is None):
        return one.epochs
    rows = one.rows
    if asked is not None:
        rows = min(rows, asked // one.batch * one.batch or asked)
    return min(one.epochs, one.samples // max(1, rows))


def told_by(trainings: Sequence[Training]) -> Training | None:
    """Give the longest training, the last of equals, of those whose rows are kept."""
    kept = [one for one in trainings if one.sample is not None]
    return max(reversed(kept), key=whole_passes, default=None)


def is_unheard(reading: ModelReading, trainings: Sequence[Training]) -> bool:
    """Whether a model tells of fits where none was asked for, and none was said to be done there.

    A notebook's fit does one or the other before its first step; a story of one does neither.
    """
    cells = {fit.cell for fit in reading.candidate.fits if fit.epochs_run}
    return bool(cells) and cells.isdisjoint(one.cell for one in trainings)


def proven_facts(
    facts: TrainingFacts, chain: Sequence[Training], asked: int | None = None
) -> TrainingFacts:
    """Give the facts of a training by our own results, where it is ours.

    ``asked``: rows that the exercise trains on.
    """
    if not chain:
        return facts
    history = joined([_numbers(one.history) for one in chain])
    return replace(
        facts,
        fits=len(chain),
        epochs=sum(whole_passes(one, asked) for one in chain),
        changed=any(one.moved for one in chain),
        history=history,
        updates=chain[-1].updates,
    )


def _numbers(history: Mapping[str, Sequence[float | None]]) -> dict[str, tuple[float, ...]]:
    return {
        name: tuple(math.nan if value is None else value for value in values)
        for name, values in history.items()
    }


def note_of(proof: Proof | None) -> tuple[Message, ...]:
    """Say it in a sentence, and why nothing of ours stands for a model."""
    if proof is None:
        return ()
    if proof.proven:
        return (Message(PROVEN),)
    return (Message(CLAIMED), *((proof.why,) if proof.why is not None else ()))


def notes_on(epochs: int, passes: int) -> tuple[Message, ...]:
    """Say of epochs that go over a part of the rows how many whole passes they are worth."""
    if passes == epochs:
        return ()
    return (Message("proof.short_epochs", {"epochs": epochs, "passes": passes}),)
