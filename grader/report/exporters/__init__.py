"""One module per system that takes grades; this folder is the list of them.

Enters: a name. Leaves: what the module of that name offers. Touches: looks at the names of the
files in this folder; imports the one that was asked for.

docs/adding-an-exporter.md shows a whole one.

``grader --help`` wants the names alone, so nothing of the package is imported before one is asked
for.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from grader import plugins

if TYPE_CHECKING:
    from grader.report.export import Exporter
    from grader.types import GraderError


_FOLDER = plugins.Folder(__name__, "report.no_exporter", "report.broken_exporter")
known = _FOLDER.names


def load(name: str) -> Exporter:
    """Import an exporter.

    Raises:
        GraderError: there is none of this name, or its module is not one.
    """
    from grader.report.export import Exporter

    module = _FOLDER.load(name)
    files = getattr(module, "files", None)
    if not callable(files):
        raise _incomplete(module, "files(export)")
    told = getattr(module, "NO_EXCUSES", "")
    if not isinstance(told, str):
        raise _incomplete(module, 'NO_EXCUSES = "…"')
    keys, about = _columns(module, "KEYS"), _columns(module, "ABOUT")
    lacks = getattr(module, "lacks", None)
    if lacks is None:
        return Exporter(name, files, keys, about, told)
    if not callable(lacks):
        raise _incomplete(module, "lacks(export)")
    return Exporter(name, files, keys, about, told, lacks)


def _columns(module: ModuleType, constant: str) -> tuple[str, ...]:
    """Read a constant that a module may have; a text alone would be taken for its letters."""
    value = getattr(module, constant, ())
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return value
    raise _incomplete(module, f'{constant} = ("…",)')


def _incomplete(module: ModuleType, wanted: str) -> GraderError:
    from grader.types import GraderError, Message

    args = {"file": str(module.__file__), "wanted": wanted}
    return GraderError(Message("report.exporter_incomplete", args))
