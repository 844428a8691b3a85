"""Bad input costs one clear line and the right exit code, and nothing that was there before."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from grader.room import choose
from tests.support.cli_help import ROOT, Said, Shell, mounted
from tests.support.notebook_files import notebook, write

KOREAN = re.compile(r"[가-힣]")
UNWORDED = re.compile(r"\b[a-z]+\.[a-z_]+ \(|…")  # a message id, or a placeholder left open
SOUND = ROOT / "reference/sequence-prediction/submissions/accepted/textbook.ipynb"


@pytest.fixture
def notebook_path(tmp_path: Path) -> Path:
    return write(tmp_path / "kim" / "sequence-prediction.ipynb", notebook("x = 1"))


def refused(said: Said, *parts: str) -> str:
    """The single line of a refusal."""
    assert said.code == 2, said
    assert said.out == ""
    assert said.line.startswith("grader: ")
    assert not UNWORDED.search(said.line), said.line
    for part in parts:
        assert part in said.line
    return said.line


def _bytes_read() -> int:
    """How much this process has read so far."""
    return int(Path("/proc/self/io").read_text().split("rchar:")[1].split()[0])


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "parts"),
        [
            (("grade",), ("PATH", "grade --help")),
            (("grade", "x", "--jbos", "3"), ("--jbos", "--jobs")),
            (("grade", "x", "--zzz"), ("--zzz", "grade --help")),
            (("grade", "x", "--jobs", "0"), ("--jobs", "1")),
            (("grade", "x", "--seed", "-1"), ("--seed", "0 or more")),
            (("grade", "x", "--jobs", "many"), ("--jobs",)),
            (("grade", "x", "--engine", "torch"), ("--engine", "auto, tensorflow, jax")),
            (("grade", "x", "--format", "xml"), ("--format", "table, json, junit, github")),
            (("grad", "x"), ("grad", "grade")),
            (("xyzzy",), ("xyzzy", "grader --help")),
            (("export",), ("--format",)),
        ],
    )
    def test_a_command_line_that_is_wrong_costs_one_line(
        self, shell: Shell, arguments: tuple[str, ...], parts: tuple[str, ...]
    ) -> None:
        refused(shell(*arguments), *parts)

    def test_an_option_like_none_gets_no_suggestion(self, shell: Shell) -> None:
        said = refused(shell("grade", "x", "--bogus", "--lang", "en"), "--bogus", "grade --help")
        assert "Did you mean" not in said

    def test_usage_errors_speak_the_language_that_was_asked_for(self, shell: Shell) -> None:
        assert KOREAN.search(refused(shell("grade", "x", "--jbos", "3", "--lang", "ko"), "--jobs"))

    def test_usage_errors_speak_the_locales_language_otherwise(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
        assert KOREAN.search(refused(shell("grade", "x", "--jbos", "3")))

    def test_usage_errors_speak_the_language_of_the_folder_that_students_were_given(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for folder in ("assignments", "grader_course"):
            (tmp_path / folder).mkdir()
        (tmp_path / "grader_course" / "course.json").write_text('{"language": "ko"}', "utf-8")
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
        monkeypatch.setenv("GRADER_COURSE", str(tmp_path))
        assert KOREAN.search(refused(shell("check"), "NOTEBOOK"))

    def test_no_command_shows_the_help(self, shell: Shell) -> None:
        said = shell()
        assert said.code in (0, 2)
        assert "Usage: grader" in said.out + said.err

    def test_every_command_explains_itself_in_one_line_of_80_columns(self, shell: Shell) -> None:
        listed = shell("--help").out.split("Commands:")[1].strip().splitlines()
        assert len(listed) >= 11
        assert not [line for line in listed if line.endswith("...") or len(line) > 80]


class TestLooking:
    @pytest.mark.parametrize("lang", ["ko", "en"])
    def test_80_columns_show_every_exercise_id_whole_and_in_one_line(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, lang: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        said = shell("list", "--lang", lang)
        lines = said.out.splitlines()
        ids = sorted(path.parent.name for path in ROOT.glob("assignments/*/exercise.toml"))
        assert said.code == 0
        assert sorted(line.split()[0] for line in lines[1:-1]) == ids
        assert all(cell_len(line) <= 80 for line in lines[:-1])

    @pytest.mark.real
    def test_the_doctor_names_engines_and_the_level(self, shell: Shell) -> None:
        said = shell("doctor", "--lang", "en")
        assert said.code == 0
        assert "Engine jax:" in said.out
        assert any(line.startswith("Isolation level: ") for line in said.out.splitlines())


class TestInput:
    @pytest.mark.parametrize("lang", ["ko", "en"])
    def test_a_missing_file_is_named(self, shell: Shell, tmp_path: Path, lang: str) -> None:
        line = refused(shell.grade(tmp_path / "nobody.ipynb", lang=lang), "nobody.ipynb")
        assert bool(KOREAN.search(line)) is (lang == "ko")

    @pytest.mark.parametrize("lang", ["ko", "en"])
    def test_an_empty_folder_is_named(self, shell: Shell, tmp_path: Path, lang: str) -> None:
        empty = tmp_path / "empty"
        empty.mkdir()
        refused(shell.grade(empty, lang=lang), "empty")

    def test_an_unknown_exercise_suggests_the_nearest(
        self, shell: Shell, notebook_path: Path
    ) -> None:
        said = shell.grade(notebook_path, "--exercise", "multiplication-gur")
        refused(said, "multiplication-gur", "Did you mean: multiplication-gru")

    @pytest.mark.parametrize("command", ["grade", "check", "verify", "plan", "calibrate"])
    def test_an_unknown_exercise_far_from_any_is_told_with_all(
        self, shell: Shell, notebook_path: Path, command: str
    ) -> None:
        given = {
            "plan": ("--students", 1, "--exercise", "zzzzzz"),
            "calibrate": ("zzzzzz",),
        }.get(command, (notebook_path, "--exercise", "zzzzzz"))
        refused(shell(command, *given, "--lang", "en"), "There are: sequence-prediction, ")

    @pytest.mark.parametrize("command", ["list", "doctor", "regrade", "report"])
    def test_an_unknown_language_names_the_known_ones(self, shell: Shell, command: str) -> None:
        refused(shell(command, "--lang", "fr"), "fr", "ko, en")

    def test_an_unknown_language_is_refused_before_anything_is_read(self, shell: Shell) -> None:
        refused(shell.grade("nobody.ipynb", lang="fr"), "ko, en")

    def test_a_gpu_that_is_not_there_is_named(self, shell: Shell, notebook_path: Path) -> None:
        refused(shell.grade(notebook_path, "--gpus", "7"), "7")

    @pytest.mark.parametrize("given", ["0/2", "3/2", "2", "a/b", "1/0"])
    def test_a_shard_that_cannot_be_is_refused(
        self, shell: Shell, notebook_path: Path, given: str
    ) -> None:
        refused(shell.grade(notebook_path, "--shard", given), given)

    def test_results_that_are_not_there_cannot_be_reported(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        refused(shell("report", "--out", tmp_path / "nothing"), "nothing")

    def test_a_folder_that_is_no_course_is_named(
        self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GRADER_COURSE", str(tmp_path))
        refused(shell("list"), str(tmp_path), "assignments/")


class TestNotebooks:
    """What a student handed in is graded, however bad: it is not a usage error."""

    @pytest.fixture(autouse=True)
    def _no_rooms(self, shell: Shell) -> None:
        shell.without_rooms()

    def graded(self, said: Said) -> dict[str, Any]:
        assert said.code == 1, said
        (line,) = said.err.splitlines()
        assert not UNWORDED.search(line), line
        (result,) = json.loads(said.out)["results"]
        assert (result["verdict"], result["score"], result["graded"]) == ("malformed", 0, True)
        return dict(result)

    def test_200_megabytes_are_refused_without_being_read(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        path = tmp_path / "sequence-prediction.ipynb"
        with path.open("wb") as file:
            file.truncate(200 * 2**20)
        before = _bytes_read()
        result = self.graded(shell.grade(path, "--format", "json"))
        assert _bytes_read() - before < 64 * 2**20
        assert "MB" in result["checks"][0]["message"]

    def test_nbformat_2_says_what_can_be_read(self, shell: Shell, tmp_path: Path) -> None:
        old = {"nbformat": 2, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": []}]}
        path = write(tmp_path / "sequence-prediction.ipynb", old)
        result = self.graded(shell.grade(path, "--format", "json"))
        assert "formats 3 and 4" in result["checks"][0]["message"]

    @pytest.mark.parametrize("lang", ["ko", "en"])
    def test_truncated_json_says_where_it_ends(
        self, shell: Shell, tmp_path: Path, lang: str
    ) -> None:
        path = tmp_path / "sequence-prediction.ipynb"
        path.write_text('{"nbformat": 4, "cells": [', encoding="utf-8")
        said = shell.grade(path, "--format", "json", lang=lang)
        self.graded(said)
        assert bool(KOREAN.search(said.err)) is (lang == "ko")

    def test_the_reason_stands_in_the_log_too(self, shell: Shell, tmp_path: Path) -> None:
        path = tmp_path / "sequence-prediction.ipynb"
        path.write_text("", encoding="utf-8")
        assert "empty" in shell.grade(path, "--format", "json").err


class TestOut:
    @pytest.fixture(autouse=True)
    def _no_rooms(self, shell: Shell) -> None:
        shell.without_rooms()

    @pytest.mark.parametrize("lang", ["ko", "en"])
    def test_a_place_below_a_file_cannot_be_written(
        self, shell: Shell, notebook_path: Path, tmp_path: Path, lang: str
    ) -> None:
        (tmp_path / "file").write_text("mine", encoding="utf-8")
        shell.out = tmp_path / "file" / "out"
        refused(shell.grade(notebook_path, lang=lang), "file", "--out")
        assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"

    def test_a_read_only_disk_cannot_be_written(
        self, shell: Shell, notebook_path: Path, tmp_path: Path
    ) -> None:
        place = tmp_path / "fixed"
        place.mkdir()
        with mounted("--bind", str(place), str(place)):
            if subprocess.run(
                ["mount", "-o", "remount,bind,ro", str(place)], check=False
            ).returncode:
                pytest.skip("this machine lets nobody remount")
            shell.out = place / "out"
            refused(shell.grade(notebook_path), "fixed", "--out")

    def test_another_grader_at_work_is_named_and_not_disturbed(
        self, shell: Shell, notebook_path: Path
    ) -> None:
        shell.out.mkdir()
        lock = shell.out / ".lock"
        lock.write_text("4242", encoding="utf-8")
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            refused(shell.grade(notebook_path), "4242", "--out")
        assert [one.name for one in shell.out.iterdir()] == [".lock"]


class TestIsolation:
    def test_full_isolation_without_bubblewrap_is_refused(
        self, shell: Shell, notebook_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        choose._test.cache_clear()
        try:
            refused(shell.grade(notebook_path, "--isolation", "full"), "bwrap")
        finally:
            choose._test.cache_clear()
        assert not shell.out.exists()


class TestFaults:
    def test_a_fault_of_ours_is_one_line_and_no_usage_error(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, notebook_path: Path
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("oops\nsecond line")

        monkeypatch.setattr("grader.cli.grade.collect", broken)
        said = shell.grade(notebook_path)
        assert said.code == 3
        assert "ZeroDivisionError: oops second line" in said.line
        assert "Traceback" not in said.err

    def test_a_package_that_grading_needs_is_named_with_how_to_get_it(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, notebook_path: Path
    ) -> None:
        monkeypatch.setitem(sys.modules, "jinja2", None)
        monkeypatch.delitem(sys.modules, "grader.report.page", raising=False)
        monkeypatch.delitem(sys.modules, "grader.report.feedback", raising=False)
        monkeypatch.delitem(sys.modules, "grader.report.overview", raising=False)
        said = shell.grade(notebook_path)
        assert said.code == 3
        assert "jinja2 is missing" in said.err
        assert 'pip install "rnn-grader[grading]"' in said.err

    def test_it_is_missed_before_anything_is_run(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, notebook_path: Path
    ) -> None:
        monkeypatch.setitem(sys.modules, "jinja2", None)
        said = shell.grade(notebook_path)
        assert (said.code, "jinja2 is missing" in said.line) == (3, True)
        assert not shell.out.exists()

    def test_a_reader_who_closes_the_pipe_sees_no_traceback(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "grader", "list"]
        environment = {**os.environ, "GRADER_COURSE": str(ROOT)}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert b"Traceback" not in process.stderr.read()
