"""Zips within zips, and notebooks under other names."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from grader.collect import listing, shares
from grader.collect.collect import Collected, collect
from grader.collect.stored import OpenZips
from grader.types import GraderError
from tests.support.notebook_files import notebook, raw, worded, write

IDS = frozenset({"char-text", "sequence-prediction"})
GOOD = raw(notebook("x = 1"))


def packed(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def place(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def gather(*paths: Path) -> Collected:
    found = collect(paths, exercise_ids=IDS, owed=None)
    for message in (*found.ignored, *found.refused, *found.notes):
        worded(message)
    return found


def reasons(found: Collected) -> dict[str, str]:
    return {one.student: worded(one.problem) for one in found.submissions if one.problem}


def nested(depth: int) -> bytes:
    data = packed(**{"char-text.ipynb": GOOD})
    for _ in range(depth - 1):
        data = packed(**{"inner.zip": data})
    return data


@pytest.mark.parametrize("depth", range(1, listing.MAX_NESTED + 1))
def test_a_zip_within_is_opened(tmp_path, depth):
    place(tmp_path / "kim" / "hw.zip", nested(depth))
    (one,) = gather(tmp_path).submissions
    assert (one.student, one.exercises) == ("kim", ("char-text",))
    assert one.notebook is not None


def locked(data: bytes) -> bytes:
    """Say of the first entry of a zip that it is encrypted."""
    changed = bytearray(data)
    for begin, flags in ((0, 6), (data.index(b"PK\x01\x02"), 8)):
        changed[begin + flags] |= 1
    return bytes(changed)


def test_zips_too_deep_are_refused_and_named(tmp_path):
    place(tmp_path / "kim" / "hw.zip", nested(listing.MAX_NESTED + 1))
    write(tmp_path / "lee" / "char-text.ipynb")
    found = gather(tmp_path)
    assert [one.student for one in found.submissions] == ["lee"]
    assert [worded(one) for one in found.refused] == ["nested_too_deep"]


def test_more_zips_than_anybody_hands_in_are_refused_and_cost_no_neighbour(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "MAX_OPENED", 3)
    for number in range(5):
        place(tmp_path / "kim" / f"{number}.zip", nested(1))
    for student in ("choi", "lee"):
        place(tmp_path / student / "hw.zip", nested(1))
    found = gather(tmp_path)
    assert {one.student for one in found.submissions} == {"kim", "choi", "lee"}
    assert [worded(one) for one in found.ignored] == ["nested_too_many"] * 2


def test_where_zips_lie_side_by_side_each_has_a_share_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "MAX_OPENED", 3)
    inner = {f"{number}.zip": packed(**{"notes.txt": b"no notebook"}) for number in range(5)}
    place(tmp_path / "aaa.zip", packed(**{"char-text.ipynb": GOOD}, **inner))
    for student in ("kim", "lee"):
        place(tmp_path / f"{student}.zip", packed(**{"char-text.ipynb": GOOD}))
    found = gather(tmp_path)
    assert {one.student for one in found.submissions if one.notebook} == {"aaa", "kim", "lee"}


def test_many_files_of_one_zip_leave_the_others_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "MAX_LOOKED", 4)
    other = packed(**{f"{number}.txt": b"" for number in range(9)})
    for student, zipped in (("aaa", other), ("kim", packed(**{"char-text.ipynb.download": GOOD}))):
        place(tmp_path / f"{student}.zip", zipped)
    found = gather(tmp_path)
    assert [one.student for one in found.submissions if one.notebook] == ["kim"]


MOODLE = "{}_12{}_assignsubmission_file_/{}"


def test_in_a_platform_s_zip_alone_in_a_folder_each_student_has_a_share(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "MAX_OPENED", 3)
    monkeypatch.setattr(shares, "MAX_LOOKED", 4)
    hw = packed(**{"char-text.ipynb": GOOD})
    many = {f"{n}.zip": packed(**{"notes.txt": b"x"}) for n in range(9)}
    files = {MOODLE.format("aaa", 1, name): data for name, data in many.items()}
    files |= {MOODLE.format(who, n, "hw.zip"): hw for n, who in enumerate(("kim", "lee"), 2)}
    files |= {MOODLE.format("choi", 4, "char-text.json"): GOOD}
    files |= {f"__MACOSX/{n}": b"x" for n in range(3)}
    place(tmp_path / "class" / "download.zip", packed(**files))
    found = gather(tmp_path / "class")
    assert {one.student for one in found.submissions} == {"kim_122", "lee_123", "choi_124"}
    assert {worded(one) for one in found.refused} == {"nested_too_many", "looking_stopped"}
    inside = {f"hw 3/{name.replace('_12', '')}": data for name, data in files.items()}
    place(tmp_path / "again" / "download.zip", packed(**inside))
    assert len({one.student for one in gather(tmp_path / "again").submissions}) == 3


JSON = b'{"a": "' + b" " * 1000 + b'"}'


def test_where_nobody_looks_any_more_it_is_said_and_nobody_is_called_without_a_notebook(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(shares, "MAX_READ_BYTES", 2500)
    for name in "abcd":
        place(tmp_path / "kim" / f"{name}.json", JSON)
    place(tmp_path / "kim" / "e.json", GOOD + b" " * 1000)
    place(tmp_path / "lee" / "char-text.json", GOOD)
    for name in "abcd":
        place(tmp_path / "choi" / f"{name}.json", JSON)
    write(tmp_path / "choi" / "char-text.ipynb")
    found = gather(tmp_path)
    assert {one.student for one in found.submissions} == {"choi", "lee"}
    assert [(worded(one), one.args["name"]) for one in found.refused] == [
        ("looking_stopped", "kim/c.json")
    ]
    assert [one.args["name"] for one in found.ignored if worded(one) == "looking_stopped"] == [
        "choi/c.json"
    ]


@pytest.mark.parametrize("limit", ["ALL_READ_BYTES", "ALL_LOOKED"])
def test_all_that_a_class_has_looked_through_is_bounded(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(shares, limit, 3500 if "READ" in limit else 3)
    read = []
    begins = OpenZips.begins
    monkeypatch.setattr(OpenZips, "begins", lambda *a: read.append(a) or begins(*a))
    for number in range(9):
        place(tmp_path / f"student{number}" / "data.json", JSON)
    write(tmp_path / "zoe" / "char-text.ipynb")
    found = gather(tmp_path)
    told = [one for one in found.refused if worded(one) == "looking_stopped"]
    assert len(told) == 6
    assert len(found.submissions) == 4
    assert len(read) == (9 if "READ" in limit else 3)


def test_all_zips_of_a_class_are_bounded_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "ALL_OPENED", 2)
    for who in ("kim", "lee", "choi"):
        place(tmp_path / who / "hw.zip", nested(1))
    assert [worded(one) for one in gather(tmp_path).refused] == ["nested_too_many_in_all"]


def test_a_zip_of_zips_is_a_class(tmp_path):
    people = {f"{name}.zip": packed(**{"homework.ipynb": GOOD}) for name in ("kim", "lee", "choi")}
    found = gather(place(tmp_path / "class.zip", packed(**people)))
    assert [one.student for one in found.submissions] == ["choi", "kim", "lee"]


@pytest.mark.parametrize(
    ("file", "why"),
    [("hw.zip", "nested_broken"), ("hw.7z", "nested_archive"), ("hw.rar", "nested_archive")],
)
def test_an_archive_that_cannot_be_opened_is_somebody_s_to_act_on(tmp_path, file, why):
    place(tmp_path / "kim" / file, b"PK nonsense")
    write(tmp_path / "lee" / "char-text.ipynb")
    found = gather(tmp_path)
    assert [worded(one) for one in found.refused] == [why]
    assert [one.student for one in found.submissions] == ["lee"]


def test_a_locked_zip_within_is_told_by_all_of_its_path(tmp_path):
    place(tmp_path / "kim" / "hw.zip", locked(packed(**{"x.ipynb": GOOD})))
    write(tmp_path / "lee" / "char-text.ipynb")
    (refused,) = gather(tmp_path).refused
    assert worded(refused) == "zip_encrypted"
    assert refused.args["entry"] == "kim/hw.zip/x.ipynb"


def test_whose_zip_is_locked_is_nobody_who_handed_in_a_receipt_alone(tmp_path):
    for user in ("kim01", "lee02"):
        begins = f"HW_{user}_attempt_2026-05-01-10-20-30"
        hw = packed(**{"x.ipynb": GOOD})
        place(tmp_path / f"{begins}_hw.zip", locked(hw) if user == "kim01" else hw)
        place(tmp_path / f"{begins}.txt", b"Name: Kim")
    found = gather(tmp_path)
    assert [one.student for one in found.submissions] == ["lee02"]
    assert [worded(one) for one in found.refused] == ["zip_encrypted"]


@pytest.mark.parametrize("file", ["kim.zip", "kim.7z"])
def test_an_archive_beside_a_class_s_notebooks_that_cannot_be_opened_is_told(tmp_path, file):
    place(tmp_path / file, b"PK nonsense")
    for student in ("lee", "choi"):
        write(tmp_path / f"{student}.ipynb")
    found = gather(tmp_path)
    assert len(found.refused) == 1


def test_where_people_hand_in_a_zip_each_one_without_a_notebook_is_a_person(tmp_path):
    for student in ("lee", "choi"):
        place(tmp_path / f"{student}.zip", packed(**{"hw/x.ipynb": GOOD}))
    place(tmp_path / "kim.zip", packed(**{"hw/x.py": b"x = 1"}))
    place(tmp_path / "park.zip", packed())
    assert reasons(gather(tmp_path)) == {"kim": "no_notebook_here", "park": "no_notebook_here"}


def test_a_bomb_within_costs_its_own_student_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("grader.collect.archives.MAX_BYTES", 10_000)
    bomb = packed(**{"x.ipynb": bytes(20_000)})
    place(tmp_path / "class.zip", packed(**{"kim/a.zip": bomb, "lee/char-text.ipynb": GOOD}))
    found = gather(tmp_path / "class.zip")
    assert reasons(found) == {"kim": "too_large"}
    assert {one.student for one in found.submissions} == {"kim", "lee"}


@pytest.mark.parametrize(
    "name",
    ["a.ipynb.txt", "a.ipynb.json", "a.json", "a.txt", "a", "a.IPYNB.TXT", "a.ipynb (1)", "a.htm"],
)
def test_what_is_a_notebook_is_read_whatever_it_is_called(tmp_path, name):
    place(tmp_path / "kim" / name, b"\xef\xbb\xbf \n" + GOOD)
    place(tmp_path / "class.zip", packed(**{f"kim/{name}": GOOD}))
    for path in (tmp_path / "kim" / name, tmp_path / "class.zip"):
        (one,) = gather(path).submissions
        assert one.notebook is not None


def test_data_that_look_like_nothing_else_are_no_notebook(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    place(tmp_path / "kim" / "config.json", b'{"cells": 3}')
    assert len(gather(tmp_path).submissions) == 1


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("char-text.py", "no_notebook_py"),
        ("char-text.pdf", "no_notebook_printed"),
        ("char-text.html", "no_notebook_printed"),
        ("report.docx", "no_notebook_printed"),
        ("data.csv", "no_notebook_here"),
        ("images.zip", "no_notebook_here"),
    ],
)
def test_a_person_without_a_notebook_is_told_what_was_found(tmp_path, file, why):
    data = packed(**{"a.png": b"x"}) if file.endswith(".zip") else b"x"
    place(tmp_path / "kim" / file, data)
    write(tmp_path / "lee" / "char-text.ipynb")
    found = gather(tmp_path)
    assert reasons(found) == {"kim": why}
    (kim,) = (one for one in found.submissions if one.student == "kim")
    assert kim.problem is not None
    assert file in str(kim.problem.args["found"])


def test_an_empty_folder_is_a_person_who_handed_in_nothing(tmp_path):
    (tmp_path / "kim").mkdir()
    write(tmp_path / "lee" / "char-text.ipynb")
    place(tmp_path / "choi" / ".DS_Store", b"x")
    assert reasons(gather(tmp_path)) == {"kim": "nothing_in_it", "choi": "nothing_in_it"}
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("kim/", "")
        archive.writestr("lee/char-text.ipynb", GOOD)
    assert reasons(gather(tmp_path / "class.zip")) == {"kim": "nothing_in_it"}


def test_folders_beside_a_notebook_are_nobody(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    place(tmp_path / "kim" / "data" / "x.csv", b"1")
    (one,) = gather(tmp_path / "kim").submissions
    assert one.student == "kim"


def test_a_course_s_own_folders_are_nobody(tmp_path):
    root = tmp_path / "reference"
    write(root / "char-text" / "submissions" / "accepted" / "x.ipynb")
    place(root / "families" / "series.py", b"x")
    place(root / "char-text" / "submissions" / "wrong_data" / "note.txt", b"x")
    assert [one.student for one in gather(root).submissions] == ["accepted/x"]


def test_a_given_path_with_nobody_in_it_is_an_error(tmp_path):
    place(tmp_path / "kim" / "notes.pdf", b"x")
    with pytest.raises(GraderError) as caught:
        gather(tmp_path / "kim")
    assert worded(caught.value.message) == "no_notebook"
