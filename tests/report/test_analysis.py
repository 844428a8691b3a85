"""What the class's page says beside grades: common mistakes, who may need help, the same code."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from grader.policy.by_rules import laid_over
from grader.policy.rules import Group, Rules, Terms
from grader.report.analysis import at_risk, hours, mistakes, spent
from grader.report.overview import index_page
from grader.report.same_code import same_code
from grader.report.sorting import Order, order_rules, ordered
from grader.text.words import Words
from grader.types import ByRules, Grade, Message, Record, Verdict
from tests.report.test_report_pages import TITLES, Page
from tests.support import builders as b

WORDS = Words("en")
LSTM, SEQUENCE = "multiplication-lstm", "sequence-prediction"


def link(student: str) -> str:
    return f"feedback/{student}.html"


def low(student: str, hint: str = "diagnose.never_fitted", score: float = 40.0) -> Record:
    hints = (Message(hint, {"name": f"model_of_{student}", "cell": 3}),)
    return b.record(student, grade=b.grade(Verdict.UNTRAINED, score, (), hints))


class TestMistakes:
    def test_one_mistake_of_several_is_one_row_with_its_count_and_links(self) -> None:
        records = [low("kim"), low("lee"), low("park", "diagnose.no_network_here"), b.record("ho")]
        (row,) = mistakes(records, WORDS, TITLES, link)
        assert (row.exercise, row.count, row.more) == ("Products", 2, 0)
        assert [(one.name, one.link) for one in row.people] == [
            ("kim", "feedback/kim.html"),
            ("lee", "feedback/lee.html"),
        ]
        assert "fit was never called on model_of_kim" in row.example

    def test_the_commonest_comes_first(self) -> None:
        rare = [low(name, "diagnose.no_network_here") for name in ("a", "b")]
        common = [low(name) for name in ("c", "d", "e")]
        counts = [one.count for one in mistakes([*rare, *common], WORDS, TITLES, link)]
        assert counts == [3, 2]

    def test_one_student_s_two_hand_ins_are_one_student(self) -> None:
        assert mistakes([low("kim"), low("kim")], WORDS, TITLES, link) == []

    def test_accepted_and_ungraded_work_made_none(self) -> None:
        records = [b.record("a"), b.record("b"), b.ungraded("c"), b.ungraded("d")]
        assert mistakes(records, WORDS, TITLES, link) == []


class TestRisk:
    def test_less_than_half_of_the_points_is_named_with_its_reasons(self) -> None:
        records = [low("kim", score=10.0), low("lee", score=30.0), b.record("ho")]
        rows = at_risk(records, WORDS, TITLES, link)
        assert [(one.person.name, one.points) for one in rows] == [
            ("kim", "10 / 100"),
            ("lee", "30 / 100"),
        ]
        assert rows[0].why == ("Products: Not trained enough.",)

    def test_what_is_missing_counts_as_nothing(self) -> None:
        two = [b.record("ho"), b.record("ho", SEQUENCE), b.record("kim"), low("lee", score=90.0)]
        rows = at_risk(two, WORDS, TITLES, link)
        assert [(one.person.name, one.points) for one in rows] == [("lee", "90 / 200")]
        assert "Nothing handed in for: Sequences." in rows[0].why

    def test_what_lateness_took_is_a_reason(self) -> None:
        kim, lee = b.record("kim"), low("lee")
        late = replace(
            kim, grade=replace(kim.grade, score=30.0), by_rules=ByRules(counts=True, taken=70.0)
        )
        more = replace(lee, by_rules=ByRules(counts=True, taken=10.0))
        rows = at_risk([late, more], WORDS, TITLES, link)
        assert [one.why for one in rows] == [
            ("Products: late −70.",),
            ("Products: Not trained enough, late −10.",),
        ]

    def test_what_is_missing_counts_where_it_is_owed(self) -> None:
        two = [b.record("ho"), b.record("ho", SEQUENCE), low("lee", score=90.0), low("kim")]
        rows = at_risk(two, WORDS, TITLES, link, owed=("multiplication-lstm",))
        assert [(one.person.name, one.points) for one in rows] == [("kim", "40 / 100")]

    def test_what_is_missing_counts_once_it_is_due(self) -> None:
        two = [b.record("ho"), b.record("ho", SEQUENCE), low("kim", score=60.0), low("lee")]

        def ahead(student: str, exercise: str) -> bool:
            return (student, exercise) != ("kim", SEQUENCE)

        rows = at_risk(two, WORDS, TITLES, link, ahead)
        assert [(one.person.name, one.points) for one in rows] == [
            ("kim", "60 / 200"),
            ("lee", "40 / 100"),
        ]
        assert rows[1].why == ("Products: Not trained enough.",)
        assert "60 / 200" in index_page(two, WORDS, TITLES, {})
        assert "60 / 200" not in index_page(two, WORDS, TITLES, {}, ahead=lambda *_: True)

    def test_an_exercise_weighs_as_much_as_in_the_totals_beside_it(self) -> None:
        """60 and 0 of 100 are 180 of 400 where the first weighs three times as much."""
        rules = Rules(exercises={LSTM: Terms(weight=3.0)})
        records = laid_over(
            [low("kim", score=60.0), b.record("ho"), b.record("ho", SEQUENCE)], rules
        )
        (row,) = at_risk(records, WORDS, TITLES, link)
        assert (row.person.name, row.points) == ("kim", "180 / 400")
        shown = index_page(records, WORDS, TITLES, {})
        assert "180 / 400" in shown
        assert ">180<" in re.sub(r"</?span>", "", shown)

    def test_half_is_enough(self) -> None:
        two = [b.record("ho"), b.record("ho", SEQUENCE), b.record("kim")]
        assert at_risk(two, WORDS, TITLES, link) == []

    @pytest.mark.parametrize("verdict", [Verdict.GRADER_ERROR, Verdict.EXCUSED])
    def test_what_is_not_graded_or_excused_puts_nobody_at_risk(self, verdict: Verdict) -> None:
        nothing = Grade(verdict, None, 0.0, (), (), ())
        records = [b.record("kim"), b.record("kim", SEQUENCE, grade=nothing)]
        assert at_risk(records, WORDS, TITLES, link) == []


def test_a_run_of_two_exercises_is_counted_once_in_all() -> None:
    records = [
        b.record("kim", execution_key="a" * 8, seconds=1800.0),
        b.record("kim", SEQUENCE, execution_key="a" * 8, seconds=1800.0),
    ]
    assert hours(records) == "0.50"
    assert [(one.exercise, one.runs, one.hours) for one in spent(records, WORDS, TITLES)] == [
        ("Products", 1, "0.50"),
        ("Sequences", 1, "0.50"),
    ]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_count_on_the_class_s_page_has_separators_from_a_thousand_on(lang: str) -> None:
    """1,200 students with one mistake each, who took 4,000 s and 1,333 hours together."""
    hint = (Message("diagnose.no_network_here", {}),)
    grade = replace(b.grade(Verdict.UNTRAINED, 500.0, (b.check(),), hint), max_score=2000.0)
    twice = b.record().attempts * 2
    records = [
        replace(
            b.record(f"s{n}", grade=grade, execution_key=f"{n:08}", seconds=4000.0), attempts=twice
        )
        for n in range(1200)
    ]
    shown = index_page(records, Words(lang), TITLES, {})
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", " ", shown, flags=re.DOTALL)
    assert re.findall(r"(?<![\w,.])\d{4,}(?!-)", text) == []
    parts = ("counts", "mistakes", "exercises", "items", "spent")
    counted = {part: _part(shown, part).count("1,200") for part in parts}
    assert counted == {"counts": 1, "mistakes": 1, "exercises": 2, "items": 1, "spent": 2}
    assert [one for one in ("500 / 2,000", "4,000", "1,333.33") if one not in text] == []


def _part(shown: str, name: str) -> str:
    return shown[shown.index(f'id="{name}"') :].partition("</section>")[0]


def test_totals_with_separators_are_ordered_as_numbers() -> None:
    scores = {"kim": 1200.0, "lee": 300.0, "park": 2.5}
    grade = replace(b.grade(Verdict.LOW_ACCURACY), max_score=2000.0)
    records = [b.record(one, grade=replace(grade, score=of)) for one, of in scores.items()]
    shown = index_page(records, WORDS, TITLES, {})
    assert ">1,200<" in re.sub(r"</?span>", "", shown)
    assert orders(shown, "by-fewest") == {1: 3, 2: 2, 3: 1}


def orders(shown: str, chosen: str) -> dict[int, int]:
    """Give where each row of the class's table stands while this order is chosen."""
    rule = rf"body:has\(#{chosen}:checked\) \.matrix tbody tr:nth-child\((\d+)\){{order:(\d+)}}"
    return {int(row): int(place) for row, place in re.findall(rule, shown)}


