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


@dataclass(frozen=True)
class Place:
    """A top-level statement that binds a name, by its cell and lines."""

    cell: int
    first: int
    last: int
    anew: bool  # without the name's own value, unlike ``x += 1``


@dataclass
class Bindings:
    """What a notebook's cells bind; names in the order in which they are first bound."""

    places: dict[str, list[Place]] = field(default_factory=dict)
    in_cell: dict[int, list[tuple[str, Place]]] = field(default_factory=dict)
    inside: dict[str, Inside] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a cell binds."""
        return tuple(self.places)

    def first_cell(self, name: str) -> int:
        """Give the first cell that binds a name that is bound."""
        return min(place.cell for place in self.places[name])

    def add(self, name: str, place: Place) -> None:
        """Take note of a binding, of enormous notebooks those of the first names."""
        if name in self.places or len(self.places) < MOST_NAMES:
            self.places.setdefault(name, []).append(place)
            self.in_cell.setdefault(place.cell, []).append((name, place))


def may_be_meant(bound: str, name: str, bindings: Bindings) -> bool:
    """Whether a bound name can be the right spelling: the class ``Model`` is not of ``model``."""
    return not (is_usual_name(name) and bound in bindings.imported)


def bindings_of(code: Sequence[Code]) -> Bindings:
    """Collect what every cell binds, of enormous notebooks the first names."""
    found = Bindings()
    for one in code:
        for whole in one.tree.body:
            end = whole.end_lineno or whole.lineno
            for name, node, reads in _bound_in(whole):
                found.add(name, Place(one.cell, whole.lineno, end, name not in reads))
                if name in found.places and isinstance(node, (ast.Import, ast.ImportFrom)):
                    found.imported.add(name)
        for node in one.nodes:
            if isinstance(node, _FUNCTIONS) and len(found.inside) < MOST_NAMES:
                for name in _kept_inside(node):
                    found.inside.setdefault(name, Inside(one.cell, node.name))
    return found


def _kept_inside(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for statement in function.body:
        yield from (name for name, _, _ in _bound_in(statement))


def _bound_in(statement: ast.stmt) -> Iterator[tuple[str, ast.AST, frozenset[str]]]:
    """Give the names that a statement binds where it stands.

    With each: the node that binds it, and the names that have to be there for it.
    """
    waiting: list[tuple[ast.AST, frozenset[str]]] = [(statement, frozenset())]
    while waiting:
        node, reads = waiting.pop()
        if isinstance(node, ast.stmt):
            reads = _reads(node)
        yield from ((name, node, reads) for name in names_bound(node))
        if not isinstance(node, _SCOPES):
            waiting += ((child, reads) for child in ast.iter_child_nodes(node))


def _reads(statement: ast.stmt) -> frozenset[str]:
    """Give the names from which a statement makes what it binds."""
    if isinstance(statement, ast.For):
        return frozenset(names_read(statement.iter))
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return frozenset()
    if isinstance(statement.value, ast.Constant) and not isinstance(statement, ast.AugAssign):
        return frozenset()
    changed = [statement.target] if isinstance(statement, ast.AugAssign) else []
    own = {node.id for node in changed if isinstance(node, ast.Name)}
    return frozenset(own.union(names_read(statement.value) if statement.value else ()))


def names_read(tree: ast.AST) -> Iterator[str]:
    """Give the names that a tree reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def names_bound(node: ast.AST) -> Iterator[str]:
    """Give the names that a node itself binds."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
