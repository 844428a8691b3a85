"""Results are kept whole, for their owner alone, within bounds; equal work is done once."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.trainer.result import Outcome, Trained, Untrainable
from grader.trainer.results import Results
from grader.types import GraderError

KEY, OTHER = "a" * 64, "b" * 64


def trained(number: float = 1.0, size: int = 3) -> Trained:
    return Trained(
        history={"loss": (number, None), "val_metric_0": (0.5, 0.25)},
        epochs=2,
        updates=12,
        weights=(np.full((size, 2), number, np.float32), np.arange(2, dtype=np.float32)),
        optimizer=(np.array(12, np.int64), np.array(0.01, np.float32)),
        each_epoch=((np.ones(2, np.float32),), (np.zeros(2, np.float32),)),
        callbacks=({"stopped_epoch": 0.0, "best": None},),
        building=1.5,
        training=2.5,
        moved=False,
    )


def must_not_train() -> Outcome:
    raise AssertionError("trained again")


def must_not_ask() -> bool:
    raise AssertionError("asked")


def plain(one: Any) -> Any:
    """A result with lists in place of arrays, to be compared."""
    assert isinstance(one, Trained)
    arrays = [*one.weights, *one.optimizer, *(w for epoch in one.each_epoch for w in epoch)]
    counted = (one.epochs, one.updates, one.moved, one.building, one.training)
    rest = (dict(one.history), one.callbacks, counted)
    return rest, [(array.dtype, array.tolist()) for array in arrays]


def test_a_result_is_kept_as_it_is(tmp_path: Path) -> None:
    results = Results(tmp_path / "kept")
    assert results.get(KEY) is None
    results.put(KEY, trained())
    assert plain(Results(tmp_path / "kept").get(KEY)) == plain(trained())


def test_equal_work_is_done_once(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.once(KEY, trained)
    assert plain(results.once(KEY, must_not_train)) == plain(trained())


def test_of_two_results_of_equal_work_the_first_stays(tmp_path: Path) -> None:
    """Two graders share a GPU; what it trains twice differs by rounding."""
    results = Results(tmp_path)
    for number in (1.0, 2.0):
        results.keep(KEY, trained(number))
    kept = results.get(KEY)
    assert kept is not None
    assert kept.weights[0][0, 0] == 1.0


def test_what_cannot_be_trained_is_not_kept(tmp_path: Path) -> None:
    results = Results(tmp_path)
    failure = Untrainable("fit", "ValueError")
    assert results.once(KEY, lambda: failure) == failure
    assert isinstance(results.once(KEY, trained), Trained)


def test_a_training_that_raises_leaves_no_lock(tmp_path: Path) -> None:
    results = Results(tmp_path)
    with pytest.raises(AssertionError):
        results.once(KEY, must_not_train)
    assert isinstance(results.once(KEY, trained), Trained)
    assert not list(tmp_path.glob("*.lock"))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EIO])
def test_a_disk_that_knows_no_locks_costs_no_training(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    results = Results(tmp_path)
    assert isinstance(results.once(KEY, trained), Trained)
    assert plain(results.once(KEY, must_not_train)) == plain(trained())


def test_nor_does_one_that_fails_while_the_lock_is_held(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    results = Results(folder)

    def training() -> Outcome:
        folder.rename(tmp_path / "gone")
        folder.write_text("a file in its place")
        return trained()

    assert isinstance(results.once(KEY, training), Trained)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_damaged_result_is_trained_anew(tmp_path: Path, share: float) -> None:
    results = Results(tmp_path)
    results.put(KEY, trained(size=5000))
    path = tmp_path / f"{KEY}.npz"
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 0xFF
    path.write_bytes(bytes(data))
    assert results.get(KEY) is None
    assert isinstance(results.once(KEY, trained), Trained)
    assert plain(results.get(KEY)) == plain(trained())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"[]" * 100])
def test_what_is_no_result_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{KEY}.npz").write_bytes(content)
    assert Results(tmp_path).get(KEY) is None


def test_a_link_is_no_result(tmp_path: Path) -> None:
    Results(tmp_path / "one").put(KEY, trained())
    other = Results(tmp_path / "two")
    (tmp_path / "two" / f"{KEY}.npz").symlink_to(tmp_path / "one" / f"{KEY}.npz")
    assert other.get(KEY) is None


def test_folder_and_files_are_their_owners_alone(tmp_path: Path) -> None:
    Results(tmp_path / "kept").put(KEY, trained())
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "kept", *(tmp_path / "kept").iterdir())
    ]
    assert modes == [0o700, 0o600]


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(GraderError):
        Results(shared)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(GraderError):
        Results(tmp_path / "link")


def test_what_was_asked_for_longest_ago_goes_first(tmp_path: Path) -> None:
    size = (
        Results(tmp_path / "one").put(KEY, trained(size=1000))
        or (tmp_path / "one" / f"{KEY}.npz").stat().st_size
    )
    results = Results(tmp_path / "two", most_bytes=int(2.5 * size))
    keys = [letter * 64 for letter in "abc"]
    for number, key in enumerate(keys[:2]):
        results.put(key, trained(size=1000))
        os.utime(tmp_path / "two" / f"{key}.npz", (1000 + number, 1000 + number))
    assert results.get(keys[0]) is not None  # now the second one waits longest
    results.put(keys[2], trained(size=1000))
    assert [results.get(key) is not None for key in keys] == [True, False, True]


def test_the_newest_is_kept_however_small_the_room(tmp_path: Path) -> None:
    results = Results(tmp_path, most_bytes=1)
    for key in (KEY, OTHER):
        results.put(key, trained())
        assert results.get(key) is not None
    assert len(list(tmp_path.glob("*.npz"))) == 1


def test_threads_wait_for_the_one_that_trains(tmp_path: Path) -> None:
    results, count, found = Results(tmp_path), [], []

    def train() -> Outcome:
        count.append(1)
        time.sleep(0.1)  # long enough that the others ask meanwhile; right without it, too
        return trained()

    threads = [
        threading.Thread(target=lambda: found.append(results.once(KEY, train))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(count) == 1
    assert [plain(one) for one in found] == [plain(trained())] * 4


def test_who_waits_may_be_called_away(tmp_path: Path) -> None:
    results = Results(tmp_path)

    def called_away() -> None:
        raise KeyboardInterrupt

    def train() -> Outcome:
        for _ in range(2):  # whoever gives up leaves the lock to its holder
            with pytest.raises(KeyboardInterrupt):
                results.once(KEY, must_not_train, called_away)
        return trained()

    assert plain(results.once(KEY, train)) == plain(trained())


def test_who_waits_hears_that_all_is_over(tmp_path: Path) -> None:
    results, asked = Results(tmp_path), iter([False, True])

    def train() -> Outcome:
        with pytest.raises(GraderError) as ended:
            results.once(KEY, must_not_train, over=lambda: next(asked))
        assert ended.value.message.id == "pipeline.not_awaited"
        return trained()

    assert plain(results.once(KEY, train)) == plain(trained())
    assert [*asked] == []


def test_nobody_who_waits_for_nobody_is_asked_whether_all_is_over(tmp_path: Path) -> None:
    """A training of one's own is finished, and a result that is there is taken."""
    results = Results(tmp_path)
    assert plain(results.once(KEY, trained, over=must_not_ask)) == plain(trained())
    assert plain(results.once(KEY, must_not_train, over=must_not_ask)) == plain(trained())


