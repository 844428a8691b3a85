"""What all pages share: templates, the style sheet, the content security policy.

Enters: a template's name and its values. Leaves: HTML. Touches: reads ``templates/``, once.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.text.numbers import number
from grader.text.printable import printable
from grader.text.words import Words

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, words: Words, rules: str = "", **values: Any) -> str:
    """Fill a template; every value is escaped.

    ``rules``: more for the style sheet, of ours alone; nothing that a student wrote.
    """
    style = _style() + _ours(rules)
    page = _environment().get_template(template)
    return page.render(say=words, lang=words.lang, style=style, policy=_policy(style), **values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    made.filters["number"] = number
    return made


def _seen(value: Any) -> Any:
    """Strip once more what cannot be seen, should a text have come here by another way."""
    return printable(value, lines=True) if type(value) is str else value


@lru_cache(maxsize=1)
def _style() -> Any:
    return _ours((_TEMPLATES / "style.css").read_text(encoding="utf-8"))


def _ours(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - no text of a student comes here


def _policy(style: str) -> str:
    """Allow nothing but this very style sheet."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
