"""Locks on open files and folders, which end with the process that has them.

Enters: a descriptor. Leaves: whether it is locked now. Touches: the lock, and nothing that is kept.

That somebody else has it is one thing, that there are no locks another: some network disks know
none, and a system may have no more to give. Who asks decides what the second one costs.
"""

from __future__ import annotations

import errno
import sys

# What the systems say of a lock that another process has: flock, flock over NFS, Windows.
HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


def lock(descriptor: int, *, wait: bool = False) -> bool:
    """Lock what is open; False where somebody else has it. Close the descriptor to let go.

    ``wait``: until nobody else has it.

    Raises:
        OSError: it cannot be locked, whoever asks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in HELD:
            return False
        raise
    return True
