"""The files around a notebook that a student checks by itself: as if its folder had been given."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.cli import check
from grader.collect import around
from grader.collect.collect import Collected, collect
from tests.support.cli_help import ROOT
from tests.support.notebook_files import worded, write

IDS = frozenset({"multiplication-lstm", "char-text"})


def place(path: Path, data: bytes = b"X = 1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def collected(*paths: Path, course: Path | None) -> Collected:
    return collect(paths, exercise_ids=IDS, owed=None, own_beside=course)


def files(found: Collected) -> list[str]:
    (one,) = found.submissions
    return [file.name for file in one.files]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A notebook in its author's folder, with what it needs, and what nobody needs."""
    write(tmp_path / "kim" / "other.ipynb")
    for name in ("helper.py", "data/x.csv", ".secret", "__pycache__/helper.pyc", "report.pdf"):
        place(tmp_path / "kim" / name)
    return write(tmp_path / "kim" / "char-text.ipynb")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    place(tmp_path / "course" / "course.toml")
    return tmp_path / "course"


def test_a_notebook_by_itself_is_given_what_its_folder_would_give(own: Path, course: Path) -> None:
    found = collected(own, course=course)
    assert files(found) == ["helper.py", "data/x.csv"]
    (own.parent / "other.ipynb").unlink()
    assert files(collected(own.parent, course=course)) == ["helper.py", "data/x.csv"]


def test_where_it_may_be_anybody_s_nothing_is_given(own: Path) -> None:
    assert files(collected(own, course=None)) == []


@pytest.mark.parametrize("name", ["20231234_kim_char-text.ipynb", "kim_1_2_char-text.ipynb"])
def test_whatever_the_notebook_is_called(own: Path, course: Path, name: str) -> None:
    assert files(collected(own.rename(own.with_name(name)), course=course)) == [
        "helper.py",
        "data/x.csv",
    ]


def test_files_named_as_a_platform_names_them_are_no_other_people(own: Path, course: Path) -> None:
    place(own.parent / "lee_12345_67890_x.csv")
    place(own.parent / "lee" / "y.csv")
    found = collected(own, course=course)
    assert len(found.submissions) == 1
    assert "lee_12345_67890_x.csv" in files(found)


def test_the_files_of_the_course_are_not_the_student_s(tmp_path: Path, course: Path) -> None:
    place(course / "reference" / "char-text" / "solution.py")
    place(course / "helper.py")
    notebook = write(course / "char-text.ipynb")
    assert files(collected(notebook, course=course)) == ["helper.py", "course.toml"]
    above = write(tmp_path / "char-text.ipynb")
    assert files(collected(above, course=course)) == []


def test_a_folder_of_thousands_gives_nothing_and_says_so(
    own: Path, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(around, "MOST_AROUND", 5)  # with the notebooks and the report
    assert files(collected(own, course=course)) == ["helper.py", "data/x.csv"]
    place(own.parent / "more.csv")
    found = collected(own, course=course)
    assert files(found) == []
    assert [note.id for note in found.notes] == ["collect.too_many_around"]
    worded(found.notes[0])
    assert found.notes[0].args == {"name": own.name, "limit": 5}


def test_a_link_is_not_followed(own: Path, course: Path, tmp_path: Path) -> None:
    (own.parent / "there.py").symlink_to(place(tmp_path / "secret.py"))
    (own.parent / "folder").symlink_to(place(tmp_path / "far" / "secret.py").parent)
    found = collected(own, course=course)
    assert files(found) == ["helper.py", "data/x.csv"]
    assert [note.id for note in found.submissions[0].notes] == ["collect.file_unreadable"]


def test_the_self_check_asks_for_them(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Seen(Exception):  # noqa: N818 - ends the command where it has collected
        pass

    def seen(*args: object, **options: object) -> None:
        raise Seen(options["own_beside"])

    monkeypatch.setattr(check, "collect", seen)
    monkeypatch.chdir(ROOT)
    options = check.CheckOptions((own,), None, "jax", None, "en")
    with pytest.raises(Seen, match=str(ROOT)):
        check.run_check(options)
