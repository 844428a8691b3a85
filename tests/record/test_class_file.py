"""What is known of a class beside its records outlives the command, and goes when it has to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.cli import people
from grader.policy.replaced import Seen
from grader.record import class_file
from grader.record.class_file import Aside, ClassFile, Look, joined
from grader.types import Message

KIM = Aside(Message("collect.nested_archive", {"name": "kim/x.rar"}), "kim")
LEE = Aside(Message("collect.nested_archive", {"name": "lee/x.rar"}), "lee")
LOOSE = Aside(
    Message("collect.loose_files", {"found": "a.pdf, kim.pdf", "count": 2}), "", unread=False
)

SEEN = {
    ("kim", "char-text", "kim/최종.ipynb"): Seen("2026-05-01T12:00:00", replaced=2),
    ("lee", "char-text", "lee/a.ipynb"): Seen("2026-05-01T12:00:00"),
    ("kim", "weather", "kim/a.ipynb"): Seen(replaced=1),
}


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    kept = ClassFile("/class/명단.csv", (Look(("/a", "/b"), (KIM, LOOSE)),), hand_ins=SEEN)
    class_file.write(tmp_path, kept)
    assert class_file.read(tmp_path) == kept
    assert (tmp_path / class_file.NAME).stat().st_mode & 0o077 == 0


def test_nothing_is_known_where_there_is_none(tmp_path: Path) -> None:
    assert class_file.read(tmp_path) == ClassFile()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"schema": "x"}',
        '{"schema": "grader/class/v1", "roster": 1, "looks": []}',
        '{"schema": "grader/class/v1", "roster": "", "looks": [{"paths": "x", "aside": []}]}',
        '{"schema": "grader/class/v1", "roster": "", "looks": [{"paths": [], "aside": [7]}]}',
        '{"schema": "grader/class/v1", "roster": "", "looks": [], "hand_ins": {}}',
        '{"schema": "grader/class/v1", "roster": "", "looks": [], "hand_ins": [7]}',
        '{"schema": "grader/class/v1", "roster": "", "looks": [], "hand_ins": [{"at": 7}]}',
    ],
)
def test_a_damaged_one_is_told_and_knows_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / class_file.NAME).write_text(text)
    kept = class_file.read(tmp_path)
    assert (kept.roster, kept.looks) == ("", ())
    assert [one.id for one in kept.unread] == ["record.class_unreadable"]


def test_looking_again_replaces_and_looking_elsewhere_adds() -> None:
    kept = ClassFile().seen(Look(("/a",), (KIM,))).seen(Look(("/b",), (LEE,)))
    assert len(kept.looks) == 2
    assert kept.seen(Look(("/a",))).looks == (Look(("/b",), (LEE,)),)
    assert kept.seen(Look(("/a", "/b"))).looks == ()


def test_several_machines_know_each_thing_once() -> None:
    first = ClassFile("/roster", (Look(("/a",), (KIM,)),), hand_ins=SEEN)
    second = ClassFile("", (Look(("/elsewhere",), (KIM,)), Look(("/b",), (LEE,))))
    whole = joined([first, second])
    assert whole.roster == "/roster"
    assert [one.aside for one in whole.looks] == [(KIM,), (LEE,)]
    assert whole.hand_ins == SEEN


def test_one_of_an_older_grader_is_read(tmp_path: Path) -> None:
    text = '{"schema": "grader/class/v1", "roster": "/r.csv", "looks": []}'
    (tmp_path / class_file.NAME).write_text(text)
    assert class_file.read(tmp_path) == ClassFile("/r.csv")


def test_who_is_forgotten_is_in_none_of_it(tmp_path: Path) -> None:
    looks = (Look(("/a",), (KIM, LEE, LOOSE)),)
    kept = ClassFile("/roster", looks, "/course", hand_ins=SEEN)
    class_file.write(tmp_path, kept)
    people.forget(tmp_path, "kim")
    assert "kim" not in (tmp_path / class_file.NAME).read_text()
    left = {who: it for who, it in SEEN.items() if who[0] == "lee"}
    assert class_file.read(tmp_path) == replace(kept, looks=(Look(("/a",), (LEE,)),), hand_ins=left)


def test_of_whom_one_exercise_is_forgotten_the_rest_is_known(tmp_path: Path) -> None:
    kept = ClassFile(looks=(Look(("/a",), (KIM,)),), hand_ins=SEEN)
    class_file.write(tmp_path, kept)
    people.forget(tmp_path, "kim", "char-text")
    left = {who: it for who, it in SEEN.items() if who[:2] != ("kim", "char-text")}
    assert class_file.read(tmp_path) == replace(kept, hand_ins=left)


def test_who_is_forgotten_is_in_no_damaged_one(tmp_path: Path) -> None:
    (tmp_path / class_file.NAME).write_text("kim {")
    people.forget(tmp_path, "kim")
    assert "kim" not in (tmp_path / class_file.NAME).read_text()
    assert class_file.read(tmp_path) == ClassFile()
