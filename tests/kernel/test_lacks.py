"""What the room lacks takes one statement of a cell, and whatever else fails ends it as ever."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.kernel import lacks
from grader.kernel.lacks import spelling
from grader.live.answer import Answer
from tests.support.played_kernel import Kernel

GONE = "grader_tests_need_no_such_package"
LIBRARY = (
    "def library(source, name='/x/site-packages/lib/core.py', **names):\n"
    "    exec(compile(source, name, 'exec'), {'__name__': 'lib', **names})\n"
    "class config:\n"
    "    def list_physical_devices(kind): return []\n"
    "    def set_memory_growth(device, flag): pass\n"
)


class Told:
    """Takes remarks."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []

    def tell(self, kind: str, what: str, instead: str = "") -> None:
        self.heard.append((kind, what, instead))


class Room:
    """A shell with the rules in force, and what it said."""

    def __init__(self, said: Sequence[str] = (), epochs: int | None = None) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell(config=config)
        self.kernel = Kernel("grader_left_out")
        self.shown: list[str] = []
        self.shell._showtraceback = lambda kind, *_: self.shown.append(kind.__name__)
        self.remarks = Told()
        lacks.install(self.shell, self.kernel, self.remarks, said, epochs)
        self.shell.user_ns["input"] = lambda prompt="": self.kernel.raw_input(prompt)
        self.run(LIBRARY)

    def run(self, source: str) -> BaseException | None:
        """Run a cell; gives the exception that ended it."""
        result = self.shell.run_cell(source)
        return result.error_before_exec or result.error_in_exec

    @property
    def left_out(self) -> list[tuple[int, str, str]]:
        return [(one["line"], one["kind"], one["what"]) for one in self.kernel.told]

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What the room has under the name of our own package."""
    place = Path(lacks.__file__).parents[1] / "site" / "grader.py"
    spec = importlib.util.spec_from_file_location("grader", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "grader", module)
    return module


@pytest.fixture
def room() -> Iterator[Room]:
    before = sys.displayhook, sys.excepthook
    yield Room()
    sys.displayhook, sys.excepthook = before


# --- one line does not take its cell along -------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kind", "what"),
    [
        (f"import {GONE}", "package", GONE),
        (f"import {GONE} as short", "package", GONE),
        (f"from {GONE}.metrics import error", "package", GONE),
        (f"from {GONE} import *", "package", GONE),
        (f"__import__('importlib').import_module('{GONE}.sub')", "package", GONE),
        (f"%load_ext {GONE}", "package", GONE),
        (f"try:\n    import {GONE}\nexcept ImportError:\n    raise", "package", GONE),
        (f"%{GONE} --logdir logs", "magic", f"%{GONE}"),
        (
            "library('raise ImportError(\"You must install pydot (`pip install pydot`)\")')",
            "package",
            "pydot",
        ),
        (
            "library(\"raise ImportError('You must install graphviz')\")",
            "program",
            "graphviz",
        ),
        (
            "library(\"raise ImportError('IProgress not found. Please update jupyter and"
            " ipywidgets.')\")",
            "package",
            "ipywidgets",
        ),
        (
            f'library("try:\\n    import {GONE}\\nexcept ImportError as error:\\n'
            f"    raise ImportError('Missing optional dependency') from error\")",
            "package",
            GONE,
        ),
        ("config.list_physical_devices('GPU')[0]", "device", "GPU"),
        ("assert config.list_physical_devices('GPU'), 'no GPU'", "device", "GPU"),
        ("open('/usr/share/fonts/truetype/nanum/NoSuchOne.ttf')", "font", "NoSuchOne.ttf"),
        ("open('C:/Windows/Fonts/malgun.ttf')", "font", "malgun.ttf"),
        ("open('/content/drive/MyDrive/data.csv')", "drive", "Google Drive"),
        ("__import__('os').chdir('/content/gdrive/My Drive')", "drive", "Google Drive"),
        ("__import__('os').chdir('/no-such-disk/rnn')", "folder", "/no-such-disk"),
        ("open('C:/Users/kim/data.csv')", "folder", r"C:\Users"),
        (r"__import__('os').chdir(r'D:\과제\rnn')", "folder", r"D:\과제"),
        ("open('/Users/no-such-person/data.csv', 'w')", "folder", "/Users/no-such-person"),
        ("__import__('os').listdir('/home/no-such-person/rnn')", "folder", "/home/no-such-person"),
        (
            "library(\"raise OSError('unable to open file: name = /no-such-disk/m.h5, errno = 2')\")",
            "folder",
            "/no-such-disk",
        ),
        (
            "library(\"raise ValueError('File not found: filepath=D:/models/m.keras.')\")",
            "folder",
            r"D:\models",
        ),
        (f"__import__('subprocess').run(['{GONE}'])", "program", GONE),
        (
            "library(\"raise ImportError('Cannot load backend TkAgg')\","
            " '/x/site-packages/matplotlib/pyplot.py')",
            "display",
            "matplotlib",
        ),
        (
            "library(\"class TclError(Exception): pass\\nraise TclError('no display name')\")",
            "display",
            "tkinter",
        ),
        (
            "library(\"raise ImportError('no name', name='google.colab')\")",
            "colab",
            "google.colab",
        ),
        (
            "library(\"import socket\\ntry:\\n    raise socket.gaierror(-2, 'unknown')\\n"
            "except OSError as error:\\n    raise Exception('URL fetch failure') from error\")",
            "network",
            "internet",
        ),
    ],
)
def test_what_the_room_lacks_is_left_out_and_the_rest_of_the_cell_runs(
    room: Room, line: str, kind: str, what: str
) -> None:
    assert room.run(f"before = 1\n{line}\nafter = 2") is None
    assert (room["before"], room["after"]) == (1, 2)
    ((at, *told),) = room.left_out
    assert (at, told) == (2, [kind, what])
    assert room.shown == []
    assert room.kernel.told[0]["statements"] == 3


@pytest.mark.parametrize(
    "cell",
    [
        "from grader import check\ncheck('char-text')",
        "from grader import check as look\nlook('char-text', model=1, history=None, lang='ko')",
        "import grader\ngrader.check('char-text')",
        "from grader import check\nanswer = check('char-text')\nanswer.hint()\nprint(answer)",
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_a_check_left_in_the_notebook_runs_and_says_one_line(room: Room, cell: str) -> None:
    assert room.run(cell) is None
    assert room.left_out == []


@pytest.mark.parametrize(
    "line",
    [
        "from grader import no_such_name",
        "from grader import check, no_such_name",
        "import grader.no_such_module",
        "from grader.no_such_module import check",
        "__import__('grader').live",
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_the_rest_of_our_own_package_is_not_there(room: Room, line: str) -> None:
    assert room.run(f"before = 1\n{line}\nafter = 2") is None
    assert room["after"] == 2
    assert room.left_out == [(2, "package", "grader")]


def test_the_stand_in_has_what_an_answer_has_and_nothing_in_it(stand_in: ModuleType) -> None:
    given = stand_in.check("char-text", model=None, history=None, lang="ko")
    theirs = {name for name in Answer.__dataclass_fields__ if not name.startswith("_")}
    theirs |= {name for name in dir(Answer) if not name.startswith("_")}
    assert {name for name in dir(given) if not name.startswith("_")} >= theirs
    assert not any(
        (*given.lines, *given.titles, *given.hints, *given.summary, given.model, given.right)
    )
    assert given.marks(None) == ""
    said = {repr(one) for one in (given, given.hint())}
    assert len(said) == 1
    assert given._repr_html_() == given.hint()._repr_html_() == f"<p>{said.pop()}</p>"


def test_a_missing_name_of_an_import_of_several_takes_no_other_along(room: Room) -> None:
    assert room.run(f"import json, {GONE}, {GONE}_too as too, shutil") is None
    assert room["json"].dumps
    assert room["shutil"].move
    assert room.left_out == [(1, "package", GONE), (1, "package", f"{GONE}_too")]


def test_a_statement_that_needs_a_name_left_out_is_left_out_too(room: Room) -> None:
    room.run(f"from {GONE} import error\ndef use(): return error(1)")
    assert room.run("scaled = error(2)\nfurther = scaled + 1\nuse()\nreached = True") is None
    assert room["reached"]
    lines = [(line, what) for line, _, what in room.left_out]
    assert lines == [(1, GONE), (1, GONE), (2, GONE), (3, GONE)]


def test_a_file_that_a_line_left_out_would_have_written_is_missing_for_the_same_reason(
    room: Room,
) -> None:
    room.run(f"import {GONE}\n{GONE}.draw('model.png')")
    assert room.run("shown = open('model.png')\nshown.read()\nreached = True") is None
    assert room["reached"]
    assert room.left_out[2:] == [(1, "package", GONE), (2, "package", GONE)]
    assert isinstance(room.run("open('other.png')"), FileNotFoundError)


MODEL = """
class Model:
    def fit(self, *args, **named): return args, named
    def compile(self, *args, **named): self.compiled = named
