"""Results know the course that graded them, wherever a command is started."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from grader.cli.people import remember
from grader.course.load import load_course
from grader.record import class_file
from grader.record.store import Store
from tests.support import builders as b
from tests.support.cli_help import ROOT, Shell

GRU = "multiplication-gru"


@pytest.fixture
def shell(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """Results of a course, with the current folder outside of any."""
    course_in(tmp_path / "course", title="HW3")
    monkeypatch.delenv("GRADER_COURSE")
    monkeypatch.chdir(tmp_path)
    shell.keep(b.record("kim", GRU))
    remember(shell.out, course=load_course(tmp_path / "course"))
    return shell


def course_in(folder: Path, *, title: str) -> Path:
    place = folder / "assignments" / GRU
    place.mkdir(parents=True)
    shutil.copy(ROOT / "assignments" / GRU / "exercise.toml", place)
    (folder / "course.toml").write_text(f'[exercise.{GRU}]\ntitle = "{title}"\n', "utf-8")
    return folder


COMMANDS = (
    ("report",),
    ("export", "--format", "canvas"),
    ("regrade", "--preview"),
    ("log",),
    ("similar",),
    ("override", "kim", GRU, "--score", "80", "--reason", "viva"),
    ("forget", "kim"),
)
LANGUAGE = ("--lang", "en")


def test_outside_of_any_course_it_is_the_one_that_graded(shell: Shell) -> None:
    said = shell("export", "--format", "canvas", "--out", shell.out, *LANGUAGE)
    assert said.code == 0, said
    assert said.err == ""
    assert "HW3" in "".join(one.read_text("utf-8-sig") for one in written(shell))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one[0])
def test_another_one_around_the_current_folder_is_said(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(course_in(tmp_path / "other", title="HW7"))
    said = shell(*command, "--out", shell.out, *LANGUAGE)
    assert said.err.count(str(tmp_path / "course")) == 1, said
    assert str(tmp_path / "other") in said.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one[0])
def test_a_course_that_is_gone_is_not_replaced_by_the_one_beside_the_package(
    shell: Shell, tmp_path: Path, command: tuple[str, ...]
) -> None:
    shutil.rmtree(tmp_path / "course")
    said = shell(*command, "--out", shell.out, *LANGUAGE)
    assert said.code == 2
    assert str(tmp_path / "course") in said.line
    assert "GRADER_COURSE" in said.line


def test_a_course_that_moved_is_said_of_no_more_once_it_is_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "course").rename(tmp_path / "moved")
    monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "moved"))
    said = shell("report", "--out", shell.out, *LANGUAGE)
    assert said.code == 0, said
    assert said.err == ""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one[0])
def test_that_another_one_counts_is_said_where_the_one_that_graded_is_gone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "course").rename(tmp_path / "elsewhere")
    monkeypatch.chdir(course_in(tmp_path / "other", title="HW7"))
    said = shell(*command, "--out", shell.out, *LANGUAGE)
    assert f"graded with the course in {tmp_path / 'course'}, which is there no more" in said.err
    assert f"the one in {tmp_path / 'other'} whose rules" in said.err
    assert "GRADER_COURSE" in said.err


@pytest.mark.parametrize("here", [".", "moved", "course"])
def test_a_course_that_moved_behind_a_link_is_no_other_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, here: str
) -> None:
    (tmp_path / "course").rename(tmp_path / "moved")
    (tmp_path / "course").symlink_to(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / here)
    said = shell("export", "--format", "canvas", "--out", shell.out, *LANGUAGE)
    assert (said.code, said.err) == (0, "")


@pytest.fixture
def closed(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """The course that graded lies in a folder of somebody else, which may not be looked into."""
    look = Path.is_dir

    def is_dir(path: Path) -> bool:
        if path.is_relative_to(tmp_path / "course"):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(Path, "is_dir", is_dir)
    return shell


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one[0])
def test_where_the_one_that_graded_may_not_be_looked_into_one_s_own_will_do(
    closed: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(course_in(tmp_path / "other", title="HW7"))
    said = closed(*command, "--out", closed.out, *LANGUAGE)
    assert "fault of the grader" not in said.err
    assert f"the one in {tmp_path / 'other'} whose rules" in said.err


@pytest.mark.parametrize("named", [True, False])
def test_one_that_may_not_be_looked_into_is_said_to_be_that(
    closed: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, named: bool
) -> None:
    if named:
        monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "course"))
    said = closed("report", "--out", closed.out, *LANGUAGE)
    assert said.code == 2
    assert str(tmp_path / "course") in said.line
    assert "may be read" in said.line  # and not that the grader is at fault


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one[0])
def test_results_that_know_none_say_which_one_is_taken(
    shell: Shell, command: tuple[str, ...]
) -> None:
    (shell.out / class_file.NAME).unlink()
    said = shell(*command, "--out", shell.out, *LANGUAGE)
    assert f"The course is {ROOT}" in said.err, said


@pytest.mark.parametrize(("secret", "known"), [("secret", "other"), ("", "course")])
def test_a_regrade_that_could_not_begin_is_by_no_other_course(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secret: str, known: str
) -> None:
    monkeypatch.chdir(course_in(tmp_path / "other", title="HW7"))
    monkeypatch.setenv("GRADER_SECRET_FILE", str(tmp_path / secret))  # else it is a folder
    said = shell("regrade", "--out", shell.out, *LANGUAGE)
    assert (said.code == 2) is not bool(secret)
    assert class_file.read(shell.out).course == str(tmp_path / known)


def test_joined_results_know_it_too(shell: Shell, tmp_path: Path) -> None:
    said = shell("merge", shell.out, "--out", tmp_path / "whole", *LANGUAGE)
    assert said.code == 0, said
    assert class_file.read(tmp_path / "whole").course == str(tmp_path / "course")


def test_of_joined_results_any_may_know_it(shell: Shell, tmp_path: Path) -> None:
    older = tmp_path / "older"
    Store(older).save(b.record("lee", GRU))
    said = shell("merge", older, shell.out, "--out", tmp_path / "whole", *LANGUAGE)
    assert (said.code, said.err) == (0, "")
    said = shell("merge", older, "--out", tmp_path / "whole", *LANGUAGE)
    assert (said.code, said.err) == (0, "")


def test_of_joined_results_the_course_that_is_there_counts_and_is_known(
    shell: Shell, tmp_path: Path
) -> None:
    """Another machine's lies elsewhere, whichever of them is named first."""
    elsewhere, whole = tmp_path / "elsewhere", tmp_path / "whole"
    Store(elsewhere).save(b.record("lee", GRU))
    class_file.write(elsewhere, class_file.ClassFile(course="/of/another/machine"))
    said = shell("merge", elsewhere, shell.out, "--out", whole, *LANGUAGE)
    assert (said.code, "/of/another/machine" in said.line) == (0, True)
    assert class_file.read(whole).course == str(tmp_path / "course")


