"""The attack corpus is whole, and the judge of its batches notices what it is there to notice."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest

from grader.trainer.results import Results
from tests.attacks import makers
from tests.attacks.batch import KEEPER, Batch
from tests.attacks.corpus import Hostile, Instead, attacks, folders
from tests.attacks.field import Field, snapshot
from tests.attacks.judge import complaints, disturbances
from tests.attacks.people import ROOT, Person
from tests.attacks.table import BEGIN, END, placed, table_of, told_before
from tests.trainer.test_results import trained

ROWS = 41  # threats that the design names, and what was found since
BROKEN = "30-broken-notebooks"
NOTEBOOKS = [path for folder in folders() for path in folder.glob("*.ipynb")]
SOUND = [path for path in NOTEBOOKS if path.parent.name != BROKEN]


def test_every_threat_has_its_folder() -> None:
    assert [attack.row for attack in attacks()] == list(range(1, ROWS + 1))
    assert all(int(attack.name[:2]) == attack.row for attack in attacks())


def test_every_threat_is_attacked() -> None:
    assert [attack.name for attack in attacks() if not attack.submissions] == []


def test_every_notebook_is_handed_in() -> None:
    named = {one.source for attack in attacks() for one in attack.submissions if one.source}
    assert set(NOTEBOOKS) == named


def test_the_page_on_security_tells_of_every_attack() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    table = page.split(BEGIN)[1].split(END)[0]
    told = [f"| {attack.row}. {attack.sentence} |" for attack in attacks()]
    assert [line for line in told if line not in table] == []
    assert "| not held" not in table
    tally = table.strip().splitlines()[0]  # "Reduced: so many held, …"
    assert tally in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_written_between_its_marks_only() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert placed(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_of_some_groups_the_table_tells_of_these_alone_or_of_others_what_its_page_says() -> None:
    every = attacks()
    chosen = [one for one in every if one.group == every[0].group]
    found = {"reduced": {one.name: ["it did"] * (one is chosen[0]) for one in chosen}}
    alone = [*table_of(chosen, found, {})]
    assert alone[0] == f"Reduced: 1 not held, {len(chosen) - 1} held."
    assert len(alone) == 4 + len(chosen)
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    whole = "\n".join(table_of(chosen, found, told_before(page, ["reduced"])))
    held = f"| {chosen[0].row}. {chosen[0].sentence} | {{}} |"
    was = page.split(BEGIN)[1].split(END)[0].split("\n\n")[1].strip()
    assert whole.split("\n\n")[1] == was.replace(held.format("held"), held.format("not held"))


def test_what_a_page_says_of_other_levels_is_nothing_of_these() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    assert len(told_before(page, ["reduced"])) == ROWS
    assert told_before(page, ["full", "reduced"]) == {}


def test_every_maker_exists() -> None:
    named = {one.maker for attack in attacks() for one in attack.submissions if one.maker}
    assert [name for name in named if not callable(getattr(makers, name, None))] == []


def test_no_two_submissions_share_a_name() -> None:
    names = [one.student for attack in attacks() for one in attack.submissions]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", SOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_hostile_notebook_is_a_notebook(path: Path) -> None:
    """An attack that fails for a slip of its own proves nothing."""
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 20_000
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ast.parse(re.sub(r"(?m)^[!%].*", "0", cell.source))


@pytest.mark.parametrize("path", SOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_hostile_notebook_never_spells_what_it_would_report(path: Path) -> None:
    """A traceback shows source: the words that mean success are put together at run time."""
    assert "BREACH" not in path.read_text(encoding="utf-8")
    assert "CANARY-" not in path.read_text(encoding="utf-8")


# --- the judge notices -----------------------------------------------------------------------

RESULT = {
    "student": "kim",
    "verdict": "no_model",
    "score": 0.0,
    "flags": [],
    "seconds": 3.0,
    "checks": [],
    "record": "/out/results/k1/record.json",
}
INNOCENT = {**RESULT, "student": "lee", "verdict": "accepted", "score": 100.0}
FILES = {
    "results/k1/record.json": b'{"record": {"execution_key": "e1"}}',
    "evidence/e1/execution/about.json": b'{"seconds": 2.0}',
    "evidence/e1/execution/execution.json": b'{"cells": [{"stdout": "tried"}]}',
}
BATCH = Batch(
    group="look",
    code=1,
    results=(RESULT, INNOCENT),
    said="",
    stdout="",
    left=(),
    processes=10,
    megabytes=100,
    disturbed=(),
    canaries={"environment": "CANARY-1"},
    files=FILES,
    reports={},
    neighbours=("lee",),
    timeout=60,
)


def hostile(**changes: object) -> Hostile:
    base = next(one for attack in attacks() for one in attack.submissions)
    plain = replace(base, shown="kim", verdicts=("no_model",), score=0, flags=None, seen=("tried",))
    return replace(plain, absent=(), said=(), said_not=(), nowhere=(), **changes)


def with_file(path: str, content: bytes) -> Batch:
    return replace(BATCH, files={**FILES, path: content})


def test_judge_is_content_where_everything_held() -> None:
    assert complaints(BATCH, hostile()) == []
    assert disturbances(BATCH) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"verdicts": ("accepted",)},
        {"score": 100},
        {"flags": ("pretrained",)},
        {"seen": ("never printed",)},
        {"absent": ("tried",)},
        {"said": ("something",)},
        {"nowhere": ("tried",)},
        {"bounds": replace(hostile().bounds, seconds=1)},
        {"bounds": replace(hostile().bounds, processes=1)},
        {"bounds": replace(hostile().bounds, megabytes=1)},
        {"bounds": replace(hostile().bounds, written=1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_judge_notices_what_is_not_as_expected(changes: dict[str, object]) -> None:
    assert len(complaints(BATCH, replace(hostile(), **changes))) == 1


def database(name: str) -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:")) as base:
        base.execute("create table grades (student text, seconds real)")
        base.execute("insert into grades values (?, 27.0)", (name,))
        base.commit()
        return base.serialize()


def test_judge_notices_a_word_in_a_database() -> None:
    told = complaints(
        with_file("grades.db", database("kim\x1b")), replace(hostile(), nowhere=("\x1b",))
    )
    assert told == ["'\\x1b' is in grades.db"]


def test_judge_takes_bytes_of_a_format_for_no_words() -> None:
    base = database("kim")
    assert any(byte < 0x20 for byte in base)
    bytes_only = replace(hostile(), nowhere=("\x01", "\x11", "\ufeff"))
    assert complaints(with_file("grades.db", base), bytes_only) == []
    assert complaints(with_file("grades.csv", b"\xef\xbb\xbfstudent"), bytes_only) == []


def test_judge_notices_a_breach() -> None:
    told = with_file("evidence/e1/execution/execution.json", b'{"stdout": "tried BREACH: all"}')
    assert any("BREACH" in line for line in complaints(told, hostile()))


def test_judge_notices_a_run_beyond_its_limit() -> None:
    late = with_file("evidence/e1/execution/about.json", b'{"seconds": 66.0}')
    told = complaints(late, hostile(bounds=replace(hostile().bounds, over=5)))
    assert told == ["6.0 seconds beyond the limit, at most 5 expected"]


@pytest.mark.parametrize(
    "batch",
    [
        with_file("evidence/e1/x.npz", b"...CANARY-1..."),
        replace(BATCH, said="CANARY-1"),
        replace(BATCH, left=("python daemon",)),
        replace(BATCH, disturbed=("changed: /home",)),
        replace(BATCH, results=(RESULT, {**INNOCENT, "score": 97.5})),
        replace(BATCH, results=(RESULT, {**INNOCENT, "verdict": "grader_error"})),
        with_file("x.json", b'{"loss": NaN}'),
        with_file("grades.csv", b"student,score\n=1+1,0\n"),
        replace(BATCH, reports={"github": "::set-output name=score::100"}),
    ],
)
def test_judge_notices_harm(batch: Batch) -> None:
    assert len(disturbances(batch)) == 1


POLICY = b'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'


@pytest.mark.parametrize(
    "page",
    [
        POLICY + b"<script>alert(1)</script>",
        POLICY + b"<img src=x onerror=alert(1)>",
        POLICY + b"<a href='javascript:alert(1)'>x</a>",
        POLICY + b"<img src='http://127.0.0.1/x'>",
        POLICY + b"<svg onload=alert(1)>",
        b"<p>no policy</p>",
    ],
)
def test_judge_notices_a_page_that_does_something(page: bytes) -> None:
    assert len(disturbances(with_file("feedback/kim.html", page))) >= 1


def test_judge_lets_a_quiet_page_pass() -> None:
    page = POLICY + b"<p>&lt;script&gt;</p><a href='kim.html'>x</a>"
    assert disturbances(with_file("feedback/kim.html", page)) == []


# --- the keeper and the field notice ---------------------------------------------------------


def keep(tmp_path: Path, command: list[str], seconds: float = 60) -> dict[str, object]:
    report = tmp_path / "report.json"
    subprocess.run([sys.executable, KEEPER, report, str(seconds), *command], check=True)
    return json.loads(report.read_text())


def test_keeper_finds_and_ends_what_outlives_the_command(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    daemon = f"setsid sh -c 'sleep 77 & : > {begun}; sleep 78' < /dev/null > /dev/null 2>&1 &"
    wait = f"until [ -e {begun} ]; do sleep 0.1; done"
    kept = keep(tmp_path, ["/bin/sh", "-c", f"{daemon} {wait}; sleep 0.5"])
    assert kept["code"] == 0
    assert any("sleep 77" in command for command in kept["left"])
    assert any("sleep 78" in command for command in kept["left"])
    assert kept["processes"] >= 3


def test_keeper_finds_nothing_where_nothing_is_left(tmp_path: Path) -> None:
    kept = keep(tmp_path, ["/bin/sh", "-c", "(sleep 0.2; exit 3); exit $?"])
    assert (kept["code"], kept["left"]) == (3, [])


def test_keeper_ends_the_command_when_told(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    keeper = subprocess.Popen([sys.executable, KEEPER, report, "600", "/bin/sleep", "600"])
    until = time.monotonic() + 60
    while not _listens(keeper.pid, signal.SIGUSR1) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(keeper.pid, signal.SIGUSR1)
    assert keeper.wait(60) == 0
    assert json.loads(report.read_text())["code"] == -signal.SIGKILL


def _listens(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.split("SigCgt:")[1].split()[0], 16) & 1 << number - 1)


def test_snapshot_notices_new_and_changed_files(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("as it was")
    before = snapshot([tmp_path])
    (tmp_path / "kept").write_text("otherwise")
    (tmp_path / "new").symlink_to("kept")
    after = snapshot([tmp_path])
    changed = {Path(name).name for name in after if before.get(name) != after[name]}
    assert changed == {"kept", "new"}


# --- what the grader itself keeps in a home --------------------------------------------------

KEY = "a" * 64


@pytest.fixture
def field(tmp_path: Path) -> Field:
    """A field after a batch, in whose home the grader kept a result."""
    here = Field(tmp_path / "field", Person("nobody", None, ()))
    for folder in (here.home, here.temporary, here.course, here.handed_in):
        folder.mkdir(parents=True)
    here.secret.write_text("secret")
    here.mark.touch()
    here.before = snapshot(here._watched())
    here.lay_there = frozenset(here._strays())
    Results(here.home / ".cache/rnn-grader/trained").put(KEY, trained())
    return here


def kept(here: Field) -> Path:
    return here.home / ".cache/rnn-grader/trained"


def test_what_the_grader_keeps_in_a_home_disturbs_nobody(field: Field) -> None:
    assert field.disturbed() == []
    (kept(field) / f"{KEY}.lock").touch(0o600)
    assert field.disturbed() == []


def planted(path: Path, content: bytes = b"code") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "name",
    [
        ".cache/rnn-grader/trained/notes.txt",
        f".cache/rnn-grader/trained/{KEY}.npz.py",
        f".cache/rnn-grader/trained/{'b' * 64}.npz",
        f".cache/rnn-grader/trained/{'b' * 64}.lock",
        ".cache/rnn-grader/kernel/recurrent.so",
        ".cache/pip/wheel",
        ".bashrc",
    ],
)
def test_whatever_else_lies_in_a_home_is_a_disturbance(name: str, field: Field) -> None:
    path = planted(field.home / name)
    assert f"changed: {path}" in field.disturbed()


def test_arrays_that_are_no_result_are_a_disturbance(field: Field) -> None:
    path = kept(field) / f"{'c' * 64}.npz"
    np.savez(path, told=np.zeros(2, np.uint8), answers=np.ones(3))
    path.chmod(0o600)
    assert field.disturbed() == [f"changed: {path}"]


def test_a_result_that_is_a_link_or_open_to_others_is_a_disturbance(field: Field) -> None:
    path = kept(field) / f"{KEY}.npz"
    (kept(field) / f"{'d' * 64}.npz").symlink_to(path)
    path.chmod(0o644)
    told = field.disturbed()
    assert [Path(line.removeprefix("changed: ")).name[0] for line in told] == ["a", "d"]


def test_a_folder_that_others_may_look_into_is_a_disturbance(field: Field) -> None:
    kept(field).chmod(0o755)
    assert f"changed: {kept(field)}" in field.disturbed()


def test_a_home_that_had_such_a_folder_before_is_watched_as_ever(field: Field) -> None:
    field.before = snapshot(field._watched())
    planted(kept(field) / f"{KEY}.npz", b"otherwise")
    assert field.disturbed() == [f"changed: {kept(field) / KEY}.npz"]


def test_what_is_expected_may_differ_by_who_trains() -> None:
    one = hostile(no_trainer=Instead(verdicts=("suspicious",), flags=()))
    assert one.where(trainer=True) == one
    alone = one.where(trainer=False)
    assert (alone.verdicts, alone.flags, alone.score) == (("suspicious",), (), one.score)
    alike = hostile(flags=("pretrained",)).where(trainer=False)
    assert (alike.verdicts, alike.flags) == (("no_model",), ("pretrained",))


@pytest.mark.parametrize("trainer", [True, False])
def test_a_batch_is_judged_by_who_trained_in_it(trainer: bool) -> None:
    one = hostile(no_trainer=Instead(verdicts=("accepted",)))
    told = complaints(replace(BATCH, trainer=trainer), one)
    assert bool(told) != trainer
