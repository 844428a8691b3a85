"""What a look at a class says of hand-ins that tell no time, and what the rules make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from grader.policy.by_rules import laid_over
from grader.policy.hand_ins import counting
from grader.policy.late import LatePolicy
from grader.policy.replaced import HandIn, Seen, seen
from grader.policy.rules import Attempts, Group, Rules, Terms
from grader.types import UNKNOWN, Record, Verdict
from tests.support import builders as b

EXERCISE = "multiplication-lstm"
DUE = datetime(2026, 5, 1, 18, tzinfo=UTC)
IN_TIME, LATE = "2026-05-01T12:00:00", "2026-05-02T12:00:00"
OLD = b.record("kim", EXERCISE, "kim/hw4.ipynb")
FINAL = replace(OLD, submission="kim/final.ipynb")
NEW = b.record("kim", EXERCISE, "kim/hw3.ipynb", grade=b.grade(Verdict.LOW_ACCURACY, 60.0, ()))
GONE = {("kim", EXERCISE, OLD.submission): Seen(replaced=1)}
LATENESS = Rules(exercises={EXERCISE: Terms(due=DUE)}, late=LatePolicy(per_day=20))


def looked(
    kept: Record, now: Record, before: Mapping[HandIn, Seen] | None = None, **asked: Any
) -> dict[HandIn, Seen]:
    folder, *inner = now.submission.split("/")
    asked = {"given": {now.submission: folder if inner else ""}, "times": {}} | asked
    return seen([kept, now], [now], before=before or {}, **asked)


def chosen(*records: Record, rules: Rules) -> Record:
    (one,) = counting(laid_over(records, rules))
    return one


def test_what_is_gone_from_where_other_work_lies_was_replaced() -> None:
    assert looked(OLD, NEW) == GONE


@pytest.mark.parametrize(
    ("old", "new", "asked"),
    [
        ({}, {}, {"given": {"kim/hw4.ipynb": "kim", "kim/hw3.ipynb": "kim"}}),  # both are there
        ({}, {"submission": "round2/kim/hw3.ipynb"}, {}),  # another folder was looked at
        ({}, {}, {"given": {"kim/hw3.ipynb": ""}}),  # given by itself, and named with the folder
        ({"submission": "hw4.ipynb"}, {"submission": "hw3.ipynb"}, {}),  # files given one by one
        ({}, {"exercise": "multiplication-gru"}, {}),
        ({"exercise": UNKNOWN}, {"exercise": UNKNOWN}, {}),  # they may be of two exercises
        ({}, {"student": "lee"}, {}),
        ({"handed_in": "2026-05-01"}, {}, {}),  # the platform told when
        ({}, {}, {"unsure": {"kim"}}),  # a file of hers could not be looked at
    ],
)
def test_what_may_be_there_still_was_not_replaced(
    old: dict[str, Any], new: dict[str, Any], asked: dict[str, Any]
) -> None:
    assert looked(replace(OLD, **old), replace(NEW, **new), **asked) == {}


def test_what_is_found_again_is_there_again_and_what_replaced_it_is_gone() -> None:
    assert looked(NEW, OLD, GONE) == {("kim", EXERCISE, NEW.submission): Seen(replaced=2)}


class TestReplacedTwice:
    """``final`` gave way to ``hw2``, and that to ``hw3``; by their names the first is the last."""

    SECOND = replace(NEW, submission="kim/hw2.ipynb")

    def twice(self, third: Record) -> dict[HandIn, Seen]:
        once = looked(FINAL, self.SECOND)
        return seen([FINAL, self.SECOND, third], [third], {third.submission: "kim"}, {}, once)

    def test_where_the_last_cannot_be_read_the_one_before_it_counts(self) -> None:
        third = replace(NEW, grade=b.grade(Verdict.MALFORMED, 0.0, ()))
        rules = Rules(seen=self.twice(third))
        assert chosen(FINAL, self.SECOND, third, rules=rules).submission == self.SECOND.submission

    def test_where_the_last_is_late_the_one_before_it_is_the_last_in_time(self) -> None:
        after = {who: replace(it, at=IN_TIME) for who, it in self.twice(NEW).items()}
        told = {("kim", EXERCISE): LATE}
        rules = replace(LATENESS, times=told, seen=after, attempts=Attempts.LAST_IN_TIME)
        assert chosen(FINAL, self.SECOND, NEW, rules=rules).submission == self.SECOND.submission


def test_what_holds_the_exercise_no_longer_was_replaced_for_it_alone() -> None:
    """A notebook of two exercises, which now holds one; the other one lies in a file of its own."""
    other = replace(OLD, exercise="multiplication-gru")
    given = {OLD.submission: "kim", NEW.submission: "kim"}
    kept = [OLD, other, NEW]
    assert seen(kept, [other, NEW], given, {}, {}) == GONE
    assert seen(kept, [other], given, {}, {}) == {}  # nothing else was graded for it
    assert seen(kept, [NEW], given, {}, {}) == {}  # this one was not graded, and may hold it
    unknown = replace(OLD, exercise=UNKNOWN)  # so may one of which that was not found out
    assert seen([*kept, unknown], [unknown, NEW], given, {}, {}) == {}


def test_a_look_at_others_forgets_nothing_and_what_is_erased_leaves_nothing() -> None:
    other = b.record("lee", EXERCISE, "lee/hw3.ipynb")
    assert looked(OLD, other, GONE) == GONE
    assert seen([other], [other], {other.submission: "lee"}, {}, GONE) == {}


def test_the_new_one_counts_whatever_the_old_one_was_called() -> None:
    assert chosen(OLD, NEW, rules=Rules()).submission == OLD.submission
    rules = Rules(seen=GONE)
    one = chosen(OLD, NEW, rules=rules)
    assert one.submission == NEW.submission
    assert one.by_rules is not None
    assert (one.by_rules.attempt, one.by_rules.attempts) == (2, 2)
    (old,) = (it for it in laid_over([OLD, NEW], rules) if it.submission == OLD.submission)
    assert old.by_rules is not None
    assert (old.by_rules.attempt, old.by_rules.instead) == (1, NEW.submission)


def test_a_group_s_new_one_counts_for_each_of_its_members() -> None:
    rules = Rules(seen=GONE, groups=[Group("team", ("kim", "lee"))])
    both = counting(laid_over([OLD, NEW], rules))
    assert {(one.student, one.submission) for one in both} == {
        ("kim", NEW.submission),
        ("lee", NEW.submission),
    }


def test_what_was_replaced_by_what_cannot_be_read_counts() -> None:
    unread = replace(NEW, grade=b.grade(Verdict.MALFORMED, 0.0, ()))
    assert chosen(OLD, unread, rules=Rules(seen=GONE)).submission == OLD.submission


def test_what_replaced_it_and_is_ungraded_waits() -> None:
    ungraded = replace(b.ungraded("kim", EXERCISE), submission=NEW.submission)
    assert not chosen(OLD, ungraded, rules=Rules(seen=GONE)).grade.graded


def test_the_best_may_be_one_that_was_replaced() -> None:
    rules = Rules(attempts=Attempts.BEST, seen=GONE)
    assert chosen(OLD, NEW, rules=rules).submission == OLD.submission


class TestTimes:
    """A worksheet that is downloaded again tells the time of the last files alone."""

    def test_what_came_in_time_stays_in_time(self) -> None:
        first = seen([OLD], [OLD], {OLD.submission: "kim"}, {("kim", EXERCISE): IN_TIME}, {})
        assert first == {("kim", EXERCISE, OLD.submission): Seen(IN_TIME)}
        told = {("kim", EXERCISE): LATE}
        after = looked(OLD, NEW, first, times=told)
        assert after == {
            ("kim", EXERCISE, OLD.submission): Seen(IN_TIME, replaced=1),
            ("kim", EXERCISE, NEW.submission): Seen(LATE),
        }
        rules = replace(LATENESS, times=told, seen=after)
        earned = {
            rule: chosen(OLD, NEW, rules=replace(rules, attempts=rule)).grade.score
            for rule in Attempts
        }
        assert earned == {Attempts.LAST: 40.0, Attempts.BEST: 100.0, Attempts.LAST_IN_TIME: 100.0}

    def test_what_came_late_does_not_come_in_time_by_being_replaced(self) -> None:
        told = {("kim", EXERCISE): LATE}
        rules = replace(LATENESS, times=told, seen=GONE, attempts=Attempts.BEST)
        assert chosen(OLD, NEW, rules=rules).grade.score == 80.0

    def test_where_the_file_is_there_the_worksheet_of_today_holds(self) -> None:
        known = {("kim", EXERCISE, OLD.submission): Seen(IN_TIME)}
        rules = replace(LATENESS, times={("kim", EXERCISE): LATE}, seen=known)
        assert chosen(OLD, rules=rules).grade.score == 80.0

    def test_what_was_not_graded_again_keeps_the_time_of_what_is_kept_of_it(self) -> None:
        """Grading was stopped, or the exercise not found in it: it may be another file by now."""
        known = {("kim", EXERCISE, OLD.submission): Seen(IN_TIME)}
        given = {OLD.submission: "kim", NEW.submission: "kim"}
        told = {("kim", EXERCISE): LATE}
        assert seen([OLD], [], given, told, known) == known
        unknown = replace(OLD, exercise=UNKNOWN)
        assert seen([OLD, unknown], [unknown], given, told, known) == known

    def test_without_a_worksheet_what_it_told_before_is_kept(self) -> None:
        known = {("kim", EXERCISE, OLD.submission): Seen(IN_TIME)}
        assert seen([OLD], [OLD], {OLD.submission: "kim"}, {}, known) == known

    def test_of_a_group_s_the_one_that_came_last_counts_as_worksheets_tell(self) -> None:
        """One of each member's, whose names say the contrary."""
        hers = replace(FINAL, student="lee", submission="lee/final.ipynb")
        told = {("kim", EXERCISE): LATE, ("lee", EXERCISE): IN_TIME}
        rules = Rules(groups=[Group("team", ("kim", "lee"))], times=told)
        both = counting(laid_over([hers, NEW], rules))
        assert {one.submission for one in both} == {NEW.submission}
