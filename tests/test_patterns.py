"""Every pattern of the project looks through a text in a number of steps in proportion to it.

A pattern that goes over the same characters again and again holds the judge for hours, and whole
classes with it. The patterns are found in the source, so a new one is tried without a word here.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from grader.cli.check_lines import pattern_of
from grader.course.rewording import any_of
from grader.record.forgetting import whole_names
from grader.score.hints_errors import tables
from grader.text.words import LANGUAGES, Words
from tests.support.pattern_steps import Meter, TooManyStepsError
from tests.support.pattern_texts import recipes

ROOT = Path(__file__).parent.parent
PLACES = ("grader", "tools", "benchmarks", "reference", "assignments")
LEAST = 40  # characters of the shorter text, against one four times as long
REPEATED = 6  # times that a piece stands in it at least
# Four times the text may take six times the steps, and a few for each character: where a short text
# is given up before it gets there. Looking at each one from each other one takes sixteen times.
GROWTH, SPARE = 6, 4
MOST = 10**6  # steps for the shorter text
USES = frozenset({"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
FUNCTIONS = USES | {"compile"}
# Patterns that are no constants: where they come from.
MADE = {
    "grader/cli/check_lines.py": lambda: [pattern_of(7, Words(lang)) for lang in LANGUAGES],
    "grader/course/rewording.py": lambda: [any_of(["a", "a a", "aaa", "aab"])],
    "grader/record/forgetting.py": lambda: [whole_names(["a", "a a", "aaa", "aab"])],
    "grader/score/hints_errors.py": list,  # see of_the_tables
}


@dataclass(frozen=True)
class Found:
    """A pattern, where it stands, and whether it looks at a text from its beginning only."""

    place: str
    pattern: re.Pattern[Any]
    anchored: str = ""


@cache
def sources() -> dict[str, ast.Module]:
    """Every Python file of ours, by its path."""
    paths = sorted(path for place in PLACES for path in (ROOT / place).rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_bytes()) for path in paths}


@cache
def uses() -> dict[str, set[str]]:
    """What is done with a pattern of a name: a private one in its own file, others wherever."""
    found: dict[str, set[str]] = {}
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in USES:
                owner = node.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                found.setdefault(known_as(path, name), set()).add(node.attr)
    return found


def known_as(path: str, name: str) -> str:
    """Tell apart what two files call by the same private name."""
    return f"{path} {name}" if name.startswith("_") else name


def anchored(path: str, names: set[str]) -> str:
    """How patterns of these names are used: "" where not each time from a text's beginning."""
    done = set().union(*(uses().get(known_as(path, name), set()) for name in names))
    return next(iter(done)) if done in ({"match"}, {"fullmatch"}) else ""


