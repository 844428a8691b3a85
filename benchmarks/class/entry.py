"""Executes every notebook of a folder with nbclient, some at a time: the plain way to run a class.

python entry.py nbclient FOLDER AT_ONCE
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def execute(path: Path) -> None:
    """Execute one notebook in place; a failing cell does not stop it."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=None, allow_errors=True).execute()
    nbformat.write(notebook, path)


def start(path: Path) -> None:
    """Execute one notebook in a process of its own."""
    subprocess.run([sys.executable, __file__, "one", path], check=True)


def main() -> None:
    """Start a process per notebook, as many at a time as asked."""
    if sys.argv[1] == "one":
        execute(Path(sys.argv[2]))
        return
    paths = sorted(Path(sys.argv[2]).glob("*.ipynb"))
    with ThreadPoolExecutor(int(sys.argv[3])) as pool:
        list(pool.map(start, paths))


if __name__ == "__main__":
    main()
