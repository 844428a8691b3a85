"""Files for a room that is open already.

Enters: a file, written under another name. Leaves: it, whole, under its name, readable in there.
Touches: that file.

What a room is given when it opens is opened to its user then. What comes later has the rights that
the umask left, and under 077, as where a job keeps secrets, a room's user could not read it.
"""

from __future__ import annotations

from pathlib import Path

READABLE = 0o644  # the folder around it is ours alone


def lend(written: Path, name: str) -> None:
    """Give a file its name, as a whole and readable whatever the umask says.

    Args:
        written: the file, in the folder that the room sees, under a name that nobody looks for.
        name: that the room waits for.
    """
    written.chmod(READABLE)
    written.replace(written.with_name(name))
