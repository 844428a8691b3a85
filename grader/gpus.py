"""Which GPUs are there, and what a room needs to use one of them.

Enters: the option ``--gpus``. Leaves: Gpus. Touches: asks NVML, where it is installed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.types import GraderError, Message

CONTROL_NODES = (
    "/dev/nvidiactl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia-modeset",
)


@dataclass(frozen=True)
class Gpu:
    """One device: its number, what CUDA_VISIBLE_DEVICES calls it, its name, the nodes to bind."""

    index: int
    uuid: str  # numbers shift when a room sees one device only; this name never does
    name: str
    memory_mb: int
    nodes: tuple[str, ...]


def find_gpus() -> tuple[Gpu, ...]:
    """Give the GPUs that NVML sees; none where there is no NVML, no driver or no device."""
    try:
        import pynvml
    except ImportError:
        return ()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    found = []
    with contextlib.suppress(pynvml.NVMLError):
        for index in range(pynvml.nvmlDeviceGetCount()):
            with contextlib.suppress(pynvml.NVMLError):  # one lost device hides no other
                found.append(_gpu(pynvml, index))
    with contextlib.suppress(pynvml.NVMLError):
        pynvml.nvmlShutdown()
    return tuple(found)


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(handle)
    minor = nvml.nvmlDeviceGetMinorNumber(handle)
    memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total) >> 20
    nodes = [node for node in CONTROL_NODES if Path(node).exists()]
    uuid = nvml.nvmlDeviceGetUUID(handle)
    return Gpu(index, _text(uuid), _text(name), memory, (f"/dev/nvidia{minor}", *nodes))


def _text(value: str | bytes) -> str:
    """Older NVML bindings give bytes."""
    return value.decode() if isinstance(value, bytes) else value


def choose_gpus(option: str, gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Give the GPUs to use: all for ``auto``, none for ``none``, else the listed ones.

    Raises:
        GraderError: a listed GPU is not there, or the list is no list of numbers.
    """
    if option == "auto":
        return tuple(gpus)
    if option == "none":
        return ()
    by_index = {gpu.index: gpu for gpu in gpus}
    chosen = []
    for part in option.split(","):
        if not part.strip().isdecimal() or int(part) not in by_index:
            seen = ", ".join(map(str, by_index)) or "none"
            raise GraderError(Message("gpus.unknown", {"option": option, "found": seen}))
        chosen.append(by_index[int(part)])
    return tuple(dict.fromkeys(chosen))
