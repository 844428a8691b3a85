"""Rows of several shapes that one fit was given: batches that are each padded by themselves.

Enters: what a fit shows, a way to look at rows. Leaves: how many count. Touches nothing.

Most was learned from the rows of one form, and those tell what the data are. Rows of other lengths
stand beside them as far as they are as right, each form looked at in its own length.
"""

from __future__ import annotations

from dataclasses import replace

from grader.extract.backing import BY_CHANCE, Look, as_many, beside
from grader.extract.distinct import differing, shown_rows, told_rows
from grader.types import ArraySample, FitSample

MOST_WRONG = 3  # forms without right rows, which take longest to look at, before no more are


def with_other_forms(counted: FitSample, given: FitSample, look: Look) -> FitSample:
    """Give what is known of a fit's rows with as many more as others stand beside them.

    Args:
        counted: what counts of the rows that tell what the data are.
        given: all that the fit shows. Of other forms only rows that are shown count.
        look: says of rows how right they are in each respect, from 0 to 1.
    """
    if counted.x is None or counted.y is None or not given.others:
        return counted
    forms = [FitSample(one.x, one.y) for one in given.others]
    forms = [one for one in forms if shown_rows(one)]
    altogether = told_rows(given) + sum(map(told_rows, forms))
    own, more, wrong = look(as_many(given, altogether)), 0, 0
    for form in forms:
        share = beside(own, look(as_many(form, altogether)))
        more += int(share * differing(form, shown_rows(form)))
        wrong += share <= BY_CHANCE
        if wrong == MOST_WRONG:
            break
    return replace(counted, x=_more(counted.x, more), y=_more(counted.y, more))


def _more(part: ArraySample, rows: int) -> ArraySample:
    return replace(part, shape=(part.shape[0] + rows, *part.shape[1:]))
