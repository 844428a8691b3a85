"""The words that the stages share.

Enters: nothing. Leaves: frozen dataclasses, one group per stage edge. Touches nothing.

collect gives a Submission (``grader/submission.py``), execute turns it into an Execution (claims
from the room, ``grader/execution.py``), extract turns claims into Evidence (facts that the judge
established), score turns Evidence into a Grade, record and report keep and show it. Text for people
is a Message: an id and its arguments; the words live in ``grader/locale``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from numpy.typing import NDArray
from typing_extensions import TypeAliasType

Json = TypeAliasType("Json", "str | int | float | bool | list[Json] | dict[str, Json] | None")
Scalar: TypeAlias = str | int | float | bool | None
Array: TypeAlias = NDArray[Any]

UNKNOWN = "unknown"  # the exercise of a notebook in which no model of any exercise was found
NO_REFERENCE = (
    "accuracy.no_reference"  # why there are no numbers: the instructor's side is not here
)


class Verdict(StrEnum):
    """Outcomes in the order of precedence: the first that applies is the verdict."""

    GRADER_ERROR = "grader_error"
    MALFORMED = "malformed"
    MEMORY_LIMIT = "memory_limit"
    TIME_LIMIT = "time_limit"
    RUNTIME_ERROR = "runtime_error"
    NO_MODEL = "no_model"
    WRONG_ARCHITECTURE = "wrong_architecture"
    WRONG_DATA = "wrong_data"
    UNTRAINED = "untrained"
    LOW_ACCURACY = "low_accuracy"
    SUSPICIOUS = "suspicious"
    WAITING = "waiting"  # nothing failed, and some points are a teacher's to give
    BY_HAND = "by_hand"  # a teacher gave the points, fewer than all
    EXCUSED = "excused"  # a teacher said that it does not count
    ACCEPTED = "accepted"


JUDGED = tuple(one for one in Verdict if one.value not in {"by_hand", "excused"})  # by the grader


class EvidenceClass(StrEnum):
    """The five classes that share the points of an exercise."""

    RUNS = "runs"
    STRUCTURE = "structure"
    DATA = "data"
    TRAINING = "training"
    ACCURACY = "accuracy"


class Engine(StrEnum):
    """Keras backends that a notebook can run on."""

    TENSORFLOW = "tensorflow"
    JAX = "jax"


class Level(StrEnum):
    """How well a room is closed, as found by a live self-test."""

    FULL = "full"
    REDUCED = "reduced"
    NONE = "none"


@dataclass(frozen=True)
class Message:
    """Something to tell a person: a key of the message catalogues and its arguments."""

    id: str
    args: Mapping[str, Scalar] = field(default_factory=dict)


class GraderError(Exception):
    """Bad input or a fault of ours, said in one sentence; never the student's work being wrong."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id, dict(message.args))
        self.message = message


# --- execute ---------------------------------------------------------------------------------


class Outcome(StrEnum):
    """How the room ended."""

    FINISHED = "finished"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    KERNEL_DIED = "kernel_died"


@dataclass(frozen=True)
class CellError:
    """An exception as the kernel told it; student text, already bounded and stripped of ANSI."""

    name: str
    value: str
    traceback: str


@dataclass(frozen=True)
class LeftOut:
    """A statement that did not count, since it needs what the room lacks; the rest of its cell ran.

    So it is with a statement that needs a name which another one left out would have bound.
    """

    cell: int
    line: int  # of the cell, from 1
    statements: int  # of the cell
    kind: str  # package, device, drive, …: see grader/score/hints_runs.py
    what: str  # sklearn
    error: str  # ModuleNotFoundError: No module named 'sklearn'


@dataclass(frozen=True)
class Isolation:
    """The level that held, and each layer that a live probe saw holding."""

    level: Level
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimeSpent:
    """Seconds of a run, or of all that a submission needed; the rest is other cells and judging."""

    start: float = 0.0  # until kernels answered
    waiting: float = 0.0  # for trainings of ours to begin, or for an equal one of somebody else's
    training: float = 0.0  # by our own room, or in cells that train by themselves
    evaluation: float = 0.0  # in rooms that ask its models

    def plus(self, other: TimeSpent) -> TimeSpent:
        """Give the sum."""
        return TimeSpent(
            round(self.start + other.start, 3),
            round(self.waiting + other.waiting, 3),
            round(self.training + other.training, 3),
            round(self.evaluation + other.evaluation, 3),
        )


# --- extract ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayerFact:
    """One layer as rebuilt: class, settings, output shape without batch, parameters."""

    cls: str  # "GRU", "Bidirectional(GRU)", "TimeDistributed(Dense)"
    config: Mapping[str, Json]  # units, activation, return_sequences … of the (inner) layer
    output_shape: tuple[int | None, ...]
    params: int


@dataclass(frozen=True)
class ModelFacts:
    """The model that stands for this exercise, and where it was found."""

    layers: tuple[LayerFact, ...]
    total_params: int
    input_shape: tuple[int | None, ...]
    cell: int  # where it was built
    name: str
    rebuilt: bool  # False: holds layers outside the allow-list, facts are the config's alone


