"""Rows of several lengths that one fit was given: batches that are each padded by themselves.

Enters: what a fit shows, a way to look at rows. Leaves: how many count. Touches nothing.

Most was learned from the rows of one form, and those tell what the data are. Rows of other lengths
stand beside them as far as they are as right, each form looked at in its own length. A row that is
padded or cut to several lengths is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grader.course.near import distinct_places
from grader.execution import ArraySample, FitSample
from grader.extract.distinct import differing, shown_rows, told_rows
from grader.extract.rows_that_count import BY_CHANCE, Look, as_many, beside
from grader.types import Array

MOST_WRONG = 3  # forms without right rows, which take longest to look at, before no more are


def with_other_forms(counted: FitSample, given: FitSample, look: Look) -> FitSample:
    """Give what is known of a fit's rows with as many more as others stand beside them.

    Args:
        counted: what counts of the rows that tell what the data are.
        given: all that the fit shows. Of other forms only rows that are shown count.
        look: says of rows how right they are in each respect, from 0 to 1.
    """
    if counted.x is None or counted.y is None or given.x is None or not given.others:
        return counted
    forms = [one for other in given.others if shown_rows(one := FitSample(other.x, other.y))]
    altogether = told_rows(given) + sum(map(told_rows, forms))
    own, more, wrong, right = look(as_many(given, altogether)), 0, 0, [given.x.rows]
    for form in forms:
        assert form.x is not None
        share = beside(own, look(as_many(form, altogether)))
        if share <= BY_CHANCE or not _differ_in_length(form.x.rows, given.x.rows):
            wrong += 1
        else:
            right.append(form.x.rows)
            more += int(share * differing(form, shown_rows(form)))
        if wrong == MOST_WRONG:
            break
    more = min(more, _new_beside_the_first(right))
    return replace(counted, x=_more(counted.x, more), y=_more(counted.y, more))


def _differ_in_length(one: Array, other: Array) -> bool:
    """Whether rows are (rows, steps, …) that differ in their steps alone."""
    return one.ndim == other.ndim > 1 and one.shape[2:] == other.shape[2:]


def _new_beside_the_first(forms: Sequence[Array]) -> int:
    """Give how many rows of other forms are none of the first one's, nor each other's.

    Wherever a row was padded and whichever of its ends was cut off: as many as differ in either.
    """
    steps = min(one.shape[1] for one in forms)
    new = []
    for of in (_first_steps, _last_steps):
        alike = [of(rows, steps) for rows in forms]
        new.append(_differing(np.concatenate(alike)) - _differing(alike[0]))
    return max(0, min(new))


def _differing(rows: Array) -> int:
    return len(distinct_places(rows, np.zeros(len(rows), np.float32)))


def _last_steps(rows: Array, steps: int) -> Array:
    """Give so many last steps of each row, before the zeros at its end: (rows, steps, …)."""
    return _first_steps(rows[:, ::-1], steps)


def _first_steps(rows: Array, steps: int) -> Array:
    """Give so many steps of each row, after the zeros at its beginning: (rows, steps, …)."""
    something = (rows != 0).any(axis=tuple(range(2, rows.ndim)))
    places = something.argmax(axis=1)[:, None] + np.arange(steps)
    there = places < rows.shape[1]
    found = rows[np.arange(len(rows))[:, None], np.where(there, places, 0)]
    return np.where(there.reshape(*there.shape, *(1,) * (rows.ndim - 2)), found, 0)


def _more(part: ArraySample, rows: int) -> ArraySample:
    return replace(part, shape=(part.shape[0] + rows, *part.shape[1:]))
