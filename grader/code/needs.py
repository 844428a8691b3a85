"""What a notebook needs that may not be there: modules that it imports, files that it reads.

Enters: a Notebook. Leaves: Needs. Touches nothing.

Read from the code alone: a name that is put together while it runs is not seen, and what the
notebook itself writes is not needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
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
_ONLY_NAMES = frozenset({"str", "fspath", "repr", "print"})  # what they are given nobody writes
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
    paths = {name: file for one in code for name, file in _paths(one)}
    written = {name for one in code for name in _mentioned(one, code, paths)}
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


def _paths(one: Code) -> Iterator[tuple[str, str]]:
    """Give the variables that hold a path, ``p = Path("x.h5")``, with its file."""
    for node in one.nodes:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign) and isinstance(value, ast.Call) and value.args:
            names = [one.id for one in node.targets if isinstance(one, ast.Name)]
            files = _file(value.args[0]) if _called(value) == "Path" else ()
            yield from ((name, file) for file in files for name in names)


def _mentioned(one: Code, code: tuple[Code, ...], paths: Mapping[str, str]) -> Iterator[str]:
    """Give the files that are named to anything that does not read them: it may write them."""
    for node in one.nodes:
        if not isinstance(node, ast.Call) or _reads(node, code) or _called(node) in _ONLY_NAMES:
            continue
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from _file(argument)
            inner = argument
            while isinstance(inner, ast.Call) and _called(inner) in _ONLY_NAMES and inner.args:
                inner = inner.args[0]
            if isinstance(inner, ast.Name) and inner.id in paths:
                yield paths[inner.id]


def _called(call: ast.Call) -> str:
    """Give the last word of what is called: ``fspath`` of ``os.fspath(p)``."""
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


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
