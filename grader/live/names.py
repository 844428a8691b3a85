"""The names of the notebook that asks: its Keras models, its cells, what else it holds.

Enters: a frame's names. Leaves: Held models, texts. Touches nothing of the notebook's.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from grader.submission import Cell, Notebook
from grader.text.exceptions import told
from grader.text.printable import cut

MOST_SHOWN = 12  # names in a sentence
LONGEST_NAME = 40
MOST_INSIDE = 50  # models in one list or dictionary
LONGEST_ERROR = 200
_COUNTED = re.compile(r"_(\d+)$")  # sequential_3: Keras counts what it names
_CELL_MAGIC = re.compile(r"get_ipython\(\)\.run_cell_magic(\(.*\))\n?", re.DOTALL)
_LINE_MAGIC = re.compile(
    r"^([ \t]*+(?:[\w.,][\w., ]*+= ?)?)get_ipython\(\)\.run_line_magic(\(.*\))$", re.MULTILINE
)


@dataclass(frozen=True)
class HeldModel:
    """A Keras model and what the notebook calls it."""

    model: Any
    name: str
    order: int  # larger is later
    earlier: bool = False  # no variable holds it any more, only the History of its training


def names_of(frame: FrameType | None) -> dict[str, Any]:
    """Give what a caller's code can name: its own names, those of its module beneath."""
    return {**frame.f_globals, **frame.f_locals} if frame is not None else {}


def keras_of_the_notebook() -> Any:
    """Give the Keras that is loaded; None where no model can be there yet."""
    return sys.modules.get("keras")


def models_among(names: Mapping[str, Any], keras: Any) -> tuple[HeldModel, ...]:
    """Give every model once, under its first name, in the order in which they were made.

    One that was built anew under its name may still be there, in the History of its training.
    """
    held: dict[int, tuple[Any, str, bool]] = {}
    own = {name: value for name, value in names.items() if not name.startswith("_")}
    for name, value in own.items():
        for inner, model in _models_in(name, value, keras.Model):
            held.setdefault(id(model), (model, inner, False))
    for name, value in own.items():
        if issubclass(type(value), keras.callbacks.History):
            model = getattr(value, "model", None)
            if issubclass(type(model), keras.Model):
                held.setdefault(id(model), (model, f"{name}.model", True))
    made = sorted(held.values(), key=lambda one: _count(one[0]))
    return tuple(
        HeldModel(model, name, order, earlier)
        for order, (model, name, earlier) in enumerate(made, 1)
    )


def _models_in(name: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    # type(), not isinstance(): that one asks the object, which may be anybody's.
    if issubclass(type(value), kind):
        yield name, value
    elif type(value) in (list, tuple) and len(value) <= MOST_INSIDE:
        for place, one in enumerate(value):
            if issubclass(type(one), kind):
                yield f"{name}[{place}]", one
    elif type(value) is dict and len(value) <= MOST_INSIDE:
        for key, one in value.items():
            if issubclass(type(one), kind):
                yield f"{name}[{key!r:.{LONGEST_NAME}}]", one


def _count(model: Any) -> int:
    match = _COUNTED.search(str(getattr(model, "name", "")))
    return int(match[1]) if match else 0


def objects_of(names: Mapping[str, Any], kind: type) -> list[Any]:
    """Give every value of a class, each once."""
    found = {id(one): one for one in names.values() if issubclass(type(one), kind)}
    return list(found.values())


def names_in(models: Sequence[HeldModel], say: Callable[[HeldModel], str]) -> str:
    """List models: for a sentence."""
    more = ["…"] if len(models) > MOST_SHOWN else []
    return cut(", ".join([*(say(one) for one in models[:MOST_SHOWN]), *more]), 400)


def cells_of(names: Mapping[str, Any]) -> Notebook | None:
    """Give the cells that were run, in the order in which they ran; None outside of notebooks."""
    ran = names.get("In")
    if type(ran) is not list or not all(type(one) is str for one in ran):
        return None
    cells = (Cell(index, as_typed(source)) for index, source in enumerate(ran) if source.strip())
    return Notebook(tuple(cells), None, "")


def as_typed(source: str) -> str:
    """Write a cell's magics as they were typed: IPython remembers the calls it made of them."""
    if found := _CELL_MAGIC.fullmatch(source):
        return _magic("%%", found[1]) or source
    return _LINE_MAGIC.sub(lambda one: _magic(f"{one[1]}%", one[2]) or one[0], source)


def _magic(sign: str, arguments: str) -> str:
    """Write a magic from the arguments of its call; "" where these are not IPython's own."""
    try:
        written = ast.literal_eval(arguments)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return ""
    match written:
        case (str(name), str(line)):
            return f"{sign}{name} {line}".rstrip()
        case (str(name), str(line), str(body)):
            return f"{sign}{name} {line}".rstrip() + f"\n{body}"
    return ""


def last_error(names: Mapping[str, Any]) -> str:
    """Give what the last cell that failed said; "" where none did, and outside of notebooks."""
    error = getattr(sys, "last_value", None)  # where IPython keeps it
    if cells_of(names) is None or not isinstance(error, Exception):
        return ""
    try:
        return told(type(error).__name__, str(error), LONGEST_ERROR).rstrip(". ")
    except Exception:  # noqa: BLE001 - the text of an exception is anybody's code
        return type(error).__name__
