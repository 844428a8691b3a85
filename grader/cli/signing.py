"""Signed records: made beside official grading, checked by anybody.

Enters: records and their submissions; or a file. Leaves: files below OUT; an exit code. Touches:
the private key's file, stdout; with ``--rerun`` rooms.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader import seeds
from grader.ci.statement import TRAINER, code_digest, statement, trained_on
from grader.cli.course import course_to_grade_with, open_course, words_anywhere
from grader.cli.grade import GradeOptions, collected_of, graded_as_done, settings_of
from grader.cli.progress import ProgressLines
from grader.course.exercises import Course
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings, no_trainer
from grader.pipeline.judges import Judges
from grader.pipeline.ours import ours
from grader.record import files, signing
from grader.record.store import Store
from grader.report import wording
from grader.room import open_room
from grader.room.workplace import workplace
from grader.submission import Submission
from grader.text.printable import printable
from grader.text.words import Words
from grader.trainer.devices import Devices
from grader.trainer.keys import CPU
from grader.types import GraderError, Message, Record

SIGNED = "signed"
GENUINE, FORGED = 0, 1
SHOWN = ("student", "exercise", "verdict", "score", "max_score", "graded_at", "notebook", "origin")


def sign(
    records: Sequence[Record],
    submissions: Sequence[Submission],
    course: Course,
    settings: Settings,
    out: Path,
    origins: Mapping[str, Mapping[str, str]],
) -> int:
    """Write a signed record for each grade; gives how many.

    What is ungraded, or decided by hand, is nothing that the grader can answer for.

    Raises:
        GraderError: there is no private key, or the disk refuses.
    """
    by_name = {one.name: one for one in submissions}
    count = 0
    for record in records:
        submission = by_name.get(record.submission)
        if submission is None or not record.grade.graded or record.by_hand is not None:
            continue
        told = statement(record, submission, course, settings, origins.get(record.submission, {}))
        name = f"{wording.file_stem(record.student)}-{record.key[:16]}.json"
        files.write_whole(out / SIGNED / name, signing.signed(told))
        count += 1
    return count


@dataclass(frozen=True)
class VerifyRecordOptions:
    """What ``grader verify-record`` was asked."""

    file: Path
    key: str | None
    notebook: Path | None
    rerun: bool
    lang: str | None


def run_verify_record(options: VerifyRecordOptions) -> int:
    """Say whether a signed record is genuine, and what it says; gives the exit code."""
    words = words_anywhere(options.lang)
    try:
        data = files.read_at_most(options.file, signing.MOST_BYTES)
        told = signing.genuine(data, _public(options.key))
    except OSError as error:
        args = {"path": str(options.file), "error": error.strerror or repr(error)}
        raise GraderError(Message("cli.unreadable_record", args)) from error
    except signing.ForgedError as error:
        _say(words("cli.record_forged", why=words(_WHY[str(error)])))
        return FORGED
    _say(words("cli.record_genuine"))
    for name in SHOWN:
        value = told.get(name)
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        _say(f"  {name}: {printable(shown, limit=200)}")
    if options.notebook is None:
        return GENUINE
    return _compared(options, options.notebook, told, words)


_WHY = {
    "form": "cli.forged_form",
    "schema": "cli.forged_form",
    "signature": "cli.forged_signature",
}


def _compared(
    options: VerifyRecordOptions, notebook: Path, told: Mapping[str, Any], words: Words
) -> int:
    """Compare the notebook, and what it earns today where that was asked."""
    digest = hashlib.sha256(notebook.read_bytes()).hexdigest()
    if digest != told.get("notebook"):
        _say(words("cli.record_other_notebook"))
        return FORGED
    _say(words("cli.record_same_notebook"))
    if not options.rerun:
        return GENUINE
    if dict(told.get("grader") or {}).get("code") != code_digest():
        _say(words("cli.record_other_grader"))
    if "run" not in told:
        _say(words("cli.record_run_unsaid"))
    found = _graded(notebook, told, words)
    if found is None:
        _say(words("cli.record_not_rerun"))
        return FORGED
    for then, now in _other_devices(found, told):
        _say(words("cli.record_other_device", then=printable(then, limit=80), now=now))
    grade = found.grade
    score = None if grade.score is None else round(grade.score, 4)
    same = (grade.verdict.value, score) == (told.get("verdict"), told.get("score"))
    args = {"verdict": wording.verdict_name(found, words), "score": wording.score(found)}
    _say(words("cli.record_rerun_same" if same else "cli.record_rerun_other", **args))
    return GENUINE if same else FORGED


def _graded(notebook: Path, told: Mapping[str, Any], words: Words) -> Record | None:
    """Grade a notebook under the name and student that the record has: they decide its seeds."""
    grading = _as_then(notebook, told)
    course = course_to_grade_with((notebook,), grading.profile)
    if course.reference is None:  # what is looked at there is less than what the record is about
        raise GraderError(Message("cli.no_reference"))
    with workplace() as place, Store(place) as store:
        judges = Judges(place)
        grading = replace(grading, out=place)
        collected = collected_of(course, grading, judges)
        (one,) = collected.submissions
        named = replace(one, name=str(told.get("submission")), student=str(told.get("student")))
        collected = replace(collected, submissions=(named,))
        room = open_room(grading.isolation, ours(course.root, place, [notebook.parent]))
        settings = settings_of(grading, seeds.course_secret())
        why = no_trainer(room.isolation.level) if grading.trainer else None
        if why is not None:
            _say(words("cli.record_no_trainer", why=words.say(why)))
        run = dict(told.get("run") or {})  # what a GPU trained is taken where it is still kept
        devices = Devices(kept_of=str(run.get("trained_on") or CPU))
        grader = Grader(course, room, store, settings, judges, devices=devices)
        done = graded_as_done(grader, collected, ProgressLines(1, Words("en")), words)
        records = [record for graded in done for record in graded.records]
        judges.close()
    return records[0] if records and records[0].grade.graded else None


def _other_devices(found: Record, told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give what computed then and what did now, where these are two, each pair once.

    Of what is not told there is none.
    """
    run = dict(told.get("run") or {})
    now = {"device": found.device, "trained_on": trained_on(found)}
    pairs = [(run.get(name), device) for name, device in now.items()]
    others = [(str(then), new) for then, new in pairs if then and new and then != new]
    return list(dict.fromkeys(others))


def _as_then(notebook: Path, told: Mapping[str, Any]) -> GradeOptions:
    """Give the options of the run that a record tells of; of what it does not say, the usual."""
    run = dict(told.get("run") or {})
    trainings = run.get("trainings")
    return GradeOptions(
        paths=(notebook,),
        exercises=(str(told.get("exercise")),),
        out=Path(),
        jobs=1,
        engine=str(run.get("engine") or "auto"),
        timeout=run.get("timeout"),
        gpus="none",
        profile=run.get("profile"),
        trainer=None if trainings is None else trainings == TRAINER,
    )


def _public(key: str | None) -> str:
    """Give the public key to believe: as typed, from a file, or the one that the course published.

    Raises:
        GraderError: there is none.
    """
    if key is not None and key.startswith(signing.KIND):
        return key
    path = Path(key) if key is not None else _published()
    try:
        return files.read_at_most(path, signing.MOST_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise GraderError(Message("record.no_public_key")) from error


def _published() -> Path:
    try:
        return open_course().root / signing.PUBLIC_NAME
    except GraderError as error:
        raise GraderError(Message("record.no_public_key")) from error


def _say(text: str) -> None:
    print(text)  # noqa: T201
