"""Data as ``fit`` may be given them, and what a family says of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from babel.messages.pofile import read_po
from hypothesis import strategies as st

from grader.course.families import DataReading
from grader.execution import ArraySample, FitSample
from grader.text.words import Words
from grader.types import Message

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference"
FAMILIES = sorted(path.stem for path in (REFERENCE / "families").glob("*.py"))
TEXT = {
    "sentence": "가나다 라마바 사아자 차카타 파하 거너더 러머버 서어저 처커터 퍼허.",
    "steps": 8,
}
TEXT |= {"shortest": 30, "longest": 60}
seeds = st.integers(0, 2**32 - 1)


def sample(array, rows=64, shape=None):
    array = np.asarray(array)
    stats = {"min": 0.0, "max": 1.0, "mean": 0.5, "std": 0.3}
    return ArraySample(shape or array.shape, str(array.dtype), array[:rows], stats)


def fit(x, y, kind="arrays", rows=64):
    return FitSample(sample(x, rows), sample(y, rows), kind=kind)


def wrong(reading: DataReading) -> dict[str, str]:
    return {f.id: f.message.id for f in reading.findings if f.fraction < 1.0}


def catalogue(family, lang):
    path = REFERENCE / "families" / "locale" / lang / f"{family}.po"
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file) if m.id}


def placeholders(words):
    return set(re.findall(r"\{(\w+)", words))


def assert_spoken(reading: DataReading, family: str) -> None:
    en, ko = catalogue(family, "en"), catalogue(family, "ko")
    messages: list[Message] = [*reading.notes, *reading.hints]
    for finding in reading.findings:
        messages += [m for m in (finding.message, finding.hint) if m]
    for message in messages:
        assert placeholders(en[message.id]) <= set(message.args), message.id
        assert placeholders(ko[message.id]) <= set(message.args), message.id


def said_of(finding, lang):
    """The sentence and the advice of a finding, as a student reads them."""
    words = Words(lang, [REFERENCE / "families" / "locale"])
    return words.say(finding.message), words.say(finding.hint)


def only_wrong(reading):
    (finding,) = [one for one in reading.findings if one.fraction < 1]
    return finding
