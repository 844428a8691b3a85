"""K: habits of Colab notebooks that must not fail only because this is not Colab.

Enters: the IPython shell. Leaves: magics and a quiet matplotlib. Touches: the shell.
"""

from __future__ import annotations

import os
from typing import Any


def _tensorflow_version(line: str) -> None:
    """Colab's switch between TensorFlow 1 and 2: only the installed one exists here."""
    print(f"TensorFlow {line.strip() or '2.x'}: the installed version is used.")  # noqa: T201


def install(shell: Any) -> None:
    """Register Colab's magics, and make Matplotlib draw into the notebook."""
    shell.register_magic_function(_tensorflow_version, "line", "tensorflow_version")
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
