"""A class's trainings in one round: the same records as waiting, each training once."""

from __future__ import annotations

import heapq
import itertools
import math
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from grader.course.load import load_course
from grader.pipeline.durations import START_SECONDS
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.rounds import PutOffError, Round, TrainsOrders, Wanted, cheaper, pays
from grader.pipeline.runner import Slot, Stop
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.report.trained import trained_lines
from grader.text.words import Words
from grader.trainer.asking import key_here
from grader.trainer.keys import key_of
from grader.trainer.result import Outcome, Untrainable
from grader.trainer.results import Results
from grader.trainer.seen import seen_rows
from grader.types import Engine, Level
from tests.support import class_of_sixty
from tests.support.class_of_sixty import (
    PROGRAMS,
    ROOT,
    SLOTS,
    STUDENTS,
    Class,
    submission,
    whole_class,
    without_times,
)
from tests.support.orders import order
from tests.support.trainer_room import FakeRoom, ServingRoom, good

SECRET = b"s" * 32
PATIENCE = 600.0  # seconds for what comes at some time: reached only where it never comes


def told(folder: Path, *, in_a_round: bool, students: int = STUDENTS) -> Class:
    """A class that was graded."""
    one = Class(folder / "out", folder / "cache", in_a_round)
    one.grade(whole_class(students))
    return one


def test_sixty_of_twenty_programs_are_twenty_trainings_and_the_same_records_either_way(
    tmp_path: Path,
) -> None:
    for name in ("round", "waiting"):
        (tmp_path / name).mkdir()
    together = told(tmp_path / "round", in_a_round=True)
    waiting = told(tmp_path / "waiting", in_a_round=False)
    for one in (together, waiting):
        assert len(one.room.trained) == len({*one.room.trained}) == PROGRAMS
        assert len(one.kept()) == STUDENTS
    assert len(together.notebooks.ran) == 2 * STUDENTS
    assert len(waiting.notebooks.ran) == STUDENTS
    records = [
        {name: without_times(one) for name, one in each.kept().items()}
        for each in (together, waiting)
    ]
    assert records[0] == records[1]
    said = "Submissions: 60; distinct trainings: 20."
    for one in (together, waiting):
        assert trained_lines([*one.kept().values()], Words("en")) == (said,)
    everybody_keeps_their_own(together)


def everybody_keeps_their_own(one: Class) -> None:
    store = Store(one.out)
    for student, record in one.kept().items():
        run = store.load_execution(record.execution_key)
        assert run is not None
        (cell,) = run.cells
        assert cell.error is not None
        assert cell.stdout.endswith(f"# {student}")
        assert cell.error.traceback.endswith(f"# {student}")


def test_the_same_code_in_another_batch_has_the_same_points_and_trains_nothing(
    tmp_path: Path,
) -> None:
    first = told(tmp_path, in_a_round=True, students=6)
    second = Class(tmp_path / "again", tmp_path / "cache", in_a_round=False)
    second.grade(whole_class(6))
    points = [{n: r.grade.score for n, r in one.kept().items()} for one in (first, second)]
    assert points[0] == points[1]
    assert None not in points[0].values()
    assert len(second.room.trained) == 6, "the first batch's"


def test_what_is_graded_already_is_not_run_for_a_round(tmp_path: Path) -> None:
    told(tmp_path, in_a_round=True, students=3)
    again = Class(tmp_path / "out", tmp_path / "cache", in_a_round=True)
    graded = again.grade(whole_class(3))
    assert [one.reused for one in graded] == [True] * 3
    assert again.notebooks.ran == []


def test_an_order_that_is_unknown_after_its_round_is_awaited(tmp_path: Path) -> None:
    one = Class(tmp_path / "out", tmp_path / "cache", in_a_round=True)
    one.grade([submission(1, "unstable"), submission(2, "program 2")])
    assert sorted(one.notebooks.ran) == ["student01"] * 2 + ["student02"] * 2
    assert len(one.room.trained) == 3, "once in the round, once awaited; the other's once"
    assert all(record.grade.graded for record in one.kept().values())
    assert len(one.kept()) == 2


def test_a_notebook_that_asks_for_nothing_runs_once(tmp_path: Path) -> None:
    one = Class(tmp_path / "out", tmp_path / "cache", in_a_round=True)
    one.grade([submission(1, "claims"), submission(2, "program 2")])
    assert sorted(one.notebooks.ran) == ["student01", "student02", "student02"]


