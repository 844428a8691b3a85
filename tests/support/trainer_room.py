"""A trainer's room in which a function of the test answers instead of Keras."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.room import RoomSpec
from grader.types import Isolation, Level

TOLD = {
    "history": {"loss": [2.0, 1.0], "metric_0": [0.5, None]},
    "epochs": 2,
    "updates": 6,
    "callbacks": [],
    "building": 0.5,
    "training": 1.5,
}
ARRAYS = {
    "w_0000": np.ones((2, 2), np.float32),
    "w_0001": np.zeros(2, np.float32),
    "o_0000": np.array(6, np.int64),
}
Answer = Callable[[Path, dict[str, Any], dict[str, np.ndarray]], None]


class Process:
    """A room process that ended, or that goes on until it is killed."""

    pid = 1
    stdin = stdout = stderr = None

    def __init__(self, code: int | None, memory: float = 0.0) -> None:
        self.code, self.memory = code, memory

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int | None:
        return self.code

    def kill(self) -> None:
        self.code = -9

    def memory_mb(self) -> float:
        return self.memory


class FakeRoom:
    """A room in which a function of the test answers each order that it is given."""

    isolation = Isolation(Level.NONE)
    complaints = ()

    def __init__(
        self,
        *answers: Answer,
        code: int | None = 0,
        memory: float = 0.0,
        of_kernel: str | None = "",  # what it says of a kernel: "" is right, None nothing
    ) -> None:
        self.answers, self.code, self.memory = list(answers), code, memory
        self.of_kernel = of_kernel
        self.specs: list[RoomSpec] = []
        self.asked: list[list[str]] = []

    def inside(self, host: Path, inside: str) -> str:
        return str(host)

    def start(self, spec: RoomSpec, **_: Any) -> Process:
        self.specs.append(spec)
        given, out, *kernel = map(Path, spec.argv[3:])
        if kernel and self.of_kernel is not None:
            (out / "kernel").write_text(json.dumps(self.of_kernel))
        if kernel and self.of_kernel != "":
            self.asked.append([])
            return Process(self.code, self.memory)
        answer = self.answers.pop(0)
        self.asked.append([path.stem for path in sorted(given.glob("*.json"))])
        for path in sorted(given.glob("*.json")):
            with np.load(path.with_suffix(".npz")) as archive:
                answer(out / path.name, json.loads(path.read_text()), dict(archive))
        return Process(self.code, self.memory)


class Serving(Process):
    """A room process that answers what is asked of it, and what is asked later."""

    def __init__(self, room: ServingRoom, spec: RoomSpec) -> None:
        super().__init__(None)
        self.room, self.spec = room, spec
        self.done: list[str] = []

    def poll(self) -> int | None:
        given, out, *kernel = map(Path, self.spec.argv[3:])
        if kernel and not self.done and self.code is None:
            (out / "kernel").write_text(json.dumps(self.room.of_kernel))
            self.code = 0 if self.room.of_kernel else None  # it trains nothing where that is wrong
        for path in sorted(given.glob("*.json")) if self.code is None else ():
            if path.stem not in self.done:
                self.done.append(path.stem)
                self.code = self.room.ends.get((self.room.processes.index(self), len(self.done)))
                if self.code is None:
                    with np.load(path.with_suffix(".npz")) as archive:
                        asked = json.loads(path.read_text())
                        self.room.answer(out / path.name, asked, dict(archive))
        return self.code


class ServingRoom(FakeRoom):
    """A room that lasts. ``ends``: with which code the nth process ends over its nth order."""

    def __init__(self, ends: dict[tuple[int, int], int] | None = None, of_kernel: str = "") -> None:
        super().__init__(of_kernel=of_kernel)
        self.ends = ends or {}
        self.processes: list[Serving] = []

    def start(self, spec: RoomSpec, **_: Any) -> Process:
        if spec.argv[-1] == "":  # a program that does nothing
            return Process(0)
        self.processes.append(Serving(self, spec))
        return self.processes[-1]

    def answer(self, path: Path, asked: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write what comes of an order."""
        good(path, asked, arrays)

    @property
    def orders(self) -> list[list[str]]:
        """Which orders each process was given."""
        return [process.done for process in self.processes]


def write(path: Path, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    np.savez(path.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]
    path.write_text(json.dumps(told))


def good(path: Path, asked: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    epochs = asked["fit"]["epochs"]
    history = {"loss": [1.0] * epochs}
    write(path, {**TOLD, "epochs": epochs, "history": history}, ARRAYS)
