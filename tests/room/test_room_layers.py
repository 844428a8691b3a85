"""What a room keeps from the program inside. Each test tries it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from grader.room import Bind
from grader.room.readable import readable_paths
from tests.support.room_help import CLOSED, FULL, KINDS, make_room, opened, run_python

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")]


any_room = pytest.fixture(params=KINDS)(opened)
closed_room = pytest.fixture(params=CLOSED)(opened)
full_room = pytest.fixture(params=FULL)(opened)
# Not where root starts a user namespace, whose program owns /proc/sys.
OWN_NOTHING = ["dropped", "reduced", *(["namespaces"] if os.geteuid() else [])]
gpus_room = pytest.fixture(params=OWN_NOTHING)(opened)

TRY = """
import json, os, socket, sys
def error(f, *a):
    try: f(*a)
    except OSError as e: return e.errno
    return 0
def read(path): open(path, 'rb').read(1)
def write(path): open(path, 'ab').close()
"""


# --- files


@pytest.fixture
def open_folder():
    """A folder that everybody may read and write: what keeps a room out is the room."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_planted_canary_cannot_be_read(closed_room, open_folder):
    (open_folder / "canary").write_text("xyzzy")
    ran = run_python(closed_room, TRY + "print(error(read, sys.argv[1]))", open_folder / "canary")
    assert ran.json != 0


def test_a_planted_canary_is_not_even_there(full_room, open_folder):
    source = "import os,sys,json\nprint(json.dumps(os.path.exists(sys.argv[1])))"
    assert run_python(full_room, source, open_folder).json is False


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "/etc/shadow", "/etc/machine-id", "/root/.bashrc"]
)
def test_nothing_of_the_host_beyond_the_allow_list_can_be_read(closed_room, path):
    ran = run_python(closed_room, TRY + "print(error(read, sys.argv[1]))", path)
    assert ran.json != 0


def test_walking_the_whole_disk_finds_no_other_file_of_this_repository(full_room):
    repository = Path(__file__).parents[2]
    source = "import os\nfor d, _, fs in os.walk('/'):\n  for f in fs: print(os.path.join(d, f))"
    ran = run_python(full_room, source, seconds=120)
    seen = ran.out.splitlines()
    assert len(seen) > 1000
    ours = [Path(p) for p in seen if p.startswith(f"{repository}/")]
    assert [p for p in ours if not any(p.is_relative_to(one) for one in readable_paths())] == []


def test_read_only_binds_cannot_be_changed(closed_room, open_folder):
    tmp_path = open_folder
    (tmp_path / "given.txt").write_text("as given")
    (tmp_path / "given.txt").chmod(0o666)
    bind = Bind(tmp_path, "/given")
    source = (
        TRY
        + "d = sys.argv[1]\nprint([error(f, d + '/given.txt') for f in (write, os.unlink, lambda p: os.rename(p, p + 'x'))])"
    )
    ran = run_python(closed_room, source, closed_room.inside(tmp_path, "/given"), binds=(bind,))
    assert 0 not in ran.json
    assert (tmp_path / "given.txt").read_text() == "as given"


def test_writable_binds_carry_files_out(any_room, tmp_path):
    out = tmp_path / "out"
    out.mkdir(mode=0o700)
    ran = run_python(
        any_room,
        "import sys; open(sys.argv[1] + '/x', 'w').write('from inside')",
        any_room.inside(out, "/out"),
        binds=(Bind(out, "/out", writable=True),),
    )
    assert ran.code == 0, ran.err
    assert (out / "x").read_text() == "from inside"


def test_the_virtual_environment_cannot_be_changed(closed_room):
    source = (
        TRY
        + "print([error(write, p + '/sitecustomize.py') for p in (*sys.argv[1:], '/', '/dev', '/etc')])"
    )
    folders = [path for path in readable_paths() if path.is_dir()]
    assert Path(sys.prefix, "lib") in folders
    assert 0 not in run_python(closed_room, source, *folders).json


def test_files_that_root_keeps_private_are_given_and_stay_private_to_others(tmp_path):
    room = make_room("dropped")
    if room is None:
        pytest.skip("not root")
    folder = tmp_path / "job"
    folder.mkdir(mode=0o700)
    (folder / "data").write_text("42")
    (folder / "data").chmod(0o600)
    ran = run_python(room, "print(open('/job/data').read())", binds=(Bind(folder, "/job"),))
    assert ran.out == "42\n", ran.err
    assert folder.stat().st_mode & 0o007 == 0
    assert (folder / "data").stat().st_mode & 0o027 == 0


KERNEL_SETTINGS = [
    *(f"/proc/sys/{one}" for one in ("kernel/core_pattern", "kernel/hostname", "kernel/modprobe")),
    *("/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity"),
]
GPU_LIKE = ("/dev/null",)  # a room with a GPU has more than others; any node makes it one


