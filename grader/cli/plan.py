"""``grader plan``: how long a class takes on given machines, from what notebooks took before.

Enters: parsed options. Leaves: a table or JSON on stdout, exit code 0. Touches: reads OUT; stdout.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader import environment
from grader.cli.course import open_course, open_words
from grader.cli.printing import console, titles
from grader.course.called import exercises_asked
from grader.course.exercises import Course
from grader.pipeline.durations import Durations, devices, of_course, recorded
from grader.pipeline.planning import Plan, plan
from grader.pipeline.simulation import HOUR, Machines, Simulated
from grader.record.store import Store
from grader.text.numbers import number
from grader.text.words import Words
from grader.types import GraderError, Json, Message

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = "grader/plan/v1"
CPU = "cpu"
MINUTES = 90  # up to here a time is told in minutes


@dataclass(frozen=True)
class PlanOptions:
    """What ``grader plan`` was asked. ``cores`` and ``gpus`` are those of one machine."""

    students: int
    exercises: tuple[str, ...] | None
    machines: int
    cores: int | None
    gpus: int
    fails_after: float | None
    down: float
    out: Path
    profile: str | None
    lang: str | None
    format: str


def run_plan(options: PlanOptions) -> int:
    """Print the plan; gives the exit code.

    Raises:
        GraderError: no such form of it, no such exercise, or nothing was recorded on a GPU.
    """
    if options.format not in {"table", "json"}:
        raise GraderError(Message("cli.plan_format", {"format": options.format}))
    course = open_course(options.profile)
    words = open_words(course, options.lang)
    wanted = exercises_asked(course, options.exercises or course.owed) or tuple(course.exercises)
    known = _known(options)
    machines = Machines(options.machines, _places(options), options.fails_after, options.down)
    found = plan(of_course(course, wanted, known), options.students, machines)
    if options.format == "json":
        print(json.dumps(_json(found, options, machines), indent=2))  # noqa: T201
        return 0
    console().print(_table(found, course, words))
    for line in _told(found, options, machines, words):
        console().print(line)
    return 0


def _places(options: PlanOptions) -> int:
    """Jobs at once on one machine, as the slots of ``grader grade`` are made."""
    return options.gpus or options.cores or len(environment.cores())


def _known(options: PlanOptions) -> Mapping[str, Durations]:
    """Give what was recorded on what is planned for.

    Raises:
        GraderError: the plan is for GPUs, and none was graded on: a core's seconds say nothing.
    """
    there = (options.out / "results").is_dir()
    store = Store(options.out)
    if not options.gpus:
        return recorded(store, CPU) if there else {}
    gpus = [one for one in devices(store) if one != CPU] if there else []
    if len(gpus) != 1:
        args = {"path": str(options.out), "found": ", ".join(gpus) or "–"}
        raise GraderError(Message("cli.plan_no_gpu", args))
    return recorded(store, gpus[0])


def _table(found: Plan, course: Course, words: Words) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(words("report.exercise"), no_wrap=True, overflow="ellipsis")
    for key in ("cli.plan_usual", "cli.plan_longest", "cli.plan_recorded", "cli.plan_hours"):
        table.add_column(words(key), justify="right", overflow="fold")
    names = titles(course, words)
    for one in found.exercises:
        took = one.durations
        count = number(len(took.seconds)) if took.recorded else words("cli.plan_of_reference")
        seconds = (f"{took.usual:,.0f} s", f"{max(took.seconds):,.0f} s")
        table.add_row(names[took.exercise], *seconds, count, f"{one.hours:,.1f}")
    return table


def _told(found: Plan, options: PlanOptions, machines: Machines, words: Words) -> Iterator[str]:
    yield ""
    yield words("cli.plan_work", students=options.students, notebooks=found.notebooks)
    key = "cli.plan_gpu_hours" if options.gpus else "cli.plan_core_hours"
    yield words(key, hours=f"{found.hours:,.1f}")
    yield words("cli.plan_machines", machines=machines.count, places=machines.places)
    for key, one in (("cli.plan_queue", found.one_queue), ("cli.plan_shards", found.own_parts)):
        yield words(
            key,
            about=_about(one.seconds, words),
            bound=_about(one.bound, words),
            beyond=f"{100 * one.beyond:.1f}",
            failures=one.failures,
            lost=f"{one.lost / HOUR:,.1f}",
        )


def _about(seconds: float, words: Words) -> str:
    minutes = seconds / 60
    if minutes < MINUTES:
        return words("cli.plan_minutes", minutes=f"{minutes:.1f}")
    return words("cli.plan_in_hours", hours=f"{minutes / 60:,.1f}")


def _json(found: Plan, options: PlanOptions, machines: Machines) -> dict[str, Json]:
    exercises: list[Json] = [
        {
            "exercise": one.durations.exercise,
            "seconds": round(one.durations.usual, 1),
            "recorded": len(one.durations.seconds) if one.durations.recorded else 0,
            "hours": round(one.hours, 2),
        }
        for one in found.exercises
    ]
    return {
        "schema": SCHEMA,
        "students": options.students,
        "notebooks": found.notebooks,
        "machines": asdict(machines),
        "core_hours": round(found.hours, 2),
        "gpu_hours": round(found.hours, 2) if options.gpus else 0.0,
        "exercises": exercises,
        "one_queue": _simulated(found.one_queue),
        "shards": _simulated(found.own_parts),
    }


def _simulated(one: Simulated) -> dict[str, Json]:
    return {
        "seconds": round(one.seconds, 1),
        "bound": round(one.bound, 1),
        "beyond": round(one.beyond, 4),
        "failures": one.failures,
        "lost_seconds": round(one.lost, 1),
    }
