"""What a model is, and what else the notebook built.

Enters: readings, what was rebuilt of them. Leaves: ModelFacts, OtherModels. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.extract.matching import ModelReading
from grader.extract.tasks import Answer
from grader.types import LayerFact, ModelFacts, OtherModel

MOST_OTHERS = 20
LAYERS_SHOWN = 50  # of a model; of all others their classes, of the one that is graded its settings


def model_facts(reading: ModelReading, answer: Answer | None) -> ModelFacts:
    """Say what a model is: rebuilt where it could be, else as its configuration has it.

    Args:
        reading: the model.
        answer: its layers and parameters as rebuilt; None where nobody rebuilt it.
    """
    candidate = reading.candidate
    built = candidate.cell if candidate.built is None else candidate.built
    claimed = sum(int(weight.size) for weight in candidate.final)
    architecture = reading.architecture
    if architecture is None or answer is None or len(answer.layers) != len(architecture.layers):
        specs = architecture.layers if architecture else ()
        layers = tuple(
            LayerFact(name, specs[i].settings if i < min(LAYERS_SHOWN, len(specs)) else {}, (), 0)
            for i, name in enumerate(reading.names)
        )
        return ModelFacts(layers, claimed, (), built, candidate.name, rebuilt=False)
    layers = tuple(
        LayerFact(
            spec.title,
            spec.settings if i < LAYERS_SHOWN else {},
            rebuilt.output_shape,
            rebuilt.params,
        )
        for i, (spec, rebuilt) in enumerate(zip(architecture.layers, answer.layers, strict=True))
    )
    return ModelFacts(
        layers,
        answer.total_params,
        architecture.input_shape,
        built,
        candidate.name,
        rebuilt=True,
    )


def other_models(
    readings: Sequence[ModelReading], chosen: ModelReading | None
) -> tuple[OtherModel, ...]:
    """Say what else was built: a student may have trained another model than the one meant."""
    others = [one for one in readings if one is not chosen and not one.candidate.raised]
    return tuple(map(other_model, others))[:MOST_OTHERS]


def other_model(reading: ModelReading) -> OtherModel:
    """Say what a model is that does not stand for the exercise."""
    candidate = reading.candidate
    return OtherModel(
        candidate.name,
        candidate.cell,
        sum(fit.epochs_run for fit in candidate.fits) or candidate.own_updates,
        reading.names[:LAYERS_SHOWN],
    )
