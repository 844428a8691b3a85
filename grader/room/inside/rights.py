"""Giving up rights for good, and the filter over system calls: a process closes itself.

Enters: a user, a filter's program. Leaves: nothing; this process can do less from then on.
Touches: system calls through ctypes.

Runs in a room, in the last moments before its program: the launcher imports it, the fork server is
sent its text. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from typing import Any

SET_PDEATHSIG, SET_DUMPABLE, SET_CHILD_SUBREAPER = 1, 4, 36
_SET_SECCOMP, _CAPBSET_DROP, _SET_NO_NEW_PRIVS = 22, 24, 38
_SECCOMP_FILTER = 2
_CAPABILITY_VERSION = 0x20080522
_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def give_up(user: Sequence[int] | None) -> None:
    """Drop every capability, and the user where one is named; no program may bring any back.

    Raises:
        OSError: the kernel refused.
    """
    for capability in range(_CAPABILITIES):  # refused where we are not root, and have none
        _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    if user is not None:
        number, group = user
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(number, number, number)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    call("capset", header, struct.pack("=6I", *(0,) * 6))
    prctl(_SET_NO_NEW_PRIVS, 1)


def filter_calls(program: bytes) -> None:
    """Put every later system call of this thread under a seccomp program.

    Raises:
        OSError: the kernel refused.
    """

    class Program(ctypes.Structure):  # struct sock_fprog
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    steps = ctypes.create_string_buffer(program, len(program))
    filter_ = Program(len(program) // 8, ctypes.cast(steps, ctypes.c_void_p).value)
    prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(filter_))


def prctl(option: int, value: int, third: Any = 0) -> None:
    """Change something about this process.

    Raises:
        OSError: the kernel refused.
    """
    call("prctl", option, ctypes.c_ulong(value), third, 0, 0)


def call(name: str, *arguments: Any) -> None:
    """Call a function of the C library that answers 0 where it worked.

    Raises:
        OSError: it did not.
    """
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"{name} {arguments[0]!r}")
