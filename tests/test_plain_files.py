"""Streams are read to their end, where that comes within bounds."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from grader.plain_files import BoundedReader, TooLongError, open_plain, read_within


class Endless(io.RawIOBase):
    """Gives what is asked for, for ever, and counts."""

    given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self.given += len(buffer)
        return len(buffer)


class Trickle(io.BytesIO):
    """Gives less than is asked for, as pipes and zips may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 3))


@pytest.mark.parametrize("stream", [io.BytesIO, Trickle])
@pytest.mark.parametrize("content", [b"", b"1234", b"12345"])
def test_what_ends_within_the_limit_is_read_whole(stream: type[io.BytesIO], content: bytes) -> None:
    assert read_within(stream(content), 5) == content


@pytest.mark.parametrize("stream", [io.BytesIO, Trickle])
def test_one_byte_beyond_the_limit_is_too_many(stream: type[io.BytesIO]) -> None:
    with pytest.raises(TooLongError, match="larger than 5 bytes"):
        read_within(stream(b"123456"), 5)


@pytest.mark.parametrize("most", [0, 5, 3 * 2**20])
def test_of_what_never_ends_one_byte_more_than_the_limit_is_read(most: int) -> None:
    stream = Endless()
    with pytest.raises(TooLongError):
        read_within(stream, most)  # type: ignore[arg-type]
    assert stream.given == most + 1


@pytest.mark.parametrize(
    ("asked", "given"), [(3, b"123"), (4, b"1234"), (-1, b"1234"), (None, b"1234")]
)
def test_a_bounded_reader_gives_pieces_up_to_its_longest(
    tmp_path: Path, asked: int | None, given: bytes
) -> None:
    (tmp_path / "file").write_bytes(b"123456")
    with BoundedReader(open_plain(tmp_path / "file"), 4) as file:
        assert file.read(asked) == given


def test_a_bounded_reader_gives_no_larger_piece(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123456")
    with BoundedReader(open_plain(tmp_path / "file"), 4) as file, pytest.raises(TooLongError):
        file.read(5)
