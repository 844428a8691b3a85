"""Histories, records and whole report sets: what a folder of records may hold, and what is made of it.

Enters: a ``random.Random``. Leaves: an OUT folder's record files, and the word for what became of
them. Touches: a scratch folder.

One record is a neighbour's, and sound: whatever the others hold, all that is made of it is as if it
were alone.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import shutil
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from grader.cli import merge, printing
from grader.cli.spared import Spared, Step
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.pipeline.regrade import regrade
from grader.record.index import KEY
from grader.record.record_json import record_to_json
from grader.record.store import Store
from grader.report import exporters
from grader.report.export import Export
from grader.text.words import Words
from grader.types import JUDGED, GraderError, Record, Verdict
from tests.fuzz import seeds
from tests.fuzz.mutate import as_json, change_bytes, change_tree, odd_text
from tests.support import builders as b
from tests.support.exporting import OF_TEXT
from tests.support.hostile import kept_hostile_records

LEE = b.record("lee", "multiplication-lstm", "lee/multiplication-lstm.ipynb")
LOSSES = (
    *(0.0, -0.0, 5e-324, -5e-324, 1e-320, 1e-31, 1e-30, 1e-5, 0.3, 1.0, 1.0 + 2**-52, 3.0),
    *(1e15, 1e29, 1e30, 1e300, 1.7e308, -1e-31, -1.0, -1e29, -1.7e308),
    *(math.nan, math.inf, -math.inf),
)
FORMS = ("table", "json", "junit", "github")
ABOUT = dict.fromkeys(exporters.load("classroom50").about, "x")

Records = Sequence[tuple[str, bytes]]  # folder's name, content


def make(rng: random.Random) -> Records:
    """A few records with odd histories, some of them changed beyond what anybody would write."""
    made = []
    for number in range(rng.randint(1, 4)):
        one = rng.choice(_pool())
        if one.evidence is not None and rng.random() < 0.8:
            trained = b.training(_losses(rng), _losses(rng) if rng.random() < 0.5 else ())
            one = replace(one, evidence=replace(one.evidence, training=trained))
        if rng.random() < 0.3:
            one = replace(one, student=rng.choice(("kim", "Kim", "lee", "LEE", odd_text(rng))))
        made.append(_as_kept(one, rng.randint(1, 10**6) + number, rng))
    return made


@cache
def _pool() -> tuple[Record, ...]:
    ordinary = [
        b.record("kim", grade=b.grade(verdict, 40.0, hints=()), salt=verdict)
        for verdict in JUDGED
        if verdict is not Verdict.GRADER_ERROR
    ]
    return (*ordinary, b.ungraded("park"), *kept_hostile_records())


def _losses(rng: random.Random) -> tuple[float, ...]:
    size = rng.choice((0, 1, 2, 3, 5, 400, 401, 1999))
    some = rng.choices(LOSSES, k=rng.randint(1, 4))
    return tuple(rng.choice(some) for _ in range(size))


def _as_kept(one: Record, saved_at: int, rng: random.Random) -> tuple[str, bytes]:
    data = record_to_json(one, saved_at)
    key = one.key
    if rng.random() < 0.5:
        tree = change_tree(json.loads(data), rng)
        data = as_json(tree, rng)
        told = tree.get("record") if isinstance(tree, dict) else None
        named = told.get("key") if isinstance(told, dict) else None
        key = named if isinstance(named, str) and KEY.fullmatch(named) else key
    return key, change_bytes(data, rng) if rng.random() < 0.1 else data


def run(records: Records, scratch: Path) -> str:
    """Show, report, export, score again and join what the folder holds."""
    for place in scratch.iterdir():
        shutil.rmtree(place)
    out = scratch / "out"
    for key, data in (*records, (LEE.key, record_to_json(LEE, 10**7))):
        folder = out / "results" / key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "record.json").write_bytes(data)
    with Store(out) as store:
        latest = store.latest()
        assert LEE in latest
        spared = Spared(out)
        for words in (Words("ko"), Words("en")):
            printing.write_feedback(_course(), words, out, latest, spared)
        _check_pages(out, latest)
        _check_printed(out, latest, spared)
        _check_exports(latest, spared)
        _regrade(store, latest, spared)
        _merge(store, scratch / "joined", spared)
        faults = [one for one in spared._found if one.cause.startswith("faults/")]
        assert not faults, (out / faults[0].cause).read_text(encoding="utf-8")
        left_out = sorted({f"{one.step} ({one.cause})" for one in spared._found})
    verdicts = sorted({str(one.grade.verdict) for one in latest})
    return f"{len(latest)} read, {', '.join(left_out) or 'all shown'}: {', '.join(verdicts)}"[:79]


def _check_pages(out: Path, latest: Sequence[Record]) -> None:
    pages = list((out / "feedback").iterdir())
    assert len(pages) == len({record.student for record in latest})
    if [one for one in latest if one.student == "lee"] == [LEE]:
        assert (out / "feedback" / "lee.html").read_bytes() == _page_alone()
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(latest)
    assert [LEE.submission, "100.0"] in [[row["submission"], row["score"]] for row in rows]
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "lee" in index
    assert index.rstrip().endswith("</html>")


def _check_printed(out: Path, latest: Sequence[Record], spared: Spared) -> None:
    for form in FORMS:
        printed = io.StringIO()
        with redirect_stdout(printed), pytest.MonkeyPatch.context() as patch:
            patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
            printing.show(Words("en"), out, latest, form, spared)
        text = printed.getvalue()
        text.encode()
        if form == "json":
            told = json.loads(text, parse_constant=_refuse)
            assert len(told["results"]) == len(latest)
        if form == "junit":
            assert len(ET.fromstring(text).findall(".//testcase")) == len(latest)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in JSON")


def _check_exports(latest: Sequence[Record], spared: Spared) -> None:
    for name in OF_TEXT:
        exporter = exporters.load(name)

        def files(some: Sequence[Record], exporter: Any = exporter) -> Mapping[str, bytes]:
            export = Export(some, Words("en"), {}, key="username", about=ABOUT)
            return dict(exporter.files(export))

        try:
            found = spared.made(Step.EXPORT, files, latest)
        except GraderError:  # of everybody, lee among them: something of each is ungraded
            assert not all(one.grade.graded for one in latest if one.student == "lee")
            continue
        if "lee" not in spared.students(Step.EXPORT):  # a record of lee's own may be ungraded
            told = [name.encode() + data for name, data in found.items()]
            assert any(b"lee" in one or LEE.key.encode() in one for one in told), name
        for path, data in found.items():
            if path.endswith(".json"):
                json.loads(data, parse_constant=_refuse)


def _regrade(store: Store, latest: Sequence[Record], spared: Spared) -> None:
    for one in latest:
        with spared.alone(Step.REGRADE, one.student):
            (again,) = regrade(_course(), [one], b"s" * 32)
            assert again.student == one.student
            store.save(again)


def _merge(store: Store, joined: Path, spared: Spared) -> None:
    with Store(joined) as target:
        for one in merge._kept(store, []):
            with spared.alone(Step.MERGE, one.record.student):
                merge._take(target, one)
        assert "lee" in {record.student for record in target.latest()}


@cache
def _page_alone() -> bytes:
    from grader.report.feedback import feedback_page

    course, words = _course(), Words("en")
    return feedback_page("lee", [LEE], words, printing.titles(course, words)).encode()


@cache
def _course() -> Course:
    return load_course(seeds.ROOT)
