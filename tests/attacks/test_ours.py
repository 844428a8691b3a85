"""What a grader leaves in a home is told from what somebody else has put there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.trainer.results import Results
from tests.attacks.ours import FOLDERS, ours
from tests.trainer.test_results import KEY, OTHER, trained

UNFINISHED, TRIAL = f".{OTHER}.npz.01234567", ".trial-01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One in which a result was kept."""
    folder = tmp_path / FOLDERS[-1]
    Results(folder).put(KEY, trained())
    return folder


def left(folder: Path, name: str, content: bytes = b"") -> bool:
    """Whether a file is taken for the grader's, as the result beside it is."""
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o600)
    found = ours(folder.parents[2])
    assert str(folder / f"{KEY}.npz") in found
    return str(path) in found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (UNFINISHED, b"PK half"),
        (UNFINISHED, b""),
        (TRIAL, bytes(9)),
        (TRIAL, b""),
        (f"{OTHER}.lock", b""),
    ],
)
def test_what_a_killed_grader_leaves_is_its_own(folder: Path, name: str, content: bytes) -> None:
    assert left(folder, name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (UNFINISHED, b"a word"),
        (TRIAL, b"a word"),
        (TRIAL, bytes(1 << 17)),
        (f"{OTHER}.lock", b"a word"),
        (f".{OTHER}.npz.word", b""),
        (f".{OTHER}.txt.01234567", b""),
        (f"{OTHER}.npz", b"PK"),
        ("notes", b""),
    ],
)
def test_anything_else_is_not(folder: Path, name: str, content: bytes) -> None:
    assert not left(folder, name, content)


@pytest.mark.parametrize("more", [{}, {"w_0000": np.ones(3)}, {"predictions": np.ones(3)}])
def test_nor_are_arrays_that_are_no_result(folder: Path, more: dict[str, Any]) -> None:
    told = np.frombuffer(b"CANARY, whatever it says", np.uint8)
    np.savez(folder / "made.npz", told=told, **more)
    content = (folder / "made.npz").read_bytes()
    assert not left(folder, f"{OTHER}.npz", content)
