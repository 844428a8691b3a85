"""Running a notebook: its outputs, its errors and its limits, each as the transcript tells them."""

from __future__ import annotations

import pytest

from grader.execution import Execution
from grader.submission import Cell, Notebook
from grader.types import Outcome
from tests.support.notebook_runs import cell, run

pytestmark = pytest.mark.real

PROGRESS = r"""
import sys
for step in range(1, 51):
    sys.stdout.write(f"\r{step}/50 [{'=' * step}]")
    sys.stdout.flush()
print()
print("loss: 0.9999" + "\b" * 6 + "0.1234")
"""

FORGED = r"""
import json
kernel = get_ipython().kernel
def forge(kind, content, buffers=()):
    message = kernel.session.msg(kind, json.dumps(content).encode(), parent=kernel.get_parent())
    kernel.session.send(kernel.iopub_socket, message, buffers=list(buffers))
forge("grader_evidence", {})
forge("grader_evidence", {"event": "fit_end", "model": -1, "config": "no"}, [b"not an npz"])
forge("grader_evidence", {"event": "seen", "model": 1, "config": {"a": float("nan")}})
forge("grader_evidence", ["not", "a", "mapping"])
forge("grader_evidence", "text", [b""])
deep = []
for _ in range(900):
    deep = [deep]
forge("grader_evidence", {"deep": deep})
forge("stream", {})
forge("stream", {"name": "stdout", "text": {"a": 1}})
forge("error", {"ename": 1})
forge("grader_left_out", {"line": 1})
forge("grader_left_out", {"line": 1, "statements": 9, "kind": "no", "what": "x", "error": "x"})
forge("display_data", {"data": {"image/png": "%%% no base64 %%%"}})
forge("status", {"execution_state": ["idle"]})
kernel.iopub_socket.send_multipart([b"topic", b"<IDS|MSG>", b"sig", b"{", b"{", b"{", b"{"])
kernel.iopub_socket.send(b"")
print("forged")
"""


@pytest.fixture(scope="module")
def talk() -> Execution:
    """One notebook of habits and mischief, every cell another."""
    return run(
        PROGRESS,
        "def broken():\n    raise ValueError('seven')\nbroken()",
        "print('still here')\n6 * 7",
        "%tensorflow_version 2.x",
        "from google.colab import drive, files\ndrive.mount('/content/drive')\nfiles.upload()",
        "!pip install no-such-package-at-all",
        FORGED,
        "print('after the forgery')",
        "print('x' * 100_000_000)",
        "print('after the flood')",
        "import probe_of_mine\nprint('the rest')",
        "input('name? ')",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "from IPython.display import display\nfor i in range(20_000): display(i)",
        "print('the end')",
    )


def test_every_cell_runs_to_the_end(talk: Execution) -> None:
    assert talk.outcome is Outcome.FINISHED
    assert [one.index for one in talk.cells] == list(range(1, 16))


def test_progress_bars_end_as_their_last_state(talk: Execution) -> None:
    assert cell(talk, 1).stdout == f"50/50 [{'=' * 50}]\nloss: 0.1234\n"


def test_an_error_is_recorded_with_the_students_lines(talk: Execution) -> None:
    failed = cell(talk, 2)
    assert failed.status == "error"
    assert failed.error is not None
    assert (failed.error.name, failed.error.value) == ("ValueError", "seven")
    assert "broken()" in failed.error.traceback
    assert "\x1b" not in failed.error.traceback


def test_cells_after_an_error_still_run(talk: Execution) -> None:
    assert cell(talk, 3).status == "ok"
    assert cell(talk, 3).stdout == "still here\n42\n"


def test_colabs_magic_and_stand_ins_are_there(talk: Execution) -> None:
    assert cell(talk, 4).status == "ok"
    assert "the installed version is used" in cell(talk, 4).stdout
    assert cell(talk, 5).status == "ok"
    assert "Google Drive is not available" in cell(talk, 5).stdout


def test_pip_answers_at_once_without_a_network(talk: Execution) -> None:
    assert "No matching distribution" in cell(talk, 6).stdout
    assert "Retrying" not in cell(talk, 6).stdout


def test_forged_messages_cost_nothing_but_themselves(talk: Execution) -> None:
    assert cell(talk, 7).status == "ok"
    assert "forged" in cell(talk, 7).stdout
    assert cell(talk, 8).stdout == "after the forgery\n"
    assert talk.candidates == ()


