"""In the notebook's room: which names of a notebook tell of a GPU that is not there.

Enters: statements that ran. Leaves: whether one that failed was about devices. Touches nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from .places import file_of, in_students_code, raised_on_purpose, students_names
from .statements import bound_by, mentioned_in, plain_statements

ASKS = frozenset(
    {
        "gpu_device_name",
        "is_gpu_available",
        "list_local_devices",
        "list_logical_devices",
        "list_physical_devices",
        "get_visible_devices",
    }
)
SETS = frozenset(
    {
        "TPUClusterResolver",
        "experimental_connect_to_cluster",
        "get_device_details",
        "get_memory_info",
        "initialize_tpu_system",
        "set_logical_device_configuration",
        "set_memory_growth",
        "set_virtual_device_configuration",
        "set_visible_devices",
    }
)
# Where TensorFlow and JAX speak of devices and of nothing else.
FILES = (
    "/tensorflow/python/framework/config.py",
    "/tensorflow/python/eager/context.py",
    "/cluster_resolver/",
    "/tensorflow/python/tpu/",
    "/jax/_src/xla_bridge.py",
)
NOTHING = (type(None), bool, int, str, list, tuple)  # what "there is none" is told by


class Devices:
    """Names that stand for an answer about devices; from other names only where it says "none"."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace
        self.names: set[str] = set()

    def learn(self, node: ast.stmt) -> None:
        """Take note of a statement that ran."""
        for one in plain_statements(node):
            if mentioned_in(one) & ASKS:
                self.names |= bound_by(one)
        if mentioned_in(node) & (ASKS | self.names):
            self.names |= {name for name in bound_by(node) if self._is_nothing(name)}

    def _is_nothing(self, name: str) -> bool:
        value = self.namespace.get(name, self)
        return type(value) in NOTHING and not value

    def is_about(self, error: Exception, node: ast.stmt) -> bool:
        """Whether a statement failed since a device is missing."""
        if any(part in file_of(error) for part in FILES):
            return bool(students_names(error) & (ASKS | SETS | {"devices", "local_devices"}))
        here = students_names(error) & (ASKS | SETS | self.names)
        if raised_on_purpose(error):
            return bool(here or mentioned_in(node) & (ASKS | self.names))
        return bool(here) and isinstance(error, IndexError) and in_students_code(error)
