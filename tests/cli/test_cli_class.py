"""A class of thirty from an LMS's zip to grades that the LMS takes: every sum is the roster."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from grader.cli.people import remember
from grader.record import class_file, hand_file
from grader.record.store import Store
from grader.text.words import Words
from grader.types import HandKind, HandLine, Message, Verdict
from tests.support import builders as b
from tests.support import class_of_thirty as c
from tests.support.cli_help import Said, Shell
from tests.support.course_help import course_of
from tests.support.lms_rules import (
    canvas_takes,
    moodle_takes_grades,
    moodle_takes_worksheet,
    moodle_takes_zip,
    rows_of,
)

GRU, LSTM = "multiplication-gru", "multiplication-lstm"
COLUMN = f"{c.TITLE} (777)"


def export(shell: Shell, form: str, *arguments: object) -> Said:
    return shell("export", "--format", form, "--out", shell.out, "--lang", "en", *arguments)


def written(shell: Shell, form: str, name: str) -> bytes:
    return (shell.out / "export" / form / name).read_bytes()


def people(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def _grade_without_notebooks(shell: Shell, place: Path) -> tuple[Path, Path]:
    """Grade a class of two of whom nobody handed in a notebook; gives its folder and its roster."""
    shell.without_rooms()
    box = place / "class"
    for name, content in (("kim/x.pdf", c.PDF), ("lee/work.rar", b"Rar!")):
        (box / name).parent.mkdir(parents=True)
        (box / name).write_bytes(content)
    roster = c.canvas_roster(place)
    shell.grade(box, "--roster", roster)
    return box, roster


class TestCanvas:
    @pytest.fixture
    def roster(self, shell: Shell, tmp_path: Path) -> Path:
        c.keep_graded(shell.out, c.canvas_zip(tmp_path / "in"))
        return c.canvas_roster(tmp_path / "in")

    def test_canvas_takes_the_file_and_nothing_but_grades_changes(
        self, shell: Shell, roster: Path
    ) -> None:
        said = export(shell, "canvas", "--roster", roster)
        taken = canvas_takes(written(shell, "canvas", "canvas.csv"), roster.read_bytes())
        assert taken.clean
        assert taken.grades == {
            **{str(one.number): {COLUMN: f"{c.points_of(one) / 10:.2f}"} for one in c.HANDED_IN},
            str(c.PDF_ONLY.number): {COLUMN: "0.00"},
        }
        assert said.code == 3  # somebody is on no roster
        assert c.STRANGER.student in said.err

    def test_the_class_s_own_roster_does_where_none_is_named(
        self, shell: Shell, tmp_path: Path, roster: Path
    ) -> None:
        export(shell, "canvas", "--roster", roster)
        named = written(shell, "canvas", "canvas.csv")
        shell("report", "--out", shell.out, "--lang", "en", "--roster", roster)
        said = export(shell, "canvas", "--to", tmp_path / "to")
        assert (tmp_path / "to" / "canvas.csv").read_bytes() == named
        assert f"By the class's roster: {roster}" in said.out

    def test_so_does_the_course_s(
        self, shell: Shell, tmp_path: Path, roster: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        course_of(tmp_path / "course", c.EXERCISE)
        rules = f'[roster]\nfile = "{roster}"\n'
        (tmp_path / "course" / "course.toml").write_text(rules, "utf-8")
        monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "course"))
        said = export(shell, "canvas")
        taken = canvas_takes(written(shell, "canvas", "canvas.csv"), roster.read_bytes())
        assert taken.clean
        assert len(taken.grades) == 27
        assert "By the class's roster" in said.out

    @pytest.mark.parametrize("header", ["Name,ID", "이름,학번"])
    def test_a_list_that_is_not_the_system_s_own_is_not_taken_for_it(
        self, shell: Shell, tmp_path: Path, roster: Path, header: str
    ) -> None:
        other = tmp_path / "other.csv"
        other.write_text(f"{header}\nKim Minjun,1001\n", "utf-8")
        export(shell, "canvas")
        without = written(shell, "canvas", "canvas.csv")
        shell("report", "--out", shell.out, "--lang", "en", "--roster", other)
        said = export(shell, "canvas")
        assert written(shell, "canvas", "canvas.csv") == without
        assert "By the class's roster" not in said.out

    def test_everybody_of_the_roster_has_a_row_and_who_handed_in_nothing_is_named(
        self, shell: Shell, roster: Path
    ) -> None:
        said = export(shell, "canvas", "--roster", roster)
        rows = rows_of(written(shell, "canvas", "canvas.csv"))[2:]
        assert {row[1] for row in rows} == {str(one.number) for one in c.CLASS}
        assert "Yoon, Minjun; Yoon, Seoyeon; Yoon, Jiho" in said.err
        assert "Choi, Jiho" in said.err
        assert "30 (graded: 26, without a notebook that can be read: 1, nothing handed in: 3)" in (
            said.out
        )

    def test_the_table_of_people_adds_up_to_the_roster(self, shell: Shell, roster: Path) -> None:
        export(shell, "canvas", "--roster", roster)
        rows = people(shell.out / "export" / "canvas" / "people.csv")
        counts = Counter(row["state"] for row in rows if row["on_roster"] == "True")
        assert counts == {"graded": 26, "no_notebook": 1, "nothing": 3}
        assert [row["student"] for row in rows if row["on_roster"] == "False"] == [
            c.STRANGER.student
        ]
        assert all(row[c.EXERCISE] == row["state"] for row in rows)

    def test_a_grade_that_canvas_has_stays_where_there_is_nothing_new(
        self, shell: Shell, tmp_path: Path, roster: Path
    ) -> None:
        """An empty cell would take it away."""
        held = c.canvas_roster(tmp_path / "held", held="4")
        export(shell, "canvas", "--roster", held)
        taken = canvas_takes(written(shell, "canvas", "canvas.csv"), held.read_bytes())
        assert taken.clean
        assert not {str(one.number) for one in c.ABSENT} & taken.grades.keys()

    @pytest.mark.parametrize(
        ("possible", "first"),
        [("10", "6.20"), ("100.0", "62.00"), ("7.5", "4.65"), ("", "62.00"), ("0", "62.00")],
    )
    def test_points_are_out_of_what_canvas_says(
        self, shell: Shell, tmp_path: Path, roster: Path, possible: str, first: str
    ) -> None:
        roster = c.canvas_roster(tmp_path / "other", possible=possible)
        export(shell, "canvas", "--roster", roster)
        rows = rows_of(written(shell, "canvas", "canvas.csv"))
        assert rows[1][-1] == possible
        assert rows[2][-1] == first

    def test_a_title_that_differs_is_told_and_never_made_anew(
        self, shell: Shell, tmp_path: Path, roster: Path
    ) -> None:
        other = c.canvas_roster(tmp_path / "other", title="HW 3: RNN")
        said = export(shell, "canvas", "--roster", other)
        content = written(shell, "canvas", "canvas.csv")
        assert canvas_takes(content, other.read_bytes()).grades == {}
        assert canvas_takes(content, other.read_bytes()).clean
        assert f'--column "{c.EXERCISE}=TITLE"' in said.err
        assert "HW 3: RNN (777)" in said.err
        assert said.code == 3

    @pytest.mark.parametrize("named", ["HW 3: RNN", "HW 3: RNN (777)", "777", "hw 3: rnn"])
    def test_a_title_that_differs_is_mapped(
        self, shell: Shell, tmp_path: Path, roster: Path, named: str
    ) -> None:
        other = c.canvas_roster(tmp_path / "other", title="HW 3: RNN")
        export(shell, "canvas", "--roster", other, "--column", f"{c.EXERCISE}={named}")
        taken = canvas_takes(written(shell, "canvas", "canvas.csv"), other.read_bytes())
        assert taken.clean
        assert len(taken.grades) == 27

    def test_a_column_that_is_not_there_is_refused_with_those_that_are(
        self, shell: Shell, roster: Path
    ) -> None:
        said = export(shell, "canvas", "--roster", roster, "--column", f"{c.EXERCISE}=HW 4")
        assert said.code == 2
        assert "HW 4" in said.line
        assert COLUMN in said.line

    @pytest.mark.parametrize("given", ["HW 3", "=HW 3", f"{c.EXERCISE}=", "no-such-exercise=Old"])
    def test_a_mapping_that_is_none_is_bad_usage(
        self, shell: Shell, roster: Path, given: str
    ) -> None:
        assert export(shell, "canvas", "--roster", roster, "--column", given).code == 2

    def test_several_exercises_share_one_column_by_their_points(
        self, shell: Shell, tmp_path: Path, roster: Path
    ) -> None:
        first, second = c.CLASS[0], c.CLASS[1]
        gru = "multiplication-gru"
        half = b.grade(Verdict.WRONG_DATA, 50.0, ())
        Store(shell.out).save(b.record(first.student, gru, f"{first.student}/g.ipynb", grade=half))
        chosen = ("--column", f"{c.EXERCISE}={c.TITLE}", "--column", f"{gru}={c.TITLE}")
        export(shell, "canvas", "--roster", roster, *chosen)
        taken = canvas_takes(written(shell, "canvas", "canvas.csv"), roster.read_bytes())
        assert taken.grades[str(first.number)] == {COLUMN: f"{(62 + 50) / 20:.2f}"}
        assert taken.grades[str(second.number)] == {COLUMN: f"{64 / 20:.2f}"}

    def test_without_a_roster_canvas_own_number_finds_everybody(
        self, shell: Shell, roster: Path
    ) -> None:
        said = export(shell, "canvas")
        taken = canvas_takes(written(shell, "canvas", "canvas.csv"), roster.read_bytes())
        assert taken.new_people == ["strangernobody"]
        assert len(taken.grades) == 27
        assert "new assignments" in said.out

    def test_a_number_that_canvas_did_not_write_is_nobodys(self, shell: Shell) -> None:
        Store(shell.out).save(b.record("kim_2023"))
        export(shell, "canvas")
        assert rows_of(written(shell, "canvas", "canvas.csv"))[2][:2] == ["kim_2023", ""]

    def test_who_is_excused_is_so_in_canvas(self, shell: Shell, roster: Path) -> None:
        from grader.record import hand_file

        at = "2026-03-04T10:00:00.000000+00:00"
        for number, one in enumerate((c.CLASS[0], c.ABSENT[0])):
            line = HandLine(f"{number:02x}", at, "kang", HandKind.EXCUSE, one.student, c.EXERCISE)
            hand_file.append(shell.out, [line])
        said = export(shell, "canvas", "--roster", roster)
        taken = canvas_takes(written(shell, "canvas", "canvas.csv"), roster.read_bytes())
        assert taken.grades[str(c.CLASS[0].number)] == {COLUMN: "EX"}
        assert taken.grades[str(c.ABSENT[0].number)] == {COLUMN: "EX"}
        assert "graded: 25, excused: 2" in said.out

    def test_after_an_import_nothing_has_changed(
        self, shell: Shell, tmp_path: Path, roster: Path
    ) -> None:
        """Canvas' next export has the grades in it; they are no reason to send them again."""
        from grader.record.forgetting import erase

        with Store(shell.out) as store:
            erase(store, c.STRANGER.student)
        assert export(shell, "canvas", "--roster", roster).code == 0
        again = c.canvas_roster(tmp_path / "again", held="6.20")
        said = export(shell, "canvas", "--roster", again, "--changed")
        assert "Nothing has changed" in said.out


