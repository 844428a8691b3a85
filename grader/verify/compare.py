"""What was expected, what came, and how much of it is right.

Enters: Rulings on files; Cases with the records of their notebooks. Leaves: Failures, Tallies.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.types import Message, Record
from grader.verify.cases import CourseCase, Kind
from grader.verify.ruling import Ruling


@dataclass(frozen=True)
class Failure:
    """One thing that is not as it must be."""

    subject: str  # a notebook; an exercise or a file, and the rule that it breaks
    exercise: str
    expected: Message
    got: Message
    record: Record | None = None  # of a graded notebook: it says why


@dataclass(frozen=True)
class Tally:
    """How it came out; ``total`` counts what was looked at."""

    failures: tuple[Failure, ...]
    total: int
    missing: int = 0  # not graded, since somebody pressed Ctrl-C
    ungraded: bool = False
    waiting: int = 0  # let pass, and not in ``total``: they wait for a calibration

    @property
    def right(self) -> int:
        """How many were as they must be."""
        return self.total - len({failure.subject for failure in self.failures})

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            failures=(*self.failures, *other.failures),
            total=self.total + other.total,
            missing=self.missing + other.missing,
            ungraded=self.ungraded or other.ungraded,
            waiting=self.waiting + other.waiting,
        )


def tally_of_files(rulings: Sequence[Ruling], *, uncalibrated: bool) -> Tally:
    """Count what the rules say; what only waits for somebody may be left out of the count."""
    failures = [
        Failure(f"{one.subject} ({one.rule})", "", one.expected, one.got)
        for one in rulings
        if one.got is not None and not (one.waiting and uncalibrated)
    ]
    total = sum(one.holds for one in rulings) + len(failures)
    return Tally(tuple(failures), total, waiting=len(rulings) - total)


def tally_of_runs(graded: Sequence[tuple[CourseCase, Sequence[Record]]], missing: int) -> Tally:
    """Count the notebooks that were graded."""
    return Tally(
        failures=tuple(one for case, records in graded for one in misses(case, records)),
        total=len(graded),
        missing=missing,
        ungraded=any(not one.grade.graded for _, records in graded for one in records),
    )


def misses(case: CourseCase, records: Iterable[Record]) -> Iterator[Failure]:
    """Compare what a notebook got with what it must get."""
    by_exercise = {record.exercise: record for record in records}
    for exercise, verdict in case.wanted.items():
        record = by_exercise.get(exercise) or next(iter(by_exercise.values()), None)
        expected = _expected(case, verdict)
        if record is None or (case.kind is Kind.CHAPTER and exercise not in by_exercise):
            yield Failure(case.name, exercise, expected, Message("verify.not_found"))
        elif not _is_as_wanted(case, verdict, record):
            yield Failure(case.name, record.exercise, expected, _got(record), record)


def _is_as_wanted(case: CourseCase, verdict: str, record: Record) -> bool:
    """A stub runs, scores zero and says why; a reference scores full; a sample gets its verdict."""
    grade = record.grade
    if case.kind is Kind.STUB:
        said = grade.hints or any(not check.passed for check in grade.checks)
        ran = all(one.got == one.expected for one in grade.checks if one.id == "runs.cells")
        return grade.graded and grade.score == 0 and bool(said) and ran
    if case.kind is Kind.REFERENCE and grade.score != grade.max_score:
        return False
    return grade.verdict.value == verdict


def _expected(case: CourseCase, verdict: str) -> Message:
    if case.kind is Kind.STUB:
        return Message("verify.stub_wanted")
    if case.kind is Kind.REFERENCE:
        return Message("verify.reference_wanted")
    return Message("verify.verdict", {"name": verdict})


def _got(record: Record) -> Message:
    verdict, score = record.grade.verdict.value, record.grade.score
    if score is None:
        return Message("verify.verdict", {"name": verdict})
    return Message("verify.verdict_with_score", {"got": verdict, "score": score})
