"""Landlock: which files a process may open, and that it stays so.

Enters: paths. Leaves: nothing; the calling thread is restricted for good.
Touches: system calls through ctypes. Standard library only: it runs in the launcher, in a room.

Every right that the kernel knows is handled, so that what is not listed is refused; an older
kernel knows fewer, and the self-test says which layers hold then. ``stat`` is not covered.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every processor
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_OF_FIRST = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_TCP = 0b11  # bind, connect
_SCOPES = 0b11  # abstract unix sockets, signals
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_FIRST_WITH_REFER, _FIRST_WITH_TRUNCATE, _FIRST_WITH_TCP = 2, 3, 4
_FIRST_WITH_IOCTL, _FIRST_WITH_SCOPES = 5, 6

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The kernel's Landlock version; 0 where it has none."""
    return max(0, int(_libc.syscall(_CREATE, None, 0, _VERSION_FLAG)))


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Leave this thread, and all it starts, only these paths and no TCP. Needs no_new_privs.

    Raises:
        OSError: the kernel refused.
    """
    known = version()
    files = _file_rights(known)
    attributes = struct.pack("=Q", files)
    if known >= _FIRST_WITH_TCP:
        attributes += struct.pack("=Q", _TCP)
    if known >= _FIRST_WITH_SCOPES:
        attributes += struct.pack("=Q", _SCOPES)
    rules = _call(_CREATE, attributes, len(attributes), 0)
    try:
        for path in readable:
            _allow(rules, path, files & _READ)
        for path in writable:
            _allow(rules, path, files)
        _call(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _file_rights(known: int) -> int:
    rights = _ALL_OF_FIRST
    for first, right in (
        (_FIRST_WITH_REFER, _REFER),
        (_FIRST_WITH_TRUNCATE, _TRUNCATE),
        (_FIRST_WITH_IOCTL, _IOCTL_DEV),
    ):
        rights |= right if known >= first else 0
    return rights


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):  # nothing that a rule could open
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FOR_FILES
        # struct landlock_path_beneath_attr is packed: u64 allowed_access, s32 parent_fd
        _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), f"landlock call {number}")
    return result
