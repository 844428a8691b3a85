"""The trainings of many runs of the reference in one program, where a device does that.

Enters: a Setup, Plans, slots, Devices. Leaves: a Setup by which these runs are answered at once.
Touches: rooms; a folder of results, there as long as the calibration runs.

Each notebook runs until it asks for its training; what is asked for is alike, but for data and
seed, and is trained together; what is like no other, the last run that is missing for one, with
the same order by another seed. What no device trains is trained by no core in its name: that run
fails at once, and a later call does it again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from grader.calibration.measure import Plan, Setup, job_of, reference_notebook
from grader.calibration.on_trainer import (
    Beforehand,
    OrderedError,
    ends_at_its_order,
    secret_of,
)
from grader.course.expectations import REFERENCE
from grader.execute.execute import execute
from grader.pipeline.runner import Call, Slot, Stop
from grader.pipeline.runners.local import LocalRunner
from grader.trainer.devices import Devices
from grader.trainer.keys import CPU, FIRST_ATTEMPT, key_of
from grader.trainer.many import alike, train_batch
from grader.trainer.order import Order
from grader.trainer.results import Results
from grader.trainer.workroom import Job
from grader.types import Engine, GraderError

Ordered = tuple[Plan, Order]
Batch = dict[str, Job]


@contextmanager
def trained_together(
    setup: Setup,
    plans: Sequence[Plan],
    slots: Sequence[Slot],
    devices: Devices,
    tell: Callable[[Exception], None],
) -> Iterator[Setup]:
    """Train for the references among the plans; gives a setup that knows what came of it.

    ``tell`` is told what went wrong on our side, which costs the runs that it concerns.
    """
    asking = [one for one in plans if one.control == REFERENCE and one.by_trainer]
    if devices.name == CPU or not asking:
        yield setup
        return
    with tempfile.TemporaryDirectory(prefix="grader-trained-") as folder:
        results, stop = Results(Path(folder) / "trained"), Stop()
        runner, is_over = LocalRunner(slots, stop), stop.draining.is_set  # Ctrl-C
        cores = tuple(core for slot in slots for core in slot.cores)
        if not devices.any_sound(setup.room, cores, is_over):
            nobody = frozenset(plan.seed for plan in asking)
            yield replace(setup, beforehand=Beforehand(results, devices.name, nobody))
            return
        lost: set[int] = set()  # seeds of runs that could not ask
        found = runner.run(asking, Call(partial(_asked, setup, tell, lost)))
        orders = [one for one in found if one is not None]

        def train(batch: Batch, slot: Slot) -> None:
            try:
                train_batch(batch, devices, setup.room, results, cores=slot.cores, over=is_over)
            except Exception as error:  # noqa: BLE001 - a batch; a later call does it again
                tell(error)

        for _ in runner.run(list(_batches(orders, devices)), Call(train)):
            pass
        trained = {plan.seed for plan, order in orders if results.get(_key(plan, order, devices))}
        left = frozenset(lost.union(plan.seed for plan, _ in orders)) - trained
        yield replace(setup, beforehand=Beforehand(results, devices.name, left))


def _batches(orders: Sequence[Ordered], devices: Devices) -> Iterator[Batch]:
    """Give what is trained in one program each, by the keys of the results."""
    parts = alike([order for _, order in orders], len(devices), devices.planned_mb)
    for places in parts:
        yield dict(_job(*orders[place], devices) for place in places)
    for place in sorted({*range(len(orders))}.difference(*parts)):
        plan, order = orders[place]
        if alike([order, order], 1, devices.planned_mb):
            both = FIRST_ATTEMPT, FIRST_ATTEMPT + 1
            yield dict(_job(plan, order, devices, attempt) for attempt in both)


def _asked(
    setup: Setup, tell: Callable[[Exception], None], lost: set[int], plan: Plan, slot: Slot
) -> Ordered | None:
    """Run a reference's notebook until it asks for its training; None where it never does."""
    try:
        run = job_of(setup, reference_notebook(setup.exercise), plan, slot)
        with ends_at_its_order(setup.room, slot.cores) as begin:
            execute(replace(run, engine=Engine.TENSORFLOW), setup.room, trainer=begin)
    except OrderedError as found:
        return plan, found.order
    except GraderError:
        return None  # the run itself will say it
    except Exception as error:  # noqa: BLE001 - one run; a later call does it again
        tell(error)
        lost.add(plan.seed)
    return None


def _key(plan: Plan, order: Order, devices: Devices) -> str:
    return _job(plan, order, devices)[0]


def _job(
    plan: Plan, order: Order, devices: Devices, attempt: int = FIRST_ATTEMPT
) -> tuple[str, Job]:
    """Give an order by the key under which a run asks for it; of another attempt, nobody does."""
    key = key_of(order, secret_of(plan.seed), attempt, device=devices.name)
    return key.key, Job(order, key.seed)
