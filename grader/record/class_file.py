"""What is known of a class beside its records: ``class.json`` in the OUT folder.

Enters: where the course and the roster are, what looks at the hand-ins left aside, what they saw
of those that tell no time. Leaves: the same, when asked for again. Touches: that file.

Of course and roster only the paths are kept: the list itself is the school's. What was left aside
is kept by the paths that were looked at, so that looking at them again replaces it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path

from grader.policy.replaced import HandIn, Seen
from grader.record import files
from grader.types import Json, Message, Scalar

NAME = "class.json"
SCHEMA = "grader/class/v1"
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Aside:
    """Something that was left aside: ``student`` is "" where nobody knows whose it is."""

    message: Message
    student: str = ""
    unread: bool = True  # it could not be looked at; else it may be somebody's


@dataclass(frozen=True)
class Look:
    """What one look at the hand-ins left aside."""

    paths: tuple[str, ...]
    aside: tuple[Aside, ...] = ()


@dataclass(frozen=True)
class ClassFile:
    """All of it."""

    roster: str = ""
    looks: tuple[Look, ...] = ()
    course: str = ""  # the folder of the course that graded
    unread: tuple[Message, ...] = ()  # why the file could not be read
    hand_ins: Mapping[HandIn, Seen] = field(default_factory=dict)

    def seen(self, look: Look) -> ClassFile:
        """Give it with one more look; those at the same paths, or at some of them, are over."""
        there = {*look.paths}
        others = [one for one in self.looks if not {*one.paths} <= there]
        return replace(self, looks=(*others, *([look] if look.aside else ())))


def read(out: Path) -> ClassFile:
    """Read it; what is not there, or is none, knows nothing."""
    path = out / NAME
    try:
        return _read(json.loads(files.read_at_most(path, MOST_BYTES)))
    except FileNotFoundError:
        return ClassFile()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        told = {"path": str(path), "error": f"{type(error).__name__}: {error}"[:200]}
        return ClassFile(unread=(Message("record.class_unreadable", told),))


def write(out: Path, kept: ClassFile) -> None:
    """Write it whole.

    Raises:
        GraderError: the disk is full or refuses.
    """
    looks: list[Json] = [
        {"paths": [*one.paths], "aside": [_aside_json(each) for each in one.aside]}
        for one in kept.looks
    ]
    told: dict[str, Json] = {"schema": SCHEMA, "roster": kept.roster, "course": kept.course}
    told["looks"] = looks
    told["hand_ins"] = [
        {"student": student, "exercise": exercise, "name": name, "at": it.at, "gone": it.replaced}
        for (student, exercise, name), it in sorted(kept.hand_ins.items(), key=itemgetter(0))
    ]
    data = json.dumps(told, ensure_ascii=True, indent=1, allow_nan=False).encode()
    files.write_whole(out / NAME, data)


def joined(several: Sequence[ClassFile]) -> ClassFile:
    """Give what several machines know, each thing once; what is gone was there before."""
    roster = next((one.roster for one in several if one.roster), "")
    course = next((one.course for one in several if one.course), "")
    every = [each for one in several for each in one.hand_ins.items()]
    hand_ins = dict(sorted(every, key=lambda each: each[1].replaced))
    whole = ClassFile(roster, course=course, hand_ins=hand_ins)
    for look in (look for one in several for look in one.looks):
        if all(look.aside != one.aside for one in whole.looks):
            whole = replace(whole, looks=(*whole.looks, look))
    return whole


def _aside_json(one: Aside) -> Json:
    return {
        "id": one.message.id,
        "args": dict(one.message.args),
        "student": one.student,
        "unread": one.unread,
    }


def _read(found: Mapping[str, Json]) -> ClassFile:
    """Read strictly.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    if found["schema"] != SCHEMA:
        raise ValueError(f"schema {found['schema']!r}"[:80])
    looks = found["looks"]
    hand_ins = found.get("hand_ins", [])  # an older grader kept none, nor a course
    if not isinstance(looks, list) or not isinstance(hand_ins, list):
        raise TypeError("looks, hand_ins")
    course, seen = _path(found.get("course", "")), dict(map(_hand_in, hand_ins))
    return ClassFile(_path(found["roster"]), tuple(map(_look, looks)), course, hand_ins=seen)


def _look(found: Json) -> Look:
    if not isinstance(found, dict):
        raise TypeError("look")
    paths, aside = found["paths"], found["aside"]
    if not isinstance(paths, list) or not isinstance(aside, list):
        raise TypeError("paths, aside")
    return Look(tuple(map(_text, paths)), tuple(map(_aside, aside)))


def _hand_in(found: Json) -> tuple[HandIn, Seen]:
    if not isinstance(found, dict):
        raise TypeError("hand-in")
    student, exercise, name, at = (
        _text(found[one]) for one in ("student", "exercise", "name", "at")
    )
    gone = found["gone"]
    if not isinstance(gone, int):
        raise TypeError("gone")
    return (student, exercise, name), Seen(at, gone)


def _path(value: Json) -> str:
    if b"\0" in os.fsencode(text := _text(value)):
        raise ValueError("a path that no file can have")
    return text


def _aside(found: Json) -> Aside:
    if not isinstance(found, dict) or not isinstance(found["args"], dict):
        raise TypeError("aside")
    args: dict[str, Scalar] = {
        name: value
        for name, value in found["args"].items()
        if value is None or isinstance(value, str | int | float | bool)
    }
    message_id = _text(found["id"])
    return Aside(Message(message_id, args), _text(found["student"]), unread=found["unread"] is True)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")  # the file is wrong, whoever wrote it
    return value
