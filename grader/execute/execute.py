"""Stage 2: runs one notebook in a room and brings back claims.

Enters: a Run (notebook, engine, seed, limits) and an open room. Leaves: an Execution.
Touches: a short-lived folder in the temporary directory and two room processes, the kernel and
the driver; both are dead and the folder is gone when this returns.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path

from grader import environment
from grader.execute.caps import DRIVER_CAPS, ORDER_BYTES, ORDER_CAPS, SHOWN_CAPS
from grader.execute.claims import Claims, read_claims
from grader.execute.desk import Desk, Trainer
from grader.execute.last_words import LastWords
from grader.execute.remarks import remarks
from grader.execute.spent import time_spent
from grader.room import Bind, Room, RoomProcess, RoomSpec
from grader.room.cuda import driver_binds, driver_environment
from grader.room.workplace import workplace
from grader.types import (
    CellError,
    CellRun,
    Engine,
    Execution,
    GraderError,
    Message,
    Notebook,
    Outcome,
)

PACKAGE = Path(__file__).resolve().parents[1]
POLL_SECONDS = 0.05
DRAIN_SECONDS = 20.0  # for the driver to write down what it knows, on a machine that is too busy
READY_SECONDS = 120.0
DRIVER_MEMORY_MB = 1500
EVERY_CELL_SENT, KERNEL_NEVER_ANSWERED = 0, 3  # the driver's exit codes
DRIVER_IMPORTS = ("zmq", "jupyter_client.session")
UNREAD = "Unread"  # stands for the exception of a cell of which nothing could be read
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


@dataclass(frozen=True)
class Run:
    """One attempt at one notebook; ``timeout`` in seconds and ``memory_mb`` bound its room."""

    notebook: Notebook
    engine: Engine
    seed: int
    attempt: int
    timeout: float
    memory_mb: int
    cores: tuple[int, ...] = ()
    gpu: str | None = None  # as CUDA_VISIBLE_DEVICES calls it
    devices: tuple[str, ...] = ()
    libraries: tuple[tuple[str, str], ...] = ()  # of the device's driver: on the host, inside
    device: str = "cpu"
    files: Mapping[str, bytes] = field(default_factory=dict)  # next to the notebook, by name
    own_files: Mapping[str, bytes] = field(default_factory=dict)  # the student's, the same
    fixes_seeds: bool = False
    old_api: bool = True  # calls of 2018 to 2020 run as they did
    epochs: int | None = None  # that are asked for, where a notebook asks how many
    one_step: bool = False  # of every fit, for a look that cannot wait


@dataclass
class _Watch:
    """What the coordinator saw while the room was open."""

    desk: Desk | None = None
    outcome: Outcome = Outcome.FINISHED
    peak_mb: float = 0.0
    began: float = field(default_factory=time.monotonic)
    made: float = 0.0  # when the room was about to be
    start: float = 0.0  # seconds from then until its kernel answered
    ended: float | None = (
        None  # where the kernel had to be ended: what is written later is our time
    )
    code: int | None = None  # with which the kernel ended by itself

    @property
    def waited(self) -> float:
        """Seconds in which the notebook waited for us: its time stood still."""
        return self.desk.waited if self.desk is not None else 0.0


class _TroubleError(Exception):
    """The run has to end while something is trained for it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _DriverEndedError(Exception):
    """Nobody waits any more for what is trained."""


class UnreadError(GraderError):
    """What a run left could not be read: to run it again would leave the same."""


def execute(
    run: Run,
    room: Room,
    *,
    again: bool = True,
    most: float = math.inf,
    read: Callable[[Path], Claims] = read_claims,
    trainer: Callable[[], Trainer] | None = None,
) -> Execution:
    """Run every cell of a notebook in a fresh room.

    What the machine may have done costs nobody a point: where the room failed, or the kernel was
    killed from who knows where, all is run once more. A notebook that kills its own kernel does so
    again.

    Args:
        run: the notebook and its limits.
        room: where it is run.
        again: whether it may be run twice; not where the same was seen before.
        most: seconds that both runs may take; no second one is begun that might take longer.
        read: reads what the driver wrote: where others wait, in a process that can be ended.
        trainer: begins to train what one run asks for; None where notebooks train by themselves.

    Raises:
        GraderError: the room or the kernel could not be started, or what it left not be read; never
            for what the student's code did.
    """
    began = time.monotonic()
    try:
        first, killed = _execute(run, room, read, trainer)
    except UnreadError:
        raise
    except GraderError:
        if time.monotonic() - began + run.timeout > most:
            raise
        return _execute(run, room, read, trainer)[0]
    if not (killed and again):
        return first
    if first.seconds + run.timeout > most:
        return not_again(first)
    second, _ = _execute(run, room, read, trainer)
    seconds = first.seconds + second.seconds
    notes = (*second.notes, Message("execute.again"))
    return replace(second, seconds=seconds, notes=notes, spent=first.spent.plus(second.spent))


