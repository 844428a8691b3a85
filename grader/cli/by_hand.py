"""What an instructor does by hand: a score, an excuse, a comment, another run, and taking it back.

Enters: a student, exercises, what and why. Leaves: an exit code. Touches: adds lines to OUT's
``by-hand.jsonl``, rewrites its pages, under the folder's lock; stdout.

The same said twice is written once, so that whoever was interrupted may simply say it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.cli.errors import tell
from grader.cli.opened import LONGEST_AUTHOR, Opened, author_of, opened, write_pages
from grader.cli.people import named
from grader.cli.whose import by_roster, newcomer_called, student_called
from grader.course.called import exercises_called, names_of
from grader.policy.by_hand import UNDOABLE, HandLines
from grader.policy.rules import Terms
from grader.record import hand_file
from grader.record.hand_file import LONGEST_TEXT
from grader.report import by_hand as told
from grader.report import wording
from grader.report.points import in_system, worth_in_system
from grader.report.roster import folded
from grader.text.printable import printable
from grader.types import GraderError, HandKind, HandLine, Message, Record, Scalar


@dataclass(frozen=True)
class HandOptions:
    """What a command by hand was asked.

    Attributes:
        absent: the student may be one of whom there is nothing yet.
        of: what the score is out of; None: the exercise's own points.
    """

    kind: HandKind
    out: Path
    student: str
    exercises: tuple[str, ...]
    text: str
    by: str | None
    score: float | None = None
    absent: bool = False
    lang: str | None = None
    of: float | None = None


def run_by_hand(options: HandOptions) -> int:
    """Write lines for a student's exercises; gives the exit code."""
    author = author_of(options.by)
    text = _text(options)
    with opened(options.out, options.lang) as folder:
        student, exercises, doubt = _meant(folder, options)
        lines = [_line(folder, options, student, one, text, author) for one in exercises]
        new = [one for one in lines if not _is_there(folder, one)]
        new = [replace(one, id=hand_file.new_id(folder.by_hand)) for one in new]
        before = {one.exercise: folder.record(student, one.exercise) for one in lines}
        hand_file.append(folder.store.out, new)
        for line in lines:
            mine = next((one for one in new if one.exercise == line.exercise), None)
            after = folder.record(student, line.exercise)
            for said in _said(folder, line, mine, before[line.exercise], after):
                print(said)  # noqa: T201
        if doubt is not None:
            tell(folder.words.say(doubt))
        return write_pages(folder, [student])


def run_undo(ids: Sequence[str], out: Path, by: str | None, lang: str | None) -> int:
    """Take lines back; gives the exit code."""
    author = author_of(by)
    with opened(out, lang) as folder:
        lines = list(dict.fromkeys(_line_called(one, folder.by_hand) for one in ids))
        new: list[HandLine] = []
        for line in lines:
            if line.id in folder.by_hand.undone:
                print(folder.words("hand.already_undone", id=line.id))  # noqa: T201
                continue
            undo = HandLine("", hand_file.now(), author, HandKind.UNDO, line.student, line.exercise)
            new.append(replace(undo, id=hand_file.new_id(folder.by_hand), undoes=line.id))
        hand_file.append(folder.store.out, new)
        for one in new:
            print(_undone(folder, one))  # noqa: T201
        return write_pages(folder, [one.student for one in lines])


def _undone(folder: Opened, undo: HandLine) -> str:
    record = folder.record(undo.student, undo.exercise)
    return folder.words(
        "hand.undone",
        id=undo.undoes,
        student=wording.name(undo.student),
        exercise=folder.title(undo.exercise),
        score=wording.score(record) if record else "–",
        verdict=wording.verdict_name(record, folder.words) if record else "–",
    )


def _text(options: HandOptions) -> str:
    """Give the reason as a reader sees it.

    Raises:
        GraderError: nothing is left of it, or it is too long.
    """
    text = printable(options.text, lines=options.kind is HandKind.COMMENT).strip()
    if not text:
        comment = options.kind is HandKind.COMMENT
        raise GraderError(Message("hand.no_text" if comment else "hand.no_reason"))
    if len(text) > LONGEST_TEXT:
        raise GraderError(Message("hand.long_text", {"got": len(text), "limit": LONGEST_TEXT}))
    return text


def _meant(folder: Opened, options: HandOptions) -> tuple[str, list[str], Message | None]:
    """Give whose and which work is meant, and a doubt about who, if any.

    Raises:
        GraderError: nobody is called so, or no exercise; or there is nothing to say it of.
    """
    there, roster = sorted({one.student for one in folder.records}), folder.roster
    typed = printable(options.student).strip()
    is_new = folded(typed) not in map(folded, there) and by_roster(typed, there, roster) is None
    doubt = None
    if options.absent and typed and is_new:
        student, doubt = newcomer_called(typed, there, roster)
    else:
        student = student_called(options.student, there, roster)
    known = [one.exercise for one in folder.records if one.student == student]
    course = folder.course
    own = [one for one in course.exercises if one in named(course)]
    exercises = exercises_called(options.exercises, known, names_of(course), own)
    if options.kind is HandKind.RERUN and not exercises:
        exercises = known
    if options.kind in {HandKind.RERUN, HandKind.COMMENT}:
        for one in exercises:
            if one not in known:
                args = {"student": wording.name(student), "exercise": folder.title(one)}
                raise GraderError(Message("hand.no_hand_in", args))
    return student, exercises, doubt


