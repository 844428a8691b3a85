"""Faults of grammar that only show once an argument is filled in, looked for in every message."""

from __future__ import annotations

import re
import string

import pytest

from grader.text.korean import agree
from tests.text.test_words import FAMILIES, INLINE, OWN, catalogue

# What stands in messages: layers, variables, files, numbers, Korean names.
WORDS = (
    "LSTM",
    "GRU",
    "Dense",
    "model",
    "fit",
    "lr=",
    "data.csv.zip",
    "keras.layers",
    "input()",
    "x_train[2000:]",
    "(6,)",
    "data/",
    "30",
    "김민준",
)
BOTH_FORMS = re.compile(r"\((?:을|를|은|는|이|가|와|과|으|로|이라)\)|\(이\)라는")
FIXED = re.compile(r"\}[\"'”’]*(?:을|를|은|는|이|가|와|과|로|으로|라서|라는)(?=[\s,.:;)]|$)")
# 을 after a vowel, 를 after a consonant; a syllable's place in Unicode says how it ends.
OPEN = "".join(chr(one) for one in range(0xAC00, 0xD7A4, 28))
DISAGREES = re.compile(rf"[{OPEN}]을(?=\s)|(?![{OPEN}])[가-힣]를(?=\s)")
ARTICLE = re.compile(r"\b[Aa]n? \{")
# A count before a noun in the plural, and the counts that are never one.
PLURALS = """axes bytes cells characters checks digits epochs exercises features files filters folders
hours layers levels lines messages minutes notebooks numbers packages parameters points programs
records results reviews rows runs samples seconds sequences steps students submissions times units
values weights windows"""
COUNTED = re.compile(
    rf"\{{(\w+)(?::[^}}]*)?\}} (?:(?:more|other|such|code|earlier) )?(?:{'|'.join(PLURALS.split())})\b"
)
NEVER_ONE = {
    "limit": "a bound of the grader's, large",
    "needed": "a bound of the grader's or the exercise's, above one",
    "asked": "of the exercise: epochs, layers or points",
    "digits": "more than four hundred",
    "length": "of a text or a review, dozens",
    "seconds": "a bound of the grader's, minutes",
    "steps": "of the exercise",
    "mistakes": "runs of a calibration, dozens",
    "have": "layers of a model with one too many",
    "max": "the points of all exercises",
    "points": "of a check: none, or below",
    "rows": "enough to be accepted, or more than a batch",
    "runs": "of a calibration, several",
    "times": "before a notebook is put aside, several",
    "most": "points of a class",
    "total": "the whole of which a part is told",
    "layers": "more than can be rebuilt, hundreds",
    "expected": "parameters of the exercise's model",
    "got": "parameters of a model, or characters, dozens",
    "windows": "more than the exercise's own",
}


def said(lang: str) -> dict[str, str]:
    texts = catalogue(OWN, lang) | catalogue(FAMILIES, lang)
    return {key: text for key, text in texts.items() if key != INLINE}


class Anything(dict[str, str]):
    """Arguments of every name, all the same."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def __missing__(self, key: str) -> str:
        return self.word


def filled(text: str, word: str) -> str:
    plain = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", text)
    return string.Formatter().vformat(plain, (), Anything(word))


@pytest.mark.parametrize("word", WORDS)
def test_no_korean_reader_meets_both_forms_of_a_particle(word: str) -> None:
    told = {key: agree(filled(text, word)) for key, text in said("ko").items()}
    assert {key: text for key, text in told.items() if BOTH_FORMS.search(text)} == {}


def test_a_particle_after_an_argument_is_written_both_ways() -> None:
    assert {key: text for key, text in said("ko").items() if FIXED.search(text)} == {}


def test_a_particle_agrees_with_the_syllable_before_it() -> None:
    assert {key: text for key, text in said("ko").items() if DISAGREES.search(text)} == {}


def test_no_english_article_stands_before_an_argument() -> None:
    """It would be "a LSTM" or "an GRU"."""
    assert {key: text for key, text in said("en").items() if ARTICLE.search(text)} == {}


def test_no_count_that_may_be_one_stands_before_a_plural() -> None:
    found = {
        (key, match[1]): text
        for key, text in said("en").items()
        for match in COUNTED.finditer(text)
        if match[1] not in NEVER_ONE
    }
    assert found == {}


def test_no_exception_outlives_its_reason() -> None:
    counted = {match[1] for text in said("en").values() for match in COUNTED.finditer(text)}
    assert NEVER_ONE.keys() <= counted


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        ("{layer}를 쓰십시오.", FIXED),
        ("'{name}'은 없습니다.", FIXED),
        ("비밀 키을 읽습니다.", DISAGREES),
        ("손실를 봅니다.", DISAGREES),
        ("A {layer} layer is missing.", ARTICLE),
        ("fit ran for {run} epochs.", COUNTED),
        ("{count} more results", COUNTED),
    ],
)
def test_a_fault_of_each_kind_is_noticed(fault: str, pattern: re.Pattern[str]) -> None:
    assert pattern.search(fault)


@pytest.mark.parametrize("sound", ["{layer}을(를) 쓰십시오.", "{n}이어야 합니다.", "{n}번 셀에서"])
def test_what_is_right_is_let_through(sound: str) -> None:
    assert not FIXED.search(sound)


@pytest.mark.parametrize(
    "sound", ["비밀 키를 읽을 수 있습니다.", "손실을 줄였을 때", "을(를) 쓰십시오."]
)
def test_a_particle_that_agrees_is_let_through(sound: str) -> None:
    assert not DISAGREES.search(sound)
