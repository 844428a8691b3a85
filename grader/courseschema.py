"""What the course's files may say: one pydantic model per table.

Enters: parsed TOML or JSON. Leaves: frozen dataclasses, by each model's one method. Touches nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from grader.exercises import ExpectedLayer, Hint, Limits, Text
from grader.expectations import CalibrationRun, Expectation, MeasuredLayer, Rate, Threshold
from grader.types import EvidenceClass

DEFAULT_POINTS = {"runs": 10, "structure": 35, "data": 15, "training": 15, "accuracy": 25}
FULL_SCORE = 100.0

Size = Annotated[int, Field(ge=1)]
Shape = tuple[Size | None, ...]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WordsTable(Strict):
    en: Annotated[str, Field(min_length=1)]
    ko: Annotated[str, Field(min_length=1)]

    def text(self) -> Text:
        return Text(self.en.strip(), self.ko.strip())


class LayerTable(BaseModel):
    """``class``, ``output_shape``, ``params``; every other key is a setting that matters."""

    model_config = ConfigDict(extra="allow", frozen=True)
    cls: Annotated[str, Field(alias="class", pattern=r"^\w+(\(\w+\))?$")]
    output_shape: list[Size | None]
    params: Annotated[int, Field(ge=0)]

    def expected(self) -> ExpectedLayer:
        config = dict(self.model_extra or {})
        return ExpectedLayer(self.cls, config, tuple(self.output_shape), self.params)


class ArchitectureTable(Strict):
    input_shape: list[Size | None]
    layers: Annotated[list[LayerTable], Field(min_length=1)]
    total_params: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _adds_up(self) -> ArchitectureTable:
        total = sum(layer.params for layer in self.layers)
        if total != self.total_params:
            raise ValueError(
                f"total_params is {self.total_params}, but the layers add up to {total}"
            )
        return self


class AlternativeTable(ArchitectureTable):
    input_shape: list[Size | None] = []
    note: WordsTable


class PointsTable(Strict):
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
        return {EvidenceClass(name): value for name, value in self.model_dump().items()}


class TrainingTable(Strict):
    epochs: Size
    min_epochs: Size | None = None


class PublicFile(Strict):
    """``assignments/<id>/exercise.toml``."""

    order: int
    title: WordsTable
    points: PointsTable = PointsTable()
    training: TrainingTable
    model: ArchitectureTable
    accept: list[AlternativeTable] = []


class LimitsTable(Strict):
    timeout: Annotated[float, Field(gt=0)] | None = None
    memory: Size | None = None

    def limits(self) -> Limits:
        return Limits(self.timeout, self.memory)


class OwnLimitsTable(LimitsTable):
    attempts: Size = 3


class HintTable(WordsTable):
    when: str

    def hint(self) -> Hint:
        return Hint(self.when, self.text().message())


class PrivateFile(Strict):
    """``reference/<id>/spec.toml``."""

    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None
    data: dict[str, Any] = {}
    limits: OwnLimitsTable = OwnLimitsTable()
    samples: dict[str, LimitsTable] = {}
    hints: list[HintTable] = []


class RateTable(Strict):
    estimate: float
    upper95: float

    def rate(self) -> Rate:
        return Rate(self.estimate, self.upper95)


class LooseTable(BaseModel):
    """Calibration may write more than the contract asks for."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=True)


class RunTable(LooseTable):
    control: str
    engine: str
    device: str
    cores: int
    seed: int
    metrics: dict[str, float]
    seconds: float

    def run(self) -> CalibrationRun:
        return CalibrationRun(**self.model_dump())


class ThresholdTable(LooseTable):
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
    cls: Annotated[str, Field(alias="class")]
    output_shape: list[int | None]
    params: int


class StructureTable(LooseTable):
    layers: list[MeasuredLayerTable]
    total_params: int


class DataTable(LooseTable):
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
