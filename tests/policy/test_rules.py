"""Which attempt counts and what it earns: one rule, laid over the records before anybody shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from grader.policy.by_hand import HandLines, in_force
from grader.policy.by_rules import laid_over
from grader.policy.hand_ins import Counting, counting
from grader.policy.late import LatePolicy
from grader.policy.rules import Attempts, Extension, Group, Rules, Terms
from grader.types import HandKind, HandLine, Record, Timing, Verdict
from tests.support import builders as b

LSTM = "multiplication-lstm"
DUE = datetime(2026, 5, 1, 18, 0, tzinfo=UTC)
POLICY = LatePolicy(per_day=10, cut_off=7)
MARKED = 1000.0
RULES = Rules(late=POLICY, exercises={LSTM: Terms(due=DUE)})


def handed_in(
    score: float | None, days: float | None, student: str = "kim", number: int = 1
) -> Record:
    """A hand-in so many days after the deadline; None where nobody knows, MARKED by Canvas alone."""
    if days == MARKED:
        at = f"upload {number:020} LATE"
    else:
        at = "" if days is None else (DUE + timedelta(days=days)).isoformat()
    verdict = Verdict.LOW_ACCURACY if score is not None else Verdict.GRADER_ERROR
    return b.record(
        student,
        submission=f"{student}/hw ({number}).ipynb",
        grade=b.grade(verdict, score),
        handed_in=at,
    )


def points(records: Sequence[Record], rules: Rules, student: str = "kim") -> float | None:
    (one,) = [one for one in counting(laid_over(records, rules)) if one.student == student]
    return one.grade.score


def with_rule(rule: Attempts, **changes: object) -> Rules:
    return replace(RULES, attempts=rule, **changes)


class TestAhead:
    def test_a_deadline_is_ahead_until_it_has_passed(self) -> None:
        second = timedelta(seconds=1)
        assert RULES.is_ahead("kim", LSTM, DUE)
        assert not RULES.is_ahead("kim", LSTM, DUE + second)
        elsewhere = (DUE + second).astimezone(timezone(timedelta(hours=9)))
        assert not RULES.is_ahead("kim", LSTM, elsewhere)

    def test_it_is_ahead_for_whom_there_is_more_time(self) -> None:
        longer = replace(RULES, extensions=[Extension(student="kim", longer=timedelta(days=2))])
        day_after = DUE + timedelta(days=1)
        assert longer.is_ahead("kim", LSTM, day_after)
        assert not longer.is_ahead("lee", LSTM, day_after)

    def test_where_there_is_none_it_is_never_ahead(self) -> None:
        assert not RULES.is_ahead("kim", "multiplication-gru", DUE)


class TestAttempts:
    RECORDS = (
        handed_in(90.0, -2, number=1),
        handed_in(60.0, -1, number=2),
        handed_in(100.0, 1.5, number=3),
    )

    @pytest.mark.parametrize(
        ("rule", "earned"),
        [(Attempts.LAST, 80.0), (Attempts.BEST, 90.0), (Attempts.LAST_IN_TIME, 60.0)],
    )
    def test_the_course_says_which_counts(self, rule, earned):
        assert points(self.RECORDS, with_rule(rule)) == pytest.approx(earned)

    @pytest.mark.parametrize("rule", list(Attempts))
    def test_exactly_one_counts_and_the_others_say_which(self, rule):
        ruled = laid_over(self.RECORDS, with_rule(rule))
        (chosen,) = counting(ruled)
        told = [one.by_rules for one in ruled if one is not chosen]
        assert [one.instead for one in told if one] == [chosen.submission] * 2
        assert [one.by_rules.attempt for one in ruled if one.by_rules] == [1, 2, 3]

    @pytest.mark.parametrize("rule", list(Attempts))
    def test_what_counts_is_the_same_where_only_some_are_looked_at(self, rule):
        ruled = laid_over(self.RECORDS, with_rule(rule))
        (chosen,) = counting(ruled)
        others = [one for one in ruled if one is not chosen]
        assert counting(others) == []
        assert not any(Counting(others).is_chosen(one) for one in others)

    def test_all_late_is_judged_by_the_last(self):
        late = [handed_in(90.0, 0.5, number=1), handed_in(100.0, 1.5, number=2)]
        assert points(late, with_rule(Attempts.LAST_IN_TIME)) == pytest.approx(80.0)

    @pytest.mark.parametrize("rule", list(Attempts))
    def test_what_cannot_be_read_counts_only_alone(self, rule):
        broken = replace(handed_in(0.0, -0.5, number=9), grade=b.grade(Verdict.MALFORMED, 0.0))
        assert points([handed_in(0.0, 1.5), broken], with_rule(rule)) == 0.0
        (one,) = counting(laid_over([handed_in(0.0, 1.5), broken], with_rule(rule)))
        assert one.grade.verdict is not Verdict.MALFORMED
        (alone,) = counting(laid_over([broken], with_rule(rule)))
        assert alone.grade.verdict is Verdict.MALFORMED

    def test_a_fault_of_ours_is_no_worst_attempt(self):
        records = [handed_in(70.0, -2, number=1), handed_in(None, -1, number=2)]
        assert points(records, with_rule(Attempts.LAST)) is None
        assert points(records, with_rule(Attempts.BEST)) == 70.0


class TestLate:
    def test_what_is_taken_off_stands_in_the_record_with_its_reason(self):
        (one,) = laid_over([handed_in(95.0, 1.5)], RULES)
        assert one.grade.score == pytest.approx(75.0)
        assert one.by_rules is not None
        assert one.by_rules.found is not None
        assert (one.by_rules.found.score, one.by_rules.taken) == (95.0, pytest.approx(20.0))
        assert [it.id for it in one.by_rules.told] == ["rules.late"]

    def test_a_fault_of_ours_that_is_late_stays_ungraded(self):
        (one,) = laid_over([handed_in(None, 3)], RULES)
        assert not one.grade.graded
        assert one.grade.score is None

    def test_nobody_is_late_on_a_guess(self):
        (one,) = laid_over([handed_in(95.0, None)], RULES)
        assert one.grade.score == 95.0
        assert one.by_rules is not None
        assert one.by_rules.timing is Timing.UNKNOWN


def decided(kind: HandKind, score: float | None = None) -> HandLines:
    at = "2026-06-04T10:00:00.000000+00:00"
    return HandLines([HandLine("00000001", at, "lee", kind, "kim", LSTM, "why", score, 100.0)])


class TestByHand:
    LATE = handed_in(95.0, 1.5)

    def test_an_override_wins_over_lateness_and_says_so(self):
        (one,) = in_force([self.LATE], decided(HandKind.OVERRIDE, 88.0), RULES)
        assert one.grade.score == 88.0
        assert one.by_rules is not None
        assert one.by_rules.taken == 0.0
        assert [it.id for it in one.by_rules.told] == ["rules.waived"]

    def test_the_grader_s_own_score_is_that_before_lateness(self):
        (one,) = in_force([self.LATE], decided(HandKind.OVERRIDE, 88.0), RULES)
        assert one.by_hand is not None
        assert one.by_hand.found == self.LATE.grade

    def test_excused_is_excused(self):
        (one,) = in_force([self.LATE], decided(HandKind.EXCUSE), RULES)
        assert (one.grade.score, one.grade.max_score) == (None, 0.0)
        assert counting([one]) == []
        assert one.by_rules is not None
        assert (one.by_rules.taken, one.by_rules.told) == (0.0, ())

    def test_whoever_handed_in_nothing_has_the_exercise_s_weight(self):
        rules = replace(RULES, exercises={LSTM: Terms(due=DUE, weight=3.0, points=10.0)})
        (one,) = in_force([], decided(HandKind.OVERRIDE, 88.0), rules, absent=True)
        assert one.by_rules is not None
        assert (one.by_rules.weight, one.by_rules.points) == (3.0, 10.0)


class TestExtensions:
    RECORDS = (handed_in(90.0, -1, number=1), handed_in(50.0, 2.5, number=2))

    def longer(self, days: float = 3) -> list[Extension]:
        return [Extension(student="KIM", longer=timedelta(days=days))]

    def test_it_moves_the_deadline_of_its_student_alone(self):
        rules = replace(RULES, extensions=self.longer())
        assert rules.due("kim", LSTM) == DUE + timedelta(days=3)
        assert rules.due("lee", LSTM) == DUE

    def test_the_longest_of_several_holds_and_none_is_earlier(self):
        until = Extension(student="kim", due=DUE - timedelta(days=5))
        assert replace(RULES, extensions=[until]).due("kim", LSTM) == DUE
        assert replace(RULES, extensions=[*self.longer(1), *self.longer(4)]).due("kim", LSTM) == (
            DUE + timedelta(days=4)
        )

    def test_a_section_and_a_group_can_have_one(self):
        group = Group("team", ("kim", "lee"))
        rules = replace(
            RULES,
            groups=[group],
            sections={"choi": "B"},
            extensions=[
                Extension(group="team", longer=timedelta(days=1)),
                Extension(section="b", longer=timedelta(days=2)),
            ],
        )
        due = [rules.due(who, LSTM) for who in ("kim", "choi", "park")]
        assert due == [DUE + timedelta(days=days) for days in (1, 2, 0)]

    def test_nor_does_it_where_the_platform_alone_marks_what_is_late(self):
        rule = with_rule(Attempts.LAST_IN_TIME, exercises={})
        records = [handed_in(90.0, None, number=1), handed_in(50.0, MARKED, number=2)]
        assert points(records, rule) == 90.0
        assert points(records, replace(rule, extensions=self.longer())) == 90.0

    def test_it_never_makes_a_worse_attempt_count(self):
        rule = with_rule(Attempts.LAST_IN_TIME)
        assert points(self.RECORDS, rule) == 90.0
        assert points(self.RECORDS, replace(rule, extensions=self.longer())) == 90.0


class TestGroups:
    RULES = replace(RULES, groups=[Group("team 1", ("kim", "lee"))])

    def test_one_hand_in_is_each_member_s(self):
        ruled = laid_over([handed_in(80.0, -1), handed_in(70.0, -1, "choi")], self.RULES)
        assert {one.student: one.grade.score for one in counting(ruled)} == {
            "kim": 80.0,
            "lee": 80.0,
            "choi": 70.0,
        }
        assert {one.student: one.by_rules.handed_in_by for one in ruled if one.by_rules} == {
            "kim": "",
            "lee": "kim",
            "choi": "",
        }

    def test_the_group_s_own_folder_is_the_members_and_nobody_else(self):
        ruled = laid_over([handed_in(80.0, -1, "Team 1")], self.RULES)
        assert sorted(one.student for one in ruled) == ["kim", "lee"]

    def test_hand_ins_of_several_members_are_attempts_of_the_group(self):
        ruled = laid_over([handed_in(80.0, -2), handed_in(60.0, -1, "lee")], self.RULES)
        assert {one.student: one.grade.score for one in counting(ruled)} == {
            "kim": 60.0,
            "lee": 60.0,
        }

    def test_one_member_s_extension_is_that_member_s(self):
        longer = [Extension(student="lee", longer=timedelta(days=2))]
        ruled = laid_over([handed_in(80.0, 1.5)], replace(self.RULES, extensions=longer))
        assert {one.student: one.grade.score for one in ruled} == {"kim": 60.0, "lee": 80.0}

    def test_other_exercises_are_not_shared(self):
        rules = replace(RULES, groups=[Group("team", ("kim", "lee"), frozenset({"other"}))])
        assert len(laid_over([handed_in(80.0, -1)], rules)) == 1


SCORES = st.none() | st.floats(0, 100)
DAYS = st.none() | st.floats(-20, 20) | st.just(MARKED)
HAND_INS = st.lists(st.tuples(SCORES, DAYS), min_size=1, max_size=5)
RULE = st.sampled_from(list(Attempts))


def made(told: list[tuple[float | None, float | None]]) -> list[Record]:
    return [handed_in(score, days, number=number) for number, (score, days) in enumerate(told)]


def waiting(score: float, held: float, days: float) -> Record:
    """A hand-in with points that wait for a teacher, so many days after the deadline."""
    late = handed_in(score, days)
    check = replace(b.check("training.loss", 0.0, held), waiting=held)
    grade = replace(late.grade, verdict=Verdict.WAITING, checks=(check,))
    return replace(late, grade=grade)


class TestPointsThatWait:
    def test_after_the_cut_off_none_are_left_to_give(self):
        (one,) = laid_over([waiting(60.0, 40.0, 7.5)], RULES)
        assert (one.grade.score, one.waiting) == (0.0, 0.0)
        assert one.grade.waiting == 40.0  # what the grader held back stays in the record

    def test_who_would_have_had_nothing_is_told_too(self):
        (one,) = laid_over([waiting(0.0, 40.0, 7.5)], RULES)
        assert one.by_rules is not None
        assert [message.id for message in one.by_rules.told] == ["rules.cut_off"]

    def test_lateness_takes_of_them_what_the_score_did_not_have(self):
        (one,) = laid_over([waiting(5.0, 40.0, 0.5)], RULES)  # 10 points for a day
        assert (one.grade.score, one.waiting) == (0.0, 35.0)

    def test_in_time_all_wait(self):
        (one,) = laid_over([waiting(60.0, 40.0, -1)], RULES)
        assert (one.grade.score, one.waiting) == (60.0, 40.0)


@given(HAND_INS, RULE)
def test_points_are_never_more_than_the_best_attempt_s_and_never_added_up(told, rule):
    earned = points(made(told), with_rule(rule))
    assert earned is None or earned <= max(score for score, _ in told if score is not None)


@given(HAND_INS, RULE, st.floats(0, 40), st.booleans(), st.sampled_from([{}, RULES.exercises]))
def test_an_extension_never_costs(told, rule, days, by_date, dates):
    more = timedelta(days=days)
    longer = Extension("kim", due=DUE + more) if by_date else Extension("kim", longer=more)
    before = points(made(told), with_rule(rule, exercises=dates))
    after = points(made(told), with_rule(rule, exercises=dates, extensions=[longer]))
    assert before is None or (after is not None and after >= before - 1e-9)


@given(st.floats(0, 100), st.floats(-20, 20), st.floats(0, 20), RULE)
def test_handing_in_later_never_earns_more(score, days, later, rule):
    sooner = points([handed_in(score, days)], with_rule(rule))
    after = points([handed_in(score, days + later)], with_rule(rule))
    assert sooner is not None
    assert after is not None
    assert after <= sooner


@given(HAND_INS, st.tuples(st.floats(0, 100), st.floats(-20, 20)))
def test_one_more_attempt_never_costs_where_the_best_counts(told, more):
    before = points(made(told), with_rule(Attempts.BEST))
    after = points(made([*told, more]), with_rule(Attempts.BEST))
    assert after is not None
    assert before is None or after >= before


@given(HAND_INS, st.floats(0, 100), st.floats(0.01, 20))
def test_a_late_attempt_changes_nothing_where_the_last_in_time_counts(told, score, late):
    records = made([(score, days) for score, days in told if days is not None and days <= 0])
    assume(records)
    more = handed_in(score, late, number=99)
    rules = with_rule(Attempts.LAST_IN_TIME)
    assert points([*records, more], rules) == points(records, rules)


@given(HAND_INS, RULE, st.randoms())
def test_the_order_of_records_decides_nothing(told, rule, random):
    records = made(told)
    shuffled = random.sample(records, len(records))
    assert points(records, with_rule(rule)) == points(shuffled, with_rule(rule))


@given(HAND_INS, RULE, st.floats(0, 100))
def test_an_override_wins_whatever_the_rules_say(told, rule, score):
    lines = decided(HandKind.OVERRIDE, score)
    (one,) = counting(in_force(made(told), lines, with_rule(rule)))
    assert one.grade.score == score
    assert one.by_rules is not None
    assert one.by_rules.taken == 0.0


@given(HAND_INS, RULE)
def test_an_excuse_counts_nowhere_whatever_the_rules_say(told, rule):
    assert counting(in_force(made(told), decided(HandKind.EXCUSE), with_rule(rule))) == []


@given(st.floats(0, 100), st.floats(0, 1), st.floats(-20, 20))
def test_score_and_what_waits_are_the_score_had_all_been_given(score, part, days):
    held = round((100 - score) * part, 2)
    assume(held > 0)
    (one,) = laid_over([waiting(score, held, days)], RULES)
    whole = points([handed_in(score + held, days)], RULES)
    assert whole is not None
    assert one.grade.score is not None
    assert one.grade.score + one.waiting == pytest.approx(whole, abs=0.011)
    assert 0.0 <= one.waiting <= held + 0.01


def test_students_whose_names_differ_in_capitals_alone_stay_two() -> None:
    there = [b.record("kim"), b.record("Kim")]
    for members in ((), ("kim", "lee"), ("Kim", "lee")):
        rules = Rules(groups=[Group("team", members)])
        for records in (there, there[::-1]):
            own = [one.student for one in laid_over(records, rules) if one.student == one.author]
            assert own == [one.student for one in records], members
