"""A course and its exercises: what is asked, what it is worth, what was measured.

Enters: what ``grader.course.load`` read. Leaves: frozen dataclasses, and the exercise at the sizes
that a student chose. Touches nothing. Students have ``assignments/`` only; whatever ``reference/``
holds is then absent and nothing else changes.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

from grader.course.expectations import TRAINER, Expectation, Threshold
from grader.course.marks import AfterValidator, ConfigDict, Field
from grader.course.profiles import LAPTOP
from grader.course.sizes import Form, evaluate
from grader.policy.rules import Rules
from grader.types import EvidenceClass, GraderError, Json, Message

ASSIGNMENTS = "assignments"
REFERENCE = "reference"
SAMPLES = "submissions"  # in an exercise's private folder, one folder per expected verdict
COMMON = ("families", "chapter", "data")  # folders of reference/ that are no exercise
COURSE = "course_"  # before the name of a length: the one that the course's own data have
MIN_TIMEOUT = 120.0  # seconds; an attempt is never cut off earlier unless the exercise says so
SLACK = 5.0  # times the slowest reference run
SLOWER = 3.0  # times as slow as those that were timed is an engine that nobody timed, at most
# Of a reference that nobody timed. Taken for a long one: it starts before the others, so that a
# batch does not end by waiting for it, and a quick look does without it.
UNMEASURED_SECONDS = 120.0

Phrase = Annotated[str, Field(min_length=1), AfterValidator(str.strip)]
Seconds = Annotated[float, Field(gt=0)]
Size = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Text:
    """Words of the course itself, in both languages."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")  # an unknown key is a mistake
    en: Phrase
    ko: Phrase

    def message(self) -> Message:
        """Give them as a Message: the catalogue of each language picks its own argument."""
        return Message("course.inline", {"en": self.en, "ko": self.ko})


@dataclass(frozen=True)
class ExpectedLayer:
    """One layer as the exercise asks for it."""

    cls: str  # "GRU", "Bidirectional(GRU)", "TimeDistributed(Dense)"
    config: Mapping[str, Json]  # the settings that matter, of the inner layer for a wrapper
    output_shape: tuple[int | None, ...]  # without the batch axis
    params: int


@dataclass(frozen=True)
class Alternative:
    """Another architecture that earns the same points, and the note that goes with it."""

    layers: tuple[ExpectedLayer, ...]
    total_params: int
    input_shape: tuple[int | None, ...]
    note: Message
    form: Form = field(repr=False)  # with formulas where a size is free


@dataclass(frozen=True)
class Hint:
    """Advice for when something fails."""

    when: (
        str  # a verdict ("low_accuracy"), an evidence class ("data") or a check id ("data.target")
    )
    message: Message


