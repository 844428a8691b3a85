"""Reading a zip: bad entries are named and left out, lying archives are refused whole."""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.collect import archives
from grader.collect.archives import Entry, open_archive
from grader.collect.notebooks import MAX_BYTES, Malformed
from grader.types import GraderError
from tests.support.notebook_files import notebook, raw, worded

GOOD = raw(notebook("x = 1"))


def make(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        warnings.simplefilter("ignore")  # duplicate names are the point
        for name, data in entries:
            zipped.writestr(name, data)
    return path


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix
    info.external_attr = mode << 16
    return info


def entries(path: Path) -> dict[str, Entry]:
    with open_archive(path) as archive:
        return {str(entry.path): entry for entry in archive.entries}


def refusals(path: Path) -> dict[str, str]:
    return {name: worded(one.refused) for name, one in entries(path).items() if one.refused}


def problems(path: Path) -> dict[str, str]:
    return {name: worded(one.problem) for name, one in entries(path).items() if one.problem}


def whole(path: Path) -> str:
    with pytest.raises(GraderError) as caught, open_archive(path):
        pass
    return worded(caught.value.message)


def patched(path: Path, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


# --- what is read ----------------------------------------------------------------------------


def test_entries_come_in_the_order_of_their_names_and_can_be_read(tmp_path):
    path = make(tmp_path / "a.zip", ("b.ipynb", b"B"), ("a/x.ipynb", b"A"), ("a/", b""))
    with open_archive(path) as archive:
        assert [(str(one.path), archive.read(one)) for one in archive.entries] == [
            ("a/x.ipynb", b"A"),
            ("b.ipynb", b"B"),
        ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_korean_names_without_the_utf8_flag_are_read(tmp_path, encoding):
    name = "김민준/과제.ipynb"
    stored = name.encode(encoding)
    path = make(tmp_path / "a.zip", ("x" * len(stored), GOOD))
    patched(
        path, lambda data: data.__setitem__(slice(None), data.replace(b"x" * len(stored), stored))
    )
    assert list(entries(path)) == [name]


def test_names_are_composed_as_korean_readers_expect(tmp_path):
    path = make(tmp_path / "a.zip", (unicodedata.normalize("NFD", "김민준.ipynb"), GOOD))
    assert list(entries(path)) == ["김민준.ipynb"]


def test_backslashes_separate_folders(tmp_path):
    assert list(entries(make(tmp_path / "a.zip", ("kim\\x.ipynb", GOOD)))) == ["kim/x.ipynb"]


def test_nothing_is_written_anywhere(tmp_path, monkeypatch):
    path = make(tmp_path / "a.zip", ("../evil.ipynb", GOOD), ("kim/x.ipynb", GOOD))
    with open_archive(path) as archive:
        for entry in archive.entries:
            archive.read(entry)
    assert [one.name for one in tmp_path.rglob("*")] == ["a.zip"]


# --- entries that are refused or broken -------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x.ipynb", "zip_traversal"),
        ("kim/../../x.ipynb", "zip_traversal"),
        ("kim\\..\\..\\x.ipynb", "zip_traversal"),
        ("/etc/x.ipynb", "zip_absolute"),
        ("\\\\server\\x.ipynb", "zip_absolute"),
        ("C:\\x.ipynb", "zip_absolute"),
        ("c:x.ipynb", "zip_absolute"),
        ("a" * 2000 + ".ipynb", "zip_bad_name"),
    ],
)
def test_a_name_that_leads_away_is_refused_and_its_neighbour_is_not(tmp_path, name, why):
    path = make(tmp_path / "a.zip", (name, GOOD), ("lee/x.ipynb", GOOD))
    assert list(refusals(path).values()) == [why]
    assert entries(path)["lee/x.ipynb"].refused is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kim/x.ipynb", "kim/x.ipynb"),
        ("kim/x.ipynb", "Kim/X.ipynb"),
        ("kim/x.ipynb", "kim//x.ipynb"),
        ("kim/x.ipynb", "./kim/x.ipynb"),
        ("kim/x.ipynb", "kim./x.ipynb"),
        ("김.ipynb", unicodedata.normalize("NFD", "김.ipynb")),
        ("kim.ipynb", "ｋｉｍ.ipynb"),
        ("straße.ipynb", "STRASSE.ipynb"),
    ],
)
def test_names_that_are_one_name_somewhere_are_all_refused(tmp_path, one, other):
    path = make(tmp_path / "a.zip", (one, GOOD), (other, GOOD), ("lee.ipynb", GOOD))
    with open_archive(path) as archive:
        refused = [
            str(e.path) for e in archive.entries if e.refused and worded(e.refused) == "zip_clash"
        ]
    assert len(refused) == 2
    assert "lee.ipynb" not in refused


