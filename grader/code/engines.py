"""Decides which engine may run a notebook, by reading its code.

Enters: a Notebook. Leaves: an EngineChoice; whether the notebook fixes its own seeds.
Touches nothing.

Keras notebooks run unmodified on JAX, several times faster for small recurrent networks. What does
not run there fails loudly, and the pipeline runs it again on TensorFlow; this gate saves the time
of failing first, and catches what a ``try`` of the student's would hide. What would *silently*
differ, 64-bit numbers, it must catch. tests/code/probes/engine_probes.py holds the measured
cases.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from grader.code.source import Code, Names, as_text, is_below, names_in, read_code
from grader.code.tracing import Tracing
from grader.submission import Notebook
from grader.text.printable import printable
from grader.types import Engine, GraderError, Message

AUTO = "auto"
_ONLY_TENSORFLOW = (
    "tensorflow.GradientTape",
    "tensorflow.function",
    "tensorflow.Variable",
    "tensorflow.Module",
    "tensorflow.is_tensor",
    "tensorflow.saved_model",
    "tensorflow.train",
    "tensorflow.lite",
    "tensorflow.compat.v1",
    "tensorflow.python",
    "tensorflow_addons",
    "tensorflow_hub",
    "tensorflow_probability",
    "tensorflow_text",
)
_ONLY_TENSORFLOW_LAYERS = frozenset({"TextVectorization", "StringLookup", "IntegerLookup"})
_OWN_STEPS = frozenset({"train_step", "test_step", "predict_step"})
_SEEDS = frozenset(
    {"random.seed", "numpy.random.seed", "np.random.seed", "keras.utils.set_random_seed"}
    | {
        "tensorflow.random.set_seed",
        "tensorflow.set_random_seed",
        "tensorflow.compat.v1.set_random_seed",
    }
    | {"tensorflow.random.set_random_seed", "tensorflow.compat.v1.random.set_random_seed"}
)
_FITS = frozenset({"fit", "fit_generator", "train_on_batch"})
_DOUBLE = frozenset({"float64", "int64", "double"})


@dataclass(frozen=True)
class EngineChoice:
    """``reason``: why not the fast one, or what may go wrong on the one that was asked for."""

    engine: Engine
    reason: Message | None
    may_rerun: bool  # an exception on JAX is to be seen on TensorFlow before it costs a point


def choose(reason: Message | None, asked: str, available: Collection[Engine]) -> EngineChoice:
    """Choose for one notebook.

    Args:
        reason: why it needs TensorFlow; None where it does not (``needs_tensorflow``).
        asked: auto, tensorflow or jax.
        available: the installed engines.

    Raises:
        GraderError: the engine asked for, or any at all, is not installed.
    """
    if asked != AUTO:
        engine = _asked_for(asked, available)
        return EngineChoice(engine, reason if engine is Engine.JAX else None, may_rerun=False)
    if not available:
        raise GraderError(Message("engines.none"))
    if Engine.TENSORFLOW not in available:
        return EngineChoice(Engine.JAX, reason, may_rerun=False)
    if Engine.JAX not in available:
        return EngineChoice(Engine.TENSORFLOW, Message("engines.no_jax"), may_rerun=False)
    if reason is not None:
        return EngineChoice(Engine.TENSORFLOW, reason, may_rerun=False)
    return EngineChoice(Engine.JAX, None, may_rerun=True)


def _asked_for(asked: str, available: Collection[Engine]) -> Engine:
    if asked not in set(Engine):
        raise GraderError(Message("engines.unknown", {"engine": printable(asked, limit=40)}))
    engine = Engine(asked)
    if engine not in available:
        raise GraderError(Message("engines.missing", {"engine": asked}))
    return engine


# --- what only TensorFlow can do ---------------------------------------------------------------


@lru_cache(maxsize=1024)
def needs_tensorflow(notebook: Notebook) -> Message | None:
    """Say why a notebook runs on TensorFlow only; None where nothing speaks against JAX."""
    code = read_code(notebook)
    if code is None:
        return Message("engines.too_long")
    names = names_in(code)
    rules = (
        _Only(names).reason,
        _Numpy(code, names).reason,
        _traced(Tracing(code, names)),
        _double(names),
        _own_step,
        _own_backend(names),
    )
    return next(_reasons(code, rules), None)


Rule = Callable[[ast.AST], tuple[str, str] | None]  # the message's id, and what it is about


def _reasons(code: tuple[Code, ...], rules: tuple[Rule, ...]) -> Iterator[Message]:
    for one in code:
        for node in one.nodes:
            for rule in rules:
                if found := rule(node):
                    what = printable(found[1], limit=80)
                    yield Message(found[0], {"cell": one.cell, "what": what})


class _Only:
    """Names that exist for TensorFlow alone."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._seen: set[ast.AST] = set()  # in vain: a call within a call is looked through once

    def reason(self, node: ast.AST) -> tuple[str, str] | None:
        if isinstance(node, (ast.Attribute, ast.Name)):
            dotted = self._names.dotted(node)
            last = dotted.rpartition(".")[2]
            only = is_below(dotted, *_ONLY_TENSORFLOW) or last in _ONLY_TENSORFLOW_LAYERS
            return ("engines.only_tensorflow", dotted) if only else None
        if (
            isinstance(node, ast.Call)
            and node not in self._seen
            and self._names.dotted(node.func) == "isinstance"
        ):
            below = list(ast.walk(node))
            if any(self._names.dotted(one) == "tensorflow.Tensor" for one in below):
                return "engines.only_tensorflow", "isinstance(…, tf.Tensor)"
            self._seen.update(below)
        return None


