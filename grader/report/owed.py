"""What somebody owes and did not hand in: said to them and to the teacher, and in the total.

Enters: which exercises a course names, for which there are hand-ins, who handed in which. Leaves:
the exercises that everybody of the class owes, and what one of it lacks. Touches nothing.

A course says what is owed by giving exercises dates, points or weights in ``course.toml``; where it
names none, a class with a roster owes what some of it handed in. Of hand-ins that nobody called a
class nothing is known. An exercise that nobody handed in yet is not owed yet (once it was due, a
line says so of it, and of nobody); nor is one of which somebody's own deadline is ahead, by that
one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.report import wording
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import UNKNOWN

LONGEST = 60  # characters of a name in a line
Ahead = Callable[[str, str], bool]  # whether a student has time left for an exercise


def never_ahead(_student: str, _exercise: str) -> bool:
    """Say that nobody has time left, as where there are no deadlines."""
    return False


@dataclass(frozen=True)
class Missing:
    """What one student lacks.

    Attributes:
        exercises: ids of those that are owed and were not found.
        most: what these count in the total.
        files: what was handed in beside notebooks, and nobody looked at, as one text.
    """

    exercises: Sequence[str] = ()
    most: float = 0.0
    files: str = ""

    def lines(self, words: Words, titles: Mapping[str, str]) -> Iterator[str]:
        """Say it to the student."""
        if self.exercises:
            names = ", ".join(wording.title(one, titles, words) for one in self.exercises)
            yield words("attendance.owed", count=len(self.exercises), exercises=names)
        if self.files:
            yield words("attendance.not_used", files=printable(self.files, limit=300))


def owed(there: Iterable[str], named: Collection[str], *, is_class: bool) -> tuple[str, ...]:
    """Give what everybody owes in the end, in the order of ``there``.

    Args:
        there: exercises that somebody handed in.
        named: those that the course says something of, beyond how they are graded.
        is_class: whether there is a roster.
    """
    some = [one for one in there if one != UNKNOWN]
    return tuple(one for one in some if (one in named if named else is_class))


def lacking_lines(
    lacks: Mapping[str, Sequence[str]], words: Words, titles: Mapping[str, str]
) -> Iterator[str]:
    """Say who lacks which exercise: ``lacks`` are students by exercise; none where nobody does."""
    told = {one: students for one, students in lacks.items() if students}
    if told:
        yield words("attendance.missing", count=len(told))
    for exercise, students in told.items():
        names = "; ".join(printable(one, limit=LONGEST) for one in students)
        shown = wording.title(exercise, titles, words)
        yield words("attendance.nothing_for", exercise=shown, count=len(students), names=names)
