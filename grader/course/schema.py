"""What the course's TOML files may say, where a table has another shape than its dataclass.

Enters: parsed TOML. Leaves: frozen dataclasses, by each model's one method. Touches nothing.

A table that holds what its dataclass holds is read into it as it is: ``Text``, ``Limits`` and all
of ``expected.json``. The models here are of whole files, which go to several dataclasses, and of
tables that say a thing otherwise: a layer's settings beside its other keys, a size by the name of
its table, points by class, a data set's file without the folder where it lies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from grader.course.exercises import Hint, Limits, Phrase, Seconds, Size, Text, layers_at
from grader.course.sizes import Form, FreeSize, LayerForm, WrongValueError, evaluate
from grader.types import EvidenceClass

DEFAULT_POINTS = {"runs": 10, "structure": 35, "data": 15, "training": 15, "accuracy": 25}
FULL_SCORE = 100.0

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Extent = Size | str  # a formula where it depends on a free size


class Strict(BaseModel):
    """A table in which an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    enough: Size | None = None  # of data as long as this; the usual size where it is not said

    def size(self, name: str) -> FreeSize:
        """Give the dataclass."""
        enough = self.usual if self.enough is None else self.enough
        return FreeSize(name, self.usual, self.least, self.most, enough)


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
                raise WrongValueError("rules.total_params", stated=stated, total=total)
        return self

    def form(self) -> Form:
        """Give the dataclass."""
        return Form(
            input_shape=tuple(self.input_shape),
            layers=tuple(layer.form() for layer in self.layers),
            free=tuple(size.size(name) for name, size in self.free.items()),
        )


class AlternativeTable(Strict):
    """Another architecture that counts in full; sizes and input are the model's."""

    layers: Annotated[list[LayerTable], Field(min_length=1)]
    total_params: Annotated[int, Field(ge=0)] | str
    note: Text

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
            raise WrongValueError("rules.points_sum", total=total, full=FULL_SCORE)
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
    title: Text
    points: PointsTable = PointsTable()
    training: TrainingTable
    files: list[FileName] = []  # data next to the notebook
    model: ArchitectureTable
    accept: list[AlternativeTable] = []


class OwnLimitsTable(Strict):
    """Bounds of one attempt, and how many attempts."""

    timeout: Seconds | None = None
    memory: Size | None = None
    attempts: Size = 3

    def limits(self) -> Limits:
        """Give the dataclass."""
        return Limits(self.timeout, self.memory)


class HintTable(Strict):
    """Advice, and when to give it."""

    when: str
    en: Phrase
    ko: Phrase

    def hint(self, reworded: Callable[[str], str]) -> Hint:
        """Give the dataclass, with the profile's words."""
        return Hint(self.when, Text(reworded(self.en), reworded(self.ko)).message())


class PrivateFile(Strict):
    """``reference/<id>/spec.toml``."""

    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    data: dict[str, Any] = {}
    unbeaten: list[str] = []  # of the family's answers without a model, see Exercise
    limits: OwnLimitsTable = OwnLimitsTable()
    samples: dict[str, Limits] = {}
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
    about: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    size: Size | None = None
    url: Annotated[str, Field(pattern=r"^(https?|file)://")] | None = None
    beside: list[BesideTable] = []


class DataSetFile(Strict):
    """``reference/data/<name>.toml``."""

    title: Text
    sources: Annotated[list[SourceTable], Field(min_length=1)]
