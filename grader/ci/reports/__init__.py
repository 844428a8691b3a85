"""One module per file that a job leaves; this folder is the list of them.

Enters: what is to be told. Leaves: names and contents. Touches: looks at the names of the files in
this folder; imports them.

A module defines ``FILE``, the file's name, and ``write(told) -> bytes``. One that raises
GraderError has no word for what is to be told: its file is left out, and the reason said.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader import plugins
from grader.ci.told import Told
from grader.types import GraderError, Message

_FOLDER = plugins.Folder(__name__, "ci.no_report", "ci.broken_module")
known = _FOLDER.names


def written(told: Told, names: tuple[str, ...]) -> Iterator[tuple[str, bytes | Message]]:
    """Give each report's file name with its contents, or with why there are none.

    Raises:
        GraderError: there is no report of a name, or its module is not one.
    """
    for name in names:
        module = _FOLDER.load(name)
        file = getattr(module, "FILE", None)
        if not isinstance(file, str) or not callable(getattr(module, "write", None)):
            raise _FOLDER.incomplete(name, "FILE, write(told) -> bytes")
        try:
            yield file, module.write(told)
        except GraderError as error:
            yield file, error.message
