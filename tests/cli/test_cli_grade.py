"""A batch on the command line: languages, shares, formats, a full disk."""

from __future__ import annotations

import errno
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from grader.cli.grade import read_shard
from grader.record import files
from grader.record.store import Store
from grader.report.table import render_table
from grader.text.words import Words
from grader.types import Message, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT, NoRoom, Shell, mounted

STUDENTS = [f"student{number:02d}" for number in range(9)]


@pytest.fixture
def shell(shell: Shell) -> Shell:
    shell.without_rooms()
    return shell


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """Files that are no notebooks: graded without a room, each for its student."""
    return broken_batch(tmp_path / "class", STUDENTS)


def broken_batch(folder: Path, students: list[str]) -> Path:
    for student in students:
        path = folder / student / "sequence-prediction.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(f"{student} is not a notebook", encoding="utf-8")
    return folder


def test_a_person_without_a_notebook_has_a_record_that_says_what_was_found(
    shell: Shell, tmp_path: Path
) -> None:
    batch = broken_batch(tmp_path / "class", ["kim"])
    (batch / "lee").mkdir()
    (batch / "lee" / "answer.pdf").write_bytes(b"%PDF")
    said = shell.grade(batch, "--format", "json")
    assert said.code == 1
    told = {one["student"]: one for one in json.loads(said.out)["results"]}
    assert told["lee"]["verdict"] == Verdict.MALFORMED.value
    assert told["lee"]["score"] == 0
    assert "answer.pdf" in told["lee"]["checks"][0]["message"]


def test_an_archive_that_is_not_opened_is_told_and_something_ungraded(
    shell: Shell, tmp_path: Path
) -> None:
    batch = broken_batch(tmp_path / "class", ["kim"])
    (batch / "lee").mkdir()
    (batch / "lee" / "hw.7z").write_bytes(b"7z")
    said = shell.grade(batch)
    assert said.code == 3
    assert "lee/hw.7z" in said.err


def results(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text)["results"])


