"""What hints may say: where to look and why, in a student's words, and no line to copy."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from grader.text.catalogue import read_catalogue

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = (ROOT / "grader" / "locale", ROOT / "reference" / "families" / "locale")
# A call with arguments; a slice; a loop or comprehension; an assignment.
COPYABLE = re.compile(
    r"[A-Za-z_\])]\((?!\)|…\))[^()]*(?:\([^()]*\)[^()]*)*\)"
    r"|\b\w+\[(?!\d+\])[^\]]+\]|\bfor \w+ in range|\b[a-z_]\w* = [a-z_]\w*"
)
# Of numbers and their spread: what no student of this course has to know.
STATISTICIANS = re.compile(
    r"confidence|percentile|quantile|variance|distribution|significan|신뢰구간|백분위|분위수|유의",
    re.IGNORECASE,
)


def hints(lang: str) -> dict[str, str]:
    paths = [path for root in CATALOGUES for path in sorted((root / lang).glob("*.po"))]
    told = {
        key: text
        for path in paths
        for key, text in read_catalogue(path.read_text("utf-8")).items()
        if key.endswith("_hint") or key.startswith(("diagnose.", "source."))
    }
    for path in sorted((ROOT / "reference").glob("*/spec.toml")):
        for number, one in enumerate(tomllib.loads(path.read_text("utf-8")).get("hints", [])):
            told[f"{path.parent.name} {number}"] = one[lang]
    return told


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_hint_holds_a_line_to_copy(lang: str) -> None:
    assert {key: text for key, text in hints(lang).items() if COPYABLE.search(text)} == {}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_hint_speaks_as_statisticians_do(lang: str) -> None:
    assert {key: text for key, text in hints(lang).items() if STATISTICIANS.search(text)} == {}


@pytest.mark.parametrize(
    "line",
    [
        "For i in range(6): X gets [(i+j)/10 for j in range(4)].",
        "X.reshape(-1, 4, 1) makes steps.",
        "model.fit(np.array(X), np.array(Y), …)",
        "the window series[i-48:i]",
        "np.eye(V)[X] turns numbers into rows",
        "x = layers",
    ],
)
def test_what_can_be_copied_is_seen(line: str) -> None:
    assert COPYABLE.search(line)


@pytest.mark.parametrize("said", ["model.summary() shows them", "(rows, steps)", "abs(…)", "a [b]"])
def test_what_names_a_thing_is_no_line(said: str) -> None:
    assert not COPYABLE.search(said)


def test_no_hint_asks_for_a_default_where_the_exercise_sets_a_value_of_its_own() -> None:
    """Exercises of weather and reviews set their batch size."""
    for text in hints("en").values():
        assert not ("batch" in text.lower() and "default" in text.lower())
