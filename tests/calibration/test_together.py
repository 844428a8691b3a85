"""Calibration on a played GPU: the trainings of all references in one program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from grader.calibration import measure as measuring
from grader.calibration import together
from grader.calibration.calibrate import calibrate
from grader.cli import calibrate as command
from grader.course.exercises import Course
from grader.course.expectations import REFERENCE, TRAINER
from grader.course.load import load_course
from grader.gpus.gpus import Gpu
from grader.kernel.orders.asking import packed
from grader.pipeline.runner import Slot
from grader.text.words import Words
from grader.trainer.devices import Devices
from grader.types import Engine, GraderError, Message, Proof, TimeSpent
from tests.calibration.test_calibrate import GRU, one_exercise, stored
from tests.support import builders as b
from tests.support.gpu_room import GpuRoom
from tests.support.orders import claim
from tests.support.played_gpus import gpu
from tests.support.trainer_room import ServingRoom

COUNT = 200
SLOTS = (Slot((0,)), Slot((1,)))
T4 = "NVIDIA T4"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return one_exercise(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notebooks that draw their data and ask for a training; gives the seed of each that ran."""
    ran: list[int] = []

    def execute(run: Any, room: Any, trainer: Any = None) -> Any:
        ran.append(run.seed)
        draw = np.random.default_rng(run.seed)
        x = draw.normal(size=(24, 5, 2)).astype(np.float32)
        with TemporaryDirectory() as folder:
            order, arrays = Path(folder) / "0001.order", Path(folder) / "0001.npz"
            order.write_text(json.dumps(claim()))
            arrays.write_bytes(packed({"x": x, "y": x[:, 0, :1]}))
            begun = trainer()
            begun.train(order, arrays, 3, lambda: None)
        spent = TimeSpent(training=30.0)
        return replace(b.execution(), spent=spent, seconds=5.0, trainings=begun.trainings)

    def extract(execution: Any, *_: Any) -> Any:
        (training,) = execution.trainings
        proof = Proof(training.key, device=training.device)
        mse = 1e-4 * (1 + len(ran) % 7 / 20)
        return (replace(b.evidence(GRU), metrics={"mse": mse}, proof=proof),)

    monkeypatch.setattr("grader.record.files.os.fsync", lambda _: None)
    monkeypatch.setattr("grader.environment.free_mb", lambda: 1e6)
    monkeypatch.setattr(measuring, "room_files", lambda *_: {})
    monkeypatch.setattr(measuring, "execute", execute)
    monkeypatch.setattr(together, "execute", execute)
    monkeypatch.setattr(measuring, "extract", extract)
    monkeypatch.setattr(measuring, "measure_constants", lambda *_: [])
    monkeypatch.setattr("grader.calibration.calibrate.TRAINED_CONTROLS", ())
    return ran


def on_gpu(
    course: Course, room: GpuRoom, told: list[Message], count: int = COUNT
) -> tuple[list[str], list[dict[str, Any]]]:
    """Calibrate; gives the lines, and the runs that are kept of references."""
    lines: list[str] = []
    there = (gpu(0),)
    calibrate(
        course,
        course.exercise(GRU),
        Engine.JAX,
        count,
        room,  # type: ignore[arg-type]
        SLOTS,
        lines.append,
        by_trainer=True,
        devices=Devices(there, told.append, lambda: there),
        say=Words("en").say,
    )
    return lines, [run for run in stored(course)["runs"] if run["control"] == REFERENCE]


def test_two_hundred_seeds_are_one_program(course: Course, asked: list[int]) -> None:
    room, told = GpuRoom(ServingRoom()), list[Message]()
    lines, runs = on_gpu(course, room, told)
    assert (room.sizes, told) == ([COUNT], [])
    assert room.alone.processes == [], "no core trained any"
    assert len(asked) == 2 * COUNT, "each once to ask, and once to be answered"
    assert len(runs) == len(lines) == len({run["seed"] for run in runs}) == COUNT
    assert {(run["engine"], run["device"]) for run in runs} == {(TRAINER, T4)}


def test_its_runs_are_the_devices_own_and_cores_are_measured_beside_them(
    course: Course, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "execute", lambda *_, **__: pytest.fail("nobody collects"))
    calibrate(
        course,
        course.exercise(GRU),
        Engine.JAX,
        3,
        ServingRoom(),  # type: ignore[arg-type]
        SLOTS,
        lambda _: None,
        by_trainer=True,
        devices=Devices(),
    )
    assert [run["device"] for run in stored(course)["runs"]] == ["cpu"] * 3


