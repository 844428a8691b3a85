"""The bench's own notebooks: enough of them, each different, each with words for its hint."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.text.words import Words
from grader.types import Message, Proof, Verdict
from tests.support import builders

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "benchmarks" / "validity"
EXERCISES = (
    "sequence-prediction",
    "multiplication-simple-rnn",
    "multiplication-lstm",
    "multiplication-gru",
)
NOT_PYTHON = {"python2", "indentation"}


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    sys.path.insert(0, str(BENCH))
    try:
        import run

        yield run
    finally:
        sys.path.remove(str(BENCH))


@pytest.mark.parametrize("exercise", EXERCISES)
class TestCases:
    def test_there_are_enough_of_either_kind(self, bench: Any, exercise: str) -> None:
        kinds = [bench.kind_of(case) for case in bench.cases_of(exercise)]
        assert kinds.count("correct") >= 12
        assert kinds.count("fault") >= 20
        assert kinds.count("cheat") >= 6

    def test_there_are_enough_in_brief(self, bench: Any, exercise: str) -> None:
        cases = bench.brief(bench.cases_of(exercise))
        kinds = [bench.kind_of(case) for case in cases]
        assert kinds.count("correct") >= 12
        assert kinds.count("fault") >= 20
        assert cases[0].name == bench.BASE
        cheats = [case for case in bench.cases_of(exercise) if bench.kind_of(case) == "cheat"]
        assert kinds.count("cheat") == len(cheats)

    def test_no_two_notebooks_are_the_same(self, bench: Any, exercise: str) -> None:
        cells = [case.pieces.cells for case in bench.cases_of(exercise)]
        assert len(set(cells)) == len(cells)

    def test_all_but_the_broken_ones_are_python(self, bench: Any, exercise: str) -> None:
        for case in bench.cases_of(exercise):
            for cell in case.pieces.cells:
                if case.name not in NOT_PYTHON and "%" not in cell.split("\n", 1)[0]:
                    ast.parse(cell)

    def test_verdicts_and_hints_exist(self, bench: Any, exercise: str) -> None:
        words = Words("en", [ROOT / "reference" / "families" / "locale"])
        for case in bench.cases_of(exercise):
            assert set(case.verdicts) <= set(Verdict), case.name
            assert case.hint is None or words.knows(case.hint), case.name

    def test_every_fault_but_a_cheat_expects_a_hint(self, bench: Any, exercise: str) -> None:
        for case in bench.cases_of(exercise):
            assert (case.hint is None) == (bench.kind_of(case) in ("correct", "cheat")), case.name


def test_fewer_epochs_leave_short_runs_alone(bench: Any) -> None:
    (case,) = (c for c in bench.cases_of("multiplication-gru") if c.name == "three_epochs")
    assert "epochs=3," in bench._quick(case, 12).pieces.training
    (whole,) = (c for c in bench.cases_of("multiplication-gru") if c.name == "textbook")
    assert "epochs=12," in bench._quick(whole, 12).pieces.training


def test_twenty_of_them_are_for_both_engines(bench: Any) -> None:
    known = {f"{e}/{case.name}": case for e in EXERCISES for case in bench.cases_of(e)}
    assert len(set(bench.BOTH_ENGINES)) == 20
    chosen = [known[name] for name in bench.BOTH_ENGINES]
    assert {case.exercise for case in chosen} == set(EXERCISES)
    assert {bench.kind_of(case) for case in chosen} == {"correct", "fault", "cheat"}


class TestCounting:
    def result(self, bench: Any, **changes: Any) -> Any:
        facts = {
            "name": "x",
            "exercise": "e",
            "kind": "fault",
            "fault": "f",
            "expected": ("untrained",),
            "got": "untrained",
            "expected_hint": "diagnose.units",
            "hints": ("diagnose.units",),
            "flags": (),
            "score": 50.0,
            "seconds": 1.0,
        }
        return bench.Result(**(facts | changes))

    def test_what_came_as_expected_is_no_miss(self, bench: Any) -> None:
        assert bench.misses([self.result(bench)]) == []

    def test_correct_work_that_is_not_accepted_is_a_false_fail(self, bench: Any) -> None:
        one = self.result(bench, kind="correct", expected=("accepted",), expected_hint=None)
        assert bench.summary([one])["false_fail"] == {"count": 1, "of": 1}

    def test_a_fault_that_is_accepted_is_a_false_pass(self, bench: Any) -> None:
        one = self.result(bench, got="accepted")
        assert bench.summary([one])["false_pass"] == {"count": 1, "of": 1}

    def test_a_fault_refused_for_another_reason_is_counted_apart(self, bench: Any) -> None:
        told = bench.summary([self.result(bench, got="wrong_data")])
        assert told["false_pass"]["count"] == 0
        assert told["other_verdict"] == {"count": 1, "of": 1}

    def test_verdicts_that_differ_from_those_kept_before_are_told(
        self, bench: Any, tmp_path: Path
    ) -> None:
        kept = tmp_path / "results.json"
        kept.write_text('{"cases": [{"exercise": "e", "name": "x", "got": "accepted"}]}')
        assert bench.compared([self.result(bench, got="accepted")], [kept]) == []
        (told,) = bench.compared([self.result(bench), self.result(bench, name="y")], [kept])
        assert told == "e/x: untrained, not accepted"

    def test_a_hint_counts_only_in_the_first_place(self, bench: Any) -> None:
        one = self.result(bench, hints=("diagnose.layer_type", "diagnose.units"))
        assert bench.misses([one]) == [one]
        assert bench.summary([one])["first_hint_right"] == {"count": 0, "of": 1}


@pytest.mark.parametrize(
    ("kind", "asked", "right"),
    [
        ("cheat", True, ("suspicious", "waiting")),
        ("cheat", False, ("suspicious",)),
        ("correct", True, ("accepted",)),
    ],
)
def test_a_claim_that_nobody_can_prove_may_wait_and_honest_work_may_not(
    bench: Any, kind: str, asked: bool, right: tuple[str, ...]
) -> None:
    cases = bench.cases_of("sequence-prediction")
    one = next(case for case in cases if bench.kind_of(case) == kind and case.verdicts == right[:1])
    proof = Proof(why=Message("proof.another")) if asked else None
    record = builders.record(evidence=replace(builders.evidence(), proof=proof))
    assert bench.expected(one, record) == right
