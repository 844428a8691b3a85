"""What kind of file a name promises.

Enters: a name. Leaves: what it says. Touches nothing.
"""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath

from grader.text.printable import composed

NOTEBOOK = ".ipynb"
ZIP = ".zip"
ARCHIVES = frozenset({ZIP, ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".egg", ".alz"})
_ADDED = frozenset({".txt", ".json"})  # what browsers and file managers put behind it


def is_notebook(path: PurePath) -> bool:
    """Whether a file of this name is meant to be a notebook: .ipynb, and what was put behind it."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return suffixes[-1:] == [NOTEBOOK] or (
        len(suffixes) > 1 and suffixes[0] == NOTEBOOK and suffixes[1] in _ADDED
    )


def is_archive(path: PurePath) -> bool:
    """Whether a file of this name holds other files."""
    return path.suffix.lower() in ARCHIVES


def is_zip(name: str) -> bool:
    """Whether a file of this name is opened like a folder."""
    return name.lower().endswith(ZIP)


def nfc(text: str) -> str:
    """Compose Korean syllables, which macOS hands over in pieces."""
    return composed(text)


def stem_of(name: str) -> str:
    """Give a file's name without its suffix, or both where there are two."""
    path = PurePosixPath(name)
    if path.suffix.lower() in _ADDED and is_notebook(path):
        path = path.with_suffix("")
    return path.stem


def unzipped(folder: str) -> str:
    """Give a folder's name; that of a zip without its suffix."""
    return folder[: -len(ZIP)] if folder.lower().endswith(ZIP) and folder[: -len(ZIP)] else folder
