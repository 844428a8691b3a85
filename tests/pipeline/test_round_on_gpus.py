"""A class's round on played GPUs: none, one, four, one full, one failing, one taken away.

Everybody's records are those of a class that waits for its cores, but for where a training was done
and the threshold that belongs there; what a device does not do is trained on cores, once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.cli.devices import trainers_gpus
from grader.course.exercises import Course
from grader.course.expectations import Threshold
from grader.course.load import load_course
from grader.gpus import gpus
from grader.gpus.gpus import choose_gpus, find_gpus
from grader.pipeline.rounds import TrainsOrders, Wanted
from grader.pipeline.runner import Call, Slot, Stop
from grader.pipeline.runners.local import LocalRunner
from grader.score.grade import grade_of
from grader.trainer.asking import train_once, trained_there
from grader.trainer.devices import Devices
from grader.trainer.keys import CPU, key_of
from grader.trainer.results import Results
from grader.trainer.waiting import never
from grader.types import Engine, Grade, Message, Proof, Record, Verdict
from tests.support import builders as b
from tests.support.class_of_sixty import LSTM, ROOT, Class, whole_class, without_times
from tests.support.gpu_room import GpuRoom
from tests.support.orders import order
from tests.support.played_gpus import nvml
from tests.support.trainer_room import FakeRoom, good

STUDENTS, PROGRAMS = 24, 18
T4 = "NVIDIA T4"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Play an NVML with so many GPUs of one class."""
    monkeypatch.setattr(gpus, "CONTROL_NODES", ())
    monkeypatch.setattr(gpus.cdi, "FILES", ())
    monkeypatch.setattr("grader.environment.free_mb", lambda: 1e6)

    def put(count: int, **how: Any) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", nvml(count, model=T4, **how))

    return put


def graded(
    folder: Path,
    *,
    in_a_round: bool | None = True,
    students: int = STUDENTS,
    programs: int = PROGRAMS,
    **how: Any,
) -> tuple[Class, GpuRoom, list[Message]]:
    """Grade the class with the GPUs that NVML sees; ``how``: they fare in their rooms."""
    folder.mkdir()
    told: list[Message] = []
    one = Class(folder / "out", folder / "cache", in_a_round)
    one.devices = Devices(choose_gpus("auto", find_gpus()), told.append)
    one.rooms = room = GpuRoom(one.room, one.room.answer, **how)
    one.grade(whole_class(students, programs))
    return one, room, told


def trained_on(one: Class) -> list[str]:
    """Where the training of each student was done, in turn."""
    proofs = [record.evidence.proof for record in one.kept().values() if record.evidence]
    return [proof.device for proof in proofs if proof is not None and proof.proven]


def told_alike(record: Record) -> bytes:
    """A record but for times and for what the device of a training decides."""
    assert record.evidence is not None
    evidence = replace(record.evidence, proof=Proof("a" * 64))
    grade = Grade(Verdict.ACCEPTED, 100.0, 100.0, (), (), ())
    return without_times(replace(record, evidence=evidence, grade=grade, threshold=None))


def test_without_a_gpu_each_is_trained_alone(tmp_path: Path, install: Callable[..., None]) -> None:
    install(0)
    one, room, told = graded(tmp_path / "a")
    assert (room.batches, room.tried, told) == ([], [], [])
    assert len(one.room.trained) == len({*one.room.trained}) == PROGRAMS
    assert {*trained_on(one)} == {CPU}


@pytest.mark.parametrize(("count", "sizes"), [(1, [18]), (4, [9, 9])])
def test_a_class_is_trained_together_on_what_there_is_and_its_records_say_where(
    tmp_path: Path, install: Callable[..., None], count: int, sizes: list[int]
) -> None:
    install(count)
    one, room, told = graded(tmp_path / "a")
    assert (room.sizes, told) == (sizes, [])
    assert len({spec.devices for spec in room.batches}) == len(sizes), "each on one of its own"
    assert len(room.tried) == len(sizes)
    assert len(one.room.trained) == len({*one.room.trained}) == PROGRAMS
    assert one.room.orders == [], "nothing was left for the cores"
    assert trained_on(one) == [T4] * STUDENTS


