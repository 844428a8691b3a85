"""A change to the course: which notebooks may get another verdict, and what students will see."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from grader.course.exercises import Course
from grader.course.load import load_course
from grader.pipeline.grader import Graded
from grader.submission import Submission
from grader.text.words import Words
from grader.types import Verdict
from grader.verify.cases import cases
from grader.verify.difference import Change, markdown, page
from grader.verify.seen import Cell, Seen, seen
from grader.verify.touched import to_run, touched
from tests.support import builders as b
from tests.support.cli_help import NoRoom, Said, Shell
from tests.support.course_help import ROOT, SMALL, course_of
from tests.support.repositories import HOSTILE, Working
from tests.support.workflows import EXAMPLES, run_step

SEQUENCE, GRU = SMALL
WORDS = Words("en")
SAMPLE = f"reference/{GRU}/submissions/malformed/truncated.ipynb"
MOST = 10**6


@pytest.fixture
def course(tmp_path: Path) -> Course:
    shutil.copytree(ROOT / "reference/chapter", tmp_path / "course/reference/chapter")
    return course_of(tmp_path / "course", *SMALL)


def run_for(course: Course, names: list[str], before: Course | None, out: Path) -> set[str]:
    found = cases(course, list(course.exercises.values()), out)
    return {case.name for case in to_run(found, touched(names, course, before))}


class TestWhatIsRun:
    @pytest.mark.parametrize(
        "name",
        [
            f"assignments/{GRU}/exercise.toml",
            f"assignments/{GRU}/{GRU}.ipynb",
            f"reference/{GRU}/spec.toml",
            f"reference/{GRU}/expected.json",
            f"reference/{GRU}/solution.py",
            f"reference/{GRU}/checks.py",
            "reference/families/multiplication.py",
        ],
    )
    def test_an_exercise_brings_its_own_notebooks_and_the_chapters_that_hold_it(
        self, course: Course, tmp_path: Path, name: str
    ) -> None:
        found = run_for(course, [name], course, tmp_path)
        assert {f"assignments/{GRU}/{GRU}.ipynb", f"reference/{GRU}/solution.py", SAMPLE} <= found
        assert "reference/chapter/textbook.ipynb" in found
        assert not [one for one in found if SEQUENCE in one]

    def test_a_sample_runs_by_itself(self, course: Course, tmp_path: Path) -> None:
        assert run_for(course, [SAMPLE], course, tmp_path) == {SAMPLE}

    def test_a_sample_that_is_gone_runs_nothing(self, course: Course, tmp_path: Path) -> None:
        (course.root / SAMPLE).unlink()
        assert run_for(course, [SAMPLE], course, tmp_path) == set()

    def test_a_chapter_runs_by_itself_and_what_is_said_of_chapters_runs_all(
        self, course: Course, tmp_path: Path
    ) -> None:
        one = "reference/chapter/messy.ipynb"
        assert run_for(course, [one], course, tmp_path) == {one}
        both = {one, "reference/chapter/textbook.ipynb"}
        assert run_for(course, ["reference/chapter/expected.toml"], course, tmp_path) == both

    @pytest.mark.parametrize("name", ["reference/families/_shared.py", "reference/data/new.toml"])
    def test_what_nobody_is_known_to_use_alone_is_everybodys(
        self, course: Course, tmp_path: Path, name: str
    ) -> None:
        every = {case.name for case in cases(course, list(course.exercises.values()), tmp_path)}
        assert run_for(course, [name], course, tmp_path) == every

    def test_a_family_that_an_exercise_had_before_is_followed_too(
        self, course: Course, tmp_path: Path
    ) -> None:
        moved = replace(course.exercises[GRU], family="earlier")
        before = replace(course, exercises={**course.exercises, GRU: moved})
        found = run_for(course, ["reference/families/earlier.py"], before, tmp_path)
        assert SAMPLE in found
        assert not [one for one in found if SEQUENCE in one]

    @pytest.mark.parametrize(
        "name", ["assignments/README.md", "reference/families/locale/ko/families.po"]
    )
    def test_words_for_people_move_no_verdict(
        self, course: Course, tmp_path: Path, name: str
    ) -> None:
        assert run_for(course, [name], course, tmp_path) == set()

    def test_of_the_courses_settings_those_count_that_notebooks_run_with(
        self, course: Course, tmp_path: Path
    ) -> None:
        ruled = replace(course, name="Another", language="ko", hints=2)
        assert run_for(course, ["course.toml"], ruled, tmp_path) == set()
        run_otherwise = replace(course, packages=("xgboost",))
        assert SAMPLE in run_for(course, ["course.toml"], run_otherwise, tmp_path)
        assert SAMPLE in run_for(course, ["course.toml"], None, tmp_path)


def told(before: Seen | None, after: Seen | None, lang: str = "en") -> str:
    return markdown([Change(GRU, before, after)], Words(lang), "abc", MOST)


class TestWhatStudentsSee:
    @pytest.fixture
    def now(self, course: Course) -> Seen:
        return seen(course.exercises[GRU], WORDS)

    def again(self, course: Course, name: str, old: str, new: str) -> Seen:
        """Look once more after an edit."""
        path = course.root / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        return seen(load_course(course.root).exercises[GRU], WORDS)

    def test_nothing_where_nothing_changed(self, now: Seen) -> None:
        assert "read as before" in told(now, now)

    def test_points(self, course: Course, now: Seen) -> None:
        head = "order = 40"
        after = self.again(
            course,
            f"assignments/{GRU}/exercise.toml",
            head,
            f"{head}\npoints = {{ runs = 20, structure = 25, data = 15, training = 15, accuracy = 25 }}",
        )
        text = told(now, after)
        rows = [line for line in text.splitlines() if line.startswith("| Points")]
        assert [row.split("|")[2:4] for row in rows] == [[" 10 ", " 20 "], [" 35 ", " 25 "]]
        assert "20" in "\n".join(line for line in text.splitlines() if line.startswith("+"))

    def test_expectations(self, course: Course, now: Seen) -> None:
        value = next(one for one in load_course(course.root).exercises[GRU].expectation.thresholds)  # type: ignore[union-attr]
        after = self.again(
            course, f"reference/{GRU}/expected.json", f'"value": {value.value}', '"value": 0.5'
        )
        rows = [line for line in told(now, after).splitlines() if line.startswith("| Full")]
        assert rows
        assert all("0&#46;5" in row for row in rows)

    def test_the_model_that_is_asked_for(self, course: Course, now: Seen) -> None:
        after = self.again(
            course, f"assignments/{GRU}/exercise.toml", "epochs = 100", "epochs = 50"
        )
        assert "| Epochs asked for | 100 | 50 |" in told(now, after)

    def test_text_as_it_will_read_with_its_lines_before_and_after(
        self, course: Course, now: Seen
    ) -> None:
        name = f"reference/{GRU}/solution.py"
        after = self.again(course, name, "**Goal.**", "**Aim.**")
        text = told(now, after)
        assert [line for line in text.splitlines() if line.startswith("> ") and "**Aim.**" in line]
        lines = text.splitlines()
        assert [one for one in lines if one.startswith("-") and "**Goal.**" in one]
        assert [one for one in lines if one.startswith("+") and "**Aim.**" in one]

    def test_no_line_of_an_answer(self, course: Course, now: Seen) -> None:
        """What stands between the markers is the instructor's: the page may be shown around."""
        name = f"reference/{GRU}/solution.py"
        after = self.again(course, name, "### BEGIN SOLUTION\n", "### BEGIN SOLUTION\n# secret\n")
        assert "read as before" in told(now, after)

    def test_a_solution_whose_notebook_cannot_be_made(self, course: Course, now: Seen) -> None:
        name = f"reference/{GRU}/solution.py"
        after = self.again(course, name, "### END SOLUTION\n", "\n")
        assert "cannot be made" in told(now, after)

    def test_a_new_exercise_is_shown_whole_and_one_that_is_gone_is_named(self, now: Seen) -> None:
        text = told(None, now)
        assert "A new exercise" in text
        assert text.count("### Cell") == len(now.cells)
        assert "No longer there" in told(now, None)

    @pytest.mark.parametrize("lang", ["ko", "en"])
    def test_it_speaks_both_languages(self, course: Course, lang: str) -> None:
        words = Words(lang)
        now = seen(course.exercises[GRU], words)
        text = markdown([Change(GRU, None, now)], words, "abc", MOST)
        assert "changed." not in text
        assert "…" not in text.partition("### ")[0]

    def test_no_cell_ends_the_block_that_it_stands_in(self) -> None:
        cell = Cell("```diff\n````\n## pwned\n", code=True)
        before, after = (Seen("x", {}, (cell,)) for _ in range(2))
        after = replace(after, cells=(Cell(cell.text + "# more\n", code=True),))
        heads = [
            one for one in MarkdownIt().parse(told(before, after)) if one.type == "heading_open"
        ]
        assert [one.tag for one in heads] == ["h2", "h2", "h3"]

    def test_what_does_not_fit_is_counted(self, now: Seen) -> None:
        changes = [Change(f"e{n}", None, now) for n in range(30)]
        text = markdown(changes, WORDS, "abc", 20_000)
        assert len(text.encode()) <= 20_000
        shown = text.count("A new exercise")
        assert 0 < shown < 30
        assert f"do not fit here: {30 - shown}" in text

    def test_the_page_runs_and_fetches_nothing(self) -> None:
        evil = "<script>x</script> ![p](http://evil/p.png) [l](javascript:alert(1))"
        found = page(told(None, Seen("<b>", {"<i>": "<u>"}, (Cell(evil, code=False),))), WORDS)
        assert "<script" not in found
        assert "javascript:" not in found.replace("[l](javascript:alert(1))", "")
        assert "default-src &#39;none&#39;" in found or "default-src 'none'" in found
        assert not [one for one in ("<b>", "<i>", "<u>") if one in found]


