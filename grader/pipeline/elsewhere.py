"""Grading on machines that share no folder with this one: what goes there, and what comes back.

Enters: a Grader, groups of Submissions, bytes of other machines. Leaves: payloads, what is graded.
Touches: reads the course; keeps in the Grader's store what came back, as its one writer.

The course travels once for each machine, the submissions with the authors' own files, the results
as a tar file of a folder of results. Everything has a key, so what is lost is done again, and what
comes twice is kept once.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from grader.collect.stored import Stored, read_again
from grader.course.data import cache_folder
from grader.course.exercises import Course
from grader.pipeline.durations import Durations
from grader.pipeline.graded import Graded
from grader.pipeline.job import Settings, may_ask
from grader.pipeline.order import Group, expected_seconds
from grader.pipeline.remote_grading import (
    COURSE,
    DATA,
    KEYS,
    MANIFEST,
    UNKEPT,
    MakesPlaces,
    Payload,
    RemoteGrading,
    our_versions,
    plain,
)
from grader.pipeline.runner import Slot
from grader.record import files
from grader.record.faults import FOLDER as FAULTS
from grader.record.store import Store
from grader.room import Room
from grader.room.workplace import workplace
from grader.submission import Submission
from grader.types import GraderError, Level, Message

DIGEST_BYTES = 32  # before the tar file
HERE = Slot((0,))  # any core: keys tell how many and of which class, not which
PARTS_OF_A_COURSE = ("course.toml", "assignments", "reference")


class LocalGrader(Protocol):
    """What is asked of a Grader."""

    @property
    def course(self) -> Course:
        """The course."""

    @property
    def room(self) -> Room:
        """Where notebooks run here."""

    @property
    def store(self) -> Store:
        """The folder that this process alone writes."""

    @property
    def settings(self) -> Settings:
        """How the batch is graded."""

    @property
    def took(self) -> Mapping[str, Durations]:
        """How long notebooks took before."""

    @property
    def tell(self) -> Callable[[Message], None]:
        """Is told what whoever waits for the batch should know."""

    def needs_run(self, submission: Submission, slot: Slot) -> bool:
        """Whether something would be run."""

    def grade_group(self, group: Group, slot: Slot) -> list[Graded]:
        """Grade here."""

    def journal_key(self, submission: Submission, slot: Slot) -> str:
        """Name in the journal."""

    def failed(self, submission: Submission, slot: Slot, error: Exception) -> Graded:
        """Ungraded."""


@dataclass(frozen=True)
class GroupsElsewhere:
    """The work of a batch for other machines; this side of it."""

    grader: LocalGrader
    places: MakesPlaces
    _told: set[tuple[str, str]] = field(default_factory=set, init=False, compare=False)

    @classmethod
    def of(cls, grader: LocalGrader, places: MakesPlaces) -> GroupsElsewhere:
        """Refuse where rooms are open.

        Raises:
            GraderError: a notebook could ask the cluster to run anything.
        """
        if grader.room.isolation.level is Level.NONE:
            raise GraderError(Message("pipeline.open_rooms_elsewhere"))
        return cls(grader, places)

    @cached_property
    def common_files(self) -> bytes:
        """The course without its samples, and the data sets that were downloaded here."""
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as tar:
            for name in PARTS_OF_A_COURSE:
                if (path := self.grader.course.root / name).exists():
                    tar.add(path, f"{COURSE}/{name}", filter=plain)
            cache = cache_folder()
            if os.access(cache, os.R_OK | os.X_OK):
                tar.add(cache, DATA, filter=plain)
        return whole.getvalue()

    @property
    def there(self) -> RemoteGrading:
        """What the other machine does, with which versions."""
        one = self.grader
        level = one.room.isolation.level
        return RemoteGrading(self.places, one.course.profile, level, one.settings, our_versions())

    def expected(self, task: Group) -> float:
        """Seconds of the one that runs."""
        return self._expected(task[0])

    @cached_property
    def _expected(self) -> Callable[[Submission], float]:
        return expected_seconds(self.grader.course, self.grader.took)

    def without_run(self, task: Group) -> list[Graded] | None:
        """Grade here what needs no room."""
        if any(self.grader.needs_run(one, HERE) for one in task):
            return None
        return self.grader.grade_group(task, HERE)

    def begins(self, task: Group) -> None:
        """Write it into the journal of this side."""
        self.grader.store.journal.begin(self.grader.journal_key(task[0], HERE))

    def payload(self, task: Group) -> Payload:
        """Read the authors' files.

        Raises:
            GraderError: one is not what it was when it was collected.
        """
        wanted = {one.digest: one for submission in task for one in submission.files}
        read = {key: read_again(Stored(f.path, f.inside), key) for key, f in wanted.items()}
        return Payload(task, read)

    def received(self, task: Group, data: bytes) -> list[Graded]:
        """Keep runs and records that came back; the run first, for a record points at it."""
        try:
            with workplace("back") as folder:
                return self._kept(task, _unpacked(data, folder / "back"))
        except (OSError, ValueError, KeyError, tarfile.TarError) as error:
            return self.failed(task, error)

    def failed(self, task: Group, error: Exception) -> list[Graded]:
        """Ungraded, each."""
        return [self.grader.failed(one, HERE, error) for one in task]

    def _kept(self, task: Group, folder: Path) -> list[Graded]:
        store, back = self.grader.store, Store(folder)
        for kept in sorted((folder / FAULTS).glob("*.txt")):
            with files.disk_errors(store.out / FAULTS):
                files.write_whole(store.out / FAULTS / kept.name, kept.read_bytes())
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        done = []
        self._tell(manifest[UNKEPT])
        for submission, keys in zip(task, manifest[KEYS], strict=True):
            records = []
            for key in keys:
                if (record := back.load(key)) is None:
                    raise ValueError(f"record {key} is missing")
                run = back.load_execution(record.execution_key)
                if run is not None and store.load_execution(record.execution_key) is None:
                    store.save_execution(record.execution_key, run)
                store.save(record)
                records.append(record)
            done.append(Graded(submission, tuple(records)))
        store.journal.finish(self.grader.journal_key(task[0], HERE))
        return done

    def _tell(self, unkept: Mapping[str, str] | None) -> None:
        """Tell that a machine keeps no trainings, once of all for which the same is true."""
        asked = self.grader.course, self.grader.settings, self.grader.room.isolation.level
        if unkept is None or not may_ask(*asked):
            return
        known = unkept["path"], unkept["why"]
        if known not in self._told:
            self._told.add(known)
            self.grader.tell(Message("trainer.not_kept_there", dict(unkept)))


def _unpacked(data: bytes, folder: Path) -> Path:
    digest, whole = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    if hashlib.sha256(whole).digest() != digest:
        raise ValueError("what came back is not whole")
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        tar.extractall(folder, filter="data")
    return folder
