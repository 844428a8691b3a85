"""Code as the tokens by which it is compared, each with the line that it comes from.

Enters: code cells. Leaves: tokens. Touches nothing; runs nothing. Imported late, with Pygments.

Comments, layout and docstrings are left out; every text is one text, every number one number, every
name that the notebook itself binds one name. So a copy stays one whose names, texts, numbers and
comments were changed. Names that come from libraries stay: they are what code is about.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Error, Name, Number, String, Text, Whitespace

from grader.code.source import MAX_LINE, Code, read_code, without_magics
from grader.submission import Cell, Notebook

MOST_TOKENS = 20_000  # of a notebook; real ones have a thousand
MOST_SOURCE = 200_000  # characters
OWN_NAME, ANY_TEXT, ANY_NUMBER = "name", "text", "0"
_WORD = re.compile(r"[^\W\d]\w*")
_LEFT_OUT = (Comment, Text, Whitespace, Error)


@dataclass(frozen=True)
class Token:
    """One token, and where it stands: the cell's place in the notebook, the line from 1."""

    text: str
    cell: int
    line: int


def tokens_of(notebook: Notebook) -> list[Token]:
    """Read a notebook's code, as much of it as anybody compares."""
    code = read_code(notebook) or ()
    readable = {one.cell for one in code}
    own, imported = _bound(code), _imported(notebook)
    found: list[Token] = []
    left = MOST_SOURCE
    for cell in notebook.cells:
        if left <= 0 or len(found) >= MOST_TOKENS:
            break
        source = without_magics(_short(cell.source[:left]))
        # In a cell that is no Python every name is its own that no import brought.
        is_own = own.__contains__ if cell.index in readable else lambda name: name not in imported
        found += _tokens(cell, source, is_own)
        left -= len(cell.source)
    return found[:MOST_TOKENS]


def _short(source: str) -> str:
    """Leave out lines that hold pasted data; the others keep their numbers."""
    return "\n".join("" if len(line) > MAX_LINE else line for line in source.split("\n"))


@lru_cache(maxsize=1)
def _lexer() -> PythonLexer:
    return PythonLexer(stripnl=False, ensurenl=False)


def _tokens(cell: Cell, source: str, is_own: Callable[[str], bool]) -> Iterator[Token]:
    in_text, line, before = False, 1, ""
    for _, kind, value in _lexer().get_tokens_unprocessed(source):
        here, line = line, line + value.count("\n")
        if kind in String:
            if not in_text and kind not in String.Doc:
                yield Token(ANY_TEXT, cell.index, here)
            in_text = True
            continue
        in_text = False
        if any(kind in one for one in _LEFT_OUT) or not value.strip():
            continue
        told = value
        defined = kind in Name.Function or kind in Name.Class
        told = value
        if kind in Number:
            told = ANY_NUMBER
        elif defined or (kind is Name and before != "." and is_own(value)):
            told = OWN_NAME
        before = value
        yield Token(told, cell.index, here)


def _bound(code: tuple[Code, ...]) -> frozenset[str]:
    """Give the names that readable cells bind themselves; imports keep theirs."""
    names: set[str] = set()
    for one in code:
        for node in one.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
    return frozenset(names)


def _imported(notebook: Notebook) -> frozenset[str]:
    """Give every word of the lines that import something."""
    lines = (line for cell in notebook.cells for line in cell.source[:MOST_SOURCE].split("\n"))
    told = (line[:MAX_LINE] for line in lines if "import " in line[:MAX_LINE])
    return frozenset(word for line in told for word in _WORD.findall(line))