def test_a_claim_is_repeated_once_for_all_who_claim_the_same(tmp_path: Path) -> None:
    batches = [Class(tmp_path / name, tmp_path / "cache", in_a_round=False) for name in "ab"]
    for one in batches:
        one.grade([submission(number, "claims") for number in range(4)])
    assert [len(one.judged.trained) for one in batches] == [1, 0]
    records = [r for one in batches for r in one.kept().values()]
    assert len(records) == 8
    assert len({record.grade.score for record in records}) == 1
    assert len({without_times(record) for record in records}) == 4, "each student's own"
    for record in records:
        assert record.evidence is not None
        assert record.evidence.proof is not None
        assert record.evidence.proof.repeated is not None
        assert record.evidence.proof.repeated.seconds == 2.0


def test_a_grader_that_is_killed_in_a_round_loses_no_training_that_was_done(tmp_path: Path) -> None:
    program = (sys.executable, "-m", class_of_sixty.__name__)
    places = (str(tmp_path / "out"), str(tmp_path / "cache"))
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    running = subprocess.Popen((*program, *places, "round", "12", "4", "2"), cwd=ROOT, env=env)
    one = Class(tmp_path / "out", tmp_path / "cache", in_a_round=True)
    until = time.monotonic() + PATIENCE
    while not (tmp_path / "cache" / "stands").exists() or one.room.kept < 2:
        assert running.poll() is None, "it ended by itself"
        assert time.monotonic() < until
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert len(one.room.trained) == 2
    one.grade(whole_class(12, 4))
    assert len(one.room.trained) == len({*one.room.trained}) == 4
    assert len(one.kept()) == 12


@pytest.mark.parametrize("in_a_round", [True, False])
def test_a_stop_starts_nothing_new_and_the_rest_follows_another_time(
    tmp_path: Path, in_a_round: bool
) -> None:
    one = Class(tmp_path / "out", tmp_path / "cache", in_a_round)

    def begun(notebooks: int) -> None:
        if notebooks == 5:
            one.stop.draining.set()

    one.notebooks.begun = begun
    one.grade(whole_class(12, 4))
    assert 5 <= len(one.notebooks.ran) < 5 + SLOTS
    assert len(one.kept()) == (0 if in_a_round else len(one.notebooks.ran))
    more = Class(tmp_path / "out", tmp_path / "cache", in_a_round)
    more.grade(whole_class(12, 4))
    assert len(more.kept()) == 12
    assert len(more.room.trained) == 4


@pytest.mark.parametrize("source", ["program 1", "claims"])
def test_a_notebook_whose_training_another_grader_does_waits_no_longer_than_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    one = Class(tmp_path / "out", tmp_path / "cache", in_a_round=False)

    tries = iter([False, False])

    def taken(_: int) -> bool:
        one.stop.draining.set()
        return next(tries)

    monkeypatch.setattr("grader.trainer.kept._taken", taken)
    (graded,) = one.grade([submission(1, source)])
    (record,) = graded.records
    assert not record.grade.graded
    assert [check.message.id for check in record.grade.checks] == ["pipeline.not_awaited"]


# --- the parts ---------------------------------------------------------------------------------


def test_equal_orders_are_taken_once_and_known_ones_not_at_all(tmp_path: Path) -> None:
    results, first, second = Results(tmp_path), order(), order(seeds=[4])
    this = Round(results, SECRET)
    for one in (first, first, second):
        with pytest.raises(PutOffError):
            this.take(Wanted(one, 1))
    assert len(this.orders()) == 2
    trains = TrainsOrders(ServingRoom(), results, SECRET, tmp_path, 0.0)
    for wanted in this.orders():
        trains.train(wanted, Slot((0,)))
    other = Round(results, SECRET)
    other.take(Wanted(first, 1))
    assert other.orders() == []
    with pytest.raises(PutOffError):
        other.take(Wanted(first, 2))  # another attempt has another seed


