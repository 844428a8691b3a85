"""Where names are bound: in which cells, in which functions, by which line.

Enters: a notebook's syntax trees. Leaves: Bindings. Touches nothing; runs nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from grader.code.source import Code
from grader.score.hints_errors import is_usual_name

MOST_NAMES = 1000  # real notebooks have some forty
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What is bound within these is not there outside.
_SCOPES = (
    *_FUNCTIONS,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


@dataclass(frozen=True)
class Inside:
    """The function that keeps a name to itself."""

    cell: int
    function: str


@dataclass
class Bindings:
    """What a notebook's cells bind; names in the order in which they are first bound."""

    places: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # (cell, last line)
    inside: dict[str, Inside] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a cell binds."""
        return tuple(self.places)

    def cells(self, name: str) -> list[int]:
        """Give the cells that bind a name; none where nothing does."""
        return [cell for cell, _ in self.places.get(name, ())]

    def names_from(self, cell: int, line: int) -> list[str]:
        """Give what a cell binds in a line or below it."""
        return [
            name
            for name, places in self.places.items()
            if any(where == cell and last >= line for where, last in places)
        ]


def may_be_meant(bound: str, name: str, bindings: Bindings) -> bool:
    """Whether a bound name can be the right spelling: the class ``Model`` is not of ``model``."""
    return not (is_usual_name(name) and bound in bindings.imported)


def bindings_of(code: Sequence[Code]) -> Bindings:
    """Collect what every cell binds, of enormous notebooks the first names."""
    found = Bindings()
    for one in code:
        for statement in one.tree.body:
            for name, node in _bound_in(statement):
                if name in found.places or len(found.places) < MOST_NAMES:
                    end = statement.end_lineno or statement.lineno
                    found.places.setdefault(name, []).append((one.cell, end))
                    if isinstance(node, (ast.Import, ast.ImportFrom)):
                        found.imported.add(name)
        for node in one.nodes:
            if isinstance(node, _FUNCTIONS) and len(found.inside) < MOST_NAMES:
                for name in _kept_inside(node):
                    found.inside.setdefault(name, Inside(one.cell, node.name))
    return found


def _kept_inside(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for statement in function.body:
        yield from (name for name, _ in _bound_in(statement))


def _bound_in(statement: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    """Give the names that a statement binds where it stands, with the nodes that bind them."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield from ((name, node) for name in names_bound(node))
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def names_bound(node: ast.AST) -> Iterator[str]:
    """Give the names that a node itself binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
