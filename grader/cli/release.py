"""``grader release``: what students receive.

Enters: parsed options. Leaves: an exit code. Touches: stdout; writes a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.course import open_course, open_words, profile_note
from grader.cli.printing import console
from grader.course.called import exercises_asked
from grader.course.load import read_settings
from grader.record import files
from grader.types import GraderError, Message

if TYPE_CHECKING:
    from grader.authoring.bundle import Plan
    from grader.course.exercises import Course


@dataclass(frozen=True)
class ReleaseOptions:
    """What ``grader release`` was asked."""

    out: Path
    lang: str | None
    profile: str | None = None
    place: str | None = None  # that runs the grader by itself; None: students
    exercises: tuple[str, ...] | None = None
    week: int | None = None


def run_release(options: ReleaseOptions) -> int:
    """Write the students' bundle, or what a place needs that runs the grader by itself.

    Raises:
        GraderError: options that do not go together, or a week that course.toml does not have.
    """
    from grader.authoring.bundle import release

    chosen = options.exercises is not None or options.week is not None
    if options.place is not None:
        if chosen:
            raise GraderError(Message("release.place_takes_all"))
        return _run_release_for(options.place, options.out, options.lang, options.profile)
    course = open_course(options.profile)
    words = open_words(course, options.lang)
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    plan = _plan(options, course)
    release(course, options.out, plan)
    count = len(course.exercises) if plan.exercises is None else len(plan.exercises)
    console().print(words("cli.released", path=str(options.out), count=count))
    if note := profile_note(course, words):
        console().print(note)
    return 0


def _plan(options: ReleaseOptions, course: Course) -> Plan:
    from grader.authoring.around import Published
    from grader.authoring.bundle import Plan

    if options.exercises is not None and options.week is not None:
        raise GraderError(Message("release.exercise_or_week"))
    said = read_settings(course.root)
    exercises = exercises_asked(course, options.exercises)
    if options.week is not None:
        exercises = _of_week(options.week, {one: said.exercise[one].week for one in said.exercise})
    first = options.lang or course.language or "en"
    others = () if options.lang else tuple(one for one in ("en", "ko") if one != first)
    there = said.published
    published = (
        Published(there.github, there.branch, there.folder, there.grader or "") if there else None
    )
    return Plan(exercises, (first, *others), published)


def _of_week(week: int, weeks: Mapping[str, int | None]) -> tuple[str, ...]:
    found = tuple(one for one, number in weeks.items() if number == week)
    if not found:
        known = ", ".join(map(str, sorted({one for one in weeks.values() if one is not None})))
        raise GraderError(Message("release.no_such_week", {"week": week, "known": known or "–"}))
    return found


def _run_release_for(place: str, out: Path, lang: str | None, profile: str | None) -> int:
    """Write a zip or a folder for a place that runs the grader by itself.

    Raises:
        GraderError: there is no such place, the folder holds something, or the disk refuses.
    """
    from grader.authoring.bundles import load
    from grader.authoring.carried import zipped

    bundle = load(place)
    if not bundle.zip_name and out.exists() and any(one.name != ".git" for one in out.iterdir()):
        raise GraderError(Message("release.place_taken", {"path": str(out)}))
    course = open_course(profile)
    words = open_words(course, lang)
    made = list(bundle.files(course))
    if bundle.zip_name:
        target = out / bundle.zip_name
        files.write_whole(target, zipped(made), shared=True)
    else:
        target = out
        for one in made:
            files.write_whole(out / one.name, one.data, shared=True)
            (out / one.name).chmod(one.mode)
    console().print(words("cli.released_for", path=str(target), count=len(made)))
    return 0
