"""What an OUT folder holds: the grades in force, the reports of them, the exit code.

Enters: a course, a Store. Leaves: Records, exit codes. Touches: stdout, stderr, the OUT folder.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from grader.cli.errors import tell
from grader.cli.forgetting import forget_asked
from grader.cli.moved import note_rules
from grader.cli.people import people_of, remember
from grader.cli.roster import class_of
from grader.cli.rules import nobodys, rules_for
from grader.cli.spared import Spared
from grader.cli.times import times_of
from grader.collect.collect import Collected
from grader.course.exercises import Course
from grader.policy.by_hand import in_force
from grader.policy.hand_ins import counting
from grader.policy.replaced import NOTHING, seen
from grader.policy.rules import Attempts, Rules
from grader.record import class_file
from grader.record.store import Store
from grader.report.late import times_unknown
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Message, Record, Verdict

ALL_ACCEPTED, SOME_NOT, UNGRADED = 0, 1, 3
LONGEST = 200


def existing(out: Path) -> Path:
    """Give the folder if it holds results.

    Raises:
        GraderError: it does not.
    """
    if not (out / "results").is_dir():
        raise GraderError(Message("cli.no_results", {"path": str(out)}))
    return out


def current(store: Store, course: Course) -> list[Record]:
    """Give what is stored with the grades in force, and those who handed in nothing."""
    latest = store.latest()
    rules = rules_for(course, latest, store.out)
    return in_force(latest, store.by_hand(), rules, absent=True)


def of_batch(store: Store, course: Course, batch: Sequence[Record]) -> list[Record]:
    """Give the grades in force of what a batch graded: what was handed in before counts for them.

    Whoever's group handed in has a record of it too. What is to be forgotten is in none.
    """
    ruled: dict[str, list[Record]] = {}
    for one in current(store, course):
        ruled.setdefault(one.key, []).append(one)
    by_hand = store.by_hand()
    there = [one for one in batch if not by_hand.is_forgotten(one.student, one.exercise)]
    return [record for one in there for record in ruled.get(one.key, [one])]


def replaced(
    store: Store,
    course: Course,
    graded: Sequence[Record],
    collected: Collected,
    *,
    is_all: bool = True,
) -> Iterator[Message]:
    """Keep what a look at the class saw of hand-ins that tell no time; say which are replaced now.

    Args:
        store: whose lock is held.
        course: which worksheets tell times.
        graded: the records of this look, as they are kept.
        collected: everything that it found, graded or not.
        is_all: whether no other machine was given the rest, so that what is not there is gone.
    """
    kept, known = store.latest(), class_file.read(store.out)
    if known.unread:  # nothing can be kept there
        return
    before = known.hand_ins
    given = {one.name: one.folder for one in collected.submissions}
    unsure = {student for student, _ in collected.unread} | collected.closed
    if not is_all:
        unsure |= {one.student for one in graded}
    after = seen(kept, graded, given, times_of(course, kept, store.out), before, unsure)
    remember(store.out, hand_ins=after)
    new = (
        who for who, it in after.items() if it.replaced and not before.get(who, NOTHING).replaced
    )
    if names := dict.fromkeys(name for *_, name in new):
        shown = printable(", ".join(names), limit=LONGEST)
        yield Message("cli.replaced", {"count": len(names), "names": shown})


def earlier_counts(
    records: Iterable[Record], given: Collection[str], rules: Rules
) -> Iterator[Message]:
    """Say whose work does not count now, since the name of work that was graded before comes last.

    It lay in another folder: what is gone from the same one does not count any more.

    Args:
        records: of a batch, with the grades in force.
        given: names of all that was given to grade.
        rules: the course's.
    """
    if rules.attempts is not Attempts.LAST:
        return
    for one in records:
        instead = one.by_rules.instead if one.by_rules is not None else ""
        by_name = not one.handed_in and one.grade.verdict is not Verdict.MALFORMED
        if instead and instead not in given and by_name:
            names = {"student": one.student, "submission": one.submission, "instead": instead}
            args = {key: printable(name, limit=LONGEST) for key, name in names.items()}
            yield Message("cli.earlier_counts", args)


def finish(
    course: Course,
    words: Words,
    store: Store,
    records: Sequence[Record],
    form: str,
    spared: Spared,
) -> bool:
    """Print this batch's records, then write the feedback of everything stored.

    What is to be forgotten is in none of it, and erased then. False where something is missing:
    somebody was left out, or a record could not be read.
    """
    from grader.cli import printing

    printing.show(words, store.out, records, form, spared)
    sys.stdout.flush()
    everything = current(store, course)
    note_rules(store, everything)
    places = printing.write_feedback(course, words, store.out, everything, spared)
    students = {one.student for one in everything}
    for message in nobodys(course, students, class_of(course, store.out)):
        tell(words.say(message))
    for message in times_unknown(everything, course.rules):
        tell(words.say(message))
    forget_asked(store)
    for message in store.warnings:
        tell(words.say(message))
    spared.tell(words)
    if form == "table":
        for line in people_of(course, store.out, everything)[0].end(words):
            print(line)  # noqa: T201
        printing.show_places(words, places)
    return not (spared or store.warnings)


def exit_code(records: Sequence[Record], *, refused: bool = False) -> int:
    """0 all that counts accepted, 1 some of it not, 3 something ungraded."""
    if refused or not all(record.grade.graded for record in records):
        return UNGRADED
    accepted = all(one.grade.verdict is Verdict.ACCEPTED for one in counting(records))
    return ALL_ACCEPTED if accepted else SOME_NOT
