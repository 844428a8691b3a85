"""What an exception says, in the names that people know.

Enters: the text of an exception. Leaves: the text without what libraries and IPython call things
among themselves. Touches nothing.
"""

from __future__ import annotations

import re

_INTERNAL = (
    # Where Keras, TensorFlow and NumPy keep what everybody imports from their public modules.
    (re.compile(r"\b(?:keras\._tf_keras\.keras|keras\.(?:src|api))\b"), "keras"),
    (re.compile(r"\btensorflow\._api\.v2\b(?:\.compat\.v2)?"), "tensorflow"),
    (re.compile(r"\bnumpy\._core\b"), "numpy"),
    # The file that IPython makes of a cell, behind a SyntaxError.
    (re.compile(r"\((?:\d+\.py|<ipython-input-[^>]*>), line (\d+)\)"), r"(line \1)"),
)


def public(text: str) -> str:
    """Say modules as they are imported, ``keras.layers`` for ``keras.src.layers``."""
    for internal, name in _INTERNAL:
        text = internal.sub(name, text)
    return text
