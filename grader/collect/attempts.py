"""Says who handed in several notebooks for one exercise, and which of them counts.

Enters: Submissions. Leaves: Messages. Touches nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TypeAlias

from grader.collect.names import original_name
from grader.collect.rounds import is_nobodys
from grader.policy.hand_ins import is_version, last_of, read_name
from grader.policy.rules import Attempts
from grader.submission import Submission
from grader.types import Message, Scalar

MOST_TOLD = 40  # people

Group: TypeAlias = list[Submission]
LATER = {  # what is known once all are graded
    Attempts.BEST: "collect.attempts_best",
    Attempts.LAST_IN_TIME: "collect.attempts_in_time",
}


def together(submissions: Sequence[Submission]) -> list[Group]:
    """Group hand-ins for the same exercises of the same student.

    Where nobody knows yet which exercise it is, copies of a file belong together.
    """
    groups: dict[tuple[str, object], Group] = defaultdict(list)
    for one in submissions:
        groups[one.student, one.exercises or _called(one)].append(one)
    return list(groups.values())


def _called(one: Submission) -> tuple[str, ...]:
    """Give what a student called a file, without what a copy or a platform adds, and the task."""
    path = PurePosixPath(one.name)
    tasks = (folder for folder in path.parts[:-1] if is_nobodys(folder) and not is_version(folder))
    return read_name(original_name(path)).base, *tasks


def may_count(group: Group, attempts: Attempts) -> list[Submission]:
    """Give those that may count, of one student's for one exercise: one where nothing is open."""
    if attempts is Attempts.LAST:
        return [last_of(group)]
    return [one for one in group if one.problem is None] or group


def several(submissions: Sequence[Submission], attempts: Attempts = Attempts.LAST) -> list[Message]:
    """Say of each student with several hand-ins for one exercise which one counts."""
    told = [_told(group, attempts) for group in together(submissions) if len(group) > 1]
    more = len(told) - MOST_TOLD
    if more > 0:
        return [*told[:MOST_TOLD], Message("collect.attempts_more", {"more": more})]
    return told


def _told(group: Group, attempts: Attempts) -> Message:
    counts = last_of(group)
    if attempts is not Attempts.LAST:
        return Message(LATER[attempts], {"student": counts.student, "count": len(group)})
    by_platform = len({one.handed_in for one in group}) > 1
    message_id = "collect.attempts_told" if by_platform else "collect.attempts_by_name"
    args: dict[str, Scalar] = {"student": counts.student, "count": len(group), "name": counts.name}
    return Message(message_id, args)
