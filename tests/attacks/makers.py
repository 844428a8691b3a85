"""Submissions that no repository can hold: links, pipes, sockets, bombs, strange names.

Enters: the student's folder, not made yet, and the batch's Field. Leaves: the submission there, or
the path of an archive that is handed in beside the folders. Touches: those.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from attacks.corpus import EXERCISE

if TYPE_CHECKING:
    from attacks.field import Field

FILE = f"{EXERCISE}.ipynb"


def symlink(folder: Path, here: Field) -> None:
    """A link to the work of a neighbour."""
    folder.mkdir()
    (folder / FILE).symlink_to(here.handed_in / here.neighbours[0] / FILE)


def link_to_secret(folder: Path, here: Field) -> None:
    """A link to the course's secret."""
    folder.mkdir()
    (folder / FILE).symlink_to(here.secret)


def pipe(folder: Path, here: Field) -> None:
    """A pipe that nobody writes to: who opens it waits for ever."""
    folder.mkdir()
    os.mkfifo(folder / FILE)


def unix_socket(folder: Path, here: Field) -> None:
    """A socket."""
    folder.mkdir()
    previous = Path.cwd()
    os.chdir(folder)  # the address must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(FILE)
    finally:
        os.chdir(previous)


def device(folder: Path, here: Field) -> None:
    """The endless device /dev/zero; a pipe where nobody may make devices."""
    folder.mkdir()
    try:
        os.mknod(folder / FILE, 0o20666, os.makedev(1, 5))
    except OSError:
        os.mkfifo(folder / FILE)
