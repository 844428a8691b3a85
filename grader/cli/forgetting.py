"""Erases what somebody asked to forget, once it is in no page any more.

Enters: a store whose lock is held and whose pages were just written. Leaves: nothing of the work;
one line with the day and the author, without a name. Touches: OUT.

The line that asks stays until everything is erased, so that whoever is killed in between loses
nothing of the request: the next command that writes pages here finishes it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace

from grader.cli import people
from grader.policy.by_hand import HandLines
from grader.record import exported, files, forgetting, hand_file
from grader.record.store import Store
from grader.report import wording
from grader.trainer.place import NAME as TRAINED
from grader.types import HandLine

EXPORTS = "export"
SIMILAR = "alike.html"  # shows code, side by side


def forget_asked(store: Store) -> list[HandLine]:
    """Erase all that is to be forgotten; gives the lines that stay in its place.

    Raises:
        GraderError: the disk refuses.
    """
    asked = store.by_hand().to_forget
    if not asked:
        return []
    with exported.locked(store.out):
        return [_forget(store, one) for one in asked]


def _forget(store: Store, one: HandLine) -> HandLine:
    forgetting.erase(store, one.student, one.exercise)
    is_last = not exercises_kept(store, one.student)
    people.forget(store.out, one.student, "" if is_last else one.exercise)
    _erase_pages(store, one.student)
    note = replace(one, student="", exercise="", text="")
    hand_file.rewrite(store.out, _without(store.by_hand(), one, note))
    return note


def _erase_pages(store: Store, student: str) -> None:
    """Erase what can be made again, and the page of whoever has nothing left."""
    with files.disk_errors(store.out):
        for name in (EXPORTS, TRAINED):
            if (store.out / name).is_dir():
                shutil.rmtree(store.out / name)
        (store.out / SIMILAR).unlink(missing_ok=True)
        if not exercises_kept(store, student):
            page = store.out / "feedback" / f"{wording.file_stem(student)}.html"
            page.unlink(missing_ok=True)


def exercises_kept(store: Store, student: str) -> set[str]:
    """Give the exercises for which there is anything of a student."""
    by_hand = store.by_hand()
    decided = {who for who in by_hand.standing if not by_hand.is_forgotten(*who)}
    left = {(one.student, one.exercise) for one in store.latest()} | decided
    return {exercise for whose, exercise in left if whose == student}


def lines_about(lines: Iterable[HandLine], student: str, exercise: str) -> list[HandLine]:
    """Give the lines about a student's exercise, about all of them where none is named."""
    return [one for one in lines if one.student == student and exercise in {"", one.exercise}]


def _without(there: HandLines, asked: HandLine, note: HandLine) -> list[HandLine]:
    """Give the lines that stay: none about what is forgotten, none that took such a line back."""
    going = {one.id for one in lines_about(there.lines, asked.student, asked.exercise)}
    going -= {asked.id}
    return [
        note if one.id == asked.id else one
        for one in there.lines
        if one.id not in going and one.undoes not in going
    ]
