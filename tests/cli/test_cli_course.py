"""course.toml from the command line: begun, checked, and the same in every page and export."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tomllib
from dataclasses import replace
from html import unescape
from pathlib import Path

import jsonschema
import pytest

from grader.cli.rules import ClassNames
from grader.course.editors import SCHEMA, schema
from grader.course.load import read_book
from grader.course.settings import SettingsFile
from grader.text.words import Words
from grader.types import Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import Said, Shell
from tests.support.course_help import ROOT

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
AFTERWARDS = "2026-06-01T09:00:00+00:00"
LONG_AGO, FAR_AHEAD = "2001-05-01", "2199-05-01"  # whatever the clock says
TEMPLATES = SCHEMA.parent / "template"
RULES = f"""
time_zone = "Asia/Seoul"
[late]
per_day = 10
[exercise.{LSTM}]
title = "HW3"
points = 10
weight = 3
due = 2026-05-01T18:00:00
[exercise.{GRU}]
weight = 1
"""


@pytest.fixture
def shell(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    course = tmp_path / "course"
    for one in (LSTM, GRU):
        target = course / "assignments" / one
        target.mkdir(parents=True)
        shutil.copy(ROOT / "assignments" / one / "exercise.toml", target)
    monkeypatch.setenv("GRADER_COURSE", str(course))
    return shell


def course_of(shell: Shell) -> Path:
    return shell.out.parent / "course"


def say(shell: Shell, text: str, **files: str) -> None:
    (course_of(shell) / "course.toml").write_text(text, "utf-8")
    for name, content in files.items():
        (course_of(shell) / f"{name}.csv").write_text(content, "utf-8")


def graded(
    student: str, score: float, handed_in: str = "", exercise: str = LSTM, n: int = 1
) -> Record:
    return b.record(
        student,
        exercise,
        submission=f"{student}/{exercise} ({n}).ipynb",
        grade=b.grade(Verdict.LOW_ACCURACY, score),
        handed_in=handed_in,
    )


def report(shell: Shell, *options: str) -> Said:
    return shell("report", "--out", shell.out, "--lang", "en", *options)


def rows(shell: Shell) -> list[dict[str, str]]:
    text = (shell.out / "grades.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


WORKSHEET = """Identifier,Full name,Last modified (submission)
Participant 12,김민준,"Saturday, 2 May 2026, 9:30 AM"
Participant 13,이서연,"Friday, 1 May 2026, 6:00 PM"
Participant 14,박지후,-
"""

PARTS = "First name,Last name,username,ID number\nMinjun,Kim,kmj,s7\nSeoyeon,Lee,lsy,s8\n"


def _risks(index: str) -> str:
    """The part of the class's page about who may need help; "" where nobody may."""
    _, _, after = index.partition('id="risks"')
    return after.partition("</section>")[0]


class TestOwed:
    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_who_handed_in_one_of_two_reads_so_and_the_end_counts_them(
        self, shell: Shell, lang: str
    ) -> None:
        say(shell, RULES.replace("2026-05-01", LONG_AGO))
        shell.keep(graded("kim", 60.0), graded("kim", 50.0, exercise=GRU))
        shell.keep(graded("lee", 100.0, exercise=GRU))
        said = shell("report", "--out", shell.out, "--lang", lang)
        assert Words(lang)("attendance.end_some", count=1) in said.out.splitlines()
        told = {
            "en": "0 of 2 accepted, 100 of 400 points.",  # the LSTM weighs 3
            "ko": "실습 2개 중 0개를 통과했고 400점 만점에 100점입니다.",
        }
        assert told[lang] in shell.page("lee")
        title = {"en": "The multiplication problem with LSTM", "ko": "LSTM으로 곱셈 문제 풀기"}
        missing = Words(lang)("attendance.owed", count=1, exercises=title[lang])
        assert missing in shell.page("lee")
        assert missing not in shell.page("kim")

    @pytest.mark.parametrize(
        ("due", "more_time", "missing"),
        [
            (LONG_AGO, "", {"kim", "lee"}),
            (FAR_AHEAD, "", set()),
            (LONG_AGO, f'[[extensions]]\nstudent = "s8"\ndue = {FAR_AHEAD}\n', {"kim"}),
        ],
    )
    def test_it_is_missing_once_the_student_s_own_deadline_is_past(
        self, shell: Shell, due: str, more_time: str, missing: set[str]
    ) -> None:
        rules = RULES.replace("2026-05-01", due)
        say(
            shell, f'{rules}{more_time}[roster]\nfile = "r.csv"\n', r="Student,ID\nkim,s7\nlee,s8\n"
        )
        shell.keep(graded("park", 90.0), graded("park", 90.0, exercise=GRU))
        shell.keep(graded("kim", 100.0, exercise=GRU), graded("lee", 100.0, exercise=GRU))
        said = report(shell)
        pages = {one for one in ("kim", "lee") if "Owed, and nothing" in shell.page(one)}
        index = (shell.out / "index.html").read_text("utf-8")
        assert pages == missing
        assert {one for one in ("kim", "lee") if f">{one}</a></th>" in _risks(index)} == missing
        (*_, named) = ["", *re.findall(r"<li>([^<]*LSTM[^<]*)</li>", index)]
        assert {one for one in ("kim", "lee") if one in named} == missing
        (*_, end) = ["", *re.findall(r"Handed in some of .*: (\d+)\.", said.out)]
        assert end == str(len(missing) or "")

    def test_where_nobody_said_what_is_owed_nothing_is_missing(self, shell: Shell) -> None:
        shell.keep(graded("kim", 60.0), graded("lee", 100.0, exercise=GRU))
        assert "nothing found yet" not in report(shell).out
        assert "0 of 1 accepted, 100 of 100 points." in shell.page("lee")


