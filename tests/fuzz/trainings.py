"""Fuzzes what a notebook asks the trainer for.

Enters: a ``random.Random``. Leaves: the files of an order, and the word for what became of it.
Touches: a scratch folder.
"""

from __future__ import annotations

import random
from pathlib import Path

from grader.kernel.orders.asking import packed
from grader.trainer.refusing import NotAnOrderError
from grader.trainer.replying import read_asked
from tests.fuzz.mutate import as_json, change_bytes, change_tree
from tests.support.orders import (
    ARRAYS,
    changed,
    claim,
    dense,
    embedding,
    lstm,
    optimizer,
    sequential,
)

CLAIMS = (
    claim(),
    claim(model=sequential(embedding(9), lstm(), dense(), shape=(5,))),
    claim(callbacks=[["EarlyStopping", {"monitor": "loss", "patience": 3}]], each_epoch=True),
    claim(rates=[0.5, 0.25], after={"result": "a" * 64, "optimizer": "goes_on"}),
    changed("compile.optimizer", optimizer("Adam", beta_1=0.5, amsgrad=True)),
)


def make(rng: random.Random) -> tuple[bytes, bytes]:
    """An order with another tree or other bytes; its arrays the same, now and then."""
    text = as_json(change_tree(rng.choice(CLAIMS), rng), rng)
    if rng.random() < 0.1:
        text = change_bytes(text, rng)
    arrays = packed(ARRAYS)
    return text, change_bytes(arrays, rng) if rng.random() < 0.2 else arrays


def run(order: tuple[bytes, bytes], scratch: Path) -> str:
    """Read it as the judge's process does."""
    place = scratch / "0001.order"
    place.write_bytes(order[0])
    place.with_suffix(".npz").write_bytes(order[1])
    try:
        found = read_asked(place, place.with_suffix(".npz"), answered={"a" * 64})
    except NotAnOrderError as error:
        return error.message.id
    return f"read, {len(found.callbacks)} callbacks"
