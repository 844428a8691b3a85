"""Reads what the probe and the driver wrote, and joins it into candidates.

Enters: a folder with ``transcript.jsonl``, ``dropped`` and ``evidence/NNNNNNNN.{json,npz}``.
Leaves: CellRuns and Candidates. Touches: reads that folder. Everything in it is a claim: parsed
strictly, bounded, and what does not parse is left out and counted, since honest notebooks never
write it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.arrays import MEMBERS, BadArraysError, read_bounded, read_npz
from grader.execute.caps import (
    ARRAYS,
    CONTENT_BYTES,
    EVENT_BYTES,
    EVENTS,
    KEPT_BYTES,
    LARGEST_NUMBER,
    LONGEST_TEXT,
    MOST_JUMPS,
    TOTAL_BYTES,
    TOTAL_CONTENT_BYTES,
    VALUES,
)
from grader.execute.events import Event, Sample, Sampled, read_event
from grader.execute.holding import PARTS, HeldClaims, ModelSoFar
from grader.execute.showing import Shown
from grader.execute.strict_json import values_in
from grader.execute.transcript import read_transcript
from grader.execution import ArraySample, Candidate, CellRun, Fit, FitSample, Jump, OtherRows
from grader.types import Array, Scalar

UNSEEN = FitSample(None, None, kind="unknown")
WHOLE = frozenset({"arrays", "drawn"})  # samples that show all rows, as far as there is room
NUMBER_DIGITS = 12


@dataclass(frozen=True)
class Claims:
    """Everything that could be read, and how much could not."""

    cells: tuple[CellRun, ...]
    candidates: tuple[Candidate, ...]
    unreadable: int  # lines and events that we dropped
    malformed: int  # messages of the kernel that the driver dropped
    dropped: int = 0  # events that the driver had no room for
    lightened: int = 0  # models of which not everything is held


@dataclass
class _Reader:
    held: HeldClaims
    order: int = 0
    arrays_left: int = ARRAYS
    bytes_left: int = TOTAL_BYTES  # of arrays
    text_left: int = TOTAL_CONTENT_BYTES
    shown: Shown = field(default_factory=Shown)


def read_claims(folder: Path) -> Claims:
    """Read a driver's folder; missing parts are simply missing."""
    transcript = read_transcript(folder / "transcript.jsonl")
    reader = _Reader(HeldClaims(KEPT_BYTES), 0, ARRAYS, TOTAL_BYTES, TOTAL_CONTENT_BYTES)
    bad_events = 0
    for path in sorted((folder / "evidence").glob("*.json"))[:EVENTS]:
        try:
            _read(reader, path)
        except (BadArraysError, ValueError, RecursionError, OSError):
            bad_events += 1
    models = sorted(reader.held.models.values(), key=lambda model: model.candidate.order)
    return Claims(
        cells=transcript.cells,
        candidates=tuple(_closed(model) for model in models),
        unreadable=transcript.unreadable + bad_events,
        malformed=transcript.malformed,
        dropped=_number(folder / "dropped"),
        lightened=len(reader.held.lightened),
    )


def _read(reader: _Reader, path: Path) -> None:
    """Read one event and add it to what is known of its model.

    Raises:
        BadArraysError: its arrays are not what an honest probe writes.
        ValueError: its text is not.
        OSError: unreadable.
    """
    text = read_bounded(path, min(CONTENT_BYTES, reader.text_left))
    reader.text_left -= len(text)  # whatever it turns out to be: it takes its time
    event = read_event(text)
    beside, arrays = path.with_suffix(".npz"), {}
    if os.path.lexists(beside):
        arrays = _read_arrays(reader, beside)
    else:  # the driver had no room for them: what it told stays
        event = event.model_copy(update={"bare": True})
    _take(reader, event, reader.held.shared(arrays))
    if event.event != "fit_going":  # it describes no model: what stands for it stays counted
        reader.held.models[event.model].values = values_in(text, VALUES)
    reader.held.settle(event.model)


def _read_arrays(reader: _Reader, path: Path) -> dict[str, Array]:
    """Read the arrays of one event; what cannot be read has taken as long as the most that can.

    Raises:
        BadArraysError: they are not what an honest probe writes.
        OSError: unreadable.
    """
    most = min(MEMBERS, reader.arrays_left)
    reader.arrays_left -= most
    arrays = read_npz(path, min(EVENT_BYTES, reader.bytes_left), most)
    reader.arrays_left += most - len(arrays)
    reader.bytes_left -= sum(array.nbytes for array in arrays.values())
    return arrays


