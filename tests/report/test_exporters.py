"""An exporter is a file in a folder: found by its name, refused by name where it is not one."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.record.store import Store
from grader.report import exporters
from grader.types import GraderError
from tests.support import builders as b
from tests.support.cli_help import ROOT, Shell

PAGE = ROOT / "docs" / "adding-an-exporter.md"
FOLDER = ROOT / "grader/report/exporters"
OURS = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
Add = Callable[[str, str], Path]


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Puts one file where exporters are looked for, for the time of a test."""
    folder = tmp_path / "exporters"
    folder.mkdir()
    monkeypatch.setattr(exporters, "__path__", [*exporters.__path__, str(folder)])

    def file(name: str, source: str) -> Path:
        path = folder / f"{name}.py"
        path.write_text(source, "utf-8")
        importlib.invalidate_caches()
        module = f"{exporters.__name__}.{name}"
        monkeypatch.setitem(sys.modules, module, None)  # so that it is forgotten at the end
        del sys.modules[module]
        monkeypatch.setattr(exporters, name, None, raising=False)
        return path

    return file


@pytest.fixture
def shell(shell: Shell) -> Shell:
    store = Store(shell.out)
    for record in (b.record("kim"), b.record("lee"), b.record("stranger"), b.ungraded("park")):
        store.save(record)
    return shell


def example() -> str:
    """The one whole exporter of the page for newcomers."""
    (source,) = re.findall(r"```python\n(.+?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(source)


def test_the_folder_is_the_list() -> None:
    assert list(exporters.known()) == OURS
    assert {"canvas", "classroom50", "gradescope", "moodle", "nbgrader"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_each_of_ours_is_one(name: str) -> None:
    assert exporters.load(name).name == name


def test_a_file_alone_adds_one(shell: Shell, add: Add, tmp_path: Path) -> None:
    add("register", example())
    roster = tmp_path / "students.csv"
    roster.write_text("Number,Name\n7,Kim\n8,Lee\n9,Park\n", "utf-8")
    said = shell(
        "export", "--format", "register", "--out", shell.out, "--roster", roster, "--lang", "en"
    )
    written = (shell.out / "export" / "register" / "register.csv").read_text("utf-8")
    title = "The multiplication problem with LSTM"
    assert written == f"Number,{title}\n7,100.00\n8,100.00\n9,\n"
    assert said.code == 3
    strangers, waiting = said.err.splitlines()
    assert "stranger" in strangers
    assert "park" in waiting


def test_a_roster_without_what_the_file_must_say_is_refused(
    shell: Shell, add: Add, tmp_path: Path
) -> None:
    add("register", example())
    roster = tmp_path / "students.csv"
    roster.write_text("Name\nKim\n", "utf-8")
    said = shell(
        "export", "--format", "register", "--out", shell.out, "--roster", roster, "--lang", "en"
    )
    assert said.code == 2
    assert f"{roster} has no column Number." in said.line
    assert not (shell.out / "export").exists()


def test_the_page_runs_the_command_it_shows(shell: Shell, add: Add) -> None:
    add("register", example())
    (command,) = re.findall(r"`grader (export --format register .+?)`", PAGE.read_text("utf-8"))
    shell.monkeypatch.chdir(shell.out.parent)
    shell.out.rename("grades")
    Path("students.csv").write_text("Number,Name\n7,kim\n8,lee\n9,park\n10,stranger\n", "utf-8")
    shell(*command.split())
    assert Path("grades/export/register/register.csv").is_file()


def test_what_about_must_say_is_asked_for(shell: Shell, add: Add, tmp_path: Path) -> None:
    add(
        "term",
        'ABOUT = ("term",)\n\n\ndef files(export):\n    yield "t", export.about["term"].encode()\n',
    )
    export = ("export", "--format", "term", "--out", shell.out, "--lang", "en")
    said = shell(*export)
    assert (said.code, "term wants to know" in said.line) == (2, True)
    about = tmp_path / "about.json"
    about.write_text(json.dumps({"term": 2}), "utf-8")
    shell(*export, "--about", about)
    assert (shell.out / "export" / "term" / "t").read_text() == "2"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_an_unknown_one_is_answered_with_the_known(shell: Shell, lang: str) -> None:
    said = shell("export", "--format", "no-such-system", "--out", shell.out, "--lang", lang)
    assert said.code == 2
    assert "no-such-system" in said.line
    assert ", ".join(OURS) in said.line


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("", "files(export)"),
        ("files = 3\n", "files(export)"),
        ('KEYS = "Number"\n\n\ndef files(export):\n    yield\n', "KEYS"),
        ("ABOUT = (1,)\n\n\ndef files(export):\n    yield\n", "ABOUT"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_file_that_is_none_is_named(
    shell: Shell, add: Add, lang: str, source: str, wanted: str
) -> None:
    path = add("halfway", source)
    said = shell("export", "--format", "halfway", "--out", shell.out, "--lang", lang)
    assert said.code == 2
    assert str(path) in said.line
    assert wanted in said.line


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def files(", "SyntaxError"),
        ("import no_such_module", "no_such_module"),
        ("raise SystemExit('stop')", "stop"),
    ],
    ids=["syntax", "import", "leaves the program"],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_file_that_cannot_be_loaded_is_named(
    shell: Shell, add: Add, lang: str, source: str, error: str
) -> None:
    path = add("broken", source)
    said = shell("export", "--format", "broken", "--out", shell.out, "--lang", lang)
    assert said.code == 2
    assert str(path) in said.line
    assert error in said.line


@pytest.mark.parametrize(
    "name", ["../grades.db", "/tmp/elsewhere", "a/../../b", "", "..", "."], ids=repr
)
def test_no_file_is_written_beside_the_export(shell: Shell, add: Add, name: str) -> None:
    source = f"def files(export):\n    yield 'first', b''\n    yield {name!r}, b'x'\n"
    add("climber", source)
    said = shell("export", "--format", "climber", "--out", shell.out, "--lang", "en")
    assert said.code == 2
    assert repr(name) in said.line
    assert not (shell.out / "export").exists()


def test_only_names_that_can_be_imported_are_known(add: Add, tmp_path: Path) -> None:
    for name in ("of-2026", "two.parts", "with space"):
        add(name, "")
    (tmp_path / "exporters" / "folder.py").mkdir()
    assert list(exporters.known()) == OURS


def test_what_begins_with_an_underscore_is_none(add: Add) -> None:
    add("_shared", "")
    assert "_shared" not in exporters.known()
    with pytest.raises(GraderError):
        exporters.load("_shared")


def test_help_names_a_new_one_and_imports_none(tmp_path: Path) -> None:
    # Some versions of typer import pydantic by themselves; ours is not asked.
    (tmp_path / "register.py").write_text("raise SystemExit('imported')\n", "utf-8")
    source = (
        "import contextlib, io, runpy, sys\n"
        "from grader.report import exporters\n"
        f"exporters.__path__.append({str(tmp_path)!r})\n"
        "sys.argv = ['grader', 'export', '--help']\n"
        "with contextlib.suppress(SystemExit):\n"
        "    runpy.run_module('grader', run_name='__main__')\n"
        "heavy = {'numpy', 'jinja2', 'babel', 'pandas', 'psutil', 'grader.types'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert not [one for one in sys.modules if one.startswith('grader.report.exporters.')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "|".join(sorted({*OURS, "register"})) in re.sub(r"\s", "", done.stdout)
