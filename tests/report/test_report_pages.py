"""The pages that students and instructors read."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.report.chart import HEIGHT, LETTER, WIDTH, Chart, loss_chart
from grader.report.explained import QUESTIONS
from grader.report.export import Export
from grader.report.exporters import gradescope
from grader.report.feedback import feedback_page
from grader.report.overview import index_page
from grader.report.statistics import ENOUGH, item_statistics
from grader.report.wording import VERDICT_REASONS
from grader.score.score import malformed
from grader.text.words import Words
from grader.types import (
    Attempt,
    CellError,
    Engine,
    Evidence,
    LayerFact,
    Message,
    ModelFacts,
    Outcome,
    Record,
    RunFacts,
    Verdict,
)
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ROOT / "reference" / "families" / "locale"
TITLES = {"sequence-prediction": "Sequences", "multiplication-lstm": "Products"}
NASTY = st.one_of(
    st.floats(),
    st.sampled_from(
        [0.0, -0.0, 5e-324, -5e-324, 1e-31, 1e-30, 1.0, 1.0000001, 1e29, -1e29, 1e30, 1e308, -1e308]
    ),
)
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\x1b[31m\u202e\u200b"
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, text, and whether tags pair up."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "title"}:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def feedback(*records: Record, lang: str = "en", student: str = "kim") -> Page:
    return Page(feedback_page(student, records, Words(lang, [FAMILIES]), TITLES))


def overview(*records: Record, lang: str = "en") -> Page:
    pages = {record.student: f"feedback/{record.student}.html" for record in records}
    return Page(index_page(records, Words(lang, [FAMILIES]), TITLES, pages))


def hostile_record() -> Record:
    """Every text that a student can choose, chosen badly."""
    args = {"expected": HOSTILE, "got": HOSTILE, "number": 1}
    check = b.check(
        "structure.layer-1",
        0,
        10,
        Message("structure.layer", args),
        expected=HOSTILE,
        got=HOSTILE + "x",
    )
    error = CellError(HOSTILE, HOSTILE, HOSTILE)
    found = ModelFacts((LayerFact(HOSTILE, {}, (), 0),), 0, (), 3, HOSTILE, rebuilt=True)
    facts: Evidence = b.evidence(
        runs=RunFacts(Outcome.FINISHED, 3, ((1, error),), None),
        model=found,
        metrics={HOSTILE: 0.1},
        controls={HOSTILE: {HOSTILE: 1.0}},
        notes=(Message(HOSTILE, {"a": HOSTILE}),),
        train=b.training((0.5, math.nan, 1e300, -math.inf, 0.4)),
    )
    return b.record(
        HOSTILE,
        HOSTILE,
        HOSTILE,
        grade=b.grade(
            Verdict.WRONG_ARCHITECTURE,
            0.0,
            (check,),
            (Message("structure.no_model"), Message(HOSTILE)),
            (HOSTILE,),
        ),
        evidence=facts,
        attempts=(Attempt(1, 1, Engine.JAX, HOSTILE, {HOSTILE: math.nan}, 1.0),),
        device=HOSTILE,
        versions={HOSTILE: HOSTILE},
        threshold=b.threshold(metric=HOSTILE, widened=True),
    )


@pytest.mark.parametrize("page", ["feedback", "overview"])
@pytest.mark.parametrize("lang", ["en", "ko"])
class TestHostileText:
    def made(self, page: str, lang: str) -> tuple[str, Page]:
        record, words = hostile_record(), Words(lang, [FAMILIES])
        if page == "feedback":
            text = feedback_page(HOSTILE, [record], words, TITLES)
        else:
            text = index_page([record], words, TITLES, {HOSTILE: f"feedback/{HOSTILE}.html"})
        return text, Page(text)

    def test_nothing_of_a_student_becomes_an_element(self, page: str, lang: str) -> None:
        text, parsed = self.made(page, lang)
        assert "<script" not in text
        assert parsed.all("script") == parsed.all("img") == []
        assert "alert(1)" in parsed.text

    def test_no_attribute_runs_code_or_styles(self, page: str, lang: str) -> None:
        for _, attributes in self.made(page, lang)[1].elements:
            assert not [name for name in attributes if name.startswith("on") or name == "style"]

    def test_nothing_is_fetched(self, page: str, lang: str) -> None:
        parsed = self.made(page, lang)[1]
        addresses = [a[n] for _, a in parsed.elements for n in ("src", "href") if n in a]
        assert addresses
        assert all(re.match(r"#[\w-]+$|feedback/[\w%.~-]", address) for address in addresses)

    def test_invisible_characters_are_gone(self, page: str, lang: str) -> None:
        text, _ = self.made(page, lang)
        assert not re.search("[\x00-\x08\x1b\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text)

    def test_nothing_of_a_student_is_read_as_a_template(self, page: str, lang: str) -> None:
        assert "{{ 7*7 }}" in self.made(page, lang)[1].text

    def test_the_policy_allows_this_style_sheet_and_nothing_else(
        self, page: str, lang: str
    ) -> None:
        text, parsed = self.made(page, lang)
        style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        policy = next(
            one["content"]
            for one in parsed.all("meta")
            if one.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.split("; ") == [
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]


class TestFeedback:
    @pytest.mark.parametrize(("lang", "told"), [("ko", "파라미터 3,060개"), ("en", "3,060 params")])
    def test_a_layer_is_compared_in_the_readers_words(self, lang: str, told: str) -> None:
        asked, found = "GRU(30) → (None, 3060), 3060 params", "GRU(15) → (None, 3060), 855 params"
        wrong = Message("structure.layer", {"number": 1, "expected": asked, "got": found})
        check = b.check("structure.layer-1", 0, 10, wrong, expected=asked, got=found, cell=6)
        record = b.record(grade=b.grade(Verdict.WRONG_ARCHITECTURE, 72.5, (check,)))
        page = feedback(record, lang=lang)
        assert f"GRU(30) → (None, 3060), {told}" in page.text

    def test_verdict_score_and_reason_are_there(self) -> None:
        wrong = Message("structure.total", {"expected": 11311, "got": 8671})
        check = b.check("structure.total", 0, 10, wrong, expected="11311", got="8671", cell=6)
        page = feedback(
            b.record(grade=b.grade(Verdict.WRONG_ARCHITECTURE, 72.5, (check,))), lang="ko"
        )
        for part in ("모델 구조 불일치", "72.5", "6번 셀", "11,311", "8,671", "Products"):
            assert part in page.text

    def test_what_differs_is_marked(self) -> None:
        check = b.check(points=0, expected="LSTM(30), 3960", got="LSTM(15), 1080")
        text = feedback_page("kim", [b.record(grade=b.grade(checks=(check,)))], Words("en"), {})
        assert re.findall(r"<mark>(.*?)</mark>", text) == ["30", "3960", "15", "1080"]

    def test_the_exercises_stand_in_the_courses_order(self) -> None:
        """Alphabetically the products would come first, and an unknown exercise before both."""
        ids = ["another", "multiplication-lstm", "sequence-prediction"]
        page = feedback_page("kim", [b.record(exercise=one) for one in ids], Words("en"), TITLES)
        titles = re.findall(r'<h2 id="exercise-\d-title">(.*?)</h2>', page)
        assert titles == ["Sequences", "Products", "another"]

    def test_hints_come_before_the_checks(self) -> None:
        hinted = b.grade(Verdict.NO_MODEL, 0.0, hints=(Message("structure.no_model"),))
        text = feedback(b.record(grade=hinted)).text
        assert text.index("What to try next") < text.index("Model structure")

    def test_all_five_questions_show_their_points(self) -> None:
        text = " ".join(feedback(b.record()).text.split())
        for shown in (
            "Does it run? 10 / 10",
            "Model structure 35 / 35",
            "Data 15 / 15",
            "Training 15 / 15",
            "Accuracy on new data 25 / 25",
        ):
            assert shown.replace(" ", "") in text.replace(" ", "")

    def test_missed_questions_are_open_and_met_ones_closed(self) -> None:
        checks = (b.check("runs.cells", 10, 10), b.check("structure.layer-1", 0, 35))
        page = feedback(b.record(grade=b.grade(Verdict.WRONG_ARCHITECTURE, 10.0, checks)))
        questions = page.all("details")[:2]
        assert ["open" in one for one in questions] == [False, True]

    def test_ungraded_is_never_shown_as_zero(self) -> None:
        page = feedback(b.ungraded())
        assert "Not graded yet" in page.text
        assert "This is not a zero" in page.text
        assert "0 / 100" not in page.text

    def test_ungraded_does_not_count_in_the_total(self) -> None:
        text = feedback(b.record(), b.ungraded(exercise="sequence-prediction")).text
        assert "1 of 2 accepted, 100 of 100 points" in text

    def test_our_own_figures_stand_beside_those_that_need_no_model(self) -> None:
        found = b.evidence(metrics={"mse": 0.0612}, controls={"mean": {"mse": 0.049}})
        text = feedback(b.record(evidence=found)).text
        assert "Always the mean" in text
        assert "0.0612" in text
        assert "0.049" in text

    def test_seeds_isolation_and_versions_are_told(self) -> None:
        text = feedback(b.record()).text
        for part in ("20260301", "full", "keras 3.15.0", "Mean squared error ≤ 0.004"):
            assert part in text

    @pytest.mark.parametrize(
        ("lang", "said"), [("en", "Mean squared error"), ("ko", "평균 제곱 오차")]
    )
    def test_figures_have_the_names_of_the_readers_language(self, lang: str, said: str) -> None:
        text = feedback(b.record(), lang=lang).text
        for figure in ("≤ 0.004", "0.0004"):
            assert f"{said} {figure}" in text
            assert f"mse {figure}" not in text

    @pytest.mark.parametrize(
        ("lang", "said"), [("en", "no points"), ("ko", "점수를 주지 않습니다")]
    )
    def test_below_figures_without_points_stands_why(self, lang: str, said: str) -> None:
        sound = b.grade()
        none = b.check("accuracy.none", 0, 0, Message("accuracy.none"))
        grade = replace(sound, checks=(*sound.checks, none))
        why = Words(lang)("accuracy.none")
        assert said in why
        assert feedback(b.record(grade=grade), lang=lang).text.count(why) == 2  # and in its part
        assert why not in feedback(b.record(), lang=lang).text

    def test_the_page_says_its_language(self) -> None:
        assert feedback(b.record(), lang="ko").all("html") == [{"lang": "ko"}]

    def test_marks_have_words_for_those_who_cannot_see_them(self) -> None:
        assert "right:" in feedback(b.record()).text

    def test_every_drawing_is_named_or_hidden(self) -> None:
        for drawing in feedback(b.record()).all("svg"):
            assert "aria-hidden" in drawing or "aria-labelledby" in drawing

    def test_every_anchor_has_its_place(self) -> None:
        page = feedback(b.record(), b.record(exercise="sequence-prediction"))
        places = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
        links = {a["href"][1:] for _, a in page.elements if a.get("href", "").startswith("#")}
        assert links <= places

    def test_a_malformed_file_says_what_is_wrong_with_it(self) -> None:
        check = b.check(
            "runs.readable", 0, 100, Message("collect.truncated_json", {"line": 3, "column": 7})
        )
        grade = b.grade(Verdict.MALFORMED, 0.0, (check,))
        text = feedback(b.record(grade=grade, evidence=None, attempts=(), engine=None)).text
        assert "No usable notebook" in text
        assert "line 3" in text

    @pytest.mark.parametrize(
        ("lang", "asked", "not_asked"),
        [
            ("en", "Can it be opened as a notebook?", "Doesitrun?"),
            ("ko", "노트북으로 열기", "실행"),
        ],
    )
    def test_of_a_file_that_is_no_notebook_it_is_not_said_that_it_does_not_run(
        self, lang: str, asked: str, not_asked: str
    ) -> None:
        grade = malformed(Message("collect.no_notebook_printed", {"found": "hw.pdf"}))
        record = b.record(grade=grade, evidence=None, attempts=(), engine=None)
        text = "".join(feedback(record, lang=lang).text.split())
        assert "".join(f"{asked}0/100".split()) in text
        assert f"{not_asked}0/100" not in text
        tests = json.loads(
            dict(gradescope.files(Export([record], Words(lang), {})))["results.json"]
        )
        assert asked in tests["tests"][0]["name"]

    @pytest.mark.parametrize(
        ("lang", "said"), [("en", "fewer than 1 in 600"), ("ko", "600건에 1건 미만")]
    )
    def test_it_says_how_often_bad_luck_fails_correct_work(self, lang: str, said: str) -> None:
        known = b.threshold(attempts=3, false_fail=0.00144)
        assert said in feedback(b.record(threshold=known), lang=lang).text
        assert said not in feedback(b.record(threshold=b.threshold()), lang=lang).text

    def test_no_statistician_s_word_is_on_it(self) -> None:
        known = b.threshold(attempts=3, false_fail=0.00144)
        text = feedback(b.record(threshold=known)).text
        for word in ("confidence", "percentile", "quantile", "calibration", "deviation"):
            assert word not in text

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_it_explains_how_points_and_results_come_about(self, lang: str) -> None:
        page, words = feedback(b.record(), lang=lang), Words(lang)
        assert "#explained" in [one["href"] for one in page.all("a")]
        for said in (*QUESTIONS.values(), *VERDICT_REASONS.values()):
            assert words(said) in page.text


class TestChart:
    @pytest.mark.parametrize(
        "losses", [(3e-5, 1e-5, 2e-5), tuple(1.0 / n for n in range(1, 6401)), (0.5, 0.25)]
    )
    def test_every_label_lies_within_the_drawing(self, losses: Sequence[float]) -> None:
        """At the size that labels have on a phone, where they were cut."""
        chart = loss_chart({"loss": losses})
        assert chart is not None
        for tick in chart.x_ticks:
            width = LETTER * len(tick.label)
            right = tick.at if tick.anchor == "end" else tick.at + width / 2
            assert right <= WIDTH
            assert right - width >= 0
        for tick in chart.y_ticks:
            assert LETTER * len(tick.label) <= chart.left - 8

    def points(self, chart: Chart) -> list[tuple[float, float]]:
        pairs = " ".join(part for curve in chart.curves for part in curve.stretches).split()
        return [(float(x), float(y)) for x, y in (pair.split(",") for pair in pairs)]

    def test_one_loss_is_no_curve(self) -> None:
        assert loss_chart({"loss": (0.3,)}) is None
        assert loss_chart({}) is None
        assert loss_chart({"loss": (math.nan, math.nan, 0.1)}) is None

    def test_a_falling_loss_falls_on_the_page(self) -> None:
        chart = loss_chart({"loss": (0.4, 0.3, 0.2)})
        assert chart is not None
        (x1, y1), _, (x3, y3) = self.points(chart)
        assert x1 < x3
        assert y1 < y3  # SVG counts downwards

    def test_a_wide_range_is_drawn_in_decades(self) -> None:
        chart = loss_chart({"loss": (0.1, 0.01, 0.001)})
        assert chart is not None
        assert chart.logarithmic
        ys = [y for _, y in self.points(chart)]
        assert ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.2)
        assert [tick.label for tick in chart.y_ticks] == ["0.001", "0.003", "0.01", "0.03", "0.1"]

    def test_nan_leaves_a_gap(self) -> None:
        chart = loss_chart({"loss": (0.5, 0.4, math.nan, 0.3, 0.2, math.nan, 0.1)})
        assert chart is not None
        assert [len(part.split()) for part in chart.curves[0].stretches] == [2, 2]
        assert len(chart.curves[0].dots) == 1

    @pytest.mark.parametrize(
        "losses",
        [
            (1e300, -1e300, 1e-300),
            (0.0, 0.0, 0.0),
            (5e-324, 1.0),
            (-5.0, -5.0),
            (1e29, 1e-29, 3.0),
            (math.inf, 1.0, 2.0),
            (0.0, 5e-324),
            (-1e29, -1e29),
            tuple(float(n % 7) for n in range(5000)),
            tuple(0.1 if n in {1, 3} else math.nan for n in range(5000)),
        ],
    )
    def test_whatever_is_claimed_stays_inside_the_drawing(self, losses: Sequence[float]) -> None:
        chart = loss_chart({"loss": losses, "val_loss": losses[:1]})
        if chart is None:
            return
        points = [*self.points(chart), *(dot for curve in chart.curves for dot in curve.dots)]
        assert 0 < len(points) <= 805
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
        assert 0 < len(chart.y_ticks) <= 12

    @given(losses=st.lists(NASTY, max_size=8), validation=st.lists(NASTY, max_size=8))
    def test_any_numbers_are_a_drawing_or_none(
        self, losses: list[float], validation: list[float]
    ) -> None:
        chart = loss_chart({"loss": tuple(losses), "val_loss": tuple(validation)})
        drawable = sum(abs(loss) < 1e30 for loss in losses)
        assert (chart is not None) == (drawable >= 2)
        if chart is None:
            return
        points = [*self.points(chart), *(dot for curve in chart.curves for dot in curve.dots)]
        assert len(points) >= drawable
        assert all(chart.left <= x <= chart.right for x, _ in points)
        heights = [tick.at for tick in chart.y_ticks]
        assert all(chart.top <= y <= chart.bottom for y in (*heights, *(y for _, y in points)))
        assert 0 < len(set(heights)) == len(heights) <= 12

    def test_a_history_that_is_mostly_missing_shows_what_there_is(self) -> None:
        losses = tuple(0.5 if n in {401, 807} else math.nan for n in range(1600))
        chart = loss_chart({"loss": losses})
        assert chart is not None
        assert len(chart.curves[0].dots) == 2

    def test_validation_is_a_curve_of_its_own(self) -> None:
        chart = loss_chart({"loss": (0.3, 0.2), "val_loss": (0.4, 0.3)})
        assert chart is not None
        assert [curve.name for curve in chart.curves] == ["loss", "val_loss"]


class TestOverview:
    def test_counts_of_every_verdict(self) -> None:
        text = overview(b.record("a"), b.record("b"), b.ungraded("c")).text
        assert "Students: 3. Results: 3. Accepted: 2." in text

    def test_what_needs_a_teacher_is_listed(self) -> None:
        odd = b.record("lee", grade=b.grade(Verdict.SUSPICIOUS, 100.0, flags=("pretrained",)))
        text = overview(b.record("kim"), odd).text
        look = text[text.index("Needs a look") : text.index("By exercise")]
        assert "lee" in look
        assert "trained before training began" in look
        assert "kim" not in look

    def test_students_link_to_their_pages(self) -> None:
        links = [one["href"] for one in overview(b.record("kim")).all("a")]
        assert "feedback/kim.html" in links

    def test_an_empty_class_is_a_page_all_the_same(self) -> None:
        assert "Students: 0." in overview().text

    def test_exercises_come_in_the_courses_order(self) -> None:
        text = overview(b.record(), b.record(exercise="sequence-prediction")).text
        rows = text[text.index("By exercise") :]
        assert rows.index("Sequences") < rows.index("Products")


class TestItemStatistics:
    def test_the_check_that_most_miss_comes_first(self) -> None:
        missed = b.grade(
            Verdict.WRONG_DATA, 50.0, (b.check("data.target", 3, 15), b.check("runs.cells", 10, 10))
        )
        met = b.grade(checks=(b.check("data.target", 15, 15), b.check("runs.cells", 10, 10)))
        first, second = item_statistics([b.record("a", grade=missed), b.record("b", grade=met)])
        assert (first.check, first.results, first.passed) == ("data.target", 2, 1)
        assert (first.mean_points, first.max_points) == (9.0, 15.0)
        assert (second.check, second.passed) == ("runs.cells", 2)

    def test_ungraded_results_say_nothing_about_students(self) -> None:
        assert item_statistics([b.ungraded()]) == []

    def test_a_check_that_strong_and_weak_work_miss_alike_tells_nothing_apart(self) -> None:
        def work(number: int) -> Record:
            strong = number % 2 == 0
            checks = (
                b.check("data.target", 15 if strong else 0, 15),
                b.check("runs.cells", 10 if strong else 0, 10),
                b.check("structure.total", 10 if number < 4 else 0, 10),
            )
            return b.record(str(number), grade=b.grade(checks=checks))

        rows = {one.check: one for one in item_statistics([work(n) for n in range(8)])}
        telling = rows["data.target"].discrimination
        assert telling is not None
        assert telling > 0.7
        assert rows["structure.total"].discrimination == pytest.approx(0.0)
        assert rows["data.target"].mean_points / rows["data.target"].max_points == 0.5

    def test_of_too_few_results_nothing_is_said(self) -> None:
        def all_but_one(count: int) -> list[Record]:
            missed = b.grade(checks=(b.check("data.target", 0, 15), b.check("runs.cells", 0, 10)))
            met = b.grade(checks=(b.check("data.target", 15, 15), b.check("runs.cells")))
            grades = [missed, *[met] * (count - 1)]
            return [b.record(str(n), grade=one) for n, one in enumerate(grades)]

        few, enough = (item_statistics(all_but_one(n))[0] for n in (ENOUGH - 1, ENOUGH))
        assert few.discrimination is None
        assert enough.discrimination == pytest.approx(1.0)


class _Cells(HTMLParser):
    """How many things stand in each cell that a phone shows with its label beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.things = -1, 0
        self.many: list[str] = []
        self.label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        label = dict(attrs).get("data-label")
        if tag == "td" and label is not None:
            self.depth, self.things, self.label = 0, 0, label
        elif self.depth >= 0 and tag not in {"br", "use", "rect", "line"}:
            self.things += self.depth == 0
            self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self.depth == 0:
            if self.things > 1:
                self.many.append(self.label)
            self.depth = -1
        elif self.depth > 0 and tag not in {"br", "use", "rect", "line"}:
            self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.things += self.depth == 0 and bool(data.strip())


def test_a_cell_with_its_label_beside_it_holds_one_thing() -> None:
    """On a phone the label and each thing take a place of their own: a comma stood below a label."""
    hint = (Message("diagnose.never_fitted", {"name": "model", "cell": 3}),)
    low = b.grade(Verdict.UNTRAINED, 20.0, (), hint)
    records = [
        *(b.record(name, grade=low) for name in ("kim", "lee", "park")),
        b.record("choi"),
        b.ungraded("mo"),
    ]
    links = {one.student: f"feedback/{one.student}.html" for one in records}
    seen = _Cells()
    seen.feed(index_page(records, Words("en"), TITLES, links))
    assert not seen.many
    seen.feed("<td data-label='x'><a>a</a>, <a>b</a></td>")
    assert seen.many == ["x"]
