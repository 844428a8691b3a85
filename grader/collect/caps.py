"""How much one student can hand in: what is above is refused by name, and costs nobody else.

Enters: what was found, with whose it is; submissions that were read. Leaves: what is within the
caps, and a message for what is not. Touches nothing.

Every notebook may run to its time limit, and its code is held until it does: a folder of three
hundred endless ones kept a class waiting for ten hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TypeVar

from grader.collect.labels import Label, Whereabouts
from grader.submission import Submission
from grader.types import Message, Scalar

NOTEBOOKS = 50  # a course has some twenty exercises, each handed in twice
CODE = 16 * 2**20  # characters of all of them; an honest one has some thousands
CODE_TOGETHER = (
    512 * 2**20
)  # of everybody: five hundred students, forty notebooks each, thrice over

Found = TypeVar("Found")


def first_of_each(
    found: Sequence[Found], labels: Sequence[Label], refused: list[Message]
) -> Iterator[tuple[Found, Label]]:
    """Give the first notebooks of each student, with their labels; the others are refused.

    Args:
        found: notebooks, in the order of the batch.
        labels: what they are called, in the same order.
        refused: where it is told, once per student.
    """
    handed_in = Counter(label.student for label in labels)
    given = Counter[str]()
    for one, label in zip(found, labels, strict=True):
        given[label.student] += 1
        if given[label.student] <= NOTEBOOKS:
            yield one, label
        elif given[label.student] == NOTEBOOKS + 1:
            args: dict[str, Scalar] = {"student": label.student, "name": label.name}
            args |= {"count": handed_in[label.student], "limit": NOTEBOOKS}
            refused.append(Message("collect.too_many_of_one", args))


def within_code(submissions: Iterable[Submission], refused: list[Message]) -> list[Submission]:
    """Keep submissions as they are read, until a student's code, or everybody's, takes too much.

    Where all takes too much, whoever has most gives way: in a folder in which each file is a
    student of its own nobody knows who put many there, and an honest one is small.

    Args:
        submissions: in the order of the batch; what is not kept is not held.
        refused: where each that is left out is told.
    """
    held = _Held()
    for one in submissions:
        size = code_of(one)
        if held.of[one.student] + size > CODE:
            refused.append(_told("collect.too_much_code", one, CODE))
            continue
        held.add(one, size)
        while held.together > CODE_TOGETHER:
            refused.append(_told("collect.too_much_code_in_all", held.drop(), CODE_TOGETHER))
    return list(held.kept.values())


def code_of(one: Submission) -> int:
    """Count the characters of a submission's code."""
    return sum(len(cell.source) for cell in one.notebook.cells) if one.notebook else 0


@dataclass
class _Held:
    """What is kept, and of whom most is."""

    kept: dict[str, Submission] = field(default_factory=dict)
    of: Counter[str] = field(default_factory=Counter)
    together: int = 0
    _theirs: dict[str, list[Submission]] = field(default_factory=dict)
    _most: list[tuple[int, str]] = field(default_factory=list)  # a heap; some of it is out of date

    def add(self, one: Submission, size: int) -> None:
        self.kept[one.name] = one
        self._theirs.setdefault(one.student, []).append(one)
        self._changed(one.student, size)

    def drop(self) -> Submission:
        """Take out the largest notebook of whoever has most."""
        while -self._most[0][0] != self.of[self._most[0][1]]:
            heappop(self._most)
        student = self._most[0][1]
        largest = max(self._theirs[student], key=code_of)
        self._theirs[student].remove(largest)
        del self.kept[largest.name]
        self._changed(student, -code_of(largest))
        return largest

    def _changed(self, student: str, by: int) -> None:
        self.together += by
        self.of[student] += by
        heappush(self._most, (-self.of[student], student))


def _told(message_id: str, one: Submission, limit: int) -> Message:
    args: dict[str, Scalar] = {"name": one.name, "student": one.student, "limit": limit >> 20}
    return Message(message_id, args)


def each_by_itself(notebooks: Sequence[Whereabouts]) -> Message | None:
    """Tell of more notebooks in no folder, by no platform, than one student may hand in.

    Each is its own student, so no cap of one student's applies; only a teacher knows the class.
    """
    flat = [
        one.named.student
        for one in notebooks
        if one.named.folders is None and one.named.platform is None and not one.named.sample
    ]
    if len(flat) <= NOTEBOOKS:
        return None
    args: dict[str, Scalar] = {"count": len(flat), "students": len(set(flat))}
    return Message("collect.each_by_itself", args)
