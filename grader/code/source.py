"""Reads a notebook's code as syntax trees, and names in it as what they were imported from.

Enters: a Notebook. Leaves: one tree per readable cell, and Names. Touches nothing; runs nothing.

A cell that is not Python, even without its magics, is left out: it fails on every engine alike.
What is too much to be read is said: every step here is one that a hostile notebook can have.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import TypeVar

from grader.submission import Cell, Notebook
from grader.types import Message

MAX_SOURCE = 500_000  # characters; a tree takes about 100 bytes of memory for each
MAX_LINE = 10_000  # characters of a line in which a magic is looked for; pasted data may be longer
MAX_NESTED = 200  # levels of a tree; rules that look below a node do so at every level
MAX_DOTTED = 16  # parts of a name; TensorFlow's longest has seven
STACK = 32 * 2**20  # bytes: CPython's parser goes 6000 levels deep before it gives up
_LOCK = threading.Lock()
_TIMED = re.compile(r"%time(?:it)?\s++(?P<timed>[^-].*+)")
_ASKED = re.compile(r"[^#'\"?]*+\?{1,2}+")  # ``model.fit?``: its documentation
_CAPTURED = re.compile(r"(?P<start>\s*+[\w.,][\w., ]*+=\s*+)[%!]")
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
    """Parse every cell that is Python; None where there is more than we care to read."""
    if sum(len(cell.source) for cell in notebook.cells) > MAX_SOURCE:
        return None
    try:
        return _on_deep_stack(lambda: tuple(_parsed(notebook.cells)))
    except _TooDeepError:
        return None


def left_unread(notebook: Notebook) -> tuple[Message, ...]:
    """Say what of a notebook's code is not looked at; running it is another matter."""
    if sum(len(cell.source) for cell in notebook.cells) > MAX_SOURCE:
        return (Message("source.unread", {"limit": MAX_SOURCE}),)
    if read_code(notebook) is None:
        return (Message("source.unread_nested", {"limit": MAX_NESTED}),)
    long = (cell.index for cell in notebook.cells if _has_long_line(cell.source))
    return tuple(
        Message("source.unread_line", {"cell": cell, "limit": MAX_LINE}) for cell in islice(long, 1)
    )


def _has_long_line(source: str) -> bool:
    return len(source) > MAX_LINE and any(len(one) > MAX_LINE for one in source.split("\n"))


class _TooDeepError(Exception):
    """A cell nests deeper than we care to read."""


def _on_deep_stack(work: Callable[[], T]) -> T:
    """Run where nested expressions end in an exception, not in a crash: threads may have 512 KB."""
    result: Future[T] = Future()

    def do() -> None:
        try:
            result.set_result(work())
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            result.set_exception(error)

    with _LOCK:
        before = threading.stack_size(STACK)
        try:
            thread = threading.Thread(target=do)
            thread.start()
        finally:
            threading.stack_size(before)
    thread.join()
    return result.result()


def _parsed(cells: tuple[Cell, ...]) -> Iterator[Code]:
    for cell in cells:
        tree = _parse(cell.source) or _parse(without_magics(cell.source))
        if tree is not None:
            if _nests_deeper(tree, MAX_NESTED):
                raise _TooDeepError
            yield Code(cell.index, tree)


def _nests_deeper(tree: ast.AST, levels: int) -> bool:
    level = [tree]
    for _ in range(levels):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def _parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a student's string is not ours to report
            return ast.parse(source)
    except (RecursionError, MemoryError) as error:
        raise _TooDeepError from error
    except (SyntaxError, ValueError):
        return None


def without_magics(source: str) -> str:
    """Take out what only IPython understands, line by line; the lines keep their numbers.

    A line longer than ``MAX_LINE`` stays as it is.
    """
    lines = source.split("\n")
    first = next((line.split(maxsplit=1) for line in lines if line.strip()), [])
    if first and first[0].startswith("%%") and first[0] not in _PYTHON_CELLS:
        return ""
    return "\n".join(_plain(line) for line in lines)


def _plain(line: str) -> str:
    if len(line) > MAX_LINE:
        return line
    told = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    if match := _TIMED.fullmatch(told):
        return indent + match["timed"]
    if told.startswith(("%", "!", "?")) or _asks(told):
        return f"{indent}pass"
    if match := _CAPTURED.match(line):
        timed = _TIMED.fullmatch(line[match.end("start") :].strip())
        return match["start"] + (timed["timed"] if timed else "None")
    return line


def _asks(told: str) -> bool:
    name = told.rstrip("?")
    return _ASKED.fullmatch(told) is not None and (name[-1:].isalnum() or name.endswith("_"))


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
        """Give ``a.b.c`` in full; "" where the node is something else than a name, or too long."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
            if len(parts) == MAX_DOTTED:
                return ""
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
