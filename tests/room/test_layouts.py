"""Where the course, the results and the interpreter share a folder: refused, or safe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.types import Level

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms"),
]

ROOT = Path(__file__).resolve().parents[2]
WORD = "the-canary-of-the-layouts"
# Prints the refusal, or what a program in a room found of ours.
SCRIPT = """
import json, subprocess, sys
from pathlib import Path
from grader.pipeline.ours import ours
from grader.room import RoomSpec, open_room
from grader.types import GraderError
level, course, out, submissions, look = sys.argv[1:]
try:
    room = open_room(level, ours(Path(course), Path(out), [Path(submissions)]))
except GraderError as error:
    print(json.dumps({"refused": error.message.id, **error.message.args}))
    sys.exit()
process = room.start(RoomSpec((sys.executable, "-c", look, course)), stdout=subprocess.PIPE)
print(process.stdout.read().decode())
process.wait()
"""
LOOK = """
import json, os, sys
import numpy  # packages are there as ever
found = []
around = os.path.dirname(sys.argv[1])
for folder, _, names in os.walk(around):
    for name in names:
        if name == "canary":
            try:
                found.append(open(os.path.join(folder, name)).read())
            except OSError:
                pass
print(json.dumps({"found": found, "prefix": sys.prefix}))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may read: what keeps a room out is the room."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


def environment(prefix: Path) -> Path:
    """A virtual environment that sees this one's packages."""
    venv.create(prefix, symlinks=True)
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (mine,) = prefix.glob("lib/python*/site-packages")
    (mine / "more.pth").write_text("\n".join(packages))
    return prefix / "bin" / "python"


def looked(
    python: Path, level: Level, course: Path, *, out: Path, secret: Path, submissions: Path
) -> dict[str, Any]:
    """What a notebook's room finds of these places, or why there is none."""
    for folder in (course / "reference", out, secret.parent, submissions):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "canary").write_text(WORD)
        (folder / "canary").chmod(0o644)
    done = subprocess.run(
        [*map(str, (python, "-c", SCRIPT, level.value, course, out, submissions)), LOOK],
        env={**os.environ, "PYTHONPATH": str(ROOT), "GRADER_SECRET_FILE": str(secret)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(params=[Level.FULL, Level.REDUCED])
def level(request: pytest.FixtureRequest) -> Level:
    """Both levels that promise to hide files."""
    if request.param is Level.FULL and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return Level(request.param)


def test_a_virtual_environment_in_the_courses_own_folder_is_safe(level: Level, place: Path) -> None:
    """``python -m venv .`` in the course's folder."""
    course = place / "course"
    python = environment(course)
    names = {name: course / name for name in ("out", "submissions")}
    found = looked(python, level, course, secret=course / "private" / "secret", **names)
    assert found == {"found": [], "prefix": str(course)}


def test_a_container_with_everything_in_one_folder_is_safe(level: Level, place: Path) -> None:
    app = place / "app"
    python = environment(app)
    names = {name: app / name for name in ("out", "submissions")}
    found = looked(python, level, app / "course", secret=app / "private" / "secret", **names)
    assert found == {"found": [], "prefix": str(app)}


def test_a_prefix_with_everything_below_share_is_safe(level: Level, place: Path) -> None:
    """As conda has it: a prefix with more in it than Python."""
    prefix = place / "conda"
    python = environment(prefix)
    share = prefix / "share" / "rnn"
    names = {name: share / name for name in ("out", "submissions")}
    found = looked(python, level, share / "course", secret=share / "private" / "secret", **names)
    assert found == {"found": [], "prefix": str(prefix)}


@pytest.mark.parametrize("lost", ["course", "out", "secret", "submissions"])
def test_what_lies_among_the_packages_is_refused_and_named(
    level: Level, place: Path, lost: str
) -> None:
    python = environment(place / "env")
    shown = place / "env" / "lib"
    names = {name: place / name / name for name in ("course", "out", "secret", "submissions")}
    names[lost] = shown / "ours" / lost
    found = looked(python, level, **names)
    kind = "reference" if lost == "course" else lost
    where = names[lost] / "reference" if lost == "course" else names[lost]
    assert found == {
        "refused": f"room.exposed_{kind}",
        "path": str(where),
        "readable": str(shown),
    }


def test_a_temporary_folder_among_the_packages_is_refused(
    level: Level, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment(place / "env")
    temporary = place / "env" / "lib" / "t"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    names = {name: place / name for name in ("out", "submissions")}
    found = looked(python, level, place / "course", secret=place / "private" / "secret", **names)
    assert found["refused"] == "room.exposed_temporary"


def test_a_link_into_the_packages_is_refused(level: Level, place: Path) -> None:
    python = environment(place / "env")
    (place / "env" / "lib" / "out").mkdir()
    (place / "out").symlink_to(place / "env" / "lib" / "out")
    names = {name: place / name for name in ("out", "submissions")}
    found = looked(python, level, place / "course", secret=place / "private" / "secret", **names)
    assert found["refused"] == "room.exposed_out"