model, own = Model(), 'own'
"""


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("fit(1, callbacks=[Plot(), own], epochs=9)", ((1,), {"callbacks": ["own"], "epochs": 9})),
        ("fit(1, callbacks=[own, plot])", ((1,), {"callbacks": ["own"]})),
        ("fit(1, callbacks=(Plot(model), plot.x))", ((1,), {"callbacks": ()})),
        ("fit(1, callbacks=plot)", ((1,), {})),
        ("fit_generator(1, callbacks=[Plot()])", ((1,), {"callbacks": []})),
    ],
)
def test_a_training_goes_on_without_a_callback_that_is_missing(
    room: Room, call: str, value: object
) -> None:
    room.run(f"{MODEL}Model.fit_generator = Model.fit\nfrom {GONE} import Plot\nplot = Plot()")
    told = len(room.left_out)
    assert room.run(f"history = model.{call}\nreached = True") is None
    assert room["history"] == value
    assert room["reached"]
    assert room.left_out[told:] == [(1, "package", GONE)]


def test_a_model_is_compiled_without_a_metric_that_is_missing(room: Room) -> None:
    room.run(f"{MODEL}import {GONE} as more")
    assert room.run("model.compile('adam', loss='mse', metrics=['mae', more.F1()])") is None
    assert room["model"].compiled == {"loss": "mse", "metrics": ["mae"]}


@pytest.mark.parametrize(
    "line",
    ["model.fit(data)", "model.compile(more.Adam(), metrics=['mae'])", "fit(callbacks=[more])"],
)
def test_a_call_that_needs_what_is_missing_otherwise_is_left_out(room: Room, line: str) -> None:
    room.run(f"{MODEL}from {GONE} import data, more, fit")
    assert room.run(f"value = {line}\nreached = True") is None
    assert room["reached"]
    assert "value" not in room.shell.user_ns
    assert not hasattr(room["model"], "compiled")


def test_an_error_of_what_is_left_of_a_training_is_the_students(room: Room) -> None:
    room.run(f"{MODEL}from {GONE} import Plot")
    cell = "told = model.fit(1, callbacks=[Plot()], epochs=unknown)"
    assert isinstance(room.run(cell), NameError)
    assert isinstance(room.run("told"), NameError)


def test_a_name_is_missing_only_while_nobody_binds_it(room: Room) -> None:
    assert room.run(f"from {GONE} import error\nerror = abs\nvalue = error(-3)") is None
    assert room["value"] == 3
    assert len(room.left_out) == 1


def test_where_a_gpu_was_asked_for_the_students_own_check_is_about_it(room: Room) -> None:
    cell = "found = config.list_physical_devices('GPU')\ncount = len(found)\n"
    assert room.run(f"{cell}if count == 0:\n    raise SystemError('no GPU')\nreached = 1") is None
    assert room.run("config.set_memory_growth(found[0], True)\nreached = 2") is None
    assert room["reached"] == 2
    assert {kind for _, kind, _ in room.left_out} == {"device"}


def test_a_function_that_looks_for_a_gpu_is_about_it_as_well(room: Room) -> None:
    room.run("def check():\n    if not config.list_physical_devices('GPU'): raise RuntimeError")
    assert room.run("check()\nreached = 1") is None
    assert room.left_out == [(1, "device", "GPU")]


def test_what_a_magic_runs_as_a_cell_is_treated_alike(room: Room) -> None:
    assert room.run(f"%%capture\nimport {GONE}\ninside = 4") is None
    assert room["inside"] == 4


@pytest.mark.parametrize(
    "name",
    [
        "tkinter",
        "cupy",
        "timm",
        "umap",
        "ujson",
        "pickle5",
        "pathlib2",
        "sympy",
        "simpy",
        "ngboost",
    ],
)
def test_a_package_whose_name_resembles_another_one_is_no_slip(name: str) -> None:
    assert not spelling.is_slip(name)


# --- every other error ends the cell -------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("raise ImportError('mine')", "ImportError"),
        (f"raise ModuleNotFoundError('mine', name='{GONE}')", "ModuleNotFoundError"),
        ("from json import no_such_name", "ImportError"),
        ("import json.nothing", "ModuleNotFoundError"),
        ("import Numpy", "ModuleNotFoundError"),
        ("import pandsa", "ModuleNotFoundError"),
        ("import kears as K", "ModuleNotFoundError"),
        ("import tensorflo", "ModuleNotFoundError"),
        ("import ramdom", "ModuleNotFoundError"),
        ("import maths", "ModuleNotFoundError"),
        ("import Math", "ModuleNotFoundError"),
        ("from colections import Counter", "ModuleNotFoundError"),
        ("import scipyy", "ModuleNotFoundError"),
        ("import urllib2", "ModuleNotFoundError"),
        ("import cPickle as pickle", "ModuleNotFoundError"),
        ("from StringIO import StringIO", "ModuleNotFoundError"),
        ("import ConfigParser", "ModuleNotFoundError"),
        ("import Queue", "ModuleNotFoundError"),
        ("import utils", "ModuleNotFoundError"),
        ("undefined", "NameError"),
        ("raise NameError('error')", "NameError"),
        ("[][0]", "IndexError"),
        ("assert False", "AssertionError"),
        ("open('data.csv')", "FileNotFoundError"),
        ("open('/no-such-file.csv')", "FileNotFoundError"),
        ("open('/tmp/no-such-folder/data.csv')", "FileNotFoundError"),
        ("raise FileNotFoundError(2, 'gone', 'C:/Users/kim/data.csv')", "FileNotFoundError"),
        ("raise ValueError('https://no.such.site/content/x')", "ValueError"),
        ("library(\"raise ValueError('must end in .keras: filepath=/content/m')\")", "ValueError"),
        ("library(\"raise ValueError('see https://no.such.site/content/x')\")", "ValueError"),
        ("raise SystemError('GPU device not found')", "SystemError"),
        ("raise OSError('/content/drive')", "OSError"),
        ("library('raise IndexError')", "IndexError"),
        ("library(\"raise ImportError('broken')\")", "ImportError"),
    ],
)
def test_any_other_error_ends_its_cell(room: Room, line: str, error: str) -> None:
    ended = room.run(f"before = 1\n{line}\nafter = 2")
    assert type(ended).__name__ == error
    assert room.shown == [error]
    assert room["before"] == 1
    assert "after" not in room.shell.user_ns
    assert room.left_out == []


def test_an_error_is_not_about_a_gpu_only_since_one_was_asked_for_before(room: Room) -> None:
    room.run("gpus = config.list_physical_devices('GPU')\nmodel = [len(gpus) or 1]")
    assert isinstance(room.run("model[7]"), IndexError)
    assert isinstance(room.run("raise ValueError(model)"), ValueError)
    assert room.left_out == []


@pytest.mark.parametrize(
    "block",
    [
        "with nullcontext(config.list_physical_devices('GPU')):",
        "for _ in range(len(config.list_physical_devices('GPU')) + 1):",
        "if not config.list_physical_devices('GPU'):",
    ],
)
def test_what_is_made_in_a_block_that_asks_for_a_gpu_is_none(room: Room, block: str) -> None:
    room.run(f"from contextlib import nullcontext\n{block}\n    history = [1]")
    assert isinstance(room.run("history[7]"), IndexError)
    assert room.left_out == []


def test_a_gpu_that_is_looked_for_in_a_block_is_one(room: Room) -> None:
    room.run("try:\n    gpus = config.list_physical_devices('GPU')\nexcept ValueError:\n    pass")
    assert room.run("gpus[0]\nreached = 1") is None
    assert room.left_out == [(1, "device", "GPU")]


def test_a_cell_without_a_lack_says_what_it_said_without_the_rules(
    room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = "print('one')\nx = 2\nfor n in range(2):\n    print(n)\nx + 1"
    room.run(cell)
    with_rules = capsys.readouterr()
    shell = room.shell
    for name in ("run_ast_nodes", "run_code", "showtraceback"):
        delattr(shell, name)
    room.run(cell)
    assert capsys.readouterr() == with_rules
    assert room.left_out == []


# --- somebody who answers ------------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Our own files are not below the notebook's folder, where they would be the student's."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("said", "prompt"),
    [
        (["몇 번? 1000\n"], "몇 번? "),  # Colab and the older Jupyter
        (["몇 번?  1000\n"], "몇 번? "),  # JupyterLab
        (["시작\n몇 번? 1000\n끝\n"], "몇 번? "),
        (["1000\n"], ""),
        ([], "몇 번? (기본 1000) "),
        (["something else\n"], "between 1 and 1000: "),
    ],
)
def test_what_the_author_typed_or_the_prompt_names_is_the_answer(
    said: list[str], prompt: str
) -> None:
    room = Room(said)
    assert room.run(f"n = int(input({prompt!r}))") is None
    assert room["n"] == 1000
    assert room.remarks.heard == [("asked", "input()", "1000")]
    assert room.left_out == []


def test_answers_are_given_in_the_order_in_which_they_were_typed() -> None:
    room = Room(["n: 3\nn: 4\n"])
    room.run("a = [input('n: ') for _ in range(2)]")
    assert room["a"] == ["3", "4"]


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("line", ["n = int(input('epochs: '))", "epochs = int(input())"])
def test_the_exercises_epochs_answer_a_line_about_epochs(line: str) -> None:
    room = Room(epochs=100)
    assert room.run(line) is None
    assert room[line.partition(" ")[0]] == 100


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "line", ["n = int(input('n') or 7)", "try: n = int(input('n'))\nexcept ValueError: n = 7"]
)
def test_enter_takes_the_lines_own_default(line: str) -> None:
    room = Room(epochs=100)
    assert room.run(line) is None
    assert room["n"] == 7
    assert room.remarks.heard == [("asked", "input()", "")]


@pytest.mark.parametrize(
    "line",
    [
        "n = int(input('n'))",
        "a, n = input().split()",
        "n = eval(input())",
        "n = {'1': 2}[input()]",
        "while True:\n    n = input()\n    if n == 'q': break",
    ],
)
def test_a_line_that_needs_an_answer_is_left_out_and_the_rest_of_the_cell_runs(line: str) -> None:
    room = Room()
    assert room.run(f"{line}\nlater = 1") is None
    assert room["later"] == 1
    assert [one[1:] for one in room.left_out] == [("person", "input()")]


def test_a_mistake_in_another_line_than_that_which_asks_stays_one(room: Room) -> None:
    assert isinstance(room.run("n = input('n')\nm = int('x')"), ValueError)
    assert room.left_out == []
