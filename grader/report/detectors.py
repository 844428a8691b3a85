"""Hand-ins as programs that detect plagiarism want them: JPlag and Dolos.

Enters: hand-ins, what everybody was given. Leaves: names of files with contents. Touches nothing.

For JPlag ``submissions`` is the root folder, each folder or file in it a submission, and
``base-code`` what ``-bc`` leaves out of all. Dolos reads ``info.csv`` alone: of each row
``filename``, from where the table lies, ``full_name`` and ``label``, which colours those of one
section alike; ``ignored`` is "true" for the one file whose code does not count, and there may be no
second. Code cells become one file each notebook; what only a notebook understands becomes ``pass``,
so that both programs can parse it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from grader.code.source import without_magics
from grader.report.spreadsheet import csv_text, inert
from grader.report.wording import file_stem
from grader.similarity.compare import Work
from grader.submission import Notebook

SUBMISSIONS, BASE_CODE, INFO = "submissions", "base-code/given.py", "info.csv"
COLUMNS = ("filename", "full_name", "label", "ignored")


def detector_files(
    works: Sequence[Work], given: Sequence[tuple[str, Notebook]]
) -> Iterator[tuple[str, bytes]]:
    """Give the files.

    Args:
        works: the hand-ins; several of one student stand in one folder.
        given: the code that everybody had, with a name for each.
    """
    rows: list[Sequence[str]] = [COLUMNS]
    taken: set[str] = set()
    for work in works:
        name = _free(f"{SUBMISSIONS}/{file_stem(work.student)}/{_stem(work.submission)}", taken)
        rows.append((name, inert(work.student), inert(work.section), "false"))
        yield name, _python(work.notebook)
    if given:
        rows.append((BASE_CODE, "", "", "true"))
        yield BASE_CODE, b"\n".join(f"# {name}\n".encode() + _python(one) for name, one in given)
    yield INFO, csv_text(rows).encode("utf-8", "replace")  # a mark before it would be of a name


def _stem(submission: str) -> str:
    return file_stem(PurePosixPath(submission).stem)


def _free(name: str, taken: set[str]) -> str:
    """Give a name that no other file has, on a disk that takes capitals for small letters too."""
    number = 1
    found = f"{name}.py"
    while found.casefold() in taken:
        number += 1
        found = f"{name}-{number}.py"
    taken.add(found.casefold())
    return found


def _python(notebook: Notebook) -> bytes:
    cells = (f"# %% {cell.index}\n{without_magics(cell.source)}\n" for cell in notebook.cells)
    return "\n".join(cells).encode("utf-8", "replace")