def test_the_longest_is_trained_first(tmp_path: Path) -> None:
    this = Round(Results(tmp_path), SECRET)
    usual = order()
    longer = order(fit={**usual.fit.as_json(), "class_weight": None, "epochs": 50})
    for one in (usual, longer):
        with pytest.raises(PutOffError):
            this.take(Wanted(one, 1))
    assert [wanted.order.fit.epochs for wanted in this.orders()] == [50, usual.fit.epochs]


def test_what_is_too_much_to_hold_is_trained_while_its_notebook_waits(tmp_path: Path) -> None:
    one = order()
    size = sum(array.nbytes for array in one.arrays.values())
    this = Round(Results(tmp_path), SECRET, most_bytes=size)
    with pytest.raises(PutOffError):
        this.take(Wanted(one, 1))
    this.take(Wanted(order(seeds=[9]), 1))
    assert len(this.orders()) == 1
    with pytest.raises(PutOffError):
        this.take(Wanted(one, 1))  # it is held already


def test_the_rows_that_are_kept_of_an_order_are_held_too(tmp_path: Path) -> None:
    plain = order()
    one = replace(plain, seen=seen_rows(plain.arrays["x"], plain.arrays["y"], 3))
    size = sum(array.nbytes for array in one.arrays.values())
    Round(Results(tmp_path), SECRET, most_bytes=2 * size - 1).take(Wanted(one, 1))  # not taken
    with pytest.raises(PutOffError):
        Round(Results(tmp_path), SECRET, most_bytes=2 * size).take(Wanted(one, 1))


def test_without_a_gpu_nothing_is_trained_together(tmp_path: Path) -> None:
    trains = TrainsOrders(ServingRoom(), Results(tmp_path), SECRET, tmp_path, 0.0)
    assert trains.batches([Wanted(order(), 1), Wanted(order(seeds=[4]), 1)]) == []


def test_what_cannot_be_trained_in_a_round_takes_nobody_with_it(tmp_path: Path) -> None:
    room = ServingRoom({(0, 1): 1, (1, 1): 1, (2, 1): 1})  # not even the control trains
    results = Results(tmp_path / "results")
    trains = TrainsOrders(room, results, SECRET, tmp_path, 0.0)
    trains.train(Wanted(order(), 1), Slot((0,)))
    assert results.get(key_of(order(), SECRET, 1).key) is None
    trains.train(Wanted(order(), 1), Slot((0,)))
    assert results.get(key_of(order(), SECRET, 1).key) is not None


@pytest.mark.parametrize(
    ("notebooks", "jobs", "seconds", "pays_off"),
    [
        (60, 2, 75.0, True),
        (60, 4, 75.0, True),
        (60, 10, 75.0, False),  # cores are as fast
        (60, 16, 75.0, False),  # to try it is no gain, and a round is cheaper without one
        (1000, 16, 21.0, False),  # a second start of each costs more than is gained
        (1000, 16, 75.0, True),
        (8, 2, 75.0, False),  # trained on their cores before it is tried
        (60, 16, 3.0, False),
        (1, 16, 75.0, False),
        (6, 16, 75.0, False),  # so few train on their own cores
    ],
)
def test_a_device_for_all_of_them_makes_a_round_cheaper_where_there_are_many(
    notebooks: int, jobs: int, seconds: float, pays_off: bool
) -> None:
    assert cheaper(notebooks, jobs, seconds, together=True) is pays_off


@pytest.mark.parametrize(
    ("notebooks", "jobs", "seconds", "pays_off"),
    [
        (60, 1, 75.0, False),
        (60, 2, 75.0, False),
        (60, 2, 707.0, False),
        (60, 2, 709.0, True),
        (60, 10, 75.0, False),
        (60, 11, 75.0, True),
        (60, 40, 75.0, True),
        (60, 41, 75.0, False),  # so many cores have nothing to do in a round either
        (60, 16, 3.0, False),
        (1, 16, 75.0, False),
        (0, 16, 75.0, False),
    ],
)
def test_a_round_is_chosen_where_it_is_cheaper(
    notebooks: int, jobs: int, seconds: float, pays_off: bool
) -> None:
    assert cheaper(notebooks, jobs, seconds) is pays_off


