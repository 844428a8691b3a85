"""Reads the arrays of an order into the form in which they are trained on, and checks their ranges.

Enters: named arrays, claims. Leaves: the same as float32 or int32, all of plausible values. Touches
nothing.

JAX trains on where TensorFlow raises: an index outside of an embedding gives the nearest row or NaN
for it, a label outside of the classes a plausible loss. So they are looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from grader.extract.architecture import Architecture
from grader.trainer.refusing import refuse
from grader.types import Array

X, Y, WEIGHT = "x", "y", "sample_weight"
VALIDATION = VALIDATION_X, VALIDATION_Y, VALIDATION_WEIGHT = (
    "validation_x",
    "validation_y",
    "validation_weight",
)
TURNS, SIZES = (
    "turns",
    "sizes",
)  # where batches were drawn: which row each sample is, batch by batch
NAMES = (X, Y, WEIGHT, *VALIDATION, TURNS, SIZES)
MOST_SIZES = 8  # that batches may have: for each a training is compiled anew
MOST_BYTES = 200_000_000  # of all arrays together, as they are trained on
MOST_ROWS = 10_000_000
MOST_AXES = 5
INT32 = np.iinfo(np.int32)
KEEP_VALUES = frozenset("Reshape Flatten Permute RepeatVector".split())  # an index stays one
AFTER_CLASSES = frozenset("Activation Softmax Dropout".split())  # the last axis stays the classes
SPARSE = frozenset(
    {
        "SparseCategoricalCrossentropy",
        "SparseCategoricalAccuracy",
        "SparseTopKCategoricalAccuracy",
    }
)


def read_arrays(claims: Mapping[str, Array]) -> dict[str, Array]:
    """Read inputs, targets, weights and validation data.

    Raises:
        NotAnOrderError: not numbers, not finite, too many, or of lengths that do not fit.
    """
    for name in claims:
        if name not in NAMES:
            refuse("order.unreadable", what=name)
    found = {name: _read(name, claims[name]) for name in NAMES if name in claims}
    for x, y, weight in ((X, Y, WEIGHT), VALIDATION):
        if (x in found) != (y in found) or (weight in found and x not in found):
            refuse("order.unreadable", what=y if x in found else x)
        lengths = {len(found[name]) for name in (x, y, weight) if name in found}
        if len(lengths) > 1:
            refuse("order.lengths", array=x)
    if X not in found:
        refuse("order.unreadable", what=X)
    _check_turns(found)
    if sum(array.nbytes for array in found.values()) > MOST_BYTES:
        refuse("order.too_many_bytes", most=MOST_BYTES // 10**6)
    return found


def _check_turns(found: Mapping[str, Array]) -> None:
    """Check that each sample is a row that there is, and in one batch."""
    if not {TURNS, SIZES} & set(found):
        return
    if not {TURNS, SIZES} <= set(found):
        refuse("order.turns")
    turns, sizes = found[TURNS], found[SIZES]
    for one in (turns, sizes):
        if one.ndim != 1 or one.dtype.kind != "i":
            refuse("order.turns")
    if turns.min() < 0 or turns.max() >= len(found[X]) or len(np.unique(sizes)) > MOST_SIZES:
        refuse("order.turns")
    if sizes.min() < 1 or int(sizes.sum(dtype=np.int64)) != len(turns):
        refuse("order.turns")


def _read(name: str, claim: Array) -> Array:
    if not isinstance(claim, np.ndarray) or claim.dtype.kind not in "biuf":
        refuse("order.no_numbers", array=name)
    if not 1 <= claim.ndim <= MOST_AXES or not 1 <= len(claim) <= MOST_ROWS or not claim.size:
        refuse("order.shape", array=name)
    if claim.size * 4 > MOST_BYTES:
        refuse("order.too_many_bytes", most=MOST_BYTES // 10**6)
    array = np.ascontiguousarray(claim, dtype=_trained_as(claim))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        refuse("order.not_finite", array=name)
    return array


def _trained_as(claim: Array) -> str:
    """What Keras makes of an array: whole numbers stay whole while int32 holds them."""
    if claim.dtype.kind == "f":
        return "<f4"
    if claim.dtype.kind == "b" or np.can_cast(claim.dtype, np.int32):
        return "<i4"
    return "<i4" if INT32.min <= claim.min() and claim.max() <= INT32.max else "<f4"


def check_ranges(architecture: Architecture, sparse: bool, arrays: Mapping[str, Array]) -> None:
    """Check inputs against the model's first layers, and labels against its classes.

    ``sparse``: whether the loss or a metric takes labels as whole numbers.

    Raises:
        NotAnOrderError: a shape that the model does not take, an index or label out of range.
    """
    for name in (X, VALIDATION_X):
        if name in arrays:
            given = arrays[name].shape[1:]
            if sample_shape(architecture.input_shape, given) is None:
                refuse("order.shape", array=name)
    rows = _embedded(architecture)
    if rows is not None:
        for name in (X, VALIDATION_X):
            _check_range("order.index_range", name, arrays, rows)
    if sparse:
        classes = _classes(architecture)
        for name in (Y, VALIDATION_Y):
            _check_range("order.label_range", name, arrays, classes)


def sample_shape(wanted: tuple[int | None, ...], given: tuple[int, ...]) -> tuple[int, ...] | None:
    """Give the shape in which a model takes its inputs, without the rows; None where it does not.

    Keras adds a last axis of one to inputs that lack it, and takes it from those that have it.
    """
    forms = [given]
    if given[-1:] == (1,):
        forms.append(given[:-1])
    if wanted[-1:] == (1,):
        forms.append((*given, 1))
    return next((form for form in forms if _fits(wanted, form)), None)


def _fits(wanted: tuple[int | None, ...], given: tuple[int, ...]) -> bool:
    if len(wanted) != len(given):
        return False
    return all(size in (None, have) for size, have in zip(wanted, given, strict=True))


def _embedded(architecture: Architecture) -> int | None:
    """Give the rows of the embedding that the inputs are indices of, None where there is none."""
    rows: int | None = None
    indices = True
    for spec in architecture.layers:
        own = spec.inner or spec
        if own.cls == "Embedding":
            size = own.config.get("input_dim")
            if not indices or type(size) is not int:
                refuse("order.setting", cls="Embedding", setting="input_dim")
            rows, indices = size, False
        indices = indices and own.cls in KEEP_VALUES
    return rows


def _classes(architecture: Architecture) -> int:
    """Give the size of the last axis of what the model says."""
    said = [spec for spec in architecture.layers if (spec.inner or spec).cls not in AFTER_CLASSES]
    own = said[-1].inner or said[-1] if said else None
    units = own.config.get("units", own.config.get("filters")) if own else None
    if type(units) is not int or said[-1].cls == "Bidirectional":
        refuse("order.classes_unknown")
    return units


def _check_range(reason: str, name: str, arrays: Mapping[str, Array], most: int) -> None:
    if name not in arrays:
        return
    lowest, highest = int(arrays[name].min()), int(arrays[name].max())  # towards zero, as Keras
    if lowest < 0 or highest >= most:
        refuse(reason, array=name, lowest=lowest, highest=highest, most=most - 1)
