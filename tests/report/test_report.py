"""The same grade, told to a terminal, a program, a spreadsheet and a CI."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from grader.cli.printing import show
from grader.cli.progress import ProgressLines
from grader.cli.spared import Spared
from grader.pipeline.grader import Graded
from grader.report import wording
from grader.report.export import Export
from grader.report.exporters import load
from grader.report.feedback import feedback_page
from grader.report.github import github_annotations, github_summary
from grader.report.github import inert as markdown
from grader.report.gradebook import gradebook
from grader.report.json_ import results_json
from grader.report.junit import junit
from grader.report.overview import index_page
from grader.report.spreadsheet import inert
from grader.report.table import render_table
from grader.score.score import ungraded
from grader.submission import Submission
from grader.text.words import Words
from grader.types import UNKNOWN, ByRules, Message, Record, Verdict
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ROOT / "reference" / "families" / "locale"
WORDS = Words("en", [FAMILIES])
HOSTILE = "<script>alert(1)</script> [x](http://evil) @all #1 `a` |\x1b[31m\u202e::error::x"


def failed(**changes: object) -> Record:
    """A GRU where an LSTM is asked for, after an error in another cell."""
    told = Message("runs.failed", {"failed": 1, "cells": 9, "first": 3, "error": "NameError: x"})
    wrong = Message("structure.layer", {"number": 1, "expected": "LSTM(30)", "got": "GRU(30)"})
    checks = (
        b.check("runs.cells", 8, 10, told, expected="9", got="8", cell=3),
        b.check("structure.layer-1", 0, 35, wrong, got="GRU(30)", cell=6),
    )
    hints = (Message("structure.no_model"),)
    return b.record(grade=b.grade(Verdict.WRONG_ARCHITECTURE, 8.0, checks, hints), **changes)


def in_terminal(records: list[Record], lang: str = "en") -> str:
    console = Console(width=200, file=io.StringIO(), force_terminal=False)
    console.print(render_table(records, Words(lang, [FAMILIES])))
    return console.file.getvalue()  # type: ignore[attr-defined]


class TestReason:
    def test_the_reason_is_the_check_that_the_verdict_rests_on(self) -> None:
        assert wording.reason(failed(), WORDS).startswith("Layer 1 should be LSTM(30)")

    @pytest.mark.parametrize("verdict", [Verdict.TIME_LIMIT, Verdict.RUNTIME_ERROR])
    def test_a_notebook_of_no_known_exercise_was_stopped_before_it_lacked_a_model(
        self, verdict: Verdict
    ) -> None:
        stopped = Message("runs.stopped", {"cell": 2, "outcome": "time_limit"})
        checks = (
            b.check("runs.cells", 0.0, 0.0, stopped, expected="2", got="1"),
            b.check("structure.layers", 0.0, 100.0, Message("structure.no_model", {})),
        )
        grade = b.grade(verdict, 0.0, checks)
        record = b.record(exercise=UNKNOWN, grade=grade, evidence=None)
        assert wording.reason(record, WORDS) == WORDS.say(stopped)
        assert wording.reason_cell(record, WORDS) == "cell 2"

    def test_an_accepted_exercise_needs_no_reason(self) -> None:
        assert wording.reason(b.record(), WORDS) == ""

    def test_accepted_work_of_which_a_cell_failed_is_not_said_to_be_whole(self) -> None:
        whole, told = b.full_checks(), Message("runs.failed", {"first": 3, "error": "KeyError"})
        cells = b.check("runs.cells", 8.33, 10, told, expected="6", got="5", cell=3)
        in_part = b.record(grade=b.grade(Verdict.ACCEPTED, 98.33, (cells, *whole[1:])))
        assert wording.verdict_reason(b.record(), WORDS) == WORDS("verdict.accepted.why")
        assert wording.verdict_reason(in_part, WORDS) == WORDS("verdict.accepted.in_part")

    def test_where_a_cell_failed_is_said_once(self) -> None:
        """Its place stands before the sentence, in a page, a terminal and a table."""
        for lang in ("en", "ko"):
            words = Words(lang)
            (cells, _) = failed().grade.checks
            line = f"{wording.cell_name(cells.cell, words)}: {wording.check_text(cells, words)}"
            about_the_error = line.partition("NameError: x")[2].partition(".")[0]
            assert about_the_error == ""

    def test_an_ungraded_exercise_gives_our_reason(self) -> None:
        broken = b.record(
            grade=b.grade(
                Verdict.GRADER_ERROR,
                None,
                (b.check("grader", 0, 0, Message("record.disk_full", {"path": "/out"})),),
            )
        )
        assert "disk" in wording.reason(broken, WORDS)

    def test_a_verdict_without_a_failed_check_explains_itself(self) -> None:
        odd = b.record(grade=b.grade(Verdict.SUSPICIOUS))
        assert wording.reason(odd, WORDS) == WORDS("verdict.suspicious.why")

    def test_the_place_is_told_in_the_readers_language(self) -> None:
        assert wording.reason_cell(failed(), Words("ko")) == "6번 셀"

    def test_a_notebook_that_was_stopped_says_in_which_cell(self) -> None:
        told = Message("runs.stopped", {"cell": 2, "outcome": "time_limit"})
        stopped = b.record(
            grade=b.grade(Verdict.TIME_LIMIT, 0.0, (b.check("runs.cells", 0, 10, told),))
        )
        assert wording.reason_cell(stopped, WORDS) == "cell 2"

    def test_what_was_learned_is_looked_for_where_the_model_was_trained(self) -> None:
        told = Message("accuracy.below", {"figure": "mse", "value": 0.1, "threshold": 0.003})
        missed = (b.check("accuracy.mse", 0, 25, told),)
        low = b.record(grade=b.grade(Verdict.LOW_ACCURACY, 75.0, missed))
        assert low.evidence is not None
        assert low.evidence.training is not None
        assert wording.model_cell(low) == 6
        assert wording.reason_cell(low, WORDS) == "cell 7"
        never = replace(low, evidence=replace(low.evidence, training=None))
        assert wording.reason_cell(never, WORDS) == "cell 6"

    def test_every_verdict_and_class_has_words_in_both_languages(self) -> None:
        for lang in ("en", "ko"):
            words = Words(lang)
            for verdict in Verdict:
                assert words.knows(f"verdict.{verdict.value}")
                assert words.knows(f"verdict.{verdict.value}.why")


NEAREST = {"cell": 3, "got": "Dense", "exercise": "multiplication-lstm", "expected": "LSTM → Dense"}


def of_no_exercise() -> Record:
    """A model was found, and it belongs to none of the course's exercises."""
    told = Message("structure.no_known_exercise", NEAREST)
    check = b.check("structure.model", 0, 100, told, expected="", got="")
    return b.record(exercise=UNKNOWN, grade=b.grade(Verdict.NO_MODEL, 0.0, (check,)))