class TestMoodle:
    @pytest.fixture
    def worksheet(self, shell: Shell, tmp_path: Path) -> Path:
        c.keep_graded(shell.out, c.moodle_zip(tmp_path / "in"))
        return c.moodle_worksheet(tmp_path / "in")

    def test_the_worksheet_comes_back_filled_in(self, shell: Shell, worksheet: Path) -> None:
        said = export(shell, "moodle", "--roster", worksheet)
        taken = moodle_takes_worksheet(
            written(shell, "moodle", "moodle.csv"), worksheet.read_bytes()
        )
        assert taken.clean
        assert taken.grades == {
            **{
                f"Participant {p.number}": {"Grade": f"{c.points_of(p) / 10:.2f}"}
                for p in c.HANDED_IN
            },
            f"Participant {c.PDF_ONLY.number}": {"Grade": "0.00"},
        }
        assert taken.comments.keys() == taken.grades.keys()
        assert "(62/100, here 6.2 of 10)" in taken.comments["Participant 1001"]
        assert c.STRANGER.moodle_student in said.err
        assert "Minjun Yoon; Seoyeon Yoon; Jiho Yoon" in said.err

    def test_a_korean_worksheet_comes_back_in_korean(
        self, shell: Shell, tmp_path: Path, worksheet: Path
    ) -> None:
        english = export(shell, "moodle", "--roster", worksheet)
        taken = moodle_takes_worksheet(
            written(shell, "moodle", "moodle.csv"), worksheet.read_bytes()
        )
        korean = c.moodle_worksheet(tmp_path / "korean", korean=True)
        shell("report", "--out", shell.out, "--lang", "ko")
        said = export(shell, "moodle", "--roster", korean)
        assert said.code == english.code
        content = written(shell, "moodle", "moodle.csv")
        assert rows_of(content)[0] == list(c.KOREAN_WORKSHEET)
        again = moodle_takes_worksheet(content, korean.read_bytes())
        assert again.clean
        assert again.grades == taken.grades
        pages = moodle_takes_zip(written(shell, "moodle", "feedback.zip"), korean.read_bytes())
        assert pages.clean
        assert len(pages.files) == 27

    def test_a_locked_grade_of_a_korean_worksheet_is_told(
        self, shell: Shell, tmp_path: Path, worksheet: Path
    ) -> None:
        korean = c.moodle_worksheet(tmp_path / "korean", korean=True)
        text = korean.read_text("utf-8-sig").splitlines()
        text[1] = text[1].replace(",예,", ",아니오,")
        korean.write_text("\n".join(text), "utf-8")
        assert "Minjun Kim_1001" in export(shell, "moodle", "--roster", korean).err

    def test_every_row_and_cell_of_it_is_there(self, shell: Shell, worksheet: Path) -> None:
        export(shell, "moodle", "--roster", worksheet)
        before, after = (
            rows_of(worksheet.read_bytes()),
            rows_of(written(shell, "moodle", "moodle.csv")),
        )
        grade, comment = before[0].index("Grade"), before[0].index("Feedback comments")
        for rows in (before, after):
            for row in rows[1:]:
                row[grade] = row[comment] = ""
        assert before == after

    def test_a_comment_that_a_teacher_wrote_stays_where_nothing_was_handed_in(
        self, shell: Shell, worksheet: Path
    ) -> None:
        text = worksheet.read_text("utf-8-sig")
        absent = f"Participant {c.ABSENT[0].number}"
        lines = [
            f'{line},"-5: not\nyet"'.replace(',,"', ',"') if line.startswith(absent) else line
            for line in text.splitlines()
        ]
        worksheet.write_text("\r\n".join(lines) + "\r\n", "utf-8")
        export(shell, "moodle", "--roster", worksheet)
        taken = moodle_takes_worksheet(
            written(shell, "moodle", "moodle.csv"), worksheet.read_bytes()
        )
        assert absent not in taken.comments

    def test_the_feedback_zip_gives_everybody_their_own_page(
        self, shell: Shell, worksheet: Path
    ) -> None:
        shell("report", "--out", shell.out, "--lang", "en")
        export(shell, "moodle", "--roster", worksheet)
        taken = moodle_takes_zip(written(shell, "moodle", "feedback.zip"), worksheet.read_bytes())
        there = {f"Participant {one.number}" for one in (*c.HANDED_IN, c.PDF_ONLY)}
        assert taken.files == {one: ["feedback.html"] for one in there}
        assert taken.clean

    def test_a_locked_grade_is_told(self, shell: Shell, worksheet: Path) -> None:
        text = worksheet.read_text("utf-8-sig").splitlines()
        text[1] = text[1].replace(",Yes,", ",No,")
        worksheet.write_text("\n".join(text), "utf-8")
        assert "Minjun Kim_1001" in export(shell, "moodle", "--roster", worksheet).err

    @pytest.mark.parametrize(
        ("key", "first"), [(None, "s1001"), ("Email address", "u1001@example.org")]
    )
    def test_a_list_of_participants_is_matched_by_name(
        self, shell: Shell, tmp_path: Path, worksheet: Path, key: str | None, first: str
    ) -> None:
        roster = c.moodle_participants(tmp_path / "in")
        chosen = ("--key", key) if key else ()
        export(shell, "moodle", "--roster", roster, *chosen)
        content = written(shell, "moodle", "moodle.csv")
        taken = moodle_takes_grades(content, roster.read_bytes(), key or "ID number")
        assert taken.clean
        assert len(taken.grades) == 27
        assert taken.grades[first] == {c.TITLE: "62.00"}

    def test_without_a_roster_no_username_is_made_up(self, shell: Shell, worksheet: Path) -> None:
        said = export(shell, "moodle")
        assert said.code == 2
        assert "--roster" in said.line
        said = export(shell, "moodle", "--key", "username")
        assert said.code == 3
        assert said.out.startswith("Results exported: 0,")
        assert rows_of(written(shell, "moodle", "moodle.csv")) == [["username", c.TITLE]]

    def test_folders_that_are_usernames_are_told_to_be(self, shell: Shell) -> None:
        Store(shell.out).save(b.record("kim"))
        assert export(shell, "moodle", "--key", "username").code == 0
        assert rows_of(written(shell, "moodle", "moodle.csv"))[1] == ["kim", "100.00"]

    def test_of_several_exercises_somebody_has_to_say_which_are_in_the_grade(
        self, shell: Shell, worksheet: Path
    ) -> None:
        Store(shell.out).save(b.record("Minjun Kim_1001", "multiplication-gru"))
        said = export(shell, "moodle", "--roster", worksheet)
        assert said.code == 2
        assert f'--column "{c.EXERCISE}=Grade"' in said.line
        said = export(shell, "moodle", "--roster", worksheet, "--column", f"{c.EXERCISE}=Grade")
        assert said.out.startswith("Results exported: 27,")
        assert "Not in this worksheet: multiplication-gru" in said.out
        taken = moodle_takes_worksheet(
            written(shell, "moodle", "moodle.csv"), worksheet.read_bytes()
        )
        assert taken.grades["Participant 1001"] == {"Grade": "6.20"}

    @pytest.mark.parametrize(
        ("lang", "scaled"),
        [
            ("en", "Minjun Kim_1001: excused from 1, the rest scaled to 10: 6.20"),
            ("ko", "Minjun Kim_1001: 1개 면제, 나머지를 10점으로 환산: 6.20"),
        ],
    )
    def test_who_is_excused_from_all_is_named_and_of_others_what_was_scaled(
        self, shell: Shell, worksheet: Path, lang: str, scaled: str
    ) -> None:
        gru, absent = "multiplication-gru", c.ABSENT[0]
        Store(shell.out).save(b.record("Minjun Kim_1001", gru))
        typed = f"{absent.given} {absent.family}"
        why = ("--reason", "ill", "--by", "kang", "--out", shell.out)
        assert shell("excuse", "Minjun Kim_1001", gru, *why).code == 0
        assert shell("excuse", typed, gru, c.EXERCISE, "--absent", *why).code == 0
        columns = [part for one in (gru, c.EXERCISE) for part in ("--column", f"{one}=Grade")]
        to = ("--roster", worksheet, "--lang", lang, *columns)
        said = shell("export", "--format", "moodle", "--out", shell.out, *to)
        assert typed not in said.err.partition("Minjun Yoon")[0]
        (excused,) = [one for one in said.out.splitlines() if typed in one]
        assert excused == Words(lang)("report.worksheet_excused", count=1, students=typed)
        assert scaled in said.out.splitlines()
        taken = moodle_takes_worksheet(
            written(shell, "moodle", "moodle.csv"), worksheet.read_bytes()
        )
        assert taken.grades["Participant 1001"] == {"Grade": "6.20"}
        assert f"Participant {absent.number}" not in taken.grades
        assert f"Participant {absent.number}" in taken.comments


