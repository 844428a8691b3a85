"""Mutations of bytes and of JSON trees, drawn from a seeded generator.

Enters: a value and a ``random.Random``. Leaves: a changed copy. Touches nothing.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

TEXTS = (
    *("", " ", "\0", "\n", "\ud800", "\U0010ffff", "가", "\u202e", "..", "/", "NaN", "__class__"),
    *("Sequential", "Functional", "LSTM", "Lambda", "Embedding", "fit_end", "seen", "model", "%s"),
    *("{0.__class__}", "x" * 201, "x" * 5000, "float32", "object", "<f8", "|O", "execution_count"),
)
NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 8, 255, 2**31 - 1, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**30, 10**400),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, 1.5, True, False, None),
)
TOKENS = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"1" * 500, b"1." + b"1" * 500),
    *(
        b"[" * 2000,
        b'{"a":' * 2000,
        b"]" * 50,
        b"}" * 50,
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0",
    ),
    *(b'"\\ud800"', b'"\\u0000"', b"\\", b'"', b",", b":", b"null", b"true", b"<<<<<<< HEAD\n"),
    *(b'{"a":1,"a":2}', b"\x00" * 9, b"\xff" * 9, b"\x80\x04", b"PK\x03\x04", b"PK\x01\x02"),
    *(
        b"PK\x05\x06",
        b"\x93NUMPY",
        b"'descr': '|O'",
        b"'shape': (-1,)",
        b"..",
        b"/",
        b"<!doctype html>",
    ),
)


def number_of_changes(rng: random.Random) -> int:
    """Mostly few: inputs that are broken in many places are refused at the first."""
    return min(12, 1 + int(rng.expovariate(0.6)))


# --- bytes -----------------------------------------------------------------------------------


def change_bytes(data: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Apply a few changes."""
    for _ in range(number_of_changes(rng)):
        data = rng.choice(_BYTE_CHANGES)(data, rng)
    if others and rng.random() < 0.1:
        data = data[: _at(data, rng)] + (other := rng.choice(others))[_at(other, rng) :]
    return data


def _at(data: bytes, rng: random.Random) -> int:
    return rng.randint(0, len(data))


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = _at(data, rng)
    return (
        data[:at] + bytes(b ^ (1 << rng.randrange(8)) for b in data[at : at + 1]) + data[at + 1 :]
    )


def _overwrite(data: bytes, rng: random.Random) -> bytes:
    at, size = _at(data, rng), rng.choice((1, 2, 4, 8))
    value = rng.choice((0, 0xFF, 0x7F, 0x80, rng.randrange(256)))
    return data[:at] + bytes([value]) * min(size, len(data) - at) + data[at + size :]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = _at(data, rng)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at = _at(data, rng)
    return data[:at] + data[at + int(rng.expovariate(0.05)) :]


def _end(data: bytes, rng: random.Random) -> bytes:
    return data[: _at(data, rng)]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    at, size = _at(data, rng), 1 + int(rng.expovariate(0.02))
    times = min(rng.choice((2, 3, 50, 2000)), 1 + 200_000 // size)
    return data[:at] + data[at : at + size] * times + data[at + size :]


def _move(data: bytes, rng: random.Random) -> bytes:
    a, b = _at(data, rng), _at(data, rng)
    size = 1 + int(rng.expovariate(0.05))
    return data[:a] + data[b : b + size] + data[a:]


_BYTE_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _overwrite, _overwrite, _insert, _insert, _cut, _end, _repeat, _move),
)


# --- trees -----------------------------------------------------------------------------------


def change_tree(tree: Any, rng: random.Random) -> Any:
    """Apply a few changes to a copy of plain JSON values."""
    tree = [copy.deepcopy(tree)]
    for _ in range(number_of_changes(rng)):
        _change_node(tree, rng)
    return tree[0]


def _change_node(tree: list[Any], rng: random.Random) -> None:
    parent, key = rng.choice(_places(tree))
    value = parent[key]
    kind = rng.random()
    if kind < 0.35:
        parent[key] = odd_value(rng)
    elif kind < 0.5:
        parent[key] = copy.deepcopy(_value(rng.choice(_places(tree))))
    elif kind < 0.6:
        parent[key] = rng.choice(([value], {"config": value}, [value] * rng.choice((2, 9, 300))))
    elif kind < 0.75 and isinstance(parent, dict):
        del parent[key]
    elif kind < 0.85 and isinstance(parent, dict):
        parent[odd_text(rng)] = parent.pop(key)
    elif isinstance(value, list):
        rng.shuffle(value)
        del value[rng.randint(0, len(value)) :]
    elif type(value) in (int, float):
        parent[key] = value * rng.choice((-1, 0, 2, 1000, 10**12)) + rng.choice((-1, 0, 1))
    elif isinstance(value, str):
        parent[key] = value + odd_text(rng)
    else:
        parent[key] = odd_value(rng)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree; bounded, since changes may have made it large."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting and len(found) < 20_000:
        node = waiting.pop()
        keys = node.keys() if isinstance(node, dict) else range(len(node))
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    return found


def _value(place: tuple[Any, Any]) -> Any:
    return place[0][place[1]]


def odd_text(rng: random.Random) -> str:
    """A text that means something to somebody."""
    return rng.choice(TEXTS)


def odd_value(rng: random.Random) -> Any:
    """A value that nobody expected there."""
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(NUMBERS)
    if kind < 0.75:
        return odd_text(rng)
    if kind < 0.8:
        return deep(rng.choice((5, 21, 70, 300)))
    return rng.choice(([], {}, [[]], [None] * 9, [0] * 500, {"config": {}}, {"class_name": "RNN"}))


def deep(levels: int) -> Any:
    """Lists in lists."""
    tree: Any = []
    for _ in range(levels):
        tree = [tree]
    return tree


def as_json(tree: Any, rng: random.Random) -> bytes:
    """Write a tree, now and then as another writer would."""
    try:
        text = json.dumps(tree, ensure_ascii=rng.random() < 0.7, indent=rng.choice((None, None, 1)))
    except (ValueError, RecursionError):  # numbers of more digits than Python writes; too deep
        text = "[" * 5000 + "1" * 5000
    return text.encode("utf-8", "surrogatepass")
