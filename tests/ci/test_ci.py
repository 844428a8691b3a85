"""``grader ci``, end to end on repositories of this disk: whose work, which files, which code."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader import environment
from grader.ci.first_look import Seen
from grader.ci.reports import comment
from grader.cli import ci, grade
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.pipeline.grader import Graded
from grader.record import class_file
from grader.record.class_file import ClassFile
from grader.record.store import Store
from grader.report.exporters.classroom50 import ABOUT
from grader.score.grade import grade_of
from grader.submission import Submission
from grader.text.words import Words
from grader.trainer.kernels import Kernel, Kernels
from grader.types import Engine, Message, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT, Said, Shell
from tests.support.notebook_files import notebook, raw, write
from tests.support.repositories import HOSTILE, Working

BAD = b'{"nbformat": 2}'
PLACE = "assignments/multiplication-lstm/multiplication-lstm.ipynb"
GOOD = raw(notebook("x = 1"))
Judge = Callable[[Submission], Record]


@pytest.fixture
def student(tmp_path: Path) -> Working:
    """A student's repository, as the bundle made it."""
    made = Working(tmp_path / "student")
    made.write(PLACE, raw(notebook("# your code here")))
    made.write("README.md", b"read me")
    made.git("tag", made.commit()[:9])
    return made


class Job:
    """``grader ci`` as a pull request's job on GitHub calls it."""

    def __init__(self, shell: Shell, student: Working, tmp_path: Path) -> None:
        self.shell, self.student, self.place = shell, student, tmp_path
        self.reports, self.summary = tmp_path / "reports", tmp_path / "summary.md"
        self.base = student.git("rev-parse", "HEAD")

    def judged(self, judge: Judge) -> None:
        """Have a record for each notebook that was read; what was not is graded as always."""
        real = ci.graded_as_done

        def graded(grader: Any, collected: Any, *more: Any) -> Iterator[Graded]:
            for one in collected.submissions:
                if one.notebook is None:
                    yield from real(grader, replace(collected, submissions=(one,)), *more)
                else:
                    record = judge(one)
                    grader.store.save(record)
                    yield Graded(one, (record,))

        self.shell.monkeypatch.setattr(ci, "graded_as_done", graded)

    def event(self, kind: str = "pull_request", **pull: Any) -> None:
        """Be in a job of GitHub's."""
        head = self.student.git("rev-parse", "HEAD")
        told = {
            "pull_request": {
                "user": {"login": "kim"},
                "base": {"sha": self.base},
                "head": {"sha": head},
                **pull,
            },
            "before": self.base,
            "sender": {"login": "teacher"},
        }
        path = self.place / "event.json"
        path.write_text(json.dumps(told), "utf-8")
        for name, value in {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": kind,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_SHA": head,
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }.items():
            self.shell.monkeypatch.setenv(name, value)

    def __call__(self, *more: object, lang: str = "en") -> Said:
        return self.shell(
            *("ci", "--repository", self.student.place, "--out", self.shell.out),
            *("--reports", self.reports, "--lang", lang, "--no-structure-first", *more),
        )


@pytest.fixture
def job(shell: Shell, student: Working, tmp_path: Path) -> Job:
    return Job(shell, student, tmp_path)


def accepted(one: Submission) -> Record:
    return b.record(one.student, submission=one.name, key=b.key_of(one.name))


def wrong(one: Submission, score: float = 60.0) -> Record:
    made = b.grade(Verdict.WRONG_ARCHITECTURE, score)
    return b.record(one.student, submission=one.name, grade=made, key=b.key_of(one.name))