class TestOthers:
    @pytest.fixture(autouse=True)
    def graded(self, shell: Shell, tmp_path: Path) -> None:
        c.keep_graded(shell.out, c.canvas_zip(tmp_path / "in"))

    def test_nbgrader_has_one_row_per_student_and_exercise(self, shell: Shell) -> None:
        export(shell, "nbgrader")
        rows = rows_of(written(shell, "nbgrader", "nbgrader.csv"))[1:]
        assert len(rows) == len({(row[0], row[3]) for row in rows}) == 28
        twice = next(one for one in c.CLASS if one.kind == "twice")
        assert [float(row[9]) for row in rows if row[3] == twice.student] == [c.points_of(twice)]

    def test_gradescope_counts_the_last_attempt_alone(self, shell: Shell) -> None:
        export(shell, "gradescope")
        found = [*(shell.out / "export" / "gradescope").rglob("results.json")]
        assert len(found) == 28
        twice = next(one for one in c.CLASS if one.kind == "twice")
        told = json.loads(next(p for p in found if twice.student in str(p)).read_text())
        assert told["score"] == c.points_of(twice)

    def test_two_attempts_are_one_student_in_every_sum(self, shell: Shell) -> None:
        export(shell, "canvas")
        numbers = [row[1] for row in rows_of(written(shell, "canvas", "canvas.csv"))[2:]]
        assert len(numbers) == len(set(numbers)) == 28


