"""Pages full of hostile strings in a real browser: nothing runs, nothing opens, nothing is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.cli.printing import write_feedback
from grader.cli.spared import Spared
from grader.course.load import load_course
from grader.record import notebook_file
from grader.report.similar import similar_page
from grader.report.wording import file_stem
from grader.similarity.compare import Work, pairs_alike
from grader.similarity.trainings import CURVE, WEIGHTS, Equal
from grader.submission import Cell, Notebook
from grader.text.words import Words
from grader.types import Message, Verdict
from tests.similarity.test_compare import ODD
from tests.support import builders as b
from tests.support.browser import PROGRAM, Seen, Visitors, look, visit
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
    records = hostile_records(visitors.address)
    code = Notebook((Cell(1, "\n".join(payloads(visitors.address))),), None, "")
    for record in records:
        notebook_file.write(out, record.execution_key, code)
    write_feedback(load_course(ROOT), words, out, records, Spared(out))
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


# What is as narrow as a letter, what leaves the screen, which heads run into the next column, which
# labels are cut, in a chart or a list.
MISLAID = """[
  ...[...document.querySelectorAll('td,th,dd,p,li,label,summary,h2')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width && one.innerText.trim().length > 7 && box.width < 44 && box.height > 60;
  }),
  ...[...document.querySelectorAll('main *')].filter(one =>
    one.getBoundingClientRect().right > WIDTH + 1 && !one.closest('pre,svg,.hidden,.skip' + (WIDTH > 600 ? ',.scroll' : ''))),
  ...[...document.querySelectorAll('.matrix th')].filter(one =>
    one.scrollWidth > one.clientWidth + 1),
  ...[...document.querySelectorAll('dt')].filter(one =>
    !/\\s/.test(one.innerText.trim()) && one.getBoundingClientRect().height >
      1.9 * parseFloat(getComputedStyle(one).lineHeight)),
  ...[...document.querySelectorAll('svg.chart text')].filter(one => {
    const box = one.getBoundingClientRect(), drawing = one.closest('svg').getBoundingClientRect();
    return box.left < drawing.left - 1 || box.right > drawing.right + 1;
  }),
].map(one => one.outerHTML.slice(0, 80)).concat(
  document.documentElement.scrollWidth > WIDTH ? ['the page itself'] : [])"""


def _class(out: Path, lang: str, *exercises: str) -> tuple[str, str]:
    """Write a class's page and a student's, who did these exercises too; gives their addresses."""
    losses = tuple(3e-5 / (n + 1) for n in range(6400))
    low = b.grade(Verdict.UNTRAINED, 45.0, hints=(Message("diagnose.never_fitted", {"name": "m"}),))
    few = b.check("data.rows", 0, 10, Message("reviews.rows", {"count": 640, "expected": "≥ 1000"}))
    wrong = b.grade(Verdict.WRONG_DATA, 90.0, checks=(few,))
    records = [
        b.record("kim", evidence=b.evidence(train=b.training(losses, losses))),
        *(b.record("kim", one) for one in exercises if one != "sequence-prediction"),
        b.record("kim", "sequence-prediction", grade=wrong),
        *(b.record(f"학생 {n} mit_sehr_langem_Namen_{n}", grade=low) for n in range(3)),
        b.ungraded("lee"),
    ]
    code = Notebook((Cell(1, "x = 1\n" + "y" * 500), Cell(7, "model.fit()")), None, "")
    for record in records:
        notebook_file.write(out, record.execution_key, code)
    words = Words(lang, [ROOT / "reference" / "families" / "locale"])
    places = write_feedback(load_course(ROOT), words, out, records, Spared(out))
    return places["index"].as_uri(), (places["feedback"] / "kim.html").as_uri()


def _pairs(out: Path, lang: str) -> str:
    """Write the page of pairs, with lines that are longer than a phone is wide; gives its address."""
    cells = (Cell(1, ODD), Cell(2, f"print({' + '.join(f'number_{n}' for n in range(40))})"))
    works = [
        Work(student, f"{student}/sequence-prediction.ipynb", Notebook(cells, None, student))
        for student in ("kim", "mit_sehr_langem_Namen_ohne_Zwischenraum")
    ]
    names = tuple(one.student for one in works)
    equal = [Equal("multiplication-lstm", (CURVE, WEIGHTS), names)]
    page = similar_page(pairs_alike(works, []), equal, [], works, Words(lang), {})
    (out / "alike.html").write_text(page, "utf-8")
    return (out / "alike.html").as_uri()


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_everything_can_be_read_on_a_phone_and_on_a_desk(tmp_path: Path, lang: str) -> None:
    """A whole term of exercises, and pairs side by side."""
    others = [one for one in load_course(ROOT).exercises if one != "multiplication-lstm"]
    for address in (*_class(tmp_path, lang, *others), _pairs(tmp_path, lang)):
        assert look(address, (390, 1280), MISLAID) == [[], []]


def test_a_choice_orders_and_filters_without_a_script(tmp_path: Path) -> None:
    address, _ = _class(tmp_path, "en", "sequence-prediction")
    by_points = "document.querySelector('#by-fewest').click()"
    only = "document.querySelector('#only-ours').click()"
    rows = """[...document.querySelectorAll('.matrix tbody tr')]
      .map(one => [one.getBoundingClientRect().top, one.lastElementChild.innerText.split('\\n').pop().trim()])
      .filter(([top]) => top).sort(([one], [other]) => one - other).map(([, total]) => total)"""
    (told,) = look(address, (1280,), rows)
    assert told == ["190", "–", "45", "45", "45"]
    (ordered,) = look(address, (1280,), f"({by_points}, {rows})")
    assert ordered == ["45", "45", "45", "190", "–"]
    (left,) = look(address, (1280,), f"({only}, {rows})")
    assert left == ["–"]


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
