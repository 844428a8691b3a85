"""Arrays from a room: what an honest probe writes is read, everything else is refused."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from grader.arrays import MEMBERS, BadArraysError, read_bounded, read_npz

CAP = 1_000_000


def npy(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """An npy file whose header says whatever the test wants."""
    text = header.encode("latin1") + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def described(descr: object, shape: object, order: bool = False) -> str:
    return repr({"descr": descr, "fortran_order": order, "shape": shape})


def written(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def refused(path: Path, cap: int = CAP) -> str:
    with pytest.raises(BadArraysError) as caught:
        read_npz(path, cap)
    return str(caught.value)


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    return tmp_path / "0001.npz"


def test_what_savez_writes_is_read_back(npz: Path) -> None:
    given = {
        "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big_endian": np.arange(4, dtype=">i4"),
        "half": np.ones((2,), np.float16),
        "flags": np.array([True, False]),
        "scalar": np.float64(2.5),
        "nothing": np.zeros((0, 5), np.int64),
    }
    np.savez(npz, **given)
    found = read_npz(npz, CAP)
    assert found.keys() == given.keys()
    for name, array in given.items():
        assert found[name].dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(found[name], array)


def test_pickled_objects_are_refused_without_being_loaded(npz: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"

    class Gadget:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(mark),)

    np.savez(npz, trap=np.array([Gadget()], dtype=object))
    assert "array object" in refused(npz)
    assert not mark.exists()


def test_a_bare_pickle_in_place_of_an_array_is_refused(npz: Path) -> None:
    written(npz, {"trap": pickle.dumps([1, 2, 3])})
    refused(npz)


@pytest.mark.parametrize(
    "array",
    [
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        np.array([1 + 2j]),
        np.array(["2026-01-01"], dtype="M8[D]"),
    ],
    ids=["text", "bytes", "structure", "complex", "date"],
)
def test_only_numbers_and_truth_values_are_read(npz: Path, array: np.ndarray) -> None:
    np.savez(npz, array=array)
    refused(npz)


def test_a_compressed_bomb_is_refused_before_it_is_unpacked(npz: Path) -> None:
    np.savez_compressed(npz, bomb=np.zeros(50_000_000, np.int8))
    assert npz.stat().st_size < 100_000
    assert "compressed" in refused(npz, cap=100_000_000)


def test_all_arrays_together_stay_under_the_cap(npz: Path) -> None:
    np.savez(npz, a=np.zeros(600, np.uint8), b=np.zeros(600, np.uint8))
    assert len(read_npz(npz, 1200)) == 2
    refused(npz, 1199)


def test_a_huge_shape_is_refused_before_memory_is_asked_for(npz: Path) -> None:
    written(npz, {"huge": npy(described("<f8", (10**15,)))})
    assert "(1000000000000000,)" in refused(npz)


def test_a_shape_larger_than_the_bytes_that_follow_is_refused(npz: Path) -> None:
    written(npz, {"short": npy(described("<f4", (100,)), b"\0" * 40)})
    refused(npz)


@pytest.mark.parametrize("shape", [(-1,), (-2, -2), (0, 10**30), (1,) * 100, (2.0,), "3", None])
def test_shapes_that_no_array_has_are_refused(npz: Path, shape: object) -> None:
    written(npz, {"odd": npy(described("<f4", shape), b"\0" * 64)})
    refused(npz)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False",
        "(" * 5000,
        "[" * 300 + "]" * 300,
        "__import__('os').getcwd()",
        "{'descr': 'O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': None, 'fortran_order': False, 'shape': (1,)}",
        "'''",
        " " * 9000 + "1",
        "\0",
    ],
)
def test_a_broken_header_costs_only_this_file(npz: Path, header: str) -> None:
    written(npz, {"odd": npy(header, b"\0" * 64)})
    refused(npz)


@pytest.mark.parametrize("version", [(2, 0), (3, 0), (9, 9)])
def test_npy_versions_that_numpy_never_writes_for_numbers_are_refused(
    npz: Path, version: tuple[int, int]
) -> None:
    data = npy(described("<f4", (1,)), b"\0" * 4, version)
    written(npz, {"a": data})
    if version == (2, 0):
        assert read_npz(npz, CAP)["a"].shape == (1,)
    else:
        assert "version" in refused(npz)


def test_a_size_that_lies_in_the_directory_is_refused(npz: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(1000, np.float64))
    data = buffer.getvalue()
    directory = data.rindex(b"PK\x01\x02")
    small = struct.pack("<I", 200)
    lying = data[: directory + 20] + small + small + data[directory + 28 :]
    npz.write_bytes(lying)
    refused(npz)


def test_an_encrypted_member_is_refused(npz: Path) -> None:
    written(npz, {"a": npy(described("<f4", (1,)), b"\0" * 4)})
    data = bytearray(npz.read_bytes())
    data[6] |= 1  # the flag in the member's own header
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # and in the directory
    npz.write_bytes(data)
    refused(npz)


def test_too_many_members_are_refused(npz: Path) -> None:
    written(npz, {str(n): npy(described("|u1", (0,))) for n in range(MEMBERS + 1)})
    refused(npz)


def test_an_endless_directory_is_never_read(npz: Path) -> None:
    entry = bytearray(46)
    entry[:4] = b"PK\x01\x02"
    directory = bytes(entry) * 100_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 34464, 34464, len(directory), 0, 0)
    npz.write_bytes(directory + end)
    assert "directory" in refused(npz)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_refused(npz: Path, data: bytes) -> None:
    npz.write_bytes(data)
    refused(npz)


def test_a_link_is_not_followed(npz: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.npz"
    np.savez(answers, a=np.zeros(1))
    npz.symlink_to(answers)
    assert "link" in refused(npz)


def test_a_file_with_a_second_name_is_refused(npz: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.npz"
    np.savez(answers, a=np.zeros(1))
    os.link(answers, npz)
    assert "several names" in refused(npz)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_without_waiting_for_a_writer(npz: Path) -> None:
    os.mkfifo(npz)
    assert "not a regular file" in refused(npz)


def test_a_folder_is_refused(npz: Path) -> None:
    npz.mkdir()
    refused(npz)


def test_a_missing_file_is_refused(npz: Path) -> None:
    refused(npz)


def test_a_whole_file_is_read_up_to_its_cap(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(BadArraysError, match="larger than 4 bytes"):
        read_bounded(path, 4)
