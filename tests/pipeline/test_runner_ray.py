"""The runner for a Ray cluster, with a stand-in for the few calls of Ray's that it makes.

The real one is met by tests/pipeline/test_ray_real.py.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader import environment
from grader.pipeline.cluster import Cluster
from grader.pipeline.portions import PORTION_SECONDS
from grader.pipeline.runner import Call, Slot, Stop
from grader.pipeline.runners.ray import RayRunner, open_runner
from grader.types import GraderError, Message


class RayError(Exception):
    """As Ray's: the worker, its memory or its machine is gone."""


class RayTaskError(RayError):
    """As Ray's: the function raised."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(repr(cause))
        self.cause = cause


class Generator:
    """A call that runs somewhere; its results come one after the other, through pickles."""

    def __init__(self, ray: FakeRay, arguments: tuple[object, ...]) -> None:
        self.ray, self.cancelled = ray, False
        self.parts = ray.function(*pickle.loads(pickle.dumps(arguments)))

    def __next__(self) -> Callable[[], bytes]:
        assert not self.cancelled
        self.ray.asked += 1
        if self.ray.asked in self.ray.dies_at:

            def gone() -> bytes:
                self.parts.close()
                raise RayError("the worker died")

            return gone
        try:
            value = next(self.parts)
        except StopIteration:
            raise
        except Exception as error:  # noqa: BLE001 - as Ray does
            failed = RayTaskError(error)

            def raises() -> bytes:
                raise failed

            return raises
        return lambda: value


@dataclass
class FakeRay:
    """What of Ray the runner calls."""

    dies_at: tuple[int, ...] = ()  # which of all results never come
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
    )
    asked: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    sent: list[Generator] = field(default_factory=list)
    most: int = 0
    left: bool = False
    put_there: list[bytes] = field(default_factory=list)

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        self.options = options

        def decorated(function: Any) -> Any:
            self.function = function
            return SimpleNamespace(remote=self.begin)

        return decorated

    def begin(self, *arguments: object) -> Generator:
        self.sent.append(Generator(self, arguments))
        return self.sent[-1]

    def put(self, value: bytes) -> bytes:
        self.put_there.append(value)
        return value

    def wait(self, refs: list[Generator], *, num_returns: int, timeout: float) -> Any:
        self.most = max(self.most, len(refs))
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref: Callable[[], bytes]) -> bytes:
        return ref()

    def shutdown(self) -> None:
        self.left = True

    def cancel(self, ref: Generator, *, force: bool) -> None:
        assert force
        ref.cancelled = True
        ref.parts.close()


@dataclass(frozen=True)
class Squares:
    """What is done there: squares, on a core of its own."""

    refuses: bool = False

    @contextmanager
    def open(
        self, common_files: Path, hidden: Sequence[Path]
    ) -> Iterator[Callable[[int, Slot], bytes]]:
        assert (common_files / "about").read_text() == "squares"
        assert hidden == (Path("/token"),)
        if self.refuses:
            raise GraderError(Message("pipeline.other_grader", {"versions": "x"}))
        yield lambda number, slot: f"{number * number} on {len(slot.cores)}".encode()


def common_files() -> bytes:
    import io
    import tarfile

    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        info = tarfile.TarInfo("about")
        info.size = len(b"squares")
        tar.addfile(info, io.BytesIO(b"squares"))
    return whole.getvalue()


@dataclass
class Work:
    """Work that notes what it is asked; the third begin of a job puts it aside."""

    there: Squares = Squares()
    common_files: bytes = field(default_factory=common_files)
    known: dict[int, str] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)
    missing: tuple[int, ...] = ()
    seconds: float = PORTION_SECONDS

    def open(self) -> Any:
        raise AssertionError("opened here")

    def elsewhere(self) -> Work:
        return self

    def expected(self, task: int) -> float:
        return self.seconds

    def without_run(self, task: int) -> str | None:
        return "put aside" if self.begun.count(task) >= 3 else self.known.get(task)

    def begins(self, task: int) -> None:
        self.begun.append(task)

    def payload(self, task: int) -> object:
        if task in self.missing:
            raise GraderError(Message("collect.changed"))
        return task

    def received(self, task: int, data: bytes) -> str:
        return f"{task}: {data.decode()}"

    def failed(self, task: int, error: Exception) -> str:
        return f"{task}: failed"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("os.setpriority", lambda *_: None)  # of the tests' own process
    monkeypatch.setattr(environment, "cores", lambda: tuple(range(16)))


def ran(
    ray: FakeRay, work: Work, tasks: Sequence[int], stop: Stop | None = None, places: int = 2
) -> list[str]:
    runner = RayRunner(Cluster(ray, places, (Path("/token"),)), stop or Stop())
    return list(runner.run(tasks, work))


def squared(*numbers: int) -> list[str]:
    return sorted(f"{number}: {number * number} on 1" for number in numbers)


def test_every_task_gives_one_result_from_elsewhere() -> None:
    ray, work = FakeRay(), Work()
    assert sorted(ran(ray, work, range(9))) == squared(*range(9))
    assert sorted(work.begun) == [*range(9)]


def test_ray_itself_retries_nothing_and_workers_are_renewed() -> None:
    ray = FakeRay()
    ran(ray, Work(), [1])
    assert ray.options["max_retries"] == 0  # else: after a memory kill without end
    assert ray.options["max_calls"] > 0
    assert ray.options["num_returns"] == "streaming"


def test_short_tasks_travel_together_and_the_course_once() -> None:
    ray, work = FakeRay(), Work(seconds=10.0)
    assert sorted(ran(ray, work, range(200))) == squared(*range(200))
    assert len(ray.sent) < 60
    assert ray.put_there == [work.common_files]


def test_no_more_is_sent_than_is_at_work_and_one_ahead() -> None:
    ray = FakeRay()
    ran(ray, Work(), range(30), places=4)
    assert ray.most == 5


@pytest.mark.parametrize("dies_at", [(1,), (4,), (2, 3), (2, 7)])
def test_what_is_lost_with_a_worker_is_done_again_once(dies_at: tuple[int, ...]) -> None:
    work = Work(seconds=10.0)
    assert sorted(ran(FakeRay(dies_at), work, range(20))) == squared(*range(20))
    assert len(work.begun) == 20 + len(dies_at)


def test_a_task_that_takes_its_worker_down_every_time_is_put_aside_alone() -> None:
    work = Work(seconds=10.0)
    deadly = FakeRay()

    class Deadly(Generator):
        def __next__(self) -> Callable[[], bytes]:
            if work.begun and 3 in self.left and self.left[0] == 3:

                def gone() -> bytes:
                    raise RayError("out of memory")

                return gone
            self.left = self.left[1:]
            return super().__next__()

        def __init__(self, ray: FakeRay, arguments: Any) -> None:
            super().__init__(ray, arguments)
            self.left = list(arguments[-1])

    def begin(*arguments: object) -> Generator:
        deadly.sent.append(Deadly(deadly, arguments))
        return deadly.sent[-1]

    deadly.begin = begin  # type: ignore[method-assign]
    found = sorted(ran(deadly, work, range(8)))
    assert found == sorted([*squared(0, 1, 2, 4, 5, 6, 7), "put aside"])
    assert work.begun.count(3) == 3
    assert all(work.begun.count(other) == 1 for other in range(8) if other != 3)


def test_what_was_done_before_is_not_sent() -> None:
    ray = FakeRay()
    found = ran(ray, Work(known={1: "kept", 2: "kept"}), [1, 2, 3])
    assert sorted(found) == sorted(["kept", "kept", *squared(3)])
    assert len(ray.sent) == 1


def test_what_cannot_be_carried_fails_alone() -> None:
    found = ran(FakeRay(), Work(missing=(2,)), [1, 2, 3])
    assert sorted(found) == sorted(["2: failed", *squared(1, 3)])


def test_a_machine_that_cannot_grade_ends_the_batch_with_its_reason() -> None:
    ray = FakeRay()
    with pytest.raises(GraderError) as caught:
        ran(ray, Work(there=Squares(refuses=True)), range(6))
    assert caught.value.message.id == "pipeline.other_grader"
    assert all(one.cancelled for one in ray.sent[1:])
    assert ray.left


def test_a_stop_waits_for_what_runs_and_begins_nothing_new() -> None:
    ray, work, stop = FakeRay(), Work(seconds=1.0), Stop()
    runner = RayRunner(Cluster(ray, 2, (Path("/token"),)), stop)
    results = runner.run(range(100), work)
    first = next(results)
    at_work = len(ray.sent)
    stop.draining.set()
    rest = list(results)
    assert len(ray.sent) == at_work
    assert len([first, *rest]) == len(work.begun)  # who had begun came to its end, nobody else


def test_leaving_early_cancels_what_runs() -> None:
    ray = FakeRay()
    results = RayRunner(Cluster(ray, 3, (Path("/token"),)), Stop()).run(range(50), Work())
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert sum(one.cancelled for one in ray.sent) >= 3


def test_what_ray_prints_is_no_part_of_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    class Telling(FakeRay):
        def wait(self, refs: list[Generator], *, num_returns: int, timeout: float) -> Any:
            print("(raylet) a worker died")
            return super().wait(refs, num_returns=num_returns, timeout=timeout)

    ran(Telling(), Work(), [1, 2])
    print("the table")
    said = capsys.readouterr()
    assert said.out == "the table\n"
    assert "a worker died" in said.err


def test_work_that_cannot_leave_this_machine_is_refused() -> None:
    runner = RayRunner(Cluster(FakeRay(), 1, ()), Stop())
    with pytest.raises(GraderError) as caught:
        list(runner.run([1], Call(lambda number, slot: number)))
    assert caught.value.message.id == "pipeline.not_portable"


def test_a_gpu_is_refused_before_any_cluster_is_joined() -> None:
    from tests.support.played_gpus import gpu

    with pytest.raises(GraderError) as caught:
        open_runner((Slot((0,), gpu(0)),), Stop())
    assert caught.value.message.id == "pipeline.no_gpus_on_ray"
