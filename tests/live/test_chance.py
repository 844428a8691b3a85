"""Where a training stands among correct ones: when it is said, and how often it is wrong."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grader.calibration.curves import curve_of
from grader.course.curves import MIDDLE, Curve
from grader.execution import Fit, FitSample
from grader.extract.matching import read_model
from grader.live.answer import COLOURS, RIGHT, WRONG, Answer
from grader.live.chance import RARE, compared, standing_of
from grader.live.evidence import ATTEMPTED_NOTHING, LiveEvidence, LiveModel
from grader.live.picture import LEFT, SIGNS, scale
from grader.live.telling import answer_of
from grader.score.score import score
from grader.types import EvidenceClass
from tests.extract.notebooks import asked, candidate, sequential
from tests.live.test_answer import contrast, page
from tests.live.test_telling import EN, EXERCISE, KO, course, live
from tests.support import builders as b

EPOCHS = 100
FIFTH = 20


def played(rng: np.random.Generator, runs: int, slower: float = 1.0) -> list[list[float]]:
    """Losses that fall to a level of their own, each at a pace of its own."""
    paces = rng.lognormal(-3.0, 0.3, runs) / slower
    return [list(0.05 * np.exp(-pace * np.arange(1, EPOCHS + 1))) for pace in paces]


def curve(runs: int = 40, seed: int = 1) -> Curve:
    losses = played(np.random.default_rng(seed), runs)
    lines = [{"loss": "mse", "curves": {"loss": one}} for one in losses]
    found = curve_of(lines, EPOCHS)
    assert found is not None
    return found


CURVE = curve()
GOOD = (CURVE.at(FIFTH)[MIDDLE],) * FIFTH
SLOW = (0.05,) * FIFTH
GROUNDS = ("#ffffff", "#111111", "#383838")


def fit(losses: tuple[float, ...], **changes: Any) -> Fit:
    one = Fit(0, FitSample(None, None), 20, len(losses), {"loss": losses}, True, {})
    return replace(one, **changes)


def model(losses: tuple[float, ...] = SLOW, loss: Any = "mse") -> LiveModel:
    chosen = live(fit(losses))
    compiled = replace(chosen.reading.candidate, compile={"loss": loss})
    return replace(chosen, reading=replace(chosen.reading, candidate=compiled))


def answer(chosen: LiveModel, words: Any = EN, curve: Curve = CURVE, **evidence: Any) -> Answer:
    found = LiveEvidence(b.sound(EXERCISE, **evidence), chosen)
    known = course(curves={EXERCISE.id: curve})
    return answer_of(found, [chosen], EXERCISE, known, {}, words)


class TestWarning:
    def test_of_correct_runs_at_most_one_in_twenty_is_warned(self) -> None:
        """Over many curves of few runs each: the rate is a promise about curves, not about one."""
        rng = np.random.default_rng(7)
        warned = []
        for seed in range(60):
            known = curve(runs=20 + seed % 21, seed=100 + seed)
            fresh = played(rng, 50)
            warned += [compared(known, losses[:FIFTH]).behind for losses in fresh]  # type: ignore[union-attr]
        assert len(warned) == 3000
        assert np.mean(warned) <= RARE + 0.015  # three deviations, curves shared by fifty runs

    def test_of_runs_that_learn_ten_times_slower_nearly_all_are(self) -> None:
        slow = played(np.random.default_rng(8), 100, slower=10.0)
        standings = [compared(CURVE, losses[:FIFTH]) for losses in slow]
        assert sum(one is not None and one.behind for one in standings) >= 98

    def test_it_compares_at_the_last_epoch_that_both_tell_of(self) -> None:
        for ran, at in ((4, None), (5, 5), (19, 15), (20, 20), (50, 50), (100, 50)):
            found = compared(CURVE, (0.05,) * ran)
            assert (found and found.epoch) == at

    @pytest.mark.parametrize("loss", [float("nan"), float("inf")])
    def test_of_a_loss_that_is_no_number_other_advice_speaks(self, loss: float) -> None:
        assert compared(CURVE, (*SLOW[:-1], loss)) is None


class TestWhen:
    def test_layers_or_data_that_are_wrong_come_first(self) -> None:
        chosen = model()
        sound = b.sound(EXERCISE)
        wrong = replace(sound.data[0], fraction=0.0)
        for evidence, said in ((sound, True), (replace(sound, data=(wrong,)), False)):
            found = LiveEvidence(evidence, chosen)
            grade = score(evidence, EXERCISE, None)
            assert (standing_of(found, grade, EXERCISE, CURVE) is not None) is said

    @pytest.mark.parametrize(
        ("chosen", "said"),
        [
            (model(loss="mean_squared_error"), True),
            (model(loss="mae"), False),
            (model(loss={"class_name": "MeanSquaredError"}), False),
            (live(), False),
            (live(fit(SLOW), fit(SLOW)), False),
        ],
    )
    def test_other_figures_are_not_compared(self, chosen: LiveModel, said: bool) -> None:
        assert ("correct run" in repr(answer(chosen)).lower()) is said

    def test_another_length_is_not_compared(self) -> None:
        config = sequential(*asked(EXERCISE), shape=(50, 2))
        other = replace(candidate(config), compile={"loss": "mse"})
        assert answer(replace(model(), reading=read_model(other))).picture is None

    def test_where_nobody_knows_how_long_it_trained_nothing_is_compared(self) -> None:
        chosen = model()
        evidence = b.sound(EXERCISE)
        found = LiveEvidence(evidence, chosen, epochs_unsure=True)
        assert standing_of(found, score(evidence, EXERCISE, None), EXERCISE, CURVE) is None

    @pytest.mark.parametrize(
        ("measured_on", "engine", "said"),
        [
            ("", "jax", True),
            ("tensorflow", "tensorflow", True),
            ("tensorflow", "jax", False),
            ("tensorflow", "", False),
        ],
    )
    def test_engines_that_learn_otherwise_are_not_compared(
        self, measured_on: str, engine: str, said: bool
    ) -> None:
        evidence = b.sound(EXERCISE)
        found = LiveEvidence(evidence, model(), engine=engine)
        known = replace(CURVE, engine=measured_on)
        standing = standing_of(found, score(evidence, EXERCISE, None), EXERCISE, known)
        assert (standing is not None) is said

    def test_without_a_curve_nothing_is_said(self) -> None:
        chosen = model()
        found = LiveEvidence(b.sound(EXERCISE), chosen)
        told = answer_of(found, [chosen], EXERCISE, course(), {}, EN)
        assert told.picture is None
        assert "correct runs" not in repr(told)


class TestWords:
    @pytest.mark.parametrize(
        ("words", "rare", "among", "scale"),
        [
            (EN, "seldom this far behind", "worth going on", "higher loss"),
            (KO, "뒤처지는 일은 드뭅니다", "더 학습할 만합니다", "높은 손실"),
        ],
    )
    def test_both_languages_say_where_it_stands(
        self, words: Any, rare: str, among: str, scale: str
    ) -> None:
        behind, good = repr(answer(model(), words)), repr(answer(model(GOOD), words))
        assert rare in behind
        assert among not in behind
        assert among in good
        assert rare not in good
        assert scale in behind
        assert "40" in behind

    @pytest.mark.parametrize("words", [EN, KO])
    def test_who_is_advised_against_a_setting_is_not_told_to_go_on_with_it(
        self, words: Any
    ) -> None:
        training = replace(
            b.training(), epochs=FIFTH, compile={"optimizer": "Adam", "learning_rate": 1e-6}
        )
        told = answer(model(GOOD), words, training=training, runs=ATTEMPTED_NOTHING, metrics={})
        assert "1e-06" in repr(told.hints[0])
        assert told.picture is not None
        assert "going on" not in repr(told)
        assert "더 학습할 만합니다" not in repr(told)

    @pytest.mark.parametrize(
        ("words", "said"), [(EN, "slower still"), (KO, "더 느린 것도 있으므로")]
    )
    def test_the_slowest_quarter_is_neither_warned_nor_told_to_go_on(
        self, words: Any, said: str
    ) -> None:
        late = CURVE.at(FIFTH)[17]  # 85 % of the runs were at or below it
        told = repr(answer(model((late,) * FIFTH), words))
        assert said in told
        assert "going on" not in told
        assert "더 학습할 만합니다" not in told

    @pytest.mark.parametrize("loss", [0.05, CURVE.at(FIFTH)[17], CURVE.at(FIFTH)[MIDDLE]])
    def test_when_all_epochs_are_done_nobody_is_told_what_to_do_before_they_are(
        self, loss: float
    ) -> None:
        done = repr(answer(model((loss,) * EPOCHS)))
        assert f"than yours ({loss:.3g})" in done
        assert "At epoch 50" in done
        for advice in ("go on", "learning rate", "Before you train"):
            assert advice not in done

    @pytest.mark.parametrize(("words", "said"), [(EN, "no mistake"), (KO, "잘못은 아닙니다")])
    def test_whoever_is_slow_when_all_epochs_are_done_is_told_that_it_is_no_mistake(
        self, words: Any, said: str
    ) -> None:
        late, middle = (CURVE.at(50)[level] for level in (17, MIDDLE))
        for loss in (late, 0.05):
            done = answer(model((loss,) * EPOCHS), words)
            assert said in repr(done)
            assert "seldom" not in repr(done)
            assert "드뭅니다" not in repr(done)
            assert COLOURS[WRONG] not in done._repr_html_()
        assert said not in repr(answer(model((middle,) * EPOCHS), words))

    def test_where_accuracy_earns_nothing_nothing_is_said(self) -> None:
        unjudged = replace(
            EXERCISE, points={**EXERCISE.points, EvidenceClass.ACCURACY: 0.0}, apart=False
        )
        for losses in (SLOW, GOOD, (0.05,) * EPOCHS):
            chosen = model(losses)
            found = LiveEvidence(b.sound(unjudged), chosen)
            known = course(curves={EXERCISE.id: CURVE})
            for exercise, said in ((EXERCISE, True), (unjudged, False)):
                told = answer_of(found, [chosen], exercise, known, {}, EN)
                assert (told.picture is not None) is said
                assert ("correct runs" in repr(told)) is said

    @pytest.mark.parametrize(
        ("words", "none", "every"),
        [(EN, "none of 40 correct", "all 40 correct"), (KO, "한 번도", "매번")],
    )
    def test_none_and_all_are_called_so(self, words: Any, none: str, every: str) -> None:
        lowest, highest = CURVE.at(FIFTH)[0], CURVE.at(FIFTH)[-1]
        for loss, said in ((lowest, none), (highest * 1.01, every)):
            told = repr(answer(model((loss,) * FIFTH), words))
            assert said in told
            assert "40" in told
        for loss, said in ((lowest * 1.0001, "1"), (highest * 0.9999, "39")):
            told = repr(answer(model((loss,) * FIFTH), words))
            assert f"{said} of 40" in told or f"약 {said}번" in told

    @pytest.mark.parametrize(("words", "said"), [(EN, "ends at epoch 50"), (KO, "50에포크에서 끝")])
    def test_the_drawing_says_where_it_ends(self, words: Any, said: str) -> None:
        assert said in answer(model((0.05,) * EPOCHS), words)._repr_html_()

    def test_it_counts_neither_as_right_nor_as_wrong(self) -> None:
        told, without = answer(model()), answer(live(fit(SLOW)))
        assert (told.right, told.asked) == (without.right, without.asked)


def stuck(until: int) -> Curve:
    """Correct runs whose loss stays, and falls by half at once after so many epochs."""
    lines = [
        {
            "loss": "mse",
            "curves": {"loss": [scale / (1 if n <= until else 2) for n in range(1, EPOCHS + 1)]},
        }
        for scale in np.linspace(0.048, 0.052, 40)
    ]
    found = curve_of(lines, EPOCHS)
    assert found is not None
    return found


class TestPlateau:
    """Where correct runs hardly learn at first, a run beside them has shown nothing."""

    @pytest.mark.parametrize(
        ("words", "said"), [(EN, "nobody can tell yet"), (KO, "아직 알 수 없습니다")]
    )
    @pytest.mark.parametrize("level", [MIDDLE, 17])
    def test_nobody_is_told_that_it_learns(self, words: Any, said: str, level: int) -> None:
        known = stuck(until=30)
        for epoch in (5, FIFTH, 30):
            loss = known.at(epoch)[level]
            told = repr(answer(model((loss,) * epoch), words, curve=known))
            assert said in told
            for advice in ("going on", "learning rate", "더 학습할 만합니다", "학습률"):
                assert advice not in told

    def test_behind_is_behind_all_the_same(self) -> None:
        told = repr(answer(model((0.08,) * FIFTH), curve=stuck(until=30)))
        assert "seldom this far behind" in told
        assert "nobody can tell" not in told

    def test_where_correct_runs_have_learned_it_is_over(self) -> None:
        known = stuck(until=30)
        told = repr(answer(model((known.at(35)[MIDDLE],) * 35), curve=known))
        assert "nobody can tell" not in told
        assert "going on" in told


class TestPicture:
    def test_a_line_of_signs_has_the_place(self) -> None:
        behind, good = compared(CURVE, SLOW), compared(CURVE, (0.0,) * FIFTH)
        assert behind is not None
        assert good is not None
        assert len(scale(behind)) == len(scale(good)) == SIGNS
        assert (scale(behind)[-1], scale(good)[0]) == ("●", "●")

    @pytest.mark.parametrize("losses", [SLOW, GOOD, (0.0,) * FIFTH, (1e9,) * 5])
    def test_the_drawing_is_whole_and_within_its_frame(self, losses: tuple[float, ...]) -> None:
        picture = answer(model(losses)).picture
        assert picture is not None
        drawn, caption = ET.fromstring(f"<td>{picture.html}</td>")
        for shape in drawn:
            for point in shape.get("points", "").split():
                across, down = map(float, point.split(","))
                assert 0 <= across <= float(drawn.get("width", 0))
                assert 0 <= down <= float(drawn.get("height", 0))
        assert caption.text == drawn.get("aria-label")

    @pytest.mark.parametrize(("words", "said"), [(EN, "loss"), (KO, "손실")])
    def test_its_upright_axis_has_a_name(self, words: Any, said: str) -> None:
        picture = answer(model(GOOD), words).picture
        assert picture is not None
        (drawn, _) = ET.fromstring(f"<td>{picture.html}</td>")
        (upright,) = (one for one in drawn if "rotate" in one.get("transform", ""))
        assert upright.text == said

    def test_correct_runs_that_hardly_differ_are_seen_beside_the_runs_own_line(self) -> None:
        picture = answer(model(GOOD)).picture
        assert picture is not None
        (drawn, _) = ET.fromstring(f"<td>{picture.html}</td>")
        (band,) = (one for one in drawn if one.tag == "polygon")
        (own,) = (one for one in drawn if one.tag == "polyline" and one.get("stroke-width"))
        assert float(band.get("stroke-width", 0)) > 2 * float(own.get("stroke-width", 0))

    @pytest.mark.parametrize("ran", [1, 5, FIFTH, EPOCHS])
    def test_the_runs_last_epoch_is_a_dot_so_that_one_alone_is_seen(self, ran: int) -> None:
        known = Curve("mse", 40, (1, 50), (CURVE.at(5), CURVE.at(50)))
        picture = answer(model((0.04,) * ran), curve=known).picture
        assert picture is not None
        (drawn, _) = ET.fromstring(f"<td>{picture.html}</td>")
        (dot,) = (shape for shape in drawn if shape.tag == "circle")
        across, down = float(dot.get("cx", -1)), float(dot.get("cy", -1))
        first, last = LEFT, float(drawn.get("width", 0)) - 6
        assert across == pytest.approx(first + (min(ran, 50) - 1) / 49 * (last - first), abs=0.1)
        assert 0 <= down <= float(drawn.get("height", 0))
        assert dot.get("fill") in COLOURS.values()

    def test_it_brings_no_script_no_link_and_nothing_to_fetch(self) -> None:
        shown = answer(model())._repr_html_()
        parsed = page(shown)
        drawing = {"svg", "polygon", "polyline", "circle", "text", "div"}
        assert set(parsed.tags) == {"table", "tbody", "tr", "td", "strong"} | drawing
        assert not {name for name in parsed.names if name.startswith(("on", "href", "src"))}
        assert "url(" not in shown

    def test_its_line_can_be_told_on_light_and_on_dark_pages(self) -> None:
        for losses, mark in ((SLOW, WRONG), (GOOD, RIGHT)):
            picture = answer(model(losses)).picture
            assert picture is not None
            assert COLOURS[mark] in picture.html
            assert all(contrast(COLOURS[mark], ground) >= 3.0 for ground in GROUNDS)
