"""Measures what correct work and known mistakes reach, and writes ``expected.json``.

Enters: a course, an open room, how many runs on which engine. Leaves: ``reference/<id>/expected.json``,
written anew after every run, so that an interrupted calibration continues where it stopped. Touches:
rooms, that file.

The reference solution goes through the same stages as a submission: its notebook runs in a room,
its model is found, rebuilt and asked hidden inputs. The accuracy controls are known mistakes of the
same architecture: never trained, one epoch, shuffled labels; and predictors without a model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from grader import environment, files, seeds
from grader.evaluate import Task, evaluate
from grader.execute import Run, execute
from grader.exercises import Course, Exercise, data_fingerprint
from grader.expectations import REFERENCE, CalibrationRun, Threshold
from grader.extract import extract
from grader.families import Family, load_family
from grader.matching import choose, read_candidate
from grader.notebooks import parse_notebook
from grader.runner import Slot
from grader.retrain import canonical_question, retraining
from grader.room import Room
from grader.thresholds import choose_threshold
from grader.types import Engine, Evidence, Execution, GraderError, Message, ModelFacts

SECRET = b"calibration: public on purpose, no course uses it"
MEMORY_MB = 4096
LONGEST = 3600.0
TRAINED_CONTROLS = ("untrained", "one_epoch", "shuffled_labels")
CONTROL_RUNS = 5


@dataclass(frozen=True)
class Plan:
    """One run to do: of the reference (``control`` reference) or of a known mistake."""

    exercise: str
    control: str
    engine: Engine
    seed: int


@dataclass(frozen=True)
class Measured:
    """What a run gave; ``model`` for the structure part of the file."""

    run: CalibrationRun
    model: ModelFacts | None = None


def plans(
    exercise: Exercise, known: Sequence[CalibrationRun], engine: Engine, count: int
) -> Iterator[Plan]:
    """Give the runs that are still missing: ``count`` references and a few of each mistake."""
    done = {(run.control, run.engine, run.seed) for run in known}
    wanted = [(REFERENCE, seed) for seed in range(count)]
    wanted += [(c, s) for c in TRAINED_CONTROLS for s in range(min(CONTROL_RUNS, count))]
    for control, number in wanted:
        seed = seeds.derive(SECRET, exercise.id, control, number)
        if (control, engine.value, seed) not in done:
            yield Plan(exercise.id, control, engine, seed)


def measure(course: Course, plan: Plan, room: Room, slot: Slot) -> list[Measured]:
    """Do one run.

    Raises:
        GraderError: the reference solution itself did not come through.
    """
    exercise = course.exercise(plan.exercise)
    family = _family(course, exercise)
    if plan.control == REFERENCE:
        return _measure_reference(course, exercise, family, plan, room, slot)
    return [_measure_control(course, exercise, family, plan, room, slot)]


def _measure_reference(
    course: Course, exercise: Exercise, family: Family, plan: Plan, room: Room, slot: Slot
) -> list[Measured]:
    execution, evidence = run_reference(course, exercise, plan, room, slot)
    if evidence.model is None or not evidence.metrics:
        raise GraderError(
            Message("calibrate.reference_failed", {"exercise": exercise.id, "seed": plan.seed})
        )
    own = {key: value for key, value in evidence.metrics.items() if "." not in key}
    found = [Measured(_run(plan, slot, plan.control, own, execution.seconds), evidence.model)]
    _, question = canonical_question(family, exercise, _hidden(exercise, plan))
    for name, predictions in family.controls(question).items():
        metrics = family.measure(predictions, question)
        found.append(Measured(_run(plan, slot, name, metrics, 0.0)))
    return found


def run_reference(
    course: Course, exercise: Exercise, plan: Plan, room: Room, slot: Slot
) -> tuple[Execution, Evidence]:
    """Run the reference solution through the stages of a submission."""
    from grader.release import full, text

    assert exercise.reference_path is not None
    notebook = full(exercise.reference_path / "solution.py", exercise)
    execution = execute(
        Run(
            notebook=parse_notebook(text(notebook).encode()),
            engine=plan.engine,
            seed=plan.seed,
            attempt=1,
            timeout=LONGEST,
            memory_mb=MEMORY_MB,
            cores=slot.cores,
            gpu=slot.gpu.uuid if slot.gpu else None,
            devices=slot.gpu.nodes if slot.gpu else (),
            device=slot.device,
        ),
        room,
    )
    evidence = extract(
        execution,
        (exercise.id,),
        course,
        lambda tasks: evaluate(tasks, room, engine=plan.engine, cores=slot.cores, timeout=LONGEST),
        lambda _: _hidden(exercise, plan),
    )
    return execution, evidence[0]


def _measure_control(
    course: Course, exercise: Exercise, family: Family, plan: Plan, room: Room, slot: Slot
) -> Measured:
    """Make a known mistake with the reference's own architecture and settings."""
    short = replace(plan, seed=plan.seed)
    reading = reference_model(course, exercise, short, room, slot)
    _, question = canonical_question(family, exercise, _hidden(exercise, plan))
    architecture, candidate = reading
    task = retraining(architecture, candidate, exercise, family, plan.seed, question)
    if task is None or task.training is None:
        raise GraderError(
            Message("calibrate.reference_failed", {"exercise": exercise.id, "seed": plan.seed})
        )
    training = replace(task.training, epochs=exercise.epochs)
    if plan.control == "untrained":
        task = Task(task.id, task.architecture, inputs=task.inputs, seed=plan.seed)
    elif plan.control == "one_epoch":
        task = replace(task, training=replace(training, epochs=1))
    else:
        order = np.random.default_rng(plan.seed).permutation(len(training.y))
        task = replace(task, training=replace(training, y=training.y[order]))
    answers = evaluate([task], room, engine=plan.engine, cores=slot.cores, timeout=LONGEST)
    answer = answers[task.id]
    if answer.error or answer.predictions is None:
        raise GraderError(Message("calibrate.control_failed", {"error": answer.error or ""}))
    metrics = family.measure(answer.predictions.reshape(question.answers.shape), question)
    return Measured(_run(plan, slot, plan.control, metrics, answer.seconds))


