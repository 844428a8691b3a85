"""The trainings of many runs of the reference in one program, where a device does that.

Enters: a Bench, Plans, slots, Devices. Leaves: a Bench by which these runs are answered at once.
Touches: rooms; a folder of results, there as long as the calibration runs.

Each notebook runs until it asks for its training; what is asked for is alike, but for data and
seed, and is trained together. What a device does not train is trained by no core in its name: that
run fails, and a later call does it again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from grader.calibration.measure import Bench, Plan, job_of, reference_notebook
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
from grader.trainer.keys import key_of
from grader.trainer.many import alike, train_batch
from grader.trainer.order import Order
from grader.trainer.results import Results
from grader.trainer.workroom import Job
from grader.types import Engine, GraderError

Ordered = tuple[Plan, Order]


@contextmanager
def trained_together(
    bench: Bench, plans: Sequence[Plan], slots: Sequence[Slot], devices: Devices
) -> Iterator[Bench]:
    """Train for the references among the plans; gives a bench that knows what came of it."""
    asking = [one for one in plans if one.control == REFERENCE and one.by_trainer]
    if not devices or not asking:
        yield bench
        return
    with tempfile.TemporaryDirectory(prefix="grader-trained-") as folder:
        known = Beforehand(Results(Path(folder) / "trained"), devices.name)
        runner = LocalRunner(slots, Stop())
        orders = [
            one for one in runner.run(asking, Call(partial(_asked, bench))) if one is not None
        ]
        parts = alike([order for _, order in orders], len(devices), devices.usable_mb)
        batches = [[orders[place] for place in places] for places in parts]

        def train(batch: Sequence[Ordered], slot: Slot) -> None:
            jobs = dict(_job(*one, devices) for one in batch)
            train_batch(jobs, devices, bench.room, known.results, cores=slot.cores)

        for _ in runner.run(batches, Call(train)):
            pass
        yield replace(bench, beforehand=known)


def _asked(bench: Bench, plan: Plan, slot: Slot) -> Ordered | None:
    """Run a reference's notebook until it asks for its training; None where it never does."""
    run = job_of(bench, reference_notebook(bench.exercise), plan, slot)
    try:
        with ends_at_its_order(bench.room, slot.cores) as begin:
            execute(replace(run, engine=Engine.TENSORFLOW), bench.room, trainer=begin)
    except OrderedError as found:
        return plan, found.order
    except GraderError:
        return None  # the run itself will say it
    return None


def _job(plan: Plan, order: Order, devices: Devices) -> tuple[str, Job]:
    key = key_of(order, secret_of(plan.seed), 1, device=devices.name)
    return key.key, Job(order, key.seed)
