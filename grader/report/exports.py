"""Grades for the systems that schools have: Canvas, Moodle, nbgrader, Gradescope, Classroom 50.

Enters: Records, and where the system needs it a roster of its own. Leaves: text or plain JSON
values. Touches nothing.

An exercise that is not graded is left empty, or refused where the format has no word for it; it is
never a zero. Of several submissions of one student for one exercise the best counts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.report import wording
from grader.report.gradebook import inert
from grader.report.roster import CANVAS_KEYS, MOODLE_KEYS, Roster, match
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Check, GraderError, Json, Message, Record, Verdict

CANVAS_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
CANVAS_POSSIBLE = "    Points Possible"
NBGRADER_COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


@dataclass(frozen=True)
class Classroom50:
    """What Classroom 50 wants to know about a submission besides its grade."""

    classroom: str
    assignment: str
    assignment_type: str
    owner: str
    submission: str
    commit: str
    release: str
    review: str
    datetime: str


def canvas_csv(
    records: Sequence[Record],
    titles: Mapping[str, str],
    roster: Roster | None = None,
    assignments: Mapping[str, str] | None = None,
) -> str:
    """Give a file for Canvas' gradebook import.

    Args:
        records: the records that count.
        titles: exercise id to title.
        roster: Canvas' own export, which says who is who; without it only the names are filled in.
            Ask ``roster.unmatched`` who is not in it.
        assignments: exercise id to Canvas' assignment id, for the column "title (id)".
    """
    best, exercises = _best(records), _exercises(records, titles)
    columns = [_canvas_column(one, titles, assignments or {}) for one in exercises]
    possible = [f"{_most(records, one):.2f}" for one in exercises]
    rows = [[*CANVAS_COLUMNS, *columns], [CANVAS_POSSIBLE, "", "", "", "", *possible]]
    for person, student in _people(records, roster, CANVAS_KEYS, "Student"):
        who = [inert(person.get(column, "")) for column in CANVAS_COLUMNS]
        rows.append([*who, *(_two_digits(best.get((student, one))) for one in exercises)])
    return _csv(rows)


def moodle_csv(
    records: Sequence[Record],
    titles: Mapping[str, str],
    roster: Roster | None = None,
    key: str = "username",
) -> str:
    """Give a file for Moodle's grade import: one identifying column, a column per exercise.

    Args:
        records: the records that count.
        titles: exercise id to title.
        roster: Moodle's export of participants; without it the students' names stand in ``key``.
        key: the column that identifies a student: id, idnumber, email or username.
    """
    best, exercises = _best(records), _exercises(records, titles)
    rows = [[key, *(inert(titles.get(one, one)) for one in exercises)]]
    for person, student in _people(records, roster, MOODLE_KEYS, key):
        grades = (_two_digits(best.get((student, one))) or "-" for one in exercises)
        rows.append([inert(person.get(key, "")), *grades])
    return _csv(rows)


def nbgrader_csv(records: Sequence[Record]) -> str:
    """Give the columns of ``nbgrader export``; a row per record, empty scores where ungraded."""
    rows: list[list[str]] = [list(NBGRADER_COLUMNS)]
    for record in records:
        score = "" if record.grade.score is None else wording.points(record.grade.score)
        most = wording.points(record.grade.max_score)
        who = [inert(record.exercise), "", record.graded_at, inert(record.student), "", "", ""]
        rows.append([*who, score, "0", score, most])
    return _csv(rows)


def gradescope_json(records: Sequence[Record], words: Words) -> dict[str, Json]:
    """Give ``results.json`` for one student's submission.

    Where something is ungraded there is no score at all, so that Gradescope reports the autograder
    as failed instead of entering a number.
    """
    complete = all(record.grade.graded for record in records)
    result: dict[str, Json] = {
        "execution_time": round(sum(record.seconds for record in records), 1),
        "output": " ".join(_line(record, words) for record in records),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"records": [record.key for record in records]},
        "tests": [test for record in records for test in _gradescope_tests(record, words)],
    }
    if complete:
        result["score"] = round(sum(record.grade.score or 0.0 for record in records), 2)
    return result


def classroom50_json(
    records: Sequence[Record], about: Classroom50, words: Words
) -> dict[str, Json]:
    """Give ``result.json`` of Classroom 50; its totals are whole numbers.

    Raises:
        GraderError: something is ungraded, for which the format has no word.
    """
    waiting = sum(not record.grade.graded for record in records)
    if waiting:
        raise GraderError(Message("report.export_ungraded", {"waiting": waiting}))
    return {
        "schema": "classroom50/result/v1",
        "classroom": about.classroom,
        "assignment": about.assignment,
        "assignment_type": about.assignment_type,
        "owner": about.owner,
        "submission": about.submission,
        "commit": about.commit,
        "release": about.release,
        "review": about.review,
        "datetime": about.datetime,
        "graded_at": max((record.graded_at for record in records), default=about.datetime),
        "score": round(sum(record.grade.score or 0.0 for record in records)),
        "max-score": round(sum(record.grade.max_score for record in records)),
        "tests": [
            {
                "test-name": wording.title(record.exercise, {}, words),
                "passed": record.grade.verdict is Verdict.ACCEPTED,
                "score": round(record.grade.score or 0.0),
                "max-score": round(record.grade.max_score),
            }
            for record in records
        ],
    }


def _gradescope_tests(record: Record, words: Words) -> Iterable[dict[str, Json]]:
    for check in record.grade.checks:
        test: dict[str, Json] = {
            "name": f"{wording.title(record.exercise, {}, words)}: {_question(check, words)}",
            "output": printable(wording.told(check, words)),
            "output_format": "text",
            "tags": [check.id],
            "visibility": "visible",
        }
        if record.grade.graded and check.max_points > 0:
            test["score"] = round(check.points, 2)
            test["max_score"] = round(check.max_points, 2)
        if record.grade.graded:
            test["status"] = "passed" if check.passed else "failed"
        yield test


def _question(check: Check, words: Words) -> str:
    cls = wording.evidence_class(check)
    return wording.class_name(cls, words) if cls else wording.name(check.id)


def _line(record: Record, words: Words) -> str:
    exercise = wording.title(record.exercise, {}, words)
    return f"{exercise}: {wording.verdict_name(record.grade.verdict, words)}."


def _best(records: Iterable[Record]) -> dict[tuple[str, str], float]:
    """Give the best score of each student and exercise; ungraded ones have none."""
    best: dict[tuple[str, str], float] = {}
    for record in records:
        score = record.grade.score
        if score is not None:
            key = (record.student, record.exercise)
            best[key] = max(score, best.get(key, score))
    return best


def _exercises(records: Iterable[Record], titles: Mapping[str, str]) -> list[str]:
    found = {record.exercise for record in records} - {wording.UNKNOWN}
    return [one for one in titles if one in found] + sorted(found - titles.keys())


def _most(records: Iterable[Record], exercise: str) -> float:
    return max((r.grade.max_score for r in records if r.exercise == exercise), default=0.0)


def _canvas_column(exercise: str, titles: Mapping[str, str], ids: Mapping[str, str]) -> str:
    title = inert(titles.get(exercise, exercise))
    return f"{title} ({ids[exercise]})" if exercise in ids else title


def _people(
    records: Sequence[Record], roster: Roster | None, keys: Sequence[str], name: str
) -> list[tuple[Mapping[str, str], str]]:
    """Pairs of a roster's row and the student of that row; without a roster, students alone."""
    students = sorted({record.student for record in records})
    if roster is None:
        return [({name: student}, student) for student in students]
    return [
        (roster[row], student) for row, student in sorted(match(students, roster, keys).items())
    ]


def _two_digits(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def _csv(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