def in_the_source() -> Iterator[Found]:
    """Patterns that stand in the code."""
    for path, tree in sources().items():
        names = {
            id(node.value): {target.id for target in node.targets if isinstance(target, ast.Name)}
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            if not (isinstance(owner, ast.Name) and owner.id == "re"):
                continue
            if node.func.attr not in FUNCTIONS:
                continue
            place, called = f"{path}:{node.lineno}", names.get(id(node), set())
            how = anchored(path, called) if node.func.attr == "compile" else node.func.attr
            how = how if how in ("match", "fullmatch") else ""
            if (pattern := constant(node)) is not None:
                yield Found(place, pattern, how)
            elif called:
                module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
                yield from (Found(place, getattr(module, name), how) for name in called)
            else:
                yield from (Found(place, one, how) for one in MADE[path]())


def constant(call: ast.Call) -> re.Pattern[Any] | None:
    """The pattern of a call, where it is written out."""
    if not isinstance(call.args[0], ast.Constant):
        return None
    at = 1 if isinstance(call.func, ast.Attribute) and call.func.attr == "compile" else 99
    flags = [*call.args[at : at + 1], *(k.value for k in call.keywords if k.arg == "flags")]
    known = {name: getattr(re, name) for name in dir(re) if name.isupper()}
    value = re.RegexFlag(0)
    for flag in (node for one in flags for node in ast.walk(one)):
        if isinstance(flag, ast.Attribute):
            value |= known[flag.attr]
    return re.compile(call.args[0].value, value)


def of_the_tables() -> Iterator[Found]:
    """Patterns that the table of exceptions holds."""
    for renamed in tables().renamed:
        yield from (Found(f"renamed: {renamed.old}", one) for one in renamed.pattern)
    for rule in tables().rules:
        yield Found(f"rule: {rule.message}", rule.error, "fullmatch")
        yield from (Found(f"rule: {rule.message}", one) for one in rule.pattern)
        yield Found(f"rule: {rule.message}", rule.within)


def every() -> list[Found]:
    """All of them, each once."""
    found = {(one.pattern, one.anchored): one for one in (*in_the_source(), *of_the_tables())}
    return sorted(found.values(), key=lambda one: one.place)


def worst(pattern: re.Pattern[Any], how: str = "") -> str:
    """Say for which text the steps grow faster than it; "" where there is none."""
    meter = Meter(pattern)
    for recipe in recipes(pattern):
        size = max(LEAST, REPEATED * max(map(len, recipe.pumps)))
        short, long = recipe.of_length(size), recipe.of_length(4 * size)
        steps, allowed = 0, MOST
        try:
            steps = meter.count(short, anchored=how, bound=allowed)
            allowed = GROWTH * steps + SPARE * len(long)
            meter.count(long, anchored=how, bound=allowed)
        except TooManyStepsError:
            return f"{recipe}: {steps} steps for {len(short)}, over {allowed} for {len(long)}"
    return ""


@pytest.mark.parametrize("found", every(), ids=lambda one: f"{one.place} {one.pattern.pattern!r}")
def test_steps_grow_as_the_text_does(found: Found) -> None:
    """Four times as long a text takes four times as many steps, whatever is in it."""
    assert worst(found.pattern, found.anchored) == ""


# What held the judge for hours, or would have, and what is no better.
WORSE = (
    (rb'"(?:[^"\\]|\\.)*+"', re.DOTALL, ""),
    (r"^(?P<indent>\s*)(?:%time\s+([^-\s].*)|[%!?].*|[^#'\"]*\w\?{1,2}\s*)$", 0, "match"),
    (r"^(?P<start>\s*[\w., ]+=\s*)[%!].*$", 0, "match"),
    (r"^\s*[!%]\s*pip3?\s+install\s+(?P<what>[^\n;|&]*)", re.MULTILINE, ""),
    (r"(?P<owner>\w+)\.__init__\(\) missing .*argument.*'(?P<name>\w+)'", 0, ""),
    (r"module 'keras.*backend' has no attribute '\w+'", 0, ""),
    (r"(?:a|a)*b", 0, "match"),
    (r"(\w+\s?)+$", 0, "fullmatch"),
    (r"\d+(?=\d*x)", 0, ""),
)


@pytest.mark.parametrize(("pattern", "flags", "how"), WORSE, ids=lambda one: repr(one)[:40])
def test_a_pattern_that_looks_again_and_again_is_seen(
    pattern: str | bytes, flags: int, how: str
) -> None:
    """Each of these fails the test above."""
    assert "steps" in worst(re.compile(pattern, flags), how)


def test_every_pattern_is_found() -> None:
    """Those that the grader has in its hands are among those that are tried."""
    tried = {one.pattern for one in every()}
    told = re.compile(r"^(?:import|from) re\b", re.MULTILINE)
    paths = [path for path in sources() if told.search((ROOT / path).read_text("utf-8"))]
    assert len(paths) > 20
    for path in paths:
        if path.startswith("grader/"):
            name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            module = importlib.import_module(name)
            held = {one for one in vars(module).values() if isinstance(one, re.Pattern)}
            assert held <= tried, path
