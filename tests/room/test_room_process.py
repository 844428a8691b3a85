"""Limits of a room, and its end."""

import gc
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.room import Bind, RoomSpec, confined, memory, process, workplace
from grader.room.cgroups import make_cgroup
from grader.types import GraderError
from tests.support.room_help import (
    CLOSED,
    FULL,
    KINDS,
    PATIENCE,
    AllWarm,
    close,
    opened,
    processes_with,
    run_python,
)

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")]


any_room = pytest.fixture(params=KINDS)(opened)
closed_room = pytest.fixture(params=CLOSED)(opened)
full_room = pytest.fixture(params=FULL)(opened)


@pytest.fixture
def marker():
    return f"marker-{uuid.uuid4().hex}"


def wait_until(condition, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def kills_at_once(monkeypatch):
    """Whoever has to be killed twice, after a while, takes longer than a test may."""
    monkeypatch.setattr(process, "_KILL_SECONDS", PATIENCE)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE


def start(room, source, *args, stdin=None, **spec):
    return room.start(
        RoomSpec((sys.executable, "-I", "-c", source, *map(str, args)), **spec),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def controllers():
    """What control groups can limit here."""
    cgroup = make_cgroup(64, 64)
    cgroup.remove()
    return cgroup.controllers


TREE = """
import os, subprocess, sys, time
code = "import time,sys; time.sleep(600)"
subprocess.Popen([sys.executable, '-c', code, sys.argv[1]])
reading, writing = os.pipe()
if os.fork() == 0:                     # a daemon: forked twice, session of its own
    os.setsid()
    if os.fork() == 0:
        subprocess.Popen([sys.executable, '-c', code, sys.argv[1]], start_new_session=True)
        os.write(writing, b'1')
        time.sleep(600)
    os._exit(0)
os.wait()
os.read(reading, 1)
print('ready', flush=True)
"""


def test_kill_ends_the_whole_tree_with_its_daemons(any_room, marker):
    process = start(any_room, TREE + "time.sleep(600)", marker)
    assert process.stdout.readline() == b"ready\n"
    # One that has just begun has no arguments yet.
    assert wait_until(lambda: len(processes_with(marker)) >= 4)
    process.kill()
    assert processes_with(marker) == []
    assert process.poll() not in (None, 0)


def test_when_the_program_ends_its_daemons_are_dead_before_we_are_told(any_room, marker):
    process = start(any_room, TREE, marker)
    assert process.wait(PATIENCE) == 0
    assert processes_with(marker) == []


def test_kill_leaves_no_zombie_and_may_be_repeated(any_room):
    process = start(any_room, "import time; time.sleep(600)")
    for _ in range(3):
        process.kill()
    assert not Path(f"/proc/{process.pid}").exists()


@pytest.mark.usefixtures("kills_at_once")
def test_a_program_that_ignores_signals_dies_at_once(any_room):
    source = "import signal,time\nfor n in (1,2,15): signal.signal(n, signal.SIG_IGN)\nprint(1, flush=True)\nwhile True: time.sleep(1)"
    process = start(any_room, source)
    process.stdout.readline()
    process.kill()
    assert not Path(f"/proc/{process.pid}").exists()


@pytest.mark.usefixtures("kills_at_once")
def test_a_stopped_program_dies_at_once(any_room):
    process = start(
        any_room, "import os,signal; print(1, flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
    )
    process.stdout.readline()
    process.kill()
    assert not Path(f"/proc/{process.pid}").exists()


def test_sigkill_of_the_grader_kills_the_room(any_room, request, marker):
    kind = request.node.callspec.params["any_room"]
    grader = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.support.room_help import make_room
from grader.room import RoomSpec
room = make_room({kind!r})
process = room.start(RoomSpec((sys.executable, "-I", "-c", {TREE + "time.sleep(600)"!r}, {marker!r})), stdout=1)
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", grader], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    # One that has just begun has no arguments yet.
    assert wait_until(lambda: len(set(processes_with(marker)) - {process.pid}) >= 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: processes_with(marker) == [])


def test_a_room_outlives_the_thread_that_asked_for_it(any_room):
    started = []
    source = "input(); print('alive')"
    thread = threading.Thread(
        target=lambda: started.append(start(any_room, source, stdin=subprocess.PIPE))
    )
    thread.start()
    thread.join()
    assert wait_until(lambda: not Path(f"/proc/self/task/{thread.native_id}").exists())
    started[0].stdin.write(b"\n")
    started[0].stdin.flush()
    assert started[0].wait(PATIENCE) == 0
    assert started[0].stdout.read() == b"alive\n"


def test_exit_codes_and_streams_come_through(any_room):
    ran = run_python(
        any_room, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    )
    assert (ran.code, ran.out, ran.err) == (7, "out\n", "err\n")


def test_standard_input_is_empty_unless_given(any_room):
    assert run_python(any_room, "import sys; print(repr(sys.stdin.read()))").out == "''\n"


def test_wait_gives_none_while_it_runs(any_room):
    process = start(any_room, "import time; time.sleep(600)")
    assert process.wait(0.05) is None
    assert process.poll() is None
    process.kill()


def test_a_program_that_does_not_exist_never_looks_like_one_that_ran(any_room):
    code, error = None, None
    try:
        code = any_room.start(RoomSpec(("/no/such/program",))).wait(PATIENCE)
    except GraderError as raised:
        error = raised.message.id
    assert (code, error) in {(126, None), (127, None), (None, "room.start_failed")}


def test_a_bind_that_does_not_exist_is_our_error(any_room, tmp_path):
    with pytest.raises(GraderError) as raised:
        any_room.start(RoomSpec(("true",), binds=(Bind(tmp_path / "none", "/x"),)))
    assert raised.value.message.id == "room.no_such_bind"


# --- limits


def test_a_flood_of_files_ends_at_the_scratch_size(full_room):
    source = """
import os
written = 0
for name in (os.environ['HOME'], os.environ['TMPDIR'], '/dev/shm'):
    try:
        for n in range(100):
            with open(f'{name}/{n}', 'wb') as f:
                for _ in range(100): written += f.write(bytes(1 << 20))
    except OSError as e: assert e.errno == 28, e
print(written >> 20)"""
    assert 0 < run_python(full_room, source, scratch_mb=32, memory_mb=2048).json <= 32 + 32 + 256


def test_files_in_memory_count_as_memory(full_room):
    process = start(
        full_room,
        "open('x','wb').write(bytes(60 << 20)); print(1, flush=True); import time; time.sleep(600)",
        scratch_mb=128,
    )
    process.stdout.readline()
    assert process.memory_mb() > 60
    process.kill()


def test_a_million_empty_files_count_as_memory(full_room):
    source = "import os\nfor n in range(40000): os.close(os.open(f'f{n}', os.O_CREAT))\nprint(1, flush=True)\nimport time; time.sleep(600)"
    process = start(full_room, source)
    process.stdout.readline()
    assert process.memory_mb() > 35
    process.kill()


def test_a_sparse_file_of_a_tebibyte_is_refused(any_room):
    source = "try: open('x','wb').truncate(1 << 40)\nexcept OSError as e: print(e.errno)"
    assert run_python(any_room, source).json == 27  # EFBIG


def test_a_fork_bomb_is_capped_and_neighbours_live(closed_room, marker):
    if os.geteuid() == 0 and not closed_room.drops_root and "pids" not in controllers():
        pytest.skip("root without a pids control group cannot be capped")
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: break\nprint('full', flush=True)\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    process = start(closed_room, bomb, marker, processes=64)
    if process.most_threads is None or os.geteuid() == 0:  # the kernel ends it
        assert process.stdout.readline() == b"full\n"
        assert len(processes_with(marker)) <= 64 + 3
    else:  # whoever watches it ends it
        until = time.monotonic() + PATIENCE
        while process.memory_mb() <= process.memory_limit_mb:
            assert time.monotonic() < until
    assert run_python(closed_room, "print('fine')", seconds=3 * PATIENCE).out == "fine\n"
    process.kill()
    assert processes_with(marker) == []


def test_more_threads_than_a_room_may_have_are_too_much(any_room, marker):
    process = start(any_room, "print('on', flush=True)\nimport time\ntime.sleep(600)", marker)
    assert process.stdout.readline() == b"on\n"
    assert process.memory_mb() <= process.memory_limit_mb
    process.most_threads = 0
    assert process.memory_mb() > process.memory_limit_mb
    process.kill()


def test_where_rooms_share_a_user_none_can_take_the_others_threads():
    """The kernel counts by users: what one has more, all the others would lack."""
    spec = RoomSpec(("true",))
    own, shared = (dict(confined._limits(spec, user)) for user in (7, None))
    assert own[resource.RLIMIT_NPROC] == spec.processes
    assert shared[resource.RLIMIT_NPROC] >= 8 * spec.processes


def test_a_process_that_takes_too_much_memory_is_killed_and_we_can_tell(closed_room):
    if "memory" not in controllers():
        pytest.skip("no memory control group may be made here")
    process = start(closed_room, "x = bytearray(300 << 20); print(len(x))", memory_mb=128)
    assert process.wait(PATIENCE) != 0
    assert process.memory_ran_out()


def test_memory_counts_every_process_of_the_tree(any_room):
    child = "x = bytearray(b'x') * (50 << 20); print(1, flush=True); import time; time.sleep(600)"
    source = f"import subprocess,sys\nfor _ in range(3): subprocess.Popen([sys.executable,'-c',{child!r}])\nimport time; time.sleep(600)"
    process = start(any_room, source)
    for _ in range(3):
        process.stdout.readline()
    assert 150 < process.memory_mb() < 350
    process.kill()
    assert process.memory_mb() == 0.0


def test_where_there_is_enough_the_rest_is_not_looked_at(monkeypatch):
    looked_at = []
    monkeypatch.setattr(memory, "_proportional_bytes", lambda pid: looked_at.append(pid) or 10)
    assert memory._exact_bytes([(10, pid) for pid in (1, 2, 3, 4)], enough=15) == 20
    assert looked_at == [1, 2]


def test_looking_at_the_memory_of_many_processes_keeps_nobody_from_the_clock(monkeypatch):
    seconds = iter(range(100))
    clock = SimpleNamespace(monotonic=lambda: 0.4 * next(seconds))  # not every thread's
    monkeypatch.setattr(memory, "time", clock)
    looked_at = []
    monkeypatch.setattr(memory, "_proportional_bytes", lambda pid: looked_at.append(pid) or 10)
    sizes = [(50, pid) for pid in range(1000)]
    assert memory._exact_bytes(sizes, enough=10**6) == 3 * 10 + 997 * 50  # the rest as resident
    assert looked_at == [0, 1, 2]


def test_what_was_swapped_out_counts(tmp_path):
    status = tmp_path / "status"
    status.write_text("VmRSS:\t  10 kB\nVmPTE:\t 2 kB\nVmSwap:\t 300 kB\n", encoding="ascii")
    rollup = tmp_path / "smaps_rollup"
    rollup.write_text("Rss:  10 kB\nPss:  5 kB\nSwapPss:  150 kB\n", encoding="ascii")
    assert memory._kilobytes(str(status), *memory.RESIDENT) == 312 * 1024
    assert memory._kilobytes(str(rollup), *memory.PROPORTIONAL) == 155 * 1024


def test_the_largest_process_is_looked_at_first(any_room, monkeypatch):
    child = "import time; print(1, flush=True); time.sleep(600)"
    source = f"import subprocess,sys\nx = bytearray(b'x') * (80 << 20)\nfor _ in range(3): subprocess.Popen([sys.executable,'-c',{child!r}])\nimport time; time.sleep(600)"
    # All four stay below what the kernel, where it counts, would end one of them for: 128 and 16.
    running = start(any_room, source, memory_mb=128)
    for _ in range(3):
        running.stdout.readline()
    monkeypatch.setattr(memory, "_LOOK_SECONDS", 0.0)
    assert running.memory_mb() > 75
    running.kill()


def test_far_from_the_limit_nothing_dear_is_looked_at(any_room, monkeypatch):
    looked_at = []
    monkeypatch.setattr(memory, "_proportional_bytes", looked_at.append)
    running = start(any_room, "import time; print(1, flush=True); time.sleep(600)")
    running.stdout.readline()
    assert running.memory_mb() > 0
    running.kill()
    assert looked_at == []


def test_cores_are_pinned(any_room):
    one = (min(os.sched_getaffinity(0)),)
    assert run_python(
        any_room, "import os; print(list(os.sched_getaffinity(0)))", cores=one
    ).json == list(one)


def test_a_program_cannot_take_more_cores(closed_room):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("one core only")
    source = "import os\ntry: os.sched_setaffinity(0, {0, 1, 2, 3})\nexcept OSError: pass\nprint(list(os.sched_getaffinity(0)))"
    assert run_python(closed_room, source, cores=(cores[0],)).json == cores[:1]


def test_memory_outside_processes_and_sized_folders_cannot_be_had(closed_room):
    source = "import os,ctypes\ntry: os.memfd_create('x')\nexcept OSError: print(ctypes.CDLL(None).shmget(0, 4096, 0o1600))"
    assert run_python(closed_room, source).out == "-1\n"


def test_no_core_is_dumped(any_room):
    assert run_python(
        any_room, "import resource; print(list(resource.getrlimit(resource.RLIMIT_CORE)))"
    ).json == [0, 0]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where folders are made during this test. A long TMPDIR alone would be passed over."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(workplace, "parent", lambda: tmp_path)
    return tmp_path


def test_rooms_leave_no_control_group_and_no_folder(any_room, temporary):
    before = {p.name for p in Path("/sys/fs/cgroup").glob("*/**/grader-room-*")}
    run_python(any_room, "print(1)")
    after = {p.name for p in Path("/sys/fs/cgroup").glob("*/**/grader-room-*")}
    ours = {name for name in after - before if f"-{os.getpid()}-" in name}
    assert ours == set()
    kept = list(temporary.iterdir())  # a fork server has a home for as long as it lives
    assert len(kept) == isinstance(any_room, AllWarm)
    run_python(any_room, "print(2)")
    assert list(temporary.iterdir()) == kept
    close(any_room)
    assert list(temporary.iterdir()) == []


def test_many_rooms_at_once_keep_apart_and_leave_no_descriptor(any_room):
    run_python(any_room, "pass")  # the thread that starts them all is there from now on
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    source = "import os,sys; open('mine','x').write(sys.argv[1]); print(open('mine').read())"
    with ThreadPoolExecutor(8) as pool:
        ran = list(pool.map(lambda n: run_python(any_room, source, n), range(24)))
    assert [r.out for r in ran] == [f"{n}\n" for n in range(24)]
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
