"""Rooms work wherever the interpreter lives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import subprocess, sys
from grader.room import RoomSpec, open_room
room = open_room("full")
spec = RoomSpec(argv=(sys.executable, "-c", "print('in', __import__('sys').prefix)"))
process = room.start(spec, stdout=subprocess.PIPE)
said = process.stdout.read().decode()
print(process.wait(60), said)
"""


@pytest.mark.real
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_an_interpreter_below_a_scratch_folder_is_not_hidden_by_it() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        place = Path(folder).resolve() / "environment"
        venv.create(place, symlinks=True)
        place.parent.chmod(0o755)
        packages = os.pathsep.join([str(ROOT), *(p for p in sys.path if "site-packages" in p)])
        done = subprocess.run(
            [str(place / "bin" / "python"), "-c", SCRIPT],
            env={**os.environ, "PYTHONPATH": packages},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["0", "in", str(place)], done.stderr
