"""The example workflows: what they may do, whose files they trust, what a file name can do to them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cli_help import ROOT
from tests.support.notebook_files import notebook, write

EXAMPLES = ROOT / "docs" / "examples"
GRADE, COMMENT = EXAMPLES / "grade-pull-request.yml", EXAMPLES / "comment-from-artifact.yml"
EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
HOSTILE = (
    "$(touch pwned).ipynb",
    "`touch pwned`.ipynb",
    "; touch pwned; .ipynb",
    "a\ntouch pwned\n.ipynb",
    "--out=pwned.ipynb",
    "-rf.ipynb",
    "' \" \\ *.ipynb",
    "김민준/sequence-prediction.ipynb",
)


def workflow(path: Path) -> dict[Any, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def triggers(path: Path) -> set[str]:
    return set(workflow(path)[True])  # YAML reads the key "on" as a truth


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(workflow(path)["jobs"].values())


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(path):
        yield from job["steps"]


def step(path: Path, identifier: str) -> dict[str, Any]:
    return next(one for one in steps(path) if one.get("id") == identifier)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yml")), ids=lambda path: path.stem)
class TestEveryWorkflow:
    def test_no_expression_stands_in_a_script(self, path: Path) -> None:
        scripts = [one["run"] for one in steps(path) if "run" in one]
        assert scripts
        assert not [script for script in scripts if EXPRESSION.search(script)]

    def test_actions_are_pinned_to_commits(self, path: Path) -> None:
        used = [one["uses"] for one in steps(path) if "uses" in one]
        assert used
        assert all(PINNED.fullmatch(one) for one in used), used

    def test_it_never_runs_in_the_targets_context_with_foreign_code(self, path: Path) -> None:
        assert "pull_request_target" not in triggers(path)

    def test_no_secret_is_named(self, path: Path) -> None:
        assert not re.search(r"\bsecrets\b\s*[.\[]", path.read_text(encoding="utf-8"))

    def test_permissions_are_said_and_no_job_runs_for_ever(self, path: Path) -> None:
        assert workflow(path)["permissions"] in ({}, {"contents": "read"})
        assert all(job["timeout-minutes"] <= 120 for job in jobs(path))


class TestGrading:
    def test_it_may_read_and_nothing_else(self) -> None:
        assert workflow(GRADE)["permissions"] == {"contents": "read"}
        assert all("permissions" not in job for job in jobs(GRADE))
        assert triggers(GRADE) == {"pull_request"}

    def test_no_checkout_leaves_a_token_behind(self) -> None:
        found = [one["with"] for one in steps(GRADE) if "checkout" in one.get("uses", "")]
        assert len(found) == 2
        assert all(one["persist-credentials"] is False for one in found)

    def test_the_graders_side_is_another_repository_at_a_commit_outside_the_students_tree(
        self,
    ) -> None:
        student, teacher = (
            one["with"] for one in steps(GRADE) if "checkout" in one.get("uses", "")
        )
        assert "repository" not in student
        assert teacher["repository"] == "${{ env.COURSE }}"
        assert teacher["ref"] == "${{ env.COMMIT }}"
        assert re.fullmatch(r"[0-9a-f]{40}", workflow(GRADE)["env"]["COMMIT"])
        places = [Path(one["path"]) for one in (student, teacher)]
        assert not any(a == b or a in b.parents for a in places for b in places if a is not b)

    def test_what_is_installed_and_asked_comes_from_the_graders_side(self) -> None:
        (install,) = [one for one in steps(GRADE) if "pip install" in one.get("run", "")]
        assert install["working-directory"] == "instructor"
        assert step(GRADE, "grade")["env"]["GRADER_COURSE"].endswith("/instructor")

    def test_solutions_lie_beside_students_so_rooms_must_be_closed(self) -> None:
        assert "--isolation full" in step(GRADE, "grade")["run"]

    def test_only_feedback_and_the_table_are_uploaded(self) -> None:
        paths = [one["with"]["path"] for one in steps(GRADE) if "upload" in one.get("uses", "")]
        assert [path.rpartition("}}")[2] for path in paths] == [
            "/grades/feedback",
            "/comment/comment.txt",
        ]


class Repository:
    """A pull request: what was there before, and what it changed."""

    def __init__(self, place: Path) -> None:
        self.place = place / "submission"
        self.temp = place / "temp"
        self.temp.mkdir()
        self.place.mkdir()
        self.git("init", "-q", "-b", "main")
        write(self.place / "untouched.ipynb")
        write(self.place / "removed.ipynb")
        write(self.place / "edited.ipynb")
        self.base = self.commit()

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=self.place,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        script = self.temp.parent / "script.sh"
        script.write_text(step(GRADE, "grade")["run"], encoding="utf-8")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.temp,
            env={
                **os.environ,
                "BASE": self.base,
                "SUBMISSION": str(self.place),
                "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
                "GRADER_COURSE": str(ROOT),
                "GRADER_SECRET_FILE": str(self.temp / "secret"),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return Repository(tmp_path)


def stand_in(repository: Repository, code: int = 0) -> str:
    """A grader that notes what it was asked, and the search path that finds it."""
    folder = repository.temp.parent / "bin"
    folder.mkdir()
    path = folder / "grader"
    path.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> asked\nmkdir -p grades/feedback\nexit {code}\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def handed_over(repository: Repository) -> set[str]:
    folder = repository.temp / "changed"
    return {
        str(one.relative_to(folder))
        for one in folder.rglob("*")
        if one.is_symlink() or not one.is_dir()
    }


class TestGradingScript:
    def test_the_changed_notebooks_are_handed_over_whatever_they_are_called(
        self, repository: Repository
    ) -> None:
        for name in HOSTILE:
            write(repository.place / name)
        write(repository.place / "edited.ipynb", notebook("x = 2"))
        (repository.place / "removed.ipynb").unlink()
        (repository.place / "notes.txt").write_text("no notebook", encoding="utf-8")
        repository.commit()
        done = repository.run(PATH=stand_in(repository))
        assert done.returncode == 0, done.stderr
        assert handed_over(repository) == {*HOSTILE, "edited.ipynb"}
        asked = (repository.temp / "asked").read_text(encoding="utf-8").split()
        assert asked[:4] == ["grade", "changed", "--out", "grades"]
        assert not list(repository.temp.parent.rglob("pwned"))

    def test_a_link_is_handed_over_as_a_link(self, repository: Repository) -> None:
        (repository.place / "link.ipynb").symlink_to("/etc/passwd")
        repository.commit()
        repository.run(PATH=stand_in(repository))
        assert (repository.temp / "changed" / "link.ipynb").is_symlink()

    def test_a_pull_request_without_notebooks_passes_and_says_so(
        self, repository: Repository
    ) -> None:
        (repository.place / "removed.ipynb").unlink()
        repository.commit()
        done = repository.run(PATH=stand_in(repository, code=2))
        assert done.returncode == 0
        assert "No notebook" in (repository.temp / "summary.md").read_text(encoding="utf-8")

    def test_the_graders_verdict_is_the_steps(self, repository: Repository) -> None:
        write(repository.place / "edited.ipynb", notebook("x = 2"))
        repository.commit()
        assert repository.run(PATH=stand_in(repository, code=1)).returncode == 1

    @pytest.mark.real
    def test_the_real_grader_fails_with_a_readable_summary(self, repository: Repository) -> None:
        from grader.room import open_room
        from grader.types import GraderError

        try:
            open_room("full")
        except GraderError:
            pytest.skip("no full isolation here")
        for name in HOSTILE:
            write(repository.place / name, {"nbformat": 2})
        (repository.place / "link.ipynb").symlink_to("/etc/passwd")
        repository.commit()
        here = Path(sys.executable).parent
        done = repository.run(PATH=f"{here}{os.pathsep}{os.environ['PATH']}", LC_ALL="C.UTF-8")
        assert done.returncode == 1, done.stderr
        assert done.stdout.count("::error file=") == len(HOSTILE) + 1
        assert "links are never followed" in done.stdout
        summary = (repository.temp / "summary.md").read_text(encoding="utf-8")
        assert f"0 of {len(HOSTILE) + 1} accepted" in summary
        assert (repository.temp / "comment" / "comment.txt").stat().st_size > 0
        assert not list(repository.temp.parent.rglob("pwned"))


class TestComment:
    def write(self, tmp_path: Path, content: bytes | Path) -> int:
        """Run the step on an artifact with this content, or with a link to that place."""
        table = tmp_path / "untrusted" / "comment.txt"
        table.parent.mkdir()
        table.symlink_to(content) if isinstance(content, Path) else table.write_bytes(content)
        script = step(COMMENT, "write")["run"]
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        return done.returncode

    def test_it_may_comment_and_read_the_artifact_and_nothing_else(self) -> None:
        (job,) = jobs(COMMENT)
        assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
        assert triggers(COMMENT) == {"workflow_run"}
        assert not [one for one in steps(COMMENT) if "checkout" in one.get("uses", "")]

    def test_it_waits_for_the_workflow_that_grades(self) -> None:
        assert workflow(COMMENT)[True]["workflow_run"]["workflows"] == [workflow(GRADE)["name"]]

    def test_nothing_in_the_artifact_comes_to_life(self, tmp_path: Path) -> None:
        hostile = "ok\n```\n@everyone ![x](http://evil)\n</pre><img src=x>\n\x1b[31m\u202ered\n"
        assert self.write(tmp_path, hostile.encode() + b"\xff\xfe\n") == 0
        said, empty, *lines = (tmp_path / "comment.md").read_text(encoding="utf-8").splitlines()
        assert said.startswith("What this pull request's own run says")
        assert empty == ""
        assert all(line.startswith("    ") for line in lines)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", "".join(lines))

    def test_a_huge_artifact_is_cut_to_what_a_comment_may_hold(self, tmp_path: Path) -> None:
        assert self.write(tmp_path, b"x" * 99 + b"\n" + b"y\n" * 10**6) == 0
        assert (tmp_path / "comment.md").stat().st_size < 60_000

    def test_a_link_in_the_artifact_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "other").write_text("secret", encoding="utf-8")
        assert self.write(tmp_path, tmp_path / "other") != 0
        assert not (tmp_path / "comment.md").exists()
