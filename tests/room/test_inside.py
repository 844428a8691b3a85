"""What runs in rooms, or closes them from within, says so and needs nothing of the judge's."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import grader

PACKAGE = Path(grader.__file__).parent
FOLDERS = ("kernel", "driver", "evaluation", "room/inside")
MODULES = [path for folder in FOLDERS for path in sorted((PACKAGE / folder).rglob("*.py"))]
CLOSING = [path for path in MODULES if path.parent.name == "inside"]
OWN = "grader.room.inside"


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_runs_in_a_room_says_so_in_its_first_words(path: Path) -> None:
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert told is not None
    assert "room" in told


@pytest.mark.parametrize("path", CLOSING, ids=name_of)
def test_what_closes_a_room_needs_the_standard_library_and_its_own_folder_alone(
    path: Path,
) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in sys.stdlib_module_names or name.startswith(OWN), name
