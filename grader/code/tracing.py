"""Finds TensorFlow where Keras would have to trace it: in losses, metrics, activations, layers.

Enters: a notebook's syntax trees and Names. Leaves: the nodes at fault. Touches nothing.

On another engine Keras hands its own tensors to such functions, and TensorFlow's operations refuse
them. In preparing data (``tf.data``, ``tf.one_hot``) the same operations are fine.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.code.source import Code, Names, is_below

_HANDED = re.compile(
    r"loss|losses|metrics|weighted_metrics|(recurrent_)?activation|\w+_(initializer|regularizer|constraint)"
)
_TAKES_FUNCTIONS = frozenset({"compile", "Lambda", "Activation"})
_BASES = frozenset(
    {
        "Layer",
        "Model",
        "Sequential",
        "Metric",
        "Loss",
        "Wrapper",
        "Constraint",
        "Regularizer",
        "Initializer",
    }
    | {"LSTM", "GRU", "SimpleRNN", "RNN", "LSTMCell", "GRUCell", "SimpleRNNCell", "Dense"}
)
_TYPES = re.compile(r"tensorflow\.(u?int\d+|b?float\d+|bool|string|Tensor|keras)")
_PLAIN_BACKEND = frozenset(
    {
        "epsilon",
        "floatx",
        "set_floatx",
        "clear_session",
        "image_data_format",
        "get_uid",
        "is_keras_tensor",
    }
    | {"set_image_data_format", "set_epsilon", "backend", "result_type"}
)


class Tracing:
    """Looks through one notebook."""

    def __init__(self, code: tuple[Code, ...], names: Names) -> None:
        self._names = names
        self._functions: dict[str, list[ast.AST]] = {}
        self._known: dict[str, str | None] = {}  # operations of functions that were looked into
        self._seen: set[ast.AST] = set()  # in vain: what lies within is looked through once
        for one in code:
            for node in one.nodes:
                if isinstance(node, ast.FunctionDef):
                    self._functions.setdefault(node.name, []).append(node)
                elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                    for target in node.targets:
                        if isinstance(target, ast.Name):
                            self._functions.setdefault(target.id, []).append(node.value)

    def operation(self, node: ast.AST) -> str | None:
        """Name the TensorFlow operation that Keras would have to trace at this node, if any."""
        if isinstance(node, ast.Call):
            return next(filter(None, map(self._within, self._handed_over(node))), None)
        if isinstance(node, ast.ClassDef) and self._is_traced(node):
            return self._used_in(node)
        return None

    def _handed_over(self, call: ast.Call) -> Iterator[ast.AST]:
        """Give the arguments that may be functions for Keras to call."""
        if self._names.dotted(call.func).rpartition(".")[2] in _TAKES_FUNCTIONS:
            yield from call.args
        for keyword in call.keywords:
            if keyword.arg and (_HANDED.fullmatch(keyword.arg) or keyword.arg == "function"):
                yield keyword.value

    def _is_traced(self, node: ast.ClassDef) -> bool:
        return any(self._names.dotted(base).rpartition(".")[2] in _BASES for base in node.bases)

    def _within(self, argument: ast.AST) -> str | None:
        """Look into an argument, and into the functions that it names."""
        if argument in self._seen:
            return None
        if found := self._used_in(argument):
            return found
        below = list(ast.walk(argument))
        for node in below:
            if isinstance(node, ast.Name) and (found := self._named(node.id)):
                return found
        self._seen.update(below)
        return None

    def _named(self, name: str) -> str | None:
        if name not in self._known:
            found = map(self._used_in, self._functions.get(name, ()))
            self._known[name] = next(filter(None, found), None)
        return self._known[name]

    def _used_in(self, tree: ast.AST) -> str | None:
        for node in ast.walk(tree):
            if isinstance(node, (ast.Attribute, ast.Name)):
                dotted = self._names.dotted(node)
                if self._is_operation(dotted):
                    return dotted
        return None

    @staticmethod
    def _is_operation(dotted: str) -> bool:
        if dotted.startswith("keras.backend."):
            return dotted.split(".")[2] not in _PLAIN_BACKEND
        return is_below(dotted, "tensorflow") and "." in dotted and not _TYPES.match(dotted)
