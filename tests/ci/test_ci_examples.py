"""The workflows and the action: what they may do, whose files they trust, what names do to them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unicodedata import east_asian_width

import pytest

from tests.support.cli_help import ROOT
from tests.support.notebook_files import notebook, raw
from tests.support.repositories import HOSTILE, Working
from tests.support.workflows import (
    ACTION,
    EXAMPLES,
    EXPRESSION,
    WORKFLOWS,
    jobs,
    loaded,
    programs,
    run_step,
    skip_without_full_isolation,
    step,
    steps,
    triggers,
)

PULL = EXAMPLES / "github-pull-request.yml"
COMMENT = EXAMPLES / "github-comment.yml"
OFFICIAL = EXAMPLES / "github-official.yml"
GITLAB = EXAMPLES / "gitlab-ci.yml"
OF_THE_COURSE = "./course/.github/grader"
PINNED = re.compile(r"(?P<action>[\w-]+/[\w/-]+)@(?P<commit>[0-9a-f]{40})")
COURSE = EXAMPLES / "github-course.yml"
PUSHED = EXAMPLES / "github-pushed.yml"
COMMENTING = (COMMENT, PUSHED)
OFFICIALLY = [one for one in WORKFLOWS if one not in (PULL, COMMENT, COURSE)]  # with secrets


def of_a_file(path: Path) -> str:
    return path.stem


every = pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=of_a_file)
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=of_a_file)


class TestEveryOne:
    @every
    def test_no_expression_stands_in_a_script(self, path: Path) -> None:
        scripts = [one["run"] for one in steps(path) if "run" in one]
        assert scripts
        assert not [script for script in scripts if EXPRESSION.search(script)]

    @every
    def test_actions_are_pinned_to_commits_and_say_which_version_that_is(self, path: Path) -> None:
        used = [
            one["uses"] for one in steps(path) if "uses" in one and one["uses"] != OF_THE_COURSE
        ]
        assert used
        assert all(PINNED.fullmatch(one) for one in used), used
        text = path.read_text("utf-8")
        assert all(re.search(rf"{re.escape(one)} # v\d+\.\d+\.\d+\n", text) for one in used)

    def test_the_same_action_has_the_same_commit_everywhere(self) -> None:
        found: dict[str, set[str]] = {}
        for path in (ACTION, *WORKFLOWS):
            for match in PINNED.finditer(path.read_text("utf-8")):
                found.setdefault(match["action"].split("/")[1], set()).add(match["commit"])
        assert {name: commits for name, commits in found.items() if len(commits) > 1} == {}

    @every_workflow
    def test_it_never_runs_in_the_targets_context_with_foreign_code(self, path: Path) -> None:
        assert "pull_request_target" not in triggers(path)
        if "workflow_run" in triggers(path):
            assert not [one for one in steps(path) if "checkout" in one.get("uses", "")]

    @every_workflow
    def test_nothing_is_allowed_first_and_no_job_runs_for_ever(self, path: Path) -> None:
        assert loaded(path)["permissions"] == {}
        assert all(job["permissions"] and job["timeout-minutes"] for job in jobs(path))
        written = [
            name for job in jobs(path) for name, may in job["permissions"].items() if may == "write"
        ]
        assert written == (["pull-requests"] if path in COMMENTING else [])

    @every_workflow
    def test_a_superseded_run_is_said_to_be_one(self, path: Path) -> None:
        told = loaded(path)["concurrency"]
        assert told["cancel-in-progress"] is (path in (PULL, *COMMENTING, COURSE))

    @every_workflow
    def test_no_checkout_leaves_a_token_behind(self, path: Path) -> None:
        found = [one["with"] for one in steps(path) if "checkout" in one.get("uses", "")]
        assert all(one["persist-credentials"] is False for one in found)

    @pytest.mark.parametrize("path", [ACTION, PULL, COMMENT, COURSE], ids=of_a_file)
    def test_no_secret_is_named_where_a_pull_requests_files_are(self, path: Path) -> None:
        assert not re.search(r"\bsecrets\b\s*[.\[]", path.read_text("utf-8"))

    @pytest.mark.parametrize("path", OFFICIALLY, ids=of_a_file)
    def test_a_secret_is_nowhere_but_in_the_step_that_needs_it_and_not_in_a_job_of_a_pull_request(
        self, path: Path
    ) -> None:
        started_by = {"workflow_run"} & triggers(path) if path == PUSHED else set()
        others = {"pull_request", "pull_request_target", "workflow_run", "push"} - started_by
        assert not triggers(path) & others
        for one in steps(path):
            wanted = {"Grade": r"COURSE_SECRET|SIGNING_KEY|STUDENTS_TOKEN"}
            wanted |= {"Get the course and the grader": "COURSE_KEY"} if path == PUSHED else {}
            named = re.findall(r"secrets\.(\w+)", str(one))
            allowed = wanted.get(one.get("name", ""), "$^")
            assert not [name for name in named if not re.fullmatch(allowed, name)], one
        assert all(job["environment"] == "grading" for job in jobs(path))

    def test_code_of_a_pull_request_runs_in_a_private_repository_alone(self) -> None:
        (job,) = jobs(COURSE)
        assert job["if"] == "${{ github.event.repository.private }}"
        assert job["permissions"] == {"contents": "read"}

    def test_a_machine_of_ones_own_is_for_private_repositories_and_one_job(self) -> None:
        (job,) = jobs(EXAMPLES / "github-gpu.yml")
        assert job["if"] == "${{ github.event.repository.private }}"
        assert {"self-hosted", "ephemeral"} <= set(job["runs-on"])

    @pytest.mark.parametrize("name", ["github-workflows", "gitlab-ci", "github-actions"])
    def test_the_schema_of_the_platform_accepts_it(self, name: str) -> None:
        paths = {"github-workflows": WORKFLOWS, "gitlab-ci": [GITLAB], "github-actions": [ACTION]}
        line = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}"]
        done = subprocess.run(
            [*line, *map(str, paths[name])], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_nothing_is_found_by_who_looks_for_what_a_workflow_lets_strangers_do(self) -> None:
        there = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        program = shutil.which("zizmor", path=there)
        assert program is not None
        line = [program, "--offline", "--quiet"]
        done = subprocess.run(
            [*line, *map(str, (ACTION, *WORKFLOWS))], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @every_workflow
    def test_each_thing_that_is_not_to_be_found_has_its_reason_above_it(self, path: Path) -> None:
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            if "zizmor: ignore" in line:
                above = lines[max(0, number - 3) : number]
                assert any(one.strip().startswith("#") for one in above), line


class TestWhatIsTrusted:
    def test_exercises_and_grader_come_from_the_branch_that_is_not_the_changes(self) -> None:
        student, course = (one["with"] for one in steps(PULL) if "checkout" in one.get("uses", ""))
        assert "repository" not in student
        assert "repository" not in course
        assert course["ref"] == "${{ github.event.repository.default_branch }}"
        places = [Path(one["path"]) for one in (student, course)]
        assert not any(a == b or a in b.parents for a in places for b in places if a is not b)

    def test_pages_and_plain_tables_alone_are_uploaded(self) -> None:
        paths = [one["with"]["path"] for one in steps(PULL) if "upload" in one.get("uses", "")]
        assert [path.rpartition("}}")[2] for path in paths] == [
            *("/handed-in", "/grades/feedback", "/reports/comment.txt")
        ]

    @pytest.mark.parametrize("path", COMMENTING, ids=of_a_file)
    def test_what_comes_afterwards_waits_for_the_workflow_that_checks(self, path: Path) -> None:
        assert loaded(path)[True]["workflow_run"]["workflows"] == [loaded(PULL)["name"]]

    def test_every_script_of_the_action_runs_away_from_the_checkout(self) -> None:
        for one in steps(ACTION):
            if re.search(r"^\s*(python|grader|pip) ", one.get("run", ""), re.MULTILINE):
                assert one["working-directory"] == "${{ runner.temp }}"
                assert one["env"]["PYTHONSAFEPATH"] == "1"


class Job:
    """The action's grading step in a job on GitHub: a student's repository, a temporary folder."""

    def __init__(self, tmp_path: Path) -> None:
        self.student, self.temp = Working(tmp_path / "submission"), tmp_path / "temp"
        self.temp.mkdir()
        self.student.write("untouched.ipynb", raw(notebook("x = 1")))
        self.base = self.student.commit()

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        head = self.student.git("rev-parse", "HEAD")
        inputs = {
            name: str(one.get("default", "")) for name, one in loaded(ACTION)["inputs"].items()
        }
        inputs |= {"repository": str(self.student.place), "language": "en"}
        given = {f"inputs.{name}": more.pop(name, value) for name, value in inputs.items()}
        given |= {"github.action_path": str(ROOT), "runner.temp": str(self.temp)}
        event = self.temp.parent / "event.json"
        event.write_text(
            f'{{"pull_request": {{"base": {{"sha": "{self.base}"}}, "head": {{"sha": "{head}"}},'
            ' "user": {"login": "kim"}}}'
        )
        return run_step(
            *(ACTION, "Grade", given, self.temp),
            GITHUB_ACTIONS="true",
            GITHUB_EVENT_NAME="pull_request",
            GITHUB_EVENT_PATH=str(event),
            GITHUB_STEP_SUMMARY=str(self.temp / "summary.md"),
            GITHUB_OUTPUT=str(self.temp / "output"),
            LC_ALL="C.UTF-8",
            **more,
        )

    def outputs(self) -> dict[str, str]:
        lines = (self.temp / "output").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def stand_in(job: Job, code: int = 0) -> str:
    """A grader that notes what it was asked, and the search path that finds it."""
    script = f'printf "%s\\n" "$@" > asked\nexit {code}'
    return programs(job.temp.parent / "bin", grader=script)


class TestTheActionsScript:
    @pytest.mark.parametrize("code", [0, 1, 3])
    def test_the_graders_code_is_the_steps_and_an_output(self, job: Job, code: int) -> None:
        done = job.run(PATH=stand_in(job, code))
        assert done.returncode == code, done.stderr
        assert job.outputs()["code"] == str(code)

    @pytest.mark.parametrize("name", [*HOSTILE, "$(id)", "--out=/etc"])
    def test_a_name_stays_one_argument(self, job: Job, name: str) -> None:
        job.run(PATH=stand_in(job), student=name)
        asked = (job.temp / "asked").read_text("utf-8")
        assert f"--student={name}\n" in asked
        assert not list(job.temp.parent.rglob("pwned"))

    def test_what_is_not_said_is_left_to_the_grader(self, job: Job) -> None:
        job.run(PATH=stand_in(job), language="")
        asked = (job.temp / "asked").read_text("utf-8")
        assert not re.search(r"--(student|lang|cache|public)", asked)
        assert "--isolation=full" in asked

    def test_public_checks_are_asked_for(self, job: Job) -> None:
        job.run(PATH=stand_in(job), public="true")
        assert "--public\n" in (job.temp / "asked").read_text("utf-8")

    def test_the_grader_has_every_option_that_the_scripts_name(self) -> None:
        said = subprocess.run(
            [sys.executable, "-m", "grader", "ci", "--help"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        programs = [*(ROOT / "grader/authoring/bundles").glob("_*"), GITLAB]
        scripts = [
            one["run"] for path in (ACTION, *WORKFLOWS) for one in steps(path) if "run" in one
        ]
        scripts += [path.read_text("utf-8") for path in programs if path.is_file()]
        asked = {
            option
            for script in scripts
            if "grader ci" in script or '"grader", "ci"' in script or "arguments" in script
            for option in re.findall(r"[\"'\s(](--[a-z][a-z-]+)", script)
        }
        pips = {"--quiet", "--require-hashes", "--max-parents", "--first-parent"}
        pips |= {"--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--format"}
        unknown = {one for one in asked - pips if one not in said and not one.startswith("--no-")}
        assert unknown == set()


@pytest.mark.real
def test_the_action_grades_and_fails_with_a_readable_summary(job: Job) -> None:
    skip_without_full_isolation()
    for name in HOSTILE:
        job.student.write(name, b'{"nbformat": 2}')
    for trap in ("typer", "grader", "numpy", "sitecustomize", "json"):
        job.student.write(f"{trap}.py", b"open('/tmp/pwned-by-import', 'w')")
    job.student.write("mine/sequence-prediction.ipynb", (ROOT / SOUND).read_bytes())
    (job.student.place / "link.ipynb").symlink_to("/etc/passwd")
    job.student.write(BAD, b'{"nbformat": 2}')
    job.student.commit()
    done = job.run(PYTHONPATH=str(ROOT))
    assert done.returncode == 1, done.stderr
    assert "✓ The structure is right." in done.stdout
    assert "::notice file=mine/sequence-prediction.ipynb" in done.stdout
    assert f"::error file={BAD}," in done.stdout
    assert "root:" not in done.stdout + done.stderr
    summary = (job.temp / "summary.md").read_text("utf-8")
    assert summary.count("| kim |") == 2
    assert not Path("/tmp/pwned-by-import").exists()
    assert not list(job.temp.parent.rglob("pwned"))


BAD = "assignments/multiplication-lstm/multiplication-lstm.ipynb"
SOUND = "reference/sequence-prediction/submissions/accepted/textbook.ipynb"


RUN = "https://github.com/course/assignments/actions/runs/1"


class TestComment:
    def write(self, tmp_path: Path, content: bytes | Path) -> int:
        """Run the step on an artifact with this content, or with a link to that place."""
        table = tmp_path / "untrusted" / "comment.txt"
        table.parent.mkdir()
        table.symlink_to(content) if isinstance(content, Path) else table.write_bytes(content)
        given = {"github.event.workflow_run.html_url": RUN}
        return run_step(COMMENT, "Write the comment", given, tmp_path).returncode

    def test_it_may_comment_and_read_the_artifact_and_nothing_else(self) -> None:
        (job,) = jobs(COMMENT)
        assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
        assert triggers(COMMENT) == {"workflow_run"}

    def test_nothing_in_the_artifact_comes_to_life(self, tmp_path: Path) -> None:
        hostile = "ok\n```\n@everyone ![x](http://evil)\n</pre><img src=x>\n\x1b[31m\u202ered\n"
        assert self.write(tmp_path, hostile.encode() + b"\xff\xfe\n") == 0
        text = (tmp_path / "comment.md").read_text(encoding="utf-8")
        korean, _, english, empty, *lines = text.splitlines()
        assert english.startswith("What this pull request's own run says")
        assert korean.endswith(f"({RUN}#artifacts)")
        assert english.endswith(f"({RUN}#artifacts)")
        assert empty == ""
        assert all(line.startswith("    ") for line in lines)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", "".join(lines))

    def test_on_a_phone_no_line_runs_out_in_either_language(self, tmp_path: Path) -> None:
        """A code block is not broken by whoever shows it; a Korean letter is two columns wide."""
        told = [f"kim · {word * 12}: {word * 30}" for word in ("하루 뒤 기온 ", "the day after ")]
        assert self.write(tmp_path, "\n".join([*told, "가" * 200, "x" * 200]).encode()) == 0
        lines = (tmp_path / "comment.md").read_text("utf-8").splitlines()[4:]
        wide = [sum(2 if east_asian_width(one) in "WF" else 1 for one in line) for line in lines]
        assert max(wide) <= 4 + 42
        said = "".join(line.strip() for line in lines).replace(" ", "")
        assert said == "".join([*told, "가" * 200, "x" * 200]).replace(" ", "")

    def test_a_huge_artifact_is_cut_to_what_a_comment_may_hold(self, tmp_path: Path) -> None:
        assert self.write(tmp_path, b"x" * 99 + b"\n" + b"y\n" * 10**6) == 0
        assert (tmp_path / "comment.md").stat().st_size < 60_000

    def test_a_link_in_the_artifact_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "other").write_text("secret", encoding="utf-8")
        assert self.write(tmp_path, tmp_path / "other") != 0
        assert not (tmp_path / "comment.md").exists()

    def test_its_head_comes_from_github_and_not_from_the_artifact(self) -> None:
        found = step(COMMENT, "Post it")
        assert found["env"]["HEAD_SHA"] == "${{ github.event.workflow_run.head_sha }}"
