"""Folders as a driver writes them, changed as a hostile kernel or a broken disk might.

Enters: a folder's files and a ``random.Random``. Leaves: another folder. Touches: ``lay_out`` writes.
"""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.mutate import as_json, change_bytes, change_tree, odd_text

TRANSCRIPT = "transcript.jsonl"
TYPES = ("f4", "f8", "i4", "i8", "u1", "?", "f2", "c8", "U3", "S3", "M8[s]", "O", ">f4", "i4,i4")
SHAPES = ((), (0,), (1,), (3, 3), (4, 1), (12, 4, 1), (1,) * 9, (0, 5), (2, 3, 1), (40,), (1, 131))
NAMES = ("final_0", "initial_0", "sample_x", "sample_y", "final_999", "final_", "x", "../x", "")
SPECIAL = ("link", "fifo", "folder", "twice", "dangling", "empty", "outside")


@dataclass(frozen=True)
class Folder:
    """Files by name, and names that are something else than a file."""

    files: Mapping[str, bytes]
    special: Mapping[str, str] = field(default_factory=dict)


def change(files: Mapping[str, bytes], rng: random.Random) -> Folder:
    """Change one to three files, rarely something about the folder."""
    changed = dict(files)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(sorted(changed))
        changed[name] = _changed(name, changed[name], rng)
    kind = rng.random()
    if kind < 0.05:
        del changed[rng.choice(sorted(changed))]
    elif kind < 0.1:
        a, b = rng.choice(sorted(changed)), rng.choice(sorted(changed))
        changed[a], changed[b] = changed[b], changed[a]
    elif kind < 0.15:
        changed = _multiplied(changed, rng)
    special = {}
    if rng.random() < 0.05:
        special[rng.choice(sorted(changed))] = rng.choice(SPECIAL)
    return Folder(changed, special)


def _changed(name: str, data: bytes, rng: random.Random) -> bytes:
    if name.endswith(".npz"):
        return _arrays(data, rng)
    if rng.random() < 0.2:
        return change_bytes(data, rng)
    if name == TRANSCRIPT:
        lines = data.splitlines()
        at = rng.randrange(len(lines)) if lines else 0
        with_line = [
            as_json(_tree(line, rng), rng).replace(b"\n", b" ") for line in lines[at : at + 1]
        ]
        return b"\n".join([*lines[:at], *with_line, *lines[at + 1 :]])
    return as_json(_tree(data, rng), rng)


def _tree(data: bytes, rng: random.Random) -> Any:
    try:
        return change_tree(json.loads(data), rng)
    except ValueError:  # changed before
        return None


def _multiplied(files: dict[str, bytes], rng: random.Random) -> dict[str, bytes]:
    """Write many events, each of another model or all of the same."""
    names = sorted(name for name in files if name.endswith(".json"))
    if not names:
        return files
    event = files[(name := rng.choice(names))]
    arrays = files.get(name.replace(".json", ".npz"), b"")
    apart = rng.random() < 0.5
    for number in range(rng.choice((30, 300, 2100))):
        text = event
        if apart and isinstance(tree := _loaded(event), dict):
            text = json.dumps({**tree, "model": number}).encode()
        files[f"evidence/{number:04d}.json"] = text
        files[f"evidence/{number:04d}.npz"] = arrays
    return files


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _arrays(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return change_bytes(data, rng)
    try:
        with np.load(io.BytesIO(data)) as loaded:
            arrays = dict(loaded)
    except Exception:  # noqa: BLE001 - changed before
        arrays = {}
    for _ in range(rng.randint(1, 3)):
        name = rng.choice([*arrays, *NAMES])
        kind = rng.random()
        if kind < 0.2 and name in arrays:
            del arrays[name]
        elif kind < 0.4 and name in arrays:
            arrays[name] = _with_oddities(arrays[name], rng)
        else:
            arrays[name] = _array(rng)
    file = io.BytesIO()
    packed = zipfile.ZIP_DEFLATED if rng.random() < 0.05 else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", packed) as archive:
        for name, array in arrays.items():
            npy = io.BytesIO()
            np.lib.format.write_array(npy, array, allow_pickle=True)
            text = npy.getvalue()
            if rng.random() < 0.1:
                text = text.replace(b"'shape': (", b"'shape': (%d," % rng.choice((0, 9, 10**9, -1)))
            archive.writestr(f"{name}.npy", text)
    return file.getvalue()


def _array(rng: random.Random) -> Any:
    array = np.zeros(rng.choice(SHAPES), dtype=rng.choice(TYPES))
    return np.asfortranarray(array) if rng.random() < 0.2 else array


def _with_oddities(array: Any, rng: random.Random) -> Any:
    if array.dtype.kind == "f" and array.size:
        array = array.copy()
        array.flat[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, -np.inf, 1e38, 1e-45))
    changes = (
        lambda: array,
        lambda: array[: rng.randint(0, len(array))] if array.ndim else array,
        lambda: array.astype(rng.choice(("f8", "i4", "f2", "?"))),
        lambda: array.T,
        lambda: array[None],
        lambda: np.repeat(array, 3, axis=0) if array.ndim else array,
        lambda: np.zeros_like(array),
    )
    with np.errstate(all="ignore"):
        try:
            return rng.choice(changes)()
        except (TypeError, ValueError):  # not every kind becomes every other
            return array


def lay_out(folder: Folder, place: Path) -> None:
    """Write it."""
    (place / "evidence").mkdir(parents=True)
    for name, data in folder.files.items():
        (place / name).write_bytes(data)
    for name, kind in folder.special.items():
        _make_special(place / name, kind)


def _make_special(path: Path, kind: str) -> None:
    before = path.with_name(f"moved-{path.name}")
    if kind == "twice":
        os.link(path, before)
        return
    path.rename(before)
    if kind == "link":
        path.symlink_to(before)
    elif kind == "dangling":
        path.symlink_to("/no/such/place")
    elif kind == "outside":
        path.symlink_to("/dev/zero")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(odd_text(random.Random(path.name)).encode("utf-8", "surrogatepass"))
