"""Everybody of a class, each once: who handed in what, and who nothing. Every sum is the roster.

Enters: Records, a roster, whose files could not be looked at. Leaves: People, as lines for the
class's page and as a table. Touches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from grader.policy.hand_ins import Counting, is_excused
from grader.report import wording
from grader.report.attendance import matched, mentioned, people_of
from grader.report.owed import Ahead, never_ahead
from grader.report.roster import Roster
from grader.report.spreadsheet import csv_text, inert
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import UNKNOWN, Message, Record, Verdict

LONGEST = 60  # characters of a name in a line
NOBODYS: Mapping[str, Sequence[Message]] = {}
COLUMNS = ("name", "student", "on_roster", "state", "other_files")


class State(StrEnum):
    """What there is of somebody; of several exercises the first of these that fits one."""

    WAITING = "waiting"  # not graded yet, which is a fault of ours
    GRADED = "graded"
    EXCUSED = "excused"
    NO_NOTEBOOK = "no_notebook"  # something was handed in, and no notebook that can be read
    UNREAD = "unread"  # something was handed in that we could not look at
    MENTIONED = "mentioned"  # a hand-in bears the name, and one of a namesake
    NOTHING = "nothing"
    NOT_DUE = "not_due"  # nothing, and there is time left
    NOT_OWED = "not_owed"  # nothing, and nobody has to; only of one exercise


PARTS = {
    State.GRADED: "attendance.part_graded",
    State.WAITING: "attendance.part_waiting",
    State.EXCUSED: "attendance.part_excused",
    State.NO_NOTEBOOK: "attendance.part_no_notebook",
    State.UNREAD: "attendance.part_unread",
    State.MENTIONED: "attendance.part_mentioned",
    State.NOTHING: "attendance.part_nothing",
    State.NOT_DUE: "attendance.part_not_due",
}
_EMPTY = frozenset({State.NOTHING, State.NOT_DUE})
NAMED = (State.NOTHING, State.NOT_DUE, State.NO_NOTEBOOK, State.UNREAD, State.MENTIONED)
LINES = {
    State.NOTHING: "attendance.nothing",
    State.NOT_DUE: "attendance.not_due",
    State.NO_NOTEBOOK: "attendance.no_notebook",
    State.UNREAD: "attendance.unread",
    State.MENTIONED: "attendance.mentioned",
    State.WAITING: "attendance.waiting",
}


@dataclass(frozen=True)
class Person:
    """Somebody of the class.

    Attributes:
        name: as the roster has it, else as the hand-in is called.
        student: as hand-ins are called; "" where there is none.
        on_roster: whether the roster has a row; True where there is no roster.
        state: of all exercises together.
        states: of each exercise.
        others: files that lay beside a notebook and that nobody looked at.
    """

    name: str
    student: str
    on_roster: bool
    state: State
    states: Mapping[str, State]
    others: str = ""


@dataclass(frozen=True)
class People:
    """A class.

    Attributes:
        people: everybody, those of the roster first.
        exercises: for which there is a record, in the course's order.
        roster: how many the roster has; None where there is none.
        unread: what could not be looked at, and files of which nobody knows whose they are.
        owed: the exercises that everybody owes (``grader.report.owed``); none where nobody knows.
        ahead: who has time left for which exercise, and so lacks nothing yet; whoever handed in
            nothing is called as the roster has it.
        unheard: titles of exercises that were due, and for which there is no hand-in at all.
    """

    people: Sequence[Person]
    exercises: Sequence[str]
    roster: int | None
    unread: Sequence[Message] = ()
    owed: Sequence[str] = ()
    ahead: Ahead = never_ahead
    unheard: Sequence[str] = ()

    @property
    def tells_more(self) -> bool:
        """Whether there is more to tell than who has a grade: a roster's people, other files."""
        return self.roster is not None or any(one.others for one in self.people)

    def lines(self, words: Words) -> Iterator[str]:
        """Say how the class adds up; name who has no grade, and files that nobody read."""
        yield from self.sum(words)
        yield from self.without_grade(words)
        yield from self._unheard(words)
        yield from self._named([one for one in self.people if one.state is State.WAITING], words)
        if beside := [one for one in self.people if one.others]:
            names = "; ".join(f"{_name(one)} ({one.others})" for one in beside)
            yield words("attendance.other_files", count=len(beside), names=names)
        if others := [one for one in self.people if not one.on_roster]:
            yield words("attendance.strangers", count=len(others), names=_names(others))

    def sum(self, words: Words) -> Iterator[str]:
        """Say how the class adds up to the roster, where there is one."""
        if self.roster is not None:
            counts = Counter(one.state for one in self.people if one.on_roster)
            parts = (words(PARTS[one], count=counts[one]) for one in PARTS if counts[one])
            yield words("attendance.sum", roster=self.roster, parts=", ".join(parts))

    def without_grade(self, words: Words) -> Iterator[str]:
        """Name who handed in nothing that could be graded, and what could not be looked at."""
        for state in NAMED:
            there = [one for one in self.people if one.on_roster and one.state is state]
            yield from self._named(there, words)
        yield from map(words.say, self.unread)

    def without_one(self, words: Words, titles: Mapping[str, str]) -> Iterator[str]:
        """Name who handed in something, and nothing for one of several exercises in time."""
        for exercise in self.owed or self.exercises:
            missing = [
                one
                for one in self.people
                if one.on_roster and one.state not in _EMPTY and _lacks(one, exercise)
            ]
            if missing and exercise != UNKNOWN:
                shown = wording.title(exercise, titles, words)
                names = _names(missing)
                yield words(
                    "attendance.nothing_for", exercise=shown, count=len(missing), names=names
                )

    def lacking(self, one: Person) -> list[str]:
        """Give the exercises that somebody owes by now and of which nothing was handed in."""
        return [exercise for exercise in self.owed if _lacks(one, exercise)]

    @property
    def absent(self) -> list[str]:
        """What those of the roster are called of whom there is nothing that was due."""
        return [one.name for one in self.people if one.on_roster and one.state is State.NOTHING]

    def person(self, student: str) -> Person | None:
        """Find somebody by the name that hand-ins have."""
        return next((one for one in self.people if student and one.student == student), None)

    def end(self, words: Words) -> Iterator[str]:
        """Say how many handed in nothing, or not all that they owe."""
        there = [one for one in self.people if one.on_roster]
        nothing = sum(one.state is State.NOTHING for one in there)
        some = sum(one.state not in _EMPTY and bool(self.lacking(one)) for one in there)
        if nothing:
            yield words("attendance.end_nothing", count=nothing)
        if some:
            yield words("attendance.end_some", count=some)
        yield from self._unheard(words)

    def _unheard(self, words: Words) -> Iterator[str]:
        if self.unheard:
            yield words("attendance.unheard", exercises=", ".join(self.unheard))

    def _named(self, some: Sequence[Person], words: Words) -> Iterator[str]:
        if some:
            yield words(LINES[some[0].state], count=len(some), names=_names(some))

    def table(self) -> str:
        """Give all of it as CSV: a row per person, a column per exercise."""
        rows = [
            [
                inert(one.name),
                inert(one.student),
                str(one.on_roster),
                one.state.value,
                inert(one.others),
                *(one.states[exercise].value for exercise in self.exercises),
            ]
            for one in self.people
        ]
        return csv_text([[*COLUMNS, *map(inert, self.exercises)], *rows])


