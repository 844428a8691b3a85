"""``grader verify --changed``: what a change to the course means, for verdicts and for students.

Enters: a commit to compare with. Leaves: a page of what students will see differently, and what
``grader verify`` says of the notebooks that may get another verdict. Touches: git, which hands out
the course as it was; what verifying touches; the platform's page of this job.

Of the course as it was nothing is run or imported: it is read, as the one that is checked out is.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from grader.authoring.settings import public_settings
from grader.ci import platforms
from grader.ci.git import Repository
from grader.ci.handed_in import is_inside, named
from grader.cli.course import open_course, open_words
from grader.cli.errors import tell
from grader.cli.verify import REFERENCES, VerifyOptions, ran, static
from grader.course.called import exercises_asked
from grader.course.exercises import ASSIGNMENTS, REFERENCE, SAMPLES, Course
from grader.course.load import SETTINGS, load_course
from grader.record import files
from grader.report.github import SUMMARY_BYTES
from grader.room.workplace import workplace
from grader.text.words import Words
from grader.types import GraderError, Message
from grader.verify.cases import cases, quick
from grader.verify.difference import Change, markdown, page
from grader.verify.seen import seen
from grader.verify.touched import Touched, is_of_the_course, to_run, touched

MARKDOWN, PAGE = "changes.md", "changes.html"
LARGEST = 2**30  # bytes of one file of a course
README = f"{ASSIGNMENTS}/README.md"  # of all exercises together


@dataclass(frozen=True)
class Comparison:
    """The course as it is, and as it was; ``before`` is None where nobody can read that."""

    now: Course
    before: Course | None
    root: Path  # where the course as it was lies
    base: str


def run_changed(options: VerifyOptions, base: str) -> int:
    """Check what a change touched; codes as of ``grader verify``."""
    course = open_course(options.profile)
    words = open_words(course, options.lang)
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    if options.paths:
        raise GraderError(Message("changed.and_samples"))
    options = replace(options, exercises=exercises_asked(course, options.exercises))
    repository = Repository(course.root)
    commit = repository.before(base, "HEAD") or repository.commit(base)
    ours, others = _changed(repository, commit)
    if others:
        tell(words("changed.others", files=named(others)))
    if not ours:
        tell(words("changed.nothing", base=commit[:12]))
        return 0
    with workplace("before") as place:
        root = place / "before"
        _lay_out(repository, commit, root)
        before = _read(root, options.profile, words)
        compared = Comparison(course, before, root, commit[:12])
        _show(compared, words, options.out)
        return _verify(compared, touched(ours, course, before), words, options)


def _changed(repository: Repository, commit: str) -> tuple[tuple[str, ...], list[str]]:
    """Give the files of the course that differ, relative to it, and the other ones."""
    prefix = repository.prefix()
    ours, others = [], []
    for name in repository.edited(commit, (ASSIGNMENTS, REFERENCE, SETTINGS)):
        inner = name.removeprefix(prefix)
        if name.startswith(prefix) and is_of_the_course(inner):
            ours.append(inner)
        else:
            others.append(name)
    return tuple(ours), others


def _lay_out(repository: Repository, commit: str, root: Path) -> None:
    """Write the course as it was, without its samples, into a folder of ours."""
    prefix = os.fsencode(repository.prefix())
    (root / ASSIGNMENTS).mkdir(parents=True, exist_ok=True)
    with repository.contents() as contents:
        for entry in repository.listed(commit):
            name = os.fsdecode(entry.name.removeprefix(prefix))
            wanted = entry.name.startswith(prefix) and is_of_the_course(name)
            if not wanted or not entry.is_file or not is_inside(entry):
                continue
            if SAMPLES in Path(name).parts[2:3]:
                continue
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                contents.write(entry.blob, file, LARGEST)


def _read(root: Path, profile: str | None, words: Words) -> Course | None:
    try:
        return load_course(root, profile)
    except GraderError as error:
        tell(words("changed.unreadable", reason=words.say(error.message)))
        return None


def _show(compared: Comparison, words: Words, out: Path) -> None:
    """Write the page, into OUT and where the platform shows it."""
    changes = [*_texts(compared), *_exercises(compared, words)]
    whole = markdown(changes, words, compared.base, LARGEST)
    files.write_whole(out / MARKDOWN, whole.encode(), shared=True)
    files.write_whole(out / PAGE, page(whole, words).encode(), shared=True)
    place = platforms.choose(platforms.AUTO).summary(os.environ)
    if place is not None:
        shown = markdown(changes, words, compared.base, SUMMARY_BYTES)
        with files.disk_errors(place), place.open("ab") as opened:
            opened.write(shown.encode())
    tell(words("changed.written", file=str(out / PAGE)))


def _texts(compared: Comparison) -> list[Change]:
    was, now = compared.root, compared.now.root
    before = None if compared.before is None else _settings(was / SETTINGS, compared.before.profile)
    return [
        Change(SETTINGS, before, _settings(now / SETTINGS, compared.now.profile)),
        Change(README, _text(was / README), _text(now / README)),
    ]


def _text(path: Path) -> str | None:
    return path.read_text("utf-8", errors="replace") if path.is_file() else None


def _settings(path: Path, profile: str) -> str | None:
    """Give what students get of ``course.toml``: names, groups and extensions stay here."""
    text = _text(path)
    return None if text is None else public_settings(tomllib.loads(text), profile)


def _exercises(compared: Comparison, words: Words) -> list[Change]:
    """Compare every exercise: what students see of one may stand in files that several share."""
    earlier = compared.before.exercises if compared.before is not None else {}
    now = compared.now.exercises
    return [
        Change(
            key,
            seen(earlier[key], words) if key in earlier else None,
            seen(now[key], words) if key in now else None,
        )
        for key in {**now, **earlier}
    ]


def _verify(compared: Comparison, what: Touched, words: Words, options: VerifyOptions) -> int:
    course = compared.now
    asked = options.exercises or tuple(course.exercises)
    every = [course.exercise(one) for one in asked]
    near = [one for one in every if one.id in what.exercises | what.near]
    tally = static(course, near, words, options)
    found = cases(course, every, options.out / REFERENCES)
    chosen = to_run(found, what)
    chosen = quick(chosen) if options.quick else chosen
    tell(words("changed.runs", count=len(chosen), total=len(found)))
    return ran(course, words, options, tally, chosen)
