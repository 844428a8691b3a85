"""Runners are found by listing their folder, and may carry the work to another process."""

from __future__ import annotations

import pickle
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from grader import environment
from grader.collect.collect import collect
from grader.course.load import load_course
from grader.pipeline import runners
from grader.pipeline.grader import TRAINER_MB, GradeGroups, Grader, Workplace
from grader.pipeline.job import Settings
from grader.pipeline.runner import NOTEBOOK_MB, Call, Slot, Stop, slots
from grader.pipeline.runners import local
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.room import Room, open_room
from grader.submission import Submission
from grader.text.words import Words
from grader.types import Engine, GraderError, Isolation, Level, Verdict
from tests.support.canned_rooms import submission

ROOT = Path(__file__).resolve().parents[2]

# All that a new runner takes. This one sends everything to one other process, by pickles.
ELSEWHERE = '''
import pickle
import subprocess
import sys

WORKER = """
import os, pickle, sys
work, slot, tasks = pickle.load(sys.stdin.buffer)
with work.open() as do:
    results = [(os.getpid(), do(task, slot)) for task in tasks]
pickle.dump(results, sys.stdout.buffer)
"""
PIDS = set()


def open_runner(slots, stop):
    return Elsewhere(slots)


class Elsewhere:
    def __init__(self, slots):
        self.slots = slots

    def run(self, tasks, work, on_start=lambda _: None):
        for task in tasks:
            on_start(task)
        sent = pickle.dumps((work, self.slots[0], list(tasks)))
        done = subprocess.run([sys.executable, "-c", WORKER], input=sent, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        for pid, result in pickle.loads(done.stdout):
            PIDS.add(pid)
            yield result
'''


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner in a file of its own; nothing else knows of it."""
    folder = tmp_path / "runners"
    folder.mkdir()
    (folder / "elsewhere.py").write_text(ELSEWHERE, encoding="utf-8")
    monkeypatch.setattr(runners, "__path__", [*runners.__path__, str(folder)])


OURS = tuple(
    sorted(
        path.stem
        for path in (ROOT / "grader/pipeline/runners").glob("*.py")
        if not path.stem.startswith("_")
    )
)


def test_the_local_runner_is_known_and_others_are_refused_by_name() -> None:
    assert runners.known() == OURS
    assert OURS == ("local", "ray")
    with pytest.raises(GraderError) as caught:
        runners.open_runner("slurm", (Slot((0,)),), Stop())
    assert caught.value.message.id == "pipeline.no_runner"
    assert caught.value.message.args == {"name": "slurm", "known": ", ".join(OURS)}


def test_a_runner_is_added_by_a_file_alone_and_grades_in_another_process(
    elsewhere: None, tmp_path: Path
) -> None:
    import os

    assert runners.known() == tuple(sorted({"elsewhere", *OURS}))
    handed_in = tmp_path / "handed-in"
    for student in ("kim", "lee", "park"):
        (handed_in / student).mkdir(parents=True)
        (handed_in / student / "multiplication-gru.ipynb").write_text("{", encoding="utf-8")
    course = load_course(ROOT)
    found = collect([handed_in], exercise_ids=course.exercises, owed=None)
    settings = Settings(secret=b"s" * 32, warm=False)
    started: list[str] = []
    with Store(tmp_path / "out") as store:
        grader = Grader(course, open_room("none"), store, settings)
        runner = runners.open_runner("elsewhere", (Slot((0,)),), Stop())
        done = list(
            grader.grade_all(found.submissions, runner, lambda s: started.append(s.student))
        )
        kept = {record.student: record for record in store.latest()}
    assert sorted(started) == ["kim", "lee", "park"]
    assert {one.submission.student for one in done} == set(kept) == {"kim", "lee", "park"}
    assert {record.grade.verdict for record in kept.values()} == {Verdict.MALFORMED}
    import importlib

    pids = importlib.import_module("grader.pipeline.runners.elsewhere").PIDS
    assert len(pids) == 1
    assert os.getpid() not in pids


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("", "open_runner"),
        ("open_runner = 3", "open_runner"),
        ("def open_runner(", "SyntaxError"),
        ("raise SystemExit('stop')", "stop"),
    ],
    ids=["empty", "no function", "syntax", "leaves the program"],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_file_that_is_no_runner_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, error: str, lang: str
) -> None:
    path = tmp_path / "halfway.py"
    path.write_text(source, encoding="utf-8")
    monkeypatch.setattr(runners, "__path__", [*runners.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, f"{runners.__name__}.halfway", raising=False)
    with pytest.raises(GraderError) as refusal:
        runners.open_runner("halfway", (Slot((0,)),), Stop())
    monkeypatch.delitem(sys.modules, f"{runners.__name__}.halfway", raising=False)
    said = Words(lang).say(refusal.value.message)
    assert str(path) in said
    assert error in said


def test_only_names_that_can_be_imported_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("with-hyphen.py", "two.parts.py"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "folder.py").mkdir()
    monkeypatch.setattr(runners, "__path__", [*runners.__path__, str(tmp_path)])
    assert runners.known() == OURS


def _of_the_page() -> str:
    """The module that docs/adding-a-runner.md shows."""
    page = (ROOT / "docs" / "adding-a-runner.md").read_text(encoding="utf-8")
    return page.partition("```python\n")[2].partition("```")[0]


def test_the_runner_that_the_page_shows_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "serial.py").write_text(_of_the_page(), encoding="utf-8")
    monkeypatch.setattr(runners, "__path__", [*runners.__path__, str(tmp_path)])
    started: list[int] = []
    runner = runners.open_runner("serial", (Slot((0,)), Slot((1,))), Stop())
    done = list(runner.run([3, 1, 2], Call(lambda n, slot: (n, slot.cores)), started.append))
    assert done == [(3, (0,)), (1, (0,)), (2, (0,))]
    assert started == [3, 1, 2]


def test_pickled_work_is_names_and_settings_and_holds_no_open_store(tmp_path: Path) -> None:
    course = load_course(ROOT)
    with Store(tmp_path) as store:
        grader = Grader(course, open_room("none"), store, Settings(secret=b"s" * 32))
        carried = pickle.loads(pickle.dumps(GradeGroups(grader)))
    level = grader.room.isolation.level
    assert carried == Workplace(ROOT, "laptop", tmp_path, level, grader.settings, saved_after=0)


def most_at_once(free_mb: float, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many of two jobs run at once that say they need so much, with 2000 MB free."""
    monkeypatch.setattr(environment, "free_mb", lambda: 2000.0)
    monkeypatch.setattr(local, "LOOK_SECONDS", 0.01)
    running, most, met = 0, 0, threading.Barrier(2)

    def job(_: int, __: Slot) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if free_mb < environment.free_mb():
            met.wait(60)
        running -= 1

    slots = (Slot((0,)), Slot((1,)))
    list(local.LocalRunner(slots, Stop()).run([1, 2], Call(job, free_mb)))
    return most


