"""Reads a notebook's code as syntax trees, and names in it as what they were imported from.

Enters: a Notebook. Leaves: one tree per readable cell, and Names. Touches nothing; runs nothing.

A cell that is not Python, even without its magics, is left out: it fails on every engine alike.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from grader.types import Cell, Notebook

MAX_SOURCE = 500_000  # characters; a tree takes about 100 bytes of memory for each
STACK = 32 * 2**20  # bytes: CPython's parser goes 6000 levels deep before it gives up
_LOCK = threading.Lock()
_MAGIC = re.compile(
    r"^(?P<indent>\s*)(?:%time(?:it)?\s+(?P<timed>[^-\s].*)|[%!?].*|[^#'\"]*\w\?{1,2}\s*)$"
)
_CAPTURED = re.compile(r"^(?P<start>\s*[\w., ]+=\s*)[%!].*$")
_PYTHON_CELLS = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
_SAME = (  # names that TensorFlow gives to Keras
    ("tensorflow.python.keras", "keras"),
    ("tensorflow.compat.v2", "tensorflow"),
    ("tensorflow.keras", "keras"),
    ("tensorflow.optimizers", "keras.optimizers"),
    ("tensorflow.losses", "keras.losses"),
    ("tensorflow.metrics", "keras.metrics"),
    ("tensorflow.initializers", "keras.initializers"),
)
T = TypeVar("T")


@dataclass(frozen=True)
class Code:
    """One cell as a syntax tree."""

    cell: int
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree, parents first: many rules look through them."""
        return tuple(ast.walk(self.tree))


@lru_cache(maxsize=64)
def read_code(notebook: Notebook) -> tuple[Code, ...] | None:
    """Parse every cell that is Python; None where there is more source than we care to read."""
    if sum(len(cell.source) for cell in notebook.cells) > MAX_SOURCE:
        return None
    return _on_deep_stack(lambda: tuple(_parsed(notebook.cells)))


def _on_deep_stack(work: Callable[[], T]) -> T:
    """Run where nested expressions end in an exception, not in a crash: threads may have 512 KB."""
    result: list[T] = []
    with _LOCK:
        before = threading.stack_size(STACK)
        try:
            thread = threading.Thread(target=lambda: result.append(work()))
            thread.start()
        finally:
            threading.stack_size(before)
    thread.join()
    return result[0]


def _parsed(cells: tuple[Cell, ...]) -> Iterator[Code]:
    for cell in cells:
        tree = _parse(cell.source) or _parse(without_magics(cell.source))
        if tree is not None:
            yield Code(cell.index, tree)


def _parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a student's string is not ours to report
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def without_magics(source: str) -> str:
    """Take out what only IPython understands, line by line; the lines keep their numbers."""
    lines = source.split("\n")
    first = next((line.split() for line in lines if line.strip()), [])
    if first and first[0].startswith("%%") and first[0] not in _PYTHON_CELLS:
        return ""
    return "\n".join(_plain(line) for line in lines)


def _plain(line: str) -> str:
    if match := _MAGIC.match(line):
        return match["indent"] + (match["timed"] or "pass")
    if match := _CAPTURED.match(line):
        return match["start"] + "None"
    return line


@lru_cache(maxsize=64)
def names_in(code: tuple[Code, ...]) -> Names:
    """Give the names of a notebook."""
    return Names(code)


class Names:
    """What names stand for: ``tf.keras.layers`` is ``keras.layers``, however it was imported."""

    def __init__(self, code: tuple[Code, ...]) -> None:
        self._aliases: dict[str, str] = {}
        for one in code:
            for node in one.nodes:
                self._learn(node)

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    self._aliases[alias.asname] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                self._aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            dotted = self.dotted(node.value)
            for target in node.targets:
                if isinstance(target, ast.Name) and dotted.startswith(("keras.", "tensorflow.")):
                    self._aliases[target.id] = dotted

    def dotted(self, node: ast.AST) -> str:
        """Give ``a.b.c`` in full; "" where the node is something else than a name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        parts.append(self._aliases.get(node.id, node.id))
        return _canonical(".".join(reversed(parts)))


def _canonical(dotted: str) -> str:
    for prefix, name in _SAME:
        if dotted == prefix or dotted.startswith(f"{prefix}."):
            return name + dotted.removeprefix(prefix)
    return dotted


def as_text(node: ast.AST) -> str:
    """Give an expression as source; "…" where it goes deeper than anybody reads."""
    try:
        return ast.unparse(node)
    except RecursionError:
        return "…"


def is_below(dotted: str, *modules: str) -> bool:
    """Whether a name is one of the modules or lies in it."""
    return any(dotted == module or dotted.startswith(f"{module}.") for module in modules)
