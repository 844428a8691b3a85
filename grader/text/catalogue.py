"""Reads a catalogue: ids and their sentences, in the form that translators' programs write.

Enters: the text of a ``.po`` file. Leaves: sentences by id. Touches nothing.

Students' machines have little more than NumPy, so this reads the part of the format that our
catalogues use (comments, ``msgid``, ``msgstr``, texts over several lines) and refuses the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_LINE = re.compile(r'(?:(?P<key>msgid|msgstr)\s+)?"(?P<text>(?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_MEANT = {"n": "\n", "t": "\t", "r": "\r"}
_WRITTEN = tuple((meant, f"\\{letter}") for letter, meant in _MEANT.items())


def read_catalogue(text: str) -> dict[str, str]:
    """Give the sentence of every id; the nameless entry at the top, about the file, is left out.

    Raises:
        ValueError: a line that is none of this format's, a sentence without an id, an id twice.
    """
    words: dict[str, str] = {}
    for message_id, sentence in _entries(text):
        if message_id in words:
            raise ValueError(f"{message_id!r} stands there twice")
        if message_id:
            words[message_id] = sentence
    return words


def written_catalogue(words: Mapping[str, str], lang: str) -> str:
    """Write a catalogue that ``read_catalogue``, and any translator's program, reads back."""
    head = "Content-Type: text/plain; charset=UTF-8\\nLanguage: " + lang + "\\n"
    entries = [f'msgid ""\nmsgstr "{head}"']
    entries += [
        f'msgid "{_escaped(key)}"\nmsgstr "{_escaped(text)}"' for key, text in words.items()
    ]
    return "\n\n".join(entries) + "\n"


def _escaped(text: str) -> str:
    for meant, written in (("\\", "\\\\"), ('"', '\\"'), *_WRITTEN):
        text = text.replace(meant, written)
    return text


def _entries(text: str) -> Iterator[tuple[str, str]]:
    parts: dict[str, str] = {}
    key = ""
    for number, line in enumerate(text.splitlines(), start=1):
        told = line.strip()
        if not told or told.startswith("#"):
            continue
        match = _LINE.fullmatch(told)
        if match is None:
            raise ValueError(f"line {number}: {told[:80]!r}")
        if match["key"] == "msgid" and parts:
            yield _whole(parts)
            parts = {}
        key = match["key"] or key
        if not key or (match["key"] and key in parts):
            raise ValueError(f"line {number}: a text out of place")
        parts[key] = parts.get(key, "") + _ESCAPE.sub(_unescaped, match["text"])
    if parts:
        yield _whole(parts)


def _whole(parts: dict[str, str]) -> tuple[str, str]:
    if parts.keys() != {"msgid", "msgstr"}:
        raise ValueError(f"no whole entry: {parts!r:.80}")
    return parts["msgid"], parts["msgstr"]


def _unescaped(match: re.Match[str]) -> str:
    return _MEANT.get(match[1], match[1])
