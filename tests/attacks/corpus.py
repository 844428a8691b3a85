"""Reads the corpus: a folder per threat with its ``expected.toml``.

Enters: the folders beside this file. Leaves: Attacks. Touches: reads those folders.

``expected.toml``::

    row = 1                        number of the threat, as in the folder's name
    attack = "one sentence"
    group = "look"                 which attacks are graded in one batch
    levels = ["full", "reduced"]   isolation levels that must hold it
    needs = ["gpu"]                what a machine must have; usually nothing
    [[submissions]]                what is handed in; none where a test of its own does it
    notebook = "walk.ipynb"        or: maker = "fifo", a function of makers.py
    verdicts = ["no_model"]        any of these; score, flags: exactly these where given
    seen = ["walked"]              what the cells must have printed: the attack really ran
    absent = ["forged"]            beyond canaries and BREACH, in nothing that the grader wrote of it
    seconds = 60                   how long grading may take, all in all
    over = 5                       how many seconds its run may take beyond the limit
    processes = 1100               how many the whole batch may have at once
    megabytes = 800                how much memory the judge may ever take
    written = 5_000_000            how many bytes may be kept of it
    said = ["refused"]             what the grader must have told the teacher; said_not: must not
    nowhere = ["\\u001b"]          in no file, no output
    shown = "red"                  the student's name in results, where it is not the folder's
    copies = 3                     handed in by so many students
    student = "=1+1"               a folder's name, where the name is the attack
    no_trainer = {verdicts = ["suspicious"], flags = ["pretrained"]}
                                   what is expected instead where notebooks train by themselves
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

HERE = Path(__file__).resolve().parent
EXERCISE = "sequence-prediction"


class _Instead(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    verdicts: list[str] | None = None
    flags: list[str] | None = None
    seen: list[str] | None = None


class _Submission(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    notebook: str | None = None
    maker: str | None = None
    verdicts: list[str] = Field(min_length=1)
    score: float | None = None
    flags: list[str] | None = None
    seen: list[str] = []
    absent: list[str] = []
    seconds: float = 600
    over: float | None = None
    processes: int | None = None
    megabytes: int | None = None
    written: int | None = None
    said: list[str] = []
    said_not: list[str] = []
    nowhere: list[str] = []
    shown: str | None = None
    copies: int = 1
    student: str | None = None
    no_trainer: _Instead = _Instead()


class _Expected(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    row: int
    attack: str
    group: str
    levels: list[str] = Field(min_length=1)
    needs: list[str] = []
    submissions: list[_Submission] = []


@dataclass(frozen=True)
class Bounds:
    """How much it may take; None: as much as everybody."""

    seconds: float
    over: float | None
    processes: int | None
    megabytes: int | None
    written: int | None


@dataclass(frozen=True)
class Instead:
    """What must become of a submission whose notebook trains by itself; None: the same."""

    verdicts: tuple[str, ...] | None = None
    flags: tuple[str, ...] | None = None
    seen: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Hostile:
    """One submission and what must become of it."""

    source: Path | None
    maker: str | None
    student: str  # the folder that it is handed in under
    verdicts: tuple[str, ...]
    score: float | None
    flags: tuple[str, ...] | None
    seen: tuple[str, ...]
    absent: tuple[str, ...]
    bounds: Bounds
    said: tuple[str, ...]
    said_not: tuple[str, ...]
    nowhere: tuple[str, ...]
    shown: str
    no_trainer: Instead = Instead()

    def where(self, *, trainer: bool) -> Hostile:
        """What must become of it, by who trains."""
        if trainer:
            return self
        instead = {name: told for name, told in vars(self.no_trainer).items() if told is not None}
        return replace(self, **instead)


@dataclass(frozen=True)
class Attack:
    """One threat."""

    name: str
    row: int
    sentence: str
    group: str
    levels: tuple[str, ...]
    needs: tuple[str, ...]
    submissions: tuple[Hostile, ...]


def attacks() -> tuple[Attack, ...]:
    """Every attack, by row."""
    return tuple(_read(folder) for folder in folders())


def folders() -> list[Path]:
    """Folders of the corpus."""
    return sorted(path for path in HERE.iterdir() if path.name[:2].isdigit())


def _read(folder: Path) -> Attack:
    expected = _Expected.model_validate(tomllib.loads((folder / "expected.toml").read_text()))
    return Attack(
        name=folder.name,
        row=expected.row,
        sentence=expected.attack,
        group=expected.group,
        levels=tuple(expected.levels),
        needs=tuple(expected.needs),
        submissions=tuple(
            hostile for one in expected.submissions for hostile in _handed_in(folder, one)
        ),
    )


def _handed_in(folder: Path, one: _Submission) -> Iterator[Hostile]:
    stem = Path(one.notebook).stem if one.notebook else one.maker
    for copy in range(one.copies):
        student = one.student or f"{folder.name[:2]}-{stem}" + (f"-{copy}" if copy else "")
        yield Hostile(
            source=folder / one.notebook if one.notebook else None,
            maker=one.maker,
            student=student,
            verdicts=tuple(one.verdicts),
            score=one.score,
            flags=_tuple(one.flags),
            seen=tuple(one.seen),
            absent=tuple(one.absent),
            bounds=Bounds(one.seconds, one.over, one.processes, one.megabytes, one.written),
            said=tuple(one.said),
            said_not=tuple(one.said_not),
            nowhere=tuple(one.nowhere),
            shown=one.shown or student,
            no_trainer=Instead(
                _tuple(one.no_trainer.verdicts),
                _tuple(one.no_trainer.flags),
                _tuple(one.no_trainer.seen),
            ),
        )


def _tuple(words: list[str] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)
