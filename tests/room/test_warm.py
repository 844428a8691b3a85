"""Warm rooms: what a fork of the server is like, and that a cold start stands behind it."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import environment
from grader.execute.execute import execute
from grader.execute.run import Run
from grader.execution import Execution
from grader.room import Room, RoomSpec, fork_servers, open_room, warmed
from grader.room.bubblewrap import BubblewrapRoom
from grader.room.process import LinuxProcess
from grader.room.warm import WarmRoom, can_be_warm
from grader.submission import Cell, Notebook
from grader.types import Engine, GraderError

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")]

LIGHT = ("json",)
PATIENCE = 300.0  # seconds that an end may take: reached only where it never comes


@pytest.fixture(scope="module")
def cold() -> Room:
    try:
        room = open_room("full")
    except GraderError:
        pytest.skip("no bubblewrap rooms on this machine")
    assert isinstance(room, BubblewrapRoom)
    return room


@pytest.fixture
def warm(cold: BubblewrapRoom) -> Iterator[WarmRoom]:
    room = WarmRoom.over(cold)
    yield room
    room.close()


def start(room: Any, source: str, modules: tuple[str, ...] = LIGHT, **spec: Any) -> LinuxProcess:
    argv = (sys.executable, "-B", "-c", source)
    process: LinuxProcess = room.start(
        RoomSpec(argv, warm=modules, **spec), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return process


def said(process: LinuxProcess) -> Any:
    assert process.stdout is not None
    try:
        assert process.wait(PATIENCE) == 0, process.stdout.read()
        return json.loads(process.stdout.read())
    finally:
        process.kill()


# --- what a fork is like


def test_the_self_test_of_the_level_holds_for_warm_rooms_too(cold: Room) -> None:
    room, trouble = warmed(cold)
    assert trouble is None
    assert set(room.isolation.layers) == set(cold.isolation.layers)


def test_a_warm_program_finds_its_modules_imported_and_a_cold_one_does_not(
    warm: WarmRoom, cold: Room
) -> None:
    source = "import sys; print(int('graphlib' in sys.modules))"
    assert said(start(warm, source, ("graphlib",))) == 1
    assert said(start(cold, source, ("graphlib",))) == 0


ASK = """
import json, os, sys
print(json.dumps({
    "env": dict(os.environ), "argv": sys.argv, "flags": sys.dont_write_bytecode,
    "cwd": os.getcwd(), "executable": sys.executable, "main": __name__, "umask": os.umask(0),
    "groups": os.getgroups(),
    "stdin": sys.stdin.read(), "nice": os.nice(0), "first": sys.path[0],
    "rest": [p for p in sys.path[1:]], "prefix": sys.prefix,
}))
"""


def test_a_warm_program_sees_what_a_cold_one_sees(warm: WarmRoom, cold: Room) -> None:
    env = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "COURSE": "rnn"}
    asked = [said(start(room, ASK, env=env)) for room in (cold, warm)]
    assert asked[0] == asked[1]


def test_forks_do_not_share_their_random_numbers(warm: WarmRoom) -> None:
    source = "import json, random, uuid; print(json.dumps([random.random(), str(uuid.uuid4())]))"
    first, second = (said(start(warm, source, ("random", "uuid"))) for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_nothing_inside_names_a_folder_of_the_grader(warm: WarmRoom) -> None:
    source = """
import json, sys, traceback
values = [value for module in list(sys.modules.values()) for value in vars(module).values()]
texts = [value for value in values if isinstance(value, str)]
stack = "".join(traceback.format_stack())
words = open("/proc/self/environ").read() + stack
sought = "-scratch-", "/kernel/"
print(json.dumps([t[:200] for t in [*texts, words] if any("grader" + one in t for one in sought)]))
"""
    modules = ("matplotlib.font_manager", "keras")
    env = {"KERAS_BACKEND": "jax", "OPENBLAS_NUM_THREADS": "1"}
    assert said(start(warm, source, modules, env=env)) == []


def test_nothing_inside_leads_to_what_closed_the_room(warm: WarmRoom) -> None:
    source = """
import json, sys, types
reached, frame = set(sys.modules), sys._getframe()
while frame is not None:
    reached |= {value.__name__ for value in frame.f_globals.values() if type(value) is types.ModuleType}
    frame = frame.f_back
print(json.dumps([name for name in ("json", "rights") if name in reached]))
"""
    assert said(start(warm, source)) == ["json"]


def test_a_module_that_is_not_installed_is_left_to_the_program(warm: WarmRoom) -> None:
    assert said(start(warm, "print(1)", ("json", "no_such_module"))) == 1
    assert warm.complaints == ()


@pytest.mark.parametrize(("code", "ending"), [("sys.exit(7)", 7), ("raise KeyError(1)", 1)])
def test_the_exit_code_of_a_warm_program_comes_through(
    warm: WarmRoom, code: str, ending: int
) -> None:
    process = start(warm, f"import sys\n{code}")
    assert process.guest is not None
    assert process.wait(PATIENCE) == ending


def test_its_own_file_is_not_the_interpreter_that_it_could_change(cold: BubblewrapRoom) -> None:
    """Where programs have our own user number, /proc/self/exe must not lead to our files."""
    room = WarmRoom.over(replace(cold, drops_root=False))
    source = """