def test_what_others_just_train_is_not_waited_for_once_all_is_over(tmp_path: Path) -> None:
    """What a device trained at once is kept where nobody else trains the same."""
    results = Results(tmp_path)

    def train() -> Outcome:
        for key in (KEY, OTHER):
            results.keep(key, trained(2.0), over=lambda: True)
        return trained()

    assert isinstance(results.once(KEY, train), Trained)
    kept = [results.get(key) for key in (KEY, OTHER)]
    assert [one and one.weights[0][0, 0] for one in kept] == [1.0, 2.0]


def test_what_a_killed_grader_never_finished_is_removed_in_time(tmp_path: Path) -> None:
    results = Results(tmp_path)
    old, new = tmp_path / f".{OTHER}.npz.00000000", tmp_path / f".{OTHER}.npz.00000001"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    results.put(KEY, trained())
    assert (old.exists(), new.exists()) == (False, True)


def _asks(folder: Path, turns: int) -> None:
    """In a process of its own: ask for the same results as the others; note what was trained."""
    results = Results(folder / "kept")
    for turn in range(turns):
        key = f"{turn:064x}"

        def train(name: str = key) -> Outcome:
            with (folder / "trained").open("a") as notes:
                notes.write(f"{name}\n")
            return trained()

        assert isinstance(results.once(key, train), Trained)


def test_two_processes_train_equal_work_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_asks, args=(tmp_path, 30)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    lines = (tmp_path / "trained").read_text().split()
    assert sorted(lines) == sorted({*lines})
    assert len(lines) == 30


def _dies(folder: Path) -> None:
    Results(folder).once(KEY, lambda: os._exit(3))


def test_who_dies_while_training_leaves_the_work_to_others(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_dies, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 3
    assert isinstance(Results(tmp_path).once(KEY, trained), Trained)
