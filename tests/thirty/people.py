"""Thirty people on a roster and one who is on none: who they are, and what they handed in.

Enters: the course's samples. Leaves: notebooks, each with a cell that nobody else writes. Touches:
reads the samples.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from grader.types import Verdict

ROOT = Path(__file__).resolve().parents[2]
EXERCISE = "sequence-prediction"
SAMPLES = ROOT / "reference" / EXERCISE / "submissions"
FAMILIES = ("김", "이", "박", "최", "정", "강", "조", "윤", "장", "임")
GIVEN = ("민준", "서연", "지호")
FORMULA = "=cmd|' /C calc'!A0"

# What a teacher meets; "" did as the exercise says.
LATE, EXTENDED, AGAIN, TWO, PDF, ZIPPED = "late", "extended", "again", "two", "pdf", "zipped"
COPIED, SAME, NOTHING, AUTHOR, MEMBER = "copied", "same", "nothing", "author", "member"
STRANGER = "stranger"
KINDS = {
    3: LATE,
    4: EXTENDED,
    7: AGAIN,
    8: TWO,
    11: PDF,
    14: ZIPPED,
    **dict.fromkeys((17, 18), COPIED),
    **dict.fromkeys((19, 20), SAME),
    **dict.fromkeys((21, 22, 23), NOTHING),
    25: AUTHOR,
    26: MEMBER,
}
SOUND = ("accepted/nine_windows", "accepted/five_numbers", "accepted/lists_of_numbers")
# Of all kinds of work, in turn; none of them waits for a time limit.
TURNS = (
    "accepted/textbook",
    "accepted/five_numbers",
    "accepted/nine_windows",
    "wrong_data/last_input",
    "accepted/lists_of_numbers",
    "wrong_architecture/five_units",
    "untrained/two_epochs",
    "accepted/column_target",
    "runtime_error/fix_for_fit",
    "wrong_data/whole_numbers",
    "accepted/trained_in_steps",
    "wrong_architecture/rnn_only",
    "no_model/empty_cells",
    "untrained/never_fitted",
)
# Of the exercise's data and of nothing that the exercise asks for: what two alone have in common.
IDEA = """
scores = {}
for width in [3, 5, 8]:
    total = 0.0
    for row in range(width):
        total += np.abs(np.roll(np.arange(9.0), row) - np.flip(np.arange(9.0))).sum() ** 0.5
    scores[width] = round(total / (width + 1), 3)
print(sorted(scores.items(), key=lambda pair: -pair[1])[:2])
"""
RENAMED = """
# 나만의 방법
ergebnis = {}
for breite in [4, 6, 9]:
    summe = 1.0
    for i in range(breite):
        summe += np.abs(np.roll(np.arange(8.0), i) - np.flip(np.arange(8.0))).sum() ** 0.25
    ergebnis[breite] = round(summe / (breite + 2), 4)
print(sorted(ergebnis.items(), key=lambda p: -p[1])[:3])
"""


@dataclass(frozen=True)
class Person:
    """Somebody of the class."""

    number: int  # Canvas' user id, Moodle's participant
    family: str
    given: str
    kind: str = ""

    @property
    def login(self) -> str:
        """As both systems have it."""
        return f"u{self.number}@example.org"

    @property
    def sample(self) -> str:
        """The sample that the hand-in that counts was made of."""
        if self.kind == COPIED:
            return "accepted/textbook"
        if self.kind == SAME:
            return SOUND[0]
        if self.kind in {LATE, EXTENDED, AGAIN, AUTHOR}:
            return SOUND[self.number % len(SOUND)]
        if self.kind == MEMBER:
            return Person(self.number - 1, "", "", AUTHOR).sample
        return TURNS[self.number % len(TURNS)]

    @property
    def verdict(self) -> Verdict:
        """What the course expects of that sample."""
        return Verdict(self.sample.partition("/")[0])

    @property
    def has_notebook(self) -> bool:
        """Whether there is a notebook of this person's own."""
        return self.kind not in {PDF, NOTHING, MEMBER}

    def notebook(self, attempt: int = 2) -> bytes:
        """Give the hand-in; a first attempt is another sample's."""
        first = "untrained/two_epochs" if attempt == 1 else self.sample
        return _with(first, self._own(attempt))

    def _own(self, attempt: int) -> str:
        """Give a cell that nobody else has, but for those who copied."""
        if self.kind == COPIED:
            return (IDEA, RENAMED)[self.number % 2]
        if self.kind == SAME:
            return "print('the same')"
        calls = "".join(f".replace('{n}', 'u{self.number}_{n}')" for n in range(6))
        return f"print('{attempt} 0 1 2 3 4 5'{calls})"


CLASS = (
    *(Person(1001 + n, FAMILIES[n // 3], GIVEN[n % 3], KINDS.get(n, "")) for n in range(28)),
    Person(1029, FORMULA, "서연"),
    Person(1030, "임", FORMULA),
)
OTHER = Person(2001, "남", "궁민수", STRANGER)
SIX = tuple(
    one for n, one in enumerate(CLASS) if n in {0, 3, 7, 11, 21, 28}
)  # usual, late, again, no notebook, nothing, a formula


@cache
def _sample(name: str) -> str:
    return (SAMPLES / f"{name}.ipynb").read_text("utf-8")


def _with(sample: str, source: str) -> bytes:
    """Give a sample with one more cell, which needs NumPy at most."""
    document: dict[str, Any] = json.loads(_sample(sample))
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    document["cells"].append(cell | {"source": f"import numpy as np\n{source.lstrip()}"})
    return json.dumps(document, ensure_ascii=False).encode()
