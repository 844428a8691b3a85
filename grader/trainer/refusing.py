"""Why something is no training order.

Enters: the reason. Leaves: the exception. Touches nothing.
"""

from __future__ import annotations

from typing import NoReturn

from grader.types import Message, Scalar

LONGEST = 60  # characters of a name that somebody else chose


class NotAnOrderError(Exception):
    """What was asked for cannot be expressed, or not be done: the notebook trains by itself."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id, dict(message.args))
        self.message = message


def refuse(reason: str, **args: Scalar) -> NoReturn:
    """Raise NotAnOrderError; names are cut, for they may be of any length."""
    cut = {key: value[:LONGEST] if isinstance(value, str) else value for key, value in args.items()}
    raise NotAnOrderError(Message(reason, cut))
