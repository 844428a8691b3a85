"""What loading a module brings with it, and what must be in no module at all.

Who may import whom is in ``.importlinter``. Here is what it cannot see: modules that are imported
by their path inside rooms, and what a fresh interpreter holds after an import.
"""

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
INSIDE = ("kernel", "driver", "evaluation", "room.inside")  # what runs in rooms
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


def runs_inside(name: str) -> str | None:
    """The folder below ``grader`` whose programs run in rooms, for a module of it."""
    below = name.removeprefix("grader.")
    return next((part for part in INSIDE if below == part or below.startswith(f"{part}.")), None)


JUDGE = [name for name in MODULES if not runs_inside(name) and name != "grader.__main__"]


@pytest.mark.parametrize("name", [n for n in MODULES if runs_inside(n)])
def test_what_runs_in_a_room_imports_nothing_from_outside_its_folder(name: str) -> None:
    own = f"grader.{runs_inside(name)}"
    for one in imported(name):
        assert not one.startswith("grader") or one.startswith(own), one


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
    # The two ends of one socket, both our own code with the same rights: no student's bytes.
    ends = {"grader.pipeline.judges", "grader.pipeline.judge_worker"}
    assert ends <= set(JUDGE)
    for name in JUDGE:
        kept_out = forbidden - ({"pickle"} if name in ends else set())
        assert kept_out.isdisjoint(imported(name)), name
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
