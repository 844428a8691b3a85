"""What the first version kept is still read: three records as it wrote them lie in ``v1/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.record import record_v1
from grader.record.record_json import CorruptError, record_from_json, record_to_json
from grader.record.store import Store
from grader.types import Check, EvidenceClass, Record

KEPT = Path(__file__).parent / "v1"
NAMES = ("malformed", "runtime_error", "wrong_architecture")


def written(name: str) -> dict[str, Any]:
    return json.loads((KEPT / f"{name}.json").read_text("utf-8"))["record"]


def read(name: str) -> Record:
    data = (KEPT / f"{name}.json").read_bytes()
    return record_from_json(data, written(name)["key"])


def by_id(record: Record, check_id: str) -> Check:
    return next(check for check in record.grade.checks if check.id == check_id)


@pytest.mark.parametrize("name", NAMES)
def test_the_grade_is_the_one_that_was_kept(name: str) -> None:
    old, grade = written(name)["grade"], read(name).grade
    assert (grade.verdict, grade.score) == (old["verdict"], old["score"])
    assert [(c.id, c.points, c.message.id, c.expected, c.got) for c in grade.checks] == [
        (c["id"], c["points"], c["message"]["id"], c["expected"], c["got"]) for c in old["checks"]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_written_anew_it_is_the_same_record(name: str) -> None:
    record = read(name)
    again = record_to_json(record, 1)
    assert json.loads(again)["format"] == "grader/record/v2"
    assert record_from_json(again, record.key) == record


def test_a_store_finds_it_where_it_lies(tmp_path: Path) -> None:
    for name in NAMES:
        folder = tmp_path / "results" / written(name)["key"]
        folder.mkdir(parents=True)
        (folder / "record.json").write_bytes((KEPT / f"{name}.json").read_bytes())
    with Store(tmp_path) as store:
        found = {record.key for record in store.latest()}
        assert not store.warnings
    assert found == {written(name)["key"] for name in NAMES}


def test_cells_and_classes_are_no_longer_text() -> None:
    record = read("wrong_architecture")
    chain, cells = by_id(record, "structure.layers"), by_id(record, "runs.cells")
    (said,) = {c["where"] for c in written("wrong_architecture")["grade"]["checks"][1:6]}
    assert (chain.cls, f"cell {chain.cell}") == (EvidenceClass.STRUCTURE, said)
    assert (cells.cls, cells.cell) == (EvidenceClass.RUNS, None)


def test_controls_are_apart_from_the_models_own_metrics() -> None:
    evidence = read("wrong_architecture").evidence
    assert evidence is not None
    old = written("wrong_architecture")["evidence"]["metrics"]
    assert dict(evidence.metrics) == {k: v for k, v in old.items() if "." not in k}
    again = {f"{name}.{k}": v for name, one in evidence.controls.items() for k, v in one.items()}
    assert again
    assert {**evidence.metrics, **again} == old


def test_attempts_have_the_models_own_metrics_only() -> None:
    (attempt,) = read("wrong_architecture").attempts
    assert attempt.metrics == read("wrong_architecture").evidence.metrics


def test_a_threshold_is_kept_as_it_was_and_none_is_none() -> None:
    used, old = read("wrong_architecture").threshold, written("wrong_architecture")["threshold"]
    assert used is not None
    assert {name: getattr(used, name) for name in old} == old
    assert read("malformed").threshold is None


@pytest.mark.parametrize(
    "record",
    [None, 7, {}, {"grade": None}, {"grade": {"checks": [{"id": 3}]}, "evidence": None}],
)
def test_what_claims_to_be_one_and_is_not_is_corrupt(record: object) -> None:
    kept = {"format": "grader/record/v1", "saved_at": 1, "record": record}
    with pytest.raises(CorruptError):
        record_from_json(json.dumps(kept).encode(), "k")


def test_what_is_of_today_goes_straight_into_its_types(monkeypatch: pytest.MonkeyPatch) -> None:
    record = read("wrong_architecture")
    data = record_to_json(record, 1)

    def never(_: object) -> None:
        raise AssertionError("a record of today is nothing to upgrade")

    monkeypatch.setattr(record_v1, "upgraded", never)
    monkeypatch.setattr(json, "loads", never)
    assert record_from_json(data, record.key) == record