@dataclass(frozen=True)
class Limits:
    """Bounds of one attempt; None stands for the default."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")  # an unknown key is a mistake
    timeout: Seconds | None = None
    memory: Size | None = None  # MB


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is asked, what it is worth, what was measured."""

    id: str
    order: int
    title: Text
    profile: str  # whose sizes these are: ``laptop`` where the course's has none of its own
    points: Mapping[EvidenceClass, float]  # five classes, 100 in all
    layers: tuple[ExpectedLayer, ...]
    total_params: int
    input_shape: tuple[int | None, ...]  # without the batch axis
    accept: tuple[Alternative, ...]
    epochs: int
    min_epochs: int
    # from reference/, absent for students
    family: str | None
    data: Mapping[str, Json]  # the family's table
    attempts: int
    limits: Limits
    sample_limits: Mapping[str, Limits]  # "time_limit/endless.ipynb" -> its own limits
    hints: tuple[Hint, ...]
    expectation: Expectation | None
    assignment_path: Path
    reference_path: Path | None
    form: Form = field(repr=False)  # with formulas where a size is free
    dataset: str | None = None  # the data set in reference/data that it is made of
    files: tuple[str, ...] = ()  # data next to the notebook, below assignment_path
    profiles: tuple[str, ...] = ()  # with sizes of its own, besides ``laptop``
    words: Mapping[str, str] = field(default_factory=dict)  # of the notebook, said otherwise
    # Answers without a model that right work need not beat, so that they are no known mistakes.
    unbeaten: tuple[str, ...] = ()
    elsewhere: tuple[Exercise, ...] = field(default=(), repr=False)  # at its other profiles' sizes
    unasked: tuple[EvidenceClass, ...] = ()  # of which the course has checks that are not here
    apart: bool = False  # accuracy earns points as well, where it is graded: not here

    def sized(self, input_shape: Sequence[int | None]) -> Exercise:
        """Give the exercise at the sizes that an input shows; itself where none is free.

        What ``data`` says of a size by the same name is laid over too: model, training data and
        hidden questions then have the student's own length. ``course_<size>`` is the course's.
        """
        sizes = self.form.read(input_shape)
        if sizes is None or sizes == self.form.read(self.input_shape):
            return self
        accept = tuple(
            replace(other, **architecture_at(other.form, sizes)) for other in self.accept
        )
        lengths: dict[str, Json] = {key: sizes[key] for key in sizes if key in self.data}
        lengths |= {COURSE + key: self.data.get(COURSE + key, self.data[key]) for key in lengths}
        return replace(
            self,
            accept=accept,
            data={**self.data, **lengths},
            **architecture_at(self.form, sizes),
        )

    @property
    def max_score(self) -> float:
        """Give the points that there are: 100, and fewer where only a part is looked at."""
        return total_of(self.points)

    @property
    def earns_by_accuracy(self) -> bool:
        """Whether accuracy on new data earns points, here or where it is graded."""
        return self.apart or self.points.get(EvidenceClass.ACCURACY, 0.0) > 0

    @property
    def lengths(self) -> Mapping[str, int]:
        """Give the free sizes that are the data's as well, as the exercise has them."""
        sizes = self.form.read(self.input_shape) or {}
        return {key: size for key, size in sizes.items() if key in self.data}

    def at_profile_of(self, own: Exercise) -> Exercise:
        """Give the profile whose lengths these are, where its data differ in nothing else.

        What was measured there then holds here: a threshold is about data and not about a name.
        Of shorter data it never does: they may be easier.

        Args:
            own: this exercise at the student's sizes.
        """
        got = own.lengths
        if got == self.lengths or any(got[key] < size for key, size in self.lengths.items()):
            return self
        same = [one for one in self.elsewhere if _without_rows(one) == _without_rows(own)]
        return same[0] if same and same[0].expectation is not None else self

    def threshold(
        self, engine: str, device: str, fingerprint: str | None = None
    ) -> Threshold | None:
        """Look up the accuracy threshold; see ``Expectation.threshold``."""
        if self.expectation is None:
            return None
        return self.expectation.threshold(engine, device, fingerprint)

    def points_for(self, threshold: Threshold | None) -> Mapping[EvidenceClass, float]:
        """Give the points per class; without a threshold, accuracy's are spread over the others.

        Structure, data and training share them in proportion; ``runs`` keeps its own, for it is
        about the notebook and not about the model.
        """
        spare = self.points[EvidenceClass.ACCURACY]
        if not spare or (threshold is not None and threshold.value is not None):
            return self.points
        sharers = (EvidenceClass.STRUCTURE, EvidenceClass.DATA, EvidenceClass.TRAINING)
        base = sum(self.points[c] for c in sharers)
        spread = {c: self.points[c] + spare * self.points[c] / base for c in sharers}
        return {**self.points, **spread, EvidenceClass.ACCURACY: 0.0}

    def timeout(self, engine: str) -> float:
        """Give the seconds that one attempt may take on an engine."""
        if self.limits.timeout is not None:
            return self.limits.timeout
        slowest = self.expectation.reference_seconds(engine) if self.expectation else None
        if slowest is None:
            slowest = SLOWER * max(self._timed(), default=0.0)
        return max(MIN_TIMEOUT, SLACK * slowest)

    def reference_seconds(self) -> float:
        """Give the slowest reference run on the fastest engine that was timed."""
        return min(self._timed(), default=UNMEASURED_SECONDS)

    def _timed(self) -> list[float]:
        """Give the slowest reference run of each engine that notebooks trained on by themselves."""
        measured = self.expectation
        engines = {run.engine for run in measured.runs} - {TRAINER} if measured else set()
        times = [measured.reference_seconds(engine) for engine in engines] if measured else []
        return [one for one in times if one is not None]

    def hints_for(self, *keys: str) -> tuple[Message, ...]:
        """Give the hints for verdicts, evidence classes or check ids, in the file's order."""
        return tuple(hint.message for hint in self.hints if hint.when in keys)


