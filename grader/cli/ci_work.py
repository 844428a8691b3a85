"""What a change hands in, collected in its author's name.

Enters: options, an Event, a Repository. Leaves: Work. Touches: git; writes a folder of ours, and
reads it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.ci.event import Event
from grader.ci.git import Repository
from grader.ci.handed_in import HandedOver, hand_over
from grader.cli.grade import GradeOptions, collected_of
from grader.collect.collect import Collected
from grader.collect.files import is_archive, is_notebook
from grader.course.exercises import Course
from grader.pipeline.judges import Judges
from grader.submission import Submission
from grader.text.printable import printable

LONGEST_NAME = 200
# Said of files of several people; a change is one person's.
OF_A_CLASS = frozenset(
    {
        "collect.alike_names",
        "collect.class_folder",
        "collect.class_folder_marks",
        "collect.many_names",
        "collect.sections",
        "collect.several_named",
    }
)


@dataclass(frozen=True)
class Work:
    """What one change hands in, and by whom."""

    collected: Collected
    places: dict[str, str]  # name of a submission to its path in the repository
    over: HandedOver


def collected_by(
    grading: GradeOptions,
    repository: Repository,
    event: Event,
    course: Course,
    judges: Judges,
    folder: Path,
) -> Work:
    """Collect the notebooks that a change added or edited, or what the paths hold."""
    if grading.paths:
        beside = course.root if event.student else None
        paths = _alone(grading.paths) if event.student else grading.paths
        found = collected_of(course, replace(grading, paths=paths), judges, own_beside=beside)
        submissions = tuple(_by(one, event) for one in found.submissions)
        places = {one.name: str(one.path) for one in submissions}
        return Work(_of_one(found, submissions, event), places, HandedOver((), (), ()))
    head = repository.commit(event.head or "HEAD")
    over = hand_over(repository, repository.before(event.base, head), head, folder)
    return collected_from(grading, event, course, judges, folder, over)


def _alone(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Give one person's notebooks each by itself; a folder with archives is left to be opened."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else []
        notebooks = [one for one in inside if is_notebook(one) and one.is_file()]
        links = any(one.is_symlink() for one in inside)
        whole = not notebooks or links or any(map(is_archive, inside))
        found += [path] if whole else notebooks
    return tuple(found)


def collected_from(
    grading: GradeOptions,
    event: Event,
    course: Course,
    judges: Judges,
    folder: Path,
    over: HandedOver,
) -> Work:
    """Collect what was handed over into a folder.

    Where it is one person's, each notebook is collected by itself, so that names of folders say
    nothing of people, and what lies beside it is its author's.
    """
    if not over.notebooks:
        return Work(Collected(()), {}, over)
    alone = tuple(folder / one for one in over.notebooks) if event.student else (folder,)
    beside = course.root if event.student else None
    found = collected_of(course, replace(grading, paths=alone), judges, own_beside=beside)
    submissions: list[Submission] = []
    places: dict[str, str] = {}
    for one in found.submissions:
        place = str(one.path.relative_to(folder))
        name = shown = printable(place, limit=LONGEST_NAME)
        while name in places:  # two names that look alike are two
            name = f"{shown} ({len(places)})"
        places[name] = place
        submissions.append(_by(replace(one, name=name), event))
    return Work(_of_one(found, tuple(submissions), event), places, over)


def _of_one(found: Collected, submissions: tuple[Submission, ...], event: Event) -> Collected:
    """Leave out what is said of several people's files, where there is one person."""
    notes = tuple(one for one in found.notes if not event.student or one.id not in OF_A_CLASS)
    return replace(found, submissions=submissions, notes=notes)


def _by(submission: Submission, event: Event) -> Submission:
    """Give the submission in the name of the change's author, where it has one."""
    return replace(
        submission,
        student=event.student or submission.student,
        handed_in=event.handed_in or submission.handed_in,
    )