def not_again(execution: Execution) -> Execution:
    """Say that a run would have been repeated, were there time for it."""
    return replace(execution, notes=(*execution.notes, Message("execute.not_again")))


def _execute(
    run: Run,
    room: Room,
    read: Callable[[Path], Claims],
    trainer: Callable[[], Trainer] | None,
) -> tuple[Execution, bool]:
    """Run the notebook once; also tell whether its kernel was killed and nobody knows why."""
    with workplace("in", "out") as folder, LastWords() as log, ExitStack() as at_end:
        desk = Desk(folder, trainer()) if trainer is not None else None
        if desk is not None:
            at_end.callback(desk.trainer.close)
        watch = _Watch(desk, made=time.monotonic())
        _prepare(folder, run, room, asks=desk is not None)
        kernel, driver = _start(folder, run, room, log)
        try:
            try:
                watch.began = time.monotonic()
                code = _attend(kernel, driver, run, watch, folder, log)
            finally:
                kernel.kill()
                driver.process.kill()
                driver.close()
        finally:
            kernel.kill()
        seconds = (watch.ended or time.monotonic()) - watch.began - watch.waited
        if not (folder / "out" / "ready").exists() and watch.outcome is not Outcome.MEMORY_LIMIT:
            raise GraderError(Message("execute.no_kernel", {"code": code, "log": log.text()}))
        if desk is not None:
            desk.close()
        try:
            claims = read(folder / "out")
        except GraderError as error:
            raise UnreadError(error.message) from error
    trainings = None if desk is None else desk.trainer.trainings
    waits = {} if desk is None else desk.waits
    execution = Execution(
        outcome=watch.outcome,
        cells=tuple(_every_cell(claims.cells, run.notebook, watch.outcome)),
        candidates=claims.candidates,
        engine=run.engine,
        device=run.device,
        seed=run.seed,
        attempt=run.attempt,
        isolation=room.isolation,
        seconds=round(seconds, 3),
        peak_memory_mb=round(watch.peak_mb, 1),
        fixes_seeds=run.fixes_seeds,
        notes=tuple(_notes(claims)),
        trainings=trainings,
        spent=time_spent(watch.start, waits, claims.cells, claims.candidates, trainings),
    )
    return execution, watch.outcome is Outcome.KERNEL_DIED and watch.code in KILLED


def _every_cell(told: Sequence[CellRun], notebook: Notebook, outcome: Outcome) -> Iterator[CellRun]:
    """Give the cells that are known of; where all were run, those too of which nothing is known.

    What cannot be read earns nothing: else it would be worth to make a failing cell unreadable.
    """
    yield from told
    if outcome is Outcome.FINISHED:
        known = {cell.index for cell in told}
        unread = CellError(UNREAD, "", "")
        for cell in notebook.cells:
            if cell.index not in known:
                yield CellRun(cell.index, "error", 0.0, "", unread)


def _notes(claims: Claims) -> Iterator[Message]:
    """Say what was left out; it costs no points, but somebody should know."""
    yield from remarks(claims.cells)
    if claims.malformed:
        yield Message("execute.malformed", {"count": claims.malformed})
    if claims.unreadable:
        yield Message("execute.unreadable", {"count": claims.unreadable})
    if claims.dropped:
        yield Message("execute.dropped", {"count": claims.dropped})
    if claims.lightened:
        yield Message("execute.lightened", {"count": claims.lightened})


