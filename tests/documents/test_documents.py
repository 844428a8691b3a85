"""What the pages say to type can be typed, and what they point at is there."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from grader.cli.app import app
from grader.cli.kept import ALL_ACCEPTED, SOME_NOT
from grader.record import notebook_file
from grader.record.store import Store
from grader.submission import Notebook
from tests.support import builders as b
from tests.support.cli_help import Shell
from tests.support.documents import ROOT, Command, in_blocks, in_sentences, pages, read_blocks

BLOCKS = in_blocks()
# Cheap enough to be run as they stand; the others need rooms, training, a network or hours.
CHEAP = {"--help", "--version", "list", "report", "regrade", "export", "merge", "release", "new"}
CHEAP |= {"log", "similar"}
CHEAP_DATA = {"list", "verify"}
WORDS_A_MINUTE = 238  # silent reading, adults, the mean of 190 studies (Brysbaert 2019)
PATH = re.compile(r"`((?:grader|tests|tools|benchmarks|reference|docs)/[\w./-]*(?:\.\w+|/))`")
MODULE = re.compile(r"`(\w+\.py)`")
OF_A_COURSE = {"checks.py"}  # that an exercise may have; none of ours needs one
OF_A_STUDENT = {"helper.py", "json.py", "tensorflow.py", "numpy.py"}  # as examples
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
ROSTERS = {
    "canvas.csv": "Student,ID,SIS User ID,SIS Login ID,Section\nKim,1,s1,kim,A\n",
    "moodle.csv": "username,Email address\nkim,kim@example.org\n",
}
COMMANDS = "docs/commands.md"  # made from the command line, and compared with it
LEFT_OUT = {"MissingParameter", "BadOptionUsage"}  # what a sentence need not repeat
ABOUT = "classroom assignment assignment_type submission commit release review datetime".split()


def is_cheap(command: Command) -> bool:
    if command.kind != "grader" or "<" in command.text:
        return False
    first, *rest = command.words[1:]
    if first == "release" and "--profile" in rest:
        return False  # makes the larger data anew; tests/authoring does
    return first in CHEAP or (first == "data" and rest[0] in CHEAP_DATA)


def parsed(command: Command, *, whole: bool) -> None:
    """Let the command line read it, up to where the work would begin.

    Args:
        command: the line.
        whole: whether it is all there: a sentence may leave out a path or an option's value.
    """
    group: Any = typer.main.get_command(app)
    words = command.words[1:]
    context = group.make_context("grader", list(words), resilient_parsing=True)
    while hasattr(group, "commands") and words and not words[0].startswith("-"):
        assert words[0] in group.commands, f"no command {words[0]}"
        group, words = group.commands[words[0]], words[1:]
    try:
        group.make_context(group.name, list(words), parent=context)
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if "Exit" in kinds or (not whole and kinds & LEFT_OUT):
            return
        raise AssertionError(f"{type(error).__name__}: {error}") from error


def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def slugs(text: str) -> set[str]:
    """The anchors that a code host gives to headings."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def by_line(commands: list[Command]) -> Any:
    return pytest.mark.parametrize("command", commands, ids=str)


# --- reading pages ---------------------------------------------------------------------------


def test_a_mark_belongs_to_the_block_below_it_and_to_no_other() -> None:
    page = "<!-- not run: slow -->\n```sh\n$ make x  # why\n```\ntext\n```\n# no\nmake y\n```\n"
    found = [(one.words, one.reason) for one in read_blocks("p", page)]
    assert found == [(["make", "x"], "slow"), (["make", "y"], None)]


def test_what_is_no_shell_is_not_taken_for_one() -> None:
    assert not list(read_blocks("p", "```python\nmake y\n```\n```text\nmake z\n```\n"))


@pytest.mark.parametrize(
    "text", ["grader grade", "grader grade x --zzz", "grader xyzzy", "grader data xyzzy"]
)
def test_a_line_that_cannot_be_typed_is_noticed(text: str) -> None:
    with pytest.raises(AssertionError):
        parsed(Command("p", 1, text), whole=True)


# --- blocks ----------------------------------------------------------------------------------


def test_there_are_commands_in_the_pages() -> None:
    assert {one.kind for one in BLOCKS} == {"grader", "make", "module", "script", "other"}


@by_line([one for one in BLOCKS if not is_cheap(one)])
def test_what_no_test_runs_says_why(command: Command) -> None:
    assert command.reason


@by_line([one for one in BLOCKS if one.kind == "grader"])
def test_the_command_line_understands_it(command: Command) -> None:
    parsed(command, whole=True)


@by_line([one for one in in_sentences() if one.words[0] == "grader" and one.page != COMMANDS])
def test_the_command_line_understands_what_a_sentence_says(command: Command) -> None:
    parsed(command, whole=False)


@by_line([one for one in BLOCKS + in_sentences() if one.words[0] == "make"])
def test_the_makefile_has_the_target(command: Command) -> None:
    assert command.words[1] in targets()


