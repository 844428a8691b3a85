"""What has to add up to the roster, whatever was handed in, in every table and page of a class.

Enters: an OUT folder that was graded and exported, the class. Leaves: what was counted, or a failed
assertion. Touches: reads the folder.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.types import Verdict
from tests.support.lms_rules import Taken, canvas_takes, moodle_takes_worksheet, moodle_takes_zip
from tests.thirty import lms
from tests.thirty import people as p
from tests.thirty.people import Person

PER_DAY = 10.0  # percent, in the course's rules


@dataclass
class Sums:
    """A class, and what was counted of it."""

    out: Path
    some: Sequence[Person]  # with the stranger
    counted: dict[str, str] = field(default_factory=dict)

    @property
    def listed(self) -> list[Person]:
        """Those of the roster."""
        return [one for one in self.some if one.kind != p.STRANGER]

    def states(self) -> None:
        """Everybody of the roster is in people.csv once, in the state that they are in."""
        rows = read(self.out / "people.csv")
        there = [row for row in rows if row["on_roster"] == "True"]
        assert len(there) == len(self.listed)
        assert len({row["name"] for row in there}) == len(there)
        kinds = Counter(one.kind for one in self.listed)
        wanted = Counter(
            graded=len(self.listed) - kinds[p.PDF] - kinds[p.NOTHING],
            no_notebook=kinds[p.PDF],
            nothing=kinds[p.NOTHING],
        )
        found = Counter(row["state"] for row in there)
        assert found == +wanted, found
        assert len(rows) - len(there) == 1  # who is on no roster
        self.counted["roster"] = f"{len(there)} = {' + '.join(map(str, found.values()))}"
        self.counted["on no roster"] = str(len(rows) - len(there))

    def grades(self) -> None:
        """Each hand-in is a row of grades.csv, and one of each person counts."""
        rows = read(self.out / "grades.csv")
        attempts = sum(2 if one.kind in {p.AGAIN, p.TWO} else 1 for one in self.some)
        attempts -= sum(one.kind == p.NOTHING for one in self.some)
        assert len(rows) == attempts, (len(rows), attempts)
        counting = [row for row in rows if row["counts"] == "True"]
        assert len(counting) == len({row["student"] for row in counting})
        nothing = sum(one.kind == p.NOTHING for one in self.some)
        assert len(counting) == len(self.some) - nothing
        assert all(row["page"] and (self.out / row["page"]).is_file() for row in rows)
        assert not [row for row in rows if row["student"].startswith(("=", "+", "-", "@"))]
        self.counted["rows of grades.csv"] = f"{len(rows)}, of which count: {len(counting)}"

    def class_page(self, nothing: str) -> None:
        """The class page names who handed in nothing, and whoever handed in no notebook."""
        page = (self.out / "index.html").read_text("utf-8")
        assert nothing in page
        for one in self.listed:
            if one.kind in {p.NOTHING, p.PDF}:
                assert f"{one.family}, {one.given}" in page or f"{one.family} {one.given}" in page

    def verdicts(self) -> None:
        """Every hand-in that counts came to what the course expects of its sample."""
        rows = {row["student"]: row for row in read(self.out / "grades.csv") if _counts(row)}
        for one in self.some:
            if one.kind == p.NOTHING:
                continue
            row = next(row for name, row in rows.items() if _is(one, name))
            wanted = Verdict.MALFORMED if one.kind == p.PDF else one.verdict
            assert row["verdict"] == wanted.value, (one, row["verdict"])
        self.counted["verdicts"] = ", ".join(
            f"{count} {name}"
            for name, count in Counter(r["verdict"] for r in rows.values()).items()
        )

    def lateness(self) -> None:
        """Late is a day's points off; who has an extension loses none."""
        rows = [row for row in read(self.out / "grades.csv") if _counts(row)]
        for one in self.some:
            (row,) = [row for row in rows if _is(one, row["student"])] or [None]
            if row is not None:
                taken = PER_DAY if one.kind == p.LATE else 0.0
                assert float(row["taken_off"]) == taken, (one, row["taken_off"])
        late = sum(float(row["taken_off"]) > 0 for row in rows)
        self.counted["points taken off"] = f"{late} late"

    def canvas(self, gradebook: Path, exported: Path) -> Taken:
        """Canvas takes the file, which adds grades and does nothing else; all grades are in it."""
        taken = canvas_takes((exported / "canvas.csv").read_bytes(), gradebook.read_bytes())
        assert taken.clean, taken
        scores = self._scores()
        for one in self.listed:
            grade = taken.grades.get(str(one.number), {}).get(lms.COLUMN)
            assert (grade is None) == (one.kind == p.NOTHING), one
            assert grade is None or abs(float(grade) - scores[one] / 10) < 0.006, (one, grade)
        self.counted["Canvas"] = f"{len(taken.grades)} grades, nothing else changed"
        return taken

    def moodle(self, worksheet: Path, exported: Path) -> Taken:
        """Moodle takes the worksheet, and each page for the one whose it is."""
        content = (exported / "moodle.csv").read_bytes()
        taken = moodle_takes_worksheet(content, worksheet.read_bytes())
        assert taken.clean, taken
        scores = self._scores()
        for one in self.listed:
            grade = taken.grades.get(f"Participant {one.number}", {}).get("Grade")
            assert (grade is None) == (one.kind == p.NOTHING), one
            assert grade is None or abs(float(grade) - scores[one] / 10) < 0.006, (one, grade)
        pages = moodle_takes_zip((exported / "feedback.zip").read_bytes(), worksheet.read_bytes())
        assert pages.clean, pages
        assert pages.files.keys() == taken.grades.keys()
        self.counted["Moodle"] = f"{len(taken.grades)} grades, {len(pages.files)} pages"
        return taken

    def _scores(self) -> dict[Person, float]:
        rows = [row for row in read(self.out / "grades.csv") if _counts(row)]
        found = {one: [r for r in rows if _is(one, r["student"])] for one in self.some}
        return {one: float(r[0]["score"]) for one, r in found.items() if r}


def _is(one: Person, student: str) -> bool:
    """Whether a hand-in is this person's, as the platforms call them: by number, or by login."""
    return student == one.login or student.rpartition("_")[2] == str(one.number)


def _counts(row: dict[str, str]) -> bool:
    return row["counts"] == "True"


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