def test_what_a_device_did_not_train_is_no_run_of_its_and_is_done_again_later(
    course: Course, asked: list[int]
) -> None:
    room, told = GpuRoom(ServingRoom(), ends={0: (139, 4, "")}), list[Message]()
    lines, runs = on_gpu(course, room, told, count=6)
    assert [one.id for one in told] == ["device.failed"]
    assert len(lines) == 6
    assert len(runs) == 4
    assert {run["device"] for run in runs} == {T4}


@pytest.mark.parametrize("known", [0, 5])
def test_the_last_run_that_is_missing_is_trained_there_as_well(
    course: Course, asked: list[int], known: int
) -> None:
    """It is like no other; so its device gets it twice, with another seed."""
    room, told = GpuRoom(ServingRoom()), list[Message]()
    if known:
        on_gpu(course, GpuRoom(ServingRoom()), told, count=known)
        course = load_course(course.root)
    lines, runs = on_gpu(course, room, told, count=known + 1)
    assert (room.sizes, told) == ([2], [])
    assert room.alone.processes == []
    assert (len(lines), len(runs)) == (1, known + 1)
    assert {run["device"] for run in runs} == {T4}


def test_what_no_device_trains_no_core_trains_for_nothing(course: Course, asked: list[int]) -> None:
    room, told = GpuRoom(ServingRoom(), said=lambda _: "off"), list[Message]()
    lines, runs = on_gpu(course, room, told, count=6)
    assert [one.id for one in told] == ["device.unfit"]
    assert (room.batches, room.alone.processes, runs) == ([], [], [])
    assert (len(lines), asked) == (6, []), "no notebook runs for it"
    assert all("no NVIDIA T4 trained it" in line for line in lines)


def test_a_device_that_one_exercise_gave_up_is_none_to_the_next(
    course: Course, asked: list[int]
) -> None:
    """Nor do cores train in its place: they were not asked for."""
    room, told, there = GpuRoom(ServingRoom(), said=lambda _: "off"), list[Message](), (gpu(0),)
    devices, lines = Devices(there, told.append, lambda: there), list[str]()
    for _ in range(2):
        calibrate(
            course,
            course.exercise(GRU),
            Engine.JAX,
            6,
            room,  # type: ignore[arg-type]
            SLOTS,
            lines.append,
            by_trainer=True,
            devices=devices,
            say=Words("en").say,
        )
    assert (len(room.tried), asked, room.alone.processes) == (1, [], [])
    assert [one.id for one in told] == ["device.unfit"]
    assert len(lines) == 12
    assert all("no NVIDIA T4 trained it" in line for line in lines)


@pytest.mark.parametrize("where", ["grader.trainer.many.train_many", "notebook"])
def test_a_full_disk_costs_its_runs_and_not_the_calibration(
    course: Course, asked: list[int], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    usual, begun = together.execute, list[int]()  # type: ignore[attr-defined]

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    def full_once(*given: Any, **how: Any) -> Any:
        begun.append(1)
        return full() if len(begun) == 1 else usual(*given, **how)

    if where == "notebook":
        monkeypatch.setattr(together, "execute", full_once)
    else:
        monkeypatch.setattr(where, full)
    lines, runs = on_gpu(course, GpuRoom(ServingRoom()), [], count=6)
    assert any("No space left on device" in line for line in lines)
    assert len(runs) == (5 if where == "notebook" else 0)
    assert len(asked) == (2 * 5 if where == "notebook" else 6), "none runs to be thrown away"
    assert len({line for line in lines if "/6]" in line}) == 6


def test_the_command_takes_gpus_for_our_own_room_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[Gpu] = [gpu(0)]
    monkeypatch.setattr("grader.cli.devices.find_gpus", lambda: tuple(found))
    monkeypatch.setattr("grader.cli.calibrate.require", lambda *_: None)
    monkeypatch.setattr("grader.environment.has_cuda", lambda: True)
    given: list[Devices] = []
    monkeypatch.setattr(command, "calibrate", lambda *_, devices, **__: given.append(devices) or ())
    for engine, gpus, count in ((TRAINER, "auto", 1), (TRAINER, "none", 0), ("jax", "none", 0)):
        command.run_calibrate([GRU], 1, engine, 1, None, None, gpus=gpus)
        assert len(given[-1]) == count
    for option in ("0", "auto"):
        with pytest.raises(GraderError) as error:
            command.run_calibrate([GRU], 1, "jax", 1, None, None, gpus=option)
        assert error.value.message.id == "calibrate.gpus_unused", "its own options are named"
