"""In the notebook's room: what a statement binds and mentions, by its syntax tree.

Enters: a top-level statement. Leaves: names. Touches nothing.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator

WATCHING = {  # what such a call is told that only looks on, and changes nothing of the training
    "fit": ("callbacks",),
    "fit_generator": ("callbacks",),
    "compile": ("metrics", "weighted_metrics"),
}
_OWN_SCOPE = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def bound_by(node: ast.stmt) -> set[str]:
    """Give the names of the notebook that a statement would bind, on whatever way through it."""
    found: set[str] = set()
    for one in _in_scope(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            found.add(one.id)
        elif isinstance(one, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in one.names}
        elif isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(one.name)
    return found


def _in_scope(node: ast.AST) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, _OWN_SCOPE):
            waiting += ast.iter_child_nodes(one)


def plain_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    """Give the statements of a block, however deep, that hold no block of the same scope."""
    for one in _in_scope(node):
        if isinstance(one, ast.stmt) and (
            isinstance(one, _OWN_SCOPE) or (not hasattr(one, "body") and not hasattr(one, "cases"))
        ):
            yield one


def first_import(node: ast.stmt, package: str) -> ast.stmt:
    """Give ``import b`` of ``import a, b, c`` where ``b`` is the package; else the statement."""
    if not isinstance(node, ast.Import):
        return node
    ours = [alias for alias in node.names if alias.name.partition(".")[0] == package]
    return ast.Import(ours[:1]) if ours else node


def after_import(node: ast.Import, package: str) -> ast.Import | None:
    """Give ``import c`` of ``import a, b, c`` where ``b`` is the package; None where it is last."""
    roots = [alias.name.partition(".")[0] for alias in node.names]
    rest = node.names[roots.index(package) + 1 :] if package in roots else []
    return ast.copy_location(ast.Import(rest), node) if rest else None


def mentioned_in(node: ast.AST) -> set[str]:
    """Give every name and attribute that a tree mentions."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
    return found


def texts_in(node: ast.AST) -> set[str]:
    """Give every text that a tree holds: the names of files among them."""
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value
    }


def without_watching(node: ast.stmt, missing: Collection[str]) -> ast.stmt | None:
    """Give ``fit(…, callbacks=[a, b])`` or ``compile(…, metrics=[a, b])`` without what is missing.

    None for another statement, and where nothing of it could be left out.
    """
    if not isinstance(node, (ast.Assign, ast.Expr)) or not isinstance(node.value, ast.Call):
        return None
    called = node.value.func
    names = WATCHING.get(called.attr, ()) if isinstance(called, ast.Attribute) else ()
    rest = copy.deepcopy(node)
    assert isinstance(rest.value, ast.Call)
    changed = False
    for keyword in [one for one in rest.value.keywords if one.arg in names]:
        if mentioned_in(keyword.value).isdisjoint(missing):
            continue
        changed = True
        if isinstance(keyword.value, (ast.List, ast.Tuple)):
            every = keyword.value.elts
            keyword.value.elts = [one for one in every if mentioned_in(one).isdisjoint(missing)]
        else:
            rest.value.keywords.remove(keyword)
    return rest if changed else None
