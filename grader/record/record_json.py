"""Records as JSON, and back.

Enters: a Record, or bytes that claim to be one. Leaves: the other form. Touches nothing.
Imported late: it brings pydantic along.
"""

from __future__ import annotations

import json
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticSerializationError

from grader.record import record_v1
from grader.record.index import first_line
from grader.types import Record


class CorruptError(ValueError):
    """The bytes are not what was written."""


class KeptRecord(BaseModel):
    """What ``record.json`` holds; of two records for one exercise the later ``saved_at`` counts."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    format: Literal["grader/record/v2"] = "grader/record/v2"
    saved_at: int  # nanoseconds since 1970
    record: Record

    @model_validator(mode="before")
    @classmethod
    def _of_today(cls, kept: Any) -> Any:
        is_old = isinstance(kept, dict) and kept.get("format") == record_v1.V1
        return record_v1.upgraded(kept) if is_old else kept


def record_to_json(record: Record, saved_at: int) -> bytes:
    """Write a record. Lone surrogates become "?", NaN becomes a string that reads back as NaN."""
    kept = KeptRecord(saved_at=saved_at, record=record)
    try:
        return kept.model_dump_json().encode()
    except PydanticSerializationError:
        clean = json.dumps(kept.model_dump(), ensure_ascii=False).encode("utf-8", "replace")
        return KeptRecord.model_validate_json(clean).model_dump_json().encode()


def record_from_json(data: bytes, key: str) -> Record:
    """Read the record of this key.

    Raises:
        CorruptError: anything else than that, whole.
    """
    record = validated(KeptRecord, data).record
    if record.key != key:
        raise CorruptError(f"key {record.key}")
    return record


_Model = TypeVar("_Model", bound=BaseModel)


def validated(model: type[_Model], data: bytes) -> _Model:
    """Parse JSON from a file as ``model``.

    Raises:
        CorruptError: it is not.
    """
    try:
        return model.model_validate_json(data)
    except (ValueError, RecursionError) as error:
        raise CorruptError(_problem(error)) from error


def _problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return first_line(error)