@dataclass(frozen=True)
class Finding:
    """One answered question about the data: 1.0 right, 0.0 wrong, between where it is partly so."""

    id: str  # "data.target"
    fraction: float
    expected: str
    got: str
    message: Message
    hint: Message | None = None


@dataclass(frozen=True)
class RunFacts:
    """What the transcript says about the cells."""

    outcome: Outcome
    cells: int
    failed: tuple[tuple[int, CellError], ...]
    stopped_at: int | None  # cell in which the room was stopped
    left_out: tuple[LeftOut, ...] = ()  # statements that need what the room lacks
    more_failed: int = 0  # failing cells beside those that are named


@dataclass(frozen=True)
class TrainingFacts:
    """What fits did to the weights of the chosen model."""

    fits: int
    epochs: int  # epochs completed by the fits that led to the final weights
    changed: bool  # final weights differ from the first ones
    finite: bool
    history: Mapping[str, tuple[float, ...]]
    compile: Mapping[str, Json]
    cell: int | None
    epochs_asked: int | None = None  # by the last fit
    rows: int | None = None  # that each epoch trained on; None where they were not counted
    batch_size: int | None = None  # None: the notebook did not say it, and Keras took 32
    mended: bool = False  # a textbook's slip left no slope; trained anew with it put right
    updates: int | None = None  # weight updates of all fits together
    target_kind: str = ""  # "binary", "whole", "real": what the sampled targets hold
    unseen: bool = False  # the weights are too large to be looked at
    reached: int | None = None  # epochs of a last fit that never ended, as last reported
    own_updates: int = 0  # made by loops of the notebook's own
    own_epochs: int = 0  # that the exercise's training would have made of as many


@dataclass(frozen=True)
class Repeated:
    """A claimed training, done again by our own room without what no order can say."""

    metrics: Mapping[str, float] = field(default_factory=dict)  # of what came of it
    learned: bool = False  # its weights moved and its loss fell
    times: int = 0  # that it was tried, each with another seed
    seconds: float = 0.0
    why: Message | None = None  # it could not be done


@dataclass(frozen=True)
class Proof:
    """Whose training stands for a model, where trainings are asked for."""

    key: str = ""  # of our own result; "" where all that is known is what the notebook tells
    why: Message | None = None  # nothing of ours stands for it
    repeated: Repeated | None = None  # of a claim; None where there was nothing to repeat
    device: str = "cpu"  # of our own training

    @property
    def proven(self) -> bool:
        """Whether the training is ours."""
        return bool(self.key)


@dataclass(frozen=True)
class OtherModel:
    """A model of the notebook that does not stand for this exercise."""

    name: str
    cell: int
    epochs: int
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """Facts about one exercise in one run, established by the judge from claims."""

    exercise: str
    runs: RunFacts
    model: ModelFacts | None
    data: tuple[Finding, ...]
    layout: str | None
    training: TrainingFacts | None
    metrics: Mapping[str, float]  # of the model, on the hidden data
    flags: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()
    hints: tuple[Message, ...] = ()
    unmet: Message | None = None  # why there are no metrics, where there are none
    unlooked: Message | None = None  # why nobody looked at the data, where nobody here can
    others: tuple[OtherModel, ...] = ()
    data_of: OtherModel | None = None  # whose fit shows the data, where this one was never fitted
    # The same metrics of predictors that need no model, by name: {"mean": {"mse": 0.049}, …}.
    controls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    proof: Proof | None = None  # None: nobody was asked, the notebook trains by itself


# --- score -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One line of the rubric, answered."""

    id: str  # "structure.layer-1"
    cls: EvidenceClass | None  # None for a message of the grader's own
    points: float
    max_points: float
    message: Message
    expected: str
    got: str
    cell: int | None = None  # of the notebook, where it is about one
    waiting: float = 0.0  # points that it would earn, were they not a teacher's to give

    @property
    def passed(self) -> bool:
        """Whether it earned all its points; a check without points passes."""
        return self.points >= self.max_points - 1e-9

    @property
    def failed(self) -> bool:
        """Whether points are lost, whatever a teacher says about those that wait."""
        return self.points + self.waiting < self.max_points - 1e-9


@dataclass(frozen=True)
class Grade:
    """Points with reasons: a pure function of evidence, expectation and rubric."""

    verdict: Verdict
    score: float | None
    max_score: float
    checks: tuple[Check, ...]
    hints: tuple[Message, ...]
    flags: tuple[str, ...]

    @property
    def graded(self) -> bool:
        """False only for a fault of ours."""
        return self.verdict is not Verdict.GRADER_ERROR

    @property
    def waiting(self) -> float:
        """The points that a teacher has yet to give or refuse; none once one has decided."""
        settled = self.verdict in {Verdict.BY_HAND, Verdict.EXCUSED, Verdict.ACCEPTED}
        return 0.0 if settled else round(sum(check.waiting for check in self.checks), 2)


