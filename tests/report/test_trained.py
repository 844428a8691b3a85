"""How many trainings stand behind a class: told where trainings are asked for, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.report.how_graded import facts
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


def test_the_class_s_page_counts_earlier_hand_ins_as_the_terminal_does() -> None:
    earlier = replace(proven("lee", "c"), submission="lee (old).ipynb")
    every = (*CLASS, earlier)
    (told, _) = trained_lines(every, Words("en"))
    assert "distinct trainings: 3" in told
    assert told in index_page(every, Words("en"), {}, {})


def test_a_model_that_nobody_trained_was_not_trained_by_its_notebook() -> None:
    untrained = replace(b.training(()), fits=0, epochs=0, changed=False)
    evidence = replace(b.evidence(training=untrained), proof=Proof(why=Message("proof.another")))
    assert trained_lines([b.record("kim", evidence=evidence)], Words("en")) == ()


def test_where_notebooks_train_by_themselves_nothing_is_said() -> None:
    assert trained_lines([b.record(), b.ungraded()], Words("en")) == ()


def test_the_class_page_says_it() -> None:
    page = index_page(CLASS, Words("en"), {}, {})
    assert "Submissions: 2; distinct trainings: 2." in page
    assert "distinct trainings" not in index_page([b.record()], Words("en"), {}, {})


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("device", "told"), [("cpu", None), ("NVIDIA T4", "NVIDIA T4")])
def test_a_students_page_says_what_trained_where_another_device_ran_the_notebook(
    lang: str, device: str, told: str | None
) -> None:
    words = Words(lang)
    evidence = replace(b.evidence(), proof=Proof("a" * 64, device=device))
    found = dict(facts(b.record(evidence=evidence), words))
    assert found[words("report.device")] == "cpu"
    assert found.get(words("report.trained_on")) == told
