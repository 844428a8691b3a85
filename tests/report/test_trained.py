"""How many trainings stand behind a class: told where trainings are asked for, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.report.overview import index_page
from grader.report.trained import trained_lines
from grader.text.words import Words
from grader.types import Message, Proof, Record
from tests.support import builders as b


def proven(student: str, key: str, exercise: str = "multiplication-lstm") -> Record:
    evidence = replace(b.evidence(exercise), proof=Proof(key))
    return b.record(student, exercise, submission=f"{student}.ipynb", evidence=evidence)


CLASS = (
    proven("kim", "a"),
    proven("kim", "b", "multiplication-gru"),
    proven("lee", "a"),
    b.record("park", evidence=replace(b.evidence(), proof=Proof(why=Message("proof.another")))),
    b.ungraded(),
)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_trainings_are_counted_once_and_submissions_too(lang: str) -> None:
    words = Words(lang)
    assert trained_lines(CLASS, words) == (
        words("report.trainings", trainings=2, submissions=2),
        words("report.trained_itself", count=1),
    )


def test_where_notebooks_train_by_themselves_nothing_is_said() -> None:
    assert trained_lines([b.record(), b.ungraded()], Words("en")) == ()


def test_the_class_page_says_it() -> None:
    page = index_page(CLASS, Words("en"), {}, {})
    assert "Submissions: 2; distinct trainings: 2." in page
    assert "distinct trainings" not in index_page([b.record()], Words("en"), {}, {})
