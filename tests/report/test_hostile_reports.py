"""What hostile names and messages become in a summary, a table, a sheet, a terminal: text."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import mistune
import pytest
from rich.console import Console

from grader.cli.progress import summary
from grader.pipeline.grader import Graded
from grader.report import exporters
from grader.report.export import Export
from grader.report.github import github_annotations, github_summary
from grader.report.gradebook import gradebook
from grader.report.json_ import results_json
from grader.report.junit import junit
from grader.report.table import render_table
from grader.report.wording import file_stem
from grader.submission import Submission
from grader.text.words import Words
from grader.types import Record
from tests.support.exporting import OF_TEXT
from tests.support.hostile import hostile_records, messages, payloads

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
SGR = re.compile(r"\x1b\[[0-9;]*m")  # colours, which the table makes itself
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
TABLE = {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "br"}
REASON = Counter({"ul": 1, "li": 1, "strong": 1})  # below the table, of one record


@pytest.fixture(scope="module")
def records() -> Sequence[Record]:
    """Every payload in every place."""
    return hostile_records()


@pytest.fixture(scope="module", params=["en", "ko"])
def words(request: pytest.FixtureRequest) -> Words:
    """Both languages."""
    return Words(request.param)


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[tuple[str, str | None]]] = {}
        self.times: Counter[str] = Counter()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).extend(attrs)
        self.times[tag] += 1


def exported(records: Sequence[Record], words: Words) -> Iterator[tuple[str, str]]:
    """What every exporter writes of what is graded, whoever adds one."""
    graded = [record for record in records if record.grade.graded]
    titles = {record.exercise: record.exercise for record in graded}
    for name in OF_TEXT:
        exporter = exporters.load(name)
        about = dict.fromkeys(exporter.about, "x")
        export = Export(graded, words, titles, key="username", about=about)
        yield from ((file, content.decode("utf-8")) for file, content in exporter.files(export))


def _unseen(text: str, allowed: str = "\n") -> set[str]:
    return {c for c in text if unicodedata.category(c) in UNSEEN and c not in allowed}


def test_every_message_of_the_catalogues_is_among_them(records: Sequence[Record]) -> None:
    said = {check.message.id for check in records[-1].grade.checks}
    assert said == {name for name, _ in messages()}
    assert len(said) > 100


def test_the_summary_on_github_holds_a_table_and_nothing_else(
    records: Sequence[Record], words: Words
) -> None:
    markdown = mistune.create_markdown(
        escape=False, plugins=["table", "url", "strikethrough", "footnotes", "task_lists"]
    )
    for record in records:
        tags = _Tags(str(markdown(github_summary([record], words))))
        assert tags.found.keys() <= TABLE | REASON.keys(), record.student[:80]
        assert Counter({name: tags.times[name] for name in REASON}) <= REASON, record.student[:80]
        assert not [name for attrs in tags.found.values() for name, _ in attrs if name != "style"]


def test_a_row_of_the_summary_is_one_line(records: Sequence[Record], words: Words) -> None:
    lines = github_summary(records, words).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == len(records) + 2
    assert all(row.count("|") == 5 for row in rows)
    assert not [line for line in lines if line.startswith("::")]


def test_no_name_becomes_a_mention_or_a_number_of_an_issue(
    records: Sequence[Record], words: Words
) -> None:
    assert not re.search(r"(?<![&])[@#]\w", github_summary(records, words).partition("|---")[2])


def test_an_annotation_is_one_command(records: Sequence[Record], words: Words) -> None:
    for record in records:
        (command,) = github_annotations([record], words)
        assert re.fullmatch(r"::(error|warning|notice) file=[^:,]*,title=[^:,]*::.*", command), (
            command[:200]
        )
        assert not _unseen(command)


def test_no_cell_of_a_sheet_is_a_formula(records: Sequence[Record], words: Words) -> None:
    tables = {"gradebook": gradebook(records, words)}
    tables |= {name: text for name, text in exported(records, words) if name.endswith(".csv")}
    assert len(tables) > 1
    for name, text in tables.items():
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(row) for row in rows}) == 1, name
        for row in rows:
            cells = [cell for cell in row if not re.fullmatch(r"-?[\d.]*", cell)]
            assert not [cell for cell in cells if cell.strip().startswith(FORMULA)], name
            assert not _unseen("".join(row), allowed=""), name


def test_a_terminal_shows_names_and_obeys_none(records: Sequence[Record], words: Words) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=300, markup=False)
    console.print(render_table(records, words))
    text = SGR.sub("", shown.getvalue())
    assert not _unseen(text)
    assert "[bold red]x[/]" in text


def test_a_line_of_progress_shows_names_and_obeys_none(
    records: Sequence[Record], words: Words
) -> None:
    for record in records:
        handed_in = Submission(
            record.submission,
            record.student,
            None,
            (record.exercise,),
            None,
            None,
            "",  # type: ignore[arg-type]
        )
        assert not _unseen(summary(Graded(handed_in, (record,)), words), allowed="")


def test_a_page_of_feedback_has_a_plain_name_of_its_own() -> None:
    stems = [file_stem(text) for text in payloads()]
    assert len(set(stems)) == len(stems)
    assert all(re.fullmatch(r"[\w][\w.-]*", stem) and len(stem) <= 110 for stem in stems)


def test_other_programs_can_read_all_of_it(records: Sequence[Record], words: Words) -> None:
    told = json.dumps(results_json(records, words, lambda _: ""), allow_nan=False)
    assert len(json.loads(told)["results"]) == len(records)
    texts = [text for name, text in exported(records, words) if name.endswith(".json")]
    assert len(texts) > len({record.student for record in records if record.grade.graded})
    assert all(isinstance(json.loads(text), dict) for text in texts)
    assert len(ET.fromstring(junit(records, words)).findall(".//testcase")) == len(records)