def test_joined_results_that_know_none_say_which_one_is_taken(shell: Shell, tmp_path: Path) -> None:
    (shell.out / class_file.NAME).unlink()
    said = shell("merge", shell.out, "--out", tmp_path / "whole", *LANGUAGE)
    assert f"The course is {ROOT}" in said.err, said


@pytest.mark.parametrize("command", [("--dry-run",), ()], ids=["dry-run", "grade"])
def test_grading_where_no_course_is_says_which_one_it_takes(
    shell: Shell, tmp_path: Path, command: tuple[str, ...]
) -> None:
    shell.without_rooms()
    batch = tmp_path / "class"
    (batch / "lee").mkdir(parents=True)
    (batch / "lee" / f"{GRU}.ipynb").write_text("{", "utf-8")
    out = tmp_path / "new"
    said = shell("grade", batch, "--out", out, *command, *LANGUAGE)
    assert f"The course is {ROOT}" in " ".join((said.out + said.err).split())
    assert (class_file.read(out).course == str(ROOT)) is (not command)


def written(shell: Shell) -> list[Path]:
    return [one for one in (shell.out / "export").rglob("*") if one.is_file()]


@pytest.mark.parametrize("name", ["roster", "course"])
@pytest.mark.parametrize("path", ["/a\0b", "/\ud800"])
def test_a_path_that_no_file_can_have_is_told_as_damage(shell: Shell, name: str, path: str) -> None:
    known = class_file.read(shell.out)
    class_file.write(shell.out, replace(known, **{name: path}))
    said = shell("report", "--out", shell.out, *LANGUAGE)
    assert said.code == 0
    assert f"{shell.out / class_file.NAME} cannot be read" in said.err


class TestLinksInACircle:
    """They lead nowhere, and nothing is there."""

    @pytest.fixture
    def circle(self, tmp_path: Path) -> Path:
        (tmp_path / "one").symlink_to("other")
        (tmp_path / "other").symlink_to("one")
        return tmp_path / "one"

    def test_where_the_course_was(self, shell: Shell, circle: Path) -> None:
        class_file.write(shell.out, replace(class_file.read(shell.out), course=str(circle)))
        said = shell("report", "--out", shell.out, *LANGUAGE)
        assert (said.code, str(circle) in said.line) == (2, True)

    def test_where_the_course_is_said_to_be(
        self, shell: Shell, circle: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for named in (str(circle), "~nobody-is-called-so/course"):
            monkeypatch.setenv("GRADER_COURSE", named)
            said = shell("report", "--out", shell.out, *LANGUAGE)
            assert (said.code, named in said.line) == (2, True)

    def test_where_hand_ins_are_said_to_be(self, shell: Shell, circle: Path) -> None:
        said = shell.grade(circle, "--dry-run")
        assert (said.code, str(circle) in said.line) == (2, True)
