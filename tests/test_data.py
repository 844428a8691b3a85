"""Data sets: which file is taken, what a room gets, fetching with checks, the release."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from grader.cli.datasets import fetch
from grader.course.data import (
    DataSet,
    Origin,
    data_sets,
    digest_of,
    handout,
    room_files,
    source,
    verified,
)
from grader.course.exercises import Text, data_fingerprint, load_course
from grader.course.families import load_family
from grader.types import GraderError

ROOT = Path(__file__).parent.parent
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
    assert caught.value.message.id == "course.data_missing"


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
