"""GPUs for our own trainings: which are used, what each is tried for, and when one is given up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.gpus.gpus import FREE_MB, Gpu
from grader.text.words import Words
from grader.trainer.devices import Devices, of_one_class
from grader.trainer.keys import CPU
from grader.trainer.starting import DEVICE_MEMORY_MB
from grader.trainer.trying import tried
from grader.trainer.workroom import Ending
from grader.types import GraderError, Message
from tests.support.gpu_room import GpuRoom
from tests.support.played_gpus import gpu
from tests.support.trainer_room import FakeRoom

ROOM = GpuRoom(FakeRoom())
CRASHED, HUNG = Ending(139, "", "a\nCUDA_ERROR_ECC"), Ending(None, "500 s", "")
SWOLLEN = Ending(None, f"{DEVICE_MEMORY_MB} MB", "")


def some(count: int) -> tuple[Gpu, ...]:
    return tuple(gpu(number) for number in range(count))


def devices(
    gpus: tuple[Gpu, ...],
    told: list[Message] | None = None,
    look: Callable[[], tuple[Gpu, ...]] | None = None,
    said: str = "",
) -> Devices:
    tell = (lambda _: None) if told is None else told.append
    return Devices(gpus, tell, look or (lambda: gpus), lambda *_: said, patience=0.0)


def ids(told: list[Message]) -> list[str]:
    return [one.id for one in told]


def test_without_any_trainings_are_the_cores() -> None:
    none = Devices()
    assert (len(none), none.name, none.planned_mb) == (0, CPU, 0.0)
    with none.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is None


def test_gpus_of_one_class_are_used_those_of_which_there_are_most() -> None:
    other = replace(gpu(0), name="NVIDIA H200")
    assert of_one_class((other, gpu(1), gpu(2))) == (gpu(1), gpu(2))
    assert of_one_class((other, gpu(1))) == (other,)
    assert of_one_class(()) == ()


@pytest.mark.parametrize("count", [1, 4])
def test_each_is_lent_to_one_at_a_time_and_who_comes_later_waits(count: int) -> None:
    lender, inside, most = devices(some(count)), set[str](), list[int]()
    lock, all_in = threading.Lock(), threading.Barrier(count)

    def work() -> None:
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            assert lent is not None
            with lock:
                assert lent.uuid not in inside
                inside.add(lent.uuid)
                most.append(len(inside))
            all_in.wait()  # as many as there are devices, at the same time
            with lock:
                inside.remove(lent.uuid)

    threads = [threading.Thread(target=work) for _ in range(3 * count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert max(most) == count
    assert len(most) == 3 * count


@pytest.mark.parametrize(
    ("free", "usable"),
    [
        ((8000, 6000), 0.9 * 0.85 * 6000),
        ((FREE_MB - 1, 6000), 0.9 * 0.85 * 6000),  # a full one is lent to nobody
        ((None, None), 0.9 * 0.85 * 16384),  # neither is there: it is told when one is wanted
    ],
)
def test_a_batch_may_take_what_others_leave_now(
    free: tuple[int | None, int | None], usable: float
) -> None:
    """Another grader began since, on the same device; a tenth is left for what begins meanwhile."""
    now = tuple(replace(one, free_mb=left) for one, left in zip(some(2), free, strict=True) if left)
    assert devices(some(2), look=lambda: now).planned_mb == pytest.approx(usable)


def test_one_is_tried_once_and_by_what_it_computes() -> None:
    asked: list[str] = []
    lender = Devices(some(1), look=lambda: some(1), check=lambda g, *_: asked.append(g.uuid) or "")  # type: ignore[func-returns-value]
    for _ in range(3):
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            assert lent == gpu(0)
    assert asked == ["GPU-0000"]


def test_one_that_computes_otherwise_is_told_and_never_used() -> None:
    told: list[Message] = []
    lender = devices(some(2), told, said="w_0000: 1.0e-02 from what a core learns")
    for _ in range(2):
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            assert lent is None
    assert ids(told) == ["device.unfit", "device.unfit"]


def test_a_room_that_cannot_be_built_with_it_is_told_as_well() -> None:
    def refused(*_: object) -> str:
        raise GraderError(Message("room.failed", {"error": "no such node"}))

    told: list[Message] = []
    lender = Devices(some(1), told.append, lambda: some(1), refused)
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is None
    assert told[0].args["why"] == "no such node"


def test_a_fault_of_ours_while_it_is_tried_keeps_nobody_waiting() -> None:
    def full(*_: object) -> str:
        raise OSError("no space left on device")

    lender = Devices(some(1), lambda _: None, lambda: some(1), full)
    with pytest.raises(OSError, match="no space"), lender.lent(ROOM):  # type: ignore[arg-type]
        pass
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is None


def test_one_that_is_taken_away_is_told_and_the_next_is_lent() -> None:
    told: list[Message] = []
    lender = devices(some(2), told, look=lambda: some(2)[1:])
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent == gpu(1)
    assert ids(told) == ["device.gone"]
    assert told[0].args["index"] == "0"


def test_one_that_others_fill_meanwhile_is_told_and_left() -> None:
    told: list[Message] = []
    full = replace(gpu(0), free_mb=FREE_MB - 1)
    lender = devices(some(1), told, look=lambda: (full,))
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is None
    assert ids(told) == ["device.full"]


def test_what_a_program_had_that_just_ended_is_waited_for() -> None:
    told: list[Message] = []
    looks = iter([replace(gpu(0), free_mb=FREE_MB - 1), replace(gpu(0), free_mb=8000)])
    lender = Devices(some(1), told.append, lambda: (next(looks),), lambda *_: "", patience=3600.0)
    with lender.lent(ROOM, needed_mb=5000.0) as lent:  # type: ignore[arg-type]
        assert lent == replace(gpu(0), free_mb=8000)
    assert told == []


def test_one_with_too_little_left_for_a_batch_is_lent_for_a_smaller_one() -> None:
    told: list[Message] = []
    shared = replace(gpu(0), free_mb=3000)
    lender = devices(some(1), told, look=lambda: (shared,))
    with lender.lent(ROOM, needed_mb=4000.0) as lent:  # type: ignore[arg-type]
        assert lent is None
    with lender.lent(ROOM, needed_mb=1000.0) as lent:  # type: ignore[arg-type]
        assert lent == shared
    assert ids(told) == ["device.busy"]


def test_two_faults_in_a_row_end_its_use_and_a_batch_in_between_forgives_one() -> None:
    told: list[Message] = []
    lender = devices(some(1), told)
    for outcome in (CRASHED, None, CRASHED, CRASHED):
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            assert lent is not None
            if outcome is None:
                lender.worked(lent)
            else:
                lender.failed(lent, 7, outcome)
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is None
    assert ids(told) == ["device.failed"] * 3 + ["device.given_up"]
    assert (told[0].args["orders"], told[0].args["why"]) == (7, "CUDA_ERROR_ECC")


def test_one_that_had_to_be_stopped_is_not_waited_for_a_second_time() -> None:
    told: list[Message] = []
    lender = devices(some(1), told)
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is not None
        lender.failed(lent, 1, HUNG)
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is None
    assert told[0].args["why"] == "500 s"


def test_the_machines_own_memory_is_no_word_about_the_device() -> None:
    told: list[Message] = []
    lender = devices(some(1), told)
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is not None
        lender.failed(lent, 1, SWOLLEN)
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is not None
    assert ids(told) == ["device.failed"]


def test_those_that_are_given_up_count_no_more() -> None:
    here = some(4)
    lender = Devices(here, look=lambda: here, check=lambda g, *_: "" if g.index == 0 else "off")
    assert len(lender) == 4
    assert lender.any_sound(ROOM)  # type: ignore[arg-type]
    assert len(lender) == 1
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is not None
        assert len(lender) == 1, "who has it has not lost it"
        lender.failed(lent, 1, HUNG)
    assert (len(lender), lender.name, lender.planned_mb) == (0, "NVIDIA T4", 0.0)


def test_one_that_is_found_unfit_has_its_results_forgotten_since_it_last_passed() -> None:
    verdicts, forgotten = iter(["", "", "off"]), list[str]()
    lender = Devices(some(1), look=lambda: some(1), check=lambda *_: next(verdicts))
    for batch, outcome in (("a", CRASHED), ("b", None), ("c", CRASHED)):
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            assert lent is not None
            lender.keeps(lent, lambda batch=batch: forgotten.append(batch))  # type: ignore[misc]
            if outcome is None:
                lender.worked(lent)
            else:
                lender.failed(lent, 1, outcome)
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is None
    assert forgotten == ["b", "c"], "it passed after the first"


def test_who_waits_for_one_that_is_given_up_learns_it() -> None:
    lender, found = devices(some(1)), list[Gpu | None]()

    def later() -> None:
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            found.append(lent)

    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent is not None
        waiting = threading.Thread(target=later)
        waiting.start()
        lender.failed(lent, 1, HUNG)
    waiting.join()
    assert found == [None]


def test_who_waits_hears_that_the_batch_is_to_end() -> None:
    """Ctrl-C, or a budget that is used up: nobody waits for whoever has the device."""
    lender, found, over = devices(some(1)), list[Gpu | None](), threading.Event()
    asked = threading.Event()

    def is_over() -> bool:
        asked.set()
        return over.is_set()

    def later() -> None:
        with lender.lent(ROOM, over=is_over) as lent:  # type: ignore[arg-type]
            found.append(lent)

    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        waiting = threading.Thread(target=later)
        waiting.start()
        asked.wait()
        over.set()
        waiting.join()  # while it is lent
        assert (lent, found) == (gpu(0), [None])


def test_once_all_is_over_none_is_lent_and_none_is_given_up() -> None:
    told: list[Message] = []
    lender = devices(some(1), told)
    with lender.lent(ROOM, over=lambda: True) as lent:  # type: ignore[arg-type]
        assert lent is None
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent == gpu(0)
    assert told == []


@pytest.mark.parametrize("said", ["", "300 s"])
def test_an_end_while_one_is_tried_is_no_word_about_it(said: str) -> None:
    told, over = list[Message](), threading.Event()

    def check(*_: object) -> str:
        over.set()
        return said

    lender = Devices(some(1), told.append, lambda: some(1), check)
    with lender.lent(ROOM, over=over.is_set) as lent:  # type: ignore[arg-type]
        assert lent is None
    over.clear()
    lender._check = lambda *_: ""
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent == gpu(0)
    assert told == []


def test_all_are_tried_at_once_and_each_once() -> None:
    here, all_in, asked = some(3), threading.Barrier(3), list[str]()

    def check(one: Gpu, *_: object) -> str:
        asked.append(one.uuid)
        all_in.wait()
        return "" if one.index == 2 else "off"

    lender = Devices(here, lambda _: None, lambda: here, check)
    assert lender.any_sound(ROOM, (0, 1))  # type: ignore[arg-type]
    assert sorted(asked) == ["GPU-0000", "GPU-0001", "GPU-0002"]
    with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
        assert lent == gpu(2)


@pytest.mark.parametrize("count", [0, 2])
def test_where_none_is_sound_that_is_said_of_each(count: int) -> None:
    told: list[Message] = []
    assert not devices(some(count), told, said="off").any_sound(ROOM)  # type: ignore[arg-type]
    assert ids(told) == ["device.unfit"] * count


def test_after_a_fault_one_is_tried_again_before_it_is_lent() -> None:
    asked: list[str] = []
    lender = Devices(some(1), look=lambda: some(1), check=lambda g, *_: asked.append(g.uuid) or "")  # type: ignore[func-returns-value]
    for outcome in (None, CRASHED, None):
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            assert lent is not None
            if outcome is not None:
                lender.failed(lent, 1, outcome)
    assert len(asked) == 2


def test_orders_that_no_program_takes_are_no_fault_of_the_device() -> None:
    """The room ended well and left them: of such batches there may be many in a class."""
    told: list[Message] = []
    lender = devices(some(1), told)
    for _ in range(3):
        with lender.lent(ROOM) as lent:  # type: ignore[arg-type]
            assert lent is not None
            lender.failed(lent, 2, Ending(0, "", "ValueError: no such axis"))
    assert ids(told) == ["device.failed"] * 3


def test_that_others_leave_too_little_is_said_once_of_each() -> None:
    told: list[Message] = []
    shared = replace(gpu(0), free_mb=3000)
    lender = devices(some(1), told, look=lambda: (shared,))
    for _ in range(3):
        with lender.lent(ROOM, needed_mb=4000.0) as lent:  # type: ignore[arg-type]
            assert lent is None
    assert ids(told) == ["device.busy"]


def test_without_gpus_results_of_a_class_of_them_may_be_taken() -> None:
    known = Devices(kept_of="NVIDIA T4")
    assert (len(known), known.name) == (0, "NVIDIA T4")


# --- the room in which one is tried ------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"), [("", ""), ("w_0000: off", "w_0000: off"), (None, "code 1"), ("x" * 900, None)]
)
def test_what_a_room_says_of_a_device_is_taken_and_silence_is_a_fault(
    said: str | None, why: str | None
) -> None:
    found = tried(gpu(0), GpuRoom(FakeRoom(), said=lambda _: said), (0,))  # type: ignore[arg-type]
    assert found == ("x" * 200 if why is None else why)


def test_a_trainers_room_sees_one_gpu_its_share_of_memory_and_all_bits_of_a_number(
    tmp_path: Path,
) -> None:
    library = tmp_path / "libcuda.so.550.54"
    library.touch()
    lent = replace(gpu(1), free_mb=8192, libraries=((str(library), str(library)),))
    room = GpuRoom(FakeRoom())
    assert tried(lent, room, (0,)) == ""  # type: ignore[arg-type]
    (spec,) = room.tried
    assert spec.devices == ("/dev/nvidia1",)
    assert spec.memory_mb == DEVICE_MEMORY_MB
    assert spec.argv[-1] == "accelerator"
    assert {bind.host for bind in spec.binds} >= {library}
    told = {
        "CUDA_VISIBLE_DEVICES": "GPU-0001",
        "JAX_PLATFORMS": "cuda,cpu",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.425",  # of 16,384 MB, 85 % of the half that is free
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    }
    assert told.items() <= spec.env.items()
    assert str(tmp_path) in spec.env["LD_LIBRARY_PATH"]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_word_about_a_device_has_its_text(lang: str) -> None:
    args = {"index": 0, "name": "T4", "free": 1, "orders": 2, "why": "off"}
    for one in ("no_cuda", "gone", "full", "busy", "unfit", "failed", "given_up"):
        said = Words(lang).say(Message(f"device.{one}", args))
        assert "{" not in said
        assert "T4" in said
