"""What teachers decide lies over what the grader found, and nothing of either is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.policy.by_hand import DECISIONS, HandLines, in_force
from grader.policy.hand_ins import Counting, counting
from grader.types import UNKNOWN, HandKind, HandLine, Record, Verdict
from tests.support import builders as b

LSTM = "multiplication-lstm"
AT = "2026-03-04T10:00:00.000000+00:00"  # after the builders' records
LATER = "2026-03-03T09:00:00+00:00"  # so is this


def line(kind: HandKind, number: int = 1, **changes: Any) -> HandLine:
    """A line about kim's LSTM."""
    score = 80.0 if kind is HandKind.OVERRIDE else None
    facts = {"student": "kim", "exercise": LSTM, "text": "why", "score": score, "most": 100.0}
    return HandLine(f"{number:08x}", AT, "lee", kind, **(facts | changes))


def override(number: int = 1, **changes: Any) -> HandLine:
    return line(HandKind.OVERRIDE, number, **changes)


def undo(number: int, of: HandLine) -> HandLine:
    return line(HandKind.UNDO, number, undoes=of.id)


def ruled(record: Record, *lines: HandLine) -> Record:
    (one,) = in_force([record], HandLines(lines))
    return one


def low(**changes: Any) -> Record:
    return b.record(grade=b.grade(Verdict.LOW_ACCURACY, 63.0, flags=("needs_review",)), **changes)


class TestDecisions:
    def test_a_score_by_hand_is_in_force_and_the_graders_own_stays(self) -> None:
        one = ruled(low(), override())
        assert (one.grade.score, one.grade.verdict) == (80.0, Verdict.BY_HAND)
        assert one.by_hand is not None
        assert one.by_hand.found == low().grade

    def test_all_points_are_accepted(self) -> None:
        assert ruled(low(), override(score=100.0)).grade.verdict is Verdict.ACCEPTED

    def test_whoever_gives_points_settles_what_waits_for_a_teacher(self) -> None:
        waits = b.record(grade=b.grade(Verdict.SUSPICIOUS, 100.0, flags=("pretrained",)))
        grade = ruled(waits, override(score=100.0)).grade
        assert (grade.verdict, grade.flags) == (Verdict.ACCEPTED, ())

    def test_a_fault_of_ours_scored_by_hand_tells_students_nothing_of_it(self) -> None:
        broken = b.ungraded()
        broken = replace(broken, grade=replace(broken.grade, checks=(b.check(),)))
        one = ruled(broken, override())
        assert one.grade.graded
        assert one.grade.checks == ()
        assert one.by_hand is not None
        assert one.by_hand.found == broken.grade

    def test_an_excuse_is_no_zero_and_counts_nowhere(self) -> None:
        one = ruled(low(), line(HandKind.EXCUSE))
        assert (one.grade.score, one.grade.max_score) == (None, 0.0)
        assert one.grade.graded
        assert counting([one]) == []
        assert Counting([one]).is_chosen(one)
        assert not Counting([one]).counts(one)

    def test_the_last_decision_wins(self) -> None:
        excuse = line(HandKind.EXCUSE, 2)
        assert ruled(low(), override(), excuse).grade.verdict is Verdict.EXCUSED
        assert ruled(low(), excuse, override()).grade.score == 80.0

    def test_taking_back_brings_back_what_was_in_force_before(self) -> None:
        first, second = override(1, score=70.0), override(2, score=90.0)
        assert ruled(low(), first, second, undo(3, second)).grade.score == 70.0
        assert ruled(low(), first, undo(3, first)) == low()

    def test_a_remark_moves_no_score(self) -> None:
        one = ruled(low(), line(HandKind.COMMENT))
        assert one.grade == low().grade
        assert one.by_hand is not None
        assert [it.text for it in one.by_hand.comments] == ["why"]

    def test_it_lies_over_the_hand_in_that_counts_and_no_other(self) -> None:
        names = ("kim/multiplication-lstm.ipynb", "kim/multiplication-lstm (1).ipynb")
        first, last = (low(submission=name) for name in names)
        assert [one.grade.score for one in in_force([first, last], HandLines([override()]))] == [
            63.0,
            80.0,
        ]

    def test_nobody_elses_work_is_touched(self) -> None:
        others = [low(student="lee"), low(exercise="multiplication-gru")]
        assert in_force(others, HandLines([override()])) == others