@by_line([one for one in BLOCKS if one.kind == "module"])
def test_the_module_is_there(command: Command) -> None:
    assert importlib.util.find_spec(command.words[2])


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What each script says about itself."""
    return {}


@by_line([one for one in BLOCKS if one.kind == "script"])
def test_the_script_is_there_and_knows_its_options(command: Command, helps: dict[str, str]) -> None:
    script, *rest = command.words[1:]
    if script not in helps:
        line = [sys.executable, str(ROOT / script), "--help"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-1000:]
        helps[script] = done.stdout
    assert all(word in helps[script] for word in rest if word.startswith("--"))


# --- the same in two languages ---------------------------------------------------------------


TRANSLATED = [page for page in pages() if page.endswith(".ko.md")]
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
SAID = ("--reason", "--text")  # what a reader's own words follow


def english_of(page: str) -> str:
    return page.removesuffix(".ko.md") + ".md"


def typed(page: str) -> list[list[str]]:
    """The command lines of a page's blocks, without what is said in the reader's language."""
    found = [one.words for one in BLOCKS if one.page == page]
    for words in found:
        if words[-2:] == ["--lang", "ko"]:
            del words[-2:]
        for place, before in enumerate(words[:-1], start=1):
            if before in SAID:
                words[place] = "…"
    return found


def leads_to(page: str) -> set[str]:
    """Which pages a page's links lead to, in whichever language; anchors aside."""
    targets = {target.replace(".ko.md", ".md") for target, _ in LINK.findall(pages()[page])}
    return targets - {""}


def test_there_are_pages_in_korean() -> None:
    assert {one.rpartition("/")[2] for one in TRANSLATED} >= {"student.ko.md", "instructor.ko.md"}


@pytest.mark.parametrize("page", TRANSLATED)
def test_a_translated_page_holds_the_same_commands_in_the_same_order(page: str) -> None:
    assert typed(page) == typed(english_of(page))


@pytest.mark.parametrize("page", TRANSLATED)
def test_a_translated_page_names_the_same_commands_in_its_sentences(page: str) -> None:
    named = {p: {one.text for one in in_sentences() if one.page == p} for p in pages()}
    assert named[page] == named[english_of(page)]


@pytest.mark.parametrize("page", TRANSLATED)
def test_a_translated_page_says_the_same_in_files_and_leads_to_the_same_pages(page: str) -> None:
    files = {p: [tomllib.loads(one) for one in TOML.findall(pages()[p])] for p in pages()}
    assert files[page] == files[english_of(page)]
    assert leads_to(page) == leads_to(english_of(page))


# --- really run ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course, with everything beside it that the pages' examples name."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("assignments", "reference"):
        # Whoever tried that page's `grader new` in this repository has its exercise.
        begun = shutil.ignore_patterns("my-exercise")
        shutil.copytree(ROOT / folder, root / folder, ignore=begun)
    for folder in ("grades", "part1", "part2"):
        Store(root / folder).save(b.record("kim"))
        notebook_file.write(root / folder, b.record("kim").execution_key, Notebook((), None, ""))
    for name, text in ROSTERS.items():
        (root / name).write_text(text, "utf-8")
    (root / "submission.json").write_text(json.dumps(dict.fromkeys(ABOUT, "x")), "utf-8")
    return root


@by_line(list({" ".join(one.words): one for one in BLOCKS if is_cheap(one)}.values()))
def test_it_runs_as_it_stands(
    command: Command,
    course: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Any,
    tmp_path: Path,
) -> None:
    shell = Shell(monkeypatch, capfd, tmp_path)
    monkeypatch.setenv("GRADER_COURSE", str(course))
    monkeypatch.chdir(course)
    said = shell(*command.words[1:])
    assert said.code in {ALL_ACCEPTED, SOME_NOT}, said
    assert (bool(said.out), said.err) == (True, "")


# --- what the pages point at -----------------------------------------------------------------


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_every_link_of_a_page_outside_the_site_leads_somewhere(page: str) -> None:
    for target, anchor in LINK.findall((ROOT / page).read_text("utf-8")):
        path = ROOT / (target or page)
        assert path.exists(), target
        assert not anchor or anchor in slugs(path.read_text("utf-8")), f"{target}#{anchor}"


@pytest.mark.parametrize("page", pages())
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = PATH.findall(pages()[page])
    assert [one for one in named if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("page", pages())
def test_every_module_that_a_page_names_without_its_folder_is_there(page: str) -> None:
    there = {path.name for path in ROOT.glob("[a-z]*/**/*.py")} | OF_A_COURSE | OF_A_STUDENT
    assert [one for one in MODULE.findall(pages()[page]) if one not in there] == []


def test_the_commands_page_says_what_the_commands_say(tmp_path: Path) -> None:
    out = tmp_path / "commands.md"
    line = [sys.executable, str(ROOT / "tools/commands-page.py"), str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(line, env=environment, check=True)
    assert out.read_text("utf-8") == pages()[COMMANDS], "run: make commands-page"


# --- the site --------------------------------------------------------------------------------


def listed(nav: Any) -> Iterator[str]:
    """Every page in the navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for one in nav.values() if isinstance(nav, dict) else nav:
            yield from listed(one)


def test_every_page_is_in_the_navigation_once() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))
    written = [page.removeprefix("docs/") for page in pages() if page.startswith("docs/")]
    assert sorted(listed(settings["project"]["nav"])) == sorted(written)


def test_the_page_on_the_trainer_is_read_in_five_minutes() -> None:
    text = (ROOT / "docs/trainer.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 5 * WORDS_A_MINUTE


def test_every_decision_is_in_the_list_of_decisions() -> None:
    written = sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    assert re.findall(r"\]\((\d[\w.-]*)\)", pages()["docs/adr/index.md"]) == written


@pytest.mark.skipif(not (ROOT / ".site").is_dir(), reason="the site is not built: make docs")
def test_no_page_of_the_site_asks_anybody_else_for_anything() -> None:
    loads = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=\"(?:https?:)?//")
    built = sorted((ROOT / ".site").rglob("*.html"))
    assert built
    assert [page.name for page in built if loads.search(page.read_text("utf-8"))] == []
