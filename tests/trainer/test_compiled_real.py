"""What the references compiled is found by every training that needs the same, and changes none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.calibration.compiling import fill
from grader.calibration.measure import Setup, job_of, plan, reference_notebook
from grader.calibration.on_trainer import OrderedError, ends_at_its_order
from grader.calibration.one_epoch import one_epoch
from grader.course.load import find_course, load_course
from grader.execute.execute import execute
from grader.extract.evaluate import evaluation_environment
from grader.extract.lent_kernel import wrong_with_it
from grader.pipeline.runner import slots
from grader.room import open_room, warmed
from grader.room.xla_cache import CompiledRoom, cache_folder
from grader.trainer.kernels import Kernel, find, kernel_folder
from grader.trainer.keys import ENGINE
from grader.trainer.order import Order
from grader.trainer.workroom import Job, write
from grader.types import Array, Engine
from tests.support.orders import order

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")]

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "grader" / "evaluation" / "trainer.py"


@pytest.fixture(params=["keras", "kernel"])
def kernel(request: pytest.FixtureRequest) -> Path | None:
    """What computes recurrent layers: Keras' own loops, or this machine's kernel."""
    if request.param == "keras":
        return None
    found = find()
    if not isinstance(found, Kernel):
        pytest.skip(f"no kernel here: {found.id}")
    return found.folder


def trained(
    job: Order, place: Path, lent: Path | None, kernel: Path | None, *, fill: bool = False
) -> dict[str, Array]:
    """Train an order as its room does; what it compiles itself lies in ``place / "own"``.

    What it finds it can read: JAX warns of what it cannot, and compiles it without keeping it.
    """
    for name in ("in", "out", "own"):
        (place / name).mkdir(parents=True)
    write(place / "in", 0, Job(job, seed=1))
    env = {**os.environ, **evaluation_environment(ENGINE, (0,)), "TMPDIR": str(place / "own")}
    if lent is not None:
        env |= CompiledRoom(open_room("none"), lent, fill=fill).variables(lent)
    argv = [sys.executable, "-B", str(PROGRAM), str(place / "in"), str(place / "out")]
    argv += [] if kernel is None else [str(kernel)]
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    told = json.loads((place / "out" / "0000.json").read_text(encoding="utf-8"))
    assert (done.returncode, told.get("error")) == (0, None), done.stderr[-2000:]
    assert b"persistent compilation cache" not in done.stderr, done.stderr[-2000:]
    assert kernel is None or wrong_with_it(place / "out", "it says nothing") == ""
    with np.load(place / "out" / "0000.npz") as archive:
        return {name: archive[name] for name in archive.files}


def compiled_itself(place: Path) -> list[str]:
    """Name the programs that a training did not find."""
    found = [path for path in (place / "own").glob("*/*") if not path.is_symlink()]
    return sorted(path.name.partition("-")[0] for path in found)


def test_what_was_compiled_is_found_wherever_the_room_sees_it(
    tmp_path: Path, kernel: Path | None
) -> None:
    filled, elsewhere = tmp_path / "filled", tmp_path / "elsewhere"
    filled.mkdir()
    trained(order(), tmp_path / "first", filled, kernel, fill=True)
    assert any(path.name.startswith("jit_train_step") for path in filled.iterdir())
    before = sorted(path.name for path in filled.iterdir())
    shutil.copytree(filled, elsewhere)
    found = trained(order(), tmp_path / "second", elsewhere, kernel)
    assert compiled_itself(tmp_path / "second") == []
    alone = trained(order(), tmp_path / "alone", None, kernel)
    assert "jit_train_step" in compiled_itself(tmp_path / "alone")
    assert found.keys() == alone.keys()
    for name, array in alone.items():
        assert np.array_equal(found[name], array), name
    assert sorted(path.name for path in filled.iterdir()) == before


def test_readying_a_machine_compiles_what_the_references_trainings_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: Path | None
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if kernel is not None:
        shutil.copytree(kernel, kernel_folder())
    course = load_course(find_course(ROOT))
    exercise = course.exercise("sequence-prediction")
    slot, (room, _) = slots(1)[0], warmed(open_room("auto"))
    (made,) = fill(replace(course, exercises={exercise.id: exercise}), room, slot)
    assert made.added > 0
    assert made.failed == ()

    setup = Setup(course, exercise, Engine.JAX, room)
    asked = plan(exercise, "look", Engine.JAX, 0, by_trainer=True)
    run = job_of(setup, one_epoch(reference_notebook(exercise)), asked, slot)
    with (
        pytest.raises(OrderedError) as ended,
        ends_at_its_order(room, slot.cores) as begin,
    ):
        execute(replace(run, engine=Engine.TENSORFLOW), room, trainer=begin)
    trained(ended.value.order, tmp_path / "training", cache_folder(), kernel)
    assert compiled_itself(tmp_path / "training") == []
