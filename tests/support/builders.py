"""Small honest records for tests: each argument is what the test is about, the rest is ordinary."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from grader.course.exercises import Exercise
from grader.execution import ArraySample, Candidate, CellRun, Execution, Fit, FitSample
from grader.types import (
    Attempt,
    Check,
    Engine,
    Evidence,
    EvidenceClass,
    Finding,
    Grade,
    Isolation,
    LayerFact,
    Level,
    Message,
    ModelFacts,
    Outcome,
    Record,
    RunFacts,
    TrainingFacts,
    UsedThreshold,
    Verdict,
)


def key_of(*parts: object) -> str:
    """A key as the store wants it, from anything."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def check(
    check_id: str = "structure.layer-1",
    points: float = 10.0,
    max_points: float = 10.0,
    message: Message | None = None,
    *,
    expected: str = "LSTM(30)",
    got: str = "LSTM(30)",
    cell: int | None = None,
) -> Check:
    """One line of a rubric."""
    told = message or Message("structure.layer", {"number": 1, "expected": expected, "got": got})
    first = check_id.split(".", maxsplit=1)[0]
    cls = EvidenceClass(first) if first in set(EvidenceClass) else None
    return Check(check_id, cls, points, max_points, told, expected, got, cell)


def layer(cls: str = "LSTM", units: int = 30, params: int = 3960) -> LayerFact:
    """A recurrent layer that returns sequences of 100 steps."""
    return LayerFact(cls, {"units": units, "return_sequences": True}, (100, units), params)


def training(
    losses: tuple[float, ...] = (0.3, 0.1, 0.02), validation: tuple[float, ...] = ()
) -> TrainingFacts:
    """One fit with this history."""
    history = {"loss": losses} | ({"val_loss": validation} if validation else {})
    return TrainingFacts(
        fits=1,
        epochs=len(losses),
        changed=True,
        finite=True,
        history=history,
        compile={"loss": "mse", "optimizer": "Adam"},
        cell=7,
    )


def evidence(
    exercise: str = "multiplication-lstm",
    train: TrainingFacts | None = None,
    **changes: Any,
) -> Evidence:
    """What the judge found in a sound notebook."""
    facts: dict[str, Any] = {
        "exercise": exercise,
        "runs": RunFacts(Outcome.FINISHED, cells=9, failed=(), stopped_at=None),
        "model": ModelFacts(
            (layer(), layer()), 11311, (100, 2), cell=6, name="model", rebuilt=True
        ),
        "data": (),
        "layout": "mark-value",
        "training": train or training(),
        "metrics": {"mse": 0.0004},
    }
    return Evidence(**(facts | changes))


def sound(exercise: Exercise, **changes: Any) -> Evidence:
    """Evidence of sound work on an exercise: its own layers, trained as long as asked."""
    layers = tuple(
        LayerFact(one.cls, dict(one.config), one.output_shape, one.params)
        for one in exercise.layers
    )
    found = ModelFacts(
        layers, exercise.total_params, exercise.input_shape, 6, "model", rebuilt=True
    )
    target = Finding("data.target", 1.0, "", "", Message("multiplication.target_right"))
    trained = replace(training(), epochs=exercise.epochs)
    facts: dict[str, Any] = {
        "model": found,
        "data": (target,),
        "training": trained,
        "metrics": {"mse": 0.0},
    }
    return evidence(exercise.id, **(facts | changes))


def full_checks() -> tuple[Check, ...]:
    """A sound exercise: five classes, all points."""
    total = Message("structure.total", {"expected": 11311, "got": 11311})
    met = Message("accuracy.met", {"metric": "mse", "value": 0.0004, "threshold": 0.004})
    epochs = Message("training.epochs", {"run": 100, "needed": 10, "asked": 100})
    return (
        check("runs.cells", 10, 10, Message("runs.all", {"cells": 9}), expected="9", got="9"),
        check("structure.layer-1", 15, 15),
        check("structure.layer-2", 10, 10),
        check("structure.total", 10, 10, total, expected="11311", got="11311"),
        check("data.target", 15, 15, Message("multiplication.target_right"), cell=5),
        check("training.weights", 7.5, 7.5, Message("training.changed"), cell=7),
        check("training.epochs", 7.5, 7.5, epochs, expected="≥ 10", got="100", cell=7),
        check("accuracy.mse", 25, 25, met, expected="mse ≤ 0.004", got="0.0004"),
    )


def grade(
    verdict: Verdict = Verdict.ACCEPTED,
    score: float | None = 100.0,
    checks: tuple[Check, ...] | None = None,
    hints: tuple[Message, ...] = (),
    flags: tuple[str, ...] = (),
) -> Grade:
    """A grade out of 100."""
    return Grade(verdict, score, 100.0, full_checks() if checks is None else checks, hints, flags)


def record(
    student: str = "kim",
    exercise: str = "multiplication-lstm",
    submission: str | None = None,
    salt: object = 0,
    **changes: Any,
) -> Record:
    """One graded exercise; ``salt`` makes another key for the same exercise."""
    name = submission if submission is not None else f"{student}/{exercise}.ipynb"
    facts: dict[str, Any] = {
        "key": key_of("score", student, exercise, name, salt),
        "execution_key": key_of("execution", student, name, salt),
        "submission": name,
        "student": student,
        "exercise": exercise,
        "grade": grade(),
        "evidence": evidence(exercise),
        "attempts": (Attempt(1, 20_260_301, Engine.JAX, "run", {"mse": 0.0004}, 31.5),),
        "engine": Engine.JAX,
        "device": "cpu",
        "isolation": Isolation(Level.FULL, ("network", "files")),
        "seconds": 33.0,
        "graded_at": "2026-03-02T09:00:00+00:00",
        "versions": {"grader": "0.1.0", "keras": "3.15.0", "jax": "0.10.0"},
        "threshold": threshold(),
    }
    return Record(**(facts | changes))


def threshold(**changes: Any) -> UsedThreshold:
    """What a record keeps of a threshold that was measured on its own machine."""
    used = UsedThreshold("mse", "lower", 0.004, 0.05, "jax", "cpu", False, "measured")
    return replace(used, **changes)


def ungraded(student: str = "kim", exercise: str = "multiplication-lstm") -> Record:
    """A record of our own failing."""
    broken = Grade(Verdict.GRADER_ERROR, None, 100.0, (), (), ())
    return record(student, exercise, grade=broken, evidence=None, attempts=(), engine=None)


def execution(
    weights: tuple[np.ndarray, ...] | None = None,
    config: Mapping[str, Any] | None = None,
    stdout: str = "",
    images: tuple[bytes, ...] = (),
) -> Execution:
    """One run with one trained model."""
    rows = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    sample = ArraySample((3000, 3, 2), "float32", rows, {"min": 0.0, "max": 11.0})
    fit = Fit(7, FitSample(sample, None), 100, 100, {"loss": (0.3, float("nan"))}, True, {})
    final = weights if weights is not None else (np.ones((2, 3), np.float32), np.zeros(3))
    candidate = Candidate(
        model=1,
        name="model",
        cell=7,
        config=config or {"class_name": "Sequential", "config": {"layers": []}},
        compile={"loss": "mse"},
        fits=(fit,),
        initial=(np.zeros((2, 3), np.float32),),
        final=final,
        order=1,
    )
    return Execution(
        outcome=Outcome.FINISHED,
        cells=(CellRun(1, "ok", 0.5, stdout, None, images),),
        candidates=(candidate,),
        engine=Engine.JAX,
        device="cpu",
        seed=7,
        attempt=1,
        isolation=Isolation(Level.FULL),
        seconds=12.0,
    )
