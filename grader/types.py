"""The words that the stages share.

Enters: nothing. Leaves: frozen dataclasses, one group per stage edge. Touches nothing.

collect gives a Submission, execute turns it into an Execution (claims from the room), extract turns
claims into Evidence (facts that the judge established), score turns Evidence into a Grade, record
and report keep and show it. Text for people is a Message: an id and its arguments; the words live
in ``grader/locale``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
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


# --- collect ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One code cell. ``index`` counts all cells of the notebook from 1, as a reader would."""

    index: int
    source: str
    said: str = ""  # what it printed when its author ran it, where it asks for input


@dataclass(frozen=True)
class Notebook:
    """What a notebook file says: its code cells and the exercise that its metadata names."""

    cells: tuple[Cell, ...]
    exercise: str | None
    digest: str  # sha256 of the sources, hex, and of what was typed into them
    language: str = "python"  # as the metadata names it


@dataclass(frozen=True)
class HandedIn:
    """A small file of the author's, handed in beside the notebook; read again when it is needed."""

    name: str  # relative to the notebook
    path: Path  # the file, or the zip that it lies in
    inside: tuple[int, ...]  # its place in that zip, and in those within
    digest: str  # sha256, hex


@dataclass(frozen=True)
class Submission:
    """One notebook handed in. Either ``notebook``, ``problem`` or ``fault`` is set."""

    name: str  # path relative to what was collected, printable
    student: str
    path: Path
    exercises: tuple[str, ...] | None  # None: whatever the notebook turns out to hold
    notebook: Notebook | None
    problem: Message | None
    digest: str  # sha256 of the file's bytes, hex
    fault: Message | None = None  # why we could not read it, which is no fault of its author's
    handed_in: str = ""  # as a platform wrote it into a name: ISO 8601, or the count of uploads
    files: tuple[HandedIn, ...] = ()  # the author's own, for the notebook's room
    notes: tuple[Message, ...] = ()  # for the author


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
class Remark:
    """What a line used that is called otherwise today, or stands in for something; no mistake."""

    cell: int
    line: int  # of the cell, from 1
    kind: str  # old_api, stand_in, asked, restart, elsewhere
    what: str  # lr=
    instead: str  # learning_rate=; "" where nothing took its place


@dataclass(frozen=True)
class CellRun:
    """What one code cell did. ``status``: ok, error, or stopped where it was cut off."""

    index: int
    status: str
    seconds: float
    stdout: str
    error: CellError | None
    images: tuple[bytes, ...] = ()  # PNG as the student's kernel sent them: untrusted
    truncated: bool = False
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class ArraySample:
    """The first rows of an array given to ``fit``, with the whole array's shape."""

    shape: tuple[int, ...]
    dtype: str
    rows: Array  # (sampled, ...)
    statistics: Mapping[str, float]  # min, max, mean, std of the whole array, as claimed


@dataclass(frozen=True)
class Showing:
    """How much of its rows a fit could show, as the judge counts it.

    Attributes:
        left: bytes of what a run may show that it could take.
        most: bytes that any fit may.
    """

    left: int
    most: int


@dataclass(frozen=True)
class OtherRows:
    """Rows that the same fit was given in another shape, as batches padded by themselves have."""

    x: ArraySample
    y: ArraySample


@dataclass(frozen=True)
class FitSample:
    """What a call of ``fit`` was fed: inputs, targets and, where given, validation inputs."""

    x: ArraySample | None
    y: ArraySample | None
    validation_x: ArraySample | None = None
    validation_y: ArraySample | None = None
    kind: str = "arrays"  # arrays, drawn, dataset, generator, unknown
    digest: int | None = None  # as claimed: fits on the same data have the same
    batch: int | None = None  # of what was drawn: rows of the largest batch
    showing: Showing | None = None  # None: no more than the first rows or batch were shown
    differing: int | None = None  # rows of arrays that do, as claimed; those shown were drawn
    others: tuple[OtherRows, ...] = ()  # the heaviest first


@dataclass(frozen=True)
class Fit:
    """One call of ``fit`` on a model, as claimed; or calls in a loop, on the same data."""

    cell: int
    sample: FitSample
    epochs_asked: int | None
    epochs_run: int
    history: Mapping[str, tuple[float, ...]]
    finished: bool
    arguments: Mapping[str, Scalar]  # batch_size, validation_split, steps_per_epoch, shuffle …
    calls: int = 1  # of fit, where a loop made many that went on from each other
    ended: bool = True  # False: the room was stopped first, and what it led to is unknown


@dataclass(frozen=True)
class Jump:
    """A change of weights while no fit was running: restored, set, or made before the first fit."""

    left: tuple[Array, ...]  # by the fit before; none before the first one
    found: tuple[Array, ...]  # as the next fit began, or at the end


@dataclass(frozen=True)
class Candidate:
    """One Keras model of the notebook with everything claimed about it."""

    model: int  # number in order of first sight
    name: str  # variable, "" where none is left
    cell: int  # where it was last trained, else seen
    config: Mapping[str, Json]  # {"class_name", "config"} of keras' serialisation, size-checked
    compile: Mapping[str, Json]  # loss, optimizer, metrics as claimed
    fits: tuple[Fit, ...]
    initial: tuple[Array, ...]  # weights at first sight
    final: tuple[Array, ...]  # weights when last seen
    order: int  # larger is later
    jumps: tuple[Jump, ...] = ()  # the last few, that before the first fit included
    bare: bool = False  # its weights are too large to be looked at, and are not here
    own_updates: int = 0  # of its weights, by loops of the notebook's own: no fit made them
    own_sample: FitSample | None = None  # given to train_on_batch: the first batch, or all drawn


@dataclass(frozen=True)
class Isolation:
    """The level that held, and each layer that a live probe saw holding."""

    level: Level
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Training:
    """A fit of a run whose trainings are asked for. Without ``key``: done by the notebook itself.

    With one it is ours, and no claim. What ties a model to it: the same layers, and weights that
    are the result's to the last bit.
    """

    cell: int  # as the driver says
    key: str = ""  # of the result
    layers: str = ""  # digest of the order's layers
    weights: str = ""  # digest of the result's
    each_epoch: tuple[
        str, ...
    ] = ()  # digests of those after every epoch, where they were asked for
    before: str = ""  # key of the result that it went on from
    epochs: int = 0
    rows: int = 0  # that a whole pass over its data has, in full batches
    batch: int = 1  # rows of a full one
    samples: int | None = None  # of all epochs; None where each goes over all rows once
    fresh: bool = False  # of those samples no row came twice
    updates: int = 0  # those of what it went on from included
    moved: bool = False  # its last weights are not its first ones
    seconds: float = 0.0
    history: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    sample: FitSample | None = None  # each row that it was trained on once, of all of them
    why: Message | None = None  # the notebook trained by itself
    device: str = "cpu"  # that trained it, or an accelerator's name


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


@dataclass(frozen=True)
class Execution:
    """Everything that came out of one run of one notebook. All but ``trainings`` is claims."""

    outcome: Outcome
    cells: tuple[CellRun, ...]
    candidates: tuple[Candidate, ...]
    engine: Engine
    device: str  # cpu, or the GPU's name
    seed: int
    attempt: int
    isolation: Isolation
    seconds: float
    peak_memory_mb: float
    fixes_seeds: bool = False
    notes: tuple[Message, ...] = ()
    trainings: tuple[Training, ...] | None = None  # None: the notebook trains by itself
    spent: TimeSpent = field(default_factory=TimeSpent)


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
    cell: int
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
    first_loss: float | None
    last_loss: float | None
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
    erased: int = 0  # results that go with what is forgotten


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
