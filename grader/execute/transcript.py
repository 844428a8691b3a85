"""Reads what the driver wrote down about the cells.

Enters: the path of ``transcript.jsonl``. Leaves: CellRuns. Touches: reads that file. A line that
does not parse, or lies beyond the bounds, is left out and counted.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.arrays import BadArraysError, open_private
from grader.execute.caps import (
    IMAGE_BYTES,
    IMAGES,
    LINE_BYTES,
    LINE_VALUES,
    MOST_LEFT_OUT,
    MOST_LEVELS,
    MOST_REMARKS,
    TRANSCRIPT_BYTES,
)
from grader.execute.events import Count, Text
from grader.execute.strict_json import read_json
from grader.execution import CellRun, Remark
from grader.types import CellError, LeftOut


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    index: Count
    status: Text
    seconds: float
    stdout: str
    truncated: bool = False
    error: Annotated[dict[Text, str], Field(max_length=3)] | None = None
    images: Annotated[
        list[Annotated[str, Field(max_length=IMAGE_BYTES)]], Field(max_length=IMAGES)
    ] = []
    left_out: Annotated[list[Any], Field(max_length=MOST_LEFT_OUT)] = []
    remarks: Annotated[list[Any], Field(max_length=MOST_REMARKS)] = []
    malformed: Count = 0  # messages of the kernel that the driver had dropped until then


class _LeftOut(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    line: Count
    statements: Count
    kind: Literal[
        "package",
        "device",
        "display",
        "drive",
        "colab",
        "magic",
        "font",
        "program",
        "network",
        "person",
        "folder",
    ]
    what: Text
    error: Text


class _Remark(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    line: Count
    kind: Literal["old_api", "stand_in", "asked", "restart", "elsewhere"]
    what: Text
    instead: Text


@dataclass(frozen=True)
class Transcript:
    """What could be read, and how much could not."""

    cells: tuple[CellRun, ...] = ()
    unreadable: int = 0
    malformed: int = 0


def read_transcript(path: Path) -> Transcript:
    """Read a transcript; a missing one says nothing."""
    cells: list[CellRun] = []
    unreadable = malformed = 0
    try:
        for data in _lines(path):
            try:
                line = _Line.model_validate(
                    read_json(data, most_values=LINE_VALUES, most_levels=MOST_LEVELS)
                )
                cells.append(_cell(line))
                malformed = line.malformed
            except (ValueError, RecursionError):
                unreadable += 1
    except FileNotFoundError:
        pass
    except (OSError, BadArraysError):
        unreadable += 1
    return Transcript(tuple(cells), unreadable, malformed)


def _lines(path: Path) -> Iterator[bytes]:
    """Give the lines, one in memory at a time.

    Raises:
        BadArraysError: no plain file, or longer than what is read.
        OSError: missing, unreadable.
    """
    with open_private(path) as file:
        if os.fstat(file.fileno()).st_size > TRANSCRIPT_BYTES:
            raise BadArraysError("longer than a transcript can be")
        while line := file.readline(LINE_BYTES + 1):
            if len(line) > LINE_BYTES:
                raise BadArraysError("a line longer than a cell can make it")
            yield line


def _cell(line: _Line) -> CellRun:
    error = None
    if line.error is not None:
        error = CellError(
            line.error.get("name", ""), line.error.get("value", ""), line.error.get("traceback", "")
        )
    images = tuple(base64.b64decode(text) for text in line.images)
    return CellRun(
        line.index,
        line.status,
        line.seconds,
        line.stdout,
        error,
        images,
        line.truncated,
        tuple(_left_out(line)),
        tuple(_remarks(line)),
    )


def _left_out(line: _Line) -> Iterator[LeftOut]:
    """Read what parses: what a kernel made up of one statement must not hide its cell."""
    for told in line.left_out:
        with contextlib.suppress(ValidationError):
            yield LeftOut(cell=line.index, **_LeftOut.model_validate(told).model_dump())


def _remarks(line: _Line) -> Iterator[Remark]:
    for told in line.remarks:
        with contextlib.suppress(ValidationError):
            yield Remark(cell=line.index, **_Remark.model_validate(told).model_dump())
