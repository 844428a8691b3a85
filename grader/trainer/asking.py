"""The way from an order to its outcome: known already, or trained now.

Enters: an Order, a room, the results kept so far. Leaves: its key and outcome. Touches: the folder
of results, and a room where something is to be trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from grader.room import Room
from grader.trainer.kernels import HERE, Kernel, KernelFailedError, Kernels
from grader.trainer.keys import CPU, KERAS_OWN, Key, key_of
from grader.trainer.order import Order
from grader.trainer.result import Outcome, Trained
from grader.trainer.results import Results
from grader.trainer.train import Job, Meanwhile, Progress, nothing, train
from grader.trainer.waiting import Over, never
from grader.trainer.workroom import Workroom
from grader.types import GraderError, Message


@dataclass(frozen=True)
class Answer:
    """What came of an order. ``known``: nothing had to be trained for it."""

    key: str
    outcome: Outcome
    known: bool
    device: str = CPU  # that trained it


def train_once(
    order: Order,
    room: Room,
    results: Results,
    *,
    secret: bytes,
    attempt: int = 0,
    cores: tuple[int, ...] = (),
    progress: Progress | None = None,
    meanwhile: Meanwhile = nothing,
    held: Mapping[str, Trained] = MappingProxyType({}),
    kept: Workroom | None = None,
    kernels: Kernels = HERE,
    device: str = CPU,
    over: Over = never,
) -> Answer:
    """Give what comes of an order, training it only where nobody did before.

    ``device``: a class of accelerators; what one of them trained is taken, and what none has is
    trained on the processor. An accelerator trains many at once, and never one for who waits.

    ``meanwhile`` is called again and again; what it raises ends the waiting and the room. ``held``:
    results to go on from, by key, that may have had to make room for others. ``kept``: the room to
    train in, instead of one that is started for it. Where a room cannot work with the kernel it is
    ended and the order trained in one without; where that succeeds, it is the kernel's failure.
    ``over``: whether nobody is waited for any more; what is trained here already is finished.

    Raises:
        NotAwaitedError: all was over before another one's training of the same was done.
        GraderError: the room could not do its work, or the result to go on from is not kept any
            more. No word about the order.
    """
    if (there := trained_there(order, results, secret, attempt, device)) is not None:
        return there
    ask = partial(
        _once, order, room, results, secret, attempt, cores, progress, meanwhile, held, kept, over
    )
    kernel = _kernel_for(order, secret, attempt, kernels)
    try:
        answer = ask(kernel)
    except KernelFailedError as failed:
        answer = ask(None)
        if isinstance(answer.outcome, Trained):
            kernels.failed(answer.key, failed.message)
        return answer
    if kernel is not None and not answer.known:
        kernels.worked()
    return answer


def trained_there(
    order: Order, results: Results, secret: bytes, attempt: int, device: str
) -> Answer | None:
    """Give what an accelerator trained for an order, if one did."""
    if device == CPU:
        return None
    key = key_of(order, secret, attempt, device=device).key
    found = results.get(key)
    return None if found is None else Answer(key, found, known=True, device=device)


def key_here(order: Order, secret: bytes, attempt: int = 0, kernels: Kernels = HERE) -> Key:
    """Give the key that ``train_once`` asks by on this machine."""
    return _key(order, secret, attempt, _kernel_for(order, secret, attempt, kernels))


def _kernel_for(order: Order, secret: bytes, attempt: int, kernels: Kernels) -> Kernel | None:
    return kernels.usable(lambda: _key(order, secret, attempt, None).key)


def _key(order: Order, secret: bytes, attempt: int, kernel: Kernel | None) -> Key:
    return key_of(order, secret, attempt, kernel.version if kernel else KERAS_OWN)


def _once(
    order: Order,
    room: Room,
    results: Results,
    secret: bytes,
    attempt: int,
    cores: tuple[int, ...],
    progress: Progress | None,
    meanwhile: Meanwhile,
    held: Mapping[str, Trained],
    kept: Workroom | None,
    over: Over,
    kernel: Kernel | None,
) -> Answer:
    key = _key(order, secret, attempt, kernel)
    trained_now = False

    def now() -> Outcome:
        nonlocal trained_now
        trained_now = True
        job = Job(order, key.seed, _before(order, results, held))
        outcomes = train(
            [job],
            room,
            cores=cores,
            progress=progress,
            meanwhile=meanwhile,
            kept=kept,
            kernel=kernel,
        )
        return outcomes[0]

    outcome = results.once(key.key, now, meanwhile, over)
    return Answer(key.key, outcome, known=not trained_now)


def _before(order: Order, results: Results, held: Mapping[str, Trained]) -> Trained | None:
    if order.after is None:
        return None
    before = held.get(order.after.result) or results.get(order.after.result)
    if before is None:
        raise GraderError(Message("trainer.forgotten"))
    return before
