r"""In the notebook's room: what does not go through ``open`` finds files beside the notebook, too.

Enters: the shell, files that are known by their names. Leaves: HDF5, TensorFlow and questions
whether a file is there that look beside the notebook where a path is another computer's. Touches:
``h5py.File``, ``os.stat``, ``tf.io``.

A checkpoint that was to go to a Drive is written beside the notebook. Whoever asks for it by its
old path (``load_weights``, ``load_model``, ``os.path.exists``) means that file.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from grader.kernel.lacks.elsewhere import root_elsewhere
    from grader.kernel.usual_files import MISSING, Files
else:
    from lacks.elsewhere import root_elsewhere  # a script finds its neighbours by their bare names
    from usual_files import MISSING, Files

READING = ("r", "rb")
KEEPERS = (("bz2", "_builtin_open"), ("tarfile", "bltn_open"))  # of the usual ``open``
NAMES = ("path", "filename")  # of an argument that is one
WEIGHTS = (".keras", ".h5", ".hdf5")  # of models: whoever asks for them asks whether to train


def install(shell: Any, files: Files) -> None:
    """Let files be found in every way, by TensorFlow's once the notebook has it."""
    os.stat = looking(os.stat, files, handed_in(Path.cwd()))
    with contextlib.suppress(Exception):
        of_keepers()
    with contextlib.suppress(Exception):
        file = importlib.import_module("h5py").File
        file.__init__ = reading(file.__init__, files)

    def tensorflow(*_: object) -> None:
        if "tensorflow" in sys.modules:
            shell.events.unregister("pre_run_cell", tensorflow)
            with contextlib.suppress(Exception):
                of_tensorflow(sys.modules["tensorflow"].io, files)

    shell.events.register("pre_run_cell", tensorflow)


def handed_in(here: Path) -> dict[str, int]:
    """Give the models beside the notebook before it runs, with the times of their files."""
    found = [one for one in here.iterdir() if one.name.endswith(WEIGHTS)]
    return {str(one): one.stat().st_mtime_ns for one in found if one.is_file()}


def of_keepers() -> None:
    """Give the ``open`` of now to modules that keep the usual one."""
    for module, name in KEEPERS:
        setattr(importlib.import_module(module), name, io.open)
    numpys: Any = importlib.import_module("numpy.lib._datasource")  # of loadtxt and genfromtxt
    numpys._file_openers._file_openers[None] = io.open  # noqa: SLF001 - nobody else has it


def of_tensorflow(tools: Any, files: Files) -> None:
    """Let ``tf.io`` find them: what opens, reads and looks."""
    tools.gfile.GFile.__init__ = reading(tools.gfile.GFile.__init__, files)
    tools.gfile.exists = or_here(tools.gfile.exists)
    tools.read_file = asking(tools.read_file, files)


def found(path: Any, files: Files) -> Path | None:
    """Give the file beside the notebook that a path of another computer means; None for others."""
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
    if not isinstance(text, str) or root_elsewhere(text) is None:
        return None
    name = text.replace("\\", "/").rpartition("/")[2]
    beside = files.find(name) if name else None
    if beside is not None:
        files.opened(beside, name)
    return beside


def reading(usual: Callable[..., None], files: Files) -> Any:
    """Make the ``__init__`` of a file of the usual one: what is to be read is found."""

    @functools.wraps(usual)
    def __init__(self: Any, name: Any, mode: Any = "r", *rest: Any, **named: Any) -> None:  # noqa: N807 - it is one
        __tracebackhide__ = True
        beside = found(name, files) if mode in READING else None
        usual(self, name if beside is None else str(beside), mode, *rest, **named)

    return __init__


def asking(usual: Callable[..., Any], files: Files) -> Callable[..., Any]:
    """Make a function of a path of the usual one."""

    def here(path: Any) -> Any:
        beside = found(path, files)
        return path if beside is None else str(beside)

    @functools.wraps(usual)
    def ask(*args: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        for name in NAMES:
            if name in named:
                named[name] = here(named[name])
        return usual(*map(here, args[:1]), *args[1:], **named)

    return ask


def or_here(usual: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Let TensorFlow's question whether a path is there be answered as Python's is."""

    @functools.wraps(usual)
    def exists(path: Any) -> bool:
        return bool(usual(path)) or os.path.exists(path)  # noqa: PTH110 - a path may be text

    return exists


def looking(usual: Callable[..., Any], files: Files, models: Mapping[str, int]) -> Any:
    """Make an ``os.stat`` of the usual one: ``exists`` and ``is_file`` of any kind ask it.

    A model that was handed in along is not there: whoever asks would train in this room otherwise.
    """
    busy = threading.local()  # to find a file asks what is there

    @functools.wraps(usual)
    def stat(path: Any, *, dir_fd: Any = None, follow_symlinks: bool = True) -> Any:
        __tracebackhide__ = True
        try:
            return usual(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        except MISSING:
            if dir_fd is not None or getattr(busy, "looks", False):
                raise
            busy.looks = True
            try:
                beside = found(path, files)
            finally:
                busy.looks = False
            if beside is None:
                raise
            told = usual(beside)
            if models.get(str(beside)) == told.st_mtime_ns:
                raise
            return told

    for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if usual in known:
            known.add(stat)  # shutil looks there whether a function may be called so
    return stat
