"""Starts the process of the trainer's room: what it sees, and how much it may take.

Enters: a folder with orders, a room, cores, a kernel for recurrent layers or none, a GPU or none.
Leaves: the process. Touches: that folder, where its log goes.
"""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
import threading
from pathlib import Path

from grader import environment
from grader.extract.evaluate import evaluation_environment
from grader.extract.lent_kernel import kernel_in
from grader.gpus.gpus import Gpu
from grader.room import Bind, Room, RoomProcess, RoomSpec
from grader.room.cuda import driver_binds, driver_environment
from grader.trainer.kernels import Kernel
from grader.trainer.keys import ENGINE

PACKAGE = Path(__file__).resolve().parents[1]
MEMORY_MB = 4096
DEVICE_MEMORY_MB = 16384  # CUDA's libraries alone are some 3000, and it holds a class's data
FILE_MB = 1024  # a result with the weights of every epoch

_beginning = threading.Lock()


def start(
    folder: Path,
    room: Room,
    cores: tuple[int, ...],
    kernel: Kernel | None,
    more: int,
    script: str = "trainer.py",
    gpu: Gpu | None = None,
) -> RoomProcess:
    """Start it in a folder with ``in`` and ``out``; ``more`` is its stdin.

    ``script``: one of the evaluation's. ``gpu``: it computes there, or not at all.

    Raises:
        GraderError: the room could not be built.
    """
    code = room.inside(PACKAGE / "evaluation", "/grader/evaluation")
    given, out = room.inside(folder / "in", "/in"), room.inside(folder / "out", "/out")
    binds, argv = kernel_in(room, kernel.folder if kernel else None)
    environ = evaluation_environment(ENGINE, cores)
    if gpu is not None:
        driver = driver_binds(gpu.libraries)
        binds, argv = (*binds, *driver), (*argv, "accelerator")
        environ |= device_environment(gpu) | driver_environment(room, driver)
    spec = RoomSpec(
        argv=(sys.executable, "-B", f"{code}/{script}", given, out, *argv),
        binds=(
            Bind(PACKAGE / "evaluation", "/grader/evaluation"),
            Bind(folder / "in", "/in"),
            Bind(folder / "out", "/out", writable=True),
            *binds,
        ),
        env=environ,
        memory_mb=memory_mb(gpu),
        file_mb=FILE_MB,
        cores=cores or None,
        devices=() if gpu is None else gpu.nodes,
        warm=environment.IMPORTS,
    )
    with (folder / "log").open("wb") as log:
        return room.start(spec, stdin=more, stdout=subprocess.DEVNULL, stderr=log.fileno())


def import_ahead(room: Room, cores: int) -> threading.Thread:
    """Have imported what trainings need while the first notebook still imports its own.

    Once for each room and number of cores: the fork server that is made for a program that does
    nothing is there for all that follow. Where programs start cold this takes nobody's time.
    """
    with _beginning:  # two slots may ask at once, and a cache alone would begin it twice
        return _begun(room, cores)


@functools.cache
def _begun(room: Room, cores: int) -> threading.Thread:
    def do_nothing() -> None:
        spec = RoomSpec(
            argv=(sys.executable, "-B", "-c", ""),
            env=evaluation_environment(ENGINE, tuple(range(cores))),
            warm=environment.IMPORTS,
        )
        with contextlib.suppress(Exception):  # whoever trains will hear of it
            room.start(spec).wait()

    thread = threading.Thread(target=do_nothing, name="import-ahead", daemon=True)
    thread.start()
    return thread


def memory_mb(gpu: Gpu | None) -> int:
    """Megabytes of the machine's memory that a room may take."""
    return MEMORY_MB if gpu is None else DEVICE_MEMORY_MB


def device_environment(gpu: Gpu) -> dict[str, str]:
    """Let JAX see one GPU, and the processor beside it, with which results are compared.

    Memory is taken as it is needed, and never more than was free: others may be on the device.
    """
    share = gpu.usable_mb / gpu.memory_mb
    return {
        "CUDA_VISIBLE_DEVICES": gpu.uuid,
        "JAX_PLATFORMS": "cuda,cpu",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{share:.3f}",
        # Newer GPUs multiply matrices in ten bits of a number unless they are told not to.
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    }
