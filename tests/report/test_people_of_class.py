"""Everybody of a class is somewhere, once, and every sum is the roster."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.policy.hand_ins import Counting
from grader.report.attendance import people_of
from grader.report.columns import Column, columns_of
from grader.report.export import Export
from grader.report.people import PARTS, State, people
from grader.text.words import Words
from grader.types import GraderError, Message, Record, Verdict
from tests.support import builders as b

EN, KO = Words("en"), Words("ko")
LSTM, GRU = "multiplication-lstm", "multiplication-gru"
NAMES = (
    "김민준",
    "이서연",
    "박지호",
    "kim",
    "lee",
    "Kim, Minjun",
    "HW3_20231234_김민준",
    "x_101",
    "=1+1",
    "",
)


def record(student: str, exercise: str, kind: str, number: int = 0) -> Record:
    if kind == "ungraded":
        return b.ungraded(student, exercise)
    verdict = Verdict.MALFORMED if kind == "malformed" else Verdict.UNTRAINED
    grade = b.grade(verdict, 0.0 if kind == "malformed" else 60.0, ())
    return b.record(student, exercise, f"{student}/{number}.ipynb", grade=grade)


PERSON = st.fixed_dictionaries(
    {"Student": st.sampled_from(NAMES), "ID": st.sampled_from(("101", "102", "103", ""))}
)
RECORD = st.builds(
    record,
    st.sampled_from(NAMES),
    st.sampled_from((LSTM, GRU, "unknown")),
    st.sampled_from(("graded", "malformed", "ungraded")),
    st.integers(0, 3),
)


@given(st.lists(RECORD, max_size=8), st.lists(PERSON, max_size=6), st.sets(st.sampled_from(NAMES)))
def test_every_sum_is_the_roster_and_no_hand_in_is_lost(
    records: list[Record], roster: list[dict[str, str]], unread: set[str]
) -> None:
    left = {student: [Message("collect.nested_archive", {"name": student})] for student in unread}
    found = people(records, [LSTM, GRU], roster or None, left)
    there = [one for one in found.people if one.on_roster]
    if roster:
        assert len(there) == found.roster == len(people_of(roster))
        assert [one.name for one in there] == [*people_of(roster).values()]
    told = Counter(one.state for one in there)
    assert sum(told.values()) == len(there)
    students = {one.student for one in Counting(records).chosen.values()} | (unread - {""})
    assert students <= {one.student for one in found.people}
    for one in found.people:
        assert one.states.keys() == {*found.exercises}
        assert one.state is State.MENTIONED or one.state in {*one.states.values(), State.UNREAD}


@pytest.mark.parametrize(
    ("student", "state"),
    [
        ("김민준", State.GRADED),
        ("HW3_김민준", State.GRADED),
        ("김민준_이서연", State.GRADED),
        ("박지호", State.NOTHING),
    ],
)
def test_a_name_within_a_hand_ins_name_will_do(student: str, state: State) -> None:
    roster = [{"이름": "김민준"}, {"이름": "최수민"}]
    found = people([record(student, LSTM, "graded")], [LSTM], roster, {})
    assert found.people[0].state is state


def test_of_namesakes_nobody_knows_whose_it_is() -> None:
    roster = [{"이름": "김민준", "학번": "1"}, {"이름": "김민준", "학번": "2"}]
    records = [record("a_김민준", LSTM, "graded"), record("b_김민준", LSTM, "graded")]
    found = people(records, [LSTM], roster, {})
    assert [one.state for one in found.people if one.on_roster] == [State.MENTIONED] * 2
    assert [one.student for one in found.people if not one.on_roster] == ["a_김민준", "b_김민준"]


def test_a_platforms_number_with_another_name_is_not_the_person() -> None:
    roster = [{"Student": "Kim, Minjun", "ID": "101"}]
    found = people([record("parkjiho_101", LSTM, "graded")], [LSTM], roster, {})
    assert [(one.state, one.on_roster) for one in found.people] == [
        (State.NOTHING, True),
        (State.GRADED, False),
    ]


def test_whoever_handed_in_something_else_since_is_not_told_as_unread() -> None:
    left = {"kim": [Message("collect.nested_archive", {"name": "kim/x.rar"})]}
    found = people([record("kim", LSTM, "graded")], [LSTM], None, left)
    assert [one.state for one in found.people] == [State.GRADED]
    assert not [*found.lines(EN)]


@pytest.mark.parametrize("words", [EN, KO])
def test_every_state_is_said_in_both_languages(words: Words) -> None:
    assert PARTS.keys() == {*State} - {State.NOT_OWED}  # which is nobody's whole state
    roster = [{"Student": name} for name in ("kim", "lee", "park", "choi")]
    records = [
        record("kim", LSTM, "graded"),
        record("lee", LSTM, "malformed"),
        record("park", LSTM, "ungraded"),
        record("stranger", LSTM, "graded"),
    ]
    said = "\n".join(people(records, [LSTM], roster, {}).lines(words))
    assert all(name in said for name in ("lee", "park", "choi", "stranger"))
    assert "kim" not in said
    assert "…" not in said


@pytest.mark.parametrize("words", [EN, KO])
def test_who_handed_in_nothing_for_one_of_several_is_named_for_that_one(words: Words) -> None:
    records = [
        record("kim", LSTM, "graded"),
        record("kim", GRU, "graded"),
        record("lee", GRU, "malformed"),
    ]
    roster = [{"Student": name} for name in ("kim", "lee", "park")]
    said = [*people(records, [LSTM, GRU], roster, {}).without_one(words, {LSTM: "Homework 3"})]
    (told,) = [line for line in said if "Homework 3" in line]
    assert "lee" in told
    assert "kim" not in told
    assert "park" not in told  # who handed in nothing at all, which is told once
    assert not [line for line in said if GRU in line]


def test_a_formula_in_a_name_stays_text_in_the_table() -> None:
    table = people([record("=1+1", LSTM, "graded")], [LSTM], [{"Student": "=2+2"}], {}).table()
    assert not [cell for line in table.splitlines() for cell in line.split(",") if cell[:1] == "="]


SCORES = st.lists(st.floats(0, 100), min_size=1, max_size=3)


@given(SCORES, st.floats(0.5, 1000))
def test_points_of_a_column_are_the_share_of_what_it_is_out_of(
    scores: list[float], possible: float
) -> None:
    exercises = [f"exercise-{number}" for number in range(len(scores))]
    records = [
        b.record("kim", one, grade=b.grade(Verdict.UNTRAINED, score, ()))
        for one, score in zip(exercises, scores, strict=True)
    ]
    export = Export(records, EN, {})
    points = float(export.points("kim", Column("HW", tuple(exercises), possible)))
    assert points == pytest.approx(sum(scores) / (100 * len(scores)) * possible, abs=0.006)
    assert 0 <= points <= possible + 0.006


def test_one_ungraded_exercise_leaves_its_column_empty() -> None:
    export = Export([record("kim", LSTM, "graded"), b.ungraded("kim", GRU)], EN, {})
    assert export.points("kim", Column("HW", (LSTM, GRU), 10)) == ""
    assert export.points("kim", Column("HW", (LSTM,), 10)) == "6.00"
    assert export.points("lee", Column("HW", (LSTM,), 10)) == ""


HEADERS = ["HW 3 (77)", "hw 3 (78)", "LSTM (79)", "LSTM (80)", "Quiz (81)"]


@pytest.mark.parametrize(
    ("name", "found"),
    [("HW 3", "HW 3 (77)"), ("quiz", "Quiz (81)"), ("78", "hw 3 (78)"), ("LSTM (80)", "LSTM (80)")],
)
def test_a_column_is_found_by_what_only_it_is_called(name: str, found: str) -> None:
    (column,) = columns_of([LSTM], HEADERS, {}, {LSTM: name}, {}).columns
    assert (column.header, column.exercises) == (found, (LSTM,))


@pytest.mark.parametrize("name", ["LSTM", "HW 4", "Hw 3", ""])
def test_a_name_that_several_columns_have_or_none_is_refused(name: str) -> None:
    with pytest.raises(GraderError):
        columns_of([LSTM], HEADERS, {}, {LSTM: name}, {})


def test_a_title_that_several_columns_have_is_no_column_of_an_exercise() -> None:
    found = columns_of([LSTM], HEADERS, {LSTM: ("LSTM",)}, {}, {})
    assert (found.columns, found.homeless) == ((), (LSTM,))


def test_namesakes_are_told_apart_by_login() -> None:
    roster = [{"이름": "최수아", "학번": one} for one in ("20230004", "20230005")]
    names = people_of([*roster, {"이름": "김민준", "학번": "20230001"}])
    assert [*names.values()] == ["최수아 (20230004)", "최수아 (20230005)", "김민준"]