class TestWithoutHandIn:
    def test_whoever_handed_in_nothing_can_be_given_a_score(self) -> None:
        (one,) = in_force([], HandLines([override()]), absent=True)
        assert (one.student, one.exercise, one.grade.score) == ("kim", LSTM, 80.0)
        assert one.by_hand is not None
        assert one.by_hand.found is None

    def test_a_remark_alone_makes_no_record(self) -> None:
        assert in_force([], HandLines([line(HandKind.COMMENT)]), absent=True) == []

    def test_a_hand_in_takes_its_place(self) -> None:
        (one,) = in_force([low()], HandLines([override()]), absent=True)
        assert one.submission == low().submission


class TestOfNoKnownExercise:
    """A notebook is graded, and again when somebody has named its exercise."""

    def kept(self, *records: Record, lines: Iterable[HandLine] = ()) -> list[str]:
        return sorted(one.exercise for one in in_force(records, HandLines(tuple(lines))))

    @pytest.mark.parametrize("first", ["kim/hw.ipynb", "kim"])
    def test_it_gives_way_to_the_same_work_of_a_known_one(self, first: str) -> None:
        unknown = b.record(exercise=UNKNOWN, submission=first)
        known = b.record(submission="kim/hw.ipynb", graded_at=LATER)
        assert self.kept(unknown, known) == [LSTM]

    def test_other_and_later_work_stays(self) -> None:
        known = b.record(submission="kim/hw.ipynb")
        for changes in (
            {"submission": "kim/other.ipynb"},
            {"submission": "kim/hw.ipynb", "graded_at": LATER},
            {"submission": "kim/hw.ipynb", "student": "lee"},
        ):
            before = {"graded_at": "2026-03-01T09:00:00+00:00"} | changes
            unknown = b.record(exercise=UNKNOWN, **before)
            assert self.kept(unknown, known) == [LSTM, UNKNOWN]

    def test_what_a_teacher_decided_about_it_stays(self) -> None:
        unknown = b.record(exercise=UNKNOWN, submission="kim/hw.ipynb")
        known = b.record(submission="kim/hw.ipynb", graded_at=LATER)
        assert self.kept(unknown, known, lines=[override(exercise=UNKNOWN)]) == [LSTM, UNKNOWN]


class TestRerun:
    def test_it_is_asked_until_somebody_graded_later(self) -> None:
        again = line(HandKind.RERUN)
        waits = ruled(low(), again)
        assert waits.by_hand is not None
        assert waits.by_hand.asked_again == again
        done = low(graded_at="2026-03-04T10:00:01+00:00")
        assert ruled(done, again) == done


class TestForgetting:
    @pytest.mark.parametrize("exercise", ["", LSTM])
    def test_what_is_to_be_forgotten_is_shown_nowhere_before_it_is_erased(
        self, exercise: str
    ) -> None:
        asked = HandLines([override(), line(HandKind.FORGET, 2, exercise=exercise)])
        assert in_force([low()], asked, absent=True) == []

    def test_other_exercises_stay(self) -> None:
        asked = HandLines([line(HandKind.FORGET, exercise="multiplication-gru")])
        assert in_force([low()], asked) == [low()]


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(DECISIONS)), st.integers(0, 99)),
        st.tuples(st.just(HandKind.UNDO), st.integers(0, 9)),
    ),
    max_size=10,
)


@given(steps)
def test_the_last_decision_that_nobody_took_back_is_in_force(
    said: Iterable[tuple[HandKind, int]],
) -> None:
    """Against a list from which what is taken back is simply removed."""
    lines: list[HandLine] = []
    left: list[HandLine] = []
    for number, (kind, value) in enumerate(said):
        if kind is HandKind.UNDO:
            made = [one for one in lines if one.kind in DECISIONS]
            if not made:
                continue
            lines.append(undo(number, made[value % len(made)]))
            left = [one for one in left if one.id != lines[-1].undoes]
        else:
            score = float(value) if kind is HandKind.OVERRIDE else None
            lines.append(line(kind, number, score=score))
            left.append(lines[-1])
    one = ruled(low(), *lines)
    assert (one.by_hand.decision if one.by_hand else None) == (left[-1] if left else None)
    if not left:
        assert one == low()