@pytest.mark.parametrize(
    ("lang", "name", "other"),
    [
        ("en", "Model of no exercise", "No model found"),
        ("ko", "어느 실습의 모델도 아님", "모델 없음"),
    ],
)
class TestOfNoExercise:
    def test_no_report_says_that_there_is_no_model(self, lang: str, name: str, other: str) -> None:
        record, words = of_no_exercise(), Words(lang, [FAMILIES])
        page = feedback_page("kim", [record], words, {})
        student = page[: page.index('id="explained"')]  # where all results are explained
        teacher = index_page([record], words, {}, {})
        for shown in (
            in_terminal([record], lang),
            student,
            teacher,
            github_summary([record], words),
        ):
            assert name in shown
            assert other not in shown
        assert words("verdict.no_known_exercise.why") in student
        assert words("verdict.no_model.why") not in student

    def test_where_there_is_none_it_says_so_still(self, lang: str, name: str, other: str) -> None:
        without = b.record("lee", exercise=UNKNOWN, grade=b.grade(Verdict.NO_MODEL, 0.0))
        teacher = index_page([without, of_no_exercise()], Words(lang), {}, {})
        for shown in (in_terminal([without, of_no_exercise()], lang), teacher):
            assert name in shown
            assert other in shown


def test_of_no_known_exercise_the_contracts_verdict_stays() -> None:
    (one,) = results_json([of_no_exercise()], WORDS, lambda _: "record.json")["results"]
    assert one["verdict"] == "no_model"


