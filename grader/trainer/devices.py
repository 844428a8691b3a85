"""The GPUs that our own trainings may use: which, of one class, and until when each is trusted.

Enters: GPUs. Leaves: one at a time to whoever trains on it, or none. Touches: asks NVML again
before each; a trainer's room in which each is tried once, by what a core computes.

A GPU is shared, filled, reset or taken away while a class is graded. Whatever happens to it is told
in a sentence, and what it should have trained is trained on cores.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from grader.gpus.gpus import Gpu, find_gpus
from grader.room import Room
from grader.trainer.keys import CPU
from grader.trainer.trying import LONGEST_WHY, last_line, tried
from grader.trainer.waiting import Over, never
from grader.trainer.workroom import Ending
from grader.types import GraderError, Message, Scalar

POLL_SECONDS = 0.05
PATIENCE = 5.0  # seconds: a driver takes back what a program had, but not at once
LOOK_SECONDS = 0.5  # how soon who waits for one sees that the batch is to end
MOST_FAULTS = 2  # in a row; one that hangs is as many
PLANNED = 0.9  # of what is usable: others take some until the batch begins

Check = Callable[[Gpu, Room, tuple[int, ...], Over], str]


def of_one_class(gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Give the GPUs of the class of which there are most: results are kept by class."""
    count = Counter(gpu.name for gpu in gpus)
    name = max(count, key=lambda one: count[one], default="")
    return tuple(gpu for gpu in gpus if gpu.name == name)


