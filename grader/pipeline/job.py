"""One submission to grade: its limits, its seeds, its keys.

Enters: a course, settings, a submission. Leaves: a Job. Touches: reads the exercises' files for
their fingerprints, once.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from grader import environment, seeds
from grader.code.engines import AUTO, EngineChoice, choose
from grader.collect.notebooks import ASKS
from grader.collect.stored import Stored, read_again
from grader.course.data import digest_of, room_files
from grader.course.exercises import Course, Exercise, Limits
from grader.course.own_checks import checks_path
from grader.course.profiles import LAPTOP, expected_name
from grader.gpus.gpus import Gpu
from grader.pipeline.judging import NOT_LOOKED, Looked
from grader.pipeline.runner import Slot
from grader.record.keys import canonical, execution_key, score_key
from grader.submission import Submission
from grader.trainer.keys import TRAINER
from grader.types import Engine, GraderError, Level, Message

JUDGE_VERSION = "18"  # of extract and score: a change that can move a score raises it
PACKAGE = Path(__file__).resolve().parents[1]
# What runs with a notebook or around it, and reads what it left.
ROOM_CODE = ("kernel", "driver", "execute", "room/inside", "arrays.py", "plain_files.py")
DEFAULT_MEMORY_MB = 4096
DEFAULT_TIMEOUT = 120.0
LONGEST_TIMEOUT = 3600.0


@dataclass(frozen=True)
class Settings:
    """How to grade a batch.

    ``timeout`` (seconds) and ``memory_mb`` bound one attempt; None takes the exercise's own. After
    ``until`` (seconds since 1970) nothing more is begun.
    """

    secret: bytes
    engine: str = "auto"
    timeout: float | None = None
    memory_mb: int | None = None
    seed: int | None = None
    jobs: int = 1
    gpus: tuple[Gpu, ...] = ()
    warm: bool = True  # rooms begin as forks where they can
    until: float | None = None
    round: bool | None = None  # a class's trainings are done together; None: where that is cheaper
    one_step: bool = False  # of every fit: models are looked at, and not trained
    trainer: bool | None = None  # our own room trains, whatever the course says; None: as it says

    def is_late(self) -> bool:
        """Whether the time of the batch is up."""
        return self.until is not None and time.time() >= self.until

    def wants_trainer(self, course: Course) -> bool:
        """Whether fits are to be asked of our own room, where it can train."""
        return course.asks_trainer if self.trainer is None else self.trainer


@dataclass(frozen=True)
class Job:
    """One submission in one batch."""

    course: Course
    settings: Settings
    submission: Submission
    level: Level
    looked: Looked = NOT_LOOKED  # at the notebook's code
    asked_again: str = ""  # when somebody asked to run it anew; what was kept before is not taken

    @cached_property
    def choice(self) -> EngineChoice:
        """The engine that runs first."""
        available = environment.engines()
        if self.submission.notebook is None:
            return EngineChoice(available[0] if available else Engine.JAX, None, may_rerun=False)
        wanted = self.settings.wants_trainer(self.course) and self.settings.engine == AUTO
        if wanted and no_trainer(self.level) is None:
            return choose(self.looked.needs_tensorflow, Engine.TENSORFLOW.value, available)
        return choose(self.looked.needs_tensorflow, self.settings.engine, available)

    def asks_trainer(self, engine: Engine) -> bool:
        """Whether a notebook on this engine has its trainings done by our own room, which is JAX's.

        One that was asked to run on JAX trains by itself, as does every one where there is no JAX,
        and in an open room, where it could write the answers itself.
        """
        wanted = self.settings.wants_trainer(self.course) and not self.settings.one_step
        return wanted and engine is Engine.TENSORFLOW and no_trainer(self.level) is None

    @cached_property
    def owed(self) -> tuple[Exercise, ...]:
        """The exercises that may be in it."""
        ids = self.submission.exercises or tuple(self.course.exercises)
        return tuple(self.course.exercises[one] for one in ids if one in self.course.exercises)

    @cached_property
    def attempts(self) -> int:
        """How often a sound model may be run before points are lost."""
        return max((exercise.attempts for exercise in self.owed), default=1)

    @cached_property
    def _sample_limits(self) -> Limits:
        return sample_limits(self.course, self.submission) or Limits()

    def timeout(self, engine: Engine) -> float:
        """Seconds for one attempt."""
        given = self.settings.timeout or self._sample_limits.timeout
        if given is not None:
            return given
        total = math.fsum(exercise.timeout(engine.value) for exercise in self.owed)
        return min(LONGEST_TIMEOUT, total or DEFAULT_TIMEOUT)

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The data files of the notebook's room, by name.

        Raises:
            GraderError: one of the course's own is missing or damaged.
        """
        return room_files(self.course, self.owed)

    @cached_property
    def own_files(self) -> Mapping[str, bytes]:
        """The author's own files beside the notebook, by name.

        Raises:
            GraderError: one of them is not what it was when it was collected.
        """
        return {
            one.name: read_again(Stored(one.path, one.inside), one.digest)
            for one in self.submission.files
        }

    @cached_property
    def _data_digest(self) -> str:
        """Never raises: what is ungraded for a missing file needs a key as well."""
        own = "".join(f" {one.name}:{one.digest}" for one in self.submission.files)
        try:
            return self._sizes + digest_of(self.files) + own
        except GraderError:
            return f"{self._sizes}missing{own}"

    @cached_property
    def _sizes(self) -> str:
        """Name the exercises with other sizes than the usual; nothing where there are none."""
        return "".join(f"{e.id}:{e.profile} " for e in self.owed if e.profile != LAPTOP)

    @property
    def memory_mb(self) -> int:
        """Megabytes for one room."""
        given = self.settings.memory_mb or self._sample_limits.memory
        asked = [exercise.limits.memory for exercise in self.owed if exercise.limits.memory]
        return given or max(asked, default=DEFAULT_MEMORY_MB)

    def seed(self, attempt: int) -> int:
        """Training seed of an attempt, counted from 1.

        Where a trainer trains, that of everybody: equal work is then the same order, trained once.
        """
        if self.settings.seed is not None:
            return self.settings.seed + attempt - 1
        if self.asks_trainer(self.choice.engine):
            return seeds.training_seed(self.settings.secret, "", "", attempt)
        owed = ",".join(self.submission.exercises or ("auto",))
        return seeds.training_seed(self.settings.secret, self.submission.student, owed, attempt)

    def hidden_seed(self, exercise: str) -> int:
        """Seed of an exercise's hidden data."""
        return seeds.hidden_seed(self.settings.secret, exercise)

    @cached_property
    def _keys(self) -> dict[tuple[object, ...], str]:
        """Keys that were asked for before: each is asked for several times."""
        return {}

    def execution_key(self, slot: Slot, engine: Engine, attempt: int) -> str:
        """Key of one run."""
        asked = (slot.device, len(slot.cores), engine, attempt)
        if asked not in self._keys:
            self._keys[asked] = self._execution_key(slot, engine, attempt)
        return self._keys[asked]

    def _execution_key(self, slot: Slot, engine: Engine, attempt: int) -> str:
        versions = {k: v for k, v in environment.versions().items() if k != "grader"}
        versions |= environment.installed((*environment.USUAL, *self.course.packages))
        if not self.course.old_api:
            versions["old_api"] = "refused"
        if self.settings.one_step:
            versions["fits"] = "one step"
        if self.asks_trainer(engine):
            versions["trainings"] = f"trainer {TRAINER}"
        return execution_key(
            notebook=self.submission.digest,
            data=self._data_digest,
            environment=versions,
            engine=engine.value,
            device=slot.device,
            cores=len(slot.cores),
            seed=self.seed(attempt),
            limits=self._limits(engine),
            isolation=self.level.value,
            probe=room_code_digest(),
        )

    def _limits(self, engine: Engine) -> dict[str, object]:
        """What bounds a run; and the epochs, where the notebook asks somebody for numbers."""
        limits: dict[str, object] = {"timeout": self.timeout(engine), "memory": self.memory_mb}
        notebook = self.submission.notebook
        if notebook is not None and any(ASKS in cell.source for cell in notebook.cells):
            limits["epochs"] = self.epochs
        return limits

    @property
    def epochs(self) -> int | None:
        """The epochs that its exercises ask for, the fewest where it may be several."""
        return min((exercise.epochs for exercise in self.owed), default=None)

    def score_key(self, slot: Slot, exercise: str) -> str:
        """Key of one record."""
        execution = self.execution_key(slot, self.choice.engine, 1)
        asked = (execution, exercise)
        if asked not in self._keys:
            self._keys[asked] = record_key(
                self.course,
                self.settings.secret,
                execution=execution,
                submission=self.submission.name,
                student=self.submission.student,
                exercise=exercise,
            )
        return self._keys[asked]

    def journal_key(self, slot: Slot) -> str:
        """Name under which the store counts how often this was begun."""
        return f"{self.submission.name}/{self.execution_key(slot, self.choice.engine, 1)}"


