"""One student's many or huge notebooks are refused by name; everybody else's are graded."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.collect import caps
from grader.collect.collect import collect
from tests.support.notebook_files import notebook, worded, write

KIM, LEE = "kim_1_assignsubmission_file_", "lee_2_assignsubmission_file_"


def names(path: Path) -> tuple[list[str], list[str]]:
    """Whose notebooks are graded, and the first one that each message says is not."""
    found = collect([path], exercise_ids=(), owed=None)
    assert all(map(worded, found.refused))
    return [one.student for one in found.submissions], [
        str(one.args["name"]) for one in found.refused
    ]


def test_the_first_notebooks_of_a_student_are_graded_and_the_rest_is_named(tmp_path: Path) -> None:
    for number in range(caps.NOTEBOOKS + 3):
        write(tmp_path / KIM / f"a{number:03}.ipynb", notebook(f"x = {number}"))
    write(tmp_path / LEE / "b.ipynb")
    graded, told = names(tmp_path)
    assert graded == ["kim_1"] * caps.NOTEBOOKS + ["lee_2"]
    assert told == [f"{KIM}/a{caps.NOTEBOOKS:03}.ipynb"]


def test_as_many_as_there_may_be_are_graded_in_silence(tmp_path: Path) -> None:
    for number in range(caps.NOTEBOOKS):
        write(tmp_path / KIM / f"a{number:03}.ipynb")
    assert names(tmp_path) == (["kim_1"] * caps.NOTEBOOKS, [])


def test_a_class_without_folders_is_no_student_with_many(tmp_path: Path) -> None:
    for number in range(500):
        write(tmp_path / f"student{number:03}.ipynb")
    found = collect([tmp_path], exercise_ids=(), owed=None)
    assert len(found.submissions) == 500
    assert found.refused == ()
    (note,) = found.notes
    assert (worded(note), note.args) == ("each_by_itself", {"count": 500, "students": 500})


def test_where_everybody_s_code_is_too_much_whoever_has_most_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caps, "CODE_TOGETHER", 1000)
    for name, size in (("a", 300), ("b", 100), ("c", 100), ("d", 250), ("e", 350), ("f", 60)):
        write(tmp_path / f"{name}.ipynb", notebook("x" * size))
    graded, told = names(tmp_path)
    assert graded == ["a", "b", "c", "d", "f"]
    assert told == ["e.ipynb"]


def test_of_whoever_has_most_the_largest_notebook_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caps, "CODE_TOGETHER", 1000)
    for name, size in (("a", 200), ("b", 400)):
        write(tmp_path / KIM / f"{name}.ipynb", notebook("x" * size))
    write(tmp_path / LEE / "a.ipynb", notebook("x" * 500))
    assert names(tmp_path) == (["kim_1", "lee_2"], [f"{KIM}/b.ipynb"])


def test_code_beyond_what_is_held_of_a_student_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caps, "CODE", 1000)
    for name, size in (("a", 600), ("b", 600), ("c", 300)):
        write(tmp_path / KIM / f"{name}.ipynb", notebook("x" * size))
    write(tmp_path / LEE / "a.ipynb", notebook("x" * 900))
    graded, told = names(tmp_path)
    assert graded == ["kim_1", "kim_1", "lee_2"]
    assert told == [f"{KIM}/b.ipynb"]
