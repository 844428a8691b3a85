"""Whose work, and which exercise, a person means on the command line.

Enters: what was typed, who and what there is. Leaves: names as they are kept. Touches nothing.

A name is never guessed: capitals and forms of letters aside it has to be whole, as hand-ins have it
or as one row of the roster does, and who is nearly called so is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from grader.cli.rules import ClassNames
from grader.course.exercises import Course
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
from grader.text.near import near_names
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar

MOST_NEAR = 5
LONGEST = 60  # characters of a name in a message


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
    if len(held) > 1:
        args["known"] = _listed(logins(names.roster, held))
        raise GraderError(Message("hand.several_on_roster", args))
    if held:
        return next((one for one in students if names.holders(one) == held), text), None
    args["near"] = near = _listed(_near(text, _called(students, roster) | _not_there(names)))
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
    shown = printable(text, limit=LONGEST)
    near = alike or _near(text, _called(there, roster))
    if near:
        args = {"student": shown, "near": _listed(near)}
        raise GraderError(Message("hand.no_student_near", args))
    raise GraderError(Message("hand.no_student", {"student": shown}))


def names_of(course: Course) -> dict[str, tuple[str, ...]]:
    """Give what the course's exercises are called beside their ids; in the LMS, too."""
    terms = course.rules.exercises
    return {
        key: (*([terms[key].title] if key in terms else ()), one.title.ko, one.title.en)
        for key, one in course.exercises.items()
    }


def exercises_asked(course: Course, texts: Sequence[str] | None) -> tuple[str, ...] | None:
    """Find the exercises that ``--exercise`` names; None where it names none.

    What is called in the LMS is only read where something is no id: that takes course.toml's rules.

    Raises:
        GraderError: one is none; names those that nearly are, else all.
    """
    if not texts:
        return None
    ids = [one.strip() for text in texts for one in text.split(",") if one.strip()]
    if not ids:  # a variable of a script that was never set names nothing, and never means all
        args = {"exercise": '""', "known": _listed(list(course.exercises))}
        raise GraderError(Message("hand.no_exercise_so", args))
    if all(one in course.exercises for one in ids):
        return tuple(dict.fromkeys(ids))
    return tuple(exercises_called(texts, (), names_of(course)))


def exercises_called(
    texts: Sequence[str],
    known: Iterable[str],
    names: Mapping[str, Sequence[str]],
    own: Iterable[str] = (),
) -> list[str]:
    """Find exercises, "a,b" being two; each once.

    Args:
        texts: as they were typed: ids, or whole titles.
        known: ids that there are.
        names: id to what else the exercise is called.
        own: the course's, to be named where none is near; all that are known if not said.

    Raises:
        GraderError: one is none; names those that nearly are, else all that are known.
    """
    called = {
        one: (one, *filter(None, names.get(one, ()))) for one in dict.fromkeys((*known, *names))
    }
    asked = [text for text in texts if _exercise(text, called)]
    asked += [one for text in texts if text not in asked for one in text.split(",") if one.strip()]
    found: list[str] = []
    for text in asked:
        if (one := _exercise(text, called)) is None:
            shown = printable(text.strip(), limit=LONGEST)
            if near := _listed(_near(text, called)):
                raise GraderError(Message("hand.no_exercise", {"exercise": shown, "near": near}))
            there = _listed(list(own) or list(called))
            args = {"exercise": shown, "known": there}
            raise GraderError(Message("hand.no_exercise_so", args))
        found.append(one)
    return list(dict.fromkeys(found))


def _exercise(text: str, called: Mapping[str, Sequence[str]]) -> str | None:
    hits = [one for one, names in called.items() if folded(text) in map(folded, names)]
    return hits[0] if len(hits) == 1 or text in hits[:1] else None


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


def _near(text: str, called: Mapping[str, Sequence[str]]) -> list[str]:
    """Give what is called almost so, and what holds the text or is held by it."""
    wanted = folded(text)
    bearers = {folded(name): one for one, names in called.items() for name in names}
    close = near_names(wanted, bearers, MOST_NEAR)
    holding = [name for name in bearers if wanted and (wanted in name or name in wanted)]
    return list(dict.fromkeys(bearers[name] for name in (*holding, *close)))[:MOST_NEAR]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(printable(one, limit=LONGEST) for one in names)
