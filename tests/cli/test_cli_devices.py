"""Which GPUs a batch uses: notebooks' rooms and our own trainings are asked for separately."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader import environment
from grader.cli import devices as module
from grader.cli import doctor
from grader.cli.devices import devices_for, rooms_gpus, trainers_gpus
from grader.cli.grade import round_devices, round_gpus
from grader.course.load import load_course
from grader.gpus import gpus
from grader.pipeline.job import Settings
from grader.text.words import Words
from grader.types import Engine, GraderError, Isolation, Level, Message
from tests.support.cli_help import ROOT
from tests.support.gpu_room import GpuRoom
from tests.support.played_gpus import gpu, nvml
from tests.support.trainer_room import FakeRoom


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(gpus, "CONTROL_NODES", ())
    monkeypatch.setattr(gpus.cdi, "FILES", ())

    def put(count: int, **how: Any) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", nvml(count, model="NVIDIA T4", **how))

    return put


def numbers(found: tuple[gpus.Gpu, ...]) -> list[int]:
    return [one.index for one in found]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_by_itself_a_machines_gpus_are_for_our_own_trainings_and_for_no_notebook(
    install: Callable[..., None], count: int
) -> None:
    install(count)
    assert rooms_gpus("auto", rooms=False) == ()
    assert numbers(trainers_gpus("auto", ours=True, rooms=False)) == [*range(count)]


def test_where_notebooks_train_by_themselves_nothing_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "find_gpus", lambda: pytest.fail("nobody needs one"))
    for option in ("auto", "none"):
        assert trainers_gpus(option, ours=False, rooms=False) == ()
    assert trainers_gpus("none", ours=True, rooms=True) == ()
    assert trainers_gpus("0", ours=False, rooms=True) == ()


def test_without_jaxs_part_for_cuda_no_driver_is_asked_unless_gpus_were_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A driver that lost a device keeps who asks it waiting."""
    asked: list[str] = []
    monkeypatch.setattr(module, "find_gpus", lambda: asked.append("nvml") or (gpu(0),))  # type: ignore[func-returns-value]
    monkeypatch.setattr(environment, "has_cuda", lambda: False)
    monkeypatch.setattr("grader.cli.grade.may_ask", lambda *_: True)
    room: Any = types.SimpleNamespace(isolation=Isolation(Level.FULL))
    found = []
    for option in ("auto", "0"):
        options: Any = types.SimpleNamespace(gpus=option, gpu_rooms=False, runner="local")
        found.append(numbers(round_gpus(options, load_course(ROOT), Settings(b"s"), room)))
    assert (found, asked) == ([[], [0]], ["nvml"])


def test_named_ones_are_taken_by_whoever_asks_for_them(install: Callable[..., None]) -> None:
    install(4, full=(3,))
    assert numbers(trainers_gpus("1,2", ours=True, rooms=False)) == [1, 2]
    assert numbers(rooms_gpus("1", rooms=True)) == [1]
    assert numbers(trainers_gpus("auto", ours=True, rooms=False)) == [0, 1, 2]


def test_one_that_is_named_for_nobody_is_refused() -> None:
    with pytest.raises(GraderError) as error:
        trainers_gpus("0", ours=False, rooms=False)
    assert error.value.message.id == "gpus.no_rooms"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_jax_that_cannot_use_it_is_told_and_what_would_change_that(
    monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setattr(environment, "has_cuda", lambda: False)
    told: list[Message] = []
    assert len(devices_for([gpu(0)], told.append)) == 0
    assert 'pip install "jax[cuda12]"' in Words(lang).say(told[0])
    assert len(devices_for([], told.append)) == 0
    assert len(told) == 1


@pytest.mark.parametrize(("option", "count"), [("auto", 0), ("0", 1)])
def test_a_batch_says_so_only_to_who_asked_for_gpus(
    monkeypatch: pytest.MonkeyPatch, option: str, count: int
) -> None:
    monkeypatch.setattr(environment, "has_cuda", lambda: False)
    told: list[Message] = []
    options = types.SimpleNamespace(gpus=option)
    assert len(round_devices([gpu(0)], options, told.append)) == 0  # type: ignore[arg-type]
    assert [one.id for one in told] == ["device.no_cuda"] * count


def test_with_cuda_a_round_trains_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "has_cuda", lambda: True)
    found = devices_for([gpu(0), gpu(1)], lambda _: None)
    assert (len(found), found.name) == (2, "NVIDIA T4")


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("said", "id_"), [("", "works"), ("code 1", "unfit_here")])
def test_the_doctor_says_whether_our_own_room_trains_there(
    monkeypatch: pytest.MonkeyPatch, said: str, id_: str, lang: str
) -> None:
    monkeypatch.setattr(environment, "has_cuda", lambda: True)
    room: Any = GpuRoom(FakeRoom(), said=lambda _: said)
    line = doctor._trainer_on(room, gpu(0), Words(lang))
    assert line == Words(lang)(f"device.{id_}", index=0, **({"why": said} if said else {}))
    assert "device." not in line


@pytest.mark.parametrize(
    ("trainer", "runner", "level", "count"),
    [
        (True, "local", Level.FULL, 2),
        (False, "local", Level.FULL, 0),
        (True, "ray", Level.FULL, 0),
        (True, "local", Level.NONE, 0),
    ],
)
def test_a_batch_has_them_where_our_own_room_trains_on_this_machine(
    install: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    trainer: bool,
    runner: str,
    level: Level,
    count: int,
) -> None:
    monkeypatch.setattr("grader.environment.engines", lambda: (Engine.TENSORFLOW, Engine.JAX))
    monkeypatch.setattr(environment, "has_cuda", lambda: True)
    install(2)
    options = types.SimpleNamespace(gpus="auto", gpu_rooms=False, runner=runner)
    settings = Settings(b"s" * 32, trainer=trainer)
    room = types.SimpleNamespace(isolation=Isolation(level))
    found = round_gpus(options, load_course(ROOT), settings, room)  # type: ignore[arg-type]
    assert len(found) == count


def test_jaxs_part_for_cuda_is_known_by_the_plugin_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "jax_plugins", raising=False)
    (tmp_path / "jax_plugins" / "xla_other").mkdir(parents=True)
    (tmp_path / "jax_plugins" / "xla_other" / "__init__.py").touch()
    before = environment.has_cuda()
    (tmp_path / "jax_plugins" / "xla_cuda12").mkdir()
    (tmp_path / "jax_plugins" / "xla_cuda12" / "__init__.py").touch()
    assert environment.has_cuda()
    if before:
        pytest.skip("it is installed here")
