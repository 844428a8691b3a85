"""What the course's files may say: one pydantic model per table.

Enters: parsed TOML or JSON. Leaves: frozen dataclasses, by each model's one method.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from grader.course.exercises import Hint, Limits, Text, layers_at
from grader.course.expectations import CalibrationRun, Expectation, MeasuredLayer, Rate, Threshold
from grader.course.sizes import Form, FreeSize, LayerForm, evaluate
from grader.types import EvidenceClass

DEFAULT_POINTS = {"runs": 10, "structure": 35, "data": 15, "training": 15, "accuracy": 25}
FULL_SCORE = 100.0

Size = Annotated[int, Field(ge=1)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Extent = Size | str  # a formula where it depends on a free size


class Strict(BaseModel):
    """A table in which an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WordsTable(Strict):
    """One text in both languages."""

    en: Annotated[str, Field(min_length=1)]
    ko: Annotated[str, Field(min_length=1)]

    def text(self) -> Text:
        """Give the dataclass."""
        return Text(self.en.strip(), self.ko.strip())


class LayerTable(BaseModel):
    """``class``, ``output_shape``, ``params``; every other key is a setting that matters."""

    model_config = ConfigDict(extra="allow", frozen=True)
    cls: Annotated[str, Field(alias="class", pattern=r"^\w+(\(\w+\))?$")]
    output_shape: list[Extent]
    params: Annotated[int, Field(ge=0)] | str

    def form(self) -> LayerForm:
        """Give the dataclass."""
        config = dict(self.model_extra or {})
        return LayerForm(self.cls, config, tuple(self.output_shape), self.params)


class FreeTable(Strict):
    """A size that a student may choose: ``[model.free.V]``."""

    usual: Size
    least: Size
    most: Size


class ArchitectureTable(Strict):
    """The layers, and the sum that they must add up to."""

    input_shape: list[Extent]
    layers: Annotated[list[LayerTable], Field(min_length=1)]
    total_params: Annotated[int, Field(ge=0)] | str
    free: dict[str, FreeTable] = {}

    @model_validator(mode="after")
    def _adds_up(self) -> ArchitectureTable:
        form = self.form()
        for sizes in ({**form.usual(), **{s.name: s.least for s in form.free}}, form.usual()):
            total = sum(layer.params for layer in layers_at(form, sizes))
            stated = evaluate(self.total_params, sizes)
            if total != stated:
                raise ValueError(f"total_params is {stated}, but the layers add up to {total}")
        return self

    def form(self) -> Form:
        """Give the dataclass."""
        return Form(
            input_shape=tuple(self.input_shape),
            layers=tuple(layer.form() for layer in self.layers),
            free=tuple(
                FreeSize(name, size.usual, size.least, size.most)
                for name, size in self.free.items()
            ),
        )


class AlternativeTable(Strict):
    """Another architecture that counts in full; sizes and input are the model's."""

    layers: Annotated[list[LayerTable], Field(min_length=1)]
    total_params: Annotated[int, Field(ge=0)] | str
    note: WordsTable

    def form(self, model: ArchitectureTable) -> Form:
        """Give the dataclass.

        Raises:
            ValueError: the layers do not add up to ``total_params``.
        """
        given = self.model_dump(by_alias=True, exclude={"note"})
        inherited = model.model_dump(by_alias=True, include={"input_shape", "free"})
        return ArchitectureTable.model_validate({**inherited, **given}).form()


class PointsTable(Strict):
    """Points per evidence class, 100 in all."""

    runs: Annotated[float, Field(ge=0)] = DEFAULT_POINTS["runs"]
    structure: Annotated[float, Field(gt=0)] = DEFAULT_POINTS["structure"]
    data: Annotated[float, Field(ge=0)] = DEFAULT_POINTS["data"]
    training: Annotated[float, Field(ge=0)] = DEFAULT_POINTS["training"]
    accuracy: Annotated[float, Field(ge=0)] = DEFAULT_POINTS["accuracy"]

    @model_validator(mode="after")
    def _hundred(self) -> PointsTable:
        total = sum(self.model_dump().values())
        if abs(total - FULL_SCORE) > 1e-9:  # noqa: PLR2004
            raise ValueError(f"the points add up to {total:g}, not to {FULL_SCORE:g}")
        return self

    def by_class(self) -> dict[EvidenceClass, float]:
        """Give them by evidence class."""
        return {EvidenceClass(name): value for name, value in self.model_dump().items()}


class TrainingTable(Strict):
    """How long to train."""

    epochs: Size
    min_epochs: Size | None = None


class PublicFile(Strict):
    """``assignments/<id>/exercise.toml``."""

    order: int
    title: WordsTable
    points: PointsTable = PointsTable()
    training: TrainingTable
    files: list[FileName] = []  # data next to the notebook
    model: ArchitectureTable
    accept: list[AlternativeTable] = []


