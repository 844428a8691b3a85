"""Of two runs of a notebook the better counts, exercise by exercise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from grader.pipeline.attempts import Attempts
from grader.pipeline.engine_errors import blames_engine
from grader.pipeline.scored import Scored, better_run
from grader.types import CellError, Engine, Outcome


def run(name: str, **points: float | None) -> tuple[Scored, ...]:
    """A run with so many points per exercise; None: it could not be judged."""
    return tuple(
        Scored(exercise, _evidence(score), _grade(score), None, _named(name), (_named(name),))
        for exercise, score in points.items()
    )


def _evidence(score: float | None) -> Any:
    return None if score is None else SimpleNamespace(proof=None, flags=())


def _grade(score: float | None) -> Any:
    return SimpleNamespace(score=score, waiting=0.0)


def _named(name: str) -> Any:
    return name


def told(cases: tuple[Scored, ...]) -> dict[str, tuple[float, Any, tuple[Any, ...]]]:
    return {one.exercise: (one.points, one.execution, one.attempts) for one in cases}


both = ("jax", "tensorflow")


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ({"a": 80}, {"a": 60}, {"a": (80, "jax", both)}),
        ({"a": 60}, {"a": 60}, {"a": (60, "tensorflow", both)}),
        (
            {"a": 80, "b": 10},
            {"a": 60, "b": 30},
            {"a": (80, "jax", both), "b": (30, "tensorflow", both)},
        ),
        # The second finds one more: it is the run that counts, the first's better case with it.
        (
            {"a": 80},
            {"a": 60, "b": 30},
            {"a": (80, "jax", both), "b": (30, "tensorflow", ("tensorflow",))},
        ),
        (
            {"a": 80, "b": 30},
            {"a": 90},
            {"a": (90, "tensorflow", both), "b": (30, "jax", ("jax",))},
        ),
        ({"a": 80}, {"a": None}, {"a": (0, "tensorflow", ("tensorflow",))}),
    ],
)
def test_the_better_of_each_counts_with_the_attempts_of_both(
    first: dict[str, float | None],
    second: dict[str, float | None],
    counts: dict[str, tuple[float, str, tuple[str, ...]]],
) -> None:
    assert told(better_run(run("jax", **first), run("tensorflow", **second))) == counts


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AttributeError", "'tuple' object has no attribute 'as_list'"),
        ("AttributeError", "'tuple' object has no attribute 'ndims'"),
        ("AttributeError", "'numpy.dtypes.Float32DType' object has no attribute 'is_floating'"),
    ],
)
def test_what_only_tensorflow_s_shapes_and_types_have_is_tried_there(name: str, said: str) -> None:
    error = CellError(name, said, f"{name}  Traceback\nCell In[1], line 1\n{name}: {said}")
    cell = SimpleNamespace(status="error", error=error)
    execution: Any = SimpleNamespace(outcome=Outcome.FINISHED, cells=(cell,))
    assert blames_engine(execution)


def test_what_each_engine_missed_is_tried_again_on_that_engine() -> None:
    asked: list[Engine] = []

    def ran(engine: Engine, **points: float) -> tuple[Scored, ...]:
        execution = SimpleNamespace(engine=engine, fixes_seeds=False)
        return tuple(replace(one, execution=execution) for one in run("", **points))  # type: ignore[arg-type]

    class Played(Attempts):
        """Both exercises miss by chance, each after a run on another engine."""

        def _first(self) -> tuple[Scored, ...]:
            return (*ran(Engine.JAX, a=70), *ran(Engine.TENSORFLOW, b=70))

        def _may_be_chance(self, case: Scored) -> bool:
            return case.points < 100

        def _is_stuck(self, _case: Scored) -> bool:
            return False

        def _run_on(self, engine: Engine, _attempt: int, *, again: bool = True) -> Any:
            asked.append(engine)
            return SimpleNamespace(engine=engine)

        def _scored(self, execution: Any) -> Iterator[Scored]:
            own, other = ("a", "b") if execution.engine is Engine.JAX else ("b", "a")
            yield from ran(execution.engine, **{own: 100, other: 0})

    nothing: Any = None
    job: Any = SimpleNamespace(attempts=2, timeout=lambda _: 60.0)
    best = Played(job, nothing, nothing, nothing, nothing).run()
    assert asked == [Engine.JAX, Engine.TENSORFLOW]
    assert {one.exercise: one.points for one in best} == {"a": 100, "b": 100}
