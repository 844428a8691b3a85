"""Erases what a folder keeps of one student's work.

Enters: a store whose lock is held, whose work, of which exercise. Leaves: how many records went.
Touches: removes records, runs, notes of jobs, faults, the index; rewrites the files that grow by
lines; what is erased here can be erased again.

What others need stays: a run goes with the last record that tells of it, so the run of a notebook
with several exercises stays while one of them does. Whoever handed in the same code loses only the
name of the hand-in that was found to be the same. The lines about what was done by hand are left
to the caller, who notes last that all is erased.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from grader.record import exported, files, history, lines
from grader.record.faults import FOLDER as FAULTS
from grader.record.index import MOST_BYTES, keyed_folders
from grader.record.store import Store
from grader.types import Json, Record


@dataclass(frozen=True)
class _Kept:
    folder: Path
    record: Record
    saved_at: int


def erase(store: Store, student: str, exercise: str = "") -> int:
    """Erase the work of a student for an exercise, for all where none is named.

    Raises:
        GraderError: the disk refuses.
    """
    kept, damaged = _records(store.out)
    going = [one for one in kept if _is_theirs(one.record, student, exercise)]
    staying = [one for one in kept if not _is_theirs(one.record, student, exercise)]
    whole = not any(one.record.student == student for one in staying)
    with files.disk_errors(store.out):
        _erase_runs(store, going, staying)
        _erase_faults(store.out, going, student if whole else "")
        _unname(store, going, staying)
        for folder in (*(one.folder for one in going), *_naming(damaged, student)):
            shutil.rmtree(folder)
    _strike(store.out / history.NAME, _not_about(student, exercise))
    if whole:
        _strike(store.out / exported.NAME, lambda one: exported.without(one, student))
    store.index_anew()
    return len(going)


def _is_theirs(record: Record, student: str, exercise: str) -> bool:
    return record.student == student and exercise in {"", record.exercise}


def _records(out: Path) -> tuple[list[_Kept], list[Path]]:
    """Read every record, those that do not count as well; name folders that cannot be read."""
    from grader.record.record_json import CorruptError, kept_from_json

    kept: list[_Kept] = []
    damaged: list[Path] = []
    for folder in keyed_folders(out / "results"):
        try:
            found = kept_from_json(files.read_at_most(folder / "record.json", MOST_BYTES))
            kept.append(_Kept(folder, found.record, found.saved_at))
        except FileNotFoundError:
            continue
        except (OSError, CorruptError):
            damaged.append(folder)
    return kept, damaged


def _erase_runs(store: Store, going: Sequence[_Kept], staying: Sequence[_Kept]) -> None:
    """Erase runs that no record tells of any more, other attempts of the same notebooks too."""
    needed = {one.record.execution_key for one in staying}
    named = {one.record.execution_key for one in going}
    seeds = {attempt.seed for one in going for attempt in one.record.attempts}
    for folder in keyed_folders(store.out / "evidence"):
        if folder.name not in needed and (folder.name in named or _seed(folder) in seeds):
            shutil.rmtree(folder)
    for one in going:
        job = f"{one.record.submission}/{one.record.execution_key}"
        store.journal.path(job).unlink(missing_ok=True)


def _seed(folder: Path) -> int | None:
    from grader.record.execution_files import read_about
    from grader.record.record_json import CorruptError

    try:
        return read_about(folder / "execution" / "about.json").seed
    except (OSError, CorruptError):
        return None


def _erase_faults(out: Path, going: Sequence[_Kept], student: str) -> None:
    """Erase tracebacks that the records name, or that name the student or a hand-in."""
    told = {
        value
        for one in going
        for check in one.record.grade.checks
        for value in check.message.args.values()
        if isinstance(value, str)
    }
    names = ({one.record.submission for one in going} | {student}) - {""}
    named = whole_names(names)
    with suppress(FileNotFoundError):
        for path in (out / FAULTS).iterdir():
            text = path.read_text(encoding="utf-8", errors="replace")
            if any(path.name in one for one in told) or named.search(text):
                path.unlink()


def whole_names(names: Iterable[str]) -> re.Pattern[str]:
    """Give what finds any of the names where it is no part of a longer word."""
    return re.compile(
        "|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in sorted(names)) or r"\Z."
    )


def _unname(store: Store, going: Sequence[_Kept], staying: Sequence[_Kept]) -> None:
    """Take a hand-in's name out of the records of those whose code was the same."""
    there = {one.record.submission for one in staying}
    gone = {one.record.submission for one in going} - there
    for one in staying:
        if one.record.same_as in gone:
            store.save(replace(one.record, same_as=""), one.saved_at)


def _naming(folders: Iterable[Path], student: str) -> list[Path]:
    """Find records that cannot be read and name a student all the same."""
    spelt = {json.dumps(student, ensure_ascii=ascii_)[1:-1].encode() for ascii_ in (True, False)}
    found = []
    for folder in folders:
        with suppress(OSError):
            data = files.read_at_most(folder / "record.json", MOST_BYTES)
            if any(name in data for name in spelt):
                found.append(folder)
    return found


def _not_about(student: str, exercise: str) -> _Change:
    def change(one: Mapping[str, Json]) -> Mapping[str, Json] | None:
        theirs = one.get("student") == student and exercise in {"", one.get("exercise")}
        return None if theirs else one

    return change


_Change = Callable[[Mapping[str, Json]], Mapping[str, Json] | None]


def _strike(path: Path, change: _Change) -> None:
    """Rewrite a file of lines where some of them change; lines that are none go as well."""
    there = lines.read(path)
    kept = [one for one in map(change, there.objects) if one is not None]
    if kept != list(there.objects) or there.unread:
        lines.rewrite(path, kept)
