"""What the driver's tools wrote down for containers: nodes and libraries, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.gpus.cdi import ContainerDevice, container_device

# As `nvidia-ctk cdi generate` writes it, shortened.
WRITTEN = """
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
    - path: /dev/dri/card1
    hooks: [{{hookName: createContainer, path: /usr/bin/nvidia-cdi-hook, args: [chmod]}}]
- name: GPU-1111
  containerEdits:
    deviceNodes: [{{path: /dev/nvidia1, hostPath: /dev/nvidia1}}]
- name: MIG-2222
  containerEdits:
    deviceNodes: [{{path: /dev/nvidia2}}, {{path: /dev/nvidia-caps/nvidia-cap21}}]
containerEdits:
  env: [NVIDIA_VISIBLE_DEVICES=void]
  deviceNodes:
  - path: /dev/nvidia-uvm
  - path: /dev/nvidiactl
  - path: /dev/sda
  - path: /dev/../etc/shadow
  mounts:
  - {{hostPath: {libs}/libcuda.so.550.54, containerPath: {libs}/libcuda.so.550.54, options: [ro]}}
  - {{hostPath: {libs}/libnvidia-mps.so.1, containerPath: {libs}/libnvidia-mps.so.1}}
  - {{hostPath: {libs}/gone.so.1, containerPath: {libs}/gone.so.1}}
  - {{hostPath: /run/nvidia-persistenced/socket, containerPath: /run/nvidia-persistenced/socket}}
  - {{hostPath: /usr/bin/nvidia-cuda-mps-server, containerPath: /usr/bin/nvidia-cuda-mps-server}}
"""
COMMON = ("/dev/nvidia-uvm", "/dev/nvidiactl")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    for name in ("libcuda.so.550.54", "libnvidia-mps.so.1"):
        (tmp_path / name).touch()
    path = tmp_path / "nvidia.yaml"
    path.write_text(WRITTEN.format(libs=tmp_path), "utf-8")
    return path


def found(path: Path, *names: str) -> ContainerDevice:
    device = container_device(names, [path])
    assert device is not None
    return device


def test_a_device_is_known_by_its_lasting_name_else_by_its_number(written: Path) -> None:
    assert found(written, "GPU-1111", "0").nodes == ("/dev/nvidia1", *COMMON)
    assert found(written, "GPU-9999", "0").nodes == ("/dev/nvidia0", *COMMON)
    assert container_device(["GPU-9999", "7"], [written]) is None


def test_a_part_of_a_gpu_brings_its_own_right(written: Path) -> None:
    nodes = ("/dev/nvidia2", "/dev/nvidia-caps/nvidia-cap21", *COMMON)
    assert found(written, "MIG-2222").nodes == nodes


def test_no_socket_no_program_no_disk_and_nothing_shared_among_strangers(written: Path) -> None:
    library = str(written.parent / "libcuda.so.550.54")
    assert found(written, "0").libraries == ((library, library),)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "kind: other.com/gpu", "kind: nvidia.com/gpu", "{", "a: !!python/object:x.y {}",
     "kind: nvidia.com/gpu\ndevices: 3", "kind: nvidia.com/gpu\ndevices: [{name: '0'}]",
     "kind: nvidia.com/gpu\ndevices: [{name: '0', containerEdits: [1]}]"],
)  # fmt: skip
def test_what_is_not_of_that_form_says_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "nvidia.yaml"
    path.write_text(text, "utf-8")
    assert container_device(["0"], [path]) is None


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert container_device(["0"], [tmp_path / "none.yaml"]) is None
    assert container_device(["0"], []) is None


def test_the_last_file_that_knows_the_device_counts(written: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.yaml"
    later.write_text(
        "kind: nvidia.com/gpu\ndevices: [{name: '0', containerEdits: {deviceNodes: "
        "[{path: /dev/nvidia5}]}}]",
        "utf-8",
    )
    device = container_device(["0"], [written, later])
    assert device is not None
    assert device.nodes == ("/dev/nvidia5",)
