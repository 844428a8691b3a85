"""The words of a message, in the reader's language.

Enters: a Message (an id and its arguments). Leaves: a sentence. Touches: reads the catalogues
``grader/locale/<lang>/*.po`` and those of extra folders (a course's families), once per process.

A catalogue's msgid is the message id, its msgstr the sentence with ``{name}`` placeholders. Korean
falls back to English, English to the id with its arguments; a reader never meets an exception. An
argument that is itself a name (``outcome`` time_limit) is worded too: by ``_ARGUMENTS`` where the
names are the grader's own; a metric by ``metric.mse`` or ``figure.mse`` where a catalogue has it.
"""

from __future__ import annotations

import math
import os
import re
import string
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.text.catalogue import read_catalogue
from grader.text.korean import agree
from grader.text.numbers import NAMES, alone, number
from grader.text.printable import printable
from grader.types import GraderError, Level, Message, Outcome, Scalar

LANGUAGES = ("ko", "en")
_OWN = Path(__file__).parents[1] / "locale"
LEVELS: Mapping[str, str] = {
    Level.FULL: "level.full",
    Level.REDUCED: "level.reduced",
    Level.NONE: "level.none",
}
OUTCOMES: Mapping[str, str] = {
    Outcome.FINISHED: "outcome.finished",
    Outcome.TIME_LIMIT: "outcome.time_limit",
    Outcome.MEMORY_LIMIT: "outcome.memory_limit",
    Outcome.KERNEL_DIED: "outcome.kernel_died",
}
KINDS = {  # of what Keras looks up by name
    "activation": "kind.activation",
    "loss": "kind.loss",
    "metric": "kind.metric",
    "optimizer": "kind.optimizer",
}
_ARGUMENTS: Mapping[str, Mapping[str, str]] = {"level": LEVELS, "outcome": OUTCOMES, "kind": KINDS}
_OF_FAMILIES = frozenset({"metric", "figure"})  # in a sentence, and as a name
_COMPARED = frozenset({"expected", "got"})
_PARAMS = re.compile(r"(?<= )([0-9]{1,12}) params$")  # as a layer's text ends
_LONGEST_ARGUMENT = 600
_MISSING = "…"


class Words:
    """Speaks one language: ``say`` turns a message into a sentence.

    ``zone`` is where its reader's clock stands; None for this machine's.
    """

    def __init__(
        self, lang: str, extra_folders: Sequence[Path] = (), zone: tzinfo | None = None
    ) -> None:
        self.lang = lang
        self.zone = zone
        roots = (_OWN, *extra_folders)
        languages = dict.fromkeys((lang, "en"))
        self._catalogues = [_merged(tuple(roots), language) for language in languages]

    def say(self, message: Message) -> str:
        """Return the sentence; placeholders without an argument show "…"."""
        for catalogue in self._catalogues:
            text = catalogue.get(message.id)
            if text:
                args = {name: self._worded(name, value) for name, value in message.args.items()}
                sentence = _Filler().vformat(text, (), args)
                return agree(sentence) if self.lang == "ko" else sentence
        return _bare(message)

    def knows(self, message_id: str) -> bool:
        """Whether a catalogue has words for this id."""
        return any(message_id in catalogue for catalogue in self._catalogues)

    def _worded(self, name: str, value: Scalar) -> Scalar:
        """Give an argument's own words where there are some: "outcome.time_limit", "metric.mse"."""
        if type(value) is int and name in NAMES:
            return str(value)
        if not isinstance(value, str):
            return value
        if name in _COMPARED:
            return self.compared(value)
        own = family_word(name, value) if name in _OF_FAMILIES else None
        key = _ARGUMENTS.get(name, {}).get(value, own)
        return next((words[key] for words in self._catalogues if key and words.get(key)), value)

    def compared(self, text: str) -> str:
        """Say what was expected or what came, which records keep as one text for all languages."""
        if _PARAMS.search(text):
            return _PARAMS.sub(lambda found: self("structure.params", params=int(found[1])), text)
        return alone(text)

    def __call__(self, message_id: str, **args: Scalar) -> str:
        """Say the message of this id; shorthand for pages and tables."""
        return self.say(Message(message_id, args))


def pick_language(option: str | None, course_default: str | None) -> str:
    """Choose the reader's language: the option, else the course's, else the locale's.

    Raises:
        GraderError: a language without catalogues was asked for.
    """
    for choice in (option, course_default):
        if choice:
            if choice not in LANGUAGES:
                known = ", ".join(LANGUAGES)
                raise GraderError(
                    Message("words.unknown_language", {"language": choice, "known": known})
                )
            return choice
    spoken = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    first = next((name for name in spoken if name), "")
    return "ko" if first.lower().startswith("ko") else "en"


def family_word(kind: str, name: str) -> str:
    """Give the id of a name that a family chose, of a metric, a figure or a control.

    The one id that is put together: a course brings its own families, and their words with them.
    """
    return f"{kind}.{name}"


@lru_cache(maxsize=32)
def _merged(roots: tuple[Path, ...], lang: str) -> Mapping[str, str]:
    """All catalogues of one language; an extra folder may reword what is ours."""
    words: dict[str, str] = {}
    for root in roots:
        for path in sorted((root / lang).glob("*.po")):
            words |= read_catalogue(path.read_text("utf-8"))
    return words


def _bare(message: Message) -> str:
    """Words for an id that no catalogue knows: still something to search for."""
    shown = ", ".join(f"{key}={_show(value)}" for key, value in message.args.items())
    name = printable(message.id, limit=_LONGEST_ARGUMENT)
    return f"{name} ({shown})" if shown else name


class _Filler(string.Formatter):
    """str.format without its errors and without attribute access."""

    def get_field(
        self,
        field_name: str,
        args: Any,  # noqa: ARG002 - the base class passes it
        kwargs: Any,
    ) -> tuple[Any, str]:
        """Look up an argument by its name alone."""
        return kwargs.get(field_name, _MISSING), field_name

    def convert_field(self, value: Any, conversion: str | None) -> Any:  # noqa: ARG002
        """Ignore ``!r`` and its like: arguments are for people."""
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        """Apply the placeholder's format where it fits the value."""
        if format_spec and isinstance(value, int | float) and math.isfinite(value):
            try:
                return format(value, format_spec)
            except ValueError:
                return _show(value)
        return _show(value)


def _show(value: Scalar) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return printable(value, limit=_LONGEST_ARGUMENT)
    return str(value) if isinstance(value, bool) else number(value)