_models: dict[str, Any] = {}


def reference_model(
    course: Course, exercise: Exercise, plan: Plan, room: Room, slot: Slot
) -> tuple[Any, Any]:
    """Give the reference's architecture and compile settings, from one run of two epochs."""
    if exercise.id not in _models:
        from grader.release import full, text

        assert exercise.reference_path is not None
        source = text(full(exercise.reference_path / "solution.py", exercise))
        source = source.replace(f"epochs={exercise.epochs}", "epochs=1")
        notebook = parse_notebook(source.encode())
        run = Run(notebook, plan.engine, plan.seed, 1, LONGEST, MEMORY_MB, cores=slot.cores)
        execution = execute(run, room)
        reading = choose([read_candidate(c) for c in execution.candidates], exercise)
        if reading is None or reading.architecture is None:
            raise GraderError(
                Message("calibrate.reference_failed", {"exercise": exercise.id, "seed": plan.seed})
            )
        _models[exercise.id] = (reading.architecture, reading.candidate)
    found: tuple[Any, Any] = _models[exercise.id]
    return found


def _family(course: Course, exercise: Exercise) -> Family:
    if course.reference is None or exercise.family is None:
        raise GraderError(Message("cli.no_reference"))
    return load_family(course.reference, exercise.family)


def _hidden(exercise: Exercise, plan: Plan) -> int:
    return seeds.derive(SECRET, "hidden", exercise.id, plan.seed)


def _run(
    plan: Plan, slot: Slot, control: str, metrics: dict[str, float], seconds: float
) -> CalibrationRun:
    rounded = {key: float(f"{value:.6g}") for key, value in metrics.items()}
    return CalibrationRun(
        control=control,
        engine=plan.engine.value,
        device=slot.device,
        cores=len(slot.cores),
        seed=plan.seed,
        metrics=rounded,
        seconds=round(seconds, 2),
    )


# --- the file --------------------------------------------------------------------------------


