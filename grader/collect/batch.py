"""All that was given: whose notebooks these are, who has none, what is left aside.

Enters: Sources. Leaves: a Batch. Touches nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from grader.collect.beside import Placed
from grader.collect.called import by_exercises, in_repositories, unnamed
from grader.collect.caps import each_by_itself
from grader.collect.classes import platform_owners
from grader.collect.people import Layout, is_somebodys, layout, loose
from grader.collect.sources import Source
from grader.collect.titles import Titles
from grader.collect.whose import doubts, without_mistaken_uploads
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar


class Aside:
    """What is left aside while looking."""

    def __init__(self) -> None:
        self.ignored: list[Message] = []
        self.refused: list[Message] = []
        self.notes: list[Message] = []
        self._whose: dict[int, str] = {}

    def refuse(self, reason: Message, student: str) -> None:
        """Note what could not be looked at, and of whom it would be."""
        self.refused.append(reason)
        self._whose[id(reason)] = student

    def unread(self) -> tuple[tuple[str, Message], ...]:
        """Give what is refused with whose it is, "" where nobody knows."""
        return tuple(
            (self._whose.get(id(one), str(one.args.get("student", ""))), one)
            for one in self.refused
        )


def by_true_names(
    sources: list[Source], exercise_ids: Collection[str], titles: Titles
) -> list[Source]:
    """Read anew what only looks as if Canvas had named it, in the whole batch."""
    every = [one for source in sources for one in source.files]
    files = [one.at for one in every]
    notebooks = [one.at for one in every if one.item.notebook]
    true_names = without_mistaken_uploads(files, notebooks, exercise_ids)
    # What Canvas did not name another platform may have named.
    owned = in_repositories(platform_owners(true_names), titles)
    where = iter(unnamed(by_exercises(owned, titles)))
    return [
        replace(source, files=tuple(replace(one, at=next(where)) for one in source.files))
        for source in sources
    ]


class Batch:
    """All that was given, and who handed it in."""

    def __init__(self, sources: list[Source], aside: Aside) -> None:
        self.sources = sources
        self.aside = aside
        self.called: dict[str, str] = {}  # people with a notebook, once they are labelled
        self.layouts: list[Layout] = []
        self.notebooks: list[Placed] = []
        for source in sources:
            found = [one for one in source.files if one.item.notebook]
            self.layouts.append(layout(found))
            self.notebooks += self._without_doubt(found)
        self.people = self._people()
        for source in sources:
            self._tell(source)

    def _without_doubt(self, found: list[Placed]) -> list[Placed]:
        """Leave out what is nobody's for sure."""
        sure = []
        for one, doubt in zip(found, doubts([one.at for one in found]), strict=True):
            if doubt is not None and doubt.refused:
                self.aside.refuse(doubt.message, one.at.named.student)
            elif doubt is not None:
                self.aside.notes.append(doubt.message)
            if doubt is None or not doubt.refused:
                sure.append(one)
        return sure

    def _people(self) -> dict[str, list[Placed]]:
        """Give the people without a notebook, with what they handed in.

        Not those of whom something was refused: nobody knows what it is.
        """
        known = {one.at.named.student for one in self.notebooks}
        known |= {student for source in self.sources for student, _ in source.refused}
        known |= {one.at.named.student for source in self.sources for one, _ in source.unopened}
        known |= {
            one.at.named.student
            for source in self.sources
            for one in source.files
            if one.item.notebook
        }
        people: dict[str, list[Placed]] = defaultdict(list)
        for source, laid in zip(self.sources, self.layouts, strict=True):
            for one in source.files:
                if one.at.named.student not in known and is_somebodys(one, laid):
                    people[one.at.named.student].append(one)
        return people

    @property
    def files(self) -> Iterator[Placed]:
        """Everything that was handed in, archives that were not opened too."""
        for source in self.sources:
            yield from source.files
            for one, _ in source.unopened:
                yield replace(one, item=replace(one.item, relative=one.at.relative))

    def _tell(self, source: Source) -> None:
        """Say what is left aside of one given path; refuse the path where it holds nobody."""
        laid = self.layouts[self.sources.index(source)]
        others = [one for one in source.files if not one.item.notebook and one.item.relative.name]
        self.aside.ignored += source.ignored
        self.aside.ignored += [_ignored(one) for one in others]
        for student, reason in source.refused:
            self.aside.refuse(reason, student)
        self.aside.notes += source.notes
        answered = {one.at.named.student for one in self.notebooks}
        for one, reason in source.unopened:
            lone = one.at.named.student not in answered
            may_be = lone and (one.at.named.folders is not None or not laid.alone)
            if may_be:
                self.aside.refuse(reason, one.at.named.student)
            else:
                self.aside.ignored.append(reason)
        if (note := loose(others, laid)) is not None:
            self.aside.notes.append(note)
        here = [one.at for one in source.files if one.item.notebook]
        if (note := each_by_itself(here)) is not None:
            self.aside.notes.append(note)
        number = self.sources.index(source)
        some = any(one.at.source == number for one in self.notebooks)
        if not some and not any(one.at.source == number for p in self.people.values() for one in p):
            raise _nothing(source.path, self.aside)


def _ignored(one: Placed) -> Message:
    name = printable(str(one.at.relative), limit=200)
    return Message("collect.no_notebook_file", {"name": name})


def _nothing(path: Path, aside: Aside) -> GraderError:
    if aside.refused:
        return GraderError(aside.refused[0])
    args: dict[str, Scalar] = {"path": printable(str(path)), "ignored": len(aside.ignored)}
    return GraderError(Message("collect.no_notebook", args))
