"""Choosing a room: what the self-test sees, and what is refused."""

import contextlib
import json
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from grader.room import (
    Bind,
    RoomSpec,
    bubblewrap,
    cgroups,
    choose,
    open_room,
    probe,
    selftest,
    users,
    warmed,
)
from grader.room.bubblewrap import BubblewrapRoom
from grader.room.confined import ConfinedRoom
from grader.room.plain import PlainRoom
from grader.room.readable import link_chain, readable_paths
from grader.room.selftest import LAYERS, WENT_THROUGH, examine
from grader.room.spec import environment
from grader.types import GraderError, Level
from tests.support.room_help import PATIENCE, UNTESTED, make_room

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")
real = pytest.mark.real
LOCALE = Path(__file__).parents[2] / "grader" / "locale"


def _is_root():
    return choose.Path("/proc/self").stat().st_uid == 0


@pytest.fixture
def fresh():
    """Forget what earlier tests found out."""
    choose._test.cache_clear()
    warmed.cache_clear()
    yield
    choose._test.cache_clear()
    warmed.cache_clear()


# --- levels


@real
@linux
def test_the_full_level_is_found_by_trying(fresh):
    if make_room("namespaces") is None:
        pytest.skip("no bubblewrap")
    room = open_room("full")
    assert room.isolation.level is Level.FULL
    assert set(room.isolation.layers) >= choose.REQUIRED[Level.FULL]


@real
@linux
def test_auto_takes_the_best_level_that_holds(fresh):
    reports = probe()
    held = {level: {r.layer for r in reports if r.level == level and r.holds} for level in Level}
    best = next(level for level in Level if held[level] >= choose.REQUIRED[level])
    assert open_room("auto").isolation.level is best


@real
@linux
def test_without_bubblewrap_full_is_refused_and_auto_says_that_it_is_less(fresh, monkeypatch):
    monkeypatch.setattr(choose.shutil, "which", lambda _: None)
    with pytest.raises(GraderError) as raised:
        open_room("full")
    assert raised.value.message.id == "room.full_refused"
    assert "bwrap" in str(raised.value.message.args["reason"])
    assert open_room("auto").isolation.level is not Level.FULL


@real
@linux
def test_a_bubblewrap_that_does_not_work_is_no_full_level(fresh, monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: no permissions to create a new namespace' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr(choose.shutil, "which", lambda _: str(broken))
    with pytest.raises(GraderError) as raised:
        open_room("full")
    assert "no permissions" in str(raised.value.message.args["reason"])


_DYING = f"""#!{sys.executable}
import json, os, sys
words = os.fdopen(int(sys.argv[sys.argv.index("--args") + 1]), "rb").read().split(b"\\0")
status = int(words[words.index(b"--json-status-fd") + 1])
os.write(status, json.dumps({{"child-pid": os.getpid()}}).encode() + b"\\n")
sys.exit("bwrap: " + "WHY")
"""


@real
@linux
@pytest.mark.parametrize("is_early", [True, False])
@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("Can't mount proc on /newroot/proc", "room.start_failed"),
        ("Failed to make / slave: Invalid argument", "room.start_chroot"),
    ],
)
def test_what_bwrap_says_is_told_whenever_it_dies(monkeypatch, tmp_path, why, told, is_early):
    """It tells its child's number first: what we do next may find nobody there."""
    dying = tmp_path / "bwrap"
    dying.write_text(_DYING.replace("WHY", why))
    dying.chmod(0o755)
    if is_early:
        monkeypatch.setattr(bubblewrap.resource, "prlimit", _nobody_there)
    with pytest.raises(GraderError) as raised:
        examine(BubblewrapRoom(dying, False, UNTESTED), "full")
    assert raised.value.message.id == told
    assert raised.value.message.args["reason"] == f"bwrap: {why}"


def _nobody_there(*_):
    raise ProcessLookupError(3, "No such process")


@linux
@pytest.mark.parametrize("level", ["auto", "full", "reduced", "none"])
def test_without_proc_no_room_is_tried_and_it_is_said(fresh, monkeypatch, tmp_path, level):
    monkeypatch.setattr(choose, "PROC", tmp_path / "proc")
    monkeypatch.setattr(choose, "_try", _nobody_there)
    with pytest.raises(GraderError) as raised:
        open_room(level)
    assert raised.value.message.id == "room.no_proc"
    assert [one.why.id for one in probe()] == ["room.no_proc"] * len(Level)