@dataclass(frozen=True)
class Course:
    """Every exercise of a course, by id, in teaching order."""

    root: Path
    exercises: Mapping[str, Exercise]
    language: str | None = None  # from course.toml
    owed: tuple[str, ...] | None = None  # exercises that every notebook owes, from course.toml
    profile: str = LAPTOP  # as asked for
    packages: tuple[str, ...] = ()  # that notebooks find in their rooms, from course.toml
    old_api: bool = True  # calls of 2018 to 2020 run as they did; from course.toml
    hints: int | None = None  # that a check in a notebook may give, from course.toml; None: all
    asks_trainer: bool = True  # a room of ours trains what notebooks ask for; from course.toml
    name: str = ""  # from course.toml
    # The students' half, where it is theirs that is checked: reference/ then takes no part.
    public: Path | None = None
    public_left: str = ""  # why its code is not taken although it is there: a message's id
    read_rules: Callable[[], Rules] = field(default=Rules, compare=False, repr=False)

    @cached_property
    def rules(self) -> Rules:
        """Attempts, dates, lateness, weights.

        Raises:
            GraderError: course.toml says something that cannot be, or its zone is unknown here.
        """
        return self.read_rules()

    def __getstate__(self) -> dict[str, Any]:
        """Give what goes to a process that judges, which has no use for rules nor time zones."""
        return {k: v for k, v in self.__dict__.items() if k not in {"rules", "read_rules"}}

    @property
    def reference(self) -> Path | None:
        """The instructor's folder; None in a student's copy, and for a check of theirs."""
        path = self.root / REFERENCE
        return path if self.public is None and path.is_dir() else None

    def exercise(self, identifier: str) -> Exercise:
        """Give one exercise.

        Raises:
            GraderError: no such id; names the nearest one.
        """
        try:
            return self.exercises[identifier]
        except KeyError:
            nearest = nearest_id(self, identifier)
            key = "course.unknown_exercise" if nearest is None else "course.unknown_exercise_near"
            raise GraderError(
                Message(key, {"exercise": identifier, "nearest": nearest or ""})
            ) from None


def total_of(points: Mapping[EvidenceClass, float]) -> float:
    """Add points up, free of what adding fractions leaves."""
    return round(math.fsum(points.values()), 2)


def _without_rows(exercise: Exercise) -> dict[str, Json]:
    """Give the table of the data, but for how many of them are enough and how long others are."""
    beside = {"min_rows", *(COURSE + key for key in exercise.lengths)}
    return {key: value for key, value in exercise.data.items() if key not in beside}


def layers_at(form: Form, sizes: Mapping[str, int]) -> tuple[ExpectedLayer, ...]:
    """Compute every formula of a form.

    Raises:
        ValueError: a formula is none.
    """

    def setting(value: Json) -> Json:
        return sizes[value] if isinstance(value, str) and value in sizes else value

    return tuple(
        ExpectedLayer(
            cls=layer.cls,
            config={key: setting(value) for key, value in layer.config.items()},
            output_shape=tuple(evaluate(extent, sizes) for extent in layer.output_shape),
            params=evaluate(layer.params, sizes),
        )
        for layer in form.layers
    )


def architecture_at(form: Form, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Give the fields that an Exercise and an Alternative share, at these sizes."""
    layers = layers_at(form, sizes)
    return {
        "form": form,
        "layers": layers,
        "total_params": sum(layer.params for layer in layers),
        "input_shape": tuple(evaluate(extent, sizes) for extent in form.input_shape),
    }


def nearest_id(course: Course, identifier: str) -> str | None:
    """Give the exercise id that a mistyped one most likely meant, None where nothing is near."""
    wanted = identifier.strip().lower().replace("_", "-")
    near = difflib.get_close_matches(wanted, course.exercises, n=1, cutoff=0.5)
    return near[0] if near else None