class Devices:
    """GPUs of one class, each lent to one at a time. Safe for threads. Without any: the cores."""

    def __init__(
        self,
        gpus: Sequence[Gpu] = (),
        tell: Callable[[Message], None] = lambda _: None,
        look: Callable[[], tuple[Gpu, ...]] = find_gpus,
        check: Check = tried,
        patience: float = PATIENCE,
        *,
        kept_of: str = CPU,
    ) -> None:
        """Use these.

        Args:
            gpus: of one class or of several; the class with the most is used.
            tell: is told what happens to one.
            look: finds those that there are now.
            check: tries one; gives what is wrong.
            patience: seconds for which one is looked at that has too little memory or is not there.
            kept_of: without GPUs: the class whose results, kept from another time, are taken.
        """
        self._gpus = of_one_class(gpus)
        self._kept_of = kept_of
        self._tell, self._look, self._check = tell, look, check
        self._patience = patience
        self._free, self._lent, self._sound = list(self._gpus), 0, set[str]()
        self._given_up = set[str]()
        self._faults: Counter[str] = Counter()
        self._doubtful: dict[str, list[Callable[[], None]]] = {}  # kept since it was last tried
        self._busy = set[str]()  # of which that was told
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """How many are not given up."""
        return len(self._left())

    @property
    def name(self) -> str:
        """The class of devices that trainings are kept under."""
        return self._gpus[0].name if self._gpus else self._kept_of

    @property
    def planned_mb(self) -> float:
        """Megabytes of each that a batch is made for, as others leave them now."""
        left = self._left()
        now = {one.uuid: one for one in self._look()} if left else {}
        each = [now.get(gpu.uuid, gpu) for gpu in left]
        some = [gpu for gpu in each if not gpu.is_full] or each  # a full one is lent to nobody
        return PLANNED * min((gpu.usable_mb for gpu in some), default=0.0)

    def any_sound(self, room: Room, cores: Sequence[int] = (), over: Over = never) -> bool:
        """Try all of them at once, one beside each core; whether one computes as it should.

        What is decided for the sake of a GPU is decided after that: one that only NVML sees, or
        that computes otherwise, is none.
        """
        beside = [(cores[place % len(cores)],) if cores else () for place in range(len(self))]

        def one(core: tuple[int, ...]) -> bool:
            with self.lent(room, core, over=over) as gpu:
                return gpu is not None

        with ThreadPoolExecutor(max(1, len(self))) as pool:
            return any([*pool.map(one, beside)])

    @contextmanager
    def lent(
        self,
        room: Room,
        cores: tuple[int, ...] = (),
        needed_mb: float = 0.0,
        over: Over = never,
    ) -> Iterator[Gpu | None]:
        """Lend one that is there and computes as it should; wait for it; None where none is left.

        ``room``, ``cores``: where one that nobody has tried yet is tried. ``needed_mb``: a device
        with less left is no use now, and may be later. ``over`` is asked again and again, and ends
        the waiting and the trying; None then.
        """
        while (taken := self._take(over)) is not None:
            usable = None
            try:
                usable = self._usable(taken, room, cores, needed_mb, over)
                if over():
                    yield None
                    return
                if usable is not None:
                    yield usable if self._has_room(usable, needed_mb) else None
                    return
            finally:  # whatever happens: others wait for it
                lost = usable is None and not over()
                lost |= self._faults[taken.uuid] >= MOST_FAULTS
                self._give_back(taken, lost=lost)
        yield None

    def keeps(self, gpu: Gpu, forget: Callable[[], None]) -> None:
        """Take note of how to forget what it is about to train, should it be found unfit then."""
        self._doubtful.setdefault(gpu.uuid, []).append(forget)

    def worked(self, gpu: Gpu) -> None:
        """Take note that it trained a whole batch."""
        self._faults[gpu.uuid] = 0

    def failed(self, gpu: Gpu, orders: int, ending: Ending | None, error: str = "") -> None:
        """Take note of a batch of which something is missing, and tell it.

        A room that ended well, and left something undone, could not make one program of it: that
        is no fault of the device's. One that hangs is given up at once; one that took too much of
        the machine's memory is not. After a fault it is tried again before it is lent.
        """
        self._tell(_failure(gpu, orders, ending, error))
        if not error and ending is not None and ending.code == 0 and not ending.stopped:
            return
        hung = ending is not None and bool(ending.stopped) and not ending.took_too_much
        self._faults[gpu.uuid] += MOST_FAULTS if hung else 1
        self._sound.discard(gpu.uuid)
        if self._faults[gpu.uuid] >= MOST_FAULTS:
            self._tell(Message("device.given_up", _named(gpu)))

    def _take(self, over: Over) -> Gpu | None:
        with self._changed:
            while not self._free and self._lent and not over():
                self._changed.wait(LOOK_SECONDS)
            if not self._free or over():
                return None
            self._lent += 1
            return self._free.pop(0)

    def _left(self) -> list[Gpu]:
        return [gpu for gpu in self._gpus if gpu.uuid not in self._given_up]

    def _give_back(self, gpu: Gpu, *, lost: bool) -> None:
        with self._changed:
            self._lent -= 1
            if lost:
                self._given_up.add(gpu.uuid)
            else:
                self._free.append(gpu)
            self._changed.notify_all()

    def _now(self, gpu: Gpu, needed_mb: float) -> Gpu | None:
        """Look at it again; what a program had that just ended is not free at once."""
        until = time.monotonic() + self._patience
        while True:
            now = next((one for one in self._look() if one.uuid == gpu.uuid), None)
            enough = now is not None and not now.is_full and now.usable_mb >= needed_mb
            if enough or time.monotonic() >= until:
                return now
            time.sleep(POLL_SECONDS)

    def _usable(
        self, gpu: Gpu, room: Room, cores: tuple[int, ...], needed_mb: float, over: Over
    ) -> Gpu | None:
        """Give it as it is now; None where it is given up, which is told, or where all is over."""
        now = self._now(gpu, needed_mb)
        if now is None:
            self._tell(Message("device.gone", _named(gpu)))
            return None
        if now.is_full:
            self._tell(Message("device.full", _named(gpu) | {"free": now.free_mb or 0}))
            return None
        if gpu.uuid not in self._sound:
            try:
                why = self._check(now, room, cores, over)
            except GraderError as error:  # no room with it could be built
                why = str(error.message.args.get("error", error.message.id))
            if over():
                return None
            doubtful = self._doubtful.pop(gpu.uuid, [])
            if why:
                for forget in doubtful:
                    forget()
                self._tell(Message("device.unfit", _named(gpu) | {"why": why}))
                return None
            self._sound.add(gpu.uuid)
        return now

    def _has_room(self, gpu: Gpu, needed_mb: float) -> bool:
        if gpu.usable_mb >= needed_mb:
            return True
        if gpu.uuid not in self._busy:
            self._busy.add(gpu.uuid)
            self._tell(Message("device.busy", _named(gpu) | {"free": gpu.free_mb or 0}))
        return False


def _named(gpu: Gpu) -> dict[str, Scalar]:
    return {"index": gpu.number, "name": gpu.name}


def _failure(gpu: Gpu, orders: int, ending: Ending | None, error: str) -> Message:
    why = error
    if ending is not None:
        why = ending.stopped or last_line(ending.log) or f"code {ending.code}"
    return Message("device.failed", _named(gpu) | {"orders": orders, "why": why[:LONGEST_WHY]})
