"""Modules that a folder offers by their files' names: a file more is one more to choose.

Enters: a package's name. Leaves: names, a module, or what is wrong with it.
Touches: looks at the names of the files; imports the module that was asked for.

Nothing else is imported here: ``grader --help`` lists exporters and must stay quick.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.types import GraderError

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Folder:
    """A package whose modules are a choice.

    Attributes:
        package: its name; it is imported already.
        unknown: id of the message for a name that no module has.
        broken: id of the message for a module that cannot be imported or offers too little.
    """

    package: str
    unknown: str
    broken: str

    @property
    def _places(self) -> Sequence[Path]:
        return [Path(place) for place in sys.modules[self.package].__path__]

    def names(self) -> tuple[str, ...]:
        """Give the modules' names, in order; what begins with ``_`` is nobody's choice."""
        found = (path for place in self._places for path in place.glob("*.py") if path.is_file())
        return tuple(sorted({path.stem for path in found if _NAME.fullmatch(path.stem)}))

    def require(self, name: str, also: Sequence[str] = ()) -> None:
        """Refuse a name that no module has; ``also`` may be chosen beside them.

        Raises:
            GraderError: names those that there are.
        """
        if name not in (known := self.names()):
            from grader.types import GraderError, Message

            args = {"name": name, "known": ", ".join((*also, *known))}
            raise GraderError(Message(self.unknown, args))

    def load(self, name: str, also: Sequence[str] = ()) -> ModuleType:
        """Import the module of a name.

        Raises:
            GraderError: there is none; or its import raises something, or ends the program.
        """
        self.require(name, also)
        try:
            return importlib.import_module(f"{self.package}.{name}")
        except (Exception, SystemExit) as error:
            raise self.incomplete(name, repr(error)) from error

    def incomplete(self, name: str, wanted: str) -> GraderError:
        """Give the error for a module that is there and will not do: what it lacks, or raises."""
        from grader.types import GraderError, Message

        file = next(filter(Path.is_file, (place / f"{name}.py" for place in self._places)))
        return GraderError(Message(self.broken, {"file": str(file), "error": wanted}))
