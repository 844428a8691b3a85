"""The model: what differs from what is asked, layer by layer, in the words of Keras.

Enters: a Comparison. Leaves: Messages, the most telling first. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.course.exercises import ExpectedLayer
from grader.score.nearest import Comparison, unasked_off
from grader.text.printable import printable
from grader.types import Json, LayerFact, Message, ModelFacts, Scalar

RECURRENT = ("SimpleRNN", "LSTM", "GRU")
FIRST = ("return_sequences", "units", "filters", "activation", "use_bias")


def structure_hints(compared: Comparison) -> tuple[Message, ...]:
    """Name the differences from the accepted form that the model is compared with."""
    model = compared.model
    found = tuple(_differences(compared)) if model.layers else ()
    if not found and not model.rebuilt:
        readable = any(fact.config for fact in model.layers)
        told = "diagnose.layers_do_not_fit" if readable else "diagnose.not_a_chain"
        return (Message(told, {"cell": model.cell}),)
    return found


def _differences(compared: Comparison) -> Iterator[Message]:
    model, form = compared.model, compared.form
    got = [fact.cls for fact in model.layers]
    wanted = [layer.cls for layer in form.layers]
    numbered = [  # as the checks count them; of the model's own count a message says "your model"
        (number, model.layers[place], layer)
        for number, (place, layer) in enumerate(zip(compared.places, form.layers, strict=True), 1)
        if place is not None
    ]
    if got == wanted:
        found = [*_settings(numbered), *_input(model, form.input_shape)]
        yield from found
        if not found and model.rebuilt and not compared.total:
            args: dict[str, Scalar] = {"expected": form.total_params, "got": model.total_params}
            yield Message("diagnose.params", args)
        return
    yield from _kinds(got, wanted, compared.places)
    yield from _input(model, form.input_shape)
    yield from _settings(numbered)


def _kinds(
    got: Sequence[str], wanted: Sequence[str], found: Sequence[int | None]
) -> Iterator[Message]:
    """Name wrong, missing and extra layers."""
    if len(got) == len(wanted):
        pairs = dict.fromkeys(
            (have, want) for have, want in zip(got, wanted, strict=True) if have != want
        )
        for have, want in pairs:
            places = zip(got, wanted, strict=True)
            number = next(i for i, pair in enumerate(places, 1) if pair == (have, want))
            yield Message("diagnose.layer_type", {"number": number, "got": have, "expected": want})
        return
    used = {place for place in found if place is not None}
    missing = [i for i, place in enumerate(found) if place is None]
    if len(got) < len(wanted):
        if not used:
            args: dict[str, Scalar] = {
                "number": 1,
                "got": got[0] if got else "–",
                "expected": wanted[0],
            }
            yield Message("diagnose.layer_type", args)
        first = missing[0]
        yield Message(
            "diagnose.missing_layer",
            {"layer": wanted[first], "asked": len(wanted), "have": len(got)},
        )
        return
    extra = [i for i in range(len(got)) if i not in used]
    if missing:
        args = {
            "number": extra[0] + 1,
            "got": got[extra[0]],
            "expected": wanted[missing[0]],
        }
        yield Message("diagnose.layer_type", args)
    yield Message(
        "diagnose.extra_layer",
        {"number": extra[0] + 1, "layer": got[extra[0]], "asked": len(wanted), "have": len(got)},
    )


def _settings(pairs: Sequence[tuple[int, LayerFact, ExpectedLayer]]) -> Iterator[Message]:
    """Name the settings that differ, those that break the model first."""
    found = [
        (key, number, fact, layer, fact.config.get(key), value)
        for number, fact, layer in pairs
        for key, value in layer.config.items()
        if fact.config and fact.config.get(key) != value  # of a layer of one's own nothing is known
    ]
    unbiased, older = (
        [
            (key, number, fact, layer, False, True)
            for number, fact, layer in pairs
            if fact.params < layer.params and key in unasked_off(fact, layer)
        ]
        for key in ("use_bias", "reset_after")
    )
    if unbiased:  # without biases a model may be as large as another form, and not be meant for it
        found = [*(one for one in found if one[0] != "reset_after"), *unbiased]
    else:
        found += older
    found.sort(key=lambda one: FIRST.index(one[0]) if one[0] in FIRST else len(FIRST))
    last = max((number for number, _, _ in pairs), default=0)
    for key, number, fact, layer, got, expected in found:
        yield _setting(key, number, fact, got, expected, last=number == last, layer=layer)


def _setting(
    key: str,
    number: int,
    fact: LayerFact,
    got: Json,
    expected: Json,
    *,
    last: bool,
    layer: ExpectedLayer,
) -> Message:
    where: dict[str, Scalar] = {"number": number, "layer": fact.cls}
    if key == "return_sequences":
        missing, extra = "diagnose.missing_sequences", "diagnose.extra_sequences"
        return Message(missing if expected else extra, where)
    values: dict[str, Scalar] = {"got": _shown(got), "expected": _shown(expected)}
    if key in ("units", "filters"):
        told = "diagnose.units" if key == "units" else "diagnose.filters"
        return Message(told, {**where, **values})
    if key == "activation" and last:
        if got == "softmax" and layer.config.get("units") == 1:
            return Message("diagnose.softmax_single", {**where, **values})
        return Message("diagnose.last_activation", {**where, **values})
    return Message("diagnose.setting", {**where, **values, "setting": key})


def _input(model: ModelFacts, expected: tuple[int | None, ...]) -> Iterator[Message]:
    if not model.rebuilt or model.input_shape == expected or not model.input_shape:
        return
    free = len(model.input_shape) == len(expected) and all(
        got in (None, want) for got, want in zip(model.input_shape, expected, strict=True)
    )
    if not free:  # a size left open takes any data
        args: dict[str, Scalar] = {
            "got": shape_text(model.input_shape),
            "expected": shape_text(expected),
        }
        swapped = sorted(map(str, model.input_shape)) == sorted(map(str, expected))
        yield Message("diagnose.input_swapped" if swapped else "diagnose.input_shape", args)


def shape_text(shape: Sequence[int | None]) -> str:
    """Write a shape without its batch axis."""
    inner = ", ".join("None" if size is None else str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def _shown(value: Json) -> str:
    return "–" if value is None else printable(str(value), limit=40)
