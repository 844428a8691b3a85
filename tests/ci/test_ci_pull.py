"""Official grades: pull requests are fetched from outside, and nothing in them takes part but data."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

from grader.ci.git import Contents, Repository
from grader.ci.github_api import Api
from grader.ci.pulls import Pull, handed_in, open_pulls, require_name
from grader.cli import ci, ci_pull
from grader.course.load import load_course
from grader.pipeline.grader import Graded
from grader.policy.rules import Group
from grader.submission import Submission
from grader.types import GraderError, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT, Said, Shell
from tests.support.fake_api import FakeApi, pull
from tests.support.notebook_files import notebook, raw, worded
from tests.support.repositories import HOSTILE, Working

NAME = "course/assignments"
PLACE = "assignments/multiplication-lstm/multiplication-lstm.ipynb"
GOOD = raw(notebook("x = 1"))
TOKEN = "secret-token-of-the-course"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as made:
        yield made


OPENED = "2026-11-21T10:00:00Z"


@pytest.mark.parametrize(
    ("committed", "now", "when"),
    [
        (1_795_600_000, 1_795_700_000.0, "2026-11-25T09:46:40Z"),  # edited after it was opened
        (1_795_000_000, 1_795_700_000.0, OPENED),  # made before it was opened
        (1_999_999_999, 1_795_700_000.0, "2026-11-26T13:33:20Z"),  # a clock that is wrong: now
        (0, 1_795_700_000.0, OPENED),
    ],
)
def test_it_is_handed_in_when_it_was_opened_or_later_edited(
    committed: int, now: float, when: str
) -> None:
    opened = Pull(1, "kim", "a" * 40, "b" * 40, draft=False, created_at=OPENED)
    assert handed_in(opened, committed, now) == when


def test_when_work_was_changed_last_is_read_from_its_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever brings the branch up to date afterwards changes no work."""
    made = Working(tmp_path / "work")

    def commit(seconds: int) -> str:
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{1_790_000_000 + seconds} +0000")
        return made.commit()

    base = commit(0)
    made.git("checkout", "-q", "-b", "kim")
    made.write("a [1].ipynb", b"{}")
    commit(10)
    made.write("notes.txt", b"x")
    commit(20)
    made.git("checkout", "-q", "main")
    made.write("README.md", b"x")
    commit(30)
    made.git("checkout", "-q", "kim")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1790000040 +0000")
    made.git("merge", "-q", "--no-edit", "main")
    head, repository = made.git("rev-parse", "HEAD"), Repository(made.place)
    assert repository.committed(base, head, ["a [1].ipynb"]) == 1_790_000_010
    assert repository.committed(None, head, ["notes.txt", "a [1].ipynb"]) == 1_790_000_020
    assert repository.committed(base, head, ["b.ipynb"]) == 0
    assert repository.committed(base, head, []) == 0
    assert repository.committed(None, "d" * 40, ["a [1].ipynb"]) == 0


class Course:
    """The instructor's side of a course with pull requests."""

    def __init__(self, shell: Shell, api: FakeApi, tmp_path: Path) -> None:
        self.shell, self.api = shell, api
        self.work = Working(tmp_path / "students")
        self.work.write(PLACE, raw(notebook("# your code here")))
        self.base = self.work.commit()
        self.seen: list[Submission] = []
        shell.monkeypatch.setenv("GITHUB_API_URL", api.root)
        shell.monkeypatch.setenv("GRADER_TOKEN", TOKEN)

    def branch(self, login: str, files: dict[str, bytes], **more: Any) -> str:
        """A student's branch with a pull request."""
        self.work.git("checkout", "-q", "-b", login, self.base)
        for name, data in files.items():
            self.work.write(name, data)
        head = self.work.commit()
        self.api.pulls.append(pull(len(self.api.pulls) + 1, login, self.base, head, **more))
        return head

    def judged(self, judge: Callable[[Submission], Record]) -> None:
        real = ci.graded_as_done

        def graded(grader: Any, collected: Any, *more: Any) -> Iterator[Graded]:
            for one in collected.submissions:
                self.seen.append(one)
                if one.notebook is None:
                    yield from real(grader, replace(collected, submissions=(one,)), *more)
                else:
                    record = judge(one)
                    grader.store.save(record)
                    yield Graded(one, (record,))

        self.shell.monkeypatch.setattr(ci, "graded_as_done", graded)

    def __call__(self, *more: object) -> Said:
        return self.shell(
            *("ci", "--pull", NAME, "--remote", self.work.place.as_uri(), "--lang", "en"),
            *("--out", self.shell.out, *more),
        )


@pytest.fixture
def course(shell: Shell, api: FakeApi, tmp_path: Path) -> Course:
    return Course(shell, api, tmp_path)


