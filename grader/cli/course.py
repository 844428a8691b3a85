"""Which course, and in which language.

Enters: paths and an option. Leaves: a Course and its Words. Touches: reads the course's files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grader.cli.errors import speak, tell
from grader.course.exercises import REFERENCE, Course
from grader.course.load import find_course, is_course, load_course, without_links
from grader.course.looking import HANDED_IN, OUTSIDE
from grader.course.profiles import LAPTOP
from grader.course.public import (
    FILE,
    FOLDER,
    course_of,
    installed,
    public_half,
    read_public,
    released_language,
)
from grader.record import class_file
from grader.text.words import Words, pick_language
from grader.types import GraderError, Message

NOT_FOUND = "course.not_found"
PACKAGE = Path(__file__).resolve().parents[1]


def open_course(profile: str | None = None, out: Path | None = None) -> Course:
    """Load the course: GRADER_COURSE, else around the current folder, else the one that graded.

    And where there is none of these, the one beside this package. Never the one that a submission
    brings along: a course holds code, and decides over grades.

    Args:
        profile: whose sizes; the course's own where None.
        out: a folder of results, which may know the course that graded them.

    Raises:
        GraderError: there is none, or the one that graded is gone; or it is no course.
    """
    try:
        return load_course(find_course(), profile)
    except GraderError as error:
        if error.message.id != NOT_FOUND:
            raise
        if (graded := graded_with(out)) is not None:
            if not is_course(graded):
                args = {"path": str(graded), "out": str(out)}
                raise GraderError(Message("course.gone", args)) from error
            return load_course(graded, profile)
        if not is_course(PACKAGE.parent):
            raise
        return load_course(PACKAGE.parent, profile)


def course_of_results(out: Path, lang: str | None, *others: Path) -> tuple[Course, Words]:
    """Load the course for folders of results; where another one may have graded, that is said."""
    graded = [(one, found) for one in (out, *others) if (found := graded_with(one)) is not None]
    graded.sort(key=lambda one: not is_course(one[1]))  # another machine's lies elsewhere
    known = [one for one, _ in graded]
    course = open_course(out=next(iter(known), None))
    words = open_words(course, lang)
    for one in known:
        tell_another(course, one, words)
    for message in () if known else by_itself(course):
        tell(words.say(message))
    return course, words


def tell_another(course: Course, out: Path, words: Words) -> None:
    """Say where results were graded with another course; of one that moved, until it is named."""
    graded = graded_with(out)
    if graded is None or graded == course.root.resolve():
        return
    args = {"out": str(out), "path": str(graded), "course": str(course.root)}
    if is_course(graded):
        tell(words("course.another", **args))
    elif not os.environ.get("GRADER_COURSE"):
        tell(words("course.another_gone", **args))


def graded_with(out: Path | None) -> Path | None:
    """Give the course that graded what a folder holds, where that is known."""
    kept = class_file.read(out).course if out is not None else ""
    return without_links(Path(kept)) if kept else None


def by_itself(course: Course) -> tuple[Message, ...]:
    """Say which course it is where nobody named it and the current folder does not lie in it."""
    if os.environ.get("GRADER_COURSE") or Path.cwd().resolve().is_relative_to(course.root):
        return ()
    return (Message("course.by_itself", {"path": str(course.root)}),)


def course_to_grade_with(
    paths: Sequence[Path], profile: str | None = None, out: Path | None = None
) -> Course:
    """Load the course for grading ``paths`` into ``out``.

    Raises:
        GraderError: there is none, or it lies inside what is to be graded and nobody named it.
    """
    course = open_course(profile, out)
    if not os.environ.get("GRADER_COURSE"):
        for path in paths:
            if course.root.resolve().is_relative_to(without_links(path)):
                args = {"course": str(course.root), "path": str(path)}
                raise GraderError(Message("cli.course_inside", args))
    return course


def course_around(paths: Sequence[Path], profile: str | None = None, *, own: bool = True) -> Course:
    """Load the course for a self-check, where a student's own folder will do.

    Or the course's public half alone: in the current folder or above it, or installed.

    Args:
        paths: that are checked.
        profile: whose sizes; the course's own where None.
        own: whether the paths are one's own, so that the public half around them is nobody else's.

    Raises:
        GraderError: no course is anywhere, or it is no course; or it has no such profile.
    """
    try:
        return open_course(profile)
    except GraderError as error:
        if error.message.id != NOT_FOUND:
            raise
    for path in paths:
        if path.exists() and (root := _around(path)) is not None:
            return load_course(root, profile)
    return _public_alone(profile, own=own)


def _around(path: Path) -> Path | None:
    try:
        return find_course(path.resolve())
    except GraderError:
        return None


def _public_alone(profile: str | None, *, own: bool) -> Course:
    here = Path.cwd()
    around = (folder / FOLDER for folder in (here, *here.parents) if own)
    folder = next((one for one in around if (one / FILE).is_file()), None) or installed()
    if folder is None:
        raise GraderError(Message("cli.check_no_course"))
    course = course_of(read_public(folder))
    if profile not in (None, course.profile):
        args = {"profile": profile or "", "known": course.profile}
        raise GraderError(Message("course.unknown_profile", args))
    return course


def course_to_check_with(
    paths: Sequence[Path], place: Path, profile: str | None = None, *, own: bool = True
) -> Course:
    """Load what a student's own check looks at, in an instructor's checkout too.

    What looks at data is code, and is never taken from a folder that is handed in.

    Args:
        paths: that are checked.
        place: an empty folder, in which the students' half is made anew where ``reference/`` is.
        profile: whose sizes; course.toml's where None.
        own: whether the paths are one's own, so that the course around them is nobody else's.
    """
    try:
        course = open_course(profile) if own else course_to_grade_with(paths, profile)
    except GraderError:
        around = course_around(paths, profile, own=own)
        if around.public is not None:
            return around
        left = (around.root / FOLDER / FILE).is_file() or around.reference is not None
        why = OUTSIDE if own else HANDED_IN
        return replace(public_half(around), public_left=why if left else "")
    folder = course.root / FOLDER
    if course.reference is not None:
        from grader.authoring.public import written_public

        folder = written_public(course, place)
    return public_half(course, read_public(folder) if (folder / FILE).is_file() else None)


def profile_note(course: Course, words: Words) -> str:
    """Say which sizes count, and which exercises have no others; nothing for the usual ones."""
    if course.profile == LAPTOP:
        return ""
    usual = [key for key, one in course.exercises.items() if one.profile != course.profile]
    key = "cli.profile_some" if usual else "cli.profile"
    return words(key, profile=course.profile, usual=", ".join(usual))


def open_words(course: Course, lang: str | None) -> Words:
    """Give words in the chosen language, those of the course's families included.

    It is the option's, the course's, that of the release, or else the computer's.
    """
    language = pick_language(lang, course.language or released_language(course.root))
    speak(language)
    folder = (course.public or course.root / REFERENCE) / "families" / "locale"
    return Words(language, (folder,) if folder.is_dir() else (), course.rules.zone)


def words_anywhere(lang: str | None) -> Words:
    """Give words where a course need not be: its language where there is one, else the locale's."""
    try:
        return open_words(open_course(), lang)
    except GraderError:
        return Words(pick_language(lang, None))