def test_beside_another_a_job_begins_where_as_much_is_free_as_its_work_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert most_at_once(1500.0, monkeypatch) == 2
    assert most_at_once(2500.0, monkeypatch) == 1


@pytest.mark.parametrize(
    ("asks", "engine", "installed", "level", "rooms"),
    [
        (False, "auto", tuple(Engine), "full", 1),
        (True, "auto", tuple(Engine), "full", 2),
        (True, "auto", tuple(Engine), "none", 1),
        (True, "tensorflow", tuple(Engine), "full", 2),
        (True, "jax", tuple(Engine), "full", 1),
        (True, "auto", (Engine.TENSORFLOW,), "full", 1),
    ],
)
def test_a_job_whose_trainings_have_a_room_needs_the_memory_of_two(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asks: bool,
    engine: str,
    installed: tuple[Engine, ...],
    level: str,
    rooms: int,
) -> None:
    monkeypatch.setattr(environment, "engines", lambda: installed)
    course = replace(load_course(ROOT), asks_trainer=asks)
    room = cast("Room", SimpleNamespace(isolation=Isolation(Level(level), ())))
    settings = Settings(secret=b"s" * 32, engine=engine)
    with Store(tmp_path) as store:
        work = GradeGroups(Grader(course, room, store, settings))
        needed = NOTEBOOK_MB + (rooms - 1) * TRAINER_MB
        assert work.free_mb == pickle.loads(pickle.dumps(work)).free_mb == needed


def test_the_runner_gives_every_result_and_starts_nothing_after_a_stop() -> None:
    stop = Stop()
    submissions = [submission(name=f"s{n}") for n in range(20)]
    done = []

    def work(submission: Submission, _slot: Slot) -> str:
        if len(done) >= 5:
            stop.draining.set()
        return submission.student

    for student in LocalRunner(slots(2), stop).run(submissions, Call(work)):
        done.append(student)  # noqa: PERF402 - the work looks at it as it grows
    assert 5 <= len(done) <= 9
    whole = LocalRunner(slots(3), Stop()).run(submissions, Call(lambda s, _: s.student))
    assert sorted(whole) == sorted(s.student for s in submissions)


def test_the_runner_does_one_work_after_the_other_unless_it_was_left_early() -> None:
    runner = LocalRunner(slots(2), Stop())
    for _ in range(2):
        assert sorted(runner.run(range(5), Call(lambda n, _: n))) == [*range(5)]
    results = runner.run(range(50), Call(lambda n, _: n))
    next(iter(results))
    results.close()  # type: ignore[attr-defined]  # a generator
    assert list(runner.run(range(5), Call(lambda n, _: n))) == []


def test_no_two_jobs_share_a_gpu() -> None:
    from grader.gpus.gpus import Gpu

    gpus = [Gpu(n, f"GPU-{n}", "NVIDIA H200", 143771, (f"/dev/nvidia{n}",)) for n in range(2)]
    found = slots(8, gpus)
    assert [slot.gpu for slot in found] == gpus
    assert {slot.device for slot in found} == {"NVIDIA H200"}
