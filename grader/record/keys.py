"""Keys of executions and records: what they depend on, and nothing else.

Enters: the parts. Leaves: sha256 in hex. Touches nothing.

An execution key changes when a run could come out differently; a score key also when the same run
could earn different points. So a new rubric rescores and never reruns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any


def canonical(obj: object) -> bytes:
    """Write one JSON text for equal values: sorted keys, no spaces, UTF-8.

    Raises:
        TypeError: something without a plain form (a path, an array: name it by its digest).
        ValueError: NaN or infinity, which equal nothing.
    """
    text = json.dumps(
        _plain(obj), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")


def digest(obj: object) -> str:
    """Sha256 of the canonical form, hex."""
    return hashlib.sha256(canonical(obj)).hexdigest()


def execution_key(
    *,
    notebook: str,
    data: object,
    environment: object,
    engine: str,
    device: str,
    cores: int,
    seed: int,
    limits: object,
    isolation: object,
    probe: str,
) -> str:
    """Key of one run of one notebook: equal keys may share what came out.

    Args:
        notebook: digest of the notebook's bytes.
        data: fingerprint of the data sets that the room can read.
        environment: the environment lock (packages and versions, or its digest).
        engine: Keras backend.
        device: device class: cpu, or the GPU's name.
        cores: processor cores that the room is pinned to.
        seed: training seed.
        limits: seconds and megabytes that bound the room.
        isolation: level, and layers where they matter.
        probe: version of the code that runs in the room.
    """
    return digest(
        {
            "key": "execution/v1",
            "notebook": notebook,
            "data": data,
            "environment": environment,
            "engine": engine,
            "device": device,
            "cores": cores,
            "seed": seed,
            "limits": limits,
            "isolation": isolation,
            "probe": probe,
        }
    )


def score_key(
    *,
    execution: str,
    submission: str,
    student: str,
    exercise: str,
    exercise_files: object,
    expectation: object,
    hidden_seed: object,
    judge: str,
) -> str:
    """Key of one record.

    Submission, student and exercise belong to it because equal notebooks share a run, under
    ``--seed`` even across students, and yet each hands in a record of its own.

    Args:
        execution: execution key, or the keys of all attempts in order, joined.
        submission: name of the submission.
        student: whose it is.
        exercise: id of the exercise.
        exercise_files: fingerprint of the exercise's files (rubric, spec, family).
        expectation: fingerprint of ``expected.json``.
        hidden_seed: seed of the hidden data; only its digest enters the key's text.
        judge: version of the judge.
    """
    return digest(
        {
            "key": "score/v1",
            "execution": execution,
            "submission": submission,
            "student": student,
            "exercise": exercise,
            "exercise_files": exercise_files,
            "expectation": expectation,
            "hidden_seed": hidden_seed,
            "judge": judge,
        }
    )


def _plain(obj: object) -> Any:  # noqa: PLR0911 - one line per kind of value
    if isinstance(obj, Enum):
        return _plain(obj.value)
    if obj is None or isinstance(obj, str | int | float):
        return obj
    if isinstance(obj, bytes):
        return {"sha256": hashlib.sha256(obj).hexdigest()}
    if is_dataclass(obj) and not isinstance(obj, type):
        return {item.name: _plain(getattr(obj, item.name)) for item in fields(obj)}
    if isinstance(obj, Mapping):
        return {str(_plain(key)): _plain(value) for key, value in obj.items()}
    if isinstance(obj, AbstractSet):
        return sorted((_plain(item) for item in obj), key=canonical)
    if isinstance(obj, Sequence):
        return [_plain(item) for item in obj]
    raise TypeError(f"no canonical form for {type(obj).__name__}")
