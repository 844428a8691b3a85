"""What the rooms run on: installed engines and the versions that go into keys and records.

Enters: nothing. Leaves: versions. Touches: reads package metadata; imports no engine.
"""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from grader import __version__
from grader.types import Engine

# Change what a notebook computes, wherever they are installed.
PACKAGES = ("tensorflow", "keras", "jax", "jaxlib", "numpy", "ipykernel", "pandas", "matplotlib")

# What notebooks of recurrent networks import besides; in the extra ``room``.
USUAL = ("scikit-learn", "seaborn", "tqdm", "ipywidgets", "pydot", "tensorboard")

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

_MARKS = ("flags", "Features", "model name")  # in /proc/cpuinfo


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


def installed(requirements: Iterable[str]) -> dict[str, str]:
    """Give the versions of what is installed among ``konlpy``, ``scikeras>=0.13`` …, by name."""
    found: dict[str, str] = {}
    for name in (re.split(r"[\[=<>~!]", one, maxsplit=1)[0] for one in requirements):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def missing(requirements: Iterable[str]) -> tuple[str, ...]:
    """Give what is not installed at all."""
    return tuple(one for one in requirements if not installed([one]))


@cache
def modules() -> frozenset[str]:
    """Give the modules that any program of ours can import: Python's own and installed ones.

    What lies beside a program by chance is not among them.
    """
    places = [path for path in sys.path if {"site-packages", "dist-packages"} & {*Path(path).parts}]
    found = {one.name for one in pkgutil.iter_modules(places)}
    return frozenset({*sys.stdlib_module_names, *found, *_namespaces(map(Path, places))})


def _namespaces(places: Iterable[Path]) -> Iterator[str]:
    """Give packages without ``__init__``, as google and mpl_toolkits: any module hides them."""
    for folder in (one for place in places if place.is_dir() for one in place.iterdir()):
        named = folder.name.isidentifier() and not folder.name.startswith("__")
        if named and any(path.suffix in {".py", ".so"} for path in folder.rglob("*")):
            yield folder.name


@cache
def engines() -> tuple[Engine, ...]:
    """Give the installed engines."""
    modules = {Engine.JAX: "jax", Engine.TENSORFLOW: "tensorflow"}
    return tuple(engine for engine, name in modules.items() if importlib.util.find_spec(name))


def has_cuda() -> bool:
    """Whether JAX's part for CUDA is installed; a GPU without it is none to JAX."""
    spec = importlib.util.find_spec("jax_plugins")
    places = spec.submodule_search_locations if spec is not None else None
    return any(one.name.startswith("xla_cuda") for one in pkgutil.iter_modules(places or []))


def processor() -> list[str]:
    """Give what the system tells of the processor: its name and what it can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return sorted({line for line in lines if line.startswith(_MARKS)})


def cores() -> tuple[int, ...]:
    """Give the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def free_mb() -> float:
    """Give the memory that programs can still take without pushing others out."""
    import psutil

    return float(psutil.virtual_memory().available) / (1 << 20)
