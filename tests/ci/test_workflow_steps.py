"""The other scripts of the workflows, run as they stand in their files."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import xmlschema

from grader.record.signing import make_key
from tests.support.cli_help import ROOT
from tests.support.fake_api import FakeApi, pull
from tests.support.notebook_files import notebook, raw
from tests.support.repositories import HOSTILE, Working
from tests.support.workflows import (
    ACTION,
    EXAMPLES,
    WORKFLOWS,
    loaded,
    programs,
    run_script,
    run_step,
    skip_without_full_isolation,
    steps,
)

PULL = EXAMPLES / "github-pull-request.yml"
COMMENT, OFFICIAL = EXAMPLES / "github-comment.yml", EXAMPLES / "github-official.yml"
NIGHTLY, GPU = EXAMPLES / "github-nightly.yml", EXAMPLES / "github-gpu.yml"
GITLAB = EXAMPLES / "gitlab-ci.yml"
SOUND = ROOT / "reference/sequence-prediction/submissions/accepted/textbook.ipynb"
PLACE = "assignments/sequence-prediction/sequence-prediction.ipynb"
UNREAD = b'{"nbformat": 2}'
# What each script is told to a program that stands in for another.
NOTED = 'printf "%s\\n" "$0 $*" >> "$NOTES"'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "job"
    made.mkdir()
    return made


class TestInstalling:
    @pytest.mark.parametrize(
        "path",
        [
            one
            for one in [ACTION, *WORKFLOWS]
            if any("pip install" in s.get("run", "") for s in steps(one))
        ],
        ids=lambda path: path.stem,
    )
    @pytest.mark.parametrize("there", [True, False], ids=["rooms there", "rooms missing"])
    def test_only_what_grading_needs_with_hashes_and_rooms(
        self, place: Path, path: Path, there: bool
    ) -> None:
        notes = place.parent / "notes"
        names = {"python": NOTED, "sudo": NOTED} | ({"bwrap": "exit 0"} if there else {})
        search = f"{programs(place.parent / 'bin', **names)}"
        if not there:  # nothing of this machine's is found but what the script itself needs
            for name in ("bash", "sh", "env"):
                (place.parent / "bin" / name).symlink_to(str(shutil.which(name)))
            search = str(place.parent / "bin")
        name = next(one["name"] for one in steps(path) if "pip install" in one.get("run", ""))
        given = {"github.action_path": str(ROOT)}
        done = run_step(path, name, given, place, PATH=search, NOTES=str(notes))
        assert done.returncode == 0, done.stderr
        said = notes.read_text("utf-8").splitlines()
        first, second = (line for line in said if "pip install" in line)
        assert "--require-hashes -r " in first
        assert first.endswith("requirements/ci.txt")
        assert {"--no-deps", "--no-build-isolation"} <= set(second.split())
        asked = any("bubblewrap" in line for line in said)
        assert asked is (path != ACTION or not there)

    def test_packages_are_kept_under_what_they_are(self, place: Path) -> None:
        given = {
            "github.action_path": str(ROOT),
            "inputs.python": "3.12",
            "runner.os": "Linux",
            "runner.arch": "X64",
        }
        out = place / "output"
        done = run_step(ACTION, "Name the packages", given, place, GITHUB_OUTPUT=str(out))
        assert done.returncode == 0, done.stderr
        digest = hashlib.sha256((ROOT / "requirements/ci.txt").read_bytes()).hexdigest()[:32]
        assert out.read_text("utf-8") == f"key=grader-Linux-X64-3.12-{digest}\n"


class TestTheKernel:
    NAME = "Build the kernel for recurrent layers"

    def test_what_failed_is_said_and_the_job_goes_on(self, place: Path) -> None:
        search = programs(place.parent / "bin", grader="echo a fault of the grader >&2; exit 3")
        done = run_step(ACTION, self.NAME, {}, place, PATH=search)
        assert done.returncode == 0
        assert "a fault of the grader" in done.stderr
        (warning,) = done.stdout.splitlines()
        assert warning.startswith("::warning title=")
        assert "grader prepare --kernel ended with code 3" in warning

    def test_where_nothing_failed_nothing_is_added(self, place: Path) -> None:
        search = programs(place.parent / "bin", grader="echo no compiler here")
        done = run_step(ACTION, self.NAME, {}, place, PATH=search)
        assert (done.returncode, done.stdout) == (0, "no compiler here\n")


class TestPages:
    def test_the_jobs_page_links_them(self, place: Path) -> None:
        url = "https://github.com/o/r/actions/runs/1/artifacts/2"
        summary = place / "summary.md"
        given = {"steps.pages.outputs.artifact-url": url}
        done = run_step(PULL, "Link the pages", given, place, GITHUB_STEP_SUMMARY=str(summary))
        assert done.returncode == 0, done.stderr
        assert f"]({url})" in summary.read_text("utf-8")


class TestPosting:
    def post(self, place: Path, listed: str) -> list[str]:
        notes = place.parent / "notes"
        gh = f'{NOTED}\nif [ "$2" = list ]; then printf "%s\\n" "{listed}"; fi'
        given = {
            "github.token": "t",
            "github.repository": "course/assignments",
            "github.event.workflow_run.head_sha": "a" * 40,
        }
        path = programs(place.parent / "bin", gh=gh)
        done = run_step(COMMENT, "Post it", given, place, PATH=path, NOTES=str(notes))
        assert done.returncode == 0, done.stderr
        return [line.partition(" ")[2] for line in notes.read_text("utf-8").splitlines()]

    def test_the_comment_goes_to_the_pull_request_of_that_commit(self, place: Path) -> None:
        _, comment = self.post(place, "7")
        assert comment == "pr comment 7 --body-file comment.md --edit-last --create-if-none"

    def test_one_that_has_moved_on_gets_none(self, place: Path) -> None:
        (asked,) = self.post(place, "")
        assert asked.startswith("pr list")


class TestSecrets:
    @pytest.mark.parametrize("path", [OFFICIAL, NIGHTLY, GPU], ids=lambda path: path.stem)
    def test_they_are_files_of_the_job_alone_and_in_no_environment_of_the_grader(
        self, place: Path, path: Path
    ) -> None:
        search = programs(place.parent / "bin", grader='env > "$NOTES"; printf "%s\\n" "$@"')
        given = {
            "secrets.COURSE_SECRET": "words of the course",
            "secrets.SIGNING_KEY": "words of the key",
            "secrets.STUDENTS_TOKEN": "token",
            "runner.temp": str(place),
            "github.workspace": str(ROOT),
            "inputs.folder": "--out=/etc",
        }
        notes = place.parent / "notes"
        more = {"STUDENTS": "course/assignments", "NOTES": str(notes), "PATH": search}
        done = run_step(path, "Grade", given, place, **more)
        assert done.returncode == 0, done.stderr
        secret = place / "course-secret"
        assert secret.read_text("utf-8") == "words of the course"
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert "words of" not in notes.read_text("utf-8")
        arguments = done.stdout.splitlines()
        assert "--isolation=full" in arguments
        if path == GPU:  # a folder stays one, whatever it is called
            assert arguments[-2:] == ["--", "--out=/etc"]


# --- without GitHub, from the script to the comment ----------------------------------------------


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as made:
        yield made


def rows(comment: str) -> list[str]:
    """The table of a comment, without its head."""
    return [line for line in comment.splitlines() if re.match(r"\| (?!---)", line)][1:]


@pytest.mark.real
def test_the_official_step_grades_a_good_a_bad_and_a_hostile_pull_request(
    api: FakeApi, place: Path
) -> None:
    """And one that edits grader, expectations and workflow gets what the same work gets without."""
    skip_without_full_isolation()
    name = loaded(OFFICIAL)["env"]["STUDENTS"]
    work = Working(place.parent / "students")
    work.write(PLACE, raw(notebook("# your code here")))
    base = work.commit()
    good = SOUND.read_bytes()
    tampered = {
        ".github/workflows/official.yml": b"on: pull_request_target\n",
        "grader/score/score.py": b"raise SystemExit('ran')",
        "reference/sequence-prediction/expected.json": b'{"threshold": 1e9}',
        "assignments/sequence-prediction/exercise.toml": b"[points]\nruns = 100\n",
        "course.toml": b'language = "ko"\n',
        "grades/results/x/record.json": b"{}",
        "sitecustomize.py": b"open('/tmp/pwned-by-import', 'w')",
    }
    for number, (login, files) in enumerate(
        {
            "kim": {PLACE: good},
            "lee": {PLACE: UNREAD},
            "mallory": dict.fromkeys(HOSTILE, UNREAD),
            "nina": {**tampered, PLACE: good},
        }.items(),
        start=1,
    ):
        work.git("checkout", "-q", "-b", login, base)
        for path, content in files.items():
            work.write(path, content)
        api.pulls.append(pull(number, login, base, work.commit()))
    server = place.parent / "server"
    work.git("clone", "-q", "--bare", ".", str(server / f"{name}.git"))
    make_key(place / "signing-key")
    given = {
        "secrets.COURSE_SECRET": "00" * 32,
        "secrets.SIGNING_KEY": (place / "signing-key").read_text("utf-8"),
        "secrets.STUDENTS_TOKEN": "token",
        "runner.temp": str(place),
        "github.workspace": str(ROOT),
    }
    done = run_step(
        *(OFFICIAL, "Grade", given, place),
        GITHUB_API_URL=api.root,
        GITHUB_SERVER_URL=server.as_uri(),
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_NAME="schedule",
        GITHUB_EVENT_PATH="",
        GITHUB_STEP_SUMMARY=str(place / "summary.md"),
        STUDENTS=name,
        PYTHONPATH=str(ROOT),
        LC_ALL="C.UTF-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kim, lee, mallory, nina = api.comments.values()
    assert "| 100 |" in rows(kim)[0]
    assert "| 0 |" in rows(lee)[0]
    assert rows(nina) == [row.replace("kim", "nina") for row in rows(kim)]
    assert {row.split("|")[1] for row in rows(mallory)} == {" mallory "}
    assert "| 100 |" not in mallory
    assert len(list((place / "grades/signed").glob("*.json"))) >= 4
    assert not Path("/tmp/pwned-by-import").exists()
    assert not list(place.parent.rglob("pwned"))


@pytest.mark.real
def test_gitlabs_script_makes_the_reports_that_the_job_keeps(place: Path) -> None:
    student = Working(place.parent / "project")
    (student.place / "assignments").mkdir()
    theirs = "assignments/sequence-prediction/exercise.toml"
    student.write(theirs, (ROOT / theirs).read_bytes())
    student.write("reports/junit.xml", b"<forged/>")
    base = student.commit()
    student.write(theirs, b"[broken")  # as it is in the change: nobody reads it
    student.write(PLACE, UNREAD)
    student.write("sitecustomize.py", b"open('pwned', 'w')")
    head = student.commit()
    (job,) = [one for one in loaded(GITLAB).values() if isinstance(one, dict) and "script" in one]
    done = run_script(
        "\n".join(job["script"]),
        student.place,
        GITLAB_CI="true",
        CI_PIPELINE_SOURCE="merge_request_event",
        CI_PROJECT_DIR=str(student.place),
        CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
        CI_COMMIT_SHA=head,
        GITLAB_USER_LOGIN="kim",
        GIT_TEST_ASSUME_DIFFERENT_OWNER="1",  # root fetched it, and the image runs as somebody else
        TMPDIR=str(place),
        PYTHONPATH=str(ROOT),
        LC_ALL="C.UTF-8",
        **job["variables"],
    )
    assert done.returncode == 1, done.stdout + done.stderr
    schema = xmlschema.XMLSchema(Path(__file__).parent / "data" / "junit-10.xsd")
    found = job["artifacts"]["reports"]
    report = student.place / found["junit"]
    schema.validate(str(report))
    assert "kim" in report.read_text("utf-8")
    (finding,) = json.loads((student.place / found["codequality"]).read_text("utf-8"))
    assert finding["location"]["path"] == PLACE
    assert [path.suffix for path in (student.place / job["artifacts"]["paths"][0]).iterdir()]
    assert not list(place.parent.rglob("pwned"))
