"""``grader report``: feedback and tables of what is kept.

Enters: an OUT folder. Leaves: an exit code. Touches: stdout, stderr, the OUT folder.
"""

from __future__ import annotations

from pathlib import Path

from grader.cli.course import course_of_results
from grader.cli.kept import current, existing, exit_code, finish
from grader.cli.people import remember
from grader.cli.spared import Spared
from grader.record.store import Store


def run_report(out: Path, lang: str | None, form: str, roster: Path | None = None) -> int:
    """Write feedback and print what is stored; gives the exit code."""
    course, words = course_of_results(out, lang)
    with Store(existing(out)) as store:
        remember(store.out, roster=roster)
        records = current(store, course)
        whole = finish(course, words, store, records, form, Spared(store.out))
    return exit_code(records, refused=not whole)
