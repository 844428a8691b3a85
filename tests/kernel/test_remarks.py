"""A remark names the student's line, is told once, and is nobody's else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from grader.kernel.remarks import LONGEST, Remarks, students_line
from tests.support.played_kernel import Kernel


def as_student(source: str, **names: Any) -> None:
    """Run code as a cell's."""
    exec(compile(source, "cell", "exec"), {"get_ipython": True, "In": [], **names})


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kernel:
    monkeypatch.chdir(tmp_path)  # what lies below it is the student's
    return Kernel("grader_remark")


def test_a_remark_names_the_line_of_the_running_cell_and_not_of_what_it_calls(
    kernel: Kernel,
) -> None:
    told = Remarks(kernel)
    as_student(
        "def inner():\n    tell('old_api', 'lr=', 'learning_rate=')\n\ninner()", tell=told.tell
    )
    assert kernel.told == [
        {"kind": "old_api", "what": "lr=", "instead": "learning_rate=", "line": 4}
    ]


def test_the_same_is_told_once(kernel: Kernel) -> None:
    told = Remarks(kernel)
    as_student("for n in range(9):\n    tell('old_api', 'lr=', 'learning_rate=')", tell=told.tell)
    assert len(kernel.told) == 1


def test_what_a_library_uses_by_itself_is_no_remark(kernel: Kernel) -> None:
    Remarks(kernel).tell("old_api", "lr=", "learning_rate=")
    assert kernel.told == []
    assert students_line(sys._getframe()) is None


def test_a_remark_is_short_and_a_broken_kernel_breaks_no_notebook(kernel: Kernel) -> None:
    as_student("tell('old_api', 'x' * 999, 'y' * 999)", tell=Remarks(kernel).tell)
    assert {len(kernel.told[0][key]) for key in ("what", "instead")} == {LONGEST}
    as_student("tell('old_api', 'x', 'y')", tell=Remarks(None).tell)
