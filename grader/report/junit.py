"""Grades as a JUnit report, for every CI that shows one.

Enters: Records. Leaves: XML in the shape of junit-10.xsd. Touches nothing.

One suite per student, one case per hand-in and exercise: not accepted is a failure, a fault of ours
an error; what does not count, or its author is excused from, is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from grader.policy.hand_ins import Counting, is_excused
from grader.report import by_hand, wording
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Record, Verdict


def junit(records: Sequence[Record], words: Words) -> str:
    """Give the report of all records."""
    root = ET.Element("testsuites", name="grader")
    ordered = sorted(records, key=lambda one: (one.student, one.exercise, one.submission))
    for student, theirs in groupby(ordered, key=lambda one: one.student):
        _suite(root, student, list(theirs), words)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(root: ET.Element, student: str, records: list[Record], words: Words) -> None:
    counts = Counting(records)
    counting = counts.counting
    broken = sum(not one.grade.graded for one in counting)
    accepted = sum(one.grade.verdict is Verdict.ACCEPTED for one in counting)
    waiting = sum(one.grade.verdict is Verdict.WAITING for one in counting)
    suite = ET.SubElement(
        root,
        "testsuite",
        name=wording.name(student),
        tests=str(len(records)),
        failures=str(len(counting) - broken - accepted - waiting),
        errors=str(broken),
        skipped=str(len(records) - len(counting) + waiting),
        time=_seconds(one.seconds for one in records),
        timestamp=min(one.graded_at for one in records)[:19],
        hostname="grader",
    )
    for record in records:
        _case(suite, record, _skipped(record, counts, words), words)


def _skipped(record: Record, counts: Counting, words: Words) -> str:
    """Say why a hand-in does not count, or that a teacher decides; nothing of any other."""
    if record.grade.verdict is Verdict.WAITING and counts.counts(record):
        return wording.reason(record, words)
    if is_excused(record):
        return by_hand.decision_text(record, words)
    return wording.does_not_count(record, counts, words)


def _case(suite: ET.Element, record: Record, skipped: str, words: Words) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        name=wording.name(record.exercise),
        classname=wording.name(record.submission),
        time=_seconds([record.seconds]),
    )
    if skipped:
        ET.SubElement(case, "skipped", message=skipped)
        return
    verdict = record.grade.verdict
    if verdict is Verdict.ACCEPTED:
        if told := by_hand.all_texts(record, words):
            ET.SubElement(case, "system-out").text = printable("\n".join(told), lines=True)
        return
    kind = "failure" if record.grade.graded else "error"
    why = wording.reason_for_student(record, words)
    element = ET.SubElement(case, kind, message=why, type=verdict.value)
    element.text = "\n".join(_lines(record, words))


def _lines(record: Record, words: Words) -> Iterable[str]:
    grade = record.grade
    yield wording.verdict_reason(record, words)
    yield from by_hand.all_texts(record, words)
    if grade.graded:
        yield words(
            "report.score_line", score=wording.score(record), max=wording.points(grade.max_score)
        )
    for check in grade.checks:
        if not check.passed:
            share = f"{wording.points(check.points)}/{wording.points(check.max_points)}"
            where = wording.cell_name(check.cell, words)
            said = wording.text_for_student(record, check, words)
            yield printable(f"[{share}] {said}{where and f' ({where})'}")
    yield from (printable(words.say(hint)) for hint in grade.hints)
    yield from wording.flags(record, words)


def _seconds(values: Iterable[float]) -> str:
    return f"{sum(values):.3f}"
