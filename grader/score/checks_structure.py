"""The checks of the model: its chain of layers, each layer, and the parameters in all.

Enters: a Comparison. Leaves: Checks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from grader.course.exercises import ExpectedLayer
from grader.score.nearest import Comparison, differ_in_parameters_alone, unasked_off
from grader.text.printable import cut
from grader.types import Check, EvidenceClass, LayerFact, Message, ModelFacts, Scalar

CLASS = EvidenceClass.STRUCTURE
LONGEST = 1000  # characters of what is said of a model or a layer
NOTHING = "—"


def structure_checks(
    compared: Comparison | None,
    asked: Sequence[ExpectedLayer],
    points: float,
    missing: Message | None = None,
) -> Iterator[Check]:
    """Check the chain, each layer and the total, for the same points each.

    ``missing``: what to say where there is no model.
    """
    if compared is None:
        wanted = chain(layer.cls for layer in asked)
        told = missing or Message("structure.no_model")
        yield Check("structure.layers", CLASS, 0.0, points, told, wanted, "")
        return
    model, form = compared.model, compared.form
    share = points / (len(form.layers) + 2)
    got, wanted = chain(f.cls for f in model.layers), chain(e.cls for e in form.layers)
    told = Message("structure.layers", {"expected": wanted, "got": got})
    if not model.layers:  # a class of the notebook's own may keep them to itself
        told = Message("structure.layers_unseen", {"expected": wanted})
    yield Check(
        "structure.layers", CLASS, share * compared.chain, share, told, wanted, got, model.cell
    )
    met = zip(compared.beside, compared.form.layers, compared.layers, strict=True)
    for number, (fact, layer, fraction) in enumerate(met, start=1):
        got, wanted = _found_text(model, fact, layer), expected_text(layer)
        args: dict[str, Scalar] = {"number": number, "expected": wanted, "got": got}
        told = _fed(compared, number) or _layer_told(model, fact, args)
        name = f"structure.layer-{number}"
        yield Check(name, CLASS, share * fraction, share, told, wanted, got, model.cell)
    yield _total(compared, share)


def _total(compared: Comparison, share: float) -> Check:
    """Compare the parameters, counted by the judge; what the notebook counted is no answer."""
    model, total = compared.model, compared.form.total_params
    told = Message("structure.total", {"expected": total, "got": model.total_params})
    got = str(model.total_params)
    if not model.rebuilt:
        told, got = Message("structure.total_unseen", {"expected": total}), NOTHING
    earned = share if compared.total else 0.0
    return Check("structure.total", CLASS, earned, share, told, str(total), got, model.cell)


def _layer_told(model: ModelFacts, fact: LayerFact | None, args: dict[str, Scalar]) -> Message:
    """Say what a layer is; of one that is not there or that nobody saw, nothing that it has."""
    if not model.layers:
        return Message("structure.layer_unseen", args)
    if fact is None:
        return Message("structure.layer_missing", args)
    if model.rebuilt:
        return Message("structure.layer", args)
    return Message("structure.layer_unread", args)


def _fed(compared: Comparison, number: int) -> Message | None:
    """Say of a layer that its parameters alone differ, where the layer before it is why."""
    model, asked, place = compared.model, compared.form.layers, compared.places[number - 1]
    if not place or number == 1 or not model.rebuilt:
        return None
    fact, layer = model.layers[place], asked[number - 1]
    given, wanted = (
        shape[-1] if shape else None
        for shape in (model.layers[place - 1].output_shape, asked[number - 2].output_shape)
    )
    if None in (given, wanted) or given == wanted or not differ_in_parameters_alone(fact, layer):
        return None
    counts = {"got": fact.params, "expected": layer.params}
    features = {"given": given, "asked": wanted}
    return Message("structure.layer_fed", {"number": number, **counts, **features})


def chain(names: Iterable[str]) -> str:
    """Write layers as people do: ``GRU → GRU → Dense``."""
    return cut(" → ".join(names), LONGEST)


def expected_text(layer: ExpectedLayer) -> str:
    """Write an expected layer with its settings, output shape and parameters."""
    return _layer_text(layer.cls, layer.config, layer.output_shape, layer.params)


def layer_text(fact: LayerFact | None, layer: ExpectedLayer) -> str:
    """Write a found layer with the settings that the exercise asks about, and what lost weights."""
    if fact is None:
        return NOTHING
    config = {key: fact.config.get(key) for key in (*layer.config, *unasked_off(fact, layer))}
    return _layer_text(fact.cls, config, fact.output_shape, fact.params)


def _found_text(model: ModelFacts, fact: LayerFact | None, layer: ExpectedLayer) -> str:
    """Write a found layer; of one that was never put together only what its model says of it."""
    if model.rebuilt or fact is None:
        return layer_text(fact, layer)
    config = {key: fact.config[key] for key in layer.config if key in fact.config}
    return f"{fact.cls}({_settings_text(config)})" if config else fact.cls


def _layer_text(
    cls: str, config: Mapping[str, object], shape: tuple[int | None, ...], params: int
) -> str:
    sizes = ", ".join("None" if n is None else str(n) for n in (None, *shape))
    return f"{cls}({_settings_text(config)}) → ({sizes}), {params} params"


def _settings_text(config: Mapping[str, object]) -> str:
    told = (
        str(value) if key in ("units", "filters") else f"{key}={value}"
        for key, value in config.items()
    )
    return cut(", ".join(told), LONGEST)
