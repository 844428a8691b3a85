"""On which GPUs the grader's own room trains a class: those that are there, unless it was said.

Enters: ``--gpus``, what else was asked. Leaves: GPUs, Devices. Touches: asks NVML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader import environment
from grader.gpus.gpus import Gpu, choose_gpus, find_gpus
from grader.trainer.devices import Devices
from grader.types import GraderError, Message

AUTO, NONE = "auto", "none"


def rooms_gpus(option: str, *, rooms: bool) -> tuple[Gpu, ...]:
    """Give the GPUs that notebooks get: none unless it was asked for.

    Raises:
        GraderError: one that was named is not there.
    """
    return _chosen(option) if rooms else ()


def trainers_gpus(option: str, *, ours: bool, rooms: bool) -> tuple[Gpu, ...]:
    """Give the GPUs for trainings, none where our own room trains nothing.

    Where others have filled all of them, all: what they trained before is taken, and while they
    are full none of them is lent.

    Args:
        option: auto, none, or numbers.
        ours: whether trainings are done by our own room, on this machine.
        rooms: whether notebooks have GPUs, too.

    Raises:
        GraderError: a GPU was named, but nobody is to have one; or it is not there.
    """
    if ours:
        seen = find_gpus() if option != NONE else ()
        return choose_gpus(option, seen) or seen
    if option not in {AUTO, NONE} and not rooms:
        raise GraderError(Message("gpus.no_rooms", {"option": option}))
    return ()


def _chosen(option: str) -> tuple[Gpu, ...]:
    return choose_gpus(option, find_gpus() if option != NONE else ())


def devices_for(
    gpus: Sequence[Gpu], tell: Callable[[Message], None], *, asked: bool = True
) -> Devices:
    """Give what trains many at once; ``tell`` is told what happens to a GPU, in its turn.

    ``asked``: whether somebody asked for GPUs. To all others a JAX that cannot use them is nothing
    to be told with every batch; the doctor says it.
    """
    if gpus and not environment.has_cuda():
        if asked:
            tell(Message("device.no_cuda", {"name": gpus[0].name}))
        return Devices()
    return Devices(gpus, tell)
