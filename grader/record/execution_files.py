"""An execution as a folder, and back.

Enters: an Execution, or the folder that holds one. Leaves: the other form. Touches: that folder.
Imported late: it brings pydantic and numpy along.

Three files: ``about.json`` (what the index lists), ``execution.json`` (the text; images in base64,
never as pictures that somebody might open), ``arrays.npz``. Where an array was, the text has a tag,
drawn anew for every folder, so that nothing a student wrote can pass for one. Equal arrays are kept
once: a model seen in ten cells has the same weights ten times.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from grader.arrays import KINDS, BadArraysError, read_bounded, read_npz
from grader.execution import Execution
from grader.record import files
from grader.record.index import first_line
from grader.record.record_json import CorruptError, validated
from grader.types import Array

_MOST_TEXT_BYTES = 64 * 2**20
_MOST_ARRAY_BYTES = 512 * 2**20
_MOST_ARRAYS = 20_000
_FILES = ("about.json", "execution.json", "arrays.npz")


class About(BaseModel):
    """What ``about.json`` holds: the tag, and what the index lists."""

    format: Literal["grader/execution/v1"] = "grader/execution/v1"
    tag: str
    saved_at: int  # nanoseconds since 1970
    engine: str
    device: str
    seed: int
    attempt: int
    outcome: str
    seconds: float


class _Kept(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    execution: Execution


def write_execution(folder: Path, execution: Execution, saved_at: int) -> About:
    """Write the three files into a new folder.

    They are not flushed: after a power cut their own forms tell whether they are whole, and what is
    not is run again.

    Raises:
        CorruptError: something in it has no plain form, e.g. an array of objects; or it is larger
            than what would be read. Nothing is written then.
        OSError: the disk refuses.
    """
    tag = f"tag-{secrets.token_hex(8)}"
    try:
        text, arrays = _taken_apart(execution, tag)
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptError(first_line(error)) from error
    _require_readable(text, arrays)
    about = About(
        tag=tag,
        saved_at=saved_at,
        engine=execution.engine,
        device=execution.device,
        seed=execution.seed,
        attempt=execution.attempt,
        outcome=execution.outcome,
        seconds=execution.seconds,
    )
    folder.mkdir(files.OWNERS_FOLDER)
    about_path, text_path, arrays_path = (folder / name for name in _FILES)
    files.write_new(about_path, about.model_dump_json().encode())
    files.write_new(text_path, text)
    with open(arrays_path, "xb", opener=files.opened_with()) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type] # numpy: also its own keywords
    return about


def read_execution(folder: Path) -> Execution:
    """Put an execution together again.

    Raises:
        FileNotFoundError: there is none.
        CorruptError: the files are not those of one execution.
        OSError: the disk refuses.
    """
    about_path, text_path, arrays_path = (folder / name for name in _FILES)
    about = read_about(about_path)
    try:
        text = read_bounded(text_path, _MOST_TEXT_BYTES)
        arrays = read_npz(arrays_path, _MOST_ARRAY_BYTES, _MOST_ARRAYS)
        return _put_together(about.tag, text, arrays)
    except (BadArraysError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptError(first_line(error)) from error


def read_about(path: Path) -> About:
    """Read what the index lists.

    Raises:
        FileNotFoundError: there is none.
        CorruptError: it is not what was written.
    """
    try:
        return validated(About, read_bounded(path, 2**20))
    except BadArraysError as error:
        raise CorruptError(str(error)) from error


def _taken_apart(execution: Execution, tag: str) -> tuple[bytes, dict[str, Array]]:
    arrays: dict[str, Array] = {}
    places: dict[bytes, int] = {}

    def place_of(array: Array) -> int:
        place = places.setdefault(_digest(array), len(arrays))
        arrays[f"a{place}"] = array
        return place

    def set_aside(obj: object) -> Any:
        if isinstance(obj, bytes):
            return {tag: base64.b64encode(obj).decode()}
        if isinstance(obj, np.ndarray) and obj.dtype.kind in KINDS:
            return {tag: place_of(obj)}
        if isinstance(obj, np.generic):
            return obj.item()
        raise TypeError(f"no plain form for {getattr(obj, 'dtype', type(obj).__name__)}")

    plain = _strict(_Kept(execution=execution).model_dump()["execution"], tag)
    text = json.dumps(plain, default=set_aside, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace"), arrays


def _digest(array: Array) -> bytes:
    told = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    if array.size:
        told.update(np.ascontiguousarray(array).data)
    return told.digest()


def _require_readable(text: bytes, arrays: Mapping[str, Array]) -> None:
    """Refuse what ``read_execution`` would.

    Raises:
        CorruptError: it would.
    """
    size = sum(array.nbytes for array in arrays.values())
    for name, found, most in (
        ("bytes of text", len(text), _MOST_TEXT_BYTES),
        ("bytes of arrays", size, _MOST_ARRAY_BYTES),
        ("arrays", len(arrays), _MOST_ARRAYS),
    ):
        if found > most:
            raise CorruptError(f"{found} {name}, {most} at most")


def _strict(value: Any, tag: str) -> Any:
    """Spell out numbers that JSON does not have: not every reader takes Python's NaN."""
    if isinstance(value, dict):
        return {key: _strict(one, tag) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(one, tag) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {tag: [str(value)]}
    return value


def _put_together(tag: str, text: bytes, arrays: dict[str, Array]) -> Execution:
    def put_back(obj: dict[str, Any]) -> Any:
        if tag not in obj:
            return obj
        kept = obj[tag]
        if isinstance(kept, list):
            return float(kept[0])
        return base64.b64decode(kept) if isinstance(kept, str) else arrays[f"a{kept}"]

    plain = json.loads(text, object_hook=put_back)
    return _Kept.model_validate({"execution": plain}).execution
