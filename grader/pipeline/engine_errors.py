"""Whether what stopped a notebook could be the doing of the engine that it ran on.

Enters: an Execution. Leaves: an answer. Touches nothing.

A second run costs as long as the first; it is worth that only where another engine might have done
otherwise. In doubt it might. What is read here are claims: whoever forges them loses a chance.
"""

from __future__ import annotations

import re

from grader.execution import Execution
from grader.types import CellError, Outcome

# What Python, the shell or the machine says before any engine is asked.
SAME_EVERYWHERE = frozenset(
    "SyntaxError IndentationError TabError NameError UnboundLocalError ModuleNotFoundError "
    "FileNotFoundError NotADirectoryError IsADirectoryError PermissionError ZeroDivisionError "
    "KeyboardInterrupt SystemExit EOFError StdinNotImplementedError CalledProcessError".split()
)
# What an engine's own objects are called in Python's words about them.
_OF_AN_ENGINE = re.compile(
    r"jax|tensorflow|Array\b|ArrayImpl|Tensor|Tracer|Variable"
    r"|'tuple' object has no attribute|numpy\.dtypes|DType"  # a shape, a type
)
_IN_A_FILE = re.compile(r"^File .*$", re.MULTILINE)
# Where Keras looks at what it was given, before it asks its engine for anything.
_KERAS = "/keras/src/"
_ASKED_BEFORE = re.compile(
    r"(?:layers/input_spec"
    r"|(?:activations|initializers|losses|metrics|optimizers|trainers/data_adapters)/__init__"
    r"|trainers/data_adapters/data_adapter_utils)\.py"
    r"|(?!backend/)[\w/.:]++,? in \w++\.__init__\("
)


def blames_engine(execution: Execution) -> bool:
    """Whether an exception or a crash could be the engine's doing rather than the student's."""
    if execution.outcome is Outcome.KERNEL_DIED:
        return True
    return any(
        cell.status == "error" and cell.error is not None and _could_be_the_engines(cell.error)
        for cell in execution.cells  # without an exception: a magic that was used wrongly
    )


def _could_be_the_engines(error: CellError) -> bool:
    if error.name in SAME_EVERYWHERE:
        return False
    traceback = error.traceback.replace("\\", "/")
    files = _IN_A_FILE.findall(traceback)
    if files:
        _, keras, below = files[-1].rpartition(_KERAS)
        return not (keras and _ASKED_BEFORE.match(below))
    return "Cell In[" not in traceback or bool(_OF_AN_ENGINE.search(error.value))
