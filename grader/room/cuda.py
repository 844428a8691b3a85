"""What a room with a GPU has beside others, and whether CUDA starts there.

Enters: a device's nodes and its driver's libraries, a Room. Leaves: binds, CudaReport. Touches:
starts one room for the report.

Libraries lie where all others do, and rooms show those; what lies elsewhere is bound into a folder
of its own, under its name and under the one that programs ask for.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.room.readable import readable_paths
from grader.room.spec import Bind, Room, RoomSpec

FOLDER = "/grader/driver"
SECONDS = 60.0
# cuInit's answers that say what a room lacks; the numbers are those of cuda.h.
SUCCESS, NO_DEVICE, OPERATING_SYSTEM = 0, 100, 304
NO_LIBRARY = -1
ASK = """
import ctypes, json, sys
found = {"result": -1, "count": 0, "missing": []}
for path in json.loads(sys.argv[1]):
    try:
        open(path, "rb").close()
    except OSError as error:
        found["missing"].append([path, error.strerror or "?"])
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError as error:
    found["missing"].append(["libcuda.so.1", str(error)])
else:
    found["result"] = cuda.cuInit(0)
    count = ctypes.c_int()
    if found["result"] == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0:
        found["count"] = count.value
print(json.dumps(found))
"""


@dataclass(frozen=True)
class CudaReport:
    """What ``cuInit`` said in a room.

    ``result``: 0 it starts; -1 there is no library; None: the room or the program failed.
    ``missing``: what could not be opened, as (path, why).
    """

    result: int | None
    devices: int
    missing: tuple[tuple[str, str], ...]

    @property
    def works(self) -> bool:
        """Whether a notebook finds the device."""
        return self.result == SUCCESS and self.devices > 0


def driver_binds(libraries: Iterable[tuple[str, str]]) -> tuple[Bind, ...]:
    """Give binds for those libraries that rooms do not show anyway."""
    shown = readable_paths()
    hidden = [Path(host) for host, _ in libraries]
    hidden = [path for path in hidden if not any(path.is_relative_to(one) for one in shown)]
    named = {(name, path) for path in hidden for name in (path.name, _asked_name(path.name))}
    return tuple(Bind(path, f"{FOLDER}/{name}") for name, path in sorted(named))


def driver_environment(room: Room, binds: Iterable[Bind]) -> dict[str, str]:
    """Say where a program finds bound libraries."""
    folders = {str(Path(room.inside(bind.host, bind.inside)).parent) for bind in binds}
    return {"LD_LIBRARY_PATH": ":".join(sorted(folders))} if folders else {}


def _asked_name(name: str) -> str:
    """libcuda.so.550.54.15 is asked for as libcuda.so.1: the driver's libraries count from one."""
    match = re.fullmatch(r"(.+\.so)\.\d+\.[\d.]+", name)
    return f"{match[1]}.1" if match else name


def cuda_report(
    room: Room, nodes: tuple[str, ...], libraries: Iterable[tuple[str, str]], uuid: str
) -> CudaReport:
    """Start CUDA in a room with one device, and say what came of it.

    Raises:
        GraderError: the room could not be built.
    """
    binds = driver_binds(libraries)
    env = {"CUDA_VISIBLE_DEVICES": uuid, **driver_environment(room, binds)}
    argv = (sys.executable, "-I", "-S", "-c", ASK, json.dumps(nodes))
    process = room.start(
        RoomSpec(argv, binds, env, devices=nodes), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        said = process.stdout.read(1 << 16) if process.wait(SECONDS) == 0 else b""
    finally:
        process.kill()
    return _read(said)


def _read(said: bytes) -> CudaReport:
    try:
        found = json.loads(said)
        missing = tuple((str(path), str(why)) for path, why in found["missing"])
        return CudaReport(int(found["result"]), int(found["count"]), missing)
    except (ValueError, KeyError, TypeError, RecursionError):
        return CudaReport(None, 0, ())