class TestForget:
    @pytest.mark.parametrize("lang", ["en", "ko"])
    @pytest.mark.parametrize("sure", [(), ("--yes",)])
    def test_where_a_name_still_stands_is_said_and_how_it_is_shown(
        self, shell: Shell, lang: str, sure: tuple[str, ...]
    ) -> None:
        say(
            shell,
            f'{RULES}[roster]\nfile = "r.csv"\n[[groups]]\nname = "g"\nmembers = ["lee", "choi"]\n',
            r="Student,ID\nkim,1\nlee,2\n",
        )
        shell.keep(*(graded(one, 60.0) for one in ("kim", "lee", "park")))
        told = {}
        for one in ("kim", "lee", "park"):
            to = ("--by", "kang", "--out", shell.out, "--lang", lang)
            said = shell("forget", one, *sure, *to)
            assert said.code == 0
            told[one] = (f"{course_of(shell) / 'r.csv'}" in said.out, "course.toml" in said.out)
            assert ("people.csv" in said.out) == told[one][0]
        assert told == {"kim": (True, False), "lee": (True, True), "park": (False, False)}


class TestByHand:
    @pytest.mark.parametrize("lang", ["en", "ko"])
    @pytest.mark.parametrize(("points", "score"), [(10, "9.5"), (10, "10"), (200, "95")])
    def test_a_score_that_fits_the_lms_points_too_is_asked_about_and_not_written(
        self, shell: Shell, lang: str, points: int, score: str
    ) -> None:
        say(shell, RULES.replace("points = 10", f"points = {points}"))
        shell.keep(graded("kim", 60.0))
        to = ("--reason", "oral", "--by", "lee", "--out", shell.out, "--lang", lang)
        said = shell("override", "kim", f"{GRU},{LSTM}", "--score", score, "--absent", *to)
        assert said.code == 2
        assert "--of 100" in said.line
        assert f"--of {points}" in said.line
        assert not (shell.out / "by-hand.jsonl").exists()

    @pytest.mark.parametrize(
        ("score", "of", "given", "in_lms"),
        [("9.5", "10", "95", "9.5"), ("9.5", "100", "9.5", "0.95"), ("4", "5", "80", "8")],
    )
    def test_with_what_it_is_out_of_it_is_that(
        self, shell: Shell, score: str, of: str, given: str, in_lms: str
    ) -> None:
        say(shell, RULES)
        shell.keep(graded("kim", 60.0))
        to = ("--reason", "oral", "--by", "lee", "--out", shell.out, "--lang", "en")
        said = shell("override", "kim", LSTM, "--score", score, "--of", of, *to)
        assert (said.code, said.err) == (0, "")
        assert f"60 → {given} / 100 (in the LMS: {in_lms} / 10)" in said.out

    @pytest.mark.parametrize(("score", "of"), [("11", "10"), ("1", "0"), ("-1", "10"), ("1", "-1")])
    def test_a_score_outside_what_it_is_out_of_is_refused(
        self, shell: Shell, score: str, of: str
    ) -> None:
        say(shell, RULES)
        shell.keep(graded("kim", 60.0))
        to = ("--reason", "oral", "--by", "lee", "--out", shell.out, "--lang", "en")
        said = shell("override", "kim", LSTM, f"--score={score}", f"--of={of}", *to)
        assert said.code == 2
        assert not (shell.out / "by-hand.jsonl").exists()

    @pytest.mark.parametrize(("score", "exercise"), [("95", LSTM), ("0", LSTM), ("9.5", GRU)])
    def test_no_other_score_is_asked_about(self, shell: Shell, score: str, exercise: str) -> None:
        say(shell, RULES)
        shell.keep(graded("kim", 60.0, exercise=exercise))
        to = ("--reason", "oral", "--by", "lee", "--out", shell.out, "--lang", "en")
        said = shell("override", "kim", exercise, "--score", score, *to)
        assert (said.code, said.err) == (0, "")
        assert ("in the LMS" in said.out) == (exercise == LSTM)

    def test_the_lms_s_title_names_an_exercise(self, shell: Shell) -> None:
        say(shell, RULES)
        shell.keep(graded("kim", 50.0))
        why = ("--reason", "ill", "--by", "lee", "--out", shell.out, "--lang", "en")
        assert shell("excuse", "kim", "hw3", *why).code == 0
        said = shell("forget", "kim", "HW3", "--out", shell.out, "--lang", "en")
        assert "Would erase" in said.out

    def test_where_no_exercise_is_near_those_of_the_student_are_named(self, shell: Shell) -> None:
        say(shell, RULES)
        shell.keep(graded("kim", 50.0))
        why = ("--reason", "ill", "--by", "lee", "--out", shell.out, "--lang", "en")
        said = shell("excuse", "kim", "zzz", *why)
        assert said.code == 2
        assert said.line.endswith(f"There is no exercise zzz. There are: {LSTM}, {GRU}.")


