"""The fork server: imports the engine once and forks a process into each room that asks.

Enters: on standard input this file's text and, over a socket, first what to import and the text of
``rights.py``, then one order per room. Leaves: processes inside rooms, and for each its exit code.
Touches: its own process.

It is never imported: its text is the program, so that no path of the grader is in any traceback or
command line inside a room. It holds no secret and no student's data, for its forks share what it
holds. It runs no thread: a fork copies one thread only, and a lock that another one held would
never open again. Standard library only.

    fork server ──fork──▶ keeper ── enters the room's namespaces, fork ──▶ program
                            └─ waits for the program, reports its end, ends the room

A process cannot move into another process namespace, only its children are born there: hence the
keeper, which stays outside, has no way in for the program, and never outlives the room.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import types
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from grader.room.inside import rights  # noqa: TC004 a text like ours, it comes with the hello

_MESSAGE_BYTES = 1 << 18
_DESCRIPTORS = 32
_FAILED = 126


def main() -> None:
    """Import, then serve; in a program's process, become that program."""
    _call_ourselves([sys.executable, "fork-server"])
    with socket.socket(fileno=int(sys.argv[1])) as control:
        hello = json.loads(control.recv(_MESSAGE_BYTES))
        globals()["rights"] = _module(hello.pop("rights"))
        rights.prctl(rights.SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != hello["parent"]:  # it died before we asked to be told
            return
        variables = _import(hello["modules"], hello["scratch"])
        order = _serve(control, variables)
    if order is not None:
        del globals()["rights"]
        _run(order["argv"])


def _module(text: str) -> types.ModuleType:
    """Make a module of a text: like ours, it is in no file."""
    module = types.ModuleType("rights")
    exec(compile(text, "<stdin>", "exec"), vars(module))  # noqa: S102 the grader's own
    return module


def _import(names: list[str], scratch: str) -> dict[str, str]:
    """Import what the rooms will need, with a home of our own that the rooms never hear of.

    Gives the variables that the imports set: they belong to every room's environment.
    """
    home = os.environ["HOME"]
    os.environ |= {"HOME": scratch, "TMPDIR": scratch}
    before = dict(os.environ)
    sys.path[0] = scratch  # in place of the working directory
    for name in names:
        with contextlib.suppress(ImportError):  # the room's own import fails too, and says so
            importlib.import_module(name)
    del sys.path[0]
    sys.path_importer_cache.pop(scratch, None)
    tempfile.tempdir = None  # to be asked for again, in the room
    for module in list(sys.modules.values()):
        _move_home(vars(module), scratch, home)
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every page in every room
    return {k: v for k, v in os.environ.items() if before.get(k) != v}


def _move_home(names: Any, scratch: str, home: str) -> None:
    """Some libraries remember at their import where the home folder was: in texts, and lists."""
    for name, value in list(names.items() if isinstance(names, dict) else enumerate(names)):
        if isinstance(value, str) and value.startswith(scratch):
            names[name] = home + value.removeprefix(scratch)
        elif isinstance(value, list):
            _move_home(value, scratch, home)
        elif isinstance(value, types.FunctionType):
            for cell in value.__closure__ or ():
                _move_remembered(cell, scratch, home)


def _move_remembered(cell: types.CellType, scratch: str, home: str) -> None:
    with contextlib.suppress(ValueError):  # an empty one
        if isinstance(cell.cell_contents, str) and cell.cell_contents.startswith(scratch):
            cell.cell_contents = home + cell.cell_contents.removeprefix(scratch)


def _serve(control: socket.socket, variables: dict[str, str]) -> dict[str, Any] | None:
    """Answer orders until the grader is gone; gives the order in the process that carries it out.

    A fork returns from here, instead of running the program here: the program's own stack then
    holds nothing of ours.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for keepers
    control.send(b"ready")
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, _MESSAGE_BYTES, _DESCRIPTORS)
        if not text:
            return None
        threads = sum(1 for _ in os.scandir("/proc/self/task"))
        if threads != 1:
            control.send(f"{threads} threads".encode())
        elif _fork() == 0:
            control.close()
            order = json.loads(text)
            order["env"] |= variables
            _enter(order, descriptors)
            return order  # type: ignore[no-any-return]
        else:
            control.send(b"forked")
        for descriptor in descriptors:
            os.close(descriptor)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of forks: it has no thread here yet
        return os.fork()


def _enter(order: dict[str, Any], descriptors: list[int]) -> None:
    """Walk into the room: the keeper never returns from here, the program's process does.

    ``descriptors``: standard input, output and error, report, gate, the room's first process, and
    its namespaces in the order in which they must be entered.
    """
    streams, (report, gate, room), namespaces = descriptors[:3], descriptors[3:6], descriptors[6:]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        for namespace in namespaces:
            rights.call("setns", namespace, 0)
        program = _fork()
        if program != 0:
            _keep(program, report, room, [*streams, gate, *namespaces])
        _close_in(order, streams, gate, report)
    except BaseException as error:  # nothing may run in a room half closed
        _tell(report, f"failed {error!r}")
        os._exit(_FAILED)


def _keep(program: int, report: int, room: int, others: list[int]) -> NoReturn:
    """Say who the program is, wait for its end, say how it ended, and end the room."""
    for descriptor in (0, 1, 2, *others):
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _tell(report, f"began {program}")
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    _tell(report, f"ended {code}")
    with contextlib.suppress(OSError):
        signal.pidfd_send_signal(room, signal.SIGKILL)
    os._exit(0)


def _tell(report: int, line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(report, line[:500].encode() + b"\n")


def _close_in(order: dict[str, Any], streams: list[int], gate: int, report: int) -> None:
    """Give up everything that a program started inside would not have; then wait at the gate."""
    os.setsid()  # a signal to its own group reaches nobody else
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.dup2(gate, 3)
    os.dup2(report, 4)
    os.closerange(5, 1 << 16)
    os.umask(order["umask"])
    for kind, value in order["limits"]:
        resource.setrlimit(kind, (value, value))
    if order["cores"] is not None:
        os.sched_setaffinity(0, order["cores"])
    rights.give_up(order["user"])
    rights.prctl(rights.SET_DUMPABLE, 1)  # as after an exec: else /proc/self belongs to root
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ |= order["env"]
    if os.read(3, 1) != b"1":  # the grader puts us under the memory limit first
        os._exit(_FAILED)
    rights.filter_calls(bytes.fromhex(order["seccomp"]))
    os.closerange(3, 5)
    sys.stdin = open(0, encoding=sys.stdin.encoding, errors=sys.stdin.errors)  # noqa: SIM115


def _run(argv: list[str]) -> None:
    """Do what ``python -B SCRIPT …`` or ``python -c CODE …`` would, in this process."""
    arguments = argv[1:]
    isolated = "-I" in arguments
    while arguments[0] in ("-B", "-I", "-S"):
        arguments = arguments[1:]
    sys.executable, sys.orig_argv = argv[0], argv
    _call_ourselves(argv)
    if arguments[0] == "-c":
        sys.argv, source, name = ["-c", *arguments[2:]], arguments[1], "<string>"
    else:
        sys.argv, name = arguments, arguments[0]
    if not isolated:
        sys.path.insert(0, "" if name == "<string>" else os.path.dirname(name))  # noqa: PTH120
    if name != "<string>":
        with open(name, "rb") as file:  # noqa: PTH123
            source = file.read()  # type: ignore[assignment]
    module = types.ModuleType("__main__")
    module.__dict__["__file__"] = name
    sys.modules["__main__"] = module
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 as the interpreter would


def _call_ourselves(argv: list[str]) -> None:
    """Write over our command line, which was made long for that: what ps shows, and a program."""
    with open("/proc/self/stat", encoding="utf-8") as file:  # noqa: PTH123
        numbers = file.read().rpartition(")")[2].split()
    start, end = int(numbers[45]), int(numbers[46])
    text = b"".join(os.fsencode(word) + b"\0" for word in argv)[: end - start - 1]
    ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    main()
