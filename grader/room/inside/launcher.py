"""The launcher of rooms without namespaces: closes what it can, then becomes the program.

Enters: a file descriptor with the order as JSON, another to report on. Leaves: the program's exit
code. Touches: resource limits, capabilities, Landlock, seccomp of the program; its process tree.

Run as a file: ``python -I -S launcher.py ORDER REPORT``. It stays as the program's supervisor:
every orphan of the tree becomes its child, and it ends them all when the program ends, when it is
told to (SIGTERM), or when the process that started it dies. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
import types
from pathlib import Path
from typing import Any, NoReturn

_KILL_ROUNDS, _KILL_PAUSE = 400, 0.005
_KILLED = 128 + signal.SIGKILL


def main() -> NoReturn:
    """Start the program as the order says, and outlive its tree."""
    order_fd, report_fd = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(order_fd, "rb") as file:
        order = json.load(file)
    _stub_packages()
    from grader.room.inside import removing, rights

    os.set_inheritable(report_fd, False)
    rights.prctl(rights.SET_CHILD_SUBREAPER, 1)
    rights.prctl(rights.SET_PDEATHSIG, signal.SIGTERM)
    signals = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    if os.getppid() != order["parent"]:  # it died before we asked to be told
        os._exit(_KILLED)
    program = os.fork()
    if program == 0:
        _become(order, report_fd)
    os.close(report_fd)
    for descriptor in (0, 1, 2):  # readers of the program's output must see its end
        os.close(descriptor)
    code = _watch(program, signals)
    _end_tree()
    removing.remove_tree(Path(order["scratch"]))
    os._exit(code)


def _watch(program: int, signals: set[signal.Signals]) -> int:
    """Wait for the program's end, or for the order to end it."""
    while True:
        if signal.sigwait(signals) != signal.SIGCHLD:
            return _KILLED
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if ended[0] == program:
                    code = os.waitstatus_to_exitcode(ended[1])
                    return code if code >= 0 else 128 - code


def _end_tree() -> None:
    """Kill descendants until none is left; stopped first, so that none can fork ahead of us."""
    for _ in range(_KILL_ROUNDS):
        descendants = _descendants(os.getpid())
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in descendants:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(_KILL_PAUSE)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{current}/task").iterdir():
                children = [int(word) for word in (task / "children").read_text().split()]
                found += children
                waiting += children
    return found


def _become(order: dict[str, Any], report_fd: int) -> NoReturn:
    """Close the room around this process and run the program; on failure, report and leave."""
    try:
        from grader.room.inside import landlock, rights  # now: another user may not reach them

        os.setsid()
        rights.prctl(rights.SET_PDEATHSIG, signal.SIGKILL)
        os.chdir(order["cwd"])
        os.umask(order["umask"])
        _limit(order)
        rights.give_up(order["user"])
        rights.prctl(rights.SET_PDEATHSIG, signal.SIGKILL)  # a change of user clears it
        if order["landlock"] is not None:
            own, paths = f"/proc/{os.getpid()}", order["landlock"]
            threads = [f"{own}/task"] if paths["threads"] else []
            landlock.restrict([*paths["readable"], own], [*paths["writable"], *threads])
        if order["seccomp"] is not None:
            rights.filter_calls(bytes.fromhex(order["seccomp"]))
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execve(order["argv"][0], order["argv"], order["env"])  # noqa: S606 no shell wanted
    except BaseException as error:  # nothing may run in a room half closed
        os.write(report_fd, repr(error).encode()[:1000])
    os._exit(126)


def _limit(order: dict[str, Any]) -> None:
    for kind, value in order["limits"]:
        hard = resource.getrlimit(kind)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (wanted, wanted))
    if order["cores"] is not None:
        os.sched_setaffinity(0, order["cores"])


def _stub_packages() -> None:
    """Make ``grader.room.inside`` importable alone: the judge's imports are not for here."""
    here = Path(__file__).resolve().parent
    folders = (here.parents[1], here.parent, here)
    for name, folder in zip(("grader", "grader.room", "grader.room.inside"), folders, strict=True):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


if __name__ == "__main__":
    main()
