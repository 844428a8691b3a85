"""Data sets: which file is taken, what a room gets, fetching with checks, the release."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from grader.cli.data import fetch, run_fetch, run_verify
from grader.course.data import (
    DataSet,
    Origin,
    data_fingerprint,
    data_sets,
    digest_of,
    handout,
    room_files,
    source,
    verified,
)
from grader.course.exercises import Text
from grader.course.families import load_family
from grader.course.load import load_course
from grader.types import GraderError

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference"
WORDS = Text("real", "진짜")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADER_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def origin(path, content=None, **change):
    known = {"sha256": None, "size": None}
    if content is not None:
        known = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    given = Origin("real", "cache", path.name, "CC0", WORDS, url=None, path=path, **known)
    return replace(given, **change)


def made(course: Path, **sources: str) -> Path:
    folder = course / "reference" / "data"
    folder.mkdir(parents=True)
    words = '{ en = "x", ko = "x" }'
    text = f"title = {words}\n"
    for where, known in sources.items():
        text += f'[[sources]]\nname = "{where}"\nwhere = "{where}"\nfile = "a.csv"\n'
        text += f'licence = "CC0"\nabout = {words}\n{known}\n'
    (folder / "things.toml").write_text(text, "utf-8")
    return course / "reference"


def test_every_shipped_file_is_here_and_sound():
    shipped = [o for one in data_sets(REFERENCE) for o in one.origins if o.where == "shipped"]
    assert shipped
    assert all(verified(one) == one.sha256 for one in shipped)


def test_every_data_set_names_licence_and_provenance_in_both_languages():
    for one in data_sets(REFERENCE):
        assert isinstance(one, DataSet)
        assert all(o.licence and o.about.en and o.about.ko for o in one.origins)


def test_the_cache_goes_before_what_is_shipped(tmp_path, empty_cache):
    reference = made(tmp_path, cache="", shipped="")
    (reference / "data" / "things").mkdir()
    (reference / "data" / "things" / "a.csv").write_text("shipped")
    assert source(reference, "things").origin.where == "shipped"
    empty_cache.mkdir()
    (empty_cache / "a.csv").write_text("real")
    assert source(reference, "things").origin.where == "cache"


def test_a_missing_file_is_named_in_one_sentence(tmp_path):
    with pytest.raises(GraderError) as caught:
        source(made(tmp_path, shipped=""), "things")
    assert caught.value.message.id == "course.data_missing"
    assert str(caught.value.message.args["file"]).endswith("a.csv")


def test_a_damaged_file_is_never_used(tmp_path):
    reference = made(tmp_path, shipped=f'sha256 = "{"0" * 64}"')
    (reference / "data" / "things").mkdir()
    (reference / "data" / "things" / "a.csv").write_text("other")
    with pytest.raises(GraderError) as caught:
        source(reference, "things")
    assert caught.value.message.id == "course.data_damaged"


def test_an_unknown_data_set_is_said(tmp_path):
    with pytest.raises(GraderError) as caught:
        source(made(tmp_path, shipped=""), "nothing")
    assert caught.value.message.id == "course.no_dataset"


def test_students_have_the_files_that_a_room_gets():
    course = load_course(ROOT)
    for exercise in course.exercises.values():
        given = {n: c for n, c in handout(course, exercise).items() if "/" not in n}
        theirs = {name: (exercise.assignment_path / name).read_bytes() for name in exercise.files}
        assert given == theirs


def test_a_students_copy_of_the_course_gets_its_own_files():
    course = load_course(ROOT)
    exercise = replace(course.exercise("temperature-gru"), family=None, reference_path=None)
    assert set(handout(course, exercise)) == {"weather.csv.zip"}


def test_a_students_missing_file_is_said(tmp_path):
    course = load_course(ROOT)
    exercise = replace(course.exercise("temperature-gru"), family=None, assignment_path=tmp_path)
    with pytest.raises(GraderError) as caught:
        handout(course, exercise)
    assert caught.value.message.id == "course.handout_missing"  # a student has nothing to fetch


def test_the_fingerprint_follows_the_data_sets_checksum(monkeypatch):
    from grader.course import data

    course = load_course(ROOT)
    exercise = course.exercise("temperature-gru")
    family = load_family(REFERENCE, "weather")
    before = data_fingerprint(exercise, family)
    usual = data.source
    monkeypatch.setattr(data, "source", lambda *a: replace(usual(*a), sha256="0" * 64))
    assert data_fingerprint(exercise, family) != before


def test_exercises_without_a_data_set_have_no_files():
    course = load_course(ROOT)
    assert room_files(course, [course.exercise("multiplication-lstm")]) == {}
    assert digest_of({}) == ""


def test_the_digest_of_files_follows_names_and_contents():
    digests = {digest_of({"a": b"1"}), digest_of({"b": b"1"}), digest_of({"a": b"2"})}
    assert len(digests) == 3


def test_a_fetched_file_appears_whole_and_checked(tmp_path):
    (tmp_path / "there.csv").write_bytes(b"real")
    wanted = origin(tmp_path / "cache" / "a.csv", b"real")
    fetch(wanted, (tmp_path / "there.csv").as_uri())
    assert wanted.path.read_bytes() == b"real"
    assert [path.name for path in wanted.path.parent.iterdir()] == ["a.csv"]


def test_another_file_than_expected_is_not_kept(tmp_path):
    (tmp_path / "there.csv").write_bytes(b"forged")
    wanted = origin(tmp_path / "cache" / "a.csv", b"real")
    with pytest.raises(GraderError) as caught:
        fetch(wanted, (tmp_path / "there.csv").as_uri())
    assert caught.value.message.id == "datasets.other_file"
    assert list(wanted.path.parent.iterdir()) == []


def test_without_a_network_one_sentence_says_where_the_file_goes(tmp_path):
    wanted = origin(tmp_path / "cache" / "a.csv", b"real")
    with pytest.raises(GraderError) as caught:
        fetch(wanted, (tmp_path / "nowhere.csv").as_uri())
    assert caught.value.message.id == "datasets.no_download"
    assert caught.value.message.args["path"] == str(wanted.path)


def test_a_cache_that_takes_nothing_is_told_in_one_sentence(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    wanted = origin(tmp_path / "cache" / "data" / "a.csv", b"real")
    with pytest.raises(GraderError) as caught:
        fetch(wanted, (tmp_path / "there.csv").as_uri())
    assert caught.value.message.id == "datasets.not_kept"
    assert caught.value.message.args["path"] == str(wanted.path.parent)


# --- a file that comes with another ------------------------------------------------------------

REVIEWS, INDEX = b"reviews", b'{"the": 1}'


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which it is served."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def served(tmp_path, mirror, monkeypatch):
    """A course whose reviews lie at the mirror, with a word list beside them."""
    folder, address = mirror
    (folder / "imdb.npz").write_bytes(REVIEWS)
    (folder / "index.json").write_bytes(INDEX)
    course = tmp_path / "course"
    known = f'sha256 = "{hashlib.sha256(REVIEWS).hexdigest()}"\nurl = "{address}/imdb.npz"\n'
    known += f'[[sources.beside]]\nfile = "index.json"\nurl = "{address}/index.json"\n'
    known += f'md5 = "{hashlib.md5(INDEX).hexdigest()}"\n'
    made(course, cache=known)
    (course / "assignments/one").mkdir(parents=True)
    public = (ROOT / "assignments/sequence-prediction/exercise.toml").read_text("utf-8")
    (course / "assignments/one/exercise.toml").write_text(public, "utf-8")
    monkeypatch.setenv("GRADER_COURSE", str(course))
    return folder


def test_the_word_list_is_fetched_along_with_the_reviews(served, empty_cache, capsys):
    assert run_fetch(["things"], None, "en") == 0
    assert (empty_cache / "a.csv").read_bytes() == REVIEWS
    assert (empty_cache / "index.json").read_bytes() == INDEX
    assert capsys.readouterr().out.count("index.json") >= 1
    assert run_verify("en") == 0


def test_a_mirror_has_the_word_list_where_it_has_the_reviews(served, mirror, empty_cache):
    other = served / "other"
    other.mkdir()
    for name in ("imdb.npz", "index.json"):
        (served / name).rename(other / name)
    assert run_fetch(["things"], f"{mirror[1]}/other/imdb.npz", "en") == 0
    assert (empty_cache / "index.json").read_bytes() == INDEX


def test_what_is_there_and_sound_is_not_fetched_again(served, empty_cache):
    run_fetch(["things"], None, "en")
    (served / "imdb.npz").unlink()
    (empty_cache / "index.json").write_bytes(b"{}")
    assert run_verify("en") == 1
    assert run_fetch(["things"], None, "en") == 0
    assert (empty_cache / "index.json").read_bytes() == INDEX


def test_another_word_list_is_not_kept_and_the_reviews_stay(served, empty_cache):
    (served / "index.json").write_bytes(b"{}")
    with pytest.raises(GraderError) as caught:
        run_fetch(["things"], None, "en")
    assert caught.value.message.id == "datasets.other_file"
    assert sorted(path.name for path in empty_cache.iterdir()) == ["a.csv"]


def test_imdbs_word_list_has_the_checksum_that_keras_knows():
    (reviews,) = [one for one in data_sets(REFERENCE) if one.name == "reviews"]
    (beside,) = reviews.origins[0].beside
    assert (beside.file, beside.md5) == (
        "imdb_word_index.json",
        "bfafd718b763782e994055a2d397834f",
    )