def test_who_handed_in_the_same_code_is_named_on_the_class_s_page() -> None:
    records = [
        b.record("kim", submission="kim/a.ipynb"),
        b.record("lee", submission="lee/b.ipynb", same_as="kim/a.ipynb"),
        b.record("park", submission="park/c.ipynb"),
    ]
    assert same_code(records) == [("kim", "lee")]
    pages = {one.student: link(one.student) for one in records}
    shown = index_page(records, WORDS, TITLES, pages)
    part = shown[shown.index('id="same-code"') : shown.index('id="exercises"')]
    assert re.findall(r'href="([^"]*)"', part) == ["feedback/kim.html", "feedback/lee.html"]


def test_who_hands_in_together_is_no_pair() -> None:
    rules = Rules(groups=[Group("team", ("kim", "lee"))])
    records = [
        b.record("kim", submission="kim/a.ipynb"),
        b.record("lee", submission="lee/b.ipynb", same_as="kim/a.ipynb"),
    ]
    assert same_code(laid_over(records, rules)) == []
    third = b.record("park", submission="park/c.ipynb", same_as="kim/a.ipynb")
    assert same_code(laid_over([*records, third], rules)) == [("kim", "lee", "park")]


def test_one_s_own_second_hand_in_is_no_pair() -> None:
    twice = [
        b.record("kim", submission="kim/a.ipynb"),
        b.record("kim", submission="kim/a (1).ipynb", same_as="kim/a.ipynb"),
    ]
    assert same_code(twice) == []


