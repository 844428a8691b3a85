"""What a check in a live notebook answers: a value, a text, a small table.

Enters: lines, hints, sentences, a picture. Leaves: by ``repr`` a text, by ``_repr_html_`` a table
without scripts, links or anything to fetch, in the colours of whatever page it stands in. Touches
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from grader.types import EvidenceClass

RIGHT, WRONG, NOT_YET, UNKNOWN, NOTE = "✓", "✗", "○", "–", "·"
COUNTED = (RIGHT, WRONG, NOT_YET)
# Readable on white, on black and on the grey between; the marks say the same without colour.
COLOURS = {RIGHT: "#2e9e4f", WRONG: "#e0524c"}
_TABLE = (
    "border-collapse:collapse;text-align:left;color:inherit;background:transparent;"
    "word-break:keep-all;overflow-wrap:anywhere"  # Korean breaks between words
)
_TR = '<tr style="background:transparent">'  # notebooks stripe their tables
_CELL = "padding:2px 8px;text-align:left;vertical-align:top;white-space:normal;border:none"
_RULE = "border-top:1px solid rgba(128,128,128,.45)"


@dataclass(frozen=True)
class Line:
    """One answered question: its mark, what it is about, what is said."""

    mark: str
    about: EvidenceClass | None
    text: str


@dataclass(frozen=True)
class Hint:
    """One piece of advice; shows itself."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Picture:
    """What a sentence shows as well: by signs, and by a drawing of our own."""

    text: str
    html: str


@dataclass(frozen=True)
class Answer:
    """What a check found. ``problem`` where nothing could be looked at."""

    exercise: str
    title: str
    lines: tuple[Line, ...]
    titles: tuple[tuple[EvidenceClass, str], ...]  # of the groups, in order
    model: str  # which one was taken, a sentence
    hints: tuple[Hint, ...]
    summary: tuple[str, ...]  # how much is right, what was not looked at, what comes next
    no_more: str  # what to say after the last hint
    problem: str = ""
    picture: Picture | None = None  # of the notes
    _given: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)

    @property
    def right(self) -> int:
        """How many public checks are right."""
        return sum(line.mark == RIGHT for line in self.lines)

    @property
    def asked(self) -> int:
        """How many public checks there are; what cannot be known here is none."""
        return sum(line.mark in COUNTED for line in self.lines)

    def marks(self, about: EvidenceClass) -> str:
        """Give the marks of one group of questions, in order: "✓✓✗"."""
        return "".join(
            line.mark for line in self.lines if line.about is about and line.mark != NOTE
        )

    def hint(self) -> Hint:
        """Give the next hint; once the answer has been shown, that is the second one."""
        if self.problem:
            return Hint(self.problem)
        place = self._given[0]
        if place >= len(self.hints):
            return Hint(self.no_more)
        self._given[0] = place + 1
        return self.hints[place]

    def __repr__(self) -> str:
        self._show()
        return "\n".join(self._text())

    def _show(self) -> None:
        self._given[0] = max(1, self._given[0])  # the first hint stands in it

    def _text(self) -> Iterator[str]:
        if self.problem:
            yield self.problem
            return
        yield self.title
        if self.model:
            yield self.model
        for title, lines in self._groups():
            if title:
                yield title
            yield from (f"  {line.mark} {line.text}" for line in lines)
        if self.picture is not None:
            yield f"    {self.picture.text}"
        yield from (f"→ {one.text}" for one in self.hints[:1])
        yield from self.summary

    def _groups(self) -> Iterator[tuple[str, list[Line]]]:
        for about, title in self.titles:
            lines = [line for line in self.lines if line.about is about]
            if lines:
                yield title, lines
        if notes := [line for line in self.lines if line.about is None]:
            yield "", notes

    def _repr_html_(self) -> str:
        if self.problem:
            return f"<p>{escape(self.problem)}</p>"
        self._show()
        return "".join(self._html())

    def _html(self) -> Iterator[str]:
        yield f'<table style="{_TABLE}"><tbody>'
        yield _whole(f"<strong>{escape(self.title)}</strong>")
        if self.model:
            yield _whole(escape(self.model))
        for title, lines in self._groups():
            if title:
                yield _whole(f"<strong>{escape(title)}</strong>", ruled=True)
            yield from map(_row, lines)
        if self.picture is not None:
            yield f'{_TR}<td></td><td style="{_CELL}">{self.picture.html}</td></tr>'
        for one in self.hints[:1]:
            yield _whole(f"→ {escape(one.text)}", ruled=True)
        for number, sentence in enumerate(self.summary):
            yield _whole(escape(sentence), ruled=number == 0)
        yield "</tbody></table>"


def _row(line: Line) -> str:
    colour = f";color:{COLOURS[line.mark]}" if line.mark in COLOURS else ""
    mark = f'<td style="{_CELL}{colour}"><strong>{line.mark}</strong></td>'
    return f'{_TR}{mark}<td style="{_CELL}">{escape(line.text)}</td></tr>'


def _whole(content: str, *, ruled: bool = False) -> str:
    style = f"{_CELL};{_RULE}" if ruled else _CELL
    return f'{_TR}<td colspan="2" style="{style}">{content}</td></tr>'
