"""Which exercise a person means, by its id or by a title.

Enters: what was typed, a course. Leaves: ids. Touches nothing.

A name is never guessed: capitals and forms of letters aside it has to be whole, and what is nearly
called so is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from grader.course.exercises import Course
from grader.policy.rules import folded
from grader.text.near import LONGEST, listed, near_bearers
from grader.text.printable import printable
from grader.types import GraderError, Message


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
        args = {"exercise": '""', "known": listed(list(course.exercises))}
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
    there = list(own) or list(called)
    return list(dict.fromkeys(_found(text, called, there) for text in asked))


def exercise_called(course: Course, text: str) -> str:
    """Find one exercise of a course, by its id or a whole title.

    Raises:
        GraderError: it is none; names those that nearly are, else all.
    """
    called = {one: (one, *names) for one, names in names_of(course).items()}
    return _found(text, called, list(called))


def _found(text: str, called: Mapping[str, Sequence[str]], there: Sequence[str]) -> str:
    """Find an exercise; ``there``: what to name where none is near."""
    if (one := _exercise(text, called)) is not None:
        return one
    shown = printable(text.strip(), limit=LONGEST)
    if near := listed(near_bearers(text, called)):
        raise GraderError(Message("hand.no_exercise", {"exercise": shown, "near": near}))
    raise GraderError(Message("hand.no_exercise_so", {"exercise": shown, "known": listed(there)}))


def _exercise(text: str, called: Mapping[str, Sequence[str]]) -> str | None:
    hits = [one for one, names in called.items() if folded(text) in map(folded, names)]
    hits = [one for one in hits if one == text.strip()] or hits  # an id before another's title
    return hits[0] if len(hits) == 1 else None
