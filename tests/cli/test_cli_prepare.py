"""A course's own packages: read from course.toml, missed aloud, installed beside the grader."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from grader import environment
from grader.cli import prepare
from grader.types import GraderError
from tests.support.cli_help import Shell

ROOT = Path(__file__).resolve().parents[2]
GONE = "grader-tests-need-no-such-package"


def test_what_is_installed_is_told_by_name_whatever_is_asked_of_its_version() -> None:
    found = environment.installed(["numpy>=1.0", "pydantic[email]", GONE, f"{GONE}==1.0"])
    assert list(found) == ["numpy", "pydantic"]
    assert environment.missing(["numpy>=1.0", f"{GONE}==1.0"]) == (f"{GONE}==1.0",)


def test_packages_are_installed_beside_the_grader_and_move_no_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []
    bounds: list[str] = []

    def run(argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(argv)
        bounds.extend(Path(argv[argv.index("--constraint") + 1]).read_text("utf-8").split())
        return subprocess.CompletedProcess(argv, 0, "", "")

    monkeypatch.setattr(prepare.subprocess, "run", run)
    prepare.install(["scikeras>=0.13", "konlpy"])
    ((*start, scikeras, konlpy),) = asked
    assert start[:4] == [sys.executable, "-m", "pip", "install"]
    assert start[-1] == "--"
    assert (scikeras, konlpy) == ("scikeras>=0.13", "konlpy")
    assert f"numpy=={environment.versions()['numpy']}" in bounds


def test_what_pip_refuses_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(GraderError) as caught:
        prepare.install([GONE])
    assert caught.value.message.id == "cli.packages_failed"
    assert GONE in str(caught.value.message.args["why"])


def test_without_pip_it_says_where_to_install_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(GraderError) as caught:
        prepare.install(["konlpy"])
    told = caught.value.message
    assert told.id == "cli.packages_no_pip"
    assert told.args == {"packages": "konlpy", "python": sys.executable}


def test_what_notebooks_usually_import_is_what_the_extra_installs_and_keys_know() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extra = {one.split(">")[0] for one in project["optional-dependencies"]["room"]}
    assert extra == {*environment.USUAL, "matplotlib", "pandas", "tensorflow"}


def test_the_key_that_signs_is_made_first_and_its_public_half_lies_beside_it(
    monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
) -> None:
    from grader.record import signing

    monkeypatch.setattr(prepare.environment, "engines", lambda: ())
    monkeypatch.setattr(prepare.environment, "missing", lambda _: ())
    said = Shell(monkeypatch, capfd, tmp_path)("prepare", "--lang", "en")
    assert said.code == 2  # without JAX nothing can be compiled
    public = tmp_path / signing.PUBLIC_NAME
    assert public.read_text("ascii").strip() == signing.public_half(tmp_path / signing.KEY_NAME)
    assert str(public) in said.out


def test_the_course_secret_is_made_and_said_where(
    monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
) -> None:
    """Before anything that may take long or fail: whoever grades elsewhere wants it alone."""
    shell = Shell(monkeypatch, capfd, tmp_path)
    monkeypatch.setenv("GRADER_SIGNING_KEY_FILE", str(tmp_path / "signing-key"))
    monkeypatch.setattr(environment, "engines", tuple)
    said = shell("prepare", "--lang", "en")
    assert (said.code, str(tmp_path / "secret") in said.out) == (2, True)
    made = (tmp_path / "secret").read_bytes()
    assert len(made) >= 32
    shell("prepare", "--lang", "en")
    assert (tmp_path / "secret").read_bytes() == made
