"""Tells which attacks which isolation level holds, as a Markdown table.

    python tests/attacks/table.py reduced --into docs/security.md
    python tests/attacks/table.py reduced --who ordinary --groups look limits

Enters: levels, by default ``reduced``; that full holds them all is what the tests are for. Leaves:
the table on standard output and in a page, reasons on standard error. Touches: that page, and what
batches touch; takes minutes.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.attacks.batch import run_batch
from tests.attacks.corpus import Attack, attacks
from tests.attacks.judge import complaints, disturbances
from tests.attacks.killed import HOW
from tests.attacks.people import forget, people

HELD = "held"
BEGIN, END = "<!-- attacks: written by tests/attacks/table.py -->", "<!-- /attacks -->"


def tried(
    chosen: Sequence[Attack], level: str, who: str, *, trainer: bool = True
) -> dict[str, list[str]]:
    """Complaints of attacks at a level; those about a whole batch under its group."""
    found: dict[str, list[str]] = {}
    can_be = [one for one in chosen if not one.needs]
    for group, members in groupby(sorted(can_be, key=lambda one: one.group), lambda one: one.group):
        together = list(members)
        if group == "killed":
            for one in together:
                look = partial(HOW[one.row], trainer=trainer)
                found[one.name] = _told(look, one, who, level)
            continue
        batch = run_batch(together, who, level, trainer=trainer)
        for attack in together:
            found[attack.name] = [
                told for one in attack.submissions for told in _told(complaints, batch, one)
            ]
        found[f"({group})"] = _told(disturbances, batch)
    return found


def _told(look: Callable[..., list[str]], *given: object) -> list[str]:
    """Complaints, of which one may be that there is nothing to look at."""
    try:
        return look(*given)
    except AssertionError as error:
        return [str(error)]


def main() -> None:
    """Try every level and give the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("levels", nargs="*", default=["reduced"])
    options.add_argument("--into", type=Path, help="a page with the two marks, written anew")
    groups = {one.group: None for one in attacks()}
    told = "try these; of the others stands what the page says, if one is given"
    options.add_argument("--groups", nargs="+", choices=groups, default=[*groups], help=told)
    options.add_argument("--who", choices=people(), default=people()[0], help="who grades")
    options.add_argument("--no-trainer", action="store_true", help="notebooks train by themselves")
    asked = options.parse_args()
    page = asked.into.read_text(encoding="utf-8") if asked.into else ""
    chosen = [one for one in attacks() if one.group in asked.groups]
    before = told_before(page, asked.levels)
    if asked.into and (lacks := [one for one in attacks() if one not in [*chosen, *before]]):
        names = ", ".join(dict.fromkeys(one.group for one in lacks))
        options.error(
            f"{asked.into} tells nothing of these at {asked.levels}, so try them too: {names}"
        )
    try:
        found = {
            level: tried(chosen, level, asked.who, trainer=not asked.no_trainer)
            for level in asked.levels
        }
    finally:
        forget()
    table = "\n".join(table_of(chosen, found, before))
    print(table)
    if asked.into:
        asked.into.write_text(placed(page, table), "utf-8")
    for level, told in found.items():
        for name, lines in told.items():
            for line in lines:
                print(f"{level}: {name}: {line}", file=sys.stderr)


def placed(page: str, table: str) -> str:
    """A page with this table between its marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"


def table_of(
    chosen: Sequence[Attack],
    found: Mapping[str, Mapping[str, list[str]]],
    before: Mapping[Attack, Sequence[str]],
) -> Iterator[str]:
    """Give the lines of the table: what was found of the chosen, what was told of others before."""
    rows = dict(before)
    for attack in chosen:
        rows[attack] = [_mark(attack, level, told) for level, told in found.items()]
    for number, level in enumerate(found):
        marks = [row[number] for row in rows.values()]
        tally = ", ".join(f"{marks.count(mark)} {mark}" for mark in dict.fromkeys(marks))
        yield f"{level.capitalize()}: {tally}."
    yield ""
    yield f"| attack | {' | '.join(found)} |"
    yield "|---" * (len(found) + 1) + "|"
    for attack, row in sorted(rows.items(), key=lambda one: one[0].row):
        yield f"| {attack.row}. {attack.sentence} | {' | '.join(row)} |"


def told_before(page: str, levels: Sequence[str]) -> dict[Attack, list[str]]:
    """Give the marks of each attack that a page tells of at the very same levels."""
    if f"| attack | {' | '.join(levels)} |" not in page:
        return {}
    known = {attack.row: attack for attack in attacks()}
    lines = re.findall(r"^\| (\d+)\. .*?\| (.*) \|$", page, re.MULTILINE)
    return {known[int(row)]: marks.split(" | ") for row, marks in lines if int(row) in known}


def _mark(attack: Attack, level: str, found: Mapping[str, list[str]]) -> str:
    if attack.needs:
        return f"needs a {', '.join(attack.needs)}"
    told = [*found[attack.name], *found.get(f"({attack.group})", [])]
    if not told:
        return HELD
    return "not held" if level in attack.levels else "not promised"


if __name__ == "__main__":
    main()
