"""A kernel that keeps what it is given to send."""

from __future__ import annotations

from typing import Any


class Kernel:
    """Where messages of one kind would go."""

    iopub_socket = None
    raw_input: Any = None

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.session = self
        self.told: list[dict[str, Any]] = []

    def get_parent(self) -> dict[str, Any]:
        return {}

    def send(self, _socket: None, kind: str, content: dict[str, Any], **_: Any) -> None:
        assert kind == self.kind
        self.told.append(content)
