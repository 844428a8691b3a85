"""What a change hands in comes out of git as it is, under whatever name, and nothing else happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from grader.ci.git import Repository
from grader.ci.git_process import bounded
from grader.ci.handed_in import HandedOver, hand_over
from grader.collect.caps import NOTEBOOKS
from grader.collect.notebooks import MAX_BYTES
from grader.types import GraderError
from tests.support.notebook_files import notebook, raw, worded
from tests.support.repositories import HOSTILE, Working, names_below

SOUND = raw(notebook("x = 1"))


@pytest.fixture
def working(tmp_path: Path) -> Working:
    made = Working(tmp_path / "student")
    for name in ("untouched", "removed", "edited"):
        made.write(f"{name}.ipynb", SOUND)
    return made


def over(working: Working, base: str | None, head: str) -> tuple[HandedOver, Path]:
    folder = working.place.parent / "handed-in"
    folder.mkdir()
    repository = Repository(working.place)
    found = hand_over(repository, base and repository.before(base, head), head, folder)
    return found, folder


def test_the_changed_notebooks_are_handed_over_whatever_they_are_called(working: Working) -> None:
    base = working.commit()
    for name in HOSTILE:
        working.write(name, SOUND)
    working.write("edited.ipynb", raw(notebook("x = 2")))
    (working.place / "removed.ipynb").unlink()
    working.write("docs/notes.txt", b"no notebook")
    found, folder = over(working, base, working.commit())
    assert set(found.notebooks) == {*HOSTILE, "edited.ipynb"} == names_below(folder)
    assert found.others == ("docs/notes.txt",)
    assert not list(working.place.parent.rglob("pwned"))


@pytest.mark.parametrize("is_first", [True, False])
def test_the_files_of_a_commit_are_listed_once(
    working: Working, monkeypatch: pytest.MonkeyPatch, *, is_first: bool
) -> None:
    base = working.commit()
    working.write("edited.ipynb", raw(notebook("x = 2")))
    working.write("beside.csv", b"1")
    head = working.commit()
    asked: list[str] = []

    def counted(line: Sequence[str], environment: Mapping[str, str], command: str) -> Any:
        asked.append(command)
        return bounded(line, environment, command)

    monkeypatch.setattr("grader.ci.git.bounded", counted)
    found, folder = over(working, None if is_first else base, head)
    assert names_below(folder) == {*found.notebooks, "beside.csv"}
    assert asked.count("ls-tree") == 1


@pytest.mark.parametrize("name", [".ipynb_checkpoints/edited-checkpoint.ipynb", "a/.trash/x.ipynb"])
def test_what_a_tool_left_behind_is_nobodys_work(working: Working, name: str) -> None:
    """`git add --all` hands in Jupyter's checkpoint, which may be the untouched notebook."""
    base = working.commit()
    working.write("edited.ipynb", raw(notebook("x = 2")))
    working.write(name, SOUND)
    found, folder = over(working, base, working.commit())
    assert found.notebooks == ("edited.ipynb",)
    assert found.others == (name,)
    assert names_below(folder) == {"edited.ipynb"}


def test_what_the_base_changed_meanwhile_is_not_the_students(working: Working) -> None:
    working.commit()
    working.git("checkout", "-q", "-b", "work")
    working.write("mine.ipynb", SOUND)
    head = working.commit()
    working.git("checkout", "-q", "main")
    working.write("untouched.ipynb", raw(notebook("y = 3")))
    found, _ = over(working, working.commit(), head)
    assert found.notebooks == ("mine.ipynb",)


def test_small_files_beside_a_notebook_come_along_and_other_notebooks_do_not(
    working: Working,
) -> None:
    working.write("work/helper.py", b"a = 1")
    working.write("work/other.ipynb", SOUND)
    base = working.commit()
    working.write("work/mine.ipynb", SOUND)
    found, folder = over(working, base, working.commit())
    assert found.notebooks == ("work/mine.ipynb",)
    assert names_below(folder) == {"work/mine.ipynb", "work/helper.py"}


def test_a_link_becomes_what_git_keeps_of_it(working: Working) -> None:
    base = working.commit()
    (working.place / "link.ipynb").symlink_to("/etc/passwd")
    found, folder = over(working, base, working.commit())
    assert found.notebooks == ("link.ipynb",)
    assert not (folder / "link.ipynb").is_symlink()
    assert (folder / "link.ipynb").read_bytes() == b"/etc/passwd"