def test_forged_messages_are_told(talk: Execution) -> None:
    told = {note.id for note in talk.notes} - {"execute.asked_nothing"}  # another cell's
    assert told == {"execute.malformed", "execute.unreadable"}


def test_of_an_honest_notebook_nothing_is_left_out() -> None:
    assert (
        run("print('fine')", "1 / 0", "import matplotlib.pyplot as plt\nplt.plot([1, 2])").notes
        == ()
    )


def test_a_flood_of_text_is_cut_and_says_so(talk: Execution) -> None:
    flood = cell(talk, 9)
    assert flood.truncated
    assert 0 < len(flood.stdout) <= 100_000
    assert cell(talk, 10).stdout == "after the flood\n"


def test_the_probes_own_folder_is_out_of_the_students_way(talk: Execution) -> None:
    (left_out,) = cell(talk, 11).left_out
    assert left_out.error.startswith("ModuleNotFoundError")


def test_a_line_that_needs_what_the_room_lacks_does_not_end_its_cell(talk: Execution) -> None:
    left_out = cell(talk, 11)
    assert (left_out.status, left_out.error) == ("ok", None)
    assert left_out.stdout == "the rest\n"
    (line,) = left_out.left_out
    assert (line.cell, line.line, line.statements) == (11, 1, 2)
    assert (line.kind, line.what) == ("package", "probe_of_mine")
    assert [one.index for one in talk.cells if one.left_out] == [11]


def test_asking_for_input_goes_on_instead_of_waiting(talk: Execution) -> None:
    assert cell(talk, 12).status == "ok"
    assert "execute.asked_nothing" in {note.id for note in talk.notes}


def test_what_was_typed_is_typed_again_and_a_kernel_that_a_cell_ends_starts_anew() -> None:
    cells = (
        Cell(1, "n = int(input('n? '))", said="n? 12\n"),
        Cell(2, "print(n)\nimport os\nos.kill(os.getpid(), 9)\nprint('never')"),
        Cell(3, "print('n' in globals())"),
        Cell(4, "exit()"),
        Cell(5, "print('the end')"),
    )
    execution = run(notebook=Notebook(cells, None, "0" * 64))
    assert execution.outcome is Outcome.FINISHED
    assert [one.status for one in execution.cells] == ["ok"] * 5
    assert [one.stdout for one in execution.cells] == [
        "n? 12\n",
        "12\n",
        "False\n",
        "",
        "the end\n",
    ]
    told = [note.id for note in execution.notes]
    assert told == ["execute.asked", "execute.restart", "execute.restart"]


def test_a_plot_comes_back_as_an_image(talk: Execution) -> None:
    (image,) = cell(talk, 13).images
    assert image.startswith(b"\x89PNG")


def test_many_displays_do_not_lose_the_cell_that_follows(talk: Execution) -> None:
    assert cell(talk, 14).status == "ok"
    assert cell(talk, 15).stdout == "the end\n"


@pytest.mark.parametrize(
    "death",
    [
        "import ctypes; ctypes.CDLL(None)._exit(0)",
        "import signal; signal.raise_signal(signal.SIGKILL)",
    ],
)
def test_a_kernel_that_kills_itself_stops_in_that_cell(death: str) -> None:
    execution = run("print('alive')", death, "print('never')")
    assert execution.outcome is Outcome.KERNEL_DIED
    assert [one.status for one in execution.cells] == ["ok", "stopped"]


def test_an_endless_loop_ends_at_the_time_limit() -> None:
    execution = run("print('before')", "print('in', flush=True)\nwhile True: pass", timeout=6.0)
    assert execution.outcome is Outcome.TIME_LIMIT
    assert execution.seconds >= 6.0
    assert [one.status for one in execution.cells] == ["ok", "stopped"]
    assert cell(execution, 2).stdout == "in\n"


def test_too_much_memory_ends_at_the_memory_limit() -> None:
    execution = run("import numpy as np", "a = np.ones(2 * 2**30, np.uint8)", memory_mb=1024)
    assert execution.outcome is Outcome.MEMORY_LIMIT
    assert [one.status for one in execution.cells] == ["ok", "stopped"]
