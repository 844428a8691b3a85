"""Which GPUs are there, and what a room needs to use one of them.

Enters: the option ``--gpus``. Leaves: Gpus. Touches: asks NVML, where it is installed; reads what
the driver's tools wrote down for containers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from grader.gpus import cdi
from grader.types import GraderError, Message

CONTROL_NODES = (
    "/dev/nvidiactl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia-modeset",
)
FREE_MB = 2000  # with less left, a notebook's engine does not even start there
ANSWER_SECONDS = 60.0  # a driver that nobody used yet wakes one device after the other
OF_FREE = 0.85  # a driver's own needs some, and whoever shares the device may take more


@dataclass(frozen=True)
class Gpu:
    """One device: its number, what CUDA_VISIBLE_DEVICES calls it, its name, the nodes to bind.

    ``part``: which part of the device it is, where somebody parted it (MIG).
    """

    index: int
    uuid: str  # numbers shift when a room sees one device only; this name never does
    name: str
    memory_mb: int
    nodes: tuple[str, ...]
    libraries: tuple[tuple[str, str], ...] = ()  # of the driver: on the host, inside
    free_mb: int | None = None  # when it was looked at; None: nobody said
    part: int | None = None

    @property
    def number(self) -> str:
        """What ``--gpus`` calls it: 0, or 0:1 for the second part of it."""
        return str(self.index) if self.part is None else f"{self.index}:{self.part}"

    @property
    def is_full(self) -> bool:
        """Whether others have taken its memory."""
        return self.free_mb is not None and self.free_mb < FREE_MB

    @property
    def usable_mb(self) -> float:
        """Megabytes that one of our own programs may take: what is free, less some for others."""
        return OF_FREE * (self.memory_mb if self.free_mb is None else self.free_mb)


def find_gpus() -> tuple[Gpu, ...]:
    """Give the GPUs that NVML sees; none where there is no NVML, no driver or no device.

    Of one that was parted (MIG) its parts, of which the driver's tools say what each needs: CUDA
    sees no more than one of them, and the whole is nobody's. A driver that has lost a device may
    never answer; it keeps a thread of ours, and nobody waiting.
    """
    try:
        import pynvml
    except ImportError:
        return ()
    found: list[tuple[Gpu, ...]] = []
    asking = Thread(target=lambda: found.append(_seen_by(pynvml)), name="nvml", daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return found[0] if found else ()


def _seen_by(nvml: Any) -> tuple[Gpu, ...]:
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return ()
    found: list[Gpu] = []
    with contextlib.suppress(nvml.NVMLError):
        for index in range(nvml.nvmlDeviceGetCount()):
            with contextlib.suppress(nvml.NVMLError):  # one lost device hides no other
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                if _is_parted(nvml, handle):
                    found += _parts(nvml, index, handle)
                else:
                    found.append(_gpu(nvml, index, handle))
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlShutdown()
    return tuple(found)


def _gpu(nvml: Any, index: int, handle: Any) -> Gpu:
    minor = nvml.nvmlDeviceGetMinorNumber(handle)
    uuid = _text(nvml.nvmlDeviceGetUUID(handle))
    device = cdi.container_device((uuid, str(index))) or _by_list(minor)
    return _made(nvml, index, handle, device)


def _is_parted(nvml: Any, handle: Any) -> bool:
    try:
        now, _ = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:
        return False  # most devices cannot be
    return bool(now == nvml.NVML_DEVICE_MIG_ENABLE)


def _parts(nvml: Any, index: int, handle: Any) -> Iterator[Gpu]:
    """Give the parts that there are; nothing makes or changes any.

    What a part needs differs from driver to driver, and the nodes of one open all of its device:
    only the driver's tools know.
    """
    for part in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        with contextlib.suppress(nvml.NVMLError):
            own = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, part)
            uuid = _text(nvml.nvmlDeviceGetUUID(own))
            device = cdi.container_device((uuid, f"{index}:{part}"))
            if device is not None:
                yield _made(nvml, index, own, device, part)


def _made(
    nvml: Any, index: int, handle: Any, device: cdi.ContainerDevice, part: int | None = None
) -> Gpu:
    name, uuid = (_text(ask(handle)) for ask in (nvml.nvmlDeviceGetName, nvml.nvmlDeviceGetUUID))
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    total, free = int(memory.total) >> 20, int(memory.free) >> 20
    return Gpu(index, uuid, name, total, device.nodes, device.libraries, free, part)


def _by_list(minor: int) -> cdi.ContainerDevice:
    """What the driver's nodes are usually called; its libraries lie where all others do."""
    nodes = [node for node in CONTROL_NODES if Path(node).exists()]
    return cdi.ContainerDevice((f"/dev/nvidia{minor}", *nodes), ())


def _text(value: str | bytes) -> str:
    """Older NVML bindings give bytes."""
    return value.decode() if isinstance(value, bytes) else value


def choose_gpus(option: str, gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Give the GPUs to use: for ``auto`` all that are not full, none for ``none``, else the listed.

    Raises:
        GraderError: a listed GPU is not there, or the list is no list of numbers.
    """
    if option == "auto":
        return tuple(gpu for gpu in gpus if not gpu.is_full)
    if option == "none":
        return ()
    by_number = {gpu.number: gpu for gpu in gpus}
    chosen = []
    for part in (one.strip() for one in option.split(",")):
        if part not in by_number:
            seen = ", ".join(by_number) or "none"
            raise GraderError(Message("gpus.unknown", {"option": option, "found": seen}))
        chosen.append(by_number[part])
    return tuple(dict.fromkeys(chosen))
