"""The course's files are found by their names wherever a notebook looks, and said to be what they are."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader.kernel import data_files, usual_files
from grader.kernel.data_files import DataFiles


class Told:
    """Takes remarks."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def tell(self, kind: str, what: str, instead: str = "") -> None:
        assert kind == "stand_in"
        self.heard.append((what, instead))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told) -> DataFiles:
    """A room with the course's files laid out."""
    given, here = tmp_path / "given", tmp_path / "here"
    (given / "keras").mkdir(parents=True)
    here.mkdir()
    (given / "weather.csv.zip").write_bytes(b"zip")
    (given / "reviews.npz").write_bytes(b"npz")
    (given / "word_index.json").write_text("{}")
    (given / "keras" / "imdb.npz").write_bytes(b"npz")
    (given / "keras" / "imdb_word_index.json").write_text('{"the": 1}')
    with zipfile.ZipFile(given / "keras" / "jena.csv.zip", "w") as archive:
        archive.writestr("jena.csv", "a,b\n1,2\n")
        archive.writestr("../away.csv", "no")
    monkeypatch.chdir(here)
    monkeypatch.setattr(data_files, "_keras_home", lambda: tmp_path / "home")
    monkeypatch.setattr(data_files, "FALLBACK", tmp_path / "fallback")
    found = DataFiles(given, told)
    found.lay_out()
    return found


def test_downloads_lie_beside_the_notebook_and_where_keras_keeps_them(
    files: DataFiles, tmp_path: Path
) -> None:
    assert files.own.keys() == {"weather.csv.zip", "reviews.npz", "word_index.json"}
    for place in (Path.cwd(), tmp_path / "home" / "datasets", tmp_path / "fallback" / "datasets"):
        assert (place / "jena.csv.zip").is_symlink()
        assert (place / "jena.csv").read_text() == "a,b\n1,2\n"
        assert (place / "imdb.npz").read_bytes() == b"npz"
    assert not (tmp_path / "away.csv").exists()


def test_a_file_of_an_archive_lies_there_once_and_elsewhere_as_a_link(
    files: DataFiles, tmp_path: Path
) -> None:
    (place,) = {
        (folder / "jena.csv").resolve()
        for folder in (Path.cwd(), tmp_path / "home" / "datasets", tmp_path / "fallback/datasets")
    }
    assert place.read_text() == "a,b\n1,2\n"
    assert [path for path in tmp_path.rglob("jena.csv") if not path.is_symlink()] == [place]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("jena.csv", "weather.csv.zip"),
        ("jena.csv.zip", "weather.csv.zip"),
        ("imdb.npz", "reviews.npz"),
        ("imdb_word_index.json", "word_index.json"),
    ],
)
def test_what_stands_in_is_told_with_the_courses_own_name(
    files: DataFiles, told: Told, name: str, instead: str
) -> None:
    files.opened(Path.cwd() / name, name)
    assert told.heard == [(name, instead)]


def test_the_courses_own_files_and_others_are_no_remark(files: DataFiles, told: Told) -> None:
    for name in ("weather.csv.zip", "titanic.csv"):
        files.opened(Path.cwd() / name, name)
    assert files.find("weather.csv.zip") == Path.cwd() / "weather.csv.zip"
    assert files.find("titanic.csv") is None
    assert told.heard == []


@pytest.mark.parametrize(
    "path",
    [
        "jena.csv",
        "/content/drive/MyDrive/data/jena.csv",
        "../input/jena-climate/jena.csv",
        "C:\\Users\\kim\\Downloads\\jena.csv",
        Path("nowhere") / "jena.csv",
    ],
)
def test_a_textbooks_file_is_found_wherever_it_is_looked_for(
    files: DataFiles, told: Told, path: Any
) -> None:
    found = usual_files.finding(open, files)
    with found(path) as file:
        assert file.readline() == "a,b\n"
    assert told.heard == [("jena.csv", "weather.csv.zip")]


def test_a_file_handed_in_beside_the_notebook_is_found_wherever_its_author_had_it(
    files: DataFiles, told: Told
) -> None:
    Path("own.csv").write_text("mine")
    with usual_files.finding(open, files)("C:\\Users\\kim\\Desktop\\own.csv") as file:
        assert file.read() == "mine"
    assert told.heard == []


@pytest.mark.parametrize(
    ("path", "mode"),
    [("data/titanic.csv", "r"), ("data/jena.csv", "w"), ("data/jena.csv", "r+"), (99, "r")],
)
def test_nothing_else_is_found_or_written_elsewhere(files: DataFiles, path: Any, mode: str) -> None:
    found = usual_files.finding(open, files)
    with pytest.raises(OSError, match=r"No such file|Bad file"):
        found(path, mode)


def test_a_file_of_the_students_own_comes_first_and_is_no_stand_in(
    files: DataFiles, told: Told, tmp_path: Path
) -> None:
    own = tmp_path / "own" / "jena.csv"
    own.parent.mkdir()
    own.write_text("mine")
    with usual_files.finding(open, files)(own) as file:
        assert file.read() == "mine"
    assert told.heard == []


def test_get_file_gives_the_courses_archive_and_leaves_others_to_keras(
    files: DataFiles, told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def get_file(fname: Any = None, origin: Any = None, **_: Any) -> str:
        asked.append(fname or origin)
        return "downloaded"

    keras = SimpleNamespace(get_file=get_file)
    data_files._give(keras, files)
    for given in (
        {"fname": "jena.csv.zip", "origin": "https://x/jena.csv.zip", "extract": True},
        {"origin": "https://x/jena.csv.zip", "extract": True},
    ):
        path = Path(keras.get_file(**given))
        assert path == tmp_path / "home" / "datasets" / "jena.csv.zip"
        assert path.with_suffix("").read_text().startswith("a,b")
    assert keras.get_file("shakespeare.txt", "https://x/shakespeare.txt") == "downloaded"
    assert asked == ["shakespeare.txt"]
    assert told.heard == [("jena.csv.zip", "weather.csv.zip")] * 2
    assert "not the original" in capsys.readouterr().out


def test_the_course_gives_imdbs_usual_words_numbers_that_no_review_holds() -> None:
    from grader.course.data import handout
    from grader.course.load import load_course

    course = load_course(Path(__file__).parents[2])
    given = handout(course, course.exercise("sentiment-embedding"))
    own = json.loads(given["word_index.json"])
    whole = json.loads(given["keras/imdb_word_index.json"])
    assert own.items() <= whole.items()
    assert {"the", "movie", "great", "terrible", "영화"} <= whole.keys()
    others = [number for word, number in whole.items() if word not in own]
    assert sorted(others) == list(range(len(own) + 1, len(whole) + 1))
    assert len(set(whole.values())) == len(whole)
