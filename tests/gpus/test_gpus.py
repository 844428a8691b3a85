"""Which GPUs are used, with an NVML of our own; and what a GPU run is given."""

from __future__ import annotations

import sys
import threading
import types
from typing import Any

import pytest

from grader.execute import rooms
from grader.execute.last_words import LastWords
from grader.execute.rooms import kernel_environment
from grader.execute.run import Run
from grader.gpus import gpus
from grader.gpus.gpus import Gpu, choose_gpus, find_gpus
from grader.submission import Notebook
from grader.types import Engine, GraderError
from tests.support.played_gpus import gpu, nvml


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(gpus, "CONTROL_NODES", ("/dev/null", "/dev/no-such-node"))
    monkeypatch.setattr(gpus.cdi, "FILES", ())

    def put(module: types.ModuleType | None) -> types.ModuleType | None:
        monkeypatch.setitem(sys.modules, "pynvml", module)  # type: ignore[arg-type]
        return module

    return put


TWO = (gpu(0), gpu(1))


# --- finding ---------------------------------------------------------------------------------


def test_without_nvml_there_are_no_gpus(install: Any) -> None:
    install(None)
    assert find_gpus() == ()


@pytest.mark.parametrize("fails", ["nvmlInit", "nvmlDeviceGetCount"])
def test_an_nvml_that_fails_means_no_gpus(install: Any, fails: str) -> None:
    install(nvml(1, fails=fails))
    assert find_gpus() == ()


def test_a_driver_that_never_answers_keeps_nobody(
    install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "ANSWER_SECONDS", 0.0)
    module, released = install(nvml(1)), threading.Event()
    module.nvmlInit = released.wait
    try:
        assert find_gpus() == ()
    finally:
        released.set()


def test_no_device_means_no_gpus(install: Any) -> None:
    install(nvml(0))
    assert find_gpus() == ()


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_gpu_is_told_with_its_lasting_name_and_its_nodes(install: Any, as_bytes: bool) -> None:
    install(nvml(1, as_bytes=as_bytes))
    nodes = ("/dev/nvidia4", "/dev/null")
    assert find_gpus() == (Gpu(0, "GPU-0000", "NVIDIA T0", 16384, nodes, (), 15_000),)


def test_a_lost_gpu_hides_no_other(install: Any) -> None:
    install(nvml(3, lost=(1,)))
    assert [one.index for one in find_gpus()] == [0, 2]


@pytest.mark.parametrize("fails", ["", "nvmlDeviceGetCount", "nvmlShutdown"])
def test_nvml_is_closed_again(install: Any, fails: str) -> None:
    module = install(nvml(2, fails=fails))
    find_gpus()
    assert module.open == (1 if fails == "nvmlShutdown" else 0)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_each_gpu_is_found_and_used(install: Any, count: int) -> None:
    install(nvml(count))
    found = find_gpus()
    assert [one.uuid for one in found] == [f"GPU-{n:04d}" for n in range(count)]
    assert choose_gpus("auto", found) == found


def test_one_that_others_have_filled_is_found_and_not_used_unless_it_is_named(
    install: Any,
) -> None:
    install(nvml(4, full=(2,)))
    found = find_gpus()
    assert [one.is_full for one in found] == [False, False, True, False]
    assert [one.index for one in choose_gpus("auto", found)] == [0, 1, 3]
    assert [one.index for one in choose_gpus("2", found)] == [2]


@pytest.mark.parametrize(
    "fails", ["nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMinorNumber", "nvmlDeviceGetUUID"]
)
def test_gpus_that_do_not_answer_are_none(install: Any, fails: str) -> None:
    install(nvml(4, fails=fails))
    assert find_gpus() == ()


