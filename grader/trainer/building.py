"""Builds the recurrent kernel: compiled for this processor, checked in a room, kept.

Enters: a room. Leaves: a Kernel, or why there is none. Touches: runs a compiler on our own sources,
a room, this user's cache.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from grader import environment, user_folders
from grader.arrays import BadArraysError, read_bounded
from grader.extract.evaluate import evaluation_environment
from grader.extract.lent_kernel import KERNEL_INSIDE, wrong_with_it
from grader.room import Bind, Room, RoomSpec
from grader.room.workplace import workplace
from grader.trainer.kernels import (
    ANSWERS,
    LIBRARY,
    MOST_BYTES,
    SOURCES,
    TOLD,
    Kernel,
    Level,
    find,
    kernel_folder,
    level_of,
    told,
)
from grader.trainer.keys import ENGINE
from grader.types import GraderError, Message

HEADER = Path("xla", "ffi", "api", "c_api.h")
COMPILERS = ("g++", "clang++", "c++")
# No fast-math: NaN stays NaN, sums keep their order. Contraction rounds once in place of twice. Of
# the language alone: nothing is used of its library, which the wheel would have to compile first.
FLAGS = (
    "-std=c++17 -O3 -ffp-contract=fast -fno-exceptions -fno-rtti -fPIC -shared "
    "-fvisibility=hidden -w"
).split()
COMPILING_SECONDS = 300.0
CHECKING_SECONDS = 180.0
MEMORY_MB = 4096
POLL_SECONDS = 0.05
LONGEST_WHY = 300
PACKAGE = Path(__file__).resolve().parents[1]


def compilers() -> list[tuple[str, ...]]:
    """Give the commands of C++ compilers: installed ones, then the wheel's (extra ``kernel``)."""
    names = dict.fromkeys((os.environ.get("CXX", ""), *COMPILERS))
    found = [(path,) for name in names if name and (path := shutil.which(name))]
    if importlib.util.find_spec("ziglang") is not None:
        return [*found, (sys.executable, "-m", "ziglang", "cc")]
    return [*found]


def obstacle() -> Message | None:
    """Say why no kernel can be built here; None where one may be."""
    if not level_of(environment.processor()).gains:
        return Message("kernel.no_gain")
    if headers() is None:
        return Message("kernel.no_headers")
    if sys.platform == "win32" or not compilers():
        return Message("kernel.no_compiler")
    return None


def build(room: Room, cores: tuple[int, ...] = ()) -> Kernel | Message:
    """Compile, check and keep the kernel; gives why there is none where that fails."""
    include, level, why_not = headers(), level_of(environment.processor()), obstacle()
    if why_not is not None or include is None:
        return why_not or Message("kernel.no_headers")
    try:
        with workplace("kernel", "out", "scratch") as place:
            why = _compiled(place, include, level) or _checked(place, room, cores)
            if why:
                return Message("kernel.not_built", {"why": why[-LONGEST_WHY:]})
            _keep(level, place / "kernel" / LIBRARY, place / "out" / ANSWERS)
    except (OSError, BadArraysError) as error:
        return Message("kernel.not_built", {"why": str(error)[:LONGEST_WHY]})
    except GraderError as error:
        return error.message
    return find()


def _compiled(place: Path, include: Path, level: Level) -> str:
    """Compile with the first compiler that can; gives what the last one complained of, or ""."""
    why = ""
    for command in compilers():
        library = place / "kernel" / LIBRARY
        why = compile_library(command, include, level, library, place / "scratch")
        if not why:
            break
    return why


def headers() -> Path | None:
    """Find XLA's headers, which come with jaxlib; without importing it. None: they are missing."""
    spec = importlib.util.find_spec("jaxlib")
    places = spec.submodule_search_locations if spec else None
    found = (Path(place) / "include" for place in places or ())
    return next((include for include in found if (include / HEADER).is_file()), None)


def compile_library(
    command: tuple[str, ...], include: Path, level: Level, library: Path, scratch: Path
) -> str:
    """Compile for a level, with XLA's headers; gives what the compiler complained of, or ""."""
    width = f"-DRNN_WIDTH={level.width}"
    places = ("-I", str(SOURCES), "-isystem", str(include))
    source = str(SOURCES / "targets.cpp")
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TMPDIR": str(scratch)}
    env |= {
        "HOME": str(scratch),
        "XDG_CACHE_HOME": str(scratch),
    }  # where zig keeps what it compiled
    try:
        done = subprocess.run(
            [*command, *FLAGS, *level.flags, width, *places, source, "-o", str(library)],
            env=env,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMPILING_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0 and library.is_file():
        return ""
    return done.stderr.strip() or f"code {done.returncode}"


def _checked(place: Path, room: Room, cores: tuple[int, ...]) -> str:
    """Compare the library with Keras' own path in a room; gives what is wrong, or ""."""
    code = room.inside(PACKAGE / "evaluation", "/grader/evaluation")
    given = room.inside(place / "kernel", KERNEL_INSIDE)
    out = room.inside(place / "out", "/out")
    spec = RoomSpec(
        argv=(sys.executable, "-B", f"{code}/recurrent_check.py", given, out),
        binds=(
            Bind(PACKAGE / "evaluation", "/grader/evaluation"),
            Bind(place / "kernel", KERNEL_INSIDE),
            Bind(place / "out", "/out", writable=True),
        ),
        env=evaluation_environment(ENGINE, cores),
        memory_mb=MEMORY_MB,
        cores=cores or None,
        warm=environment.IMPORTS,
    )
    with (place / "log").open("wb") as log:
        process = room.start(spec, stdout=subprocess.DEVNULL, stderr=log.fileno())
    until = time.monotonic() + CHECKING_SECONDS
    try:
        while process.poll() is None and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        code_or_none = process.poll()
    finally:
        process.kill()
    return wrong_with_it(place / "out", f"code {code_or_none}")


def _keep(level: Level, library: Path, answers: Path) -> None:
    """Put the kernel where ``find`` looks, whole or not at all."""
    folder = kernel_folder()
    user_folders.make_folder(folder.parent, user_folders.OPEN_FOLDER)
    new = folder.with_name(f".{folder.name}.new.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o755)
    binary, expected = library.read_bytes(), read_bounded(answers, MOST_BYTES)
    for name, content in (
        (LIBRARY, binary),
        (ANSWERS, expected),
        (TOLD, told(level, binary, expected)),
    ):
        (new / name).write_bytes(content)
        (new / name).chmod(0o644)
    shutil.rmtree(folder, ignore_errors=True)
    new.replace(folder)