class TestClassPage:
    @pytest.mark.parametrize(
        ("lang", "title"), [("en", "Nothing handed in (3)"), ("ko", "아무것도 제출하지 않음(3명)")]
    )
    def test_the_class_page_names_everybody_without_a_grade(
        self, shell: Shell, tmp_path: Path, lang: str, title: str
    ) -> None:
        c.keep_graded(shell.out, c.canvas_zip(tmp_path / "in"))
        roster = c.canvas_roster(tmp_path / "in")
        shell("report", "--out", shell.out, "--lang", lang, "--roster", roster)
        page = (shell.out / "index.html").read_text("utf-8")
        assert title in page
        for one in (*c.ABSENT, c.PDF_ONLY):
            assert f"{one.family}, {one.given}" in page
        assert Counter(row["state"] for row in people(shell.out / "people.csv")) == {
            "graded": 27,
            "no_notebook": 1,
            "nothing": 3,
        }

    def test_the_roster_is_remembered_and_one_that_is_gone_is_told(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        c.keep_graded(shell.out, c.canvas_zip(tmp_path / "in"))
        roster = c.canvas_roster(tmp_path / "in")
        shell("report", "--out", shell.out, "--lang", "en", "--roster", roster)
        shell("report", "--out", shell.out, "--lang", "en")
        assert "Nothing handed in (3)" in (shell.out / "index.html").read_text("utf-8")
        roster.unlink()
        assert "canvas.csv" in shell("report", "--out", shell.out, "--lang", "en").err

    def test_what_could_not_be_looked_at_is_on_the_page_with_whose_it_is(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        shell.without_rooms()
        box = tmp_path / "class"
        for name, content in (
            ("kim/x.pdf", c.PDF),
            ("lee/work.rar", b"Rar!"),
            ("박/work.7z", b"7z"),
        ):
            path = box / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        said = shell.grade(box)
        assert said.code == 3
        rows = {row["name"]: row["state"] for row in people(shell.out / "people.csv")}
        assert rows == {"kim": "no_notebook", "lee": "unread", "박": "unread"}
        page = (shell.out / "index.html").read_text("utf-8")
        assert "lee; 박" in page
        assert "lee/work.rar" in page

    @pytest.mark.parametrize(
        ("lang", "told"),
        [("en", "nobody looked at (2): Kim Minjun (scan.pdf); lee"), ("ko", "채점하지 않음(2명)")],
    )
    def test_what_lay_beside_a_notebook_is_named_with_whose_it_is(
        self, shell: Shell, tmp_path: Path, lang: str, told: str
    ) -> None:
        """Who hands in one exercise as a notebook and another as a scan did hand it in."""
        shell.without_rooms()
        box = tmp_path / "class"
        files = {
            "Kim Minjun_7_assignsubmission_file/multiplication-lstm.ipynb": b"{",
            "Kim Minjun_7_assignsubmission_file/scan.pdf": c.PDF,
            "lee_8_assignsubmission_file/multiplication-gru.ipynb": b"{",
            "lee_8_assignsubmission_file/=1+1.docx": b"x",
            "mo_9_assignsubmission_file/multiplication-gru.ipynb": b"{",
        }
        for name, content in files.items():
            (box / name).parent.mkdir(parents=True, exist_ok=True)
            (box / name).write_bytes(content)
        roster = tmp_path / "roster.csv"
        roster.write_text("Full name,ID\nKim Minjun,7\nlee,8\nmo,9\n", "utf-8")
        shell.grade(box, "--roster", roster, lang=lang)
        assert told in (shell.out / "index.html").read_text("utf-8")
        wanted = {"Kim Minjun": "scan.pdf", "lee": "'=1+1.docx", "mo": ""}
        export(shell, "gradescope")
        for place in (shell.out, shell.out / "export" / "gradescope"):
            found = {row["name"]: row["other_files"] for row in people(place / "people.csv")}
            assert found == wanted
        shell("forget", "Kim Minjun_7", "--out", shell.out, "--yes", "--lang", "en")
        assert "scan.pdf" not in (shell.out / "index.html").read_text("utf-8")
        assert b"scan.pdf" not in (shell.out / class_file.NAME).read_bytes()

    def test_looking_again_forgets_what_was_put_right(self, shell: Shell, tmp_path: Path) -> None:
        shell.without_rooms()
        box = tmp_path / "class"
        (box / "kim").mkdir(parents=True)
        (box / "lee").mkdir()
        (box / "kim" / "x.pdf").write_bytes(c.PDF)
        (box / "lee" / "work.rar").write_bytes(b"Rar!")
        shell.grade(box)
        assert class_file.read(shell.out).looks
        (box / "lee" / "work.rar").unlink()
        (box / "lee" / "x.pdf").write_bytes(c.PDF)
        shell.grade(box)
        assert class_file.read(shell.out).looks == ()

    def test_what_several_machines_know_is_joined(self, shell: Shell, tmp_path: Path) -> None:
        _grade_without_notebooks(shell, tmp_path)
        whole = tmp_path / "whole"
        said = shell("merge", shell.out, "--out", whole, "--lang", "en")
        assert said.code == 1
        assert class_file.read(whole) == class_file.read(shell.out)
        assert "lee/work.rar" in (whole / "index.html").read_text("utf-8")

    @pytest.mark.parametrize("command", ["grade", "regrade", "report"])
    def test_a_damaged_file_of_the_class_stays_and_is_told_until_a_roster_is_named(
        self, shell: Shell, tmp_path: Path, command: str
    ) -> None:
        box, roster = _grade_without_notebooks(shell, tmp_path)
        damaged = (shell.out / class_file.NAME).read_bytes()[:-9]
        (shell.out / class_file.NAME).write_bytes(damaged)
        told = ("--out", shell.out, "--lang", "en")
        said = shell(command, *([box] if command == "grade" else []), *told)
        assert f"{shell.out / class_file.NAME} cannot be read" in said.err
        assert "--roster" in said.err
        assert (shell.out / class_file.NAME).read_bytes() == damaged
        shell("report", "--roster", roster, *told)
        assert class_file.read(shell.out).roster == str(roster)

    @pytest.mark.parametrize(("lang", "told"), [("en", "then it is emptied"), ("ko", "비웁니다")])
    def test_forgetting_somebody_empties_a_damaged_one_and_says_so(
        self, shell: Shell, lang: str, told: str
    ) -> None:
        shell.keep(b.record("kim", GRU), b.record("lee", GRU))
        (shell.out / class_file.NAME).write_text('{"lee')
        said = shell("forget", "lee", "--yes", "--by", "kim", "--out", shell.out, "--lang", lang)
        assert (said.code, told in said.line) == (0, True)
        assert class_file.read(shell.out) == class_file.ClassFile()

    @pytest.mark.parametrize(("which", "code"), [("source", 3), ("target", 0)])
    def test_joining_tells_of_a_damaged_file_of_the_class(
        self, shell: Shell, tmp_path: Path, which: str, code: int
    ) -> None:
        shell.keep(b.record("kim"))
        whole = tmp_path / "whole"
        shell("merge", shell.out, "--out", whole)
        path = (shell.out if which == "source" else whole) / class_file.NAME
        path.write_text("{")
        said = shell("merge", shell.out, "--out", whole, "--lang", "en")
        assert (said.code, said.err.count(f"{path} cannot be read")) == (code, 1)
        assert path.read_text() == "{"

    @pytest.mark.parametrize("exercises", [(), (GRU,), (GRU, LSTM)])
    def test_what_is_foretold_of_files_left_aside_is_what_is_erased(
        self, shell: Shell, exercises: tuple[str, ...]
    ) -> None:
        """They go with whatever was the last of somebody's work."""
        shell.keep(b.record("kim", GRU), b.record("kim", LSTM), b.record("lee", GRU))
        aside = [class_file.Aside(Message("collect.nothing_in_it"), one) for one in ("kim", "lee")]
        remember(shell.out, look=class_file.Look(("/class",), tuple(aside)))
        forget = ("forget", "kim", *exercises, "--out", shell.out, "--lang", "en")
        foretold = re.search(r"(\d+) in all .* left aside: (\d+)", shell(*forget).out)
        assert foretold is not None
        count = foretold[1]
        assert f"{count} in all" in shell(*forget, "--yes", "--by", "lee").out
        kept = [one.student for look in class_file.read(shell.out).looks for one in look.aside]
        assert kept.count("kim") == 1 - int(foretold[2])
        assert sum(one.erased for one in hand_file.read(shell.out).by_hand.lines) == int(count)

    def test_who_is_forgotten_is_named_nowhere(self, shell: Shell, tmp_path: Path) -> None:
        shell.without_rooms()
        box = tmp_path / "class"
        for name, content in (("kim/x.pdf", c.PDF), ("lee/x.pdf", c.PDF), ("kim.rar", b"Rar!")):
            (box / name).parent.mkdir(parents=True, exist_ok=True)
            (box / name).write_bytes(content)
        shell.grade(box)
        shell("forget", "kim", "--out", shell.out, "--yes", "--lang", "en")
        left = [path for path in shell.out.rglob("*") if path.is_file()]
        assert [path for path in left if b"kim" in path.read_bytes()] == []
