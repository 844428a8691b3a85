"""Asks the evaluation room: rebuild these models, predict, or train from scratch.

Enters: ModelTasks (architectures, weights, inputs; never labels). Leaves: Answers. Touches: a
short-lived folder and one room process, dead when this returns. The answers are read as strictly
as a student's claims, since a student's numbers went through that process.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader import environment
from grader.arrays import BadArraysError, read_bounded, read_npz
from grader.extract.lent_kernel import kernel_in, wrong_with_it
from grader.extract.tasks import STOPPED, Answer, LayerAnswer, ModelTask
from grader.room import Bind, Room, RoomSpec
from grader.room.workplace import workplace
from grader.types import Array, Engine, GraderError, Message, Scalar

PACKAGE = Path(__file__).resolve().parents[1]
RESPONSE_BYTES = 4_000_000
PREDICTION_BYTES = 400_000_000
MOST_AXES = 16
LONGEST_ERROR = 500  # characters
MEMORY_MB = 4096
BEGUN_BYTES = 1000
POLL_SECONDS = 0.02
ROOM_SECONDS = 300.0  # for all that a notebook asks of one room
ALTOGETHER_SECONDS = 900.0  # for the rooms of one run, after one of them failed


class RoomFailedError(GraderError):
    """The evaluation room ended without answers. ``begun``: the id of the task it was at, or ""."""

    def __init__(self, message: Message, begun: str) -> None:
        super().__init__(message)
        self.begun = begun

    @property
    def stopped(self) -> bool:
        """Whether we ended it, as we would again."""
        return self.message.id == STOPPED


class _Layer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    output_shape: Annotated[list[int | None], Field(max_length=MOST_AXES)]
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
    timeout: float = ROOM_SECONDS,
    kernel: Path | None = None,
) -> dict[str, Answer]:
    """Have the tasks done in one fresh room; in a second one where the first failed.

    ``kernel``: the folder of what computes recurrent layers in trainings; without, Keras' own loops
    do. A room that fails with it has no second one: whether it was the kernel is seen without it.

    Raises:
        RoomFailedError: the room could not do its work; whatever a task asked, that is our fault.
        GraderError: there was no room.
    """
    if not tasks:
        return {}
    try:
        return _evaluate(tasks, room, engine, cores, timeout, kernel)
    except RoomFailedError as error:
        if error.stopped or kernel is not None:
            raise
    except GraderError:
        pass
    return _evaluate(tasks, room, engine, cores, timeout, kernel)


def evaluate_apart(
    tasks: Sequence[ModelTask],
    evaluate_together: Callable[[Sequence[ModelTask]], dict[str, Answer]],
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Answer]:
    """Have the tasks done so that the exercise a room fails over takes no other one with it.

    All go into one room. Where it fails, the exercise that it was at gets another to itself, the
    rest go on without it; after ``ALTOGETHER_SECONDS`` nothing more is tried. What has no answer
    has a ``fault``.
    """
    answers: dict[str, Answer] = {}
    waiting, until = [list(tasks)], clock() + ALTOGETHER_SECONDS
    fault: Message | None = None
    while waiting:
        together = waiting.pop(0)
        if fault is not None and clock() > until:
            answers |= _faults(together, fault)
            continue
        try:
            answers |= evaluate_together(together)
        except GraderError as error:
            fault, begun = error.message, getattr(error, "begun", "").partition("/")[0]
            its = [task for task in together if task.exercise == begun]
            others = [task for task in together if task.exercise != begun]
            had_all_the_time = bool(its) and its[0] is together[0] and _stopped(error)
            if not its or not others or had_all_the_time:
                answers |= _faults(its or together, fault)
                waiting += [others] if its and others else []
            else:
                waiting += [others, its]
    return answers


def _stopped(error: GraderError) -> bool:
    return isinstance(error, RoomFailedError) and error.stopped


def _faults(tasks: Sequence[ModelTask], fault: Message) -> dict[str, Answer]:
    return {task.id: Answer(fault=fault) for task in tasks}


def _evaluate(
    tasks: Sequence[ModelTask],
    room: Room,
    engine: Engine,
    cores: tuple[int, ...],
    timeout: float,
    kernel: Path | None,
) -> dict[str, Answer]:
    with workplace("in", "out") as folder:
        _write_request(folder / "in", tasks)
        code = _run(folder, room, engine, cores, timeout, kernel)
        ending = f"{round(timeout)} s" if code is None else f"code {code}"
        if kernel is not None and (why := wrong_with_it(folder / "out", ending)):
            raise RoomFailedError(Message("kernel.failed", {"why": why}), "")
        try:
            return _read_response(folder, tasks, code)
        except GraderError as error:
            if code is None:
                limits: dict[str, Scalar] = {"seconds": round(timeout), "megabytes": MEMORY_MB}
                message = Message(STOPPED, limits)
                raise RoomFailedError(message, _begun(folder)) from error
            raise RoomFailedError(error.message, _begun(folder)) from error


def _begun(folder: Path) -> str:
    with contextlib.suppress(OSError, BadArraysError):
        return read_bounded(folder / "out" / "begun", BEGUN_BYTES).decode("utf-8", "replace")
    return ""


def _write_request(folder: Path, tasks: Sequence[ModelTask]) -> None:
    arrays: dict[str, Array] = {}
    names: dict[int, str] = {}

    def put(name: str, array: Array) -> str:
        """Several tasks ask about one model: its weights are written once."""
        known = names.setdefault(id(array), name)
        arrays[known] = array
        return known

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
                "steps": plan.steps,
                "compare": plan.compare,
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
    folder: Path,
    room: Room,
    engine: Engine,
    cores: tuple[int, ...],
    timeout: float,
    kernel: Path | None,
) -> int | None:
    binds, argv = kernel_in(room, kernel)
    code = room.inside(PACKAGE / "evaluation", "/grader/evaluation")
    spec = RoomSpec(
        argv=(
            sys.executable,
            "-B",
            f"{code}/worker.py",
            room.inside(folder / "in", "/in"),
            room.inside(folder / "out", "/out"),
            *argv,
        ),
        binds=(
            Bind(PACKAGE / "evaluation", "/grader/evaluation"),
            Bind(folder / "in", "/in"),
            Bind(folder / "out", "/out", writable=True),
            *binds,
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
        error=claimed.error and claimed.error[:LONGEST_ERROR],
        failed=claimed.failed,
    )