def _prepare(folder: Path, run: Run, room: Room, *, asks: bool) -> None:
    def write(name: str, content: object) -> None:
        (folder / "in" / name).write_text(json.dumps(content), encoding="utf-8")

    ports = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
    connection = {
        "transport": "ipc",
        "ip": "k",  # where the driver listens, in its own scratch folder; the kernel gets sockets
        "key": secrets.token_hex(16),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
        **{port: number for number, port in enumerate(ports, start=1)},
    }
    write("connection.json", connection)
    inside = room.inside(folder / "in", "/in")
    write(
        "kernel.json",
        {
            "connection": f"{inside}/connection.json",
            "seed": run.seed,
            "old_api": run.old_api,
            "said": [cell.said for cell in run.notebook.cells if cell.said],
            "epochs": run.epochs,
            "one_step": run.one_step,
            **({"order_bytes": ORDER_BYTES, "shown": SHOWN_CAPS} if asks else {}),
        },
    )
    cells = [{"index": cell.index, "source": cell.source} for cell in run.notebook.cells]
    job = {"connection": f"{inside}/connection.json", "cells": cells, "caps": DRIVER_CAPS}
    if asks:
        (folder / "in" / "answers").mkdir()
        job["orders"] = {"answers": f"{inside}/answers", "caps": ORDER_CAPS}
    write("driver.json", job)


def _start(folder: Path, run: Run, room: Room, log: LastWords) -> tuple[RoomProcess, _Driver]:
    """Start both rooms, with a line between them on which the driver hands the kernel its sockets.

    So no folder is shared: what a notebook can write to is of its own room, and of a fixed size.
    """
    kernels, drivers = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with kernels, drivers:
        kernel = _start_kernel(folder, run, room, kernels.fileno(), log)
        try:
            return kernel, _start_driver(folder, room, run.cores, drivers.fileno())
        except BaseException:
            kernel.kill()
            raise


def _start_kernel(folder: Path, run: Run, room: Room, line: int, log: LastWords) -> RoomProcess:
    kernel_input = folder / "kernel-in"
    kernel_input.mkdir()
    for name in ("connection.json", "kernel.json"):
        # The kernel's folder holds no copy of the cells: they arrive one by one.
        shutil.copy(folder / "in" / name, kernel_input / name)
    code = room.inside(PACKAGE / "kernel", "/grader/kernel")
    inputs = room.inside(kernel_input, "/in")
    settings = json.loads((kernel_input / "kernel.json").read_text(encoding="utf-8"))
    settings["connection"] = f"{inputs}/connection.json"
    if run.files:
        settings["data"] = f"{inputs}/data"
        _write_files(kernel_input / "data", run.files)
    if run.own_files:
        settings["own"] = f"{inputs}/own"
        _write_files(kernel_input / "own", run.own_files)
    (kernel_input / "kernel.json").write_text(json.dumps(settings), encoding="utf-8")
    driver = driver_binds(run.libraries)
    spec = RoomSpec(
        argv=(sys.executable, "-B", f"{code}/start.py", f"{inputs}/kernel.json"),
        binds=(
            Bind(PACKAGE / "kernel", "/grader/kernel"),
            Bind(kernel_input, "/in"),
            *driver,
        ),
        env=kernel_environment(run) | driver_environment(room, driver),
        memory_mb=run.memory_mb,
        cores=run.cores or None,
        devices=run.devices,
        warm=environment.IMPORTS,
    )
    return room.start(spec, stdin=line, stdout=log.writing, stderr=log.writing)


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def kernel_environment(run: Run) -> dict[str, str]:
    """Give the whole environment of a kernel room: threads, engine, device, no network for pip."""
    threads = str(max(1, len(run.cores))) if run.cores else str(os.cpu_count() or 1)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "KERAS_BACKEND": run.engine.value,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        # Without a network pip's own retries take 40 seconds; without an index it answers at once.
        "PIP_NO_INDEX": "1",
        "PIP_RETRIES": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COLOR": "1",
    }
    if run.gpu is None:
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
        if threads == "1":
            environment["XLA_FLAGS"] = (
                "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
            )
    else:
        environment |= {
            "CUDA_VISIBLE_DEVICES": run.gpu,
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        }
    return environment


@dataclass(frozen=True)
class _Driver:
    """The driver's process and the pipe whose closing tells it to finish."""

    process: RoomProcess
    lifeline: FileIO  # a number closed twice may by then be a file of another notebook's

    def close(self) -> None:
        """Tell the driver that there is nothing more to wait for. Again: nothing happens."""
        self.lifeline.close()