# --- record ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """One run that counted towards the grade."""

    number: int
    seed: int
    engine: Engine
    kind: str  # run (the notebook), retrain (its model, trained anew)
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class UsedThreshold:
    """The threshold that a grade was scored with, as calibration gave it for engine and device."""

    metric: str
    better: str  # "lower" or "higher"
    value: float | None  # None: no metric separates right from wrong here
    control: float | None  # the best negative control's score
    engine: str
    device: str
    widened: bool  # measured on another engine or device
    reason: str
    attempts: int | None = None  # that correct work has; None where ``false_fail`` is unknown
    false_fail: float | None = None  # at most so often correct work misses it in all of them


class HandKind(StrEnum):
    """What a teacher does by hand."""

    OVERRIDE = "override"
    EXCUSE = "excuse"
    COMMENT = "comment"
    RERUN = "rerun"
    UNDO = "undo"
    FORGET = "forget"


@dataclass(frozen=True)
class HandLine:
    """One thing that somebody did by hand: who, when, what, why. No line is ever changed."""

    id: str  # hex
    at: str  # ISO 8601, UTC, with microseconds
    by: str
    kind: HandKind
    student: str = ""
    exercise: str = ""  # of a line to forget, "" for all of them
    text: str = ""  # the reason; of a comment what it says
    score: float | None = None  # of an override
    most: float | None = None  # points that the exercise had then
    undoes: str = ""  # id of the line that this one takes back
    erased: int = 0  # how much is forgotten: results, lines by hand, notes of what was left aside


@dataclass(frozen=True)
class ByHand:
    """What was decided by hand about a record, and what the grader had found."""

    found: Grade | None  # None where nothing was handed in
    decision: HandLine | None  # the override or excuse in force
    comments: tuple[HandLine, ...] = ()
    asked_again: HandLine | None = None  # a rerun that nobody has made yet


class Timing(StrEnum):
    """When something was handed in, held against the student's own deadline."""

    NO_DATE = "no_date"  # the exercise has none
    IN_TIME = "in_time"
    GRACE = "grace"  # after it, by so little that nothing is taken off
    LATE = "late"
    CUT_OFF = "cut_off"  # so late that it earns nothing
    MARKED = "marked"  # the platform calls it late, and does not say by how much
    UNKNOWN = "unknown"  # nobody knows when


@dataclass(frozen=True)
class ByRules:
    """What the course's rules make of a hand-in, and what the grader had given."""

    counts: bool  # of its student's for the exercise it is this one
    instead: str = ""  # else the submission that counts
    attempt: int = 1  # from 1, in the order of handing in
    attempts: int = 1  # of this student for this exercise
    found: Grade | None = None  # before anything was taken off; None where nothing was handed in
    timing: Timing = Timing.NO_DATE
    handed_in: str = ""  # ISO 8601 with offset; "" where nobody knows when
    due: str = ""  # likewise, the student's own with any extension; "" where there is none
    days: int = 0  # begun since then, 0 in time
    taken: float = 0.0  # points, of the exercise's checks
    waiting: float | None = None  # of the points that wait, what lateness leaves; None: all
    told: tuple[Message, ...] = ()  # for the student: what was taken off, and why
    weight: float = 1.0  # in the course's total
    points: float | None = None  # that the exercise has in the LMS; None: as many as its checks
    section: str = ""
    handed_in_by: str = ""  # another member of the student's group


@dataclass(frozen=True)
class Record:
    """One exercise of one student, graded: what is written, exported and shown."""

    key: str  # score key, hex
    execution_key: str
    submission: str
    student: str
    exercise: str
    grade: Grade
    evidence: Evidence | None
    attempts: tuple[Attempt, ...]
    engine: Engine | None
    device: str
    isolation: Isolation
    seconds: float
    graded_at: str  # ISO 8601, UTC
    versions: Mapping[str, str]
    threshold: UsedThreshold | None = None  # None: nothing was measured on these data
    hidden_seed: int | None = None  # of the hidden data; for the judge's eyes, in no report
    profile: str = "laptop"  # whose sizes the exercise had
    same_as: str = ""  # submission with the very same code, whose run this record tells of
    handed_in: str = ""  # as a platform told it
    spent: TimeSpent | None = None  # of ``seconds``; None where nothing was run for it
    by_hand: ByHand | None = None  # read from its own lines, never kept in a record
    by_rules: ByRules | None = None  # made from course.toml, never kept in a record

    @property
    def author(self) -> str:
        """Who handed it in: the student, or another member of the student's group."""
        by = self.by_rules.handed_in_by if self.by_rules is not None else ""
        return by or self.student

    @property
    def waiting(self) -> float:
        """The points that a teacher has yet to give or refuse, less what lateness takes of them."""
        held = self.grade.waiting
        left = self.by_rules.waiting if self.by_rules is not None else None
        return held if left is None else min(held, left)
