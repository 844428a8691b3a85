"""How long a student waits for a job of CI: until the structure has a verdict, and until all has.

Runs the scripts of ``action.yml`` as they stand, on a pull request with one notebook: once with
nothing on the machine, once with the packages that the first run left in pip's cache, as the
action's cache step gives them back. What GitHub's own steps take (checkout, Python, the cache's
download) is not in it.

    python benchmarks/ci_job.py
    python benchmarks/ci_job.py --notebook mine.ipynb --official
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grader.environment import cores

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "reference/multiplication-lstm/submissions/accepted/textbook_list.ipynb"
EXPRESSION = re.compile(r"\$\{\{([^{}]{0,200})\}\}")
INSTALL, GRADE = "Install the grader and what its rooms need", "Grade"
KERNEL = "Build the kernel for recurrent layers"
STRUCTURE = re.compile(r"\s+[✓✗]")  # how a line begins that says something of the structure
MB = 10**6


@dataclass(frozen=True)
class Waited:
    """Seconds since the job began, and what then lay on the disk."""

    install: float
    structure: float
    whole: float
    packages_mb: float


def main() -> None:
    """Measure both, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--notebook", type=Path, default=NOTEBOOK)
    parser.add_argument("--official", action="store_true", help="all checks, not the public ones")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ci-job-") as name:
        place = Path(name)
        student = change(place / "student", given.notebook.read_bytes())
        print(f"{len(cores())} cores, load {os.getloadavg()[0]:.1f}, {given.notebook.name}")
        for kind in ("nothing there", "packages cached"):
            job = place / kind.replace(" ", "-")
            waited = measured(job, student, place / "pip", official=given.official)
            print(
                f"{kind:<16} installed after {waited.install:6.1f} s, structure after "
                f"{waited.structure:6.1f} s, all after {waited.whole:6.1f} s; "
                f"{waited.packages_mb:.0f} MB of packages, {size(place / 'pip'):.0f} MB of cache"
            )


def change(place: Path, notebook: bytes) -> Path:
    """Make a repository with a branch that hands in a notebook."""
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    git(place, "commit", "-q", "--allow-empty", "-m", "as handed out")
    (place / "handed-in.ipynb").write_bytes(notebook)
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "my work")
    return place


def git(place: Path, *arguments: str) -> str:
    """Ask git in a repository."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    line = ["git", *who, *arguments]
    return subprocess.run(
        line, cwd=place, check=True, capture_output=True, text=True
    ).stdout.strip()


def measured(place: Path, student: Path, cache: Path, *, official: bool) -> Waited:
    """Run the action's long steps in an environment of its own."""
    temp = place / "temp"
    temp.mkdir(parents=True)
    environment = place / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    known = environ(environment, student, temp, cache)
    given = inputs(student, temp, official=official)
    began = time.monotonic()
    run(INSTALL, given, known, temp)
    if official:
        run(KERNEL, given, known, temp)
    install = time.monotonic() - began
    structure = run(GRADE, given, known, temp)
    whole = time.monotonic() - began
    return Waited(install, structure - began, whole, size(environment))


def environ(environment: Path, student: Path, temp: Path, cache: Path) -> dict[str, str]:
    """Give the variables that a job has, with an interpreter that has nothing installed."""
    event = temp.parent / "event.json"
    base, head = git(student, "rev-parse", "HEAD~1"), git(student, "rev-parse", "HEAD")
    about = {"base": {"sha": base}, "head": {"sha": head}, "user": {"login": "kim"}}
    event.write_text(json.dumps({"pull_request": about}), "utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GRADER", "GITHUB"))}
    return {
        **kept,
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_CACHE_DIR": str(cache),
        "XDG_CACHE_HOME": str(temp / "cache"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_OUTPUT": str(temp / "output"),
        "GITHUB_STEP_SUMMARY": str(temp / "summary.md"),
    }


def inputs(student: Path, temp: Path, *, official: bool) -> dict[str, str]:
    """Give what the expressions of the action stand for."""
    named = {key: str(one.get("default", "")) for key, one in action()["inputs"].items()}
    named |= {"repository": str(student), "language": "en", "isolation": "auto"}
    named["public"] = str(not official).lower()
    given = {f"inputs.{key}": value for key, value in named.items()}
    return {**given, "github.action_path": str(ROOT), "runner.temp": str(temp)}


def action() -> dict[str, Any]:
    """Read the action."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    return found


def run(name: str, given: dict[str, str], known: dict[str, str], temp: Path) -> float:
    """Run a step as it is written; gives when it first said something of the structure.

    Raises:
        SystemExit: it failed.
    """
    step = next(one for one in action()["runs"]["steps"] if one.get("name") == name)
    filled = {
        key: EXPRESSION.sub(lambda match: given[match[1].strip()], value)
        for key, value in step["env"].items()
    }
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=temp,
        env={**known, **filled},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said, seen = [], 0.0
    for line in process.stdout:
        said.append(line)
        if not seen and STRUCTURE.match(line):
            seen = time.monotonic()
    if process.wait():
        raise SystemExit("".join(said))
    return seen


def size(folder: Path) -> float:
    """Give what lies below a folder, in MB on the disk."""
    files = (one.lstat() for one in folder.rglob("*") if not one.is_dir())
    return sum(one.st_blocks * 512 for one in files) / MB


if __name__ == "__main__":
    main()
