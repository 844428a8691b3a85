"""Files of lines: whole or not at all, read strictly, never rewritten but to forget."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from grader.policy.by_hand import HandLines
from grader.record import exported, hand_file, history, lines
from grader.record.history import History, Moved
from grader.record.store import Store, UnkeepableError
from grader.types import ByHand, HandKind, HandLine, Message
from tests.support import builders as b

AT = "2026-03-04T10:00:00.000000+00:00"
OVERRIDE = HandLine(
    "0a", AT, "lee", HandKind.OVERRIDE, "김민준", "multiplication-gru", "구두", 0.0, 100.0
)
LINES = (
    OVERRIDE,
    HandLine("0b", AT, "lee", HandKind.EXCUSE, "kim", "multiplication-gru", "ill", most=100.0),
    HandLine("0c", AT, "lee", HandKind.UNDO, "kim", "multiplication-gru", undoes="0b"),
    HandLine("0d", AT, "lee", HandKind.FORGET, erased=3),
)


class TestLines:
    def test_what_is_added_is_read_again(self, tmp_path: Path) -> None:
        hand_file.append(tmp_path, LINES[:2])
        hand_file.append(tmp_path, LINES[2:])
        found = hand_file.read(tmp_path)
        assert (found.by_hand.lines, found.unread) == (LINES, ())

    def test_a_score_of_zero_is_one(self, tmp_path: Path) -> None:
        hand_file.append(tmp_path, [OVERRIDE])
        assert hand_file.read(tmp_path).by_hand.lines[0].score == 0.0

    def test_adding_changes_no_byte_of_what_is_there(self, tmp_path: Path) -> None:
        hand_file.append(tmp_path, LINES[:2])
        before = (tmp_path / hand_file.NAME).read_bytes()
        hand_file.append(tmp_path, LINES[2:])
        assert (tmp_path / hand_file.NAME).read_bytes().startswith(before)

    def test_a_file_that_nobody_else_reads(self, tmp_path: Path) -> None:
        hand_file.append(tmp_path, LINES)
        assert (tmp_path / hand_file.NAME).stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("cut", [1, 20, 60])
    def test_a_line_without_an_end_was_never_confirmed(self, tmp_path: Path, cut: int) -> None:
        path = tmp_path / hand_file.NAME
        hand_file.append(tmp_path, LINES[:1])
        path.write_bytes(path.read_bytes() * 2)
        path.write_bytes(path.read_bytes()[: -cut - 1])
        found = hand_file.read(tmp_path)
        assert (found.by_hand.lines, found.unread) == (LINES[:1], ())
        hand_file.append(tmp_path, LINES[1:])
        assert hand_file.read(tmp_path).by_hand.lines == LINES

    def test_a_whole_line_that_lost_its_end_counts(self, tmp_path: Path) -> None:
        path = tmp_path / hand_file.NAME
        hand_file.append(tmp_path, LINES[:1])
        path.write_bytes(path.read_bytes().rstrip())
        hand_file.append(tmp_path, LINES[1:])
        assert hand_file.read(tmp_path).by_hand.lines == LINES

    @pytest.mark.parametrize(
        "text",
        [
            "no json",
            "[1]",
            '{"kind": "override"}',
            '{"id": "1", "at": "yesterday", "kind": "comment"}',
            json.dumps({"id": "1", "at": AT, "kind": "comment", "score": 3}),
            json.dumps({"id": "1", "at": AT, "kind": "override", "score": -1}),
            json.dumps({"id": "1", "at": AT, "kind": "override", "score": True}),
            '{"id": "1", "at": "2026-03-04T10:00:00+00:00", "kind": "override", "score": NaN}',
            json.dumps({"id": "1", "at": AT, "kind": "comment", "student": ["kim"]}),
            "[" * 100_000,
        ],
    )
    def test_a_line_that_is_none_is_named_and_costs_no_other(
        self, tmp_path: Path, text: str
    ) -> None:
        path = tmp_path / hand_file.NAME
        hand_file.append(tmp_path, LINES[:1])
        path.write_bytes(path.read_bytes() + text.encode() + b"\n")
        hand_file.append(tmp_path, LINES[1:])
        found = hand_file.read(tmp_path)
        assert found.by_hand.lines == LINES
        (unread,) = found.unread
        assert (unread.id, unread.args["line"]) == ("record.line_unreadable", 2)

    def test_a_store_warns_of_it(self, tmp_path: Path) -> None:
        (tmp_path / hand_file.NAME).write_text("no json\n")
        store = Store(tmp_path)
        assert store.by_hand() == HandLines(())
        assert store.by_hand() == HandLines(())
        assert [one.id for one in store.warnings] == ["record.line_unreadable"]

    def test_no_two_lines_have_an_id(self, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = iter(["0a", "0a", "0e"])
        monkeypatch.setattr(hand_file.secrets, "token_hex", lambda _: next(drawn))
        assert hand_file.new_id(HandLines(LINES)) == "0e"


def test_a_record_with_a_score_by_hand_is_never_kept(tmp_path: Path) -> None:
    """From then on it would pass for the grader's."""
    record = b.record(by_hand=ByHand(b.grade(), OVERRIDE))
    with pytest.raises(UnkeepableError):
        Store(tmp_path).save(record)
    assert not (tmp_path / "results").exists()


