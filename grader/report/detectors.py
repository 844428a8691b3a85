"""Hand-ins as programs that detect plagiarism want them: JPlag and Dolos.

Enters: hand-ins, what everybody was given. Leaves: names of files with contents. Touches nothing.

``submissions/<student>/<notebook>.py`` is what JPlag calls a root folder, ``base-code/`` what it
leaves out; Dolos reads ``info.csv`` beside the files (columns ``filename``, ``full_name``,
``label``) and ignores ``base-code/``. Code cells become one file each notebook; what only a
notebook understands becomes ``pass``, so that both programs can parse it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from grader.code.source import without_magics
from grader.report.spreadsheet import csv_text, inert
from grader.report.wording import file_stem
from grader.similarity.compare import Work
from grader.types import Notebook

SUBMISSIONS, BASE_CODE, INFO = "submissions", "base-code", "info.csv"


def detector_files(
    works: Sequence[Work], given: Sequence[tuple[str, Notebook]]
) -> Iterator[tuple[str, bytes]]:
    """Give the files.

    Args:
        works: the hand-ins; several of one student stand in one folder.
        given: the code that everybody had, with a name for each.
    """
    rows: list[Sequence[str]] = [("filename", "full_name", "label")]
    taken: set[str] = set()
    for work in works:
        name = _free(f"{SUBMISSIONS}/{file_stem(work.student)}/{_stem(work.submission)}", taken)
        rows.append((name, inert(work.student), inert(work.student)))
        yield name, _python(work.notebook)
    for name, notebook in given:
        yield f"{BASE_CODE}/{name}.py", _python(notebook)
    yield INFO, csv_text(rows).encode("utf-8", "replace")


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
