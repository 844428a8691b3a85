"""The container file: what it copies is there, what it runs is a script, and nobody is root."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.cli_help import ROOT


def loaded() -> ModuleType:
    """The tool that runs the steps: it reads them for these tests too."""
    spec = importlib.util.spec_from_file_location(
        "container_steps", ROOT / "tools/container-steps.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


TOOL = loaded()
STEPS = TOOL.parsed((ROOT / "Containerfile").read_text("utf-8"))


def texts(name: str) -> list[str]:
    return [one.text for one in STEPS if one.name == name]


def test_steps_are_read_as_they_stand() -> None:
    text = "# why\nFROM a:b\nRUN x \\\n    && y\n\nENV A=1 \\\n    B='2 3'\n"
    found = [(one.name, " ".join(one.text.split())) for one in TOOL.parsed(text)]
    assert found == [("FROM", "a:b"), ("RUN", "x && y"), ("ENV", "A=1 B='2 3'")]


@pytest.mark.parametrize("line", texts("RUN"))
def test_what_it_runs_is_a_script_whose_failure_is_one(line: str) -> None:
    subprocess.run(["sh", "-n", "-c", line], check=True)
    assert not line.endswith("|| true"), "what stands before it would fail unseen"


def test_what_it_copies_is_there_and_is_sent() -> None:
    allowed = [
        one[1:]
        for one in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if one.startswith("!")
    ]
    sources = [one for text in texts("COPY") for one in shlex.split(text)[:-1]]
    assert sources
    for one in sources:
        assert (ROOT / one).exists(), one
        assert any(fnmatch(one, pattern) for pattern in allowed), one


def test_packages_come_with_hashes_and_the_base_by_its_version() -> None:
    (base,) = texts("FROM")
    assert TOOL.SUITE in base.rpartition(":")[2]
    installing = [part for line in texts("RUN") for part in line.split("&&") if "pip" in part]
    assert [("--require-hashes" in one, "--no-deps" in one) for one in installing] == [
        (True, False),
        (False, True),
    ]


def test_it_does_not_end_as_root() -> None:
    assert texts("USER")[-1] not in {"root", "0"}


def test_a_folder_is_copied_by_what_is_in_it_and_a_file_into_a_folder(tmp_path: Path) -> None:
    (tmp_path / "source/deep").mkdir(parents=True)
    (tmp_path / "source/deep/x").write_text("x")
    TOOL.copy(tmp_path / "source", tmp_path / "target", into=False)
    TOOL.copy(tmp_path / "source/deep/x", tmp_path / "folder", into=True)
    TOOL.copy(tmp_path / "source/deep/x", tmp_path / "named", into=False)
    assert (tmp_path / "target/deep/x").is_file()
    assert (tmp_path / "folder/x").is_file()
    assert (tmp_path / "named").is_file()


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (["root", "--made"], (["root", "--made"], [])),
        (["root", "--made", "--", "ci", "--out", "x"], (["root", "--made"], ["ci", "--out", "x"])),
        (["root", "--", "-c", "a -- b", "--"], (["root"], ["-c", "a -- b", "--"])),
    ],
)
def test_what_follows_the_first_dashes_is_the_programs(
    line: list[str], parts: tuple[list[str], list[str]]
) -> None:
    assert TOOL.parted(line) == parts


def test_in_a_root_that_is_made_only_what_is_said_of_programs_is_taken() -> None:
    said = {one.name for one in STEPS} - TOOL.MAKES
    assert said == {"ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
