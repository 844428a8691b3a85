"""What loading a module brings with it, and what must be in no module at all.

Who may import whom is in ``.importlinter``. Here is what it cannot see: modules that are imported
by their path inside rooms, and what a fresh interpreter holds after an import.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
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


# What a check in a notebook may need: NumPy, and what Python 3.11 lacks of the types that we write.
LIGHT = {"grader", "numpy", "typing_extensions"}


def foreign(source: str) -> set[str]:
    """What is neither of Python nor there before, in a fresh interpreter."""
    before = loaded_by("")
    return {m for m in loaded_by(source) - before if m not in sys.stdlib_module_names}


def test_importing_the_package_loads_nothing_else() -> None:
    assert foreign("import grader") == {"grader"}


def test_a_check_loads_numpy_and_no_other_library_where_there_is_none() -> None:
    """Neither Keras nor pydantic nor Babel; a bundle is looked at, as students have it."""
    source = (
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        kept = {'grader', 'numpy', 'typing_extensions'} | set(sys.stdlib_module_names)\n"
        "        if name.split('.')[0] not in kept and not name.startswith('_'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import os\n"
        "os.environ['GRADER_COURSE'] = {place!r}\n"
        "from grader import check\n"
        "answer = check('multiplication-lstm', lang='ko')\n"
        "assert answer.asked == 3 and not answer.problem, repr(answer)\n"
        "assert '아직' in repr(answer) and '<table' in answer._repr_html_()"
    )
    from grader.authoring.bundle import release
    from grader.course.load import load_course

    with tempfile.TemporaryDirectory() as place:
        release(load_course(ROOT), Path(place))
        assert foreign(source.replace("{place!r}", repr(place))) <= LIGHT


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_command_where_only_the_check_for_notebooks_is_installed_says_what_to_install(
    lang: str,
) -> None:
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('typer', 'pydantic', 'rich', 'psutil', 'babel'):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        f"sys.argv = ['grader', 'check', 'x.ipynb', '--lang', {lang!r}]\n"
        "from grader.__main__ import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert 'pip install "rnn-grader[student]"' in line
    assert "from grader import check" in line


def test_a_check_of_live_models_needs_nothing_more_to_be_imported() -> None:
    light = "grader.live.checking grader.kernel.probe grader.evaluation.worker"
    source = "import importlib\n" + "\n".join(
        f"importlib.import_module({name!r})" for name in light.split()
    )
    assert (
        foreign(source) & {*ENGINES, "babel", "jupyter_client", "nbformat", "zmq", "psutil"}
        == set()
    )


def test_the_judge_never_unpickles_and_never_evaluates_text() -> None:
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    # The two ends of one socket, both our own code with the same rights: no student's bytes.
    ends = {"grader.pipeline.judge_talk", "grader.pipeline.judge_worker"}
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
