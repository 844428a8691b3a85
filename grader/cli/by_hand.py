"""What an instructor does by hand: a score, an excuse, a comment, another run, and taking it back.

Enters: a student, exercises, what and why. Leaves: an exit code. Touches: adds lines to OUT's
``by-hand.jsonl``, rewrites its pages, under the folder's lock; stdout.

The same said twice is written once, so that whoever was interrupted may simply say it again.
"""

from __future__ import annotations

import getpass
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from grader.by_hand import UNDOABLE, HandLines, in_force
from grader.cli import printing
from grader.cli.course import open_course, open_words
from grader.cli.errors import tell
from grader.cli.forgetting import forget_asked
from grader.cli.grade import ALL_ACCEPTED, UNGRADED, existing
from grader.cli.spared import Spared
from grader.cli.whose import exercises_called, student_called
from grader.course.exercises import Course
from grader.hand_ins import Counting
from grader.record import hand_file
from grader.record.hand_file import LONGEST_TEXT
from grader.record.store import Store
from grader.report import by_hand as told
from grader.report import wording
from grader.report.roster import folded
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, HandKind, HandLine, Message, Record, Scalar

LONGEST_AUTHOR = 120


@dataclass(frozen=True)
class HandOptions:
    """What a command by hand was asked.

    Attributes:
        absent: the student may be one of whom there is nothing yet.
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


@dataclass(frozen=True)
class Desk:
    """An opened folder, and what was kept in it when it was opened."""

    course: Course
    words: Words
    store: Store
    latest: Sequence[Record]

    @property
    def by_hand(self) -> HandLines:
        """What was decided by hand until now."""
        return self.store.by_hand()

    @property
    def in_force(self) -> list[Record]:
        """All records with the grades in force now."""
        return in_force(self.latest, self.by_hand, absent=True)

    @property
    def records(self) -> list[Record]:
        """The records that count, excused or not."""
        return list(Counting(self.in_force).chosen.values())

    def record(self, student: str, exercise: str) -> Record | None:
        """Find what counts for a student and exercise."""
        whose = (student, exercise)
        return next((r for r in self.records if (r.student, r.exercise) == whose), None)

    def title(self, exercise: str) -> str:
        """Name an exercise."""
        titles = printing.titles(self.course, self.words)
        return wording.title(exercise, titles, self.words)


def run_by_hand(options: HandOptions) -> int:
    """Write lines for a student's exercises; gives the exit code."""
    author = author_of(options.by)
    text = _text(options)
    with desk_of(options.out, options.lang) as desk:
        student, exercises = _meant(desk, options)
        lines = [_line(desk, options, student, one, text, author) for one in exercises]
        new = [one for one in lines if not _is_there(desk, one)]
        new = [replace(one, id=hand_file.new_id(desk.by_hand)) for one in new]
        before = {one.exercise: desk.record(student, one.exercise) for one in lines}
        hand_file.append(desk.store.out, new)
        for line in lines:
            mine = next((one for one in new if one.exercise == line.exercise), None)
            after = desk.record(student, line.exercise)
            for said in _said(desk, line, mine, before[line.exercise], after):
                print(said)  # noqa: T201
        return write_pages(desk, [student])


def run_undo(ids: Sequence[str], out: Path, by: str | None, lang: str | None) -> int:
    """Take lines back; gives the exit code."""
    author = author_of(by)
    with desk_of(out, lang) as desk:
        lines = list(dict.fromkeys(_line_called(one, desk.by_hand) for one in ids))
        new: list[HandLine] = []
        for line in lines:
            if line.id in desk.by_hand.undone:
                print(desk.words("hand.already_undone", id=line.id))  # noqa: T201
                continue
            undo = HandLine("", hand_file.now(), author, HandKind.UNDO, line.student, line.exercise)
            new.append(replace(undo, id=hand_file.new_id(desk.by_hand), undoes=line.id))
        hand_file.append(desk.store.out, new)
        for one in new:
            print(_undone(desk, one))  # noqa: T201
        return write_pages(desk, [one.student for one in lines])


