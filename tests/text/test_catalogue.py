"""Catalogues are read as the translators' own programs read them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from grader.text.catalogue import read_catalogue

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(
    [*(ROOT / "grader").rglob("*.po"), *(ROOT / "reference").rglob("*.po")],
)


def read_by_babel(content: bytes) -> dict[str, str]:
    entries = read_po(io.BytesIO(content), abort_invalid=True)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_catalogue_is_read_as_babel_reads_it(path: Path) -> None:
    words = read_catalogue(path.read_text("utf-8"))
    assert words
    assert words == read_by_babel(path.read_bytes())


def test_texts_over_several_lines_and_escapes_are_read_as_babel_reads_them() -> None:
    text = (
        '# a comment\nmsgid ""\nmsgstr "Language: en\\n"\n\n#: place\nmsgid "one"\nmsgstr ""\n'
        '"first \\"quoted\\" "\n"and\\ta tab, a \\\\ and a line\\nmore"\n\nmsgid "two"\nmsgstr "2"\n'
    )
    assert read_catalogue(text) == read_by_babel(text.encode())
    assert read_catalogue(text)["one"] == 'first "quoted" and\ta tab, a \\ and a line\nmore'


@pytest.mark.parametrize(
    "text",
    [
        'msgid "a"\nmsgstr "x"\n\nmsgid "a"\nmsgstr "y"\n',
        'msgid "a"\n',
        'msgid "a"\nmsgid "b"\nmsgstr "x"\n',
        'msgstr "x"\n',
        'msgid "a"\nmsgstr "x"\nmsgstr "y"\n',
        '"nowhere"\n',
        'msgid "a"\nmsgid_plural "as"\nmsgstr[0] "x"\n',
        'msgid "a\nmsgstr "x"\n',
        "msgid a\nmsgstr b\n",
    ],
)
def test_what_is_no_catalogue_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|twice|whole"):
        read_catalogue(text)
