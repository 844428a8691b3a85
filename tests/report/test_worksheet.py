"""Times as Moodle's grading worksheet has them, in both languages."""

from __future__ import annotations

import pytest

from grader.report.worksheet import time_of, times


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Friday, 1 May 2026, 5:58 PM", "2026-05-01T17:58"),
        ("Friday, 1 May 2026, 12:05 AM", "2026-05-01T00:05"),
        ("Friday, 1 May 2026, 12:05 PM", "2026-05-01T12:05"),
        ("Fri, 01 September 2026, 17:58", "2026-09-01T17:58"),
        ("금요일, 1 5월 2026, 05:58 오후", "2026-05-01T17:58"),
        ("금요일, 01  5월 2026, 12:05 오전", "2026-05-01T00:05"),
        ("금요일, 1 12월 2026, 05:58 PM", "2026-12-01T17:58"),
        ("2026년 5월 1일 금요일, 오후 5:58", "2026-05-01T17:58"),
        ("2026년 5월 1일 (금) 오전 12:05", "2026-05-01T00:05"),
        ("2026년 5월 1일 금요일, PM 5:58", "2026-05-01T17:58"),
        ("2026-05-01 17:58", "2026-05-01T17:58"),
        *((none, "") for none in ("", "-", "No submission", "제출 안 함", "5:58 PM")),
    ],
)
def test_a_time_is_read_as_it_is_written_for_people(text, iso):
    assert time_of(text) == iso


def test_each_student_has_the_time_of_their_row():
    rows = [
        {
            "Identifier": "Participant 12",
            "Full name": "김민준",
            "Last modified (submission)": "1 May 2026, 5:58 PM",
        },
        {"Identifier": "Participant 13", "Full name": "이서연", "Last modified (submission)": "-"},
    ]
    assert times(["김민준_12", "이서연_13", "박지후_14"], rows) == {"김민준_12": "2026-05-01T17:58"}


def test_the_korean_worksheet_tells_them_too():
    rows = [
        {
            "식별자": "참가자12",
            "전체 이름": "김 민준",
            "마지막 수정됨(제출)": "금요일, 1 5월 2026, 05:58 오후",
        }
    ]
    assert times(["김 민준_12"], rows) == {"김 민준_12": "2026-05-01T17:58"}
    assert times(["이 서연_12"], rows) == {}  # another's name


def test_a_list_without_times_tells_none():
    assert times(["kim"], [{"Student": "kim"}]) == {}
    assert times(["kim"], []) == {}