def _undone(desk: Desk, undo: HandLine) -> str:
    record = desk.record(undo.student, undo.exercise)
    return desk.words(
        "hand.undone",
        id=undo.undoes,
        student=wording.name(undo.student),
        exercise=desk.title(undo.exercise),
        score=wording.score(record) if record else "–",
        verdict=wording.verdict_name(record, desk.words) if record else "–",
    )


@contextmanager
def desk_of(out: Path, lang: str | None) -> Iterator[Desk]:
    """Open a folder for writing.

    Raises:
        GraderError: there are no results, or another grader is at work there.
    """
    course = open_course()
    words = open_words(course, lang)
    with Store(existing(out)) as store:
        yield Desk(course, words, store, store.latest())


def write_pages(desk: Desk, students: Iterable[str]) -> int:
    """Write the class's pages anew and those of some students; gives the exit code."""
    store, spared = desk.store, Spared(desk.store.out)
    course, words = desk.course, desk.words
    printing.write_feedback(course, words, store.out, desk.in_force, spared, {*students})
    forget_asked(store)
    for message in store.warnings:
        tell(desk.words.say(message))
    spared.tell(desk.words)
    return UNGRADED if store.warnings or spared else ALL_ACCEPTED


def author_of(by: str | None) -> str:
    """Give who writes: as told, else as the machine knows the person.

    Raises:
        GraderError: neither says.
    """
    try:
        name = by if by is not None else getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    if not (shown := printable(name, limit=LONGEST_AUTHOR).strip()):
        raise GraderError(Message("hand.no_author"))
    return shown


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


def _meant(desk: Desk, options: HandOptions) -> tuple[str, list[str]]:
    """Give whose and which work is meant.

    Raises:
        GraderError: nobody is called so, or no exercise; or there is nothing to say it of.
    """
    there = {one.student for one in desk.records}
    typed = printable(options.student).strip()
    if options.absent and typed and folded(typed) not in map(folded, there):
        student = typed
    else:
        student = student_called(options.student, there)
    known = [one.exercise for one in desk.records if one.student == student]
    names = {key: (one.title.ko, one.title.en) for key, one in desk.course.exercises.items()}
    exercises = exercises_called(options.exercises, known, names)
    if options.kind is HandKind.RERUN and not exercises:
        exercises = known
    if options.kind in {HandKind.RERUN, HandKind.COMMENT}:
        for one in exercises:
            if one not in known:
                args = {"student": wording.name(student), "exercise": desk.title(one)}
                raise GraderError(Message("hand.no_hand_in", args))
    return student, exercises


def _line(
    desk: Desk, options: HandOptions, student: str, exercise: str, text: str, author: str
) -> HandLine:
    most = _worth(desk, student, exercise)
    if options.score is not None and not 0 <= options.score <= most:
        args: dict[str, Scalar] = {"exercise": desk.title(exercise), "most": most}
        args |= {"score": options.score}
        raise GraderError(Message("hand.score_outside", args))
    return HandLine(
        id="",
        at=hand_file.now(),
        by=author,
        kind=options.kind,
        student=student,
        exercise=exercise,
        text=text,
        score=options.score,
        most=most if options.kind in {HandKind.OVERRIDE, HandKind.EXCUSE} else None,
    )


def _worth(desk: Desk, student: str, exercise: str) -> float:
    record = desk.record(student, exercise)
    if record is not None:
        return told.worth(record)
    known = desk.course.exercises.get(exercise)
    return math.fsum(known.points.values()) if known else 0.0


def _is_there(desk: Desk, line: HandLine) -> bool:
    """Whether the very same is in force already."""
    record = desk.record(line.student, line.exercise)
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
    desk: Desk, line: HandLine, new: HandLine | None, before: Record | None, after: Record | None
) -> Iterator[str]:
    args = {"student": wording.name(line.student), "exercise": desk.title(line.exercise)}
    if new is None:
        yield desk.words("hand.already", **args)
        return
    score = wording.score(after) if after else "–"
    most = wording.points(line.most or 0.0)
    was = wording.score(before) if before else "–"
    yield desk.words(_SAID[line.kind], **args, before=was, score=score, max=most)
    yield desk.words("hand.to_undo", id=new.id, out=str(desk.store.out))


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