def may_ask(course: Course, settings: Settings, level: Level) -> bool:
    """Whether notebooks of a batch may have their trainings done by our own room."""
    wanted = settings.wants_trainer(course) and not settings.one_step
    return wanted and settings.engine != Engine.JAX.value and no_trainer(level) is None


def no_trainer(level: Level) -> Message | None:
    """Say why our own room cannot train here, so that notebooks do; None where it can."""
    for engine in (Engine.TENSORFLOW, Engine.JAX):
        if engine not in environment.engines():
            return Message("trainer.no_engine", {"engine": engine.value})
    return Message("trainer.open_rooms") if level is Level.NONE else None


def record_versions() -> dict[str, str]:
    """Give the versions that a record tells of: what it ran on, and the judge's."""
    return environment.versions() | {"judge": JUDGE_VERSION}


def record_key(
    course: Course,
    secret: bytes,
    *,
    execution: str,
    submission: str,
    student: str,
    exercise: str,
) -> str:
    """Key of a record: run, exercise's files, expectation, hidden data, judge."""
    known = course.exercises.get(exercise)
    files, expectation = fingerprints(course, known) if known else ("", "")
    return score_key(
        execution=execution,
        submission=submission,
        student=student,
        exercise=exercise,
        exercise_files=files,
        expectation=expectation,
        hidden_seed=seeds.hidden_seed(secret, exercise),
        judge=JUDGE_VERSION,
    )


