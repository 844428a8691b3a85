"""A signed record is genuine or it is not: whoever changes one letter, or has another key, shows."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.record.signing import ForgedError, genuine, make_key, public_half, signed
from grader.types import GraderError
from tests.support.notebook_files import worded

STATEMENT = {"student": "김민준", "score": 87.5, "verdict": "accepted", "origin": {"commit": "a"}}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "signing-key"
    make_key(path)
    return path


class TestKeys:
    def test_the_private_half_is_for_its_owner_alone(self, key: Path) -> None:
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert [one.name for one in key.parent.iterdir()] == [key.name]

    def test_a_key_that_is_there_is_kept(self, key: Path) -> None:
        assert make_key(key) == public_half(key) == make_key(key)

    def test_two_courses_have_two(self, key: Path, tmp_path: Path) -> None:
        assert make_key(tmp_path / "other") != public_half(key)

    @pytest.mark.parametrize("content", ["", "x", "0" * 63, "g" * 64, "\ud55c" * 64])
    def test_a_file_that_is_no_key_is_said_and_left_alone(
        self, tmp_path: Path, content: str
    ) -> None:
        path = tmp_path / "key"
        path.write_text(content, "utf-8")
        with pytest.raises(GraderError) as caught:
            make_key(path)
        assert worded(caught.value.message) == "bad_signing_key"
        assert path.read_text("utf-8") == content


class TestRecords:
    def test_what_was_signed_comes_back(self, key: Path) -> None:
        assert genuine(signed(STATEMENT, key), public_half(key)) == STATEMENT

    def test_the_order_of_its_words_is_no_matter(self, key: Path) -> None:
        told = json.loads(signed(STATEMENT, key))
        told["statement"] = dict(reversed(told["statement"].items()))
        assert genuine(json.dumps(told).encode(), public_half(key)) == STATEMENT

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("student",), "이서연"),
            (("score",), 100.0),
            (("score",), "87.5"),
            (("verdict",), "wrong_data"),
            (("origin", "commit"), "b"),
            (("more",), 1),
        ],
    )
    def test_a_changed_word_shows(self, key: Path, place: tuple[str, ...], value: Any) -> None:
        told = json.loads(signed(STATEMENT, key))
        there = told["statement"]
        for name in place[:-1]:
            there = there[name]
        there[place[-1]] = value
        with pytest.raises(ForgedError, match="signature"):
            genuine(json.dumps(told).encode(), public_half(key))

    def test_another_key_in_the_file_convinces_nobody(self, key: Path, tmp_path: Path) -> None:
        forger = tmp_path / "forger"
        make_key(forger)
        with pytest.raises(ForgedError, match="signature"):
            genuine(signed({**STATEMENT, "score": 100.0}, forger), public_half(key))

    def test_a_signature_of_something_else_is_none(self, key: Path) -> None:
        told = json.loads(signed(STATEMENT, key))
        other = json.loads(signed({**STATEMENT, "score": 100.0}, key))
        told["statement"] = other["statement"]
        with pytest.raises(ForgedError, match="signature"):
            genuine(json.dumps(told).encode(), public_half(key))

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{}",
            b"[]",
            b"null",
            b"\xff",
            b'{"schema": 1}',
            b"[" * 100_000,
            b'{"statement": NaN}',
        ],
        ids=lambda data: repr(data[:20]),
    )
    def test_what_is_no_record_is_none(self, key: Path, data: bytes) -> None:
        with pytest.raises(ForgedError):
            genuine(data, public_half(key))

    @pytest.mark.parametrize("public", ["", "ed25519:", "rsa:x", "ed25519:" + "A" * 44])
    def test_a_public_key_that_is_none_is_a_mistake_of_ours(self, key: Path, public: str) -> None:
        with pytest.raises(GraderError) as caught:
            genuine(signed(STATEMENT, key), public)
        assert worded(caught.value.message) == "no_public_key"

    def test_space_around_the_public_key_is_no_matter(self, key: Path) -> None:
        assert genuine(signed(STATEMENT, key), f" {public_half(key)}\n") == STATEMENT


@given(st.integers(0, 63), st.integers(1, 255))
def test_no_bit_of_a_signature_may_be_another(place: int, change: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        public = make_key(path)
        told = json.loads(signed(STATEMENT, path))
        raw = bytearray(base64.b64decode(told["signature"]))
        raw[place] ^= change
        told["signature"] = base64.b64encode(bytes(raw)).decode()
        with pytest.raises(ForgedError):
            genuine(json.dumps(told).encode(), public)
