"""What an exception says, in the names that people know.

Enters: the text of an exception. Leaves: the text without what libraries, IPython and our rooms
call things among themselves. Touches nothing.
"""

from __future__ import annotations

import re

from grader.text.printable import printable

_INTERNAL = (
    # Where Keras, TensorFlow and NumPy keep what everybody imports from their public modules.
    (re.compile(r"\b(?:keras\._tf_keras\.keras|keras\.(?:src|api))\b"), "keras"),
    (re.compile(r"\btensorflow\._api\.v2\b(?:\.compat\.v2)?"), "tensorflow"),
    (re.compile(r"\bnumpy\._core\b"), "numpy"),
    # The file that IPython makes of a cell, behind a SyntaxError.
    (re.compile(r"\((?:\d+\.py|<ipython-input-[^>]*>), line (\d+)\)"), r"(line \1)"),
    # A file of ours in the notebook's room, behind "cannot import name".
    (re.compile(r" \([^()\n]{0,500}[\\/]grader[\\/]kernel[\\/][^()\n]{0,500}\)"), ""),
)
_BEGIN = ('File "', "Graph execution error")  # lines of a text that holds a traceback
# What TensorFlow says around the line that tells what was wrong in a graph.
_AROUND = re.compile(
    r'File "|\[\[|Graph execution error|Detected at node |Stack trace for op definition'
    r"|<stack traces unavailable>|tf2xla conversion failed|Traceback \(most recent call last\)"
    r"|Original stack trace for |\d+ (?:root error\(s\) found|successful operations|derived errors)"
)
_NODES = re.compile(r"\[\[\{\{node [^\[\]]{0,300}\]\]|\[Op:[^\[\]]{0,300}\]")


def public(text: str) -> str:
    """Say modules as they are imported, ``keras.layers`` for ``keras.src.layers``."""
    for internal, name in _INTERNAL:
        text = internal.sub(name, text)
    return text


def gist(text: str) -> str:
    """Give of a text that holds a traceback the last line that tells something; else the text."""
    lines = [line.strip() for line in text.splitlines()]
    if not any(line.startswith(_BEGIN) for line in lines):
        return text
    telling = [line for line in lines if line and _AROUND.match(line) is None]
    return _NODES.sub("", telling[-1] if telling else lines[0]).rstrip()


def told(name: str, value: str, limit: int) -> str:
    """Say an exception in one line of at most ``limit`` characters.

    Args:
        name: of its class.
        value: its text, of any length and form.
        limit: most characters; a cut ends in "…".
    """
    text = gist(value)
    return printable(public(f"{name}: {text}" if text.strip() else name), limit=limit)
