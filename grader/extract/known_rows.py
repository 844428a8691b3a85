"""The rows that a model was given, as far as is known: those that count of it as its data.

Enters: what a run showed, trainings of ours. Leaves: KnownRows. Touches nothing.

Of a training that is ours they are what was ordered. Of one of the notebook's own they are what it
showed, each once, and of more that it says it had as many as ``rows_that_count`` allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from grader.course.exercises import Exercise
from grader.course.families import Looks
from grader.execution import Fit, FitSample, Training
from grader.extract.distinct import as_shown, differing, each_once, is_part, shown_rows
from grader.extract.lengths import examined
from grader.extract.matching import ModelReading, data_shape, fitted_instead, telling_fit
from grader.extract.proof import chain_of, layers_digest, told_by
from grader.extract.rows_that_count import RowsThatCount, rows_that_count, shown_by
from grader.extract.several_forms import with_other_forms
from grader.extract.weightless import is_weightless
from grader.types import Message


@dataclass(frozen=True)
class KnownRows:
    """What is known of the rows that a model was given."""

    shown: Fit | None
    of: ModelReading | None  # the model whose fit they are, where fit was never called on this one
    in_part: bool  # a training of the notebook's own showed fewer than it was given
    claimed: bool  # it is the notebook that shows them, where trainings are ours
    weightless: bool = False  # there were some, and all of them weighed nothing


@dataclass(frozen=True)
class Run:
    """All that a run showed, and what looks at it for an exercise."""

    exercise: Exercise
    looks: Looks | Message
    readings: Sequence[ModelReading]
    trainings: Sequence[Training] | None

    def rows_that_count(self, fit: Fit, reading: ModelReading) -> RowsThatCount:
        """Say how many rows count of those that a training of the notebook's own says it had."""
        sample = fit.sample
        if is_part(sample):
            return RowsThatCount(differing(sample, shown_rows(sample)), in_part=True)
        shown = shown_by((one.candidate for one in self.readings), self.trainings or ())
        return rows_that_count(sample, shown, partial(self._shares, fit, reading))

    def with_other_forms(self, counted: Fit, fit: Fit, reading: ModelReading) -> Fit:
        """Give a fit's rows with those of other shapes that are as right."""
        look = partial(self._shares, fit, reading, in_layout=True)
        return replace(counted, sample=with_other_forms(counted.sample, fit.sample, look))

    def _shares(
        self, fit: Fit, reading: ModelReading, sample: FitSample, *, in_layout: bool = False
    ) -> dict[str, float]:
        """Give how right rows are in each respect; nothing where nobody here can look.

        ``in_layout``: those in another layout are not.
        """
        if isinstance(self.looks, Message):
            return {}
        fit = replace(fit, sample=sample)
        shape = reading.shape_for(data_shape(fit))
        data = examined(self.looks, self.exercise, shape, fit)
        read = f"read {data.layout}" if in_layout else "read"
        return {one.id: one.fraction for one in data.findings} | {read: data.layout is not None}


def known_rows(run: Run, chosen: ModelReading, others: Sequence[Exercise]) -> KnownRows:
    """Give the rows of the model's own training, or of the one that was fitted in its place."""
    exercise = run.exercise
    reading, fit = chosen.built_for(exercise), telling_fit(chosen.candidate)
    rows = _rows_of(run, fit, reading)
    if rows.shown is not None or reading.moved:
        return rows
    instead = fitted_instead(run.readings, chosen, exercise, others)
    if instead is None:
        return rows
    return replace(_rows_of(run, telling_fit(instead.candidate), instead), of=instead)


def _rows_of(run: Run, fit: Fit | None, reading: ModelReading) -> KnownRows:
    ordered, strictly = _ordered_rows(fit, reading, run.trainings or ()), run.trainings is not None
    claimed = strictly and ordered is None
    rows = run.rows_that_count(fit, reading) if claimed and fit is not None else None
    shown = _as_ordered(fit, ordered, rows)
    if claimed and fit is not None and shown is not None:
        shown = run.with_other_forms(shown, fit, reading)
    return KnownRows(
        shown,
        None,
        rows is not None and rows.in_part,
        claimed=claimed,
        weightless=shown is not None
        and strictly
        and is_weightless(shown.sample, ordered=ordered is not None),
    )


def _ordered_rows(
    fit: Fit | None, reading: ModelReading, trainings: Sequence[Training]
) -> Training | None:
    """Give the training of ours that tells a model's data: one that made it, or its fit asked for.

    Weights may have been set since: then the model is no result, and its rows are known all the
    same.
    """
    chain = chain_of(reading, trainings)
    if chain or fit is None or reading.architecture is None or _showed_what_it_could(fit):
        return told_by(chain)
    layers = layers_digest(reading.architecture.layers)
    own = [one for one in trainings if one.key and (one.cell, one.layers) == (fit.cell, layers)]
    return told_by(own)


def _showed_what_it_could(fit: Fit) -> bool:
    """Whether a fit's rows were seen, all of them or as many as there was room for."""
    return fit.sample.x is not None and not is_part(fit.sample)


def _as_ordered(
    fit: Fit | None, ordered: Training | None, rows: RowsThatCount | None
) -> Fit | None:
    """Give a fit with the data that were ordered, where there are any; each row once.

    ``rows``: of a training of the notebook's own, where others are ours: what was shown of it,
    and what shows that there was more, is all that is known.
    """
    if ordered is None:
        if fit is None:
            return None
        shown = fit.sample
        sample = each_once(shown) if rows is None else as_shown(shown, rows.most)
        return replace(fit, sample=sample)
    assert ordered.sample is not None
    given = fit or Fit(ordered.cell, ordered.sample, None, ordered.epochs, {}, True, {})
    return replace(given, sample=ordered.sample)
