"""A class of thirty as Canvas and Moodle give it away: zips, rosters, and what is wrong with them.

Thirty people are on the roster. Twenty-seven handed in something, one of them no notebook; three
handed in nothing; one more, who is on no roster, handed in a notebook. Some are late, some tried
twice, two handed in the same code, one a zip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.collect.collect import collect
from grader.record.store import Store
from grader.submission import Submission
from grader.types import Record, Verdict
from tests.support import builders as b
from tests.support.lms_files import as_csv, written, zipped
from tests.support.notebook_files import notebook, raw

EXERCISE = "multiplication-lstm"
TITLE = "The multiplication problem with LSTM"
FAMILIES = ("Kim", "Lee", "Park", "Choi", "Jung", "Kang", "Cho", "Yoon", "Jang", "Lim")
GIVEN = ("Minjun", "Seoyeon", "Jiho")
PDF = b"%PDF-1.4 a scan"


@dataclass(frozen=True)
class Person:
    """Somebody of the class, and what they did."""

    number: int  # Canvas' user id, and Moodle's participant
    given: str
    family: str
    kind: str = "usual"  # usual, late, twice, pdf, zip, pair, nothing, stranger

    @property
    def canvas(self) -> str:
        return f"{self.family}{self.given}".lower()

    @property
    def student(self) -> str:
        """As the grader calls whom Canvas named."""
        return f"{self.canvas}_{self.number}"

    @property
    def moodle_student(self) -> str:
        """As the grader calls whom Moodle named."""
        return f"{self.given} {self.family}_{self.number}"

    @property
    def login(self) -> str:
        return f"u{self.number}"

    def file(self, n: int = 1) -> bytes:
        """A notebook; the pair's is the same."""
        own = "pair" if self.kind == "pair" else self.login
        return raw(notebook(f"model = '{own}'", f"attempt = {n}"))


