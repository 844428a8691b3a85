"""What fails for one student fails alone: the others get theirs, and the command says who did not."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.cli.spared import MOST_NAMES, TOLD, Spared, Step
from grader.record.faults import keep_fault
from grader.record.store import Store
from grader.report import feedback, overview
from grader.report.exporters import gradescope
from grader.text.words import Words
from grader.types import GraderError, Message, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT, NoRoom, Said, Shell

FORMS = ("table", "json", "junit", "github")


@pytest.fixture
def shell(shell: Shell) -> Shell:
    shell.without_rooms()
    return shell


@pytest.fixture
def kept(shell: Shell) -> Store:
    """A class of three; kim is the one with whom something fails."""
    store = Store(shell.out)
    for student in ("choi", "kim", "lee"):
        store.save(b.record(student))
    return store


def failing_for_kim(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, but what is about kim fails in it."""

    def fails(one: Any, *rest: Any, **named: Any) -> Any:
        student = one if isinstance(one, str) else getattr(one, "student", None)
        if student is None:
            student = one[0].student
        if student == "kim":
            raise ZeroDivisionError("nothing of kim's can be divided")
        return function(one, *rest, **named)

    return fails


def report(shell: Shell, form: str = "table") -> Said:
    return shell("report", "--out", shell.out, "--lang", "en", "--format", form)


def traceback_of(shell: Shell, said: Said) -> str:
    (path,) = (shell.out / "faults").iterdir()
    assert f"faults/{path.name}" in said.err
    return path.read_text(encoding="utf-8")


