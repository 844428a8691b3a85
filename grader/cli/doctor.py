"""``grader doctor``: what this machine has for grading, and what holds a notebook in on it.

Enters: parsed options. Leaves: an exit code. Touches: stdout; looks at the course, the secret's
file, the disk and the memory; runs the rooms' self-test.

What is missing is said with what to do about it. Nothing is made: a secret that is not there yet is
still not there afterwards.
"""

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader import environment, seeds
from grader.cli.course import open_course, open_words
from grader.cli.data import DAMAGED, MISSING, state_of
from grader.cli.errors import speak
from grader.cli.printing import console
from grader.course.data import CACHE, data_sets
from grader.course.exercises import Course
from grader.gpus.gpus import Gpu, find_gpus
from grader.pipeline.job import DEFAULT_MEMORY_MB, no_trainer
from grader.text.words import Words, pick_language
from grader.types import Engine, GraderError, Level, Scalar

if TYPE_CHECKING:
    from rich.table import Table

    from grader.room.spec import LayerReport, Room

LITTLE_DISK_MB = 2000  # what thirty notebooks leave behind, with pictures and weights
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def run_doctor(lang: str | None, *, every: bool = False) -> int:
    """Print what there is; ``every``: each layer of the levels that are not in use, too."""
    from grader.room import open_room, probe

    course, words, trouble = _course(lang)
    terminal, gpus = console(), find_gpus()
    for line in (
        *([trouble] if course is None else [_about(course, words)]),
        *_python(words),
        *_engines(words),
        *_kernel(words),
        *_gpus(gpus, words),
        *_memory(words),
        *_disk(words),
        *_secret(words),
        *(_data(course, words) if course is not None else ()),
    ):
        terminal.print(line, soft_wrap=True)
    reports = probe()
    try:
        room = open_room("auto")
    except GraderError:  # told at the end; before it, of each level why
        for level in Level:
            terminal.print(_layers(level.value, reports, words))
        raise
    used = room.isolation.level
    for level in Level:
        if every or [*Level].index(level) <= [*Level].index(used):
            terminal.print(_layers(level.value, reports, words))
    terminal.print(words("cli.level", level=used.value))
    if course is not None:
        terminal.print(_trainings(course, used, words), soft_wrap=True)
    for gpu in gpus:
        for line in _cuda(room, gpu, words):
            terminal.print(line)
    return 0


def _course(lang: str | None) -> tuple[Course | None, Words, str]:
    """Open the course; where there is none, give why: the machine can be looked at all the same."""
    if lang is not None:
        pick_language(lang, None)
    try:
        course = open_course()
        return course, open_words(course, lang), ""
    except GraderError as error:
        language = pick_language(lang, None)
        speak(language)
        words = Words(language)
        return None, words, words("doctor.no_course", why=words.say(error.message))


def _trainings(course: Course, level: Level, words: Words) -> str:
    """Say who trains what notebooks ask for here, and what keeps our own room from it."""
    if not course.asks_trainer:
        return words("doctor.trained_by_notebooks")
    why = no_trainer(level)
    return words("doctor.trained_by_us") if why is None else words.say(why)


def _about(course: Course, words: Words) -> str:
    measured = sum(one.expectation is not None for one in course.exercises.values())
    args: dict[str, Scalar] = {"path": str(course.root), "exercises": len(course.exercises)}
    if course.reference is None:
        return words("doctor.course_of_students", **args)
    return words("doctor.course", **args, measured=measured)


def _python(words: Words) -> Iterator[str]:
    yield words("doctor.python", version=sys.version.split()[0], path=sys.executable)


def _engines(words: Words) -> Iterator[str]:
    there = environment.engines()
    for engine in Engine:
        state = "cli.found" if engine in there else "cli.missing"
        yield words("cli.engine", engine=engine.value, state=words(state))
    if not there:
        yield words("doctor.no_engine")


def _kernel(words: Words) -> Iterator[str]:
    """Say whether a trainer's room has a kernel for recurrent layers, else what to do about it."""
    from grader.trainer.building import obstacle
    from grader.trainer.kernels import Kernel, find

    if Engine.JAX not in environment.engines():
        yield words("kernel.no_jax")
        return
    found = find()
    if isinstance(found, Kernel):
        yield words("doctor.kernel", version=found.version)
        return
    yield words.say(found)
    if (why := obstacle()) is not None and why != found:
        yield words.say(why)


def _gpus(gpus: Sequence[Gpu], words: Words) -> Iterator[str]:
    for gpu in gpus:
        yield words("cli.gpu", index=gpu.number, name=gpu.name, memory=gpu.memory_mb)
        if gpu.is_full:
            yield words("cli.gpu_full", free=gpu.free_mb)
    if not gpus:
        yield words("cli.no_gpu")


