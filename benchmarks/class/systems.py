"""The systems that grade the same class, each in the way that its own manual says.

Enters: the class and a folder. Leaves: the command line that grades all of it. Touches: that
folder; all but this grader live in an environment of their own that sees the same TensorFlow.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from notebooks import ROOT, STYLES, Handed, write

CACHE = Path.home() / ".cache" / "rnn-grader"
VENV = CACHE / "bench-venv"
ATTEMPTS = re.compile(r"^attempts = \d+$", re.MULTILINE)
ENTRY = Path(__file__).with_name("entry.py")


@dataclass(frozen=True)
class Plan:
    """What is timed: commands one after the other, each in a folder."""

    commands: tuple[tuple[str, ...], ...]
    place: Path
    course: Path = ROOT
    cache: Path | None = None  # in place of this user's


def ours(students: Sequence[Handed], place: Path) -> Plan:
    """``grader grade``, one notebook per core; each notebook runs once, as with all the others.

    A notebook whose training was cut short misses its threshold, and would get two more attempts.
    It trains by itself.
    """
    for one in students:
        write(place / "class" / one.student / f"{one.exercise}.ipynb", one.cells)
    return Plan((_grade("--no-trainer"),), place, once(place / "course"))


def _grade(who: str) -> tuple[str, ...]:
    command = (sys.executable, "-m", "grader", "grade", "class", "--out", "out", "--format", "json")
    return (*command, who)


def trainer(students: Sequence[Handed], place: Path, *, kernel: bool = True) -> Plan:
    """``grader grade`` where our own room trains; nothing is known of earlier rounds."""
    plan = ours(students, place)
    cache = place / "cache"
    (cache / "rnn-grader").mkdir(parents=True)
    for name in ("compiled", *(("kernel",) if kernel else ())):
        (cache / "rnn-grader" / name).symlink_to(CACHE / name)
    return Plan((_grade("--trainer"),), plan.place, plan.course, cache)


def trainer_keras(students: Sequence[Handed], place: Path) -> Plan:
    """The same without the kernel for recurrent layers."""
    return trainer(students, place, kernel=False)


def once(place: Path) -> Path:
    """Copy the course, with one attempt for every notebook."""
    for part in ("assignments", "reference"):
        shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("submissions"))
    for exercise in STYLES:
        spec = place / "reference" / exercise / "spec.toml"
        text, changed = ATTEMPTS.subn("attempts = 1", spec.read_text(encoding="utf-8"))
        if changed != 1:
            raise SystemExit(f"{spec}: expected one line with the number of attempts")
        spec.write_text(text, encoding="utf-8")
    return place


def nbclient(students: Sequence[Handed], place: Path) -> Plan:
    """Execution alone, two notebooks at a time; nothing is graded."""
    for one in students:
        write(place / "class" / f"{one.student}.ipynb", one.cells)
    return Plan(((str(VENV / "bin/python"), str(ENTRY), "nbclient", "class", "2"),), place)


def nbgrader(students: Sequence[Handed], place: Path) -> Plan:
    """``nbgrader autograde`` with one check per notebook."""
    metadata = {
        "nbgrader": {
            "cell_type": "code",
            "grade": True,
            "grade_id": "check",
            "locked": True,
            "points": 1,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
    }
    for exercise in STYLES:
        write(place / "source" / exercise / f"{exercise}.ipynb", ["pass"], metadata)
    for one in students:
        path = place / "submitted" / one.student / one.exercise / f"{one.exercise}.ipynb"
        write(path, one.cells, metadata)
    config = (
        "c = get_config()\nc.ExecutePreprocessor.timeout = 7200\nc.Exchange.root = 'exchange'\n"
    )
    (place / "nbgrader_config.py").write_text(config, encoding="utf-8")
    for exercise in STYLES:
        _prepare([str(VENV / "bin/nbgrader"), "generate_assignment", exercise], place)
    grade = tuple((str(VENV / "bin/nbgrader"), "autograde", exercise) for exercise in STYLES)
    return Plan(grade, place)


def otter(students: Sequence[Handed], place: Path) -> Plan:
    """``otter run`` on each notebook, with one test."""
    test = (
        "OK_FORMAT = True\n"
        "test = {'name': 'q1', 'points': 1, 'suites': [{'type': 'doctest', 'scored': True,\n"
        "  'cases': [{'code': '>>> any(hasattr(one, \"fit\") for one in "
        "list(globals().values()))\\nTrue'}]}]}\n"
    )
    (place / "tests").mkdir(parents=True, exist_ok=True)
    (place / "tests" / "q1.py").write_text(test, encoding="utf-8")
    _prepare(
        [str(VENV / "bin/otter"), "generate", "-t", "tests", "-o", "autograder.zip",
         "--no-environment", "--no-requirements", "--no-config"],
        place,
    )  # fmt: skip
    commands = []
    for one in students:
        path = Path("class") / f"{one.student}.ipynb"
        write(place / path, one.cells)
        out = f"out/{one.student}"
        (place / out).mkdir(parents=True, exist_ok=True)
        run = (str(VENV / "bin/otter"), "run", str(path), "-a", "autograder.zip", "-o", out)
        commands.append(run)
    return Plan(tuple(commands), place)


SYSTEMS = {
    "ours": ours,
    "trainer": trainer,
    "trainer_keras": trainer_keras,
    "nbclient": nbclient,
    "nbgrader": nbgrader,
    "otter": otter,
}
NEEDS_VENV = ("nbclient", "nbgrader", "otter")


def make_venv() -> None:
    """Install the other systems once, over the very packages that the grader runs on."""
    if not (VENV / "bin" / "nbgrader").exists() or not (VENV / "bin" / "otter").exists():
        uv = Path(sys.executable).with_name("uv")
        frozen = subprocess.run(
            [uv, "pip", "freeze", "--exclude-editable", "--python", sys.executable],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        pins = VENV.with_name("bench-pins.txt")
        pins.parent.mkdir(parents=True, exist_ok=True)
        # otter imports pkg_resources, which newer setuptools lack.
        own = re.compile(r"^setuptools==.*\n", re.MULTILINE)
        pins.write_text(own.sub("", frozen.stdout), encoding="utf-8")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, VENV], check=True)
        graders = ["nbgrader", "otter-grader", "setuptools<81"]
        wanted = [*graders, "nbclient", "ipykernel", "-c", str(pins)]
        python = VENV / "bin" / "python"
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *wanted], check=True)
    (site,) = (VENV / "lib").glob("python3*/site-packages")
    (shared,) = (Path(sys.prefix) / "lib").glob("python3*/site-packages")
    (site / "shared.pth").write_text(f"{shared}\n", encoding="utf-8")


def compile_all() -> None:
    """Byte code for everybody: an import without it takes three times as long."""
    for prefix in (Path(sys.prefix), VENV, ROOT / "grader"):
        command = [sys.executable, "-m", "compileall", "-q", str(prefix)]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


def surroundings(
    command: Sequence[str], course: Path = ROOT, cache: Path | None = None
) -> dict[str, str]:
    """The environment of a command: its own neighbours come first."""
    path = f"{Path(command[0]).parent}:{os.environ['PATH']}"
    own = {"XDG_CACHE_HOME": str(cache)} if cache else {}
    return {
        **os.environ,
        "PATH": path,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "GRADER_COURSE": str(course),
        **own,
    }


def _prepare(command: list[str], place: Path) -> None:
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False, env=surroundings(command)
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
