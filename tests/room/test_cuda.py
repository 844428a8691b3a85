"""What a room with a GPU has beside others, and what is said where CUDA does not start there."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader.cli import doctor
from grader.gpus.gpus import Gpu
from grader.room.cuda import CudaReport, cuda_report, driver_binds, driver_environment
from grader.text.words import Words
from grader.types import GraderError, Message
from tests.support.room_help import CLOSED, make_room

GPU = Gpu(0, "GPU-0000", "NVIDIA T4", 16384, ("/dev/nvidia0", "/dev/nvidiactl"))


class PlayedRoom:
    """A room in which a program says what a test wants."""

    def __init__(self, said: bytes, code: int = 0) -> None:
        self.said, self.code = said, code
        self.specs: list[Any] = []

    def inside(self, host: Path, inside: str) -> str:
        return inside

    def start(self, spec: Any, **streams: Any) -> Any:
        self.specs.append(spec)
        return SimpleNamespace(
            stdout=io.BytesIO(self.said), wait=lambda timeout: self.code, kill=lambda: None
        )


def said(result: int, count: int = 0, *missing: tuple[str, str]) -> bytes:
    return json.dumps({"result": result, "count": count, "missing": missing}).encode()


def told(room: Any, lang: str = "en") -> str:
    return "\n".join(doctor._cuda(room, GPU, Words(lang)))


def test_the_room_has_the_devices_and_sees_that_one_alone() -> None:
    room = PlayedRoom(said(0, 1))
    assert cuda_report(room, GPU.nodes, (), GPU.uuid) == CudaReport(0, 1, ())  # type: ignore[arg-type]
    (spec,) = room.specs
    assert spec.devices == GPU.nodes
    assert spec.env == {"CUDA_VISIBLE_DEVICES": "GPU-0000"}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (said(0, 1), "--gpu-rooms"),
        (said(-1, 0, ("libcuda.so.1", "not found")), "libcuda.so.1"),
        (said(304), "memfd_create"),
        (said(100, 0, ("/dev/nvidia-uvm", "No such file")), "/dev/nvidia-uvm"),
        (said(0, 0), "cuInit 0"),
        (said(999), "999"),
        (b"", "CUDA"),
        (b'{"result": "x"}', "CUDA"),
        (b"[" * 5000, "CUDA"),
    ],
)
def test_what_is_missing_is_named(answer: bytes, named: str, lang: str) -> None:
    text = told(PlayedRoom(answer), lang)
    assert named in text
    assert "cli." not in text


def test_a_program_that_died_said_nothing() -> None:
    report = cuda_report(PlayedRoom(said(0, 1), code=139), GPU.nodes, (), GPU.uuid)  # type: ignore[arg-type]
    assert not report.works
    assert report.result is None


def test_a_room_that_cannot_be_built_is_said() -> None:
    class Broken(PlayedRoom):
        def start(self, spec: Any, **streams: Any) -> Any:
            raise GraderError(Message("room.start_failed", {"reason": "no such node"}))

    assert "no such node" in told(Broken(b""))


def test_libraries_that_rooms_show_anyway_are_not_bound(tmp_path: Path) -> None:
    usual, elsewhere = "/usr/lib/libcuda.so.550.54", tmp_path / "libcuda.so.550.54.15"
    binds = driver_binds([(usual, usual), (str(elsewhere), str(elsewhere))])
    assert {bind.inside for bind in binds} == {
        "/grader/driver/libcuda.so.550.54.15",
        "/grader/driver/libcuda.so.1",  # what programs ask for
    }
    assert {bind.host for bind in binds} == {elsewhere}
    room: Any = PlayedRoom(b"")
    assert driver_environment(room, binds) == {"LD_LIBRARY_PATH": "/grader/driver"}
    assert driver_environment(room, ()) == {}


@pytest.mark.real
@pytest.mark.parametrize("kind", CLOSED)
def test_in_a_real_room_without_a_driver_its_library_is_missing(kind: str) -> None:
    room = make_room(kind)
    report = cuda_report(room, ("/dev/null",), (), "GPU-0000")
    if report.result != -1:
        pytest.skip("this machine has a driver")
    assert [path for path, _ in report.missing] == ["libcuda.so.1"]
