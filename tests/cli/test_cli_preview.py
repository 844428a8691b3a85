"""What a regrade would move is told before it counts; what it moved stays on record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.pipeline.job import JUDGE_VERSION
from grader.record import hand_file, history
from grader.record.store import Store
from grader.report.moves import move
from grader.text.words import Words
from grader.types import Grade, HandKind, HandLine, Message, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT, Said, Shell

LSTM = "multiplication-lstm"
BEFORE = b.grade(Verdict.LOW_ACCURACY, 90.0, (b.check("accuracy.mse", 15, 25),))
AFTER = b.grade(Verdict.ACCEPTED, 100.0, (b.check("accuracy.mse", 25, 25),))


def keep(shell: Shell, *students: str) -> None:
    store = Store(shell.out)
    for student in students:
        store.save(b.record(student, LSTM, grade=BEFORE))


def keep_two_moves_that_are_not_in_force(shell: Shell) -> None:
    """Keep a score under an override, and a hand-in that a later one took the place of."""
    keep(shell, "kim")
    at = "2026-03-04T10:00:00.000000+00:00"
    line = HandLine("0a", at, "park", HandKind.OVERRIDE, "kim", LSTM, "oral", 95.0, 100.0)
    hand_file.append(shell.out, [line])
    earlier, later = (
        b.record("lee", LSTM, submission=f"lee/{name}.ipynb", grade=found)
        for name, found in (("1", BEFORE), ("2", AFTER))
    )
    shell.keep(earlier, later)


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
        assert "the grader's own score: 90 → 100" in said.out
        assert "What was decided by hand stays in force. Score by hand: 95" in said.out
        told = json.loads(regrade(shell, "--preview", "--format", "json").out)
        assert told["moves"][0]["in_force"] == "override"

    @pytest.mark.parametrize(
        ("lang", "mark", "own"),
        [
            ("en", "(not in force)", "the grader's own score: 90 → 100"),
            ("ko", "(반영되지 않음)", "채점기의 점수: 90 → 100"),
        ],
    )
    def test_where_no_score_in_force_moves_it_ends_well_and_marks_what_does(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, lang: str, mark: str, own: str
    ) -> None:
        keep_two_moves_that_are_not_in_force(shell)
        NewRubric(monkeypatch, kim=AFTER, lee=AFTER)
        said = shell("regrade", "--preview", "--out", shell.out, "--lang", lang)
        assert said.code == 0
        rows = [line for line in said.out.splitlines() if "90 → 100" in line]
        assert len(rows) == 2
        assert all(row.endswith(mark) for row in rows)
        assert sum(own in row for row in rows) == 1
        assert Words(lang)("preview.sum", moves=0, total=2) in said.out

    def test_one_that_is_in_force_among_them_is_told_apart_and_counted(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep_two_moves_that_are_not_in_force(shell)
        keep(shell, "choi")
        NewRubric(monkeypatch, kim=AFTER, lee=AFTER, choi=AFTER)
        said = regrade(shell, "--preview")
        assert said.code == 1
        (row,) = [line for line in said.out.splitlines() if line.startswith("choi")]
        assert "not in force" not in row
        assert "Scores that would move: 1 of 3." in said.out

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

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_the_log_marks_what_was_not_in_force(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, lang: str
    ) -> None:
        keep_two_moves_that_are_not_in_force(shell)
        keep(shell, "choi")
        NewRubric(monkeypatch, kim=AFTER, lee=AFTER, choi=AFTER)
        regrade(shell)
        words = Words(lang)
        said = shell("log", "--out", shell.out, "--lang", lang).out.splitlines()
        kim, lee, choi = (
            next(line for line in said if "90 → 100" in line and f"  {name}  " in line)
            for name in ("kim", "lee", "choi")
        )
        own = words("preview.own", change="90 → 100")
        assert f"{own}  {words('preview.not_in_force')}" in kim
        assert kim.endswith(words("preview.by_hand"))
        assert f"90 → 100  {words('preview.not_in_force')}" in lee
        assert lee.endswith(words("preview.another"))
        assert words("preview.not_in_force") not in choi

    def test_a_rubric_and_back_are_two_moves(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shell, "kim")
        for grade in (AFTER, BEFORE):
            NewRubric(monkeypatch, kim=grade)
            regrade(shell)
        scores = [(one.before.score, one.after.score) for one in history.read(shell.out).moved]
        assert scores == [(90.0, 100.0), (100.0, 90.0)]


RULES = """time_zone = "Asia/Seoul"
[late]
per_day = {per_day}
[exercise.multiplication-lstm]
due = 2026-05-01T18:00:00
"""


@pytest.fixture
def late(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int], None]:
    """A course whose deadline kim missed by a day and lee did not; gives what changes its policy."""
    course = tmp_path / "course"
    target = course / "assignments" / LSTM
    target.mkdir(parents=True)
    shutil.copy(ROOT / "assignments" / LSTM / "exercise.toml", target)
    monkeypatch.setenv("GRADER_COURSE", str(course))

    def policy(per_day: int) -> None:
        (course / "course.toml").write_text(RULES.format(per_day=per_day), "utf-8")

    policy(10)
    NewRubric(monkeypatch)
    shell.keep(
        b.record("kim", LSTM, grade=BEFORE, handed_in="2026-05-02T09:00:00"),
        b.record("lee", LSTM, grade=BEFORE, handed_in="2026-05-01T09:00:00"),
    )
    return policy


def history_scores(shell: Shell) -> list[tuple[float | None, float | None, str]]:
    return [(o.before.score, o.after.score, o.by.value) for o in history.read(shell.out).moved]


class TestRules:
    def test_a_policy_that_changed_since_the_pages_moves_scores_and_says_so(
        self, shell: Shell, late: Callable[[int], None]
    ) -> None:
        shell("report", "--out", shell.out)
        late(20)
        said = regrade(shell, "--preview")
        assert said.code == 1
        head, row, *why, last = said.out.splitlines()
        assert head.startswith("By the rules of course.toml")
        assert row.startswith("kim  The multiplication problem with LSTM  80 → 70  (−10)")
        assert why[0] == "    Taken off for lateness: 20; it was 10."
        assert "due 2026-05-01 18:00" in why[1]
        assert last.startswith("Scores that would move: 1 of 2, by the rules of course.toml 1.")
        told = json.loads(regrade(shell, "--preview", "--format", "json").out)
        assert told["moves"] == []
        assert [one["change"] for one in told["moves_by_rules"]] == [-10.0]

    @pytest.mark.parametrize("command", ["report", "regrade"])
    def test_what_rules_moved_is_in_the_log_once(
        self, shell: Shell, late: Callable[[int], None], command: str
    ) -> None:
        shell("report", "--out", shell.out)
        late(20)
        for _ in range(2):
            shell(command, "--out", shell.out)
        assert history_scores(shell) == [(80.0, 70.0, "rules")]
        said = shell("log", "--out", shell.out, "--lang", "en")
        assert "rules (course.toml)  kim" in said.out
        assert "80 → 70  Taken off for lateness: 20; it was 10." in said.out
        assert regrade(shell, "--preview").code == 0

    def test_a_rubric_moves_the_score_in_force(
        self, shell: Shell, late: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shell("report", "--out", shell.out)
        NewRubric(monkeypatch, kim=AFTER)
        said = regrade(shell, "--preview")
        assert said.out.startswith("kim  The multiplication problem with LSTM  80 → 90  (+10)")
        assert "By the rules" not in said.out
        late(20)
        said = regrade(shell, "--preview")
        assert "  70 → 80  (+10)" in said.out
        assert "  80 → 70  (−10)" in said.out
        assert "Scores that would move: 1 of 2" in said.out
        regrade(shell)
        assert history_scores(shell) == [(80.0, 70.0, "rules"), (70.0, 80.0, "rubric")]

    def test_another_attempt_that_counts_is_the_rules_too(
        self, shell: Shell, late: Callable[[int], None], tmp_path: Path
    ) -> None:
        again = b.record(
            "lee",
            LSTM,
            submission="lee/late.ipynb",
            grade=BEFORE,
            handed_in="2026-05-03T09:00:00",
        )
        shell.keep(again)
        shell("report", "--out", shell.out)
        path = tmp_path / "course" / "course.toml"
        path.write_text('attempts = "best"\n' + path.read_text("utf-8"), "utf-8")
        said = regrade(shell, "--preview")
        assert "lee  The multiplication problem with LSTM  70 → 90  (+20)" in said.out
        assert "Another hand-in counts now: " in said.out

    def test_what_was_decided_by_hand_is_none_of_it(
        self, shell: Shell, late: Callable[[int], None]
    ) -> None:
        shell("report", "--out", shell.out)
        by = ("--by", "lee", "--out", shell.out)
        shell("override", "kim", LSTM, "--score", 95, "--reason", "oral", *by)
        late(20)
        assert regrade(shell, "--preview").code == 0
        assert history_scores(shell) == []

    def test_work_that_was_graded_anew_is_none_of_it(
        self, shell: Shell, late: Callable[[int], None]
    ) -> None:
        shell("report", "--out", shell.out)
        shell.keep(
            b.record(
                "lee", LSTM, submission="lee/2.ipynb", grade=AFTER, handed_in="2026-05-01T10:00:00"
            )
        )
        assert regrade(shell, "--preview").code == 0

    def test_the_same_notebook_run_again_is_none_of_it(
        self, shell: Shell, late: Callable[[int], None]
    ) -> None:
        shell.keep(replace(b.ungraded("choi"), handed_in="2026-05-01T09:00:00"))
        shell("report", "--out", shell.out)
        shell.keep(replace(b.ungraded("choi"), grade=AFTER, handed_in="2026-05-01T09:00:00"))
        shell("report", "--out", shell.out)
        assert history_scores(shell) == []

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_where_nobody_knows_what_was_before_it_says_so(
        self, shell: Shell, late: Callable[[int], None], lang: str
    ) -> None:
        said = shell("regrade", "--preview", "--out", shell.out, "--lang", lang)
        assert "shown.json" in said.err
        assert "course.toml" in said.err

    def test_a_student_who_is_forgotten_is_not_remembered_there(
        self, shell: Shell, late: Callable[[int], None]
    ) -> None:
        shell("report", "--out", shell.out)
        late(20)
        shell("report", "--out", shell.out)
        shell("forget", "kim", "--yes", "--by", "lee", "--out", shell.out)
        assert "kim" not in (shell.out / "shown.json").read_text("utf-8")
        assert history_scores(shell) == []


class TestLog:
    def test_times_are_the_courses_with_their_distance(
        self, shell: Shell, late: Callable[[int], None]
    ) -> None:
        at = "2026-03-04T20:00:00.000000+00:00"
        hand_file.append(
            shell.out, [HandLine("0a", at, "lee", HandKind.COMMENT, "kim", LSTM, "well done")]
        )
        said = shell("log", "--out", shell.out, "--lang", "en")
        assert "2026-03-05 05:00 +09:00" in said.out
        assert "UTC" not in said.out


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
