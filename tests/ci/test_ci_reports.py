"""The files that a job leaves are what their readers take, however large the class is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from grader.ci import reports
from grader.ci.reports.comment import COMMENT_BYTES, MARK
from grader.ci.told import Told
from grader.report.exporters.classroom50 import ABOUT, whole_parts
from grader.report.github import MOST_ANNOTATIONS, SUMMARY_BYTES, github_annotations
from grader.text.words import Words
from grader.types import Message, Record, Verdict
from tests.support import builders as b
from tests.support.notebook_files import worded

WORDS = Words("en")
XSD = xmlschema.XMLSchema(Path(__file__).parent / "data" / "junit-10.xsd")
TITLES = {"multiplication-lstm": "Products"}
HOSTILE = "<script>|`[x](http://e)@all #1 ]]>&\x00\x1b[31m\u202e\ud800김"


def failed(student: str = "kim", score: float = 41.5, **changes: Any) -> Record:
    checks = (b.check("structure.layer-1", score, 100.0),)
    return b.record(student, grade=b.grade(Verdict.WRONG_ARCHITECTURE, score, checks), **changes)


def told(records: list[Record], **changes: Any) -> Told:
    return Told(records, WORDS, TITLES, **changes)


def report(name: str, given_: Told) -> bytes | Message:
    ((_, content),) = reports.written(given_, (name,))
    return content


def content(name: str, given_: Told) -> bytes:
    found = report(name, given_)
    assert isinstance(found, bytes)
    return found


LARGE = [failed(f"{'!' * 90}{n}", submission=f"{n}") for n in range(3000)]


class TestBounds:
    def test_a_summary_of_any_class_is_shown_at_all_and_says_what_it_leaves_out(self) -> None:
        page = content("summary", told(LARGE, notes=["x" * 100]))
        assert len(page) <= SUMMARY_BYTES < 1024 * 1024
        shown = page.decode().count("❌")
        assert 0 < shown < len(LARGE)
        assert f"not shown here: {len(LARGE) - shown:,}" in page.decode()
        assert "xxx" in page.decode()

    def test_a_comment_is_below_githubs_bound_in_characters_and_bytes(self) -> None:
        page = content("comment", told(LARGE))
        assert len(page) < COMMENT_BYTES + 100 < 65_536
        assert page.decode().startswith(MARK)

    def test_notes_never_push_the_table_out(self) -> None:
        page = content("comment", told([failed()], notes=["!" * 200_000])).decode()
        assert len(page.encode()) < 65_536
        assert "Products" in page or "multiplication-lstm" in page or "kim" in page

    def test_a_small_class_is_whole(self) -> None:
        assert (
            content("summary", told([failed(f"s{n}") for n in range(40)])).decode().count("❌")
            == 40
        )


class TestAnnotations:
    def test_ten_of_a_kind_and_the_last_says_how_many_more(self) -> None:
        records = [failed(f"f{n}") for n in range(21)] + [b.record(f"a{n}") for n in range(5)]
        lines = github_annotations(records, WORDS)
        errors = [one for one in lines if one.startswith("::error")]
        assert (len(errors), len(lines)) == (MOST_ANNOTATIONS, MOST_ANNOTATIONS + 5)
        assert "not shown here: 12" in errors[-1]

    def test_the_worst_come_first(self) -> None:
        records = [failed("better", 80.0), failed("worse", 3.0), b.record("fine")]
        lines = github_annotations(records, WORDS)
        assert [one.partition("title=")[2][:5] for one in lines] == ["worse", "bette", "fine "]


class TestJunit:
    @pytest.mark.parametrize(
        "records",
        [
            [],
            [b.record()],
            [failed(HOSTILE, submission=HOSTILE), b.ungraded("lee")],
            [failed("kim", submission="a"), b.record("kim", submission="b")],
            [b.record("long", seconds=12345.678)],
        ],
        ids=["nobody", "accepted", "hostile", "two hand-ins", "hours"],
    )
    def test_the_schema_of_its_readers_accepts_it(self, records: list[Record]) -> None:
        XSD.validate(content("junit", told(records)).decode())

    def test_the_schema_notices_what_is_not_one(self) -> None:
        page = content("junit", told([b.record()])).decode()
        assert not XSD.is_valid(page.replace("testcase", "case"))


class TestGitlab:
    def test_what_is_wrong_stands_beside_its_file(self) -> None:
        records = [b.record("a"), failed("kim", submission="label")]
        (one,) = json.loads(content("gitlab", told(records, places={"label": "x/x.ipynb"})))
        assert one["location"] == {"path": "x/x.ipynb", "lines": {"begin": 1}}
        assert one["severity"] == "major"
        assert set(one) == {"description", "check_name", "fingerprint", "severity", "location"}

    def test_equal_findings_have_equal_prints_and_others_have_others(self) -> None:
        pages = [content("gitlab", told([failed("kim"), failed("lee", 3.0)])) for _ in range(2)]
        assert pages[0] == pages[1]
        first, second = json.loads(pages[0])
        assert first["fingerprint"] != second["fingerprint"]


class TestOfOneStudent:
    ABOUT = dict.fromkeys(ABOUT, "x")

    def test_gradescope_gets_the_score(self) -> None:
        found = json.loads(content("gradescope", told([b.record("kim")])))
        assert found["score"] == 100.0

    def test_gradescope_gets_no_score_where_something_is_ungraded(self) -> None:
        assert "score" not in json.loads(content("gradescope", told([b.ungraded("kim")])))

    @pytest.mark.parametrize("name", ["gradescope", "classroom50"])
    def test_a_file_of_one_student_is_not_made_of_two(self, name: str) -> None:
        found = report(name, told([b.record("kim"), b.record("lee")], about=self.ABOUT))
        assert isinstance(found, Message)
        assert worded(found) == "one_student"

    def test_classroom_50_is_told_what_is_missing(self) -> None:
        found = report("classroom50", told([b.record("kim")]))
        assert isinstance(found, Message)
        assert "classroom" in str(found.args["missing"])

    def test_what_is_ungraded_has_no_file_of_classroom_50(self) -> None:
        found = report("classroom50", told([b.ungraded("kim")], about=self.ABOUT))
        assert isinstance(found, Message)

    def test_its_score_is_the_sum_of_its_tests_and_the_rounded_sum(self) -> None:
        records = [failed("kim", 33.4, exercise=one) for one in ("a", "b", "c")]
        found = json.loads(content("classroom50", told(records, about=self.ABOUT)))
        assert found["score"] == sum(one["score"] for one in found["tests"]) == 100
        assert found["max-score"] == sum(one["max-score"] for one in found["tests"]) == 300


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 200)), max_size=12))
def test_whole_parts_are_near_sum_up_and_stay_below_their_most(
    given_: list[tuple[float, float]],
) -> None:
    most_of = [most for _, most in given_]
    most = whole_parts(most_of)
    scores = [share * points for share, points in given_]
    parts = whole_parts(scores, most)
    assert abs(sum(most) - sum(most_of)) <= 0.5 + 1e-9
    assert all(abs(part - score) < 1 for part, score in zip(parts, scores, strict=True))
    assert all(
        part <= whole or part <= score
        for part, whole, score in zip(parts, most, scores, strict=True)
    )
    assert sum(parts) <= sum(scores) + 0.5 + 1e-9
