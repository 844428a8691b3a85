"""A platform is a file in a folder: what happened, and how it is shown there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from grader.ci import platforms
from grader.ci.event import Event
from grader.ci.platforms import choose, load
from grader.ci.told import Told
from grader.text.words import Words
from grader.types import GraderError
from tests.support import builders as b
from tests.support.notebook_files import worded

FOLDER = Path(platforms.__file__).parent
OURS = sorted(one.stem for one in FOLDER.glob("[a-z]*.py"))
BASE, HEAD = "a" * 40, "b" * 40
# The parts of GitHub's events that are read, in the shape in which it sends them.
PULL = {
    "action": "synchronize",
    "number": 7,
    "pull_request": {
        "number": 7,
        "draft": False,
        "title": "$(touch pwned)",
        "created_at": "2026-09-01T09:00:00Z",
        "user": {"login": "kim", "id": 1},
        "base": {"ref": "main", "sha": BASE},
        "head": {"ref": "`touch pwned`", "sha": HEAD},
    },
    "sender": {"login": "teacher"},
}
GROUP = {"action": "checks_requested", "merge_group": {"base_sha": BASE, "head_sha": HEAD}}
PUSH = {"before": BASE, "after": HEAD, "sender": {"login": "kim"}}


def github(tmp_path: Path, kind: str, told: Any) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(told), "utf-8")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": kind,
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_SHA": HEAD,
    }


class TestTheFolder:
    def test_it_is_the_list(self) -> None:
        assert list(platforms.known()) == OURS
        assert {"forgejo", "github", "gitlab", "gradescope", "plain"} <= set(OURS)

    @pytest.mark.parametrize("name", OURS)
    def test_each_of_ours_is_one(self, name: str) -> None:
        assert load(name).name == name

    def test_an_unknown_one_is_answered_with_the_known(self) -> None:
        with pytest.raises(GraderError) as caught:
            load("jenkins")
        assert worded(caught.value.message) == "no_platform"
        assert "gitlab" in str(caught.value.message.args["known"])

    @pytest.mark.parametrize(
        ("source", "said"), [("", "event(environment)"), ("import no_such", "no_such")]
    )
    def test_a_file_that_is_none_is_named(
        self, source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = f"halfway{len(source)}"
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
        monkeypatch.setattr(platforms, "__path__", [*platforms.__path__, str(tmp_path)])
        with pytest.raises(GraderError) as caught:
            load(name)
        assert worded(caught.value.message) == "broken_module"
        assert said in str(caught.value.message.args["error"])


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "plain"),
        ({"CI": "true"}, "plain"),
        ({"GITHUB_ACTIONS": "true"}, "github"),
        ({"GITHUB_ACTIONS": "true", "FORGEJO_ACTIONS": "true"}, "forgejo"),
        ({"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true"}, "forgejo"),
        ({"GITLAB_CI": "true"}, "gitlab"),
    ],
)
def test_where_a_job_runs_is_seen(environment: dict[str, str], name: str) -> None:
    assert choose("auto", environment).name == name
    assert choose("plain", environment).name == "plain"


class TestGithubEvents:
    @pytest.mark.parametrize("kind", ["pull_request", "pull_request_target"])
    def test_a_pull_request_is_its_authors_whoever_started_it(
        self, tmp_path: Path, kind: str
    ) -> None:
        found = load("github").event(github(tmp_path, kind, PULL))
        assert found == Event(BASE, HEAD, "kim", handed_in="2026-09-01T09:00:00Z")

    def test_a_draft_is_one(self, tmp_path: Path) -> None:
        told = {**PULL, "pull_request": {**PULL["pull_request"], "draft": True}}  # type: ignore[dict-item]
        assert load("github").event(github(tmp_path, "pull_request", told)).draft

    def test_a_merge_group_is_of_several_authors(self, tmp_path: Path) -> None:
        found = load("github").event(github(tmp_path, "merge_group", GROUP))
        assert found == Event(BASE, HEAD)

    def test_a_push_is_whose_it_is_and_trusted(self, tmp_path: Path) -> None:
        found = load("github").event(github(tmp_path, "push", PUSH))
        assert found == Event(BASE, HEAD, "kim", trusted=True)

    def test_a_run_after_another_is_the_repositorys_own_and_no_mere_advice(
        self, tmp_path: Path
    ) -> None:
        found = load("github").event(github(tmp_path, "workflow_run", PULL))
        assert (found.unchanged, found.trusted, found.student) == (True, False, "")
        ran = {"workflow_run": {"created_at": "2026-11-28T10:00:00Z"}}  # when its head was pushed
        found = load("github").event(github(tmp_path, "workflow_run", ran))
        assert found.handed_in == "2026-11-28T10:00:00Z"

    @pytest.mark.parametrize("kind", ["pull_request", "pull_request_target", "merge_group", "fork"])
    def test_what_somebody_who_hands_in_can_start_is_not_trusted(
        self, tmp_path: Path, kind: str
    ) -> None:
        assert not load("github").event(github(tmp_path, kind, PULL)).trusted

    @pytest.mark.parametrize("told", [b"", b"[1]", b"{", None])
    def test_an_event_that_cannot_be_read_is_said(self, tmp_path: Path, told: bytes | None) -> None:
        environment = github(tmp_path, "push", {})
        path = Path(environment["GITHUB_EVENT_PATH"])
        path.unlink() if told is None else path.write_bytes(told)
        with pytest.raises(GraderError) as caught:
            load("github").event(environment)
        assert worded(caught.value.message) == "bad_event"

    @pytest.mark.parametrize("told", [{}, {"pull_request": 3}, {"pull_request": {"user": "kim"}}])
    def test_an_event_of_another_shape_names_nobody(self, tmp_path: Path, told: Any) -> None:
        assert load("github").event(github(tmp_path, "pull_request", told)) == Event()


class TestGitlabEvents:
    MERGE: ClassVar = {
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": BASE,
        "CI_COMMIT_SHA": "c" * 40,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
        "GITLAB_USER_LOGIN": "kim",
    }

    def test_a_merge_request(self) -> None:
        assert load("gitlab").event(self.MERGE) == Event(BASE, HEAD, "kim")

    def test_of_a_detached_pipeline_the_commit_is_the_head(self) -> None:
        given = {**self.MERGE, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": ""}
        assert load("gitlab").event(given).head == "c" * 40

    @pytest.mark.parametrize(("protected", "trusted"), [("true", True), ("false", False)])
    def test_a_push_is_trusted_where_only_teachers_push(
        self, protected: str, trusted: bool
    ) -> None:
        given = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_REF_PROTECTED": protected}
        assert load("gitlab").event(given).trusted is trusted


def test_gradescope_says_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    users = [{"email": "lee@x.org", "name": "Lee"}, {"email": "kim@x.org", "name": "Kim"}]
    path.write_text(json.dumps({"created_at": "2026-09-01T09:00:00Z", "users": users}))
    found = load("gradescope").event({"GRADESCOPE_METADATA": str(path)})
    assert found == Event(
        student="kim@x.org, lee@x.org", trusted=True, handed_in="2026-09-01T09:00:00Z"
    )


class TestLogs:
    def lines(self, name: str) -> list[str]:
        said: list[str] = []
        with load(name).part("Grading", said.append):
            said.append("::error::of a student")
        return said

    @pytest.mark.parametrize("name", ["github", "forgejo"])
    def test_nothing_is_obeyed_inside_until_a_word_that_nobody_can_guess(self, name: str) -> None:
        opens, deaf, _, hears, closes = self.lines(name)
        assert (opens, closes) == ("::group::Grading", "::endgroup::")
        token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", deaf)
        assert token is not None
        assert hears == f"::{token[1]}::"
        assert self.lines(name)[1] != deaf

    def test_gitlab_folds_between_marks_of_the_same_name(self) -> None:
        opens, _, closes = self.lines("gitlab")
        begin = re.fullmatch(r"\x1b\[0Ksection_start:\d+:(\w+)\r\x1b\[0KGrading", opens)
        end = re.fullmatch(r"\x1b\[0Ksection_end:\d+:(\w+)\r\x1b\[0K", closes)
        assert begin is not None
        assert end is not None
        assert begin[1] == end[1]

    def test_a_plain_log_has_a_heading(self) -> None:
        assert self.lines("plain") == ["── Grading", "::error::of a student"]

    def test_annotations_name_the_file_in_the_repository(self) -> None:
        record = b.record("kim", submission="label")
        told = Told([record], Words("en"), {}, {"label": "assignments/x/x.ipynb"})
        (line,) = load("github").marks(told)
        assert line.startswith("::notice file=assignments/x/x.ipynb,title=kim")
