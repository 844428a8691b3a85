"""What a check answers, as a value, a text and a table."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from grader.live.answer import NOT_YET, NOTE, RIGHT, UNKNOWN, WRONG, Answer, Hint, Line
from grader.live.telling import problem
from grader.types import EvidenceClass

STRUCTURE, DATA, TRAINING = (
    EvidenceClass.STRUCTURE,
    EvidenceClass.DATA,
    EvidenceClass.TRAINING,
)
LINES = (
    Line(RIGHT, STRUCTURE, "Two <b>layers</b>."),
    Line(WRONG, STRUCTURE, "Layer 1 differs & more."),
    Line(UNKNOWN, DATA, "Not seen."),
    Line(NOT_YET, TRAINING, "Not yet."),
    Line(NOTE, None, "Good to know."),
)


def answer(hints: int = 3, lines: tuple[Line, ...] = LINES) -> Answer:
    return Answer(
        exercise="multiplication-lstm",
        title="The <i>title</i>",
        lines=lines,
        titles=((STRUCTURE, "Model structure"), (DATA, "Data"), (TRAINING, "Training")),
        model="Looked at: model.",
        hints=tuple(Hint(f"advice {number}") for number in range(1, hints + 1)),
        summary=("1 of 3.", "No grade."),
        no_more="No more.",
    )


def test_what_cannot_be_known_counts_neither_as_right_nor_as_wrong() -> None:
    assert (answer().right, answer().asked) == (1, 3)
    assert answer().marks(STRUCTURE) == "✓✗"
    assert answer().marks(DATA) == "–"
    assert answer().marks(TRAINING) == "○"


def test_the_text_has_a_line_for_each_question_and_the_first_hint() -> None:
    assert repr(answer()).splitlines() == [
        "The <i>title</i>",
        "Looked at: model.",
        "Model structure",
        "  ✓ Two <b>layers</b>.",
        "  ✗ Layer 1 differs & more.",
        "Data",
        "  – Not seen.",
        "Training",
        "  ○ Not yet.",
        "  · Good to know.",
        "→ advice 1",
        "1 of 3.",
        "No grade.",
    ]


def test_hints_come_one_by_one_after_the_first_and_then_end() -> None:
    given = answer()
    assert "→ advice 1" in repr(given)
    assert [repr(given.hint()) for _ in range(4)] == [
        "advice 2",
        "advice 3",
        "No more.",
        "No more.",
    ]
    assert repr(answer(hints=0).hint()) == "No more."


def test_the_first_hint_comes_first_where_the_answer_was_kept_and_not_shown() -> None:
    given = answer()
    assert [repr(given.hint()) for _ in range(4)] == [
        "advice 1",
        "advice 2",
        "advice 3",
        "No more.",
    ]
    half_way = answer()
    assert repr(half_way.hint()) == "advice 1"
    assert half_way._repr_html_()
    assert repr(half_way.hint()) == "advice 2"
    table = answer()
    assert table._repr_html_()
    assert repr(table.hint()) == "advice 2"


class Page(HTMLParser):
    """The tags, attributes and text of a fragment; tags must close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.styles: list[str] = []
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.names |= {name for name, _ in attrs}
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(shown: str) -> Page:
    parsed = Page()
    parsed.feed(shown)
    parsed.close()
    assert parsed.open == []
    return parsed


def test_the_table_says_what_the_text_says_and_nothing_of_a_notebook_becomes_markup() -> None:
    parsed = page(answer()._repr_html_())
    for line in repr(answer()).splitlines():
        for part in re.sub(r"^ +(\S) ", r"\1|", line).split("|"):
            assert part in parsed.text
    assert set(parsed.tags) <= {"table", "tbody", "tr", "td", "strong"}


def test_the_table_has_no_script_no_link_and_no_picture() -> None:
    shown = answer()._repr_html_()
    assert page(shown).names <= {"style", "colspan"}
    assert not re.search(r"url\(|https?:|javascript|@import|<script", shown)


def luminance(colour: str) -> float:
    """Of WCAG: relative luminance of #rrggbb."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# Light pages; the dark ones of JupyterLab, VS Code and Colab.
@pytest.mark.parametrize("ground", ["#ffffff", "#111111", "#1e1e1e", "#383838"])
def test_its_colours_can_be_told_on_light_and_on_dark_pages(ground: str) -> None:
    """3:1 is what WCAG asks of signs; the words have the page's own colour."""
    styles = page(answer()._repr_html_()).styles
    colours = {one for style in styles for one in re.findall(r"color:(#\w+)", style)}
    assert len(colours) == 2
    for colour in colours:
        assert contrast(colour, ground) >= 3.0
    grounds = {one for style in styles for one in re.findall(r"background:([^;]+)", style)}
    assert grounds == {"transparent"}


def test_a_problem_is_all_that_is_said() -> None:
    asked = problem("lstm", "There is no <exercise>.")
    assert repr(asked) == "There is no <exercise>."
    assert page(asked._repr_html_()).text == "There is no <exercise>."
    assert repr(asked.hint()) == "There is no <exercise>."
    assert (asked.right, asked.asked) == (0, 0)
