"""The driver listens, the kernel gets the sockets: no room has a folder to make any in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.driver.channels import hand_over

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="unix sockets")

PROGRAM = """
import os, socket
from grader.kernel.given_sockets import receive
for number in receive():
    with socket.socket(fileno=number) as one:
        print(os.path.basename(one.getsockname()), os.get_blocking(number), os.get_inheritable(number))
print(os.read(0, 1), os.fstat(0).st_rdev == os.stat(os.devnull).st_rdev)
"""


def told(line: socket.socket) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(
        command, stdin=line, capture_output=True, text=True, timeout=600, check=False
    )


def test_the_kernel_gets_a_socket_per_port_in_their_order() -> None:
    with tempfile.TemporaryDirectory() as folder:  # its name is short, as sockets need it
        kernels, drivers = socket.socketpair(socket.AF_UNIX)
        with kernels, drivers:
            connection = {"ip": f"{folder}/k", "shell_port": 1, "hb_port": 3, "iopub_port": 2}
            hand_over(connection, os.dup(drivers.fileno()))
            done = told(kernels)
        lines = [f"k-{port} False False" for port in (1, 2, 3)]
        assert done.stdout.splitlines() == [*lines, "b'' True"], done.stderr
        assert sorted(path.name for path in Path(folder).iterdir()) == ["k-1", "k-2", "k-3"]


def test_a_kernel_whose_driver_is_gone_says_so_and_ends() -> None:
    kernels, drivers = socket.socketpair(socket.AF_UNIX)
    with kernels:
        drivers.close()
        done = told(kernels)
    assert done.returncode == 1
    assert "no sockets came" in done.stderr
