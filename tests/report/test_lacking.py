"""Which packages notebooks miss: counted by notebooks, told once, in every form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.report.json_ import results_json
from grader.report.lacking import MOST, Lacking, lacking, lacking_lines
from grader.report.overview import index_page
from grader.text.words import Words
from grader.types import LeftOut, Record
from tests.support import builders as b


def missing(student: str, *packages: str, kind: str = "package") -> Record:
    """A record of a notebook that lacked these."""
    lines = tuple(LeftOut(1, n, 9, kind, one, "") for n, one in enumerate(packages, start=1))
    evidence = b.evidence()
    ran = replace(evidence, runs=replace(evidence.runs, left_out=lines))
    return b.record(student, submission=f"{student}.ipynb", evidence=ran)


BATCH = (
    missing("kim", "sklearn", "seaborn", "sklearn"),
    missing("lee", "sklearn"),
    missing("lee", "sklearn"),  # another exercise of the same notebook
    missing("park", "GPU", kind="device"),
    b.ungraded(),
)


def test_packages_are_counted_by_notebooks_the_most_wanted_first() -> None:
    assert lacking(BATCH) == (Lacking("sklearn", 2, 3), Lacking("seaborn", 1, 3))


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_each_package_is_told_once_and_what_to_do_last(lang: str) -> None:
    words = Words(lang)
    told = list(lacking_lines(BATCH, words))
    assert len(told) == 3
    for part in ("sklearn", "2", "3"):
        assert part in told[0]
    assert told[-1] == words("report.lacking_remedy")


def test_the_checker_of_a_bundle_is_nothing_that_a_course_could_add() -> None:
    assert lacking([missing("kim", "grader", "konlpy"), missing("lee", "grader_course")]) == (
        Lacking("konlpy", 1, 2),
    )


def test_where_nothing_is_lacking_nothing_is_said() -> None:
    assert list(lacking_lines([b.record()], Words("en"))) == []


def test_programs_read_the_same_numbers() -> None:
    told = results_json(BATCH, Words("en"), lambda _: "")
    assert told["lacking"] == [
        {"package": "sklearn", "notebooks": 2, "of": 3},
        {"package": "seaborn", "notebooks": 1, "of": 3},
    ]


def test_the_class_page_tells_it_and_takes_no_name_for_markup() -> None:
    page = index_page([*BATCH, missing("choi", "<b>bold")], Words("en"), {}, {})
    assert "import sklearn, which the room lacks: 2 of 4." in page
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page
    assert 'id="lacking"' not in index_page([b.record()], Words("en"), {}, {})


def test_a_notebook_of_invented_names_is_told_in_bounds() -> None:
    many = missing("kim", *(f"\x1b[31mname{number}" + "x" * 200 for number in range(99)))
    told = list(lacking_lines([many], Words("en")))
    assert len(told) == MOST + 1
    assert all(len(line) < 200 and "\x1b" not in line for line in told)
