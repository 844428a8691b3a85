"""Finds what was handed in and reads it: a Submission per notebook, and one per person without any.

Enters: paths of notebooks, folders and zips. Leaves: Submissions in a stable order, and everything
that was left aside with the reason. Touches: reads those files, and nothing that a link points to.

One bad file never stops the batch, and nobody vanishes. What its student handed in but cannot be
read as a notebook is a Submission with a ``problem``, and so is a person without a notebook; what
we could not look at (no permission, an archive that is not opened, a name that could be anybody's)
is ``refused`` and graded for nobody; what is no notebook at all is ``ignored``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from grader.collect.attempts import several
from grader.collect.batch import Aside, Batch, by_true_names
from grader.collect.beside import Beside, Placed
from grader.collect.caps import first_of_each, within_code
from grader.collect.crowded import Whom, crowded, nobody
from grader.collect.labels import Label, alike, label_all
from grader.collect.listing import Item
from grader.collect.notebooks import Malformed, parse_notebook
from grader.collect.people import others, without_notebook
from grader.collect.sources import look_at, once, why
from grader.collect.stored import OpenZips, Stored
from grader.collect.times import read_times
from grader.collect.titles import Titles
from grader.policy.rules import Attempts
from grader.submission import Notebook, Submission
from grader.types import GraderError, Message


@dataclass(frozen=True)
class Collected:
    """Everything found under the given paths."""

    submissions: tuple[Submission, ...]
    ignored: tuple[Message, ...] = ()  # no notebooks; nothing to worry about
    refused: tuple[Message, ...] = ()  # not looked at and not graded: somebody has to act
    notes: tuple[Message, ...] = ()
    unread: tuple[tuple[str, Message], ...] = ()  # the refused, by whose it is; "" is nobody knows
    others: tuple[tuple[str, Message], ...] = ()  # what of the ignored lay beside whose notebooks
    closed: frozenset[str] = frozenset()  # who has an archive there that was not opened


@dataclass(frozen=True)
class _Course:
    """What the course says about who owes what, and how a notebook is read."""

    exercise_ids: Collection[str]
    owed: tuple[str, ...] | None
    read: Callable[[bytes], Notebook]


def collect(
    paths: Sequence[Path],
    *,
    exercise_ids: Collection[str],
    owed: tuple[str, ...] | None,
    read: Callable[[bytes], Notebook] = parse_notebook,
    own_beside: Path | None = None,
    titles: Mapping[str, Sequence[str]] | None = None,
    tasks: Sequence[str] = (),
    attempts: Attempts = Attempts.LAST,
    whom: Whom = nobody,
) -> Collected:
    """Find and read every submission.

    Args:
        paths: notebooks, folders, zips.
        exercise_ids: of the course; a path or a notebook's metadata may name one.
        owed: exercises that every notebook owes, whatever its path and metadata say.
        read: reads a notebook file; raises Malformed, or GraderError where the fault is ours.
        own_beside: the course's folder, where what lies around a notebook given by itself is its
            author's; None where it may be anybody's.
        titles: what exercises are called beside their ids.
        tasks: what they are called in the LMS.
        attempts: which of several hand-ins counts.
        whom: gives the people of the class whom names mean.

    Raises:
        GraderError: a path is missing, unreadable or holds no notebook.
    """
    aside, course = Aside(), _Course(exercise_ids, owed, read)
    with OpenZips() as zips:
        sources = [
            look_at(n, path, exercise_ids, zips, own_beside) for n, path in enumerate(once(paths))
        ]
        called = Titles({one: (titles or {}).get(one, ()) for one in exercise_ids}, tasks)
        batch = Batch(by_true_names(sources, exercise_ids, called), aside)
        read_ones = within_code(_submissions(batch, course, zips), aside.refused)
    submissions = [_owing(one, read_ones) for one in read_ones]
    given = {Stored(file.path, file.inside) for one in read_ones for file in one.files}
    doubtful = crowded(submissions, called, whom), alike(one.student for one in submissions)
    aside.notes += [note for note in doubtful if note is not None]
    aside.notes += several(submissions, attempts)
    return Collected(
        submissions=tuple(submissions),
        ignored=tuple(aside.ignored),
        refused=tuple(aside.refused),
        notes=tuple(aside.notes),
        unread=aside.unread(),
        others=tuple(others(batch.files, batch.called, given)),
        closed=frozenset(_closed(batch)),
    )


def _submissions(batch: Batch, course: _Course, zips: OpenZips) -> Iterator[Submission]:
    """Read the notebooks, in the order of the paths; people without one stand among them."""
    stand_ins = [_stand_in(some) for some in batch.people.values()]
    every = sorted([*batch.notebooks, *stand_ins], key=_order)
    labels = label_all([one.at for one in every])
    batch.called = {
        one.at.named.student: label.student
        for one, label in zip(every, labels, strict=True)
        if one.item.notebook
    }
    every_file = [one for source in batch.sources for one in source.files]
    beside, times = Beside(zips, every_file), read_times(every_file, zips)
    for one, label in first_of_each(every, labels, batch.aside.refused):
        if not one.item.notebook:
            yield _without(one, label, batch.people[one.at.named.student], course)
            continue
        submission = _submission(one, label, course, batch.aside, zips)
        if submission is None:
            continue
        alone, around = batch.layouts[one.at.source].alone, batch.sources[one.at.source].around
        given = beside.of(one, alone=alone, around=around) if submission.notebook else ((), ())
        files, notes = given
        handed_in = submission.handed_in or times.of(one)
        yield replace(submission, files=files, notes=notes, handed_in=handed_in)


def _closed(batch: Batch) -> Iterator[str]:
    """Give who has a notebook and an archive that was not opened."""
    for one, _ in (each for source in batch.sources for each in source.unopened):
        if one.at.named.student in batch.called:
            yield batch.called[one.at.named.student]


def _owing(one: Submission, batch: Sequence[Submission]) -> Submission:
    """Give a person without a notebook what everybody else owes, where that is the same for all."""
    if one.exercises is not None or one.problem is None:
        return one
    owed = {other.exercises for other in batch if other.notebook is not None}
    return replace(one, exercises=owed.pop()) if len(owed) == 1 else one


def _order(one: Placed) -> tuple[int, str]:
    return one.at.source, str(one.at.relative)


# --- reading ---------------------------------------------------------------------------------


def _stand_in(files: Sequence[Placed]) -> Placed:
    """Give what stands for somebody without a notebook: the folder, or the file with the name."""
    first = files[0]
    relative = first.at.relative
    if (within := first.at.named.folders) is not None and not first.at.lies_alone:
        relative = PurePosixPath(*relative.parts[: -1 - len(within)])
    item = Item(relative, first.item.stored, notebook=False)
    return Placed(item, replace(first.at, relative=relative))


def _without(one: Placed, label: Label, files: Sequence[Placed], course: _Course) -> Submission:
    """Give the submission of a person without a notebook."""
    named = next(filter(None, (file.at.named.exercise for file in files)), None)
    handed_in = sorted(str((file.at.relative, file.item.size)) for file in files)
    return Submission(
        name=label.name,
        student=label.student,
        path=one.item.stored.path,
        exercises=course.owed or ((named,) if named else None),
        notebook=None,
        problem=without_notebook(files),
        digest=hashlib.sha256(
            "\n".join([label.name, *handed_in]).encode(errors="replace")
        ).hexdigest(),
        handed_in=max(file.at.named.handed_in for file in files),
        folder=label.folder,
    )


def _submission(
    found: Placed, label: Label, course: _Course, aside: Aside, zips: OpenZips
) -> Submission | None:
    """Read one notebook; None where the machine could not."""
    notebook: Notebook | None = None
    problem: Message | None = None
    fault: Message | None = None
    data = label.name.encode()  # stands in for bytes that were not read: no two digests alike
    try:
        data = zips.read(found.item.stored)
        notebook = course.read(data)
    except Malformed as error:
        problem = error.message
    except GraderError as error:
        fault = error.message
    except OSError as error:
        told = {"name": label.name, "error": why(error)}
        aside.refuse(Message("collect.unreadable", told), label.student)
        return None
    named = _named(notebook, label.name, course, aside) or found.at.named.exercise
    return Submission(
        name=label.name,
        student=label.student,
        path=found.item.stored.path,
        exercises=course.owed or ((named,) if named else None),
        notebook=notebook,
        problem=problem,
        digest=hashlib.sha256(data).hexdigest(),
        fault=fault,
        handed_in=found.at.named.handed_in,
        folder=label.folder,
    )


def _named(notebook: Notebook | None, name: str, course: _Course, aside: Aside) -> str | None:
    """Return the exercise that the metadata name, if the course has it."""
    named = notebook.exercise if notebook else None
    if named is None or named in course.exercise_ids:
        return named
    aside.notes.append(Message("collect.unknown_exercise", {"name": name, "exercise": named}))
    return None