class TestTable:
    def test_a_row_tells_student_verdict_score_place_and_reason(self) -> None:
        shown = in_terminal([failed()])
        for part in ("kim", "multiplication-lstm", "Different structure", "8", "cell 6", "Layer 1"):
            assert part in shown

    def test_ungraded_shows_a_dash_and_no_zero(self) -> None:
        row, reference = in_terminal([b.ungraded()]).splitlines()[-1].split("Reference: ")
        assert "–" in row
        assert "0" not in row
        assert b.ungraded().key.startswith(reference)

    def test_names_are_not_read_as_markup(self) -> None:
        assert "[bold]kim[/bold] :tada:" in in_terminal([b.record("[bold]kim[/bold] :tada:")])

    def test_terminal_escapes_do_not_reach_the_terminal(self) -> None:
        assert "\x1b" not in in_terminal([b.record(HOSTILE)])


class TestJson:
    def results(self, *records: Record) -> list[dict[str, object]]:
        found = results_json(records, WORDS, lambda one: f"results/{one.key}/record.json")
        text = json.dumps(found, allow_nan=False)
        assert json.loads(text)["schema"] == "grader/results/v1"
        return json.loads(text)["results"]

    def test_the_fixed_keys_are_there_and_no_others(self) -> None:
        (one,) = self.results(failed())
        assert list(one) == [
            *("submission", "student", "exercise", "verdict", "graded", "score", "max_score"),
            *("flags", "cell", "checks", "hints", "engine", "attempts", "isolation", "seconds"),
            "record",
        ]
        assert all(
            list(check) == ["id", "points", "max_points", "message", "expected", "got"]
            for check in one["checks"]
        )
        assert one["isolation"] == {"level": "full", "layers": ["network", "files"]}
        assert [list(hint) for hint in one["hints"]] == [["id", "message"]]

    def test_what_is_not_graded_has_no_score(self) -> None:
        (one,) = self.results(b.ungraded())
        assert (one["graded"], one["score"]) == (False, None)

    def test_a_hand_in_that_does_not_count_says_so(self) -> None:
        told = self.results(b.record(submission="a (1)"), b.record(submission="a"))
        assert [one.get("counts") for one in told] == [None, False]

    def test_the_cell_is_where_the_model_was_found(self) -> None:
        assert self.results(b.record())[0]["cell"] == 6

    def test_numbers_stay_strict_json_whatever_the_history_says(self) -> None:
        odd = b.record(evidence=b.evidence(train=b.training((math.nan, math.inf))))
        assert self.results(odd)[0]["score"] == 100.0


