"""The pipeline's decisions, with rooms replaced by canned answers."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader import environment
from grader.course.data import data_fingerprint
from grader.course.exercises import Alternative, Course
from grader.course.expectations import (
    SCHEMA,
    Expectation,
    MeasuredData,
    MeasuredStructure,
    Threshold,
)
from grader.course.families import load_family
from grader.course.load import load_course
from grader.extract.evaluate import RoomFailedError
from grader.extract.matching import read_model
from grader.extract.proof import layers_digest, weights_digest
from grader.extract.tasks import Answer, LayerAnswer, ModelTask
from grader.pipeline import attempts, grader, judges
from grader.pipeline.attempts import Attempts, Scored
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.judges import Judges
from grader.pipeline.regrade import regrade
from grader.pipeline.runner import Call, Slot, Stop, slots
from grader.pipeline.runners.local import LocalRunner
from grader.record import hand_file
from grader.record.journal import Journal
from grader.record.store import Store, UnkeepableError
from grader.score.score import ungraded
from grader.seeds import hidden_seed
from grader.trainer.place import NAME
from grader.types import (
    ArraySample,
    Candidate,
    Cell,
    CellError,
    CellRun,
    Engine,
    Execution,
    Fit,
    FitSample,
    GraderError,
    HandKind,
    HandLine,
    Isolation,
    Level,
    Message,
    Notebook,
    Outcome,
    Record,
    Submission,
    TimeSpent,
    Training,
    Verdict,
)
from tests.support.homes import WRONG, missing

ROOT = Path(__file__).resolve().parents[2]
GRU, LSTM = "multiplication-gru", "multiplication-lstm"
SLOT = Slot((0,))
ISOLATION = Isolation(Level.FULL, ("filesystem",))


class NoRoom:
    """Stands where a room would: nothing is started in these tests."""

    isolation = ISOLATION


def _gru(units: int, sequences: bool) -> dict[str, Any]:
    settings = {"units": units, "return_sequences": sequences, "activation": "tanh"}
    return {"class_name": "GRU", "config": {**settings, "reset_after": True}}


CONFIG: dict[str, Any] = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [None, 100, 2]}},
            _gru(30, True),
            _gru(30, False),
            {"class_name": "Dense", "config": {"units": 1, "activation": "linear"}},
        ]
    },
}
LAYERS = (LayerAnswer((100, 30), 3060), LayerAnswer((30,), 5580), LayerAnswer((1,), 31))


def _data(rows: int = 64) -> FitSample:
    rng = np.random.default_rng(0)
    x = np.zeros((rows, 100, 2))
    x[:, :, 1] = rng.random((rows, 100))
    y = np.zeros(rows)
    for row in range(rows):
        places = rng.choice(100, 2, replace=False)
        x[row, places, 0] = 1
        y[row] = x[row, places, 1].prod()
    return FitSample(
        ArraySample((2560, 100, 2), "float64", x, {}), ArraySample((2560,), "float64", y, {})
    )


def _execution(seed: int = 1, **changes: Any) -> Execution:
    fit = Fit(3, _data(), 100, 100, {"loss": (0.05, 0.002)}, finished=True, arguments={})
    candidate = Candidate(
        model=1,
        name="model",
        cell=3,
        config=CONFIG,
        compile={"optimizer": "Adam", "loss": "mse", "learning_rate": 0.001},
        fits=(fit,),
        initial=(np.zeros(3, dtype=np.float32),),
        final=(np.ones(3, dtype=np.float32),),
        order=1,
    )
    made = Execution(
        outcome=Outcome.FINISHED,
        cells=(CellRun(3, "ok", 1.0, "", None),),
        candidates=(candidate,),
        engine=Engine.JAX,
        device="cpu",
        seed=seed,
        attempt=1,
        isolation=ISOLATION,
        seconds=1.0,
        peak_memory_mb=1.0,
    )
    return replace(made, **changes)


@pytest.fixture
def course() -> Course:
    """The real course with a threshold of mse .01 for the GRU exercise; notebooks train."""
    course = replace(load_course(ROOT), asks_trainer=False)
    exercise = course.exercise(GRU)
    threshold = Threshold("mse", "lower", 0.01, 0.045, "jax", "cpu", None, None, "test")
    assert course.reference is not None
    assert exercise.family is not None
    data = data_fingerprint(exercise, load_family(course.reference, exercise.family))
    structure = MeasuredStructure((), 8671)
    expectation = Expectation(
        SCHEMA, GRU, "standard", MeasuredData(data), structure, (), (threshold,)
    )
    return replace(
        course, exercises={**course.exercises, GRU: replace(exercise, expectation=expectation)}
    )


Ran = list[tuple[Engine, int]]


class World:
    """Canned rooms: what each run gives, and how far predictions are off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: Ran = []
        self.trained: list[int] = []
        self.give: Callable[[Any], Execution] = lambda _run: _execution()
        self.error: Callable[[int], float] = lambda _number: 0.001
        self.begins_at = -1.0  # what a model that no fit moved answers
        monkeypatch.setattr(attempts, "execute", self._execute)
        monkeypatch.setattr(attempts, "evaluate", self._evaluate)
        monkeypatch.setattr("grader.environment.engines", lambda: (Engine.TENSORFLOW, Engine.JAX))
        self.asked = 0
        self.limits: list[float] = []  # seconds of each room
        self.old_api: list[bool] = []
        self.trainer: list[bool] = []

    def _execute(self, run: Any, _room: object, **how: Any) -> Execution:
        # What a run left is never read by ourselves.
        assert isinstance(how["read"].func.__self__, Judges)
        self.ran.append((run.engine, run.seed))
        self.old_api.append(run.old_api)
        self.trainer.append(how["trainer"] is not None)
        made = self.give(run)
        return replace(
            made, engine=run.engine, seed=run.seed, attempt=run.attempt, fixes_seeds=run.fixes_seeds
        )

    def _evaluate(self, tasks: Sequence[ModelTask], _room: object, **how: Any) -> dict[str, Answer]:
        self.asked += 1
        self.limits.append(how["timeout"])
        answers = {}
        for task in tasks:
            if task.training is not None:
                assert task.seed is not None
                self.trained.append(task.seed)
            assert task.inputs is not None
            marks, numbers = task.inputs[..., 0], task.inputs[..., 1]
            right = np.where(marks == 1, numbers, 1).prod(axis=1)
            off = np.sqrt(self.error(self.asked))
            predictions = (right + off).astype(np.float32)[:, None]
            if task.id.endswith("/slope"):
                predictions[:] = self.begins_at
            answers[task.id] = Answer(LAYERS, 8671, predictions)
        return answers


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Canned rooms."""
    return World(monkeypatch)


def _submission(source: str = "model.fit(X, Y)", name: str = "kim") -> Submission:
    notebook = Notebook((Cell(3, source),), GRU, f"{hash(source):064x}"[-64:])
    return Submission(f"{name}/{GRU}.ipynb", name, Path("x"), (GRU,), notebook, None, "a" * 64)


def _grade(course: Course, out: Path, submission: Submission, **settings: Any) -> grader.Graded:
    with Store(out) as store:
        grader = Grader(course, NoRoom(), store, Settings(b"s" * 32, **settings))  # type: ignore[arg-type]
        return grader.grade_one(submission, SLOT)


def test_a_sound_notebook_is_accepted_in_one_attempt(
    course: Course, world: World, tmp_path: Path
) -> None:
    (record,) = _grade(course, tmp_path, _submission()).records
    assert (record.grade.verdict, record.grade.score) == (Verdict.ACCEPTED, 100.0)
    assert [attempt.number for attempt in record.attempts] == [1]
    assert record.evidence is not None
    assert record.evidence.metrics["mse"] == pytest.approx(0.001, rel=1e-3)


def test_the_record_says_where_the_time_of_all_attempts_went(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: 0.04 if number == 1 else 0.001
    world.give = lambda _run: _execution(spent=TimeSpent(start=1.0, waiting=2.0, training=30.0))
    (record,) = _grade(course, tmp_path, _submission()).records
    assert len(record.attempts) == 2
    assert record.spent is not None
    assert (record.spent.start, record.spent.waiting, record.spent.training) == (2.0, 4.0, 60.0)
    assert record.spent.evaluation >= 0.0


def test_rooms_that_train_a_model_anew_are_training_and_those_that_ask_it_evaluation(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    monkeypatch.setattr(attempts, "time", clock)
    world.give = lambda _run: _unmoved()
    (record,) = _grade(_slipping(course), tmp_path, _submission()).records
    assert [attempt.kind for attempt in record.attempts] == ["run", "retrain"]
    assert record.spent is not None
    assert record.spent.training == 1.0 * len(world.trained)
    assert record.spent.evaluation >= 1.0


def test_a_run_that_was_kept_took_no_time_now(course: Course, world: World, tmp_path: Path) -> None:
    world.give = lambda _run: _execution(spent=TimeSpent(start=1.0, training=30.0))
    _grade(course, tmp_path, _submission())
    for path in (tmp_path / "results").rglob("record.json"):
        path.unlink()
    (record,) = _grade(course, tmp_path, _submission()).records
    assert len(world.ran) == 1
    assert record.spent is not None
    assert (record.spent.start, record.spent.training) == (0.0, 0.0)


def test_what_nothing_was_run_for_says_nothing_of_its_time(
    course: Course, world: World, tmp_path: Path
) -> None:
    def failing(_run: Any) -> Execution:
        raise GraderError(Message("execute.no_kernel"))

    world.give = failing
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.spent is None


def test_the_record_keeps_the_hidden_seed_and_no_report_shows_it(
    course: Course, world: World, tmp_path: Path
) -> None:
    from grader.report.feedback import feedback_page
    from grader.report.json_ import results_json
    from grader.text.words import Words

    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.hidden_seed == hidden_seed(b"s" * 32, GRU)
    shown = str(results_json([record], Words("en"), lambda _: ""))
    shown += feedback_page("kim", [record], Words("en"), {})
    assert str(record.hidden_seed) not in shown


def test_a_threshold_measured_on_other_data_is_not_used(
    course: Course, world: World, tmp_path: Path
) -> None:
    exercise = course.exercise(GRU)
    assert exercise.expectation is not None
    expectation = replace(exercise.expectation, data=MeasuredData("sha256:other"))
    other = replace(exercise, expectation=expectation)
    changed = replace(course, exercises={**course.exercises, GRU: other})
    (record,) = _grade(changed, tmp_path, _submission()).records
    assert record.threshold is None
    assert not [check for check in record.grade.checks if check.id == "accuracy.mse"]


def test_an_unlucky_run_is_repeated_with_another_recorded_seed_before_points_are_lost(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: 0.04 if number == 1 else 0.001
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert [attempt.number for attempt in record.attempts] == [1, 2]
    assert len({attempt.seed for attempt in record.attempts}) == 2


def test_attempts_end_at_the_rubrics_limit_and_the_best_one_counts(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: {1: 0.04, 2: 0.02, 3: 0.03}[number]
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.LOW_ACCURACY
    assert len(record.attempts) == course.exercise(GRU).attempts == 3
    assert record.evidence is not None
    assert record.evidence.metrics["mse"] == pytest.approx(0.02, rel=1e-3)


def _slipping(course: Course) -> Course:
    """The exercise asks for a last activation that a textbook leaves out, and takes both."""
    exercise = course.exercise(GRU)
    *others, last = exercise.layers
    book = Alternative(
        exercise.layers, 8671, exercise.input_shape, Message("course.inline"), exercise.form
    )
    asked = replace(last, config={**last.config, "activation": "sigmoid"})
    slipping = replace(exercise, layers=(*others, asked), accept=(book,))
    return replace(course, exercises={**course.exercises, GRU: slipping})


def _unmoved() -> Execution:
    made = _execution()
    (one,) = made.candidates
    compiled = {**one.compile, "loss": "binary_crossentropy"}
    return replace(made, candidates=(replace(one, final=one.initial, compile=compiled),))


def test_a_model_that_the_textbooks_slip_left_stuck_is_trained_again_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.give = lambda _run: _unmoved()
    (record,) = _grade(_slipping(course), tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert [attempt.kind for attempt in record.attempts] == ["run", "retrain"]
    assert "training.mended" in {check.message.id for check in record.grade.checks}
    assert (len(world.ran), world.trained) == (1, [record.attempts[1].seed])


def test_a_model_that_nothing_may_move_is_not_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    """Its slip is not what keeps it from learning: its layers are frozen."""
    frozen = copy.deepcopy(CONFIG)
    for layer in frozen["config"]["layers"]:
        layer["config"]["trainable"] = False
    made = _unmoved()
    still = replace(made.candidates[0], config=frozen)
    world.give = lambda _run: replace(made, candidates=(still,))
    (record,) = _grade(_slipping(course), tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert world.trained == []


def test_a_model_that_was_given_no_rate_is_not_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    """It never learned by its own settings, so ours have none to learn by."""
    made = _unmoved()
    (one,) = made.candidates
    still = replace(one, compile={**one.compile, "learning_rate": 0.0})
    world.give = lambda _run: replace(made, candidates=(still,))
    (record,) = _grade(_slipping(course), tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert world.trained == []


def test_a_model_whose_loss_has_a_slope_is_not_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    """Its slip is not what keeps it from learning: its rate is 0, say, whoever sets it."""
    world.give, world.begins_at = lambda _run: _unmoved(), 0.5
    (record,) = _grade(_slipping(course), tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert world.trained == []


def test_a_model_that_no_fit_moved_is_not_trained_by_us_without_such_a_slip(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.give = lambda _run: _unmoved()
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert (len(world.ran), world.trained) == (1, [])


def test_wrong_work_is_not_repeated(course: Course, world: World, tmp_path: Path) -> None:
    world.give = lambda _run: replace(_execution(), candidates=())
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.NO_MODEL
    assert len(world.ran) == 1


def test_a_notebook_that_fixes_its_seeds_is_retrained_instead_of_rerun(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: 0.04 if number == 1 else 0.001
    source = "import numpy as np\nnp.random.seed(1)\nmodel.fit(X, Y)"
    (record,) = _grade(course, tmp_path, _submission(source)).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert [attempt.kind for attempt in record.attempts] == ["run", "retrain"]
    assert len(world.ran) == 1
    assert world.trained == [record.attempts[1].seed]


def test_seeds_that_are_fixed_change_nothing_where_the_trainer_draws_them(
    course: Course, world: World, tmp_path: Path
) -> None:
    """The same order has another seed in the next attempt; nobody trains more than was asked."""
    made = _execution()
    (candidate,) = made.candidates
    architecture = read_model(candidate).architecture
    assert architecture is not None
    ours = Training(
        3,
        "k",
        layers=layers_digest(architecture.layers),
        weights=weights_digest(candidate.final),
        epochs=100,
        updates=100,
        moved=True,
        sample=candidate.fits[-1].sample,
    )
    world.give = lambda _run: replace(made, trainings=(ours,))
    world.error = lambda number: 0.04 if number == 1 else 0.001
    source = "import numpy as np\nnp.random.seed(1)\nmodel.fit(X, Y)"
    (record,) = _grade(course, tmp_path, _submission(source)).records
    assert [attempt.kind for attempt in record.attempts] == ["run", "run"]
    assert (len(world.ran), world.trained) == (2, [])


def test_a_story_of_a_training_that_nobody_heard_of_has_no_second_attempt(
    course: Course, world: World, tmp_path: Path
) -> None:
    """Its points wait, whatever we could make of its model."""
    world.give = lambda _run: replace(_execution(), trainings=())
    world.error = lambda _number: 0.04
    source = "import numpy as np\nnp.random.seed(1)\nmodel.fit(X, Y)"
    (record,) = _grade(course, tmp_path, _submission(source)).records
    assert record.grade.flags == ("training_unheard",)
    assert (len(world.ran), world.trained) == (1, [])


def test_an_exception_on_jax_is_seen_on_tensorflow_before_it_costs_a_point(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(3, "error", 0.1, "", CellError("TypeError", "JAX only", ""))
    world.give = lambda run: (
        replace(_execution(), cells=(failed,)) if run.engine is Engine.JAX else _execution()
    )
    (record,) = _grade(course, tmp_path, _submission()).records
    assert [engine for engine, _ in world.ran] == [Engine.JAX, Engine.TENSORFLOW]
    assert record.engine is Engine.TENSORFLOW
    assert record.grade.score == 100.0


def test_a_notebook_runs_again_once_a_package_of_the_course_is_installed(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_package = replace(course, packages=("konlpy",))
    _grade(with_package, tmp_path, _submission())
    _grade(with_package, tmp_path, _submission())
    assert len(world.ran) == 1
    usual = environment.installed
    monkeypatch.setattr(environment, "installed", lambda names: {**usual(names), "konlpy": "0.6.0"})
    _grade(with_package, tmp_path, _submission())
    assert len(world.ran) == 2


def test_a_notebook_runs_again_where_a_course_has_come_to_refuse_old_calls(
    course: Course, world: World, tmp_path: Path
) -> None:
    _grade(course, tmp_path, _submission())
    _grade(replace(course, old_api=False), tmp_path, _submission())
    assert world.old_api == [True, False]


def test_trainings_are_asked_for_where_the_course_says_so_of_a_notebook_on_tensorflow(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asking = replace(course, asks_trainer=True)
    _grade(course, tmp_path, _submission())
    _grade(asking, tmp_path, _submission())
    _grade(asking, tmp_path, _submission(), engine="jax")
    monkeypatch.setattr("grader.environment.engines", lambda: (Engine.TENSORFLOW,))
    _grade(asking, tmp_path, _submission())
    engines = [engine for engine, _ in world.ran]
    assert list(zip(engines, world.trainer, strict=True)) == [
        (Engine.JAX, False),
        (Engine.TENSORFLOW, True),
        (Engine.TENSORFLOW, False),
    ], "on JAX it trains by itself, as the first run that is kept did"


@WRONG
def test_a_home_that_keeps_nothing_costs_nobody_a_grade(
    home: Callable[[Path, pytest.MonkeyPatch], None],
    course: Course,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    home(tmp_path, monkeypatch)
    asking = replace(course, asks_trainer=True)
    (record,) = _grade(asking, tmp_path / "out", _submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert world.trainer == [True]


@pytest.mark.parametrize("ended", [False, True])
def test_results_beside_a_batch_stay_only_where_it_was_asked_to_end(
    ended: bool, course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing(tmp_path, monkeypatch)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    asking, out = replace(course, asks_trainer=True), tmp_path / "out"
    stop = Stop()
    with Store(out) as store:
        settings = Settings(b"s" * 32)
        one = Grader(asking, NoRoom(), store, settings, stopping=stop.draining.is_set)  # type: ignore[arg-type]
        for _ in one.grade_all([_submission()], LocalRunner([SLOT], stop)):
            assert (out / NAME).is_dir()
            if ended:
                stop.draining.set()
    assert (out / NAME).is_dir() == ended


def test_of_two_runs_the_better_counts(course: Course, world: World, tmp_path: Path) -> None:
    failed = CellRun(4, "error", 0.1, "", CellError("TypeError", "JAX only", ""))
    ran = CellRun(3, "ok", 1.0, "", None)
    whole = replace(_execution(), cells=(ran, failed))
    cut = replace(_execution(), outcome=Outcome.TIME_LIMIT, candidates=())
    world.give = lambda run: whole if run.engine is Engine.JAX else cut
    (record,) = _grade(course, tmp_path, _submission()).records
    assert [engine for engine, _ in world.ran] == [Engine.JAX, Engine.TENSORFLOW]
    assert (record.engine, record.grade.verdict) == (Engine.JAX, Verdict.ACCEPTED)
    assert [one.engine for one in record.attempts] == [Engine.JAX, Engine.TENSORFLOW]


def test_of_two_runs_that_earn_the_same_the_second_counts(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(3, "error", 0.1, "", CellError("TypeError", "on both", ""))
    world.give = lambda _run: replace(_execution(), cells=(failed,))
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.engine is Engine.TENSORFLOW


def test_a_run_that_found_the_exercise_counts_before_one_that_found_none(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(4, "error", 0.1, "", CellError("TypeError", "JAX only", ""))
    ran = CellRun(3, "ok", 1.0, "", None)
    whole = replace(_execution(), cells=(ran, failed))
    nothing = replace(_execution(), cells=(ran,), candidates=())
    world.give = lambda run: whole if run.engine is Engine.JAX else nothing
    (record,) = _grade(course, tmp_path, replace(_submission(), exercises=None)).records
    assert (record.exercise, record.engine) == (GRU, Engine.JAX)


def test_an_error_that_no_engine_causes_is_not_run_twice(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(4, "error", 0.1, "", CellError("NameError", "name 'x' is not defined", ""))
    world.give = lambda _run: replace(_execution(), cells=(failed,))
    _grade(course, tmp_path, _submission())
    assert len(world.ran) == 1


def test_a_fault_of_ours_is_ungraded_and_never_zero(
    course: Course, world: World, tmp_path: Path
) -> None:
    def broken(_run: object) -> Execution:
        raise GraderError(Message("execute.no_kernel", {"code": 3, "log": ""}))

    world.give = broken
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    assert record.grade.score is None
    assert not record.grade.graded


def test_an_unexpected_exception_of_ours_is_ungraded_too(
    course: Course, world: World, tmp_path: Path
) -> None:
    def broken(_run: object) -> Execution:
        raise ZeroDivisionError

    world.give = broken
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    told = record.grade.checks[0].message
    assert "ZeroDivisionError" in (tmp_path / str(told.args["kept"])).read_text()


def _both(course: Course, out: Path) -> dict[str, Record]:
    """Grade a notebook that owes two exercises."""
    both = replace(_submission(), exercises=(GRU, LSTM))
    return {one.exercise: one for one in _grade(course, out, both).records}


def test_a_record_that_cannot_be_kept_is_ungraded_alone(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Store.save

    def refuses(store: Store, record: Record, *rest: Any) -> None:
        if record.exercise == LSTM and record.evidence is not None:
            told = {"submission": record.submission, "exercise": LSTM, "error": "too long"}
            raise UnkeepableError(Message("record.unreadable_grade", told))
        save(store, record, *rest)

    monkeypatch.setattr(Store, "save", refuses)
    found = _both(course, tmp_path)
    assert found[GRU].grade.verdict is Verdict.ACCEPTED
    assert found[LSTM].grade.verdict is Verdict.GRADER_ERROR
    assert {one.exercise: one.grade for one in Store(tmp_path).latest()} == {
        name: record.grade for name, record in found.items()
    }


def test_code_that_cannot_even_be_looked_at_is_ungraded_and_takes_nobody_along(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(Judges, "look", stumbles)
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    assert Store(tmp_path).latest() == [record]


def test_an_ungraded_submission_is_tried_again_next_time(
    course: Course, world: World, tmp_path: Path
) -> None:
    give = world.give

    def broken(_run: object) -> Execution:
        raise ZeroDivisionError

    world.give = broken
    _grade(course, tmp_path, _submission())
    world.give = give
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED


def test_a_job_that_never_ends_is_put_aside_and_the_batch_goes_on(
    course: Course, world: World, tmp_path: Path
) -> None:
    class WorkerGone(BaseException):
        """Takes the worker along, as a crash of the interpreter would."""

    def crash(_run: object) -> Execution:
        raise WorkerGone

    give, world.give = world.give, crash
    for _ in range(grader.CRASHES):
        with pytest.raises(WorkerGone):
            _grade(course, tmp_path, _submission())
    world.give = give
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.GRADER_ERROR
    assert record.grade.checks[0].message.id == "pipeline.quarantined"


def test_a_fault_that_took_nobody_down_is_not_counted_as_a_crash(
    course: Course, world: World, tmp_path: Path
) -> None:
    def broken(_run: object) -> Execution:
        raise ZeroDivisionError

    give, world.give = world.give, broken
    for _ in range(grader.CRASHES + 1):
        (record,) = _grade(course, tmp_path, _submission()).records
        assert record.grade.checks[0].message.id == "pipeline.fault"
    world.give = give
    (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED


def _killed_after(saves: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the grader dies when it has saved so many records."""
    save, saved = grader.Store.save, []

    def save_and_die(store: grader.Store, record: Record) -> None:
        save(store, record)
        saved.append(record)
        if len(saved) == saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(grader.Store, "save", save_and_die)