def test_a_record_says_nothing_of_what_is_by_hand(tmp_path: Path) -> None:
    record = b.record()
    Store(tmp_path).save(record)
    text = (tmp_path / "results" / record.key / "record.json").read_text()
    assert "by_hand" not in text


class TestHistory:
    def moved(self, before: float, after: float, salt: tuple[int, int]) -> Moved:
        was, now = (
            b.record(grade=b.grade(score=score), salt=one)
            for score, one in zip((before, after), salt, strict=True)
        )
        why = (Message("move.check", {"check": "data.fit", "points": "3"}),)
        who = ("kim", now.submission, now.exercise)
        return Moved(AT, *who, "7", history.then(was), history.then(now), why)

    def test_what_moved_is_read_again(self, tmp_path: Path) -> None:
        one = self.moved(60, 70, (1, 2))
        history.append(tmp_path, [one], History())
        assert history.read(tmp_path) == History((one,))

    def test_a_move_that_was_noted_before_a_kill_is_noted_once(self, tmp_path: Path) -> None:
        one = self.moved(60, 70, (1, 2))
        history.append(tmp_path, [one], History())
        history.append(tmp_path, [one], history.read(tmp_path))
        assert history.read(tmp_path).moved == (one,)

    def test_back_and_forth_is_three_moves(self, tmp_path: Path) -> None:
        there, back = self.moved(60, 70, (1, 2)), self.moved(70, 60, (2, 1))
        for one in (there, back, there):
            history.append(tmp_path, [one], history.read(tmp_path))
        assert history.read(tmp_path).moved == (there, back, there)

    @pytest.mark.parametrize("text", ["{}", '{"why": [1]}', '{"why": [], "at": 3}'])
    def test_a_line_that_is_none_is_named(self, tmp_path: Path, text: str) -> None:
        lines.append(tmp_path / history.NAME, [json.loads(text)])
        assert [one.id for one in history.read(tmp_path).unread] == ["record.line_unreadable"]


@pytest.mark.parametrize(
    ("name", "unread"),
    [
        (hand_file.NAME, lambda out: hand_file.read(out).unread),
        (history.NAME, lambda out: history.read(out).unread),
        (exported.NAME, lambda out: exported.read(out, "canvas").unread),
    ],
)
def test_a_line_that_is_none_is_named_by_its_own_number(
    tmp_path: Path, name: str, unread: Callable[[Path], Sequence[Message]]
) -> None:
    """What cannot be read before it counts as well."""
    (tmp_path / name).write_text("no JSON\n{}\n", "utf-8")
    assert [one.args["line"] for one in unread(tmp_path)] == [1, 2]


class TestExported:
    def test_the_last_word_on_each_student_is_kept_per_format(self, tmp_path: Path) -> None:
        first = exported.read(tmp_path, "canvas")
        assert (first.count, first.digests) == (0, {})
        exported.append(tmp_path, "canvas", "t1", {"kim": "1", "lee": "1"}, first)
        exported.append(tmp_path, "moodle", "t2", {"kim": "9"}, exported.read(tmp_path, "moodle"))
        known = exported.read(tmp_path, "canvas")
        exported.append(tmp_path, "canvas", "t3", {"kim": "2", "lee": "1"}, known)
        found = exported.read(tmp_path, "canvas")
        assert (found.at, found.count, found.digests) == ("t3", 2, {"kim": "2", "lee": "1"})
        last: Any = lines.read(tmp_path / exported.NAME).objects[-1]
        assert last["students"] == {"kim": "2"}

    def test_a_line_that_is_none_is_named(self, tmp_path: Path) -> None:
        lines.append(tmp_path / exported.NAME, [{"format": "canvas"}])
        assert [one.id for one in exported.read(tmp_path, "canvas").unread] == [
            "record.line_unreadable"
        ]
