"""One module per platform that runs jobs; this folder is the list of them.

Enters: a name or the environment. Leaves: a Platform. Touches: looks at the names of the files in
this folder; imports them.

A module defines ``event(environment) -> Event``, and whatever of the following differs from a
plain log: ``here(environment) -> bool``, ``group(title) -> (before, after)``, ``unheard(token) ->
(before, after)``, ``marks(told) -> lines``, ``summary(environment) -> path``.

``grader --help`` wants the names alone, so nothing of the package is imported before one is asked
for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from grader import plugins

if TYPE_CHECKING:
    from grader.ci.event import Event
    from grader.ci.told import Told

PLAIN = "plain"
AUTO = "auto"
Environment: TypeAlias = Mapping[str, str]
Around: TypeAlias = tuple[str, str]  # what is printed before and after


def _nowhere(_: Environment) -> bool:
    return False


def _heading(title: str) -> Around:
    return f"── {title}", ""


def _nothing(_: str) -> Around:
    return "", ""


def _no_lines(_: Told) -> Sequence[str]:
    return ()


def _no_summary(_: Environment) -> Path | None:
    return None


@dataclass(frozen=True)
class Platform:
    """What a module of this folder offers.

    Attributes:
        name: the module's.
        event: reads what happened.
        here: whether this job runs there.
        group: what opens and closes a part of the log.
        unheard: what makes the platform take lines for text, and what ends that: a log holds what
            students wrote, and some platforms obey lines of a log.
        marks: lines that the platform shows beside files.
        summary: where the page of this job is written, where there is one.
    """

    name: str
    event: Callable[[Environment], Event]
    here: Callable[[Environment], bool] = _nowhere
    group: Callable[[str], Around] = _heading
    unheard: Callable[[str], Around] = _nothing
    marks: Callable[[Told], Sequence[str]] = _no_lines
    summary: Callable[[Environment], Path | None] = _no_summary

    @contextmanager
    def part(self, title: str, say: Callable[[str], None]) -> Iterator[None]:
        """Put what is printed meanwhile into a part of the log in which nothing is obeyed."""
        opens, closes = self.group(title)
        deaf, hears = self.unheard(token_hex(16))
        for line in filter(None, (opens, deaf)):
            say(line)
        try:
            yield
        finally:
            for line in filter(None, (hears, closes)):
                say(line)


OFFERED = ("here", "group", "unheard", "marks", "summary")


_FOLDER = plugins.Folder(__name__, "ci.no_platform", "ci.broken_module")
known = _FOLDER.names


def choose(name: str, environment: Environment = os.environ) -> Platform:
    """Give the named platform; ``auto``: the one that this job runs on, else a plain log.

    Raises:
        GraderError: there is none of this name, or its module is not one.
    """
    if name != AUTO:
        return load(name)
    found = (one for one in map(load, known()) if one.here(environment))
    return next(found, None) or load(PLAIN)


def load(name: str) -> Platform:
    """Import a platform.

    Raises:
        GraderError: there is none of this name, or its module is not one.
    """
    module = _FOLDER.load(name, also=(AUTO,))
    event = _offered(module, "event")
    if event is None:
        raise _FOLDER.incomplete(name, "event(environment) -> Event")
    more = {one: found for one in OFFERED if (found := _offered(module, one)) is not None}
    return Platform(name, event, **more)


def _offered(module: ModuleType, name: str) -> Callable[..., Any] | None:
    found = getattr(module, name, None)
    return found if callable(found) else None