@real
@linux
def test_a_leaking_room_is_seen_leaking():
    """The self-test judges what a room does: an open one fails it whatever it is called."""
    leaks = {r.layer for r in examine(ConfinedRoom(False, False, UNTESTED), "full") if not r.holds}
    assert leaks >= {
        "filesystem",
        "read-only" if _is_root() else "filesystem",
        "network",
        "processes",
        "seccomp",
        "userns",
    }


@real
@linux
def test_a_room_with_one_layer_missing_is_refused(fresh, monkeypatch):
    way = lambda: ConfinedRoom(False, False, UNTESTED)  # noqa: E731
    monkeypatch.setattr(choose, "_ways", lambda _: [way])
    with pytest.raises(GraderError) as raised:
        open_room("reduced")
    assert "network" in str(raised.value.message.args["reason"])


@dataclass(frozen=True)
class Withholding:
    """A room that holds well, and does not give what it was asked to give."""

    room: ConfinedRoom
    withheld: str

    def start(self, spec, **streams):
        kept = tuple(bind for bind in spec.binds if bind.inside != self.withheld)
        return self.room.start(replace(spec, binds=kept), **streams)

    def __getattr__(self, name):
        return getattr(self.room, name)


@real
@linux
def test_a_room_that_keeps_from_a_program_what_it_is_given_is_none():
    with pytest.raises(GraderError) as raised:
        examine(Withholding(make_room("reduced"), "/closed"), "reduced")
    assert "what a run is given" in str(raised.value.message.args["reason"])


@real
@linux
def test_a_room_in_which_no_package_can_be_imported_is_none(monkeypatch, tmp_path):
    """The interpreter may lie open in /usr, and the packages in a closed home."""
    (tmp_path / "site-packages" / "keras").mkdir(parents=True)
    monkeypatch.setattr(selftest, "package_folders", lambda: [tmp_path / "site-packages"])
    with pytest.raises(GraderError) as raised:
        examine(make_room("reduced"), "reduced")
    assert "site-packages" in str(raised.value.message.args["reason"])


@real
@linux
@pytest.mark.skipif(_is_root(), reason="root reads everything")
def test_what_is_closed_to_ourselves_is_nothing_that_a_room_lacks(monkeypatch, tmp_path):
    closed = tmp_path / "site-packages"
    closed.mkdir(mode=0o000)
    monkeypatch.setattr(selftest, "package_folders", lambda: [closed])
    assert examine(make_room("reduced"), "reduced")


@real
@linux
def test_the_first_way_that_holds_is_taken(fresh, monkeypatch, tmp_path):
    """As root: if nobody else may run the interpreter, the room keeps a user namespace instead."""
    good = make_room("namespaces")
    if good is None:
        pytest.skip("no bubblewrap")
    bad = replace(good, bwrap=tmp_path / "no-such-program")
    monkeypatch.setattr(choose, "_ways", lambda _: [lambda: bad, lambda: good])
    assert open_room("full").bwrap == good.bwrap


@real
@linux
@pytest.mark.skipif(not users.can_give_up_root(), reason="not root")
def test_the_reduced_level_gives_up_root_where_the_program_is_open_to_others():
    process = ConfinedRoom(True, True, UNTESTED).start(
        RoomSpec(("/usr/bin/id", "-u")), stdout=subprocess.PIPE
    )
    assert process.wait(PATIENCE) == 0
    assert int(process.stdout.read()) > 1_879_048_191


@real
@linux
def test_level_none_is_labelled_none_and_promises_nothing(fresh):
    room = open_room("none")
    assert room.isolation.level is Level.NONE
    assert "network" not in room.isolation.layers
    assert "seccomp" not in room.isolation.layers


@real
@linux
def test_every_layer_that_does_not_hold_says_what_went_through(fresh):
    for report in probe():
        assert report.holds == (report.why is None)
        if report.why is not None:
            assert report.why.args.get("found") or report.why.args.get("reason")


# --- words


