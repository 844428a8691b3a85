"""What the rooms run on: installed engines and the versions that go into keys and records.

Enters: nothing. Leaves: versions. Touches: reads package metadata; imports no engine.
"""

from __future__ import annotations

import importlib.util
import os
import platform
from functools import cache
from importlib import metadata

from grader import __version__
from grader.types import Engine

PACKAGES = ("tensorflow", "keras", "jax", "jaxlib", "numpy", "ipykernel", "pandas", "matplotlib")

# What a notebook's kernel imports before the first cell, and what most notebooks import in it. Not
# pyplot, nor the way that notebooks draw: those look for the shell when they are imported.
IMPORTS = (
    "tensorflow",
    "keras",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "matplotlib.figure",
    "matplotlib.font_manager",
    "pandas",
)


@cache
def versions() -> dict[str, str]:
    """Give the versions that can change what a notebook computes, and the grader's own."""
    found = {"grader": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def engines() -> tuple[Engine, ...]:
    """Give the installed engines."""
    modules = {Engine.JAX: "jax", Engine.TENSORFLOW: "tensorflow"}
    return tuple(engine for engine, name in modules.items() if importlib.util.find_spec(name))


def cores() -> tuple[int, ...]:
    """Give the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def free_mb() -> float:
    """Give the memory that programs can still take without pushing others out."""
    import psutil

    return float(psutil.virtual_memory().available) / (1 << 20)
