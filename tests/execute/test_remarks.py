"""Remarks are told once each, at the first line, and never more than a page can bear."""

from __future__ import annotations

from grader.execute.remarks import LONGEST, MOST, remarks
from grader.execution import CellRun, Remark
from grader.types import Message


def cells(*told: Remark) -> tuple[CellRun, ...]:
    numbers = sorted({one.cell for one in told})
    return tuple(
        CellRun(n, "ok", 0.0, "", None, remarks=tuple(one for one in told if one.cell == n))
        for n in numbers
    )


def test_each_thing_is_told_at_its_first_line() -> None:
    told = cells(
        Remark(2, 5, "old_api", "lr=", "learning_rate="),
        Remark(3, 1, "old_api", "lr=", "learning_rate="),
        Remark(1, 1, "stand_in", "a.csv", "b.csv"),
        Remark(3, 2, "old_api", "workers=", ""),
        Remark(4, 1, "asked", "input()", ""),
        Remark(5, 2, "restart", "os.kill()", ""),
    )
    assert list(remarks(told)) == [
        Message("execute.stand_in", {"cell": 1, "line": 1, "what": "a.csv", "instead": "b.csv"}),
        Message(
            "execute.old_api",
            {"cell": 2, "line": 5, "what": "lr=", "instead": "learning_rate="},
        ),
        Message("execute.old_api_gone", {"cell": 3, "line": 2, "what": "workers="}),
        Message("execute.asked_nothing", {"cell": 4, "line": 1, "what": "input()"}),
        Message("execute.restart", {"cell": 5, "line": 2, "what": "os.kill()", "instead": ""}),
    ]


def test_a_kernel_cannot_fill_the_page_nor_hide_what_it_says() -> None:
    told = cells(*(Remark(1, n, "old_api", f"\u202e{n}" + "x" * 999, "y") for n in range(99)))
    found = list(remarks(told))
    assert len(found) == MOST
    assert all(len(str(one.args["what"])) <= LONGEST for one in found)
    assert not any("\u202e" in str(one.args["what"]) for one in found)