def test_a_name_with_a_null_character_is_refused(tmp_path):
    path = make(tmp_path / "a.zip", ("xyz.ipynb", GOOD), ("y.ipynb", GOOD))
    patched(path, lambda data: data.__setitem__(slice(None), data.replace(b"xyz", b"\0/z")))
    assert list(refusals(path).values()) == ["zip_bad_name"]


def test_the_refusal_names_the_entry(tmp_path):
    refused = entries(make(tmp_path / "a.zip", ("../../evil.ipynb", GOOD)))["evil.ipynb"].refused
    assert refused is not None
    assert refused.args["entry"] == "../../evil.ipynb"


def test_the_refusal_does_not_move_the_reader_s_cursor(tmp_path):
    (entry,) = entries(make(tmp_path / "a.zip", ("../\x1b[2J\u202eevil.ipynb", GOOD))).values()
    assert entry.refused is not None
    assert entry.refused.args["entry"] == "../evil.ipynb"


def test_an_encrypted_entry_is_refused(tmp_path):
    def encrypt(data: bytearray) -> None:
        data[6] |= 1  # flag bits of the local header
        data[data.index(b"PK\x01\x02") + 8] |= 1

    path = patched(make(tmp_path / "a.zip", ("x.ipynb", GOOD)), encrypt)
    assert refusals(path) == {"x.ipynb": "zip_encrypted"}


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (stat.S_IFLNK | 0o777, "zip_symlink"),
        (stat.S_IFIFO, "zip_special"),
        (stat.S_IFCHR, "zip_special"),
    ],
)
def test_links_and_devices_cost_their_own_submission_only(tmp_path, mode, why):
    path = make(tmp_path / "a.zip", (special("x.ipynb", mode), b"/etc/passwd"), ("y.ipynb", GOOD))
    assert problems(path) == {"x.ipynb": why}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_not_tried(tmp_path, method):
    info = zipfile.ZipInfo("x.ipynb")
    info.compress_type = method
    assert problems(make(tmp_path / "a.zip", (info, GOOD))) == {"x.ipynb": "zip_method"}


def test_a_declared_bomb_is_not_opened(tmp_path):
    path = make(tmp_path / "a.zip", ("x.ipynb", bytes(MAX_BYTES + 1)))
    assert path.stat().st_size < 100_000
    assert problems(path) == {"x.ipynb": "too_large"}


def test_a_bomb_that_declares_less_is_stopped_at_what_it_declares(tmp_path):
    path = make(tmp_path / "a.zip", ("x.ipynb", bytes(10 * 2**20)))

    def understate(data: bytearray) -> None:
        struct.pack_into("<I", data, 22, 1000)
        struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 1000)

    patched(path, understate)
    with open_archive(path) as archive, pytest.raises(Malformed) as caught:
        archive.read(archive.entries[0])
    assert worded(caught.value.message) == "zip_damaged"


def test_reading_stops_at_the_limit_whatever_is_declared(tmp_path, monkeypatch):
    path = make(tmp_path / "a.zip", ("x.ipynb", bytes(3 * 2**20)))
    monkeypatch.setattr(archives, "MAX_BYTES", 2**20)
    with open_archive(path) as archive, pytest.raises(Malformed) as caught:
        archive.read(archive.entries[0])
    assert worded(caught.value.message) == "too_large"


