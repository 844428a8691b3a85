"""What was wrong with a command line, in the reader's language.

Enters: an exception of the command-line library. Leaves: a Message, or None where the exception
is the help text itself. Touches nothing.

Typer brings its own copy of click, older ones use the package, and their attributes differ: only
class names, option names and the sentences are relied on, and where a sentence is not known it is
passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from grader.types import Message

_NEAR = 0.75  # of 1: --shards for --shard, and not --gpus for --bogus
_HELP = "NoArgsIsHelpError"
_COMMAND = re.compile(r"No such command '(?P<given>[^']*)'\.?(?: Did you mean (?P<near>.*)\?)?")
_CHOICE = re.compile(r"\A(?s:(?>.*?is not one of ))(?P<choices>.+?)\.?$")


def is_usage(error: Exception) -> bool:
    """Whether the command line itself was wrong."""
    return "ClickException" in _names(error)


def is_abort(error: Exception) -> bool:
    """Whether somebody pressed Ctrl-C."""
    return "Abort" in _names(error)


def usage_message(error: Any) -> Message | None:
    """Say what is wrong and what to do; None for a help text, to be printed as it is."""
    kinds = _names(error)
    if _HELP in kinds:
        return None
    command = str(getattr(getattr(error, "ctx", None), "command_path", None) or "grader")
    if "NoSuchOption" in kinds:
        option = str(error.option_name)
        near = ", ".join(_near(option, error.possibilities or ()))
        args = {"command": command, "option": option, "near": near}
        return Message("cli.no_option_near" if near else "cli.no_option", args)
    if "MissingParameter" in kinds:
        return Message("cli.missing_parameter", {"command": command, "parameter": _shown(error)})
    if "BadParameter" in kinds:
        return _bad_value(error)
    if found := _COMMAND.match(str(error.message)):
        near = (found["near"] or "").replace("'", "")
        return Message(
            "cli.no_command_near" if near else "cli.no_command",
            {"given": found["given"], "near": near},
        )
    return Message("cli.usage", {"command": command, "problem": str(error.message).rstrip(".")})


def _near(option: str, known: Iterable[str]) -> list[str]:
    """Give the options like this one; the dashes, which all have, make none of them alike."""
    names = {one.lstrip("-"): one for one in known}
    return [names[one] for one in get_close_matches(option.lstrip("-"), names, cutoff=_NEAR)]


def _bad_value(error: Any) -> Message:
    problem = str(error.message)
    parameter = _shown(error)
    if choice := _CHOICE.search(problem):
        names = choice["choices"].replace("'", "")
        return Message("cli.bad_choice", {"parameter": parameter, "choices": names})
    param = getattr(error, "param", None)
    bounds = (getattr(one, "min", None) for one in (param, getattr(param, "type", None)))
    least = next((one for one in bounds if one is not None), None)
    if least is not None:
        return Message("cli.too_small", {"parameter": parameter, "least": least})
    if "integer" in problem:
        return Message("cli.whole_number", {"parameter": parameter})
    return Message("cli.bad_value", {"parameter": parameter, "problem": problem})


def _shown(error: Any) -> str:
    """Name the parameter as a person types it."""
    param = getattr(error, "param", None)
    if param is None:
        return ""
    options = [one for one in param.opts if one.startswith("-")]
    return str(max(options, key=len) if options else param.metavar or str(param.name).upper())


def _names(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
