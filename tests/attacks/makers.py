"""Submissions that no repository can hold: links, pipes, sockets, bombs, strange names.

Enters: the student's folder, not made yet, and the batch's Field. Leaves: the submission there, or
the path of an archive that is handed in beside the folders. Touches: those.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.attacks.corpus import EXERCISE

if TYPE_CHECKING:
    from tests.attacks.field import Field

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


def hard_link_to_secret(folder: Path, here: Field) -> None:
    """A second name of the course's secret."""
    folder.mkdir()
    (folder / FILE).hardlink_to(here.secret)


# --- names -----------------------------------------------------------------------------------


def notebook(*sources: str) -> str:
    """A notebook of these cells."""
    cells = [
        {"cell_type": "code", "metadata": {}, "source": s, "outputs": [], "execution_count": None}
        for s in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def empty(folder: Path, here: Field) -> None:
    """A notebook that does nothing."""
    folder.mkdir()
    (folder / FILE).write_text(notebook("x = 1"))


# --- archives --------------------------------------------------------------------------------


def archive(folder: Path, here: Field) -> Path:
    """A zip of a platform, with all that a zip can be made to say."""
    path = here.place / "handed-in.zip"
    outside = (
        "../../rnn-attack-evil",
        "/tmp/rnn-attack-evil",
        "..\\rnn-attack-evil",
        "C:/rnn-attack-evil",
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for student in ("29-sound", *outside, "29-twice", "29-twice", "29-CASE", "29-case"):
            file.writestr(f"{student}/{FILE}", notebook("x = 1"))
        link = zipfile.ZipInfo(f"29-link/{FILE}")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/tmp/rnn-attack-canary")
        file.writestr(f"29-bomb/{FILE}", notebook("#" * 70_000_000))
        file.writestr(f"29-damaged/{FILE}", notebook("y = 2" * 100))
        damaged = file.infolist()[-1]
    with path.open("r+b") as raw:
        raw.seek(damaged.header_offset + 30 + len(damaged.filename) + 5)
        raw.write(b"\xff" * 8)
    return path


def in_archive(folder: Path, here: Field) -> None:
    """Lies in the archive that was made already."""


# --- notebooks -------------------------------------------------------------------------------


def deep(folder: Path, here: Field) -> None:
    """Nested a hundred thousand times."""
    folder.mkdir()
    (folder / FILE).write_text(
        notebook().replace("{}", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")
    )


def odd_but_sound(folder: Path, here: Field) -> None:
    """A neighbour's work with everything odd that a notebook may still have: it costs nothing."""
    folder.mkdir()
    work = json.loads((here.handed_in / here.neighbours[0] / FILE).read_text())
    for cell in work["cells"]:
        cell["id"] = "same"
        cell["attachments"] = {"a\u202e": {"image/png": "A" * 100_000}}
        cell["metadata"] = {"tags": ["raises-exception"] * 1000, "\ud800": "\x1b[2J"}
    work["cells"][1]["source"] = ["#\n"] * 200_000 + ["".join(work["cells"][1]["source"])]
    work["metadata"] = {
        "kernelspec": {"name": "../../evil\n", "display_name": "\x1b[2J", "language": "bash"},
        "language_info": {"name": "R"},
    }
    (folder / FILE).write_bytes(b"\xef\xbb\xbf" + json.dumps(work).encode())


def looks_the_same(folder: Path, here: Field) -> None:
    """A neighbour's work whose lines end where an editor ends one and Python does not."""
    folder.mkdir()
    work = json.loads((here.handed_in / here.neighbours[0] / FILE).read_text())
    for cell in work["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = "".join(cell["source"]).replace("\n", "\u2028")
    (folder / FILE).write_text(json.dumps(work))


def two_hundred_megabytes(folder: Path, here: Field) -> None:
    """So large that nobody should read it."""
    folder.mkdir()
    with (folder / FILE).open("wb") as file:
        file.truncate(200 << 20)


def millions_of_values(folder: Path, here: Field) -> None:
    """Small on disk, large in memory."""
    folder.mkdir()
    (folder / FILE).write_text(notebook().replace("{}", '{"a": [' + "[]," * 8_000_000 + "0]}"))


# --- pull requests ---------------------------------------------------------------------------

SHOUT = "import os, sys\nprint('rnn-attack ran', file=sys.stderr)\nopen('/tmp/rnn-attack-code-ran', 'w')\n"


def pull_request(folder: Path, here: Field) -> None:
    """A whole fork of the course in which everything is edited but the work; graded from inside."""
    folder.mkdir()
    for tree in ("assignments", "reference"):
        shutil.copytree(here.course / tree, folder / tree)
    exercise = folder / "assignments" / EXERCISE
    text = (exercise / "exercise.toml").read_text()
    easy = text.replace("runs = 10", "runs = 100").replace(
        "epochs = 100", "epochs = 1\nmin_epochs = 0"
    )
    for zero in ("structure = 40", "data = 25", "training = 25"):
        easy = easy.replace(zero, zero.split(" =")[0] + " = 0")
    (exercise / "exercise.toml").write_text(easy)
    shutil.rmtree(folder / "reference" / EXERCISE / "submissions")
    for name in (
        "grader/__init__.py",
        "grader/__main__.py",
        "numpy.py",
        "sitecustomize.py",
        "conftest.py",
        "usercustomize.py",
        "tests/conftest.py",
        "reference/families/sequence.py",
        "typer/__init__.py",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SHOUT)
    (folder / "course.toml").write_text('language = "en"\n')
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/workflows/grade.yml").write_text("on: push\n")
    work = (
        here.course / "reference" / EXERCISE / "submissions/untrained/never_fitted.ipynb"
    ).read_text()
    shown = json.loads(work)
    shown["cells"].append(json.loads(notebook("print('nothing was trained')"))["cells"][0])
    for old in exercise.glob("*.ipynb"):
        old.unlink()
    (exercise / FILE).write_text(json.dumps(shown))
