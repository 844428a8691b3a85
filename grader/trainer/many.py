"""Has many orders trained at once: those that are alike in one program, on an accelerator.

Enters: jobs by the keys of their results. Leaves: batches; how a room failed over one. Touches: a
trainer's room; the folder of results, where what came of them is kept.

What does not come of it is nobody's fault yet: it is trained alone on the processor, once, and
judged by that. One program computes sums in another order than each alone, so results differ from
those by rounding, and are kept under the name of what computed them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from grader import environment
from grader.evaluation.likeness import CHECKED, DATA, MOST_TOGETHER, likeness
from grader.gpus.gpus import Gpu
from grader.room import Room
from grader.trainer.devices import Devices
from grader.trainer.order import Order
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.trainer.starting import DEVICE_MEMORY_MB
from grader.trainer.train import Job, Meanwhile, nothing
from grader.trainer.waiting import Over, never
from grader.trainer.work import Model, measure
from grader.trainer.workroom import Ending, Progress, Workroom
from grader.types import GraderError

ALIKE = 2  # orders at least: one alone is like no other
FEWEST = 16  # orders for whose sake a batch is shared out among several devices
NUMBER_BYTES, MB = 4, 1 << 20
COPIES = 4  # of what a batch makes in all layers: for the gradient, and what a compiler holds
HOST_COPIES = 3  # of data and states in the machine's memory: as read, stacked, on their way
LIBRARIES_MB = 4000.0  # of CUDA in the machine's memory, whatever is trained
STATES = 5  # weights, their gradients, an optimizer's two of each, and those of the step before
HOST_MB = DEVICE_MEMORY_MB - LIBRARIES_MB


def alike(orders: Sequence[Order], devices: int, most_mb: float) -> list[list[int]]:
    """Part orders into batches that one program trains; gives places, none of what is alone.

    Args:
        orders: in the order in which they are to be trained.
        devices: that train a batch each.
        most_mb: of a device's memory.

    The machine's own memory is shared by as many batches as there are devices, or by fewer where
    none of them would have enough.
    """
    free_mb = environment.free_mb()
    kinds: dict[str, list[int]] = {}
    for place, order in enumerate(orders):
        if (kind := likeness(order.as_json(), order.arrays)) is not None:
            kinds.setdefault(kind, []).append(place)
    batches: list[list[int]] = []
    for places in kinds.values():
        one = orders[places[0]]
        beside = max(1, min(devices, int(free_mb // (LIBRARIES_MB + ALIKE * host_mb(one)))))
        share_mb = min(HOST_MB, free_mb / beside - LIBRARIES_MB)
        fits = int(min(most_mb / device_mb(one), share_mb / host_mb(one)))
        shared = max(FEWEST, math.ceil(len(places) / beside))
        batches += _parts(places, min(MOST_TOGETHER, fits, shared))
    return batches


def _parts(places: Sequence[int], size: int) -> Iterator[list[int]]:
    """Give parts as equal as can be: what is left over alone would be no batch."""
    if size < ALIKE:
        return
    count = math.ceil(len(places) / size)
    for part in range(count):
        found = list(places[part::count])
        if len(found) > 1:
            yield found


def device_mb(order: Order) -> float:
    """Megabytes that an order takes on a device, rounding up."""
    model = _model(order)
    numbers = COPIES * order.fit.batch_size * model.held + STATES * model.params
    return (_data_bytes(order) + NUMBER_BYTES * numbers) / MB


def host_mb(order: Order) -> float:
    """Megabytes that an order takes of the machine's memory, in the room with the device."""
    return HOST_COPIES * (_data_bytes(order) + NUMBER_BYTES * STATES * _model(order).params) / MB


def _model(order: Order) -> Model:
    return measure(order.architecture, order.arrays["x"].shape[1:])


def _data_bytes(order: Order) -> int:
    return sum(order.arrays[name].nbytes for name in DATA + CHECKED if name in order.arrays)


def train_batch(
    jobs: Mapping[str, Job],
    devices: Devices,
    room: Room,
    results: Results,
    *,
    cores: tuple[int, ...] = (),
    progress: Progress | None = None,
    meanwhile: Meanwhile = nothing,
    over: Over = never,
) -> None:
    """Train a batch of ``alike`` on a device that is free, there and sound; else leave it.

    Keys are those of the class of devices. What happened to a device is the devices' to tell.
    ``over``: whether nothing more is to be begun; whoever waits for a device, or for what others
    just train, hears it.
    """
    left = _unknown(jobs, results)
    if len(left) < ALIKE:
        return
    needed = sum(device_mb(jobs[key].order) for key in left)
    with devices.lent(room, cores, needed, over) as gpu:
        if gpu is None or len(left := _unknown(jobs, results)) < ALIKE:
            return
        devices.keeps(gpu, partial(results.forget, left))
        ending, error = None, ""
        try:
            ending = train_many(
                jobs,
                room,
                results,
                cores=cores,
                gpu=gpu,
                progress=progress,
                meanwhile=meanwhile,
                over=over,
            )
        except GraderError as raised:
            error = str(raised.message.args.get("error", raised.message.id))
        if ending is not None or error:
            devices.failed(gpu, len(_unknown(jobs, results)), ending, error)
        else:
            devices.worked(gpu)


def _unknown(jobs: Mapping[str, Job], results: Results) -> list[str]:
    return [key for key in jobs if results.get(key) is None]


def train_many(
    jobs: Mapping[str, Job],
    room: Room,
    results: Results,
    *,
    cores: tuple[int, ...] = (),
    gpu: Gpu | None = None,
    progress: Progress | None = None,
    meanwhile: Meanwhile = nothing,
    over: Over = never,
) -> Ending | None:
    """Train jobs that are alike, and keep what comes of them, by the keys of their results.

    What another grader kept meanwhile stays: equal work has one result. Gives how the room ended
    where something is missing; None where nothing is, or one alone.

    Raises:
        GraderError: the room could not be built, or wrote what our code does not write. No word
            about any order.
    """
    keys = _unknown(jobs, results)
    if len(keys) < ALIKE:
        return None
    with contextlib.closing(Workroom(room, cores, together=True, gpu=gpu)) as workroom:
        ending, found = workroom.do([jobs[key] for key in keys], meanwhile, progress)
    trained = {place: one for place, one in found.items() if isinstance(one, Trained)}
    for place, outcome in trained.items():
        results.keep(keys[place], outcome, meanwhile, over)
    return ending if len(trained) < len(keys) else None
