"""Workflows and actions as they stand in their files, and their shell steps as they are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from grader.room import open_room
from grader.types import GraderError
from tests.support.cli_help import ROOT

EXAMPLES = ROOT / "docs" / "examples"
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted(EXAMPLES.glob("github-*.yml"))
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def skip_without_full_isolation() -> None:
    """Skip where rooms cannot be closed: a workflow that insists on it grades nothing there."""
    try:
        open_room("full")
    except GraderError as error:
        pytest.skip(str(error))


def loaded(path: Path) -> dict[Any, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def triggers(path: Path) -> set[str]:
    return set(loaded(path)[True])  # YAML reads the key "on" as a truth


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(loaded(path)["jobs"].values())


def steps(path: Path) -> Iterator[dict[str, Any]]:
    if path == ACTION:
        yield from loaded(path)["runs"]["steps"]
        return
    for job in jobs(path):
        yield from job["steps"]


def step(path: Path, name: str) -> dict[str, Any]:
    return next(one for one in steps(path) if one.get("name") == name)


def run_step(
    path: Path, name: str, given: Mapping[str, str], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a step's script as written, its environment filled in from ``given``.

    Raises:
        KeyError: an expression of its environment that nobody gives.
    """
    found = step(path, name)
    filled = {
        key: EXPRESSION.sub(lambda match: given[match[1].strip()], value)
        for key, value in found.get("env", {}).items()
    }
    script = folder.parent / "script.sh"
    script.write_text(found["run"], encoding="utf-8")
    here = str(Path(sys.executable).parent)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=folder,
        env={**os.environ, "PATH": f"{here}:{os.environ['PATH']}", **filled, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def programs(folder: Path, **scripts: str) -> str:
    """Make programs that stand in for others; gives the search path that finds them first."""
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def run_script(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script as its platform does: in a shell of its own, in the job's folder."""
    here = str(Path(sys.executable).parent)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{here}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
