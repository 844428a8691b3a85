"""The course check: what it finds in files, which notebooks it runs, and what they must get."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.cli.verify import VerifyOptions, run_verify
from grader.collect.collect import Collected
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.pipeline.grader import Graded, Grader
from grader.score.score import score
from grader.submission import Submission
from grader.text.words import Words
from grader.types import Check, Message, Record, Verdict
from grader.verify.cases import QUICK_SECONDS, CourseCase, Kind, cases, quick, samples
from grader.verify.compare import misses, tally_of_files, tally_of_runs
from grader.verify.leaks import TELLING
from grader.verify.rules import check_files, without_threshold
from grader.verify.ruling import Ruling, ruling
from tests.support import builders as b
from tests.support.course_help import ROOT, SMALL, an_answer_of, course_of

SEQUENCE, GRU = SMALL
WORDS = Words("en")
CLASS = f"""
time_zone = "Asia/Seoul"
[late]
per_day = 10
[exercise.{SEQUENCE}]
due = 2026-05-01
[exercise.{GRU}]
due = 2026-05-01
[roster]
file = "class.csv"
[[extensions]]
student = "kin"
days = 1
"""


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return course_of(tmp_path, *SMALL)


def broken(course: Course) -> list[Ruling]:
    """Look at the files as they are now."""
    now = load_course(course.root)
    found = [one for one in check_files(now, now.exercises.values()) if not one.holds]
    for one in found:
        for lang in ("ko", "en"):
            assert one.got is not None
            assert Words(lang).knows(one.got.id), one.got.id
            assert Words(lang).knows(one.expected.id), one.expected.id
    return found


def only(found: list[Ruling]) -> tuple[str, str, str]:
    (one,) = found
    assert one.got is not None
    return one.rule, one.subject, one.got.id


def assignment(course: Course, name: str) -> Path:
    return course.root / "assignments" / name


def reference(course: Course, name: str) -> Path:
    return course.root / "reference" / name


def change(path: Path, edit: Callable[[str], str]) -> None:
    path.write_text(edit(path.read_text("utf-8")), "utf-8")


class TestFiles:
    def test_a_sound_course_breaks_no_rule(self, course: Course) -> None:
        assert broken(course) == []

    def test_the_course_at_hand_breaks_none_but_for_calibrations(self) -> None:
        found = load_course(ROOT)
        wrong = [one for one in check_files(found, found.exercises.values()) if not one.holds]
        assert [one for one in wrong if not one.waiting] == []

    def test_a_notebook_that_was_run_is_found(self, course: Course) -> None:
        path = assignment(course, GRU) / f"{GRU}.ipynb"
        document = json.loads(path.read_text("utf-8"))
        place = next(n for n, c in enumerate(document["cells"]) if c["cell_type"] == "code")
        document["cells"][place]["execution_count"] = 3
        path.write_text(json.dumps(document), "utf-8")
        rules = {one.rule: one.got for one in broken(course)}
        assert rules["outputs"] == Message("verify.outputs_stored", {"cell": place + 1})

    def test_a_notebook_that_its_solution_does_not_give_is_found(self, course: Course) -> None:
        path = reference(course, GRU) / "solution.py"
        change(path, lambda source: source.replace("**Goal.**", "**Aim.**"))
        assert only(broken(course)) == ("notebook", GRU, "verify.file_old")

    def test_a_missing_notebook_is_found(self, course: Course) -> None:
        (assignment(course, GRU) / f"{GRU}.ipynb").unlink()
        assert only(broken(course)) == ("notebook", GRU, "verify.no_file")

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("assignments/notes.txt", "assignments"),
            ("assignments/multiplication-gru/exercise.yaml", GRU),
            ("reference/multiplication-gru/solutions.py", GRU),
            ("reference/multiplication-gru/submissions/acepted/x.ipynb", GRU),
            ("reference/multiplication-gru/submissions/accepted/x.py", GRU),
            ("reference/multiplikation-gru/spec.toml", "reference"),
        ],
    )
    def test_a_file_that_nothing_looks_at_is_an_orphan(
        self, course: Course, name: str, place: str
    ) -> None:
        path = course.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", "utf-8")
        (one,) = broken(course)
        assert (one.rule, one.subject) == ("orphans", place)
        assert one.got is not None
        assert name.startswith(str(one.got.args["file"]))

    def test_a_file_that_the_notebook_reads_is_none(self, course: Course) -> None:
        (assignment(course, GRU) / "numbers.csv").write_text("1,2\n", "utf-8")
        change(reference(course, GRU) / "solution.py", lambda s: f"{s}\n# numbers.csv\n")
        assert "orphans" not in {one.rule for one in broken(course)}

    def test_limits_of_a_sample_that_is_not_there_are_found(self, course: Course) -> None:
        (reference(course, GRU) / "submissions/time_limit/endless.ipynb").unlink()
        assert only(broken(course)) == ("sample_limits", GRU, "verify.no_such_sample")

    def test_a_line_of_an_answer_in_any_public_file_is_found(self, course: Course) -> None:
        line = an_answer_of(course.exercise(GRU))
        readme = course.root / "assignments" / "README.md"
        readme.write_text(f"Hello\n\n    {line}\n", "utf-8")
        rule, place, got = only(broken(course))
        assert (rule, place, got) == ("answers", "assignments/README.md", "verify.answer_found")

    def test_every_exercise_has_lines_that_would_be_found(self) -> None:
        known = load_course(ROOT).exercises.values()
        assert all(len(an_answer_of(one)) >= TELLING for one in known)

    def test_a_threshold_in_a_public_file_is_found(self, course: Course) -> None:
        measured = course.exercise(GRU).expectation
        assert measured is not None
        value = measured.thresholds[0].value
        change(
            assignment(course, GRU) / "exercise.toml", lambda text: f"# full from {value}\n{text}"
        )
        place = f"assignments/{GRU}/exercise.toml"
        assert only(broken(course)) == ("thresholds", place, "verify.threshold_found")

    def test_an_expectation_handed_out_is_found(self, course: Course) -> None:
        source = reference(course, GRU) / "expected.json"
        (assignment(course, GRU) / "copy.json").write_bytes(source.read_bytes())
        rules = {one.rule: one.got for one in broken(course)}
        assert set(rules) == {"orphans", "thresholds"}
        assert rules["thresholds"] is not None
        assert rules["thresholds"].id == "verify.private_word"

    @pytest.mark.parametrize(
        ("before", "after", "problem"),
        [
            (r'(?m)^ko = ".*"$', 'ko = " "', "verify.hint_not_korean"),
            (r'(?m)^ko = ".*"$', 'ko = "Only English"', "verify.hint_not_korean"),
            (r'(?m)^en = ".*"$', 'en = "한국어입니다"', "verify.hint_not_english"),
            (r'when = "data"', 'when = "dada"', "verify.hint_never"),
        ],
    )
    def test_a_hint_that_says_nothing_is_found(
        self, course: Course, before: str, after: str, problem: str
    ) -> None:
        change(reference(course, GRU) / "spec.toml", lambda text: re.sub(before, after, text))
        assert only(broken(course)) == ("hints", GRU, problem)

    def test_an_exercise_without_hints_is_found(self, course: Course) -> None:
        change(
            reference(course, GRU) / "spec.toml",
            lambda text: re.sub(r"(?m)^\[\[hints\]\]\nwhen.*\nen.*\nko.*\n", "", text),
        )
        assert only(broken(course)) == ("hints", GRU, "verify.no_hints")

    def test_an_exercise_that_nobody_measured_waits(self, course: Course) -> None:
        (reference(course, GRU) / "expected.json").unlink()
        (one,) = broken(course)
        assert one.waiting
        assert only([one]) == ("expected", GRU, "verify.not_calibrated")

    def test_an_expectation_of_other_data_waits(self, course: Course) -> None:
        change(
            reference(course, GRU) / "spec.toml",
            lambda text: text.replace("train_rows = 2560", "train_rows = 2561"),
        )
        (one,) = broken(course)
        assert one.waiting
        assert only([one]) == ("expected", GRU, "verify.other_data")

    def test_an_expectation_of_other_layers_is_wrong(self, course: Course) -> None:
        change(
            reference(course, GRU) / "expected.json",
            lambda text: text.replace('"params": 3060', '"params": 3061'),
        )
        (one,) = broken(course)
        assert not one.waiting
        assert only([one]) == ("expected", GRU, "verify.other_layers")

    def test_samples_of_one_kind_only_are_not_enough(self, course: Course) -> None:
        for path in (reference(course, SEQUENCE) / "submissions/accepted").iterdir():
            path.unlink()
        assert only(broken(course)) == ("samples", SEQUENCE, "verify.no_accepted")

    def test_why_there_is_no_threshold_is_told_in_both_languages(self, course: Course) -> None:
        ((name, why),) = without_threshold(course.exercises.values())
        assert name == SEQUENCE
        assert "cannot be told apart" in Words("en").say(why)
        assert re.search(r"[가-힣]", Words("ko").say(why))
        assert not re.search(r"[A-Za-z]{4,} [a-z]{2,}", Words("ko").say(why))

    @pytest.mark.parametrize(("lang", "said"), [("en", "Error divided by"), ("ko", "대비 오차")])
    def test_what_was_measured_is_named_in_words(
        self, course: Course, lang: str, said: str
    ) -> None:
        measured = course.exercise(SEQUENCE).expectation
        assert measured is not None
        entries = tuple(replace(one, metric="relative_mae") for one in measured.thresholds)
        told = replace(measured, thresholds=entries).threshold("jax", "cpu")
        assert told is not None
        assert told.why is not None
        text = Words(lang, [ROOT / "reference/families/locale"]).say(told.why)
        assert said in text
        assert "relative_mae" not in text
        assert "…" not in text

    def test_a_report_gives_that_reason_in_its_own_language(self, course: Course) -> None:
        exercise = course.exercise(SEQUENCE)
        threshold = exercise.threshold("jax", "cpu")
        assert threshold is not None
        grade = score(b.evidence(SEQUENCE), exercise, threshold)
        (check,) = (one for one in grade.checks if one.id == "accuracy.none")
        assert check.message == threshold.why
        assert threshold.reason not in Words("ko").say(check.message)


class TestSelection:
    def test_every_notebook_of_the_course_is_a_case(self, tmp_path: Path) -> None:
        whole = load_course(ROOT)
        found = cases(whole, list(whole.exercises.values()), tmp_path)
        paths = {case.path for case in found}
        assert paths >= set(ROOT.glob("assignments/*/*.ipynb"))
        assert paths >= set(ROOT.glob("reference/*/submissions/*/*.ipynb"))
        assert paths >= set(ROOT.glob("reference/chapter/*.ipynb"))
        kinds = [case.kind for case in found]
        assert kinds.count(Kind.STUB) == kinds.count(Kind.REFERENCE) == len(whole.exercises)

    def test_a_quick_look_has_a_stub_and_a_wrong_sample_of_every_exercise(
        self, tmp_path: Path
    ) -> None:
        whole = load_course(ROOT)
        chosen = quick(cases(whole, list(whole.exercises.values()), tmp_path))
        for name in whole.exercises:
            mine = [case for case in chosen if name in case.wanted]
            assert [case.kind for case in mine].count(Kind.STUB) == 1
            assert any(
                case.kind is Kind.SAMPLE and case.wanted[name] != Verdict.ACCEPTED for case in mine
            )

    def test_a_quick_look_spends_its_time_on_the_cheapest_references(self, tmp_path: Path) -> None:
        whole = load_course(ROOT)
        found = cases(whole, list(whole.exercises.values()), tmp_path)
        chosen = {c.name: c.seconds for c in quick(found) if c.kind is Kind.REFERENCE}
        left = [c.seconds for c in found if c.kind is Kind.REFERENCE and c.name not in chosen]
        assert chosen
        assert sum(chosen.values()) <= QUICK_SECONDS
        assert max(chosen.values()) <= min(left)

    def test_a_sample_is_expected_to_take_as_long_as_its_epochs(self, course: Course) -> None:
        seconds = {Path(c.name).stem: c.seconds for c in samples(course, course.exercise(GRU))}
        assert seconds["truncated"] == 0
        assert seconds["two_epochs"] < seconds["textbook_list"]
        assert seconds["endless"] > 25
        assert seconds["tiny_rate"] > 2 * seconds["textbook_list"]


def failures(kind: Kind, verdict: str, record: Record) -> list[str]:
    case = CourseCase(kind, "x.ipynb", Path("x.ipynb"), {record.exercise: verdict})
    return [WORDS.say(one.got) for one in misses(case, [record])]


def missed(points: float = 0.0) -> tuple[Check, ...]:
    return (b.check("runs.cells", points, 10.0),)


class TestOutcomes:
    def test_a_stub_that_scores_zero_and_says_why_is_right(self) -> None:
        grade = b.grade(Verdict.RUNTIME_ERROR, 0.0, missed())
        assert failures(Kind.STUB, "", b.record(grade=grade)) == []

    def test_a_stub_that_scores_is_wrong(self) -> None:
        grade = b.grade(Verdict.RUNTIME_ERROR, 5.0, missed(5.0))
        assert failures(Kind.STUB, "", b.record(grade=grade)) == ["runtime_error, points: 5"]

    def test_a_stub_with_a_cell_that_fails_is_wrong(self) -> None:
        checks = (b.check("runs.cells", 0.0, 10.0, expected="7", got="6"),)
        grade = b.grade(Verdict.RUNTIME_ERROR, 0.0, checks)
        assert failures(Kind.STUB, "", b.record(grade=grade)) == ["runtime_error, points: 0"]

    def test_a_stub_that_says_nothing_is_wrong(self) -> None:
        grade = b.grade(Verdict.NO_MODEL, 0.0, ())
        assert failures(Kind.STUB, "", b.record(grade=grade)) == ["no_model, points: 0"]

    def test_a_reference_must_score_full(self) -> None:
        assert failures(Kind.REFERENCE, "accepted", b.record()) == []
        grade = b.grade(Verdict.ACCEPTED, 99.0)
        assert failures(Kind.REFERENCE, "accepted", b.record(grade=grade))

    def test_a_sample_must_get_its_folders_verdict(self) -> None:
        record = b.record(grade=b.grade(Verdict.WRONG_DATA, 80.0))
        assert failures(Kind.SAMPLE, "wrong_data", record) == []
        assert failures(Kind.SAMPLE, "untrained", record) == ["wrong_data, points: 80"]

    def test_a_chapter_must_hold_each_of_its_exercises(self) -> None:
        record = b.record(exercise=GRU)
        case = CourseCase(Kind.CHAPTER, "c.ipynb", Path("c.ipynb"), {SEQUENCE: "accepted"})
        (one,) = misses(case, [record])
        assert (one.exercise, one.got.id) == (SEQUENCE, "verify.not_found")

    def test_an_ungraded_notebook_is_never_right(self) -> None:
        assert failures(Kind.STUB, "", b.ungraded())
        assert failures(Kind.SAMPLE, "accepted", b.ungraded())


class TestCounting:
    def test_a_rule_that_waits_is_left_out_where_that_is_allowed(self) -> None:
        rulings = [
            ruling("outputs", "a"),
            ruling("hints", "a", Message("verify.no_hints")),
            ruling("expected", "a", Message("verify.not_calibrated"), waiting=True),
        ]
        strict, allowed = (tally_of_files(rulings, uncalibrated=one) for one in (False, True))
        assert (strict.right, strict.total) == (1, 3)
        assert (allowed.right, allowed.total) == (1, 2)
        assert (strict.waiting, allowed.waiting) == (0, 1)
        assert [one.subject for one in allowed.failures] == ["a (hints)"]

    def test_a_notebook_with_two_faults_is_wrong_once(self) -> None:
        case = CourseCase(Kind.CHAPTER, "c", Path("c"), {SEQUENCE: "accepted", GRU: "accepted"})
        tally = tally_of_runs([(case, [])], missing=2)
        assert len(tally.failures) == 2
        assert (tally.right, tally.total, tally.missing, tally.ungraded) == (0, 1, 2, False)

    def test_one_that_could_not_be_graded_is_told_apart(self) -> None:
        record = b.ungraded()
        case = CourseCase(Kind.SAMPLE, "x", Path("x"), {record.exercise: "accepted"})
        tally = tally_of_runs([(case, [record])], missing=0)
        assert (tally.right, tally.ungraded) == (0, True)

    def test_files_and_runs_are_counted_together(self) -> None:
        files = tally_of_files([ruling("outputs", "a")], uncalibrated=False)
        record = b.record(grade=b.grade(Verdict.WRONG_DATA, 80.0))
        case = CourseCase(Kind.SAMPLE, "x", Path("x"), {record.exercise: "accepted"})
        both = files + tally_of_runs([(case, [record])], missing=1)
        assert (both.right, both.total, both.missing) == (1, 2, 1)
        assert both.failures[0].record is record


class TestCommand:
    """The command without rooms: every notebook gets the record that the test wants."""

    @pytest.fixture
    def verify(
        self, course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Callable[..., int]:
        def as_wanted(_grader: object, collected: object, *_: object) -> object:
            for one in collected.submissions:  # type: ignore[attr-defined]
                parts = one.name.split("/")
                yield Graded(one, (self.record(one, parts),))

        monkeypatch.setenv("GRADER_COURSE", str(course.root))
        monkeypatch.setenv("GRADER_SECRET_FILE", str(tmp_path / "secret"))
        monkeypatch.setattr("grader.cli.verify.graded_as_done", as_wanted)
        monkeypatch.setattr("grader.cli.verify.open_room", lambda *_: None)
        monkeypatch.setattr("grader.cli.verify.quickened", lambda room: (room, None))

        def run(**changes: object) -> int:
            options = {
                "paths": (),
                "exercises": None,
                "out": tmp_path / "out",
                "jobs": 1,
                "engine": "auto",
                "quick": False,
                "allow_uncalibrated": False,
                "lang": "en",
                "format": "table",
            }
            return run_verify(VerifyOptions(**(options | changes)))  # type: ignore[arg-type]

        return run

    def record(self, one: Submission, parts: list[str]) -> Record:
        (exercise,) = one.exercises or ("",)
        grade = b.grade(Verdict.NO_MODEL, 0.0, missed()) if parts[0] == "assignments" else b.grade()
        if "submissions" in parts:
            grade = b.grade(Verdict(parts[-2]), 50.0)
        return b.record(one.student, exercise, submission=one.name, grade=grade)

    def test_a_course_in_order_passes_and_the_last_line_counts(
        self, verify: Callable[..., int], capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert verify() == 0
        last = capfd.readouterr().err.splitlines()[-1]
        found = re.match(r"(\d+) of (\d+) ", last)
        assert found
        assert found[1] == found[2]

    def test_a_missing_calibration_fails_unless_it_is_allowed(
        self, verify: Callable[..., int], course: Course, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (reference(course, GRU) / "expected.json").unlink()
        assert verify() == 1
        capfd.readouterr()
        assert verify(allow_uncalibrated=True) == 0
        said = capfd.readouterr().err
        assert f"grader calibrate {GRU}" in said
        counts = re.findall(r"(\d+) of (\d+) checks .*; let through .*: 1\.", said)
        assert len(counts) == 2  # of the files, and of all
        assert all(right == total for right, total in counts)

    def test_what_failed_stands_in_a_table_with_expected_and_got(
        self,
        verify: Callable[..., int],
        course: Course,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        folder = reference(course, GRU) / "submissions/accepted"
        folder.joinpath("textbook_list.ipynb").rename(folder / "old.ipynb")
        monkeypatch.setattr(
            self.__class__,
            "record",
            lambda _self, one, parts: b.record(one.student, one.exercises[0], submission=one.name),
        )
        assert verify() == 1
        said = capfd.readouterr().err
        assert re.search(r"submissions/no_model/\S+ +no_model +accepted, points: 100", said)

    def test_one_exercise_can_be_looked_at_alone(
        self, verify: Callable[..., int], capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert verify(exercises=(SEQUENCE,), format="json") == 0
        results = json.loads(capfd.readouterr().out)["results"]
        assert {one["exercise"] for one in results} == {SEQUENCE}

    def test_the_class_s_rules_are_not_the_samples(
        self,
        verify: Callable[..., int],
        course: Course,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """Samples were never handed in: no deadline, no group, no list of the class is theirs."""
        (course.root / "course.toml").write_text(CLASS, "utf-8")
        (course.root / "class.csv").write_text("Student,Section\nkim,1\nlee,2\n", "utf-8")

        def kept(grader: Grader, collected: Collected, *_: object) -> Iterator[Graded]:
            for one in collected.submissions:
                record = self.record(one, one.name.split("/"))
                grader.store.save(record)
                yield Graded(one, (record,))

        monkeypatch.setattr("grader.cli.verify.graded_as_done", kept)
        assert verify(exercises=(SEQUENCE,)) == 0
        said = capfd.readouterr()
        for word in ("deadline", "course.toml", "kim", "handed in"):
            assert word not in said.out + said.err
        page = (course.root / "out/index.html").read_text("utf-8")
        assert "late −" not in page
        assert "time not known" not in page

    def test_a_quick_look_grades_less(
        self, verify: Callable[..., int], capfd: pytest.CaptureFixture[str]
    ) -> None:
        counts = []
        for short in (False, True):
            assert verify(quick=short, format="json") == 0
            counts.append(len(json.loads(capfd.readouterr().out)["results"]))
        assert counts[1] < counts[0] / 3