@pytest.mark.parametrize("devices", [(), GPU_LIKE], ids=["usual", "with a GPU"])
def test_the_owner_of_kernel_settings_is_not_inside(full_room, devices):
    """Where root starts a user namespace, its program owns /proc/sys and may open it for writing:
    a program named in core_pattern is started by the kernel outside every room."""
    source = (
        TRY + "print([error(lambda p: os.close(os.open(p, os.O_WRONLY)), p) for p in sys.argv[1:]])"
    )
    ran = run_python(full_room, source, *KERNEL_SETTINGS, devices=devices)
    assert len(ran.json) == len(KERNEL_SETTINGS)
    assert 0 not in ran.json


NAME_A_THREAD = (
    TRY
    + """
import threading
def name(path):  # as CUDA does: fopen(path, "w")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), "w") as file:
        file.write("cuda00001400006")
ended = threading.Event()
thread = threading.Thread(target=ended.wait)
thread.start()
path = f"/proc/self/task/{thread.native_id}/comm"
refused = error(name, path)
print(json.dumps([refused, open(path).read().strip()]))
ended.set()
"""
)


def test_a_room_with_a_gpu_may_name_its_threads(gpus_room):
    """CUDA does, by their files in /proc, and does not start where it cannot: ``cuInit`` is 304."""
    assert run_python(gpus_room, NAME_A_THREAD, devices=GPU_LIKE).json == [0, "cuda00001400006"]


def test_a_room_without_one_may_not(closed_room):
    refused, name = run_python(closed_room, NAME_A_THREAD).json
    assert refused != 0
    assert name != "cuda00001400006"


def test_a_fresh_room_has_nothing_of_the_last_one(closed_room):
    name = f"left-behind-{os.getpid()}"
    source = "import os,pathlib,sys\nfor d in (os.environ['HOME'], os.environ['TMPDIR'], '/dev/shm', '/tmp'):\n  try: pathlib.Path(d, sys.argv[1]).write_text('x')\n  except OSError: pass"
    assert run_python(closed_room, source, name).code == 0
    look = "import os,json,sys\nprint(json.dumps([d for d in (os.environ['HOME'], os.environ['TMPDIR'], '/dev/shm', '/tmp') if os.path.exists(f'{d}/{sys.argv[1]}')]))"
    assert run_python(closed_room, look, name).json == []
    assert not Path("/tmp", name).exists()
    assert not Path("/dev/shm", name).exists()


# --- what it knows


def test_no_environment_is_inherited(any_room, monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "xyzzy")
    source = "import os,json\nprint(json.dumps(dict(os.environ)))"
    env = run_python(any_room, source, env={"KERAS_BACKEND": "jax"}).json
    assert env["KERAS_BACKEND"] == "jax"
    assert "xyzzy" not in str(env)
    assert set(env) <= {"KERAS_BACKEND", "HOME", "TMPDIR", "PATH", "PWD", "LC_CTYPE"}


def test_no_visible_process_shows_a_secret_or_a_host_path(full_room, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_SECRET", "xyzzy")
    source = """
import os
for p in filter(str.isdigit, os.listdir('/proc')):
    for name in ('environ', 'cmdline'):
        try: print(open(f'/proc/{p}/{name}').read())
        except OSError: pass
"""
    ran = run_python(full_room, source, binds=(Bind(tmp_path, "/given"),))
    assert ran.code == 0
    assert "xyzzy" not in ran.out
    assert str(tmp_path) not in ran.out


def test_no_file_descriptor_is_inherited(any_room):
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    try:
        source = "import os,json\ndef there(n):\n  try: os.fstat(n)\n  except OSError: return False\n  return True\nprint(json.dumps([n for n in range(1000) if there(n)]))"
        assert run_python(any_room, source).json == [0, 1, 2]
    finally:
        os.close(reading)
        os.close(writing)


def test_only_its_own_processes_are_visible(full_room):
    source = "import os\nprint(len([p for p in os.listdir('/proc') if p.isdigit()]))"
    assert run_python(full_room, source).json <= 3


def test_our_processes_cannot_be_signalled(closed_room):
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        source = TRY + "print(error(os.kill, int(sys.argv[1]), 9))"
        assert run_python(closed_room, source, sleeper.pid).json != 0
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


# --- network


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_our_loopback_cannot_be_reached(closed_room, kind):
    with socket.socket(type=kind) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.2)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        source = (
            TRY
            + f"""
def knock():
    s = socket.socket(type={int(kind)}); s.settimeout(2)
    s.connect(('127.0.0.1', int(sys.argv[1]))); s.send(b'x')
print(error(knock))"""
        )
        run_python(closed_room, source, listener.getsockname()[1])
        with pytest.raises(TimeoutError):
            listener.accept() if kind == socket.SOCK_STREAM else listener.recv(1)


