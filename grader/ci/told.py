"""What reports of a job are made of.

Enters: records, and where their notebooks are in the repository. Leaves: Told. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.report.export import Export
from grader.text.words import Words
from grader.types import Record


@dataclass(frozen=True)
class Told:
    """Everything that is to be said.

    Attributes:
        records: what is graded, and what could not be.
        words: the reader's language.
        titles: exercise id to title in the reader's language, in the course's order.
        places: name of a submission to the notebook's path in the repository.
        notes: sentences for whoever reads the page: what this grade is, and what was left aside.
        about: what some formats want to know about a submission.
    """

    records: Sequence[Record]
    words: Words
    titles: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def export(self) -> Export:
        """The same for an exporter."""
        return Export(self.records, self.words, self.titles, about=self.about)
