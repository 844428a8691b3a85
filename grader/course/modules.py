"""Modules of the instructor's that a course brings along.

Enters: a path. Leaves: the executed module. Touches: reads the file; executes it once as long as it
does not change.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import threading
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType

_loaded: dict[tuple[Path, bytes], ModuleType] = {}
_loading = threading.RLock()  # a module may load another


def load_module(path: Path) -> ModuleType:
    """Execute a module, or give the one that this content was executed as before.

    Raises:
        OSError: the file cannot be read.
        Exception, SystemExit: whatever the module raises.
    """
    key = (path.absolute(), path.read_bytes())
    with _loading:
        if key not in _loaded:
            _loaded[key] = _executed(*key)
        return _loaded[key]


def _executed(path: Path, content: bytes) -> ModuleType:
    """Make a module of its own of this content: one that is in use elsewhere stays as it is."""
    digest = hashlib.sha256(f"{path}\0".encode() + content).hexdigest()
    name = f"grader_course.{path.stem}_{digest[:16]}"
    loader = _Content(path, content)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Content(SourceLoader):
    """Executes what was read, never byte code of an earlier file of the same size and second."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self.content = path, content

    def get_filename(self, fullname: str) -> str:
        """Give the path, for tracebacks."""
        del fullname
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        """Give the source; byte code there is none."""
        if path != str(self.path):
            raise OSError(path)
        return self.content
