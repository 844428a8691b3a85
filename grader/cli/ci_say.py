"""What ``grader ci`` prints and writes.

Enters: what was found. Leaves: nothing but whether all could be said. Touches: stdout, stderr, the
folder of reports, the platform's page, feedback below OUT.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader.ci import reports
from grader.ci.first_look import Seen
from grader.ci.handed_in import named
from grader.ci.platforms import Platform
from grader.ci.policy import UNGRADED
from grader.ci.reports import comment, summary
from grader.ci.reports import text as plain
from grader.ci.told import Told
from grader.cli.check_lines import ADVICE, RIGHT, WRONG
from grader.cli.errors import tell
from grader.cli.printing import show, titles, write_feedback
from grader.cli.spared import Spared
from grader.course.exercises import Course
from grader.record import files
from grader.record.store import Store
from grader.report import wording
from grader.report.github import SUMMARY_BYTES, inert
from grader.score.checks_own import not_asked
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Message, Record

CLASSROOM50, GRADESCOPE = "classroom50", "gradescope"  # of one student, where somebody asks


@dataclass(frozen=True)
class Speaker:
    """Says things where the platform shows them."""

    platform: Platform
    course: Course
    words: Words
    out: Path
    folder: Path | None  # of reports
    places: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def part(self, message_id: str) -> Iterator[None]:
        """Put what is printed meanwhile into a part of the log in which nothing is obeyed."""
        sys.stderr.flush()
        with self.platform.part(self.words(message_id), _line):
            yield
            sys.stderr.flush()

    def note(self, *messages: Message) -> None:
        """Keep sentences for the page, and print them."""
        said = [printable(self.words.say(one)) for one in messages]
        self.notes.extend(said)
        if said:
            with self.part("ci.part_beforehand"):
                for one in said:
                    tell(one)

    def nothing(self, others: Sequence[str]) -> None:
        """Say that there is no notebook, and what there is instead."""
        message = Message("ci.nothing_but", {"files": named(others)}) if others else None
        self.note(message or Message("ci.nothing"))

    def not_asked(self, records: Sequence[Record]) -> None:
        """Say what of each exercise nobody here looked at."""
        names = titles(self.course, self.words)
        for record in records:
            title = wording.title(record.exercise, names, self.words)
            checks = filter(not_asked, record.grade.checks)
            told = [wording.check_text(one, self.words) for one in checks]
            exercise = self.course.exercises.get(record.exercise)
            if exercise is not None and exercise.earns_by_accuracy:
                told.insert(0, self.words("cli.check_accuracy_left"))
            for said in (printable(f"{title}: {one}") for one in told):
                if said not in self.notes:
                    self.notes.append(said)

    def seen(self, one: Seen) -> None:
        """Print what a first look showed."""
        for line in self._seen_shown(one):
            _line(line)

    def finish_seen(self, seen: Sequence[Seen]) -> int:
        """Write page and comments of a look at the structure alone; gives an exit code."""
        page = "\n".join(self._seen_page(seen))
        made = [
            (summary.FILE, _cut(page, SUMMARY_BYTES)),
            (comment.FILE, _cut(f"{comment.MARK}\n{page}", comment.COMMENT_BYTES)),
            (plain.FILE, _cut("\n".join(self._seen_text(seen)), comment.COMMENT_BYTES)),
        ]
        return self._written(made, _cut(page, self._room_on_page()))

    def _seen_page(self, seen: Sequence[Seen]) -> Iterator[str]:
        """Give the lines of Markdown."""
        yield from (f"## {self.words('ci.part_structure')}", "")
        for one in seen:
            yield from (f"**{inert(one.submission.name)}**: {inert(self._title(one))}", "")
            yield from (f"- {inert(line)}" for line in _seen_lines(one, self.words))
            yield ""
        if not seen:
            yield from (inert(self.words("ci.structure_unseen")), "")
        yield from map(inert, self.notes)

    def _seen_text(self, seen: Sequence[Seen]) -> Iterator[str]:
        """Give the lines of plain text."""
        yield self.words("ci.part_structure")
        for one in seen:
            yield from self._seen_shown(one)
        if not seen:
            yield self.words("ci.structure_unseen")
        yield from ("", *map(printable, self.notes))

    def _seen_shown(self, one: Seen) -> Iterator[str]:
        yield f"{printable(one.submission.name)}: {self._title(one)}"
        yield from (f"  {line}" for line in _seen_lines(one, self.words))

    def _title(self, one: Seen) -> str:
        return wording.title(one.exercise, titles(self.course, self.words), self.words)

    def finish(
        self,
        records: Sequence[Record],
        about: dict[str, str] | None,
        store: Store | None = None,
        spared: Spared | None = None,
        pages: Sequence[Record] = (),
    ) -> int:
        """Print results, write reports and feedback; gives an exit code, 0 where all was said.

        ``pages``: the records of whom feedback is written.
        """
        names = titles(self.course, self.words)
        told = Told(records, self.words, names, self.places, self.notes, about or {})
        code = 0
        with self.part("ci.part_results"):
            if store is not None and spared is not None:
                show(self.words, store.out, records, "table", spared)
                sys.stdout.flush()
                write_feedback(self.course, self.words, store.out, pages, spared)
                for message in store.warnings:
                    tell(self.words.say(message))
                spared.tell(self.words)
                code = UNGRADED if spared or store.warnings else 0
            made = list(reports.written(told, self._reports(about)))
            for file, content in made:
                if isinstance(content, Message):
                    tell(f"{file}: {self.words.say(content)}")
                    code = UNGRADED
        for line in self.platform.marks(told):
            _line(line)
        there = [(file, content) for file, content in made if isinstance(content, bytes)]
        return self._written(there, summary.page(told, self._room_on_page())) or code

    def _reports(self, about: dict[str, str] | None) -> tuple[str, ...]:
        """Name the reports that make sense here."""
        wanted = {CLASSROOM50: about is not None, GRADESCOPE: self.platform.name == GRADESCOPE}
        return tuple(one for one in reports.known() if wanted.get(one, True))

    def _written(self, made: Sequence[tuple[str, bytes]], shown: bytes) -> int:
        if self.folder is not None:
            for file, content in made:
                files.write_whole(self.folder / file, content, shared=True)
        place = self.platform.summary(os.environ)
        if place is not None:
            with files.disk_errors(place), place.open("ab") as opened:
                opened.write(shown)
        return 0

    def _room_on_page(self) -> int:
        """Give the bytes that are left on the platform's page."""
        place = self.platform.summary(os.environ)
        taken = place.stat().st_size if place is not None and place.exists() else 0
        return max(SUMMARY_BYTES - taken, 0)


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _cut(text: str, most_bytes: int) -> bytes:
    """Give a text with an end of line, of so many bytes at most."""
    return text.encode()[: max(most_bytes - 1, 0)].decode("utf-8", "ignore").encode() + b"\n"


def _seen_lines(one: Seen, words: Words) -> Iterator[str]:
    if one.sound is None:
        yield f"{ADVICE} {words('ci.structure_unseen')}"
    elif one.sound:
        yield f"{RIGHT} {words('ci.structure_right')}"
    for check in one.checks:
        if not check.passed:
            cell = wording.cell_name(check.cell, words)
            yield f"{WRONG} {cell and f'{cell}: '}{printable(wording.check_text(check, words))}"
