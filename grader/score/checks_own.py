"""The checks that an exercise brings along itself.

Enters: OwnChecks, Evidence, the Exercise, points per class. Leaves: Checks. Touches nothing; runs
the instructor's code.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence

from grader.course.exercises import Exercise
from grader.course.own_checks import CheckAnswer, OwnCheck, checks_path
from grader.score.checks_data import UNLOOKED
from grader.text.printable import cut
from grader.types import Check, Evidence, EvidenceClass, GraderError, Message

MOST_CHARACTERS = 2000  # of each text: it stands in a table
UNASKED = "own"
_TEXTS = ("expected", "got", "en", "ko")

Points = Mapping[EvidenceClass, float]


def that_apply(own: Sequence[OwnCheck], evidence: Evidence) -> tuple[OwnCheck, ...]:
    """Give those that have something to look at: a model and, about data, a fit that was fed."""
    if evidence.model is None:
        return ()
    return tuple(one for one in own if one.cls is not EvidenceClass.DATA or evidence.data)


def left_over(own: Sequence[OwnCheck], exercise: Exercise, points: Points) -> Points:
    """Give what the standard checks of each class share beside the exercise's own."""
    taken = {
        cls: sum(_worth(one, exercise, points) for one in own if one.cls is cls) for cls in points
    }
    return {cls: points[cls] - taken[cls] for cls in points}


def own_checks(
    own: Sequence[OwnCheck],
    evidence: Evidence,
    exercise: Exercise,
    points: Points,
    standard: Sequence[Check],
) -> Iterator[Check]:
    """Ask each one.

    Raises:
        GraderError: one raises, gives no answer, or has the name of a standard check: a fault of
            ours, never a zero.
    """
    names = {check.id for check in standard}
    for one in own:
        if one.id in names:
            raise _fault(one, exercise, "a standard check has this name")
        answer = _answer(one, evidence, exercise)
        worth = _worth(one, exercise, points)
        yield Check(
            id=one.id,
            cls=one.cls,
            points=worth * min(1.0, max(0.0, answer.fraction)),
            max_points=worth,
            message=answer.message(),
            expected=answer.expected,
            got=answer.got,
            cell=evidence.model.cell if evidence.model is not None else None,
        )


def unasked_checks(exercise: Exercise) -> Iterator[Check]:
    """Say of what students do not have that it was not asked: it earns and costs nothing."""
    for cls in exercise.unasked:
        yield Check(f"{cls.value}.{UNASKED}", cls, 0.0, 0.0, Message("live.own_checks"), "", "")


def not_asked(check: Check) -> bool:
    """Whether a check only says that nobody looked: at the data, at what the course adds."""
    return check.id == UNLOOKED or check.id.endswith(f".{UNASKED}")


def _worth(one: OwnCheck, exercise: Exercise, points: Points) -> float:
    """Without a threshold the points of a class change; a check's share of them does not."""
    return float(one.points) / exercise.points[one.cls] * points[one.cls]


def _answer(one: OwnCheck, evidence: Evidence, exercise: Exercise) -> CheckAnswer:
    try:
        # A copy: what a check changes by mistake must not move the points of the others.
        return _plain(one.ask(copy.deepcopy(evidence), exercise))
    except (Exception, SystemExit) as raised:  # whatever an instructor's code may raise
        raise _fault(one, exercise, repr(raised)) from raised


def _plain(answer: CheckAnswer) -> CheckAnswer:
    """Give an answer of plain types and bounded length: it goes into a record.

    Raises:
        TypeError: it is no answer, or not of texts.
        ValueError: its fraction is no number.
    """
    if not isinstance(answer, CheckAnswer):
        raise TypeError(f"no CheckAnswer: {answer!r:.200}")
    fraction = float(answer.fraction)
    if not math.isfinite(fraction):
        raise ValueError(f"fraction {fraction}")
    return CheckAnswer(fraction, **{name: _text(name, answer) for name in _TEXTS})


def _text(name: str, answer: CheckAnswer) -> str:
    text = getattr(answer, name)
    if not isinstance(text, str):
        raise TypeError(f"{name}: {text!r:.200} is no text")
    return cut(str(text), MOST_CHARACTERS)


def _fault(one: OwnCheck, exercise: Exercise, error: str) -> GraderError:
    args = {"check": one.id, "path": str(checks_path(exercise)), "error": cut(error, 500)}
    return GraderError(Message("course.check_raised", args))
