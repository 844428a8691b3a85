"""What students will see differently, as Markdown and as a page.

Enters: Seen of each exercise before and after. Leaves: Markdown, which code hosts render; HTML made
of it. Touches nothing.

A cell of text is shown as students will read it, with its lines before and after below; nothing of
it is fetched, and HTML in it stays text.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from markdown_it import MarkdownIt
from markupsafe import Markup

from grader.report.github import inert
from grader.report.page import render
from grader.text.words import Words
from grader.verify.seen import Cell, Seen

_TICKS = re.compile(r"`+")
_ALL = 10**6  # lines around a change: a cell is shown whole
STYLE = """
.changes table { display: block; overflow-x: auto; margin: 0 0 1.2rem; }
.changes h2 { margin: 2rem 0 .6rem; }
.changes h3 { margin: 1.4rem 0 .5rem; }
.changes blockquote { margin: 0 0 .8rem; padding: .1rem 1rem; border-left: 3px solid var(--line); }
.changes pre { overflow-x: auto; margin: 0 0 1rem; padding: .8rem 1rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
.changes ins, .changes del { display: block; text-decoration: none; }
.changes ins { background: var(--good-bg); color: var(--good); }
.changes del { background: var(--wrong-bg); color: var(--wrong); }
"""


@dataclass(frozen=True)
class Change:
    """One exercise, or a file of text, before and after; None where it was or is not there."""

    name: str
    before: Seen | str | None
    after: Seen | str | None

    @property
    def is_one(self) -> bool:
        """Whether anything of it reads otherwise."""
        return self.before != self.after


def markdown(changes: Sequence[Change], words: Words, base: str, most_bytes: int) -> str:
    """Give the page; what does not fit is left out by whole exercises, and counted.

    Args:
        changes: what is to be compared.
        words: the reader's language.
        base: what it is compared with.
        most_bytes: of the page.
    """
    head = f"## {words('changed.title')}\n\n{words('changed.since', base=inert(base))}\n"
    found = [one for one in changes if one.is_one]
    if not found:
        return f"{head}\n{words('changed.none_seen')}\n"
    parts = ["\n".join(_of(one, words)) for one in found]
    kept = _fitting(parts, most_bytes - len(head.encode()))
    rest = len(parts) - len(kept)
    end = [words("changed.not_shown", more=rest)] if rest else []
    return "\n".join([head, *kept, *end]) + "\n"


def page(text: str, words: Words) -> str:
    """Render such a text as a page of ours."""
    reader = MarkdownIt("commonmark", {"html": False, "highlight": _marked}).enable("table")
    # Its HTML is escaped by the library, with HTML of the text itself turned off.
    body = Markup(reader.render(text))  # noqa: S704
    return render("changes.html.j2", words, STYLE, body=body)


def _fitting(parts: Sequence[str], most_bytes: int) -> list[str]:
    kept: list[str] = []
    left = most_bytes - 200  # the line about the rest
    for part in parts:
        left -= len(part.encode()) + 1
        if left < 0:
            break
        kept.append(part)
    return kept


def _of(change: Change, words: Words) -> Iterator[str]:
    before, after = change.before, change.after
    shown = after if isinstance(after, Seen) else before
    title = f": {inert(shown.title)}" if isinstance(shown, Seen) else ""
    yield f"## {inert(change.name)}{title}\n"
    if after is None:
        yield f"{words('changed.gone')}\n"
    elif isinstance(before, str) or isinstance(after, str):
        yield from _lines(str(before or ""), str(after), "diff")
    else:
        yield from _of_exercise(before, after, words)


def _of_exercise(before: Seen | None, after: Seen, words: Words) -> Iterator[str]:
    if before is None:
        yield f"{words('changed.new_exercise')}\n"
    yield from _table(before.facts if before else {}, after.facts, words)
    if after.fault:
        yield f"{words('changed.fault', reason=inert(after.fault))}\n"
        return
    for number, old, new in _cells(before.cells if before else (), after.cells):
        yield from _cell(number, old, new, words)


def _table(before: Mapping[str, str], after: Mapping[str, str], words: Words) -> Iterator[str]:
    """Show the facts that changed."""
    rows = [
        (label, before.get(label, ""), after.get(label, ""))
        for label in {**before, **after}
        if before.get(label) != after.get(label)
    ]
    if rows:
        names = (words("changed.what"), words("changed.before"), words("changed.after"))
        yield f"| {' | '.join(names)} |\n|---|---|---|"
        for row in rows:
            yield f"| {' | '.join(inert(one) or '–' for one in row)} |"
        yield ""


def _cells(
    before: Sequence[Cell], after: Sequence[Cell]
) -> Iterator[tuple[int, Cell | None, Cell | None]]:
    """Give what changed with its number: as it is now, or as it was where it is gone."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        pairs = zip_longest(before[first:last], after[start:end])
        for place, (old, new) in enumerate(pairs):
            yield (first if new is None else start) + place + 1, old, new


def _cell(number: int, old: Cell | None, new: Cell | None, words: Words) -> Iterator[str]:
    if new is None:
        yield f"### {words('changed.cell_gone', number=number)}\n"
    elif old is None:
        yield f"### {words('changed.cell_new', number=number)}\n"
    else:
        yield f"### {words('changed.cell', number=number)}\n"
    if new is not None and not new.code:
        yield "\n".join(f"> {line}".rstrip() for line in new.text.splitlines()) + "\n"
    if old is not None or (new is not None and new.code):
        yield from _lines(old.text if old else "", new.text if new else "", "diff")


def _lines(before: str, after: str, kind: str) -> Iterator[str]:
    """Show lines before and after, in a block that nothing within them ends."""
    pair = before.splitlines(), after.splitlines()
    lines = [*difflib.unified_diff(*pair, n=_ALL, lineterm="")][3:]
    longest = max((len(one) for line in lines for one in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield "\n".join([f"{fence}{kind}", *lines, fence, ""])


def _marked(code: str, kind: str, _: str) -> str:
    """Colour what was added and removed."""
    if kind != "diff":
        return ""
    names = {"+": "ins", "-": "del"}
    lines = []
    for line in code.splitlines():
        name = names.get(line[:1], "span")
        end = "" if name != "span" else "\n"
        lines.append(f"<{name}>{html.escape(line) or ' '}</{name}>{end}")
    return "".join(lines)
