"""Records as JSON, and back.

Enters: a Record, or bytes that claim to be one. Leaves: the other form. Touches nothing.
Imported late: it brings pydantic along.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError

from grader.record import record_v1
from grader.record.index import first_line
from grader.types import Record

_LAID_OVER = ("by_hand", "by_rules")  # made anew of other files each time
_NOT_KEPT = {"record": {*_LAID_OVER}}
_HEAD = 60  # bytes: the format is written first, the key and what students chose after it


class CorruptError(ValueError):
    """The bytes are not what was written."""


class KeptRecord(BaseModel):
    """What ``record.json`` holds; of two records for one exercise the later ``saved_at`` counts."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    format: Literal["grader/record/v2"] = "grader/record/v2"
    saved_at: int  # nanoseconds since 1970
    record: Record


def record_to_json(record: Record, saved_at: int) -> bytes:
    """Write a record. Lone surrogates become "?", NaN becomes a string that reads back as NaN.

    Raises:
        CorruptError: it holds something else than its types say, or what was decided by hand or by
            the course's rules, which would pass for the grader's own from then on.
        TypeError: it holds something that has no form in JSON at all.
    """
    if any(getattr(record, name) is not None for name in _LAID_OVER):
        raise CorruptError("a record with what was decided by hand or by rules")
    kept = KeptRecord(saved_at=saved_at, record=record)
    try:
        return kept.model_dump_json(warnings="error", exclude=_NOT_KEPT).encode()
    except PydanticSerializationError:
        plain = json.dumps(kept.model_dump(warnings=False), ensure_ascii=False)
        clean = plain.encode("utf-8", "replace")
        return validated(KeptRecord, clean).model_dump_json(exclude=_NOT_KEPT).encode()


def record_from_json(data: bytes, key: str) -> Record:
    """Read the record of this key.

    Raises:
        CorruptError: anything else than that, whole.
    """
    record = kept_from_json(data).record
    if record.key != key:
        raise CorruptError(f"key {record.key}")
    for name in _LAID_OVER:
        if getattr(record, name) is not None:
            raise CorruptError(name)
    return record


def kept_from_json(data: bytes) -> KeptRecord:
    """Read a record of this version or the first, with the time when it was saved.

    Raises:
        CorruptError: it is neither.
    """
    if record_v1.V1.encode() in data[:_HEAD]:
        kept = _parsed(json.loads, data)
        if isinstance(kept, dict) and kept.get("format") == record_v1.V1:
            return _parsed(KeptRecord.model_validate, _parsed(record_v1.upgraded, kept))
    return validated(KeptRecord, data)


_Model = TypeVar("_Model", bound=BaseModel)
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def validated(model: type[_Model], data: bytes) -> _Model:
    """Parse JSON from a file as ``model``.

    Raises:
        CorruptError: it is not.
    """
    return _parsed(model.model_validate_json, data)


def _parsed(parse: Callable[[_Given], _Made], given: _Given) -> _Made:
    try:
        return parse(given)
    except (ValueError, RecursionError) as error:
        raise CorruptError(_problem(error)) from error


def _problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return first_line(error)
