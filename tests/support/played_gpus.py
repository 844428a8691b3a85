"""An NVML of our own, with as many GPUs as a test wants, whole, full or lost."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

from grader.gpus.gpus import Gpu


class NVMLError(Exception):
    pass


def nvml(
    count: int,
    *,
    lost: tuple[int, ...] = (),
    full: tuple[int, ...] = (),
    fails: str = "",
    as_bytes: bool = False,
    model: str = "",
    parted: Mapping[int, int] | None = None,
) -> types.ModuleType:
    """A stand-in for NVML with some devices, each of a class of its own unless ``model`` names one.

    ``fails`` names the call that raises, ``parted`` says into how many parts a device is.
    """
    module = types.ModuleType("pynvml")
    module.NVMLError = NVMLError  # type: ignore[attr-defined]
    module.open = 0  # type: ignore[attr-defined]

    def call(name: str, give: Any, opens: int = 0) -> None:
        def called(*args: Any) -> Any:
            if name == fails:
                raise NVMLError(name)
            module.open += opens  # type: ignore[attr-defined]
            return give(*args)

        setattr(module, name, called)

    def handle(index: int) -> int:
        if index in lost:
            raise NVMLError("GPU is lost")
        return index

    def text(value: str) -> str | bytes:
        return value.encode() if as_bytes else value

    call("nvmlInit", lambda: None, opens=1)
    call("nvmlShutdown", lambda: None, opens=-1)
    call("nvmlDeviceGetCount", lambda: count)

    _part(call, parted or {})
    module.NVML_DEVICE_MIG_ENABLE = 1  # type: ignore[attr-defined]
    call("nvmlDeviceGetHandleByIndex", handle)
    call("nvmlDeviceGetName", lambda n: text(model or f"NVIDIA T{n}"))
    call("nvmlDeviceGetUUID", lambda n: text(f"GPU-{n:04d}" if isinstance(n, int) else f"MIG-{n}"))
    call("nvmlDeviceGetMinorNumber", lambda n: n + 4)
    call(
        "nvmlDeviceGetMemoryInfo",
        lambda n: types.SimpleNamespace(total=16 << 30, free=(100 if n in full else 15_000) << 20),
    )
    return module


def _part(call: Callable[..., None], parted: Mapping[int, int]) -> None:
    """Play what NVML says of parts; a device that has none does not even know the word."""

    def mode(of: Any) -> tuple[int, int]:
        if of not in parted:
            raise NVMLError("Not Supported")
        return 1, 1

    def part(of: int, number: int) -> float:
        if number >= parted[of]:
            raise NVMLError("Not Found")
        return of + (number + 1) / 10  # a handle of its own

    call("nvmlDeviceGetMigMode", mode)
    call("nvmlDeviceGetMaxMigDeviceCount", lambda _: 7)
    call("nvmlDeviceGetMigDeviceHandleByIndex", part)


def gpu(index: int) -> Gpu:
    return Gpu(index, f"GPU-{index:04d}", "NVIDIA T4", 16384, (f"/dev/nvidia{index}",))
