"""The students' course.toml: the rules, and nothing about anybody."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grader.authoring.settings import public_settings
from grader.course.settings import PRIVATE, SettingsFile

SAID = """
name = "RNN"
time_zone = "Asia/Seoul"
attempts = "best"
hints = 2
# kim was in hospital
[late]
per_day = 10
[exercise.multiplication-lstm]
due = 2026-05-01T18:00:00
worksheet = "ws.csv"
[roster]
file = "roster-of-2026.csv"
[[groups]]
name = "team secret"
members = ["kim", "lee"]
[[extensions]]
student = "kim"
days = 3
reason = "hospital"
"""


def test_students_read_the_rules_and_nothing_about_anybody():
    told = public_settings(tomllib.loads(SAID), "laptop")
    kept = tomllib.loads(told)
    assert kept["late"] == {"per_day": 10}
    assert kept["exercise"]["multiplication-lstm"].keys() == {"due"}
    assert (kept["name"], kept["attempts"], kept["hints"]) == ("RNN", "best", 2)
    for private in ("kim", "lee", "hospital", "team secret", "roster", "ws.csv"):
        assert private not in told


def test_what_it_says_to_students_is_sound():
    assert SettingsFile.model_validate(tomllib.loads(public_settings(tomllib.loads(SAID), "full")))


def test_every_table_about_people_is_private():
    """Whoever adds a table of people decides whose business it is."""
    of_people = {
        name
        for name, one in SettingsFile.model_fields.items()
        if name not in {"late", "exercise", "published"} and "Table" in str(one.annotation)
    }
    assert of_people == PRIVATE


def test_nothing_said_is_no_file():
    assert public_settings({}, "laptop") == ""
    assert public_settings({}, "full") == 'profile = "full"\n'
    assert public_settings({"profile": "full"}, "laptop") == 'profile = "laptop"\n'


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.one_of(TEXTS, st.integers(-(2**60), 2**60), st.booleans(), st.floats(allow_nan=False))
VALUES |= st.lists(TEXTS, max_size=3) | st.dates() | st.datetimes()


@given(TEXTS, st.dictionaries(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=3), max_size=3))
def test_what_is_written_reads_back_as_it_was(name: str, tables: dict[str, Any]):
    said = {"name": name, "exercise": tables}
    hidden = {
        one: {key: value for key, value in table.items() if key != "worksheet"}
        for one, table in tables.items()
    }
    kept = tomllib.loads(public_settings(said, "laptop"))
    assert kept["name"] == name
    assert kept.get("exercise", {}) == hidden


def test_of_a_part_of_the_course_only_its_rules_are_told():
    said = {
        "exercises": ["a", "b"],
        "exercise": {"a": {"due": date(2026, 5, 1)}, "b": {"week": 3}},
    }
    kept = tomllib.loads(public_settings(said, "laptop", ["b"]))
    assert kept == {"exercises": ["b"], "exercise": {"b": {"week": 3}}}
    assert "exercises" not in tomllib.loads(public_settings(said, "laptop", ["c"]))
