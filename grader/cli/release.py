"""``grader release``: what students receive.

Enters: parsed options. Leaves: an exit code. Touches: stdout; writes a folder.
"""

from __future__ import annotations

from pathlib import Path

from grader.cli.course import open_course, open_words, profile_note
from grader.cli.printing import console
from grader.record import files
from grader.types import GraderError, Message


def run_release(
    out: Path, lang: str | None, profile: str | None = None, place: str | None = None
) -> int:
    """Write the students' bundle, or what a place needs that runs the grader by itself."""
    from grader.authoring.release import release

    if place is not None:
        return _run_release_for(place, out, lang, profile)
    course = open_course(profile)
    words = open_words(course, lang)
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    release(course, out)
    count = len(course.exercises)
    console().print(words("cli.released", path=str(out), count=count))
    if note := profile_note(course, words):
        console().print(note)
    return 0


def _run_release_for(place: str, out: Path, lang: str | None, profile: str | None) -> int:
    """Write a zip or a folder for a place that runs the grader by itself.

    Raises:
        GraderError: there is no such place, the folder holds something, or the disk refuses.
    """
    from grader.authoring.bundles import load
    from grader.authoring.carried import zipped

    bundle = load(place)
    course = open_course(profile)
    words = open_words(course, lang)
    made = list(bundle.files(course))
    if bundle.zip_name:
        target = out / bundle.zip_name
        files.write_whole(target, zipped(made), shared=True)
    else:
        target = out
        if out.exists() and any(one.name != ".git" for one in out.iterdir()):
            raise GraderError(Message("release.place_taken", {"path": str(out)}))
        for one in made:
            files.write_whole(out / one.name, one.data, shared=True)
            (out / one.name).chmod(one.mode)
    console().print(words("cli.released_for", path=str(target), count=len(made)))
    return 0
