"""Reads what the probe and the driver wrote, and joins it into candidates.

Enters: a folder with ``transcript.jsonl`` and ``evidence/NNNN.{json,npz}``. Leaves: CellRuns and
Candidates. Touches: reads that folder. Everything in it is a claim: parsed strictly, bounded, and
what does not parse is left out and counted, since honest notebooks never write it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.arrays import BadArraysError, read_bounded, read_npz
from grader.types import (
    Array,
    ArraySample,
    Candidate,
    CellError,
    CellRun,
    Fit,
    FitSample,
    Jump,
    LeftOut,
    Scalar,
)

TRANSCRIPT_BYTES = 64_000_000
CONTENT_BYTES = 2_000_000  # of one event's JSON; parsed it takes twenty times as much memory
TOTAL_CONTENT_BYTES = 40_000_000
EVENT_BYTES = 80_000_000
TOTAL_BYTES = 400_000_000
EVENTS = 2000
# What the driver is told to write down of one notebook at most: what is read here, and no more.
DRIVER_CAPS = {
    "cell_text": 100_000,  # characters
    "notebook_text": 2_000_000,
    "images": 30,
    "image_bytes": 2_000_000,
    "events": EVENTS,
    "content_bytes": CONTENT_BYTES,
    "event_bytes": EVENT_BYTES,
    "evidence_bytes": TOTAL_BYTES,
    "message_bytes": 130_000_000,  # as it arrives, beyond which zmq hangs up
}
MOST_LEVELS = 200  # of JSON in JSON: twenty models in each other take 120, writing ends at 255
EPOCHS = 20_000  # of one fit's history
SETTINGS = 100  # of one compile or fit
LONGEST_TEXT = 200
MOST_JUMPS = 4  # weights that are kept once more for each
LARGEST_NUMBER = 2**53  # whole numbers up to here survive any JSON reader

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Count = Annotated[int, Field(ge=0, le=10**9)]


History = Annotated[list[float | None], Field(max_length=EPOCHS)]

UNSEEN = FitSample(None, None, kind="unknown")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Sampled(_Strict):
    shape: Annotated[list[Count], Field(max_length=8)]
    dtype: Text
    statistics: dict[Text, float | None] = {}


class _Sample(_Strict):
    kind: Text = "arrays"
    same: bool = False  # as in the fit before: sent once, for a loop may call fit a thousand times
    x: _Sampled | None = None
    y: _Sampled | None = None
    validation_x: _Sampled | None = None
    validation_y: _Sampled | None = None


class _Event(_Strict):
    event: Literal["fit_begin", "fit_end", "seen"]
    cell: Count
    model: Count
    names: Annotated[list[Text], Field(max_length=50)] = []
    config: dict[str, Any]
    compile: Annotated[dict[Text, Any], Field(max_length=SETTINGS)] = {}
    sample: _Sample | None = None
    late_sample: _Sample | None = None
    arguments: Annotated[dict[Text, Any], Field(max_length=SETTINGS)] = {}
    history: Annotated[dict[Text, History], Field(max_length=SETTINGS)] = {}
    epochs_run: Count = 0
    finished: bool = False
    begun: bool = True


class _LeftOut(_Strict):
    line: Count
    statements: Count
    kind: Literal[
        "package", "device", "display", "drive", "colab", "magic", "font", "program", "network"
    ]
    what: Text
    error: Text


class _TranscriptLine(_Strict):
    index: Count
    status: Text
    seconds: float
    stdout: str
    truncated: bool = False
    error: dict[str, str] | None = None
    images: list[str] = []
    left_out: list[Any] = []
    malformed: Count = 0  # messages of the kernel that the driver had dropped until then


@dataclass
class _Story:
    """One model while its events are read."""

    candidate: Candidate
    open_fit: Fit | None = None
    left: tuple[Array, ...] = ()  # weights that the last fit left

    def jump_to(self, found: tuple[Array, ...]) -> None:
        """Keep a change of weights that no fit made."""
        if found and not _same(self.left, found):
            jumps = (*self.candidate.jumps, Jump(self.left, found))[-MOST_JUMPS:]
            self.candidate = replace(self.candidate, jumps=jumps)


@dataclass(frozen=True)
class Claims:
    """Everything that could be read, and how much could not."""

    cells: tuple[CellRun, ...]
    candidates: tuple[Candidate, ...]
    unreadable: int  # lines and events that we dropped
    malformed: int  # messages of the kernel that the driver dropped


@dataclass(frozen=True)
class _Transcript:
    cells: tuple[CellRun, ...] = ()
    unreadable: int = 0
    malformed: int = 0


@dataclass
class _Reader:
    stories: dict[int, _Story] = field(default_factory=dict)
    order: int = 0


def read_claims(folder: Path) -> Claims:
    """Read a driver's folder; missing parts are simply missing."""
    transcript = _read_transcript(folder / "transcript.jsonl")
    reader = _Reader()
    bad_events = 0
    left, text_left = TOTAL_BYTES, TOTAL_CONTENT_BYTES
    for path in sorted((folder / "evidence").glob("*.json"))[:EVENTS]:
        try:
            arrays = read_npz(path.with_suffix(".npz"), min(EVENT_BYTES, left))
            left -= sum(array.nbytes for array in arrays.values())
            text = read_bounded(path, min(CONTENT_BYTES, text_left))
            text_left -= len(text)
            event = _Event.model_validate(_strict_json(text))
            _take(reader, event, arrays)
        except (BadArraysError, ValidationError, ValueError, RecursionError, OSError):
            bad_events += 1
    candidates = tuple(
        _closed(story) for story in sorted(reader.stories.values(), key=lambda s: s.candidate.order)
    )
    unreadable = transcript.unreadable + bad_events
    return Claims(transcript.cells, candidates, unreadable, transcript.malformed)


