"""What an exercise advises holds for every notebook that it accepts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ABOUT_SIZES = {"structure", "data", "wrong_architecture", "wrong_data"}


def table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


FREE = {
    path.parent.name: free
    for path in sorted((ROOT / "assignments").glob("*/exercise.toml"))
    if (free := table(path)["model"].get("free"))
}


def test_there_are_exercises_whose_size_is_free() -> None:
    assert {"char-text", "temperature-gru", "multiplication-lstm"} <= FREE.keys()


@pytest.mark.parametrize("exercise", FREE)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_advice_about_layers_or_data_names_a_length_that_is_free(
    exercise: str, lang: str
) -> None:
    """Windows of 240 hours are right; "windows of 36 hours" told their author to change them."""
    usual = {str(size["usual"]) for size in FREE[exercise].values()}
    for hint in table(ROOT / "reference" / exercise / "spec.toml")["hints"]:
        if hint["when"] in ABOUT_SIZES:
            without_units = re.sub(r"\w+\(\d+", "", hint[lang])  # SimpleRNN(100, …)
            assert usual.isdisjoint(re.findall(r"(?<![\d.])\d+(?![\d.]\d)", without_units))


SPECS = [*sorted((ROOT / "reference").glob("*/spec.toml")), *(ROOT / "grader").rglob("spec.toml")]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.parent.name)
def test_numbers_are_written_as_pages_and_notebooks_show_them(spec: Path) -> None:
    """0.1, as in X[0] and in the table of results: a lone ".1" was read as a slip."""
    for hint in table(spec).get("hints", ()):
        assert not re.findall(r"(?<![\w.)])\.\d", hint["en"] + " " + hint["ko"])