class TestGradebook:
    def table(self, *records: Record) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(gradebook(records, WORDS))))

    def test_a_row_per_record(self) -> None:
        low = b.grade(Verdict.LOW_ACCURACY, 41.666, (), flags=("needs_review",))
        accepted = b.record("김, 민준", submission="a.ipynb")
        assert gradebook([accepted, b.record("lee", grade=low, submission="b")], WORDS) == (
            "student,submission,exercise,verdict,graded,score,max_score,flags,first_reason,counts,"
            "by_hand,found_score,text_by_hand,decided_by,comments,waiting,percent,weight,section,"
            "attempt,attempts,handed_in,due,late,days_late,taken_off,late_reason,handed_in_by,"
            "points_runs,points_structure,points_data,points_training,points_accuracy,page\n"
            '"김, 민준",a.ipynb,multiplication-lstm,accepted,True,100.0,100.0,,,True,,100.0,,,'
            f"{',' * 14}10.0,35.0,15.0,15.0,25.0,\n"
            "lee,b,multiplication-lstm,low_accuracy,True,41.666,100.0,needs_review,"
            f'"{WORDS("verdict.low_accuracy.why")}",True,,41.666,,,{"," * 19}\n'
        )

    def test_ungraded_is_an_empty_cell(self) -> None:
        (row,) = self.table(b.ungraded())
        assert row["score"] == ""
        assert row["graded"] == "False"

    def test_the_file_of_the_page_stands_in_its_row(self) -> None:
        pages = {"kim": "feedback/kim.html"}
        table = gradebook([b.record("kim"), b.record("lee")], WORDS, pages)
        rows = csv.DictReader(io.StringIO(table))
        assert [row["page"] for row in rows] == ["feedback/kim.html", ""]

    def test_no_records_still_give_the_columns(self) -> None:
        assert gradebook([], WORDS).startswith("student,submission,exercise")

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "＝", " =", "\u200b="])
    def test_a_name_that_looks_like_a_formula_is_text(self, start: str) -> None:
        (row,) = self.table(b.record(f"{start}cmd|' /C calc'!A0"))
        assert row["student"].startswith("'")

    @pytest.mark.parametrize("between", [";", "; ", ';"', ";'", ";\u00a0"])
    def test_a_formula_behind_a_semicolon_is_text_where_that_ends_a_cell(
        self, between: str
    ) -> None:
        """So it does where numbers have a comma, whatever the file means by it."""
        table = gradebook([b.record(f'kim{between}=HYPERLINK("x")')], WORDS)
        for cell in table.splitlines()[1].split(";"):
            assert not cell.lstrip(" '\"").startswith("=")

    def test_markup_keeps_its_character_references(self) -> None:
        assert inert("0.2 &lt;= 0.3", markup=True) == "0.2 &lt;= 0.3"

    def test_what_course_toml_says_of_somebody_is_text_too(self) -> None:
        rules = ByRules(counts=True, section="=1+1", handed_in_by="+cmd")
        (row,) = self.table(b.record(by_rules=rules))
        assert (row["section"], row["handed_in_by"]) == ("'=1+1", "'+cmd")

    def test_plain_text_is_left_alone(self) -> None:
        assert inert("김민준") == "김민준"
        assert inert("kim; lee") == "kim; lee"


class TestJunit:
    def suites(self, *records: Record) -> ET.Element:
        return ET.fromstring(junit(records, WORDS).encode())

    def test_a_suite_per_student_a_case_per_exercise(self) -> None:
        root = self.suites(b.record("kim"), b.record("kim", "sequence-prediction"), b.record("lee"))
        assert [(s.get("name"), s.get("tests")) for s in root] == [("kim", "2"), ("lee", "1")]

    def test_wrong_work_fails_and_our_fault_is_an_error(self) -> None:
        root = self.suites(failed(), b.ungraded(exercise="x"), b.record(exercise="y"))
        (suite,) = root
        counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "3", "failures": "1", "errors": "1", "skipped": "0"}
        assert len(root.findall(".//failure")) == 1
        assert len(root.findall(".//error")) == 1

    def test_the_shape_is_that_of_junit_10(self) -> None:
        (suite,) = self.suites(failed())
        assert set(suite.attrib) == {
            *("name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname")
        }
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp") or "")
        (case,) = suite
        assert set(case.attrib) == {"name", "classname", "time"}
        assert case[0].get("type") == "wrong_architecture"
        assert "[0/35] Layer 1" in (case[0].text or "")

    def test_hostile_names_leave_the_xml_whole(self) -> None:
        root = self.suites(failed(student=HOSTILE + "\x00\uffff]]>&"))
        assert len(root.findall(".//testcase")) == 1


class TestGithub:
    def test_the_worst_comes_first(self) -> None:
        records = [b.record("a"), failed(student="b"), b.ungraded("c")]
        lines = github_annotations(records, WORDS)
        assert [re.search(r"title=(\w)", line)[1] for line in lines] == ["c", "b", "a"]
        assert [line.split()[0] for line in lines] == ["::error", "::error", "::notice"]

    def test_at_most_ten_annotations_and_the_rest_is_named(self) -> None:
        lines = github_annotations([b.record(f"s{n}") for n in range(30)], WORDS)
        assert len(lines) == 10
        assert "not shown here: 21" in lines[-1]

    def test_a_name_cannot_end_its_property_or_its_line(self) -> None:
        (line,) = github_annotations([failed(student="a::b,c=d\n::error::gotcha")], WORDS)
        assert "\n" not in line
        assert line.count("::") == 2
        assert "a%3A%3Bb" not in line
        assert "a%3A%3Ab%2Cc=d" in line

    def test_a_percent_sign_stays_one(self) -> None:
        (line,) = github_annotations([failed(student="100%0A")], WORDS)
        assert "100%250A" in line

    def test_text_from_students_is_inert_in_markdown(self) -> None:
        told = github_summary([failed(student=HOSTILE)], WORDS)
        row, reason = (line for line in told.splitlines() if "alert" in line)
        for sign in ("<script", "](", "`", "@all", "#1 ", "http:", "\x1b", "\u202e"):
            assert sign not in row + reason
        assert row.count("|") == 5

    def test_inert_markdown_still_says_the_same(self) -> None:
        import html

        assert html.unescape(markdown("a_b *c* 김")) == "a_b *c* 김"

    def test_a_large_class_stays_below_githubs_limit(self) -> None:
        records = [failed(student=f"{HOSTILE}{n}") for n in range(2000)]
        assert len(github_summary(records, WORDS).encode()) < 2**20


