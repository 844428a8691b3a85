"""The accepted form that a model is nearest to: the one that points and advice speak of.

Enters: ModelFacts and an Exercise. Leaves: a Comparison. Touches nothing.

It is computed once per grading. Two formulas, one for the points and one for the advice, would
sometimes choose differently, and then the advice would undo what the points ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from grader.course.exercises import Exercise, ExpectedLayer
from grader.course.forms import AcceptedForm, accepted_forms, align
from grader.types import LayerFact, ModelFacts

WEIGHTS = ("use_bias", "reset_after")  # Keras has them on


@dataclass(frozen=True)
class Comparison:
    """A model beside one accepted form."""

    model: ModelFacts
    form: AcceptedForm
    places: tuple[int | None, ...]  # per layer of the form, the index of the model's own

    @property
    def pairs(self) -> Iterator[tuple[LayerFact | None, ExpectedLayer]]:
        """Each layer of the form with the model's own, None where none stands for it."""
        for place, layer in zip(self.places, self.form.layers, strict=True):
            yield (None if place is None else self.model.layers[place]), layer

    @property
    def beside(self) -> tuple[LayerFact | None, ...]:
        """Give for each layer of the form the model's own, or what stands there in its stead.

        Between two layers that are met (or the ends) the others are each other's stead where there
        are as many of the model's as of the form's. They earn nothing; they are what is told.
        """
        found = [fact for fact, _ in self.pairs]
        ends = [(-1, -1)]
        ends += [(n, place) for n, place in enumerate(self.places) if place is not None]
        ends += [(len(self.places), len(self.model.layers))]
        for (number, place), (after, beyond) in pairwise(ends):
            if after - number == beyond - place:
                found[number + 1 : after] = self.model.layers[place + 1 : beyond]
        return tuple(found)

    @property
    def chain(self) -> float:
        """Give the share of the layers that are of the right class at the right place."""
        matched = sum(place is not None for place in self.places)
        return matched / max(len(self.model.layers), len(self.form.layers))

    @property
    def layers(self) -> tuple[float, ...]:
        """Give for each layer of the form the share of settings, shape and count that is met."""
        return tuple(0.0 if fact is None else _met(fact, layer) for fact, layer in self.pairs)

    @property
    def total(self) -> bool:
        """Whether the parameters add up, counted by the judge."""
        return self.model.rebuilt and self.model.total_params == self.form.total_params

    @property
    def share(self) -> float:
        """Give the share of the points for structure that it earns: all checks weigh the same."""
        met = (self.chain, *self.layers, float(self.total))
        return sum(met) / len(met)


def nearest(model: ModelFacts, exercise: Exercise) -> Comparison:
    """Compare with the form that earns the model most; with the usual one of equals.

    The best of several monotone shares is monotone: what is put right never costs points, even
    where it makes another form the nearest.
    """
    compared = (compare(model, form) for form in accepted_forms(exercise))
    return max(compared, key=lambda one: round(one.share, 9))  # equals differ in the last bit


def compare(model: ModelFacts, form: AcceptedForm) -> Comparison:
    """Put a model beside one form."""
    got, wanted = [fact.cls for fact in model.layers], [layer.cls for layer in form.layers]
    return Comparison(model, form, tuple(align(got, wanted)))


def unasked_off(fact: LayerFact, layer: ExpectedLayer) -> tuple[str, ...]:
    """Name what adds weights unless it is switched off, and is, where the exercise is silent."""
    return tuple(k for k in WEIGHTS if k not in layer.config and fact.config.get(k) is False)


def _met(fact: LayerFact, layer: ExpectedLayer) -> float:
    same = [fact.config.get(key) == value for key, value in layer.config.items()]
    same += [_agree(fact.output_shape, layer.output_shape), fact.params == layer.params]
    return sum(same) / len(same)


def differ_in_parameters_alone(fact: LayerFact, layer: ExpectedLayer) -> bool:
    """Whether a layer is as asked for but for how many parameters it has."""
    as_asked = replace(fact, params=layer.params)
    return (
        fact.params != layer.params
        and _met(as_asked, layer) == 1.0
        and not unasked_off(fact, layer)
    )


def _agree(got: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether shapes are the same; a size that the model leaves open is the data's to show."""
    sizes = zip(got, wanted, strict=False)
    return len(got) == len(wanted) and all(g in (None, w) for g, w in sizes)
