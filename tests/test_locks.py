"""Whether somebody else has a lock, or there is none to be had, are two things."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.locks import lock

Refuses = Callable[[int], None]


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch) -> Refuses:
    """A file system that answers every lock with this error."""

    def of(number: int) -> None:
        def refused(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", refused)

    return of


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_a_lock_is_one_s_alone_until_it_is_closed(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "a"), opened(tmp_path / "a")
    assert lock(first)
    assert lock(first), "one's own"
    assert not lock(second)
    os.close(first)
    assert lock(second, wait=True)
    os.close(second)


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES])
def test_what_somebody_else_has_is_no_error(number: int, refuses: Refuses, tmp_path: Path) -> None:
    refuses(number)
    assert not lock(opened(tmp_path / "a"))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_where_there_are_no_locks_nobody_has_one(
    number: int, refuses: Refuses, tmp_path: Path
) -> None:
    refuses(number)
    with pytest.raises(OSError, match=re.escape(os.strerror(number))) as raised:
        lock(opened(tmp_path / "a"))
    assert raised.value.errno == number