def _number(path: Path) -> int:
    try:
        return int(read_bounded(path, NUMBER_DIGITS))
    except (OSError, BadArraysError, ValueError):
        return 0


def _take(reader: _Reader, event: Event, arrays: Mapping[str, Array]) -> None:
    reader.order += 1
    final = _numbered("final", arrays)
    initial = _numbered("initial", arrays)
    late = _late(reader.shown, event, arrays)
    models = reader.held.models
    model = models.get(event.model)
    if model is None:
        model = models[event.model] = ModelSoFar(
            Candidate(event.model, "", event.cell, {}, {}, (), initial or final, (), reader.order)
        )
    if event.event == "fit_begin":
        _begin(model, event, arrays, initial)
    elif event.event == "fit_going":
        if model.open_fit is not None:
            sample = late or model.open_fit.sample
            model.open_fit = replace(model.open_fit, sample=sample, epochs_run=event.epochs_run)
        return  # nothing else is told along with it
    elif event.event == "fit_end":
        _end(model, event, arrays, late)
        model.left = final
    before = model.candidate
    moved = event.event != "seen" or not _same(before.final, final)
    now = final or initial or before.final
    # Layers added later make another model of it, which begins with its first whole weights.
    grown = bool(now) and [w.shape for w in before.initial] != [w.shape for w in now]
    model.candidate = replace(
        before,
        name=event.names[0] if event.names else before.name,
        cell=event.cell if moved else before.cell,
        config=event.config,
        compile=_scalars(event.compile),
        built=event.cell if before.built is None or (grown and before.initial) else before.built,
        initial=(initial or final) if grown else before.initial,
        final=now,
        order=reader.order if moved else before.order,
        bare=before.bare or event.bare,
        raised=event.raised,
        own_updates=max(before.own_updates, event.updates),
        own_sample=(late if event.event == "seen" else None) or before.own_sample,
    )
    if model.candidate.bare:  # some of its weights would be another moment's
        model.left = ()
        model.candidate = replace(model.candidate, initial=(), final=(), jumps=())


def _begin(
    model: ModelSoFar, event: Event, arrays: Mapping[str, Array], initial: tuple[Array, ...]
) -> None:
    """A fit begins: what changed since the last one was no fit's doing, if none is missing."""
    missing = _missing_fits(model, event)
    model.add(*missing)
    model.open_fit = _begin_fit(event, _sample(model, event, arrays))
    if not missing:
        _jump(model, initial)


def _end(
    model: ModelSoFar, event: Event, arrays: Mapping[str, Array], late: FitSample | None
) -> None:
    begun = model.open_fit
    if begun is None and event.again and model.fits and model.calls > event.before.fits:
        begun = model.take_back()  # all that it told is told again
    missing = _missing_fits(model, event)
    begun = begun or _begin_fit(event, _sample(model, event, arrays))
    model.open_fit = None
    ended = _end_fit(begun, event)
    sample = late or _shown_before(model, begun.sample)
    model.add(*missing, replace(ended, sample=sample))


def _shown_before(model: ModelSoFar, sample: FitSample) -> FitSample:
    """Give what a fit was given; where an earlier one showed more of the same data, that."""
    if sample.digest is None or sample.showing is not None:
        return sample
    earlier = model.sample_of(sample.digest)
    return sample if earlier is None or earlier.showing is None else earlier


def _missing_fits(model: ModelSoFar, event: Event) -> tuple[Fit, ...]:
    """Give the fits that had ended before and were not told, as one whose data nobody saw."""
    calls = event.before.fits - model.calls
    epochs = event.before.epochs - model.epochs
    if calls <= 0 or epochs < 0:
        return ()
    return (Fit(event.cell, UNSEEN, None, epochs, {}, finished=True, arguments={}, calls=calls),)


def _sample(model: ModelSoFar, event: Event, arrays: Mapping[str, Array]) -> FitSample:
    """Give what a fit was given: sent along, or with an earlier fit on the same data."""
    if event.sample is None or not event.sample.same:
        return _fit_sample(event.sample, arrays)
    if event.sample.digest is not None:
        return model.sample_of(event.sample.digest) or UNSEEN
    return model.candidate.fits[-1].sample if model.candidate.fits else UNSEEN


