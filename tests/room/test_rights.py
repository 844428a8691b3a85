"""Giving up rights, where it is written: once, for rooms of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.room import inside

INSIDE = Path(inside.__file__).parent
ONLY_THERE = ("capset", "sock_fprog", "setresuid", "NO_NEW_PRIVS")


@pytest.mark.parametrize("word", ONLY_THERE)
def test_rights_are_given_up_in_one_place(word: str) -> None:
    naming = [path.name for path in INSIDE.glob("*.py") if word in path.read_text(encoding="utf-8")]
    assert naming == ["rights.py"]