def _start_driver(folder: Path, room: Room, cores: tuple[int, ...], line: int) -> _Driver:
    code = room.inside(PACKAGE / "driver", "/grader/driver")
    inputs = room.inside(folder / "in", "/in")
    out = room.inside(folder / "out", "/out")
    spec = RoomSpec(
        argv=(sys.executable, "-B", f"{code}/converse.py", f"{inputs}/driver.json", out),
        binds=(
            Bind(PACKAGE / "driver", "/grader/driver"),
            Bind(folder / "in", "/in"),
            Bind(folder / "out", "/out", writable=True),
        ),
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        memory_mb=DRIVER_MEMORY_MB,
        scratch_mb=16,
        cores=cores or None,  # beside its kernel: elsewhere another's storm could keep it waiting
        warm=DRIVER_IMPORTS,
        connects=True,
    )
    reading, writing = os.pipe()
    lifeline = FileIO(writing, "wb")
    try:
        with FileIO(reading) as end, (folder / "driver.log").open("wb") as log:
            process = room.start(spec, stdin=end.fileno(), stdout=line, stderr=log.fileno())
    except BaseException:
        lifeline.close()
        raise
    return _Driver(process, lifeline)


def _attend(
    kernel: RoomProcess, driver: _Driver, run: Run, watch: _Watch, folder: Path, log: LastWords
) -> int | None:
    """Wait for the driver's end, enforcing time and memory; give its exit code."""
    ready = folder / "out" / "ready"
    is_ready = False
    while (code := driver.process.poll()) is None:
        if not is_ready and ready.exists():
            # The student's time begins when the kernel answers, not while the room is built.
            is_ready, watch.began = True, time.monotonic()
            watch.start = watch.began - watch.made
        watch.peak_mb = max(watch.peak_mb, kernel.memory_mb())
        limit = run.timeout if is_ready else READY_SECONDS
        trouble = _trouble(kernel, driver, run, watch, limit)
        if trouble is None and watch.desk is not None:
            trouble = _answer(watch.desk, kernel, driver, run, watch, log)
        if trouble is not None:
            watch.outcome = trouble
            return _stop(kernel, driver, watch)
        log.listen()
        time.sleep(POLL_SECONDS)
    if driver.process.memory_ran_out():
        watch.outcome = Outcome.MEMORY_LIMIT  # it holds nothing but what the kernel sent
    elif code not in (EVERY_CELL_SENT, KERNEL_NEVER_ANSWERED):
        raise GraderError(Message("execute.no_driver", {"log": _tail(folder / "driver.log")}))
    return code


def _answer(
    desk: Desk,
    kernel: RoomProcess,
    driver: _Driver,
    run: Run,
    watch: _Watch,
    log: LastWords,
) -> Outcome | None:
    """Have trained what the notebook asks for; its time stands still, its memory is watched."""
    looked = 0.0

    def meanwhile() -> None:
        nonlocal looked
        now = time.monotonic()
        if now - looked < POLL_SECONDS:
            return
        looked = now
        log.listen()
        watch.peak_mb = max(watch.peak_mb, kernel.memory_mb())
        trouble = _trouble(kernel, driver, run, watch, math.inf)
        if trouble is not None:
            raise _TroubleError(trouble)
        if driver.process.poll() is not None:
            raise _DriverEndedError

    try:
        desk.look(meanwhile)
    except _TroubleError as error:
        return error.outcome
    except _DriverEndedError:
        pass
    return None


def _trouble(
    kernel: RoomProcess, driver: _Driver, run: Run, watch: _Watch, limit: float
) -> Outcome | None:
    """Say why the run has to end now, if it has to."""
    if time.monotonic() - watch.began - watch.waited > limit:
        return Outcome.TIME_LIMIT
    if watch.peak_mb > run.memory_mb or driver.process.memory_mb() > DRIVER_MEMORY_MB:
        return Outcome.MEMORY_LIMIT
    watch.code = kernel.poll()
    if watch.code is None:
        return None
    # The kernel of the machine may have been faster than our own look at the memory.
    return Outcome.MEMORY_LIMIT if kernel.memory_ran_out() else Outcome.KERNEL_DIED


def _stop(kernel: RoomProcess, driver: _Driver, watch: _Watch) -> int | None:
    """End the kernel first, then let the driver write down what it knows."""
    kernel.kill()
    watch.ended = time.monotonic()
    driver.close()
    until = time.monotonic() + DRAIN_SECONDS
    while (code := driver.process.wait(POLL_SECONDS)) is None and time.monotonic() < until:
        if driver.process.memory_mb() > DRIVER_MEMORY_MB:
            break  # what it still has to read is the notebook's doing
    return code


def _tail(log: Path) -> str:
    try:
        return log.read_bytes()[-2000:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
