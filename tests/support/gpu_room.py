"""A trainer's room with a played GPU: it tries the device, trains a batch at once, and may fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.room import RoomSpec
from tests.support.trainer_room import Answer, Process, good

CHECK, TOGETHER = "accelerator_check.py", "grouped.py"


class GpuRoom:
    """Beside a room of another kind, which trains one by one: rooms with a GPU.

    Args:
        alone: starts what needs no GPU.
        answer: writes what comes of one order.
        said: of the device when it is tried, by its name for CUDA; "" is sound.
        ends: with which code the nth batch ends, after how many orders, and its last words.
    """

    def __init__(
        self,
        alone: Any,
        answer: Answer = good,
        said: Callable[[str], str | None] = lambda _: "",
        ends: dict[int, tuple[int | None, int, str]] | None = None,
    ) -> None:
        self.alone, self.answer, self.said, self.ends = alone, answer, said, ends or {}
        self.tried: list[RoomSpec] = []
        self.batches: list[RoomSpec] = []
        self.sizes: list[int] = []
        self.isolation, self.complaints = alone.isolation, ()
        self._lock = threading.Lock()

    def inside(self, host: Path, inside: str) -> str:
        return str(host)

    def start(self, spec: RoomSpec, **streams: Any) -> Process:
        script = Path(spec.argv[2]).name
        if script == CHECK:
            return self._tried(spec)
        if script == TOGETHER:
            return self._together(spec, streams["stderr"])
        started: Process = self.alone.start(spec, **streams)
        return started

    def _tried(self, spec: RoomSpec) -> Process:
        self.tried.append(spec)
        said = self.said(spec.env["CUDA_VISIBLE_DEVICES"])
        if said is None:
            return Process(1)
        (Path(spec.argv[4]) / "accelerator").write_text(json.dumps(said))
        return Process(0)

    def _together(self, spec: RoomSpec, log: int) -> Process:
        given, out = map(Path, spec.argv[3:5])
        paths = sorted(given.glob("*.json"))
        with self._lock:
            number = len(self.batches)
            self.batches.append(spec)
            self.sizes.append(len(paths))
        code, after, words = self.ends.get(number, (0, len(paths), ""))
        for path in paths[:after]:
            with np.load(path.with_suffix(".npz")) as archive:
                self.answer(out / path.name, json.loads(path.read_text()), dict(archive))
        with open(log, "wb", closefd=False) as file:
            file.write(words.encode())
        return Process(code)