def verdicts(one: Submission) -> Record:
    """Good work of kim's, wrong work of everybody else's."""
    good = one.student == "kim"
    grade = b.grade(
        Verdict.ACCEPTED if good else Verdict.WRONG_ARCHITECTURE, 100.0 if good else 40.0
    )
    return b.record(one.student, submission=one.name, grade=grade, key=b.key_of(one.name))


class TestPulling:
    def test_a_good_a_bad_and_a_hostile_one_each_get_their_own(self, course: Course) -> None:
        heads = [
            course.branch("kim", {PLACE: GOOD}),
            course.branch("lee", {PLACE: raw(notebook("y = 2"))}),
            course.branch("mallory", {**dict.fromkeys(HOSTILE, b'{"nbformat": 2}'), PLACE: GOOD}),
        ]
        course.judged(verdicts)
        said = course("--post", "comment")
        assert said.code == 1, said.err
        assert {one.student for one in course.seen} == {"kim", "lee", "mallory"}
        pages = list(course.api.comments.values())
        assert len(pages) == 3
        for page, head, login in zip(pages, heads, ("kim", "lee", "mallory"), strict=True):
            assert head in page
            assert f"| {login} |" in page
            assert page.startswith("<!-- rnn-grader -->\n")
        assert "100" in pages[0]
        assert "kim" not in pages[1]
        assert not list(course.work.place.parent.rglob("pwned"))
        assert not list(ROOT.glob("pwned"))

    def test_what_a_pull_request_edits_besides_takes_no_part(self, course: Course) -> None:
        course.branch(
            "lee",
            {
                PLACE: GOOD,
                ".github/workflows/official.yml": b"on: pull_request_target\n",
                "grader/score/score.py": b"raise SystemExit('ran')",
                "reference/multiplication-lstm/expected.json": b'{"threshold": 1e9}',
                "course.toml": b'language = "ko"\n',
                "result.json": b'{"score": 100}',
                "grades/results/x/record.json": b"{}",
                "posted.json": b'{"course/assignments#1": {"digest": "x"}}',
            },
        )
        course.judged(verdicts)
        used: list[Path] = []
        real = ci.Job._graded
        course.shell.monkeypatch.setattr(
            ci.Job,
            "_graded",
            lambda one, *more: (used.append(one.course.root), real(one, *more))[1],
        )
        assert course("--post", "comment").code == 1
        assert used == [ROOT]
        assert [one.name for one in course.seen] == [f"#1/{PLACE}"]
        (page,) = course.api.comments.values()
        assert "| 40 |" in page

    def test_a_second_run_edits_its_comment_and_only_if_it_says_something_else(
        self, course: Course
    ) -> None:
        course.branch("kim", {PLACE: GOOD})
        course.judged(verdicts)
        course("--post", "comment")
        course("--post", "comment")
        writes = [one.method for one in course.api.asked if one.method != "GET"]
        assert writes == ["POST"]
        course.api.pulls[0]["head"]["sha"] = course.work.commit()
        course("--post", "comment")
        writes = [one.method for one in course.api.asked if one.method != "GET"]
        assert writes == ["POST", "PATCH"]
        assert len(course.api.comments) == 1

    @pytest.mark.parametrize(("login", "conclusion"), [("kim", "success"), ("lee", "failure")])
    def test_a_check_is_of_the_commit_that_was_graded(
        self, course: Course, login: str, conclusion: str
    ) -> None:
        head = course.branch(login, {PLACE: GOOD})
        course.judged(verdicts)
        course("--post", "check")
        (check,) = [one.body for one in course.api.asked if one.path.endswith("/check-runs")]
        assert (check["head_sha"], check["conclusion"]) == (head, conclusion)

    def test_a_fault_of_ours_is_no_failure_of_the_students(self, course: Course) -> None:
        course.branch("kim", {PLACE: GOOD})
        course.judged(lambda one: replace(b.ungraded("kim"), submission=one.name))
        assert course("--post", "check").code == 3
        (check,) = [one.body for one in course.api.asked if one.path.endswith("/check-runs")]
        assert check["conclusion"] == "neutral"

    def test_a_draft_is_not_graded(self, course: Course) -> None:
        course.branch("kim", {PLACE: GOOD}, draft=True)
        course.judged(verdicts)
        assert course("--post", "comment").code == 0
        assert (course.seen, course.api.comments) == ([], {})

    def test_a_commit_that_is_not_there_costs_that_one_alone(self, course: Course) -> None:
        course.branch("kim", {PLACE: GOOD})
        course.branch("lee", {PLACE: GOOD})
        course.api.pulls[1]["head"]["sha"] = "d" * 40
        course.judged(verdicts)
        said = course("--post", "comment")
        assert said.code == 3
        assert "Pull request 2 could not be looked at" in said.err
        assert [one.student for one in course.seen] == ["kim"]

    def test_a_commit_with_files_without_end_costs_that_one_alone(self, course: Course) -> None:
        head, work = course.branch("mallory", {PLACE: GOOD}), course.work
        tree = work.git("rev-parse", f"{head}^{{tree}}")
        for _ in range(80):
            tree = work.subtree(*(("40000", b"%d" % place, tree) for place in range(10)))
        bomb = work.git("commit-tree", "-m", "x", "-p", head, tree)
        work.git("branch", "-f", "bomb", bomb)
        course.api.pulls[0]["head"]["sha"] = bomb
        course.branch("kim", {PLACE: GOOD})
        course.judged(verdicts)
        said = course("--post", "comment")
        assert said.code == 3
        assert "Pull request 1 could not be looked at" in said.err
        assert [one.student for one in course.seen] == ["kim"]

    def test_what_the_disk_refuses_costs_that_one_alone(self, course: Course) -> None:
        course.branch("lee", {PLACE: GOOD + b" "})
        course.branch("kim", {PLACE: GOOD})
        course.judged(verdicts)
        real, lees = Contents.write, course.work.blob(GOOD + b" ")

        def refuses(contents: Contents, blob: str, target: IO[bytes], most: int) -> int:
            if blob == lees:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(contents, blob, target, most)

        course.shell.monkeypatch.setattr(Contents, "write", refuses)
        said = course("--post", "comment")
        assert said.code == 3
        assert "Pull request 1 could not be looked at" in said.err
        assert [one.student for one in course.seen] == ["kim"]

    def test_several_pull_requests_of_one_person_take_no_more_than_one(
        self, course: Course
    ) -> None:
        """Each could hold one content under fifty names, and all lie on the disk at once."""
        for name in ("mallory", "mallory2", "kim"):
            course.branch(name, {PLACE: GOOD + b" " * 1000})
        course.api.pulls[1]["user"]["login"] = "mallory"
        course.shell.monkeypatch.setattr(ci_pull, "MOST_TOGETHER", 1500)
        course.judged(verdicts)
        said = course("--post", "comment")
        assert said.code == 3
        assert [one.name for one in course.seen] == [f"#1/{PLACE}", f"#3/{PLACE}"]

    def test_a_login_called_as_a_group_hands_in_for_nobody(self, course: Course) -> None:
        course.branch("team-1", {PLACE: GOOD})
        course.branch("kim", {PLACE: GOOD})
        known = load_course(ROOT)
        grouped = replace(known.rules, groups=(Group("Team-1", ("kim", "lee")),))
        course.shell.monkeypatch.setattr(
            ci_pull, "course_to_grade_with", lambda *_: replace(known, read_rules=lambda: grouped)
        )
        course.judged(verdicts)
        said = course("--post", "comment")
        assert said.code == 3
        assert "Pull request 1 was left out" in said.err
        assert [one.student for one in course.seen] == ["kim"]

    def test_of_a_persons_many_pull_requests_the_last_ones_are_looked_at(
        self, course: Course
    ) -> None:
        """A thousand of them would take the night, and the job would be cut off with nothing kept."""
        for name in ("mallory", "mallory2", "kim"):
            course.branch(name, {PLACE: GOOD})
        course.api.pulls[1]["user"]["login"] = "mallory"
        course.shell.monkeypatch.setattr(ci_pull, "MOST_PULLS", 1)
        course.judged(verdicts)
        said = course("--post", "comment")
        assert said.code == 3
        assert "Of the pull requests of mallory only the last 1" in said.err
        assert [one.name for one in course.seen] == [f"#2/{PLACE}", f"#3/{PLACE}"]

    def test_what_is_fetched_takes_of_the_budget(self, course: Course) -> None:
        course.branch("kim", {PLACE: GOOD})
        course.judged(verdicts)
        until: list[float | None] = []
        real = ci.Job._settings
        course.shell.monkeypatch.setattr(
            ci.Job, "_settings", lambda job: (until.append(real(job).until), real(job))[1]
        )
        fetched = SimpleNamespace(time=lambda: 1e12)  # what the clock says when all is there
        fetch, patch = Repository.fetch, course.shell.monkeypatch.setattr
        patch(Repository, "fetch", lambda *given: (fetch(*given), patch(ci, "time", fetched))[0])
        course("--budget", 100)
        assert until[0] is not None
        assert until[0] < fetched.time()

    def test_of_two_pull_requests_of_a_student_the_later_counts(self, course: Course) -> None:
        course.branch("kim", {PLACE: GOOD})
        course.branch("kim2", {PLACE: GOOD})
        course.api.pulls[1]["user"]["login"] = "kim"
        course.judged(
            lambda one: replace(
                verdicts(replace(one, student="lee" if one.name.startswith("#1/") else "kim")),
                student="kim",
                handed_in=one.handed_in,
            )
        )
        assert course().code == 0

    def test_the_token_goes_to_the_api_and_into_no_file_and_no_command_line(
        self, course: Course
    ) -> None:
        course.branch("kim", {PLACE: GOOD})
        course.judged(verdicts)
        said = course("--post", "comment")
        assert all(one.headers["Authorization"] == f"Bearer {TOKEN}" for one in course.api.asked)
        assert TOKEN not in said.out + said.err
        kept = [path for path in course.shell.out.rglob("*") if path.is_file()]
        assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]


