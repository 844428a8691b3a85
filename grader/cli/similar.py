"""Looks for work that is alike, and shows it side by side.

Enters: an OUT folder. Leaves: an exit code. Touches: OUT (``alike.html``); the folder for
JPlag and Dolos, where one is asked for; stdout.

Who is alike is nobody's verdict: no grade, no flag and no student's page says anything of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.course import course_of_results
from grader.cli.errors import tell
from grader.cli.forgetting import SIMILAR
from grader.cli.kept import ALL_ACCEPTED, UNGRADED, current, existing
from grader.cli.printing import titles
from grader.collect.notebooks import Malformed, parse_notebook
from grader.course.exercises import ASSIGNMENTS, Course
from grader.policy.hand_ins import Counting
from grader.record import files, notebook_file
from grader.record.store import Store
from grader.report.same_code import NOBODY, partners
from grader.submission import Cell, Notebook
from grader.types import Record, Verdict

if TYPE_CHECKING:
    from grader.similarity.compare import Work
    from grader.similarity.trainings import Result

REFERENCE = "reference"


@dataclass(frozen=True)
class SimilarOptions:
    """What ``grader similar`` was asked."""

    out: Path
    to: Path | None
    lang: str | None


def run_similar(options: SimilarOptions) -> int:
    """Write the page, and the files for other programs; gives the exit code."""
    from grader.report.detectors import detector_files
    from grader.report.similar import similar_page
    from grader.similarity.compare import pairs_alike
    from grader.similarity.trainings import equal_trainings

    course, words = course_of_results(options.out, options.lang)
    with Store(existing(options.out)) as store:
        records = current(store, course)
        works, missing = _works(store.out, records)
        given = list(_given(course))
        pairs = pairs_alike(works, [notebook for _, notebook in given])
        equal = equal_trainings(_results(store, records))
        page = similar_page(pairs, equal, missing, works, words, titles(course, words))
        files.write_whole(store.out / SIMILAR, page.encode())
        warnings = list(store.warnings)
    print(words("similar.written", path=str(options.out / SIMILAR), pairs=len(pairs)))  # noqa: T201
    if options.to is not None:
        for name, content in detector_files(works, given):
            files.write_whole(options.to / name, content, shared=True)
        print(words("similar.exported", path=str(options.to)))  # noqa: T201
    for message in warnings:
        tell(words.say(message))
    if missing:
        tell(words("similar.missing", submissions=", ".join(missing)))
    return UNGRADED if missing or warnings else ALL_ACCEPTED


def _works(out: Path, records: Sequence[Record]) -> tuple[list[Work], list[str]]:
    """Give each hand-in that counts once, and the names of those whose code is not kept.

    A group's hand-in is its author's, with whom the others may have all of it in common.
    """
    from grader.similarity.compare import Work

    together = partners(records)
    theirs: dict[tuple[str, str], list[Record]] = {}
    for record in Counting(records).chosen.values():
        if record.execution_key and not _was_no_notebook(record):
            theirs.setdefault((record.author, record.submission), []).append(record)
    works: list[Work] = []
    missing: list[str] = []
    for (student, submission), group in theirs.items():
        found = (notebook_file.read(out, one.execution_key) for one in group)
        notebook = next((one for one in found if one is not None), None)
        if notebook is None:
            missing.append(submission)
            continue
        shared = [together.get((student, one.exercise), NOBODY) for one in group]
        rules = group[0].by_rules
        section = rules.section if rules is not None else ""
        together_with = shared[0].intersection(*shared)
        answered = frozenset(one.exercise for one in group)
        works.append(Work(student, submission, notebook, section, together_with, answered))
    return works, sorted(missing)


def _was_no_notebook(record: Record) -> bool:
    """Whether there was no code to keep, whatever a teacher decided since."""
    found = record.by_hand.found if record.by_hand is not None else record.grade
    return found is not None and found.verdict is Verdict.MALFORMED


def _given(course: Course) -> Iterator[tuple[str, Notebook]]:
    """Give what everybody was given, and the references' idioms: the code that tells nothing."""
    for exercise in course.exercises:
        for path in sorted((course.root / ASSIGNMENTS / exercise).glob("*.ipynb")):
            try:
                yield f"{exercise}-{path.stem}", parse_notebook(path.read_bytes())
            except (OSError, Malformed):
                continue
        solution = course.root / REFERENCE / exercise / "solution.py"
        if solution.is_file():
            text = solution.read_text("utf-8", errors="replace")
            yield f"{exercise}-reference", Notebook((Cell(1, text),), None, "")


def _results(store: Store, records: Sequence[Record]) -> Iterator[Result]:
    """Give what each training came to: its weights, its losses; a group's once."""
    from grader.similarity.trainings import CURVE, WEIGHTS, Result, curve_digest

    chosen = Counting(records).chosen.values()
    for record in {(one.submission, one.exercise): one for one in chosen}.values():
        evidence = record.evidence
        if evidence is None or evidence.training is None or not evidence.training.changed:
            continue
        notebook = notebook_file.read(store.out, record.execution_key)
        code = notebook.digest if notebook is not None else record.execution_key
        told = {
            CURVE: curve_digest(evidence.training.history.get("loss", ())),
            WEIGHTS: _weights(store, record),
        }
        for kind, digest in told.items():
            yield Result(record.author, record.submission, record.exercise, code, kind, digest)


def _weights(store: Store, record: Record) -> str:
    """Give the digest of the weights of the model that was graded; "" where none are kept."""
    from grader.similarity.trainings import weights_digest

    model = record.evidence.model if record.evidence is not None else None
    execution = store.load_execution(record.execution_key) if model is not None else None
    if model is None or execution is None:
        return ""
    found = [
        one
        for one in execution.candidates
        if one.name == model.name and model.cell in {one.cell, one.built} and not one.raised
    ]
    return weights_digest(found[-1].final) if found else ""
