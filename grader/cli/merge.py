"""Joins what several machines graded.

Enters: OUT folders. Leaves: one OUT folder with all of it, an exit code. Touches: reads the
sources and leaves them as they are; writes the target.

Of two records for the same exercise the later one counts, as if one machine had made both. Merging
again changes nothing, so a merge that was cut off is simply repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.cli.course import course_of_results
from grader.cli.errors import tell
from grader.cli.kept import current, existing, exit_code, finish
from grader.cli.spared import Spared, Step
from grader.course.exercises import Course
from grader.policy.replaced import HandIn, hand_in
from grader.record import class_file, files, hand_file, notebook_file
from grader.record.class_file import ClassFile
from grader.record.index import KEY, MOST_BYTES, keyed_folders
from grader.record.record_json import CorruptError, KeptRecord, kept_from_json
from grader.record.store import Store
from grader.text.words import Words
from grader.types import GraderError, Message, Record


@dataclass(frozen=True)
class _Kept:
    """A record where it was found."""

    source: Store
    record: Record
    saved_at: int


def run_merge(sources: Sequence[Path], out: Path, lang: str | None, form: str) -> int:
    """Join stores; gives the exit code of all that is then in OUT."""
    stores = [Store(existing(source)) for source in sources]
    course, words = course_of_results(sources[0], lang, *sources[1:], out)
    if out.absolute() in {store.out for store in stores}:
        raise GraderError(Message("cli.merge_into_itself", {"path": str(out)}))
    unread: list[Message] = []
    found = [one for store in stores for one in _kept(store, unread)]
    with Store(out) as store:
        spared = Spared(store.out)
        here = _kept(store, unread)
        # Before the records: whoever is cut off in between finds out again who graded last.
        unread += _take_class(store, stores, course, _last_graded([*here, *found]))
        there = {one.record.key: one.saved_at for one in here}
        for one in sorted(found, key=lambda one: one.saved_at):
            if there.get(one.record.key, 0) < one.saved_at:
                with spared.alone(Step.MERGE, one.record.student):
                    _take(store, one)
        _take_by_hand(store, stores)
        _tell_secrets(words, (one.record for one in found))
        unread += [message for source in stores for message in source.warnings]
        for message in unread:
            if message not in store.warnings:  # which are told with the rest
                tell(words.say(message))
        records = current(store, course)
        whole = finish(course, words, store, records, form, spared)
    if form == "table":
        print(words("cli.merged", count=len(found), stores=len(stores), path=str(out)))  # noqa: T201
    return exit_code(records, refused=bool(unread) or not whole)


def _kept(store: Store, unread: list[Message]) -> list[_Kept]:
    """Read every record of a store; ``unread`` gets what cannot be read, and why."""
    found = []
    for folder in keyed_folders(store.out / "results"):
        path = folder / "record.json"
        try:
            kept = _read(path, folder.name)
        except FileNotFoundError:  # somebody was killed before there was a record
            continue
        except (OSError, CorruptError) as error:
            told = {"path": str(path), "error": str(error)}
            unread.append(Message("record.unreadable", told))
            continue
        found.append(_Kept(store, kept.record, kept.saved_at))
    return found


def _read(path: Path, key: str) -> KeptRecord:
    kept = kept_from_json(files.read_at_most(path, MOST_BYTES))
    if kept.record.key != key:
        raise CorruptError(f"key {kept.record.key}")
    return kept


def _take(target: Store, one: _Kept) -> None:
    """Copy a record, its run first: a record never points at a run that is not there."""
    key = one.record.execution_key
    if KEY.fullmatch(key) and target.load_execution(key) is None:
        execution = one.source.load_execution(key)
        if execution is not None:
            target.save_execution(key, execution)
    notebook = notebook_file.read(one.source.out, key)
    if notebook is not None:
        notebook_file.write(target.out, key, notebook)
    target.save(one.record, one.saved_at)


def _take_by_hand(target: Store, sources: Iterable[Store]) -> None:
    """Add what was decided by hand elsewhere, each line once, in the order of time."""
    there = {one.id for one in target.by_hand().lines}
    found = {one.id: one for source in sources for one in source.by_hand().lines}
    new = [one for one in found.values() if one.id not in there]
    hand_file.append(target.out, sorted(new, key=lambda one: one.at))


def _last_graded(kept: Iterable[_Kept]) -> dict[HandIn, set[Path]]:
    """Give in which folders a hand-in was graded last: there it is known whether it is gone."""
    last: dict[HandIn, int] = defaultdict(int)
    where: dict[HandIn, set[Path]] = {}
    for one in sorted(kept, key=lambda one: one.saved_at):
        who = hand_in(one.record)
        if one.saved_at > last[who]:
            where[who] = set()
        last[who] = one.saved_at
        where[who].add(one.source.out)
    return where


def _take_class(
    target: Store, sources: Iterable[Store], course: Course, graded: Mapping[HandIn, set[Path]]
) -> list[Message]:
    """Add what elsewhere is known of the class: its roster, what could not be looked at.

    Of several courses that graded, the one that counts is known, if it is any of them; of a hand-in
    what is known where it was graded last.
    Gives what could not be read there. If it cannot be here, it stays, as ``remember`` leaves it.
    """
    known = {one.out: class_file.read(one.out) for one in (target, *sources)}
    there, *others = known.values()
    found = class_file.joined([_of_last(*one, graded) for one in known.items()])
    counts = str(course.root.resolve())
    if counts in {one.course for one in (there, *others)}:
        found = replace(found, course=counts)
    if not there.unread and found != there:
        class_file.write(target.out, found)
    return [message for one in others for message in one.unread]


def _of_last(out: Path, known: ClassFile, graded: Mapping[HandIn, set[Path]]) -> ClassFile:
    hand_ins = {who: it for who, it in known.hand_ins.items() if out in graded.get(who, ())}
    return replace(known, hand_ins=hand_ins)


def _tell_secrets(words: Words, records: Iterable[Record]) -> None:
    """Say where machines drew different hidden data, for their grades do not compare."""
    seeds: dict[str, set[int]] = defaultdict(set)
    for record in records:
        if record.hidden_seed is not None:
            seeds[record.exercise].add(record.hidden_seed)
    several = sorted(exercise for exercise, found in seeds.items() if len(found) > 1)
    if several:
        tell(words("cli.several_secrets", exercises=", ".join(several)))
