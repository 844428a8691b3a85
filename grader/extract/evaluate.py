"""Asks the evaluation room: rebuild these models, predict, or train from scratch.

Enters: ModelTasks (architectures, weights, inputs; never labels). Leaves: Answers. Touches: a
short-lived folder and one room process, dead when this returns. The answers are read as strictly
as a student's claims, since a student's numbers went through that process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from grader import environment
from grader.arrays import BadArraysError, read_bounded, read_npz
from grader.extract.architecture import Architecture
from grader.room import Bind, Room, RoomSpec
from grader.room.workplace import workplace
from grader.types import Array, Engine, GraderError, Json, Message

PACKAGE = Path(__file__).resolve().parents[1]
RESPONSE_BYTES = 4_000_000
PREDICTION_BYTES = 400_000_000
MEMORY_MB = 4096
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Training:
    """How to train from scratch: arrays, and what ``compile`` and ``fit`` are given."""

    x: Array
    y: Array
    epochs: int
    optimizer: str
    loss: str
    options: Mapping[str, Json] = field(default_factory=dict)  # of the optimizer
    batch_size: int = 32
    validation_split: float = 0.0
    from_logits: bool = False


@dataclass(frozen=True)
class ModelTask:
    """One model and what to do with it. No weights and no training: as freshly initialised."""

    id: str
    architecture: Architecture
    weights: tuple[Array, ...] = ()
    inputs: Array | None = None
    training: Training | None = None
    seed: int | None = None


@dataclass(frozen=True)
class LayerAnswer:
    """A rebuilt layer: output shape without the batch axis, and parameters."""

    output_shape: tuple[int | None, ...]
    params: int


@dataclass(frozen=True)
class Answer:
    """What E made of a task; ``error`` where it could not be done, ``failed`` in which step."""

    layers: tuple[LayerAnswer, ...] = ()
    total_params: int = 0
    predictions: Array | None = None
    history: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    failed: str = ""  # build, weights, train, predict


class _Layer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    output_shape: list[int | None]
    params: int


class _ClaimedAnswer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    layers: list[_Layer] = []
    total_params: int = 0
    history: dict[str, list[float | None]] = {}
    seconds: float = 0.0
    error: str | None = None
    failed: str = ""


class _Response(BaseModel):
    answers: dict[str, _ClaimedAnswer]


def evaluate(
    tasks: Sequence[ModelTask],
    room: Room,
    *,
    engine: Engine,
    cores: tuple[int, ...] = (),
    timeout: float = 300.0,
) -> dict[str, Answer]:
    """Have the tasks done in one fresh room; in a second one where the first failed.

    Raises:
        GraderError: the room could not do its work; whatever a task asked, that is our fault.
    """
    if not tasks:
        return {}
    try:
        return _evaluate(tasks, room, engine, cores, timeout)
    except GraderError as error:
        if error.message.args.get("code", 0) is None:  # we stopped it, as we would again
            raise
    return _evaluate(tasks, room, engine, cores, timeout)


def _evaluate(
    tasks: Sequence[ModelTask], room: Room, engine: Engine, cores: tuple[int, ...], timeout: float
) -> dict[str, Answer]:
    with workplace("in", "out") as folder:
        _write_request(folder / "in", tasks)
        code = _run(folder, room, engine, cores, timeout)
        return _read_response(folder, tasks, code)


def _write_request(folder: Path, tasks: Sequence[ModelTask]) -> None:
    arrays: dict[str, Array] = {}

    def put(name: str, array: Array) -> str:
        arrays[name] = array
        return name

    described: list[dict[str, Any]] = []
    for number, task in enumerate(tasks):
        entry: dict[str, Any] = {
            "id": task.id,
            "op": "train" if task.training else "predict",
            "architecture": task.architecture.as_json(),
            "weights": [put(f"w{number}_{i}", w) for i, w in enumerate(task.weights)],
            "inputs": None if task.inputs is None else put(f"i{number}", task.inputs),
            "seed": task.seed,
        }
        if plan := task.training:
            entry |= {
                "x": put(f"x{number}", plan.x),
                "y": put(f"y{number}", plan.y),
                "epochs": plan.epochs,
                "batch_size": plan.batch_size,
                "validation_split": plan.validation_split,
                "compile": {
                    "optimizer": plan.optimizer,
                    "loss": plan.loss,
                    "options": dict(plan.options),
                    "from_logits": plan.from_logits,
                },
            }
        described.append(entry)
    (folder / "request.json").write_text(json.dumps({"tasks": described}), encoding="utf-8")
    np.savez(folder / "request.npz", **arrays)  # type: ignore[arg-type]


def _run(
    folder: Path, room: Room, engine: Engine, cores: tuple[int, ...], timeout: float
) -> int | None:
    code = room.inside(PACKAGE / "evaluation", "/grader/evaluation")
    spec = RoomSpec(
        argv=(
            sys.executable,
            "-B",
            f"{code}/worker.py",
            room.inside(folder / "in", "/in"),
            room.inside(folder / "out", "/out"),
        ),
        binds=(
            Bind(PACKAGE / "evaluation", "/grader/evaluation"),
            Bind(folder / "in", "/in"),
            Bind(folder / "out", "/out", writable=True),
        ),
        env=evaluation_environment(engine, cores),
        memory_mb=MEMORY_MB,
        cores=cores or None,
        warm=environment.IMPORTS,
    )
    with (folder / "log").open("wb") as log:
        process = room.start(spec, stdout=subprocess.DEVNULL, stderr=log.fileno())
    deadline = time.monotonic() + timeout
    try:
        while (code_now := process.poll()) is None and time.monotonic() < deadline:
            if process.memory_mb() > MEMORY_MB:
                break
            time.sleep(POLL_SECONDS)
        return code_now
    finally:
        process.kill()


def evaluation_environment(engine: Engine, cores: tuple[int, ...]) -> dict[str, str]:
    """Give the whole environment of an evaluation room.

    What libraries read when they are imported is as in a notebook's room, drawing included: both
    are forks of one process.
    """
    threads = str(max(1, len(cores)))
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "KERAS_BACKEND": engine.value,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def _read_response(folder: Path, tasks: Sequence[ModelTask], code: int | None) -> dict[str, Answer]:
    try:
        text = read_bounded(folder / "out" / "response.json", RESPONSE_BYTES)
        claimed = _Response.model_validate_json(text).answers
        arrays = read_npz(folder / "out" / "response.npz", PREDICTION_BYTES)
    except (OSError, BadArraysError, ValidationError) as error:
        log = (folder / "log").read_bytes()[-2000:].decode("utf-8", "replace").strip()
        raise GraderError(
            Message("evaluate.failed", {"code": code, "log": log or str(error)[:300]})
        ) from error
    return {task.id: _answer(task, claimed.get(task.id), arrays.get(task.id)) for task in tasks}


def _answer(task: ModelTask, claimed: _ClaimedAnswer | None, predictions: Array | None) -> Answer:
    if claimed is None:
        return Answer(error="no answer")
    expected = len(task.inputs) if task.inputs is not None else None
    if predictions is not None and (
        predictions.dtype != np.float32 or len(predictions) != expected
    ):
        return Answer(error=f"predictions of shape {predictions.shape} for {expected} rows")
    return Answer(
        layers=tuple(
            LayerAnswer(tuple(layer.output_shape), layer.params) for layer in claimed.layers
        ),
        total_params=claimed.total_params,
        predictions=predictions,
        history={key: tuple(values) for key, values in claimed.history.items()},
        seconds=claimed.seconds,
        error=claimed.error,
        failed=claimed.failed,
    )
