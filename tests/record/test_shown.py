"""What the pages showed last is kept, and what is no such file knows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.record import shown
from tests.support import builders as b


def test_what_is_kept_comes_back_and_is_nobody_elses(tmp_path: Path) -> None:
    records = [b.record("kim"), b.record("lee"), b.ungraded()]
    shown.write(tmp_path, records)
    there = shown.read(tmp_path)
    assert there is not None
    assert sorted(one.key for theirs in there.values() for one in theirs) == sorted(
        one.key for one in records
    )
    assert (tmp_path / shown.NAME).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"hand_ins": [{}]}',
        '{"hand_ins": [{"student": 1, "exercise": "e", "submission": "s", "key": "k", '
        '"counts": true, "by_hand": false, "verdict": "accepted", "score": 1, '
        '"max_score": 1, "taken": 0, "own_verdict": "accepted", "own_score": 1, '
        '"own_max": 1}]}',
        '{"hand_ins": [{"student": "k", "exercise": "e", "submission": "s", "key": "k", '
        '"counts": true, "by_hand": false, "verdict": "splendid", "score": 1, '
        '"max_score": 1, "taken": 0, "own_verdict": "accepted", "own_score": 1, '
        '"own_max": 1}]}',
    ],
)
def test_what_is_none_knows_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / shown.NAME).write_text(text)
    assert shown.read(tmp_path) is None


def test_where_there_is_none_nothing_is_known(tmp_path: Path) -> None:
    assert shown.read(tmp_path) is None
