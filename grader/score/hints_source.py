"""The notebook's code: mistakes that no number shows, found in its syntax trees.

Enters: a Notebook. Leaves: Messages, each once, with the cell. Touches nothing; runs nothing.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from grader.code.source import (
    MAX_LINE,
    Code,
    Names,
    as_text,
    names_in,
    read_code,
    without_magics,
)
from grader.score.hints_elsewhere import Fit, fits, own_loops, trained_elsewhere
from grader.score.hints_errors import LONGEST, cut, nearest
from grader.score.hints_names import bindings_of, may_be_meant, names_bound
from grader.submission import Cell, Notebook
from grader.types import Message, Scalar

ABSOLUTE = frozenset(
    {
        "abs",
        "numpy.abs",
        "numpy.absolute",
        "numpy.fabs",
        "math.fabs",
        "keras.ops.abs",
        "tensorflow.abs",
        "tensorflow.math.abs",
    }
)
SHUFFLES = frozenset({"numpy.random.shuffle", "random.shuffle", "numpy.random.permutation"})
SHELL = frozenset({"get_ipython", "display", "In", "Out", "exit", "quit", "__file__"})
MOST_NAMES, MOST_UNKNOWN = 400, 10  # each is compared with each; real notebooks have some forty
MOST_CALLS = 200  # of one method: what each is given is written out
TELLING = 4  # letters from which a likeness between names says something
_PIP = re.compile(
    r"^[^\S\n]*+[!%][^\S\n]*+pip3?[^\S\n]++install[^\S\n]++(?P<what>[^\n;|&]*+)", re.MULTILINE
)
_FIT = re.compile(r"(?<![Ss]caler)\.\s*+fit\s*+\(")
# Strings, so that no "#" in one of them counts, and comments. What is not closed ends with the line
# or the cell: nothing is read twice.
_COMMENT = re.compile(
    r""""{3}(?:[^"\\]++|\\.|"(?!""))*+(?:"{3})?|'{3}(?:[^'\\]++|\\.|'(?!''))*+(?:'{3})?"""
    r"""|"(?:[^"\\\n]++|\\.)*+"?|'(?:[^'\\\n]++|\\.)*+'?|(?P<comment>\#[^\n]*+)""",
    re.DOTALL,
)


def source_hints(notebook: Notebook) -> tuple[Message, ...]:
    """Give what the code alone shows, the first of each kind."""
    code = read_code(notebook)
    if not code:
        return ()
    names = names_in(code)
    fitted = fits(code, names)
    found = [
        *([] if fitted else _commented_out(notebook.cells)),
        *_never_called(code, fitted),
        *own_loops(code),
        *([] if fitted else trained_elsewhere(notebook.cells)),
        # What a cell defines that cannot be read is unknown.
        *(_misspelt(code) if len(code) == len(notebook.cells) else ()),
        *_shuffled_apart(code, names),
        *_comparisons(code, names),
        *_evaluated_on_training(code, fitted),
        *_installed(notebook.cells),
    ]
    return tuple({message.id: message for message in reversed(found)}.values())[::-1]


def _installed(cells: Sequence[Cell]) -> Iterator[Message]:
    """Packages that the notebook asks for: there is no network while grading."""
    for cell in cells:
        if found := _PIP.search(_short_lines(cell.source)):
            words = [w for w in found["what"].split() if not w.startswith("-")]
            what = cut(" ".join(words))
            yield Message("source.pip_install", {"cell": cell.index, "what": what})


def _short_lines(source: str) -> str:
    """Leave out lines in which nothing is looked for; their places stay."""
    if len(source) <= MAX_LINE:
        return source
    return "\n".join("" if len(line) > MAX_LINE else line for line in source.split("\n"))


def _calls(code: Sequence[Code], method: str) -> list[tuple[int, ast.Call]]:
    return [
        (one.cell, node)
        for one in code
        for node in one.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
    ]


# --- training that never happens -------------------------------------------------------------


def _commented_out(cells: Sequence[Cell]) -> Iterator[Message]:
    for cell in cells:
        if any(_FIT.search(comment) for comment in _comments(cell.source)):
            yield Message("source.fit_commented_out", {"cell": cell.index})


def _comments(source: str) -> Iterator[str]:
    for match in _COMMENT.finditer(without_magics(_short_lines(source))):
        if comment := match["comment"]:
            yield comment


