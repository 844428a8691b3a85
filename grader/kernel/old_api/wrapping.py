"""In the notebook's room: puts a function of ours around one of a library's.

Enters: a class and the name of its function. Leaves: the class with another one. Touches the class.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

KIND = "old_api"


def wrap(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace ``owner.name`` by what ``make`` makes of it; it looks the same from outside."""
    usual = getattr(owner, name)
    made: Any = functools.wraps(usual)(make(usual))
    made.__signature__ = inspect.signature(usual)  # Keras names a layer's arguments by it
    setattr(owner, name, made)


def renamed(given: dict[str, Any], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Give arguments their new names; one that is there twice stays, for the library to refuse.

    Returns:
        The old and new names of those that were renamed.
    """
    found = [(old, new) for old, new in names.items() if old in given and new not in given]
    for old, new in found:
        given[new] = given.pop(old)
    return found
