"""One line instead of a traceback.

Enters: a GraderError. Leaves: a sentence on stderr and the exit code. Touches: stderr.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from grader.types import GraderError

USAGE = 2

_language: list[str] = []


def speak(language: str) -> None:
    """Remember the language that was chosen, for errors that come later."""
    _language[:] = [language]


@contextlib.contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn a GraderError into one line on stderr and exit code 2."""
    try:
        yield
    except GraderError as error:
        from grader.words import Words, pick_language

        language = _language[0] if _language else pick_language(None, None)
        text = " ".join(Words(language).say(error.message).split())
        print(f"grader: {text}", file=sys.stderr)  # noqa: T201
        sys.exit(USAGE)