import json, os
def tried(attempt):
    try: attempt()
    except OSError: return 0
    return 1
held = os.open("/proc/self/exe", os.O_RDONLY)
print(json.dumps([os.fstat(held).st_nlink, tried(lambda: os.open("/proc/self/exe", os.O_RDWR))]))
"""
    try:
        assert said(start(room, source)) == [0, 0]
    finally:
        room.close()


# --- a cold start stands behind it


def test_where_the_fork_server_cannot_start_the_program_starts_cold_and_says_so(
    warm: WarmRoom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "fork_server.py"
    broken.write_text("raise SystemExit('no fork server today')")
    monkeypatch.setattr(fork_servers, "PROGRAM", broken)
    for _ in range(4):
        assert said(start(warm, "print(1)")) == 1
    assert len(warm.complaints) == fork_servers.MOST_FAILURES
    assert "no fork server today" in warm.complaints[0]


def test_a_fork_server_with_a_second_thread_is_never_forked(
    warm: WarmRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True)"
    )
    text = fork_servers.PROGRAM.read_text(encoding="utf-8")
    program = tmp_path / "fork_server.py"
    program.write_text(
        text.replace(
            'control.send(b"ready")', f'exec("""{threads}.start()"""); control.send(b"ready")'
        )
    )
    monkeypatch.setattr(fork_servers, "PROGRAM", program)
    process = start(warm, "print(1)")
    assert process.guest is None
    assert said(process) == 1
    assert "2 threads" in warm.complaints[0]


def test_a_fork_server_that_died_is_replaced(warm: WarmRoom) -> None:
    first = start(warm, "print(1)")
    assert said(first) == 1
    (server,) = warm.servers._living.values()
    server.popen.kill()
    server.popen.wait()
    again = start(warm, "print(2)")
    assert again.guest is not None
    assert said(again) == 2


def test_a_fork_server_is_replaced_after_enough_forks(
    warm: WarmRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_servers, "MOST_FORKS", 2)
    source = "print(1)"
    seen = set()
    for _ in range(4):
        assert said(start(warm, source)) == 1
        seen |= {server.popen.pid for server in warm.servers._living.values()}
    assert len(seen) == 2


def test_programs_live_on_when_their_fork_server_is_replaced(warm: WarmRoom) -> None:
    spec = RoomSpec((sys.executable, "-B", "-c", "input(); print(1)"), warm=LIGHT)
    process = warm.start(spec, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    warm.close()
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert said(process) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"warm": ()},
        {"devices": ("/dev/null",)},
        {"argv": ("/usr/bin/true",)},
        {"argv": ("python",)},
    ],
)
def test_what_a_fork_cannot_stand_for_starts_cold(changes: dict[str, Any]) -> None:
    spec = RoomSpec((sys.executable, "-B", "x.py"), warm=LIGHT)
    assert can_be_warm(spec)
    assert not can_be_warm(replace(spec, **changes))


def test_many_warm_rooms_at_once_and_nothing_is_left(warm: WarmRoom) -> None:
    said(start(warm, "print(1)"))
    gc.collect()  # what earlier tests left open is no measure
    before = len(list(Path("/proc/self/fd").iterdir()))
    found: list[Any] = []
    workers = [
        threading.Thread(target=lambda n=n: found.append(said(start(warm, f"print({n})"))))
        for n in range(12)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(found) == list(range(12))
    assert warm.complaints == ()
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


# --- the same grade

CELLS = (
    "import random, numpy as np, tensorflow as tf\nprint(random.random(), np.random.rand())",
    "x = np.random.rand(96, 20, 2).astype('float32')\ny = x.sum((1, 2))",
    "model = tf.keras.Sequential([tf.keras.layers.Input((20, 2)), tf.keras.layers.GRU(6),\n"
    "  tf.keras.layers.Dropout(0.2), tf.keras.layers.Dense(1)])\n"
    "model.compile('adam', 'mse')\nhistory = model.fit(x, y, epochs=3, verbose=0)",
    "print(history.history['loss'])\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
)


def run(room: Room, engine: Engine) -> Execution:
    cells = tuple(Cell(index, source) for index, source in enumerate(CELLS, start=1))
    core = (min(os.sched_getaffinity(0)),)
    return execute(Run(Notebook(cells, None, "x"), engine, 7, 1, 120, 4096, cores=core), room)


@pytest.mark.parametrize("engine", environment.engines())
def test_a_notebook_comes_out_the_same_to_the_last_bit(cold: Room, engine: Engine) -> None:
    room, _ = warmed(cold)
    one, other = run(cold, engine), run(room, engine)
    assert [c.status for c in one.cells] == ["ok"] * len(CELLS), one.cells
    assert [c.stdout for c in one.cells] == [c.stdout for c in other.cells]
    assert [len(c.images) for c in one.cells] == [len(c.images) for c in other.cells]
    (ours,), (theirs,) = one.candidates, other.candidates
    assert ours.fits[0].history == theirs.fits[0].history
    for mine, yours in zip(ours.final, theirs.final, strict=True):
        np.testing.assert_array_equal(mine, yours)
    assert room.complaints == ()