class TestTheApi:
    def asked(self, api: FakeApi, pauses: list[float]) -> Any:
        return Api(api.root, TOKEN, pauses.append).ask(
            "GET", f"/repos/{NAME}/pulls?per_page=1&page=1"
        )

    @pytest.mark.parametrize(
        ("status", "headers", "pause"),
        [
            (429, {"Retry-After": "7"}, 7.0),
            (403, {"Retry-After": "2"}, 2.0),
            (502, {}, 1.0),
            (429, {}, 1.0),
        ],
    )
    def test_it_waits_as_long_as_it_is_told(
        self, api: FakeApi, status: int, headers: dict[str, str], pause: float
    ) -> None:
        api.fails.append((status, headers))
        pauses: list[float] = []
        assert self.asked(api, pauses) == []
        assert pauses == [pause]

    def test_a_pause_that_is_too_long_is_said(self, api: FakeApi) -> None:
        api.fails.append((403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}))
        with pytest.raises(GraderError) as caught:
            self.asked(api, [])
        assert worded(caught.value.message) == "api_later"

    @pytest.mark.parametrize("status", [401, 403, 404, 422])
    def test_a_no_is_one_at_once(self, api: FakeApi, status: int) -> None:
        api.fails.append((status, {}))
        with pytest.raises(GraderError) as caught:
            self.asked(api, [])
        assert worded(caught.value.message) == "api"
        assert len(api.asked) == 1

    def test_it_gives_up_after_a_few_tries(self, api: FakeApi) -> None:
        api.fails += [(500, {})] * 9
        pauses: list[float] = []
        with pytest.raises(GraderError):
            self.asked(api, pauses)
        assert pauses == [1.0, 2.0, 4.0]

    def test_the_token_follows_no_redirect(self, api: FakeApi) -> None:
        with FakeApi() as other:
            api.fails.append((302, {"Location": f"{other.root}/x"}))
            with pytest.raises(GraderError):
                self.asked(api, [])
            assert other.asked == []

    @pytest.mark.parametrize("root", ["http://api.github.com", "file:///etc/passwd", "", "ftp://x"])
    def test_an_address_that_others_can_listen_to_gets_no_token(self, root: str) -> None:
        with pytest.raises(GraderError) as caught:
            Api(root, TOKEN)
        assert worded(caught.value.message) == "api_address"

    def test_a_page_of_the_longest_pull_requests_is_read(self, api: FakeApi) -> None:
        """Their texts are anybody's: a hundred of the longest are more than an answer may have."""
        longest = "\ud55c" * 65_536
        api.pulls += [pull(n, "kim", "a" * 40, "b" * 40, body=longest) for n in range(1, 101)]
        found, odd = open_pulls(Api(api.root), NAME)
        assert (len(found), odd) == (100, [])

    def test_all_pages_are_read(self, api: FakeApi) -> None:
        api.pulls += [pull(n, "kim", "a" * 40, "b" * 40) for n in range(1, 232)]
        found, odd = open_pulls(Api(api.root), NAME)
        assert ([one.number for one in found], odd) == (list(range(1, 232)), [])

    @pytest.mark.parametrize(
        "odd",
        [
            {"user": None},
            {"user": {"login": "a b"}},
            {"user": {"login": "--out=x"}},
            {"head": {"sha": "main"}},
            {"head": {"sha": "--upload-pack=touch pwned"}},
            {"base": {}},
            {"number": "7; touch pwned"},
            {"number": True},
        ],
        ids=str,
    )
    def test_what_cannot_be_read_is_left_out_by_number(
        self, api: FakeApi, odd: dict[str, Any]
    ) -> None:
        api.pulls += [
            pull(1, "kim", "a" * 40, "b" * 40),
            {**pull(2, "lee", "a" * 40, "b" * 40), **odd},
        ]
        found, left = open_pulls(Api(api.root), NAME)
        assert [one.number for one in found] == [1]
        assert [worded(one) for one in left] == ["odd_pull"]

    @pytest.mark.parametrize(
        "name", ["", "x", "a/b/c", "../x", "a/..", "a/b?x=1", "a/b#", "-a/b", "a/ b"]
    )
    def test_a_repositorys_name_is_one(self, name: str) -> None:
        with pytest.raises(GraderError):
            require_name(name)
        assert require_name(NAME) == NAME