def test_a_round_needs_trainings_of_ours_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.environment.engines", lambda: (Engine.TENSORFLOW, Engine.JAX))
    course = replace(load_course(ROOT), asks_trainer=True)
    batch = [(one,) for one in whole_class()]
    here = LocalRunner([Slot((number,)) for number in range(16)], Stop())

    class Elsewhere:
        run = here.run

    def chosen(**changes: Any) -> bool:
        given = {"course": course, "settings": Settings(SECRET), "runner": here} | changes
        given.setdefault("level", Level.FULL)
        return pays(batch=batch, **given)

    assert chosen()
    assert not chosen(runner=LocalRunner(here.slots[:1], Stop()))
    assert not chosen(course=replace(course, asks_trainer=False))
    assert not chosen(settings=Settings(SECRET, engine="jax"))
    assert not chosen(level=Level.NONE)
    assert not chosen(runner=Elsewhere())
    assert not chosen(settings=Settings(SECRET, round=False))
    assert chosen(runner=LocalRunner(here.slots[:1], Stop()), settings=Settings(SECRET, round=True))


def test_nothing_is_trained_after_the_time_of_a_batch(tmp_path: Path) -> None:
    room, results = FakeRoom(good, good), Results(tmp_path)
    for until, trained in ((time.time() - 1.0, 0), (time.time() + 3600.0, 1)):
        late = Settings(SECRET, until=until).is_late
        trains = TrainsOrders(room, results, SECRET, tmp_path, 0.0, late)
        trains.train(Wanted(order(), 1), Slot((0,)))
        assert len(room.specs) == trained


def test_an_order_that_another_grader_trains_is_not_waited_for_once_all_is_over(
    tmp_path: Path,
) -> None:
    results, asked = Results(tmp_path / "kept"), iter([False, False, True])
    trains = TrainsOrders(ServingRoom(), results, SECRET, tmp_path, 0.0, lambda: next(asked))

    def the_others() -> Outcome:
        trains.train(Wanted(order(), 1), Slot((0,)))
        return Untrainable("fit", "theirs")

    results.once(key_here(order(), SECRET, 1).key, the_others)
    assert [*asked] == []
    assert not (tmp_path / "faults").exists()


@pytest.mark.parametrize(
    ("stopped", "seconds", "over"),
    [(False, None, False), (False, 3600.0, False), (True, None, True), (False, -1.0, True)],
)
def test_a_batch_is_over_once_it_is_stopped_or_its_time_is_up(
    tmp_path: Path, stopped: bool, seconds: float | None, over: bool
) -> None:
    until = None if seconds is None else time.time() + seconds
    with Store(tmp_path) as store:
        settings = Settings(SECRET, until=until)
        given: Any = load_course(ROOT), ServingRoom(), store, settings
        assert Grader(*given, stopping=lambda: stopped)._is_over() is over


def _waiting(programs: list[int], jobs: int, seconds: float) -> float:
    """When a class is done whose notebooks wait, played through; who starts takes a job's time."""
    free: list[float] = [0.0] * jobs
    known: dict[int, float] = {}
    for program in programs:
        at = heapq.heappop(free) + START_SECONDS
        heapq.heappush(free, max(at, known.setdefault(program, at + seconds)))
    return max(free)


def _spread(tasks: int, jobs: int, seconds: float) -> float:
    return math.ceil(tasks / jobs) * seconds


def test_the_rule_loses_less_than_a_hundredth_where_always_waiting_loses_a_twentieth() -> None:
    """Of the time that the better way takes, over classes of many sizes."""
    lost: dict[str, list[float]] = {"rule": [], "waiting": []}
    for notebooks, jobs, seconds in itertools.product(
        (30, 60, 120, 300), (1, 2, 4, 8, 16, 32, 64), (5.0, 20.0, 75.0, 300.0)
    ):
        programs = math.ceil(notebooks / 3)
        drawn = [one % programs for one in range(notebooks)]
        draws = [random.Random(seed).sample(drawn, notebooks) for seed in range(10)]
        waiting = fmean(_waiting(draw, jobs, seconds) for draw in draws)
        in_a_round = 2 * _spread(notebooks, jobs, START_SECONDS) + _spread(programs, jobs, seconds)
        best = min(waiting, in_a_round)
        chosen = in_a_round if cheaper(notebooks, jobs, seconds) else waiting
        lost["rule"].append(chosen / best - 1)
        lost["waiting"].append(waiting / best - 1)
    assert fmean(lost["rule"]) < 0.01
    assert fmean(lost["waiting"]) > 0.04