def test_a_record_saved_before_the_note_of_its_end_is_not_graded_again(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        _killed_after(1, dying)
        with pytest.raises(KeyboardInterrupt):
            _grade(course, tmp_path, _submission())
    assert list(tmp_path.glob("journal/*"))
    again = _grade(course, tmp_path, _submission())
    assert again.reused
    assert (len(world.ran), world.asked) == (1, 1)
    assert not list(tmp_path.glob("journal/*"))


def test_a_note_that_cannot_be_taken_away_costs_no_record(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_journal: Journal, _job: str) -> None:
        raise GraderError(Message("record.disk_full", {"path": "x"}))

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "finish", refuse)
        (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert _grade(course, tmp_path, _submission()).reused


def test_an_interrupted_notebook_of_unnamed_exercises_gets_all_its_records(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record of several may have been saved: nothing tells how many there were to be."""
    unnamed = replace(_submission(), exercises=())
    with monkeypatch.context() as dying:
        _killed_after(1, dying)
        with pytest.raises(KeyboardInterrupt):
            _grade(course, tmp_path, unnamed)
    again = _grade(course, tmp_path, unnamed)
    assert not again.reused
    assert len(world.ran) == 1, "the run itself was kept"
    assert _grade(course, tmp_path, unnamed).reused


def test_what_is_unchanged_is_not_run_again(course: Course, world: World, tmp_path: Path) -> None:
    first = _grade(course, tmp_path, _submission())
    again = _grade(course, tmp_path, _submission())
    assert (first.reused, again.reused) == (False, True)
    assert again.records == first.records
    assert (len(world.ran), world.asked) == (1, 1)


def test_what_somebody_asked_to_run_anew_runs_once_more(
    course: Course, world: World, tmp_path: Path
) -> None:
    _grade(course, tmp_path, _submission())
    _grade(course, tmp_path, _submission(name="lee"))
    told = HandLine("0a", hand_file.now(), "kang", HandKind.RERUN, "kim", GRU, "busy")
    hand_file.append(tmp_path, [told])
    assert _grade(course, tmp_path, _submission(name="lee")).reused
    assert len(world.ran) == 2
    assert not _grade(course, tmp_path, _submission()).reused
    assert len(world.ran) == 3
    assert world.ran[0] == world.ran[2], "with the same seed"
    _grade(course, tmp_path, _submission())
    assert len(world.ran) == 3


def test_what_somebody_asked_to_run_anew_is_not_taken_from_equal_code(
    course: Course, world: World, tmp_path: Path
) -> None:
    told = HandLine("0a", hand_file.now(), "kang", HandKind.RERUN, "lee", GRU, "busy")
    hand_file.append(tmp_path, [told])
    with Store(tmp_path) as store:
        one = Grader(course, NoRoom(), store, Settings(b"s" * 32))  # type: ignore[arg-type]
        graded = one.grade_group((_submission(name="kim"), _submission(name="lee")), SLOT)
    assert len(world.ran) == 2
    assert [record.same_as for it in graded for record in it.records] == ["", ""]


def test_another_seed_secret_or_time_limit_is_another_run(
    course: Course, world: World, tmp_path: Path
) -> None:
    _grade(course, tmp_path, _submission())
    assert not _grade(course, tmp_path, _submission(), seed=7).reused
    assert not _grade(course, tmp_path, _submission(), timeout=50.0).reused
    assert len(world.ran) == 3


def test_two_students_with_the_same_notebook_get_different_seeds(
    course: Course, world: World, tmp_path: Path
) -> None:
    _grade(course, tmp_path, _submission(name="kim"))
    _grade(course, tmp_path, _submission(name="lee"))
    assert len({seed for _, seed in world.ran}) == 2


def test_a_malformed_notebook_gets_zero_for_every_exercise_it_owes(
    course: Course, world: World, tmp_path: Path
) -> None:
    problem = Message("collect.truncated_json", {"line": 1, "column": 1})
    broken = replace(_submission(), notebook=None, problem=problem)
    (record,) = _grade(course, tmp_path, broken).records
    assert (record.grade.verdict, record.grade.score) == (Verdict.MALFORMED, 0.0)
    assert not world.ran


def test_regrade_scores_stored_evidence_with_todays_threshold_and_runs_nothing(
    course: Course, world: World, tmp_path: Path
) -> None:
    (record,) = _grade(course, tmp_path, _submission()).records
    exercise = course.exercise(GRU)
    assert exercise.expectation is not None
    strict = replace(exercise.expectation.thresholds[0], value=0.0001)
    harder = replace(exercise, expectation=replace(exercise.expectation, thresholds=(strict,)))
    changed = replace(course, exercises={**course.exercises, GRU: harder})
    (again,) = regrade(changed, [record], b"s" * 32)
    assert again.grade.verdict is Verdict.LOW_ACCURACY
    assert again.execution_key == record.execution_key
    assert len(world.ran) == 1


def test_the_runner_gives_every_result_and_starts_nothing_after_a_stop() -> None:
    stop = Stop()
    submissions = [_submission(name=f"s{n}") for n in range(20)]
    done = []

    def work(submission: Submission, _slot: Slot) -> str:
        if len(done) >= 5:
            stop.draining.set()
        return submission.student

    for student in LocalRunner(slots(2), stop).run(submissions, Call(work)):
        done.append(student)  # noqa: PERF402 - the work looks at it as it grows
    assert 5 <= len(done) <= 9
    whole = LocalRunner(slots(3), Stop()).run(submissions, Call(lambda s, _: s.student))
    assert sorted(whole) == sorted(s.student for s in submissions)


def test_the_runner_does_one_work_after_the_other_unless_it_was_left_early() -> None:
    runner = LocalRunner(slots(2), Stop())
    for _ in range(2):
        assert sorted(runner.run(range(5), Call(lambda n, _: n))) == [*range(5)]
    results = runner.run(range(50), Call(lambda n, _: n))
    next(iter(results))
    results.close()  # type: ignore[attr-defined]  # a generator
    assert list(runner.run(range(5), Call(lambda n, _: n))) == []


def test_no_two_jobs_share_a_gpu() -> None:
    from grader.gpus.gpus import Gpu

    gpus = [Gpu(n, f"GPU-{n}", "NVIDIA H200", 143771, (f"/dev/nvidia{n}",)) for n in range(2)]
    found = slots(8, gpus)
    assert [slot.gpu for slot in found] == gpus
    assert {slot.device for slot in found} == {"NVIDIA H200"}


def _grade_all(course: Course, out: Path, *submissions: Submission) -> dict[str, Record]:
    with Store(out) as store:
        grader = Grader(course, NoRoom(), store, Settings(b"s" * 32))  # type: ignore[arg-type]
        runner = LocalRunner((SLOT,), Stop())
        done = list(grader.grade_all(submissions, runner))
        kept = {record.student: record for record in store.latest()}
    assert kept == {one.submission.student: one.records[0] for one in done}
    return kept


def test_the_same_code_runs_once_and_everybody_has_a_record_of_their_own(
    course: Course, world: World, tmp_path: Path
) -> None:
    batch = [_submission(name=name) for name in ("kim", "lee", "park")]
    records = _grade_all(course, tmp_path, *batch)
    assert len(world.ran) == 1
    assert len({record.key for record in records.values()}) == len(batch)
    assert {name: record.same_as for name, record in records.items()} == {
        "kim": "",
        "lee": batch[0].name,
        "park": batch[0].name,
    }
    assert {record.grade.score for record in records.values()} == {100.0}


def test_code_that_ran_for_another_is_not_run_when_the_batch_is_graded_again(
    course: Course, world: World, tmp_path: Path
) -> None:
    batch = [_submission(name=name) for name in ("kim", "lee")]
    first = _grade_all(course, tmp_path, *batch)
    assert _grade_all(course, tmp_path, *reversed(batch)) == first
    assert len(world.ran) == 1


def test_our_own_fault_with_one_is_not_handed_to_others_with_the_same_code(
    course: Course, world: World, tmp_path: Path
) -> None:
    def faulty_once(_run: Any) -> Execution:
        if len(world.ran) == 1:
            raise GraderError(Message("room.start_failed", {"reason": "no room"}))
        return _execution()

    world.give = faulty_once
    records = _grade_all(course, tmp_path, *(_submission(name=name) for name in ("kim", "lee")))
    assert [record.grade.graded for record in records.values()] == [False, True]
    assert records["lee"].same_as == ""


# --- one exercise, one submission ----------------------------------------------------------------

OTHER = "sequence-prediction"
# In the judge's process: what scoring the GRU exercise comes to.
OVER_THE_GRU = """
import sys; sys.path.insert(0, sys.argv[5])
import os, signal
from pathlib import Path
from grader.pipeline import judging
graded = judging._graded
def odd(course, evidence, engine, device):
    if evidence.exercise == "multiplication-gru":
        {harm}
    return graded(course, evidence, engine, device)
judging._graded = odd
from grader.pipeline.judge_worker import main
main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
"""


ENDS_AGAIN = "judging._trained = lambda *_: os._exit(7)"


class Missed:
    """Stands for the evidence of an exercise that missed its accuracy."""

    exercise = GRU
    training = None
    model = None


def _chapter() -> Submission:
    return replace(_submission(), exercises=(GRU, OTHER))


def _by_exercise(graded: grader.Graded) -> dict[str, Record]:
    return {record.exercise: record for record in graded.records}


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("while True: pass", "judge.time"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "judge.ended"),
        ("raise MemoryError", "pipeline.fault"),
        ("odd(course, evidence, engine, device)", "pipeline.fault"),
    ],
)
def test_an_exercise_that_cannot_be_judged_is_ungraded_alone(
    course: Course,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
    said: str,
) -> None:
    monkeypatch.setattr(judges, "_START", OVER_THE_GRU.format(harm=harm))
    with Store(tmp_path) as store:
        settings = Settings(b"s" * 32)
        grader = Grader(course, NoRoom(), store, settings, Judges(tmp_path, seconds=6))  # type: ignore[arg-type]
        chapter = grader.grade_one(_chapter(), SLOT)
        world.give = lambda _run: replace(_execution(), candidates=())
        after = grader.grade_one(replace(_chapter(), exercises=(OTHER,), student="lee"), SLOT)
    found = _by_exercise(chapter)
    assert found[GRU].grade.verdict is Verdict.GRADER_ERROR
    assert found[GRU].grade.score is None
    assert found[GRU].evidence is None
    message = found[GRU].grade.checks[0].message
    assert message.id == said
    if said == "pipeline.fault":
        assert (tmp_path / str(message.args["kept"])).is_file()
    assert found[OTHER].grade.verdict is Verdict.NO_MODEL
    assert found[OTHER].evidence is not None
    assert _by_exercise(after)[OTHER].grade.graded
    assert world.asked <= 1  # the room is not asked again for what it answered


def test_a_chapter_that_ends_the_judge_again_and_again_is_given_up(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time begins all anew, and may take the judge's whole time."""
    monkeypatch.setattr(judges, "_START", OVER_THE_GRU.format(harm="os._exit(7)"))
    monkeypatch.setattr(judges, "MOST_ENDS", 1)
    found = _by_exercise(_grade(course, tmp_path, _chapter()))
    assert {one.grade.checks[0].message.id for one in found.values()} == {"judge.ended"}
    assert [found[one].grade.score for one in (GRU, OTHER)] == [None, None]


def test_the_trainings_of_a_chapter_have_the_judges_time_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends the judge, and each would take its whole time."""
    monkeypatch.setattr(judges, "_START", OVER_THE_GRU.replace("judging._graded = odd", ENDS_AGAIN))
    nothing: Any = None
    course = SimpleNamespace(exercises={})
    job: Any = SimpleNamespace(course=course, hidden_seed=lambda _: 1, seed=lambda number: number)
    one = Attempts(job, SLOT, nothing, nothing, Judges(tmp_path))
    evidence: Any = Missed()
    case = Scored(GRU, evidence, ungraded(Message("x")), None, _execution(), ())
    asked = range(judges.MOST_TIMES + 2)
    said = [one._retrained(case, number).grade.checks[0].message.id for number in asked]
    assert said == ["judge.ended"] * judges.MOST_TIMES + ["judge.altogether"] * 2


FIXES_SEEDS = "import numpy as np\nnp.random.seed(1)\nmodel.fit(X, Y)"


@pytest.mark.parametrize(
    ("limit", "asked"), [("EVALUATION_SECONDS", 0), ("TRAINING_LIMITS", 1)], ids=["judge", "train"]
)
def test_the_rooms_that_judge_a_notebook_have_a_time_limit_together(
    course: Course,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    asked: int,
) -> None:
    monkeypatch.setattr(attempts, limit, -1.0)
    monkeypatch.setattr(attempts, "ROOM_SECONDS", -1.0)
    world.error = lambda _: 0.04
    (record,) = _grade(course, tmp_path, _submission(FIXES_SEEDS)).records
    assert record.grade.score is None
    assert record.grade.checks[0].message.id == "evaluate.altogether"
    assert (world.asked, world.trained) == (asked, [])


@pytest.mark.parametrize(("timeout", "seconds"), [(600.0, 1200.0), (20.0, 300.0)])
def test_a_training_anew_may_take_longer_than_the_notebook_itself(
    course: Course, world: World, tmp_path: Path, timeout: float, seconds: float
) -> None:
    world.error = lambda _: 0.04
    _grade(course, tmp_path, _submission(FIXES_SEEDS), timeout=timeout)
    assert world.limits == [300.0, seconds, seconds]


def test_a_training_anew_that_is_stopped_takes_no_score_away(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(tasks: Sequence[ModelTask], room: object, **how: Any) -> dict[str, Answer]:
        if tasks[0].training is None:
            return world._evaluate(tasks, room, **how)
        told = {"seconds": how["timeout"], "megabytes": 4096}
        raise RoomFailedError(Message("evaluate.stopped", told), tasks[0].id)

    monkeypatch.setattr(attempts, "evaluate", slow)
    world.error = lambda _: 0.02
    (record,) = _grade(course, tmp_path, _submission(FIXES_SEEDS)).records
    assert record.grade.verdict is Verdict.LOW_ACCURACY
    assert [attempt.kind for attempt in record.attempts] == ["run"]
    assert record.evidence is not None
    assert "evaluate.training_stopped" in {note.id for note in record.evidence.notes}


@pytest.mark.parametrize(
    ("seconds", "engines"),
    [(100.0, "JTTT"), (200.0, "JTT"), (301.0, "J")],
    ids=["died once", "died twice", "died late"],
)
def test_the_runs_of_a_notebook_have_a_time_limit_together(
    course: Course, world: World, tmp_path: Path, seconds: float, engines: str
) -> None:
    """As many limits as it has attempts, and one to spare."""
    died = replace(_execution(), outcome=Outcome.KERNEL_DIED, candidates=(), seconds=seconds)
    trained = replace(_execution(), seconds=100.0)
    world.give = lambda run: died if run.engine is Engine.JAX else trained
    world.error = lambda _: 0.04
    (record,) = _grade(course, tmp_path, _submission(), timeout=100.0).records
    assert "".join(engine.value[0].upper() for engine, _ in world.ran) == engines
    assert record.evidence is not None
    told = {note.id for note in record.evidence.notes}
    assert ("execute.not_again" in told) is (engines == "J")


def test_one_that_the_evaluation_room_fails_over_is_ungraded_alone(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(tasks: Sequence[ModelTask], _room: object, **_: object) -> dict[str, Answer]:
        raise RoomFailedError(Message("evaluate.stopped", {"seconds": 300}), tasks[0].id)

    monkeypatch.setattr(attempts, "evaluate", stopped)
    found = _by_exercise(_grade(course, tmp_path, _chapter()))
    assert found[GRU].grade.checks[0].message.id == "evaluate.stopped"
    assert found[GRU].grade.score is None
    assert found[OTHER].grade.verdict is Verdict.NO_MODEL


def test_a_full_disk_of_ours_is_not_taken_for_the_end_of_the_judge(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> dict[str, Answer]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(attempts, "evaluate", full)
    found = _by_exercise(_grade(course, tmp_path, _chapter()))
    told = found[GRU].grade.checks[0].message
    assert told.id == "pipeline.fault"
    assert "No space left" in str(told.args["error"])
    assert found[OTHER].grade.checks[0].message == told, "nobody was asked about it either"


def test_what_was_ungraded_is_judged_again_from_the_kept_run(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(tasks: Sequence[ModelTask], _room: object, **_: object) -> dict[str, Answer]:
        raise RoomFailedError(Message("evaluate.stopped", {"seconds": 300}), tasks[0].id)

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "evaluate", stopped)
        (record,) = _grade(course, tmp_path, _submission()).records
    assert record.grade.score is None
    with Store(tmp_path) as store:
        (again,) = regrade(course, store.latest(), b"s" * 32)
    assert again.grade.score is None