def people(
    records: Sequence[Record],
    exercises: Sequence[str],
    roster: Roster | None,
    unread: Mapping[str, Sequence[Message]],
    loose: Sequence[Message] = (),
    others: Mapping[str, Sequence[Message]] = NOBODYS,
    ahead: Ahead = never_ahead,
    owed: Sequence[str] = (),
) -> People:
    """Say of everybody what there is.

    Args:
        records: all, with the grades in force.
        exercises: those of the records, in the course's order.
        roster: the class; None where nobody knows it.
        unread: student to what of theirs could not be looked at; "" is nobody knows whose.
        loose: what else may be somebody's.
        others: student to what lay beside the notebooks unread.
        ahead: who has time left for which exercise.
        owed: the exercises that everybody owes; none where nobody knows.
    """
    chosen = Counting(records).chosen
    by_student: dict[str, dict[str, Record]] = {}
    for (student, exercise), record in chosen.items():
        by_student.setdefault(student, {})[exercise] = record
    lost = {student: why for student, why in unread.items() if student not in by_student}
    students = [*by_student, *(one for one in lost if one)]
    every = [*exercises, *([UNKNOWN] if any(UNKNOWN in one for one in by_student.values()) else ())]
    told = [message for messages in lost.values() for message in messages]

    def person(name: str, student: str, *, on_roster: bool, otherwise: State) -> Person:
        there = by_student.get(student, {})
        empty = State.UNREAD if student in lost else otherwise

        def missing(exercise: str) -> State:
            if empty is State.NOTHING and owed and exercise not in owed:
                return State.NOT_OWED
            later = empty is State.NOTHING and ahead(student or name, exercise)
            return State.NOT_DUE if later else empty

        states = {one: _state(there[one]) if one in there else missing(one) for one in every}
        found = {_state(one) for one in there.values()}
        found = found or {states[one] for one in owed or exercises}
        state = next((one for one in State if one in found), empty)
        beside = ", ".join(str(one.args.get("found", "")) for one in others.get(student, ()))
        return Person(name, student, on_roster, state, states, beside)

    if roster is None:
        alone = [person(one, one, on_roster=True, otherwise=State.NOTHING) for one in students]
        alone.sort(key=lambda one: one.name)
        return People(alone, every, None, (*told, *loose), owed, ahead)
    names = people_of(roster)
    rows = mentioned(students, roster) | matched(students, roster)
    known = [
        person(
            name,
            rows.get(row, ""),
            on_roster=True,
            otherwise=State.MENTIONED if rows.get(row) == "" else State.NOTHING,
        )
        for row, name in names.items()
    ]
    strangers = [
        person(one, one, on_roster=False, otherwise=State.NOTHING)
        for one in sorted({*students} - {*rows.values()})
    ]
    return People((*known, *strangers), every, len(names), (*told, *loose), owed, ahead)


def _lacks(one: Person, exercise: str) -> bool:
    return one.states[exercise] is State.NOTHING


def _state(record: Record) -> State:
    if is_excused(record):
        return State.EXCUSED
    if not record.grade.graded:
        return State.WAITING
    return State.NO_NOTEBOOK if record.grade.verdict is Verdict.MALFORMED else State.GRADED


def _names(some: Sequence[Person]) -> str:
    return "; ".join(map(_name, some))


def _name(one: Person) -> str:
    return printable(one.name, limit=LONGEST) or wording.name("")
