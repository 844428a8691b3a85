"""What the count of orders and claims says of kept results."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from grader.execution import Training
from grader.record.store import Store
from grader.text.words import Words
from grader.types import Evidence, Message, Proof, Record, Repeated
from tests.support import builders as b

count = importlib.import_module("benchmarks.orders_or_claims")
OWN = Message("proof.told", {"why": "a callback of class Own"})
CLAIMED = replace(b.evidence(), proof=Proof(why=OWN))
AGAIN = replace(b.evidence(), proof=Proof(why=OWN, repeated=Repeated(learned=True, times=1)))


@pytest.mark.parametrize(
    ("evidence", "waiting", "said"),
    [
        (None, 0.0, "no training"),
        (replace(b.evidence(), training=None), 0.0, "no training"),
        (b.evidence(), 0.0, "not asked"),
        (replace(b.evidence(), proof=Proof("a" * 64)), 0.0, "ours"),
        (AGAIN, 0.0, "done again"),
        (AGAIN, 40.0, "waits"),
        (CLAIMED, 0.0, "claimed"),
    ],
)
def test_what_stands_for_a_training(evidence: Evidence | None, waiting: float, said: str) -> None:
    assert count.stands(evidence, waiting) == said


def test_kept_results_become_a_table_with_its_sums(tmp_path: Path) -> None:
    asked = (Training(2, key="a" * 64), Training(3, why=OWN))
    ran = replace(b.execution(), trainings=asked)
    records: list[Record] = []
    for student, evidence in (
        ("kim", replace(b.evidence(), proof=Proof("a" * 64))),
        ("lee", AGAIN),
    ):
        records.append(b.record(student, submission=f"{student}.ipynb", evidence=evidence))
    with Store(tmp_path) as store:
        for record in records:
            store.save_execution(record.execution_key, ran)
            store.save(record)
    lines = list(count.lines_of(tmp_path, Words("en")))
    told = "\n".join((*count.table(lines), *count.counted(lines)))
    assert "| kim.ipynb | accepted | 100 | 0 | ours | 1, 1 |  |" in told
    assert "| lee.ipynb | accepted | 100 | 0 | done again | 1, 1 | " in told
    assert "ours: 1 of 2\n" in told
    assert "fits: 2 ours, 2 their own\n  1 x " in told
    assert "a callback of class Own" in told