@pytest.mark.parametrize("address", ["1.1.1.1", "169.254.169.254", "192.0.2.1"])
def test_the_world_is_unreachable(closed_room, address):
    source = TRY + "print(error(socket.create_connection, (sys.argv[1], 80), 3))"
    assert run_python(closed_room, source, address).json in (1, 13, 101)


def test_names_cannot_be_resolved(closed_room):
    source = TRY + "print(error(socket.getaddrinfo, 'example.com', 80))"
    assert run_python(closed_room, source).json != 0


def test_unix_sockets_of_the_host_cannot_be_reached(closed_room, open_folder):
    for name in (f"\0room-test-{os.getpid()}", str(open_folder / "door")):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(name)
            listener.listen()
            if not name.startswith("\0"):
                Path(name).chmod(0o777)
            source = (
                TRY
                + "s = socket.socket(socket.AF_UNIX)\nprint(error(s.connect, json.loads(sys.argv[1])))"
            )
            assert run_python(closed_room, source, json.dumps(name)).json != 0


def test_two_rooms_can_talk_through_a_shared_folder(any_room, tmp_path):
    """The driver and the kernel: one listens, the other connects."""
    meeting = tmp_path / "meeting"
    meeting.mkdir(mode=0o700)
    bind = Bind(meeting, "/meeting", writable=True)
    path = any_room.inside(meeting, "/meeting") + "/door"
    serve = "import socket,sys\ns=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); s.settimeout(600); c,_=s.accept(); c.send(b'hello'); c.recv(1)"
    call = """
import socket, sys, time
until = time.monotonic() + 600
while True:
    s = socket.socket(socket.AF_UNIX)
    try: s.connect(sys.argv[1]); break
    except (FileNotFoundError, ConnectionRefusedError):
        if time.monotonic() > until: raise
        time.sleep(0.02)
print(s.recv(9).decode())"""
    served = []
    thread = threading.Thread(
        target=lambda: served.append(run_python(any_room, serve, path, binds=(bind,)))
    )
    thread.start()
    called = run_python(any_room, call, path, binds=(bind,), connects=True)
    thread.join()
    assert called.out == "hello\n", called.err
    assert served[0].code == 0, served[0].err


# --- ways up and out


def test_no_capability_and_no_way_to_one(closed_room):
    ran = run_python(closed_room, "print(open('/proc/self/status').read())")
    status = dict(line.split(":\t", 1) for line in ran.out.splitlines() if ":\t" in line)
    assert {int(status[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"


def test_as_root_the_program_has_a_user_that_no_account_has(tmp_path):
    room = make_room("dropped")
    if room is None:
        pytest.skip("not root")
    ran = run_python(
        room,
        "import os; print(os.getuid()); open('/out/x','w')",
        binds=(Bind(tmp_path, "/out", writable=True),),
    )
    assert ran.json > 1_879_048_191
    assert (tmp_path / "x").stat().st_uid == ran.json


def test_a_nested_user_namespace_is_refused(closed_room):
    for command in ("unshare -U true", "unshare -r -n true", "unshare -m true"):
        ran = run_python(closed_room, "import os,sys; print(os.system(sys.argv[1]))", command)
        assert ran.json != 0, command


def test_setuid_programs_gain_nothing(full_room):
    source = "import os,subprocess,json\nprint(json.dumps([subprocess.run(['/usr/bin/su','-c','id'],capture_output=True).returncode]))"
    assert run_python(full_room, source).json != [0]


def test_mounting_is_refused(closed_room):
    source = "import os\nprint(os.system('mount -t tmpfs none /tmp 2>/dev/null || mount -o remount,rw / 2>/dev/null'))"
    assert run_python(closed_room, source).json != 0


# --- files that belong to the room's own user


def test_rights_and_times_of_the_packages_stay(closed_room):
    source = """
import json, os
def change(f, *a, **k):
    try: f(*a, **k)
    except OSError: pass
path, before = os.__file__, os.stat(os.__file__)
change(os.chmod, path, before.st_mode ^ 1)
change(os.utime, path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
after = os.stat(path)
os.chmod(path, before.st_mode) if after.st_mode != before.st_mode else None
print(json.dumps([after.st_mode == before.st_mode, after.st_mtime_ns == before.st_mtime_ns]))
"""
    assert run_python(closed_room, source).json == [True, True]


def test_files_are_made_by_a_touch_and_copied_with_their_times(closed_room):
    source = """
import json, pathlib, shutil
pathlib.Path("made").touch()
pathlib.Path("made").touch()
shutil.copy2("made", "copied")
print(json.dumps([pathlib.Path(name).exists() for name in ("made", "copied")]))
"""
    assert run_python(closed_room, source).json == [True, True]