class LimitsTable(Strict):
    """Bounds of one attempt."""

    timeout: Annotated[float, Field(gt=0)] | None = None
    memory: Size | None = None

    def limits(self) -> Limits:
        """Give the dataclass."""
        return Limits(self.timeout, self.memory)


class OwnLimitsTable(LimitsTable):
    """Bounds of one attempt, and how many attempts."""

    attempts: Size = 3


class HintTable(WordsTable):
    """Advice, and when to give it."""

    when: str

    def hint(self, reworded: Callable[[str], str]) -> Hint:
        """Give the dataclass, with the profile's words."""
        text = self.text()
        return Hint(self.when, Text(reworded(text.en), reworded(text.ko)).message())


class PrivateFile(Strict):
    """``reference/<id>/spec.toml``."""

    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    data: dict[str, Any] = {}
    limits: OwnLimitsTable = OwnLimitsTable()
    samples: dict[str, LimitsTable] = {}
    hints: list[HintTable] = []
    words: dict[Annotated[str, Field(min_length=1)], str] = {}  # of the notebook, said otherwise


class BesideTable(Strict):
    """A small file that comes with an origin's: ``[[sources.beside]]``."""

    file: FileName
    url: Annotated[str, Field(pattern=r"^(https?|file)://")]
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class SourceTable(Strict):
    """One origin of a data set: ``[[sources]]``."""

    name: FileName
    where: Literal["shipped", "cache"]
    file: FileName
    licence: Annotated[str, Field(min_length=1)]
    about: WordsTable
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    size: Size | None = None
    url: Annotated[str, Field(pattern=r"^(https?|file)://")] | None = None
    beside: list[BesideTable] = []


class DataSetFile(Strict):
    """``reference/data/<name>.toml``."""

    title: WordsTable
    sources: Annotated[list[SourceTable], Field(min_length=1)]


class RateTable(Strict):
    """An error rate."""

    estimate: float
    upper95: float

    def rate(self) -> Rate:
        """Give the dataclass."""
        return Rate(self.estimate, self.upper95)


class LooseTable(BaseModel):
    """Calibration may write more than the contract asks for."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=True)


class RunTable(LooseTable):
    """One measured run."""

    control: str
    engine: str
    device: str
    cores: int
    seed: int
    metrics: dict[str, float]
    seconds: float

    def run(self) -> CalibrationRun:
        """Give the dataclass."""
        return CalibrationRun(**self.model_dump())


class ThresholdTable(LooseTable):
    """The threshold for one engine and device."""

    engine: str
    device: str
    metric: str
    better: Literal["lower", "higher"]
    value: float | None
    control: float | None = None
    false_fail: RateTable | None = None
    false_pass: RateTable | None = None
    reason: str

    def threshold(self) -> Threshold:
        """Give the dataclass."""
        return Threshold(
            metric=self.metric,
            better=self.better,
            value=self.value,
            control=self.control,
            engine=self.engine,
            device=self.device,
            false_fail=self.false_fail.rate() if self.false_fail else None,
            false_pass=self.false_pass.rate() if self.false_pass else None,
            reason=self.reason,
        )


class MeasuredLayerTable(LooseTable):
    """One layer as measured."""

    cls: Annotated[str, Field(alias="class")]
    output_shape: list[int | None]
    params: int


class StructureTable(LooseTable):
    """The reference's layers as measured."""

    layers: list[MeasuredLayerTable]
    total_params: int


class DataTable(LooseTable):
    """The data that the runs were fed."""

    fingerprint: str


class ExpectedFile(LooseTable):
    """``reference/<id>/expected.json``."""

    schema_: Annotated[Literal["grader/expected/v1"], Field(alias="schema")]
    exercise: str
    profile: str
    data: DataTable
    structure: StructureTable
    runs: list[RunTable]
    thresholds: list[ThresholdTable]
    environment: dict[str, Any] = {}

    def expectation(self) -> Expectation:
        """Give the dataclass."""
        return Expectation(
            exercise=self.exercise,
            profile=self.profile,
            fingerprint=self.data.fingerprint,
            layers=tuple(
                MeasuredLayer(layer.cls, tuple(layer.output_shape), layer.params)
                for layer in self.structure.layers
            ),
            total_params=self.structure.total_params,
            runs=tuple(run.run() for run in self.runs),
            thresholds=tuple(entry.threshold() for entry in self.thresholds),
            environment=self.environment,
        )


class SettingsFile(Strict):
    """``course.toml`` beside ``assignments/``; every key may be left out."""

    language: Literal["ko", "en"] | None = None
    exercises: tuple[str, ...] | None = None
    profile: str | None = None