def _catalogue(language):
    text = (LOCALE / language / "room.po").read_text(encoding="utf-8")
    return dict(re.findall(r'^msgid "(room\.[^"]+)"\nmsgstr "(.+)"$', text, flags=re.MULTILINE))


def _used():
    names = set()
    for path in Path(choose.__file__).parent.glob("*.py"):
        names |= set(re.findall(r'"(room\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    return names


def test_what_went_through_a_layer_can_be_said_of_each():
    assert WENT_THROUGH.keys() == LAYERS.keys()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everything_a_room_says_has_words(language):
    assert _used() <= set(_catalogue(language))


def test_both_languages_say_the_same_things_with_the_same_facts():
    english, korean = _catalogue("en"), _catalogue("ko")
    holes = lambda text: sorted(re.findall(r"\{\w+\}", text))  # noqa: E731
    assert {k: holes(v) for k, v in english.items()} == {k: holes(v) for k, v in korean.items()}


# --- parts


def test_home_and_temporary_folder_are_set_unless_given():
    spec = RoomSpec(("true",), env={"HOME": "/elsewhere", "KERAS_BACKEND": "jax"})
    env = environment(spec)
    assert env["HOME"] == "/elsewhere"
    assert env["TMPDIR"] == "/tmp"
    assert env["KERAS_BACKEND"] == "jax"


def test_the_allow_list_holds_the_interpreter_and_neither_repository_nor_homes():
    paths = readable_paths()
    for hop in link_chain(Path(sys.executable)):
        assert any(hop.is_relative_to(p) for p in paths), hop
    repository = Path(__file__).parents[2]
    for closed in (
        repository,
        repository / "reference",
        Path.home(),
        Path("/"),
        Path("/etc"),
        Path("/var"),
        Path("/home"),
    ):
        assert not any(closed.is_relative_to(p) for p in paths), closed


def test_a_chain_of_links_is_followed_to_the_file(tmp_path):
    (tmp_path / "python3.11").touch()
    (tmp_path / "python3").symlink_to("python3.11")
    (tmp_path / "python").symlink_to(tmp_path / "python3")
    assert link_chain(tmp_path / "python") == [
        tmp_path / n for n in ("python", "python3", "python3.11")
    ]


def test_user_numbers_are_not_shared_by_running_rooms():
    taken = [users.take_user() for _ in range(5)]
    assert len(set(taken)) == 5
    for user in taken:
        users.return_user(user)
    again = users.take_user()
    users.return_user(again)
    assert again == taken[0]


@pytest.mark.skipif(not users.can_give_up_root(), reason="not root")
def test_what_a_room_is_given_opens_to_the_rooms_group_only_and_never_follows_links(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("private")
    outside.chmod(0o600)
    given = tmp_path / "given"
    given.mkdir(mode=0o700)
    (given / "link").symlink_to(outside)
    (given / "own").write_text("x")
    (given / "own").chmod(0o600)
    users.open_to_rooms([Bind(given, "/given")])
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600
    assert stat.S_IMODE((given / "own").stat().st_mode) == 0o640
    assert (given / "own").stat().st_gid == users.GROUP
    assert stat.S_IMODE(given.stat().st_mode) == 0o750


@real
@pytest.mark.skipif(not users.can_give_up_root(), reason="not root")
def test_opening_to_rooms_is_not_fooled_by_entries_that_turn_into_links(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    given = tmp_path / "given"
    given.mkdir(mode=0o700)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            (given / "entry").write_text("")
            (given / "entry").unlink()
            (given / "entry").symlink_to(secret)
            (given / "entry").unlink()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(2000):
            users.open_to_rooms([Bind(given, "/given", writable=True)])
    finally:
        stop.set()
        thread.join()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.stat().st_gid != users.GROUP


@pytest.mark.skipif(not users.can_give_up_root(), reason="not root")
def test_opening_to_rooms_leaves_a_file_with_a_second_name_alone(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    given = tmp_path / "given"
    given.mkdir()
    (given / "same").hardlink_to(tmp_path / "secret")
    users.open_to_rooms([Bind(given, "/given", writable=True)])
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


# --- control groups, version 2, on a copy made of plain files


@pytest.fixture
def version2(tmp_path, monkeypatch):
    own = tmp_path / "user.slice" / "app.scope"
    own.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("memory pids")
    for folder, given in ((tmp_path, "memory pids"), (own.parent, "memory pids"), (own, "")):
        (folder / "cgroup.subtree_control").write_text(given)
        (folder / "cgroup.procs").write_text("")
    monkeypatch.setattr(cgroups, "_own_groups", lambda: ["0::/user.slice/app.scope"])
    return tmp_path


def test_version_2_limits_both_in_the_nearest_group_that_hands_them_down(version2):
    group = cgroups.make_cgroup(100, 7, root=version2)
    folder = group.folders["memory"]
    assert group.controllers == ("memory", "pids")
    assert group.folders["pids"] == folder
    assert folder.parent == version2 / "user.slice"
    assert int((folder / "memory.max").read_text()) >> 20 == 100 + 16
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "7"


def test_version_2_tells_when_memory_ran_out(version2):
    group = cgroups.make_cgroup(100, 7, root=version2)
    events = group.folders["memory"] / "memory.events"
    events.write_text("low 0\noom 1\noom_kill 0\n")
    assert not group.memory_ran_out()
    events.write_text("low 0\noom 1\noom_kill 2\n")
    assert group.memory_ran_out()


def test_without_any_group_of_ours_there_are_no_controllers(version2):
    for name in ("", "user.slice"):
        (version2 / name / "cgroup.subtree_control").write_text("")
    assert cgroups.make_cgroup(100, 7, root=version2).controllers == ()


def test_groups_of_a_killed_grader_are_swept_and_those_of_a_living_one_stay(version2):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = version2 / f"grader-room-{dead.pid}-0"
    mine = version2 / f"grader-room-{choose.sys.modules['os'].getpid()}-0"
    left.mkdir()
    mine.mkdir()
    cgroups.sweep(version2)
    assert not left.exists()
    assert mine.exists()


# --- where there is no Linux


@pytest.fixture
def plain():
    return PlainRoom(replace(UNTESTED, level=Level.NONE))


def test_a_plain_process_has_a_scratch_folder_that_is_deleted(plain):
    source = "import os; print(os.getcwd()); open('x', 'w'); print(os.environ['HOME'])"
    process = plain.start(RoomSpec((sys.executable, "-c", source)), stdout=subprocess.PIPE)
    assert process.wait(PATIENCE) == 0
    place, home = process.stdout.read().decode().split()
    assert place == home
    assert not Path(place).exists()


def test_a_plain_process_is_killed_with_its_children(plain):
    source = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    process = plain.start(RoomSpec((sys.executable, "-c", source)), stdout=subprocess.PIPE)
    child = int(process.stdout.readline())
    assert process.memory_mb() > 5
    process.kill()
    process.kill()
    assert process.poll() is not None
    assert process.memory_mb() == 0.0
    with contextlib.suppress(psutil.NoSuchProcess):  # nobody may have taken note of its end yet
        assert psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_plain_process_inherits_no_environment(plain, monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "xyzzy")
    source = "import os; print(sorted(os.environ))"
    process = plain.start(RoomSpec((sys.executable, "-c", source)), stdout=subprocess.PIPE)
    assert process.wait(PATIENCE) == 0
    assert b"COURSE_SECRET" not in process.stdout.read()


def test_a_plain_program_that_does_not_exist_is_our_error(plain):
    with pytest.raises(GraderError) as raised:
        plain.start(RoomSpec(("/no/such/program",)))
    assert raised.value.message.id == "room.start_failed"


# --- the real thing


@real
@linux
@pytest.mark.parametrize("kind", ["namespaces", "dropped", "reduced", "none"])
def test_a_real_kernel_trains_a_keras_model_over_unix_sockets(kind, tmp_path):
    client_module = pytest.importorskip("jupyter_client")
    pytest.importorskip("ipykernel")
    room = make_room(kind)
    if room is None:
        pytest.skip(f"no {kind} rooms on this machine")
    meeting = Path(shutil.os.path.realpath(tmp_path)) / "m"
    meeting.mkdir()
    inside = room.inside(meeting, "/meeting")
    ports = {
        f"{name}_port": n
        for n, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)
    }
    facts = {"transport": "ipc", "key": "k", "signature_scheme": "hmac-sha256", **ports}
    (meeting / "connection.json").write_text(json.dumps({**facts, "ip": f"{inside}/s"}))
    spec = RoomSpec(
        (sys.executable, "-m", "ipykernel_launcher", "-f", f"{inside}/connection.json"),
        binds=(Bind(meeting, "/meeting", writable=True),),
        env={"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    process = room.start(spec)
    client = client_module.BlockingKernelClient()
    client.load_connection_info({**facts, "ip": str(meeting / "s")})
    client.start_channels()
    try:
        client.wait_for_ready(timeout=600)
        source = (
            "import tensorflow, keras, numpy as np\n"
            "m = keras.Sequential([keras.Input((3, 1)), keras.layers.GRU(2), keras.layers.Dense(1)])\n"
            "m.compile('adam', 'mse'); m.fit(np.ones((8, 3, 1)), np.ones((8, 1)), verbose=0)"
        )
        reply = client.execute_interactive(source, timeout=900, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        assert process.memory_mb() > 300
    finally:
        client.stop_channels()
        process.kill()
    assert process.poll() is not None


@contextlib.contextmanager
def another_intruder(monkeypatch, line, instead):
    """The self-test's own, with one line of it replaced."""
    text = selftest._INTRUDER.read_text("utf-8")
    assert text.count(line) == 1
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        script = Path(folder, "intruder.py")
        script.write_text(text.replace(line, instead), "utf-8")
        monkeypatch.setattr(selftest, "_INTRUDER", script)
        yield


MEMORY = '    found["memory"] = _memory(plan["memory"])\n'
KILLED = "    os.kill(os.getpid(), signal.SIGKILL)\n"


@real
@linux
@pytest.mark.parametrize("way", ["cold", "warm"])
def test_an_intruder_that_the_kernel_killed_tries_again(fresh, monkeypatch, way):
    """Memory that its child took may be charged to it for a moment longer."""
    room, spec, usual = open_room("auto"), selftest._spec, selftest._INTRUDER
    places = []

    def killed_twice(room, outside):
        places.append(outside.out)
        if len(places) == 3:
            monkeypatch.setattr(selftest, "_INTRUDER", usual)
        return spec(room, outside)

    with another_intruder(monkeypatch, MEMORY, KILLED + MEMORY):
        monkeypatch.setattr(selftest, "_spec", killed_twice)
        if way == "cold":
            reports = examine(room, room.isolation.level)
            assert {one.layer for one in reports if one.holds} == set(room.isolation.layers)
        elif room.isolation.level is Level.FULL:
            assert warmed(room)[1] is None
        else:
            pytest.skip("no warm rooms")
    assert len(set(places)) == 3  # what one left does not keep the next from trying


@real
@linux
def test_an_intruder_that_is_always_killed_says_so_in_words(fresh, monkeypatch):
    room = open_room("auto")
    with another_intruder(monkeypatch, MEMORY, KILLED + MEMORY):
        with pytest.raises(GraderError) as raised:
            examine(room, room.isolation.level)
        _, cold = warmed(room)
    reason = "the self-test ended with signal 9 (killed)"
    assert raised.value.message.args["reason"] == reason
    if room.isolation.level is Level.FULL:
        assert cold.args["reason"] == reason


@real
@linux
def test_sockets_in_use_do_not_make_the_self_test_wait(fresh, monkeypatch):
    """The intruder's knocks go nowhere; none of them may hang: this intruder would never give up."""
    room = open_room("auto")
    with socket.socket() as busy, another_intruder(monkeypatch, "_SECONDS = 1.0", "_SECONDS = 1e6"):
        busy.bind(("127.0.0.1", 0))
        reports = examine(room, room.isolation.level)
    assert {one.layer for one in reports if one.holds} == set(room.isolation.layers)


def test_an_isolation_is_carried_by_the_room_that_was_tested():
    room = ConfinedRoom(True, False, UNTESTED)
    tested = choose._with_isolation(room, replace(UNTESTED, level=Level.REDUCED))
    assert tested.isolation.level is Level.REDUCED
    assert tested.closed
