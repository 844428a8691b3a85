"""Reads ``imdb.npz``: arrays of lists of whole numbers, which NumPy keeps as pickles.

Enters: a file whose checksum is known. Leaves: lists. Touches: reads the file.

Nothing is unpickled: the pickle is read as a list of instructions, those that build lists of
numbers are followed, and whatever would make any other object only leaves a placeholder.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

MARK = object()
OTHER = object()


def read_ragged(path: Path) -> dict[str, list[Any]]:
    """Give every array of the file as a list: of numbers, or of lists of numbers.

    Raises:
        ValueError: it holds something else.
    """
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): _array(archive.read(name))
            for name in archive.namelist()
            if name.endswith(".npy")
        }


def _array(content: bytes) -> list[Any]:
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version[0] == 1 else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if not dtype.hasobject:
        return list(np.frombuffer(file.read(), dtype).reshape(shape).tolist())
    found = max(_lists(file), key=len, default=[])
    if len(found) != shape[0] or not all(isinstance(row, list) for row in found):
        raise ValueError("not an array of lists")
    return found


def _lists(file: io.BytesIO) -> Iterator[list[Any]]:  # noqa: C901 one branch per instruction
    """Follow the instructions that build lists; give every list of lists that comes out."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for code, argument, _ in pickletools.genops(file):
        name = code.name
        if name == "MARK":
            stack.append(MARK)
        elif name in {"BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1"}:
            stack.append(argument)
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name in {"APPENDS", "LIST", "TUPLE"}:
            items = _since_mark(stack)
            if name == "APPENDS":
                stack[-1].extend(items)
            else:
                stack.append(items if name == "LIST" else OTHER)
                yield from (one for one in items if isinstance(one, list))
        elif name == "APPEND":
            item = stack.pop()
            stack[-1].append(item)
        elif name in {"MEMOIZE", "BINPUT", "LONG_BINPUT"}:
            memo[len(memo) if name == "MEMOIZE" else int(str(argument))] = stack[-1]
        elif name in {"BINGET", "LONG_BINGET"}:
            stack.append(memo.get(int(str(argument)), OTHER))
        elif name not in {"PROTO", "FRAME", "STOP"}:
            del stack[len(stack) - _taken(code) :]
            stack += [OTHER] * len(code.stack_after)


def _since_mark(stack: list[Any]) -> list[Any]:
    place = max(number for number, one in enumerate(stack) if one is MARK)
    items = stack[place + 1 :]
    del stack[place:]
    return items


def _taken(code: pickletools.OpcodeInfo) -> int:
    return len(code.stack_before)
