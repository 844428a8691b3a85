"""What is said of evidence: right, wrong, not attempted yet, not known here."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader import __version__
from grader.course.load import load_course
from grader.course.looking import ELSEWHERE, UNASKED
from grader.course.public import PublicCourse
from grader.execution import Fit, FitSample
from grader.extract.matching import read_model
from grader.live.advising import WITHOUT_CELL
from grader.live.answer import Answer
from grader.live.evidence import ATTEMPTED_NOTHING, UNSEEN, LiveEvidence, LiveModel
from grader.live.names import HeldModel
from grader.live.telling import answer_of
from grader.live.trainings import KnownFits
from grader.text.words import Words
from grader.types import Evidence, EvidenceClass, Message, OtherModel, TrainingFacts
from tests.extract.notebooks import asked, candidate, sequential
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = load_course(ROOT).exercises
EXERCISE = EXERCISES["multiplication-lstm"]
FIT = Fit(0, FitSample(None, None), 100, 100, {"loss": (1.0, 0.5)}, finished=True, arguments={})
EN, KO = Words("en"), Words("ko")


def course(**changes: Any) -> PublicCourse:
    facts: dict[str, Any] = {
        "folder": ROOT,
        "exercises": EXERCISES,
        "language": None,
        "hints": None,
        "version": __version__,
        "own_checks": {},
        "files": {},
    }
    return PublicCourse(**facts | changes)


def live(*fits: Fit, more: int = 0, updates: int = 0, name: str = "model") -> LiveModel:
    config = sequential(*asked(EXERCISE), shape=EXERCISE.input_shape)
    reading = read_model(replace(candidate(config), compile={"optimizer": "Adam", "loss": "mse"}))
    known = KnownFits(fits, changed=bool(fits), more=more, updates=updates)
    return LiveModel(HeldModel(SimpleNamespace(), name, 1), known, reading)


def told(evidence: Evidence, chosen: LiveModel | None, words: Words = EN, **unknown: Any) -> Answer:
    found = LiveEvidence(evidence, chosen, **unknown)
    models = [chosen] if chosen is not None else []
    return answer_of(found, models, EXERCISE, course(), {"X": 1}, words)


def marks(answer: Answer) -> list[str]:
    shown = (EvidenceClass.STRUCTURE, EvidenceClass.DATA, EvidenceClass.TRAINING)
    return [answer.marks(cls) for cls in shown]


def test_sound_work_is_right_in_all_that_is_public_and_is_no_grade() -> None:
    answer = told(b.sound(EXERCISE), live(FIT))
    assert marks(answer) == ["✓✓✓✓✓", "✓", "✓✓"]
    assert answer.right == answer.asked == 8
    assert "8 of 8 right" in repr(answer)
    assert "accuracy on new data" in repr(answer)


def test_never_is_anything_said_to_have_passed() -> None:
    for words, forbidden in ((EN, ("passed", "accepted", "full points")), (KO, ("통과", "합격"))):
        said = repr(told(b.sound(EXERCISE), live(FIT), words)).lower()
        assert not [one for one in forbidden if one in said]


def test_data_that_nobody_saw_are_neither_right_nor_wrong() -> None:
    answer = told(b.sound(EXERCISE, data=()), live(FIT), data_unknown=UNSEEN)
    assert marks(answer) == ["✓✓✓✓✓", "–", "✓✓"]
    assert answer.right == answer.asked == 7
    assert "the data given to fit" in repr(answer)


def test_what_only_grading_looks_at_is_said_so() -> None:
    answer = told(b.sound(EXERCISE, data=()), live(FIT), data_unknown=UNASKED)
    assert "Grading looks at them" in repr(answer)


def test_a_file_that_is_another_one_in_grading_makes_nothing_wrong() -> None:
    answer = told(b.sound(EXERCISE, data=()), live(FIT), data_unknown=ELSEWHERE)
    assert marks(answer) == ["✓✓✓✓✓", "–", "✓✓"]
    assert "in grading" in repr(answer)


def test_a_model_without_a_fit_has_not_been_tried_yet() -> None:
    nothing = replace(b.training(()), fits=0, epochs=0, changed=False)
    answer = told(b.sound(EXERCISE, data=(), training=nothing), live())
    assert marks(answer) == ["✓✓✓✓✓", "○", "○"]
    assert "✗" not in repr(answer)
    assert "never called" in repr(answer.hints[0])


@pytest.mark.parametrize(
    ("words", "said", "never"),
    [(EN, "compile has not been called on model", "fit was"), (KO, "compile을 호출하지", "fit이")],
)
def test_a_model_without_compile_lacks_that_first(words: Words, said: str, never: str) -> None:
    nothing = replace(b.training(()), fits=0, epochs=0, changed=False)
    chosen = live()
    bare = replace(chosen.reading, candidate=replace(chosen.reading.candidate, compile={}))
    others = (OtherModel("history.model", 0, 20, ()),)
    evidence = b.sound(EXERCISE, data=(), training=nothing)
    for one in (evidence, replace(evidence, others=others)):
        before = replace(
            live(FIT), held=HeldModel(SimpleNamespace(), "history.model", 1, earlier=True)
        )
        now = replace(chosen, reading=bare)
        found = LiveEvidence(one, now)
        answer = answer_of(found, [before, now], EXERCISE, course(), {}, words)
        assert said in repr(answer.hints[0])
        assert never not in repr(answer.hints[0])


@pytest.mark.parametrize("name", ["history.model", "h.model"])
@pytest.mark.parametrize(("words", "said"), [(EN, "built again"), (KO, "다시 만들었습니다")])
def test_a_model_that_was_built_again_is_not_said_to_be_another_one(
    words: Words, said: str, name: str
) -> None:
    nothing = replace(b.training(()), fits=0, epochs=0, changed=False)
    evidence = b.sound(EXERCISE, data=(), training=nothing, others=(OtherModel(name, 0, 20, ()),))
    earlier = replace(live(FIT), held=HeldModel(SimpleNamespace(), name, 1, earlier=True))
    now = live()
    found = LiveEvidence(evidence, now)
    answer = answer_of(found, [earlier, now], EXERCISE, course(), {}, words)
    assert said in repr(answer.hints[0])
    assert not [one for one in answer.hints if name in repr(one)]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (EN, "Epochs asked for: 100 (at least 10)."),
        (KO, "실습에서 요구하는 에포크: 100(적어도 10)."),
    ],
)
def test_whoever_has_not_trained_is_told_how_many_epochs_are_asked_for(
    words: Words, asked: str
) -> None:
    nothing = replace(b.training(()), fits=0, epochs=0, changed=False)
    short: TrainingFacts = replace(b.training((1.0,)), epochs=1)
    for answer in (
        told(b.evidence(EXERCISE.id, model=None, data=(), training=None), None, words),
        told(b.sound(EXERCISE, data=(), training=nothing), live(), words),
        told(b.sound(EXERCISE, training=short), live(FIT, more=9), words, epochs_unsure=True),
        told(b.sound(EXERCISE, training=short), live(updates=640), words, epochs_unsure=True),
    ):
        assert asked in next(
            one.text for one in answer.lines if one.about is EvidenceClass.TRAINING
        )


@pytest.mark.parametrize(("words", "where"), [(EN, "Begin where"), (KO, "셀부터 시작하십시오")])
def test_who_has_written_nothing_is_told_where_to_begin(words: Words, where: str) -> None:
    nothing = b.evidence(EXERCISE.id, model=None, data=(), training=None)
    untouched, elsewhere = (told(nothing, None, words, begin=begin) for begin in (True, False))
    assert marks(untouched) == marks(elsewhere) == ["○", "○", "○"]
    assert where in repr(untouched.hints[0])
    assert where not in repr(elsewhere)
    assert untouched.hints[1:] == elsewhere.hints


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (EN, "There is no model", "Mend the topmost cell that shows an error"),
        (KO, "모델이 없습니다", "맨 위의 것부터 고치십시오"),
    ],
)
@pytest.mark.parametrize("begin", [True, False])  # an empty cell was run before it was filled in
def test_without_a_model_a_cell_that_failed_comes_first(
    words: Words, said: str, hint: str, begin: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = NameError("name 'SimpelRNN' is not defined")
    monkeypatch.setattr(sys, "last_value", error, raising=False)
    found = LiveEvidence(
        b.evidence(EXERCISE.id, model=None, data=(), training=None),
        None,
        begin=begin,
        all_failed=False,
    )
    answer = answer_of(found, [], EXERCISE, course(), {"In": ["", "x"], "STEPS": 3}, words)
    assert marks(answer) == ["○", "○", "○"]
    assert said in answer.lines[0].text
    assert "NameError: name 'SimpelRNN' is not defined" in answer.lines[0].text
    assert "STEPS" not in repr(answer)
    (only,) = answer.hints
    assert hint in repr(only)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (live(FIT, more=9), "some others that the optimizer has counted: 9"),
        (live(updates=640), "640 updates"),
    ],
)
def test_how_long_it_trained_may_not_be_known(chosen: LiveModel, said: str) -> None:
    short: TrainingFacts = replace(b.training((1.0,)), epochs=1)
    answer = told(b.sound(EXERCISE, training=short), chosen, epochs_unsure=True)
    assert marks(answer)[2] == "–"
    assert said in repr(answer)
    assert answer.hints == ()  # nobody knows whether anything is missing
    assert "how long it was trained" in repr(answer)


def test_checks_of_the_teachers_own_are_said_to_be_there() -> None:
    found = LiveEvidence(b.sound(EXERCISE), live(FIT))
    own = course(
        own_checks={EXERCISE.id: {EvidenceClass.STRUCTURE: 5.0, EvidenceClass.ACCURACY: 5.0}}
    )
    answer = answer_of(found, [live(FIT)], EXERCISE, own, {}, EN)
    assert answer.marks(EvidenceClass.STRUCTURE) == "✓✓✓✓✓–"
    assert "something more about the layers" in repr(answer)


def test_another_exercises_very_model_is_recognised() -> None:
    found = LiveEvidence(b.sound(EXERCISE), live(FIT))
    answer = answer_of(found, [live(FIT)], EXERCISES["multiplication-gru"], course(), {}, EN)
    assert "multiplication-lstm asks for" in repr(answer)


def test_which_of_several_models_was_taken_is_said() -> None:
    first, second = live(FIT), live(name="other")
    found = LiveEvidence(b.sound(EXERCISE), first)
    answer = answer_of(found, [first, second], EXERCISE, course(), {}, EN)
    assert "Looked at: model. Other models here: other" in repr(answer)
    earlier = replace(first, held=replace(first.held, name="history.model", earlier=True))
    for words, said in ((EN, "as it is now"), (KO, "지금의 model")):
        answer = answer_of(found, [earlier, first], EXERCISE, course(), {}, words)
        assert said in repr(answer)
        assert "history.model" not in repr(answer)


@pytest.mark.parametrize("words", [EN, KO], ids=["en", "ko"])
@pytest.mark.parametrize("message", sorted(WITHOUT_CELL))
def test_advice_that_names_a_cell_is_given_without_one(message: str, words: Words) -> None:
    args = {"cell": 0, "name": "model", "other": "mdoel"}
    assert "0" in words.say(Message(message, args))
    assert "0" not in words.say(Message(WITHOUT_CELL[message], args))


FEWER = replace(FIT, epochs_asked=10, epochs_run=10)


@pytest.mark.parametrize(
    ("words", "said"), [(EN, "train all 100 epochs"), (KO, "100에포크를 모두")]
)
def test_where_accuracy_earns_points_fewer_epochs_are_nothing_to_hand_in(
    words: Words, said: str
) -> None:
    few, whole = (
        told(b.sound(EXERCISE, training=replace(b.training(), epochs=run)), live(FEWER), words)
        for run in (10, 100)
    )
    assert said in repr(few.hints[0])
    assert few.right == few.asked
    assert not [one for one in ("more may", "더 학습하면") if one in repr(few)]
    assert ".ipynb" not in repr(few)
    assert said not in repr(whole)
    assert "multiplication-lstm.ipynb" in repr(whole)


@pytest.mark.parametrize("words", [EN, KO])
def test_what_a_setting_keeps_from_learning_is_nothing_to_hand_in(words: Words) -> None:
    """But where accuracy earns nothing, it costs nothing."""
    training = replace(
        b.training(), epochs=100, compile={"optimizer": "Adam", "learning_rate": 1e-6}
    )
    simple = EXERCISES["multiplication-simple-rnn"]
    for exercise, said in ((EXERCISE, False), (simple, True)):
        evidence = b.sound(exercise, training=training, runs=ATTEMPTED_NOTHING, metrics={})
        found = LiveEvidence(evidence, live(FIT))
        answer = answer_of(found, [live(FIT)], exercise, course(), {}, words)
        assert "1e-06" in repr(answer.hints[0])
        assert (f"{exercise.id}.ipynb" in repr(answer)) is said


@pytest.mark.parametrize(
    ("words", "said"), [(EN, "nothing to hint at"), (KO, "모두 맞으므로 힌트가 없습니다")]
)
def test_where_all_is_right_there_is_nothing_to_hint_at(words: Words, said: str) -> None:
    whole = replace(b.training(), epochs=100)
    answer = told(b.sound(EXERCISE, training=whole), live(FIT), words)
    assert answer.hints == ()
    assert said in repr(answer.hint())
    few = told(b.sound(EXERCISE, training=whole, data=()), live(FIT), words)
    assert said not in [repr(few.hint()) for _ in range(9)]


def test_where_it_earns_none_they_are_enough() -> None:
    simple = EXERCISES["multiplication-simple-rnn"]
    training = replace(b.training(), epochs=simple.min_epochs)
    found = LiveEvidence(b.sound(simple, training=training), live(FEWER))
    answer = answer_of(found, [live(FEWER)], simple, course(), {}, EN)
    assert "graded apart" not in repr(answer)
    assert "make the model better" not in repr(answer)
    assert "Fewer than asked for are enough here" in repr(answer)
    assert "accuracy on new data" not in repr(answer)


def test_what_is_not_right_yet_is_nothing_to_hand_in() -> None:
    sound = b.sound(EXERCISE)
    wrong = replace(sound, data=(replace(sound.data[0], fraction=0.0),))
    assert ".ipynb" not in repr(told(wrong, live(FIT)))
    assert ".ipynb" not in repr(told(sound, live(FIT), data_unknown=UNSEEN))


@pytest.mark.parametrize(("words", "said"), [(EN, ", 1,020 params"), (KO, "파라미터 1,020개여야")])
def test_parameters_are_counted_alike_in_every_sentence(words: Words, said: str) -> None:
    layer = "SimpleRNN(30, return_sequences=True) → (None, 100, 30), 1020 params"
    args: dict[str, Any] = {"number": 1, "expected": layer, "got": layer}
    assert said in words.say(Message("structure.layer", args))
