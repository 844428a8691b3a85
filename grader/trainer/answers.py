"""Keeps what our own repeated trainings came to, so that equal claims of a class share one.

Enters: ModelTasks, somebody who has them done. Leaves: Answers. Touches: the folder of results.

A training that we do again for a claim, or for a second chance, is named by its content as an order
is: layers, settings, rows, what is asked afterwards, seed, and what computed it. Each is done in a
room by itself: what is kept for everybody must have met nobody else's numbers.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from grader.arrays import BadArraysError
from grader.extract.tasks import STOPPED, Answer, LayerAnswer, ModelTask
from grader.record.keys import digest
from grader.trainer.kept import MOST_BYTES, Kept
from grader.trainer.kernels import HERE, Kernel, KernelFailedError, Kernels
from grader.trainer.keys import KERAS_OWN, alike, engine_and_versions, fingerprint
from grader.trainer.waiting import Over, never
from grader.trainer.work import STEP_SECONDS, measure
from grader.types import Array, GraderError, Message

REPEATER = "1"  # raise it when the evaluation room trains differently by the same task
KERNEL_PAYS = 10.0  # seconds by Keras' loops; a room loads the kernel and asks it in some three
TEXT_BYTES = 4_000_000
ANSWER_BYTES = 400_000_000  # predictions, as many as the room may give
TOLD, PREDICTIONS = "told", "predictions"
MOST_FAILURES = 10_000


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    layers: list[tuple[list[int | None], int]]
    total_params: int
    history: dict[str, list[float | None]]
    seconds: Annotated[float, Field(ge=0)]


class InRooms(Protocol):
    """Has tasks done in the evaluation room; ``kernel``: what computes their recurrent layers."""

    def __call__(
        self, tasks: Sequence[ModelTask], kernel: Kernel | None = None, /
    ) -> Mapping[str, Answer]:
        """Give the answers by the tasks' ids."""


class Failures:
    """Trainings of one batch that came to nothing, by their keys. Safe for threads.

    Whether one does may depend on the machine, so none outlives its batch. Within it, whoever
    claims the same has the same answer, and nobody waits for it a second time.
    """

    def __init__(self) -> None:
        self._known: dict[str, Answer] = {}

    def get(self, key: str, limit: float) -> Answer | None:
        """Give what came of a training that failed, unless it now has more time than it had."""
        known = self._known.get(key)
        if known is not None and known.fault is not None and known.seconds < limit:
            return None
        return known

    def add(self, key: str, answer: Answer) -> None:
        """Remember one that failed by itself; of a fault of ours nothing is remembered."""
        by_itself = answer.fault is None or answer.fault.id == STOPPED
        if by_itself and len(self._known) < MOST_FAILURES:
            self._known[key] = answer


