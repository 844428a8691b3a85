"""Whose work a person means on the command line.

Enters: what was typed, who and what there is. Leaves: names as they are kept. Touches nothing.

A name is never guessed: capitals and forms of letters aside it has to be whole, as hand-ins have it
or as one row of the roster does, and who is nearly called so is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.cli.rules import ClassNames
from grader.report.attendance import people_of
from grader.report.roster import (
    PLATFORM_S,
    Roster,
    bare,
    folded,
    full_names,
    logins,
    typed_names,
)
from grader.text.near import LONGEST, listed, near_bearers
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar


def by_roster(text: str, students: Sequence[str], roster: Roster) -> str | None:
    """Find a student by the roster's name, login or number; None where it has no such hand-in."""
    return ClassNames(students, _about_people(roster)).student(text) if roster else None


def newcomer_called(
    text: str, students: Sequence[str], roster: Roster
) -> tuple[str, Message | None]:
    """Give what to call somebody of whom there is nothing, and a doubt about the name, if any.

    Args:
        text: as it was typed.
        students: as those are called of whom there is something.
        roster: the class's. Without one nobody knows who is of the class, so a name that is nearly
            somebody's is doubted; with one it is refused.

    Raises:
        GraderError: nobody on the roster is called so, or several are.
    """
    names = ClassNames(students, _about_people(roster))
    held = names.holders(text)
    args: dict[str, Scalar] = {"student": printable(text, limit=LONGEST)}
    _require_one(text, names)
    if held:
        return next((one for one in students if names.holders(one) == held), text), None
    args["near"] = near = listed(near_bearers(text, _called(students, roster) | _not_there(names)))
    if roster:
        key = "hand.not_on_roster_near" if near else "hand.not_on_roster"
        raise GraderError(Message(key, args))
    return text, Message("hand.absent_near", args) if near else None


def student_called(text: str, students: Iterable[str], roster: Roster = ()) -> str:
    """Find a student.

    Args:
        text: as it was typed.
        students: as hand-ins are called.
        roster: the class's, by whose names they may be meant too.

    Raises:
        GraderError: nobody is called so, or several are; names those who nearly are.
    """
    there = list(dict.fromkeys(students))
    if text in there:
        return text
    alike = [one for one in there if folded(one) == folded(text)]
    if len(alike) == 1:
        return alike[0]
    if not alike and (found := by_roster(text, there, roster)) is not None:
        return found
    if not alike:
        _require_one(text, ClassNames(there, _about_people(roster)))
    shown = printable(text, limit=LONGEST)
    near = alike or near_bearers(text, _called(there, roster))
    if near:
        args = {"student": shown, "near": listed(near)}
        raise GraderError(Message("hand.no_student_near", args))
    raise GraderError(Message("hand.no_student", {"student": shown}))


def _require_one(text: str, names: ClassNames) -> None:
    """Refuse a name that several people of a roster have; say what tells them apart.

    Raises:
        GraderError: it is such a name.
    """
    held = names.holders(text)
    if len(held) > 1:
        known = logins(names.roster, held)
        known = known or near_bearers(text, _called(names.students, names.roster))
        args = {"student": printable(text, limit=LONGEST), "known": listed(known)}
        key = "hand.several_on_roster" if len(known) >= len(held) else "hand.several_alike"
        raise GraderError(Message(key, args))


def _called(students: Sequence[str], roster: Roster) -> dict[str, tuple[str, ...]]:
    """Give what students are called: without a platform's number too, and as the roster has it."""
    rows = ClassNames(students, roster).rows
    told = {student: full_names(roster[row]) for row, student in rows.items()}
    own = ((one, PLATFORM_S.fullmatch(one)) for one in students)
    return {
        one: (one, *([match["name"]] if match else ()), *sorted(told.get(one, ())))
        for one, match in own
    }


def _not_there(names: ClassNames) -> dict[str, tuple[str, ...]]:
    """Give what those of a roster are called of whom there is nothing."""
    everybody = people_of(names.roster).items()
    return {
        called: (called, *sorted(typed_names(names.roster[row])))
        for row, called in everybody
        if row not in names.rows
    }


def _about_people(roster: Roster) -> Roster:
    """Give a roster without grades; where no column is called as usual, all but its numbers."""
    kept = bare(roster, ())
    if any(value for row in kept for value in row.values()):
        return kept
    return [{k: v if any(map(str.isalpha, v)) else "" for k, v in row.items()} for row in roster]
