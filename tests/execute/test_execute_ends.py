"""How a run that has to be ended early is cleared away; no kernel is started."""

from __future__ import annotations

import json
import os
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from grader.driver.caps import Caps
from grader.execute import caps, execute, rooms, supervise
from grader.execute.claims import Claims
from grader.execute.run import Run
from grader.execution import CellRun
from grader.room import RoomSpec
from grader.submission import Cell, Notebook
from grader.types import Engine, Isolation, Level, Outcome

LINE: dict[str, Any] = {"index": 1, "status": "ok", "seconds": 0.5, "stdout": ""}


class Process:
    """A room process; the driver's last wait opens a file, as another notebook's thread would."""

    pid = 1

    def __init__(self, code: int | None, opened: list[int] | None) -> None:
        self.code = code
        self.opened = opened

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        if self.opened is not None:
            self.opened += [os.open(os.devnull, os.O_RDONLY) for _ in range(8)]
        return 0

    def kill(self) -> None:
        pass

    def memory_mb(self) -> float:
        return 0.0

    def memory_ran_out(self) -> bool:
        return False


class RoomOfADyingKernel:
    isolation = Isolation(Level.NONE)

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.cores: list[tuple[int, ...] | None] = []
        self.told: dict[str, Any] = {}
        self.transcript = ""

    def inside(self, host: Path, inside: str) -> str:
        return str(host)

    def start(self, spec: RoomSpec, **_: Any) -> Process:
        self.cores.append(spec.cores)
        if "converse.py" not in spec.argv[2]:
            return Process(-9, None)
        self.told = json.loads(Path(spec.argv[-2]).read_text())
        (Path(spec.argv[-1]) / "ready").touch()
        (Path(spec.argv[-1]) / "transcript.jsonl").write_text(self.transcript)
        return Process(None, self.opened)


def run(cores: tuple[int, ...] = ()) -> Run:
    notebook = Notebook(cells=(), exercise=None, digest="0" * 64)
    return Run(notebook, Engine.JAX, 1, 1, timeout=60, memory_mb=1000, cores=cores)


def test_ending_a_run_closes_nobody_elses_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "POLL_SECONDS", 0.0)
    room = RoomOfADyingKernel()
    done = execute.execute(run(), room, again=False)  # type: ignore[arg-type]
    assert done.outcome is Outcome.KERNEL_DIED
    for descriptor in room.opened:
        os.fstat(descriptor)  # raises where somebody closed it
        os.close(descriptor)


def test_nothing_of_a_run_shares_a_core_with_another_job() -> None:
    room = RoomOfADyingKernel()
    execute.execute(run(cores=(1,)), room, again=False)  # type: ignore[arg-type]
    assert room.cores == [(1,), (1,)]  # the kernel's and the driver's


def test_the_driver_is_told_the_bounds_within_which_it_will_be_read() -> None:
    room = RoomOfADyingKernel()
    execute.execute(run(), room, again=False)  # type: ignore[arg-type]
    told = Caps(**room.told["caps"])  # as the driver takes them: all of them, and no other
    assert told.events == caps.EVENTS
    assert told.content_bytes == caps.CONTENT_BYTES
    assert told.contents_bytes == caps.TOTAL_CONTENT_BYTES
    assert told.event_bytes == caps.EVENT_BYTES
    assert told.evidence_bytes == caps.TOTAL_BYTES


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([LINE], []),
        ([LINE | {"malformed": 2}], [("execute.malformed", 2)]),
        ([LINE, {"index": "no number"}, []], [("execute.unreadable", 2)]),
        (
            [LINE | {"malformed": 1}, {}],
            [("execute.malformed", 1), ("execute.unreadable", 1)],
        ),
    ],
)
def test_what_had_to_be_left_out_is_told(lines: list[Any], told: list[tuple[str, int]]) -> None:
    room = RoomOfADyingKernel()
    room.transcript = "".join(json.dumps(line) + "\n" for line in lines)
    done = execute.execute(run(), room, again=False)  # type: ignore[arg-type]
    assert [(note.id, note.args["count"]) for note in done.notes] == told


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [(Outcome.FINISHED, ["ok", "error"]), (Outcome.TIME_LIMIT, ["ok"])],
)
def test_a_cell_that_was_run_and_of_which_nothing_is_known_is_no_success(
    outcome: Outcome, statuses: list[str]
) -> None:
    """Else it would be worth to make failing cells unreadable."""
    notebook = Notebook((Cell(2, "1"), Cell(5, "1 / 0")), None, "0" * 64)
    told = (CellRun(2, "ok", 0.1, "", None),)
    found = list(execute._every_cell(told, notebook, outcome))
    assert [cell.status for cell in found] == statuses
    assert [cell.index for cell in found] == [2, 5][: len(found)]


def test_what_there_was_no_room_for_is_told() -> None:
    claims = Claims((), (), unreadable=0, malformed=0, dropped=7, lightened=2)
    told = {note.id: note.args["count"] for note in execute._notes(claims)}
    assert told == {"execute.dropped": 7, "execute.lightened": 2}


def test_what_the_driver_still_reads_is_bounded_too() -> None:
    class Greedy(Process):
        waited = 0

        def wait(self, timeout: float | None = None) -> int | None:  # type: ignore[override]
            self.waited += 1
            assert self.waited < 5, "its memory was never looked at"
            return None

        def memory_mb(self) -> float:
            return 2.0 * rooms.DRIVER_MEMORY_MB if self.waited > 1 else 0.0

    driver = Greedy(None, None)
    held = rooms.Driver(driver, FileIO(os.open(os.devnull, os.O_WRONLY), "wb"))  # type: ignore[arg-type]
    assert supervise._stop(Process(-9, None), held, supervise.Watch()) is None  # type: ignore[arg-type]
    assert driver.waited == 2
