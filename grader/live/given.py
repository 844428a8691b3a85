"""What the last ``fit`` of a model was given, read off the cells that were run.

Enters: the cells, the names that they have made. Leaves: arguments of ``fit``. Touches nothing: no
code is run; an argument is a name, a part of an array, or a number, or else nobody knows it.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from grader.code.source import names_in, read_code
from grader.score.hints_elsewhere import fits
from grader.submission import Notebook

Number: TypeAlias = int | float
NAMES_OF_ARGUMENTS = ("x", "y", "batch_size", "epochs")  # as fit takes them without names
_OPERATORS: Mapping[type, Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


class _UnknownError(Exception):
    """Only running the code would tell."""


@dataclass(frozen=True)
class LastCall:
    """The arguments of a call of ``fit``; those that only running would tell are left out."""

    arguments: Mapping[str, Any]
    in_loop: bool


def last_call(notebook: Notebook, names: Mapping[str, Any], model: Any) -> LastCall | None:
    """Give the last call of ``fit`` on a model among the cells; None where none can be read."""
    code = read_code(notebook)
    if not code:
        return None
    trees = {one.cell: one for one in code}
    for cell, call in reversed(fits(code, names_in(code))):
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else call
        if _value(receiver, names) is model:
            return LastCall(_arguments(call, names), _is_repeated(trees[cell].tree, call))
    return None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    try:
        return _read(node, names)
    except (_UnknownError, LookupError, TypeError, ValueError, ArithmeticError):
        return None


def _arguments(call: ast.Call, names: Mapping[str, Any]) -> dict[str, Any]:
    written = dict(zip(NAMES_OF_ARGUMENTS, call.args, strict=False))
    written |= {one.arg: one.value for one in call.keywords if one.arg}
    if any(isinstance(one, ast.Starred) for one in call.args):
        return {}
    known = {name: _value(node, names) for name, node in written.items()}
    return {name: value for name, value in known.items() if value is not None}


def _is_repeated(tree: ast.Module, call: ast.Call) -> bool:
    """Whether a loop, or a function that may be called in one, holds the call."""
    around = (ast.For, ast.While, ast.FunctionDef, ast.ListComp, ast.Lambda)
    return any(
        isinstance(node, around) and any(one is call for one in ast.walk(node))
        for node in ast.walk(tree)
    )


def _read(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """Look an expression up: ``X``, ``X[:2560]``, ``(X_val, Y_val)``, ``TRAIN - 10``.

    Raises:
        _UnknownError: it is another one.
    """
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Tuple(elts) | ast.List(elts):
            return tuple(_read(one, names) for one in elts)
        case ast.UnaryOp() | ast.BinOp():
            return _number(node, names)
        case ast.Slice(lower, upper, step):
            ends = (None if one is None else _number(one, names) for one in (lower, upper, step))
            return slice(*ends)
        case ast.Subscript(value, place):
            return _part(_read(value, names), _read(place, names))
    raise _UnknownError


def _number(node: ast.AST, names: Mapping[str, Any]) -> Number:
    """Compute a number: ``-1``, ``ROWS - 440``."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, names)
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_number(left, names), _number(right, names))
        case ast.UnaryOp() | ast.BinOp():
            raise _UnknownError
    value = _read(node, names)
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) not in (int, float):
        raise _UnknownError
    return value  # type: ignore[no-any-return]


def _part(whole: Any, place: Any) -> Any:
    """Take a part of what has no code of its own behind its brackets."""
    if type(whole) not in (np.ndarray, list, tuple, dict):
        raise _UnknownError
    return whole[place]
