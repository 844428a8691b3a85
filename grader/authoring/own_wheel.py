"""The grader's own package as a wheel, for students: what a release hands out beside the course's.

Enters: nothing. Leaves: the wheel's bytes, the same for the same files. Touches: reads the folder
that the grader runs from, and the project's file beside it or what was installed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from grader import __version__
from grader.authoring.carried import PACKAGE, the_package
from grader.authoring.wheel import packed

NAME, PROJECT = "rnn-grader", "pyproject.toml"
LICENCE = "licenses/LICENSE"
GRADER = f"rnn_grader-{__version__}-py3-none-any.whl"


@lru_cache(maxsize=1)
def own_wheel() -> bytes | None:
    """Give it; None where nobody knows what the package needs."""
    about = _about()
    if about is None:
        return None
    files = {one.name: one.data for one in the_package()}
    return packed("rnn_grader", __version__, files, about)


def _about() -> Mapping[str, str] | None:
    """Give METADATA and the programs: of the checkout; else of what is installed."""
    project = PACKAGE.parent / PROJECT
    if project.is_file():
        table = tomllib.loads(project.read_text("utf-8"))["project"]
        scripts = "".join(f"{name} = {place}\n" for name, place in table["scripts"].items())
        return {
            "METADATA": "\n".join(_metadata(table)) + "\n",
            "entry_points.txt": f"[console_scripts]\n{scripts}",
            LICENCE: (PACKAGE.parent / "LICENSE").read_text("utf-8"),
        }
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        return None
    texts = {name: installed.read_text(name) for name in ("METADATA", "entry_points.txt", LICENCE)}
    there = {name: text for name, text in texts.items() if text is not None}
    return there if installed.version == __version__ and len(there) == len(texts) else None


def _metadata(table: Mapping[str, Any]) -> Iterator[str]:
    yield from ("Metadata-Version: 2.1", f"Name: {table['name']}", f"Version: {__version__}")
    yield from (f"Summary: {table['description']}", f"License: {table['license']}")
    yield f"Requires-Python: {table['requires-python']}"
    yield from (f"Requires-Dist: {one}" for one in table["dependencies"])
    extras: Mapping[str, Sequence[str]] = table["optional-dependencies"]
    for extra, asked in extras.items():
        yield f"Provides-Extra: {extra}"
        for one in asked:
            package, _, marker = (part.strip() for part in one.partition(";"))
            also = f"({marker}) and " if marker else ""
            yield f"Requires-Dist: {package}; {also}extra == '{extra}'"
