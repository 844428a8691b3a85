"""Sizes that a student may choose, such as the number of characters in a sentence of one's own.

Enters: shapes and counts as ``exercise.toml`` writes them, whole numbers or formulas such as
``"100*(V+101)"``; the shape of a student's input. Leaves: whole numbers. Touches nothing.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from grader.types import Json, Message, Scalar

Formula = int | str
OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.FloorDiv: operator.floordiv,
    }
)


class WrongValueError(ValueError):
    """Something in the file that cannot be, and what is said of it beside its place."""

    def __init__(self, message_id: str, **args: Scalar) -> None:
        super().__init__(message_id, args)
        self.message = Message(message_id, args)


@dataclass(frozen=True)
class FreeSize:
    """A size with a name, what it usually is, how far it may differ, and from where it is enough.

    Between ``least`` and ``enough`` a model is compared at its own size, and the size is a mistake.
    """

    name: str
    usual: int
    least: int
    most: int
    enough: int


@dataclass(frozen=True)
class LayerForm:
    """A layer with formulas where it depends on a free size."""

    cls: str
    config: Mapping[str, Json]
    output_shape: tuple[Formula, ...]
    params: Formula


@dataclass(frozen=True)
class Form:
    """An architecture with formulas."""

    input_shape: tuple[Formula, ...]
    layers: tuple[LayerForm, ...]
    free: tuple[FreeSize, ...] = field(default=())

    def usual(self) -> dict[str, int]:
        """Give every free size its usual value."""
        return {size.name: size.usual for size in self.free}

    def read(self, input_shape: Sequence[int | None]) -> dict[str, int] | None:
        """Read the free sizes off a student's input; None where it is not one of this form.

        A size that the input leaves open is the usual one: any data fit it.
        """
        if not self.free or len(input_shape) != len(self.input_shape):
            return None
        bounds = {size.name: size for size in self.free}
        found: dict[str, int] = {}
        for wanted, got in zip(self.input_shape, input_shape, strict=True):
            if isinstance(wanted, int):
                if got not in (None, wanted):
                    return None
                continue
            size = bounds.get(wanted)
            if size is None or not size.least <= (got or size.usual) <= size.most:
                return None
            found[wanted] = got or size.usual
        return found if found.keys() == bounds.keys() else None


def evaluate(formula: Formula, sizes: Mapping[str, int]) -> int:
    """Compute a formula: whole numbers, names of sizes, ``+ - * //`` and brackets.

    Raises:
        WrongValueError: anything else.
    """
    if isinstance(formula, int):
        return formula
    try:
        tree = ast.parse(formula, mode="eval").body
    except SyntaxError as error:
        raise WrongValueError("rules.no_formula", given=formula) from error
    return _value(tree, sizes, formula)


def _value(node: ast.expr, sizes: Mapping[str, int], formula: str) -> int:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name in sizes:
            return sizes[name]
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, sizes, formula), _value(right, sizes, formula))
    raise WrongValueError("rules.bad_formula", given=formula, known=", ".join(sizes) or "–")
