"""What looks at a class saw of hand-ins that tell no time: which were replaced, when they came.

Enters: Records of before and of a look, times of worksheets. Leaves: what was Seen of hand-ins.
Touches nothing.

A platform that keeps a student's last files alone hands out the same folder with other files in
it. What is gone from there was taken back by its author, whatever it was called. Its worksheet
tells the time of the last files alone, so that of earlier ones is what was told while they were
there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

from grader.types import UNKNOWN, Record

HandIn: TypeAlias = tuple[str, str, str]  # author, exercise, name of the submission


@dataclass(frozen=True)
class Seen:
    """What is known of a hand-in that tells no time itself."""

    at: str = ""  # when it came, as a worksheet told while it was there; "" where none did
    replaced: int = 0  # at which of its author's replacements it went; 0 where it is there


NOTHING = Seen()


def hand_in(record: Record) -> HandIn:
    """Give whose it is, for which exercise, and what it is called."""
    return record.author, record.exercise, record.submission


def seen(
    kept: Iterable[Record],
    graded: Iterable[Record],
    given: Mapping[str, str],
    times: Mapping[tuple[str, str], str],
    before: Mapping[HandIn, Seen],
    unsure: Collection[str] = (),
) -> dict[HandIn, Seen]:
    """Give what is known after a look at a class.

    A hand-in is replaced where its author has other work for that exercise in the folder that it
    lay in, and it is not there, or holds that exercise no longer. What went first came first.

    Args:
        kept: every record that is there, as it was graded.
        graded: those of this look.
        given: names of everything that this look found, each with the outermost folder that it
            lies in of what was given; "" where it lies in none, or nobody knows.
        times: of worksheets, ISO 8601, by author and exercise: when the last files came.
        before: what was known before the look.
        unsure: students of whom something was not looked at, which may be what seems to be gone.
    """
    of_known = [one for one in graded if one.exercise != UNKNOWN]
    there, read = {hand_in(one) for one in of_known}, {one.submission for one in of_known}
    looked_at: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in of_known:
        if one.student not in unsure:
            looked_at[one.student, one.exercise].add(given[one.submission])
    last: dict[tuple[str, str], int] = defaultdict(int)
    for (student, exercise, _), it in before.items():
        last[student, exercise] = max(last[student, exercise], it.replaced)
    unread, found = given.keys() - read, {}
    for one in kept:
        whose, folder = (one.student, one.exercise), _folder(one.submission)
        known = before.get(hand_in(one), NOTHING)
        if hand_in(one) in there:
            known = Seen(times.get(whose, known.at))
        elif one.submission in unread:
            known = Seen(known.at)
        elif folder and folder in looked_at[whose]:
            known = Seen(known.at, known.replaced or last[whose] + 1)
        if known != NOTHING and not one.handed_in:
            found[hand_in(one)] = known
    return found


def _folder(name: str) -> str:
    """Give the outermost folder, of the class or of a student; "" of what lies in none."""
    folder, *inner = PurePosixPath(name).parts or ("",)
    return folder if inner else ""
