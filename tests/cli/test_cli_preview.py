"""What a regrade would move is told before it counts; what it moved stays on record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.pipeline.job import JUDGE_VERSION
from grader.record import hand_file, history
from grader.record.store import Store
from grader.report.moves import move
from grader.types import Grade, HandKind, HandLine, Message, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import Said, Shell

LSTM = "multiplication-lstm"
BEFORE = b.grade(Verdict.LOW_ACCURACY, 90.0, (b.check("accuracy.mse", 15, 25),))
AFTER = b.grade(Verdict.ACCEPTED, 100.0, (b.check("accuracy.mse", 25, 25),))


def keep(shell: Shell, *students: str) -> None:
    store = Store(shell.out)
    for student in students:
        store.save(b.record(student, LSTM, grade=BEFORE))


class NewRubric:
    """Stands for whatever changed in the course since: whose grade is which now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **grades: Grade) -> None:
        self.grades = grades
        monkeypatch.setattr("grader.cli.regrade.regrade_records", self)

    def __call__(self, _: Any, records: Sequence[Record], __: bytes) -> list[Record]:
        (one,) = records
        if one.student not in self.grades:
            return [one]
        grade = self.grades[one.student]
        key = b.key_of(one.student, grade.score)
        threshold = b.threshold(value=0.01) if grade is AFTER else b.threshold()
        return [replace(one, grade=grade, key=key, threshold=threshold)]


def regrade(shell: Shell, *arguments: object) -> Said:
    return shell("regrade", "--out", shell.out, "--lang", "en", *arguments)


def on_disk(place: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in place.rglob("*")
        if path.is_file()
    }


class TestPreview:
    def test_every_score_that_would_move_is_told_with_the_reason(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim", "lee")
        NewRubric(monkeypatch, kim=AFTER)
        said = regrade(shell, "--preview")
        assert said.code == 1
        head, *why, last = said.out.splitlines()
        assert head.startswith("kim  The multiplication problem with LSTM  90 → 100  (+10)")
        assert why == [
            "    The threshold is a mean squared error of 0.01; it was 0.004.",
            "    accuracy.mse: 25 of 25; it had 15 of 25.",
        ]
        assert last.startswith("Scores that would move: 1 of 2.")

    def test_nothing_on_the_disk_changes(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim")
        shell("report", "--out", shell.out)
        before = on_disk(shell.out)
        NewRubric(monkeypatch, kim=AFTER)
        regrade(shell, "--preview")
        assert on_disk(shell.out) == before

    def test_where_nothing_moves_it_ends_well(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim")
        NewRubric(monkeypatch)
        assert regrade(shell, "--preview").code == 0

    def test_for_programs(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        keep(shell, "kim", "lee")
        NewRubric(monkeypatch, kim=AFTER)
        told = json.loads(regrade(shell, "--preview", "--format", "json").out)
        (one,) = told["moves"]
        assert (told["schema"], told["results"]) == ("grader/preview/v1", 2)
        assert (one["student"], one["change"], one["counts"]) == ("kim", 10.0, True)
        assert one["before"] == {"verdict": "low_accuracy", "score": 90.0, "max_score": 100.0}
        assert [why["id"] for why in one["why"]] == ["move.threshold", "move.check"]
        assert one["in_force"] is None

    def test_a_score_by_hand_stays_and_that_is_told(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim")
        at = "2026-03-04T10:00:00.000000+00:00"
        line = HandLine("0a", at, "lee", HandKind.OVERRIDE, "kim", LSTM, "oral", 95.0, 100.0)
        hand_file.append(shell.out, [line])
        NewRubric(monkeypatch, kim=AFTER)
        said = regrade(shell, "--preview")
        assert "What was decided by hand stays in force. Score by hand: 95" in said.out
        told = json.loads(regrade(shell, "--preview", "--format", "json").out)
        assert told["moves"][0]["in_force"] == "override"

    def test_what_fails_is_named_and_nothing_is_taken_for_a_move(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim")

        def fails(*_: object) -> list[Record]:
            raise ZeroDivisionError

        monkeypatch.setattr("grader.cli.regrade.regrade_records", fails)
        said = regrade(shell, "--preview")
        assert said.code == 3
        assert "kim" in said.err
        assert "0 of 1" in said.out

    @pytest.mark.parametrize("form", ["junit", "github"])
    def test_a_form_that_cannot_say_it_is_refused(self, shell: Shell, form: str) -> None:
        keep(shell, "kim")
        assert regrade(shell, "--preview", "--format", form).code == 2


class TestHistory:
    def test_what_a_score_was_and_which_judge_moved_it_stays(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim", "lee")
        NewRubric(monkeypatch, kim=AFTER)
        regrade(shell)
        (one,) = history.read(shell.out).moved
        assert (one.student, one.judge) == ("kim", JUDGE_VERSION)
        assert (one.before.score, one.after.score) == (90.0, 100.0)
        assert [why.id for why in one.why] == ["move.threshold", "move.check"]
        said = shell("log", "--out", shell.out, "--lang", "en")
        assert "90 → 100" in said.out
        assert f"judge {JUDGE_VERSION}" in said.out

    def test_a_regrade_that_moves_nothing_is_no_history(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim")
        NewRubric(monkeypatch, kim=AFTER)
        for _ in range(2):
            regrade(shell)
        assert len(history.read(shell.out).moved) == 1

    def test_a_rubric_and_back_are_two_moves(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim")
        for grade in (AFTER, BEFORE):
            NewRubric(monkeypatch, kim=grade)
            regrade(shell)
        scores = [(one.before.score, one.after.score) for one in history.read(shell.out).moved]
        assert scores == [(90.0, 100.0), (100.0, 90.0)]


class TestWhy:
    def test_points_that_count_otherwise_move_a_score_for_that_reason(self) -> None:
        before = b.record(grade=b.grade(Verdict.UNTRAINED, 60.0, (b.check("data.fit", 10, 15),)))
        after = replace(
            before, grade=b.grade(Verdict.UNTRAINED, 65.0, (b.check("data.fit", 15, 20),))
        )
        found = move(before, after)
        assert found is not None
        args = {"check": "data.fit", "points_before": "10", "max_before": "15"}
        assert found.why == (Message("move.check", {**args, "points": "15", "max": "20"}),)

    def test_checks_that_come_and_go_are_named(self) -> None:
        before = b.record(grade=b.grade(score=60.0, checks=(b.check("own.old", 1, 2),)))
        after = replace(before, grade=b.grade(score=61.0, checks=(b.check("own.new", 2, 2),)))
        found = move(before, after)
        assert found is not None
        assert [why.id for why in found.why] == ["move.no_check", "move.new_check"]

    def test_rounding_moves_nothing(self) -> None:
        before = b.record(grade=b.grade(score=0.1 + 0.2))
        assert move(before, replace(before, grade=b.grade(score=0.3))) is None

    def test_from_ungraded_to_a_score_is_a_move_without_a_difference(self) -> None:
        found = move(b.ungraded(), b.record())
        assert found is not None
        assert found.change is None