class Instructor:
    """An instructor's repository, verified without rooms."""

    def __init__(self, shell: Shell, course: Course, tmp_path: Path) -> None:
        self.shell, self.out, self.course = shell, tmp_path / "verify", course
        self.work = Working(tmp_path / "work")
        shutil.copytree(course.root, self.work.place / "course", dirs_exist_ok=True)
        shutil.rmtree(self.work.place / "course/reference/chapter")
        self.root = self.work.place / "course"
        shell.monkeypatch.setenv("GRADER_COURSE", str(self.root))
        for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "FORGEJO_ACTIONS", "GITLAB_CI"):
            shell.monkeypatch.delenv(name, raising=False)
        self.base = self.work.commit()
        self.seen: list[str] = []

    def as_wanted(self, _: Any, collected: Any, *__: Any) -> Iterator[Graded]:
        """Have each notebook get what its folder says."""
        one: Submission
        for one in collected.submissions:
            self.seen.append(one.name)
            grade = b.grade(Verdict.NO_MODEL, 0.0, (b.check("structure.layer-1", 0.0, 100.0),))
            if "submissions" in one.name:
                grade = b.grade(Verdict(one.name.split("/")[-2]), 50.0)
            elif one.name.startswith("reference"):
                grade = b.grade()
            yield Graded(
                one, (b.record(one.student, one.exercises[0], submission=one.name, grade=grade),)
            )

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.root / name
        path.write_text(change(path.read_text("utf-8")), "utf-8")

    def __call__(self, *more: object) -> Said:
        base = () if "--changed" in more else ("--changed", self.base)
        return self.shell("verify", *base, "--out", self.out, "--lang", "en", *more)

    def page(self) -> str:
        return (self.out / "changes.md").read_text("utf-8")