def test_where_the_drivers_tools_wrote_down_what_a_gpu_needs_that_counts(
    install: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nvidia.yaml"
    path.write_text(
        "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n- name: GPU-0000\n"
        "  containerEdits: {deviceNodes: [{path: /dev/nvidia7}]}\n"
    )
    monkeypatch.setattr(gpus.cdi, "FILES", (path,))
    install(nvml(1))
    assert find_gpus()[0].nodes == ("/dev/nvidia7",)


PARTS = """
cdiVersion: 0.6.0
kind: nvidia.com/gpu
devices:
- name: "0:0"
  containerEdits: {deviceNodes: [{path: /dev/nvidia4}, {path: /dev/nvidia-caps/nvidia-cap21}]}
- name: MIG-0.2
  containerEdits: {deviceNodes: [{path: /dev/nvidia4}, {path: /dev/nvidia-caps/nvidia-cap30}]}
"""


def test_of_a_parted_device_each_part_is_one_that_the_drivers_tools_tell_of(
    install: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nvidia.yaml"
    path.write_text(PARTS)
    monkeypatch.setattr(gpus.cdi, "FILES", (path,))
    install(nvml(2, parted={0: 3}))  # of the third nothing is written down
    found = find_gpus()
    assert [(one.number, one.uuid) for one in found] == [
        ("0:0", "MIG-0.1"),
        ("0:1", "MIG-0.2"),
        ("1", "GPU-0001"),
    ]
    assert [one.nodes[1] for one in found[:2]] == [
        "/dev/nvidia-caps/nvidia-cap21",
        "/dev/nvidia-caps/nvidia-cap30",
    ]
    assert choose_gpus("0:1,1", found) == found[1:]


def test_parts_of_which_nothing_is_written_down_are_none(install: Any) -> None:
    install(nvml(1, parted={0: 2}))
    assert find_gpus() == ()


# --- choosing --------------------------------------------------------------------------------


def test_auto_takes_all_and_none_takes_none() -> None:
    assert choose_gpus("auto", TWO) == TWO
    assert choose_gpus("auto", ()) == ()
    assert choose_gpus("none", TWO) == ()


@pytest.mark.parametrize(
    ("option", "indices"), [("0", [0]), ("1", [1]), ("0,1", [0, 1]), (" 1 , 0 ", [1, 0])]
)
def test_listed_gpus_are_taken_in_their_order(option: str, indices: list[int]) -> None:
    assert [one.index for one in choose_gpus(option, TWO)] == indices


def test_a_gpu_listed_twice_is_taken_once() -> None:
    assert choose_gpus("1,1", TWO) == (TWO[1],)


@pytest.mark.parametrize("option", ["2", "0,7", "", "0,", "-1", "all", "0-1", "²", "0.5"])
def test_what_is_not_there_is_refused_with_what_is(option: str) -> None:
    with pytest.raises(GraderError) as caught:
        choose_gpus(option, TWO)
    assert caught.value.message.id == "gpus.unknown"
    assert caught.value.message.args == {"option": option, "found": "0, 1"}


def test_a_listed_gpu_on_a_machine_without_any_is_refused() -> None:
    with pytest.raises(GraderError) as caught:
        choose_gpus("0", ())
    assert caught.value.message.args["found"] == "none"


# --- what the kernel's room gets -------------------------------------------------------------


def a_run(**changes: Any) -> Run:
    given: dict[str, Any] = {
        "notebook": Notebook((), None, ""),
        "engine": Engine.TENSORFLOW,
        "seed": 1,
        "attempt": 1,
        "timeout": 1.0,
        "memory_mb": 1,
    }
    return Run(**given | changes)


def test_a_run_without_a_gpu_sees_none() -> None:
    found = kernel_environment(a_run(cores=(2, 3)))
    assert found["CUDA_VISIBLE_DEVICES"] == "-1"
    assert found["JAX_PLATFORMS"] == "cpu"
    assert found["OMP_NUM_THREADS"] == found["TF_NUM_INTRAOP_THREADS"] == "2"


def test_a_run_with_a_gpu_sees_that_one_by_its_lasting_name() -> None:
    found = kernel_environment(a_run(gpu="GPU-0001", cores=(0,)))
    assert found["CUDA_VISIBLE_DEVICES"] == "GPU-0001"
    assert "JAX_PLATFORMS" not in found
    assert found["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert found["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_nothing_of_the_graders_own_environment_reaches_the_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRADER_SECRET_FILE", "/somewhere/secret")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    found = kernel_environment(a_run(engine=Engine.JAX))
    assert "GRADER_SECRET_FILE" not in found
    assert found["KERAS_BACKEND"] == "jax"


def test_the_devices_of_the_gpu_are_bound_into_the_kernels_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    specs: list[Any] = []

    class Room:
        def inside(self, host: Any, inside: str) -> str:
            return inside

        def start(self, spec: Any, **streams: Any) -> str:
            specs.append(spec)
            return "process"

    (tmp_path / "in").mkdir()
    run = a_run(gpu="GPU-0000", devices=("/dev/nvidia0", "/dev/nvidiactl"), cores=(1,))
    rooms.prepare(tmp_path, run, Room(), asks=False)  # type: ignore[arg-type]
    with LastWords() as log:
        rooms._start_kernel(tmp_path, run, Room(), 3, log)  # type: ignore[arg-type]
    (spec,) = specs
    assert spec.devices == ("/dev/nvidia0", "/dev/nvidiactl")
    assert spec.cores == (1,)
    assert spec.env["CUDA_VISIBLE_DEVICES"] == "GPU-0000"
    assert not spec.connects
