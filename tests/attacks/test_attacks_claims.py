"""Hostile claims, read by the judge: made by the corpus's notebooks, or laid into a folder."""

from __future__ import annotations

import json
import os
import socket
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.evaluation import worker
from grader.execute.claims import Claims, read_claims
from grader.extract.architecture import NotRebuildableError, read_architecture
from tests.attacks.corpus import HERE
from tests.attacks.replay import claims_of

MEGABYTE = 2**20
CANARY = "CANARY-claims"


def gadgets(tmp_path: Path) -> list[dict[str, Any]]:
    return claims_of(HERE / "22-code-in-models/gadgets.ipynb", tmp_path)


def test_no_gadget_survives_the_reading(tmp_path: Path) -> None:
    claimed = gadgets(tmp_path)
    assert len(claimed) == 13
    for content in claimed:
        try:
            read = json.dumps(read_architecture(content["config"]).as_json())
        except NotRebuildableError:
            continue
        assert not any(word in read for word in ("system", "Popen", "touch", "os", "module")), read


class Recorded:
    """Stands for keras: remembers every name that is looked up, and calls nothing."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __getattr__(self, name: str) -> Callable[..., object]:
        self.names.append(name)
        return lambda *_, **__: SimpleNamespace()


def test_evaluation_looks_up_no_gadget_even_if_it_were_asked_to(tmp_path: Path) -> None:
    """The second wall: the room that rebuilds models has the allow-list too."""
    names: list[str] = []
    keras = SimpleNamespace(layers=Recorded(names), initializers=Recorded(names))
    for content in gadgets(tmp_path):
        layer = content["config"]["config"]["layers"][1]
        config = layer["config"] if isinstance(layer["config"], dict) else {}
        entry = {"class": layer["class_name"], "config": config, "inner": None}
        if entry["class"] in ("Dense", "SimpleRNN", "Bidirectional"):
            continue  # allowed names, whose settings the judge has stripped
        for fresh in (True, False):
            with pytest.raises(ValueError, match="allow-list"):
                worker.build_layer(keras, entry, fresh=fresh)
    assert names == []


def test_arrays_with_code_run_nowhere(tmp_path: Path) -> None:
    Path("/tmp/rnn-attack-unpickled").unlink(missing_ok=True)
    claimed = claims_of(HERE / "23-arrays-with-code/pickles.ipynb", tmp_path)
    claims = read_claims(tmp_path)
    assert claims.unreadable == len(claimed) >= 6
    assert claims.candidates == ()
    assert not Path("/tmp/rnn-attack-unpickled").exists()


def test_bombs_are_refused_before_they_go_off(tmp_path: Path) -> None:
    claimed = claims_of(HERE / "24-bombs/bombs.ipynb", tmp_path)
    tracemalloc.start()
    try:
        claims = read_claims(tmp_path)
        read = [one.config for one in claims.candidates]
        for config in read:
            with pytest.raises(NotRebuildableError):
                read_architecture(config)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(claimed) == 16
    assert len(read) == 10, "the giant layers; the arrays are not even read"
    assert peak < 50 * MEGABYTE


# --- a folder that a hostile driver's room left ----------------------------------------------


def event() -> dict[str, object]:
    return {"event": "seen", "cell": 1, "model": 1, "config": {"class_name": "Sequential"}}


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """What an honest room leaves: a cell and a model."""
    folder = tmp_path / "out"
    (folder / "evidence").mkdir(parents=True)
    line = {"index": 1, "status": "ok", "seconds": 0.1, "stdout": "hello"}
    (folder / "transcript.jsonl").write_text(json.dumps(line) + "\n")
    (folder / "evidence/0001.json").write_text(json.dumps(event()))
    np.savez(folder / "evidence/0001.npz", final_0000=np.ones(3))
    (tmp_path / "secret").write_text(
        json.dumps({"index": 7, "status": "ok", "seconds": 0.1, "stdout": CANARY}) + "\n"
    )
    return folder


def test_honest_folder_is_read(left: Path) -> None:
    claims = read_claims(left)
    assert (len(claims.cells), len(claims.candidates), claims.unreadable) == (1, 1, 0)


def symlinked(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parents[1 if path.parent.name == "out" else 2] / "secret")


def hard_linked(path: Path) -> None:
    path.unlink()
    path.hardlink_to(path.parents[1 if path.parent.name == "out" else 2] / "secret")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def listening(path: Path) -> None:
    path.unlink()
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def foldered(path: Path) -> None:
    path.unlink()
    path.mkdir()


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    os.truncate(path, 1 << 40)


@pytest.mark.parametrize("name", ["transcript.jsonl", "evidence/0001.json", "evidence/0001.npz"])
@pytest.mark.parametrize(
    "swap", [symlinked, hard_linked, piped, listening, foldered, endless, sparse]
)
def test_nothing_but_plain_files_is_read(
    left: Path, name: str, swap: Callable[[Path], None]
) -> None:
    swap(left / name)
    began = time.monotonic()
    claims = read_claims(left)
    assert time.monotonic() - began < 600, "who reads the endless reads it for ever"
    assert _lost(claims, name)
    assert CANARY not in repr(claims)


def _lost(claims: Claims, name: str) -> bool:
    return claims.cells == () if name == "transcript.jsonl" else claims.candidates == ()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_none_make_a_claim_unreadable(left: Path, number: str) -> None:
    text = json.dumps({**event(), "history": {"loss": ["@"]}}).replace('"@"', number)
    (left / "evidence/0001.json").write_text(text)
    claims = read_claims(left)
    assert (claims.candidates, claims.unreadable) == ((), 1)
