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
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.types import Scalar

USAGE = 2
OUR_FAULT = 3  # nothing was graded, and not for the notebook's sake
INTERRUPTED = 130
# What commands need, and a check in a notebook does not.
OF_COMMANDS = frozenset({"ipykernel", "jupyter_client", "psutil", "pydantic", "rich", "typer"})
# What installs other modules that are asked for; of any other nobody knows.
EXTRAS = {
    **dict.fromkeys(("jinja2", "jupytext", "nbformat", "pynvml", "scipy"), "grading"),
    **dict.fromkeys(("matplotlib", "pandas", "sklearn", "tensorflow", "keras"), "grading"),
    **dict.fromkeys(("jax", "jaxlib"), "jax"),
    "pyarrow": "parquet",
}

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
        told, args = _missing(str(error.name).partition(".")[0])
        tell(words.say(Message(told, args)))
        return OUR_FAULT
    if (path := _their_path(error, sys.argv[1:])) is not None:
        why = getattr(error, "strerror", None) or type(error).__name__
        tell(words.say(Message("cli.path_refused", {"path": path, "error": why})))
        return USAGE
    said = f"{type(error).__name__}: {error}"[:300]
    tell(words.say(Message("cli.fault", {"error": said})))
    return OUR_FAULT


def _missing(package: str) -> tuple[str, dict[str, Scalar]]:
    """Say which extra brings a package: a message's id and arguments."""
    if package in OF_COMMANDS:
        return "cli.light_package", {"package": package}
    if package in EXTRAS:
        return "cli.missing_package", {"package": package, "extra": EXTRAS[package]}
    return "cli.other_package", {"package": package}


def _their_path(error: Exception, arguments: Sequence[str]) -> str | None:
    """Give the path that the system refused, where it is one that was named on the command line.

    Or lies in such a one, or around it: a folder that is to be made there.
    """
    if not isinstance(error, OSError) or not isinstance(error.filename, str | bytes):
        return None
    shown = os.fsdecode(error.filename)
    path = Path.cwd() / shown
    given = [Path.cwd() / one.rpartition("=")[2] for one in arguments if one.rpartition("=")[2]]
    near = any(path.is_relative_to(one) or one.is_relative_to(path) for one in given)
    return shown if near and path != Path(path.root) else None


def language_of(arguments: Sequence[str]) -> str:
    """Find the reader's language: chosen, on the command line, of the course, in the locale."""
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
    from grader.course.load import find_course, language_said
    from grader.course.public import released_language
    from grader.text.words import LANGUAGES

    root = find_course()  # what is told may be the fault of its course.toml
    said = language_said(root) or released_language(root)
    return said if said in LANGUAGES else None
