"""What a notebook needs that may not be there: modules that it imports, files that it reads.

Enters: a Notebook. Leaves: Needs. Touches nothing.

Read from the code alone: a name that is put together while it runs is not seen, and what the
notebook itself writes is not needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.code.source import Code, names_in, read_code
from grader.submission import Notebook

READERS = frozenset(
    {
        *("read_csv", "read_excel", "read_json", "read_table", "read_pickle", "read_parquet"),
        *("loadtxt", "genfromtxt", "load", "load_model", "load_weights", "imread", "ZipFile"),
        *("open", "read_text", "read_bytes", "Path", "Image"),
    }
)
SUFFIXES = frozenset(
    {
        *(".csv", ".tsv", ".txt", ".json", ".xlsx", ".xls", ".npy", ".npz", ".pkl", ".pickle"),
        *(".h5", ".hdf5", ".keras", ".zip", ".gz", ".png", ".jpg", ".jpeg", ".parquet"),
    }
)
_LONGEST = 200
# What students check with, in the last cell of every notebook given to them: no room needs it.
CHECKER = frozenset({"grader", "grader_course"})


@dataclass(frozen=True)
class Needs:
    """Top-level modules and names of files, in the order in which they come."""

    modules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def needs(notebook: Notebook) -> Needs:
    """Look for imports and for files that are read."""
    code = read_code(notebook)
    if code is None:
        return Needs()
    modules = dict.fromkeys(module for one in code for module in _modules(one))
    read = dict.fromkeys(name for one in code for name in _read(one, code))
    written = {name for one in code for name in _mentioned(one, code)}
    needed = tuple(name for name in modules if name not in CHECKER)
    return Needs(needed, tuple(name for name in read if name not in written))


def _modules(code: Code) -> Iterator[str]:
    for node in code.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _read(one: Code, code: tuple[Code, ...]) -> Iterator[str]:
    for node in one.nodes:
        if isinstance(node, ast.Call) and node.args and _reads(node, code):
            yield from _file(node.args[0])


def _mentioned(one: Code, code: tuple[Code, ...]) -> Iterator[str]:
    """Give the files that are named to anything that does not read them: it may write them."""
    for node in one.nodes:
        if isinstance(node, ast.Call) and not _reads(node, code):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from _file(argument)


def _reads(call: ast.Call, code: tuple[Code, ...]) -> bool:
    name = names_in(code).dotted(call.func).rpartition(".")[2]
    if not name and isinstance(call.func, ast.Attribute):
        name = call.func.attr
    if name == "open" and len(call.args) > 1:
        mode = call.args[1]
        return isinstance(mode, ast.Constant) and str(mode.value).startswith("r")
    return name in READERS


def _file(node: ast.AST) -> Iterator[str]:
    text = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(text, str) or len(text) > _LONGEST or "://" in text or "\n" in text:
        return
    path = PurePosixPath(text.replace("\\", "/"))
    if path.suffix.lower() in SUFFIXES:
        yield str(path)
