"""``grader plan``: how long a class takes on given machines; nothing is run or written."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from grader.course.called import exercises_asked
from grader.course.load import load_course
from grader.record.store import Store
from grader.types import GraderError
from tests.support import builders as b
from tests.support.cli_help import Shell
from tests.support.course_help import ROOT

LSTM, GRU = "multiplication-lstm", "multiplication-gru"


def planned(shell: Shell, *arguments: object) -> dict[str, Any]:
    said = shell("plan", "--format", "json", "--out", shell.out, *arguments)
    assert said.code == 0, said.err
    told: dict[str, Any] = json.loads(said.out)
    return told


def test_hours_and_times_follow_from_what_was_recorded(shell: Shell) -> None:
    store = Store(shell.out)
    store.save(b.record("kim", LSTM, seconds=36.0))
    found = planned(shell, "--students", 100, "--exercise", LSTM, "--machines", 5, "--cores", 4)
    assert found["notebooks"] == 100
    assert found["core_hours"] == 1.0  # 100 x 36 s
    assert found["gpu_hours"] == 0.0
    for way in ("one_queue", "shards"):
        assert found[way] == {
            "seconds": 180.0,  # five rounds on twenty cores
            "bound": 180.0,
            "beyond": 0.0,
            "failures": 0,
            "lost_seconds": 0.0,
        }
    assert [one["recorded"] for one in found["exercises"]] == [1]
    assert not (shell.out / "grades.db").exists()


@pytest.mark.parametrize(
    "typed",
    [
        f"{GRU}, {LSTM}",
        "the multiplication problem with GRU,multiplication-lstm",
        unicodedata.normalize("NFD", f"GRU로 곱셈 문제 풀기,{LSTM.upper()}"),
    ],
)
def test_an_exercise_is_called_by_its_id_or_its_title(shell: Shell, typed: str) -> None:
    found = planned(shell, "--students", 1, "--exercise", typed)
    assert [one["exercise"] for one in found["exercises"]] == [GRU, LSTM]


@pytest.mark.parametrize("typed", ["", " , "])
def test_an_empty_name_is_not_all_exercises(typed: str) -> None:
    with pytest.raises(GraderError) as refused:
        exercises_asked(load_course(ROOT), [typed])
    assert refused.value.message.id == "hand.no_exercise_so"
    assert LSTM in str(refused.value.message.args["known"])


def test_part_of_a_title_is_no_name_but_the_near_ones_are_told(shell: Shell) -> None:
    said = shell("plan", "--students", 1, "--exercise", "lstm", "--lang", "en")
    assert said.code == 2
    assert "Did you mean: multiplication-lstm, " in said.line


def test_without_records_every_exercise_of_the_course_is_planned_by_its_reference(
    shell: Shell,
) -> None:
    found = planned(shell, "--students", 3, "--cores", 2)
    assert {one["recorded"] for one in found["exercises"]} == {0}
    assert found["notebooks"] == 3 * len(found["exercises"])
    assert not shell.out.exists()


def test_machines_that_fail_cost_time(shell: Shell) -> None:
    asked = ("--students", 2000, "--exercise", GRU, "--machines", 4, "--cores", 2)
    sound = planned(shell, *asked)["one_queue"]
    failing = planned(shell, *asked, "--fails-after", 1)["one_queue"]
    assert sound["failures"] == 0 < failing["failures"]
    assert sound["seconds"] < failing["seconds"]


def test_a_gpu_is_planned_by_what_a_gpu_took_and_by_nothing_else(shell: Shell) -> None:
    Store(shell.out).save(b.record("kim", LSTM, seconds=36.0))
    asked = ("--students", 10, "--exercise", LSTM, "--gpus", 2)
    refused = shell("plan", "--out", shell.out, "--lang", "en", *asked)
    assert refused.code == 2
    assert "--gpus" in refused.line
    Store(shell.out).save(b.record("lee", LSTM, seconds=18.0, device="NVIDIA T4"))
    found = planned(shell, *asked)
    assert found["gpu_hours"] == found["core_hours"] == 0.05
    assert found["one_queue"]["seconds"] == 90.0


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_table_says_the_same_in_both_languages(shell: Shell, lang: str) -> None:
    said = shell("plan", "--students", 10, "--exercise", GRU, "--out", shell.out, "--lang", lang)
    assert said.code == 0
    assert "--runner" in said.out
    assert "--shard" in said.out
    assert "cli.plan" not in said.out


def test_no_such_form_and_no_such_exercise_are_refused(shell: Shell) -> None:
    assert shell("plan", "--students", 1, "--format", "junit").code == 2
    assert shell("plan", "--students", 1, "--exercise", "sums").code == 2
