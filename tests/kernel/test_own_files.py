"""A student's own files are copies in the working directory; the course's stay what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.kernel.own_files import install


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "room").mkdir()
    monkeypatch.chdir(tmp_path / "room")
    return tmp_path / "room"


def given(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_files_lie_where_they_lay_and_may_be_written_to(tmp_path: Path, room: Path) -> None:
    given(tmp_path / "own", "helper.py", "x = 1")
    given(tmp_path / "own", "data/x.csv", "1")
    install(tmp_path / "own")
    (room / "helper.py").write_text("changed")
    assert (room / "data" / "x.csv").read_text() == "1"
    assert (tmp_path / "own" / "helper.py").read_text() == "x = 1"


def test_the_course_s_file_of_that_name_stays(tmp_path: Path, room: Path) -> None:
    given(tmp_path / "course", "weather.csv", "course's")
    (room / "weather.csv").symlink_to(tmp_path / "course" / "weather.csv")
    (room / "gone.csv").symlink_to(tmp_path / "nowhere")
    for name in ("weather.csv", "gone.csv"):
        given(tmp_path / "own", name, "mine")
    install(tmp_path / "own")
    assert (tmp_path / "course" / "weather.csv").read_text() == "course's"
    assert (room / "weather.csv").read_text() == "course's"
    assert not (tmp_path / "nowhere").exists()