def test_a_repository_cannot_have_its_own_programs_run(working: Working) -> None:
    base = working.commit()
    program = working.place / "program"
    program.write_text("#!/bin/sh\ntouch pwned\ncat\n")
    program.chmod(0o755)
    for setting in ("filter.x.smudge", "filter.x.clean", "diff.x.textconv", "diff.external"):
        working.git("config", setting, str(program))
    working.git("config", "core.fsmonitor", str(program))
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        (working.place / ".git" / "hooks" / hook).symlink_to(program)
    working.write(".gitattributes", b"*.ipynb filter=x diff=x text eol=crlf\n")
    content = raw(notebook("a = 1\n"))
    working.write("mine.ipynb", content)
    blob = working.blob(content)
    working.git("config", "core.hooksPath", "/dev/null")
    working.git("update-index", "--add", "--cacheinfo", f"100644,{blob},mine.ipynb")
    tree = working.git("write-tree")
    head = working.git("commit-tree", "-m", "x", "-p", base, tree)
    working.git("config", "--unset", "core.hooksPath")
    for left in working.place.rglob("pwned"):
        left.unlink()
    found, folder = over(working, base, head)
    assert found.notebooks == ("mine.ipynb",)
    assert (folder / "mine.ipynb").read_bytes() == content
    assert not list(working.place.parent.rglob("pwned"))


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"."])
def test_a_name_that_leads_out_is_left_out_and_said(working: Working, name: bytes) -> None:
    blob = working.blob(SOUND)
    inner = working.git(
        *("hash-object", "-w", "-t", "tree", "--literally", "--stdin"),
        given=b"100644 out.ipynb\0" + bytes.fromhex(blob),
    )
    head = working.tree(("40000", name, inner), ("100644", b"sound.ipynb", blob))
    found, folder = over(working, None, head)
    assert found.notebooks == ("sound.ipynb",)
    assert names_below(folder) == {"sound.ipynb"}
    assert [worded(one) for one in found.refused] == ["bad_name"]
    assert not (folder.parent / "out.ipynb").exists()


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_link_and_a_folder_of_one_name_nothing_is_written_elsewhere(
    working: Working, tmp_path: Path, order: int
) -> None:
    blob, link = working.blob(SOUND), working.blob(str(tmp_path / "target").encode())
    inner = working.git(
        *("hash-object", "-w", "-t", "tree", "--literally", "--stdin"),
        given=b"100644 in.ipynb\0" + bytes.fromhex(blob),
    )
    (tmp_path / "target").mkdir()
    both = (("120000", b"a.ipynb", link), ("40000", b"a.ipynb", inner))
    found, folder = over(working, None, working.tree(*both[::order]))
    assert len(found.notebooks) == len(found.refused) == 1
    assert names_below(folder) == set(found.notebooks)
    assert not list((tmp_path / "target").iterdir())


def test_a_name_that_no_file_can_have_is_said(working: Working) -> None:
    head = working.tree(("100644", b"x" * 300 + b".ipynb", working.blob(SOUND)))
    found, _ = over(working, None, head)
    assert (found.notebooks, len(found.refused)) == ((), 1)


def test_of_a_file_that_is_too_large_only_its_length_is_kept(working: Working) -> None:
    base = working.commit()
    large = working.place / "large.ipynb"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    _, folder = over(working, base, working.commit())
    about = (folder / "large.ipynb").stat()
    assert about.st_size == MAX_BYTES + 1
    assert about.st_blocks * 512 < 2**20


def test_without_a_commit_before_everything_is_handed_in(working: Working) -> None:
    head = working.commit()
    assert Repository(working.place).before("0" * 40, head) is None
    found, _ = over(working, None, head)
    assert len(found.notebooks) == 3


def test_archives_are_named_since_they_are_not_opened(working: Working) -> None:
    base = working.commit()
    working.write("work.zip", b"PK")
    found, _ = over(working, base, working.commit())
    assert (found.notebooks, found.archives) == ((), ("work.zip",))


@pytest.mark.parametrize("name", ["", "--help", "no-such", "HEAD:x", "HEAD^{tree}", "f" * 40])
def test_what_names_no_commit_is_refused(working: Working, name: str) -> None:
    working.commit()
    with pytest.raises(GraderError) as caught:
        Repository(working.place).commit(name)
    assert worded(caught.value.message) == "no_commit"


def test_a_history_that_was_cut_off_is_said_to_be(working: Working) -> None:
    base = working.commit()
    working.git("checkout", "-q", "--orphan", "other")
    working.write("mine.ipynb", SOUND)
    with pytest.raises(GraderError) as caught:
        Repository(working.place).before(base, working.commit())
    assert worded(caught.value.message) == "no_history"


def test_a_change_with_more_notebooks_than_anybody_hands_in_is_cut_and_said(
    working: Working,
) -> None:
    base = working.commit()
    for number in range(NOTEBOOKS + 3):
        working.write(f"many/{number}.ipynb", SOUND)
    found, folder = over(working, base, working.commit())
    assert len(found.notebooks) == len(names_below(folder)) == NOTEBOOKS
    assert [worded(one) for one in found.refused] == ["too_many"]


def test_a_commit_that_names_more_files_than_there_are_atoms_is_refused(working: Working) -> None:
    """Each of eighty trees holds the one before it ten times: some kilobytes, and no end."""
    base, blob = working.commit(), working.blob(SOUND)
    tree = working.subtree(("100644", b"x.ipynb", blob))
    for _ in range(80):
        tree = working.subtree(*(("40000", b"%d" % place, tree) for place in range(10)))
    head = working.git("commit-tree", "-m", "x", "-p", base, tree)
    with pytest.raises(GraderError) as caught:
        over(working, base, head)
    assert worded(caught.value.message) == "git_too_much"


def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(GraderError) as caught:
        bounded(["sleep", "600"], {"PATH": "/usr/bin:/bin"}, "fetch", seconds=0.01)
    assert worded(caught.value.message) == "git_too_long"


def test_what_it_started_is_ended_with_it() -> None:
    """As the program that talks to the network for a fetch: it holds the pipe that is read."""
    line = ["sh", "-c", "sleep 600 & wait"]
    with pytest.raises(GraderError) as caught:
        bounded(line, {"PATH": "/usr/bin:/bin"}, "fetch", seconds=0.5)
    assert worded(caught.value.message) == "git_too_long"


def test_one_content_under_many_names_takes_no_more_than_one_persons_part(working: Working) -> None:
    base, large = working.commit(), SOUND + b" " * 2**20
    for number in range(5):
        working.write(f"{number}.ipynb", large)
    head, folder = working.commit(), working.place.parent / "handed-in"
    folder.mkdir()
    found = hand_over(Repository(working.place), base, head, folder, most=3 * len(large))
    assert found.notebooks == ("0.ipynb", "1.ipynb", "2.ipynb")
    assert names_below(folder) == set(found.notebooks)
    assert [worded(one) for one in found.refused] == ["too_large_together"]
    assert found.size == 3 * len(large)
