"""Strings that a student may choose and that want to be more than text, and records full of them.

Enters: an address that nobody may ask. Leaves: payloads, records. Touches nothing.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from babel.messages.pofile import read_po

from grader.policy.by_hand import HandLines, in_force
from grader.types import (
    JUDGED,
    Attempt,
    CellError,
    Check,
    Engine,
    HandKind,
    HandLine,
    LayerFact,
    Message,
    ModelFacts,
    Outcome,
    Record,
    RunFacts,
    Verdict,
)
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "127.0.0.1:9"
# Once is enough: a dialog gives the focus back, and what opens it on focus would go on for ever.
DEED = "window.canary||(window.canary=1,alert(1))"

# Each short enough to survive as a name; {at} is an address that counts its visitors.
_WEB = (
    "<script>{deed}</script>",
    "</style></title><script>{deed}</script>",
    "--><script>{deed}</script><!--",
    '"><img src=//{at}/img onerror={deed}>',
    "'><svg onload={deed}>",
    "<svg><image href=http://{at}/svg></svg>",
    "<svg><a href='javascript:{deed}'><text y=9>x</text></a></svg>",
    '<a href="javascript:{deed}">x</a>',
    "javascript:{deed}",
    "<a href='data:text/html,<script>{deed}</script>'>x</a>",
    "<iframe src=http://{at}/frame></iframe>",
    "<iframe srcdoc='<script>parent.canary=1;alert(2)</script>'></iframe>",
    "<object data=http://{at}/object></object><embed src=http://{at}/embed>",
    "<link rel=stylesheet href=http://{at}/css>",
    "<style>@import 'http://{at}/import';*{background:url(http://{at}/url)}</style>",
    '<div style="background:url(http://{at}/style)">x</div>',
    "<meta http-equiv=refresh content='0;url=http://{at}/refresh'>",
    "<base href=http://{at}/>",
    "<form action=http://{at}/form><button autofocus onfocus={deed}>x</button></form>",
    "<input autofocus onfocus={deed}>",
    "<details open ontoggle={deed}>x</details>",
    "<video src=http://{at}/video autoplay onerror={deed}></video>",
    "<body onload={deed}>",
    '" onmouseover={deed} autofocus onfocus={deed} x="',
    "' onclick='{deed}",
    "` onerror={deed} `",
    "</svg></math><img src=http://{at}/math>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror={deed}>",
    '<noscript><p title="</noscript><img src=x onerror={deed}>">',
    "&lt;script&gt;{deed}&lt;/script&gt;",
    "&#60;script&#62;{deed}&#60;/script&#62;",
    "&quot;&gt;&NewLine;&Tab;java&#x09;script:{deed}",
    "＜script＞{deed}＜/script＞",
    "<scr\0ipt>{deed}</scr\0ipt>",
    "{{7*7}}{% raw %}{{ ''.__class__.__mro__ }}${7*7}<%= 7*7 %>#{7*7}",
    "%3Cscript%3E{deed}%3C/script%3E",
)
_MARKDOWN = (
    "![x](http://{at}/picture)",
    "[x](javascript:{deed})",
    "[x]: http://{at}/reference\n[x]",
    "<http://{at}/auto> http://{at}/bare www.example.org",
    "| a | b |\n|---|---|\n# h\n> q\n- [ ] x\n```\ncode",
    "@everyone #1 GH-1 **b** __b__ ~~s~~ `c` $x^2$ :tada:",
    "x\n::error file=a::b\n::add-mask::x %0A::set-output name=x::1",
)
_SHEET = (
    "=1+1",
    '=HYPERLINK("http://{at}/sheet","x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u200b=1+1",
    "\u00a0=1+1",
    "＝1+1",
    "\ufeff=1+1",
    'x","=1+1',
    "x;=1+1",
)
_TERMINAL = (
    "\x1b[31mred\x1b[0m\x1b[2J\x1b[H",
    "\x1b]8;;http://{at}/osc8\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1bP$q\x1b\\\x9b31m\x9d0;t\x9c",
    "a\rb\x08c\x7f\x00\x07",
    "[bold red]x[/] [link=http://{at}/rich]x[/link] [/]",
    "\u202eevil\u202c\u2066x\u2069\u200e\u200f",
    "a\u200bb\u200dc\u2060d\ufeffe\u00adf\u180e",
    "Z" + "\u0335\u0489" * 40,
    "\ud800 \udfff",
    "\ue000\U000f0000\U0010ffff\U000e0041",
    "\u2028\u2029\x85\x0b\x0c",
)
_HUGE = ("x" * 100_000, "<b>" * 30_000, "a " * 50_000, "\u3164" * 5_000, "🏴" * 3_000)


def payloads(at: str = NOBODY) -> list[str]:
    """Give them all; what they would load is at this address."""
    texts = (*_WEB, *_MARKDOWN, *_SHEET, *_TERMINAL)
    filled = [_filled(text, at) for text in texts]
    return [*filled, *_HUGE]


def meant_for_browsers(at: str = NOBODY) -> list[str]:
    """Give those that aim at a web page, and the huge ones."""
    return [*(_filled(text, at) for text in _WEB), *_HUGE]


def _filled(text: str, at: str) -> str:
    return text.replace("{at}", at).replace("{deed}", DEED)


def hostile_records(at: str = NOBODY) -> list[Record]:
    """The records of hostile work, and what a teacher with such a name decided on each."""
    texts = payloads(at)
    *made, messages_of_all = kept_hostile_records(at)
    lines = [
        line for number, one in enumerate(made) for line in _by_hand(one, texts[number], number)
    ]
    return [*in_force(made, HandLines(lines)), messages_of_all]


def kept_hostile_records(at: str = NOBODY) -> list[Record]:
    """A record per payload with it in every place that a student can write to, and one of all
    messages.
    """
    texts = payloads(at)
    verdicts = cycle(JUDGED)
    made = [_record(text, number, next(verdicts)) for number, text in enumerate(texts)]
    return [*made, _every_message(texts)]


def _by_hand(record: Record, text: str, number: int) -> Iterator[HandLine]:
    """A score or a run that somebody with such a name, for such a reason, decided on; a remark."""
    at = "2026-03-04T10:00:00.000000+00:00"
    who = (record.student, record.exercise, text)
    if number % 2:
        yield HandLine(f"{number:x}a", at, text, HandKind.OVERRIDE, *who, score=7.0, most=100.0)
    else:
        yield HandLine(f"{number:x}b", at, text, HandKind.RERUN, *who)
    yield HandLine(f"{number:x}c", at, text, HandKind.COMMENT, *who)


def _record(text: str, number: int, verdict: Verdict) -> Record:
    checks = (
        _check("structure.layer-1", Message("structure.layer", _args(text)), text, text + "x"),
        _check("data.target", Message(text, {text[:50]: text}), text, "x" + text),
        _check(f"runs.{text[:60]}", Message("runs.failed", _args(text)), "", text),
    )
    failed = ((1, CellError(text, text, text)),)
    facts = b.evidence(
        runs=RunFacts(Outcome.FINISHED, 3, failed, None),
        model=ModelFacts((LayerFact(text, {text: text}, (), 0),), 0, (), 3, text, rebuilt=True),
        metrics={text: 0.1},
        controls={text: {text: math.inf}},
        notes=(Message(text, {"name": text}), Message("runs.failed", _args(text))),
        train=b.training((0.5, math.nan, 1e300, -math.inf, 0.4)),
    )
    score = None if verdict is Verdict.GRADER_ERROR else 0.0
    hints = (Message("structure.no_model"), Message(text, _args(text)))
    return b.record(
        text,
        "sequence-prediction" if number % 3 else text,  # a column each on the class' page
        text,
        salt=number,
        grade=b.grade(verdict, score, checks, hints, (text,)),
        evidence=facts,
        attempts=(Attempt(1, 1, Engine.JAX, text, {text: math.nan}, 1.0),),
        device=text,
        versions={text: text},
        threshold=b.threshold(metric=text, better=text, widened=True),
    )


def _check(name: str, message: Message, expected: str, got: str) -> Check:
    return b.check(name, 0, 10, message, expected=expected, got=got)


def _args(text: str) -> dict[str, str]:
    names = (
        "expected got number name error value cell cells first layer cls setting entry path line"
    )
    return dict.fromkeys(names.split(), text)


def _every_message(texts: Sequence[str]) -> Record:
    """One check per message of the catalogues, its arguments hostile."""
    turns = cycle(texts)
    classes = cycle(("runs", "structure", "data", "training", "accuracy"))
    checks = [
        _check(f"{next(classes)}.m{number}", Message(one, dict.fromkeys(names, text)), text, "x")
        for number, ((one, names), text) in enumerate(zip(messages(), turns, strict=False))
    ]
    return b.record("all", grade=b.grade(Verdict.WRONG_DATA, 0.0, tuple(checks)))


def messages() -> Iterator[tuple[str, set[str]]]:
    """Every message of the catalogues with the names of its arguments."""
    folders = (ROOT / "grader/locale/en", ROOT / "reference/families/locale/en")
    for path in sorted(path for folder in folders for path in folder.glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file):
                if entry.id:
                    parts = string.Formatter().parse(str(entry.string))
                    yield str(entry.id), {name for _, name, _, _ in parts if name}