def test_a_damaged_entry_is_named(tmp_path):
    def damage(data: bytearray) -> None:
        data[40] ^= 0xFF

    path = patched(make(tmp_path / "a.zip", ("x.ipynb", GOOD), ("y.ipynb", GOOD)), damage)
    with open_archive(path) as archive:
        with pytest.raises(Malformed) as caught:
            archive.read(archive.entries[0])
        assert caught.value.message.args["entry"] == "x.ipynb"
        assert archive.read(archive.entries[1]) == GOOD
    assert worded(caught.value.message) == "zip_damaged"


# --- archives that lie -------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_zip_is_refused(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    assert whole(tmp_path / "a.zip") == "not_a_zip"


def test_a_truncated_zip_is_refused(tmp_path):
    path = make(tmp_path / "a.zip", ("x.ipynb", GOOD))
    path.write_bytes(path.read_bytes()[:-30])
    assert whole(path) == "not_a_zip"


def test_too_many_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 10)
    path = make(tmp_path / "a.zip", *((f"{n}.ipynb", b"") for n in range(11)))
    assert whole(path) == "zip_too_many"


def test_files_that_are_no_notebooks_do_not_keep_a_class_from_being_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 10)
    others = ((f"eve/.venv/{n}.py", b"") for n in range(11))
    path = make(tmp_path / "a.zip", ("kim.ipynb", GOOD), *others)
    assert not refusals(path)


def test_one_notebook_that_declares_too_much_is_refused_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 2 * len(GOOD))
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 3 * len(GOOD))
    path = make(tmp_path / "a.zip", ("eve.ipynb", GOOD * 9), ("kim.ipynb", GOOD))
    with archives.open_archive(path) as archive:
        problems = {str(one.path): one.problem is None for one in archive.entries}
    assert problems == {"eve.ipynb": False, "kim.ipynb": True}


def test_an_endless_directory_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 70_000)
    path = make(tmp_path / "a.zip", *((f"{n:0>200}.txt", b"") for n in range(400)))
    assert whole(path) == "not_a_zip"


def test_notebooks_that_declare_too_much_together_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 2 * len(GOOD))
    path = make(tmp_path / "a.zip", *((f"{n}.ipynb", GOOD) for n in range(3)))
    assert whole(path) == "zip_too_large"


def test_data_files_do_not_count_towards_the_total(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 2 * len(GOOD))
    path = make(tmp_path / "a.zip", ("x.ipynb", GOOD), ("jena.csv", bytes(10**6)))
    assert not refusals(path)


def test_overlapping_entries_are_refused(tmp_path):
    path = make(tmp_path / "a.zip", ("a.ipynb", GOOD), ("b.ipynb", GOOD))

    def overlap(data: bytearray) -> None:  # the second entry's data are the first one's
        second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
        struct.pack_into("<I", data, second + 42, 0)

    assert whole(patched(path, overlap)) == "zip_overlap"


# --- whatever comes ----------------------------------------------------------------------------


def survives(data: bytes, folder: Path) -> None:
    path = folder / "fuzzed.zip"
    path.write_bytes(data)
    try:
        with open_archive(path) as archive:
            for entry in archive.entries:
                assert ".." not in entry.path.parts
                assert not entry.path.is_absolute()
                try:
                    assert len(archive.read(entry)) <= MAX_BYTES
                except Malformed as error:
                    worded(error.message)
    except GraderError as error:
        worded(error.message)


def zipped(names: list[str]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name in names:
            archive.writestr(name, GOOD)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_zip_or_a_clear_error(folder, data):
    survives(data, folder)


@given(
    names=st.lists(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
            min_size=1,
            max_size=20,
        ),
        max_size=4,
    )
)
def test_any_names_stay_inside(folder, names):
    survives(zipped(names), folder)


@settings(max_examples=400)
@given(data=st.data())
def test_any_damage_is_a_clear_error_or_none(folder, data):
    good = bytearray(zipped(["kim/x.ipynb", "이/y.ipynb"]))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(good), folder)
