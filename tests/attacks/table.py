"""Prints which attacks which isolation level holds, as a Markdown table.

Enters: ``table.py [LEVEL…]``, by default ``full reduced``. Leaves: the table on standard output,
reasons on standard error. Touches: what batches touch; takes minutes.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from attacks.batch import run_batch
from attacks.corpus import Attack, attacks
from attacks.judge import complaints, disturbances
from attacks.killed import HOW
from attacks.people import forget, people


def tried(level: str, who: str) -> dict[str, list[str]]:
    """Complaints of every attack at a level; those about a whole batch under its group."""
    found: dict[str, list[str]] = {}
    chosen = [one for one in attacks() if one.submissions and not one.needs]
    for group, members in groupby(sorted(chosen, key=lambda one: one.group), lambda one: one.group):
        together = list(members)
        if group == "killed":
            found |= {one.name: HOW[one.row](one, who, level) for one in together}
            continue
        batch = run_batch(together, who, level)
        for attack in together:
            found[attack.name] = [
                told for one in attack.submissions for told in complaints(batch, one)
            ]
        found[f"({group})"] = disturbances(batch)
    return found


def main() -> None:
    """Try every level and print the table."""
    levels = sys.argv[1:] or ["full", "reduced"]
    who = people()[0]
    try:
        found = {level: tried(level, who) for level in levels}
    finally:
        forget()
    print(f"| attack | {' | '.join(levels)} |")
    print("|---" * (len(levels) + 1) + "|")
    for attack in attacks():
        marks = [_mark(attack, level, found[level]) for level in levels]
        print(f"| {attack.row}. {attack.sentence} | {' | '.join(marks)} |")
    for level, told in found.items():
        for name, lines in told.items():
            for line in lines:
                print(f"{level}: {name}: {line}", file=sys.stderr)


def _mark(attack: Attack, level: str, found: dict[str, list[str]]) -> str:
    if attack.needs:
        return f"needs a {', '.join(attack.needs)}"
    told = [*found[attack.name], *found.get(f"({attack.group})", [])]
    if not told:
        return "held"
    return "not held" if level in attack.levels else "not promised"


if __name__ == "__main__":
    main()