def _never_called(code: Sequence[Code], fitted: Sequence[Fit]) -> Iterator[Message]:
    """Find a function that trains and that nothing mentions."""
    mentioned = {
        node.id if isinstance(node, ast.Name) else node.attr
        for one in code
        for node in one.nodes
        if (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
        or isinstance(node, ast.Attribute)
    }
    training = {id(call) for _, call in fitted}
    for one in code:
        for node in one.tree.body:
            if (
                isinstance(node, ast.FunctionDef)
                and not node.decorator_list
                and node.name not in mentioned
                and any(id(inside) in training for inside in ast.walk(node))
            ):
                args: dict[str, Scalar] = {"cell": one.cell, "name": cut(node.name)}
                yield Message("source.never_called", args)


# --- names -----------------------------------------------------------------------------------


def _misspelt(code: Sequence[Code]) -> Iterator[Message]:
    """Find a name that is used, defined nowhere, and close to one that is."""
    bound = {name for one in code for node in one.nodes for name in names_bound(node)}
    if "*" in bound or len(bound) > MOST_NAMES:  # whatever a star brought in
        return
    known = bound | set(dir(builtins)) | SHELL
    unknown: dict[str, int] = {}  # name to the first cell that uses it
    for one in code:
        for node in one.nodes:
            if not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
                continue
            if node.id not in known and TELLING <= len(node.id) <= LONGEST:
                unknown.setdefault(node.id, one.cell)
    bindings = bindings_of(code)
    for name, cell in islice(unknown.items(), MOST_UNKNOWN):
        spellings = sorted(one for one in bound if may_be_meant(one, name, bindings))
        if (meant := nearest(name, spellings)) is not None:
            args: dict[str, Scalar] = {"cell": cell, "name": name, "nearest": cut(meant)}
            yield Message("source.misspelt_name", args)


# --- data ------------------------------------------------------------------------------------


def _shuffled_apart(code: Sequence[Code], names: Names) -> Iterator[Message]:
    """Find inputs and targets that are shuffled one after the other, each in its own order."""
    seen: set[str] = set()
    for one in code:
        for statement in one.tree.body:
            if _reseeds(statement):
                seen.clear()  # the same seed before both gives both the same order
            call = statement.value if isinstance(statement, ast.Expr) else None
            if (
                isinstance(call, ast.Call)
                and names.dotted(call.func) in SHUFFLES
                and len(call.args) == 1
                and isinstance(call.args[0], ast.Name)
            ):
                seen.add(call.args[0].id)
                if len(seen) == 2:  # noqa: PLR2004 - inputs and targets
                    yield Message("source.shuffled_apart", {"cell": one.cell})


def _reseeds(statement: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in ("seed", "set_random_seed")
        for node in ast.walk(statement)
    )


# --- metrics of one's own --------------------------------------------------------------------


def _comparisons(code: Sequence[Code], names: Names) -> Iterator[Message]:
    """Find distances that are compared with the wrong limit, or inside the parentheses."""
    for one in code:
        distances = _distances(one, names)
        for node in one.nodes:
            if (
                isinstance(node, ast.Call)
                and names.dotted(node.func) in ABSOLUTE
                and len(node.args) == 1
                and isinstance(node.args[0], ast.Compare)
                and isinstance(node.args[0].left, ast.BinOp)
                and isinstance(node.args[0].left.op, ast.Sub)
            ):
                yield Message("source.parenthesis", {"cell": one.cell})
            elif isinstance(node, ast.Compare) and (limit := _limit(node, names, distances)):
                yield Message("source.tolerance", {"cell": one.cell, "got": limit})


def _distances(code: Code, names: Names) -> frozenset[str]:
    """Give the variables that hold an absolute difference."""
    return frozenset(
        target.id
        for node in code.nodes
        if isinstance(node, ast.Assign) and _is_distance(node.value, names, frozenset())
        for target in node.targets
        if isinstance(target, ast.Name)
    )


def _is_distance(node: ast.AST, names: Names, known: frozenset[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in known
    return isinstance(node, ast.Call) and names.dotted(node.func) in ABSOLUTE


def _limit(node: ast.Compare, names: Names, known: frozenset[str]) -> float | None:
    right = node.comparators[0]
    if (
        len(node.ops) == 1
        and _is_distance(node.left, names, known)
        and isinstance(right, ast.Constant)
        and isinstance(right.value, float)
    ):
        return right.value
    return None


def _evaluated_on_training(code: Sequence[Code], fitted: Sequence[Fit]) -> Iterator[Message]:
    """Find a notebook whose figures are of nothing but the rows that its model was trained on.

    What ``evaluate`` is given counts; predictions where it is not called, since they are often
    of other rows, to be looked at.
    """
    tried = _calls(code, "evaluate") or _calls(code, "predict")
    if max(len(fitted), len(tried)) > MOST_CALLS:
        return
    trained = {shown for _, call in fitted if (shown := _part(call))}
    if trained and tried and all(_part(call) in trained for _, call in tried):
        cell, call = tried[0]
        yield Message("source.training_evaluated", {"cell": cell, "part": cut(_argument(call))})


def _argument(call: ast.Call) -> str:
    return as_text(call.args[0]) if call.args else ""


def _part(call: ast.Call) -> str:
    """Give ``X[:2560]`` or ``x_train`` as text; "" where it is no part of the data."""
    first = call.args[0] if call.args else None
    sliced = isinstance(first, ast.Subscript) and isinstance(first.slice, ast.Slice)
    named = isinstance(first, ast.Name) and "train" in first.id.lower()
    return _argument(call) if sliced or named else ""