def _strict_json(data: bytes) -> Any:
    def finite(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text} in JSON")
        return value

    value = json.loads(data.decode("utf-8"), parse_constant=finite, parse_float=finite)
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return value
    raise ValueError(f"more than {MOST_LEVELS} levels of JSON")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _read_transcript(path: Path) -> _Transcript:
    try:
        lines = read_bounded(path, TRANSCRIPT_BYTES).splitlines()
    except FileNotFoundError:
        return _Transcript()
    except (OSError, BadArraysError):
        return _Transcript(unreadable=1)
    cells: list[CellRun] = []
    unreadable = malformed = 0
    for text in lines:
        try:
            line = _TranscriptLine.model_validate(_strict_json(text))
            cells.append(_cell(line))
            malformed = line.malformed
        except (ValueError, RecursionError):
            unreadable += 1
    return _Transcript(tuple(cells), unreadable, malformed)


def _cell(line: _TranscriptLine) -> CellRun:
    error = None
    if line.error is not None:
        error = CellError(
            line.error.get("name", ""), line.error.get("value", ""), line.error.get("traceback", "")
        )
    images = tuple(base64.b64decode(text) for text in line.images)
    left_out = tuple(_left_out(line))
    return CellRun(
        line.index, line.status, line.seconds, line.stdout, error, images, line.truncated, left_out
    )


def _left_out(line: _TranscriptLine) -> Iterator[LeftOut]:
    """Read what parses: what a kernel made up of one statement must not hide its cell."""
    for told in line.left_out:
        with contextlib.suppress(ValidationError):
            yield LeftOut(cell=line.index, **_LeftOut.model_validate(told).model_dump())


def _take(reader: _Reader, event: _Event, arrays: Mapping[str, Array]) -> None:
    reader.order += 1
    final = _numbered("final", arrays)
    initial = _numbered("initial", arrays)
    story = reader.stories.get(event.model)
    if story is None:
        story = reader.stories[event.model] = _Story(
            Candidate(event.model, "", event.cell, {}, {}, (), initial or final, (), reader.order)
        )
    earlier = story.candidate.fits[-1].sample if story.candidate.fits else UNSEEN
    if event.event == "fit_begin":
        story.open_fit = _begin_fit(event, arrays, earlier)
        story.jump_to(initial)
    elif event.event == "fit_end":
        fit = _end_fit(story.open_fit or _begin_fit(event, arrays, earlier), event, arrays)
        story.open_fit, story.left = None, final
        story.candidate = replace(story.candidate, fits=(*story.candidate.fits, fit))
    before = story.candidate
    moved = event.event != "seen" or not _same(before.final, final)
    now = final or initial or before.final
    # Layers added later make another model of it: its story begins with its first whole weights.
    grown = bool(now) and [w.shape for w in before.initial] != [w.shape for w in now]
    story.candidate = replace(
        before,
        name=event.names[0] if event.names else before.name,
        cell=event.cell if moved else before.cell,
        config=event.config,
        compile=_scalars(event.compile),
        initial=(initial or final) if grown else before.initial,
        final=now,
        order=reader.order if moved else before.order,
    )


def _same(left: tuple[Array, ...], right: tuple[Array, ...]) -> bool:
    return len(left) == len(right) and all(
        a.shape == b.shape and (a == b).all() for a, b in zip(left, right, strict=True)
    )


def _closed(story: _Story) -> Candidate:
    """Give the candidate; a fit that never ended (time, memory, a crash) counts as begun."""
    if story.open_fit is not None:
        return replace(story.candidate, fits=(*story.candidate.fits, story.open_fit))
    if story.left:
        story.jump_to(story.candidate.final)
    return story.candidate


def _begin_fit(event: _Event, arrays: Mapping[str, Array], earlier: FitSample) -> Fit:
    arguments = _scalars(event.arguments)
    asked = arguments.get("epochs")
    same = event.sample is not None and event.sample.same
    return Fit(
        cell=event.cell,
        sample=earlier if same else _fit_sample(event.sample, arrays),
        epochs_asked=asked if type(asked) is int else None,
        epochs_run=0,
        history={},
        finished=False,
        arguments=arguments,
    )


def _end_fit(fit: Fit, event: _Event, arrays: Mapping[str, Array]) -> Fit:
    late = event.late_sample
    return replace(
        fit,
        sample=_fit_sample(late, arrays) if late is not None and late.x else fit.sample,
        epochs_run=event.epochs_run,
        history={
            key: tuple(math.nan if value is None else value for value in values)
            for key, values in event.history.items()
        },
        finished=event.finished,
    )


def _fit_sample(sample: _Sample | None, arrays: Mapping[str, Array]) -> FitSample:
    if sample is None:
        return UNSEEN
    parts = {
        name: _sampled(getattr(sample, name), arrays.get(f"sample_{name}"))
        for name in ("x", "y", "validation_x", "validation_y")
    }
    return FitSample(**parts, kind=sample.kind)


def _sampled(described: _Sampled | None, rows: Array | None) -> ArraySample | None:
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
