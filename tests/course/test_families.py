"""What holds for every data family: it can be loaded, it has words, its metrics have a direction."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from grader.course.families import DataReading, load_family
from grader.execution import FitSample
from grader.text.words import Words
from grader.types import GraderError
from tests.support.family_data import (
    FAMILIES,
    REFERENCE,
    TEXT,
    catalogue,
    placeholders,
    sample,
)


def test_an_unknown_family_is_said_in_one_message():
    with pytest.raises(GraderError) as caught:
        load_family(REFERENCE, "nothing")
    assert caught.value.message.id == "course.no_family"


@pytest.mark.parametrize("family", FAMILIES)
def test_both_languages_hold_the_same_messages(family):
    keys = [set(catalogue(family, lang)) for lang in ("en", "ko")]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_message_that_a_family_can_send_has_words(family, lang):
    source = (REFERENCE / "families" / f"{family}.py").read_text("utf-8")
    sent = set(re.findall(rf'"{family}\.(\w+)"', source))
    sent |= set(re.findall(r'_right\([^"]*"data\.\w+", .*?, "(\w+)"', source))
    known = catalogue(family, lang)
    for name in sent:
        assert f"{family}.{name}" in known


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_hint_belongs_to_a_message(family, lang):
    known = catalogue(family, lang)
    hints = [key for key in known if key.endswith("_hint")]
    assert hints
    assert all(key.removesuffix("_hint") in known for key in hints)


@pytest.mark.parametrize("family", FAMILIES)
def test_placeholders_agree_between_languages(family):
    en, ko = catalogue(family, "en"), catalogue(family, "ko")
    for key, words in en.items():
        assert placeholders(words) == placeholders(ko[key]), key


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_which_way_each_of_its_metrics_is_better(name):
    family = load_family(REFERENCE, name)
    spec = TEXT if name == "characters" else {}
    asked = family.ask(DataReading((), None), np.random.default_rng(0), spec)
    measured = set()
    for predictions in family.controls(asked).values():
        measured |= set(family.measure(predictions, asked))
    assert measured == set(family.BETTER)
    assert set(family.BETTER.values()) <= {"lower", "higher"}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_a_threshold_is_about_has_words(lang):
    """In a sentence and as a name; without them a student reads ``next_accuracy``."""
    known = Words(lang, (REFERENCE / "families" / "locale",))
    files = sorted(REFERENCE.glob("*/expected*.json"))
    about = {one["metric"] for f in files for one in json.loads(f.read_text())["thresholds"]}
    assert about
    bare = {
        name
        for name in about
        for kind in ("metric", "figure")
        if known(f"{kind}.{name}") == f"{kind}.{name}"
    }
    assert bare == set()


@pytest.mark.parametrize("name", FAMILIES)
def test_answers_have_the_size_of_what_a_model_gives(name):
    family = load_family(REFERENCE, name)
    asked = family.ask(
        DataReading((), None), np.random.default_rng(0), TEXT if name == "characters" else {}
    )
    assert all(p.size == asked.answers.size for p in family.controls(asked).values())


@pytest.mark.parametrize("family", ["multiplication", "sequence"])
@pytest.mark.parametrize("empty", [None, "rows"])
def test_data_that_nobody_saw_earn_nothing(family, empty):
    rows = None if empty is None else sample(np.zeros((0, 4, 1)))
    reading = load_family(REFERENCE, family).examine(FitSample(rows, rows, kind="unknown"), {})
    assert [f.fraction for f in reading.findings] == [0.0]
    assert reading.layout is None
