"""Who imports whom: the rules of docs/architecture.md, read from the sources and tried for real."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "grader"
INSIDE = ("kernel", "driver", "evaluation")  # what runs in rooms
ALLOWED = "grader.evaluation.allowed"  # the allow-list, which the judge shares with its room
STAGES = {"collect", "execute", "extract", "score", "record", "report"}
# Joins stages: the pipeline with its job, calibration with its measurement, and the commands.
JOINERS = {"pipeline", "regrade", "job", "calibration", "cli"}
ENGINES = "tensorflow keras h5py jax jaxlib nbconvert pandas scipy matplotlib torch".split()


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imported(name: str) -> Iterator[str]:
    """What a module imports, at its top or late, but not for type checkers alone."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    is_package = MODULES[name].name == "__init__.py"
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = name.split(".")[: None if is_package else -1]
                parent = parent[: len(parent) - node.level + 1]
                base = ".".join([*parent, *filter(None, [base])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        waiting.extend(ast.iter_child_nodes(node))


def part_of(name: str) -> str:
    """The part of the package that a module belongs to: ``grader.report.html`` is of ``report``."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def of_the_package(name: str) -> set[str]:
    """The parts of the package that a module imports."""
    return {part_of(one) for one in imported(name) if one in MODULES} - {""}


JUDGE = [name for name in MODULES if part_of(name) not in INSIDE and part_of(name) != "__main__"]


def test_every_stage_is_there() -> None:
    assert {part_of(name) for name in MODULES} >= STAGES | JOINERS


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_stages_never_import_each_other(stage: str) -> None:
    for name in MODULES:
        if part_of(name) == stage:
            assert of_the_package(name) & STAGES <= {stage}, name


@pytest.mark.parametrize("name", JUDGE)
def test_only_what_joins_stages_imports_them(name: str) -> None:
    part = part_of(name)
    if part in JOINERS or part in STAGES:
        return
    # Reporting and records are also words of their own: what is imported here is data, never work.
    assert of_the_package(name) & {"collect", "execute", "extract", "score"} == set()


@pytest.mark.parametrize("name", [n for n in MODULES if part_of(n) in INSIDE])
def test_what_runs_in_a_room_imports_nothing_of_the_judges(name: str) -> None:
    own = f"grader.{part_of(name)}"
    for one in imported(name):
        assert not one.startswith("grader") or one.startswith(own), one


@pytest.mark.parametrize("name", JUDGE)
def test_the_judge_knows_of_the_rooms_scripts_only_the_allow_list(name: str) -> None:
    inside = [one for one in imported(name) if part_of(one) in INSIDE and one.startswith("grader.")]
    assert all(one.startswith(ALLOWED) for one in inside)


def loaded_by(source: str) -> set[str]:
    """The top-level modules in a fresh interpreter after running some lines."""
    code = f"import json, sys\n{source}\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_whole_judge_loads_no_engine_and_no_heavy_library() -> None:
    source = "import importlib\n" + "\n".join(f"importlib.import_module({n!r})" for n in JUDGE)
    assert loaded_by(source) & set(ENGINES) == set()


def test_help_loads_nothing_but_what_prints_it() -> None:
    source = (
        "sys.argv = ['grader', '--help']\n"
        "import contextlib, io, runpy\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    runpy.run_module('grader', run_name='__main__')\n"
        "assert 'grade' in out.getvalue()"
    )
    heavy = {"numpy", "pydantic", "jinja2", "babel", "zmq", "jupyter_client", "nbformat", "psutil"}
    assert loaded_by(source) & (heavy | set(ENGINES)) == set()


def test_the_judge_never_unpickles_and_never_evaluates_text() -> None:
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for name in JUDGE:
        assert forbidden.isdisjoint(imported(name)), name
        tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
        called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert called.isdisjoint({"eval", "exec"}), name


def test_numpy_is_never_allowed_to_unpickle() -> None:
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"np.load", "numpy.load"}:
                allowed = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert allowed.get("allow_pickle") == "False", name