def _jump(model: ModelSoFar, found: tuple[Array, ...]) -> None:
    """Keep a change of weights that no fit made."""
    if found and not _same(model.left, found):
        jumps = (*model.candidate.jumps, Jump(model.left, found))[-MOST_JUMPS:]
        model.candidate = replace(model.candidate, jumps=jumps)


def _same(left: tuple[Array, ...], right: tuple[Array, ...]) -> bool:
    return len(left) == len(right) and all(
        a is b or (a.shape == b.shape and (a == b).all()) for a, b in zip(left, right, strict=True)
    )


def _closed(model: ModelSoFar) -> Candidate:
    """Give the candidate; a fit that never ended (time, memory, a crash) counts as begun."""
    if model.open_fit is not None:
        return replace(model.candidate, fits=(*model.candidate.fits, model.open_fit))
    if model.left:
        _jump(model, model.candidate.final)
    return model.candidate


def _begin_fit(event: Event, sample: FitSample) -> Fit:
    arguments = _scalars(event.arguments)
    asked = arguments.get("epochs")
    return Fit(
        cell=event.cell,
        sample=sample,
        epochs_asked=asked if type(asked) is int else None,
        epochs_run=0,
        history={},
        finished=False,
        arguments=arguments,
        ended=False,
    )


def _end_fit(fit: Fit, event: Event) -> Fit:
    return replace(
        fit,
        epochs_run=event.epochs_run,
        history={
            key: tuple(math.nan if value is None else value for value in values)
            for key, values in event.history.items()
        },
        finished=event.finished,
        epochs_asked=fit.epochs_asked if event.epochs_asked is None else event.epochs_asked,
        calls=max(1, event.calls),
        ended=True,
    )


def _late(shown: Shown, event: Event, arrays: Mapping[str, Array]) -> FitSample | None:
    """Give what a fit turned out to be given, where that is told after its beginning.

    Or what ``train_on_batch`` was given: more of it than before.
    """
    late = event.late_sample
    if late is None or not late.x or event.event == "fit_begin":
        return None
    sample = _fit_sample(late, arrays)
    if sample.x is None or sample.y is None or sample.kind not in WHOLE:
        return sample
    x, y = sample.x.rows, sample.y.rows
    showing, size = shown.take(x, y), x.nbytes + y.nbytes
    others = []
    for number, other in enumerate(late.others, start=1):
        parts = (other.x, f"sample_x_{number}"), (other.y, f"sample_y_{number}")
        one, its = (_sampled(part, arrays.get(name)) for part, name in parts)
        if one is not None and its is not None:
            shown.take(one.rows, its.rows, before=size)
            size += one.rows.nbytes + its.rows.nbytes
            others.append(OtherRows(one, its))
    return replace(sample, showing=showing, others=tuple(others))


def _fit_sample(sample: Sample | None, arrays: Mapping[str, Array]) -> FitSample:
    if sample is None:
        return UNSEEN
    parts = {name: _sampled(getattr(sample, name), arrays.get(f"sample_{name}")) for name in PARTS}
    return FitSample(
        **parts,
        kind=sample.kind,
        digest=sample.digest,
        batch=sample.batch,
        showing=None,
        differing=_differing(sample, parts["x"]),
        others=(),
    )


def _differing(sample: Sample, x: ArraySample | None) -> int | None:
    """Give how many rows of arrays differ, where that is no more than there are."""
    count = sample.differing
    if x is None or count is None or sample.kind != "arrays":
        return None
    return count if len(x.rows) <= count <= x.shape[0] else None


def _sampled(described: Sampled | None, rows: Array | None) -> ArraySample | None:
    if described is None or rows is None or rows.ndim == 0 or rows.ndim != len(described.shape):
        return None
    if list(rows.shape[1:]) != described.shape[1:] or len(rows) > described.shape[0]:
        return None
    statistics = {key: math.nan if v is None else v for key, v in described.statistics.items()}
    return ArraySample(tuple(described.shape), described.dtype, rows, statistics)


def _scalars(values: Mapping[str, Any]) -> dict[str, Scalar]:
    return {key: value for key, value in values.items() if _is_scalar(value)}


def _is_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or (isinstance(value, (bool, int, float)) and abs(value) <= LARGEST_NUMBER)


def _numbered(prefix: str, arrays: Mapping[str, Array]) -> tuple[Array, ...]:
    return tuple(arrays[name] for name in sorted(arrays) if name.startswith(f"{prefix}_"))