LATE = "2026-05-02T09:30:00"  # a day has begun
ATTEMPTS = [("2026-04-30T09:00:00", 90.0), ("2026-05-01T17:00:00", 60.0), (LATE, 95.0)]


class TestEverywhereTheSame:
    @pytest.mark.parametrize(
        ("rule", "score"), [("last", 85.0), ("best", 90.0), ("last_in_time", 60.0)]
    )
    def test_one_attempt_counts(self, shell: Shell, rule: str, score: float) -> None:
        say(shell, f'attempts = "{rule}"\n{RULES}')
        shell.keep(*(graded("kim", s, at, n=n) for n, (at, s) in enumerate(ATTEMPTS)))
        report(shell)
        told = {row["counts"]: row for row in rows(shell)}
        assert [row["counts"] for row in rows(shell)].count("True") == 1
        assert float(told["True"]["score"]) == pytest.approx(score)
        share = f"{score / 10:.2f}"  # of the ten points that it has in the LMS
        for form, needle in (
            ("canvas", share),
            ("moodle", share),
            ("nbgrader", f",{score:g},100"),
            ("gradescope", f'"score": {score / 10:g}'),
        ):
            key = ("--key", "username") if form == "moodle" else ()
            shell("export", "--format", form, "--out", shell.out, "--lang", "en", *key)
            (made,) = (shell.out / "export" / form).glob("*.*")
            assert needle in made.read_text("utf-8"), form
        said = json.loads(report(shell, "--format", "json").out)["results"]
        assert [one["score"] for one in said if one.get("counts", True)] == [pytest.approx(score)]
        assert f"{3 * score:g} of 300 points" in shell.page("kim")
        weighted = (
            "In the totals each exercise has its weight: The multiplication problem with LSTM × 3."
        )
        for shown in (shell.page("kim"), (shell.out / "index.html").read_text("utf-8")):
            assert weighted in shown
        chosen = told["True"]["submission"]
        assert shell.page("kim").count(f"The one that does: {chosen}.") == 2
        assert "one counts; the others (2)" in (shell.out / "index.html").read_text("utf-8")

    @pytest.mark.parametrize(
        ("said", "offset"), [('time_zone = "+09:00"\n', " +09:00"), ("", " +00:00")]
    )
    def test_pages_tell_times_on_the_courses_clock(
        self, shell: Shell, said: str, offset: str
    ) -> None:
        say(shell, said)
        shell.keep(graded("kim", 85.0, ATTEMPTS[0][0]))
        report(shell)
        assert offset in shell.page("kim")

    def test_what_is_taken_off_is_told_with_its_reason(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "400")
        say(shell, RULES)
        shell.keep(graded("kim", 95.0, LATE))
        said = report(shell)
        why = "Handed in late (at 2026-05-02 09:30, due 2026-05-01 18:00; days begun: 1). "
        assert f"{why}Points taken off: 10." in said.out
        for told in (why, "2026-05-01 18:00", "2026-05-02 09:30"):
            assert told in shell.page("kim")
        (row,) = rows(shell)
        assert (row["late"], row["days_late"], row["taken_off"]) == ("late", "1", "10.0")
        assert (row["score"], row["found_score"], row["percent"]) == ("85.0", "95.0", "85.00")
        assert row["late_reason"].startswith(why)
        for form in ("junit", "github", "json"):
            assert "Points taken off: 10" in report(shell, "--format", form).out.replace(
                "&#46;", "."
            ).replace("&#58;", ":")
        shell("export", "--format", "nbgrader", "--out", shell.out)
        table = csv.DictReader(
            io.StringIO((shell.out / "export/nbgrader/nbgrader.csv").read_text())
        )
        (one,) = list(table)
        assert (one["raw_score"], one["late_submission_penalty"], one["score"]) == (
            "95",
            "10",
            "85",
        )
        assert one["duedate"] == "2026-05-01T18:00:00+09:00"

    def test_an_override_wins_over_lateness_and_says_so(self, shell: Shell) -> None:
        say(shell, RULES)
        shell.keep(graded("kim", 95.0, LATE))
        by = ("--by", "lee", "--out", shell.out, "--lang", "en")
        shell("override", "kim", LSTM, "--score", 95, "--reason", "was ill", *by)
        (row,) = rows(shell)
        assert (row["score"], row["found_score"], row["taken_off"]) == ("95.0", "95.0", "0.0")
        assert "nothing was taken off for that" in shell.page("kim")

    def test_a_group_s_hand_in_is_each_member_s(self, shell: Shell) -> None:
        roster = "Student,ID,SIS User ID,SIS Login ID,분반\nKim Minjun,1,,kim,A\nLee Seo,2,,lee,B\n"
        say(
            shell,
            f'{RULES}[roster]\nfile = "r.csv"\nsection = "분반"\n'
            '[[groups]]\nname = "t"\nmembers = ["Kim Minjun", "lee"]\n'
            '[[extensions]]\nsection = "b"\ndays = 3\n',
            r=roster,
        )
        shell.keep(graded("kim", 95.0, LATE))
        assert report(shell).err == ""
        found = {row["student"]: row for row in rows(shell)}
        assert {one: row["score"] for one, row in found.items()} == {"kim": "85.0", "lee": "95.0"}
        assert {one: row["section"] for one, row in found.items()} == {"kim": "A", "lee": "B"}
        assert found["lee"]["handed_in_by"] == "kim"
        assert "95" in shell.page("lee")

    def test_moodle_s_worksheet_tells_who_is_late(self, shell: Shell) -> None:
        say(
            shell,
            RULES.replace("weight = 3", 'weight = 3\nworksheet = "ws.csv"'),
            ws="Identifier,Full name,Last modified (submission)\n"
            'Participant 12,김민준,"Saturday, 2 May 2026, 9:30 AM"\n'
            'Participant 13,이서연,"Friday, 1 May 2026, 6:00 PM"\n',
        )
        shell.keep(graded("김민준_12", 95.0), graded("이서연_13", 95.0), graded("박_14", 95.0))
        report(shell)
        assert {row["student"]: (row["late"], row["score"]) for row in rows(shell)} == {
            "김민준_12": ("late", "85.0"),
            "이서연_13": ("in_time", "95.0"),
            "박_14": ("unknown", "95.0"),
        }

    @pytest.mark.parametrize("names", [("김민준_12", "이서연_13"), ("김민준", "이서연")])
    def test_a_roster_that_is_moodle_s_worksheet_tells_it_too(
        self, shell: Shell, names: tuple[str, str]
    ) -> None:
        say(shell, RULES, ws=WORKSHEET)
        shell.keep(*(graded(one, 95.0) for one in names))
        said = report(shell, "--roster", str(course_of(shell) / "ws.csv"))
        assert [row["score"] for row in rows(shell)] == ["85.0", "95.0"]
        assert "There is a deadline" not in said.err

    def test_a_worksheet_of_its_own_wins_over_the_roster(self, shell: Shell) -> None:
        own = RULES.replace("weight = 3", 'weight = 3\nworksheet = "own.csv"')
        say(shell, own, ws=WORKSHEET, own=WORKSHEET.replace("2 May", "1 May"))
        shell.keep(graded("김민준_12", 95.0))
        report(shell, "--roster", str(course_of(shell) / "ws.csv"))
        assert [row["late"] for row in rows(shell)] == ["in_time"]

    def test_a_chapter_was_handed_in_at_once(self, shell: Shell) -> None:
        say(shell, f"{RULES}due = 2026-05-01T18:00:00\n", ws=WORKSHEET)
        both = [graded("김민준", 95.0, exercise=one) for one in (LSTM, GRU)]
        shell.keep(*(replace(one, submission="김민준/all.ipynb") for one in both))
        report(shell, "--roster", str(course_of(shell) / "ws.csv"))
        assert [row["late"] for row in rows(shell)] == ["late", "late"]

    def test_of_several_hand_ins_nobody_guesses_whose_worksheet_it_is(self, shell: Shell) -> None:
        say(shell, f"{RULES}due = 2026-05-01T18:00:00\n", ws=WORKSHEET)
        there = (graded("김민준", 95.0, exercise=one) for one in (LSTM, GRU))
        shell.keep(*(replace(one, graded_at=AFTERWARDS) for one in there))
        said = report(shell, "--roster", str(course_of(shell) / "ws.csv"))
        assert [row["late"] for row in rows(shell)] == ["unknown", "unknown"]
        assert "of 2 of 2 hand-ins" in said.err

    def test_the_courses_roster_counts_where_moodle_s_numbers_prove_it(self, shell: Shell) -> None:
        say(shell, f'{RULES}[roster]\nfile = "ws.csv"\n', ws=WORKSHEET)
        shell.keep(graded("김민준_12", 95.0), graded("이서연", 95.0))
        report(shell)
        assert {row["student"]: row["late"] for row in rows(shell)} == {
            "김민준_12": "late",
            "이서연": "unknown",
        }

    @pytest.mark.parametrize(
        ("lang", "told"),
        [
            ("en", "There is a deadline, but of 2 of 3 hand-ins nobody knows when they were"),
            ("ko", "마감이 있지만 제출물 3건 중 2건은 언제 제출했는지 알 수 없어"),
        ],
    )
    def test_where_no_time_is_known_it_says_so_once(
        self, shell: Shell, lang: str, told: str
    ) -> None:
        say(shell, RULES)
        there = (graded("kim", 95.0), graded("lee", 95.0), graded("choi", 95.0, LATE))
        shell.keep(*(replace(one, graded_at=AFTERWARDS) for one in there))
        said = shell("report", "--out", shell.out, "--lang", lang)
        page = (shell.out / "index.html").read_text("utf-8")
        assert said.err.count(told) == page.count(told) == 1
        assert LSTM in said.err
        unknown = {"en": "time not known", "ko": "알 수 없음"}[lang]
        assert unknown in shell.page("kim")
        assert unknown not in shell.page("choi")

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_who_is_not_on_the_worksheet_is_named(self, shell: Shell, lang: str) -> None:
        rules = RULES.replace("weight = 3", 'weight = 3\nworksheet = "ws.csv"')
        say(shell, rules, ws=WORKSHEET)
        there = (graded("김민준", 95.0), graded("choi", 95.0))
        shell.keep(*(replace(one, graded_at=AFTERWARDS) for one in there))
        said = shell("report", "--out", shell.out, "--lang", lang).err
        args = {"count": 1, "of": 2, "exercises": LSTM}
        assert Words(lang)("rules.not_in_worksheet", **args, students="choi") in said
        assert 'worksheet = "' not in said

    def test_what_was_graded_before_the_deadline_was_in_time(self, shell: Shell) -> None:
        say(shell, RULES.replace("weight = 1\n", f"due = {FAR_AHEAD}\n"))
        kim, lee = graded("kim", 95.0), graded("lee", 95.0)
        there = (kim, lee, graded("lee", 95.0, exercise=GRU))
        shell.keep(*(replace(one, graded_at=AFTERWARDS) for one in there))
        said = report(shell)
        assert "of 2 of 3 hand-ins nobody knows when" in said.err
        assert GRU not in said.err

    def test_where_lateness_costs_nothing_nobody_asks_for_times(self, shell: Shell) -> None:
        say(shell, RULES.replace("per_day = 10", ""))
        shell.keep(graded("kim", 95.0))
        assert report(shell).err == ""

    def test_whom_canvas_did_not_mark_was_in_time(self, shell: Shell) -> None:
        say(shell, RULES)
        order = f"upload {1:020}"
        kim, lee = (
            replace(graded(who, 95.0, order), graded_at=AFTERWARDS) for who in ("kim", "lee")
        )
        shell.keep(replace(kim, handed_in=f"{order} LATE"), lee)
        assert report(shell).err == ""
        shell.keep(kim)
        assert "of 2 of 2 hand-ins" in report(shell).err

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_a_mark_that_costs_nothing_is_told_to_everybody(self, shell: Shell, lang: str) -> None:
        say(shell, RULES.replace("per_day", "grace_minutes = 15\nper_day"))
        order, words = f"upload {1:020}", Words(lang)
        there = [graded(who, 95.0, order) for who in ("kim", "lee", "choi")]
        there[0] = replace(there[0], handed_in=f"{order} LATE")
        shell.keep(*(replace(one, graded_at=AFTERWARDS) for one in there))
        said = shell("report", "--out", shell.out, "--lang", lang)
        marks = words("rules.marks_unknown", count=1, of=3, exercises=LSTM)
        assert marks in said.err
        assert "Moodle" not in said.err
        assert marks in (shell.out / "index.html").read_text("utf-8")
        for text in (words("rules.time_marked"), words("rules.marked_grace", minutes=15)):
            assert text in unescape(shell.page("kim"))
            assert text not in unescape(shell.page("lee"))
        late = {row["student"]: (row["late"], row["score"]) for row in rows(shell)}
        assert late == {
            "kim": ("marked", "95.0"),
            "lee": ("unknown", "95.0"),
            "choi": ("unknown", "95.0"),
        }
        said = shell("course", "check", "--lang", lang)
        assert words("rules.policy_marks") in said.out

    def test_without_a_grace_a_mark_is_a_day_and_nobody_asks(self, shell: Shell) -> None:
        say(shell, RULES)
        shell.keep(replace(graded("kim", 95.0, f"upload {1:020} LATE"), graded_at=AFTERWARDS))
        said = report(shell)
        assert (said.err, [row["score"] for row in rows(shell)]) == ("", ["85.0"])
        assert Words("en")("rules.time_marked") in unescape(shell.page("kim"))
        checked = shell("course", "check").out
        assert checked
        for told in ("rules.policy_marks", "rules.policy_marks_extended"):
            assert Words("en")(told) not in checked

    def test_where_there_is_more_time_a_mark_is_told_as_well(self, shell: Shell) -> None:
        say(shell, RULES + '[[extensions]]\nstudent = "kim"\ndays = 3\n')
        order = f"upload {1:020}"
        there = graded("kim", 95.0, f"{order} LATE"), graded("lee", 95.0, order)
        shell.keep(*(replace(one, graded_at=AFTERWARDS) for one in there))
        said = report(shell)
        assert "1 of 2 hand-ins" in said.err
        assert "marked by Canvas as late" in said.err
        assert Words("en")("rules.marked_extension") in unescape(shell.page("kim"))
        assert Words("en")("rules.policy_marks_extended") in shell("course", "check").out

    def test_where_canvas_marks_nobody_its_due_date_is_asked_for(self, shell: Shell) -> None:
        say(shell, RULES)
        shell.keep(replace(graded("kim", 95.0, f"upload {1:020}"), graded_at=AFTERWARDS))
        said = report(shell)
        assert "1 of 1 hand-ins" in said.err
        assert ("Moodle" in said.err, "Canvas" in said.err) == (False, True)

    @pytest.mark.parametrize(("lang", "mark"), [("en", "(late −10)"), ("ko", "(지각 −10)")])
    def test_a_score_bears_what_lateness_took(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, lang: str, mark: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", "100")
        say(shell, RULES)
        shell.keep(graded("kim", 95.0, LATE), graded("lee", 95.0, ATTEMPTS[0][0]))
        said = shell("report", "--out", shell.out, "--lang", lang)
        page = (shell.out / "index.html").read_text("utf-8")
        assert said.out.count(f"85 {mark}") == 1
        assert page.count(mark) == 1

    def test_lateness_is_in_no_cell(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "100")
        say(shell, RULES)
        whole = b.record("kim", LSTM, handed_in=LATE)  # accepted, its model in a cell
        shell.keep(whole)
        (told,) = [one for one in report(shell).out.splitlines() if "Handed in late" in one]
        assert told.strip().startswith("Handed in late")

    def test_a_slip_in_a_name_is_told(self, shell: Shell) -> None:
        say(shell, f'{RULES}[[extensions]]\nstudent = "kimminjum"\ndays = 3\n')
        shell.keep(graded("kimminjun", 95.0))
        assert "Did you mean kimminjun?" in report(shell).err

    def test_a_slip_in_a_name_is_told_before_hours_of_grading(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        say(shell, f'{RULES}[[extensions]]\nstudent = "kimminjum"\ndays = 3\n')
        notebook = tmp_path / "class/kimminjun" / f"{LSTM}.ipynb"
        notebook.parent.mkdir(parents=True)
        shutil.copy(ROOT / "assignments" / LSTM / notebook.name, notebook)
        said = shell("grade", tmp_path / "class", "--dry-run", "--lang", "en")
        assert "Did you mean kimminjun?" in " ".join(said.out.split())
        assert said.code == 0

    @pytest.mark.parametrize("called", ["s7", "Minjun Kim", "kim minjun"])
    def test_the_folder_s_roster_says_who_is_meant(self, shell: Shell, called: str) -> None:
        """A roster given as an option is as good as course.toml's."""
        say(shell, f'{RULES}[[extensions]]\nstudent = "{called}"\ndays = 3\n', r=PARTS)
        shell.keep(graded("kmj", 80.0, LATE))
        said = report(shell, "--roster", str(course_of(shell) / "r.csv"))
        assert (rows(shell)[0]["score"], said.err) == ("80.0", "")

    def test_who_is_on_no_list_is_told_where_an_option_gave_the_roster(self, shell: Shell) -> None:
        say(shell, f'{RULES}[[extensions]]\nstudent = "zzz"\ndays = 3\n', r=PARTS)
        shell.keep(graded("kmj", 80.0))
        said = report(shell, "--roster", str(course_of(shell) / "r.csv"))
        assert "course.toml names zzz" in said.err

    def test_whom_the_roster_has_twice_is_told_apart_by_login(self, shell: Shell) -> None:
        two = "Student,SIS Login ID\nLee Jun,lj1\nLee Jun,lj2\n"
        say(shell, f'{RULES}[[extensions]]\nstudent = "Lee Jun"\ndays = 3\n', r=two)
        shell.keep(graded("kim", 80.0))
        said = report(shell, "--roster", str(course_of(shell) / "r.csv"))
        assert "several people on the roster are called so: lj1, lj2" in said.err

    def test_whom_the_roster_does_not_tell_apart_is_told_as_that(self, shell: Shell) -> None:
        two = "Student,SIS Login ID\nLee Jun,\nLee Jun,\n"
        say(shell, f'{RULES}[[extensions]]\nstudent = "Lee Jun"\ndays = 3\n', r=two)
        shell.keep(graded("kim", 80.0))
        said = report(shell, "--roster", str(course_of(shell) / "r.csv"))
        assert "several people on the roster are called so, and no login or number" in said.err


class TestInit:
    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_what_is_begun_is_sound_and_its_schema_lies_beside_it(
        self, shell: Shell, lang: str
    ) -> None:
        assert shell("course", "init", "--lang", lang).code == 0
        assert read_book(course_of(shell)).settings.language == lang
        assert (course_of(shell) / SCHEMA.name).read_bytes() == SCHEMA.read_bytes()
        assert shell("course", "check", "--lang", lang).code == 0

    def test_nothing_is_written_over(self, shell: Shell) -> None:
        say(shell, RULES)
        assert shell("course", "init", "--lang", "en").code == 2
        assert (course_of(shell) / "course.toml").read_text("utf-8") == RULES


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_template_uncommented_says_everything_that_can_be_said_of_a_class(
    shell: Shell, lang: str
) -> None:
    text = (TEMPLATES / f"course.{lang}.toml").read_text("utf-8").replace("EXERCISE", LSTM)
    lines = text.split("\n")
    whole = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in lines
    )
    said = tomllib.loads(whole)
    SettingsFile.model_validate(said)
    unsaid = SettingsFile.model_fields.keys() - said.keys()
    assert unsaid == {"profile", "packages", "old_api", "trainings"}
    told = json.loads(json.dumps(said, default=str))  # editors see a date as a text
    for_editors = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert [one.message for one in for_editors.iter_errors(told)] == []
    for slip in ({"atempts": "last"}, {"attempts": "lst"}, {"late": {"per_day": 300}}):
        assert not for_editors.is_valid(told | slip), slip


class TestCheck:
    def test_it_shows_what_the_rules_come_to(self, shell: Shell) -> None:
        say(shell, f'name = "RNN 2026"\nhints = 2\n{RULES}')
        said = shell("course", "check", "--lang", "en")
        assert said.code == 0
        for told in (
            "RNN 2026",
            "2026-05-01 18:00",
            "HW3",
            "Asia/Seoul",
            "10 %",
            "last one counts",
            "gives at most: 2",
        ):
            assert told in said.out

    def test_it_tells_of_the_exercises_that_the_course_names(self, shell: Shell) -> None:
        said = f'time_zone = "UTC"\n[exercise.{LSTM}]\ndue = 2026-05-01\n'
        say(shell, said)
        told = shell("course", "check", "--lang", "en")
        assert "with LSTM" in told.out
        assert "with GRU" not in told.out
        assert "Exercises that course.toml does not name: 1" in told.out
        assert "Week" not in told.out
        say(shell, f"{said}week = 3\n[exercise.{GRU}]\nweek = 4\n")
        told = shell("course", "check", "--lang", "en")
        assert "does not name" not in told.out
        assert "Week" in told.out

    def test_where_none_is_named_all_are_the_courses(self, shell: Shell) -> None:
        say(shell, 'name = "RNN"\n')
        told = shell("course", "check", "--lang", "en")
        assert "with LSTM" in told.out
        assert "with GRU" in told.out
        assert "does not name" not in told.out

    def test_the_end_of_a_day_is_no_other_day(self, shell: Shell) -> None:
        """Whoever writes 1 May has until its end, and reads 1 May everywhere."""
        say(shell, RULES.replace("due = 2026-05-01T18:00:00", "due = 2026-05-01"))
        assert "2026-05-01 24:00" in shell("course", "check", "--lang", "en").out
        shell.keep(graded("kim", 80.0, LATE))
        report(shell)
        assert "2026-05-01 24:00" in shell.page("kim")
        assert "2026-05-02 00:00" not in shell.page("kim")

    def test_a_fault_ends_with_its_line(self, shell: Shell) -> None:
        say(shell, f"{RULES}[lte]\nper_day = 3\n")
        said = shell("course", "check", "--lang", "en")
        assert said.code == 2
        assert "line 12" in said.err
        assert "Did you mean late?" in said.err

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ('language = "ko"\n[lte]\nper_day = 3\n', "course.toml 2행: "),
            ('language = "ko"\n[late\nper_day = 3\n', "course.toml 2행: TOML 문법"),
            ('# ours\nlanguage = "ko"\nname = "RNN', "course.toml 3행: TOML 문법"),
            ("language = 'ko'\nname = 'x' y\n", "course.toml 2행: TOML 문법"),
        ],
    )
    def test_a_fault_in_a_korean_course_is_told_in_korean(
        self, shell: Shell, text: str, told: str
    ) -> None:
        say(shell, text)
        said = shell("course", "check")
        assert said.code == 2
        assert told in said.line

    def test_it_says_of_how_many_the_time_is_known(self, shell: Shell) -> None:
        said = RULES.replace("weight = 3", 'weight = 3\nworksheet = "ws.csv"')
        say(shell, f'{said}[roster]\nfile = "ws.csv"\n', ws=WORKSHEET)
        told = shell("course", "check", "--lang", "en").out
        assert "ws.csv tells of 2 of 3 people when they handed in." in told
        assert "The roster is a grading worksheet, and tells of 2 of 3 people" in told

    def test_a_name_that_is_nobody_s_is_told(self, shell: Shell) -> None:
        say(
            shell,
            f'{RULES}[roster]\nfile = "r.csv"\n[[extensions]]\nstudent = "kin"\ndays = 3\n',
            r="Student,Section\nkim,1\nlee,2\n",
        )
        said = shell("course", "check", "--lang", "en")
        assert said.code == 1
        assert "kin" in said.out
        assert "Did you mean kim?" in said.out

    def test_a_korean_name_with_one_wrong_letter_is_told(self, shell: Shell) -> None:
        say(shell, f'{RULES}[[extensions]]\nstudent = "정하쥰"\ndays = 3\n')
        shell.keep(graded("정하준_1234", 80.0))
        said = shell("report", "--out", shell.out, "--lang", "ko")
        assert "정하쥰" in said.err
        assert "정하준" in said.err

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ('[roster]\nfile = "gone.csv"\n', "gone.csv"),
            ('[roster]\nfile = "r.csv"\nsection = "Sektion"\n', "Sektion"),
            (f'[exercise.{LSTM}]\nworksheet = "r.csv"\n', "Last modified"),
        ],
    )
    def test_a_list_that_cannot_be_used_is_told(self, shell: Shell, text: str, told: str) -> None:
        say(shell, text, r="Student,Section\nkim,1\n")
        said = shell("course", "check", "--lang", "en")
        assert said.code == 2
        assert told in said.err


def test_the_schema_for_editors_is_made_of_the_code() -> None:
    assert SCHEMA.read_text("utf-8") == schema(), "python -m grader.course.editors"


def test_a_login_that_is_another_ones_number_is_not_that_person() -> None:
    """Whoever may choose a login could choose a classmate's number, and take an extension away."""
    roster = ({"username": "kimmj", "학번": "20261234"}, {"username": "lee", "학번": "20265678"})
    names = ClassNames(("20261234", "kimmj"), roster)
    assert names.student("20261234") == "kimmj"
    assert names.student("kimmj") == "kimmj"
    assert ClassNames(("20261234",), roster).student("20261234") == "20261234"
    assert ClassNames(("park",), roster).student("Park") == "park"
