"""Modules that a folder offers by their files' names: a file more is one more to choose.

Enters: a package's name and its folders. Leaves: names, a module. Touches: looks at the names of
the files; imports the module that was asked for.

Nothing else is imported here: ``grader --help`` lists exporters and must stay quick.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class BrokenModuleError(Exception):
    """A module that cannot be imported.

    Attributes:
        file: where it is.
        error: what its import raised.
    """

    def __init__(self, file: str, error: str) -> None:
        super().__init__(f"{file}: {error}")
        self.file = file
        self.error = error


def names(folders: Iterable[str]) -> tuple[str, ...]:
    """Give the modules' names, in order; what begins with ``_`` is nobody's choice."""
    found = (path for folder in folders for path in Path(folder).glob("*.py") if path.is_file())
    return tuple(sorted({path.stem for path in found if _NAME.fullmatch(path.stem)}))


def imported(package: str, folders: Iterable[str], name: str) -> ModuleType:
    """Import the module of a name that is there.

    Raises:
        BrokenModuleError: its import raises something, or ends the program.
    """
    try:
        return importlib.import_module(f"{package}.{name}")
    except (Exception, SystemExit) as error:
        raise BrokenModuleError(file_of(folders, name), repr(error)) from error


def file_of(folders: Iterable[str], name: str) -> str:
    """Give the path of the module of a name that is there."""
    return str(next(filter(Path.is_file, (Path(folder) / f"{name}.py" for folder in folders))))