def _line(
    folder: Opened, options: HandOptions, student: str, exercise: str, text: str, author: str
) -> HandLine:
    most = _worth(folder, student, exercise)
    score = None if options.score is None else _score(folder, options, exercise, most)
    return HandLine(
        id="",
        at=hand_file.now(),
        by=author,
        kind=options.kind,
        student=student,
        exercise=exercise,
        text=text,
        score=score,
        most=most if options.kind in {HandKind.OVERRIDE, HandKind.EXCUSE} else None,
    )


def _score(folder: Opened, options: HandOptions, exercise: str, most: float) -> float:
    """Give the score out of the exercise's own points.

    Raises:
        GraderError: it is none, or it could be one of the LMS's, and nobody said which.
    """
    score, of = options.score or 0.0, options.of
    args: dict[str, Scalar] = {"exercise": folder.title(exercise), "score": score}
    if not 0 <= score <= (most if of is None else of) or of == 0:
        args |= {"most": wording.points(most if of is None else of)}
        raise GraderError(Message("hand.score_outside", args))
    if of is not None:
        return score / of * most
    terms = folder.course.rules.exercises.get(exercise, Terms())
    in_lms = most if terms.points is None else terms.points
    if in_lms != most and 0 < score <= in_lms:
        args |= {"max": wording.points(most), "lms_max": wording.points(in_lms)}
        args |= {"meant": wording.points(score / in_lms * most)}
        raise GraderError(Message("hand.maybe_lms", args))
    return score


def _worth(folder: Opened, student: str, exercise: str) -> float:
    record = folder.record(student, exercise)
    if record is not None:
        return told.worth(record)
    known = folder.course.exercises.get(exercise)
    return math.fsum(known.points.values()) if known else 0.0


def _is_there(folder: Opened, line: HandLine) -> bool:
    """Whether the very same is in force already."""
    record = folder.record(line.student, line.exercise)
    by_hand = record.by_hand if record is not None else None
    if by_hand is None:
        return False
    lines = (by_hand.decision, by_hand.asked_again, *by_hand.comments)
    same = (line.kind, line.by, line.text, line.score)
    return any(one and (one.kind, one.by, one.text, one.score) == same for one in lines)


_SAID = {
    HandKind.OVERRIDE: "hand.did_override",
    HandKind.EXCUSE: "hand.did_excuse",
    HandKind.COMMENT: "hand.did_comment",
    HandKind.RERUN: "hand.did_rerun",
}


def _said(
    folder: Opened,
    line: HandLine,
    new: HandLine | None,
    before: Record | None,
    after: Record | None,
) -> Iterator[str]:
    args = {"student": wording.name(line.student), "exercise": folder.title(line.exercise)}
    if new is None:
        yield folder.words("hand.already", **args)
        return
    score = wording.score(after) if after else "–"
    most = wording.points(line.most or 0.0)
    was = wording.score(before) if before else "–"
    told: dict[str, Scalar] = {**args, "before": was, "score": score, "max": most}
    said = _SAID[line.kind]
    if line.kind is HandKind.OVERRIDE and after is not None and _in_other_points(line, after):
        said = "hand.did_override_lms"
        told["in_lms"] = wording.points(in_system(after) or 0.0)
        told["lms_max"] = wording.points(worth_in_system(after))
    yield folder.words(said, **told)
    yield folder.words("hand.to_undo", id=new.id, out=str(folder.store.out))


def _in_other_points(line: HandLine, record: Record) -> bool:
    """Whether the LMS has other points for the exercise than those in which scores are given."""
    return line.most is not None and worth_in_system(record) != line.most


def _line_called(text: str, by_hand: HandLines) -> HandLine:
    """Find a line by the beginning of its id.

    Raises:
        GraderError: there is none, or several begin so, or it is none that can be taken back.
    """
    wanted = text.strip().lower()
    found = [one for one in by_hand.lines if wanted and one.id.startswith(wanted)]
    exact = [one for one in found if one.id == wanted]
    if len(exact or found) != 1:
        args = {"id": printable(text, limit=LONGEST_AUTHOR)}
        raise GraderError(Message("hand.several_lines" if found else "hand.no_line", args))
    line = (exact or found)[0]
    if line.kind not in UNDOABLE:
        raise GraderError(Message("hand.not_undoable", {"id": line.id}))
    return line
