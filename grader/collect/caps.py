"""How much one student can hand in: what is above is refused by name, and costs nobody else.

Enters: what was found, with whose it is; submissions that were read. Leaves: what is within the
caps, and a message for what is not. Touches nothing.

Every notebook may run to its time limit, and its code is held until it does: a folder of three
hundred endless ones kept a class waiting for ten hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from grader.collect.labels import Label
from grader.types import Message, Scalar, Submission

NOTEBOOKS = 50  # a course has some twenty exercises, each handed in twice
CODE = 16 * 2**20  # characters of all of them; an honest one has some thousands

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


def within_code(submissions: Iterable[Submission], refused: list[Message]) -> Iterator[Submission]:
    """Give submissions as they are read, until a student's code takes too much memory.

    Args:
        submissions: in the order of the batch; what is not given on is not held.
        refused: where each that is left out is told.
    """
    held = Counter[str]()
    for one in submissions:
        cells = one.notebook.cells if one.notebook is not None else ()
        size = sum(len(cell.source) for cell in cells)
        if held[one.student] + size > CODE:
            args: dict[str, Scalar] = {"name": one.name, "student": one.student}
            args["limit"] = CODE >> 20
            refused.append(Message("collect.too_much_code", args))
            continue
        held[one.student] += size
        yield one
