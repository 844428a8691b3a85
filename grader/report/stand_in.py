"""A page that says that there is none: for the student or the class whose page cannot be made.

Enters: what it says. Leaves: one HTML page. Touches nothing; it needs no template, for that may be
what failed.
"""

from __future__ import annotations

from html import escape

from grader.text.printable import printable
from grader.text.words import Words

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'"


def stand_in(title: str, text: str, words: Words) -> str:
    """Give a page of one heading and one sentence."""
    head, said = (escape(printable(one, limit=400)) for one in (title, text))
    return (
        f'<!doctype html>\n<html lang="{words.lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f"<title>{head}</title>\n</head>\n<body>\n<main>\n<h1>{head}</h1>\n<p>{said}</p>\n"
        "</main>\n</body>\n</html>\n"
    )