def calibrate(
    course: Course,
    exercise: Exercise,
    engine: Engine,
    count: int,
    room: Room,
    slots: Sequence[Slot],
    told: Callable[[str], None],
) -> tuple[Threshold, ...]:
    """Do every missing run and write the file after each.

    Args:
        course: the instructor's course.
        exercise: which one.
        engine: Keras backend.
        count: runs of the reference solution.
        room: where to run.
        slots: one job per slot at a time.
        told: is given a line per run.
    """
    known = list(exercise.expectation.runs) if exercise.expectation else []
    fingerprint = data_fingerprint(exercise, _family(course, exercise))
    if exercise.expectation and exercise.expectation.fingerprint != fingerprint:
        known = []  # other data: nothing that was measured holds any more
    missing = list(plans(exercise, known, engine, count))
    model: ModelFacts | None = None
    free = list(slots)

    def work(plan: Plan) -> list[Measured]:
        slot = free.pop()
        try:
            return measure(course, plan, room, slot)
        finally:
            free.append(slot)

    path = _path(exercise)
    began = time.monotonic()
    with ThreadPoolExecutor(len(slots)) as pool:
        waiting = {pool.submit(work, plan): plan for plan in missing}
        for done, future in enumerate(as_completed(waiting), start=1):
            plan = waiting[future]
            try:
                found = future.result()
            except Exception as error:  # noqa: BLE001 - one run; a later call does it again
                told(
                    f"{exercise.id} {engine.value} {plan.control} [{done}/{len(missing)}] {error!r}"
                )
                continue
            known += [one.run for one in found]
            model = next((one.model for one in found if one.model), model)
            write(path, course, exercise, fingerprint, known, model)
            run = found[0].run
            shown = ", ".join(f"{key} {value:.4g}" for key, value in run.metrics.items())
            told(
                f"{exercise.id} {engine.value} {plan.control} [{done}/{len(missing)}] {shown} "
                f"({run.seconds:.0f} s, {time.monotonic() - began:.0f} s in all)"
            )
    return write(path, course, exercise, fingerprint, known, model)


def _path(exercise: Exercise) -> Path:
    assert exercise.reference_path is not None
    return exercise.reference_path / "expected.json"


def write(
    path: Path,
    course: Course,
    exercise: Exercise,
    fingerprint: str,
    runs: Sequence[CalibrationRun],
    model: ModelFacts | None,
) -> tuple[Threshold, ...]:
    """Write ``expected.json`` from the runs; the thresholds follow from them alone."""
    better = _family(course, exercise).BETTER
    places = dict.fromkeys((run.engine, run.device) for run in runs)
    found = [choose_threshold(runs, engine, device, better) for engine, device in places]
    thresholds = tuple(one for one in found if one is not None)
    content = {
        "schema": "grader/expected/v1",
        "exercise": exercise.id,
        "profile": exercise.profile,
        "data": {"fingerprint": fingerprint},
        "structure": _structure(path, exercise, model),
        "runs": [asdict(run) for run in runs],
        "thresholds": [_threshold(one, exercise) for one in thresholds],
        "environment": {**environment.versions(), "cores": len(environment.cores())},
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    files.write_whole(path, _compact(text).encode() + b"\n")
    return thresholds


def _structure(path: Path, exercise: Exercise, model: ModelFacts | None) -> dict[str, Any]:
    if model is None:
        if path.is_file():
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["structure"]
            return kept
        return {"layers": [], "total_params": 0}
    layers = [
        {"class": one.cls, "output_shape": list(one.output_shape), "params": one.params}
        for one in model.layers
    ]
    return {"layers": layers, "total_params": model.total_params}


def _threshold(threshold: Threshold, exercise: Exercise) -> dict[str, Any]:
    told = asdict(threshold)
    for key in ("widened", "note"):
        del told[key]
    if threshold.false_fail is not None:
        told["attempts"] = exercise.attempts
        told["false_fail_after_attempts"] = {
            "estimate": threshold.false_fail.estimate**exercise.attempts,
            "upper95": threshold.false_fail.upper95**exercise.attempts,
        }
    return told


def _compact(text: str) -> str:
    """Put each run and each layer on a line of its own: diffs of this file are read by people."""
    content = json.loads(text)
    runs = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in content["runs"])
    marker = '"runs": []'
    whole = json.dumps({**content, "runs": []}, indent=1, ensure_ascii=False)
    return whole.replace(marker, f'"runs": [\n  {runs}\n ]')
