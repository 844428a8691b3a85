"""In the notebook's room: why a statement failed, where the room is to blame.

Enters: an exception and its statement. Leaves: a Lack, or None: then it is an error like any other.
Touches nothing; looks whether a module can be found.

What a student raises is the student's, whatever its type; only after having asked for a device is
it about the device. A misspelt name of a well-known library is no lack.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from subprocess import CalledProcessError
from types import ModuleType

from .devices import Devices
from .elsewhere import folder_elsewhere
from .places import causes, file_of, raised_on_purpose
from .spelling import is_slip

DRIVE = re.compile(r"/content/g?drive\b")
FONT = re.compile(r"\.(ttf|ttc|otf)$", re.IGNORECASE)
MAGIC = re.compile(r"magic (?:function )?`(%+\w+)` not found")
INSTALL = re.compile(
    r"(?:pip|conda) install (?:-\S+ )*([\w.-]+)|install `?([\w.-]+)"
    r"|(ipywidgets)|dependency '([\w.]+)'"
)
OURS = "grader"  # of which the room has a stand-in with one name; the rest of it is not there
PROGRAMS = frozenset({"graphviz"})  # asked for like a package, and none of Python's
NOT_FOUND = 127  # of a shell: no such program


@dataclass(frozen=True)
class Lack:
    """What the room has not; ``kind`` is one of those that ``grader/execute`` reads."""

    kind: str
    what: str


def reason(error: Exception, node: ast.stmt, devices: Devices) -> Lack | None:
    """Give what is lacking; None where the room is not to blame."""
    if devices.is_about(error, node):
        return Lack("device", "GPU")
    if raised_on_purpose(error) and not isinstance(error, ImportError):
        return None
    return next(filter(None, (rule(error) for rule in RULES)), None)


def _magic(error: Exception) -> Lack | None:
    found = MAGIC.search(str(error)) if type(error).__name__ == "UsageError" else None
    return Lack("magic", found[1]) if found else None


def _package(error: Exception) -> Lack | None:
    """A module that cannot be found, or a library's word that it needs another one."""
    if not isinstance(error, ImportError):
        return None
    for one in causes(error):
        if isinstance(one, ModuleNotFoundError) and not raised_on_purpose(one):
            name = (one.name or "").partition(".")[0]
            if name and not _is_here(name) and not is_slip(name):
                return Lack("display", "tkinter") if "tkinter" in name else Lack("package", name)
    own_word = type(error) is ImportError and not raised_on_purpose(error)
    found = INSTALL.search(str(error)) if own_word and "/site-packages/" in file_of(error) else None
    if found is None:
        return None
    name = next(filter(None, found.groups()))
    return Lack("program" if name in PROGRAMS else "package", name)


def _ours(error: Exception) -> Lack | None:
    """What of our own package a check left in a notebook does not need."""
    name = error.name if isinstance(error, ImportError) else None
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        name = error.obj.__name__
    asked = (name or "").partition(".")[0] == OURS
    return Lack("package", OURS) if asked and not raised_on_purpose(error) else None


def _is_here(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return True


def _colab(error: Exception) -> Lack | None:
    name = getattr(error, "name", None) or ""
    is_colab = isinstance(error, ImportError) and f"{name}.".startswith("google.colab.")
    return Lack("colab", name) if is_colab and not raised_on_purpose(error) else None


def _display(error: Exception) -> Lack | None:
    if type(error).__name__ == "TclError":
        return Lack("display", "tkinter")
    file = file_of(error)
    of_windows = "/matplotlib/backends/" in file or (
        "/matplotlib/" in file and "backend" in str(error)
    )
    is_missing = isinstance(error, (ImportError, RuntimeError)) and of_windows
    return Lack("display", "matplotlib") if is_missing else None


def _font(error: Exception) -> Lack | None:
    file = str(error.filename or "") if isinstance(error, OSError) else ""
    if FONT.search(file):
        return Lack("font", PurePosixPath(file.replace("\\", "/")).name)
    in_fonts = "/matplotlib/font_manager.py" in file_of(error)
    if in_fonts and isinstance(error, ValueError) and "find font" in str(error):
        return Lack("font", "matplotlib")
    gone = isinstance(error, AttributeError) and error.name == "_rebuild"
    about = getattr(error.obj, "__name__", "") if isinstance(error, AttributeError) else ""
    return Lack("font", "matplotlib") if gone and about == "matplotlib.font_manager" else None


def _drive(error: Exception) -> Lack | None:
    """A path on Google Drive; Keras says ValueError of a file that is not there."""
    if not isinstance(error, (OSError, ValueError)):
        return None
    file = str(error.filename or "") if isinstance(error, OSError) else ""
    return Lack("drive", "Google Drive") if DRIVE.search(f"{file} {error}") else None


def _program(error: Exception) -> Lack | None:
    if isinstance(error, FileNotFoundError) and file_of(error).endswith("/subprocess.py"):
        name = str(error.filename or "")
        return Lack("program", name) if name and "/" not in name else None
    if isinstance(error, CalledProcessError) and error.returncode == NOT_FOUND:
        asked = error.cmd.decode(errors="replace") if isinstance(error.cmd, bytes) else error.cmd
        words = asked.split() if isinstance(asked, str) else list(map(str, asked))
        return Lack("program", words[0]) if words else None
    return None


def _network(error: Exception) -> Lack | None:
    unnamed = any(isinstance(one, socket.gaierror) for one in causes(error))
    return Lack("network", "internet") if unnamed else None


def _folder(error: Exception) -> Lack | None:
    root = folder_elsewhere(error)
    return Lack("folder", root) if root is not None else None


RULES: tuple[Callable[[Exception], Lack | None], ...] = (
    _colab,
    _display,
    _magic,
    _ours,
    _package,
    _font,
    _drive,
    _program,
    _network,
    _folder,
)
