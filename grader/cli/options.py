"""Options that several commands share.

Enters: what was typed. Leaves: choices, ids. Touches nothing.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer


class EngineOption(StrEnum):
    """Keras backend."""

    AUTO = "auto"
    TENSORFLOW = "tensorflow"
    JAX = "jax"


class WayOption(StrEnum):
    """What is calibrated: Keras backend, or the grader's own room that trains for notebooks."""

    AUTO = "auto"
    TENSORFLOW = "tensorflow"
    JAX = "jax"
    TRAINER = "trainer"


class IsolationOption(StrEnum):
    """Lowest acceptable level."""

    AUTO = "auto"
    FULL = "full"
    REDUCED = "reduced"
    NONE = "none"


class FormatOption(StrEnum):
    """What to print."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"


Exercise = Annotated[str, typer.Option(help="Exercises, comma-separated ids or titles, or auto.")]
Lang = Annotated[Optional[str], typer.Option("--lang", help="ko or en.")]  # noqa: UP045 - typer
Out = Annotated[Path, typer.Option("--out", help="Folder for results, evidence and feedback.")]
Profile = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--profile", help="Sizes: laptop (usual) or full, for GPUs."),
]
Jobs = Annotated[
    Optional[int], typer.Option(min=1, help="Notebooks at once; default: one per core.")  # noqa: UP045
]
Timeout = Annotated[
    Optional[float], typer.Option(min=1, help="Seconds for one run of a notebook.")  # noqa: UP045
]
Roster = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="CSV of the class: who is missing is named. It is remembered."),
]
Format = Annotated[FormatOption, typer.Option("--format", help="What to print on stdout.")]
Engine = Annotated[
    EngineOption, typer.Option(help="Notebooks' Keras backend; on jax they train by themselves.")
]
Trainer = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option(
        "--trainer/--no-trainer",
        help="Who trains: the grader's own room, or each notebook; default: as course.toml says.",
    ),
]
IsolationLevel = Annotated[IsolationOption, typer.Option(help="Isolation level to insist on.")]
Gpus = Annotated[
    str,
    typer.Option(
        help="For trainings of our own, and with --gpu-rooms: auto, none, or numbers such as 0,1."
    ),
]
GpuRooms = Annotated[
    bool, typer.Option("--gpu-rooms", help="Give each notebook a GPU, its driver and all.")
]


def read_ids(text: str) -> tuple[str, ...] | None:
    """Read exercises as they are typed, "a,b", or auto; a title may hold a comma as well."""
    typed = text.strip(" ,")
    return None if typed in {"", "auto"} else (typed,)