def _memory(words: Words) -> Iterator[str]:
    cores = len(environment.cores())
    try:
        free = int(environment.free_mb())
    except OSError as error:
        yield words("doctor.no_memory", error=error.filename or str(error))
        return
    most = max(free // DEFAULT_MEMORY_MB, 0)
    yield words("doctor.memory", free=free, limit=DEFAULT_MEMORY_MB, cores=cores)
    if most < cores:
        yield words("doctor.little_memory", most=max(most, 1), limit=DEFAULT_MEMORY_MB)


def _disk(words: Words) -> Iterator[str]:
    for place in dict.fromkeys((Path.cwd(), Path(tempfile.gettempdir()))):
        try:
            free = shutil.disk_usage(place).free >> 20
        except OSError as error:
            yield words("doctor.no_disk", path=str(place), error=error.strerror or str(error))
            continue
        key = "doctor.disk" if free >= LITTLE_DISK_MB else "doctor.little_disk"
        yield words(key, path=str(place), free=free, needed=LITTLE_DISK_MB)


def _secret(words: Words) -> Iterator[str]:
    path = seeds.secret_path()
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        yield words("doctor.no_secret", path=str(path))
        return
    except OSError as error:
        yield words("doctor.bad_secret", path=str(path), error=error.strerror or str(error))
        return
    try:
        seeds.course_secret(path)
    except GraderError as error:
        yield words.say(error.message)
        return
    yield words("doctor.open_secret" if mode & OTHERS else "doctor.secret", path=str(path))


def _data(course: Course, words: Words) -> Iterator[str]:
    if course.reference is None:
        return
    states = [
        (one.name, origin.where, state_of(origin))
        for one in data_sets(course.reference)
        for origin in one.origins
    ]
    names = {name for name, _, _ in states}
    real = {name for name, where, state in states if where == CACHE and state != MISSING}
    yield words("doctor.data", count=len(names), real=len(real))
    if damaged := sorted({name for name, _, state in states if state == DAMAGED}):
        yield words("doctor.damaged_data", names=", ".join(damaged))
    whole = {name for name, _, state in states if state not in {MISSING, DAMAGED}}
    if lost := sorted(names - whole):
        yield words("doctor.no_data", names=", ".join(lost))


def _cuda(room: Room, gpu: Gpu, words: Words) -> Iterator[str]:
    """Say whether CUDA starts in a room with this GPU, and what is missing where it does not."""
    from grader.room.cuda import NO_DEVICE, NO_LIBRARY, OPERATING_SYSTEM, cuda_report

    try:
        report = cuda_report(room, gpu.nodes, gpu.libraries, gpu.uuid)
    except GraderError as error:
        yield words("cli.cuda_no_room", index=gpu.number, error=words.say(error.message))
        return
    if report.works:
        yield words("cli.cuda_works", index=gpu.number)
        yield _trainer_on(room, gpu, words)
        return
    known = {
        NO_LIBRARY: "cli.cuda_no_library",
        NO_DEVICE: "cli.cuda_no_device",
        OPERATING_SYSTEM: "cli.cuda_refused",
        0: "cli.cuda_no_device",
        None: "cli.cuda_no_answer",
    }
    key = known[report.result] if report.result in known else "cli.cuda_other"  # noqa: SIM401
    yield words(key, index=gpu.number, result=str(report.result))
    for path, why in report.missing:
        yield words("cli.cuda_missing", path=path, why=why)


def _trainer_on(room: Room, gpu: Gpu, words: Words) -> str:
    """Say whether our own room trains on this GPU, and as cores do."""
    from grader.trainer.trying import tried

    if not environment.has_cuda():
        return words("device.no_cuda", name=gpu.name)
    try:
        why = tried(gpu, room, environment.cores()[:1])
    except GraderError as error:
        why = words.say(error.message)
    key = "device.unfit_here" if why else "device.works"
    return words(key, index=gpu.number, **({"why": why} if why else {}))


def _layers(level: str, reports: Sequence[LayerReport], words: Words) -> Table:
    """Arrange a level's layers: those that hold in one line, each other with its reason."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=9, overflow="fold")
    grid.add_column(width=1, overflow="fold")
    grid.add_column(overflow="fold")
    mine = [report for report in reports if report.level == level]
    held = ", ".join(report.layer for report in mine if report.holds)
    grid.add_row(level, "✓" if held else "", held)
    for report in mine:
        if not report.holds:
            why = words.say(report.why) if report.why else words("cli.holds_not")
            grid.add_row("", "✗", f"{report.layer}: {why}")
    return grid
