"""Judges a batch: did each attack come to nothing, and was nobody else harmed?

Enters: a Batch. Leaves: complaints, as text; none where everything held. Touches nothing.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import json
import re
import sqlite3
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from tests.attacks.batch import Batch, strict_json
from tests.attacks.corpus import Hostile

BREACH = "BREACH"
LONGEST = 300
PACKED = (".npz", ".db")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
RUNS_CODE = ("script", "iframe", "object", "embed", "form", "base", "foreignobject", "link")
WITHIN = re.compile(r"(data:image/png;base64,[A-Za-z0-9+/=]*|#[\w-]*|[\w./%~=-]+)")


def complaints(batch: Batch, one: Hostile) -> list[str]:
    """Everything that is not as expected about one hostile submission."""
    one = one.where(trainer=batch.trainer)
    result = batch.result(one.shown)
    parts = batch.kept(one.shown)
    kept = "\n".join(
        d.decode("utf-8", "replace") for p, d in parts.items() if not p.endswith(PACKED)
    )
    told = []
    if result["verdict"] not in one.verdicts:
        expected = " or ".join(one.verdicts)
        told.append(f"verdict {result['verdict']}, expected {expected}: {reason(result)}")
    if one.score is not None and result["score"] != one.score:
        told.append(f"score {result['score']}, expected {one.score}: {reason(result)}")
    if one.flags is not None and sorted(result["flags"]) != sorted(one.flags):
        told.append(f"flags {result['flags']}, expected {list(one.flags)}")
    told += _beyond(batch, one, result, parts)
    told += [f"the attack did not run: no {word!r}" for word in one.seen if word not in kept]
    told += [f"found in what was kept: {word!r}" for word in one.absent if word in kept]
    told += [f"the teacher was not told {word!r}" for word in one.said if word not in batch.said]
    told += [f"said {word!r}" for word in one.said_not if word in batch.said]
    told += [f"{word!r} is in {place}" for word in one.nowhere for place in _places(batch, word)]
    told += [line[:LONGEST] for line in kept.replace("\\n", "\n").splitlines() if BREACH in line]
    return told


def _beyond(
    batch: Batch, one: Hostile, result: dict[str, Any], parts: dict[str, bytes]
) -> Iterator[str]:
    """What it took beyond its bounds."""
    about = [json.loads(data) for path, data in parts.items() if path.endswith("about.json")]
    ran = max((run["seconds"] for run in about), default=0.0)
    measured = {
        "seconds": (result["seconds"], one.bounds.seconds),
        "seconds beyond the limit": (ran - batch.timeout, one.bounds.over),
        "processes": (batch.processes, one.bounds.processes),
        "megabytes of the judge": (batch.megabytes, one.bounds.megabytes),
        "bytes kept": (sum(map(len, parts.values())), one.bounds.written),
    }
    for what, (found, bound) in measured.items():
        if bound is not None and found > bound:
            yield f"{found} {what}, at most {bound} expected"


def _places(batch: Batch, word: str) -> Iterator[str]:
    """Where a word is, as it is or as JSON writes it."""
    forms = {word.encode(), json.dumps(word)[1:-1].encode()}
    texts = {"standard output": batch.stdout.encode(), "standard error": batch.said.encode()}
    texts |= {form: text.encode() for form, text in batch.reports.items()}
    texts |= {path: _text(path, data) for path, data in batch.files.items()}
    return (place for place, text in texts.items() if any(form in text for form in forms))


def _text(path: str, data: bytes) -> bytes:
    """What somebody would read there: a database and a mark of byte order have bytes of their own."""
    if path.endswith(".npz"):
        return b""
    if not path.endswith(".db"):
        return data.removeprefix(codecs.BOM_UTF8)
    with contextlib.closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(data[:18] + b"\1\1" + data[20:])  # as if it had no write-ahead log
        return "\n".join(base.iterdump()).encode("utf-8", "surrogatepass")


def disturbances(batch: Batch) -> list[str]:
    """What the batch did to others."""
    told = [f"leaked: {leak}" for leak in _leaks(batch)]
    told += [f"left running: {command}" for command in batch.left]
    told += list(batch.disturbed)
    told += list(_loose(batch))
    told += list(_active(batch))
    told += list(_formulas(batch))
    told += list(_commands(batch))
    for student in batch.neighbours:
        result = batch.result(student)
        if (result["verdict"], result["score"]) != ("accepted", 100):
            told.append(f"harmed: {student} got {result['verdict']}: {reason(result)}")
    return told


def reason(result: dict[str, Any]) -> str:
    """Why points were lost."""
    lost = [one["message"] for one in result["checks"] if one["points"] < one["max_points"]]
    return "; ".join(lost or [one["message"] for one in result["checks"]][:1])[: 5 * LONGEST]


def _leaks(batch: Batch) -> Iterator[str]:
    for where, word in batch.canaries.items():
        for path, content in batch.files.items():
            if word.encode() in content:
                yield f"{where}: in {path}"
        if word in batch.stdout + batch.said:
            yield f"{where}: said"


def _loose(batch: Batch) -> Iterator[str]:
    """Files that are no strict JSON."""
    for path, content in batch.files.items():
        if path.endswith(".json"):
            try:
                strict_json(content)
            except ValueError as error:
                yield f"not strict: {path}: {error}"


# --- reports ---------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Everything in a page that could do something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.policy = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.policy |= given.get("http-equiv", "").lower() == "content-security-policy"
        if tag in RUNS_CODE:
            self.found.append(f"<{tag}>")
        for name, value in given.items():
            leads = name in (
                "src",
                "href",
                "action",
                "xlink:href",
                "srcset",
                "poster",
                "background",
            )
            if name.startswith("on") or (leads and not WITHIN.fullmatch(value)):
                self.found.append(f"{name}={value[:80]!r}")
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.found.append("refresh")


def _active(batch: Batch) -> Iterator[str]:
    """Pages that run something, lead somewhere or have no policy."""
    for path, content in batch.files.items():
        if path.endswith((".html", ".htm", ".svg")):
            page = _Page()
            page.feed(content.decode("utf-8"))
            page.close()
            yield from (f"active: {one} in {path}" for one in page.found)
            if not page.policy and not path.endswith(".svg"):
                yield f"no content security policy in {path}"


def _formulas(batch: Batch) -> Iterator[str]:
    for path, content in batch.files.items():
        if path.endswith(".csv"):
            for row in csv.reader(content.decode("utf-8-sig").splitlines()):
                for cell in row:
                    if cell.startswith(FORMULAS) and not NUMBER.fullmatch(cell):
                        yield f"a formula in {path}: {cell!r}"


def _commands(batch: Batch) -> Iterator[str]:
    """Lines that GitHub would obey, but those that the grader means."""
    for line in batch.reports.get("github", "").splitlines():
        bad = line.startswith("##[") or (
            line.startswith("::")
            and not re.match(r"::(error|notice|warning)( file=[^:\n]*)?::", line)
        )
        if bad:
            yield f"a command: {line[:LONGEST]}"
