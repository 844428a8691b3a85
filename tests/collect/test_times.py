"""When something was handed in, as the platforms write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.collect.collect import Collected, collect
from grader.collect.names import file_mark
from grader.collect.times import nbgrader_time
from grader.policy.rules import Attempts
from tests.support.notebook_files import notebook, raw

IDS = frozenset({"sequence-prediction", "char-text"})
GOOD = raw(notebook("x = 1"))


def place(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def collected(folder: Path) -> Collected:
    return collect([folder], exercise_ids=IDS, owed=None)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-05-01 09:20:30.123456 UTC", "2026-05-01T09:20:30.123456+00:00"),
        ("2026-05-01 09:20:30 UTC\n", "2026-05-01T09:20:30+00:00"),
        ("2026-05-01 18:20:30.000001 KST", "2026-05-01T09:20:30.000001+00:00"),
        ("2026-05-01 18:20:30 Asia/Seoul", "2026-05-01T09:20:30+00:00"),
        ("2026-05-01 04:20:30 -05:00", "2026-05-01T09:20:30+00:00"),
    ],
)
def test_nbgrader_s_time_is_read_with_its_zone(text, iso):
    assert nbgrader_time(text) == iso


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-05-01 09:20:30",  # of which zone?
        "2026-05-01 09:20:30 PST",  # several are called so
        "2026-13-01 09:20:30 UTC",
        "2026-05-01 99:20:30 UTC",
        "0001-01-01 00:00:00 +14:00",
        "2026-05-01 09:20:30 ../../etc/passwd",
        "2026-05-01 09:20:30 +99:00",
    ],
)
def test_what_is_no_time_for_sure_is_none(text):
    assert nbgrader_time(text) == ""


def test_nbgrader_s_file_tells_the_time_of_what_lies_beside_it(tmp_path):
    for student, day in (("kim", "01"), ("lee", "02")):
        folder = tmp_path / "submitted" / student / "sequence-prediction"
        place(folder / "hw.ipynb", GOOD)
        place(folder / "timestamp.txt", f"2026-05-{day} 09:20:30.5 UTC".encode())
    place(tmp_path / "submitted" / "choi" / "sequence-prediction" / "hw.ipynb", GOOD)
    told = {one.student: one.handed_in for one in collected(tmp_path).submissions}
    assert told == {
        "kim": "2026-05-01T09:20:30.500000+00:00",
        "lee": "2026-05-02T09:20:30.500000+00:00",
        "choi": "",
    }


def test_a_student_s_own_timestamp_file_tells_nothing(tmp_path):
    place(tmp_path / "kim" / "hw.ipynb", GOOD)
    place(tmp_path / "lee" / "hw.ipynb", GOOD)
    place(tmp_path / "kim" / "timestamp.txt", b"2026-05-01 09:20:30.5 UTC")
    assert {one.handed_in for one in collected(tmp_path).submissions} == {""}


def test_canvas_marks_what_is_late_and_the_order_of_uploads_stays(tmp_path):
    place(tmp_path / "kimminjun_LATE_1234_777_hw.ipynb", GOOD)
    place(tmp_path / "leeseoyeon_1235_778_hw.ipynb", GOOD)
    told = {one.student: one.handed_in for one in collected(tmp_path).submissions}
    assert told["kimminjun_1234"] == f"upload {'777':0>20} LATE"
    assert told["leeseoyeon_1235"] == f"upload {'778':0>20}"
    assert told["kimminjun_1234"] < told["leeseoyeon_1235"]


def test_late_in_the_name_that_a_student_chose_is_no_mark():
    mark = file_mark("kimminjun_1234_777_LATE_hw")
    assert mark is not None
    assert "LATE" not in mark.handed_in


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Attempts.LAST, "collect.attempts_by_name"),
        (Attempts.BEST, "collect.attempts_best"),
        (Attempts.LAST_IN_TIME, "collect.attempts_in_time"),
    ],
)
def test_which_attempt_counts_is_told_as_the_course_has_it(tmp_path, rule, message):
    for name in ("hw.ipynb", "hw (1).ipynb"):
        place(tmp_path / "kim" / name, GOOD)
    found = collect([tmp_path], exercise_ids=IDS, owed=("char-text",), attempts=rule)
    assert [one.id for one in found.notes] == [message]