_KINDS = {
    **dict.fromkeys((3, 4), "late"),
    **dict.fromkeys((7, 8), "twice"),
    11: "pdf",
    14: "zip",
    **dict.fromkeys((17, 18), "pair"),
    **dict.fromkeys((21, 22, 23), "nothing"),
}
CLASS = tuple(
    Person(1001 + n, GIVEN[n % 3], FAMILIES[n // 3], _KINDS.get(n, "usual")) for n in range(30)
)
STRANGER = Person(2001, "Nobody", "Stranger", "stranger")
ABSENT = tuple(one for one in CLASS if one.kind == "nothing")
(PDF_ONLY,) = (one for one in CLASS if one.kind == "pdf")
HANDED_IN = tuple(one for one in CLASS if one.kind not in {"nothing", "pdf"})


def _canvas_files(upload: int = 9000) -> Iterator[tuple[str, bytes]]:
    for one in (*CLASS, STRANGER):
        late = "_LATE" if one.kind == "late" else ""
        begin = f"{one.canvas}{late}_{one.number}"
        upload += 1
        if one.kind == "twice":
            yield f"{begin}_{upload}_{EXERCISE}.ipynb", one.file(1)
            yield f"{begin}_{upload + 500}_{EXERCISE}-1.ipynb", one.file(2)
        elif one.kind == "pdf":
            yield f"{begin}_{upload}_homework.pdf", PDF
        elif one.kind == "zip":
            yield f"{begin}_{upload}_homework.zip", zipped([(f"{EXERCISE}.ipynb", one.file())])
        elif one.kind != "nothing":
            yield f"{begin}_{upload}_{EXERCISE}.ipynb", one.file()


def _moodle_files() -> Iterator[tuple[str, bytes]]:
    for one in (*CLASS, STRANGER):
        folder = f"{one.given} {one.family}_{one.number}_assignsubmission_file"
        if one.kind == "twice":
            yield f"{folder}/{EXERCISE}.ipynb", one.file(1)
            yield f"{folder}/{EXERCISE} (1).ipynb", one.file(2)
        elif one.kind == "pdf":
            yield f"{folder}/homework.pdf", PDF
        elif one.kind == "zip":
            yield f"{folder}/homework.zip", zipped([(f"{EXERCISE}.ipynb", one.file())])
        elif one.kind != "nothing":
            yield f"{folder}/{EXERCISE}.ipynb", one.file()


def canvas_zip(folder: Path) -> Path:
    """What "Download submissions" of Canvas gives."""
    return written(folder / "submissions.zip", zipped(_canvas_files()))


def moodle_zip(folder: Path) -> Path:
    """What "Download all submissions" of Moodle gives, since its version 4.1."""
    return written(folder / "RNN-Homework 3-55.zip", zipped(_moodle_files()))


def canvas_roster(folder: Path, title: str = TITLE, possible: str = "10", held: str = "") -> Path:
    """Canvas' export of its gradebook; ``held``: a grade that everybody has already."""
    rows = [
        [
            *("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
            *(f"{title} (777)", "Old (5)", "Assignments Current Points", "Final Score"),
        ],
        ["    Points Possible", "", "", "", "", possible, "20", "(read only)", "(read only)"],
    ]
    for one in CLASS:
        who = [f"{one.family}, {one.given}", str(one.number), f"s{one.number}", one.login, "A"]
        rows.append([*who, held, "7.5", "7.5", "80"])
    rows.append(["Student, Test", "9", "", "abcdef", "A", "", "", "", ""])
    return written(folder / "canvas.csv", as_csv(rows))


WORKSHEET = (
    *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade"),
    *("Grade can be changed", "Last modified (submission)", "Last modified (grade)"),
    "Feedback comments",
)


KOREAN_WORKSHEET = (
    *("식별자", "전체 이름", "이메일 주소", "상태", "성적", "최대 성적"),
    *("Grade can be changed", "마지막 수정됨(제출)", "마지막 수정됨(성적)"),
    "피드백 코멘트",
)


def moodle_worksheet(folder: Path, most: str = "10.00", *, korean: bool = False) -> Path:
    """Moodle's grading worksheet of the assignment."""
    rows = [list(KOREAN_WORKSHEET if korean else WORKSHEET)]
    called = "참가자" if korean else "Participant "
    yes = "예" if korean else "Yes"
    for one in CLASS:
        there = one.kind != "nothing"
        status = "Submitted for grading - " if there else "No submission"
        time = "Monday, 2 March 2026, 9:00 AM" if there else "-"
        who = [f"{called}{one.number}", f"{one.given} {one.family}"]
        rows.append([*who, f"{one.login}@example.org", status, "", most, yes, time, "-", ""])
    return written(folder / "Grades-RNN-Homework 3-55.csv", b"\xef\xbb\xbf" + as_csv(rows))


def moodle_participants(folder: Path) -> Path:
    """Moodle's list of participants, as its table is downloaded."""
    rows = [["First name", "Last name", "ID number", "Email address"]]
    rows += [[one.given, one.family, f"s{one.number}", f"{one.login}@example.org"] for one in CLASS]
    return written(folder / "courseid_5_participants.csv", as_csv(rows))


def points_of(one: Person) -> float:
    """Points out of 100 that the hand-in that counts is kept with."""
    return 40.0 + one.number % 30 * 2


def keep_graded(out: Path, zip_: Path) -> list[Record]:
    """Keep what a zip would have been graded with, without any run."""
    store = Store(out)
    records = [
        _record(one) for one in collect([zip_], exercise_ids=(EXERCISE,), owed=None).submissions
    ]
    for record in records:
        store.save(record)
    return records


def _record(one: Submission) -> Record:
    exercise = (one.exercises or (EXERCISE,))[0]
    facts = {"salt": one.digest, "handed_in": one.handed_in}
    if one.notebook is None:
        assert one.problem is not None
        told = b.check("grader.malformed", 0, 0, one.problem)
        grade = b.grade(Verdict.MALFORMED, 0.0, (told,))
        return b.record(one.student, exercise, one.name, grade=grade, evidence=None, **facts)
    number = int(one.student.rpartition("_")[2])
    person = next(each for each in (*CLASS, STRANGER) if each.number == number)
    earlier = person.kind == "twice" and "attempt = 1" in one.notebook.cells[-1].source
    score = points_of(person) - 30 * earlier
    checks = (b.check("runs.cells", 10, 10), b.check("structure.layer-1", score - 10, 90))
    grade = b.grade(Verdict.WRONG_DATA, score, checks)
    return b.record(one.student, exercise, one.name, grade=grade, **facts)