class TestAPullRequest:
    def test_its_author_is_the_student_and_files_keep_their_names(
        self, job: Job, student: Working
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.judged(wrong)
        said = job()
        assert said.code == 1, said.err
        (line,) = [one for one in said.out.splitlines() if one.startswith("::error")]
        assert line.startswith(f"::error file={PLACE},title=kim / multiplication-lstm")
        assert "| kim |" in job.summary.read_text("utf-8")
        assert sorted(path.name for path in job.reports.iterdir()) == [
            *("comment.md", "comment.txt", "gl-code-quality-report.json", "junit.xml", "summary.md")
        ]

    def test_results_remember_the_course_that_graded_them(
        self, job: Job, student: Working, tmp_path: Path
    ) -> None:
        class_file.write(job.shell.out, ClassFile("/roster.csv", course=str(tmp_path / "gone")))
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.judged(accepted)
        job.shell.monkeypatch.delenv("GRADER_COURSE")
        job.shell.monkeypatch.chdir(ROOT)
        said = job()
        assert said.code == 0, said.err
        assert str(tmp_path / "gone") in said.err
        assert class_file.read(job.shell.out) == ClassFile("/roster.csv", course=str(ROOT))

    @pytest.mark.parametrize("fails_later", [False, True])
    def test_a_job_without_the_trainers_kernel_says_so_once(
        self,
        fails_later: bool,
        job: Job,
        student: Working,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.judged(accepted)
        failed: Kernel | Message = Message("kernel.failed", {"why": "code -4"})
        found = [Kernel(tmp_path, "avx2 0"), failed] if fails_later else [failed, failed]
        monkeypatch.setattr(grade, "HERE", Kernels(lambda: found.pop(0)))
        course = ci.course_to_grade_with
        monkeypatch.setattr(
            ci, "course_to_grade_with", lambda *said: replace(course(*said), asks_trainer=True)
        )
        engines = (Engine.JAX, Engine.TENSORFLOW)
        monkeypatch.setattr(environment, "engines", lambda: engines)
        said = job()
        assert said.code == 0, said.err
        assert (said.out + said.err).count("code -4") == 1

    def test_what_it_did_not_touch_is_not_graded(self, job: Job, student: Working) -> None:
        student.write("other.ipynb", GOOD)
        student.commit()
        job.event()
        seen: list[str] = []
        job.judged(lambda one: (seen.append(one.name), accepted(one))[1])
        assert job().code == 0
        assert seen == ["other.ipynb"]

    def test_one_without_notebooks_passes_and_says_what_it_holds(
        self, job: Job, student: Working
    ) -> None:
        student.write("README.md", b"changed")
        student.commit()
        job.event()
        assert job().code == 0
        summary = html.unescape(job.summary.read_text("utf-8"))
        assert "No notebook was added or changed, only other files" in summary

    def test_names_are_text_everywhere_and_the_log_is_deaf_meanwhile(
        self, job: Job, student: Working, tmp_path: Path
    ) -> None:
        for name in HOSTILE:
            student.write(name, BAD)
        (student.place / "link.ipynb").symlink_to("/etc/passwd")
        student.commit()
        job.event()
        said = job()
        assert said.code == 1, said.err
        deaf = False
        obeyed = []
        for line in said.out.splitlines():
            if line.startswith("::stop-commands::"):
                deaf, token = True, line.rpartition("::")[2]
            elif deaf:
                deaf = line != f"::{token}::"
            elif line.startswith("::"):
                obeyed.append(line.split()[0])
            assert deaf or "##[" not in line
        assert not deaf
        assert set(obeyed) <= {"::group::Beforehand", "::group::Grading", "::group::Results"} | {
            "::error",
            "::endgroup::",
            *(one for one in obeyed if one.startswith("::error::")),
        }
        assert "pwned" not in {path.name for path in tmp_path.rglob("*")}

    def test_it_speaks_the_courses_language(self, job: Job, student: Working) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.judged(wrong)
        job(lang="ko")
        assert "성적은 다른 곳에서" in (job.reports / "comment.md").read_text("utf-8")

    def test_no_path_of_this_machine_is_in_what_students_see(
        self, job: Job, student: Working, tmp_path: Path
    ) -> None:
        student.write(PLACE, GOOD)
        student.write("bad.ipynb", BAD)
        student.commit()
        job.event()
        job.judged(wrong)
        job()
        pages = [*job.reports.iterdir(), job.summary, *(job.shell.out / "feedback").iterdir()]
        told = "".join(page.read_text("utf-8") for page in pages)
        assert str(tmp_path) not in told
        assert "/tmp" not in told
        assert str(ROOT) not in told

    def test_without_a_commit_to_compare_with_all_is_looked_at_and_said_so(
        self, job: Job, student: Working
    ) -> None:
        job.judged(accepted)
        said = job("--student", "kim")
        assert said.code == 0, said.err
        assert "Name one with --base" in said.err
        said = job("--student", "kim", "--base", job.base)
        assert "--base" not in said.err


class TestCodes:
    @pytest.mark.parametrize(
        ("fail_on", "score", "code"),
        [("any", 99.0, 1), ("60", 60.0, 0), ("60%", 59.9, 1), ("never", 0.0, 0)],
    )
    def test_the_policy_decides(
        self, job: Job, student: Working, fail_on: str, score: float, code: int
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.judged(lambda one: wrong(one, score))
        assert job("--fail-on", fail_on).code == code

    @pytest.mark.parametrize("fail_on", ["any", "10", "never"])
    def test_a_fault_of_ours_is_no_policys_business(
        self, job: Job, student: Working, fail_on: str
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.judged(lambda one: b.ungraded(one.student, submission=one.name))
        assert job("--fail-on", fail_on).code == 3

    @pytest.mark.parametrize("given", ["", "0", "101", "some", "-1", "60.5"])
    def test_a_policy_that_is_none_is_refused(self, job: Job, given: str) -> None:
        said = job(f"--fail-on={given}")
        assert (said.code, "--fail-on" in said.line) == (2, True)

    def test_without_the_history_it_says_what_to_fetch(self, job: Job) -> None:
        job.event(base={"sha": "d" * 40})
        said = job()
        assert (said.code, "fetch-depth: 0" in said.line) == (2, True)


class TestPublicChecks:
    @pytest.fixture
    def mine(self, tmp_path: Path) -> Path:
        return write(tmp_path / "handed" / "mine.ipynb")

    def scored(self, job: Job, exercise: str = "multiplication-lstm", **found: Any) -> list[Course]:
        """Have every notebook scored as right work of the course that the job grades with."""
        courses = []

        def graded(grader: Any, collected: Any, progress: Any, *_: Any) -> Iterator[Graded]:
            asked = grader.course.exercise(exercise)
            evidence = b.sound(asked, metrics={}, unmet=Message("accuracy.no_reference"))
            courses.append(grader.course)
            for one in collected.submissions:
                grade = grade_of(grader.course, replace(evidence, **found), Engine.JAX, "cpu").grade
                record = b.record(
                    one.student,
                    exercise,
                    one.name,
                    key=b.key_of(one.name),
                    grade=grade,
                    threshold=None,
                )
                grader.store.save(record)
                progress.finished(Graded(one, (record,)))
                yield Graded(one, (record,))

        job.shell.monkeypatch.setattr(ci, "graded_as_done", graded)
        return courses

    @pytest.mark.parametrize(
        ("unlooked", "most"), [(None, "75"), (Message("live.data_elsewhere"), "60")]
    )
    def test_right_work_has_all_points_of_what_was_looked_at_and_the_rest_is_named(
        self, job: Job, mine: Path, tmp_path: Path, unlooked: Message | None, most: str
    ) -> None:
        self.scored(job, unlooked=unlooked)
        about = tmp_path / "about.json"
        about.write_text(json.dumps(dict.fromkeys(ABOUT, "x") | {"submission": "submit/x"}))
        said = job(mine, "--student", "lee", "--public", "--about", about)
        assert said.code == 0, said.err
        assert f"Accepted, {most}/{most}" in said.err
        assert class_file.read(job.shell.out).course == ""  # it is a copy that goes with the job
        assert f"| {most}/{most} |" in (job.reports / "summary.md").read_text("utf-8")
        assert f": Accepted, {most}/{most}" in (job.reports / "comment.txt").read_text("utf-8")
        result = json.loads((job.reports / "result.json").read_text("utf-8"))
        assert (result["score"], result["max-score"]) == (int(most), int(most))
        pages = [*job.reports.iterdir(), *(job.shell.out / "feedback").iterdir()]
        everything = html.unescape("".join(one.read_text("utf-8") for one in pages)) + said.err
        assert Words("en")("data.no_fit") not in everything
        (path,) = (job.shell.out / "feedback").iterdir()
        page = path.read_text("utf-8")
        assert f"<p>{Words('en')('verdict.accepted.seen')}" in page
        assert page.count("not checked here</span>") == (2 if unlooked else 1)
        for name in ("summary.md", "comment.md", "comment.txt"):
            told = html.unescape((job.reports / name).read_text("utf-8"))
            assert "Not checked here: accuracy on new data" in told
            assert ("is another one in grading" in told) is (unlooked is not None)

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_accuracy_that_earns_nothing_is_not_named_among_what_was_not_looked_at(
        self, job: Job, mine: Path, lang: str
    ) -> None:
        self.scored(job, exercise="multiplication-simple-rnn")
        said = job(mine, "--student", "lee", "--public", lang=lang)
        assert said.code == 0, said.err
        (path,) = (job.shell.out / "feedback").iterdir()
        words = Words(lang)
        for one in (*job.reports.iterdir(), path):
            told = html.unescape(one.read_text("utf-8"))
            assert words("cli.check_accuracy_left") not in told
            assert words("accuracy.no_reference") not in told
        assert words("verdict.accepted.why") in html.unescape(path.read_text("utf-8"))
        assert words("ci.public") in html.unescape((job.reports / "summary.md").read_text("utf-8"))

    def test_the_data_are_looked_at_as_students_look_at_them(self, job: Job, mine: Path) -> None:
        courses = self.scored(job)
        assert job(mine, "--student", "lee", "--public").code == 0
        (course,) = courses
        assert course.public is not None
        assert course.reference is None
        families = {one.family for one in course.exercises.values()}
        assert None not in families

    @pytest.mark.parametrize(("asked", "seconds"), [((), ci.PATIENCE), (("--timeout", "60"), 60.0)])
    def test_how_long_a_notebook_may_take_is_not_what_the_instructors_machine_takes(
        self, job: Job, mine: Path, asked: tuple[str, ...], seconds: float
    ) -> None:
        """Students do not have what is measured there, and correct work trains for minutes."""
        given = []

        def graded(grader: Any, *_: Any) -> Iterator[Graded]:
            given.append(grader.settings.timeout)
            return iter(())

        job.shell.monkeypatch.setattr(ci, "graded_as_done", graded)
        job(mine, "--student", "lee", "--public", *asked)
        job(mine, "--student", "lee", *asked)
        assert given == [seconds, 60.0 if asked else None]

    def test_what_looks_at_data_never_comes_with_the_change(
        self, job: Job, student: Working
    ) -> None:
        for name in ("exercise.toml", "multiplication-lstm.ipynb"):
            theirs = f"assignments/multiplication-lstm/{name}"
            student.write(theirs, (ROOT / theirs).read_bytes())
        student.write("grader_course/course.json", b"{}")
        student.write("grader_course/families/multiplication.py", b"raise SystemExit('ran')")
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.shell.monkeypatch.delenv("GRADER_COURSE")
        job.shell.monkeypatch.chdir(student.place)
        courses = self.scored(job, unlooked=Message("live.data_unasked"))
        said = job("--public")
        assert said.code == 0, said
        (course,) = courses
        assert course.root == student.place
        assert course.public is None

    def test_a_notebook_with_a_fault_that_they_see_fails(self, job: Job, tmp_path: Path) -> None:
        path = tmp_path / "handed" / "mine.ipynb"
        path.parent.mkdir()
        path.write_bytes(GOOD)
        missed = b.check("structure.layer-1", 0.0, 35.0)
        job.judged(
            lambda one: b.record(
                one.student,
                submission=one.name,
                grade=b.grade(Verdict.WRONG_ARCHITECTURE, 65.0, (missed,)),
            )
        )
        assert job(path, "--student", "lee", "--public").code == 1
        assert job(path, "--student", "lee", "--public", "--fail-on", "never").code == 0


class TestOtherEvents:
    def test_a_push_grades_what_it_brought(self, job: Job, student: Working) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event("push")
        job.judged(accepted)
        assert job().code == 0
        assert "| teacher |" in job.summary.read_text("utf-8")
        assert "This is advice" not in job.summary.read_text("utf-8")

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_a_grade_is_in_nobodys_name_where_the_folder_of_exercises_alone_would_say(
        self, job: Job, student: Working, lang: str
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.judged(accepted)
        said = job("--base", job.base, lang=lang)
        assert said.code == 2
        assert said.line.endswith(Words(lang)("ci.nobodys", folder="assignments/"))
        assert not any(Store(job.shell.out).latest())
        assert job("--base", job.base, "--student", "kim", lang=lang).code == 0

    def test_a_job_for_several_authors_checks_their_work_all_the_same(
        self, job: Job, student: Working
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event("merge_group", merge_group={"base_sha": job.base, "head_sha": "HEAD"})
        job.judged(accepted)
        said = job("--public")
        assert said.code == 0, said.err
        assert "names of folders and files were taken: assignments" in said.err

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_whose_work_it_is_by_names_alone_is_said(
        self, job: Job, tmp_path: Path, lang: str
    ) -> None:
        for name in ("kim", "lee"):
            path = tmp_path / "handed" / name / "mine.ipynb"
            path.parent.mkdir(parents=True)
            path.write_bytes(raw(notebook(f"x = 1  # {name}")))
        job.judged(accepted)
        told = Words(lang)("ci.by_names", students="kim, lee")
        assert told in job(tmp_path / "handed", lang=lang).err
        assert told in html.unescape((job.reports / "summary.md").read_text("utf-8"))
        assert told not in job(tmp_path / "handed" / "kim", "--student", "kim", lang=lang).err

    def test_paths_need_no_repository(self, job: Job, tmp_path: Path) -> None:
        path = tmp_path / "handed" / "mine.ipynb"
        path.parent.mkdir()
        path.write_bytes(GOOD)
        job.judged(accepted)
        assert job(path, "--student", "lee").code == 0
        assert "lee" in (job.reports / "summary.md").read_text("utf-8")

    def test_a_folder_of_one_person_is_that_persons_with_what_lies_beside(
        self, job: Job, tmp_path: Path
    ) -> None:
        for name in ("first.ipynb", "second.ipynb"):
            path = tmp_path / "handed" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(raw(notebook(f"open('mine.csv')  # {name}")))
        (tmp_path / "handed" / "mine.csv").write_text("1\n")
        seen: list[Submission] = []
        job.judged(lambda one: (seen.append(one), accepted(one))[1])
        said = job(tmp_path / "handed", "--student", "lee")
        assert said.code == 0, said
        assert [(one.student, [file.name for file in one.files]) for one in seen] == [
            ("lee", ["mine.csv"]),
            ("lee", ["mine.csv"]),
        ]

    def test_a_draft_is_looked_at_and_not_graded(
        self, job: Job, student: Working, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event(draft=True)

        def look(_: Any, __: Any, some: Sequence[Submission], *___: Any) -> Iterator[Seen]:
            missed = b.check("structure.layer-1", 0.0, 10.0, got="GRU(30)")
            yield from (Seen(one, "multiplication-lstm", (missed,)) for one in some)

        monkeypatch.setattr(ci, "first_look", look)
        monkeypatch.setattr(ci, "graded_as_done", None)
        assert job().code == 1
        page = job.summary.read_text("utf-8")
        assert "It is a draft" in page
        assert "GRU&#40;30&#41;" in page
        assert job("--fail-on", "never").code == 0

    @pytest.mark.parametrize("lang", ["en", "ko"])
    @pytest.mark.parametrize("known", [True, False])
    def test_a_look_at_the_structure_alone_leaves_what_a_comment_is_made_of(
        self, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str, *, known: bool
    ) -> None:
        mine = write(tmp_path / "handed" / "mine.ipynb")
        missed = b.check("structure.layer-1", 0.0, 10.0, got="GRU(30)")

        def look(_: Any, __: Any, some: Sequence[Submission], *___: Any) -> Iterator[Seen]:
            yield from (Seen(one, "multiplication-lstm", (missed,)) for one in some if known)

        monkeypatch.setattr(ci, "first_look", look)
        code = job(mine, "--student", "lee", "--public", "--structure-only", lang=lang).code
        assert code == int(known)
        names = ("comment.md", "comment.txt", "summary.md")
        assert sorted(path.name for path in job.reports.iterdir()) == [*names]
        words = Words(lang)
        for name in names:
            told = html.unescape((job.reports / name).read_text("utf-8"))
            assert words("ci.part_structure") in told
            assert words("ci.public") in told
            assert ("GRU(30)" in told) is known
            assert (words("ci.structure_unseen") in told) is not known
        plain = (job.reports / "comment.txt").read_text("utf-8")
        assert not {"#", "&", "*"} & {*plain}
        assert (job.reports / "comment.md").read_text("utf-8").startswith(comment.MARK)


class TestWhoseCourse:
    def test_a_course_in_the_pull_request_decides_nothing(
        self, job: Job, student: Working, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a course of the instructor's the change's own would be found around the job."""
        student.write("reference/families/evil.py", b"raise SystemExit('ran')")
        theirs = "assignments/multiplication-lstm/exercise.toml"
        student.write(theirs, (ROOT / theirs).read_bytes())
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        monkeypatch.delenv("GRADER_COURSE")
        monkeypatch.chdir(student.place)
        said = job()
        assert said.code == 2, said
        assert "GRADER_COURSE" in said.line

    def test_what_it_changes_in_grader_expectations_and_workflows_changes_no_result(
        self, job: Job, student: Working
    ) -> None:
        student.write(PLACE, GOOD)
        student.write("grader/score/score.py", b"raise SystemExit('ran')")
        student.write("reference/multiplication-lstm/expected.json", b'{"threshold": 1e9}')
        student.write("assignments/multiplication-lstm/exercise.toml", b"[points]\nruns = 100\n")
        student.write("course.toml", b'language = "ko"\n')
        student.write(".github/workflows/grade.yml", b"on: pull_request\n")
        student.write("sitecustomize.py", b"raise SystemExit('ran')")
        student.commit()
        job.event()
        used = []
        real = ci.Job._graded
        job.judged(wrong)
        job.shell.monkeypatch.setattr(
            ci.Job, "_graded", lambda one, *more: (used.append(one.course), real(one, *more))[1]
        )
        said = job()
        assert said.code == 1, said
        assert [one.root for one in used] == [ROOT]
        assert used[0].exercises == load_course(ROOT).exercises


class TestRuns:
    def test_time_that_is_up_leaves_notebooks_ungraded_and_says_so(
        self, job: Job, student: Working
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event()
        job.shell.monkeypatch.setattr(ci, "time", SimpleNamespace(time=lambda: 0.0))
        said = job("--budget", 1)
        assert said.code == 3
        record = json.loads(next((job.shell.out / "results").glob("*/record.json")).read_text())
        (check,) = record["record"]["grade"]["checks"]
        assert check["message"]["id"] == "pipeline.out_of_time"

    @pytest.mark.parametrize(("kind", "kept"), [("push", 1), ("pull_request", 0)])
    def test_only_a_job_that_students_cannot_change_adds_to_the_cache(
        self, job: Job, student: Working, tmp_path: Path, kind: str, kept: int
    ) -> None:
        student.write(PLACE, GOOD)
        student.commit()
        job.event(kind)
        key = b.key_of("run")

        def run(one: Submission) -> Record:
            Store(job.shell.out).save_execution(key, b.execution())
            return accepted(one)

        job.judged(run)
        assert job("--cache", tmp_path / "cache").code == 0
        assert len(list((tmp_path / "cache").glob("evidence/*/execution"))) == kept


def test_notes_are_words() -> None:
    for name in ("public", "advice", "draft", "nothing"):
        from tests.support.notebook_files import worded

        assert worded(Message(f"ci.{name}")) == name
