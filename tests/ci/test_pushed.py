"""The push way, without GitHub: from what a student's job packs to a signed grade and a comment."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from grader.record.signing import genuine, make_key
from tests.support.cli_help import ROOT
from tests.support.notebook_files import notebook, raw
from tests.support.repositories import HOSTILE, Working
from tests.support.workflows import (
    EXAMPLES,
    jobs,
    loaded,
    programs,
    run_step,
    skip_without_full_isolation,
    step,
)

PULL, PUSHED = EXAMPLES / "github-pull-request.yml", EXAMPLES / "github-pushed.yml"
PLACE = "assignments/sequence-prediction/sequence-prediction.ipynb"
UNREAD = b'{"nbformat": 2}'
HEAD = "a" * 40


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "job"
    made.mkdir()
    return made


def packed(place: Path, student: Working, base: str) -> list[str]:
    """Run the student's job's step; gives the names in the archive."""
    given = {
        "github.event.pull_request.base.sha": base,
        "github.event.pull_request.head.sha": student.git("rev-parse", "HEAD"),
        "github.workspace": str(student.place.parent),
    }
    done = run_step(PULL, "Pack what was handed in", given, place)
    assert done.returncode == 0, done.stderr
    archive = place / "handed-in" / "handed-in.zip"
    return zipfile.ZipFile(archive).namelist() if archive.is_file() else []


@pytest.fixture
def student(tmp_path: Path) -> Working:
    made = Working(tmp_path / "submission")
    made.write(PLACE, raw(notebook("# your code here")))
    made.write("other/untouched.ipynb", raw(notebook("# your code here")))
    made.commit()
    return made


class TestPacking:
    def test_what_was_changed_is_handed_in_under_its_name_and_nothing_else(
        self, place: Path, student: Working
    ) -> None:
        base = student.git("rev-parse", "HEAD")
        student.write(PLACE, UNREAD)
        student.write("README.md", b"changed")
        for name in HOSTILE:
            student.write(name, UNREAD)
        student.commit()
        found = {one for one in packed(place, student, base) if not one.endswith("/")}
        assert found == {PLACE, *HOSTILE}
        assert not list(place.parent.rglob("pwned"))

    def test_a_notebook_that_was_removed_is_nothing(self, place: Path, student: Working) -> None:
        base = student.git("rev-parse", "HEAD")
        student.git("rm", "-q", PLACE)
        student.commit()
        assert packed(place, student, base) == []


class TestWhose:
    def asked(self, place: Path) -> dict[str, str]:
        """What the step asks GitHub for, and answers."""
        answer = 'printf "%s\\n" "$*" > "$NOTES"; printf "number=7\\nstudent=kim\\n"'
        notes, out = place.parent / "notes", place.parent / "output"
        given = {
            "github.token": "t",
            "github.repository": "course/assignments",
            "github.event.workflow_run.head_repository.owner.login": "kim",
            "github.event.workflow_run.head_sha": HEAD,
        }
        path = programs(place.parent / "bin", gh=answer)
        done = run_step(
            *(PUSHED, "Find the pull request", given, place),
            PATH=path,
            NOTES=str(notes),
            GITHUB_OUTPUT=str(out),
        )
        assert done.returncode == 0, done.stderr
        lines = out.read_text("utf-8").splitlines()
        return {"query": notes.read_text("utf-8"), **dict(one.split("=", 1) for one in lines)}

    def test_it_is_the_author_of_the_pull_request_as_github_says(self, place: Path) -> None:
        found = self.asked(place)
        assert (found["number"], found["student"]) == ("7", "kim")

    def test_somebody_elses_commit_in_ones_own_fork_is_not_that_persons(self, place: Path) -> None:
        program = shutil.which("jq")
        if program is None:
            pytest.skip("needs jq")
        query = self.asked(place)["query"].partition("--jq ")[2]
        listed = [
            {"number": n, "headRefOid": HEAD, "headRepositoryOwner": {"login": who}}
            | {"author": {"login": who}, "isDraft": draft}
            for n, who, draft in [(9, "mallory", False), (8, "kim", True), (7, "kim", False)]
        ]
        done = subprocess.run(
            [program, "-r", query],
            input=json.dumps(listed),
            env={**os.environ, "HEAD_SHA": HEAD, "HEAD_OWNER": "kim"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == ["number=7", "student=kim"]


class TestTheCourse:
    def test_it_is_cloned_by_a_key_that_only_this_step_has(self, place: Path) -> None:
        notes = place.parent / "notes"
        script = (
            'printf "%s\\n" "$GIT_SSH_COMMAND" "$*" > "$NOTES"; cat course-key >> "$NOTES"; '
            'stat -c %a course-key >> "$NOTES"; env | grep -c COURSE_KEY >> "$NOTES"; mkdir course'
        )
        done = run_step(
            *(PUSHED, "Get the course and the grader", {"secrets.COURSE_KEY": "the key"}, place),
            PATH=programs(place.parent / "bin", git=script),
            NOTES=str(notes),
            COURSE="o/private",
        )
        assert done.returncode == 0, done.stderr
        ssh, asked, key, mode, left = notes.read_text("utf-8").splitlines()
        assert f"-i '{place}/course-key'" in ssh
        assert "StrictHostKeyChecking=yes" in ssh
        assert asked == "clone --quiet --depth=1 git@github.com:o/private.git course"
        assert (key, mode, left) == ("the key", "600", "0")
        assert not (place / "course-key").exists()
        assert (place / "known-hosts").read_text("utf-8").startswith("github.com ssh-ed25519 ")

    def test_nothing_of_the_pull_request_is_checked_out(self) -> None:
        (job,) = jobs(PUSHED)
        assert not [one for one in job["steps"] if "checkout" in one.get("uses", "")]
        assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
        assert job["environment"] == "grading"


@pytest.mark.real
def test_what_is_handed_in_gets_a_signed_grade_and_a_comment(place: Path, student: Working) -> None:
    """A second archive in the artifact, and files that would be run in a folder of their own."""
    skip_without_full_isolation()
    base = student.git("rev-parse", "HEAD")
    student.write(PLACE, UNREAD)
    student.commit()
    assert packed(place, student, base)
    untrusted = (place / "handed-in").rename(place / "untrusted")
    for trap in ("typer", "grader", "sitecustomize"):
        (untrusted / f"{trap}.py").write_text("open('/tmp/pwned-by-import', 'w')")
    public = make_key(place / "key-of-the-course")
    (place / "course").symlink_to(ROOT)
    given = {
        "secrets.COURSE_SECRET": "00" * 32,
        "secrets.SIGNING_KEY": (place / "key-of-the-course").read_text("utf-8"),
        "runner.temp": str(place),
        "steps.pull.outputs.student": "kim",
    }
    event = place.parent / "event.json"
    event.write_text('{"workflow_run": {}}')
    done = run_step(
        *(PUSHED, "Grade", given, place),
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_NAME="workflow_run",
        GITHUB_EVENT_PATH=str(event),
        GITHUB_STEP_SUMMARY=str(place / "summary.md"),
        PYTHONPATH=str(ROOT),
        LC_ALL="C.UTF-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert stat.S_IMODE((place / "signing-key").stat().st_mode) == 0o600
    comment = (place / "reports" / "comment.md").read_text("utf-8")
    assert re.search(r"\| kim \|.*\| 0 \|", comment)
    assert "This is advice" not in comment
    (record,) = (place / "grades" / "signed").glob("*.json")
    assert genuine(record.read_bytes(), public)["student"] == "kim"
    assert not Path("/tmp/pwned-by-import").exists()

    notes = place.parent / "notes"
    given = {"github.token": "t", "github.repository": "o/r", "steps.pull.outputs.number": "7"}
    gh = programs(place.parent / "bin", gh='printf "%s\\n" "$*" > "$NOTES"')
    done = run_step(PUSHED, "Post it", given, place, PATH=gh, NOTES=str(notes))
    assert done.returncode == 0, done.stderr
    assert notes.read_text("utf-8").startswith("pr comment 7 --body-file reports/comment.md")


def test_every_step_that_uses_the_artifact_waits_for_it() -> None:
    names = [one["name"] for one in jobs(PUSHED)[0]["steps"]]
    later = names[names.index("Get what was handed in") + 1 :]
    assert later
    assert all("steps.work.outcome == 'success'" in step(PUSHED, name)["if"] for name in later)
    assert loaded(PUSHED)["env"] == {"COURSE": "your-course/private"}