@pytest.fixture
def instructor(
    monkeypatch: pytest.MonkeyPatch, capfd: Any, course: Course, tmp_path: Path
) -> Instructor:
    made = Instructor(Shell(monkeypatch, capfd, tmp_path), course, tmp_path)
    monkeypatch.setattr("grader.cli.verify.graded_as_done", made.as_wanted)
    monkeypatch.setattr("grader.cli.verify.open_room", lambda *_: NoRoom())
    monkeypatch.setattr("grader.cli.verify.quickened", lambda room: (room, None))
    return made


class TestTheCommand:
    def test_a_sample_that_was_edited_runs_alone(self, instructor: Instructor) -> None:
        instructor.edit(SAMPLE, lambda text: text + " ")
        said = instructor()
        assert said.code == 0, said.err
        assert instructor.seen == [SAMPLE]
        assert "read as before" in instructor.page()

    def test_a_sample_that_git_does_not_know_yet_runs_too(self, instructor: Instructor) -> None:
        name = SAMPLE.replace("truncated", "new")
        shutil.copy(instructor.root / SAMPLE, instructor.root / name)
        assert instructor().code == 0
        assert instructor.seen == [name]

    def test_a_verdict_that_is_another_fails(self, instructor: Instructor) -> None:
        name = SAMPLE.replace("malformed", "accepted")
        shutil.move(instructor.root / SAMPLE, instructor.root / name)
        as_wanted = instructor.as_wanted

        def otherwise(*given: Any) -> Iterator[Graded]:
            for one in as_wanted(*given):
                grade = b.grade(Verdict.MALFORMED, 0.0)
                yield replace(one, records=tuple(replace(r, grade=grade) for r in one.records))

        instructor.shell.monkeypatch.setattr("grader.cli.verify.graded_as_done", otherwise)
        said = instructor()
        assert said.code == 1
        assert "accepted/truncated.ipynb" in said.err

    def test_text_that_was_edited_stands_on_the_page_of_the_job(
        self, instructor: Instructor, tmp_path: Path
    ) -> None:
        summary = tmp_path / "summary.md"
        instructor.shell.monkeypatch.setenv("GITHUB_ACTIONS", "true")
        instructor.shell.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        instructor.edit(
            f"reference/{GRU}/solution.py", lambda text: text.replace("**Goal.**", "**Aim.**")
        )
        said = instructor()
        assert said.code == 1  # the committed notebook is another one
        assert "**Aim.**" in summary.read_text("utf-8") == instructor.page()
        assert "<strong>Aim.</strong>" in (instructor.out / "changes.html").read_text("utf-8")
        assert f"assignments/{GRU}/{GRU}.ipynb" in instructor.seen

    def test_of_the_settings_only_what_students_get_is_shown(self, instructor: Instructor) -> None:
        """The page is an artifact of a job: who has more time, and why, is nobody's business."""
        told = '[[extensions]]\nstudent = "kim"\ndays = 3\nreason = "in hospital"\n'
        instructor.work.write("course/course.toml", f'name = "Deep Learning"\n{told}'.encode())
        assert instructor().code == 0
        assert "Deep Learning" in instructor.page()
        for private in ("kim", "hospital", "extensions"):
            assert private not in instructor.page()

    def test_what_the_base_changed_meanwhile_is_not_this_changes(
        self, instructor: Instructor
    ) -> None:
        work = instructor.work
        work.git("checkout", "-q", "-b", "change")
        instructor.edit(SAMPLE, lambda text: text + " ")
        work.commit()
        work.git("checkout", "-q", "main")
        instructor.edit(f"assignments/{SEQUENCE}/exercise.toml", lambda text: text + "\n")
        work.commit()
        work.git("checkout", "-q", "change")
        assert instructor("--changed", "main").code == 0
        assert instructor.seen == [SAMPLE]

    def test_nothing_runs_where_the_course_is_the_same(self, instructor: Instructor) -> None:
        instructor.work.write("grader/score.py", b"x = 1")
        instructor.work.commit()
        said = instructor()
        assert (said.code, instructor.seen) == (0, [])
        assert "grader/score.py" in said.err

    def test_names_of_files_are_text(self, instructor: Instructor) -> None:
        for name in HOSTILE:
            instructor.work.write(name, b"x")
            instructor.work.write(f"course/assignments/{GRU}/{name.rpartition('/')[2]}", b"x")
        instructor.work.git("add", "-A")
        said = instructor()
        assert said.code == 1  # files that nothing uses
        assert not [one for one in said.err.splitlines() if one.startswith("::")]
        assert not [one for one in instructor.page().splitlines() if one.startswith("::")]
        assert not list(instructor.work.place.parent.rglob("pwned"))

    def test_a_course_that_could_not_be_read_before_is_new(self, instructor: Instructor) -> None:
        good = (instructor.root / f"assignments/{GRU}/exercise.toml").read_bytes()
        instructor.edit(f"assignments/{GRU}/exercise.toml", lambda _: "[broken")
        instructor.base = instructor.work.commit()
        (instructor.root / f"assignments/{GRU}/exercise.toml").write_bytes(good)
        said = instructor()
        assert said.code == 0, said.err
        assert "cannot be read as it was before" in said.err
        assert "A new exercise" in instructor.page()

    def test_code_of_the_course_as_it_was_is_not_run(
        self, instructor: Instructor, tmp_path: Path
    ) -> None:
        trap = tmp_path / "ran"
        name = "reference/families/multiplication.py"
        good = (instructor.root / name).read_text("utf-8")
        instructor.edit(name, lambda text: f"open({str(trap)!r}, 'w')\n{text}")
        instructor.base = instructor.work.commit()
        instructor.edit(name, lambda _: good)
        assert instructor().code == 0
        assert not trap.exists()

    def test_samples_and_a_base_together_are_refused(self, instructor: Instructor) -> None:
        said = instructor("--changed", instructor.base, instructor.root / SAMPLE)
        assert (said.code, "--changed" in said.line) == (2, True)

    def test_a_base_that_is_not_here_says_what_to_fetch(self, instructor: Instructor) -> None:
        said = instructor("--changed", "d" * 40)
        assert (said.code, "fetch-depth: 0" in said.line) == (2, True)


@pytest.mark.real
def test_the_workflows_step_as_it_is_written(course: Course, tmp_path: Path) -> None:
    work = Working(tmp_path / "work")
    shutil.copytree(course.root, work.place, dirs_exist_ok=True)
    base = work.commit()
    path = work.place / SAMPLE
    path.write_text(path.read_text("utf-8") + " ", "utf-8")
    work.commit()
    place = tmp_path / "temp"
    place.mkdir()
    done = run_step(
        *(EXAMPLES / "github-course.yml", "Verify"),
        {
            "github.event.pull_request.base.sha": base,
            "github.workspace": str(work.place),
            "runner.temp": str(place),
        },
        work.place,
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(place / "summary.md"),
        PYTHONPATH=str(ROOT),
        LC_ALL="C.UTF-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of" in done.stderr
    assert "read as before" in (place / "summary.md").read_text("utf-8")