class TestFaultOfOurs:
    """A student sees that it is ours and how to ask about it; an instructor sees all of it."""

    FAULT = Message(
        "course.check_raised",
        {"check": "training.adam", "path": "/srv/x/checks.py", "error": "AttributeError('y')"},
    )

    def record(self, student: str = "kim", fault: Message = FAULT, **changes: object) -> Record:
        return b.record(student, grade=ungraded(fault), **changes)

    @pytest.mark.parametrize("lang", ["en", "ko"])
    @pytest.mark.parametrize(
        "fault",
        [
            FAULT,
            Message("pipeline.fault", {"error": "AttributeError in checks.py"}),
            Message("course.broken_family", {"family": "f", "error": "AttributeError: checks.py"}),
            Message("room.start_failed", {"reason": "AttributeError in checks.py"}),
            Message("execute.no_kernel", {"code": 1, "log": "AttributeError in checks.py"}),
        ],
        ids=lambda fault: fault.id,
    )
    def test_what_a_student_sees_has_no_path_and_no_exception(
        self, lang: str, fault: Message
    ) -> None:
        record, words = self.record(fault=fault), Words(lang, [FAMILIES])
        shown = [
            feedback_page("kim", [record], words, {}),
            json.dumps(results_json([record], words, lambda _: ""), ensure_ascii=False),
            github_summary([record], words),
            *github_annotations([record], words),
            junit([record], words),
            *(c.decode() for _, c in load("gradescope").files(Export([record], words, {}))),
        ]
        for text in shown:
            assert "AttributeError" not in text
            assert "checks" not in text.replace('"checks":', "")
            assert words("verdict.grader_error") in text or record.key[:8] in text

    def test_the_students_reference_is_on_the_instructors_page_beside_the_cause(self) -> None:
        record = self.record()
        reference = f"Reference: {record.key[:8]}"
        assert reference in feedback_page("kim", [record], WORDS, {})
        index = index_page([record], WORDS, {}, {})
        assert reference in index
        assert "/srv/x/checks.py" in index
        assert "AttributeError" in gradebook([record], WORDS)

    def test_a_terminal_blames_no_cell(self) -> None:
        record = self.record()
        assert record.evidence is not None
        assert wording.model_cell(record) is not None
        assert wording.reason_cell(record, WORDS) == ""

    def test_a_terminal_tells_each_cause_once_and_whole_with_what_to_do(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        long = Message("pipeline.fault", {"error": "x" * 500 + " the cause"})
        records = [self.record("kim"), self.record("lee"), self.record("park", long, evidence=None)]
        show(WORDS, Path("out"), records, "table", Spared(Path("out")))
        said = " ".join(capsys.readouterr().out.split())
        assert said.count("AttributeError('y')") == 1
        assert "the cause" in said
        assert "Not graded yet: 2." in said
        assert "grader regrade --out out" in said
        assert "Not graded yet: 1. These are not zeros; run the same command again" in said

    def test_progress_tells_each_cause_once_and_whole(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fault = Message("pipeline.fault", {"error": "x" * 500 + " the cause"})
        lines = ProgressLines(2, WORDS)
        for student in ("kim", "lee"):
            handed_in = Submission(student, student, Path(student), (), None, None, "")
            lines.finished(Graded(handed_in, (self.record(student, fault),)))
        assert capsys.readouterr().err.count("the cause") == 1
