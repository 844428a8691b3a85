"""What is run: a notebook, the engine and seed, the limits of its room.

Enters: nothing. Leaves: a frozen dataclass. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.submission import Notebook
from grader.types import Engine


@dataclass(frozen=True)
class Run:
    """One attempt at one notebook; ``timeout`` in seconds and ``memory_mb`` bound its room."""

    notebook: Notebook
    engine: Engine
    seed: int
    attempt: int
    timeout: float
    memory_mb: int
    cores: tuple[int, ...] = ()
    gpu: str | None = None  # as CUDA_VISIBLE_DEVICES calls it
    devices: tuple[str, ...] = ()
    libraries: tuple[tuple[str, str], ...] = ()  # of the device's driver: on the host, inside
    device: str = "cpu"
    files: Mapping[str, bytes] = field(default_factory=dict)  # next to the notebook, by name
    own_files: Mapping[str, bytes] = field(default_factory=dict)  # the student's, the same
    fixes_seeds: bool = False
    old_api: bool = True  # calls of 2018 to 2020 run as they did
    epochs: int | None = None  # that are asked for, where a notebook asks how many
    one_step: bool = False  # of every fit, for a look that cannot wait
