"""What a hostile program left is removed, however it was made."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.room.inside.removing import remove_tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs descriptors of folders")

DEEPER_THAN_THE_INTERPRETER = 3000
NOBODY = 54_321


def nest(folder: Path, depth: int) -> None:
    """Folders in folders, with a file in each; no path is long enough to name the last."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.mkdir("inner", dir_fd=at)
        inner = os.open("inner", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)


def test_folders_are_removed_however_deep(tmp_path: Path) -> None:
    top = tmp_path / "top"
    for name in ("a", "b"):
        (top / name).mkdir(parents=True)
        nest(top / name, DEEPER_THAN_THE_INTERPRETER)
    remove_tree(top)
    assert not top.exists()


def test_links_are_removed_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    kept, top = tmp_path / "kept", tmp_path / "top"
    for folder in (kept, top, top / "inner"):
        folder.mkdir()
    (kept / "file").touch()
    (top / "inner" / "link").symlink_to(kept)
    (top / "link").symlink_to(kept)
    os.mkfifo(top / "pipe")
    remove_tree(top)
    assert not top.exists()
    assert (kept / "file").exists()


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o750)
    (kept / "file").touch()
    (tmp_path / "top").symlink_to(kept)
    remove_tree(tmp_path / "top")
    assert (kept / "file").exists()
    assert kept.stat().st_mode & 0o777 == 0o750


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that another user reaches, where we are root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    remove_tree(folder)


def test_folders_without_rights_are_removed_by_their_owner(public: Path) -> None:
    """Root needs no rights; whoever else is asked to remove them is their owner."""
    top = public / "top"
    for name in ("unlisted", "closed/within", "sealed/within"):
        (top / name).mkdir(parents=True)
        (top / name / "file").touch()
    (top / "unlisted").chmod(0o300)
    (top / "closed").chmod(0)
    (top / "sealed/within").chmod(0o500)
    (top / "sealed").chmod(0o500)
    top.chmod(0o500)
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    if os.geteuid() == 0:
        public.chmod(0o777)
        for path in (top, *top.rglob("*")):
            os.chown(path, user, -1, follow_symlinks=False)
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(user)
        remove_tree(top)
        os._exit(0)
    os.waitpid(child, 0)
    assert not top.exists()
