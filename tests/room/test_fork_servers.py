"""Which programs may be forks of the same process: those whose libraries were imported alike."""

from __future__ import annotations

import pytest

from grader.execute.rooms import kernel_environment
from grader.execute.run import Run
from grader.extract.evaluate import evaluation_environment
from grader.room.fork_servers import _key
from grader.room.spec import RoomSpec
from grader.submission import Notebook
from grader.types import Engine


def _spec(env: dict[str, str]) -> RoomSpec:
    return RoomSpec(("/usr/bin/python3", "-B", "x.py"), env=env, warm=("matplotlib",))


@pytest.mark.parametrize("engine", Engine)
def test_an_evaluation_and_a_notebook_share_a_fork_server(engine: Engine) -> None:
    run = Run(Notebook((), None, ""), engine, 1, 1, 10.0, 1000, cores=(0,))
    notebook, evaluation = kernel_environment(run), evaluation_environment(engine, (0,))
    assert _key(_spec(notebook)) == _key(_spec(evaluation))


@pytest.mark.parametrize(
    "name", ["MPLBACKEND", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS"]
)
def test_what_a_library_reads_when_it_is_imported_makes_another_fork_server(name: str) -> None:
    assert _key(_spec({name: "one"})) != _key(_spec({name: "other"}))
