"""Pages full of hostile strings in a real browser: nothing runs, nothing opens, nothing is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.cli.printing import write_feedback
from grader.cli.spared import Spared
from grader.course.load import load_course
from grader.report.wording import file_stem
from grader.text.words import Words
from tests.support.browser import PROGRAM, Seen, Visitors, visit
from tests.support.hostile import ROOT, hostile_records, meant_for_browsers, payloads

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# Of all that HTML has, the pages' own templates use these.
TAGS = frozenset(
    "html head meta title style body a svg symbol path circle rect line polyline text g use main "
    "header p h1 h2 h3 nav table caption thead tbody tr th td b span article section div details "
    "summary ul ol li dl dt dd figure figcaption footer mark code pre time br fieldset legend "
    "label input".split()
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed (apt: chromium)"),
]


@pytest.fixture
def visitors() -> Iterator[Visitors]:
    """The address in every payload."""
    server = Visitors()
    yield server
    server.server.shutdown()


def _pages(out: Path, visitors: Visitors, lang: str, *, policy: bool) -> list[str]:
    """Write all pages as ``grader grade`` does; without the policy, only escaping is left.

    Gives the class' page, which names everybody, and the pages of those who aim at browsers.
    """
    words = Words(lang, [ROOT / "reference" / "families" / "locale"])
    write_feedback(load_course(ROOT), words, out, hostile_records(visitors.address), Spared(out))
    pages = sorted(out.rglob("*.html"))
    assert len(pages) == len(hostile_records()) + 1
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert len(POLICY.findall(text)) == 1
        if not policy:
            page.write_text(POLICY.sub("", text), encoding="utf-8")
    aimed = [file_stem(text) for text in (*meant_for_browsers(visitors.address), "all")]
    return [page.as_uri() for page in pages if page.stem in {*aimed, "index"}]


def _deeds(seen: Seen, address: str) -> dict[str, object]:
    """Everything that a page did beyond being read; nothing where it is inert."""
    found: dict[str, object] = {
        "script": "" if seen.canary == "undefined" else seen.canary,
        "dialogs": seen.dialogs,
        "requests": seen.requests,
        "moved": seen.address.split("#")[0] != address and seen.address,
        "base": seen.base.split("#")[0] != address and seen.base,
        "tags": seen.tags - TAGS,
        "attributes": [n for n in seen.attributes if n.startswith("on") or n in {"style", "src"}],
        "protocols": seen.protocols - {"file:"},
        "empty": seen.text < 100,
    }
    return {name: deed for name, deed in found.items() if deed}


@pytest.mark.parametrize("policy", [True, False], ids=["with-policy", "escaping-alone"])
def test_pages_of_hostile_records_are_inert(
    tmp_path: Path, visitors: Visitors, policy: bool
) -> None:
    addresses = _pages(tmp_path, visitors, "en" if policy else "ko", policy=policy)
    assert len(addresses) == len(meant_for_browsers()) + 2

    found = visit(addresses)

    deeds = {a: d for a, s in zip(addresses, found, strict=True) if (d := _deeds(s, a))}
    assert deeds == {}
    assert visitors.paths == []


def _unescaped(tmp_path: Path, visitors: Visitors, name: str, head: str = "") -> str:
    """A page as it must never be: the payloads as they are."""
    texts = "\n".join(f"<div>{text}</div>" for text in payloads(visitors.address)[:29])
    texts = re.sub(r"<meta http-equiv=refresh[^>]*>|<base[^>]*>|<!--|<noscript>|<style>", "", texts)
    page = tmp_path / f"{name}.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{head}<body>{texts}", "utf-8")
    return page.as_uri()


def test_the_same_strings_unescaped_would_have_been_seen(
    tmp_path: Path, visitors: Visitors
) -> None:
    address = _unescaped(tmp_path, visitors, "open")
    (seen,) = visit([address])
    deeds = _deeds(seen, address)
    assert deeds.keys() >= {"script", "dialogs", "requests", "tags", "attributes", "protocols"}
    assert {"/css", "/frame", "/svg"} <= set(visitors.paths)


def test_the_policy_alone_would_have_stopped_scripts_and_requests(
    tmp_path: Path, visitors: Visitors
) -> None:
    (page, *_) = _pages(tmp_path / "ours", visitors, "en", policy=True)
    policy = POLICY.search(Path(page.removeprefix("file://")).read_text(encoding="utf-8"))
    assert policy
    (seen,) = visit([_unescaped(tmp_path, visitors, "guarded", policy[0])])
    assert (seen.canary, seen.dialogs) == ("undefined", ())
    assert visitors.paths == []
