"""What is not run again: what is unchanged, what was interrupted, what an equal notebook ran."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader import environment
from grader.course.exercises import Course
from grader.execution import Execution
from grader.pipeline import grader
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.record import hand_file
from grader.record.journal import Journal
from grader.record.store import Store
from grader.types import GraderError, HandKind, HandLine, Message, Record, Verdict
from tests.support.canned_rooms import (
    GRU,
    SLOT,
    NoRoom,
    World,
    execution,
    grade,
    grade_all,
    submission,
)


def test_what_is_unchanged_is_not_run_again(course: Course, world: World, tmp_path: Path) -> None:
    first = grade(course, tmp_path, submission())
    again = grade(course, tmp_path, submission())
    assert (first.reused, again.reused) == (False, True)
    assert again.records == first.records
    assert (len(world.ran), world.asked) == (1, 1)


def test_what_somebody_asked_to_run_anew_runs_once_more(
    course: Course, world: World, tmp_path: Path
) -> None:
    grade(course, tmp_path, submission())
    grade(course, tmp_path, submission(name="lee"))
    told = HandLine("0a", hand_file.now(), "kang", HandKind.RERUN, "kim", GRU, "busy")
    hand_file.append(tmp_path, [told])
    assert grade(course, tmp_path, submission(name="lee")).reused
    assert len(world.ran) == 2
    assert not grade(course, tmp_path, submission()).reused
    assert len(world.ran) == 3
    assert world.ran[0] == world.ran[2], "with the same seed"
    grade(course, tmp_path, submission())
    assert len(world.ran) == 3


def test_what_somebody_asked_to_run_anew_is_not_taken_from_equal_code(
    course: Course, world: World, tmp_path: Path
) -> None:
    told = HandLine("0a", hand_file.now(), "kang", HandKind.RERUN, "lee", GRU, "busy")
    hand_file.append(tmp_path, [told])
    with Store(tmp_path) as store:
        one = Grader(course, NoRoom(), store, Settings(b"s" * 32))  # type: ignore[arg-type]
        graded = one.grade_group((submission(name="kim"), submission(name="lee")), SLOT)
    assert len(world.ran) == 2
    assert [record.same_as for it in graded for record in it.records] == ["", ""]


def test_another_seed_secret_or_time_limit_is_another_run(
    course: Course, world: World, tmp_path: Path
) -> None:
    grade(course, tmp_path, submission())
    assert not grade(course, tmp_path, submission(), seed=7).reused
    assert not grade(course, tmp_path, submission(), timeout=50.0).reused
    assert len(world.ran) == 3


def test_two_students_with_the_same_notebook_get_different_seeds(
    course: Course, world: World, tmp_path: Path
) -> None:
    grade(course, tmp_path, submission(name="kim"))
    grade(course, tmp_path, submission(name="lee"))
    assert len({seed for _, seed in world.ran}) == 2


def test_a_notebook_runs_again_once_a_package_of_the_course_is_installed(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_package = replace(course, packages=("konlpy",))
    grade(with_package, tmp_path, submission())
    grade(with_package, tmp_path, submission())
    assert len(world.ran) == 1
    usual = environment.installed
    monkeypatch.setattr(environment, "installed", lambda names: {**usual(names), "konlpy": "0.6.0"})
    grade(with_package, tmp_path, submission())
    assert len(world.ran) == 2


def test_a_notebook_runs_again_where_a_course_has_come_to_refuse_old_calls(
    course: Course, world: World, tmp_path: Path
) -> None:
    grade(course, tmp_path, submission())
    grade(replace(course, old_api=False), tmp_path, submission())
    assert world.old_api == [True, False]


def _killed_after(saves: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the grader dies when it has saved so many records."""
    save, saved = grader.Store.save, []

    def save_and_die(store: grader.Store, record: Record) -> None:
        save(store, record)
        saved.append(record)
        if len(saved) == saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(grader.Store, "save", save_and_die)


def test_a_record_saved_before_the_note_of_its_end_is_not_graded_again(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        _killed_after(1, dying)
        with pytest.raises(KeyboardInterrupt):
            grade(course, tmp_path, submission())
    assert list(tmp_path.glob("journal/*"))
    again = grade(course, tmp_path, submission())
    assert again.reused
    assert (len(world.ran), world.asked) == (1, 1)
    assert not list(tmp_path.glob("journal/*"))


def test_a_note_that_cannot_be_taken_away_costs_no_record(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_journal: Journal, _job: str) -> None:
        raise GraderError(Message("record.disk_full", {"path": "x"}))

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "finish", refuse)
        (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert grade(course, tmp_path, submission()).reused


def test_an_interrupted_notebook_of_unnamed_exercises_gets_all_its_records(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record of several may have been saved: nothing tells how many there were to be."""
    unnamed = replace(submission(), exercises=())
    with monkeypatch.context() as dying:
        _killed_after(1, dying)
        with pytest.raises(KeyboardInterrupt):
            grade(course, tmp_path, unnamed)
    again = grade(course, tmp_path, unnamed)
    assert not again.reused
    assert len(world.ran) == 1, "the run itself was kept"
    assert grade(course, tmp_path, unnamed).reused


def test_the_same_code_runs_once_and_everybody_has_a_record_of_their_own(
    course: Course, world: World, tmp_path: Path
) -> None:
    batch = [submission(name=name) for name in ("kim", "lee", "park")]
    records = grade_all(course, tmp_path, *batch)
    assert len(world.ran) == 1
    assert len({record.key for record in records.values()}) == len(batch)
    assert {name: record.same_as for name, record in records.items()} == {
        "kim": "",
        "lee": batch[0].name,
        "park": batch[0].name,
    }
    assert {record.grade.score for record in records.values()} == {100.0}


def test_code_that_ran_for_another_is_not_run_when_the_batch_is_graded_again(
    course: Course, world: World, tmp_path: Path
) -> None:
    batch = [submission(name=name) for name in ("kim", "lee")]
    first = grade_all(course, tmp_path, *batch)
    assert grade_all(course, tmp_path, *reversed(batch)) == first
    assert len(world.ran) == 1


def test_our_own_fault_with_one_is_not_handed_to_others_with_the_same_code(
    course: Course, world: World, tmp_path: Path
) -> None:
    def faulty_once(_run: Any) -> Execution:
        if len(world.ran) == 1:
            raise GraderError(Message("room.start_failed", {"reason": "no room"}))
        return execution()

    world.give = faulty_once
    records = grade_all(course, tmp_path, *(submission(name=name) for name in ("kim", "lee")))
    assert [record.grade.graded for record in records.values()] == [False, True]
    assert records["lee"].same_as == ""