class Answers:
    """Answers to trainings, by their keys. Safe for threads and for several processes."""

    def __init__(
        self,
        folder: Path,
        failures: Failures | None = None,
        limit: float = 0.0,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Use the folder of results, which is made where it is missing.

        ``limit``: the seconds that a training has; one that was stopped counts as many.

        Raises:
            GraderError: somebody else could write to it.
        """
        self._kept = Kept(folder, most_bytes)
        self._failures = Failures() if failures is None else failures
        self._limit = limit

    def once(
        self,
        task: ModelTask,
        train: Callable[[], Answer],
        over: Over = never,
        kernel: str = KERAS_OWN,
    ) -> Answer:
        """Give what came of a task that trains; where nobody knows, train, while others wait.

        ``over`` is asked again and again while another one trains it, and ends the waiting.
        ``kernel`` names what computes recurrent layers.

        Raises:
            NotAwaitedError: all was over first.
        """
        key = key_of_task(task, kernel)

        def known() -> Answer | None:
            return self.get(key) or self._failures.get(key, self._limit)

        def made() -> Answer:
            answer = train()
            if answer.fault is not None:
                answer = replace(answer, seconds=self._limit)
            if answer.error is None and answer.fault is None and answer.predictions is not None:
                with contextlib.suppress(GraderError):  # a full disk costs no training
                    self._kept.write(key, _arrays(answer))
            else:
                self._failures.add(key, answer)
            return answer

        return self._kept.once(key, known, made, over=over)

    def get(self, key: str) -> Answer | None:
        """Read an answer; None where there is none, or none that can be read."""
        try:
            arrays = self._kept.read(key, ANSWER_BYTES + TEXT_BYTES, 2)
            told = _Told.model_validate_json(arrays[TOLD].tobytes())
            predictions = arrays[PREDICTIONS]
        except (OSError, BadArraysError, KeyError, ValueError):
            return None
        self._kept.touch(key)
        return Answer(
            layers=tuple(LayerAnswer(tuple(shape), params) for shape, params in told.layers),
            total_params=told.total_params,
            predictions=predictions,
            history={name: tuple(values) for name, values in told.history.items()},
            seconds=told.seconds,
        )


def shared(
    tasks: Sequence[ModelTask],
    answers: Answers,
    evaluate: InRooms,
    over: Over = never,
    kernels: Kernels = HERE,
) -> dict[str, Answer]:
    """Have tasks done, a training only where none of its content was done before.

    A training is computed as an order is: by the kernel, and where a room fails with it, without;
    where that succeeds, it is the kernel's failure. What trains nothing never meets the kernel, nor
    does what Keras' own loops train in seconds.

    Raises:
        GraderError: as ``evaluate`` and ``Answers.once`` do.
    """
    found: dict[str, Answer] = {}
    for task in tasks:
        if task.training is not None:
            found[task.id] = _once(task, answers, evaluate, over, kernels)
    others = [task for task in tasks if task.training is None]
    return found | (dict(evaluate(others)) if others else {})


def _once(
    task: ModelTask, answers: Answers, evaluate: InRooms, over: Over, kernels: Kernels
) -> Answer:
    def by_keras() -> Answer:
        return evaluate([task])[task.id]

    kernel = kernels.usable(lambda: key_of_task(task)) if _is_long(task) else None
    if kernel is None:
        return answers.once(task, by_keras, over)
    try:
        by_it = partial(_by_kernel, task, evaluate, kernel, kernels)
        return answers.once(task, by_it, over, kernel.version)
    except KernelFailedError as failed:
        answer = answers.once(task, by_keras, over)
        if answer.fault is None and answer.error is None:
            kernels.failed(key_of_task(task), failed.message)
        return answer


def _is_long(task: ModelTask) -> bool:
    """Whether recurrent layers go through so many time steps that the kernel pays."""
    training = task.training
    assert training is not None
    passes = training.steps or math.ceil(len(training.x) / training.batch_size)
    steps = measure(task.architecture, training.x.shape[1:]).steps
    return training.epochs * passes * steps * STEP_SECONDS > KERNEL_PAYS


def _by_kernel(task: ModelTask, evaluate: InRooms, kernel: Kernel, kernels: Kernels) -> Answer:
    """Train by the kernel.

    Raises:
        KernelFailedError: the room failed; one that had to be stopped would be without it, too.
    """
    answer = evaluate([task], kernel)[task.id]
    if answer.fault is None:
        kernels.worked()
    elif answer.fault.id != STOPPED:
        args = answer.fault.args
        why = args.get("why") or args.get("reason") or f"code {args.get('code')}"
        raise KernelFailedError(Message("kernel.failed", {"why": why}))
    return answer


def key_of_task(task: ModelTask, kernel: str = KERAS_OWN) -> str:
    """Give the key of a task that trains: its content, engine and versions; not whose it is.

    ``kernel`` names what computes recurrent layers.
    """
    training = task.training
    assert training is not None
    arrays = {"x": training.x, "y": training.y, "inputs": task.inputs}
    told: dict[str, Any] = {
        "architecture": task.architecture.as_json(),
        "settings": {n: v for n, v in vars(training).items() if n not in arrays},
        "arrays": {n: None if a is None else fingerprint(a) for n, a in arrays.items()},
        "weights": [fingerprint(one) for one in task.weights],
        "seed": task.seed,
    }
    content = {"key": "repeated/v1", "repeater": REPEATER, "content": alike(told)}
    return digest(content | engine_and_versions(kernel))


def _arrays(answer: Answer) -> dict[str, Array]:
    told = {
        "layers": [[list(one.output_shape), one.params] for one in answer.layers],
        "total_params": answer.total_params,
        "history": {name: list(values) for name, values in answer.history.items()},
        "seconds": answer.seconds,
    }
    assert answer.predictions is not None
    text = np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)
    return {TOLD: text, PREDICTIONS: answer.predictions}
