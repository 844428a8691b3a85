"""What a program takes beside its pages is counted to its memory."""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import sys
import threading

import pytest

from grader.room import memory
from grader.room.memory import process_bytes, queue_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")

MB = 1 << 20
MAP_NORESERVE = 0x4000
TABLE_REACHES = 2 * MB  # what one page of a page table leads to
NO_LIMIT = float("inf")


@pytest.fixture(autouse=True)
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process has open already is free too."""
    had = len(memory._sockets(os.getpid()))
    monkeypatch.setattr(memory, "_FREE_SOCKETS", memory._FREE_SOCKETS + had)


def taken() -> int:
    return process_bytes([os.getpid()], NO_LIMIT)


def test_page_tables_count_though_no_page_is_taken() -> None:
    tables = 4096
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    before = taken()
    with mmap.mmap(-1, tables * TABLE_REACHES, flags=flags) as space:
        for at in range(0, len(space), TABLE_REACHES):
            assert space[at] == 0  # read only: all of it is the one page of zeros
        assert taken() - before >= tables * mmap.PAGESIZE / 2


def test_a_process_that_is_gone_takes_nothing() -> None:
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    assert process_bytes([gone], NO_LIMIT) == 0
    assert queue_bytes([gone]) == 0


def test_a_few_sockets_are_free() -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            for one in socket.socketpair():
                stack.enter_context(one)
        assert queue_bytes([os.getpid()]) == 0


def test_more_sockets_than_any_notebook_has_count_as_full() -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            for one in socket.socketpair():
                stack.enter_context(one)
        assert queue_bytes([os.getpid()]) > 100 * MB


def test_a_socket_that_processes_share_counts_once() -> None:
    with contextlib.ExitStack() as stack:
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        stack.enter_context(theirs)
        for _ in range(200):
            stack.enter_context(ours.dup())
        assert queue_bytes([os.getpid(), os.getpid()]) == 0


def test_the_sockets_of_another_network_are_those_that_it_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those too that nobody has open; each network once, whoever is in it."""
    us, them = memory._network(os.getpid()), {11: 7, 12: 7, 13: 8, 14: None}
    counted = {7: 300, 8: 100}
    monkeypatch.setattr(memory, "_network", lambda pid: them.get(pid, us))
    monkeypatch.setattr(memory, "_sockets_of_network", lambda pid: counted[them[pid] or 0])
    free = memory._FREE_SOCKETS
    assert queue_bytes([11, 12, 13, 14]) == (400 - free) * memory._SOCKET_BYTES


def test_threads_are_counted() -> None:
    gate = threading.Event()
    before = memory.thread_count(os.getpid())
    waiting = [threading.Thread(target=gate.wait) for _ in range(7)]
    for one in waiting:
        one.start()
    now = memory.thread_count(os.getpid())
    gate.set()
    for one in waiting:
        one.join()
    assert now == before + 7
    assert memory.thread_count(2**22 + 1) == 0


def test_areas_of_many_processes_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork has all areas of its parent, and the kernel keeps a record for each."""
    monkeypatch.setattr(memory, "_open_files", lambda _: 0)
    here = [os.getpid()]
    few = memory.kernel_bytes(here * memory._FREE_PROCESSES)
    areas = memory._areas(os.getpid())
    more = memory.kernel_bytes(here * (memory._FREE_PROCESSES + 2))
    assert few == 0
    assert 10 < areas < memory._MOST_AREAS
    assert more == pytest.approx(2 * areas * memory._AREA_BYTES, rel=0.1)
    monkeypatch.setattr(memory, "_MAPS_BYTES", 1000)
    assert memory._areas(os.getpid()) == memory._MOST_AREAS  # nobody reads them all
    assert memory._areas(2**22 + 1) == 0


def test_files_of_many_processes_may_all_be_full_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_open_files", lambda _: 1000)
    assert memory.kernel_bytes([1, 2, 3, 4]) == 0
    assert memory.kernel_bytes([1] * 10) == (10_000 - memory._FREE_FILES) * memory._PIPE_BYTES


def test_what_a_process_keeps_hidden_may_all_be_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not dumpable: root alone is told what it has open, or where it is."""
    here, stat = os.getpid(), os.stat
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(open("/dev/null"))  # noqa: PTH123
        open_now = memory._open_files(here)

        def refusing(path: str, **how: object) -> os.stat_result:
            if path == f"/proc/{here}/ns/net" and not asked_by_us.pop():
                raise PermissionError(path)
            return stat(path, **how)  # type: ignore[arg-type]

        def refused(path: str) -> list[str]:
            raise PermissionError(path)

        asked_by_us = [True, False, True]  # the last first: us, them, us in place of them
        monkeypatch.setattr(os, "stat", refusing)
        monkeypatch.setattr(os, "listdir", refused)
        counted = queue_bytes([here])
    assert counted == (open_now - memory._FREE_SOCKETS) * memory._SOCKET_BYTES


def test_only_who_may_look_knows_how_many_files_are_none_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert memory.hidden_files(os.getpid()) == 0
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert memory.hidden_files(os.getpid()) == memory._open_files(os.getpid()) > 0
    assert memory.hidden_files(2**22 + 1) == 0  # nobody's


def test_a_network_counts_its_sockets() -> None:
    def grown() -> int:
        before = memory._sockets_of_network(os.getpid())
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                for one in socket.socketpair():
                    stack.enter_context(one)
            return memory._sockets_of_network(os.getpid()) - before

    # Other programs in this network may close theirs meanwhile, but not every time.
    assert any(grown() >= 50 for _ in range(20))
    assert memory._sockets_of_network(0) == 0