class TestReports:
    def test_two_tiny_losses_are_drawn_for_kim_as_for_everybody(self, shell: Shell) -> None:
        tiny = b.evidence(train=b.training((0.0, 5e-324)))
        Store(shell.out).save(b.record("kim", evidence=tiny))
        said = report(shell)
        assert (said.code, said.err) == (0, "")
        assert "<polyline" in shell.page("kim")

    def test_a_page_whose_picture_fails_is_whole_without_it(
        self, shell: Shell, kept: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        report(shell)
        before = shell.page("kim")
        monkeypatch.setattr("grader.report.chart.loss_chart", lambda _history: 1 // 0)
        said = report(shell)
        assert said.code == 3
        assert "choi, kim, lee (3 in all)" in said.line
        assert "<polyline" in before
        assert "<polyline" not in shell.page("kim")
        assert "LSTM" in shell.page("kim")
        assert "ZeroDivisionError" in traceback_of(shell, said)

    def test_a_page_that_fails_says_so_and_the_others_are_as_ever(
        self, shell: Shell, kept: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        report(shell)
        before = {student: shell.page(student) for student in ("choi", "lee")}
        for path in (shell.out / "feedback").iterdir():
            path.unlink()
        monkeypatch.setattr(feedback, "_part", failing_for_kim(feedback._part))
        said = report(shell)
        assert said.code == 3
        assert "No page of feedback for: kim (1 in all)" in said.line
        assert {student: shell.page(student) for student in before} == before
        assert "could not be made" in shell.page("kim")
        assert "nothing of kim" not in shell.page("kim")
        assert 'href="feedback/kim.html"' in (shell.out / "index.html").read_text(encoding="utf-8")
        assert "nothing of kim's can be divided" in traceback_of(shell, said)

    def test_a_page_with_no_place_to_be_written_costs_that_page(
        self, shell: Shell, kept: Store
    ) -> None:
        (shell.out / "feedback" / "kim.html" / "in-the-way").mkdir(parents=True)
        said = report(shell)
        assert said.code == 3
        assert "kim (1 in all)" in said.line
        assert "LSTM" in shell.page("lee")
        assert (shell.out / "index.html").is_file()

    def test_the_classs_page_names_whom_it_cannot_show(
        self, shell: Shell, kept: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(overview, "_entry", failing_for_kim(overview._entry))
        said = report(shell)
        assert said.code == 3
        assert "Not on the class's page: kim (1 in all)" in said.line
        text = (shell.out / "index.html").read_text(encoding="utf-8")
        assert "Students: 2. Results: 2." in text
        assert "Not on this page, through a fault of the grader: kim." in text

    def test_a_classs_page_that_fails_for_all_says_so(
        self, shell: Shell, kept: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("grader.report.overview.render", lambda *_, **__: 1 // 0)
        said = report(shell)
        assert said.code == 3
        assert "could not be made" in (shell.out / "index.html").read_text(encoding="utf-8")
        assert (shell.out / "grades.csv").is_file()

    def test_a_row_of_the_gradebook_fails_alone(
        self, shell: Shell, kept: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from grader.report import gradebook

        monkeypatch.setattr(gradebook, "_row", failing_for_kim(gradebook._row))
        said = report(shell)
        assert said.code == 3
        assert "Not in grades.csv: kim (1 in all)" in said.line
        with (shell.out / "grades.csv").open(encoding="utf-8-sig") as file:
            assert [row["student"] for row in csv.DictReader(file)] == ["choi", "lee"]

    @pytest.mark.parametrize("form", FORMS)
    def test_what_cannot_be_printed_for_one_is_printed_for_the_others(
        self, shell: Shell, kept: Store, form: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module, name = {
            "table": ("table", "_row"),
            "json": ("json_", "_result"),
            "junit": ("wording", "reason_for_student"),
            "github": ("github", "_cells"),
        }[form]
        if form == "junit":  # accepted work has no reason
            kept.save(b.record("kim", grade=b.grade(Verdict.UNTRAINED, 40.0)))
        place = f"grader.report.{module}.{name}"
        target = __import__(f"grader.report.{module}", fromlist=[name])
        monkeypatch.setattr(place, failing_for_kim(getattr(target, name)))
        said = report(shell, form)
        assert said.code == 3
        assert "Not shown here: kim (1 in all)" in said.line
        assert "choi" in said.out
        assert "lee" in said.out
        assert "kim" not in said.out
        assert "LSTM" in shell.page("kim")

    def test_a_score_that_is_no_number_is_no_number_in_json(self, shell: Shell) -> None:
        store = Store(shell.out)
        store.save(b.record("kim", grade=b.grade(score=math.nan)))
        store.save(b.record("lee"))
        said = report(shell, "json")
        assert said.code == 3
        told = json.loads(said.out, parse_constant=pytest.fail)
        assert [one["student"] for one in told["results"]] == ["lee"]

    def test_the_summary_on_github_is_written_once(
        self, shell: Shell, kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from grader.report import github

        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        monkeypatch.setattr(github, "_annotation", failing_for_kim(github._annotation))
        report(shell, "github")
        assert (tmp_path / "summary.md").read_text(encoding="utf-8").count("## ") == 1


class TestGrade:
    @pytest.fixture
    def batch(self, tmp_path: Path) -> Path:
        for student in ("choi", "kim", "lee"):
            path = tmp_path / "class" / student / "sequence-prediction.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(f"{student} is not a notebook", encoding="utf-8")
        return tmp_path / "class"

    def test_the_reports_at_the_end_fail_alone(
        self, shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feedback, "_part", failing_for_kim(feedback._part))
        said = shell.grade(batch, "--format", "json")
        assert said.code == 3
        assert len(json.loads(said.out)["results"]) == 3
        assert sorted(path.stem for path in shell.out.glob("feedback/*.html")) == [
            "choi",
            "kim",
            "lee",
        ]

    def test_a_result_that_cannot_be_told_meanwhile_is_one_all_the_same(
        self, shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from grader.cli import progress

        def line(record: Record, words: Words) -> str:
            return str(1 // (record.student != "kim"))

        monkeypatch.setattr(progress, "_record_line", line)
        said = shell.grade(batch, "--format", "json")
        assert said.code == 3
        assert len(json.loads(said.out)["results"]) == 3
        assert "Not shown here: kim (1 in all)" in said.err


class TestVerify:
    def test_a_page_that_fails_is_no_success(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("grader.cli.verify.open_room", lambda *_: NoRoom())
        monkeypatch.setattr("grader.report.feedback.render", lambda *_, **__: 1 // 0)
        sample = ROOT / "reference/multiplication-gru/submissions/malformed/truncated.ipynb"
        said = shell("verify", sample, "--out", shell.out, "--lang", "en")
        assert said.code == 3
        assert "1 of 1 samples" in said.err


class TestRegrade:
    @pytest.mark.parametrize(
        "fault",
        [RuntimeError("the family stumbles"), GraderError(Message("course.no_family", {}))],
        ids=["any", "told"],
    )
    def test_what_cannot_be_scored_again_counts_as_it_was(
        self, shell: Shell, kept: Store, fault: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def again(_course: Any, records: list[Record], _secret: bytes) -> list[Record]:
            (one,) = records
            if one.student == "kim":
                raise fault
            return [replace(one, key=b.key_of("new", one.key), grade=b.grade(score=70.0))]

        monkeypatch.setattr("grader.cli.regrade.regrade_records", again)
        said = shell("regrade", "--out", shell.out, "--lang", "en", "--format", "json")
        assert said.code == 3
        assert "Not scored again: kim (1 in all)" in said.line
        scores = {one.student: one.grade.score for one in Store(shell.out).latest()}
        assert scores == {"choi": 70.0, "kim": 100.0, "lee": 70.0}

    def test_sizes_that_are_no_more_cost_that_record_alone(self, shell: Shell, kept: Store) -> None:
        kept.save(b.record("kim", profile="gigantic"))
        said = shell("regrade", "--out", shell.out, "--lang", "en", "--format", "json")
        assert said.code == 3
        assert "Not scored again: kim (1 in all)" in said.err
        assert len(json.loads(said.out)["results"]) == 3


class TestMerge:
    def merge(self, shell: Shell, kept: Store, tmp_path: Path) -> Said:
        out = tmp_path / "joined"
        return shell("merge", kept.out, "--out", out, "--lang", "en", "--format", "json")

    def test_what_cannot_be_taken_over_is_named_and_the_rest_is_joined(
        self, shell: Shell, kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from grader.cli import merge

        take = merge._take

        def taken(target: Store, one: Any) -> None:
            assert one.record.student != "kim"
            take(target, one)

        monkeypatch.setattr(merge, "_take", taken)
        said = self.merge(shell, kept, tmp_path)
        assert said.code == 3
        assert "Not joined, or not all of it: kim (1 in all)" in said.line
        assert [one["student"] for one in json.loads(said.out)["results"]] == ["choi", "lee"]

    @pytest.mark.parametrize("damage", ["cut", "elsewhere"])
    def test_a_record_left_behind_is_no_success(
        self, shell: Shell, kept: Store, tmp_path: Path, damage: str
    ) -> None:
        victim = kept.out / "results" / b.record("kim").key
        if damage == "cut":
            (victim / "record.json").write_bytes((victim / "record.json").read_bytes()[:100])
        else:
            shutil.move(victim, victim.with_name("0" * 64))
        said = self.merge(shell, kept, tmp_path)
        assert said.code == 3
        assert "record.json" in said.line
        assert [one["student"] for one in json.loads(said.out)["results"]] == ["choi", "lee"]

    def test_a_run_left_behind_is_no_success(
        self, shell: Shell, kept: Store, tmp_path: Path
    ) -> None:
        key = b.record("kim").execution_key
        kept.save_execution(key, b.execution())
        (kept.out / "evidence" / key / "execution" / "arrays.npz").write_bytes(b"no zip")
        said = self.merge(shell, kept, tmp_path)
        assert said.code == 3
        assert key in said.line
        assert len(json.loads(said.out)["results"]) == 3


class TestExport:
    def test_a_file_that_cannot_be_made_is_named_and_the_others_are_written(
        self, shell: Shell, kept: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gradescope, "_results", failing_for_kim(gradescope._results))
        said = shell("export", "--format", "gradescope", "--out", shell.out, "--lang", "en")
        assert said.code == 3
        assert "Not in the export: kim (1 in all)" in said.line
        written = shell.out.glob("export/gradescope/*/results.json")
        assert sorted(path.parent.name for path in written) == ["choi", "lee"]
        assert "nothing of kim's can be divided" in traceback_of(shell, said)

    def test_what_fails_for_everybody_writes_nothing(
        self, shell: Shell, kept: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gradescope, "_results", lambda *_: 1 // 0)
        said = shell("export", "--format", "gradescope", "--out", shell.out, "--lang", "en")
        assert said.code == 3
        assert not (shell.out / "export").exists()


class TestSpared:
    def test_every_step_has_its_words(self) -> None:
        assert set(TOLD) == set(Step)

    def test_one_cause_is_one_line_and_many_names_are_counted(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        spared = Spared(tmp_path)
        for number in range(100):
            with spared.alone(Step.PAGE, f"student{number:02d}"):
                raise ValueError("the same")
        spared.tell(Words("en"))
        (line,) = capsys.readouterr().err.splitlines()
        assert "(100 in all)" in line
        assert line.count("student") == MOST_NAMES + 1  # "may repeat what a student wrote"
        assert len(list((tmp_path / "faults").iterdir())) == 1

    def test_a_full_disk_is_everybodys(self, tmp_path: Path) -> None:
        spared = Spared(tmp_path)
        full = GraderError(Message("record.disk_full", {"path": "x"}))
        with pytest.raises(GraderError), spared.alone(Step.PAGE, "kim"):
            raise full
        assert not spared

    def test_a_fault_that_cannot_be_kept_is_no_second_one(self, tmp_path: Path) -> None:
        (tmp_path / "faults").write_text("in the way")
        assert keep_fault(tmp_path, ValueError("\ud800")).startswith("faults/")

    def test_what_fails_for_nobody_alone_is_not_blamed_on_anybody(self, tmp_path: Path) -> None:
        spared = Spared(tmp_path)
        records = [b.record("kim"), b.record("lee")]

        def only_single(some: Any) -> int:
            return 1 // (2 - len(some))

        with pytest.raises(ZeroDivisionError):
            spared.made(Step.OVERVIEW, only_single, records)
        assert not spared
