"""One line instead of a traceback.

Enters: whatever a command raises. Leaves: a sentence on stderr and the exit code. Touches: stderr.
Everything that takes time is imported only once there is something to say.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator, Sequence

USAGE = 2
OUR_FAULT = 3  # nothing was graded, and not for the notebook's sake
INTERRUPTED = 130
# What commands need, and a check in a notebook does not.
OF_COMMANDS = frozenset({"ipykernel", "jupyter_client", "psutil", "pydantic", "rich", "typer"})

_language: list[str] = []


def speak(language: str) -> None:
    """Remember the language that was chosen, for errors that come later."""
    _language[:] = [language]


@contextlib.contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn whatever a command raises into one line on stderr and an exit code."""
    try:
        yield
    except Exception as error:
        if os.environ.get("GRADER_DEBUG"):
            raise
        sys.exit(_tell_error(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def tell(text: str) -> None:
    """Print one line on stderr."""
    print(f"grader: {' '.join(text.split())}", file=sys.stderr, flush=True)  # noqa: T201


def _tell_error(error: Exception) -> int:
    from grader.cli.usage import is_abort, is_usage, usage_message
    from grader.text.words import Words
    from grader.types import GraderError, Message

    if is_abort(error):
        return INTERRUPTED
    words = Words(language_of(sys.argv[1:]))
    if isinstance(error, GraderError):
        tell(words.say(error.message))
        return USAGE
    if is_usage(error):
        message = usage_message(error)
        tell(words.say(message)) if message else print(error, file=sys.stderr)  # noqa: T201
        return USAGE
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("grader"):
        light = str(error.name).partition(".")[0] in OF_COMMANDS
        missing = "cli.light_package" if light else "cli.missing_package"
        tell(words.say(Message(missing, {"package": error.name})))
        return OUR_FAULT
    said = f"{type(error).__name__}: {error}"[:300]
    tell(words.say(Message("cli.fault", {"error": said})))
    return OUR_FAULT


def language_of(arguments: Sequence[str]) -> str:
    """Find the reader's language: chosen, on the command line, in course.toml, in the locale."""
    from grader.text.words import LANGUAGES, pick_language
    from grader.types import GraderError

    asked = [b for a, b in itertools.pairwise(arguments) if a == "--lang"]
    asked += [one.partition("=")[2] for one in arguments if one.startswith("--lang=")]
    known = [one for one in (*_language, *asked) if one in LANGUAGES]
    if known:
        return known[0]
    try:
        return pick_language(None, _course_language())
    except (GraderError, ImportError):  # a light installation reads no course.toml
        return pick_language(None, None)


def _course_language() -> str | None:
    from grader.course.load import find_course, read_settings

    return read_settings(find_course()).language