class _Numpy:
    """``.numpy()`` on what a model, a layer, a loss or a metric returned: JAX arrays have none."""

    def __init__(self, code: tuple[Code, ...], names: Names) -> None:
        self._names = names
        self._returned = {
            name.id
            for one in code
            for node in one.nodes
            if isinstance(node, ast.Assign) and self._is_returned(node.value)
            for target in node.targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name)
        }

    def reason(self, node: ast.AST) -> tuple[str, str] | None:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            return None
        if node.func.attr != "numpy" or not self._is_result(node.func.value):
            return None
        return "engines.numpy_on_result", as_text(node.func.value)[:60]

    def _is_result(self, value: ast.AST) -> bool:
        waiting = [value]
        while waiting:
            one = _whole(waiting.pop())
            if isinstance(one, ast.BinOp):
                waiting += (one.left, one.right)
            elif self._is_returned(one) or getattr(one, "id", None) in self._returned:
                return True
        return False

    def _is_returned(self, value: ast.AST) -> bool:
        value = _whole(value)
        return isinstance(value, ast.Call) and not is_below(
            self._names.dotted(value.func), "tensorflow"
        )


def _whole(value: ast.AST) -> ast.AST:
    while isinstance(value, ast.Subscript):
        value = value.value
    return value


def _traced(tracing: Tracing) -> Rule:
    def reason(node: ast.AST) -> tuple[str, str] | None:
        operation = tracing.operation(node)
        return ("engines.traced", operation) if operation else None

    return reason


def _double(names: Names) -> Rule:
    """64-bit numbers in Keras: JAX would make them 32-bit without a word."""

    def is_double(node: ast.AST) -> bool:
        value = (
            node.value if isinstance(node, ast.Constant) else names.dotted(node).rpartition(".")[2]
        )
        return isinstance(value, str) and value in _DOUBLE

    def reason(node: ast.AST) -> tuple[str, str] | None:
        if not isinstance(node, ast.Call):
            return None
        dotted = names.dotted(node.func)
        last = dotted.rpartition(".")[2]
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        if last in {"set_floatx", "set_dtype_policy"} or is_below(dotted, "keras.ops"):
            return ("engines.double", last) if any(map(is_double, values)) else None
        dtypes = (keyword.value for keyword in node.keywords if keyword.arg == "dtype")
        is_layer = last[:1].isupper() and not is_below(
            dotted, "tensorflow", "numpy", "np", "pandas", "pd"
        )
        return ("engines.double", last) if is_layer and any(map(is_double, dtypes)) else None

    return reason


def _own_step(node: ast.AST) -> tuple[str, str] | None:
    if isinstance(node, ast.FunctionDef) and node.name in _OWN_STEPS:
        return "engines.own_step", node.name
    return None


def _own_backend(names: Names) -> Rule:
    def reason(node: ast.AST) -> tuple[str, str] | None:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            place, value = node.targets[0], node.value
            if names.dotted(place.value) in {"os.environ", "environ"}:
                key = isinstance(place.slice, ast.Constant) and place.slice.value
                if (
                    key == "KERAS_BACKEND"
                    and isinstance(value, ast.Constant)
                    and value.value == "tensorflow"
                ):
                    return "engines.asked_by_notebook", "KERAS_BACKEND"
        return None

    return reason


# --- seeds ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def fixes_seeds(notebook: Notebook) -> bool:
    """Whether a run again would only repeat itself: a seed is set before the last training.

    In doubt yes: then the model is trained anew from scratch, which is fair to either kind.
    """
    code = read_code(notebook)
    if code is None:
        return True
    names = names_in(code)
    calls = [node for one in code for node in _in_order(one)]
    last_fit = max((n for n, call in enumerate(calls) if _fits(call)), default=-1)
    return any(_sets_seed(call, names) for call in calls[: last_fit + 1])


def _in_order(code: Code) -> list[ast.Call]:
    calls = [node for node in code.nodes if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _fits(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in _FITS


def _sets_seed(call: ast.Call, names: Names) -> bool:
    if names.dotted(call.func) not in _SEEDS:
        return False
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    changes = any(isinstance(node, ast.Call) for value in values for node in ast.walk(value))
    none = any(isinstance(value, ast.Constant) and value.value is None for value in values)
    return bool(values) and not changes and not none
