"""course.toml as the course's rule book: what it says, and faults with their line."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from grader.course import places, rulebook
from grader.course.load import load_course, read_book
from grader.course.places import line_of
from grader.course.rulebook import RuleBook
from grader.course.settings import SettingsFile
from grader.policy.rules import Attempts, Extension, Group, Rules, Terms
from grader.text.words import Words
from grader.types import GraderError, Message
from tests.support.course_help import course_of

IDS = ("multiplication-lstm", "multiplication-gru")
SEOUL = ZoneInfo("Asia/Seoul")
WHOLE = """
name = "RNN 2026"
language = "ko"
time_zone = "Asia/Seoul"
attempts = "last_in_time"
hints = 2

[late]
grace_minutes = 15
per_day = 10
most = 50
cut_off_days = 7

[exercise.multiplication-lstm]
title = "HW3"
points = 10
weight = 2
opens = 2026-04-24
due = 2026-05-01T18:00:00

[exercise.multiplication-gru]
due = 2026-05-08

[roster]
file = "roster.csv"
section = "분반"

[[groups]]
name = "team 1"
members = ["kim", "lee"]
exercises = ["multiplication-gru"]

[[extensions]]
student = "kim"
exercises = ["multiplication-lstm"]
days = 3
reason = "was ill"

[[extensions]]
group = "team 1"
due = 2026-05-20T12:00:00+00:00
"""


def book(folder: Path, text: str) -> RuleBook:
    (folder / "course.toml").write_text(text, "utf-8")
    found = read_book(folder)
    return RuleBook(found.settings, IDS, found.place)


def fault(folder: Path, text: str) -> GraderError:
    with pytest.raises(GraderError) as caught:
        book(folder, text).rules()
    return caught.value


def test_a_course_without_the_file_has_no_rules(tmp_path):
    assert read_book(tmp_path).rules() == Rules()


def test_all_that_it_says(tmp_path):
    whole = book(tmp_path, WHOLE)
    settings, rules = whole.settings, whole.rules()
    assert (settings.name, settings.language, settings.hints) == ("RNN 2026", "ko", 2)
    assert rules.zone == SEOUL
    assert rules.roster is not None
    assert (rules.roster.file, rules.roster.section) == ("roster.csv", "분반")
    assert rules.attempts is Attempts.LAST_IN_TIME
    assert (rules.late.grace, rules.late.per_day) == (timedelta(minutes=15), 10.0)
    assert (rules.late.most, rules.late.cut_off) == (50.0, 7)
    due = datetime(2026, 5, 1, 18, tzinfo=SEOUL)
    assert rules.exercises["multiplication-lstm"] == Terms(
        datetime(2026, 4, 24, tzinfo=SEOUL), due, 2.0, 10.0, "HW3"
    )
    assert rules.groups == (Group("team 1", ("kim", "lee"), frozenset({"multiplication-gru"})),)
    assert rules.extensions[0] == Extension(
        "kim", exercises=frozenset({"multiplication-lstm"}), longer=timedelta(days=3)
    )
    assert rules.due("kim", "multiplication-lstm") == due + timedelta(days=3)
    assert rules.due("lee", "multiplication-gru") == datetime(2026, 5, 20, 12, tzinfo=UTC)


def test_a_date_alone_is_until_its_end_on_the_course_s_clock(tmp_path):
    rules = book(tmp_path, WHOLE).rules()
    assert rules.due("choi", "multiplication-gru") == datetime(2026, 5, 9, tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("named", "zone"),
    [
        ("UTC", UTC),
        ("+09:00", timezone(timedelta(hours=9))),
        ("-03:30", timezone(timedelta(hours=-3, minutes=-30))),
        ("Europe/Berlin", ZoneInfo("Europe/Berlin")),
    ],
)
def test_a_zone_is_a_name_or_an_offset(tmp_path, named, zone):
    assert book(tmp_path, f'time_zone = "{named}"').rules().zone == zone


# What the file says, which line is at fault, and what the message names beside it.
FAULTS = [
    ('name = "x"\natempts = "last"', 2, "rules.unknown_key_near", "attempts"),
    ("zzz = 1", 1, "rules.unknown_key", "zzz"),
    ('\nattempts = "lst"', 2, "rules.not_one_of_near", "last"),
    ("[late]\nper_dy = 3", 2, "rules.unknown_key_near", "per_day"),
    ("[late]\n\n# so much\nper_day = 300", 4, "rules.out_of_range", "≤ 100"),
    ("[late]\nper_day = '10 %'", 2, "rules.must_be_number", "10 %"),
    ("[late]\ncut_off_days = 1.5", 2, "rules.must_be_whole", "1.5"),
    ("[late]\ngrace_minutes = true", 2, "rules.must_be_whole", "True"),
    ("late = 3", 1, "rules.must_be_table", "3"),
    ('exercises = "multiplication-gru"', 1, "rules.must_be_list", "multiplication-gru"),
    ("exercises = [\n  1,\n]", 1, "rules.must_be_text", "1"),
    ("[roster]\nsection = 'x'", 1, "rules.missing", "file"),
    ('exercises = ["multiplication-lstn"]', 1, "rules.no_exercise_near", "multiplication-lstm"),
    ("[exercise.nothing-like-it]", 1, "rules.no_exercise", "nothing-like-it"),
    ("[exercise.multiplication-gru]\ndue = 20260501", 2, "rules.must_be_date", "20260501"),
    ("[exercise.multiplication-gru]\ndue = '2026-05-01'", 2, "rules.must_be_date", "2026-05-01"),
    ("[exercise.multiplication-gru]\ndue = 0026-05-01", 2, "rules.must_be_year", "26"),
    ("[exercise.multiplication-gru]\ndue = 2026-05-01", 2, "rules.zone_missing", "due"),
    ("[exercise.multiplication-gru]\npoints = 0", 2, "rules.out_of_range", "> 0"),
    ("[exercise.multiplication-gru]\nweight = nan", 2, "rules.out_of_range", "nan"),
    (
        "time_zone = 'UTC'\n[exercise.multiplication-gru]\nopens = 2026-05-03\ndue = 2026-05-01",
        4,
        "rules.opens_after_due",
        "due",
    ),
    ('time_zone = "Asia/Seul"', 1, "rules.no_zone_near", "Asia/Seoul"),
    ('time_zone = "../../etc/passwd"', 1, "rules.no_zone", "passwd"),
    ('[[groups]]\nname = "a"\nmembers = []', 3, "rules.too_few", "members"),
    ("packages = [" + '"a", ' * 51 + "]", 1, "rules.too_many", "50"),
    ('name = ""', 1, "rules.empty", "name"),
    ('name = " "', 1, "rules.empty", "name"),
    (f"name = '{'x' * 201}'", 1, "rules.too_long", "200"),
    ('hints = "two"', 1, "rules.must_be_whole", "two"),
    ('packages = ["no such; name"]', 1, "rules.bad_form", "scikit-learn>=1.4"),
    ('[published]\ngithub = "rnn"', 2, "rules.bad_form", "OWNER/NAME"),
    ('[published]\ngithub = "a/b"\nbranch = "a b"', 3, "rules.bad_form", "main"),
    ('[published]\ngithub = "a/b"\nfolder = "/c"', 3, "rules.bad_form", "lessons/rnn"),
    ('[published]\ngithub = "a/b"\ngrader = "x.whl"', 3, "rules.bad_form", "https://"),
    ('[[groups]]\nname = "a"\nmembers = ["a", "b"]', 2, "rules.group_name", "a"),
    ('[[groups]]\nname = "a"\nmembers = ["kim", "KIM"]', 3, "rules.member_twice", "kim"),
    (
        '[[groups]]\nname = "a"\nmembers = ["x", "y"]\n[[groups]]\nname = "b"\nmembers = ["z", "y"]',
        6,
        "rules.member_twice",
        "y",
    ),
    ("[[extensions]]\ndays = 3", 1, "rules.extension_who", "group"),
    ("[[extensions]]\nstudent = 'x'\ngroup = 'y'\ndays = 3", 1, "rules.extension_who", "section"),
    ("[[extensions]]\nstudent = 'x'", 1, "rules.extension_until", "days"),
    ("[[extensions]]\nstudent = 'x'\ndays = 0", 3, "rules.out_of_range", "≥ 1"),
    ("[[extensions]]\ngroup = 'x'\ndays = 1", 2, "rules.no_group", "x"),
    ("[[extensions]]\nstudnt = 'x'\ndays = 1", 2, "rules.unknown_key_near", "student"),
    (
        "time_zone = 'UTC'\n[exercise.multiplication-gru]\ndue = 2026-05-03\n[[extensions]]\n"
        "student = 'x'\nexercises = ['multiplication-gru']\ndue = 2026-05-01",
        7,
        "rules.extension_earlier",
        "multiplication-gru",
    ),
]


@pytest.mark.parametrize(("text", "line", "message", "names"), FAULTS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_fault_names_its_line_and_the_nearest_word(tmp_path, text, line, message, names, lang):
    told = fault(tmp_path, text).message
    assert (told.id, told.args["line"]) == (message, line)
    said = Words(lang).say(told)
    assert names in said
    assert str(line) in said
    assert "…" not in said


def test_where_a_machine_knows_no_zones_it_says_what_to_install(tmp_path, monkeypatch):
    def none(_key: str) -> ZoneInfo:
        raise rulebook.zoneinfo.ZoneInfoNotFoundError("none")

    monkeypatch.setattr(rulebook.zoneinfo, "ZoneInfo", none)
    monkeypatch.setattr(rulebook.zoneinfo, "available_timezones", set)
    told = fault(tmp_path, 'time_zone = "Asia/Seoul"').message
    assert told.id == "rules.no_tzdata"
    assert "tzdata" in Words("ko").say(told)
    assert book(tmp_path, 'time_zone = "+09:00"').rules().zone == timezone(timedelta(hours=9))


def test_what_is_no_toml_is_told_with_its_line(tmp_path):
    (tmp_path / "course.toml").write_text('name = "x"\nattempts = last\n')
    with pytest.raises(GraderError) as caught:
        read_book(tmp_path)
    assert caught.value.message.args["line"] == 2


def test_a_process_that_judges_is_sent_no_rules(tmp_path):
    course_of(tmp_path, "sequence-prediction")
    (tmp_path / "course.toml").write_text('time_zone = "Asia/Seoul"\n')
    course = load_course(tmp_path)
    assert course.rules.zone == SEOUL
    sent = pickle.dumps(course)
    assert not any(told in sent for told in (b"rulebook", b"zoneinfo", b"settings"))
    assert pickle.loads(sent).rules == Rules()


KEYS = st.text("abc", min_size=1, max_size=3)
VALUES = st.sampled_from(
    ["1", '"x"', "[1,\n 2]", '"""\nb = 1\n[c]\n"""', "{ a = 1 }", "2026-01-01"]
)
TABLES = st.lists(
    st.tuples(KEYS, st.dictionaries(KEYS, VALUES, max_size=4)),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one[0],
)


@given(TABLES, st.data())
def test_a_key_is_found_on_the_line_on_which_it_was_written(tables, data):
    lines: list[str] = []
    written: dict[tuple[str, ...], int] = {}
    for table, keys in tables:
        lines += data.draw(st.sampled_from([[], ["# [a]"], ["", "# a = 1"]]))
        lines.append(f"[{table}]")
        written[table,] = len(lines)
        for key, value in keys.items():
            written[table, key] = len(lines) + 1
            lines += f"{key} = {value}".split("\n")
    text = "\n".join(lines)
    assert {keys: line_of(text, keys) for keys in written} == written


def test_the_line_of_a_key_that_is_not_there_is_that_of_its_table():
    text = "a = 1\n[late]\nper_day = 1"
    assert line_of(text, ("late", "gone", "further")) == 2
    assert line_of(text, ("nowhere",)) is None


TABLES_OF = {
    "": "{}",
    "late": "[late]\n{}",
    "exercise": "[exercise.multiplication-gru]\n{}",
    "roster": "[roster]\n{}",
    "groups": "[[groups]]\n{}",
    "extensions": "[[extensions]]\n{}",
}
ODD = ["1", "-1", "1.5", "nan", "inf", "true", '""', '"x"', "[]", "[[1]]", "{}", "{ a = 1 }"]
ODD += ["2026-05-01", "2026-05-01T18:00:00Z", "0001-01-01", "9999-12-31T23:59:59Z", "10:00:00"]


@pytest.mark.parametrize("table", list(TABLES_OF))
def test_whatever_a_key_is_given_is_taken_or_told_in_one_sentence(tmp_path, table):
    keys = {"": (), "exercise": ("exercise", "x"), "groups": ("groups", 0)}.get(table, (table,))
    keys = ("extensions", 0) if table == "extensions" else keys
    told: list[tuple[str, Message]] = []
    for key in places.known_keys(keys, TypeAdapter(SettingsFile)):
        for value in ODD:
            text = TABLES_OF[table].format(f"{key} = {value}")
            try:
                book(tmp_path, text).rules()
            except GraderError as error:
                told.append((text, error.message))
    assert len(told) > len(ODD) / 2
    assert [text for text, one in told if not isinstance(one.args["line"], int)] == []
    assert {one.id for _, one in told if not Words("ko").knows(one.id)} == set()
