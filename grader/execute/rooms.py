"""Starts the two rooms of a run: the notebook's kernel, and the driver that talks to it.

Enters: a Run, an open room, the run's folder. Leaves: the two processes. Touches: that folder; the
driver is shown its ``in`` and writes to its ``out``, the kernel is shown ``kernel-in`` alone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from grader import environment
from grader.execute.caps import DRIVER_CAPS, ORDER_BYTES, ORDER_CAPS, SHOWN_CAPS
from grader.execute.last_words import LastWords
from grader.execute.run import Run
from grader.room import Bind, Room, RoomProcess, RoomSpec
from grader.room.cuda import driver_binds, driver_environment

PACKAGE = Path(__file__).resolve().parents[1]
DRIVER_MEMORY_MB = 1500
DRIVER_IMPORTS = ("zmq", "jupyter_client.session")


@dataclass(frozen=True)
class Driver:
    """The driver's process and the pipe whose closing tells it to finish."""

    process: RoomProcess
    lifeline: FileIO  # a number closed twice may by then be a file of another notebook's

    def close(self) -> None:
        """Tell the driver that there is nothing more to wait for. Again: nothing happens."""
        self.lifeline.close()


def prepare(folder: Path, run: Run, room: Room, *, asks: bool) -> None:
    """Write what both rooms are told; with ``asks`` also how trainings are asked for."""

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


def start(folder: Path, run: Run, room: Room, log: LastWords) -> tuple[RoomProcess, Driver]:
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


def _start_driver(folder: Path, room: Room, cores: tuple[int, ...], line: int) -> Driver:
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
    return Driver(process, lifeline)
