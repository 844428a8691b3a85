"""A class that is downloaded and graded again: files that a platform keeps no more."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.cli.errors import INTERRUPTED
from grader.cli.grade import graded_as_done
from grader.pipeline.grader import Graded
from grader.record import class_file
from tests.support.cli_help import ROOT, Said, Shell

EXERCISE = "char-text"


@pytest.fixture
def shell(shell: Shell) -> Shell:
    shell.without_rooms()
    return shell


def hand_in(folder: Path, *names: str) -> None:
    """Make these the only files of a student; they are no notebooks, and need no room."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(f"{name} is not a notebook")


def grade(shell: Shell, *arguments: object) -> Said:
    return shell.grade(*arguments, "--exercise", EXERCISE, "--format", "json")


def counting(said: Said) -> list[str]:
    told = [one for one in json.loads(said.out)["results"] if one["student"] == "kim"]
    return [one["submission"] for one in told if one.get("counts", True)]


def said_in(said: Said) -> str:
    return " ".join(said.err.split())


class TestReplaced:
    @pytest.fixture
    def batch(self, shell: Shell, tmp_path: Path) -> Path:
        """A class of which one file is graded; by its name it would always be the last."""
        batch = tmp_path / "class"
        hand_in(batch / "kim", "final.ipynb")
        hand_in(batch / "lee", "hw.ipynb")
        assert counting(grade(shell, batch)) == ["kim/final.ipynb"]
        return batch

    def test_what_lies_in_its_place_counts_and_that_is_told_once(
        self, shell: Shell, batch: Path
    ) -> None:
        hand_in(batch / "kim", "hw3.ipynb")
        said = grade(shell, batch)
        assert counting(said) == ["kim/hw3.ipynb"]
        assert "graded before, 1 in all (kim/final.ipynb)" in said_in(said)
        again = grade(shell, batch)
        assert counting(again) == ["kim/hw3.ipynb"]
        assert "graded before" not in said_in(again)
        assert "The one that does: kim/hw3.ipynb" in shell.page("kim")

    def test_what_is_there_again_counts_again(self, shell: Shell, batch: Path) -> None:
        for names, counts in (
            (["hw3.ipynb"], "hw3.ipynb"),
            (["final.ipynb"], "final.ipynb"),
            (["final.ipynb", "hw3.ipynb"], "final.ipynb"),
        ):
            hand_in(batch / "kim", *names)
            grade(shell, batch)
            shown = shell("report", "--out", shell.out, "--format", "json")
            assert counting(shown) == [f"kim/{counts}"]

    def test_a_share_of_a_class_says_nothing_of_what_is_gone(
        self, shell: Shell, batch: Path
    ) -> None:
        hand_in(batch / "kim", "hw3.ipynb")
        said = grade(shell, batch, "--shard", "1/1")
        assert "graded before" not in said_in(said)
        assert not class_file.read(shell.out).hand_ins

    def test_what_a_share_of_a_class_finds_again_is_there_again(
        self, shell: Shell, batch: Path
    ) -> None:
        hand_in(batch / "kim", "hw3.ipynb")
        grade(shell, batch)
        hand_in(batch / "kim", "final.ipynb")
        grade(shell, batch, "--shard", "1/1")
        shown = shell("report", "--out", shell.out, "--format", "json")
        assert counting(shown) == ["kim/final.ipynb"]

    def test_where_nothing_can_be_kept_nothing_is_said_to_be_replaced(
        self, shell: Shell, batch: Path
    ) -> None:
        hand_in(batch / "kim", "hw3.ipynb")
        (shell.out / class_file.NAME).write_text("{")
        said = grade(shell, batch)
        assert "kim/final.ipynb" in counting(
            shell("report", "--out", shell.out, "--format", "json")
        )
        assert "no longer among those" not in said_in(said)

    def test_whoever_stops_grading_is_told_as_well(
        self, shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def only_kim(*arguments: Any) -> Iterator[Graded]:
            return (one for one in graded_as_done(*arguments) if one.submission.student == "kim")

        hand_in(batch / "kim", "hw3.ipynb")
        monkeypatch.setattr("grader.cli.grade.graded_as_done", only_kim)
        said = grade(shell, batch)
        assert said.code == INTERRUPTED
        assert "kim/final.ipynb" in said_in(said)

    def test_of_a_chapter_s_exercises_the_file_is_told_once(
        self, shell: Shell, batch: Path
    ) -> None:
        both = f"{EXERCISE},temperature-dense"
        grade(shell, batch, "--exercise", both)
        hand_in(batch / "kim", "hw3.ipynb")
        said = grade(shell, batch, "--exercise", both)
        assert "1 in all (kim/final.ipynb)" in said_in(said)

    def test_what_another_folder_holds_replaces_nothing_and_that_is_told(
        self, shell: Shell, batch: Path
    ) -> None:
        hand_in(batch / "kim", "hw3.ipynb")
        said = grade(shell, batch / "kim" / "hw3.ipynb")
        assert not class_file.read(shell.out).hand_ins, said.err

    def test_what_seems_to_be_gone_may_be_in_an_archive_that_is_not_opened(
        self, shell: Shell, batch: Path
    ) -> None:
        hand_in(batch / "kim", "hw3.ipynb", "damaged.zip")
        grade(shell, batch)
        shown = shell("report", "--out", shell.out, "--format", "json")
        assert counting(shown) == ["kim/final.ipynb"]

    def test_files_given_one_by_one_are_not_all_that_lies_there(
        self, shell: Shell, batch: Path
    ) -> None:
        own = f"{EXERCISE}.ipynb"
        hand_in(batch / "kim", "final.ipynb", own)
        hand_in(batch / "lee", own)
        assert counting(grade(shell, batch)) == ["kim/final.ipynb"]
        said = grade(shell, batch / "kim" / own, batch / "lee" / own)
        assert f"kim/{own}" in said.out  # named with the folder, to be told from lee's
        shown = shell("report", "--out", shell.out, "--format", "json")
        assert counting(shown) == ["kim/final.ipynb"]

    def test_who_is_forgotten_is_not_in_it(self, shell: Shell, batch: Path) -> None:
        hand_in(batch / "kim", "hw3.ipynb")
        grade(shell, batch)
        assert class_file.read(shell.out).hand_ins
        assert shell("forget", "kim", "--out", shell.out, "--yes").code == 0
        assert "kim" not in (shell.out / class_file.NAME).read_text()


class TestJoined:
    """Results of two machines: of the same file, whoever graded it later saw whether it is there."""

    def looks(self, shell: Shell, batch: Path) -> tuple[Path, Path]:
        """Give results by which ``final`` was replaced, and later ones that found it again."""
        first, second = shell.out, shell.out.with_name("second")
        for out, names in (
            (first, ["final.ipynb"]),
            (first, ["hw3.ipynb"]),
            (second, ["final.ipynb"]),
        ):
            hand_in(batch / "kim", *names)
            shell.out = out
            grade(shell, batch)
        return first, second

    @pytest.mark.parametrize("into_first", [True, False])
    def test_what_was_found_again_later_is_there(
        self, shell: Shell, tmp_path: Path, into_first: bool
    ) -> None:
        first, second = self.looks(shell, tmp_path / "class")
        whole = first if into_first else tmp_path / "whole"
        sources = [second] if into_first else [second, first]
        for _ in range(2):
            said = shell("merge", *sources, "--out", whole, "--format", "json")
            assert counting(said) == ["kim/final.ipynb"]

    def test_of_parts_that_were_joined_the_whole_class_tells_what_is_gone(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        batch, whole, parts = tmp_path / "class", tmp_path / "whole", []
        for number, name in enumerate(("final.ipynb", "hw3.ipynb")):
            hand_in(batch / "kim", name)
            parts.append(tmp_path / f"part-{number}")
            shell.out = parts[-1]
            grade(shell, batch, "--shard", "1/1")
        said = shell("merge", *parts, "--out", whole, "--format", "json")
        assert counting(said) == ["kim/final.ipynb"]
        shell.out = whole
        said = grade(shell, batch)
        assert counting(said) == ["kim/hw3.ipynb"]
        assert "unchanged, not run again" in said_in(said)

    def test_what_was_replaced_after_it_was_copied_is_gone(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        batch, copied = tmp_path / "class", tmp_path / "copied"
        hand_in(batch / "kim", "final.ipynb")
        grade(shell, batch)
        shell("merge", shell.out, "--out", copied)
        hand_in(batch / "kim", "hw3.ipynb")
        grade(shell, batch)
        said = shell("merge", shell.out, copied, "--out", tmp_path / "whole", "--format", "json")
        assert counting(said) == ["kim/hw3.ipynb"]


class TestTimes:
    """Moodle's worksheet, downloaded again, tells when the last files came and nothing else."""

    WORKSHEET = """Identifier,Full name,Last modified (submission)
Participant 12,김민준,"Friday, 1 May 2026, {at} PM"
"""

    @pytest.fixture
    def course(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        course = tmp_path / "course"
        target = course / "assignments" / EXERCISE
        target.mkdir(parents=True)
        shutil.copy(ROOT / "assignments" / EXERCISE / "exercise.toml", target)
        (course / "course.toml").write_text(
            f'time_zone = "Asia/Seoul"\n[exercise.{EXERCISE}]\n'
            'worksheet = "ws.csv"\ndue = 2026-05-01T18:00:00\n'
        )
        monkeypatch.setenv("GRADER_COURSE", str(course))
        return course

    def test_what_came_in_time_stays_so_and_what_replaced_it_is_late(
        self, shell: Shell, course: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "class" / "김민준_12_assignsubmission_file_"
        share = ("--shard", "1/1")  # which says nothing of what is gone, and knows times as well
        for name, at, options in (("final", "5:00", share), ("hw3", "7:00", ())):
            (course / "ws.csv").write_text(self.WORKSHEET.format(at=at), "utf-8")
            hand_in(folder, f"{name}.ipynb")
            assert grade(shell, tmp_path / "class", *options).code == 1
        text = (shell.out / "grades.csv").read_text(encoding="utf-8-sig")
        found = {
            Path(row["submission"]).name: (row["late"], row["counts"])
            for row in csv.DictReader(io.StringIO(text))
        }
        assert found == {"final.ipynb": ("in_time", "False"), "hw3.ipynb": ("late", "True")}