def sample_limits(course: Course, submission: Submission) -> Limits | None:
    """Give the limits that a sample in ``reference/<id>/submissions`` carries in its spec."""
    if course.reference is None:
        return None
    try:
        parts = submission.path.resolve().relative_to(course.reference.resolve()).parts
    except ValueError:
        return None
    exercise = course.exercises.get(parts[0]) if parts else None
    if exercise is None or parts[1:2] != ("submissions",):
        return None
    return exercise.sample_limits.get("/".join(parts[2:]))


@cache
def room_code_digest() -> str:
    """Give a digest of all code of ours that can change what a run yields.

    What runs beside the notebook (kernel, probe), what starts and talks to it (launcher, driver),
    and what reads from them. A change of any of it makes new executions; what was kept before is
    not mistaken for them. ``code/engines.py`` chooses the engine, which is in the key by itself.
    """
    places = [PACKAGE / name for name in ROOM_CODE]
    files = [path for place in places for path in (place, *place.rglob("*.py")) if path.is_file()]
    told = [(path.relative_to(PACKAGE).as_posix(), _file_digest(path)) for path in files]
    return hashlib.sha256(canonical(sorted(told))).hexdigest()


_digests: dict[tuple[Path, int, int], str] = {}


def fingerprints(course: Course, exercise: Exercise) -> tuple[str, str]:
    """Give digests of an exercise's files, and of its expectation."""
    files = [exercise.assignment_path / "exercise.toml"]
    expectation: list[Path] = []
    if exercise.reference_path is not None and course.reference is not None:
        files.append(exercise.reference_path / "spec.toml")
        files += [path] if (path := checks_path(exercise)) is not None else []
        files += sorted((course.reference / "families").glob("*.py"))
        files += sorted((course.reference / "data").glob("*.toml"))
        expectation.append(exercise.reference_path / expected_name(exercise.profile))
    sizes = "" if exercise.profile == LAPTOP else f"{exercise.profile} "
    if exercise.reference_path is None:  # for a student's check fewer points are to be had
        sizes += f"{exercise.max_score} "
    if course.public is not None:
        files += sorted(path for path in course.public.rglob("*") if path.is_file())
    return sizes + _digest(files), _digest(expectation)


def _digest(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        if path.is_file():
            whole.update(_file_digest(path).encode())
    return whole.hexdigest()


def _file_digest(path: Path) -> str:
    status = path.stat()
    place = (path, status.st_mtime_ns, status.st_size)
    if place not in _digests:
        _digests[place] = hashlib.sha256(path.read_bytes()).hexdigest()
    return _digests[place]