class TestSorting:
    RECORDS = (
        b.record("a"),
        low("b", score=20.0),
        b.ungraded("c"),
        low("d", score=70.0),
    )

    def rules(self, chosen: str) -> dict[int, int]:
        return orders(index_page(self.RECORDS, WORDS, TITLES, {}), chosen)

    def test_a_choice_says_where_each_row_stands(self) -> None:
        """By points b, d, a; c has none yet and stands last in both directions."""
        assert self.rules("by-fewest") == {1: 3, 2: 1, 3: 4, 4: 2}
        assert self.rules("by-most") == {1: 1, 2: 3, 3: 4, 4: 2}

    def test_every_choice_is_a_button_that_its_rules_name(self) -> None:
        shown = index_page(self.RECORDS, WORDS, TITLES, {})
        buttons = {one["id"] for one in Page(shown).all("input")}
        assert (
            set(re.findall(r"#([\w-]+):checked", shown))
            - {
                "only-check",
                "only-hand",
            }
            <= buttons
        )
        assert {"by-name", "only-all", "only-wrong", "only-ours"} <= buttons

    def test_rows_can_be_told_by_their_results(self) -> None:
        rows = Page(index_page(self.RECORDS, WORDS, TITLES, {})).all("tr")
        classes = [one["class"].split() for one in rows if "has-" in one.get("class", "")]
        assert classes == [["has-good"], ["has-wrong"], ["has-ours"], ["has-wrong"]]

    def test_rules_hold_numbers_and_names_of_ours_alone(self) -> None:
        rules = order_rules("matrix", 3, [Order("x", "", (0, 1)), Order("y", "<style>", (1, 0))])
        assert "<" not in rules
        assert rules.splitlines()[1:] == [
            "body:has(#y:checked) .matrix tbody tr:nth-child(1){order:2}",
            "body:has(#y:checked) .matrix tbody tr:nth-child(2){order:1}",
        ]

    def test_equal_rows_stay_as_they_are_and_those_without_a_value_are_last(self) -> None:
        assert ordered([2.0, None, 1.0, 2.0]) == (2, 0, 3, 1)
        assert ordered([2.0, None, 1.0, 2.0], reverse=True) == (0, 3, 2, 1)