def test_records_are_those_of_a_class_that_waits_for_its_cores_but_for_where(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    install(1)
    together, _, _ = graded(tmp_path / "together")
    install(0)
    waiting, _, _ = graded(tmp_path / "waiting", in_a_round=False)
    found = [
        {student: told_alike(record) for student, record in one.kept().items()}
        for one in (together, waiting)
    ]
    assert found[0] == found[1]
    assert len(found[0]) == STUDENTS


def test_one_that_others_have_filled_is_left_to_them(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    install(4, full=(0, 2, 3))
    _, room, told = graded(tmp_path / "a")
    assert [spec.env["CUDA_VISIBLE_DEVICES"] for spec in room.batches] == ["GPU-0001"]
    assert told == []


@pytest.mark.parametrize("after", [0, 7])
def test_a_fault_costs_its_batch_one_retry_on_cores(
    tmp_path: Path, install: Callable[..., None], after: int
) -> None:
    install(1)
    one, room, told = graded(tmp_path / "a", ends={0: (139, after, "CUDA_ERROR_ECC_UNCORRECTABLE")})
    assert room.sizes == [PROGRAMS], "the device is not asked for it again"
    assert len(one.room.trained) == len({*one.room.trained}) == PROGRAMS, "each once"
    assert [message.id for message in told] == ["device.failed"]
    assert told[0].args["orders"] == PROGRAMS - after
    assert {*trained_on(one)} == ({CPU, T4} if after else {CPU})
    assert all(record.grade.graded for record in one.kept().values())
    assert len(one.kept()) == STUDENTS


def test_of_two_the_failing_one_takes_no_batch_of_the_other(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    install(2)
    one, room, told = graded(tmp_path / "a", ends={1: (139, 0, "")})
    assert room.sizes == [9, 9]
    assert [message.id for message in told] == ["device.failed"]
    assert sorted({*trained_on(one)}) == [T4, CPU]
    assert len(one.kept()) == STUDENTS


def test_one_that_is_taken_away_is_told_and_the_class_is_trained_on_cores(
    tmp_path: Path, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(1)
    there = choose_gpus("auto", find_gpus())
    told: list[Message] = []
    one = Class(tmp_path / "out", tmp_path / "cache", in_a_round=True)
    one.devices = Devices(there, told.append, patience=0.0)
    one.rooms = room = GpuRoom(one.room, one.room.answer)
    install(1, lost=(0,))
    one.grade(whole_class(STUDENTS, PROGRAMS))
    assert [message.id for message in told] == ["device.gone"]
    assert room.batches == []
    assert {*trained_on(one)} == {CPU}
    assert len(one.kept()) == STUDENTS


def test_one_that_computes_otherwise_trains_nobody(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    install(1)
    one, room, told = graded(
        tmp_path / "a", said=lambda _: "w_0000: 1.0e-02 from what a core learns"
    )
    assert [message.id for message in told] == ["device.unfit"]
    assert (len(room.tried), room.batches) == (1, [])
    assert {*trained_on(one)} == {CPU}


@pytest.mark.parametrize("said", [None, "w_0000: 1.0e-02 from what a core learns"])
def test_for_the_sake_of_one_that_is_not_sound_no_notebook_runs_twice(
    tmp_path: Path,
    install: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    said: str | None,
) -> None:
    """A class for which a round is cheaper only where a device trains all of it."""
    install(2)
    monkeypatch.setattr("grader.course.exercises.Exercise.reference_seconds", lambda *_: 75.0)
    students = 60
    (tmp_path / "a").mkdir()
    told: list[Message] = []
    one = Class(tmp_path / "a" / "out", tmp_path / "a" / "cache", None)
    one.devices = Devices(choose_gpus("auto", find_gpus()), told.append)
    one.rooms = room = GpuRoom(one.room, one.room.answer, said=lambda _: said)
    one.grade(whole_class(students, 20))
    assert [message.id for message in told] == ["device.unfit"] * 2
    assert (len(room.tried), room.batches) == (2, [])
    assert len(one.notebooks.ran) == students
    assert {*trained_on(one)} == {CPU}


def test_for_the_sake_of_a_sound_one_there_is_a_round(
    tmp_path: Path, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(1)
    monkeypatch.setattr("grader.course.exercises.Exercise.reference_seconds", lambda *_: 75.0)
    one, room, told = graded(tmp_path / "a", in_a_round=None, students=60, programs=20)
    assert (room.sizes, told, len(room.tried)) == ([20], [], 1)
    assert len(one.notebooks.ran) == 120


def test_a_trial_that_is_our_fault_leaves_a_class_that_waits_for_its_cores(
    tmp_path: Path, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError("no space left on device")

    install(1)
    monkeypatch.setattr("grader.course.exercises.Exercise.reference_seconds", lambda *_: 75.0)
    one = Class(tmp_path / "out", tmp_path / "cache", None)
    one.devices = Devices(choose_gpus("auto", find_gpus()), check=full)
    one.grade(whole_class(60, 20))
    assert len(one.notebooks.ran) == len(one.kept()) == 60
    assert any((tmp_path / "out" / "faults").iterdir())


def test_a_stop_is_heard_by_batches_that_wait_for_the_device(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    """Three likenesses on one device: the first is trained to its end, the others begin nowhere."""
    install(1)
    stop, all_begun = Stop(), threading.Barrier(3)
    begun: list[bool] = []

    def answer(path: Path, asked: dict[str, Any], arrays: dict[str, Any]) -> None:
        stop.draining.set()
        good(path, asked, arrays)

    room, results = GpuRoom(FakeRoom(), answer), Results(tmp_path / "kept")
    devices = Devices(choose_gpus("auto", find_gpus()))
    rest = tmp_path, 0.0, stop.draining.is_set, devices
    trains = TrainsOrders(room, results, b"s", *rest)  # type: ignore[arg-type]
    fits = [{**order().fit.as_json(), "class_weight": None, "epochs": 2 + n} for n in range(3)]
    wanted = [Wanted(order(fit=fit, seeds=[n]), 1) for fit in fits for n in range(2)]
    batches = trains.batches(wanted)
    assert len(batches) == 3

    def starts(_: object) -> None:
        all_begun.wait()
        begun.append(True)

    runner = LocalRunner([Slot((number,)) for number in range(3)], stop)
    assert len([*runner.run(batches, Call(trains.together, 0.0), starts)]) == len(begun) == 3
    assert room.sizes == [2]


@pytest.mark.parametrize("in_a_round", [True, False])
def test_a_later_batch_takes_what_the_device_trained_though_others_filled_it(
    tmp_path: Path, install: Callable[..., None], *, in_a_round: bool
) -> None:
    install(1)
    graded(tmp_path / "a")
    install(1, full=(0,))
    again = Class(tmp_path / "again", tmp_path / "a" / "cache", in_a_round)
    told: list[Message] = []
    again.devices = Devices(trainers_gpus("auto", ours=True, rooms=False), told.append)
    again.grade(whole_class(STUDENTS, PROGRAMS))
    assert trained_on(again) == [T4] * STUDENTS
    assert len(again.room.trained) == PROGRAMS, "the first batch's"
    assert told == []


def test_a_later_batch_trains_anew_what_a_device_trained_that_is_gone(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    """Nobody knows of what class it was: that is what it costs."""
    install(1)
    graded(tmp_path / "a")
    install(0)
    again = Class(tmp_path / "again", tmp_path / "a" / "cache", in_a_round=False)
    again.devices = Devices(trainers_gpus("auto", ours=True, rooms=False))
    again.grade(whole_class(STUDENTS, PROGRAMS))
    assert trained_on(again) == [CPU] * STUDENTS
    assert len(again.room.trained) == 2 * PROGRAMS


def test_for_what_is_graded_already_no_device_is_tried_again(
    tmp_path: Path, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(2)
    monkeypatch.setattr("grader.course.exercises.Exercise.reference_seconds", lambda *_: 75.0)
    tried, ran = list[int](), list[int]()
    for _ in range(2):
        one = Class(tmp_path / "out", tmp_path / "cache", None)
        one.devices = Devices(choose_gpus("auto", find_gpus()))
        one.rooms = room = GpuRoom(one.room, one.room.answer, said=lambda _: "off")
        one.grade(whole_class(60, 20))
        tried.append(len(room.tried))
        ran.append(len(one.notebooks.ran))
    assert (tried, ran) == ([2, 0], [60, 0])


def test_what_is_tried_again_is_left_to_cores(tmp_path: Path, install: Callable[..., None]) -> None:
    install(1)
    results = Results(tmp_path / "kept")
    rest = tmp_path, 0.0, never, Devices(choose_gpus("auto", find_gpus()))
    trains = TrainsOrders(GpuRoom(FakeRoom()), results, b"s", *rest)  # type: ignore[arg-type]
    fit = {**order().fit.as_json(), "class_weight": None}
    first, again = (
        [Wanted(order(fit=fit, seeds=[n]), attempt) for n in range(3)] for attempt in (1, 2)
    )
    assert trains.batches(again) == []
    assert trains.batches([*again, *first]) == [first]


# --- the class of device is its own ------------------------------------------------------------


def test_the_key_of_a_result_holds_the_device_and_its_seed_does_not(tmp_path: Path) -> None:
    here, there = (key_of(order(), b"s", device=device) for device in (CPU, T4))
    assert here.seed == there.seed
    assert here.key != there.key
    assert here == key_of(order(), b"s")


def test_a_core_takes_nothing_that_a_device_trained_nor_a_device_another_ones(
    tmp_path: Path,
) -> None:
    results = Results(tmp_path)
    first = train_once(order(), FakeRoom(good), results, secret=b"s")
    assert (first.device, first.known) == (CPU, False)
    assert trained_there(order(), results, b"s", 0, T4) is None
    kept = results.get(first.key)
    assert kept is not None
    results.put(key_of(order(), b"s", device=T4).key, kept)
    found = train_once(order(), FakeRoom(), results, secret=b"s", device=T4)
    assert (found.device, found.known) == (T4, True)
    assert train_once(order(), FakeRoom(), results, secret=b"s", device="NVIDIA H200").device == CPU


@pytest.fixture
def course() -> Course:
    return load_course(ROOT)


def test_a_training_is_judged_alike_whether_a_core_did_it_or_a_device_that_computes_alike(
    course: Course,
) -> None:
    """Nobody's threshold is easier for where the class's trainings happened to be done."""
    found = []
    for device in (CPU, T4):
        proven = replace(b.evidence(LSTM), proof=Proof("a" * 64, device=device))
        found.append(grade_of(course, proven, Engine.TENSORFLOW, CPU))
    (core, there) = found
    assert there == core
    assert core.threshold is not None
    assert (core.threshold.device, core.threshold.widened) == (CPU, False)


def test_a_notebook_that_trained_by_itself_on_a_device_is_judged_by_a_widened_one(
    course: Course,
) -> None:
    """Nobody compared what its room computes there with what a core does."""
    claimed = replace(b.evidence(LSTM), proof=Proof(device=T4))
    found = grade_of(course, claimed, Engine.TENSORFLOW, T4).threshold
    assert found is not None
    assert found.widened


def test_a_measured_device_has_its_own_threshold(course: Course) -> None:
    exercise = course.exercise(LSTM)
    assert exercise.expectation is not None
    (first, *_) = [one for one in exercise.expectation.thresholds if one.engine == "jax"]
    own: Threshold = replace(first, device=T4, value=0.001)
    expectation = replace(
        exercise.expectation,
        thresholds=(*(one for one in exercise.expectation.thresholds if one.engine == "jax"), own),
    )
    exercises = {**course.exercises, LSTM: replace(exercise, expectation=expectation)}
    proven = replace(b.evidence(LSTM), proof=Proof("a" * 64, device=T4))
    found = grade_of(replace(course, exercises=exercises), proven, Engine.TENSORFLOW, CPU).threshold
    assert found is not None
    assert (found.device, found.value, found.widened) == (T4, 0.001, False)