def hidden_by_nothing(shell: Shell, student: str) -> Path:
    """A record that is listed and cannot be read: somebody wrote into it."""
    store = Store(shell.out)
    store.save(b.record(student))
    path = shell.out / "results" / b.record(student).key / "record.json"
    damaged = json.loads(path.read_bytes())
    damaged["record"]["grade"]["checks"] = 7
    path.write_text(json.dumps(damaged), encoding="utf-8")
    return path


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("command", ["report", "regrade", "export"])
    def test_a_record_left_out_is_no_success(self, shell: Shell, command: str) -> None:
        Store(shell.out).save(b.record("lee"))
        victim = hidden_by_nothing(shell, "kim")
        form = ("--format", "canvas") if command == "export" else ()
        said = shell(command, "--out", shell.out, "--lang", "en", *form)
        assert str(victim) in said.err
        assert said.code == 3

    def test_a_regrade_that_cannot_be_kept_is_named_and_the_others_are(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(shell.out)
        for student in ("kim", "lee"):
            store.save(b.record(student))

        def regraded(_course: Any, records: list[Record], _secret: bytes) -> list[Record]:
            (one,) = records
            told: Any = 7 if one.student == "kim" else "seven"
            grade = b.grade(Verdict.ACCEPTED, 70.0, checks=(replace(b.check(), got=told),))
            return [replace(one, key=b.key_of("new", one.key), grade=grade)]

        monkeypatch.setattr("grader.cli.regrade.regrade_records", regraded)
        said = shell("regrade", "--out", shell.out, "--lang", "en", "--format", "json")
        assert said.code == 3
        assert b.record("kim").submission in said.line
        before = b.record("kim").grade.score
        scores = {one["student"]: one["score"] for one in results(said.out)}
        assert scores == {"kim": before, "lee": 70.0}
        kept = {one.student: one.grade.score for one in Store(shell.out).latest()}
        assert kept == scores


class TestLanguage:
    @pytest.fixture
    def course(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        root = tmp_path / "course"
        root.mkdir()
        for name in ("assignments", "reference"):
            (root / name).symlink_to(ROOT / name)
        monkeypatch.setenv("GRADER_COURSE", str(root))
        return root

    def test_the_courses_language_is_the_default(self, shell: Shell, course: Path) -> None:
        (course / "course.toml").write_text('language = "ko"\n', encoding="utf-8")
        assert "곱셈" in shell("list").out

    def test_an_option_beats_the_course(self, shell: Shell, course: Path) -> None:
        (course / "course.toml").write_text('language = "ko"\n', encoding="utf-8")
        assert "곱셈" not in shell("list", "--lang", "en").out

    def test_errors_speak_the_courses_language_too(self, shell: Shell, course: Path) -> None:
        (course / "course.toml").write_text('language = "ko"\n', encoding="utf-8")
        assert "없습니다" in shell("grade", "nobody.ipynb").line
        assert "없습니다" in shell("grade", "--nothing").line


class TestShard:
    def test_the_parts_cover_the_whole_once(self) -> None:
        whole = list(range(23))
        for parts in (1, 2, 5, 30):
            found = [
                n for part in range(1, parts + 1) for n in whole[read_shard(f"{part}/{parts}")]
            ]
            assert sorted(found) == whole

    def test_joined_parts_are_the_class(self, shell: Shell, batch: Path, tmp_path: Path) -> None:
        for part in (1, 2):
            shell.out = tmp_path / f"part{part}"
            said = shell.grade(batch, "--shard", f"{part}/2", "--format", "json")
            assert said.code == 1
            assert len(results(said.out)) == {1: 5, 2: 4}[part]
        joined = tmp_path / "joined"
        arguments = (tmp_path / "part1", tmp_path / "part2", "--out", joined, "--format", "json")
        said = shell("merge", *arguments)
        assert said.code == 1
        assert [one["student"] for one in results(said.out)] == STUDENTS
        assert (joined / "index.html").is_file()
        assert shell("merge", *arguments).out == said.out

    def test_a_joined_class_is_not_graded_again(
        self, shell: Shell, batch: Path, tmp_path: Path
    ) -> None:
        shell.out = tmp_path / "part"
        shell.grade(batch)
        joined = tmp_path / "joined"
        shell("merge", shell.out, "--out", joined)
        shell.out = joined
        assert shell.grade(batch, "--format", "json").err.count("not run again") == len(STUDENTS)

    def test_more_machines_than_notebooks_is_no_error(self, shell: Shell, batch: Path) -> None:
        said = shell.grade(batch, "--shard", "40/40", "--format", "json")
        assert (said.code, results(said.out)) == (0, [])


class TestMerge:
    def test_the_later_record_counts_wherever_it_was_made(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        old, new = b.record(salt=1), b.record(salt=2, grade=b.grade(Verdict.UNTRAINED, 40.0))
        for name, record, time in (("a", new, 2000), ("b", old, 1000)):
            Store(tmp_path / name).save(record, time)
        said = shell(
            *("merge", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "c"),
            *("--format", "json", "--lang", "en"),
        )
        assert [one["score"] for one in results(said.out)] == [40.0]
        assert len(list((tmp_path / "c" / "results").iterdir())) == 2

    def test_a_later_grade_in_the_target_stays(self, shell: Shell, tmp_path: Path) -> None:
        Store(tmp_path / "a").save(b.record(salt=1), 1000)
        Store(tmp_path / "c").save(b.record(salt=2, grade=b.grade(Verdict.UNTRAINED, 40.0)), 2000)
        said = shell("merge", tmp_path / "a", "--out", tmp_path / "c", "--format", "json")
        assert [one["score"] for one in results(said.out)] == [40.0]

    def test_runs_come_along(self, shell: Shell, tmp_path: Path) -> None:
        record = b.record()
        store = Store(tmp_path / "a")
        store.save_execution(record.execution_key, b.execution())
        store.save(record)
        shell("merge", tmp_path / "a", "--out", tmp_path / "c")
        kept = Store(tmp_path / "c").load_execution(record.execution_key)
        assert kept is not None
        assert kept.candidates[0].name == "model"

    def test_different_secrets_are_named(self, shell: Shell, tmp_path: Path) -> None:
        for name, student, seed in (("a", "kim", 1), ("b", "lee", 2)):
            Store(tmp_path / name).save(b.record(student, hidden_seed=seed))
        said = shell("merge", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "c")
        assert "GRADER_SECRET_FILE" in said.err

    def test_a_damaged_record_is_named_and_the_rest_is_joined(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        store = Store(tmp_path / "a")
        for student in ("kim", "lee"):
            store.save(b.record(student))
        victim = tmp_path / "a" / "results" / b.record("kim").key / "record.json"
        victim.write_bytes(victim.read_bytes()[:100])
        said = shell("merge", tmp_path / "a", "--out", tmp_path / "c", "--format", "json")
        assert victim.parent.name in said.err
        assert [one["student"] for one in results(said.out)] == ["lee"]

    def test_a_source_is_never_the_target(self, shell: Shell, tmp_path: Path) -> None:
        Store(tmp_path / "a").save(b.record())
        said = shell("merge", tmp_path / "a", "--out", tmp_path / "a")
        assert said.code == 2
        assert "--out" in said.line


class TestCourse:
    @pytest.fixture(autouse=True)
    def _unnamed(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("GRADER_COURSE")

    def crafted(self, folder: Path) -> Path:
        """Submissions that bring an exercise of their own."""
        place = folder / "assignments" / "sequence-prediction"
        place.mkdir(parents=True)
        (place / "exercise.toml").write_text("broken", encoding="utf-8")
        return folder

    def test_a_course_inside_the_submissions_is_not_used(
        self, shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(ROOT / "assignments", batch / "assignments")
        monkeypatch.chdir(batch)
        said = shell.grade(batch)
        assert said.code == 2
        assert "GRADER_COURSE" in said.line

    def test_outside_of_any_course_the_one_beside_the_package_is_used(
        self, shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        self.crafted(batch)
        said = shell.grade(batch, "--format", "json")
        assert said.code == 1, said
        assert {one["exercise"] for one in results(said.out)} >= {"sequence-prediction"}

    def test_without_any_course_the_message_says_where_it_was_looked_for(
        self, shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("grader.cli.course.PACKAGE", tmp_path / "elsewhere" / "grader")
        said = shell.grade(batch)
        assert said.code == 2
        assert "GRADER_COURSE" in said.line

    def test_a_broken_course_is_never_passed_over_for_another(
        self, shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        course = self.crafted(tmp_path / "course")
        monkeypatch.chdir(course)
        said = shell.grade(batch)
        assert said.code == 2
        assert "exercise.toml" in said.line


class TestVerify:
    def test_an_interrupted_course_check_is_no_success(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("grader.cli.verify.graded_as_done", lambda *_: iter(()))
        monkeypatch.setattr("grader.cli.verify.open_room", lambda *_: NoRoom())
        sample = ROOT / "reference/multiplication-gru/submissions/malformed/truncated.ipynb"
        said = shell("verify", sample, "--out", shell.out, "--lang", "en")
        assert said.code == 130
        assert "same command again" in said.err

    def test_a_sample_with_its_folders_verdict_passes(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("grader.cli.verify.open_room", lambda *_: NoRoom())
        sample = ROOT / "reference/multiplication-gru/submissions/malformed/truncated.ipynb"
        said = shell("verify", sample, "--out", shell.out, "--lang", "en")
        assert said.code == 0
        assert "1 of 1 samples" in said.err

    def test_a_sample_with_another_verdict_is_named(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("grader.cli.verify.open_room", lambda *_: NoRoom())
        folder = tmp_path / "multiplication-gru" / "submissions" / "accepted"
        folder.mkdir(parents=True)
        (folder / "cut.ipynb").write_text("{", encoding="utf-8")
        said = shell("verify", folder.parent, "--out", shell.out, "--lang", "en")
        assert said.code == 1
        assert re.search(r"accepted/cut\S* .*accepted +malformed", said.err)


class TestFormats:
    def test_json_is_alone_on_stdout(self, shell: Shell, batch: Path) -> None:
        said = shell.grade(batch, "--format", "json")
        assert len(results(said.out)) == len(STUDENTS)

    def test_junit_is_xml_with_a_suite_per_student(self, shell: Shell, batch: Path) -> None:
        root = ET.fromstring(shell.grade(batch, "--format", "junit").out)
        assert [suite.get("name") for suite in root] == STUDENTS

    def test_github_annotates_and_writes_the_summary_where_it_is_asked_for(
        self, shell: Shell, batch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = tmp_path / "summary.md"
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place))
        said = shell.grade(batch, "--format", "github")
        lines = said.out.splitlines()
        assert len(lines) == len(STUDENTS)
        assert all(line.startswith("::error file=") for line in lines)
        assert place.read_text(encoding="utf-8").count("\n|") == len(STUDENTS) + 2

    def test_a_notebook_of_no_known_exercise_brings_advice(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        (tmp_path / "homework.ipynb").write_text("no notebook", encoding="utf-8")
        assert "--exercise" in shell.grade(tmp_path / "homework.ipynb").err
        again = shell.grade(tmp_path / "homework.ipynb", "--exercise", "multiplication-gru")
        assert "--exercise" not in again.err

    def test_the_table_ends_with_how_many_were_accepted(self, shell: Shell, batch: Path) -> None:
        assert "0 of 9 accepted." in shell.grade(batch).out


class TestTable:
    def wrong(self, student: str = "kim") -> Record:
        told = Message("structure.layer", {"number": 1, "expected": "LSTM(30)", "got": "G" * 200})
        checks = (b.check("structure.layer-1", 0, 35, told, cell=6),)
        grade = b.grade(Verdict.WRONG_ARCHITECTURE, 8.0, checks)
        return b.record(student, "temperature-bidirectional", grade=grade)

    def lines(self, width: int, *records: Record, lang: str = "en") -> list[str]:
        console = Console(width=width, record=True, markup=False, force_terminal=False)
        with console.capture() as shown:
            console.print(render_table(records, Words(lang)))
        return shown.get().splitlines()

    @pytest.mark.parametrize("lang", ["ko", "en"])
    @pytest.mark.parametrize("width", [80, 100, 120, 200])
    def test_the_verdict_is_whole_at_every_width(self, width: int, lang: str) -> None:
        lines = self.lines(width, self.wrong("a" * 60), b.record("김민준"), lang=lang)
        assert all(cell_len(line) <= width for line in lines)
        words = Words(lang)
        for verdict in (Verdict.WRONG_ARCHITECTURE, Verdict.ACCEPTED):
            assert any(words(f"verdict.{verdict.value}") in line for line in lines)

    def test_80_columns_show_a_usual_name_and_the_reason_below(self) -> None:
        _, row, reason = self.lines(80, self.wrong("wrong_data/half"))
        assert row.split()[:2] == ["wrong_data/half", "temperature-bidirectional"]
        assert reason.strip().startswith("cell 6: Layer 1 should be LSTM(30)")
        assert reason.endswith("…")

    def test_a_wide_terminal_has_a_row_per_record(self) -> None:
        assert len(self.lines(200, self.wrong(), b.record())) == 3

    def test_without_a_terminal_120_columns_are_assumed(self, shell: Shell, batch: Path) -> None:
        longest = max(len(line) for line in shell.grade(batch).out.splitlines() if "{" not in line)
        assert 80 < longest <= 120


class TestFullDisk:
    """What was graded stays, what could not be kept is ungraded and never a zero."""

    @pytest.fixture(params=["tmpfs", "simulated"])
    def disk(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Any:
        place = tmp_path / "small"
        place.mkdir()
        if request.param == "tmpfs":
            mount = mounted("-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place))
            return place, mount, lambda: _remount(place)
        return place, nullcontext(), _refuse_after(5, monkeypatch)

    def test_a_disk_that_fills_up_loses_nothing(
        self, shell: Shell, batch: Path, disk: tuple[Path, Any, Callable[[], None]]
    ) -> None:
        place, mount, make_room = disk
        with mount:
            shell.out = place / "out"
            first = shell.grade(batch, "--format", "json")
            assert first.code == 3, first
            assert "Traceback" not in first.err
            assert [line for line in first.err.splitlines() if line.startswith("grader: ")]
            by_verdict = {one["student"]: one["verdict"] for one in results(first.out)}
            assert len(by_verdict) == len(STUDENTS)
            kept = [s for s, verdict in by_verdict.items() if verdict == "malformed"]
            assert 0 < len(kept) < len(STUDENTS)
            lost = [one for one in results(first.out) if one["verdict"] == "grader_error"]
            assert {one["score"] for one in lost} == {None}
            assert all("not a zero" in one["checks"][0]["message"] for one in lost)
            assert "is full" in first.err

            make_room()
            again = shell.grade(batch, "--format", "json")
            assert again.code == 1, again
            assert again.err.count("not run again") == len(kept)
            assert {one["verdict"] for one in results(again.out)} == {"malformed"}


def _remount(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", str(place)], check=True)


def _refuse_after(records: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let that many records through, then let the disk be full until room is made."""
    real, seen = files.write_new, []

    def write(path: Path, data: bytes, **how: Any) -> None:
        seen.append(path)
        if len(seen) > records:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data, **how)

    monkeypatch.setattr(files, "write_new", write)
    return lambda: monkeypatch.setattr(files, "write_new", real)
